//! Running KPIs: the facts of every period by SQL, added up by scope.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use futures::TryStreamExt;
use jiff::civil::Date;
use tenure_lake::Context;
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};

use super::cohort::{cohort, counted, day_that_counts, periods};
use super::looked::{Looked, parted};
use super::reads::Reads;
use super::stats::{Figure, Sums, figure};
use super::window::{Period, period};
use crate::App;
use crate::definitions::{Definitions, Kpi, KpiValue, KpiWindow, SqlProblem};
use crate::metrics::facts::{date_of, day_number};
use crate::metrics::{Entry, tables};
use crate::scores::score_days;
use crate::scores::stages::{self, Stages};

/// What figures are split by, besides the figure of all accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Nothing.
    Nothing,
    /// The segment of the day that the KPI declares.
    Segment,
    /// The owner of that day.
    Owner,
    /// The lifecycle stage of that day.
    Stage(Stages),
    /// A declared attribute, as it is now.
    Attribute(String),
    /// The facts' own parts, their column `item`.
    Item,
}

impl By {
    /// What figures are split by under this name; `None` = the name means nothing that accounts have.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn named(app: &App, definitions: &Definitions, name: &str) -> Result<Option<Self>> {
        Ok(Some(match name {
            "segment" => Self::Segment,
            "owner" => Self::Owner,
            _ => match definitions.stage_named(name) {
                Some(field) => Self::Stage(stages::all(app, field).await?),
                None if definitions.attribute(name).is_some() => Self::Attribute(name.to_owned()),
                None => return Ok(None),
            },
        }))
    }
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
        self.segment
            .as_ref()
            .is_none_or(|segment| *segment == span.segment)
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
    let all = app.metrics.book.all();
    for group in groups(kpis) {
        let Some(first) = group.first() else { continue };
        let days: Vec<Period> = days
            .iter()
            .map(|day| period(first.window, first.lag, *day))
            .collect();
        let counts = |entry: &Arc<Entry>| days.iter().any(|day| only.takes(Some(entry), first, day));
        let counts = (*only != Only::default()).then_some(counts);
        for (group, looked) in parted(app, definitions, group, &all, counts).await? {
            cells.extend(figures_over(app, definitions, &group, &days, by, scopes, only, &looked).await?);
        }
    }
    Ok(cells)
}

/// Figures of one group of KPIs over these accounts.
#[expect(clippy::too_many_arguments, reason = "everything that a figure is of")]
async fn figures_over(
    app: &App,
    definitions: &Definitions,
    group: &[&Kpi],
    days: &[Period],
    by: &By,
    scopes: &[String],
    only: &Only,
    looked: &Looked<'_>,
) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    let Some(first) = group.first() else {
        return Ok(cells);
    };
    let entries = looked.entries();
    for days in days.chunks(days_at_once(days.len(), entries.len())) {
        let context = prepare(app, definitions, Some(looked), group, days).await?;
        let board = Board::new(entries, first, days, by, only);
        for kpi in group {
            if *by == By::Item {
                let found = board.items(&context, kpi).await;
                cells.extend(found.with_context(|| format!("KPI {}", kpi.id))?);
                continue;
            }
            let sums = board
                .add_up(&context, kpi)
                .await
                .with_context(|| format!("KPI {}", kpi.id))?;
            cells.extend(board.cells(kpi, sums, scopes));
        }
    }
    Ok(cells)
}

/// Into how many days at once a history is cut, in parts of one size, so that the relation `cohort`, which is held in memory, has at most
/// 1.5 million rows.
pub(super) fn days_at_once(days: usize, accounts: usize) -> usize {
    const MOST_ROWS: usize = 1_500_000;
    let most = (MOST_ROWS / accounts.max(1)).max(1);
    days.div_ceil(days.div_ceil(most).max(1)).max(1)
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
    let all = app.metrics.book.all();
    let day = period(kpi.window, kpi.lag, day);
    // A row without an item is in the whole and in no part; an account is in its scope or not at all.
    let of_accounts = scope.filter(|_| *by != By::Item);
    let counts = |entry: &Arc<Entry>| {
        let inside = |wanted: &str| scope_of(Some(entry), kpi, &day, by).as_deref() == Some(wanted);
        only.takes(Some(entry), kpi, &day) && of_accounts.is_none_or(inside)
    };
    let counts = (*only != Only::default() || of_accounts.is_some()).then_some(counts);
    let parted = parted(app, definitions, vec![kpi], &all, counts).await?;
    let Some((_, looked)) = parted.first() else {
        return Ok(Vec::new());
    };
    let by_no: HashMap<i64, &Entry> = looked.entries().iter().map(|e| (e.no, e.as_ref())).collect();
    let context = prepare(app, definitions, Some(looked), &[kpi], &[day]).await?;
    let mut parts: BTreeMap<i64, Part> = BTreeMap::new();
    for_each_fact(&context, kpi, |fact| {
        let entry = by_no.get(&fact.account_no).copied();
        if !only.takes(entry, kpi, &day) {
            return;
        }
        let inside = |wanted: &str| match by {
            By::Item => fact.item == Some(wanted),
            _ => scope_of(entry, kpi, &day, by).as_deref() == Some(wanted),
        };
        if !scope.is_none_or(inside) {
            return;
        }
        let part = parts.entry(fact.account_no).or_insert_with(|| Part {
            account_no: fact.account_no,
            scope: scope_of(entry, kpi, &day, &By::Segment)
                .unwrap_or_default()
                .into_owned(),
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

/// A context that holds every relation that the KPIs of one group read; without accounts its relations have their columns and no row.
pub(super) async fn prepare(
    app: &App,
    definitions: &Definitions,
    looked: Option<&Looked<'_>>,
    group: &[&Kpi],
    days: &[Period],
) -> Result<Context> {
    let texts: Vec<&str> = group.iter().filter_map(|kpi| kpi.facts.as_deref()).collect();
    let context = match looked {
        Some(looked) => looked.context(app, definitions, &texts).await?,
        None => tables::shape(app, definitions, &texts).await?,
    };
    let entries = looked.map(Looked::entries).unwrap_or_default();
    if group.iter().any(|kpi| Reads::of(app, kpi).scores) {
        let wanted: Vec<(i32, i32)> = days
            .iter()
            .map(|period| (day_number(period.day), day_number(period.last)))
            .collect();
        let with_velocity = group.iter().any(|kpi| Reads::of(app, kpi).velocity);
        let relation = score_days(app, definitions, entries, &wanted, with_velocity).await?;
        context.add_table("score_days", relation.schema(), vec![relation])?;
    }
    let relation = periods(days)?;
    context.add_table("periods", relation.schema(), vec![relation])?;
    if let Some(first) = group.first() {
        let relation = cohort(entries, days, first.segment_at, &|column| {
            texts.iter().any(|text| tables::reads(text, column))
        })?;
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
    let mut batches = context.stream(sql).await.map_err(|error| anyhow!("{error}"))?;
    while let Some(batch) = batches.try_next().await.map_err(|error| anyhow!("{error}"))? {
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
                item: item
                    .filter(|column| column.is_valid(row))
                    .map(|column| column.value(row)),
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

/// The scope of every account in every period, and the sums by both.
///
/// Worked out once for the KPIs of a group; adding a fact is then two look-ups, whatever the number of accounts.
struct Board<'a> {
    days: &'a [Period],
    names: Vec<String>,
    /// Account number → place, where the numbers are dense; else they are searched.
    places: Places,
    /// By place and day: 0 = none, else the scope's number + 1; [`LEFT_OUT`] = the account does not count.
    scope: Vec<u32>,
    /// Whether only some accounts count, so that facts of none do not.
    only_some: bool,
}

/// The scope of accounts that do not count.
const LEFT_OUT: u32 = u32::MAX;

enum Places {
    Dense { first: i64, at: Vec<u32> },
    Sorted(Vec<i64>),
}

impl Places {
    fn new(entries: &[Arc<Entry>]) -> Self {
        let first = entries.first().map_or(0, |entry| entry.no);
        let last = entries.last().map_or(0, |entry| entry.no);
        let range = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        if range > entries.len().saturating_mul(8).saturating_add(1_024) {
            return Self::Sorted(entries.iter().map(|entry| entry.no).collect());
        }
        let mut at = vec![u32::MAX; range];
        for (place, entry) in entries.iter().enumerate() {
            let slot = usize::try_from(entry.no - first)
                .ok()
                .and_then(|offset| at.get_mut(offset));
            if let (Some(slot), Ok(place)) = (slot, u32::try_from(place)) {
                *slot = place;
            }
        }
        Self::Dense { first, at }
    }

    fn of(&self, no: i64) -> Option<usize> {
        match self {
            Self::Dense { first, at } => {
                let place = *at.get(usize::try_from(no.checked_sub(*first)?).ok()?)?;
                (place != u32::MAX).then_some(place as usize)
            }
            Self::Sorted(nos) => nos.binary_search(&no).ok(),
        }
    }
}

impl<'a> Board<'a> {
    /// `entries` are in the order of their numbers.
    fn new(entries: &[Arc<Entry>], kpi: &Kpi, days: &'a [Period], by: &By, only: &Only) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut scope = Vec::with_capacity(entries.len() * days.len());
        for entry in entries {
            for day in days {
                if !only.takes(Some(entry), kpi, day) {
                    scope.push(LEFT_OUT);
                    continue;
                }
                let number =
                    scope_of(Some(entry), kpi, day, by).map_or(0, |name| match numbers.get(name.as_ref()) {
                        Some(number) => *number,
                        None => {
                            names.push(name.clone().into_owned());
                            let number = u32::try_from(names.len()).unwrap_or(0);
                            numbers.insert(name.into_owned(), number);
                            number
                        }
                    });
                scope.push(number);
            }
        }
        Self {
            days,
            names,
            places: Places::new(entries),
            scope,
            only_some: *only != Only::default(),
        }
    }

    /// The scope's number + 1 of a fact on a day, 0 = none; `None` = it does not count.
    fn scope_of(&self, account_no: i64, day: usize) -> Option<usize> {
        let scope = self
            .places
            .of(account_no)
            .and_then(|place| self.scope.get(place * self.days.len() + day));
        match scope {
            Some(&LEFT_OUT) => None,
            None if self.only_some => None,
            other => Some(other.map_or(0, |scope| *scope as usize)),
        }
    }

    /// The figures of one KPI by its own parts.
    async fn items(&self, context: &Context, kpi: &Kpi) -> Result<Vec<Cell>> {
        let day_of: HashMap<i32, usize> = self
            .days
            .iter()
            .enumerate()
            .map(|(at, period)| (day_number(period.day), at))
            .collect();
        let mut names: HashSet<String> = HashSet::new();
        let mut sums: Vec<BTreeMap<String, Sums>> = vec![BTreeMap::new(); self.days.len()];
        let mut all = vec![Sums::default(); self.days.len()];
        for_each_fact(context, kpi, |fact| {
            let Some(day) = day_of.get(&fact.period).copied() else {
                return;
            };
            if self.scope_of(fact.account_no, day).is_none() {
                return;
            }
            if let Some(all) = all.get_mut(day) {
                add(all, kpi, fact);
            }
            let Some(mut item) = fact.item else { return };
            if !names.contains(item) {
                if names.len() < MOST_ITEMS {
                    names.insert(item.to_owned());
                } else {
                    item = OTHERS;
                }
            }
            if let Some(of_day) = sums.get_mut(day) {
                match of_day.get_mut(item) {
                    Some(held) => add(held, kpi, fact),
                    None => add(of_day.entry(item.to_owned()).or_default(), kpi, fact),
                }
            }
        })
        .await?;
        let mut cells = Vec::new();
        for ((period, all), of_day) in self.days.iter().zip(&all).zip(&sums) {
            let mut push = |scope: &str, held: &Sums| {
                cells.push(Cell {
                    kpi: kpi.id.clone(),
                    period: *period,
                    scope: scope.to_owned(),
                    figure: figure(held, kpi.value, kpi.proportion),
                });
            };
            push(ALL, all);
            for (item, held) in of_day {
                push(item, held);
            }
        }
        Ok(cells)
    }

    /// The facts of one KPI, added up: for each day the sums of all and of each scope.
    async fn add_up(&self, context: &Context, kpi: &Kpi) -> Result<Vec<Vec<Sums>>> {
        let day_of: HashMap<i32, usize> = self
            .days
            .iter()
            .enumerate()
            .map(|(at, period)| (day_number(period.day), at))
            .collect();
        let mut sums = vec![vec![Sums::default(); self.names.len() + 1]; self.days.len()];
        // Facts come in runs of one period.
        let mut last = None;
        for_each_fact(context, kpi, |fact| {
            let day = match last {
                Some((period, day)) if period == fact.period => day,
                _ => {
                    let day = day_of.get(&fact.period).copied();
                    last = Some((fact.period, day));
                    day
                }
            };
            let Some((day, of_day)) = day.and_then(|day| Some((day, sums.get_mut(day)?))) else {
                return;
            };
            let Some(scope) = self.scope_of(fact.account_no, day) else {
                return;
            };
            if let Some(all) = of_day.first_mut() {
                add(all, kpi, fact);
            }
            if scope > 0
                && let Some(part) = of_day.get_mut(scope)
            {
                add(part, kpi, fact);
            }
        })
        .await?;
        Ok(sums)
    }

    /// The figures by day: of all, of the `scopes` in their order, then of every other scope that has facts, by name.
    fn cells(&self, kpi: &Kpi, mut sums: Vec<Vec<Sums>>, scopes: &[String]) -> Vec<Cell> {
        let number: HashMap<&str, usize> = self
            .names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), at + 1))
            .collect();
        let mut cells = Vec::new();
        for (period, of_day) in self.days.iter().zip(&mut sums) {
            let mut push = |scope: &str, held: &Sums| {
                cells.push(Cell {
                    kpi: kpi.id.clone(),
                    period: *period,
                    scope: scope.to_owned(),
                    figure: figure(held, kpi.value, kpi.proportion),
                });
            };
            let mut take = |at: Option<usize>| {
                at.and_then(|at| of_day.get_mut(at))
                    .map(std::mem::take)
                    .unwrap_or_default()
            };
            push(ALL, &take(Some(0)));
            for scope in scopes {
                push(scope, &take(number.get(scope.as_str()).copied()));
            }
            let mut others: Vec<(&str, Sums)> = self
                .names
                .iter()
                .zip(of_day.iter_mut().skip(1))
                .filter(|(name, sums)| sums.rows > 0 && !scopes.contains(name))
                .map(|(name, sums)| (name.as_str(), std::mem::take(sums)))
                .collect();
            others.sort_by_key(|(name, _)| *name);
            for (name, held) in &others {
                push(name, held);
            }
        }
        cells
    }
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

fn scope_of<'a>(entry: Option<&'a Entry>, kpi: &Kpi, period: &Period, by: &'a By) -> Option<Cow<'a, str>> {
    let entry = entry?;
    match by {
        By::Nothing | By::Item => None,
        By::Segment => counted(entry, period, kpi.segment_at).map(|span| span.segment.as_str().into()),
        By::Owner => Some(
            counted(entry, period, kpi.segment_at)
                .and_then(|s| s.owner.as_deref())
                .unwrap_or(NONE)
                .into(),
        ),
        By::Stage(stages) => {
            let day = day_that_counts(period, kpi.segment_at);
            Some(stages.on(entry.no, &entry.head, day).unwrap_or(NONE).into())
        }
        By::Attribute(id) => Some(match entry.attributes.get(id) {
            None | Some(serde_json::Value::Null) => NONE.into(),
            Some(serde_json::Value::String(text)) => text.as_str().into(),
            Some(other) => other.to_string().into(),
        }),
    }
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
    let context = prepare(app, definitions, None, &[kpi], &days)
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
