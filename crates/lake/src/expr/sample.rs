//! Rows on which an expression is tried before it is accepted.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringViewArray, TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};

use super::Type;

/// A few rows with nulls, zeros, negative, ordinary and odd values in every column.
pub(super) fn sample(inputs: &SchemaRef) -> RecordBatch {
    const ROWS: usize = 6;
    let column = |data_type: &DataType| -> ArrayRef {
        let values: ArrayRef = match Type::of_arrow(data_type) {
            Some(Type::Number) => Arc::new(Float64Array::from(vec![
                None,
                Some(0.0),
                Some(-1.5),
                Some(42.0),
                Some(f64::MAX),
                Some(0.1),
            ])),
            Some(Type::Integer) => Arc::new(Int64Array::from(vec![
                None,
                Some(0),
                Some(-1),
                Some(42),
                Some(1 << 40),
                Some(1),
            ])),
            Some(Type::Text) => Arc::new(StringViewArray::from(vec![
                None,
                Some(""),
                Some("abc"),
                Some("12"),
                Some(r#"{"a":1}"#),
                Some("2026-01-31"),
            ])),
            Some(Type::Boolean) => Arc::new(BooleanArray::from(vec![
                None,
                Some(true),
                Some(false),
                Some(true),
                None,
                Some(false),
            ])),
            Some(Type::Date) => Arc::new(Date32Array::from(vec![
                None,
                Some(0),
                Some(-1),
                Some(20_000),
                Some(60_000),
                Some(20_454),
            ])),
            Some(Type::Timestamp) => Arc::new(TimestampMicrosecondArray::from(vec![
                None,
                Some(0),
                Some(-1),
                Some(1_700_000_000_000_000),
                Some(4_000_000_000_000_000),
                Some(1),
            ])),
            None => new_null_array(data_type, ROWS),
        };
        cast(&values, data_type).unwrap_or_else(|_| new_null_array(data_type, ROWS))
    };
    let columns = inputs
        .fields()
        .iter()
        .map(|field| column(field.data_type()))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(ROWS));
    RecordBatch::try_new_with_options(Arc::clone(inputs), columns, &options)
        .unwrap_or_else(|_| RecordBatch::new_empty(Arc::clone(inputs)))
}
