//! What rows are read against: the program's words, the time, the import's name.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::fields::Type;
use crate::definitions::EventMap;
use crate::events::Kind as EventKind;

/// What the program and the moment say to every row of an import.
#[derive(Clone, Debug)]
pub struct Context {
    /// The program's time zone.
    pub zone: TimeZone,
    /// When the import was started: the default of `received_at`. An import that goes on after a crash keeps it.
    pub started_at: i64,
    /// What rows without a date of their own are true as of: when the file was last written, at most `started_at`.
    pub as_of: i64,
    /// The program's reporting currency, for rows that name none.
    pub currency: String,
    /// Attributes that the program declares, with how their text is read.
    pub attributes: BTreeMap<String, Type>,
    /// How other vocabularies map onto the native one.
    pub events: EventMap,
}

impl Context {
    /// The native name of an event and its kind.
    pub fn event(&self, name: &str) -> (String, EventKind) {
        let native = self.events.native(name);
        (native.to_owned(), self.events.kind(native))
    }
}
