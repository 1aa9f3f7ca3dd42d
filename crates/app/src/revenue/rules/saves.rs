//! Saves: what became of customers that gave notice (DEFINITIONS §3, proactive saves).

use serde::Serialize;
use utoipa::ToSchema;

use super::Life;

/// Days after a notice at which its outcome is settled.
pub const SETTLED_AFTER: i32 = 90;

/// Events that document that somebody did something about a notice.
pub const INTERVENTIONS: [&str; 7] = [
    "meeting_held",
    "call_logged",
    "qbr_held",
    "sponsor_met",
    "task_completed",
    "playbook_step_done",
    "saved",
];

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SaveOutcome)]
pub enum Outcome {
    /// Active 90 days after it.
    Retained,
    /// Not active 90 days after it, or gone before.
    Lost,
    /// The 90 days have not passed, and it is still active.
    Open,
}

impl Outcome {
    /// Its name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retained => "retained",
            Self::Lost => "lost",
            Self::Open => "open",
        }
    }
}

/// A notice as seen from a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What became of it.
    pub outcome: Outcome,
    /// Whether its 90 days have passed, so that it counts in the rate.
    pub settled: bool,
    /// What the account paid on the day of the notice, in minor units; `None` = unknown or not active.
    pub mrr: Option<i64>,
    /// What of that it still pays 90 days later, when it was retained.
    pub saved: Option<i64>,
    /// The day on which it left, when it did after the notice and by the day asked for.
    pub left: Option<i32>,
}

/// What became of the notice of day `on`, seen from `as_of`.
#[must_use]
pub fn case(life: &Life<'_>, on: i32, as_of: i32) -> Case {
    let due = on + SETTLED_AFTER;
    let settled = due <= as_of;
    let outcome = match settled {
        true if life.on(due) => Outcome::Retained,
        true => Outcome::Lost,
        false if life.on(as_of) => Outcome::Open,
        false => Outcome::Lost,
    };
    let mrr = life.on(on).then(|| life.mrr(on)).flatten();
    let later = (outcome == Outcome::Retained).then(|| life.mrr(due)).flatten();
    Case {
        outcome,
        settled,
        mrr,
        saved: mrr.zip(later).map(|(then, now)| now.min(then)),
        left: life
            .lives
            .iter()
            .map(|(_, end)| *end)
            .find(|end| (on..=as_of).contains(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::head;
    use super::*;

    #[test]
    fn outcomes_by_hand() {
        let stays = head(&[(0, 150, true, Some(100.0)), (150, i32::MAX, true, Some(80.0))]);
        let stays = Life::new(&stays, 100.0);
        let got = case(&stays, 100, 190);
        assert_eq!(
            got,
            Case {
                outcome: Outcome::Retained,
                settled: true,
                mrr: Some(10_000),
                saved: Some(8_000),
                left: None
            }
        );
        assert_eq!(case(&stays, 100, 189).outcome, Outcome::Open);
        let leaves = head(&[(0, 150, true, Some(100.0)), (150, i32::MAX, false, Some(100.0))]);
        let leaves = Life::new(&leaves, 100.0);
        let lost = case(&leaves, 100, 160);
        assert_eq!(
            (lost.outcome, lost.settled, lost.left),
            (Outcome::Lost, false, Some(150))
        );
        // Active on the 90th day after, gone on the 91st.
        assert_eq!(case(&leaves, 59, 300).outcome, Outcome::Retained);
        assert_eq!(case(&leaves, 60, 300).outcome, Outcome::Lost);
        assert_eq!(case(&leaves, 60, 300).saved, None);
    }
}
