//! Keeping figures current: what a change touches is computed again, today's figures first, in the background.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::civil::Date;

use super::engine::{By, figures};
use super::reading::Memo;
use super::reads::Reads;
use super::store::{self, Measured};
use super::window::{month_ends, period};
use crate::definitions::{Baseline, Definitions, Kpi, KpiWindow, SegmentRule};
use crate::metrics::facts::date_of;
use crate::{App, events, metrics};

/// How long what a baseline looks at has to be left alone before it is frozen, in microseconds.
const SETTLED: i64 = 24 * 3_600 * 1_000_000;

/// How long figures that were computed for a page are kept, in microseconds.
const UNREAD: i64 = 40 * 24 * 3_600 * 1_000_000;

/// The setting that holds by what each KPI's kept figures were computed.
const COMPUTED_BY: &str = "kpis.computed_by";

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
fn touched(kpi: &Kpi, reads: Reads, day: Date, month: i32) -> bool {
    let period = period(kpi.window, kpi.lag, day);
    let number = |date: Date| i32::from(date.year()) * 100 + i32::from(date.month());
    // What is read of the accounts as they are now is the same for every day.
    if month < 0 || reads.present {
        return reads.present || number(day) >= -month;
    }
    // A state at a day and the outcome after a lag look at everything before; a window looks at its own months. Facts that are read
    // as tables (tickets, responses) may reach further back than the window, so a window counts from the month in which it starts.
    match kpi.window {
        KpiWindow::Day => number(day) >= month,
        _ => {
            number(day) >= month && (kpi.lag.is_some() || number(period.first) <= month || !reads.only_window)
        }
    }
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
    let days = kept_days(today);
    let due = Due::find(app, &definitions, &marks, &days).await?;
    if marks.is_empty() && due.is_nothing(&definitions, &days) {
        baselines(app, &definitions, &due).await?;
        return Ok(false);
    }
    Memo::forget(app, &definitions, &due).await?;
    let scopes = scopes(&definitions);
    let live: Vec<&Kpi> = definitions.kpis.iter().collect();
    // Today first, so that what people look at is fresh while the past is still being computed.
    for batch in [&days[days.len() - 1..], &days[..days.len() - 1]] {
        for (kpis, days) in due.groups(&live, batch) {
            let cells = figures(app, &definitions, &kpis, &days, &By::Segment, &scopes).await?;
            let tx = app.store.begin().await?;
            store::put(&tx, &cells, app.clock.micros()).await?;
            tx.commit().await?;
        }
    }
    baselines(app, &definitions, &due).await?;
    let prints = serde_json::to_string(&*due.prints)?;
    let tx = app.store.begin().await?;
    store::forget_others(&tx, &days).await?;
    let declared = |kpi: &&str| definitions.kpi(kpi).is_none();
    let gone: BTreeSet<&str> = due
        .kept
        .iter()
        .map(|(kpi, _)| kpi.as_str())
        .filter(declared)
        .collect();
    store::forget_kpis(&tx, &gone.into_iter().collect::<Vec<_>>()).await?;
    store::forget_old_splits(&tx, app.clock.micros() - UNREAD).await?;
    metrics::set_setting(&tx, COMPUTED_BY, &prints).await?;
    store::clean(&tx, &marks).await?;
    tx.commit().await?;
    app.kpis.announce();
    Ok(true)
}

/// What has to be computed, and why.
pub(super) struct Due<'m> {
    /// What was marked.
    marks: &'m [(i32, i64)],
    /// Everything.
    all: bool,
    /// KPIs that are computed otherwise than what is kept of them.
    changed: BTreeSet<String>,
    /// The KPIs and days of which something is kept.
    kept: BTreeSet<(String, Date)>,
    /// Of each KPI what it is computed by.
    prints: Arc<BTreeMap<String, String>>,
    /// Of each KPI what it reads.
    reads: BTreeMap<String, Reads>,
}

impl<'m> Due<'m> {
    async fn find(
        app: &App,
        definitions: &Arc<Definitions>,
        marks: &'m [(i32, i64)],
        days: &[Date],
    ) -> Result<Self> {
        let kept = store::kept_places(&app.store).await?;
        let before = metrics::setting(&app.store, COMPUTED_BY).await?;
        let before: BTreeMap<String, String> = before
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let prints = app.kpis.prints(definitions);
        let reads: BTreeMap<String, Reads> = definitions
            .kpis
            .iter()
            .map(|kpi| (kpi.id.clone(), Reads::of(app, kpi)))
            .collect();
        let today = days.last().copied().unwrap_or_default();
        let new_day = |kpi: &Kpi| !kept.contains(&(kpi.id.clone(), today)) && Reads::of(app, kpi).clock;
        let changed = definitions
            .kpis
            .iter()
            .filter(|kpi| before.get(&kpi.id) != prints.get(&kpi.id) || new_day(kpi))
            .map(|kpi| kpi.id.clone())
            .collect();
        Ok(Self {
            marks,
            all: marks.iter().any(|(month, _)| *month == 0),
            changed,
            kept,
            prints,
            reads,
        })
    }

    /// Whether what was computed of a KPI for a day no longer holds.
    pub(super) fn touches(&self, kpi: &Kpi, day: Date) -> bool {
        self.all
            || self.changed.contains(&kpi.id)
            || self.reads.get(&kpi.id).is_some_and(|reads| {
                self.marks
                    .iter()
                    .any(|(month, _)| touched(kpi, *reads, day, *month))
            })
    }

    /// Whether accounts may be described otherwise than when splits by attribute were computed.
    pub(super) fn attributes(&self) -> bool {
        self.all || self.marks.iter().any(|(month, _)| *month == metrics::NO_MONTH)
    }

    /// Whether a KPI's figure of a day has to be computed.
    fn wants(&self, kpi: &Kpi, day: Date) -> bool {
        self.touches(kpi, day) || (kpi.facts.is_some() && !self.kept.contains(&(kpi.id.clone(), day)))
    }

    fn is_nothing(&self, definitions: &Definitions, days: &[Date]) -> bool {
        let wanted = |kpi: &Kpi| days.iter().any(|day| self.wants(kpi, *day));
        !definitions.kpis.iter().any(wanted)
    }

    /// KPIs together with the days that have to be computed for them, KPIs of the same days together.
    fn groups<'a>(&self, kpis: &[&'a Kpi], days: &[Date]) -> Vec<(Vec<&'a Kpi>, Vec<Date>)> {
        let mut groups: Vec<(Vec<&Kpi>, Vec<Date>)> = Vec::new();
        for kpi in kpis {
            let wanted: Vec<Date> = days.iter().copied().filter(|day| self.wants(kpi, *day)).collect();
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
}

/// Measures the baselines that are to be measured and whose day has come. A baseline follows its data until those have been left alone for a
/// day — a company is imported in pieces — and is frozen then: what arrives later moves the figures, not the promise.
async fn baselines(app: &App, definitions: &Definitions, due: &Due<'_>) -> Result<()> {
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
        let touched = before.is_none() || due.touches(kpi, on);
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
