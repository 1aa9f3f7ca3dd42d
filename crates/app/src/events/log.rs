//! The log's state in memory, how it is loaded, and who may change it.
//!
//! Two locks order all changes. *commit* is held over each transaction that moves events or ids and over the change of memory that
//! follows it, so that memory always shows a committed state, swapped as a whole. *maintenance* is held over the long work (bulk chunks,
//! sealing, compaction, merging of ids, erasure), which prepares files and runs beside live commits and takes *commit* only at its end.
//! When it is not known whether a commit happened, memory is loaded anew before the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;
use parking_lot::{Mutex, RwLock};
use tenure_store::{Clock, DataLock, Store, StoreError, StoreResult, Tx};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accounts::Directory;

use super::ids::Seen;
use super::row::{self, EventRow};
use super::writer::{self, Queue};
use super::{Appended, Change, Changed, Incoming, store};

/// The log of an open Tenure.
pub struct Log {
    pub(super) core: Arc<Core>,
    queue: Mutex<Option<Queue>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the log's tasks share.
pub(super) struct Core {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) dir: PathBuf,
    pub(super) accounts: Arc<Directory>,
    pub(super) zone: RwLock<TimeZone>,
    pub(super) state: RwLock<State>,
    pub(super) seen: RwLock<Seen>,
    /// Held from the first read that a change depends on to the end of the change.
    pub(super) commit: tokio::sync::Mutex<()>,
    /// Held over long work; taken before `commit`.
    pub(super) maintenance: tokio::sync::Mutex<()>,
    /// Memory may not show what the records hold.
    stale: AtomicBool,
    newest: watch::Sender<i64>,
    /// The folder stays ours until the last task has ended.
    _lock: Arc<DataLock>,
}

/// One committed, unsealed group.
pub(super) struct Blob {
    pub(super) seq: i64,
    pub(super) received_at: i64,
    pub(super) rows: Arc<Vec<EventRow>>,
}

/// An announced bulk change.
#[derive(Clone)]
pub(super) struct Bulk {
    pub(super) accounts: Arc<Vec<i64>>,
    pub(super) months: Arc<Vec<i32>>,
}

/// What memory shows; always a committed state.
#[derive(Default)]
pub(super) struct State {
    pub(super) seq: i64,
    pub(super) tail: BTreeMap<i64, Arc<Blob>>,
    pub(super) bulks: BTreeMap<i64, Bulk>,
}

impl Log {
    /// Loads the log and starts its writer.
    pub(crate) async fn open(
        store: &Store,
        clock: &Clock,
        dir: &Path,
        accounts: &Arc<Directory>,
        lock: &Arc<DataLock>,
    ) -> anyhow::Result<Self> {
        let core = Arc::new(Core {
            store: store.clone(),
            clock: clock.clone(),
            dir: dir.to_owned(),
            accounts: Arc::clone(accounts),
            zone: RwLock::new(TimeZone::UTC),
            state: RwLock::default(),
            seen: RwLock::default(),
            commit: tokio::sync::Mutex::default(),
            maintenance: tokio::sync::Mutex::default(),
            stale: AtomicBool::new(true),
            newest: watch::Sender::new(0),
            _lock: Arc::clone(lock),
        });
        core.refresh().await?;
        let (queue, task) = writer::start(Arc::clone(&core));
        Ok(Self { core, queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(task)) })
    }

    /// Takes no more events, and returns when those already taken are answered.
    pub async fn shutdown(&self) {
        self.queue.lock().take();
        let writer = self.writer.lock().take();
        if let Some(task) = writer
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the log's writer did not end well");
        }
    }

    /// The zone that days are counted in.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        self.core.zone.read().clone()
    }

    /// Sets the zone that days are counted in, for events that arrive from now on.
    pub fn set_time_zone(&self, zone: TimeZone) {
        *self.core.zone.write() = zone;
    }

    pub(super) async fn append(&self, incoming: Incoming) -> StoreResult<Appended> {
        let queue = self.queue.lock().clone();
        let queue = queue.ok_or_else(|| StoreError::Unavailable("the log is closing".to_owned()))?;
        queue.append(incoming).await
    }

    pub(super) fn watch(&self) -> watch::Receiver<i64> {
        self.core.newest.subscribe()
    }

    pub(super) fn tail_since(&self, seq: i64) -> Vec<(i64, Arc<Vec<EventRow>>)> {
        let state = self.core.state.read();
        state.tail.range(seq.saturating_add(1)..).map(|(seq, blob)| (*seq, Arc::clone(&blob.rows))).collect()
    }

    pub(super) async fn cursor(&self, name: &str) -> StoreResult<i64> {
        if let Some(seq) = store::cursor(&self.core.store, name).await? {
            return Ok(seq);
        }
        let _commit = self.core.commit.lock().await;
        self.core.refresh().await?;
        let seq = self.core.state.read().seq;
        let tx = self.core.store.begin().await?;
        store::set_cursor(&tx, name, seq).await?;
        tx.commit().await?;
        Ok(seq)
    }

    pub(super) fn changes_since(&self, seq: i64) -> Vec<Change> {
        let state = self.core.state.read();
        let after = seq.saturating_add(1)..;
        let live = state.tail.range(after.clone()).map(|(seq, blob)| Change { seq: *seq, what: Changed::Live(Arc::clone(&blob.rows)) });
        let bulk = state.bulks.range(after).map(|(seq, it)| Change {
            seq: *seq,
            what: Changed::Bulk { accounts: Arc::clone(&it.accounts), months: Arc::clone(&it.months) },
        });
        let mut changes: Vec<Change> = live.chain(bulk).collect();
        changes.sort_by_key(|change| change.seq);
        changes
    }
}

impl Core {
    /// Loads memory from the records, if it may differ from them. The caller holds `commit` (or nobody else has the log yet).
    pub(super) async fn refresh(&self) -> StoreResult<()> {
        if !self.stale.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut state = State { seq: store::newest_seq(&self.store).await?, ..State::default() };
        for it in store::tail(&self.store).await? {
            let rows = Arc::new(row::decode(it.seq, &it.body)?);
            state.tail.insert(it.seq, Arc::new(Blob { seq: it.seq, received_at: it.received_at, rows }));
        }
        for (seq, accounts, months) in store::bulks(&self.store).await? {
            state.bulks.insert(seq, Bulk { accounts: Arc::new(accounts), months: Arc::new(months) });
        }
        let mut seen = Seen::default();
        for (run, entries, bits, body) in store::id_runs(&self.store).await? {
            seen.load(run, entries, bits, body)?;
        }
        let seq = state.seq;
        *self.seen.write() = seen;
        *self.state.write() = state;
        self.stale.store(false, Ordering::Release);
        self.newest.send_replace(seq);
        Ok(())
    }

    /// Commits; after an error it is not known what the records hold, so memory is loaded anew before the next change.
    pub(super) async fn commit(&self, tx: Tx) -> StoreResult<()> {
        // A caller that is cancelled during the commit does not learn its outcome either.
        self.stale.store(true, Ordering::Release);
        tx.commit().await.map_err(|error| {
            StoreError::Unavailable(format!("it is not known whether the commit happened: {error}"))
        })?;
        self.stale.store(false, Ordering::Release);
        Ok(())
    }

    /// Memory must be loaded anew before the next change.
    pub(super) fn distrust(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Tells the reactors.
    pub(super) fn announce(&self, seq: i64) {
        self.newest.send_replace(seq);
    }
}
