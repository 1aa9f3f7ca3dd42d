//! Parquet files of other tools.

use std::path::{Path, PathBuf};

use tenure_lake::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use tenure_lake::arrow::error::ArrowError;
use tenure_lake::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{Columns, ReadError, Record, Rows};

/// A stream of a Parquet file's rows.
pub struct ParquetRows {
    path: PathBuf,
    reader: tenure_lake::ParquetRows,
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
        let bytes = std::fs::metadata(path)
            .map_err(|e| ReadError::io(path, &e))?
            .len();
        let reader = tenure_lake::read_parquet_from(path, position)
            .map_err(|error| ReadError::file(format!("{error:#}"), "export it again as Parquet or CSV"))?;
        let (schema, rows) = (reader.schema(), reader.total_rows());
        let columns = Columns::new(schema.fields().iter().map(|field| field.name().clone()));
        Ok(Self {
            path: path.to_owned(),
            reader,
            schema,
            batch: None,
            at: 0,
            row: position,
            rows,
            bytes,
            columns,
        })
    }
}

/// A batch with every column as text, in the spelling that the field types read: ISO days and instants, plain numbers, JSON for nested values.
fn as_text(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            let column = match column.data_type() {
                // Instants with a zone are shown in UTC; those without stay without, as in a CSV file, and get the program's.
                DataType::Timestamp(_, Some(_)) => cast(
                    column,
                    &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                )?,
                _ => column.clone(),
            };
            if column.data_type().is_nested() {
                nested(&column)
            } else {
                cast(&column, &DataType::Utf8)
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| Field::new(f.name(), DataType::Utf8, true))
        .collect();
    RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), columns)
}

fn nested(column: &dyn Array) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let texts: StringArray = (0..column.len())
        .map(|row| (!column.is_null(row)).then(|| formatter.value(row).to_string()))
        .collect();
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
                    let texts = column.as_string::<i32>();
                    record.push(if texts.is_null(self.at) {
                        ""
                    } else {
                        texts.value(self.at)
                    });
                }
                self.at += 1;
                self.row += 1;
                return Ok(true);
            }
            let Some(next) = self.reader.next() else {
                return Ok(false);
            };
            let text = next
                .and_then(|batch| Ok(as_text(&batch, &self.schema)?))
                .map_err(|error| {
                    let problem = format!(
                        "{} cannot be read from row {} on: {error:#}",
                        self.path.display(),
                        self.row + 1
                    );
                    ReadError::file(
                        problem,
                        "the file is damaged or holds a type that has no text form: export it again",
                    )
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
        self.bytes
            .saturating_mul(self.row)
            .checked_div(self.rows)
            .unwrap_or(self.bytes)
    }
}
