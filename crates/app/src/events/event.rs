//! What an event is.

use serde_json::{Map, Value as Json};

pub use crate::definitions::Kind;

/// One event, validated and normalised, not yet stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique for ever; a second event with it is dropped.
    pub message_id: String,
    /// The account's id as the source knows it; `None` = not attributed.
    pub account: Option<String>,
    /// The contact's id as the source knows it.
    pub contact: Option<String>,
    /// The native name (after the program's mapping).
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// When it happened, UTC microseconds.
    pub occurred_at: i64,
    /// When it became known, UTC microseconds.
    pub received_at: i64,
    /// Where it came from.
    pub source: String,
    /// Everything else.
    pub properties: Map<String, Json>,
}
