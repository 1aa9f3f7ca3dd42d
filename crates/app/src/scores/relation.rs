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
/// the last day that it looks at.
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
    let mut columns = Columns::default();
    if !entries.is_empty() && !definitions.scores.is_empty() {
        history::refresh(app).await?;
        let by_no: HashMap<i64, &Arc<Entry>> = entries.iter().map(|entry| (entry.no, entry)).collect();
        for score in &definitions.scores {
            let held = held(app, &score.id, periods).await?;
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

/// For each account, ascending, what its days say of each period.
async fn held(app: &App, score: &str, periods: &[(i32, i32)]) -> Result<Vec<(i64, Vec<Held>)>> {
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
    history::each(app, score, |no, days: &Days| {
        held.push((no, periods.iter().map(|(_, day)| of(days, *day)).collect()));
    })
    .await?;
    Ok(held)
}
