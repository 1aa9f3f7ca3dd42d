//! The order in which expression metrics are computed, and the circles that have none.

use std::collections::BTreeMap;

use super::Checker;
use super::names::reads;
use crate::definitions::decode::Note;
use crate::definitions::{Definitions, Metric, MetricSource};

/// The names that a metric's expression reads; none for a metric over events.
pub(in crate::definitions) fn reads_of_metric(metric: &Metric) -> Vec<String> {
    match &metric.source {
        MetricSource::Expr { expr } => reads(expr),
        MetricSource::Events(_) => Vec::new(),
    }
}

/// For each expression metric, by position, the positions of the expression metrics that it reads.
fn edges(definitions: &Definitions) -> BTreeMap<usize, Vec<usize>> {
    let expressions = || {
        definitions
            .metrics
            .iter()
            .enumerate()
            .filter(|(_, m)| matches!(m.source, MetricSource::Expr { .. }))
    };
    expressions()
        .map(|(index, metric)| {
            let names = reads_of_metric(metric);
            let read = expressions()
                .filter(|(_, other)| names.contains(&other.id))
                .map(|(other, _)| other);
            (index, read.collect())
        })
        .collect()
}

/// Positions of the expression metrics, each after those that it reads. Metrics of a circle come last.
pub(in crate::definitions) fn expression_order(definitions: &Definitions) -> Vec<usize> {
    let mut left = edges(definitions);
    let mut order: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let ready: Vec<usize> = left
            .iter()
            .filter(|(_, reads)| reads.iter().all(|read| order.contains(read)))
            .map(|(index, _)| *index)
            .collect();
        if ready.is_empty() {
            order.extend(left.keys());
            break;
        }
        for index in ready {
            left.remove(&index);
            order.push(index);
        }
    }
    order
}

/// Notes each circle once, at its first metric, with the whole way round.
pub(super) fn cycles(checker: &mut Checker<'_>) {
    let definitions = checker.definitions;
    let edges = edges(definitions);
    let mut seen: Vec<usize> = Vec::new();
    for start in edges.keys().copied() {
        if seen.contains(&start) {
            continue;
        }
        let Some(way) = way_back(&edges, start) else {
            continue;
        };
        seen.extend(&way);
        let names: Vec<&str> = way
            .iter()
            .chain([&start])
            .map(|index| definitions.metrics[*index].id.as_str())
            .collect();
        let id = &definitions.metrics[start].id;
        let note = Note::error(
            id,
            format!("'{id}' is made of itself: {}.", names.join(" → ")),
            "Break the circle: one of them has to be made of something else.",
        );
        checker.note("metrics.yaml", &format!("metrics[{start}].expr"), note);
    }
}

/// The shortest way from a metric through what it reads back to itself.
fn way_back(edges: &BTreeMap<usize, Vec<usize>>, start: usize) -> Option<Vec<usize>> {
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    let mut reached = Vec::new();
    while let Some(way) = ways.pop_front() {
        let last = *way.last()?;
        for next in edges.get(&last).into_iter().flatten().copied() {
            if next == start {
                return Some(way);
            }
            if !reached.contains(&next) {
                reached.push(next);
                ways.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}
