//! Tiles that show KPIs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::filters::{Compare, Filters, before, ends, known_on, last_day};
use super::frame::{Before, Column, Data, Figure, Row, Series, State, Tick, Trend};
use crate::App;
use crate::definitions::{Definitions, Kpi, Tile, TileKind, TileMeasure};
use crate::kpis::engine::{ALL, By, NONE, Only};
use crate::kpis::overview::{Targets, better_name, instant, unit_name};
use crate::kpis::reading::{Readings, Want};
use crate::kpis::stats;
use crate::kpis::window::period;
use crate::scores::stages::{self, Stages};
use crate::web::Result;

/// Different values of what figures are split by, at most: more are no chart.
const MOST_GROUPS: usize = 1_000;
/// Points of the trend beside a figure.
const TREND: u32 = 13;

/// What a page knows while its tiles are made.
pub struct Page<'a> {
    /// The application.
    pub app: &'a App,
    /// The program in force.
    pub definitions: &'a Arc<Definitions>,
    /// The filters.
    pub filters: &'a Filters,
    /// The targets.
    pub targets: &'a Targets,
    /// In which lifecycle stage accounts were when, where a tile asks for it.
    pub stages: Option<&'a Stages>,
}

/// In which lifecycle stage accounts were when, where one of the tiles is split by it.
pub async fn stages_of(app: &App, definitions: &Definitions, tiles: &[Tile]) -> Result<Option<Stages>> {
    let named = |tile: &Tile| definitions.stage_named(tile.by.as_deref()?);
    match tiles.iter().find_map(named) {
        Some(field) => Ok(Some(stages::all(app, field).await?)),
        None => Ok(None),
    }
}

/// What a tile is split by; the problem in words where it cannot be.
pub fn split(page: &Page<'_>, tile: &Tile) -> std::result::Result<By, String> {
    Ok(match tile.by.as_deref() {
        None => By::Nothing,
        Some("segment") => By::Segment,
        Some("owner") => By::Owner,
        Some("item") => By::Item,
        Some("stage") if let Some(stages) = page.stages => By::Stage(stages.clone()),
        Some(id) => {
            let mut values: HashSet<String> = HashSet::new();
            for entry in page.app.metrics.book.all() {
                if let Some(value) = entry.attributes.get(id).filter(|v| !v.is_null()) {
                    values.insert(value.to_string());
                }
                if values.len() > MOST_GROUPS {
                    return Err(format!(
                        "{id} has more than {MOST_GROUPS} different values, too many to be told apart. Split by something that accounts have in common."
                    ));
                }
            }
            By::Attribute(id.to_owned())
        }
    })
}

/// The KPIs of a tile; the first that cannot be shown gives the state instead.
fn kpis<'d>(page: &Page<'d>, tile: &Tile) -> std::result::Result<Vec<&'d Kpi>, (State, String)> {
    let mut found = Vec::new();
    for id in &tile.kpis {
        let Some(kpi) = page.definitions.kpi(id) else {
            return Err((
                State::Failed,
                format!("The program in force has no KPI {id}. Edit the tile, or declare the KPI."),
            ));
        };
        found.push(kpi);
    }
    // A table tells of each row what it waits for; a chart of several shows those that exist.
    let waits = |kpi: &&Kpi| kpi.facts.is_none();
    if tile.kind != TileKind::Table
        && found.iter().all(waits)
        && let Some(kpi) = found.first()
    {
        let what = kpi.waits_for.clone().unwrap_or_default();
        return Err((State::Waiting, what));
    }
    Ok(found)
}

/// Whether the tile shows its KPIs over time.
fn over_time(tile: &Tile) -> bool {
    match tile.kind {
        TileKind::Line | TileKind::Stacked | TileKind::Heatmap => true,
        TileKind::Bar => tile.by.is_none() && tile.kpis.len() == 1,
        _ => false,
    }
}

/// The days of a KPI in a tile over time, and those of the page's comparison.
fn days_over_time(page: &Page<'_>, tile: &Tile, kpi: &Kpi) -> (Vec<Date>, Vec<Date>) {
    let (count, grain) = page.filters.span(tile);
    let plain = ends(page.filters.day, count, grain);
    let days = known_on(kpi, grain, &plain, page.filters.day);
    if tile.by.is_some() || tile.kind != TileKind::Line {
        return (days, Vec::new());
    }
    let earlier = match page.filters.compare {
        Compare::Nothing => Vec::new(),
        Compare::Year => plain.iter().filter_map(|d| year_before(*d)).collect(),
        Compare::Previous => {
            let first = plain.first().copied().unwrap_or(page.filters.day);
            let until = match grain {
                crate::definitions::Grain::Month | crate::definitions::Grain::Quarter => {
                    first.first_of_month().yesterday().unwrap_or(first)
                }
                _ => first.yesterday().unwrap_or(first),
            };
            ends(until, count, grain)
        }
    };
    (days, known_on(kpi, grain, &earlier, page.filters.day))
}

fn year_before(day: Date) -> Option<Date> {
    use jiff::ToSpan;
    let then = day.first_of_month().checked_sub(12.months()).ok()?;
    Some(if day == day.last_of_month() {
        then.last_of_month()
    } else {
        day.checked_sub(12.months()).ok()?
    })
}

/// Everything that a tile reads.
pub fn wants(page: &Page<'_>, tile: &Tile) -> Vec<Want> {
    let (Ok(kpis), Ok(by)) = (kpis(page, tile), split(page, tile)) else {
        return Vec::new();
    };
    let only = page.filters.only(tile);
    let day = page.filters.day;
    let mut wants = Vec::new();
    for kpi in kpis {
        let mut want = |days: Vec<Date>, by: &By| {
            wants.push(Want {
                kpi: kpi.id.clone(),
                days,
                by: by.clone(),
                only: only.clone(),
            });
        };
        match tile.kind {
            TileKind::Figure => {
                let mut days = trend_days(kpi, day);
                days.push(day);
                days.extend(before(kpi, day, page.filters.compare));
                want(days, &By::Nothing);
            }
            TileKind::Table => {
                let mut days = vec![day];
                days.extend(before(kpi, day, page.filters.compare));
                want(days, &By::Segment);
            }
            _ if over_time(tile) => {
                let (days, earlier) = days_over_time(page, tile, kpi);
                want(days, &by);
                want(earlier, &by);
            }
            _ => want(vec![day], &by),
        }
    }
    wants
}

/// The days of the trend beside a figure: month ends and the day itself, as the reactor keeps them.
fn trend_days(kpi: &Kpi, day: Date) -> Vec<Date> {
    let plain = ends(day, TREND, crate::definitions::Grain::Month);
    known_on(kpi, crate::definitions::Grain::Month, &plain, day)
}

/// Makes a tile of KPIs.
pub fn build(page: &Page<'_>, tile: &Tile, readings: &Readings) -> Data {
    let mut data = Data::of(tile);
    let kpis = match kpis(page, tile) {
        Ok(kpis) => kpis,
        Err((state, note)) => {
            describe(page, tile, &mut data);
            return data.with(state, note);
        }
    };
    let by = match split(page, tile) {
        Ok(by) => by,
        Err(note) => return data.with(State::Failed, note),
    };
    describe(page, tile, &mut data);
    let only = page.filters.only(tile);
    data.segment = only.segment.clone();
    match tile.kind {
        TileKind::Figure => figure(page, &kpis, &only, readings, &mut data),
        TileKind::Table => table(page, &kpis, &only, readings, &mut data),
        _ if over_time(tile) => chart(page, tile, &kpis, &by, readings, &mut data),
        _ => bars(page, tile, &kpis, &by, readings, &mut data),
    }
    data.or_empty()
}

fn describe(page: &Page<'_>, tile: &Tile, data: &mut Data) {
    let Some(kpi) = tile.kpis.first().and_then(|id| page.definitions.kpi(id)) else {
        return;
    };
    if tile.kpis.len() == 1 {
        data.kpi = Some(kpi.id.clone());
        if data.description.is_empty() {
            data.description.clone_from(&kpi.description);
        }
    }
    if data.title.is_empty() {
        data.title.clone_from(&kpi.label);
    }
    let counted = tile.measure != TileMeasure::Value && kpi.unit != crate::definitions::Unit::Money;
    data.unit = Some(if counted { "number" } else { unit_name(kpi.unit) });
    data.better = Some(better_name(kpi.better));
}

fn seen(data: &mut Data, computed_at: i64) {
    let at = instant(computed_at);
    if data.computed_at.as_ref().is_none_or(|held| at < *held) {
        data.computed_at = Some(at);
    }
}

fn scope_name(only: &Only) -> &str {
    only.segment.as_deref().unwrap_or(ALL)
}

fn figure(page: &Page<'_>, kpis: &[&Kpi], only: &Only, readings: &Readings, data: &mut Data) {
    let Some(kpi) = kpis.first() else { return };
    let day = page.filters.day;
    let window = period(kpi.window, kpi.lag, day);
    let found = readings.one(&kpi.id, day, only);
    let empty = stats::Figure::default();
    let held = found.map_or(&empty, |(figure, _)| figure);
    if let Some((_, at)) = found {
        seen(data, at);
    }
    // Targets are promises about everyone or a segment; an owner's part is held against none.
    let targeted = only.owner.is_none();
    let line = |day: Date| {
        targeted
            .then(|| page.targets.line(page.definitions, kpi, scope_name(only), day))
            .flatten()
    };
    let trend = trend_days(kpi, day)
        .into_iter()
        .map(|at| Trend {
            period: last_day(kpi, at).to_string(),
            value: readings.one(&kpi.id, at, only).and_then(|(f, _)| f.value),
            target: line(at),
        })
        .collect();
    let earlier = before(kpi, day, page.filters.compare).map(|at| {
        let window = period(kpi.window, kpi.lag, at);
        Before {
            first_day: window.first.to_string(),
            last_day: window.last.to_string(),
            value: readings.one(&kpi.id, at, only).and_then(|(f, _)| f.value),
        }
    });
    data.figure = Some(Figure {
        value: held.value,
        numerator: held.numerator,
        denominator: held.denominator,
        interval: held.interval.map(|(low, high)| [low, high]),
        median: held.median,
        p90: held.p90,
        first_day: window.first.to_string(),
        last_day: window.last.to_string(),
        day: day.to_string(),
        before: earlier,
        targets: if targeted {
            page.targets
                .held(page.definitions, kpi, scope_name(only), day, held.value)
        } else {
            Vec::new()
        },
        trend,
    });
}

fn measured(figure: &stats::Figure, measure: TileMeasure) -> Option<f64> {
    match measure {
        TileMeasure::Value => figure.value,
        TileMeasure::Numerator => figure.numerator,
        TileMeasure::Denominator => figure.denominator,
    }
}

/// One row of values that is being filled.
struct Filling<'k> {
    kpi: &'k Kpi,
    scope: String,
    label: String,
}

/// The groups of a split: segments in the program's order, others by how much there is of them; `None` = all accounts.
fn groups(
    page: &Page<'_>,
    kpi: &Kpi,
    by: &By,
    only: &Only,
    days: &[Date],
    readings: &Readings,
) -> Vec<String> {
    if *by == By::Segment {
        let declared = page.definitions.segments.segments.iter().map(|s| s.id.clone());
        let mut all: Vec<String> = declared.collect();
        let unclassified = crate::metrics::evaluate::UNCLASSIFIED.to_owned();
        if days.iter().any(|day| {
            readings
                .get(&kpi.id, *day, by, only)
                .is_some_and(|c| c.figure(&unclassified).is_some())
        }) {
            all.push(unclassified);
        }
        all.retain(|s| only.segment.as_ref().is_none_or(|wanted| wanted == s));
        return all;
    }
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    for day in days {
        for (scope, figure) in readings
            .get(&kpi.id, *day, by, only)
            .iter()
            .flat_map(|c| &c.figures)
        {
            if scope != ALL {
                let weight = figure.denominator.or(figure.numerator).unwrap_or_default().abs();
                *weights.entry(scope.clone()).or_default() += weight;
            }
        }
    }
    let mut all: Vec<(String, f64)> = weights.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.into_iter().map(|(scope, _)| scope).collect()
}

/// The groups that a tile shows, with a remark where some are left out.
fn shown(tile: &Tile, all: Vec<String>, usual: usize, data: &mut Data) -> Vec<String> {
    let most = tile.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let total = all.len();
    if total > most {
        data.remark(&format!("The {most} largest of {total} are shown."));
    }
    all.into_iter().take(most).collect()
}

fn group_label(page: &Page<'_>, by: &By, scope: &str) -> String {
    if scope == NONE {
        return "None".to_owned();
    }
    match by {
        By::Segment => page
            .definitions
            .segment(scope)
            .map_or_else(|| words(scope), |segment| segment.label.clone()),
        By::Item => words(scope),
        _ => scope.to_owned(),
    }
}

/// `feature_gaps` → `Feature gaps`.
fn words(code: &str) -> String {
    let spaced = code.replace('_', " ");
    let mut letters = spaced.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn chart(page: &Page<'_>, tile: &Tile, kpis: &[&Kpi], by: &By, readings: &Readings, data: &mut Data) {
    data.over_time = true;
    let only = page.filters.only(tile);
    let mut rows: Vec<(Filling<'_>, Vec<Date>, Vec<Date>)> = Vec::new();
    for kpi in kpis.iter().filter(|kpi| kpi.facts.is_some()) {
        let (days, earlier) = days_over_time(page, tile, kpi);
        if *by == By::Nothing {
            let label = if kpis.len() == 1 {
                scope_label(page, &only)
            } else {
                kpi.label.clone()
            };
            let scope = scope_name(&only).to_owned();
            rows.push((Filling { kpi, scope, label }, days, earlier));
            continue;
        }
        let all = groups(page, kpi, by, &only, &days, readings);
        for scope in shown(tile, all, 12, data) {
            let label = group_label(page, by, &scope);
            rows.push((Filling { kpi, scope, label }, days.clone(), Vec::new()));
        }
    }
    let axis: BTreeSet<Date> = rows
        .iter()
        .flat_map(|(row, days, _)| days.iter().map(|day| last_day(row.kpi, *day)))
        .collect();
    data.axis = axis
        .iter()
        .map(|day| Tick {
            key: day.to_string(),
            label: day.to_string(),
        })
        .collect();
    for (row, days, earlier) in rows {
        let line = line(
            page, tile, &row, by, &only, &axis, &days, &earlier, readings, data,
        );
        data.series.push(line);
    }
}

fn scope_label(page: &Page<'_>, only: &Only) -> String {
    match (&only.segment, &only.owner) {
        (None, None) => "All accounts".to_owned(),
        (Some(segment), None) => group_label(page, &By::Segment, segment),
        (None, Some(owner)) => owner.clone(),
        (Some(segment), Some(owner)) => format!("{}, {owner}", group_label(page, &By::Segment, segment)),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one chart, used here only")]
fn line(
    page: &Page<'_>,
    tile: &Tile,
    row: &Filling<'_>,
    by: &By,
    only: &Only,
    axis: &BTreeSet<Date>,
    days: &[Date],
    earlier: &[Date],
    readings: &Readings,
    data: &mut Data,
) -> Series {
    let at = |day: Date| match by {
        By::Nothing => readings.one(&row.kpi.id, day, only),
        _ => readings
            .get(&row.kpi.id, day, by, only)
            .and_then(|cells| cells.figure(&row.scope).map(|f| (f, cells.computed_at))),
    };
    let by_end: BTreeMap<Date, Date> = days.iter().map(|day| (last_day(row.kpi, *day), *day)).collect();
    let mut series = Series {
        key: if *by == By::Nothing {
            row.kpi.id.clone()
        } else {
            row.scope.clone()
        },
        label: row.label.clone(),
        kpi: Some(row.kpi.id.clone()),
        scope: Some(row.scope.clone()),
        ..Series::default()
    };
    let segment_like = matches!(by, By::Nothing | By::Segment) && only.owner.is_none();
    let measures_value = tile.measure == TileMeasure::Value;
    for end in axis {
        let day = by_end.get(end).copied();
        let found = day.and_then(at);
        if let Some((_, computed_at)) = found {
            seen(data, computed_at);
        }
        let figure = found.map(|(figure, _)| figure);
        series.values.push(figure.and_then(|f| measured(f, tile.measure)));
        series.numerators.push(figure.and_then(|f| f.numerator));
        series.denominators.push(figure.and_then(|f| f.denominator));
        series
            .intervals
            .push(figure.and_then(|f| f.interval).map(|(low, high)| [low, high]));
        series.days.push(day.unwrap_or(*end).to_string());
        series.targets.push(
            day.filter(|_| segment_like && measures_value && tile.kind == TileKind::Line)
                .and_then(|day| page.targets.line(page.definitions, row.kpi, &row.scope, day)),
        );
    }
    // Earlier points lie under the present ones, the latest under the latest.
    if !earlier.is_empty() {
        let values: Vec<Option<f64>> = earlier
            .iter()
            .map(|day| at(*day).and_then(|(f, _)| measured(f, tile.measure)))
            .collect();
        let missing = axis.len().saturating_sub(values.len());
        series.before = std::iter::repeat_n(None, missing)
            .chain(values)
            .take(axis.len())
            .collect();
    }
    if series.targets.iter().all(Option::is_none) {
        series.targets.clear();
    }
    if series.intervals.iter().all(Option::is_none) {
        series.intervals.clear();
    }
    series
}

fn bars(page: &Page<'_>, tile: &Tile, kpis: &[&Kpi], by: &By, readings: &Readings, data: &mut Data) {
    let only = page.filters.only(tile);
    let day = page.filters.day;
    let mut series = Series::default();
    let mut targets = Vec::new();
    for kpi in kpis.iter().filter(|kpi| kpi.facts.is_some()) {
        let scopes: Vec<(String, String)> = if *by == By::Nothing {
            vec![(scope_name(&only).to_owned(), kpi.label.clone())]
        } else {
            series.kpi = Some(kpi.id.clone());
            let all = groups(page, kpi, by, &only, &[day], readings);
            shown(tile, all, 20, data)
                .into_iter()
                .map(|scope| (scope.clone(), group_label(page, by, &scope)))
                .collect()
        };
        for (scope, label) in scopes {
            let cells = readings.get(&kpi.id, day, by, &only);
            let one = readings.one(&kpi.id, day, &only);
            let figure = if *by == By::Nothing {
                one.map(|(figure, _)| figure)
            } else {
                cells.and_then(|c| c.figure(&scope))
            };
            if let Some(cells) = cells {
                seen(data, cells.computed_at);
            }
            data.axis.push(Tick {
                key: if *by == By::Nothing {
                    kpi.id.clone()
                } else {
                    scope.clone()
                },
                label,
            });
            series.values.push(figure.and_then(|f| measured(f, tile.measure)));
            series.numerators.push(figure.and_then(|f| f.numerator));
            series.denominators.push(figure.and_then(|f| f.denominator));
            series
                .intervals
                .push(figure.and_then(|f| f.interval).map(|(low, high)| [low, high]));
            series.days.push(day.to_string());
            let segment_like = matches!(by, By::Nothing | By::Segment) && only.owner.is_none();
            targets.push(
                Some(())
                    .filter(|()| segment_like && tile.measure == TileMeasure::Value)
                    .and_then(|()| page.targets.line(page.definitions, kpi, &scope, day)),
            );
        }
    }
    if targets.iter().any(Option::is_some) {
        series.targets = targets;
    }
    series.label = if kpis.len() == 1 {
        kpis.first().map(|kpi| kpi.label.clone()).unwrap_or_default()
    } else {
        scope_label(page, &only)
    };
    series.key = "values".to_owned();
    data.series.push(series);
}

fn table(page: &Page<'_>, kpis: &[&Kpi], only: &Only, readings: &Readings, data: &mut Data) {
    let day = page.filters.day;
    let column = |id: &str, label: &str, kind: &str| Column {
        id: id.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        unit: None,
    };
    let compared = match page.filters.compare {
        Compare::Nothing => None,
        Compare::Previous => Some("Period before"),
        Compare::Year => Some("Year before"),
    };
    let mut columns = vec![
        column("kpi", "Figure", "text"),
        column("value", &scope_label(page, only), "figure"),
    ];
    columns.extend(compared.map(|label| column("before", label, "figure")));
    columns.push(column("target", "Goal", "figure"));
    columns.push(column("status", "Status", "status"));
    let split: Vec<&str> = if only.segment.is_none() && only.owner.is_none() {
        page.definitions
            .segments
            .segments
            .iter()
            .map(|s| s.id.as_str())
            .collect()
    } else {
        Vec::new()
    };
    for segment in &split {
        columns.push(column(
            segment,
            &group_label(page, &By::Segment, segment),
            "figure",
        ));
    }
    data.columns = columns;
    for kpi in kpis {
        let found = readings.one(&kpi.id, day, only);
        if let Some((_, at)) = found {
            seen(data, at);
        }
        let value = found.and_then(|(figure, _)| figure.value);
        let held = if only.owner.is_none() {
            page.targets
                .held(page.definitions, kpi, scope_name(only), day, value)
        } else {
            Vec::new()
        };
        let first = held.first();
        let mut cells: Vec<Json> = vec![json!(kpi.label), json!(value)];
        if compared.is_some() {
            let then = before(kpi, day, page.filters.compare)
                .and_then(|at| readings.one(&kpi.id, at, only))
                .and_then(|(figure, _)| figure.value);
            cells.push(json!(then));
        }
        cells.push(json!(first.and_then(|h| h.target)));
        cells.push(match (&kpi.waits_for, first) {
            (Some(what), _) if kpi.facts.is_none() => json!(format!("waits for {what}")),
            (_, Some(held)) => json!(held.status),
            _ => Json::Null,
        });
        for segment in &split {
            let scope = Only {
                segment: Some((*segment).to_owned()),
                owner: None,
            };
            let value = readings
                .one(&kpi.id, day, &scope)
                .and_then(|(figure, _)| figure.value);
            cells.push(json!(value));
        }
        data.rows.push(Row {
            unit: Some(unit_name(kpi.unit)),
            kpi: Some(kpi.id.clone()),
            account_id: None,
            cells,
        });
    }
}
