//! Where the log begins, kind by kind.

use std::collections::BTreeMap;

use anyhow::Result;
use tenure_lake::arrow::array::{AsArray, Date32Array, StringArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type};
use tenure_lake::{Class, RecordBatch};

use super::{read_from, snapshot_at, store};
use crate::App;

/// The first day of each kind of events among the steps after `after`, and the newest of those steps. Files of product events say their first
/// day without being read; they may tell an earlier one that was known before.
pub(super) async fn first_days(app: &App, after: i64) -> Result<(i64, BTreeMap<String, i32>)> {
    let (newest, snapshot) = snapshot_at(app).await?;
    let mut first = BTreeMap::new();
    if newest <= after {
        return Ok((newest, first));
    }
    let mut note = |kind: &str, day: i32| {
        first
            .entry(kind.to_owned())
            .and_modify(|held: &mut i32| *held = day.min(*held))
            .or_insert(day);
    };
    let products = snapshot.files.iter().filter(|file| file.class == Class::Product);
    if let Some(day) = products
        .filter(|file| file.max_seq > after)
        .map(|file| file.min_day)
        .min()
    {
        note("product", day);
    }
    for batch in snapshot.tail.iter() {
        each(batch, &mut note)?;
    }
    if snapshot
        .files
        .iter()
        .any(|file| file.class != Class::Product && file.max_seq > after)
    {
        for batch in read_from(app, &snapshot, &store::first_days_sql(after, newest)).await? {
            each(&batch, &mut note)?;
        }
    }
    Ok((newest, first))
}

fn each(batch: &RecordBatch, note: &mut impl FnMut(&str, i32)) -> Result<()> {
    let (Some(kinds), Some(days)) = (batch.column_by_name("kind"), batch.column_by_name("day")) else {
        return Ok(());
    };
    let (kinds, days) = (cast(kinds, &DataType::Utf8)?, cast(days, &DataType::Date32)?);
    let (kinds, days): (&StringArray, &Date32Array) = (kinds.as_string(), days.as_primitive::<Date32Type>());
    for (kind, day) in kinds.iter().zip(days.iter()) {
        if let (Some(kind), Some(day)) = (kind, day) {
            note(kind, day);
        }
    }
    Ok(())
}
