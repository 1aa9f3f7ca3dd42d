//! SQL of the slice, of the history and of the records.

use futures::TryStreamExt;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{Array, AsArray};
use tenure_lake::arrow::datatypes::{Date32Type, Int64Type};

use super::outcome::EventDays;
use crate::App;
use crate::metrics::facts::date_of;

async fn read(app: &App, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
    let context = app.lake.context(&crate::events::snapshot(app)?);
    let mut batches = context
        .stream(sql)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut all = Vec::new();
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?
    {
        all.push(batch);
    }
    Ok(all)
}

/// The newest day on which something happened to an account, up to `last`: what is dated later is a mistake or a plan.
pub(super) async fn newest_event_day(app: &App, last: i32) -> anyhow::Result<Option<i32>> {
    let sql = format!(
        "SELECT max(day) AS day FROM events WHERE account_no > 0 AND day <= DATE '{}'",
        date_of(last)
    );
    let batches = read(app, &sql).await?;
    Ok(batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .and_then(|batch| {
            let days = batch.column(0).as_primitive::<Date32Type>();
            days.is_valid(0).then(|| days.value(0))
        }))
}

/// The days on which events of these names happened, by account.
pub(super) async fn event_days(app: &App, names: &[String]) -> anyhow::Result<EventDays> {
    let mut days = EventDays::new();
    if names.is_empty() {
        return Ok(days);
    }
    let list: Vec<String> = names
        .iter()
        .map(|name| format!("'{}'", name.replace('\'', "''")))
        .collect();
    let sql = format!(
        "SELECT DISTINCT account_no, day FROM events WHERE account_no > 0 AND name IN ({})",
        list.join(", ")
    );
    for batch in read(app, &sql).await? {
        let no = batch.column(0).as_primitive::<Int64Type>();
        let day = batch.column(1).as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            days.entry(no.value(row)).or_default().push(day.value(row));
        }
    }
    days.values_mut().for_each(|of| of.sort_unstable());
    Ok(days)
}
