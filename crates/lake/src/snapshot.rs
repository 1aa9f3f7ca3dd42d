//! What one query sees: the sealed files of the manifest, and the tail that is not sealed yet.

use std::sync::Arc;

use anyhow::Result;
use datafusion::arrow::array::RecordBatch;

use crate::event::ensure_schema;
use crate::files::FileMeta;
use crate::renames::Renames;

/// Sealed files and unsealed tail, taken by the caller in one read of its records, so that every event stands in
/// exactly one of the two. Cloning costs two counters.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The manifest.
    pub files: Arc<Vec<FileMeta>>,
    /// Events not sealed yet, with the columns of [`crate::event_schema`].
    pub tail: Arc<Vec<RecordBatch>>,
    /// Accounts whose events are shown as another's.
    pub renames: Arc<Renames>,
}

impl Snapshot {
    /// A snapshot of these files and batches.
    ///
    /// # Errors
    /// When a batch of the tail is not one of events.
    pub fn new(files: Vec<FileMeta>, tail: Vec<RecordBatch>) -> Result<Self> {
        for batch in &tail {
            ensure_schema(batch)?;
        }
        Ok(Self {
            files: Arc::new(files),
            tail: Arc::new(tail),
            renames: Arc::default(),
        })
    }

    /// Number of events.
    pub fn rows(&self) -> u64 {
        let sealed: u64 = self.files.iter().map(|file| file.rows).sum();
        sealed + self.tail.iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    }
}
