//! Events: the append-only log of everything that happens.
//!
//! [`append`] is the one way in for live events: it answers after the group commit that made them durable, and drops what has been seen
//! (by message id). [`append_bulk`] is the way for imports: it writes Parquet at once, in the same transaction as the importer's own rows.
//! [`snapshot`] is the one way to read: sealed files and unsealed tail together, each event exactly once.
//! [`watch`] wakes a reactor after each commit; a reactor keeps its own cursor ([`cursor`], [`set_cursor`]) and reads [`changes_since`] it.
//! In the background settled events are sealed into Parquet files and small files are merged ([`Log`]); [`erase`] rewrites what holds a
//! person or an account.

mod event;
mod ids;
pub mod ingest;
mod log;
pub mod rejects;
mod row;
mod store;
mod writer;

use std::sync::Arc;

use tenure_store::{StoreResult, Tx};
use tokio::sync::watch;

use crate::{App, accounts};

pub use event::{Event, Kind};
pub use log::Log;
pub use row::{EventRow, day_and_month, days_since_1970};

/// What became of the events of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Stored now.
    pub accepted: usize,
    /// Dropped: their message id had been seen before, or twice in the call.
    pub duplicates: usize,
}

/// One step of the log after a reactor's cursor.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place; the reactor's cursor after having worked it in.
    pub seq: i64,
    /// What changed.
    pub what: Changed,
}

/// What one step of the log brought.
#[derive(Clone, Debug)]
pub enum Changed {
    /// New events, one by one.
    Live(Arc<Vec<EventRow>>),
    /// So much changed (import, erasure) that these accounts are to be rebuilt from the log; months are yyyymm. Both sorted.
    Bulk {
        /// Numbers of the accounts.
        accounts: Arc<Vec<i64>>,
        /// Months that gained or lost events.
        months: Arc<Vec<i32>>,
    },
}

/// Whose events to erase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, by the contact's id.
    Contact(String),
    /// An account, by its number.
    Account(i64),
}

/// Stores live events and answers once they are durable. `Unavailable` = nothing was stored, or it is not known whether it was: send again.
pub async fn append(app: &App, events: Vec<Event>) -> StoreResult<Appended> {
    app.log.append(Incoming { events, ..Incoming::default() }).await
}

/// As [`append`], with what became known about accounts and contacts, committed in the same transaction. `events` may be empty.
/// A change of an account is itself stored as an event (`account_updated`, `owner_changed`) in the same step.
/// `source` is what the account's history shows.
pub async fn append_with(app: &App, source: &str, events: Vec<Event>, changes: Vec<accounts::Change>) -> StoreResult<Appended> {
    app.log.append(Incoming { source: source.to_owned(), events, changes, rejects: Vec::new() }).await
}

/// What arrives together and is committed together.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// What the history of accounts shows as the source of `changes`.
    pub source: String,
    /// Events.
    pub events: Vec<Event>,
    /// What became known about accounts and contacts.
    pub changes: Vec<accounts::Change>,
    /// What was refused.
    pub rejects: Vec<rejects::Reject>,
}

/// As [`append_with`], with what was refused of the same request.
pub async fn take_in(app: &App, incoming: Incoming) -> StoreResult<Appended> {
    app.log.append(incoming).await
}

/// The newest committed `seq`, and every later one.
#[must_use]
pub fn watch(app: &App) -> watch::Receiver<i64> {
    app.log.watch()
}

/// All steps after `seq`, oldest first.
#[must_use]
pub fn changes_since(app: &App, seq: i64) -> Vec<Change> {
    app.log.changes_since(seq)
}

/// The unsealed events of the steps after `seq`.
#[must_use]
pub fn tail_since(app: &App, seq: i64) -> Vec<(i64, Arc<Vec<EventRow>>)> {
    app.log.tail_since(seq)
}

/// The place up to which a reactor has worked the log in. A reactor that is new is registered at the newest `seq`, and has to read what
/// lies before that from a [`snapshot`]; from now on nothing that it has yet to read is sealed away unannounced.
pub async fn cursor(app: &App, name: &str) -> StoreResult<i64> {
    app.log.cursor(name).await
}

/// Moves a reactor's cursor in the transaction of what it wrote.
pub async fn set_cursor(tx: &Tx, name: &str, seq: i64) -> StoreResult<()> {
    store::set_cursor(tx, name, seq).await
}
