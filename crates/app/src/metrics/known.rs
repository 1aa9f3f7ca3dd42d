//! Accounts on past days as they were *known* then: an event counts from its day on, but not before it had arrived.
//!
//! What is kept of an account tells of most cutoffs, whether or not one asks when things arrived. Only where an event is dated before a
//! cutoff and arrived after it the account gets facts of its own for that cutoff, for which one scan of the history is made.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{AsArray, BooleanArray};
use tenure_lake::arrow::compute::filter_record_batch;
use tenure_lake::arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};

use super::collect::{Collector, column};
use super::evaluate::{Subject, grid};
use super::facts::{Facts, History, date_of};
use super::plan::{MetricPlan, Plan, SharedPlan};
use super::series::{Fold, Keep, day_of_value};
use super::store::{self, Record};
use crate::App;

/// A day at whose end one asks, and the instant of that end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cutoff {
    /// The day.
    pub day: i32,
    /// The first instant after it, UTC microseconds.
    pub end: i64,
}

impl Cutoff {
    /// The end of a day in the program's zone.
    #[must_use]
    pub fn of(app: &App, day: i32) -> Self {
        let end = date_of(day.saturating_add(1))
            .to_zoned(app.time_zone())
            .map_or(i64::MAX, |at| at.timestamp().as_microsecond());
        Self { day, end }
    }
}

/// Events that arrived after a cutoff which they are dated before.
#[derive(Clone, Debug, Default)]
pub struct Late {
    /// How many, each once.
    pub events: u64,
    /// By account, for each cutoff whether one of them was not known on it.
    pub accounts: Places,
}

/// By account, for each cutoff whether it is one of these.
pub type Places = HashMap<i64, Vec<bool>>;

/// By kind of events, the first day of one as it was known at each cutoff; `i32::MAX` = nothing of the kind was known yet.
pub type FirstDays = BTreeMap<String, Vec<i32>>;

/// Finds the events that came late among those that the plan reads, and with what the history of each kind begins, in one pass over it. With
/// `trust_dates` a history begins with what is dated first, whenever it arrived.
///
/// # Errors
/// When the history cannot be read.
pub async fn arrivals(
    app: &App,
    plan: &Plan,
    cutoffs: &[Cutoff],
    trust_dates: bool,
) -> Result<(Late, FirstDays)> {
    let (mut late, mut first) = (Late::default(), Vec::<(String, Vec<i32>)>::new());
    if cutoffs.is_empty() {
        return Ok((late, FirstDays::new()));
    }
    let order = Order::of(cutoffs);
    let mut batches = store::arrivals(app, &super::work::relevant(plan, None)).await?;
    while let Some(batch) = batches.try_next().await? {
        let accounts = column(&batch, "account_no")?.as_primitive::<Int64Type>().values();
        let days = column(&batch, "day")?.as_primitive::<Date32Type>().values();
        let received = arrived(&batch)?;
        let kinds = column(&batch, "kind")?.as_string_view();
        let relevant = column(&batch, "relevant")?.as_boolean();
        // The kind of the row before, as the batch holds it, and its place.
        let mut last: Option<(u128, usize, bool)> = None;
        for row in 0..batch.num_rows() {
            let (day, at) = (days[row], received[row]);
            let view = kinds.views()[row];
            let (kind, revenue) = match last {
                Some((same, kind, revenue)) if same == view => (kind, revenue),
                _ => {
                    let name = kinds.value(row);
                    let known = first.iter().position(|(known, _)| known == name);
                    let kind = known.unwrap_or_else(|| {
                        first.push((name.to_owned(), vec![i32::MAX; cutoffs.len()]));
                        first.len() - 1
                    });
                    last = Some((view, kind, name == "revenue"));
                    (kind, name == "revenue")
                }
            };
            // What was known on a cutoff is known on every later one, so days fall from cutoff to cutoff.
            let begun = &mut first[kind].1;
            if day < begun[0] {
                let from = if trust_dates { 0 } else { order.known(at) };
                for known in begun.iter_mut().skip(from).take_while(|known| day < **known) {
                    *known = day;
                }
            }
            let dated = order.counts(day);
            if order.ends.get(dated).is_some_and(|end| at >= *end) && relevant.value(row) {
                let counts = if revenue { 0 } else { dated };
                late.events += 1;
                let places = late.accounts.entry(accounts[row]);
                let places = places.or_insert_with(|| vec![false; cutoffs.len()]);
                places[counts..order.known(at).max(counts)].fill(true);
            }
        }
    }
    Ok((late, first.into_iter().collect()))
}

/// When each event of a batch arrived, UTC microseconds.
fn arrived(batch: &RecordBatch) -> Result<&[i64]> {
    let received = column(batch, "received_at")?.as_primitive::<TimestampMicrosecondType>();
    Ok(received.values())
}

/// Accounts on cutoffs, as expressions see them.
pub struct Part {
    /// One row for each cell, the columns in the order of the plan's names.
    pub env: RecordBatch,
    /// Account and place of the cutoff of each row.
    pub cells: Vec<(i64, usize)>,
    /// The place of each row's segment among the rules; their number = unclassified.
    pub classes: Vec<usize>,
    /// By metric of the plan that was asked for: days since what its value was measured from.
    pub ages: HashMap<usize, Vec<f64>>,
}

/// What is asked.
pub struct Ask {
    /// The metrics and rules.
    pub plan: SharedPlan,
    /// Ascending.
    pub cutoffs: Vec<Cutoff>,
    /// Where events were not known yet; nowhere, when dates are trusted.
    pub late: Places,
    /// Whether what is known of fields first holds from the beginning.
    pub trust_dates: bool,
    /// The metrics whose ages are wanted.
    pub aged: Vec<usize>,
    /// The names of the plan whose columns are wanted ([`Plan::needed_by`]); all others are null. `None` = all.
    pub only: Option<Vec<bool>>,
}

/// These accounts on the cutoffs that are wanted of each (places, ascending).
///
/// # Errors
/// When records or history fail.
pub async fn known(app: &App, ask: &Arc<Ask>, wanted: &BTreeMap<i64, Vec<usize>>) -> Result<Vec<Part>> {
    let nos: Vec<i64> = wanted.keys().copied().collect();
    if nos.is_empty() {
        return Ok(Vec::new());
    }
    let mut records = store::records(&app.store, &nos, &ask.plan.fields(ask.only.as_deref())).await?;
    if !ask.trust_dates {
        for record in records.values_mut() {
            record.history = record.history.as_known();
        }
    }
    let records = Arc::new(records);
    let mut plain: Vec<(i64, usize)> = Vec::new();
    let mut late: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (no, places) in wanted {
        let unknown = ask.late.get(no);
        for at in places {
            match unknown {
                Some(unknown) if unknown[*at] => late.entry(*no).or_default().push(*at),
                _ => plain.push((*no, *at)),
            }
        }
    }
    let mut parts = Vec::new();
    if !plain.is_empty() {
        let mut nos: Vec<i64> = plain.iter().map(|(no, _)| *no).collect();
        nos.dedup();
        let facts = match &ask.only {
            Some(only) => store::some_facts(&app.store, &nos, &ask.plan.series_of_names(only)).await?,
            None => store::facts(&app.store, &nos).await?,
        };
        parts.push(part(ask, &records, Arc::new(facts), plain).await?.0);
    }
    if !late.is_empty() {
        parts.extend(by_arrival(app, ask, &records, &late).await?);
    }
    Ok(parts)
}

/// Accounts on cutoffs at which something was not known: what arrived by every cutoff that it counts for is worked in first, for a day does
/// not see the days after it; the others as they became known, cutoff by cutoff. What nobody knew by the last of them is left out.
async fn by_arrival(
    app: &App,
    ask: &Arc<Ask>,
    records: &Arc<BTreeMap<i64, Record>>,
    wanted: &BTreeMap<i64, Vec<usize>>,
) -> Result<Vec<Part>> {
    let last = wanted.values().filter_map(|places| places.last()).max();
    let Some(cutoffs) = last.and_then(|last| ask.cutoffs.get(..=*last)) else {
        return Ok(Vec::new());
    };
    let end = cutoffs.last().map_or(i64::MAX, |last| last.end);
    let nos: Vec<i64> = wanted.keys().copied().collect();
    let order = Order::of(cutoffs);
    let mut collector = Collector::new(&ask.plan, nos.iter().map(|no| (*no, Facts::default())).collect());
    // By cutoff, the events that are known from it on although they count for an earlier one.
    let mut late: Vec<Vec<RecordBatch>> = vec![Vec::new(); cutoffs.len()];
    let series = ask.only.as_deref().map(|only| ask.plan.series_of_names(only));
    let relevant = super::work::relevant(&ask.plan, series.as_deref());
    let of = (&*ask.plan.event_columns(), &*relevant);
    let mut batches = store::arrived_before(app, of, &nos, end).await?;
    while let Some(batch) = batches.try_next().await? {
        let from: Vec<usize> = order
            .spans(&batch)?
            .map(|(counts, known)| if known > counts { known } else { 0 })
            .collect();
        let timely = filter(&batch, from.iter().map(|from| *from == 0))?;
        collector.add(&timely)?;
        for (at, late) in late.iter_mut().enumerate().skip(1) {
            if from.contains(&at) {
                late.push(filter(&batch, from.iter().map(|from| *from == at))?);
            }
        }
    }
    let mut facts = collector.finish();
    let mut parts = Vec::new();
    for (at, late) in late.into_iter().enumerate() {
        let mut collector = Collector::new(&ask.plan, facts);
        for batch in &late {
            collector.add(batch)?;
        }
        let cells: Vec<(i64, usize)> = nos
            .iter()
            .filter(|no| wanted[no].contains(&at))
            .map(|no| (*no, at))
            .collect();
        if cells.is_empty() {
            facts = collector.finish();
            continue;
        }
        let held = Arc::new(collector.finish());
        let (part, held) = part(ask, records, held, cells).await?;
        parts.push(part);
        facts = Arc::try_unwrap(held).unwrap_or_else(|shared| (*shared).clone());
    }
    Ok(parts)
}

/// Where events lie among the cutoffs.
struct Order {
    days: Vec<i32>,
    ends: Vec<i64>,
    /// By day from the first cutoff to the last, the place of the first cutoff that it counts for.
    places: Vec<u32>,
}

impl Order {
    fn of(cutoffs: &[Cutoff]) -> Self {
        let days: Vec<i32> = cutoffs.iter().map(|cutoff| cutoff.day).collect();
        let between = days.first().copied().zip(days.last().copied());
        let of = |day: i32| days.partition_point(|cutoff| *cutoff < day);
        let places = between.map(|(first, last)| {
            (first..=last)
                .map(|day| u32::try_from(of(day)).unwrap_or(u32::MAX))
                .collect()
        });
        Self {
            ends: cutoffs.iter().map(|cutoff| cutoff.end).collect(),
            places: places.unwrap_or_default(),
            days,
        }
    }

    /// The place of the first cutoff that a day counts for.
    fn counts(&self, day: i32) -> usize {
        let Some(after) = self.days.first().and_then(|first| day.checked_sub(*first)) else {
            return if day < 0 { 0 } else { self.days.len() };
        };
        match usize::try_from(after) {
            Ok(after) => self
                .places
                .get(after)
                .map_or(self.days.len(), |place| *place as usize),
            Err(_) => 0,
        }
    }

    /// The place of the first cutoff that knew what arrived at an instant.
    fn known(&self, at: i64) -> usize {
        self.ends.partition_point(|end| *end <= at)
    }

    /// Of each event the place of the first cutoff that it counts for, and of the first that knew it. One of revenue counts for every
    /// cutoff: as soon as there is one, what a record says of MRR no longer does.
    fn spans<'a>(&'a self, batch: &'a RecordBatch) -> Result<impl Iterator<Item = (usize, usize)> + 'a> {
        let days = column(batch, "day")?.as_primitive::<Date32Type>().values();
        let kinds = column(batch, "kind")?.as_string_view();
        let rows = days.iter().zip(arrived(batch)?).zip(kinds);
        Ok(rows.map(|((day, at), kind)| {
            let counts = match kind {
                Some("revenue") => 0,
                _ => self.counts(*day),
            };
            (counts, self.known(*at))
        }))
    }
}

fn filter(batch: &RecordBatch, wanted: impl Iterator<Item = bool>) -> Result<RecordBatch> {
    let wanted: BooleanArray = wanted.map(Some).collect();
    Ok(filter_record_batch(batch, &wanted)?)
}

async fn part(
    ask: &Arc<Ask>,
    records: &Arc<BTreeMap<i64, Record>>,
    facts: Arc<HashMap<i64, Facts>>,
    cells: Vec<(i64, usize)>,
) -> Result<(Part, Arc<HashMap<i64, Facts>>)> {
    let (ask, records) = (Arc::clone(ask), Arc::clone(records));
    tokio::task::spawn_blocking(move || {
        let empty = (Facts::default(), History::default());
        let mut places: HashMap<i64, usize> = HashMap::new();
        let mut subjects: Vec<Subject<'_>> = Vec::new();
        let rows: Vec<(usize, i32)> = cells
            .iter()
            .map(|(no, at)| {
                let place = *places.entry(*no).or_insert_with(|| {
                    let record = records.get(no);
                    subjects.push(Subject {
                        id: record.map_or("", |record| &record.id),
                        name: record.map_or("", |record| &record.name),
                        facts: facts.get(no).unwrap_or(&empty.0),
                        history: record.map_or(&empty.1, |record| &record.history),
                    });
                    subjects.len() - 1
                });
                (place, ask.cutoffs[*at].day)
            })
            .collect();
        let (env, classes) = grid(&ask.plan, &subjects, &rows, ask.only.as_deref(), !ask.trust_dates)?;
        let ages = ask
            .aged
            .iter()
            .map(|&metric| {
                let ages = rows
                    .iter()
                    .map(|(subject, day)| age(&ask.plan, metric, subjects[*subject].facts, *day))
                    .collect();
                (metric, ages)
            })
            .collect();
        drop(subjects);
        let part = Part {
            env,
            cells,
            classes,
            ages,
        };
        Ok((part, facts))
    })
    .await
    .context("evaluation")?
}

/// Days since what a metric's value of `day` was measured: windows that count, add up or average are of the day itself; a value that an
/// event gave is as old as the event; an expression is as old as the oldest of what it reads.
#[must_use]
pub fn age(plan: &Plan, metric: usize, facts: &Facts, day: i32) -> f64 {
    match plan.metrics.get(metric) {
        Some(MetricPlan::Series {
            series,
            fold: Fold::Value,
            window,
        }) => {
            let keep = plan.series[*series].keep;
            if !matches!(keep, Keep::Latest | Keep::Earliest) {
                return 0.0;
            }
            let held = facts.series.get(*series);
            held.and_then(|held| day_of_value(held, keep, *window, day))
                .map_or(f64::NAN, |of| f64::from(day - of))
        }
        Some(MetricPlan::Expr(expr)) => expr
            .references()
            .iter()
            .filter_map(|name| plan.metric_ids.iter().position(|id| id == name))
            .map(|read| age(plan, read, facts, day))
            .fold(0.0, f64::max),
        _ => 0.0,
    }
}
