//! What a change would make that nobody can mean: a segment without accounts, a figure that divides by zero everywhere.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::definitions::{Definitions, KpiValue, MetricSource};
use crate::kpis::trial::History;
use crate::metrics::Entry;
use crate::segments::preview::Preview;

/// Something that a change would make and that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Doubt {
    /// segment, metric or kpi.
    pub what: &'static str,
    /// Which one.
    pub id: String,
    /// What is odd about it.
    pub problem: String,
    /// What to look at.
    pub remedy: String,
}

/// Segments in which no active account would be, though there are active accounts.
pub fn of_segments(new: &Definitions, preview: &Preview) -> Vec<Doubt> {
    if preview.total == 0 {
        return Vec::new();
    }
    new.segments
        .segments
        .iter()
        .filter(|segment| preview.counts.get(&segment.id).copied().unwrap_or(0) == 0)
        .map(|segment| Doubt {
            what: "segment",
            id: segment.id.clone(),
            problem: format!("No active account would be in {}.", segment.label),
            remedy: "Look at its rule, and at the rules before it: the first that is true takes the account."
                .into(),
        })
        .collect()
}

/// Metrics among `touched` that would be empty for every account.
pub fn of_metrics<'a>(
    new: &Definitions,
    touched: impl Iterator<Item = &'a String>,
    entries: &[Entry],
) -> Vec<Doubt> {
    if entries.is_empty() {
        return Vec::new();
    }
    let empty = |at: usize| {
        entries
            .iter()
            .all(|entry| entry.head.metrics.get(at).is_none_or(|value| value.is_nan()))
    };
    touched
        .filter_map(|id| new.metrics.iter().position(|metric| metric.id == *id))
        .filter(|at| empty(*at))
        .map(|at| {
            let metric = &new.metrics[at];
            let divides = matches!(&metric.source, MetricSource::Expr { expr } if expr.contains('/'));
            Doubt {
                what: "metric",
                id: metric.id.clone(),
                problem: if divides {
                    format!("{} would be empty for every account: it divides by zero or by something unknown everywhere.", metric.label)
                } else {
                    format!("{} would be empty for every account: it matches nothing.", metric.label)
                },
                remedy: "Look at what it reads: event names, the condition, the divisor.".into(),
            }
        })
        .collect()
}

/// KPIs that would have no figure in any of the periods.
pub fn of_kpis(new: &Definitions, histories: &BTreeMap<String, History>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for kpi in new.kpis.iter().filter(|kpi| kpi.facts.is_some()) {
        let Some(history) = histories.get(&kpi.id) else {
            continue;
        };
        if history.is_empty() || history.values().any(|figure| figure.value.is_some()) {
            continue;
        }
        let zero = kpi.value == KpiValue::Ratio && history.values().any(|figure| figure.numerator.is_some());
        doubts.push(Doubt {
            what: "kpi",
            id: kpi.id.clone(),
            problem: if zero {
                format!("{} would divide by zero in every period.", kpi.label)
            } else {
                format!("{} would match nothing in any period.", kpi.label)
            },
            remedy: "Look at the names and conditions of its facts.".into(),
        });
    }
    doubts
}
