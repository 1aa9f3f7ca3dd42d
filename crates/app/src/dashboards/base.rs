//! Tiles that show the accounts themselves: distributions, grids, cohorts, funnels, scatters and lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::figures::Page;
use super::filters::ends;
use super::frame::{Column, Data, Figure, Point, Row, Series, State, Tick};
use crate::definitions::{CohortOf, Grain, Tile, TileKind};
use crate::kpis::engine::NONE;
use crate::kpis::overview::{better_name, instant, unit_name};
use crate::kpis::stats::quantile;
use crate::metrics::facts::{date_of, day_number};
use crate::metrics::{Entry, Span, as_of};
use crate::web::Result;

/// Points of a scatter at most.
const MOST_POINTS: usize = 1_500;
/// Rows and columns of a grid at most.
const MOST_LINES: usize = 20;

/// The accounts of a page: those of its day, segment and owner, active or not.
pub struct Base {
    day: i32,
    entries: Vec<Arc<Entry>>,
    computed_at: i64,
    /// The page's filters as a condition.
    condition: Option<String>,
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn both(a: Option<&str>, b: Option<&str>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(format!("({a}) AND ({b})")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

impl Base {
    /// Reads them.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn load(page: &Page<'_>) -> Result<Self> {
        let day = day_number(page.filters.day);
        let inside = |span: &Span| {
            let segment = page.filters.segment.as_ref();
            let owner = page.filters.owner.as_ref();
            segment.is_none_or(|wanted| span.segment == *wanted)
                && owner.is_none_or(|wanted| span.owner.as_deref().unwrap_or(NONE) == wanted.as_str())
        };
        let narrowed = page.filters.segment.is_some() || page.filters.owner.is_some();
        let segment = page
            .filters
            .segment
            .as_ref()
            .map(|s| format!("segment = {}", quoted(s)));
        let owner = page.filters.owner.as_ref().map(|owner| match owner.as_str() {
            NONE => "owner IS NULL".to_owned(),
            owner => format!("owner = {}", quoted(owner)),
        });
        let entries = if narrowed {
            as_of::entries_where(page.app, day, inside).await?
        } else {
            as_of::entries(page.app, day).await?.to_vec()
        };
        Ok(Self {
            day,
            computed_at: entries
                .iter()
                .map(|e| e.computed_at)
                .min()
                .unwrap_or_else(|| page.app.clock.micros()),
            entries,
            condition: both(segment.as_deref(), owner.as_deref()),
        })
    }

    fn active(&self) -> Vec<Arc<Entry>> {
        let day = self.day;
        self.entries
            .iter()
            .filter(|e| e.head.span_at(day).is_some_and(|s| s.active))
            .cloned()
            .collect()
    }

    /// The page's filters, a tile's and one more, as one condition.
    fn and(&self, tile: &Tile, more: &str) -> Option<String> {
        let own = both(self.condition.as_deref(), tile.filter.as_deref());
        both(own.as_deref(), Some(more))
    }
}

/// Those of the accounts for which a condition is true.
fn matching(page: &Page<'_>, entries: Vec<Arc<Entry>>, day: i32, filter: &str) -> Result<Vec<Arc<Entry>>> {
    let truth = as_of::evaluate_filter(page.app, page.definitions, &entries[..], day, filter)?;
    Ok(entries
        .into_iter()
        .enumerate()
        .filter(|(row, _)| truth.value(*row))
        .map(|(_, entry)| entry)
        .collect())
}

/// Makes a tile of accounts.
///
/// # Errors
/// When a condition does not hold together.
pub fn build(page: &Page<'_>, tile: &Tile, base: &Base) -> Result<Data> {
    let mut data = Data::of(tile);
    data.computed_at = Some(instant(base.computed_at));
    describe(page, tile, &mut data);
    let mut entries = if tile.kind == TileKind::Cohort {
        base.entries.clone()
    } else {
        base.active()
    };
    if let Some(filter) = &tile.filter {
        entries = matching(page, entries, base.day, filter)?;
    }
    match tile.kind {
        TileKind::Figure => figure(page, tile, base, &entries, &mut data),
        TileKind::Bar => distribution(page, tile, base, &entries, &mut data),
        TileKind::Heatmap => grid(page, tile, base, &entries, &mut data),
        TileKind::Cohort => cohort(page, tile, base, &entries, &mut data),
        TileKind::Funnel => funnel(page, tile, base, entries, &mut data)?,
        TileKind::Scatter => scatter(page, tile, base, &entries, &mut data),
        _ => list(page, tile, base, &entries, &mut data),
    }
    Ok(data.or_empty())
}

fn describe(page: &Page<'_>, tile: &Tile, data: &mut Data) {
    data.segment.clone_from(&page.filters.segment);
    if let Some(name) = &tile.metric {
        let about = about(page, name);
        data.unit = about.unit;
        if data.title.is_empty() {
            data.title = about.label;
        }
        if let Some(metric) = page.definitions.metric(name) {
            data.better = metric.better.map(better_name);
            if data.description.is_empty() {
                data.description.clone_from(&metric.description);
            }
        }
    }
}

/// A name of an account as a column.
fn about(page: &Page<'_>, name: &str) -> Column {
    let fixed = match name {
        "mrr" => Some(("MRR", "number", Some("money"))),
        "days_active" => Some(("Days active", "number", Some("days"))),
        "name" => Some(("Account", "account", None)),
        "account_id" => Some(("Account id", "text", None)),
        "segment" => Some(("Segment", "segment", None)),
        "owner" => Some(("Owner", "text", None)),
        "active" => Some(("Active", "boolean", None)),
        "started_on" => Some(("Started on", "date", None)),
        "currency" => Some(("Currency", "text", None)),
        _ => None,
    };
    if let Some((label, kind, unit)) = fixed {
        return Column {
            id: name.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            unit,
        };
    }
    let metric = page
        .definitions
        .metric(name)
        .map(|m| (m.label.clone(), "number", Some(unit_name(m.unit))));
    let attribute = page.definitions.attribute(name).map(|a| {
        use crate::definitions::AttributeType as T;
        match a.kind {
            T::Integer | T::Number => (a.label.clone(), "number", None),
            T::Money => (a.label.clone(), "number", Some("money")),
            T::Text => (a.label.clone(), "text", None),
            T::Boolean => (a.label.clone(), "boolean", None),
            T::Date => (a.label.clone(), "date", None),
        }
    });
    let (label, kind, unit) = metric
        .or(attribute)
        .unwrap_or_else(|| (name.to_owned(), "text", None));
    Column {
        id: name.to_owned(),
        label,
        kind: kind.to_owned(),
        unit,
    }
}

/// What reads a number out of an account.
type Number<'p> = Box<dyn Fn(&Entry) -> Option<f64> + 'p>;

/// Finds the number of accounts that has this name.
fn number_of<'p>(page: &Page<'p>, name: &str, day: i32) -> Number<'p> {
    let plan = page.app.metrics.plan();
    let metric = plan.and_then(|plan| plan.metric_ids.iter().position(|id| id == name));
    if let Some(at) = metric {
        return Box::new(move |entry| entry.head.metrics.get(at).copied().filter(|v| v.is_finite()));
    }
    let name = name.to_owned();
    match name.as_str() {
        "mrr" => Box::new(move |entry| entry.head.span_at(day).and_then(|s| s.mrr)),
        "days_active" => Box::new(move |entry| {
            let life = entry.head.lives().into_iter().rev().find(|life| life.0 <= day)?;
            Some(f64::from(day - life.0))
        }),
        _ => Box::new(move |entry| match entry.attributes.get(&name)? {
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        }),
    }
}

/// A value of an account that it shares with others, and the condition that means it.
fn group_of(page: &Page<'_>, name: &str, day: i32, entry: &Entry) -> (String, String) {
    let (text, literal) = match name {
        "segment" => {
            let segment = entry.head.span_at(day).map(|s| s.segment.clone());
            (segment.clone(), segment.map(|s| quoted(&s)))
        }
        "owner" => {
            let owner = entry.head.span_at(day).and_then(|s| s.owner.clone());
            (owner.clone(), owner.map(|s| quoted(&s)))
        }
        _ => match entry.attributes.get(name) {
            None | Some(Json::Null) => (None, None),
            Some(Json::String(text)) => (Some(text.clone()), Some(quoted(text))),
            Some(Json::Bool(value)) => (Some(value.to_string()), Some(value.to_string().to_uppercase())),
            Some(other) => (Some(other.to_string()), Some(other.to_string())),
        },
    };
    let label = match (&text, name) {
        (Some(id), "segment") => page
            .definitions
            .segment(id)
            .map_or_else(|| id.clone(), |segment| segment.label.clone()),
        (Some(text), _) => text.clone(),
        (None, _) => "None".to_owned(),
    };
    let condition = literal.map_or_else(|| format!("{name} IS NULL"), |value| format!("{name} = {value}"));
    (label, condition)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

fn figure(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let Some(name) = &tile.metric else { return };
    let value = number_of(page, name, base.day);
    let mut values: Vec<f64> = entries.iter().filter_map(|e| value(e)).collect();
    values.sort_by(f64::total_cmp);
    let sum: f64 = values.iter().sum();
    let day = date_of(base.day).to_string();
    data.figure = Some(Figure {
        value: (!values.is_empty()).then(|| sum / float(values.len())),
        numerator: Some(sum),
        denominator: Some(float(values.len())),
        median: quantile(&values, 0.5),
        p90: quantile(&values, 0.9),
        first_day: day.clone(),
        last_day: day.clone(),
        day,
        ..Figure::default()
    });
    data.remark("The mean of all active accounts that have a value.");
}

/// The bounds of the bars of a distribution: whole or round numbers, about twelve.
fn bounds(sorted: &[f64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (sorted.first(), quantile(sorted, 0.98)) else {
        return Vec::new();
    };
    let mut distinct: Vec<f64> = sorted.to_vec();
    distinct.dedup();
    let whole = sorted.iter().all(|v| v.fract() == 0.0);
    if whole && distinct.len() <= 12 && last - first <= 24.0 {
        return distinct;
    }
    let rough = ((last - first) / 12.0).max(if whole { 1.0 } else { 1e-9 });
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|step| *step >= rough && (!whole || step.fract() == 0.0))
        .unwrap_or(10.0 * power);
    let start = (first / step).floor() * step;
    let mut bounds = Vec::new();
    let mut at = start;
    while bounds.len() < 24 && (bounds.is_empty() || at <= last) {
        bounds.push(at);
        at += step;
    }
    bounds
}

/// A number as it is written in a condition and on an axis.
fn plain(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    format!("{rounded}")
}

fn distribution(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let Some(name) = &tile.metric else { return };
    let value = number_of(page, name, base.day);
    let mut values: Vec<f64> = entries.iter().filter_map(|e| value(e)).collect();
    let without = entries.len() - values.len();
    values.sort_by(f64::total_cmp);
    let bounds = bounds(&values);
    // Where every value has a bar of its own, the bar's name is that value.
    let single = values.iter().all(|value| bounds.contains(value));
    let mut series = Series {
        key: "accounts".into(),
        label: "Accounts".into(),
        ..Series::default()
    };
    for (index, low) in bounds.iter().enumerate() {
        let high = bounds.get(index + 1);
        let count = values
            .iter()
            .filter(|v| **v >= *low && high.is_none_or(|high| **v < *high))
            .count();
        let label = match high {
            None if values.last().is_some_and(|last| *last <= *low) => plain(*low),
            None => format!("{} or more", plain(*low)),
            Some(_) if single => plain(*low),
            Some(high) => format!("{} to {}", plain(*low), plain(*high)),
        };
        data.axis.push(Tick {
            key: plain(*low),
            label,
        });
        series.values.push(Some(float(count)));
        let condition = match high {
            Some(high) => format!("{name} >= {} AND {name} < {}", plain(*low), plain(*high)),
            None => format!("{name} >= {}", plain(*low)),
        };
        series.filters.push(base.and(tile, &condition));
    }
    if without > 0 && !values.is_empty() {
        data.axis.push(Tick {
            key: "none".into(),
            label: "No value".into(),
        });
        series.values.push(Some(float(without)));
        series.filters.push(base.and(tile, &format!("{name} IS NULL")));
    }
    data.series.push(series);
    data.unit = Some("number");
}

/// The values of an attribute: how many accounts have each, and the condition that means it.
type Groups = BTreeMap<String, (usize, String)>;

fn grid(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let (Some(x), Some(y)) = (&tile.x, &tile.y) else {
        return;
    };
    let value = tile.metric.as_ref().map(|name| number_of(page, name, base.day));
    let mut cells: BTreeMap<(String, String), (f64, usize)> = BTreeMap::new();
    let (mut across, mut down) = (Groups::new(), Groups::new());
    for entry in entries {
        let ((xs, x_is), (ys, y_is)) = (
            group_of(page, x, base.day, entry),
            group_of(page, y, base.day, entry),
        );
        across.entry(xs.clone()).or_insert((0, x_is)).0 += 1;
        down.entry(ys.clone()).or_insert((0, y_is)).0 += 1;
        let add = value.as_ref().map_or(Some(1.0), |of| of(entry));
        if let Some(add) = add {
            let cell = cells.entry((ys, xs)).or_insert((0.0, 0));
            cell.0 += add;
            cell.1 += 1;
        }
    }
    let largest = |of: Groups, data: &mut Data| -> Vec<(String, String)> {
        let total = of.len();
        let mut all: Vec<(String, (usize, String))> = of.into_iter().collect();
        all.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        if total > MOST_LINES {
            data.remark(&format!("The {MOST_LINES} largest of {total} are shown."));
        }
        all.into_iter()
            .take(MOST_LINES)
            .map(|(label, (_, condition))| (label, condition))
            .collect()
    };
    let (across, down) = (largest(across, data), largest(down, data));
    data.axis = across
        .iter()
        .map(|(label, _)| Tick {
            key: label.clone(),
            label: label.clone(),
        })
        .collect();
    for (label, y_is) in &down {
        let mut series = Series {
            key: label.clone(),
            label: label.clone(),
            ..Series::default()
        };
        for (xs, x_is) in &across {
            let cell = cells.get(&(label.clone(), xs.clone())).copied();
            series.values.push(match (&value, cell) {
                (None, cell) => Some(cell.map_or(0.0, |(sum, _)| sum)),
                (Some(_), cell) => cell.map(|(sum, n)| sum / float(n)),
            });
            series.denominators.push(cell.map(|(_, n)| float(n)));
            series.filters.push(base.and(tile, &format!("{y_is} AND {x_is}")));
        }
        data.series.push(series);
    }
    data.unit = data.unit.or(Some("number"));
    data.axes = vec![about(page, x), about(page, y)];
}

fn cohort(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let (count, _) = page.filters.span(tile);
    let day = date_of(base.day);
    let months = ends(day, count.min(36), Grain::Month);
    let mut starts: BTreeMap<Date, Vec<(&Arc<Entry>, i32)>> = BTreeMap::new();
    for entry in entries {
        if let Some((from, _)) = entry
            .head
            .lives()
            .into_iter()
            .rev()
            .find(|life| life.0 <= base.day)
        {
            let month = date_of(from).first_of_month();
            starts.entry(month).or_default().push((entry, from));
        }
    }
    data.axis = (0..months.len())
        .map(|n| Tick {
            key: n.to_string(),
            label: n.to_string(),
        })
        .collect();
    data.unit = Some("ratio");
    for (index, end) in months.iter().enumerate() {
        let month = end.first_of_month();
        let Some(started) = starts.get(&month) else {
            continue;
        };
        let mrr = |entry: &Entry, on: i32| entry.head.span_at(on).and_then(|s| s.mrr).unwrap_or_default();
        let size: f64 = match tile.of {
            CohortOf::Accounts => float(started.len()),
            CohortOf::Mrr => started.iter().map(|(entry, from)| mrr(entry, *from)).sum(),
        };
        let mut series = Series {
            key: month.to_string(),
            label: month.to_string(),
            ..Series::default()
        };
        for later in &months[index..] {
            // A month that has not ended yet is not known.
            if *later != later.last_of_month() {
                break;
            }
            let on = day_number(*later);
            let here = started
                .iter()
                .filter(|(entry, _)| entry.head.span_at(on).is_some_and(|s| s.active));
            let left: f64 = match tile.of {
                CohortOf::Accounts => float(here.count()),
                CohortOf::Mrr => here.map(|(entry, _)| mrr(entry, on)).sum(),
            };
            series.values.push((size > 0.0).then(|| left / size));
            series.numerators.push(Some(left));
            series.denominators.push(Some(size));
            let condition = format!(
                "started_on >= '{month}' AND started_on <= '{}' AND (churned_on IS NULL OR churned_on > '{later}')",
                month.last_of_month()
            );
            series.filters.push(base.and(tile, &condition));
        }
        let missing = months.len() - series.values.len();
        series.values.extend(std::iter::repeat_n(None, missing));
        series.numerators.extend(std::iter::repeat_n(None, missing));
        series.denominators.extend(std::iter::repeat_n(None, missing));
        series.filters.extend(std::iter::repeat_n(None, missing));
        data.series.push(series);
    }
    data.remark("An account that came back counts from its return; a month that has not ended is left out.");
}

fn funnel(
    page: &Page<'_>,
    tile: &Tile,
    base: &Base,
    mut entries: Vec<Arc<Entry>>,
    data: &mut Data,
) -> Result<()> {
    let mut series = Series {
        key: "accounts".into(),
        label: "Accounts".into(),
        ..Series::default()
    };
    let mut condition: Option<String> = None;
    let mut first = None;
    for (index, step) in tile.steps.iter().enumerate() {
        entries = matching(page, entries, base.day, &step.filter)?;
        condition = both(condition.as_deref(), Some(&step.filter));
        let count = float(entries.len());
        let of = *first.get_or_insert(count);
        data.axis.push(Tick {
            key: index.to_string(),
            label: step.label.clone(),
        });
        series.values.push(Some(count));
        series.numerators.push(Some(count));
        series.denominators.push(Some(of));
        series
            .filters
            .push(condition.as_deref().and_then(|all| base.and(tile, all)));
    }
    if first == Some(0.0) {
        series.values.iter_mut().for_each(|value| *value = None);
    }
    data.unit = Some("number");
    data.series.push(series);
    Ok(())
}

fn scatter(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let (Some(x), Some(y)) = (&tile.x, &tile.y) else {
        return;
    };
    let (xs, ys) = (number_of(page, x, base.day), number_of(page, y, base.day));
    let sizes = tile.size.as_ref().map(|size| number_of(page, size, base.day));
    let mut points: Vec<Point> = entries
        .iter()
        .filter_map(|entry| {
            Some(Point {
                x: xs(entry)?,
                y: ys(entry)?,
                size: sizes.as_ref().and_then(|size| size(entry)),
                account_id: entry.id.clone(),
                name: entry.name.clone(),
                segment: entry
                    .head
                    .span_at(base.day)
                    .map(|s| s.segment.clone())
                    .unwrap_or_default(),
            })
        })
        .collect();
    let total = points.len();
    if total > MOST_POINTS {
        // The largest ones, so that what matters is there; ties by id, so that a page shown twice is the same.
        points.sort_by(|a, b| {
            let size = |p: &Point| p.size.unwrap_or(p.y);
            size(b)
                .total_cmp(&size(a))
                .then_with(|| a.account_id.cmp(&b.account_id))
        });
        points.truncate(MOST_POINTS);
        data.remark(&format!(
            "The {MOST_POINTS} largest of {total} accounts are shown."
        ));
    }
    data.points = points;
    data.axes = [Some(x), Some(y), tile.size.as_ref()]
        .into_iter()
        .flatten()
        .map(|name| about(page, name))
        .collect();
}

fn cell(page: &Page<'_>, name: &str, base: &Base, entry: &Entry) -> Json {
    let span = entry.head.span_at(base.day);
    match name {
        "name" => json!(entry.name),
        "account_id" => json!(entry.id),
        "segment" => json!(span.map(|s| &s.segment)),
        "owner" => json!(span.and_then(|s| s.owner.as_ref())),
        "active" => json!(span.is_some_and(|s| s.active)),
        "currency" => json!(entry.head.currency),
        "started_on" => {
            let life = entry
                .head
                .lives()
                .into_iter()
                .rev()
                .find(|life| life.0 <= base.day);
            json!(life.map(|life| date_of(life.0).to_string()))
        }
        "mrr" | "days_active" => json!(number_of(page, name, base.day)(entry)),
        _ if page.definitions.metric(name).is_some() => json!(number_of(page, name, base.day)(entry)),
        _ => entry.attributes.get(name).cloned().unwrap_or_default(),
    }
}

fn list(page: &Page<'_>, tile: &Tile, base: &Base, entries: &[Arc<Entry>], data: &mut Data) {
    let mut names: Vec<&str> = vec!["name"];
    names.extend(
        tile.columns
            .iter()
            .map(String::as_str)
            .filter(|name| *name != "name"),
    );
    data.columns = names.iter().map(|name| about(page, name)).collect();
    let sort = tile.sort.as_deref().unwrap_or("-mrr");
    let (by, down) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let mut rows: Vec<(Json, &Arc<Entry>)> = entries
        .iter()
        .map(|entry| (cell(page, by, base, entry), entry))
        .collect();
    rows.sort_by(|(a, x), (b, y)| {
        let order = match (a.is_null(), b.is_null()) {
            (false, false) => {
                let order = match (a.as_f64(), b.as_f64()) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => a.to_string().cmp(&b.to_string()),
                };
                if down { order.reverse() } else { order }
            }
            (a, b) => a.cmp(&b),
        };
        order.then_with(|| x.no.cmp(&y.no))
    });
    let most = tile.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(20);
    if rows.len() > most {
        data.remark(&format!("The first {most} of {} accounts.", rows.len()));
    }
    data.rows = rows
        .into_iter()
        .take(most)
        .map(|(_, entry)| Row {
            account_id: Some(entry.id.clone()),
            cells: names.iter().map(|name| cell(page, name, base, entry)).collect(),
            ..Row::default()
        })
        .collect();
}

/// A tile whose accounts could not be chosen.
#[must_use]
pub fn failed(tile: &Tile, detail: &str) -> Data {
    Data::of(tile).with(State::Failed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_round_and_hold_everything() {
        assert_eq!(bounds(&[0.0, 1.0, 1.0, 3.0]), [0.0, 1.0, 3.0]);
        assert_eq!(bounds(&[]), Vec::<f64>::new());
        let many: Vec<f64> = (0..1000).map(f64::from).collect();
        let got = bounds(&many);
        assert_eq!((got[0], got[1]), (0.0, 100.0));
        let same = bounds(&[2.5, 2.5, 2.5]);
        assert!(same[0] <= 2.5 && same.len() < 25, "{same:?}");
        let tiny = bounds(&[1e-12, 3.0, 1e9]);
        assert!(tiny.len() <= 24 && tiny[0] <= 1e-12, "{tiny:?}");
    }
}
