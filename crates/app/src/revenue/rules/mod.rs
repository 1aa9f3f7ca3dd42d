//! What the figures of revenue mean, without any I/O.

pub mod bridge;
pub mod cohorts;
pub mod csv;
pub mod departures;
pub mod reasons;
pub mod saves;

use crate::metrics::{Head, Span};

/// Currencies whose minor unit is a thousandth; all others are counted in hundredths.
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Minor units in one major unit of a currency. Currencies without a minor unit are counted in hundredths too: a monthly share of a yearly
/// price need not be whole.
#[must_use]
pub fn scale(currency: &str) -> f64 {
    if THOUSANDTHS.contains(&currency) {
        1_000.0
    } else {
        100.0
    }
}

/// An amount in minor units, rounded to the nearest.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is out of range is taken to the range's end"
)]
pub fn minor(major: f64, scale: f64) -> i64 {
    (major * scale).round() as i64
}

/// An amount in the major unit.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts stay far below 2^53 minor units"
)]
pub fn major(minor: i64, scale: f64) -> f64 {
    minor as f64 / scale
}

/// A share of two amounts or counts; `None` without a denominator.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts and counts stay far below 2^53"
)]
pub fn share(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

/// A stretch of days, both included, as days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub first: i32,
    /// Last day.
    pub last: i32,
}

/// An account's times of being active and what it paid on each day.
pub struct Life<'a> {
    /// What is known of it.
    pub head: &'a Head,
    /// Active stretches: first day and first day after.
    pub lives: Vec<(i32, i32)>,
    /// Minor units in a major unit of its currency.
    pub scale: f64,
}

impl<'a> Life<'a> {
    /// The life of an account whose currency has this scale.
    #[must_use]
    pub fn new(head: &'a Head, scale: f64) -> Self {
        Self {
            head,
            lives: head.lives(),
            scale,
        }
    }

    /// Whether it is active on a day.
    #[must_use]
    pub fn on(&self, day: i32) -> bool {
        self.lives.iter().any(|(start, end)| *start <= day && day < *end)
    }

    /// What it pays on a day, in minor units; `None` = unknown. Says nothing about whether it is active.
    #[must_use]
    pub fn mrr(&self, day: i32) -> Option<i64> {
        self.head
            .span_at(day)
            .and_then(|span| span.mrr)
            .map(|mrr| minor(mrr, self.scale))
    }

    /// The stretch that holds a day.
    #[must_use]
    pub fn life_at(&self, day: i32) -> Option<(i32, i32)> {
        self.lives
            .iter()
            .copied()
            .find(|(start, end)| *start <= day && day < *end)
    }

    /// The span of a day; before the first one, the first.
    #[must_use]
    pub fn span(&self, day: i32) -> Option<&'a Span> {
        self.head.span_at(day).or_else(|| self.head.spans.first())
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use crate::metrics::{Head, Span};

    /// An account from its spans: first day, first day after, active, MRR.
    pub(crate) fn head(spans: &[(i32, i32, bool, Option<f64>)]) -> Head {
        Head {
            day: i32::MAX - 1,
            spans: spans
                .iter()
                .map(|(from, to, active, mrr)| Span {
                    from: *from,
                    to: *to,
                    active: *active,
                    mrr: *mrr,
                    segment: "core".into(),
                    owner: None,
                })
                .collect(),
            metrics: vec![],
            flags: vec![],
            why: String::new(),
            currency: None,
            subscriptions: vec![],
            dated: vec![],
        }
    }
}
