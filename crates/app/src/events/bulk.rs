//! Imports: a chunk of events goes straight into files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use tenure_lake::{EventRow, FileMeta, RecordBatch, to_batch};
use tenure_store::{StoreResult, Tx};

use super::attribute::{self, Unattributed};
use super::files::{discard, lake_fault};
use super::ids::{self, Built, Hashes};
use super::log::{Bulk, Core, blocking};
use super::store::{self, SourceCounts};
use super::writer::{Prepared, counts_of};
use super::{Appended, Event, row};
use crate::accounts::{Context, Person};

/// Rows per batch on the way to a file.
const BATCH: usize = 16_384;

/// A chunk as it is written: the rows of its files, their hashes, and what goes with them.
struct Chunk {
    rows: Arc<Vec<EventRow>>,
    hashes: Vec<u128>,
    counts: BTreeMap<String, SourceCounts>,
    unattributed: Unattributed,
    appended: Appended,
}

pub(super) async fn append_bulk<F>(core: &Core, events: Vec<Event>, in_tx: F) -> StoreResult<Appended>
where
    F: for<'a> FnOnce(&'a Tx, Appended) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    let _maintenance = core.maintenance.lock().await;
    let mut events = blocking(move || Ok(events.into_iter().map(Prepared::new).collect::<Vec<_>>())).await?;
    let sent = events.len();
    let hashes: Vec<u128> = events.iter().map(|it| it.hash).collect();
    let mut known = ids::known(&core.seen, &core.store, &hashes).await?;
    let mut duplicates = BTreeMap::new();
    events.retain(|it| {
        let new = known.insert(it.hash);
        if !new {
            note_duplicate(&mut duplicates, &it.event.source, it.event.received_at);
        }
        new
    });
    for it in &mut events {
        let event = &mut it.event;
        let named = Person {
            contact: event.contact.clone(),
            account: event.account.clone(),
        };
        if let Some(known) = core.accounts.person(&named, it.anonymous.as_deref()) {
            (event.contact, event.account) = (known.contact, known.account);
        }
    }
    let numbers = numbers(core, &events).await?;
    let seq = core.reserve().await?;
    let zone = core.zone.read().clone();
    let at = (seq, core.clock.micros());
    let mut chunk = blocking(move || Ok(build(events, sent, duplicates, &numbers, at, &zone))).await?;
    let mut files = write_files(core, &chunk).await?;
    core.point("bulk.files_written").await;

    let _commit = core.commit.lock().await;
    core.refresh().await?;
    // Live events that came meanwhile may have brought some of these; that is rare, so the files are then simply written again.
    let overtaken = core.seen.read().recent_of(&chunk.hashes);
    if !overtaken.is_empty() {
        discard(&core.lake, &files);
        chunk.drop_known(&overtaken);
        files = write_files(core, &chunk).await?;
    }
    match commit(core, &mut chunk, &files, in_tx).await {
        Ok(()) => Ok(chunk.appended),
        Err(Fault {
            error,
            committed: Committed::No,
        }) => {
            discard(&core.lake, &files);
            Err(error)
        }
        Err(Fault {
            error,
            committed: Committed::Perhaps,
        }) => Err(error),
    }
}

enum Committed {
    No,
    Perhaps,
}

struct Fault {
    error: tenure_store::StoreError,
    committed: Committed,
}

impl From<tenure_store::StoreError> for Fault {
    fn from(error: tenure_store::StoreError) -> Self {
        Self {
            error,
            committed: Committed::No,
        }
    }
}

async fn commit<F>(core: &Core, chunk: &mut Chunk, files: &[FileMeta], in_tx: F) -> Result<(), Fault>
where
    F: for<'a> FnOnce(&'a Tx, Appended) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    let before = core.state.read().seq;
    let seq = before + 1;
    let hashes = std::mem::take(&mut chunk.hashes);
    let (hashes, mut built) = blocking(move || Built::new(&hashes).map(|built| (hashes, built))).await?;
    let rows = &chunk.rows;
    let accounts: Vec<i64> = rows
        .iter()
        .map(|row| row.account_no)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let months: Vec<i32> = rows
        .iter()
        .map(|row| row.month)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let tx = core.store.begin().await?;
    store::advance(&tx, before, seq)
        .await
        .inspect_err(|_| core.distrust())?;
    store::insert_files(&tx, core.clock.micros(), files).await?;
    if !rows.is_empty() {
        store::insert_parts(&tx, seq, std::mem::take(&mut built.parts)).await?;
        store::insert_run(&tx, seq, &mut built).await?;
        store::insert_bulk(&tx, seq, &accounts, &months).await?;
    }
    store::add_counts(&tx, &chunk.counts).await?;
    // Who has come to be known since the rows were built is attributed at once.
    let known = |id: &str, account| attribute::is_known(&core.accounts, id, account);
    store::note_unattributed(&tx, &chunk.unattributed, known).await?;
    in_tx(&tx, chunk.appended).await?;
    core.point("bulk.before_commit").await;
    core.commit(tx).await.map_err(|error| Fault {
        error,
        committed: Committed::Perhaps,
    })?;
    core.point("bulk.committed").await;
    let empty = rows.is_empty();
    if !empty {
        core.seen.write().replace(&[], seq, built, &hashes);
    }
    {
        let mut state = core.state.write();
        state.seq = seq;
        if !empty {
            core.replace_files(&mut state, files.to_vec(), Vec::new());
            state.bulks.insert(
                seq,
                Bulk {
                    accounts: Arc::new(accounts),
                    months: Arc::new(months),
                },
            );
        }
    }
    core.announce(seq);
    Ok(())
}

/// The numbers of the accounts that the events name. Stubs are made in a transaction of their own, because the files need the numbers;
/// should the chunk not come about, a stub without events is all that is left, and the next attempt uses it.
async fn numbers(core: &Core, events: &[Prepared]) -> StoreResult<BTreeMap<String, i64>> {
    let ids: BTreeSet<&str> = events
        .iter()
        .filter_map(|it| it.event.account.as_deref())
        .collect();
    let mut found = BTreeMap::new();
    let mut unknown = Vec::new();
    for id in ids {
        match core.accounts.number(id) {
            Some(no) => {
                found.insert(id.to_owned(), no.get());
            }
            None => unknown.push(id),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    let _commit = core.commit.lock().await;
    let zone = core.zone.read().clone();
    let mut stage = core.accounts.stage(Context {
        source: "",
        now: core.clock.micros(),
        zone: &zone,
    });
    let tx = core.store.begin().await?;
    for (id, no) in stage.numbers(&tx, unknown).await? {
        found.insert(id, no.get());
    }
    tx.commit().await?;
    stage.publish();
    Ok(found)
}

fn note_duplicate(duplicates: &mut BTreeMap<String, SourceCounts>, source: &str, at: i64) {
    if !duplicates.contains_key(source) {
        duplicates.insert(
            source.to_owned(),
            SourceCounts {
                first_at: at,
                last_at: at,
                ..SourceCounts::default()
            },
        );
    }
    if let Some(it) = duplicates.get_mut(source) {
        it.duplicates += 1;
    }
}

fn build(
    events: Vec<Prepared>,
    sent: usize,
    duplicates: BTreeMap<String, SourceCounts>,
    numbers: &BTreeMap<String, i64>,
    (seq, now): (i64, i64),
    zone: &TimeZone,
) -> Chunk {
    let mut counts = counts_of(events.iter().map(|it| &it.event), now);
    for (source, it) in duplicates {
        counts
            .entry(source)
            .or_insert_with(|| SourceCounts {
                duplicates: 0,
                ..it.clone()
            })
            .duplicates += it.duplicates;
    }
    let appended = Appended {
        accepted: events.len(),
        duplicates: sent - events.len(),
    };
    let mut hashes: Vec<u128> = events.iter().map(|it| it.hash).collect();
    hashes.sort_unstable();
    let mut unattributed = Unattributed::default();
    let mut rows = Vec::with_capacity(events.len());
    for it in events {
        let account = it.event.account.as_ref().and_then(|id| numbers.get(id));
        let no = account.copied().unwrap_or(0);
        let row = row::row_of(seq, it.event, it.properties, no, zone);
        unattributed.note(&row, it.anonymous.as_deref());
        rows.push(row);
    }
    Chunk {
        rows: Arc::new(rows),
        hashes,
        counts,
        unattributed,
        appended,
    }
}

impl Chunk {
    /// Takes events out that turn out to be known.
    fn drop_known(&mut self, known: &Hashes) {
        let rows = Arc::make_mut(&mut self.rows);
        let before = rows.len();
        let counts = &mut self.counts;
        rows.retain(|row| {
            let keep = !known.contains(&ids::hash(&row.message_id));
            if !keep && let Some(it) = counts.get_mut(&row.source) {
                it.events -= 1;
                it.duplicates += 1;
            }
            keep
        });
        self.hashes.retain(|hash| !known.contains(hash));
        let dropped = before - rows.len();
        self.appended = Appended {
            accepted: self.appended.accepted - dropped,
            duplicates: self.appended.duplicates + dropped,
        };
    }
}

async fn write_files(core: &Core, chunk: &Chunk) -> StoreResult<Vec<FileMeta>> {
    let rows = Arc::clone(&chunk.rows);
    write_rows(core, rows).await
}

/// Writes rows as files of their months and classes.
pub(super) async fn write_rows(core: &Core, rows: Arc<Vec<EventRow>>) -> StoreResult<Vec<FileMeta>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let batches: Vec<RecordBatch> = blocking(move || {
        rows.chunks(BATCH)
            .map(|rows| to_batch(rows).map_err(lake_fault))
            .collect()
    })
    .await?;
    core.lake.seal(batches).await.map_err(lake_fault)
}
