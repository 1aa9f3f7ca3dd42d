//! How what is said about accounts and contacts is merged into what is known. No I/O.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use super::{AccountChange, AccountNo, ContactChange};

/// The day of an instant in a zone, as days since 1970-01-01.
#[must_use]
pub fn day_of(at: i64, zone: &TimeZone) -> i64 {
    let Ok(instant) = Timestamp::from_microsecond(at) else {
        return at.div_euclid(86_400_000_000);
    };
    let day = instant.to_zoned(zone.clone()).date();
    day.duration_since(date(1970, 1, 1)).as_hours() / 24
}

/// An account's record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Account {
    pub no: AccountNo,
    pub id: String,
    pub name: String,
    pub owner: Option<String>,
    pub parent: Option<String>,
    pub attributes: Map<String, Json>,
    pub stub: bool,
    pub created_at: i64,
    /// The newest instant of all changes that were taken over; 0 for a stub.
    pub updated_at: i64,
}

/// A row of the history of one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HistoryRow {
    pub value: Json,
    pub at: i64,
}

/// The history of an account's fields: field → day → value.
pub(super) type History = BTreeMap<String, BTreeMap<i64, HistoryRow>>;

/// What a change does to one field.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Nothing,
    /// The field has a new value now; the row goes into the history.
    Set,
    /// Only the history changes.
    Past,
}

/// Decides what a value that became true at `at`, on `day`, does to a field with value `current`.
///
/// `history` is needed (and read from the records) only where the change is not newer than everything that is known of the account.
pub(super) fn step(
    current: &Json,
    new: &Json,
    day: i64,
    at: i64,
    history: Option<&BTreeMap<i64, HistoryRow>>,
) -> Step {
    let Some(history) = history else {
        return if current == new { Step::Nothing } else { Step::Set };
    };
    if history.get(&day).is_some_and(|row| row.at > at) {
        // The day already ended with a later value.
        return Step::Nothing;
    }
    let newer = history.values().any(|row| row.at > at);
    if !newer {
        return if current == new { Step::Nothing } else { Step::Set };
    }
    // Written even where the days before show the same value: something in between may still arrive.
    if history.get(&day).is_some_and(|row| row.value == *new) {
        Step::Nothing
    } else {
        Step::Past
    }
}

/// The fields that a change speaks of, as `(field, value)`; removing is null.
pub(super) fn fields(change: &AccountChange) -> impl Iterator<Item = (&str, Json)> {
    let text = |text: &Option<String>| text.as_ref().map(|text| Json::String(text.clone()));
    let owner = match change.owner.as_deref() {
        Some("") => Some(Json::Null),
        _ => text(&change.owner),
    };
    [
        ("name", text(&change.name)),
        ("owner", owner),
        ("parent_id", text(&change.parent)),
    ]
    .into_iter()
    .filter_map(|(field, value)| Some((field, value?)))
    .chain(
        change
            .attributes
            .iter()
            .map(|(field, value)| (field.as_str(), value.clone())),
    )
}

impl Account {
    /// The present value of a field, null when there is none.
    pub(super) fn field(&self, field: &str) -> Json {
        let text = |text: &Option<String>| {
            text.as_ref()
                .map_or(Json::Null, |text| Json::String(text.clone()))
        };
        match field {
            // A stub is shown under its id; that is no knowledge of its name.
            "name" if self.name == self.id && self.stub => Json::Null,
            "name" => Json::String(self.name.clone()),
            "owner" => text(&self.owner),
            "parent_id" => text(&self.parent),
            _ => self.attributes.get(field).cloned().unwrap_or(Json::Null),
        }
    }

    /// Gives a field a new value.
    pub(super) fn set(&mut self, field: &str, value: &Json) {
        let text = || value.as_str().map(str::to_owned);
        match field {
            "name" => self.name = text().unwrap_or_else(|| self.id.clone()),
            "owner" => self.owner = text(),
            "parent_id" => self.parent = text(),
            _ if value.is_null() => {
                self.attributes.shift_remove(field);
            }
            _ => {
                self.attributes.insert(field.to_owned(), value.clone());
            }
        }
    }
}

/// A contact's record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Contact {
    pub id: String,
    pub account: AccountNo,
    pub email: Option<String>,
    pub name: Option<String>,
    pub title: Option<String>,
    pub role: Option<String>,
    pub attributes: Map<String, Json>,
    pub created_at: i64,
    pub updated_at: i64,
}

impl Contact {
    /// Merges what is said about the contact; tells whether the record changed. What is older than the record only fills empty fields.
    pub(super) fn merge(&mut self, change: &ContactChange, account: AccountNo) -> bool {
        let newer = change.at >= self.updated_at;
        let mut changed = false;
        if !account.is_none() && account != self.account && (newer || self.account.is_none()) {
            self.account = account;
            changed = true;
        }
        for (field, value) in [
            (&mut self.email, &change.email),
            (&mut self.name, &change.name),
            (&mut self.title, &change.title),
            (&mut self.role, &change.role),
        ] {
            if value.is_some() && field != value && (newer || field.is_none()) {
                field.clone_from(value);
                changed = true;
            }
        }
        for (field, value) in &change.attributes {
            let known = self.attributes.get(field);
            if value.is_null() {
                if newer && known.is_some() {
                    self.attributes.shift_remove(field);
                    changed = true;
                }
            } else if known != Some(value) && (newer || known.is_none()) {
                self.attributes.insert(field.clone(), value.clone());
                changed = true;
            }
        }
        if changed && newer {
            self.updated_at = change.at;
        }
        changed
    }

    /// Takes over from a merged contact what this one does not know itself.
    pub(super) fn absorb(&mut self, other: Self) {
        if self.account.is_none() {
            self.account = other.account;
        }
        for (field, value) in [
            (&mut self.email, other.email),
            (&mut self.name, other.name),
            (&mut self.title, other.title),
            (&mut self.role, other.role),
        ] {
            if field.is_none() {
                *field = value;
            }
        }
        for (field, value) in other.attributes {
            self.attributes.entry(field).or_insert(value);
        }
        self.created_at = self.created_at.min(other.created_at);
        self.updated_at = self.updated_at.max(other.updated_at);
    }
}
