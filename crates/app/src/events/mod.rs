//! Events: the append-only log of everything that happens.
//!
//! [`append`] is the one way in for live events: it answers after the group commit that made them durable, and drops what has been seen
//! (by message id). [`append_bulk`] is the way for imports: it writes Parquet at once, in the same transaction as the importer's own rows.
//! [`snapshot`] is the one way to read: sealed files and unsealed tail together, each event exactly once.
//! [`watch`] wakes a reactor after each commit; a reactor keeps its own cursor ([`cursor`], [`set_cursor`]) and reads [`changes_since`] it.
//! Events that come before it is known who their device or contact is are attributed when it becomes known ([`attribute`]).
//! In the background settled events are sealed into Parquet files and small files are merged ([`Log`]); [`erase`] rewrites what holds a
//! person or an account.

mod api;
mod attribute;
mod beginning;
mod bulk;
mod chunk;
mod compact;
pub mod copies;
mod erase;
mod event;
mod explore;
mod files;
mod ids;
pub mod ingest;
mod jobs;
mod log;
pub mod rejects;
mod rejoin;
mod row;
mod seal;
mod settle;
pub mod sources;
mod store;
#[cfg(test)]
mod tests;
mod timeline;
mod writer;

use std::sync::Arc;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use tenure_lake::{RecordBatch, Snapshot};
use tenure_store::{StoreResult, Tx};
use tokio::sync::watch;

use crate::{App, accounts};

pub use api::{TimelineItem, log_routes, timeline_item};
pub use chunk::{Chunk, Stored};
pub use event::{Event, Kind};
pub use jobs::housekeeping;
pub use log::Log;
pub use rejoin::Rejoined;
pub use row::{day_and_month, days_since_1970};
pub use seal::Limits;
pub use tenure_lake::EventRow;
pub use timeline::TimelineFilter;

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
    /// A person, by every id that the contact is known under; contacts that are merged with it go too.
    Contact(Vec<String>),
    /// An account, by its number.
    Account(i64),
}

/// Stores live events and answers once they are durable. `Unavailable` = nothing was stored, or it is not known whether it was: send again.
pub async fn append(app: &App, events: Vec<Event>) -> StoreResult<Appended> {
    app.log
        .append(Incoming {
            events,
            ..Incoming::default()
        })
        .await
}

/// As [`append`], with what became known about accounts and contacts, committed in the same transaction. `events` may be empty.
/// A change of an account is itself stored as an event (`account_updated`, `owner_changed`) in the same step.
/// `source` is what the account's history shows.
pub async fn append_with(
    app: &App,
    source: &str,
    events: Vec<Event>,
    changes: Vec<accounts::Change>,
) -> StoreResult<Appended> {
    app.log
        .append(Incoming {
            source: source.to_owned(),
            events,
            changes,
            rejects: Vec::new(),
        })
        .await
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

/// Stores a chunk of an import (50,000–200,000 events at best) as files at once. `in_tx` writes the importer's own rows (its position) into
/// the transaction that makes the chunk visible, and is told what became of the events; it must not call the log itself.
/// Reactors see the chunk as [`Changed::Bulk`]. After an error other than `Unavailable` nothing was stored.
pub async fn append_bulk<F>(app: &App, chunk: Vec<Event>, in_tx: F) -> StoreResult<Appended>
where
    F: for<'a> FnOnce(&'a Tx, Appended) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    bulk::append_bulk(&app.log.core, chunk, in_tx).await
}

/// Whether events with these message ids are stored, as far as is known at the moment.
pub async fn known(app: &App, message_ids: &[&str]) -> StoreResult<Vec<bool>> {
    chunk::known(&app.log.core, message_ids).await
}

/// Sealed and unsealed events as of one commit. Cheap; hold it as long as its files are read.
pub async fn snapshot(app: &App) -> StoreResult<Snapshot> {
    app.log.core.snapshot().await.map(|(_, snapshot)| snapshot)
}

/// The whole answer of a query over sealed and unsealed events, for answers that fit in memory.
///
/// # Errors
/// When the records or the query fail.
pub async fn read(app: &App, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
    read_from(app, &snapshot(app).await?, sql).await
}

async fn read_from(app: &App, snapshot: &Snapshot, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
    let context = app.lake.context(snapshot);
    let told = |error| anyhow::anyhow!("{error}");
    let batches = context.stream(sql).await.map_err(told)?;
    batches.map_err(told).try_collect().await
}

/// The first day of each kind of events in the tail and in files whose paths are not among `looked`, and the paths of all files. A day that was
/// known before may be told again.
///
/// # Errors
/// When records or history fail.
pub async fn first_days(
    app: &App,
    looked: &std::collections::BTreeSet<String>,
) -> anyhow::Result<(
    std::collections::BTreeSet<String>,
    std::collections::BTreeMap<String, i32>,
)> {
    beginning::first_days(app, looked).await
}

/// As [`snapshot`], with the number of the newest step that it holds: a reactor that works the snapshot in goes on from there with
/// [`changes_since`].
pub async fn snapshot_at(app: &App) -> StoreResult<(i64, Snapshot)> {
    app.log.core.snapshot().await
}

/// Seals what is settled under these limits; tells how many events. The housekeeping does it by itself.
pub async fn seal(app: &App, limits: Limits) -> StoreResult<usize> {
    seal::seal(&app.log.core, limits).await
}

/// Attributes events of devices and contacts of which it has since become known who they are; tells how many. The housekeeping does it by
/// itself, a batch at a time.
pub async fn attribute(app: &App) -> StoreResult<usize> {
    attribute::attribute(&app.log.core).await
}

/// Merges small files and deletes replaced ones that nobody reads; tells how many went into others. The housekeeping does it by itself.
pub async fn compact(app: &App) -> StoreResult<usize> {
    compact::compact(&app.log.core).await
}

/// Erases all events of a person or an account, sealed or not; tells how many. The caller writes the audit row.
pub async fn erase(app: &App, subject: &Subject) -> StoreResult<u64> {
    erase::erase(&app.log.core, subject).await
}

/// The events of an account that fit the filter, newest first.
pub async fn timeline(app: &App, account_no: i64, filter: &TimelineFilter) -> StoreResult<Vec<EventRow>> {
    timeline::timeline(&app.log.core, account_no, filter).await
}

/// Stores a chunk of an import with the importer's own rows in one transaction, and tells what became of each of its events.
/// `in_tx` writes those rows; with `keep` false nothing is stored (a dry run).
pub async fn append_chunk<F>(app: &App, chunk: Chunk, keep: bool, in_tx: F) -> StoreResult<Stored>
where
    F: for<'a> FnOnce(&'a Tx, &'a Stored) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    chunk::append(&app.log.core, chunk, keep, in_tx).await
}

/// Takes a step of the log at which these accounts or contacts are read otherwise than before, merged or parted. `in_tx` keeps what says so, and is told
/// the step. No event changes; reactors build the accounts anew.
pub async fn rejoin<F>(app: &App, who: &Rejoined, in_tx: F) -> StoreResult<i64>
where
    F: for<'a> FnOnce(&'a Tx, i64) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    rejoin::rejoin(&app.log.core, who, in_tx).await
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

/// Whether anything happened after `seq`: steps that hold no events, such as those of housekeeping, are nothing that a reactor could work in.
#[must_use]
pub fn has_changes_since(app: &App, seq: i64) -> bool {
    app.log.has_changes_since(seq)
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
