//! Filling a panel from records and history.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use futures::StreamExt as _;
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Float64Type};
use tenure_lake::{Expr, Type};
use tenure_learn::handset::{Amount, Model, Reading};

use super::outcome::{EventDays, Outcome, Then, outcome_after};
use super::panel::{Filler, Panel, Row};
use super::store;
use crate::App;
use crate::ahead::in_order;
use crate::metrics::cells::{self, Set};
use crate::metrics::evaluate::UNCLASSIFIED;
use crate::metrics::known::{self, Part};
use crate::metrics::plan::{MetricPlan, Plan, SharedPlan, environment};
use crate::metrics::series::Fold;
use crate::metrics::{self, Entry};
use crate::scores::known::Known;

/// A score set by hand: for each model the segments that it is of (none = all others).
#[derive(Clone, Debug, PartialEq)]
pub struct HandScore {
    /// Its id.
    pub id: String,
    /// In the order in which they are asked.
    pub models: Vec<(Vec<String>, Model)>,
}

impl HandScore {
    /// Whether another one differs at most in its name and in how old an account has to be.
    fn is_but_for_age(&self, other: &Self) -> bool {
        let ageless = |(segments, model): &(Vec<String>, Model)| {
            let model = Model {
                quiet_days: 0.0,
                ..model.clone()
            };
            (segments.clone(), model)
        };
        self.models
            .iter()
            .map(ageless)
            .eq(other.models.iter().map(ageless))
    }

    /// The place of the model of a segment.
    fn model(&self, segment: &str) -> Option<usize> {
        self.models
            .iter()
            .position(|(segments, _)| segments.is_empty() || segments.iter().any(|own| own == segment))
    }
}

/// What to fill a panel with.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is to come.
    pub outcome: Outcome,
    /// Cutoff days, ascending.
    pub cutoffs: Vec<i32>,
    /// Whether events count from the day that they carry, whenever they arrived.
    pub trust_dates: bool,
    /// Other horizons that labels are wanted of.
    pub horizons: Vec<i32>,
    /// Scores set by hand, whose values on the rows are wanted.
    pub hand: Vec<HandScore>,
    /// Whether rows whose horizon has not passed stay, without a label.
    pub keep_open: bool,
    /// Whether the panel holds every metric, as learning wants it; else only those that the scores set by hand read.
    pub all_metrics: bool,
}

/// A panel, and the scores set by hand on its rows (NaN = no score).
pub struct Gathered {
    /// The panel.
    pub panel: Panel,
    /// By score, in the order of the ask.
    pub scores: Vec<Vec<f64>>,
}

/// The newest day of which everything is known: the day before today, or the newest day of the history when that ends earlier.
///
/// # Errors
/// When the history cannot be read.
pub async fn newest_day(app: &App) -> Result<i32> {
    let yesterday = metrics::today(app) - 1;
    Ok(store::newest_event_day(app, yesterday)
        .await?
        .map_or(yesterday, |day| day.min(yesterday)))
}

/// Fills a panel; `progress` hears the share that is done.
///
/// # Errors
/// When records or history fail, or a condition does not compile.
pub async fn gather(app: &App, ask: &Ask, progress: &(dyn Fn(f64) + Sync)) -> Result<Gathered> {
    let entries = app.metrics.book.all();
    let (work, late) = Begun::of(app, ask).await?.work(app, ask).await?;
    let mut all = Piece::of(&work);
    let (own, mine) = (app.clone(), Arc::clone(&work));
    let mut pieces = pin!(in_order(blocks(&entries), move |block| {
        let (app, work) = (own.clone(), Arc::clone(&mine));
        async move { work.piece(&app, block).await }
    }));
    while let Some(piece) = pieces.next().await {
        all.append(piece?);
        progress(all.accounts as f64 / entries.len().max(1) as f64);
    }
    Ok(finish(all, &work, late))
}

/// Computes and keeps what is missing of what [`gather`] begins with, one block after the other, if it is kept for such an ask at all and
/// something is missing. Tells whether anything was.
///
/// # Errors
/// As [`gather`].
pub async fn prepare(app: &App, ask: &Ask) -> Result<bool> {
    let begun = Begun::of(app, ask).await?;
    if begun.set.as_ref().is_none_or(|set| set.is_whole(app)) {
        return Ok(false);
    }
    let entries = app.metrics.book.all();
    let (work, _) = begun.work(app, ask).await?;
    let Some(set) = &work.set else { return Ok(false) };
    for block in blocks(&entries) {
        let (no, wanted) = (block_of(&block), places(&block, &work.question));
        cells::known(app, &work.question, set, no, wanted).await?;
    }
    set.note_whole(app);
    Ok(true)
}

/// What an ask comes to, before anything of the log is read.
struct Begun {
    plan: SharedPlan,
    cutoffs: Vec<known::Cutoff>,
    shape: Shape,
    set: Option<Set>,
}

impl Begun {
    async fn of(app: &App, ask: &Ask) -> Result<Self> {
        let plan = app
            .metrics
            .plan()
            .ok_or_else(|| anyhow!("no program is applied yet"))?;
        let cutoffs: Vec<known::Cutoff> = ask
            .cutoffs
            .iter()
            .map(|day| known::Cutoff::of(app, *day))
            .collect();
        let among = ask
            .outcome
            .among
            .as_deref()
            .map(|text| Expr::compile_filter(text, &environment(&plan.names)))
            .transpose()
            .map_err(|error| anyhow!("among: {}; {}", error.message, error.remedy))?;
        let shape = Shape::new(&plan, ask, among);
        let asked = cells::Asked {
            plan: &plan,
            cutoffs: &cutoffs,
            trust_dates: ask.trust_dates,
            aged: &shape.aged,
            only: shape.only.as_deref(),
        };
        let set = Set::open(app, &asked).await?;
        Ok(Self {
            plan,
            cutoffs,
            shape,
            set,
        })
    }

    /// Reads of the log what all accounts have in common; and tells how many events came late, of how many accounts.
    async fn work(self, app: &App, ask: &Ask) -> Result<(Arc<Work>, (u64, usize))> {
        let Self {
            plan,
            cutoffs,
            mut shape,
            set,
        } = self;
        let newest = newest_day(app).await?;
        let days = store::event_days(app, ask.outcome.events()).await?;
        let (late, first_days) = known::arrivals(app, &plan, &cutoffs, ask.trust_dates).await?;
        if !ask.trust_dates {
            shape.told = store::told(app, &ask.outcome).await?;
        }
        shape.told_of = told_of(&plan, &cutoffs, &first_days);
        let told = (late.events, late.accounts.len());
        let late = if ask.trust_dates {
            known::Places::new()
        } else {
            late.accounts
        };
        let work = Work {
            question: Arc::new(known::Ask {
                plan,
                late,
                cutoffs,
                trust_dates: ask.trust_dates,
                aged: shape.aged.clone(),
                only: shape.only.clone(),
            }),
            set: set.map(Arc::new),
            shape,
            ask: ask.clone(),
            days,
            newest,
        };
        Ok((Arc::new(work), told))
    }
}

/// Accounts in pieces that are worked on together, each of one block of cells.
fn blocks(entries: &[Arc<Entry>]) -> Vec<Vec<Arc<Entry>>> {
    let pieces = entries.chunk_by(|a, b| cells::block_of(a.no) == cells::block_of(b.no));
    pieces.map(<[_]>::to_vec).collect()
}

fn block_of(entries: &[Arc<Entry>]) -> i64 {
    entries.first().map_or(0, |entry| cells::block_of(entry.no))
}

/// Everything that the rows of an account are made of.
struct Work {
    question: Arc<known::Ask>,
    set: Option<Arc<Set>>,
    shape: Shape,
    ask: Ask,
    days: EventDays,
    newest: i32,
}

/// The rows of some accounts.
struct Piece {
    /// How many accounts they are.
    accounts: usize,
    rows: Filler,
    /// By cutoff, how many are left out because their horizon has not passed.
    censored: Vec<usize>,
    /// How many accounts nothing was known of on any cutoff.
    unknown: u64,
}

impl Piece {
    fn of(work: &Work) -> Self {
        Self {
            accounts: 0,
            rows: Filler::new(work.shape.columns.clone(), &work.ask.horizons),
            censored: vec![0; work.ask.cutoffs.len()],
            unknown: 0,
        }
    }

    fn append(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.rows.append(other.rows);
        for (all, more) in self.censored.iter_mut().zip(other.censored) {
            *all += more;
        }
        self.unknown += other.unknown;
    }
}

impl Work {
    /// The rows of the accounts of one block.
    async fn piece(self: Arc<Self>, app: &App, entries: Vec<Arc<Entry>>) -> Result<Piece> {
        let wanted = places(&entries, &self.question);
        let parts = match &self.set {
            Some(set) => cells::known(app, &self.question, set, block_of(&entries), wanted).await?,
            None => known::known(app, &self.question, &wanted).await?,
        };
        tokio::task::spawn_blocking(move || {
            let by_no: HashMap<i64, &Arc<Entry>> = entries.iter().map(|entry| (entry.no, entry)).collect();
            let mut piece = Piece::of(&self);
            piece.accounts = entries.len();
            // Of an account whose facts all came late nothing is known on any row: no metric but counts of nothing.
            let mut known = HashMap::new();
            for part in parts {
                self.shape.take(&self, &part, &by_no, &mut piece, &mut known)?;
            }
            piece.unknown = known.values().filter(|known: &&bool| !**known).count() as u64;
            Ok(piece)
        })
        .await?
    }
}

/// What the log told of on a cutoff, by metric.
struct ToldOf {
    /// It told nothing yet of what the metric counts: then it is missing, as it is in the scores themselves.
    nothing: Vec<bool>,
    /// It told of less than half of the days that the metric looks back on: then nothing is learnt from it.
    little: Vec<bool>,
}

/// By cutoff, what the log told of.
fn told_of(plan: &Plan, cutoffs: &[known::Cutoff], first: &known::FirstDays) -> Vec<ToldOf> {
    let found = cutoffs.iter().enumerate().map(|(at, cutoff)| {
        let days = |(kind, days): (&String, &Vec<i32>)| (kind.clone(), days[at]);
        let then = Known::of(first.iter().map(days).collect());
        let before = |day: Option<i32>| day.is_some_and(|day| cutoff.day < day);
        ToldOf {
            nothing: (0..plan.metrics.len())
                .map(|metric| before(then.since(plan, metric)))
                .collect(),
            little: (0..plan.metrics.len())
                .map(|metric| before(then.learns_from(plan, metric)))
                .collect(),
        }
    });
    found.collect()
}

/// The cutoffs that accounts are looked at on: those on which they were active. Who was active by what was known then, is seen from the
/// facts of then: of accounts with late events every cutoff is looked at.
fn places(chunk: &[Arc<Entry>], question: &known::Ask) -> BTreeMap<i64, Vec<usize>> {
    let mut wanted = BTreeMap::new();
    for entry in chunk {
        let late = question.late.contains_key(&entry.no);
        let places: Vec<usize> = (0..question.cutoffs.len())
            .filter(|at| late || active_on(entry, question.cutoffs[*at].day))
            .collect();
        if !places.is_empty() {
            wanted.insert(entry.no, places);
        }
    }
    wanted
}

/// Whether an account was active on a day, by what is known now.
pub(super) fn active_on(entry: &Entry, day: i32) -> bool {
    entry.head.span_at(day).is_some_and(|span| span.active)
}

fn finish(all: Piece, work: &Work, (late_events, late_accounts): (u64, usize)) -> Gathered {
    let ask = &work.ask;
    let mut panel = all.rows.finish();
    panel.cutoffs = ask
        .cutoffs
        .iter()
        .zip(all.censored)
        .zip(&work.question.cutoffs)
        .map(|((day, censored), cutoff)| super::panel::Cutoff {
            day: *day,
            end: cutoff.end,
            censored,
        })
        .collect();
    panel.segments = work.shape.segments.clone();
    panel.newest = work.newest;
    let scores = panel
        .columns
        .extract_if(.., |column| column.name.starts_with(SCORE))
        .filter_map(|column| match column.values {
            tenure_learn::Values::Number(values) => Some(values),
            tenure_learn::Values::Category { .. } => None,
        })
        .collect();
    let known = &mut panel.knowledge;
    known.trust_dates = ask.trust_dates;
    known.late_events = late_events;
    known.late_accounts = late_accounts as u64;
    known.unknown_accounts = all.unknown;
    known.tell(all.accounts);
    Gathered { panel, scores }
}

/// Columns of scores begin with this while the panel is filled.
const SCORE: &str = "score:";

/// How rows of the environment become rows of the panel.
struct Shape {
    /// The metrics that are wanted, then the scores set by hand.
    columns: Vec<String>,
    /// The names of the plan that are read; `None` = all.
    only: Option<Vec<bool>>,
    /// The metrics that are columns of the panel.
    metrics: Vec<usize>,
    segments: Vec<String>,
    among: Option<Expr>,
    active: Option<usize>,
    mrr: Option<usize>,
    tenure: Option<usize>,
    quiet: Option<usize>,
    aged: Vec<usize>,
    /// By score set by hand and model, the metric of each measure.
    measures: Vec<Vec<Vec<Option<usize>>>>,
    /// By score set by hand, the one before it that differs only in how old an account has to be.
    same: Vec<Option<usize>>,
    /// By account and day, when the outcome's events arrived.
    told: HashMap<(i64, i32), i64>,
    /// By cutoff.
    told_of: Vec<ToldOf>,
}

impl Shape {
    fn new(plan: &Plan, ask: &Ask, among: Option<Expr>) -> Self {
        let measures = || {
            let models = ask.hand.iter().flat_map(|score| &score.models);
            models.flat_map(|(_, model)| model.measures())
        };
        let read = |metric: &usize| {
            ask.all_metrics || measures().any(|measure| measure.name == plan.metric_ids[*metric])
        };
        let metrics: Vec<usize> = (0..plan.metrics.len()).filter(read).collect();
        let mut columns: Vec<String> = metrics.iter().map(|at| plan.metric_ids[*at].clone()).collect();
        columns.extend(ask.hand.iter().map(|score| format!("{SCORE}{}", score.id)));
        let named = |name: &str| plan.names.iter().position(|known| known.name == name);
        let since = |at: &usize| {
            matches!(
                plan.metrics[*at],
                MetricPlan::Series {
                    fold: Fold::DaysSince,
                    ..
                }
            )
        };
        let quiet = (0..plan.metrics.len()).filter(since).min_by_key(|at| {
            let id = plan.metric_ids[*at].as_str();
            // What counts as a login is the program's word; days since anything else is the next best.
            (!id.contains("login"), !id.contains("use"), *at)
        });
        let mut aged: Vec<usize> = measures()
            .filter(|measure| measure.stale_after.is_some())
            .filter_map(|measure| plan.metric_ids.iter().position(|id| *id == measure.name))
            .collect();
        aged.sort_unstable();
        aged.dedup();
        let place = |name: &str| plan.metric_ids.iter().position(|id| id == name);
        let places = ask.hand.iter().map(|score| {
            let of = |model: &Model| model.measures().map(|measure| place(&measure.name)).collect();
            score.models.iter().map(|(_, model)| of(model)).collect()
        });
        let places = places.collect();
        let only = (!ask.all_metrics).then(|| {
            let rules = plan.names.iter().zip(&plan.rule_reads).filter(|(_, read)| **read);
            let rules = rules.map(|(name, _)| name.name.as_str());
            let among = among
                .iter()
                .flat_map(|among| among.references())
                .map(String::as_str);
            let quiet = quiet.map(|metric| plan.metric_ids[metric].as_str());
            let read = metrics.iter().map(|at| plan.metric_ids[*at].as_str());
            plan.needed_by(rules.chain(among).chain(quiet).chain(read).chain([
                "active",
                "mrr",
                "days_active",
            ]))
        });
        let mut segments: Vec<String> = plan.rules.iter().map(|rule| rule.id.clone()).collect();
        segments.push(UNCLASSIFIED.to_owned());
        Self {
            columns,
            only,
            metrics,
            segments,
            among,
            active: named("active"),
            mrr: named("mrr"),
            tenure: named("days_active"),
            quiet: quiet.map(|metric| plan.metrics_from + metric),
            aged,
            measures: places,
            same: (0..ask.hand.len())
                .map(|at| (0..at).find(|before| ask.hand[*before].is_but_for_age(&ask.hand[at])))
                .collect(),
            told: HashMap::new(),
            told_of: Vec::new(),
        }
    }

    fn take(
        &self,
        work: &Work,
        part: &Part,
        by_no: &HashMap<i64, &Arc<Entry>>,
        piece: &mut Piece,
        known: &mut HashMap<i64, bool>,
    ) -> Result<()> {
        let Work {
            question,
            ask,
            days,
            newest,
            ..
        } = work;
        let (plan, newest) = (&question.plan, *newest);
        let truth: Option<BooleanArray> = self
            .among
            .as_ref()
            .map(|among| among.matches(&part.env))
            .transpose()
            .map_err(|error| anyhow!("among: {}", error.message))?;
        let numbers: Vec<Option<Vec<f64>>> = (0..plan.names.len())
            .map(|at| match &self.only {
                Some(only) if !only[at] => Ok(None),
                _ => numbers(part.env.column(at), plan.names[at].kind),
            })
            .collect::<Result<_>>()?;
        let columns: Vec<Option<&[f64]>> = self
            .metrics
            .iter()
            .map(|at| numbers[plan.metrics_from + at].as_deref())
            .collect();
        let readers = self.readers(plan, part, &numbers);
        let [mrr, tenure, quiet] =
            [self.mrr, self.tenure, self.quiet].map(|at| at.and_then(|at| numbers[at].as_deref()));
        let number = |column: Option<&[f64]>, row: usize| column.map_or(f64::NAN, |column| column[row]);
        let active = self.active.and_then(|at| part.env.column(at).as_boolean_opt());
        let others: Vec<Outcome> = ask
            .horizons
            .iter()
            .map(|horizon| within(&ask.outcome, *horizon))
            .collect();
        let (mut readings, mut points) = (Vec::new(), vec![f64::NAN; ask.hand.len()]);
        let mut told: Vec<Option<Amount>> = vec![None; ask.hand.len()];
        let mut of: Option<(i64, &Arc<Entry>, &[i32])> = None;
        for (row, (no, cutoff)) in part.cells.iter().enumerate() {
            let (entry, known_days) = match of {
                Some((same, entry, known_days)) if same == *no => (entry, known_days),
                _ => {
                    let Some(entry) = by_no.get(no) else { continue };
                    let known_days = days.get(no).map_or(&[][..], Vec::as_slice);
                    of = Some((*no, entry, known_days));
                    (*entry, known_days)
                }
            };
            let day = ask.cutoffs[*cutoff];
            let tenure = number(tenure, row);
            if active_on(entry, day) {
                *known.entry(*no).or_insert(false) |= !tenure.is_nan();
            }
            if active.is_some_and(|active| !active.is_valid(row) || !active.value(row))
                || truth.as_ref().is_some_and(|truth| !truth.value(row))
            {
                continue;
            }
            let class = part.classes[row].min(self.segments.len() - 1);
            let mrr = number(mrr, row);
            let then = Then {
                segment: &self.segments[class],
                mrr: Some(mrr).filter(|mrr| !mrr.is_nan()),
            };
            let Some((came, when)) = outcome_after(&ask.outcome, &entry.head, known_days, day, then) else {
                continue;
            };
            let closed = day.saturating_add(ask.outcome.horizon) <= newest;
            if !closed {
                piece.censored[*cutoff] += 1;
                if !ask.keep_open {
                    continue;
                }
            }
            let ToldOf { nothing, little } = &self.told_of[*cutoff];
            for (at, score) in ask.hand.iter().enumerate() {
                let Some(model) = score.model(&self.segments[class]) else {
                    (told[at], points[at]) = (None, f64::NAN);
                    continue;
                };
                told[at] = if let Some(before) = self.same[at] {
                    told[before]
                } else {
                    readings.clear();
                    readings.extend(readers[at][model].iter().map(|reader| reader.read(row, nothing)));
                    score.models[model].1.told(&readings)
                };
                let counts = score.models[model].1.counts(tenure);
                points[at] = told[at].filter(|_| counts).map_or(f64::NAN, Amount::points);
            }
            let metrics = self.metrics.iter().zip(&columns).map(|(at, column)| {
                let known = column.filter(|_| !little[*at]);
                number(known, row)
            });
            let also = ask.horizons.iter().zip(&others).map(|(horizon, other)| {
                let passed = day.saturating_add(*horizon) <= newest;
                outcome_after(other, &entry.head, known_days, day, then)
                    .map(|(came, _)| came)
                    .filter(|_| passed)
            });
            let it = Row {
                cutoff: u32::try_from(*cutoff)?,
                account: *no,
                segment: u32::try_from(class)?,
                mrr,
                tenure,
                quiet: number(quiet, row),
                label: closed.then_some(came),
                when: when.filter(|_| closed && came),
                told: when
                    .and_then(|on| self.told.get(&(*no, on)))
                    .copied()
                    .unwrap_or(i64::MIN),
            };
            piece.rows.push(it, metrics.chain(points.iter().copied()), also);
        }
        Ok(())
    }

    /// By score set by hand and model, where each measure is read from.
    fn readers<'a>(
        &self,
        plan: &Plan,
        part: &'a Part,
        numbers: &'a [Option<Vec<f64>>],
    ) -> Vec<Vec<Vec<Reader<'a>>>> {
        let reader = |metric: &Option<usize>| Reader {
            metric: *metric,
            values: metric.and_then(|metric| numbers[plan.metrics_from + metric].as_deref()),
            ages: metric
                .and_then(|metric| part.ages.get(&metric))
                .map(Vec::as_slice),
        };
        let model = |metrics: &Vec<Option<usize>>| metrics.iter().map(reader).collect();
        let score = |models: &Vec<Vec<Option<usize>>>| models.iter().map(model).collect();
        self.measures.iter().map(score).collect()
    }
}

fn within(outcome: &Outcome, horizon: i32) -> Outcome {
    Outcome {
        horizon,
        ..outcome.clone()
    }
}

/// Where a measure's values and ages are read from.
struct Reader<'a> {
    metric: Option<usize>,
    values: Option<&'a [f64]>,
    ages: Option<&'a [f64]>,
}

impl Reader<'_> {
    /// The value and age on a row; missing where the log did not tell of it (`hidden`, by metric), and where there is no such metric.
    fn read(&self, row: usize, hidden: &[bool]) -> Reading {
        if self.metric.is_none_or(|metric| hidden[metric]) {
            return Reading {
                value: f64::NAN,
                age: 0.0,
            };
        }
        Reading {
            value: self.values.map_or(f64::NAN, |values| values[row]),
            age: self.ages.and_then(|ages| ages.get(row)).copied().unwrap_or(0.0),
        }
    }
}

/// A column as numbers, NaN where it is null: days since 1970 for dates, 0 and 1 for truths; nothing for texts.
fn numbers(column: &ArrayRef, kind: Type) -> Result<Option<Vec<f64>>> {
    let column = match kind {
        Type::Text => return Ok(None),
        Type::Date => &cast(&cast(column, &DataType::Date32)?, &DataType::Int32)?,
        _ => column,
    };
    let column = cast(column, &DataType::Float64)?;
    let column = column.as_primitive::<Float64Type>();
    if column.null_count() == 0 {
        return Ok(Some(column.values().to_vec()));
    }
    Ok(Some(
        column.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
    ))
}
