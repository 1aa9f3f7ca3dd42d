//! The bridge of monthly revenue over a window: opening, what was added and lost, closing.
//!
//! An account is looked at on two days: at the window's start (the end of the day before its first) and at its end. Accounts that were
//! active at the start are the closed cohort of GRR and NRR (DEFINITIONS §3): GRR = Σ min(end, start) ÷ Σ start, NRR = Σ end ÷ Σ start,
//! over those whose MRR is known at both ends, churned ones ending at 0.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Life, Window, share};

/// Why an account's revenue differs between the two ends of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BridgeStep)]
pub enum Step {
    /// Not active at the start; its first start lies in the window.
    New,
    /// Not active at the start, but had been active before.
    Reactivation,
    /// Active at both ends, pays more.
    Expansion,
    /// Active at both ends, pays less.
    Contraction,
    /// Active at the start, not at the end.
    Churn,
    /// Active at both ends, MRR unknown at the start and known at the end.
    BecameKnown,
    /// Active at both ends, MRR known at the start and unknown at the end.
    BecameUnknown,
    /// Active at both ends, pays the same; or nothing of it is known.
    Flat,
}

impl Step {
    /// Every step in the order of the bridge, `Flat` aside.
    pub const MOVES: [Self; 7] = [
        Self::New,
        Self::Reactivation,
        Self::Expansion,
        Self::Contraction,
        Self::Churn,
        Self::BecameKnown,
        Self::BecameUnknown,
    ];

    /// Its place among [`Self::MOVES`].
    #[must_use]
    pub fn place(self) -> Option<usize> {
        Self::MOVES.iter().position(|step| *step == self)
    }

    /// Its name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reactivation => "reactivation",
            Self::Expansion => "expansion",
            Self::Contraction => "contraction",
            Self::Churn => "churn",
            Self::BecameKnown => "became_known",
            Self::BecameUnknown => "became_unknown",
            Self::Flat => "flat",
        }
    }
}

/// One account's part in a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Why its revenue differs.
    pub step: Step,
    /// Whether it was active at the start.
    pub active_start: bool,
    /// Whether it is active at the end.
    pub active_end: bool,
    /// What it paid at the start, in minor units, when it was active and that is known.
    pub start: Option<i64>,
    /// What it pays at the end; 0 when it is not active; `None` = unknown.
    pub end: Option<i64>,
    /// Whether a time of being active ended within the window.
    pub left: bool,
}

impl Part {
    /// What it adds to the step.
    #[must_use]
    pub fn change(&self) -> i64 {
        self.end.unwrap_or(0) - self.start.unwrap_or(0)
    }
}

/// An account's part; `None` when it was active at neither end.
#[must_use]
pub fn part(life: &Life<'_>, window: &Window) -> Option<Part> {
    let (before, last) = (window.first - 1, window.last);
    let (active_start, active_end) = (life.on(before), life.on(last));
    let left = life
        .lives
        .iter()
        .any(|(_, end)| (window.first..=last).contains(end));
    let start = active_start.then(|| life.mrr(before)).flatten();
    let end = if active_end { life.mrr(last) } else { Some(0) };
    let step = match (active_start, active_end) {
        (false, false) => return None,
        (false, true) if life.lives.first().is_some_and(|(first, _)| *first < window.first) => {
            Step::Reactivation
        }
        (false, true) => Step::New,
        (true, false) => Step::Churn,
        (true, true) => match (start, end) {
            (Some(start), Some(end)) if end > start => Step::Expansion,
            (Some(start), Some(end)) if end < start => Step::Contraction,
            (None, Some(_)) => Step::BecameKnown,
            (Some(_), None) => Step::BecameUnknown,
            _ => Step::Flat,
        },
    };
    Some(Part {
        step,
        active_start,
        active_end,
        start,
        end,
        left,
    })
}

/// A bridge: parts added up. Amounts are minor units of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// Σ MRR at the start.
    pub opening: i64,
    /// Σ change by step, in the order of [`Step::MOVES`].
    pub moves: [i64; 7],
    /// Accounts by step.
    pub accounts: [i64; 7],
    /// Σ MRR at the end.
    pub closing: i64,
    /// Accounts active at the start.
    pub active_start: i64,
    /// Accounts active at the end.
    pub active_end: i64,
    /// Accounts active at the start that left within the window, come back or not.
    pub left: i64,
    /// Accounts whose MRR is unknown at an end at which they are active.
    pub unknown: i64,
    /// Σ MRR at the start of the accounts whose MRR is known at both ends: the denominator of GRR and NRR.
    pub base: i64,
    /// Σ min(end, start) over them.
    pub kept: i64,
    /// Σ end over them.
    pub net: i64,
}

impl Bridge {
    /// Adds an account.
    pub fn add(&mut self, part: &Part) {
        self.active_start += i64::from(part.active_start);
        self.active_end += i64::from(part.active_end);
        self.left += i64::from(part.active_start && part.left);
        let start_unknown = part.active_start && part.start.is_none();
        self.unknown += i64::from(start_unknown || part.end.is_none());
        self.opening += part.start.unwrap_or(0);
        self.closing += part.end.unwrap_or(0);
        if let Some(place) = part.step.place() {
            self.moves[place] += part.change();
            self.accounts[place] += 1;
        }
        if let (true, Some(start), Some(end)) = (part.active_start, part.start, part.end) {
            self.base += start;
            self.kept += start.min(end);
            self.net += end;
        }
    }

    /// Gross revenue retention.
    #[must_use]
    pub fn grr(&self) -> Option<f64> {
        share(self.kept, self.base)
    }

    /// Net revenue retention.
    #[must_use]
    pub fn nrr(&self) -> Option<f64> {
        share(self.net, self.base)
    }

    /// Accounts active at the start that left, of all that were.
    #[must_use]
    pub fn logo_churn(&self) -> Option<f64> {
        share(self.left, self.active_start)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::head;
    use super::*;

    const W: Window = Window {
        first: 100,
        last: 129,
    };
    const OPEN: i32 = i32::MAX;

    /// First day, first day after, active, MRR.
    type Spans<'a> = &'a [(i32, i32, bool, Option<f64>)];
    /// An account's spans, its step and what it adds to it.
    type Case<'a> = (Spans<'a>, Option<(Step, i64)>);

    fn of(spans: Spans<'_>) -> Option<Part> {
        let head = head(spans);
        part(&Life::new(&head, 100.0), &W)
    }

    #[test]
    fn each_step_by_hand() {
        let cases: [Case<'_>; 12] = [
            (&[(100, OPEN, true, Some(10.0))], Some((Step::New, 1_000))),
            (
                &[
                    (0, 50, true, Some(9.0)),
                    (50, 110, false, Some(9.0)),
                    (110, OPEN, true, Some(7.5)),
                ],
                Some((Step::Reactivation, 750)),
            ),
            // Starts, leaves and comes back within the window: new.
            (
                &[
                    (101, 105, true, Some(9.0)),
                    (105, 110, false, Some(9.0)),
                    (110, OPEN, true, Some(7.5)),
                ],
                Some((Step::New, 750)),
            ),
            (
                &[(0, 110, true, Some(9.0)), (110, OPEN, true, Some(9.5))],
                Some((Step::Expansion, 50)),
            ),
            (
                &[(0, 110, true, Some(9.0)), (110, OPEN, true, Some(8.0))],
                Some((Step::Contraction, -100)),
            ),
            (
                &[(0, 100, true, Some(9.0)), (100, OPEN, false, Some(9.0))],
                Some((Step::Churn, -900)),
            ),
            // The end on the day after the last is not within.
            (
                &[(0, 130, true, Some(9.0)), (130, OPEN, false, Some(9.0))],
                Some((Step::Flat, 0)),
            ),
            (
                &[(0, 110, true, None), (110, OPEN, true, Some(8.0))],
                Some((Step::BecameKnown, 800)),
            ),
            (
                &[(0, 110, true, Some(8.0)), (110, OPEN, true, None)],
                Some((Step::BecameUnknown, -800)),
            ),
            (&[(0, OPEN, true, None)], Some((Step::Flat, 0))),
            // Left and came back for less: compared by its two ends.
            (
                &[
                    (0, 105, true, Some(9.0)),
                    (105, 110, false, Some(9.0)),
                    (110, OPEN, true, Some(7.5)),
                ],
                Some((Step::Contraction, -150)),
            ),
            (
                &[(101, 110, true, Some(9.0)), (110, OPEN, false, Some(9.0))],
                None,
            ),
        ];
        for (spans, want) in cases {
            assert_eq!(of(spans).map(|p| (p.step, p.change())), want, "{spans:?}");
        }
    }

    #[test]
    fn a_bridge_adds_up_and_gives_grr_and_nrr() {
        let accounts: [Spans<'_>; 6] = [
            &[(0, OPEN, true, Some(100.0))],
            &[(0, 110, true, Some(100.0)), (110, OPEN, true, Some(150.0))],
            &[(0, 110, true, Some(100.0)), (110, OPEN, true, Some(60.0))],
            &[(0, 110, true, Some(100.0)), (110, OPEN, false, Some(100.0))],
            &[(105, OPEN, true, Some(30.0))],
            // Unknown at the end: in the opening, but in no retention.
            &[(0, 110, true, Some(50.0)), (110, OPEN, true, None)],
        ];
        let mut bridge = Bridge::default();
        accounts
            .iter()
            .filter_map(|spans| of(spans))
            .for_each(|part| bridge.add(&part));
        assert_eq!((bridge.opening, bridge.closing), (45_000, 34_000));
        assert_eq!(bridge.opening + bridge.moves.iter().sum::<i64>(), bridge.closing);
        assert_eq!(bridge.moves, [3_000, 0, 5_000, -4_000, -10_000, 0, -5_000]);
        // (100 + 100 + 60 + 0) / 400 and (100 + 150 + 60 + 0) / 400.
        assert_eq!((bridge.grr(), bridge.nrr()), (Some(0.65), Some(0.775)));
        assert_eq!(bridge.logo_churn(), Some(0.2));
        assert_eq!((bridge.unknown, Bridge::default().grr()), (1, None));
    }
}
