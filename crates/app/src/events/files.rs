//! The manifest in memory, and the files that are no longer in it but that a reader may still hold.

use std::fs;
use std::sync::{Arc, Weak};

use anyhow::Context;
use tenure_lake::{FileMeta, Lake, RecordBatch, Snapshot, orphans, to_batch};
use tenure_store::{StoreError, StoreResult};

use super::log::{Blob, Core, State, blocking};
use super::store;

/// An error of the lake, as the record store's callers know errors.
pub(super) fn lake_fault(error: anyhow::Error) -> StoreError {
    StoreError::Other(format!("history: {error:#}"))
}

/// Files out of the manifest, each waiting for the readers of the manifests that named it.
#[derive(Default)]
pub(super) struct Retired {
    manifests: Vec<Weak<Vec<FileMeta>>>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    readers: Vec<Weak<Vec<FileMeta>>>,
    files: Vec<FileMeta>,
}

impl Retired {
    /// `old` was replaced by a manifest without `gone`.
    fn replaced(&mut self, old: &Arc<Vec<FileMeta>>, gone: Vec<FileMeta>) {
        self.manifests.retain(|manifest| manifest.strong_count() > 0);
        self.manifests.push(Arc::downgrade(old));
        if !gone.is_empty() {
            self.waiting.push(Waiting {
                readers: self.manifests.clone(),
                files: gone,
            });
        }
    }

    /// The files that nobody can read any more.
    fn free(&mut self) -> Vec<FileMeta> {
        let (free, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|it| it.readers.iter().all(|manifest| manifest.strong_count() == 0));
        self.waiting = waiting;
        free.into_iter().flat_map(|it: Waiting| it.files).collect()
    }
}

/// The unsealed events as columns, kept from one snapshot to the next.
#[derive(Default)]
pub(super) struct Packed {
    epoch: u64,
    until: i64,
    batches: Vec<RecordBatch>,
    shown: Arc<Vec<RecordBatch>>,
}

impl Packed {
    fn with(mut self, new: &[Arc<Blob>]) -> StoreResult<Self> {
        for blob in new {
            self.batches.push(to_batch(&blob.rows).map_err(lake_fault)?);
            fold(&mut self.batches)?;
            self.until = blob.seq;
        }
        self.shown = Arc::new(self.batches.clone());
        Ok(self)
    }
}

impl Core {
    /// Sealed files and unsealed events as of one commit, and its number.
    pub(super) async fn snapshot(&self) -> StoreResult<(i64, Snapshot)> {
        let (seq, snapshot) = self.own_snapshot().await?;
        let renames = self.accounts.renames();
        Ok((seq, Snapshot { renames, ..snapshot }))
    }

    /// The same with every event under the account that it was sent to: for work on the files themselves.
    pub(super) async fn own_snapshot(&self) -> StoreResult<(i64, Snapshot)> {
        let mut packed = self.packed.lock().await;
        let (seq, files, new, epoch) = {
            let state = self.state.read();
            let from = if state.epoch == packed.epoch {
                packed.until.saturating_add(1)
            } else {
                i64::MIN
            };
            let new: Vec<_> = state
                .tail
                .range(from..)
                .map(|(_, blob)| Arc::clone(blob))
                .collect();
            (state.seq, Arc::clone(&state.files), new, state.epoch)
        };
        if epoch != packed.epoch {
            *packed = Packed {
                epoch,
                ..Packed::default()
            };
        }
        if !new.is_empty() {
            // Taken out meanwhile: what is cut off half-way is packed anew by the next.
            let before = std::mem::take(&mut *packed);
            *packed = blocking(move || before.with(&new)).await?;
        }
        Ok((
            seq,
            Snapshot {
                files,
                tail: Arc::clone(&packed.shown),
                ..Snapshot::default()
            },
        ))
    }

    /// Puts a changed manifest in place; the caller has committed it.
    pub(super) fn replace_files(&self, state: &mut State, added: Vec<FileMeta>, gone: Vec<FileMeta>) {
        let mut files: Vec<FileMeta> = state
            .files
            .iter()
            .filter(|file| !gone.iter().any(|it| it.path == file.path))
            .cloned()
            .chain(added)
            .collect();
        files.sort_by(|a, b| {
            (a.month, a.class, a.min_seq, &a.path).cmp(&(b.month, b.class, b.min_seq, &b.path))
        });
        let old = std::mem::replace(&mut state.files, Arc::new(files));
        self.retired.lock().replaced(&old, gone);
    }

    /// Puts a manifest in place that was read from the records.
    pub(super) fn adopt_files(&self, state: &mut State, files: Arc<Vec<FileMeta>>) {
        if state.files != files {
            let gone = state
                .files
                .iter()
                .filter(|old| !files.iter().any(|it| it.path == old.path))
                .cloned()
                .collect();
            let old = std::mem::replace(&mut state.files, files);
            self.retired.lock().replaced(&old, gone);
        }
    }

    /// Deletes files that nobody can read any more. What cannot be deleted now is deleted at the next start.
    pub(super) async fn sweep(&self) -> StoreResult<()> {
        let free = self.retired.lock().free();
        let waiting = if free.is_empty() {
            self.lake.sweep()
        } else {
            self.lake.retire(free)
        };
        let gone = store::gone_files(&self.store).await?;
        let deleted: Vec<String> = gone
            .into_iter()
            .filter(|path| !self.lake.dir().join(path).exists())
            .collect();
        if !deleted.is_empty() {
            let tx = self.store.begin().await?;
            store::forget_gone(&tx, &deleted).await?;
            tx.commit().await?;
        }
        tracing::debug!(deleted = deleted.len(), waiting, "swept replaced files");
        Ok(())
    }

    /// At the start, when nobody reads: removes files that no manifest names, and makes sure that those it names are there.
    pub(super) async fn tidy_up(&self) -> anyhow::Result<()> {
        let manifest = Arc::clone(&self.state.read().files);
        let dir = self.lake.dir();
        for path in orphans(dir, &manifest)? {
            tracing::info!(path = %path.display(), "removing a file that was never committed or has been replaced");
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        for file in manifest.iter() {
            let path = dir.join(&file.path);
            let found = fs::metadata(&path)
                .with_context(|| format!("the history lacks {}: restore it from a backup", path.display()))?
                .len();
            anyhow::ensure!(
                found == file.bytes,
                "{} has {found} bytes, the manifest says {}: restore it from a backup",
                path.display(),
                file.bytes
            );
        }
        let tx = self.store.begin().await?;
        store::forget_gone(&tx, &store::gone_files(&tx).await?).await?;
        store::delete_stray_parts(&tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Removes files that were written for a transaction that did not come about.
pub(super) fn discard(lake: &Lake, files: &[FileMeta]) {
    for file in files {
        if let Err(error) = fs::remove_file(lake.dir().join(&file.path)) {
            tracing::warn!(%error, path = file.path, "an uncommitted file stays until the next start");
        }
    }
}

/// Merges the last batches while they are of like size, so that there are few, and each row is copied a few times only.
fn fold(batches: &mut Vec<RecordBatch>) -> StoreResult<()> {
    while let [.., a, b] = batches.as_slice()
        && a.num_rows() < 2 * b.num_rows()
    {
        let merged = arrow::compute::concat_batches(&a.schema(), [a, b])
            .map_err(|error| StoreError::Other(format!("unsealed events: {error}")))?;
        batches.truncate(batches.len() - 2);
        batches.push(merged);
    }
    Ok(())
}
