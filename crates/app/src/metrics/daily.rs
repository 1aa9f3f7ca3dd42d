//! Metrics of every day of a stretch at once: windows slide along a series instead of being folded anew for each day.
//!
//! The figures are those of [`super::evaluate`] to the last bit; the tests hold one against the other.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use tenure_lake::arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatchOptions, UInt32Array};
use tenure_lake::arrow::compute::{cast, take};
use tenure_lake::arrow::datatypes::{Field, Float64Type, Schema};
use tenure_lake::{RecordBatch, Type};

use super::evaluate::{Row, Subject, named};
use super::plan::{MetricPlan, Plan};
use super::series::{Day, Fold, Keep, Series};

/// Days of one subject on which it was active, with one MRR.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The subject's place.
    pub subject: usize,
    /// First day.
    pub from: i32,
    /// Last day.
    pub to: i32,
    /// The day on which this life of it began.
    pub started: i32,
    /// Its MRR.
    pub mrr: Option<f64>,
}

impl Stretch {
    /// How many days it has.
    #[must_use]
    pub fn days(&self) -> usize {
        usize::try_from(self.to - self.from + 1).unwrap_or(0)
    }
}

/// Metrics by day: one row for each day of each stretch, in their order.
#[derive(Debug, Default)]
pub struct Daily {
    /// For each metric that was asked for its values; NaN = no data.
    pub values: Vec<Vec<f64>>,
    /// For each of them the days since its value was measured, where that was asked for and is not always 0.
    pub ages: Vec<Option<Vec<f64>>>,
}

/// The metrics at these places of the plan on every day of the stretches. `aged` says of which the age is wanted.
///
/// # Errors
/// When an expression fails.
pub fn daily(
    plan: &Plan,
    subjects: &[Subject<'_>],
    stretches: &[Stretch],
    wanted: &[usize],
    aged: &[bool],
) -> Result<Daily> {
    let rows: usize = stretches.iter().map(Stretch::days).sum();
    let mut sheet = Sheet {
        plan,
        subjects,
        stretches,
        rows,
        columns: HashMap::new(),
    };
    let mut values = Vec::with_capacity(wanted.len());
    for metric in wanted {
        values.push(sheet.metric(*metric)?);
    }
    let ages = wanted
        .iter()
        .zip(aged)
        .map(|(metric, aged)| if *aged { sheet.age(*metric) } else { None })
        .collect();
    Ok(Daily { values, ages })
}

/// The metrics that an expression metric reads, and those that they read, each after what it reads.
fn read_by(plan: &Plan, metric: usize, found: &mut Vec<usize>) {
    if found.contains(&metric) {
        return;
    }
    if let Some(MetricPlan::Expr(expr)) = plan.metrics.get(metric) {
        for name in expr.references() {
            if let Some(at) = plan.metric_ids.iter().position(|id| id == name) {
                read_by(plan, at, found);
            }
        }
    }
    found.push(metric);
}

struct Sheet<'a> {
    plan: &'a Plan,
    subjects: &'a [Subject<'a>],
    stretches: &'a [Stretch],
    rows: usize,
    /// Columns of expressions by name.
    columns: HashMap<String, ArrayRef>,
}

impl Sheet<'_> {
    /// A metric's value on every row.
    fn metric(&mut self, metric: usize) -> Result<Vec<f64>> {
        match self.plan.metrics.get(metric) {
            Some(MetricPlan::Series { .. }) => Ok(self.window(metric)),
            Some(MetricPlan::Expr(_)) => {
                let column = self.column_of(metric)?;
                let column = column.as_primitive::<Float64Type>();
                Ok(column.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
            }
            None => Ok(vec![f64::NAN; self.rows]),
        }
    }

    /// A metric over events.
    fn window(&self, metric: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.rows);
        let Some(MetricPlan::Series { series, fold, window }) = self.plan.metrics.get(metric) else {
            return vec![f64::NAN; self.rows];
        };
        let keep = self.plan.series[*series].keep;
        let none = Series::default();
        for stretch in self.stretches {
            let series = self.subjects[stretch.subject]
                .facts
                .series
                .get(*series)
                .unwrap_or(&none);
            slide(series, keep, *fold, *window, (stretch.from, stretch.to), &mut out);
        }
        out
    }

    /// A metric as a column for expressions.
    fn column_of(&mut self, metric: usize) -> Result<ArrayRef> {
        let name = &self.plan.metric_ids[metric];
        if let Some(known) = self.columns.get(name) {
            return Ok(Arc::clone(known));
        }
        let column: ArrayRef = match &self.plan.metrics[metric] {
            MetricPlan::Series { .. } => Arc::new(Float64Array::from_iter(
                self.window(metric)
                    .into_iter()
                    .map(|value| Some(value).filter(|v| !v.is_nan())),
            )),
            MetricPlan::Expr(expr) => {
                let mut read = Vec::with_capacity(expr.references().len());
                for name in expr.references() {
                    let column = match self.plan.metric_ids.iter().position(|id| id == name) {
                        Some(at) => self.column_of(at)?,
                        None => self.field(name),
                    };
                    read.push((name.as_str(), column));
                }
                let schema: Vec<Field> = read
                    .iter()
                    .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
                    .collect();
                let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
                let arrays = read.into_iter().map(|(_, column)| column).collect();
                let batch =
                    RecordBatch::try_new_with_options(Arc::new(Schema::new(schema)), arrays, &options)
                        .context("environment")?;
                cast(&expr.eval(&batch)?, &Type::Number.arrow())?
            }
        };
        self.columns.insert(name.clone(), Arc::clone(&column));
        Ok(column)
    }

    /// A built-in name or attribute: its value where it begins to hold, repeated.
    fn field(&mut self, name: &str) -> ArrayRef {
        if let Some(known) = self.columns.get(name) {
            return Arc::clone(known);
        }
        let kind = self
            .plan
            .names
            .iter()
            .find(|known| known.name == name)
            .map_or(Type::Text, |known| known.kind);
        let (mut starts, mut places) = (Vec::new(), Vec::with_capacity(self.rows));
        for stretch in self.stretches {
            let mut days = vec![stretch.from];
            match name {
                "days_active" => days.extend(stretch.from + 1..=stretch.to),
                "mrr" | "active" | "started_on" | "account_id" | "name" => {}
                _ => days.extend(
                    self.subjects[stretch.subject]
                        .history
                        .changes(name)
                        .filter(|day| *day > stretch.from && *day <= stretch.to),
                ),
            }
            for (at, day) in days.iter().enumerate() {
                let until = days.get(at + 1).copied().unwrap_or(stretch.to + 1);
                let place = u32::try_from(starts.len()).unwrap_or(u32::MAX);
                let held = usize::try_from(until - day).unwrap_or(0);
                places.extend(std::iter::repeat_n(place, held));
                starts.push(Row {
                    subject: stretch.subject,
                    day: *day,
                    active: true,
                    mrr: stretch.mrr,
                    started_on: Some(stretch.started),
                });
            }
        }
        let short = named(name, kind, self.subjects, &starts);
        let column = take(&short, &UInt32Array::from(places), None).unwrap_or(short);
        self.columns.insert(name.to_owned(), Arc::clone(&column));
        column
    }

    /// Days since the value of a metric was measured: of an expression, of the oldest value that it reads.
    fn age(&self, metric: usize) -> Option<Vec<f64>> {
        let mut read = Vec::new();
        read_by(self.plan, metric, &mut read);
        let mut oldest: Option<Vec<f64>> = None;
        for metric in read {
            let Some(MetricPlan::Series {
                series,
                fold: Fold::Value,
                window,
            }) = self.plan.metrics.get(metric)
            else {
                continue;
            };
            let keep = self.plan.series[*series].keep;
            if !matches!(keep, Keep::Latest | Keep::Earliest) {
                continue;
            }
            let mut ages = Vec::with_capacity(self.rows);
            let none = Series::default();
            for stretch in self.stretches {
                let series = self.subjects[stretch.subject]
                    .facts
                    .series
                    .get(*series)
                    .unwrap_or(&none);
                each_window(series, *window, (stretch.from, stretch.to), |day, held| {
                    let entry = if keep == Keep::Earliest {
                        held.first()
                    } else {
                        held.last()
                    };
                    ages.push(entry.map_or(0.0, |entry| f64::from(day - entry.day)));
                });
            }
            match &mut oldest {
                None => oldest = Some(ages),
                Some(oldest) => oldest
                    .iter_mut()
                    .zip(ages)
                    .for_each(|(held, age)| *held = held.max(age)),
            }
        }
        oldest
    }
}

/// Days since the value of a metric of a head was measured, as [`Daily::ages`] has it.
#[must_use]
pub fn age_of(plan: &Plan, head: &super::Head, metric: usize) -> f64 {
    if head.dated.is_empty() {
        return 0.0;
    }
    let mut read = Vec::new();
    read_by(plan, metric, &mut read);
    head.dated
        .iter()
        .filter(|(at, _)| usize::try_from(*at).is_ok_and(|at| read.contains(&at)))
        .map(|(_, day)| f64::from(head.day - day))
        .fold(0.0, f64::max)
}

/// Calls `each` with every day and the entries of its window.
fn each_window(
    series: &Series,
    window: Option<i32>,
    (from, to): (i32, i32),
    mut each: impl FnMut(i32, &[Day]),
) {
    let days = series.between(i32::MIN, to);
    let first = |day: i32| window.map_or(i32::MIN, |n| day.saturating_sub(n - 1));
    let mut low = days.partition_point(|entry| entry.day < first(from));
    let mut high = days.partition_point(|entry| entry.day <= from);
    for day in from..=to {
        while days.get(high).is_some_and(|entry| entry.day <= day) {
            high += 1;
        }
        let start = first(day);
        while low < high && days[low].day < start {
            low += 1;
        }
        each(day, &days[low..high]);
    }
}

/// The figures of a window on every day from `from` to `to`, appended to `out`; NaN = no data.
fn slide(series: &Series, keep: Keep, fold: Fold, window: Option<i32>, span: (i32, i32), out: &mut Vec<f64>) {
    match fold {
        Fold::Count => counts(series, window, span, out, |entries, add| {
            for entry in entries {
                add(entry.day, i32::MAX, entry.n);
            }
        }),
        // A value counts from its day until it is seen again or its day leaves the window: so each is counted once.
        Fold::Distinct => counts(series, window, span, out, |entries, add| {
            let mut next: HashMap<u64, i32> = HashMap::new();
            for entry in entries.iter().rev() {
                let until = next.insert(entry.value.to_bits(), entry.day).unwrap_or(i32::MAX);
                add(entry.day, until, 1);
            }
        }),
        Fold::DaysSince => each_window(series, window, span, |day, held| {
            out.push(held.last().map_or(f64::NAN, |entry| f64::from(day - entry.day)));
        }),
        _ => {
            // Added up anew whenever the window holds other entries, so that no error gathers.
            let mut last: Option<(*const Day, usize)> = None;
            let mut value = f64::NAN;
            each_window(series, window, span, |_, held| {
                let now = (held.as_ptr(), held.len());
                if last != Some(now) {
                    last = Some(now);
                    value = folded(held, keep, fold);
                }
                out.push(value);
            });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn folded(held: &[Day], keep: Keep, fold: Fold) -> f64 {
    let sum = || held.iter().map(|entry| entry.value).sum::<f64>();
    match fold {
        Fold::Sum => sum(),
        Fold::Mean if held.is_empty() => f64::NAN,
        Fold::Mean => sum() / held.iter().map(|entry| entry.n).sum::<i64>() as f64,
        _ => match keep {
            Keep::Earliest => held.first().map(|entry| entry.value),
            Keep::Min => held.iter().map(|entry| entry.value).min_by(f64::total_cmp),
            Keep::Max => held.iter().map(|entry| entry.value).max_by(f64::total_cmp),
            _ => held.last().map(|entry| entry.value),
        }
        .unwrap_or(f64::NAN),
    }
}

/// Counts by differences: what is added counts from its day until another, or until its day leaves the window; then one running sum.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn counts(
    series: &Series,
    window: Option<i32>,
    (from, to): (i32, i32),
    out: &mut Vec<f64>,
    entries: impl FnOnce(&[Day], &mut dyn FnMut(i32, i32, i64)),
) {
    let length = usize::try_from(to - from + 1).unwrap_or(0);
    let mut steps = vec![0_i64; length + 1];
    let place = |day: i32| usize::try_from(day.saturating_sub(from)).unwrap_or(0).min(length);
    let earliest = window.map_or(i32::MIN, |n| from.saturating_sub(n - 1));
    entries(series.between(earliest, to), &mut |day, until, n| {
        let until = window.map_or(until, |window| until.min(day.saturating_add(window)));
        if until > from {
            steps[place(day)] += n;
            steps[place(until)] -= n;
        }
    });
    let mut running = 0_i64;
    for step in &steps[..length] {
        running += step;
        out.push(running as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::super::series::{Point, fold};
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn sliding_windows_are_folds_of_every_day_to_the_last_bit() {
        let mut random = rand::rngs::StdRng::seed_from_u64(11);
        let kinds = [
            (Keep::Count, Fold::Count),
            (Keep::Count, Fold::DaysSince),
            (Keep::Sum, Fold::Sum),
            (Keep::Sum, Fold::Mean),
            (Keep::Distinct, Fold::Distinct),
            (Keep::Latest, Fold::Value),
            (Keep::Earliest, Fold::Value),
            (Keep::Min, Fold::Value),
            (Keep::Max, Fold::Value),
        ];
        for _ in 0..100 {
            let points: Vec<Point> = (0..random.random_range(0..80))
                .map(|_| {
                    let day = random.random_range(100..180);
                    let value = f64::from(random.random_range(0..50)) / 7.0;
                    Point {
                        day,
                        at: i64::from(day) * 86_400_000_000 + random.random_range(0..1000),
                        value,
                        hash: value.to_bits(),
                    }
                })
                .collect();
            for (keep, how) in kinds {
                let mut series = Series::default();
                points.iter().for_each(|point| series.add(keep, *point));
                for window in [None, Some(1), Some(7), Some(30)] {
                    let (from, to) = (random.random_range(90..150), random.random_range(150..200));
                    let mut found = Vec::new();
                    slide(&series, keep, how, window, (from, to), &mut found);
                    let wanted: Vec<u64> = (from..=to)
                        .map(|day| {
                            fold(&series, keep, how, window, day)
                                .unwrap_or(f64::NAN)
                                .to_bits()
                        })
                        .collect();
                    let found: Vec<u64> = found.iter().map(|value| value.to_bits()).collect();
                    assert_eq!(found, wanted, "{keep:?} {how:?} {window:?}");
                }
            }
        }
    }
}
