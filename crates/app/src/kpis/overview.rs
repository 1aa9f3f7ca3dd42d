//! Figures beside their targets: what the Overview and `tenure kpis` show.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::engine::{ALL, By, Only, figures};
use super::reactor::scopes;
use super::reading::{Readings, Want};
use super::stats::Figure;
use super::status::Status;
use super::store::{self, Kept};
use super::targets::baseline::{BaselineSource, Baselines};
use super::window::period;
use crate::definitions::{Better, Definitions, Goal, Kpi, Target, Unit, conflicts};
use crate::metrics::facts::{date_of, day_number};
use crate::{App, metrics};

/// One figure, with one of its targets where it has any.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KpiFigure)]
pub struct Line {
    /// The KPI's id.
    pub kpi: String,
    /// Its label.
    pub label: String,
    /// The heading that it stands under.
    pub group: String,
    /// The definition in words.
    pub description: String,
    /// `all`, or a value of what figures are split by.
    pub scope: String,
    /// First day looked at.
    pub first_day: String,
    /// Last day looked at.
    pub period: String,
    /// The figure; null = no data.
    pub value: Option<f64>,
    /// What was divided.
    pub numerator: Option<f64>,
    /// By what.
    pub denominator: Option<f64>,
    /// ratio (0–1), number, money (major unit), points, days or hours.
    pub unit: &'static str,
    /// Which way is good: up or down.
    pub better: &'static str,
    /// 95 % interval, where one is known.
    pub interval: Option<[f64; 2]>,
    /// Median, where the figure is a mean.
    pub median: Option<f64>,
    /// 90th percentile, where the figure is a mean.
    pub p90: Option<f64>,
    /// The target's baseline.
    pub baseline: Option<f64>,
    /// The day of the baseline.
    pub baseline_on: Option<String>,
    /// What is to be reached.
    pub target: Option<f64>,
    /// What the straight line from baseline to goal asks for on this day.
    pub expected: Option<f64>,
    /// The target's id.
    pub target_id: Option<String>,
    /// By when.
    pub deadline: Option<String>,
    /// Where the figure stands.
    pub status: Option<Status>,
    /// The document that the target comes from.
    pub source: Option<String>,
    /// Whether another document wants something else of the same figure.
    pub conflict: bool,
    /// What has to be built or connected before this figure can exist.
    pub waits_for: Option<String>,
    /// When the figure was computed.
    pub computed_at: String,
}

/// The name of a unit in data.
#[must_use]
pub fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "ratio",
        Unit::Number => "number",
        Unit::Money => "money",
        Unit::Points => "points",
        Unit::Days => "days",
        Unit::Hours => "hours",
    }
}

/// The name of a direction in data.
#[must_use]
pub fn better_name(better: Better) -> &'static str {
    match better {
        Better::Up => "up",
        Better::Down => "down",
    }
}

/// An instant as text.
#[must_use]
pub fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// Figures of one day by KPI and scope: kept ones, or computed now when that day is not kept.
///
/// # Errors
/// When history or records fail.
pub async fn of_day(app: &App, definitions: &Definitions, day: Date) -> Result<Vec<Kept>> {
    let kept = store::of_day(&app.store, day).await?;
    if definitions
        .kpis
        .iter()
        .all(|kpi| kept.iter().any(|k| k.kpi == kpi.id))
    {
        return Ok(kept);
    }
    let all: Vec<&Kpi> = definitions.kpis.iter().collect();
    let cells = figures(app, definitions, &all, &[day], &By::Segment, &scopes(definitions)).await?;
    let now = app.clock.micros();
    Ok(cells
        .into_iter()
        .map(|cell| Kept {
            kpi: cell.kpi,
            day,
            scope: cell.scope,
            figure: cell.figure,
            computed_at: now,
        })
        .collect())
}

/// Every KPI's figure of a day with its targets, in the program's order, and a line for each value of what they are split by.
///
/// # Errors
/// When history or records fail.
pub async fn lines(app: &App, definitions: &Arc<Definitions>, day: Date, by: &By) -> Result<Vec<Line>> {
    let by_segment = *by == By::Segment;
    let splits = splits(app, definitions, day, by).await?;
    let kept = of_day(app, definitions, day).await?;
    let baselines = Baselines::load(app).await?;
    let pairs = conflicts(definitions);
    let mut scopes_of = vec![ALL.to_owned()];
    scopes_of.extend(scopes(definitions));
    let mut lines = Vec::new();
    for kpi in &definitions.kpis {
        let targets: Vec<&Target> = definitions.targets.iter().filter(|t| t.kpi == kpi.id).collect();
        for scope in &scopes_of {
            let here: Vec<&Target> = targets.iter().copied().filter(|t| &t.scope == scope).collect();
            // A segment's line is shown without being asked for where a target is set for that segment alone.
            if scope != ALL && !by_segment && here.is_empty() {
                continue;
            }
            let held = kept.iter().find(|k| k.kpi == kpi.id && &k.scope == scope);
            let plain = line(kpi, scope, day, held);
            if here.is_empty() {
                lines.push(plain);
                continue;
            }
            for target in here {
                let conflict = pairs.iter().any(|(a, b)| a == &target.id || b == &target.id);
                lines.push(with_target(plain.clone(), kpi, target, &baselines, day, conflict));
            }
        }
        let split = splits.iter().filter(|k| k.kpi == kpi.id);
        lines.extend(split.map(|held| line(kpi, &held.scope, day, Some(held))));
    }
    Ok(lines)
}

/// The figures of a day by what they are split by, where that is not the segments, which are kept with those of all.
async fn splits(app: &App, definitions: &Arc<Definitions>, day: Date, by: &By) -> Result<Vec<Kept>> {
    if matches!(by, By::Nothing | By::Segment) {
        return Ok(Vec::new());
    }
    let only = Only::default();
    let want = |kpi: &Kpi| Want {
        kpi: kpi.id.clone(),
        days: vec![day],
        by: by.clone(),
        only: only.clone(),
    };
    let wants: Vec<Want> = definitions.kpis.iter().map(want).collect();
    let readings = Readings::load(app, definitions, &wants).await?;
    let mut found = Vec::new();
    for kpi in &definitions.kpis {
        let Some(cells) = readings.get(&kpi.id, day, by, &only) else {
            continue;
        };
        let parts = cells.figures.iter().filter(|(scope, _)| scope != ALL);
        found.extend(parts.map(|(scope, figure)| Kept {
            kpi: kpi.id.clone(),
            day,
            scope: scope.clone(),
            figure: figure.clone(),
            computed_at: cells.computed_at,
        }));
    }
    Ok(found)
}

fn line(kpi: &Kpi, scope: &str, day: Date, kept: Option<&Kept>) -> Line {
    let empty = Figure::default();
    let figure = kept.map_or(&empty, |k| &k.figure);
    let days = period(kpi.window, kpi.lag, day);
    Line {
        kpi: kpi.id.clone(),
        label: kpi.label.clone(),
        group: kpi.group.clone(),
        description: kpi.description.clone(),
        scope: scope.to_owned(),
        first_day: days.first.to_string(),
        period: days.last.to_string(),
        value: figure.value,
        numerator: figure.numerator,
        denominator: figure.denominator,
        unit: unit_name(kpi.unit),
        better: better_name(kpi.better),
        interval: figure.interval.map(|(low, high)| [low, high]),
        median: figure.median,
        p90: figure.p90,
        baseline: None,
        baseline_on: None,
        target: None,
        expected: None,
        target_id: None,
        deadline: None,
        status: None,
        source: None,
        conflict: false,
        waits_for: kpi.waits_for.clone(),
        computed_at: kept.map(|k| instant(k.computed_at)).unwrap_or_default(),
    }
}

fn with_target(
    mut line: Line,
    kpi: &Kpi,
    target: &Target,
    baselines: &Baselines,
    day: Date,
    conflict: bool,
) -> Line {
    let path = baselines.path(kpi, target);
    let baseline = baselines.in_force(target);
    line.baseline = baseline.value;
    line.baseline_on = Some(baseline.on.to_string());
    line.target = path.map(|p| p.to);
    line.expected = path.map(|p| p.expected(day_number(day)));
    line.target_id = Some(target.id.clone());
    line.deadline = Some(target.deadline.to_string());
    line.status = Some(path.map_or(Status::NoData, |p| p.status(line.value, day_number(day))));
    line.source = Some(target.source.clone());
    line.conflict = conflict;
    line
}

/// A figure held against one of its targets.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HeldTarget)]
pub struct Held {
    /// The target's id.
    pub target_id: String,
    /// Which document says so, and where.
    pub source: String,
    /// The baseline; null = not measured yet.
    pub baseline: Option<f64>,
    /// The day of the baseline.
    pub baseline_on: String,
    /// What is to be reached; null = it depends on a baseline that is not known yet.
    pub target: Option<f64>,
    /// What the straight line from baseline to goal asks for on this day.
    pub expected: Option<f64>,
    /// By when.
    pub deadline: String,
    /// Where the figure stands.
    pub status: Status,
    /// Whether another document wants something else of the same figure.
    pub conflict: bool,
}

/// The targets of a program with their measured baselines.
pub struct Targets {
    baselines: Baselines,
    conflicts: Vec<(String, String)>,
}

impl Targets {
    /// Reads the baselines.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn load(app: &App, definitions: &Definitions) -> Result<Self> {
        Ok(Self {
            baselines: Baselines::load(app).await?,
            conflicts: conflicts(definitions),
        })
    }

    /// A figure against every target of its KPI and scope.
    #[must_use]
    pub fn held(
        &self,
        definitions: &Definitions,
        kpi: &Kpi,
        scope: &str,
        day: Date,
        value: Option<f64>,
    ) -> Vec<Held> {
        let number = day_number(day);
        let of = definitions
            .targets
            .iter()
            .filter(|t| t.kpi == kpi.id && t.scope == scope);
        of.map(|target| {
            let path = self.baselines.path(kpi, target);
            let baseline = self.baselines.in_force(target);
            Held {
                target_id: target.id.clone(),
                source: target.source.clone(),
                baseline: baseline.value,
                baseline_on: baseline.on.to_string(),
                target: path.map(|p| p.to),
                expected: path.map(|p| p.expected(number)),
                deadline: target.deadline.to_string(),
                status: path.map_or(Status::NoData, |p| p.status(value, number)),
                conflict: self
                    .conflicts
                    .iter()
                    .any(|(a, b)| *a == target.id || *b == target.id),
            }
        })
        .collect()
    }

    /// What the first target of a KPI and scope asks for on a day.
    #[must_use]
    pub fn line(&self, definitions: &Definitions, kpi: &Kpi, scope: &str, day: Date) -> Option<f64> {
        let target = definitions
            .targets
            .iter()
            .find(|t| t.kpi == kpi.id && t.scope == scope)?;
        self.baselines
            .path(kpi, target)
            .map(|path| path.expected(day_number(day)))
    }
}

/// One target as the registry shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TargetLine {
    /// Its id.
    pub id: String,
    /// Its label, or the KPI's.
    pub label: String,
    /// The KPI.
    pub kpi: String,
    /// The KPI's label.
    pub kpi_label: String,
    /// `all`, or a segment.
    pub scope: String,
    /// The program that it belongs to.
    pub program: String,
    /// The KPI's unit.
    pub unit: &'static str,
    /// Which way is good.
    pub better: &'static str,
    /// The baseline; null = not measured yet.
    pub baseline: Option<f64>,
    /// The day of the baseline.
    pub baseline_on: String,
    /// Where it comes from.
    pub baseline_source: BaselineSource,
    /// When a measured baseline was frozen; null = stated by the source, or not yet.
    pub frozen_at: Option<String>,
    /// What is to be reached; null = it depends on a baseline that is not known yet.
    pub goal: Option<f64>,
    /// value, points or relative.
    pub goal_kind: &'static str,
    /// The figure as the source states the goal: −0.25 for "25 % less".
    pub goal_stated: f64,
    /// By when.
    pub deadline: String,
    /// Which document says so, and where.
    pub source: String,
    /// The document.
    pub document: String,
    /// How the source's words were read.
    pub description: String,
    /// The figure now.
    pub value: Option<f64>,
    /// What the line asks for now.
    pub expected: Option<f64>,
    /// Where it stands.
    pub status: Status,
    /// Targets of other documents that want something else of the same figure.
    pub conflicts_with: Vec<String>,
}

/// Every target with its status on a day.
///
/// # Errors
/// When history or records fail.
pub async fn targets(app: &App, definitions: &Definitions, day: Date) -> Result<Vec<TargetLine>> {
    let kept = of_day(app, definitions, day).await?;
    let baselines = Baselines::load(app).await?;
    let pairs = conflicts(definitions);
    let mut lines = Vec::new();
    for target in &definitions.targets {
        let Some(kpi) = definitions.kpi(&target.kpi) else {
            continue;
        };
        let baseline = baselines.in_force(target);
        let path = baselines.path(kpi, target);
        let value = kept
            .iter()
            .find(|k| k.kpi == kpi.id && k.scope == target.scope)
            .and_then(|k| k.figure.value);
        let (goal_kind, goal_stated) = match target.goal {
            Goal::Value(value) => ("value", value),
            Goal::Points(points) => ("points", points),
            Goal::Relative(share) => ("relative", share),
        };
        let against = |(a, b): &(String, String)| match () {
            () if a == &target.id => Some(b.clone()),
            () if b == &target.id => Some(a.clone()),
            () => None,
        };
        lines.push(TargetLine {
            id: target.id.clone(),
            label: if target.label.is_empty() {
                kpi.label.clone()
            } else {
                target.label.clone()
            },
            kpi: kpi.id.clone(),
            kpi_label: kpi.label.clone(),
            scope: target.scope.clone(),
            program: target.program.clone(),
            unit: unit_name(kpi.unit),
            better: better_name(kpi.better),
            baseline: baseline.value,
            baseline_on: baseline.on.to_string(),
            baseline_source: baseline.source,
            frozen_at: baseline.frozen_at.map(instant),
            goal: path.map(|p| p.to),
            goal_kind,
            goal_stated,
            deadline: target.deadline.to_string(),
            source: target.source.clone(),
            document: target.document().to_owned(),
            description: target.description.clone(),
            value,
            expected: path.map(|p| p.expected(day_number(day))),
            status: path.map_or(Status::NoData, |p| p.status(value, day_number(day))),
            conflicts_with: pairs.iter().filter_map(against).collect(),
        });
    }
    Ok(lines)
}

/// Sparklines: each KPI's figures of all accounts over the kept month ends before a day, oldest first.
///
/// # Errors
/// When the records fail.
pub async fn trends(app: &App, day: Date, months: i32) -> Result<BTreeMap<String, Vec<(Date, Option<f64>)>>> {
    let from = day
        .first_of_month()
        .saturating_sub(jiff::Span::new().months(months - 1));
    let mut trends: BTreeMap<String, Vec<(Date, Option<f64>)>> = BTreeMap::new();
    for kept in store::trends(&app.store, from, day).await? {
        // Today's running month aside, only month ends make a trend.
        if kept.day == kept.day.last_of_month() || kept.day == day {
            trends
                .entry(kept.kpi)
                .or_default()
                .push((kept.day, kept.figure.value));
        }
    }
    Ok(trends)
}

/// The day that a request asks for: `as_of`, or today in the program's zone. Days after today are refused.
///
/// # Errors
/// The problem with the field.
pub fn day_of(app: &App, as_of: Option<&str>) -> crate::web::Result<Date> {
    day_named(app, "as_of", as_of)
}

/// As [`day_of`], of a field of another name.
///
/// # Errors
/// The problem with the field.
pub fn day_named(app: &App, field: &str, day: Option<&str>) -> crate::web::Result<Date> {
    let today = date_of(metrics::today(app));
    let Some(text) = day.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(today);
    };
    let day: Date = text.parse().map_err(|_| {
        crate::web::Problem::field(
            field,
            text,
            "is not a day",
            "write it as YYYY-MM-DD, for example 2026-06-30",
        )
    })?;
    if day > today {
        return Err(crate::web::Problem::field(
            field,
            text,
            "lies in the future",
            format!("ask for {today} or a day before it"),
        ));
    }
    if day.year() < 1970 {
        return Err(crate::web::Problem::field(
            field,
            text,
            "lies before 1970",
            "ask for a later day",
        ));
    }
    Ok(day)
}
