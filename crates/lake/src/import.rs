//! Reading foreign Parquet files for import: batch after batch, never the whole file.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

/// Rows of one batch that [`read_parquet`] hands out.
const BATCH_ROWS: usize = 8 * 1024;

/// The batches of one Parquet file, in file order.
pub struct ParquetRows {
    schema: SchemaRef,
    total_rows: u64,
    reader: ParquetRecordBatchReader,
    path: String,
}

/// Opens a Parquet file for reading from its beginning.
///
/// # Errors
/// When the file cannot be opened or is not Parquet; the message names the file.
pub fn read_parquet(path: &Path) -> Result<ParquetRows> {
    read_parquet_from(path, 0)
}

/// The same, with the first `skip` rows left out: to resume an import where it stopped.
///
/// # Errors
/// When the file cannot be opened or is not Parquet; the message names the file.
pub fn read_parquet_from(path: &Path, skip: u64) -> Result<ParquetRows> {
    let shown = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .with_context(|| format!("{shown} is not a Parquet file, or is damaged"))?;
    let total_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let schema = builder.schema().clone();
    let skip = usize::try_from(skip.min(total_rows)).unwrap_or(usize::MAX);
    let reader = builder
        .with_batch_size(BATCH_ROWS)
        .with_offset(skip)
        .build()
        .with_context(|| format!("{shown} cannot be read"))?;
    Ok(ParquetRows {
        schema,
        total_rows,
        reader,
        path: shown,
    })
}

impl ParquetRows {
    /// The columns of the file.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Rows in the whole file, skipped ones included.
    pub fn total_rows(&self) -> u64 {
        self.total_rows
    }
}

impl Iterator for ParquetRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.next()?;
        Some(next.with_context(|| format!("{} is damaged", self.path)))
    }
}
