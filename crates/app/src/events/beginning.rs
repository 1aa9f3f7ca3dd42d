//! Where the log begins, kind by kind.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tenure_lake::arrow::array::{AsArray, Date32Array, StringArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type};
use tenure_lake::{Class, RecordBatch};

use super::{read_from, snapshot_at, store};
use crate::App;

/// The first day of each kind of events in the tail and in files that are not among `looked`, and the paths of all files. Files of product events
/// say their first day without being read. What was looked at is told by files and not by numbers of steps: a bulk takes its number before
/// its files are there, so that a higher number may be seen without them.
pub(super) async fn first_days(
    app: &App,
    looked: &BTreeSet<String>,
) -> Result<(BTreeSet<String>, BTreeMap<String, i32>)> {
    let (_, snapshot) = snapshot_at(app).await?;
    let mut first = BTreeMap::new();
    let mut note = |kind: &str, day: i32| {
        first
            .entry(kind.to_owned())
            .and_modify(|held: &mut i32| *held = day.min(*held))
            .or_insert(day);
    };
    for batch in snapshot.tail.iter() {
        each(batch, &mut note)?;
    }
    let new = || snapshot.files.iter().filter(|file| !looked.contains(&file.path));
    if let Some(day) = new()
        .filter(|file| file.class == Class::Product)
        .map(|file| file.min_day)
        .min()
    {
        note("product", day);
    }
    let others = new().filter(|file| file.class != Class::Product);
    if let Some(from) = others.map(|file| file.min_seq).min() {
        for batch in read_from(app, &snapshot, &store::first_days_sql(from)).await? {
            each(&batch, &mut note)?;
        }
    }
    let paths = snapshot.files.iter().map(|file| file.path.clone()).collect();
    Ok((paths, first))
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
