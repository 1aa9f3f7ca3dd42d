//! Running KPIs: the facts of every period by SQL, added up by scope.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use jiff::civil::Date;
use tenure_lake::Context;
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};

use super::cohort::{cohort, counted, periods};
use super::stats::{Figure, Sums, figure};
use super::window::{Period, period};
use crate::App;
use crate::definitions::{Definitions, Kpi, KpiValue, KpiWindow, SqlProblem};
use crate::metrics::facts::{date_of, day_number};
use crate::metrics::{Entry, tables};

/// What figures are split by, besides the figure of all accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Nothing.
    Nothing,
    /// The segment of the day that the KPI declares.
    Segment,
    /// The owner of that day.
    Owner,
    /// A declared attribute, as it is now.
    Attribute(String),
    /// The facts' own parts, their column `item`.
    Item,
}

/// Which accounts count; every one when nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Only {
    /// Those that were in this segment on the day that the KPI declares.
    pub segment: Option<String>,
    /// Those that had this owner on that day; `(none)` = no owner.
    pub owner: Option<String>,
}

impl Only {
    fn takes(&self, entry: Option<&Entry>, kpi: &Kpi, period: &Period) -> bool {
        if self.segment.is_none() && self.owner.is_none() {
            return true;
        }
        let span = entry.and_then(|entry| counted(entry, period, kpi.segment_at));
        let Some(span) = span else { return false };
        self.segment.as_ref().is_none_or(|segment| *segment == span.segment)
            && self
                .owner
                .as_ref()
                .is_none_or(|owner| owner == span.owner.as_deref().unwrap_or(NONE))
    }
}

/// The scope of accounts without a value of what figures are split by.
pub const NONE: &str = "(none)";

/// The scope of the items beyond [`MOST_ITEMS`].
pub const OTHERS: &str = "(others)";

/// Different items of a KPI that are told apart.
pub const MOST_ITEMS: usize = 200;

/// The scope of all accounts.
pub const ALL: &str = "all";

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The KPI.
    pub kpi: String,
    /// The days.
    pub period: Period,
    /// `all`, or a value of what it is split by.
    pub scope: String,
    /// The figure.
    pub figure: Figure,
}

/// One account's part in a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The account; 0 = events that belong to none.
    pub account_no: i64,
    /// Its segment on the day that counts.
    pub scope: String,
    /// Σ numerator of its facts.
    pub numerator: f64,
    /// Σ denominator of its facts.
    pub denominator: f64,
}

/// Figures of these KPIs for these days, by all and by scope. Scopes that a KPI's facts do not touch have a figure without data
/// when they are listed in `scopes`.
///
/// # Errors
/// When a KPI's SQL fails; the error names the KPI.
pub async fn figures(
    app: &App,
    definitions: &Definitions,
    kpis: &[&Kpi],
    days: &[Date],
    by: &By,
    scopes: &[String],
) -> Result<Vec<Cell>> {
    figures_of(app, definitions, kpis, days, by, scopes, &Only::default()).await
}

/// [`figures`] of some accounts.
///
/// # Errors
/// When a KPI's SQL fails; the error names the KPI.
pub async fn figures_of(
    app: &App,
    definitions: &Definitions,
    kpis: &[&Kpi],
    days: &[Date],
    by: &By,
    scopes: &[String],
    only: &Only,
) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    let entries = app.metrics.book.all();
    let by_no: HashMap<i64, &Entry> = entries.iter().map(|e| (e.no, e.as_ref())).collect();
    for group in groups(kpis) {
        let Some(first) = group.first() else { continue };
        let days: Vec<Period> = days
            .iter()
            .map(|day| period(first.window, first.lag, *day))
            .collect();
        let context = prepare(app, definitions, &entries, &group, &days).await?;
        for kpi in &group {
            let sums = add_up(&context, kpi, &days, &by_no, (by, only))
                .await
                .with_context(|| format!("KPI {}", kpi.id))?;
            cells.extend(to_cells(kpi, &days, sums, scopes));
        }
    }
    Ok(cells)
}

/// Each account's part in one KPI's figure of one day: of the facts of one scope of a split, or of all. A part carries its account's
/// segment.
///
/// # Errors
/// When the KPI's SQL fails.
pub async fn parts_of(
    app: &App,
    definitions: &Definitions,
    kpi: &Kpi,
    day: Date,
    (by, scope): (&By, Option<&str>),
    only: &Only,
) -> Result<Vec<Part>> {
    if kpi.facts.is_none() {
        return Ok(Vec::new());
    }
    let entries = app.metrics.book.all();
    let by_no: HashMap<i64, &Entry> = entries.iter().map(|e| (e.no, e.as_ref())).collect();
    let day = period(kpi.window, kpi.lag, day);
    let context = prepare(app, definitions, &entries, &[kpi], &[day]).await?;
    let mut parts: BTreeMap<i64, Part> = BTreeMap::new();
    for_each_fact(&context, kpi, |fact| {
        let entry = by_no.get(&fact.account_no).copied();
        if !only.takes(entry, kpi, &day) {
            return;
        }
        if scope.is_some() && scope_of(entry, kpi, &day, by, fact).as_deref() != scope {
            return;
        }
        let part = parts.entry(fact.account_no).or_insert_with(|| Part {
            account_no: fact.account_no,
            scope: scope_of(entry, kpi, &day, &By::Segment, fact).unwrap_or_default(),
            numerator: 0.0,
            denominator: 0.0,
        });
        part.numerator += fact.numerator;
        part.denominator += fact.denominator;
    })
    .await?;
    Ok(parts.into_values().collect())
}

/// KPIs that share window, lag and the day whose segment counts share their relations.
fn groups<'a>(kpis: &[&'a Kpi]) -> Vec<Vec<&'a Kpi>> {
    let mut groups: Vec<Vec<&Kpi>> = Vec::new();
    for kpi in kpis {
        let same = |other: &Kpi| {
            other.window == kpi.window && other.lag == kpi.lag && other.segment_at == kpi.segment_at
        };
        match groups
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| same(first)))
        {
            Some(group) => group.push(kpi),
            None => groups.push(vec![kpi]),
        }
    }
    groups
}

/// A context that holds every relation that the KPIs of one group read.
pub(super) async fn prepare(
    app: &App,
    definitions: &Definitions,
    entries: &[Arc<Entry>],
    group: &[&Kpi],
    days: &[Period],
) -> Result<Context> {
    let texts: Vec<&str> = group.iter().filter_map(|kpi| kpi.facts.as_deref()).collect();
    let context = tables::context(app, definitions, &texts).await?;
    let relation = periods(days)?;
    context.add_table("periods", relation.schema(), vec![relation])?;
    if let Some(first) = group.first() {
        let relation = cohort(entries, days, first.segment_at)?;
        context.add_table("cohort", relation.schema(), vec![relation])?;
        context
            .add_view("period_events", &period_events(first.window, days))
            .await
            .map_err(|e| anyhow!("{e}"))?;
    }
    Ok(context)
}

/// Events of each period. Within one month an event belongs to one period by its month, which joins by hash;
/// the constant bounds let whole files be passed over.
fn period_events(window: KpiWindow, days: &[Period]) -> String {
    let first = days.iter().map(|p| p.first).min().unwrap_or_default();
    let last = days.iter().map(|p| p.last).max().unwrap_or_default();
    let bounds = format!("e.day BETWEEN DATE '{first}' AND DATE '{last}'");
    let join = match window {
        KpiWindow::Month => "e.month = p.month AND e.day <= p.last_day",
        _ => "e.day >= p.first_day AND e.day <= p.last_day",
    };
    format!("SELECT p.period, e.* FROM events AS e JOIN periods AS p ON {join} WHERE {bounds}")
}

struct Fact<'a> {
    period: i32,
    account_no: i64,
    numerator: f64,
    denominator: f64,
    promoters: f64,
    detractors: f64,
    item: Option<&'a str>,
}

async fn for_each_fact(context: &Context, kpi: &Kpi, mut each: impl FnMut(&Fact<'_>)) -> Result<()> {
    let Some(sql) = &kpi.facts else { return Ok(()) };
    let batches = context.query(sql).await.map_err(|error| anyhow!("{error}"))?;
    for batch in &batches {
        let numbers = |name: &str| -> Result<Option<ArrayRef>> {
            batch
                .column_by_name(name)
                .map(|column| Ok(cast(column, &DataType::Float64)?))
                .transpose()
        };
        let must = |name: &str| -> Result<ArrayRef> {
            numbers(name)?.with_context(|| format!("the facts have no column {name}"))
        };
        let period = cast(
            batch
                .column_by_name("period")
                .context("the facts have no column period")?,
            &DataType::Date32,
        )?;
        let account = cast(
            batch
                .column_by_name("account_no")
                .context("the facts have no column account_no")?,
            &DataType::Int64,
        )?;
        let (period, account) = (
            period.as_primitive::<Date32Type>(),
            account.as_primitive::<Int64Type>(),
        );
        let (numerator, denominator) = (must("numerator")?, must("denominator")?);
        let (promoters, detractors) = (numbers("promoters")?, numbers("detractors")?);
        let item = batch
            .column_by_name("item")
            .map(|column| cast(column, &DataType::Utf8))
            .transpose()?;
        let item = item.as_ref().map(|column| column.as_string::<i32>());
        for row in 0..batch.num_rows() {
            each(&Fact {
                item: item.filter(|column| column.is_valid(row)).map(|column| column.value(row)),
                period: period.value(row),
                account_no: if account.is_valid(row) {
                    account.value(row)
                } else {
                    0
                },
                numerator: value(&numerator, row),
                denominator: value(&denominator, row),
                promoters: promoters.as_ref().map_or(0.0, |c| value(c, row)),
                detractors: detractors.as_ref().map_or(0.0, |c| value(c, row)),
            });
        }
    }
    Ok(())
}

fn value(column: &ArrayRef, row: usize) -> f64 {
    let column = column.as_primitive::<Float64Type>();
    if column.is_valid(row) {
        column.value(row)
    } else {
        0.0
    }
}

type ByScope = HashMap<(i32, String), Sums>;

async fn add_up(
    context: &Context,
    kpi: &Kpi,
    days: &[Period],
    by_no: &HashMap<i64, &Entry>,
    (by, only): (&By, &Only),
) -> Result<ByScope> {
    let periods: HashMap<i32, &Period> = days.iter().map(|p| (day_number(p.day), p)).collect();
    let mut sums = ByScope::new();
    let mut items: HashSet<String> = HashSet::new();
    for_each_fact(context, kpi, |fact| {
        let Some(period) = periods.get(&fact.period) else {
            return;
        };
        let entry = by_no.get(&fact.account_no).copied();
        if !only.takes(entry, kpi, period) {
            return;
        }
        add(sums.entry((fact.period, ALL.to_owned())).or_default(), kpi, fact);
        if let Some(mut scope) = scope_of(entry, kpi, period, by, fact) {
            if *by == By::Item && !items.contains(&scope) {
                if items.len() < MOST_ITEMS {
                    items.insert(scope.clone());
                } else {
                    scope = OTHERS.to_owned();
                }
            }
            add(sums.entry((fact.period, scope)).or_default(), kpi, fact);
        }
    })
    .await?;
    Ok(sums)
}

fn add(sums: &mut Sums, kpi: &Kpi, fact: &Fact<'_>) {
    sums.rows += 1;
    sums.numerator += fact.numerator;
    sums.denominator += fact.denominator;
    sums.promoters += fact.promoters;
    sums.detractors += fact.detractors;
    if kpi.value == KpiValue::Mean {
        sums.values.push(fact.numerator);
    }
}

fn scope_of(entry: Option<&Entry>, kpi: &Kpi, period: &Period, by: &By, fact: &Fact<'_>) -> Option<String> {
    if *by == By::Item {
        // A row without an item is in the whole and in no part.
        return fact.item.map(str::to_owned);
    }
    let entry = entry?;
    match by {
        By::Item => None,
        By::Nothing => None,
        By::Segment => counted(entry, period, kpi.segment_at).map(|span| span.segment.clone()),
        By::Owner => Some(
            counted(entry, period, kpi.segment_at)
                .and_then(|s| s.owner.clone())
                .unwrap_or_else(|| NONE.to_owned()),
        ),
        By::Attribute(id) => Some(match entry.attributes.get(id) {
            None | Some(serde_json::Value::Null) => NONE.to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }),
    }
}

fn to_cells(kpi: &Kpi, days: &[Period], mut sums: ByScope, scopes: &[String]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for period in days {
        let day = day_number(period.day);
        let mut wanted = vec![ALL.to_owned()];
        wanted.extend(scopes.iter().cloned());
        let mut others: Vec<String> = sums
            .keys()
            .filter(|(d, scope)| *d == day && !wanted.contains(scope))
            .map(|(_, scope)| scope.clone())
            .collect();
        others.sort();
        wanted.extend(others);
        for scope in wanted {
            let held = sums.remove(&(day, scope.clone())).unwrap_or_default();
            let figure = figure(&held, kpi.value, kpi.proportion);
            cells.push(Cell {
                kpi: kpi.id.clone(),
                period: *period,
                scope,
                figure,
            });
        }
    }
    cells
}

/// Checks a KPI's facts against empty relations: names, types and the columns that must come out.
///
/// # Errors
/// What is wrong, with its place in the SQL where that is known.
pub async fn check(app: &App, definitions: &Definitions, kpi: &Kpi) -> Result<(), SqlProblem> {
    let Some(sql) = &kpi.facts else { return Ok(()) };
    let plain = |problem: String| SqlProblem {
        problem,
        at: None,
        name: None,
        nearest: None,
    };
    let days = [period(kpi.window, kpi.lag, date_of(crate::metrics::today(app)))];
    let context = prepare(app, definitions, &[], &[kpi], &days)
        .await
        .map_err(|error| plain(format!("{error:#}")))?;
    let schema = match context.stream(sql).await {
        Ok(batches) => batches.schema(),
        Err(error) => {
            let place = |n: u32| usize::try_from(n).unwrap_or(1);
            let at = error
                .line
                .zip(error.column)
                .map(|(line, column)| (place(line), place(column)));
            return Err(SqlProblem {
                problem: format!("{}. {}", error.message, error.remedy),
                at,
                name: error.name.map(String::from),
                nearest: error.nearest.map(String::from),
            });
        }
    };
    for needed in ["period", "account_no", "numerator", "denominator"] {
        if schema.column_with_name(needed).is_none() {
            return Err(plain(format!(
                "the facts have no column {needed}; select one of that name"
            )));
        }
    }
    Ok(())
}
