//! From batches of events to the facts of accounts: the one place where an event is worked into series and revenue.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::Value as Json;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use tenure_lake::arrow::compute::{cast, filter_record_batch};
use tenure_lake::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};

use super::facts::Facts;
use super::lifecycle::{self, Revenue, RevenueKind};
use super::plan::Plan;
use super::series::{Keep, Point, Series};

/// Facts of some accounts, being filled from events.
pub struct Collector<'a> {
    plan: &'a Plan,
    accounts: HashMap<i64, Facts>,
}

/// The names of the columns that every event is read by, and when it arrived.
pub(super) const COLUMNS: [&str; 7] = [
    "account_no",
    "day",
    "occurred_at",
    "received_at",
    "kind",
    "name",
    "properties",
];

/// The columns that every event is read by.
struct Columns<'a> {
    account: &'a [i64],
    day: &'a [i32],
    at: &'a [i64],
    kind: &'a StringViewArray,
    name: &'a StringViewArray,
    properties: &'a StringViewArray,
}

/// A column of a batch of events.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .with_context(|| format!("events have no column {name}"))
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self> {
        let column = |name: &str| column(batch, name);
        Ok(Self {
            account: column("account_no")?.as_primitive::<Int64Type>().values(),
            day: column("day")?.as_primitive::<Date32Type>().values(),
            at: column("occurred_at")?
                .as_primitive::<TimestampMicrosecondType>()
                .values(),
            kind: column("kind")?.as_string_view(),
            name: column("name")?.as_string_view(),
            properties: column("properties")?.as_string_view(),
        })
    }
}

impl<'a> Collector<'a> {
    /// Starts from these facts; an account that is not among them is passed over.
    #[must_use]
    pub fn new(plan: &'a Plan, accounts: HashMap<i64, Facts>) -> Self {
        Self { plan, accounts }
    }

    /// Works a batch in; events of accounts that are not among those given are passed over.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Columns::of(batch)?;
        let mut wanted: HashMap<usize, Vec<bool>> = HashMap::new();
        for row in 0..batch.num_rows() {
            let Some(facts) = self.accounts.get_mut(&columns.account[row]) else {
                continue;
            };
            if facts.series.len() < self.plan.series.len() {
                facts.series.resize(self.plan.series.len(), Series::default());
            }
            let (name, kind, day) = (columns.name.value(row), columns.kind.value(row), columns.day[row]);
            // Events that nothing reads leave no trace here, because a scan of the history passes them over.
            if kind == "revenue" || self.plan.series_of(name, kind).next().is_some() {
                facts.first_day = Some(facts.first_day.map_or(day, |first| first.min(day)));
            }
            if kind == "revenue"
                && let Some(event) = revenue(&columns, row)
            {
                facts.revenue.push(event);
            }
            for series in self.plan.series_of(name, kind) {
                let plan = &self.plan.series[series];
                if plan.reads_properties() {
                    wanted
                        .entry(series)
                        .or_insert_with(|| vec![false; batch.num_rows()])[row] = true;
                } else {
                    let point = Point {
                        day,
                        at: columns.at[row],
                        value: 1.0,
                        hash: 0,
                    };
                    facts.series[series].add(plan.keep, point);
                }
            }
        }
        for (series, rows) in wanted {
            self.add_evaluated(series, &filter_record_batch(batch, &BooleanArray::from(rows))?)?;
        }
        Ok(())
    }

    /// Works in the events of one series whose condition or value reads more than name and time.
    fn add_evaluated(&mut self, series: usize, batch: &RecordBatch) -> Result<()> {
        let plan = &self.plan.series[series];
        let columns = Columns::of(batch)?;
        let matches = plan.matches(batch)?;
        let values = plan
            .values(batch)?
            .map(|values| Values::of(plan.keep, &values))
            .transpose()?;
        for row in 0..batch.num_rows() {
            if matches.as_ref().is_some_and(|truth| !truth.value(row)) {
                continue;
            }
            let Some((value, hash)) = values.as_ref().map_or(Some((1.0, 0)), |values| values.at(row)) else {
                continue;
            };
            let point = Point {
                day: columns.day[row],
                at: columns.at[row],
                value,
                hash,
            };
            if let Some(facts) = self.accounts.get_mut(&columns.account[row]) {
                facts.series[series].add(plan.keep, point);
            }
        }
        Ok(())
    }

    /// The facts, ready for use.
    #[must_use]
    pub fn finish(mut self) -> HashMap<i64, Facts> {
        for facts in self.accounts.values_mut() {
            facts.series.resize(self.plan.series.len(), Series::default());
            lifecycle::sort(&mut facts.revenue);
        }
        self.accounts
    }
}

/// The values of a measure, as numbers and, where different ones are counted, as hashes. A null value is no value.
enum Values {
    Numbers(ArrayRef),
    Texts(ArrayRef),
}

impl Values {
    fn of(keep: Keep, values: &ArrayRef) -> Result<Self> {
        Ok(if keep == Keep::Distinct {
            Self::Texts(cast(values, &DataType::Utf8View)?)
        } else {
            Self::Numbers(cast(values, &DataType::Float64)?)
        })
    }

    fn at(&self, row: usize) -> Option<(f64, u64)> {
        match self {
            Self::Numbers(values) => {
                let values = values.as_primitive::<Float64Type>();
                (values.is_valid(row) && values.value(row).is_finite()).then(|| (values.value(row), 0))
            }
            Self::Texts(values) => {
                let values = values.as_string_view();
                values.is_valid(row).then(|| (0.0, text_hash(values.value(row))))
            }
        }
    }
}

/// 64 bits of a text's hash: within one account two different values never meet in practice.
fn text_hash(text: &str) -> u64 {
    let bytes = blake3::hash(text.as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&bytes.as_bytes()[..8]);
    // Kept as the bits of a float; clearing the exponent's top bit keeps it from being one of the many NaN patterns.
    u64::from_le_bytes(first) & 0xBFFF_FFFF_FFFF_FFFF
}

fn revenue(columns: &Columns<'_>, row: usize) -> Option<Revenue> {
    let kind = RevenueKind::of(columns.name.value(row))?;
    let properties: Json = serde_json::from_str(columns.properties.value(row)).unwrap_or_default();
    let text = |name: &str| properties.get(name).and_then(Json::as_str).map(str::to_owned);
    let number = |name: &str| {
        let value = properties.get(name)?;
        value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())
            .filter(|v: &f64| v.is_finite())
    };
    Some(Revenue {
        day: columns.day[row],
        at: columns.at[row],
        kind,
        subscription: text("subscription_id").unwrap_or_default(),
        mrr: number("mrr").or_else(|| number("to")),
        currency: text("currency"),
        reason: text("reason"),
    })
}
