//! Batches on their way out: as JSON values, CSV and Parquet.

use std::io::Write;

use anyhow::{Context, Result};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimeUnit, UInt64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use serde_json::{Map, Number, Value};

/// How text that looks like a formula is written into CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// As it is: for programs.
    Raw,
    /// With an apostrophe before it, so that a spreadsheet shows it instead of running it.
    SafeForSpreadsheets,
}

/// The rows of a batch by column name: days as `2026-01-31`, instants as RFC 3339 in UTC, numbers that are not
/// finite as null, lists as arrays.
pub fn json_rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let mut rows: Vec<Map<String, Value>> = vec![Map::new(); batch.num_rows()];
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        for (row, value) in rows.iter_mut().zip(json_column(column)) {
            row.insert(field.name().clone(), value);
        }
    }
    rows
}

/// The values of one column, as [`json_rows`] shows them.
pub fn json_column(column: &ArrayRef) -> Vec<Value> {
    let to = |data_type: &DataType| cast(column, data_type).ok();
    let values: Option<Vec<Value>> = match column.data_type() {
        DataType::Null => None,
        DataType::Boolean => Some(
            column
                .as_boolean()
                .iter()
                .map(|v| v.map_or(Value::Null, Value::Bool))
                .collect(),
        ),
        DataType::UInt64 => Some(all(column.as_primitive::<UInt64Type>().iter(), Value::from)),
        t if t.is_integer() => {
            to(&DataType::Int64).map(|longs| all(longs.as_primitive::<Int64Type>().iter(), Value::from))
        }
        t if t.is_floating() || t.is_decimal() => {
            to(&DataType::Float64).map(|floats| all(floats.as_primitive::<Float64Type>().iter(), finite))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            to(&DataType::Utf8View).map(|texts| all(texts.as_string_view().iter(), Value::from))
        }
        DataType::Dictionary(_, value) => to(value).map(|values| json_column(&values)),
        DataType::Timestamp(..) => {
            let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, None))
                .and_then(|t| cast(&t, &DataType::Int64).ok());
            micros.map(|micros| all(micros.as_primitive::<Int64Type>().iter(), instant))
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>().iter();
            Some(
                lists
                    .map(|list| list.map_or(Value::Null, |list| Value::Array(json_column(&list))))
                    .collect(),
            )
        }
        DataType::Struct(fields) => {
            let inner: Vec<Vec<Value>> = column.as_struct().columns().iter().map(json_column).collect();
            let object = |row: usize| {
                let pairs = fields
                    .iter()
                    .zip(&inner)
                    .map(|(field, values)| (field.name().clone(), values[row].clone()));
                Value::Object(pairs.collect())
            };
            Some(
                (0..column.len())
                    .map(|row| {
                        if column.is_null(row) {
                            Value::Null
                        } else {
                            object(row)
                        }
                    })
                    .collect(),
            )
        }
        _ => shown(column),
    };
    values.unwrap_or_else(|| vec![Value::Null; column.len()])
}

fn all<T>(values: impl Iterator<Item = Option<T>>, to: impl Fn(T) -> Value) -> Vec<Value> {
    values.map(|value| value.map_or(Value::Null, &to)).collect()
}

fn finite(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn instant(micros: i64) -> Value {
    jiff::Timestamp::from_microsecond(micros).map_or(Value::Null, |at| Value::String(at.to_string()))
}

/// Days, times, intervals and whatever else has a usual text.
fn shown(column: &ArrayRef) -> Option<Vec<Value>> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options).ok()?;
    let text = |row: usize| {
        if column.is_null(row) {
            Value::Null
        } else {
            Value::String(formatter.value(row).to_string())
        }
    };
    Some((0..column.len()).map(text).collect())
}

/// Writes batches as CSV with a header; null is an empty cell, values are as in [`json_rows`].
///
/// # Errors
/// When the writer fails.
pub fn write_csv(out: impl Write, schema: &SchemaRef, batches: &[RecordBatch], cells: Cells) -> Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(
        schema
            .fields()
            .iter()
            .map(|field| guarded(field.name().clone(), cells)),
    )?;
    for batch in batches {
        let columns: Vec<Vec<Value>> = batch.columns().iter().map(json_column).collect();
        for row in 0..batch.num_rows() {
            csv.write_record(columns.iter().map(|column| match &column[row] {
                Value::Null => String::new(),
                Value::String(text) => guarded(text.clone(), cells),
                other => other.to_string(),
            }))?;
        }
    }
    csv.flush().context("the CSV could not be written to its end")
}

fn guarded(text: String, cells: Cells) -> String {
    // The signs with which spreadsheets begin a formula, and those that they skip before one.
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠']);
    if risky && cells == Cells::SafeForSpreadsheets {
        format!("'{text}")
    } else {
        text
    }
}

/// Writes batches as one Parquet file.
///
/// # Errors
/// When a batch has another schema or the writer fails.
pub fn write_parquet(out: impl Write + Send, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_created_by("tenure".into())
        .build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        Date32Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
        new_null_array,
    };
    use datafusion::arrow::datatypes::Int32Type;
    use serde_json::json;

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([
            (
                "i",
                Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None])) as ArrayRef,
                true,
            ),
            ("f", Arc::new(Float64Array::from(vec![f64::NAN, 0.5])), true),
            (
                "t",
                Arc::new(StringArray::from(vec![Some("=1+1"), Some("a,\"b\"\n")])),
                true,
            ),
            (
                "d",
                Arc::new(Date32Array::from(vec![Some(20_454), Some(-1)])),
                true,
            ),
            (
                "at",
                Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), None])),
                true,
            ),
            (
                "l",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                    Some([Some(1), None]),
                    None,
                ])),
                true,
            ),
            ("n", new_null_array(&DataType::Null, 2), true),
        ])
        .unwrap()
    }

    #[test]
    fn values_have_their_json_form() {
        let rows = json_rows(&batch());
        let want = [
            json!({"i": 9_007_199_254_740_993_i64, "f": null, "t": "=1+1", "d": "2026-01-01",
                   "at": "1970-01-01T00:00:01.5Z", "l": [1, null], "n": null}),
            json!({"i": null, "f": 0.5, "t": "a,\"b\"\n", "d": "1969-12-31", "at": null, "l": null, "n": null}),
        ];
        for (row, want) in rows.into_iter().zip(want) {
            assert_eq!(Value::Object(row), want);
        }
    }

    #[test]
    fn csv_is_quoted_and_formulas_are_stopped() {
        let batch = batch().project(&[2, 1, 3]).unwrap();
        let write = |cells| {
            let mut out = Vec::new();
            write_csv(&mut out, &batch.schema(), std::slice::from_ref(&batch), cells).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            write(Cells::Raw),
            "t,f,d\n=1+1,,2026-01-01\n\"a,\"\"b\"\"\n\",0.5,1969-12-31\n"
        );
        assert!(write(Cells::SafeForSpreadsheets).contains("\n'=1+1,,"));
    }

    #[test]
    fn parquet_comes_back() {
        let batch = batch().project(&[0, 1, 2, 3, 4, 5]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        write_parquet(
            file.reopen().unwrap(),
            &batch.schema(),
            std::slice::from_ref(&batch),
        )
        .unwrap();
        let mut back = crate::read_parquet(file.path()).unwrap();
        assert_eq!(back.total_rows(), 2);
        assert_eq!(json_rows(&back.next().unwrap().unwrap()), json_rows(&batch));
        assert!(back.next().is_none());
        assert_eq!(
            crate::read_parquet_from(file.path(), 1)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .num_rows(),
            1
        );
        assert!(crate::read_parquet(std::path::Path::new("/nowhere")).is_err());
    }
}
