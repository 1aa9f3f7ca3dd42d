//! Scores: how well each account is doing, on every day, with everything that the number is made of.
//!
//! A score has one model for each segment: set by hand in `scores.yaml`, or learned and put in force by a person ([`models`]). What a model makes
//! of an account's metrics is its [`form::Ledger`]. Today's scores are computed from the book whenever somebody looks, so they are as fresh as
//! it; all other days are kept ([`history`]) as stretches in which a score holds, computed in one pass over the days.
//!
//! Listens to: commits of `metrics`. Emits: nothing.

mod api;
pub mod board;
pub mod days;
pub mod explain;
pub mod form;
pub mod history;
pub mod known;
pub mod models;
pub mod pass;
mod relation;
pub mod stages;
mod store;
#[cfg(test)]
mod tests;
pub mod velocity;

use std::sync::atomic::{AtomicU64, Ordering};

use tenure_learn::handset::{Override, Reading, Rule};

use crate::definitions::Score;
use crate::metrics::daily::age_of;
use crate::metrics::plan::Plan;
use crate::metrics::{Head, Span};
pub use api::{TryScore, routes, tried};
pub use board::marks;
pub use form::Difference;
use form::{Form, Ledger};
pub use relation::score_days;
pub use store::Override as KeptOverride;

/// The score that figures, lists and account pages show.
pub const HEALTH: &str = "health";

/// What the slice holds in memory.
#[derive(Debug, Default)]
pub struct State {
    /// Whether this Tenure is only imagined: what it computes is not kept.
    pub imagined: bool,
    /// Whether what its metrics are made of has to be read from the log, because what is kept was made for other metrics.
    pub from_log: bool,
    /// All days of all accounts.
    pub history: history::Held,
    /// The boards that were made last.
    pub boards: board::Boards,
    /// What became of accounts by band and direction.
    pub movements: api::movement::Held,
    /// How long accounts have been in their lifecycle stage.
    pub stages: stages::Held,
    /// Counts what changed in this slice alone: overrides, models, computed days.
    version: AtomicU64,
}

impl State {
    /// That of a Tenure that is only imagined.
    #[must_use]
    pub fn imagined(from_log: bool) -> Self {
        Self {
            imagined: true,
            from_log,
            ..Self::default()
        }
    }

    /// Counts the changes of this slice.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Notes a change.
    pub fn changed(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

/// The band of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Below yellow.
    Red,
    /// From yellow on.
    Yellow,
    /// From green on.
    Green,
}

/// The band of points; points are told apart to a thousandth, as they are kept.
#[must_use]
pub fn band(score: &Score, points: f64) -> Band {
    let points = f64::from(days::thousandths(Some(points))) / 1000.0;
    if points >= score.bands.green {
        Band::Green
    } else if points >= score.bands.yellow {
        Band::Yellow
    } else {
        Band::Red
    }
}

/// The name of a band; `none` = no score.
#[must_use]
pub fn name_of(band: Option<Band>) -> &'static str {
    match band {
        Some(Band::Green) => "green",
        Some(Band::Yellow) => "yellow",
        Some(Band::Red) => "red",
        None => "none",
    }
}

/// What is known of an account by a head: the readings of a form's measures, in their order.
#[must_use]
pub fn readings(plan: &Plan, form: &Form, head: &Head) -> Vec<Reading> {
    form.measures()
        .iter()
        .map(|(name, stale_after)| {
            let Some(at) = plan.metric_ids.iter().position(|id| id == name) else {
                return Reading {
                    value: f64::NAN,
                    age: 0.0,
                };
            };
            let age = if stale_after.is_some() {
                age_of(plan, head, at)
            } else {
                0.0
            };
            Reading {
                value: head.metrics.get(at).copied().unwrap_or(f64::NAN),
                age,
            }
        })
        .collect()
}

/// The score of an account on the day of a head, by the model of its segment; `None` = it is not active, or no model is its own.
/// Also gives the place of the model among the score's.
#[must_use]
pub fn score(
    plan: &Plan,
    score: &Score,
    forms: &[Form],
    head: &Head,
    overrides: &[Override],
) -> Option<(usize, Ledger)> {
    score_when(plan, score, forms, head, overrides, None)
}

/// As [`score`], of a day of which `known` says which measures tell something.
#[must_use]
pub fn score_when(
    plan: &Plan,
    score: &Score,
    forms: &[Form],
    head: &Head,
    overrides: &[Override],
    known: Option<&known::Known>,
) -> Option<(usize, Ledger)> {
    let span: &Span = head.span_at(head.day).filter(|span| span.active)?;
    let at = score.model_of(&span.segment)?;
    let form = forms.get(at)?;
    let age = head
        .lives()
        .iter()
        .rev()
        .find(|life| life.0 <= head.day)
        .map_or(0.0, |life| f64::from(head.day - life.0));
    let mut readings = readings(plan, form, head);
    if let Some(known) = known {
        known.hide(plan, form, head.day, &mut readings);
    }
    Some((at, form.score(&readings, age, overrides, head.day)))
}

/// The overrides of an account that count on `day`, in the order in which they were set.
#[must_use]
pub fn overrides_on(kept: &[KeptOverride], account_no: i64, day: i32) -> Vec<Override> {
    kept.iter()
        .filter(|it| it.account_no == account_no && it.from_day <= day && day <= it.until_day)
        .filter(|it| it.removed_day.is_none_or(|removed| day < removed))
        .map(|it| Override {
            rule: match it.rule.as_str() {
                "set" => Rule::Set(it.points),
                _ => Rule::Cap(it.points),
            },
            author: it.author.clone(),
            reason: it.reason.clone(),
            until: i64::from(it.until_day),
        })
        .collect()
}
