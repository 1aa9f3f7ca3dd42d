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
                let rows: Vec<(i64, &[i32; WEEKS], &str)> = held
                    .iter()
                    .filter_map(|(no, weeks)| {
                        let weeks = weeks.get(at)?;
                        points(weeks[0])?;
                        let span = by_no.get(no)?.head.span_at(*day)?;
                        Some((*no, weeks, span.segment.as_str()))
                    })
                    .collect();
                let velocities = if with_velocity {
                    velocity::all(
                        rows.iter()
                            .map(|(_, weeks, segment)| (*segment, velocity::of_weeks(weeks))),
                    )
                    .1
                } else {
                    vec![None; rows.len()]
                };
                for ((no, weeks, _), velocity) in rows.iter().zip(velocities) {
                    columns.period.append_value(*period);
                    columns.account.append_value(*no);
                    columns.score.append_value(&score.id);
                    columns.points.append_option(points(weeks[0]));
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
        ("velocity", Arc::new(columns.velocity.finish()), true),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// For each account, ascending, the weeks that end with each period's day.
async fn held(app: &App, score: &str, periods: &[(i32, i32)]) -> Result<Vec<(i64, Vec<[i32; WEEKS]>)>> {
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
                .map(|(no, recent)| (*no, vec![recent.weeks; periods.len()])),
        );
        held.sort_unstable_by_key(|(no, _)| *no);
        return Ok(held);
    }
    history::each(app, score, |no, days: &Days| {
        held.push((no, periods.iter().map(|(_, day)| weeks(days, *day)).collect()));
    })
    .await?;
    Ok(held)
}
