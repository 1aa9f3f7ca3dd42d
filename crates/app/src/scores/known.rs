//! From which day on the log tells of what a measure counts.
//!
//! A count over days of which nothing is known is 0, and looks like a customer who does nothing. So a measure of events counts from the first
//! day on which any event of its kind is known of the whole company; before it, it is missing, and hands its weight on as any other missing
//! measure does (DEFINITIONS §5). A kind of which there never was an event is taken at its word: today it counts nothing, as it always did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use tenure_learn::handset::Reading;

use super::form::Form;
use crate::App;
use crate::events;
use crate::metrics::plan::{MetricPlan, Plan};

/// The first day of each kind of events in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    first: BTreeMap<String, i32>,
    /// The files of the log that were looked at.
    looked: Arc<BTreeSet<String>>,
}

impl Known {
    /// These first days.
    #[must_use]
    pub fn of(first: BTreeMap<String, i32>) -> Self {
        Self {
            first,
            looked: Arc::default(),
        }
    }

    /// With everything that the log holds by now.
    ///
    /// # Errors
    /// When records or history fail.
    pub async fn again(&self, app: &App) -> Result<Self> {
        let mut known = self.clone();
        let (looked, found) = events::first_days(app, &known.looked).await?;
        if looked != *known.looked {
            known.looked = Arc::new(looked);
        }
        for (kind, day) in found {
            let held = known.first.entry(kind).or_insert(day);
            *held = day.min(*held);
        }
        Ok(known)
    }

    /// From which day on a metric's values tell something; nothing for one that always does.
    #[must_use]
    pub fn since(&self, plan: &Plan, metric: usize) -> Option<i32> {
        self.from(plan, metric, &|_| 0)
    }

    /// From which day on the log tells of at least half of the days that a metric looks back on; nothing for one that looks at no events. A
    /// window of 180 days counts next to nothing in a log of a week, of the same customers of whom it will count much: what is learnt from
    /// the one is wrong of the other.
    #[must_use]
    pub fn learns_from(&self, plan: &Plan, metric: usize) -> Option<i32> {
        self.from(plan, metric, &|window| window.map_or(0, |days| (days - 1) / 2))
    }

    /// The first day of what a metric counts and, by its window, so many days after.
    fn from(&self, plan: &Plan, metric: usize, after: &impl Fn(Option<i32>) -> i32) -> Option<i32> {
        match plan.metrics.get(metric)? {
            MetricPlan::Series { series, window, .. } => {
                let kinds = plan.series.get(*series)?.counted_kinds.iter();
                let first = kinds.filter_map(|kind| self.first.get(kind)).min()?;
                Some(first.saturating_add(after(*window)))
            }
            // An expression tells something once everything that it reads does.
            MetricPlan::Expr(expr) => expr
                .references()
                .iter()
                .filter_map(|name| plan.metric_ids.iter().position(|id| id == name))
                .filter_map(|read| self.from(plan, read, after))
                .max(),
        }
    }

    /// From which day on the log tells of at least half of the metrics that look at events; nothing where none does. Records reach further
    /// back than logs, and hold only those who are still customers: who left before is in none of them.
    #[must_use]
    pub fn tells_from(&self, plan: &Plan) -> Option<i32> {
        let mut days: Vec<i32> = (0..plan.metrics.len())
            .filter_map(|metric| self.since(plan, metric))
            .collect();
        days.sort_unstable();
        days.get(days.len().div_ceil(2).saturating_sub(1)).copied()
    }

    /// The first days of the measures of forms, in their order: what a score's days depend on besides its models.
    #[must_use]
    pub fn of_forms(&self, plan: &Plan, forms: &[Form]) -> Vec<Vec<Option<i32>>> {
        let place = |name: &str| plan.metric_ids.iter().position(|id| id == name);
        let of = |form: &Form| {
            let learnt = form.learnt();
            let since = |(at, (name, _)): (usize, &(&str, Option<f64>))| match at < learnt {
                true => self.learns_from(plan, place(name)?),
                false => self.since(plan, place(name)?),
            };
            form.measures().iter().enumerate().map(since).collect()
        };
        forms.iter().map(of).collect()
    }

    /// Takes what tells nothing yet on `day` out of readings.
    pub fn hide(&self, plan: &Plan, form: &Form, day: i32, readings: &mut [Reading]) {
        let since = self.of_forms(plan, std::slice::from_ref(form));
        for (reading, since) in readings.iter_mut().zip(since.iter().flatten()) {
            if since.is_some_and(|since| day < since) {
                reading.value = f64::NAN;
            }
        }
    }
}
