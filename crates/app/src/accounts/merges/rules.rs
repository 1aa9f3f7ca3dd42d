//! What is shown of an account that another was merged into. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{Choices, Side};

/// A value that a field got on a day, and when that became true.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The value; null = it was taken away.
    pub value: Json,
    /// When it became true, UTC microseconds.
    pub at: i64,
}

/// What is told of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Its name; the id where none is known.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// The account that it belongs to.
    pub parent: Option<String>,
    /// Attributes by id.
    pub attributes: Map<String, Json>,
    /// Whether nothing but its id is known.
    pub stub: bool,
    /// The history of its fields: field → day → value.
    pub history: BTreeMap<String, BTreeMap<i64, Row>>,
}

impl Told {
    /// The present value of a field, null when there is none.
    #[must_use]
    pub fn field(&self, field: &str) -> Json {
        let text = |text: &Option<String>| text.clone().map_or(Json::Null, Json::String);
        match field {
            "name" if self.name == self.id => Json::Null,
            "name" => Json::String(self.name.clone()),
            "owner" => text(&self.owner),
            "parent_id" => text(&self.parent),
            _ => self.attributes.get(field).cloned().unwrap_or_default(),
        }
    }

    fn set(&mut self, field: &str, value: Json) {
        let text = value.as_str().map(str::to_owned);
        match field {
            "name" => self.name = text.unwrap_or_else(|| self.id.clone()),
            "owner" => self.owner = text,
            "parent_id" => self.parent = text,
            _ if value.is_null() => {
                self.attributes.shift_remove(field);
            }
            _ => {
                self.attributes.insert(field.to_owned(), value);
            }
        }
    }

    /// Every field of which something is known.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        let known = ["name", "owner", "parent_id"].into_iter().map(str::to_owned);
        known
            .filter(|field| !self.field(field).is_null())
            .chain(self.attributes.keys().cloned())
            .chain(self.history.keys().cloned())
            .collect()
    }
}

/// The survivor as it is shown with another merged into it at `at`.
///
/// Of each field the chosen side's past is shown. What either account is told after the merge is news of the one customer that they now are,
/// so both sides' later rows count; where both speak on one day, the later word holds.
#[must_use]
pub fn combine(survivor: Told, merged: Told, choices: &Choices, at: i64) -> Told {
    let mut shown = survivor.clone();
    shown.stub = survivor.stub && merged.stub;
    let fields: BTreeSet<String> = survivor.fields().union(&merged.fields()).cloned().collect();
    for field in fields {
        let empty = survivor.field(&field).is_null() && !survivor.history.contains_key(&field);
        let side = match choices.get(&field) {
            Some(side) => *side,
            None if survivor.field(&field).is_null() && !merged.field(&field).is_null() => Side::Merged,
            None if empty => Side::Merged,
            None => Side::Survivor,
        };
        let (chosen, other) = match side {
            Side::Survivor => (&survivor, &merged),
            Side::Merged => (&merged, &survivor),
        };
        let mut rows: BTreeMap<i64, Row> = chosen.history.get(&field).cloned().unwrap_or_default();
        let later = other.history.get(&field).into_iter().flatten();
        let mut news = false;
        for (day, row) in later.filter(|(_, row)| row.at > at) {
            news = true;
            if rows.get(day).is_none_or(|known| known.at <= row.at) {
                rows.insert(*day, row.clone());
            }
        }
        let value = match rows.last_key_value() {
            Some((_, row)) if news => row.value.clone(),
            _ => chosen.field(&field),
        };
        shown.set(&field, value);
        if rows.is_empty() {
            shown.history.remove(&field);
        } else {
            shown.history.insert(field, rows);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(id: &str, rows: &[(&str, i64, i64, Json)]) -> Told {
        let mut told = Told {
            id: id.to_owned(),
            name: id.to_owned(),
            ..Told::default()
        };
        for (field, day, at, value) in rows {
            told.set(field, value.clone());
            let row = Row {
                value: value.clone(),
                at: *at,
            };
            told.history
                .entry((*field).to_owned())
                .or_default()
                .insert(*day, row);
        }
        told
    }

    #[test]
    fn the_chosen_side_is_shown_and_a_gap_is_filled_from_the_other() {
        let a = told(
            "a",
            &[("plan", 1, 10, json!("gold")), ("owner", 1, 10, json!("ann"))],
        );
        let b = told(
            "b",
            &[
                ("name", 1, 5, json!("Bee")),
                ("plan", 1, 5, json!("tin")),
                ("owner", 2, 20, json!("ben")),
                ("size", 3, 30, json!(7)),
            ],
        );
        let choices = Choices::from([("owner".to_owned(), Side::Merged)]);
        let shown = combine(a, b, &choices, 100);
        assert_eq!(shown.id, "a");
        assert_eq!(shown.name, "Bee");
        assert_eq!(shown.owner.as_deref(), Some("ben"));
        assert_eq!(shown.attributes.get("plan"), Some(&json!("gold")));
        assert_eq!(shown.attributes.get("size"), Some(&json!(7)));
        assert_eq!(shown.history["owner"].keys().collect::<Vec<_>>(), [&2]);
    }

    #[test]
    fn what_either_side_says_after_the_merge_is_news_of_both() {
        let a = told(
            "a",
            &[("plan", 1, 10, json!("gold")), ("plan", 9, 150, json!("new"))],
        );
        let b = told(
            "b",
            &[("plan", 1, 5, json!("tin")), ("plan", 9, 160, json!("newer"))],
        );
        let shown = combine(a.clone(), b.clone(), &Choices::default(), 100);
        assert_eq!(shown.attributes.get("plan"), Some(&json!("newer")));
        assert_eq!(shown.history["plan"][&1].value, json!("gold"));
        let choices = Choices::from([("plan".to_owned(), Side::Merged)]);
        let shown = combine(a, b, &choices, 155);
        assert_eq!(shown.history["plan"][&1].value, json!("tin"));
        assert_eq!(shown.attributes.get("plan"), Some(&json!("newer")));
    }
}
