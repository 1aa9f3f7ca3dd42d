//! The relation `score_days` that facts of KPIs read: every account's scores on the days of the periods.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{ArrayRef, Date32Builder, Float64Builder, Int64Builder, StringBuilder};

use super::days::{Days, points};
use super::history::{self, WEEKS, weeks};
use super::velocity;
use crate::App;
use crate::definitions::Definitions;
use crate::metrics::{self, Entry};

#[derive(Default)]
struct Columns {
    period: Date32Builder,
    account: Int64Builder,
    score: StringBuilder,
    points: Float64Builder,
    before: Float64Builder,
    velocity: Float64Builder,
}

/// One row for each score, period and account that has a score on the period's last day. `periods` are the day that a figure stands for and
/// the last day that it looks at. A velocity is an account's place among the others: with it, others than `entries` are told of too.
///
/// # Errors
/// When the records fail.
pub async fn score_days(
    app: &App,
    definitions: &Definitions,
    entries: &[Arc<Entry>],
    periods: &[(i32, i32)],
    with_velocity: bool,
) -> Result<RecordBatch> {
    let everybody;
    let entries = if with_velocity && !entries.is_empty() {
        everybody = app.metrics.book.all();
        &everybody
    } else {
        entries
    };
    let mut columns = Columns::default();
    if !entries.is_empty() && !definitions.scores.is_empty() {
        history::refresh(app).await?;
        let by_no: HashMap<i64, &Arc<Entry>> = entries.iter().map(|entry| (entry.no, entry)).collect();
        for score in &definitions.scores {
            let held = held(app, &score.id, entries, periods).await?;
            for (at, (period, day)) in periods.iter().enumerate() {
                let rows: Vec<(i64, &Held, &str)> = held
                    .iter()
                    .filter_map(|(no, held)| {
                        let held = held.get(at)?;
                        points(held.score)?;
                        let span = by_no.get(no)?.head.span_at(*day)?;
                        Some((*no, held, span.segment.as_str()))
                    })
                    .collect();
                let velocities = if with_velocity {
                    velocity::all(
                        rows.iter()
                            .map(|(_, held, segment)| (*segment, velocity::of_weeks(&held.weeks))),
                    )
                    .1
                } else {
                    vec![None; rows.len()]
                };
                for ((no, held, _), velocity) in rows.iter().zip(velocities) {
                    columns.period.append_value(*period);
                    columns.account.append_value(*no);
                    columns.score.append_value(&score.id);
                    columns.points.append_option(points(held.score));
                    columns.before.append_option(points(held.before));
                    columns
                        .velocity
                        .append_option(velocity.map(|velocity| velocity.value));
                }
            }
        }
    }
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("period", Arc::new(columns.period.finish()), false),
        ("account_no", Arc::new(columns.account.finish()), false),
        ("score", Arc::new(columns.score.finish()), false),
        ("points", Arc::new(columns.points.finish()), true),
        ("before", Arc::new(columns.before.finish()), true),
        ("velocity", Arc::new(columns.velocity.finish()), true),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// What the days of one account say of a period.
#[derive(Clone, Copy)]
struct Held {
    /// The score of its last day.
    score: i32,
    /// What velocity looks at in the weeks that end with it.
    weeks: [i32; WEEKS],
    /// The score of 30 days before.
    before: i32,
}

/// For each of these accounts, ascending, what its days say of each period. It may tell of others too.
async fn held(
    app: &App,
    score: &str,
    entries: &[Arc<Entry>],
    periods: &[(i32, i32)],
) -> Result<Vec<(i64, Vec<Held>)>> {
    /// Of every so many accounts one: where fewer are asked for, they are looked up.
    const FEW: usize = 8;
    let today = metrics::today(app);
    let mut held = Vec::new();
    if let (Some(version), true) = (
        app.scores.history.version(score),
        periods.iter().all(|(_, day)| *day == today),
    ) {
        let recent = version.recent.read();
        held.extend(
            recent
                .iter()
                .filter(|(_, recent)| recent.day == today)
                .map(|(no, recent)| {
                    let held = Held {
                        score: recent.score,
                        weeks: recent.weeks,
                        before: recent.month,
                    };
                    (*no, vec![held; periods.len()])
                }),
        );
        held.sort_unstable_by_key(|(no, _)| *no);
        return Ok(held);
    }
    let of = |days: &Days, day: i32| Held {
        score: days.at(day),
        weeks: weeks(days, day),
        before: days.at(day - 30),
    };
    let each = |no: i64, days: &Days| (no, periods.iter().map(|(_, day)| of(days, *day)).collect());
    if entries.len() * FEW < app.metrics.book.len() {
        let mut numbers: Vec<i64> = entries.iter().map(|entry| entry.no).collect();
        numbers.sort_unstable();
        for some in numbers.chunks(500) {
            let days = history::of(app, score, some).await?;
            held.extend(
                some.iter()
                    .filter_map(|no| Some((*no, days.get(no)?)))
                    .map(|(no, days)| each(no, days)),
            );
        }
        return Ok(held);
    }
    history::each(app, score, |no, days: &Days| held.push(each(no, days))).await?;
    Ok(held)
}
