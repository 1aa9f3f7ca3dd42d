//! Rewriting sealed files: many into one (compaction), or one without some people's events (erasure).
//!
//! Both read sorted files and write one sorted file, a batch at a time: memory does not grow with the files.
//! The new file is durable before the caller changes its manifest; the old ones are then given to [`Lake::retire`].

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, expressions};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use crate::event::{Class, event_schema};
use crate::files::{self, FileMeta, FileWriter, SORT_COLUMNS};
use crate::provider::{partitioned, scan_files};
use crate::session::Lake;

/// Whose events are to go. An event goes when any of the four names it.
#[derive(Debug, Clone, Default)]
pub struct Erase {
    /// Internal account numbers; 0 (not attributed) is never matched.
    pub account_nos: HashSet<i64>,
    /// Account ids as their sources know them, for events that were never attributed.
    pub account_ids: HashSet<String>,
    /// Contact ids as their sources know them.
    pub contact_ids: HashSet<String>,
    /// Single events.
    pub message_ids: HashSet<String>,
}

/// What a rewrite left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new file; `None` when no event was left.
    pub file: Option<FileMeta>,
    /// Events that are gone.
    pub removed: u64,
}

impl Erase {
    /// Whether a file can hold an event that is to go, as far as its manifest entry tells.
    pub fn may_touch(&self, file: &FileMeta) -> bool {
        !self.account_ids.is_empty()
            || !self.contact_ids.is_empty()
            || !self.message_ids.is_empty()
            || self
                .account_nos
                .iter()
                .any(|no| (file.min_account_no..=file.max_account_no).contains(no))
    }

    fn keep(&self, batch: &RecordBatch) -> BooleanArray {
        let numbers = batch.column(2).as_primitive::<Int64Type>().values();
        let accounts = batch.column(3).as_string_view();
        let contacts = batch.column(4).as_string_view();
        let messages = batch.column(1).as_string_view();
        let named =
            |set: &HashSet<String>, value: Option<&str>| value.is_some_and(|value| set.contains(value));
        let rows = numbers.iter().zip(accounts).zip(contacts).zip(messages);
        rows.map(|(((no, account), contact), message)| {
            let gone = (*no != 0 && self.account_nos.contains(no))
                || named(&self.account_ids, account)
                || named(&self.contact_ids, contact)
                || named(&self.message_ids, message);
            Some(!gone)
        })
        .collect()
    }
}

impl Lake {
    /// Writes events as sealed files, one for each month and class among them.
    ///
    /// # Errors
    /// When the batches are not of events, or the disk refuses.
    pub async fn seal(&self, batches: Vec<RecordBatch>) -> Result<Vec<FileMeta>> {
        let dir = self.dir().to_owned();
        self.blocking(move || files::write_batches(&dir, &batches)).await
    }

    /// Checks one sealed file against the manifest, see [`crate::verify`].
    ///
    /// # Errors
    /// Names the file and what differs.
    pub async fn verify(&self, file: &FileMeta) -> Result<()> {
        let (dir, file) = (self.dir().to_owned(), file.clone());
        self.blocking(move || crate::verify::verify(&dir, &file)).await
    }

    /// Merges files of one month and class into one sorted file with exactly their events.
    ///
    /// # Errors
    /// When the files are of different months or classes, or one cannot be read.
    pub async fn compact(&self, files: &[FileMeta]) -> Result<FileMeta> {
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let merged = self.rewrite(files, Erase::default()).await?;
        let file = merged.file.context("there is nothing to compact")?;
        ensure!(
            file.rows == rows,
            "compaction read {} events; the manifest says {rows}",
            file.rows
        );
        Ok(file)
    }

    /// Writes the events of one file anew as files of the classes that they belong to.
    ///
    /// # Errors
    /// When the file cannot be read or the disk refuses.
    pub async fn divide(&self, file: &FileMeta) -> Result<Vec<FileMeta>> {
        let plan = merge_plan(self, std::slice::from_ref(file))?;
        let stream = execute_stream(plan, self.state().task_ctx())?;
        let mut writers = Vec::new();
        for class in [Class::Product, Class::Case, Class::Rest] {
            writers.push((class, FileWriter::create(self.dir(), file.month, class)?));
        }
        let parts = self.pool().run(distribute(stream, writers));
        let parts = parts.await.context("the dividing task ended early")??;
        let rows: u64 = parts.iter().map(|part| part.rows).sum();
        ensure!(
            rows == file.rows,
            "dividing read {rows} events; the manifest says {}",
            file.rows
        );
        Ok(parts)
    }

    /// Writes one file anew without the events that are to go. When none goes, no file is written and the
    /// given entry comes back.
    ///
    /// # Errors
    /// When the file cannot be read or the disk refuses.
    pub async fn rewrite_without(&self, file: &FileMeta, erase: &Erase) -> Result<Rewritten> {
        if !erase.may_touch(file) {
            return Ok(Rewritten {
                file: Some(file.clone()),
                removed: 0,
            });
        }
        let done = self.rewrite(std::slice::from_ref(file), erase.clone()).await?;
        if done.removed == 0 {
            // The bytes are the same, so the content-made name is the same file: nothing is left behind.
            if let Some(copy) = &done.file
                && copy.path != file.path
            {
                std::fs::remove_file(self.dir().join(&copy.path))?;
            }
            return Ok(Rewritten {
                file: Some(file.clone()),
                removed: 0,
            });
        }
        Ok(done)
    }

    async fn rewrite(&self, files: &[FileMeta], erase: Erase) -> Result<Rewritten> {
        let Some(first) = files.first().cloned() else {
            bail!("no file was given to rewrite")
        };
        if let Some(other) = files
            .iter()
            .find(|f| (f.month, f.class) != (first.month, first.class))
        {
            bail!(
                "files of different months or classes cannot be merged: {} and {}",
                first.path,
                other.path
            );
        }
        let plan = merge_plan(self, files)?;
        let stream = execute_stream(plan, self.state().task_ctx())?;
        let writer = FileWriter::create(self.dir(), first.month, first.class)?;
        self.pool()
            .run(copy(stream, writer, erase))
            .await
            .context("the rewriting task ended early")?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.pool()
            .run(async move { work() })
            .await
            .context("the lake's task ended early")?
    }
}

async fn copy(
    mut stream: SendableRecordBatchStream,
    mut writer: FileWriter,
    erase: Erase,
) -> Result<Rewritten> {
    let (mut read, mut kept) = (0u64, 0u64);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let rest = filter_record_batch(&batch, &erase.keep(&batch))?;
        read += batch.num_rows() as u64;
        kept += rest.num_rows() as u64;
        writer.write(&rest)?;
    }
    Ok(Rewritten {
        file: writer.finish()?,
        removed: read - kept,
    })
}

/// Writes each event to the writer of its class. The order of events within a class stays.
async fn distribute(
    mut stream: SendableRecordBatchStream,
    mut writers: Vec<(Class, FileWriter)>,
) -> Result<Vec<FileMeta>> {
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let classes: Vec<Class> = batch
            .column(5)
            .as_string_view()
            .iter()
            .map(|kind| Class::of(kind.unwrap_or_default()))
            .collect();
        for (class, writer) in &mut writers {
            let mask: BooleanArray = classes.iter().map(|it| Some(it == class)).collect();
            writer.write(&filter_record_batch(&batch, &mask)?)?;
        }
    }
    let mut files = Vec::with_capacity(writers.len());
    for (_, writer) in writers {
        files.extend(writer.finish()?);
    }
    Ok(files)
}

fn merge_plan(lake: &Lake, files: &[FileMeta]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = event_schema();
    let mut keys = Vec::with_capacity(SORT_COLUMNS.len());
    for name in SORT_COLUMNS {
        keys.push(PhysicalSortExpr::new_default(expressions::col(name, &schema)?));
    }
    let ordering = LexOrdering::new(keys).context("files have no order")?;
    let groups = files
        .iter()
        .map(|file| FileGroup::new(vec![partitioned(file)]))
        .collect();
    let scan = scan_files(lake.state(), groups, None, Some(ordering.clone()))?;
    Ok(Arc::new(SortPreservingMergeExec::new(ordering, scan)))
}
