//! Keeping figures current: what a change touches is computed again, today's figures first, in the background.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::civil::Date;

use super::engine::{By, figures};
use super::store::{self, Measured};
use super::window::{month_ends, period};
use crate::definitions::{Baseline, Definitions, Kpi, KpiWindow, SegmentRule};
use crate::metrics::facts::date_of;
use crate::{App, events, metrics};

/// How long what a baseline looks at has to be left alone before it is frozen, in microseconds.
const SETTLED: i64 = 24 * 3_600 * 1_000_000;

/// Months of history whose figures are kept ready.
pub const KEPT_MONTHS: i32 = 25;

/// The days whose figures are kept: the month ends of the last two years, and today.
#[must_use]
pub fn kept_days(today: Date) -> Vec<Date> {
    let from = today
        .first_of_month()
        .saturating_sub(jiff::Span::new().months(KEPT_MONTHS - 1));
    month_ends(from, today)
}

/// The segments of a program as scopes.
#[must_use]
pub fn scopes(definitions: &Definitions) -> Vec<String> {
    definitions
        .segments
        .segments
        .iter()
        .map(|segment: &SegmentRule| segment.id.clone())
        .collect()
}

/// Whether a mark can move the figure that `kpi` has for `day`: a month (yyyymm) that gained or lost events, or all months from one on
/// (−yyyymm), when the accounts' own past changed.
pub(super) fn touched(kpi: &Kpi, day: Date, month: i32) -> bool {
    let period = period(kpi.window, kpi.lag, day);
    let number = |date: Date| i32::from(date.year()) * 100 + i32::from(date.month());
    // What is read of the accounts as they are now is the same for every day.
    if month < 0 || reads_the_present(kpi) {
        return reads_the_present(kpi) || number(day) >= -month;
    }
    // A state at a day and the outcome after a lag look at everything before; a window looks at its own months. Facts that are read
    // as tables (tickets, responses) may reach further back than the window, so a window counts from the month in which it starts.
    match kpi.window {
        KpiWindow::Day => number(day) >= month,
        _ => {
            number(day) >= month
                && (kpi.lag.is_some() || number(period.first) <= month || !reads_only_window(kpi))
        }
    }
}

/// Whether the facts read something that has no past.
fn reads_the_present(kpi: &Kpi) -> bool {
    kpi.relations()
        .iter()
        .any(|relation| ["accounts", "contacts"].contains(&relation.as_str()))
}

/// Whether the facts read nothing but the events of the window and the cohort.
fn reads_only_window(kpi: &Kpi) -> bool {
    kpi.relations()
        .iter()
        .all(|relation| ["cohort", "period_events", "periods"].contains(&relation.as_str()))
}

/// Computes what is marked. Tells whether anything was.
///
/// # Errors
/// When history or records fail; the marks stay.
pub async fn refresh(app: &App) -> Result<bool> {
    let Some(definitions) = app.definitions() else {
        return Ok(false);
    };
    let marks = store::dirty(&app.store).await?;
    let today = date_of(metrics::today(app));
    let held = store::of_day(&app.store, today).await?;
    // A program without KPIs has nothing to hold.
    if marks.is_empty() && (!held.is_empty() || definitions.kpis.is_empty()) {
        baselines(app, &definitions, &marks).await?;
        return Ok(false);
    }
    let all = held.is_empty() || marks.iter().any(|(month, _)| *month == 0);
    app.kpis.forget(&definitions, &marks, all);
    let days = kept_days(today);
    let scopes = scopes(&definitions);
    let live: Vec<&Kpi> = definitions.kpis.iter().collect();
    // Today first, so that what people look at is fresh while the past is still being computed.
    for batch in [&days[days.len() - 1..], &days[..days.len() - 1]] {
        for kpi in groups_of_touch(&live, batch, &marks, all) {
            let (kpis, days) = kpi;
            let cells = figures(app, &definitions, &kpis, &days, &By::Segment, &scopes).await?;
            let tx = app.store.begin().await?;
            store::put(&tx, &cells, app.clock.micros()).await?;
            tx.commit().await?;
        }
    }
    baselines(app, &definitions, &marks).await?;
    let tx = app.store.begin().await?;
    store::forget_others(&tx, &days).await?;
    store::clean(&tx, &marks).await?;
    tx.commit().await?;
    Ok(true)
}

/// KPIs together with the days that have to be computed for them, KPIs of the same days together.
fn groups_of_touch<'a>(
    kpis: &[&'a Kpi],
    days: &[Date],
    marks: &[(i32, i64)],
    all: bool,
) -> Vec<(Vec<&'a Kpi>, Vec<Date>)> {
    let mut groups: Vec<(Vec<&Kpi>, Vec<Date>)> = Vec::new();
    for kpi in kpis {
        let wanted: Vec<Date> = days
            .iter()
            .copied()
            .filter(|day| all || marks.iter().any(|(month, _)| touched(kpi, *day, *month)))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(_, days)| *days == wanted) {
            Some((kpis, _)) => kpis.push(kpi),
            None => groups.push((vec![kpi], wanted)),
        }
    }
    groups
}

/// Measures the baselines that are to be measured and whose day has come. A baseline follows its data until those have been left alone for a
/// day — a company is imported in pieces — and is frozen then: what arrives later moves the figures, not the promise.
async fn baselines(app: &App, definitions: &Definitions, marks: &[(i32, i64)]) -> Result<()> {
    let held = store::baselines(&app.store).await?;
    let (now, today) = (app.clock.micros(), date_of(metrics::today(app)));
    for target in &definitions.targets {
        let Baseline::Measured { on } = target.baseline else {
            continue;
        };
        let (Some(kpi), true) = (definitions.kpi(&target.kpi), on <= today) else {
            continue;
        };
        let before = held.get(&target.id).filter(|measured| measured.day == on);
        if before.is_some_and(|measured| measured.frozen_at.is_some()) {
            continue;
        }
        let touched = before.is_none()
            || marks
                .iter()
                .any(|(month, _)| *month == 0 || touched(kpi, on, *month));
        let next = match before {
            Some(measured) if !touched => {
                let settled = now - measured.touched_at >= SETTLED;
                settled.then(|| Measured {
                    frozen_at: Some(now),
                    ..measured.clone()
                })
            }
            _ => {
                let cells = figures(app, definitions, &[kpi], &[on], &By::Segment, &[]).await?;
                let value = cells
                    .iter()
                    .find(|cell| cell.scope == target.scope)
                    .and_then(|cell| cell.figure.value);
                value.map(|value| Measured {
                    value,
                    day: on,
                    touched_at: now,
                    frozen_at: None,
                })
            }
        };
        if let Some(next) = next {
            let tx = app.store.begin().await?;
            store::put_baseline(&tx, &target.id, &next).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Runs until the server stops: when a burst of changes is over, or goes on for long, and by the clock.
pub async fn run(app: App) {
    let mut changes = app.metrics.watch();
    loop {
        quiet(&app).await;
        let start = Instant::now();
        if let Err(error) = refresh(&app).await {
            tracing::error!(error = %format!("{error:#}"), "KPIs could not be brought up to date; trying again");
        }
        // What stays busy is refreshed for a third of the time at most.
        tokio::time::sleep((start.elapsed() * 2).clamp(Duration::from_millis(500), Duration::from_secs(30)))
            .await;
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
        }
    }
}

/// Waits until metrics have worked in what the log holds and nothing has changed for a moment, at most twenty seconds.
async fn quiet(app: &App) {
    let start = Instant::now();
    loop {
        let version = app.metrics.version();
        tokio::time::sleep(Duration::from_millis(700)).await;
        let behind = events::cursor(app, metrics::work::CURSOR)
            .await
            .is_ok_and(|seq| seq < *events::watch(app).borrow());
        if (version == app.metrics.version() && !behind) || start.elapsed() > Duration::from_secs(20) {
            return;
        }
    }
}
