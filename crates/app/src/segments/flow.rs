//! Who was in which segment over time, and who went from which to which: plain counting over the accounts' spans.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::metrics::{Entry, Span};

/// The side of a flow that stands for not being a customer.
pub const OUTSIDE: &str = "";

/// Accounts and their MRR.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// How many active accounts.
    pub accounts: usize,
    /// Their MRR.
    pub mrr: f64,
}

/// The active accounts of each segment on each of `days`, which ascend.
pub fn history(entries: &[Arc<Entry>], days: &[i32]) -> Vec<BTreeMap<String, Size>> {
    let mut points: Vec<BTreeMap<String, Size>> = vec![BTreeMap::new(); days.len()];
    for span in entries
        .iter()
        .flat_map(|entry| &entry.head.spans)
        .filter(|span| span.active)
    {
        let from = days.partition_point(|day| *day < span.from);
        let to = days.partition_point(|day| *day < span.to);
        for point in points.iter_mut().take(to).skip(from) {
            let size = match point.get_mut(&span.segment) {
                Some(size) => size,
                None => point.entry(span.segment.clone()).or_default(),
            };
            size.accounts += 1;
            size.mrr += span.mrr.unwrap_or(0.0);
        }
    }
    points
}

/// The segment of an account on a day; [`OUTSIDE`] when it is not active then.
fn place(entry: &Entry, day: i32) -> (&str, Option<&Span>) {
    match entry.head.span_at(day).filter(|span| span.active) {
        Some(span) => (&span.segment, Some(span)),
        None => (OUTSIDE, None),
    }
}

/// Accounts that went from one place to another between two days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// How many.
    pub accounts: usize,
    /// Their MRR on the first day.
    pub mrr_before: f64,
    /// Their MRR on the second day.
    pub mrr_after: f64,
}

/// Every way from a segment on one day to a segment on the other, those who stayed included; who was outside on both days is left out.
pub fn between(entries: &[Arc<Entry>], first: i32, second: i32) -> BTreeMap<(String, String), Link> {
    let mut links: BTreeMap<(String, String), Link> = BTreeMap::new();
    for entry in entries {
        let ((from, was), (to, is)) = (place(entry, first), place(entry, second));
        if was.is_none() && is.is_none() {
            continue;
        }
        let link = links.entry((from.to_owned(), to.to_owned())).or_default();
        link.accounts += 1;
        link.mrr_before += was.and_then(|span| span.mrr).unwrap_or(0.0);
        link.mrr_after += is.and_then(|span| span.mrr).unwrap_or(0.0);
    }
    links
}

/// The accounts of one way, greatest MRR first.
pub fn along(
    entries: &[Arc<Entry>],
    (first, from): (i32, &str),
    (second, to): (i32, &str),
) -> Vec<Arc<Entry>> {
    let mut found: Vec<Arc<Entry>> = entries
        .iter()
        .filter(|entry| place(entry, first).0 == from && place(entry, second).0 == to)
        .filter(|entry| place(entry, first).1.is_some() || place(entry, second).1.is_some())
        .cloned()
        .collect();
    let mrr = |entry: &Entry| {
        let span = place(entry, second).1.or(place(entry, first).1);
        span.and_then(|span| span.mrr).unwrap_or(0.0)
    };
    found.sort_by(|a, b| mrr(b).total_cmp(&mrr(a)).then(a.no.cmp(&b.no)));
    found
}
