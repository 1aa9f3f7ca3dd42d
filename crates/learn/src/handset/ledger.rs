//! What a score is made of, and what made it change.

use std::ops::{Add, Sub};

use serde::{Serialize, Serializer};

use super::{Override, Rule};

/// Points in whole billionths of a thousandth (10⁻¹²), so that sums and differences are exact in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

/// Amounts in a point.
const UNIT: f64 = 1e12;

impl Amount {
    /// The nearest amount; numbers that are no points count as nothing.
    pub fn of(points: f64) -> Self {
        // 0–100 points are far within the range; the cast stops at its ends and makes 0 of NaN.
        Self((points * UNIT).round() as i64)
    }

    /// Points.
    pub fn points(self) -> f64 {
        self.0 as f64 / UNIT
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.points())
    }
}

/// Whether a measure counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It did.
    Counted,
    /// There is no value.
    Missing,
    /// The value is too old.
    Stale,
}

/// What one measure gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The measure.
    pub measure: String,
    /// Whether it counted.
    pub state: State,
    /// Its raw value.
    pub value: Option<f64>,
    /// Days since it was measured.
    pub age: Option<f64>,
    /// Points on its curve, 0–100.
    pub points: Option<f64>,
    /// Its weight after hand-over; all weights sum to 1.
    pub weight: f64,
    /// Points times weight.
    pub contribution: Amount,
}

/// A score with everything that it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ledger {
    /// The score, 0–100; nothing when too little is known.
    pub score: Option<Amount>,
    /// Share of the declared weight that is present.
    pub coverage: f64,
    /// By measure.
    pub lines: Vec<Line>,
    /// What overrides add: the score is the sum of the lines and this.
    pub overridden: Amount,
    /// The override that decided, with its author and reason.
    pub by: Option<Override>,
}

impl Ledger {
    pub(super) fn new<'a>(
        lines: Vec<Line>,
        coverage: f64,
        enough: bool,
        overrides: impl Iterator<Item = &'a Override>,
    ) -> Self {
        let own: Amount = lines.iter().map(|line| line.contribution).sum();
        let mut now = enough.then_some(own);
        let mut by = None;
        // Later ones have the last word. A cap without a score caps nothing.
        for rule in overrides {
            let next = match (rule.rule, now) {
                (Rule::Set(points), _) => Some(Amount::of(points.clamp(0.0, 100.0))),
                (Rule::Cap(most), Some(now)) => Some(now.min(Amount::of(most.clamp(0.0, 100.0)))),
                (Rule::Cap(_), None) => None,
            };
            if next != now {
                now = next;
                by = Some(rule.clone());
            }
        }
        Self {
            score: now,
            coverage,
            lines,
            overridden: now.map_or(Amount::default(), |now| now - own),
            by,
        }
    }

    /// What made the score differ from `before`; nothing when either day has no score. Measures are matched by name.
    pub fn since(&self, before: &Self) -> Option<Difference> {
        let total = self.score? - before.score?;
        let mut changes: Vec<Change> = self
            .lines
            .iter()
            .map(|line| {
                Change::between(
                    before.lines.iter().find(|old| old.measure == line.measure),
                    Some(line),
                )
            })
            .collect();
        let gone = before
            .lines
            .iter()
            .filter(|old| self.lines.iter().all(|line| line.measure != old.measure));
        changes.extend(gone.map(|old| Change::between(Some(old), None)));
        Some(Difference {
            total,
            changes,
            overridden: self.overridden - before.overridden,
        })
    }
}

/// What one measure did to the score between two days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The measure.
    pub measure: String,
    /// Its value before and after.
    pub values: [Option<f64>; 2],
    /// Because its points changed, at its weight of the earlier day.
    pub by_points: Amount,
    /// Because its weight changed: something became missing, stale or known again, or the model changed.
    pub by_weight: Amount,
}

impl Change {
    fn between(before: Option<&Line>, after: Option<&Line>) -> Self {
        let contribution = |line: Option<&Line>| line.map_or(Amount::default(), |line| line.contribution);
        let points = |line: Option<&Line>| line.and_then(|line| line.points);
        let by_points = match (points(before), points(after), before) {
            (Some(old), Some(new), Some(line)) => Amount::of((new - old) * line.weight),
            // A measure that comes or goes has no points to compare: all of it is weight.
            _ => Amount::default(),
        };
        Self {
            measure: after
                .or(before)
                .map(|line| line.measure.clone())
                .unwrap_or_default(),
            values: [
                before.and_then(|line| line.value),
                after.and_then(|line| line.value),
            ],
            by_points,
            by_weight: contribution(after) - contribution(before) - by_points,
        }
    }
}

/// What made a score change; all changes and `overridden` add up to `total`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Later minus earlier score.
    pub total: Amount,
    /// By measure.
    pub changes: Vec<Change>,
    /// By overrides.
    pub overridden: Amount,
}
