//! One event as a row, and the same as Arrow columns.
//!
//! The column order is the format of the sealed files (docs/shape.md), so it changes only together with that page.

use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use serde::{Deserialize, Serialize};

/// The `kind` whose events are kept in files of their own, because they outnumber all others together.
pub const PRODUCT_KIND: &str = "product";

/// One event, as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Arrival order: number of the group commit or of the import chunk.
    pub seq: i64,
    /// Unique for ever.
    pub message_id: String,
    /// Internal number of the account; 0 = not attributed.
    pub account_no: i64,
    /// The account's id as its source knows it.
    pub account_id: Option<String>,
    /// The contact's id as its source knows it.
    pub contact_id: Option<String>,
    /// product, content, communication, …
    pub kind: String,
    /// Native name of the event.
    pub name: String,
    /// When it happened: microseconds since 1970-01-01 UTC.
    pub occurred_at: i64,
    /// When it arrived: microseconds since 1970-01-01 UTC.
    pub received_at: i64,
    /// Day of `occurred_at` in the program's zone: days since 1970-01-01.
    pub day: i32,
    /// `yyyymm` of `day`.
    pub month: i32,
    /// Write key's name, `import`, `tenure`, …
    pub source: String,
    /// JSON object.
    pub properties: String,
}

/// Kinds of which there are few events, each read by its properties: what tickets, answers, subscriptions and opportunities are folded from.
const CASE_KINDS: [&str; 4] = ["opportunity", "revenue", "support", "survey"];

/// Which of a month's files an event belongs to. Asking for a few kinds then reads the files that hold them, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Events of kind `product`.
    Product,
    /// Events of kind `opportunity`, `revenue`, `support` or `survey`.
    Case,
    /// Every other kind.
    Rest,
    /// Every kind but `product`: files of before there were cases. [`crate::Lake::divide`] makes the two above of one.
    Other,
}

impl Class {
    /// The class of a kind, as files are written.
    pub fn of(kind: &str) -> Self {
        if kind == PRODUCT_KIND {
            Self::Product
        } else if CASE_KINDS.contains(&kind) {
            Self::Case
        } else {
            Self::Rest
        }
    }

    /// Whether its files can hold events of this kind.
    pub fn may_hold(self, kind: &str) -> bool {
        match self {
            Self::Other => kind != PRODUCT_KIND,
            class => class == Self::of(kind),
        }
    }

    /// `product`, `case`, `rest` or `other`, as in file names and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Case => "case",
            Self::Rest => "rest",
            Self::Other => "other",
        }
    }
}

impl std::str::FromStr for Class {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Product, Self::Case, Self::Rest, Self::Other]
            .into_iter()
            .find(|class| class.as_str() == text)
            .with_context(|| {
                format!("file class '{text}' is unknown; it must be 'product', 'case', 'rest' or 'other'")
            })
    }
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str, null: bool| Field::new(name, DataType::Utf8View, null);
    let time = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, None), false);
    Arc::new(Schema::new(vec![
        Field::new("seq", DataType::Int64, false),
        text("message_id", false),
        Field::new("account_no", DataType::Int64, false),
        text("account_id", true),
        text("contact_id", true),
        text("kind", false),
        text("name", false),
        time("occurred_at"),
        time("received_at"),
        Field::new("day", DataType::Date32, false),
        Field::new("month", DataType::Int32, false),
        text("source", false),
        text("properties", false),
    ]))
});

/// The schema of `events`. Times are UTC without a zone mark, so that plain `TIMESTAMP '…'` literals compare
/// without a conversion; text is `Utf8View`, which DataFusion filters, groups and joins natively.
pub fn event_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Rows to columns.
///
/// # Errors
/// Only if the columns cannot be assembled, which would be a fault of this function.
pub fn to_batch(rows: &[EventRow]) -> Result<RecordBatch> {
    fn text<'a>(rows: &'a [EventRow], get: impl Fn(&'a EventRow) -> &'a str) -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(get)))
    }
    fn maybe<'a>(rows: &'a [EventRow], get: impl Fn(&'a EventRow) -> Option<&'a str>) -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<StringViewArray>())
    }
    let long =
        |get: fn(&EventRow) -> i64| Arc::new(Int64Array::from_iter_values(rows.iter().map(get))) as ArrayRef;
    let time = |get: fn(&EventRow) -> i64| {
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(get))) as ArrayRef
    };
    let columns: Vec<ArrayRef> = vec![
        long(|r| r.seq),
        text(rows, |r| &r.message_id),
        long(|r| r.account_no),
        maybe(rows, |r| r.account_id.as_deref()),
        maybe(rows, |r| r.contact_id.as_deref()),
        text(rows, |r| &r.kind),
        text(rows, |r| &r.name),
        time(|r| r.occurred_at),
        time(|r| r.received_at),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|r| r.day))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.month))),
        text(rows, |r| &r.source),
        text(rows, |r| &r.properties),
    ];
    Ok(RecordBatch::try_new(event_schema(), columns)?)
}

/// Columns back to rows. The batch must have the columns of [`event_schema`], in that order.
///
/// # Errors
/// When the batch has other columns.
pub fn from_batch(batch: &RecordBatch) -> Result<Vec<EventRow>> {
    ensure_schema(batch)?;
    let long = |i: usize| batch.column(i).as_primitive::<Int64Type>();
    let time = |i: usize| batch.column(i).as_primitive::<TimestampMicrosecondType>();
    let text = |i: usize| batch.column(i).as_string_view();
    let maybe = |i: usize, row: usize| {
        let column = text(i);
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let day = batch.column(9).as_primitive::<Date32Type>();
    let month = batch.column(10).as_primitive::<Int32Type>();
    let rows = (0..batch.num_rows()).map(|row| EventRow {
        seq: long(0).value(row),
        message_id: text(1).value(row).to_owned(),
        account_no: long(2).value(row),
        account_id: maybe(3, row),
        contact_id: maybe(4, row),
        kind: text(5).value(row).to_owned(),
        name: text(6).value(row).to_owned(),
        occurred_at: time(7).value(row),
        received_at: time(8).value(row),
        day: day.value(row),
        month: month.value(row),
        source: text(11).value(row).to_owned(),
        properties: text(12).value(row).to_owned(),
    });
    Ok(rows.collect())
}

/// Fails, naming the first difference, unless the batch has the columns of `events`.
pub(crate) fn ensure_schema(batch: &RecordBatch) -> Result<()> {
    let (want, got) = (event_schema(), batch.schema());
    for (position, field) in want.fields().iter().enumerate() {
        let found = got
            .fields()
            .get(position)
            .with_context(|| format!("event batch lacks column '{}' at place {position}", field.name()))?;
        ensure!(
            found.name() == field.name() && found.data_type() == field.data_type(),
            "event batch has column '{}' of type {} at place {position}; it must be '{}' of type {}",
            found.name(),
            found.data_type(),
            field.name(),
            field.data_type()
        );
    }
    ensure!(
        got.fields().len() == want.fields().len(),
        "event batch has {} columns; it must have {}",
        got.fields().len(),
        want.fields().len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;

    #[test]
    fn rows_survive_the_round_trip() {
        let mut rows = vec![
            event(7, 0, "login", "2026-01-31T23:59:59.999999Z"),
            event(8, 3, "churned", "1969-12-31T23:00:00Z"),
        ];
        rows[0].contact_id = Some("ünï — 🙂".into());
        rows[0].properties =
            r#"{"a":"\u0000","long":"more than twelve bytes so that it is not inlined"}"#.into();
        rows[1].account_id = None;
        let batch = to_batch(&rows).unwrap();
        assert_eq!(from_batch(&batch).unwrap(), rows);
        assert_eq!(from_batch(&to_batch(&[]).unwrap()).unwrap(), vec![]);
    }

    #[test]
    fn another_schema_is_refused_by_name() {
        let batch = to_batch(&[]).unwrap().project(&[1, 0, 2]).unwrap();
        let error = from_batch(&batch).unwrap_err().to_string();
        assert!(
            error.contains("'message_id'") && error.contains("'seq'"),
            "{error}"
        );
    }
}
