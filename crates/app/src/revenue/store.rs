//! Questions of this slice to the history.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type, Int64Type};
use tenure_lake::{EventRow, FileMeta, RecordBatch, Snapshot, from_batch};

use super::rules::saves::{INTERVENTIONS, SETTLED_AFTER};
use crate::App;

/// The names of the events that speak of leaving.
pub const SIGNALS: [&str; 5] = [
    "churned",
    "churn_notice",
    "saved",
    "payment_failed",
    "churn_reason_recorded",
];

fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The events of one sealed file that speak of leaving.
///
/// # Errors
/// When the file cannot be read.
pub async fn signals_of_file(app: &App, file: &FileMeta) -> Result<Vec<EventRow>> {
    let context = app.lake.context(&Snapshot::new(vec![file.clone()], Vec::new())?);
    let sql = format!(
        "SELECT * FROM events WHERE kind = 'revenue' AND account_no > 0 AND name IN ({})",
        list(&SIGNALS)
    );
    let batches = context.query(&sql).await.map_err(|error| anyhow!("{error}"))?;
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(from_batch(&batch)?);
    }
    Ok(rows)
}

/// What was done about a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    /// The event's name.
    pub name: String,
    /// The first day on which it happened.
    pub day: i32,
}

/// For notices (account, day), what was done about each within 90 days, the earliest first.
///
/// # Errors
/// When the history fails.
pub async fn interventions(
    app: &App,
    notices: &[(i64, i32)],
) -> Result<HashMap<(i64, i32), Vec<Intervention>>> {
    let (Some(first), Some(last)) = (
        notices.iter().map(|(_, day)| *day).min(),
        notices.iter().map(|(_, day)| *day).max(),
    ) else {
        return Ok(HashMap::new());
    };
    let context = app.lake.context(&crate::events::snapshot(app).await?);
    let table = RecordBatch::try_from_iter([
        (
            "no",
            Arc::new(Int64Array::from_iter_values(notices.iter().map(|(no, _)| *no))) as ArrayRef,
        ),
        (
            "first",
            Arc::new(Date32Array::from_iter_values(notices.iter().map(|(_, day)| *day))),
        ),
        (
            "last",
            Arc::new(Date32Array::from_iter_values(
                notices.iter().map(|(_, day)| *day + SETTLED_AFTER),
            )),
        ),
    ])?;
    context.add_table("notices", table.schema(), vec![table])?;
    let day = crate::metrics::facts::date_of;
    let sql = format!(
        "SELECT n.no AS no, n.first AS notice, e.name AS name, min(e.day) AS day \
         FROM events e JOIN notices n ON e.account_no = n.no \
         WHERE e.day >= n.first AND e.day <= n.last AND e.kind IN ('meeting', 'work', 'revenue') AND e.name IN ({}) \
           AND e.day BETWEEN DATE '{}' AND DATE '{}' \
         GROUP BY n.no, n.first, e.name",
        list(&INTERVENTIONS),
        day(first),
        day(last + SETTLED_AFTER),
    );
    let mut found: HashMap<(i64, i32), Vec<Intervention>> = HashMap::new();
    for batch in context.query(&sql).await.map_err(|error| anyhow!("{error}"))? {
        let (no, notice, name, day) = (
            batch.column(0).as_primitive::<Int64Type>().clone(),
            batch.column(1).as_primitive::<Date32Type>().clone(),
            cast(batch.column(2), &DataType::Utf8View)?,
            cast(batch.column(3), &DataType::Date32)?,
        );
        let (name, day) = (name.as_string_view(), day.as_primitive::<Date32Type>());
        for row in 0..batch.num_rows() {
            found
                .entry((no.value(row), notice.value(row)))
                .or_default()
                .push(Intervention {
                    name: name.value(row).to_owned(),
                    day: day.value(row),
                });
        }
    }
    for done in found.values_mut() {
        done.sort_by(|a, b| (a.day, &a.name).cmp(&(b.day, &b.name)));
    }
    Ok(found)
}

/// The last day up to `until` on which each account was in touch: messages, meetings and calls, as DEFINITIONS §2 counts them, looking
/// back at most `back` days.
///
/// # Errors
/// When the history fails.
pub async fn last_touches(app: &App, nos: &[i64], until: i32, back: i32) -> Result<HashMap<i64, i32>> {
    if nos.is_empty() {
        return Ok(HashMap::new());
    }
    let context = app.lake.context(&crate::events::snapshot(app).await?);
    let nos: Vec<String> = nos.iter().map(i64::to_string).collect();
    let day = crate::metrics::facts::date_of;
    let sql = format!(
        "SELECT account_no, max(day) AS day FROM events \
         WHERE account_no IN ({}) AND day BETWEEN DATE '{}' AND DATE '{}' \
           AND (kind IN ('communication', 'meeting') OR (kind = 'work' AND name = 'sponsor_met')) \
           AND name NOT IN ('email_delivered', 'email_bounced', 'email_complained', 'unsubscribed') \
           AND NOT (name = 'email_opened' AND coalesce(prop_bool(properties, 'machine'), FALSE)) \
         GROUP BY account_no",
        nos.join(", "),
        day(until - back),
        day(until),
    );
    let mut touches = HashMap::new();
    for batch in context.query(&sql).await.map_err(|error| anyhow!("{error}"))? {
        let no = batch.column(0).as_primitive::<Int64Type>().clone();
        let day = cast(batch.column(1), &DataType::Date32)?;
        let day = day.as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            if day.is_valid(row) {
                touches.insert(no.value(row), day.value(row));
            }
        }
    }
    Ok(touches)
}
