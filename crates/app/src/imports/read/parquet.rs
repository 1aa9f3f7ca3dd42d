//! Parquet files of other tools.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{Columns, ReadError, Record, Rows};

const BATCH: usize = 4096;

/// A stream of a Parquet file's rows.
pub struct ParquetRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    batch: Option<RecordBatch>,
    at: usize,
    row: u64,
    rows: u64,
    bytes: u64,
    columns: Columns,
}

impl ParquetRows {
    /// Opens `path` at row `position` (from 0).
    pub fn open(path: &Path, position: u64) -> Result<Self, ReadError> {
        let damaged = |error: &dyn std::fmt::Display| {
            ReadError::file(format!("{} is not a readable Parquet file: {error}", path.display()), "export it again")
        };
        let file = File::open(path).map_err(|e| ReadError::io(path, &e))?;
        let bytes = file.metadata().map_err(|e| ReadError::io(path, &e))?.len();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(&e))?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let schema = builder.schema().clone();
        let columns = Columns::new(schema.fields().iter().map(|f| f.name().clone()));
        let skip = usize::try_from(position).unwrap_or(usize::MAX);
        let reader = builder.with_batch_size(BATCH).with_offset(skip).build().map_err(|e| damaged(&e))?;
        Ok(Self { path: path.to_owned(), reader, schema, batch: None, at: 0, row: position, rows, bytes, columns })
    }
}

/// A batch with every column as text, in the spelling that the field types read: ISO days and instants, plain numbers, JSON for nested values.
fn as_text(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            let column = match column.data_type() {
                // Instants without a zone are UTC in Parquet by the convention of every writer that adjusts them.
                DataType::Timestamp(_, None) => cast(column, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?,
                DataType::Timestamp(_, Some(_)) => cast(column, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?,
                _ => column.clone(),
            };
            if column.data_type().is_nested() { nested(&column) } else { cast(&column, &DataType::Utf8) }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let fields: Vec<_> = schema.fields().iter().map(|f| arrow::datatypes::Field::new(f.name(), DataType::Utf8, true)).collect();
    RecordBatch::try_new(std::sync::Arc::new(arrow::datatypes::Schema::new(fields)), columns)
}

fn nested(column: &dyn Array) -> Result<arrow::array::ArrayRef, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let texts: arrow::array::StringArray =
        (0..column.len()).map(|row| (!column.is_null(row)).then(|| formatter.value(row).to_string())).collect();
    Ok(std::sync::Arc::new(texts))
}

impl Rows for ParquetRows {
    fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.num_rows()
            {
                record.begin(self.row + 1);
                for column in batch.columns() {
                    let texts = arrow::array::AsArray::as_string::<i32>(column);
                    record.push(if texts.is_null(self.at) { "" } else { texts.value(self.at) });
                }
                self.at += 1;
                self.row += 1;
                return Ok(true);
            }
            let Some(next) = self.reader.next() else { return Ok(false) };
            let text = next.and_then(|batch| as_text(&batch, &self.schema)).map_err(|error| {
                let problem = format!("{} cannot be read from row {} on: {error}", self.path.display(), self.row + 1);
                ReadError::file(problem, "the file is damaged or holds a type that has no text form: export it again")
            })?;
            self.batch = Some(text);
            self.at = 0;
        }
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn position(&self) -> u64 {
        self.row
    }

    fn line(&self) -> u64 {
        self.row + 1
    }

    fn bytes(&self) -> u64 {
        if self.rows == 0 { self.bytes } else { self.bytes.saturating_mul(self.row) / self.rows }
    }
}
