//! The book as ownership sees it: loads, renewals, and who has not been touched within the segment's cadence.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::ToSpan;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::assign::{Candidate, Load};
use crate::App;
use crate::definitions::Definitions;
use crate::metrics::facts::{date_of, day_number, parse_day};
use crate::metrics::{Entry, today};

/// The metric that tells the days since the last touchpoint (DEFINITIONS §2).
pub const TOUCH: &str = "days_since_touch";

/// Months of a contract where the account's record does not say them.
const USUAL_TERM: i64 = 12;

/// An account as a candidate for assignment.
pub fn candidate(entry: &Entry) -> Candidate {
    let span = entry.now();
    Candidate {
        no: entry.no,
        id: entry.id.clone(),
        name: entry.name.clone(),
        segment: span.map(|s| s.segment.clone()).unwrap_or_default(),
        mrr: span.and_then(|s| s.mrr).unwrap_or(0.0),
        owner: entry.owner.clone(),
    }
}

/// What each owner has of active accounts.
pub fn loads<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> HashMap<String, Load> {
    let mut loads: HashMap<String, Load> = HashMap::new();
    for entry in entries.filter(|entry| entry.active()) {
        let Some(owner) = &entry.owner else { continue };
        let (segment, mrr) = entry
            .now()
            .map_or(("", 0.0), |span| (span.segment.as_str(), span.mrr.unwrap_or(0.0)));
        match loads.get_mut(owner) {
            Some(load) => load.add(segment, mrr),
            None => {
                let mut load = Load::default();
                load.add(segment, mrr);
                loads.insert(owner.clone(), load);
            }
        }
    }
    loads
}

/// When a contract renews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Renewal {
    /// The day.
    pub on: String,
    /// True where no source says the day: it is counted on from the start by the contract's months, or by twelve.
    pub estimated: bool,
}

/// The next renewal of an active account on or after `day`, as its record says (`renews_on`), else counted from its start.
#[must_use]
pub fn renewal(entry: &Entry, day: i32) -> Option<(i32, Renewal)> {
    let span = entry.head.span_at(day).filter(|span| span.active)?;
    debug_assert!(span.active, "only running contracts renew");
    let told = entry
        .attributes
        .get("renews_on")
        .and_then(Json::as_str)
        .and_then(parse_day);
    if let Some(on) = told {
        let on_text = date_of(on).to_string();
        return Some((
            on,
            Renewal {
                on: on_text,
                estimated: false,
            },
        ));
    }
    let start = entry.head.lives().into_iter().rev().find(|life| life.0 <= day)?.0;
    let term = entry
        .attributes
        .get("contract_months")
        .and_then(Json::as_i64)
        .filter(|months| (1..=120).contains(months))
        .unwrap_or(USUAL_TERM);
    let (start, mut months) = (date_of(start), 0_i64);
    loop {
        months += term;
        let on = day_number(start.saturating_add(months.months()));
        if on >= day || months > 2_400 {
            let text = date_of(on).to_string();
            return Some((
                on,
                Renewal {
                    on: text,
                    estimated: true,
                },
            ));
        }
    }
}

/// The cadence of each segment that declares one, in days, and the place of the metric that it is held against.
pub struct Cadence {
    metric: Option<usize>,
    days: HashMap<String, u32>,
}

/// An account that was not touched within its segment's cadence.
#[derive(Clone, Debug, PartialEq)]
pub struct Neglected {
    /// Days since the last touch; `None` = there never was one.
    pub days: Option<i64>,
    /// The most that its segment allows.
    pub cadence: u32,
}

impl Cadence {
    /// What the program declares.
    #[must_use]
    pub fn of(definitions: &Definitions) -> Self {
        Self {
            metric: definitions.metrics.iter().position(|metric| metric.id == TOUCH),
            days: definitions
                .segments
                .segments
                .iter()
                .filter_map(|segment| Some((segment.id.clone(), segment.cadence?.0)))
                .collect(),
        }
    }

    /// Why nothing can be said, where nothing can.
    #[must_use]
    pub fn gap(&self) -> Option<String> {
        if self.metric.is_none() {
            return Some(format!(
                "The program declares no metric {TOUCH}: add it to metrics.yaml."
            ));
        }
        self.days.is_empty().then(|| {
            "No segment declares a cadence: add one in segments.yaml, such as cadence: 30d.".to_owned()
        })
    }

    /// Whether an active account was not touched in time. One that never was counts from its start.
    #[must_use]
    pub fn neglected(&self, entry: &Entry, day: i32) -> Option<Neglected> {
        let span = entry.head.span_at(day).filter(|span| span.active)?;
        let cadence = *self.days.get(&span.segment)?;
        let since = entry
            .head
            .metrics
            .get(self.metric?)
            .copied()
            .filter(|value| value.is_finite());
        let since_start = || {
            let start = entry.head.lives().into_iter().rev().find(|l| l.0 <= day);
            f64::from(start.map_or(0, |life| day - life.0))
        };
        #[expect(clippy::cast_possible_truncation, reason = "whole days, far below the limit")]
        let days = since.map(|days| days as i64);
        (since.unwrap_or_else(since_start) > f64::from(cadence)).then_some(Neglected { days, cadence })
    }
}

/// Today's accounts.
pub fn entries(app: &App) -> (i32, Vec<Arc<Entry>>) {
    (today(app), app.metrics.book.all())
}
