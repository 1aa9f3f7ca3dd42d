//! Questions to the lake.

use crate::events::store::quoted;

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    pub name: Option<&'a str>,
    pub source: Option<&'a str>,
    pub account_no: Option<i64>,
    /// Only steps of the log after this one.
    pub after: Option<i64>,
}

fn conditions(wanted: &Wanted<'_>) -> String {
    let mut all = Vec::new();
    if let Some(name) = wanted.name {
        all.push(format!("name = {}", quoted(name)));
    }
    if let Some(source) = wanted.source {
        all.push(format!("source = {}", quoted(source)));
    }
    if let Some(no) = wanted.account_no {
        all.push(format!("account_no = {no}"));
    }
    if let Some(seq) = wanted.after {
        all.push(format!("seq > {seq}"));
    }
    if all.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", all.join(" AND "))
    }
}

/// The events that arrived last.
pub fn newest(wanted: &Wanted<'_>, limit: usize) -> String {
    format!(
        "SELECT * FROM events{} ORDER BY seq DESC, received_at DESC, message_id DESC LIMIT {limit}",
        conditions(wanted)
    )
}

/// The events that happened last.
pub fn latest(wanted: &Wanted<'_>, limit: usize) -> String {
    format!(
        "SELECT * FROM events{} ORDER BY occurred_at DESC, message_id DESC LIMIT {limit}",
        conditions(wanted)
    )
}

/// Every name with its kind, how many, and when the first and the last happened.
pub fn names() -> &'static str {
    "SELECT name, kind, COUNT(*) AS events, COUNT(DISTINCT nullif(account_no, 0)) AS accounts, MIN(occurred_at) AS first_at, \
     MAX(occurred_at) AS last_at FROM events GROUP BY name, kind ORDER BY events DESC, name, kind"
}

/// Events of each name by day, from a day on (days since 1970 in the answer).
pub fn days(from: &str) -> String {
    format!(
        "SELECT name, kind, CAST(day AS INT) AS on_day, COUNT(*) AS events FROM events WHERE day >= {} GROUP BY name, kind, day",
        quoted(from)
    )
}
