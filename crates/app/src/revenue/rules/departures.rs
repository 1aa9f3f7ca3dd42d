//! Who left, when notice was given, and which reason is on record.
//!
//! A *departure* is the end of a time of being active: the first day on which an account is no longer active. An account that comes back
//! and leaves again has two. Its reason is the newest that a person recorded for it; where nobody did, what the source said with the
//! cancellation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reasons::UNKNOWN;
use super::{Life, Window};

/// What a recorded reason speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChurnAbout)]
pub enum About {
    /// A notice to cancel.
    Notice,
    /// The end itself.
    Cancellation,
}

impl About {
    /// Its name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Cancellation => "cancellation",
        }
    }
}

/// What an event says about leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Says {
    /// A subscription or the account ended (`churned`).
    Churned,
    /// Notice was given (`churn_notice`).
    Notice,
    /// The customer was won back (`saved`).
    Saved,
    /// A payment failed (`payment_failed`).
    PaymentFailed,
    /// A person recorded a reason (`churn_reason_recorded`).
    Reason(About),
}

/// One event that speaks of leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The account.
    pub account_no: i64,
    /// What it says.
    pub says: Says,
    /// Its day.
    pub day: i32,
    /// When it happened, UTC microseconds.
    pub at: i64,
    /// Its place in the log.
    pub seq: i64,
    /// Its id.
    pub message_id: String,
    /// The day of the notice or end that a recorded reason speaks of; its own day for all others.
    pub on: i32,
    /// Number of a recorded reason, from 1; 0 for all others.
    pub version: i64,
    /// The primary reason, as it was said.
    pub reason: Option<String>,
    /// Further reasons.
    pub secondary: Vec<String>,
    /// Who the customer goes to.
    pub competitor: Option<String>,
    /// In words.
    pub comment: Option<String>,
    /// The person who recorded it: an actor of the audit; `None` = it came from a source.
    pub author: Option<String>,
    /// Where it came from.
    pub source: String,
    /// When it became known, UTC microseconds.
    pub received_at: i64,
}

/// The statements about one notice or end, oldest first: those of sources, then those of people.
#[must_use]
pub fn statements(signals: &[Signal], about: About, on: i32, until: i32) -> Vec<&Signal> {
    let of_source = |signal: &&Signal| match about {
        About::Notice => signal.says == Says::Notice && signal.day == on,
        About::Cancellation => signal.says == Says::Churned && (on..until).contains(&signal.day),
    };
    let mut found: Vec<&Signal> = signals.iter().filter(of_source).collect();
    found.sort_by_key(|signal| (signal.at, signal.seq));
    let mut people: Vec<&Signal> = signals
        .iter()
        .filter(|signal| signal.says == Says::Reason(about) && signal.on == on)
        .collect();
    people.sort_by_key(|signal| (signal.version, signal.seq));
    found.extend(people);
    found
}

/// The statement in force: the newest of a person, else the newest of a source that names a reason.
#[must_use]
pub fn in_force<'a>(statements: &[&'a Signal]) -> Option<&'a Signal> {
    let recorded = |signal: &&&Signal| matches!(signal.says, Says::Reason(_)) || signal.author.is_some();
    statements
        .iter()
        .rev()
        .find(recorded)
        .or_else(|| statements.iter().rev().find(|signal| signal.reason.is_some()))
        .copied()
}

/// One end of a time of being active.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure<'a> {
    /// The first day on which the account is no longer active.
    pub day: i32,
    /// When this time of being active had begun.
    pub start: i32,
    /// What it paid on its last active day, in minor units; `None` = unknown.
    pub mrr: Option<i64>,
    /// The segment of its last active day.
    pub segment: &'a str,
    /// Its owner on that day.
    pub owner: Option<&'a str>,
    /// The latest notice of this time of being active.
    pub notice: Option<i32>,
    /// The statement in force.
    pub statement: Option<&'a Signal>,
    /// The reason in force; `None` = none is on record. `unknown` counts as a reason only when a person recorded it.
    pub reason: Option<&'a str>,
    /// When it was active again, if it was by the day asked for.
    pub back: Option<i32>,
}

/// The departures of an account within a window, seen from `as_of`. `stated` is a reason that its record names, which stands for its last
/// departure where no event names one.
#[must_use]
pub fn departures<'a>(
    life: &Life<'a>,
    signals: &'a [Signal],
    stated: Option<&'a str>,
    window: &Window,
    as_of: i32,
) -> Vec<Departure<'a>> {
    let mut found = Vec::new();
    for (at, (start, end)) in life.lives.iter().copied().enumerate() {
        if end < window.first || end > window.last.min(as_of) {
            continue;
        }
        let Some(span) = life.head.span_at(end - 1) else {
            continue;
        };
        let next = life.lives.get(at + 1).map(|(start, _)| *start);
        let statements = statements(signals, About::Cancellation, end, next.unwrap_or(i32::MAX));
        let statement = in_force(&statements);
        let last = at + 1 == life.lives.len();
        let said = statement
            .and_then(|it| it.reason.as_deref())
            .or(stated.filter(|_| last));
        let by_person = statement.is_some_and(|it| it.author.is_some());
        found.push(Departure {
            day: end,
            start,
            mrr: life.mrr(end - 1),
            segment: &span.segment,
            owner: span.owner.as_deref(),
            notice: signals
                .iter()
                .filter(|s| s.says == Says::Notice && start <= s.day && s.day <= end)
                .map(|s| s.day)
                .max(),
            statement,
            reason: said.filter(|code| by_person || (*code != UNKNOWN && !code.is_empty())),
            back: next.filter(|day| *day <= as_of),
        });
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::samples::head;
    use super::*;

    pub(crate) fn signal(says: Says, day: i32, reason: Option<&str>) -> Signal {
        Signal {
            account_no: 1,
            says,
            day,
            at: i64::from(day),
            seq: 1,
            message_id: String::new(),
            on: day,
            version: 0,
            reason: reason.map(str::to_owned),
            secondary: vec![],
            competitor: None,
            comment: None,
            author: None,
            source: "billing".into(),
            received_at: 0,
        }
    }

    const ALL: Window = Window {
        first: 0,
        last: 1_000,
    };

    #[test]
    fn two_departures_with_their_notices_and_reasons() {
        let one = head(&[
            (10, 50, true, Some(100.0)),
            (50, 80, false, Some(100.0)),
            (80, 120, true, None),
            (120, i32::MAX, false, None),
        ]);
        let life = Life::new(&one, 100.0);
        let mut recorded = signal(Says::Reason(About::Cancellation), 120, Some("competitor"));
        recorded.author = Some("user:1".into());
        recorded.version = 1;
        let signals = [
            signal(Says::Notice, 20, Some("pricing")),
            signal(Says::Notice, 30, None),
            signal(Says::Churned, 50, Some("pricing")),
            // Told once more, without a reason: the one that was named stays.
            signal(Says::Churned, 55, None),
            signal(Says::Churned, 120, Some("unknown")),
            recorded,
        ];
        let got = departures(&life, &signals, None, &ALL, 1_000);
        let rows: Vec<_> = got
            .iter()
            .map(|d| (d.day, d.start, d.mrr, d.notice, d.reason, d.back))
            .collect();
        assert_eq!(
            rows,
            [
                (50, 10, Some(10_000), Some(30), Some("pricing"), Some(80)),
                (120, 80, None, None, Some("competitor"), None)
            ]
        );
        // Before it happened it is not there; a return that lies ahead is not known.
        let early = departures(&life, &signals, None, &ALL, 60);
        assert_eq!((early.len(), early[0].back), (1, None));
    }

    #[test]
    fn unknown_counts_when_a_person_says_so() {
        let one = head(&[(10, 50, true, Some(1.0)), (50, i32::MAX, false, Some(1.0))]);
        let life = Life::new(&one, 100.0);
        let source = [signal(Says::Churned, 50, Some("unknown"))];
        assert_eq!(departures(&life, &source, None, &ALL, 60)[0].reason, None);
        let mut person = signal(Says::Reason(About::Cancellation), 50, Some("unknown"));
        person.author = Some("user:1".into());
        let both = [source[0].clone(), person];
        assert_eq!(
            departures(&life, &both, None, &ALL, 60)[0].reason,
            Some("unknown")
        );
        // Without events the record's own word stands.
        assert_eq!(
            departures(&life, &[], Some("pricing"), &ALL, 60)[0].reason,
            Some("pricing")
        );
    }
}
