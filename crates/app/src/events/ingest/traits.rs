//! Traits: what messages say about contacts and accounts, brought into the program's names and types.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Number, Value as Json};

use super::message::Fault;
use crate::App;
use crate::accounts::{AccountChange, ContactChange};
use crate::definitions::{Attribute, AttributeType, Definitions};
use crate::events::Kind;

/// The program's names: of events, and of what is known of an account.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(Option<Arc<Definitions>>);

impl Vocabulary {
    /// Those of the program that is in force; without one every name stays as it is.
    pub(super) fn of(app: &App) -> Self {
        Self(app.definitions())
    }

    /// The native name of an event and its kind. A name that the program does not map stays exactly as it is.
    pub(super) fn native(&self, name: &str) -> (String, Kind) {
        match &self.0 {
            Some(definitions) => {
                let native = definitions.events.native(name);
                (native.to_owned(), definitions.events.kind(native))
            }
            None => (name.to_owned(), Kind::of(name)),
        }
    }

    /// What the traits of a group call say about an account, and the values that do not fit the declared types.
    pub(super) fn account(
        &self,
        id: String,
        mut traits: Map<String, Json>,
        at: i64,
    ) -> (AccountChange, Vec<Fault>) {
        let name = text(&mut traits, &["name"]);
        let owner = text(&mut traits, &["owner"]);
        let parent = text(&mut traits, &["parent_id", "parentId"]);
        // An id that repeats the account's own is no attribute of it.
        if traits.get("id").and_then(Json::as_str) == Some(id.as_str()) {
            traits.shift_remove("id");
        }
        let mut attributes = Map::with_capacity(traits.len());
        let mut faults = Vec::new();
        for (key, value) in traits {
            match self.attribute(&key) {
                None => {
                    attributes.insert(key, value);
                }
                Some(attribute) => match typed(attribute.kind, &value) {
                    Some(value) => {
                        attributes.insert(attribute.id.clone(), value);
                    }
                    None => faults.push(Fault {
                        trait_name: Some(key),
                        ..Fault::new(
                            "traits",
                            &value,
                            format!("the attribute {} is declared as {}", attribute.id, type_name(attribute.kind)),
                            "send such a value, or declare the attribute with another type in attributes.yaml and replay",
                        )
                    }),
                },
            }
        }
        (
            AccountChange {
                id,
                name,
                owner,
                parent,
                attributes,
                at,
            },
            faults,
        )
    }

    /// The declared attribute that a trait means, also where the trait is written in camelCase.
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        let definitions = self.0.as_ref()?;
        definitions
            .attribute(name)
            .or_else(|| definitions.attribute(&snake_case(name)))
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.trim().chars() {
        if c.is_uppercase() {
            if lower {
                out.push('_');
            }
            out.extend(c.to_lowercase());
            lower = false;
        } else {
            lower = c.is_lowercase() || c.is_ascii_digit();
            out.push(if c == ' ' || c == '-' { '_' } else { c });
        }
    }
    out
}

fn type_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Integer => "a whole number",
        AttributeType::Number => "a number",
        AttributeType::Text => "a text",
        AttributeType::Boolean => "true or false",
        AttributeType::Date => "a date",
        AttributeType::Money => "an amount of money",
    }
}

/// A trait's value in the type of its attribute; null takes a value away in every type. `None` = it does not fit.
fn typed(kind: AttributeType, value: &Json) -> Option<Json> {
    if value.is_null() {
        return Some(Json::Null);
    }
    let text = value.as_str().map(str::trim);
    if text == Some("") {
        return Some(Json::Null);
    }
    match kind {
        AttributeType::Integer => {
            if value.is_i64() || value.is_u64() {
                return Some(value.clone());
            }
            if let Some(whole) = text.and_then(|text| text.parse::<i64>().ok()) {
                return Some(whole.into());
            }
            let number = value
                .as_f64()
                .or_else(|| text.and_then(|text| text.parse().ok()))?;
            #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
            (number.fract() == 0.0 && number.abs() < 9e15).then(|| Json::from(number as i64))
        }
        AttributeType::Number | AttributeType::Money => {
            if value.is_number() {
                return Some(value.clone());
            }
            Number::from_f64(text?.parse().ok()?).map(Json::Number)
        }
        AttributeType::Text => match value {
            Json::String(text) => Some(Json::String(text.clone())),
            Json::Number(_) | Json::Bool(_) => Some(Json::String(value.to_string())),
            _ => None,
        },
        AttributeType::Boolean => {
            let truth = match value {
                Json::Bool(truth) => *truth,
                Json::Number(number) => match number.as_f64()? {
                    1.0 => true,
                    0.0 => false,
                    _ => return None,
                },
                _ => match text?.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "1" => true,
                    "false" | "no" | "0" => false,
                    _ => return None,
                },
            };
            Some(truth.into())
        }
        AttributeType::Date => {
            // An instant stands for the day that it is written with.
            let day: Date = text?.get(..10)?.parse().ok()?;
            Some(day.to_string().into())
        }
    }
}

/// Takes the first of these members that is a text with something in it.
fn text(traits: &mut Map<String, Json>, keys: &[&str]) -> Option<String> {
    let key = keys.iter().find(|key| {
        traits
            .get(**key)
            .and_then(Json::as_str)
            .is_some_and(|text| !text.trim().is_empty())
    })?;
    match traits.shift_remove(*key) {
        Some(Json::String(text)) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// Members of a contact's traits that have a place of their own.
const CONTACT: [&str; 8] = [
    "email",
    "name",
    "firstName",
    "lastName",
    "first_name",
    "last_name",
    "title",
    "role",
];

/// Whether traits that an event carries along say something that is worth keeping of its contact.
pub(super) fn says_something_of_a_contact(traits: &Map<String, Json>) -> bool {
    CONTACT
        .iter()
        .any(|key| traits.get(*key).is_some_and(|value| !value.is_null()))
}

/// What traits say about a contact.
pub(super) fn contact(id: String, mut traits: Map<String, Json>, at: i64) -> ContactChange {
    let email = text(&mut traits, &["email"]);
    let first = text(&mut traits, &["firstName", "first_name", "firstname"]);
    let last = text(&mut traits, &["lastName", "last_name", "lastname"]);
    let name = text(&mut traits, &["name"]).or_else(|| match (first, last) {
        (None, None) => None,
        (first, last) => Some([first, last].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    });
    let title = text(&mut traits, &["title"]);
    let role = text(&mut traits, &["role"]);
    // An id that repeats the contact's own is no attribute of it.
    if traits.get("id").and_then(Json::as_str) == Some(id.as_str()) {
        traits.shift_remove("id");
    }
    ContactChange {
        id,
        account: None,
        email,
        name,
        title,
        role,
        attributes: traits,
        at,
    }
}

/// The id of the company that an identify names in its traits (`company: {id}`).
pub(super) fn company(traits: &Map<String, Json>) -> Option<Json> {
    let id = traits.get("company")?.get("id").cloned()?;
    (!id.is_null()).then_some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_in_the_declared_type() {
        use AttributeType::{Boolean, Date, Integer, Money, Number, Text};
        for (kind, value, wanted) in [
            (Integer, json!(40), Some(json!(40))),
            (Integer, json!("40"), Some(json!(40))),
            (Integer, json!(" 40 "), Some(json!(40))),
            (Integer, json!(40.0), Some(json!(40))),
            (Integer, json!(40.5), None),
            (Integer, json!("1-50"), None),
            (Integer, json!(true), None),
            (Integer, json!(""), Some(json!(null))),
            (Integer, json!(null), Some(json!(null))),
            (Number, json!("2.5"), Some(json!(2.5))),
            (Number, json!("NaN"), None),
            (Money, json!(99), Some(json!(99))),
            (Text, json!(5), Some(json!("5"))),
            (Text, json!([5]), None),
            (Boolean, json!("Yes"), Some(json!(true))),
            (Boolean, json!(0), Some(json!(false))),
            (Boolean, json!(2), None),
            (Date, json!("2026-06-30"), Some(json!("2026-06-30"))),
            (
                Date,
                json!("2026-06-30T23:00:00-08:00"),
                Some(json!("2026-06-30")),
            ),
            (Date, json!("2026-02-30"), None),
            (Date, json!("ééééé"), None),
        ] {
            assert_eq!(typed(kind, &value), wanted, "{kind:?} {value}");
        }
    }

    #[test]
    fn names_in_camel_case_mean_the_same() {
        for (name, wanted) in [
            ("employeeCount", "employee_count"),
            ("ARR", "arr"),
            ("Plan Name", "plan_name"),
            ("seats", "seats"),
            ("userID2", "user_id2"),
        ] {
            assert_eq!(snake_case(name), wanted);
        }
    }

    #[test]
    fn the_program_gives_names_and_types() {
        let files = [
            (
                "program.yaml",
                "program: p\ntitle: P\ncurrency: USD\nstarted_on: 2026-01-01\n",
            ),
            ("segments.yaml", "segments:\n  - {id: core, rule: \"mrr >= 0\"}\n"),
            (
                "attributes.yaml",
                "attributes:\n  - {id: staff_count, type: integer}\n  - {id: since, type: date}\n",
            ),
            (
                "events.yaml",
                "names: {\"Signed In\": login, Demo: demo_held}\nkinds: {demo_held: meeting}\n",
            ),
        ];
        let files = files
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect();
        let vocabulary = Vocabulary(Some(Arc::new(
            Definitions::parse(&files).expect("sound definitions"),
        )));
        for (name, native, kind) in [
            ("Signed In", "login", Kind::Product),
            ("Demo", "demo_held", Kind::Meeting),
            ("ticket_opened", "ticket_opened", Kind::Support),
            ("signed in", "signed in", Kind::Product),
        ] {
            assert_eq!(vocabulary.native(name), (native.to_owned(), kind));
        }
        let Json::Object(traits) =
            json!({"staffCount": "40", "since": "last year", "Colour": [1], "name": "A"})
        else {
            panic!()
        };
        let (change, faults) = vocabulary.account("a".to_owned(), traits, 5);
        assert_eq!(
            Json::Object(change.attributes),
            json!({"staff_count": 40, "Colour": [1]})
        );
        assert_eq!(change.name.as_deref(), Some("A"));
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].path().as_deref(), faults[0].value.as_str()),
            (Some("traits.since"), "last year")
        );
    }
}
