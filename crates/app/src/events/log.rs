//! The log's state in memory, how it is loaded, and who may change it.
//!
//! Two locks order all changes. *commit* is held over each transaction that moves events or ids and over the change of memory that
//! follows it, so that memory always shows a committed state, swapped as a whole. *maintenance* is held over the long work (bulk chunks,
//! sealing, compaction, merging of ids, erasure), which prepares files and runs beside live commits and takes *commit* only at its end.
//! When it is not known whether a commit happened, memory is loaded anew before the next one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::tz::TimeZone;
use parking_lot::{Mutex, RwLock};
use tenure_lake::{EventRow, FileMeta, Lake};
use tenure_store::{Clock, DataLock, Store, StoreError, StoreResult, Tx};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accounts::{self, Directory};

use super::files::{Packed, Retired};
use super::ids::Seen;
use super::row;
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
    pub(super) accounts: Arc<Directory>,
    pub(super) zone: RwLock<TimeZone>,
    pub(super) state: RwLock<State>,
    pub(super) seen: RwLock<Seen>,
    pub(super) packed: tokio::sync::Mutex<Packed>,
    pub(super) retired: Mutex<Retired>,
    pub(super) lake: Lake,
    /// Held from the first read that a change depends on to the end of the change.
    pub(super) commit: tokio::sync::Mutex<()>,
    /// Held over long work; taken before `commit`.
    pub(super) maintenance: tokio::sync::Mutex<()>,
    /// Memory may not show what the records hold.
    stale: AtomicBool,
    newest: watch::Sender<i64>,
    /// Counts the erasures, so that what was read before one is not kept after it.
    pub(super) erasures: AtomicU64,
    #[cfg(test)]
    pub(super) stop: super::tests::Stop,
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
    /// The manifest, in order of month, class and arrival.
    pub(super) files: Arc<Vec<FileMeta>>,
    /// Changes when a group leaves the tail or is rewritten, so that what was derived from the tail is derived anew.
    pub(super) epoch: u64,
    pub(super) tail: BTreeMap<i64, Arc<Blob>>,
    pub(super) bulks: BTreeMap<i64, Bulk>,
}

impl Log {
    /// Loads the log and starts its writer.
    pub(crate) async fn open(
        store: &Store,
        clock: &Clock,
        lake: &Lake,
        accounts: &Arc<Directory>,
        lock: &Arc<DataLock>,
    ) -> anyhow::Result<Self> {
        let core = Arc::new(Core {
            store: store.clone(),
            clock: clock.clone(),
            accounts: Arc::clone(accounts),
            zone: RwLock::new(TimeZone::UTC),
            state: RwLock::default(),
            seen: RwLock::default(),
            packed: tokio::sync::Mutex::default(),
            retired: Mutex::default(),
            lake: lake.clone(),
            commit: tokio::sync::Mutex::default(),
            maintenance: tokio::sync::Mutex::default(),
            stale: AtomicBool::new(true),
            newest: watch::Sender::new(0),
            erasures: AtomicU64::new(0),
            #[cfg(test)]
            stop: super::tests::Stop::default(),
            _lock: Arc::clone(lock),
        });
        core.refresh().await?;
        core.tidy_up().await?;
        let (queue, task) = writer::start(Arc::clone(&core));
        Ok(Self {
            core,
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(task)),
        })
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

    /// Events as they are shown: those of a merged account or contact under the one that it was merged into.
    fn shown(&self, rows: &Arc<Vec<EventRow>>) -> Arc<Vec<EventRow>> {
        let renames = self.core.accounts.renames();
        if renames.is_empty() || !rows.iter().any(|row| renames.touches(row)) {
            return Arc::clone(rows);
        }
        let mut rows = rows.to_vec();
        rows.iter_mut().for_each(|row| renames.apply(row));
        Arc::new(rows)
    }

    pub(super) fn tail_since(&self, seq: i64) -> Vec<(i64, Arc<Vec<EventRow>>)> {
        let state = self.core.state.read();
        state
            .tail
            .range(seq.saturating_add(1)..)
            .map(|(seq, blob)| (*seq, self.shown(&blob.rows)))
            .collect()
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

    pub(super) fn has_changes_since(&self, seq: i64) -> bool {
        let state = self.core.state.read();
        let after = seq.saturating_add(1)..;
        state.tail.range(after.clone()).next().is_some() || state.bulks.range(after).next().is_some()
    }

    pub(super) fn changes_since(&self, seq: i64) -> Vec<Change> {
        let state = self.core.state.read();
        let after = seq.saturating_add(1)..;
        // A group that is also announced as a bulk holds events that its accounts may have already.
        let new = |(seq, _): &(&i64, &Arc<Blob>)| !state.bulks.contains_key(*seq);
        let live = state
            .tail
            .range(after.clone())
            .filter(new)
            .map(|(seq, blob)| Change {
                seq: *seq,
                what: Changed::Live(self.shown(&blob.rows)),
            });
        let bulk = state.bulks.range(after).map(|(seq, it)| Change {
            seq: *seq,
            what: Changed::Bulk {
                accounts: Arc::clone(&it.accounts),
                months: Arc::clone(&it.months),
            },
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
        let first = self.state.read().epoch == 0;
        if !first {
            // The lost commit may have made accounts and contacts, too.
            accounts::load(&self.store, &self.accounts).await?;
        }
        let mut state = State {
            seq: store::newest_seq(&self.store).await?,
            files: Arc::new(store::files(&self.store).await?),
            epoch: self.state.read().epoch + 1,
            ..State::default()
        };
        for it in store::tail(&self.store).await? {
            let rows = Arc::new(row::decode(it.seq, &it.body)?);
            state.tail.insert(
                it.seq,
                Arc::new(Blob {
                    seq: it.seq,
                    received_at: it.received_at,
                    rows,
                }),
            );
        }
        for (seq, accounts, months) in store::bulks(&self.store).await? {
            state.bulks.insert(
                seq,
                Bulk {
                    accounts: Arc::new(accounts),
                    months: Arc::new(months),
                },
            );
        }
        let mut seen = Seen::default();
        for run in store::small_runs(&self.store).await? {
            seen.load(run)?;
        }
        for run in store::settled_runs(&self.store).await? {
            seen.load(store::one_run(&self.store, run).await?)?;
        }
        let seq = state.seq;
        *self.seen.write() = seen;
        {
            let mut shown = self.state.write();
            let files = std::mem::replace(&mut state.files, Arc::clone(&shown.files));
            *shown = state;
            self.adopt_files(&mut shown, files);
        }
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

    /// Takes a number of the log for something that is committed later or in several steps.
    pub(super) async fn reserve(&self) -> StoreResult<i64> {
        let _commit = self.commit.lock().await;
        self.refresh().await?;
        let seq = self.state.read().seq + 1;
        let tx = self.store.begin().await?;
        store::advance(&tx, seq - 1, seq)
            .await
            .inspect_err(|_| self.distrust())?;
        self.commit(tx).await?;
        self.state.write().seq = seq;
        Ok(seq)
    }

    /// A place where a test can stop the work for ever, as a crash would.
    pub(super) async fn point(&self, _name: &'static str) {
        #[cfg(test)]
        self.stop.reach(_name).await;
    }

    /// Tells the reactors.
    pub(super) fn announce(&self, seq: i64) {
        self.newest.send_replace(seq);
    }
}

/// Runs work that takes longer than other tasks of the thread should wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> StoreResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Other(format!("the work was cut off: {error}")))?
}
