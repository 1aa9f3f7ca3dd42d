//! Recording what people know of a customer that leaves: one event with its author, and the audit row, in one transaction.

use serde_json::{Map, Value as Json, json};
use tenure_store::StoreResult;

use super::ledger::SOURCE;
use super::rules::departures::About;
use super::rules::reasons::Given;
use crate::App;
use crate::auth::{Principal, audit};
use crate::events::{self, Chunk, Event, Kind};
use crate::metrics::facts::date_of;

/// An event to record.
pub struct Recorded<'a> {
    /// The account's id.
    pub account: &'a str,
    /// Its id: the same statement twice is one event.
    pub message_id: String,
    /// Its name.
    pub name: &'static str,
    /// When it happened, UTC microseconds.
    pub at: i64,
    /// What it says.
    pub properties: Map<String, Json>,
}

/// The properties of a reason with its author.
#[must_use]
pub fn properties(given: &Given, who: &Principal) -> Map<String, Json> {
    let mut said = Map::new();
    said.insert("reason".into(), json!(given.primary));
    said.insert("secondary_reasons".into(), json!(given.secondary));
    if let Some(competitor) = &given.competitor {
        said.insert("competitor".into(), json!(competitor));
    }
    if let Some(comment) = &given.comment {
        said.insert("comment".into(), json!(comment));
    }
    said.insert("author".into(), json!(who.actor));
    said
}

/// The id of the `version`th reason of a notice or an end.
#[must_use]
pub fn reason_id(account: &str, about: About, on: i32, version: i64) -> String {
    format!(
        "tenure/churn_reason/{}/{}/{version}/{account}",
        about.name(),
        date_of(on)
    )
}

/// The instant that stands for a day: noon of it in the program's zone, or now where that is still to come.
#[must_use]
pub fn instant_of(app: &App, day: i32) -> i64 {
    let noon = date_of(day)
        .at(12, 0, 0, 0)
        .to_zoned(app.time_zone())
        .map_or(i64::MAX, |at| at.timestamp().as_microsecond());
    noon.min(app.clock.micros())
}

/// Stores events that belong together and the audit row of what was done. Tells whether any was new: with none nothing is stored and
/// nothing audited, because the same was recorded before.
///
/// # Errors
/// When the records fail.
pub async fn record(
    app: &App,
    who: &Principal,
    action: &'static str,
    detail: Json,
    recorded: Vec<Recorded<'_>>,
) -> StoreResult<bool> {
    let now = app.clock.micros();
    let subject = format!("account:{}", recorded.first().map_or("", |it| it.account));
    let events: Vec<Event> = recorded
        .into_iter()
        .map(|it| Event {
            message_id: it.message_id,
            account: Some(it.account.to_owned()),
            contact: None,
            name: it.name.to_owned(),
            kind: Kind::Revenue,
            occurred_at: it.at,
            received_at: now,
            source: SOURCE.to_owned(),
            properties: it.properties,
        })
        .collect();
    let ids: Vec<String> = events.iter().map(|event| event.message_id.clone()).collect();
    let known: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Repeating what was recorded stores nothing, not even the count of a duplicate.
    if events::known(app, &known).await?.iter().all(|known| *known) {
        return Ok(false);
    }
    let chunk = Chunk {
        source: SOURCE.to_owned(),
        events,
        changes: Vec::new(),
    };
    let (clock, who) = (app.clock.clone(), who.clone());
    let stored = events::append_chunk(app, chunk, true, move |tx, stored| {
        let fresh = stored.fresh.contains(&true);
        Box::pin(async move {
            if fresh {
                audit(tx, &clock, &who, action, &subject, &detail).await?;
            }
            Ok(())
        })
    })
    .await?;
    Ok(stored.fresh.contains(&true))
}
