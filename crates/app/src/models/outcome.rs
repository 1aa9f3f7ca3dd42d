//! Outcomes: what a score is held against, and whether it came. Pure.

use std::collections::HashMap;

use crate::metrics::Head;

/// What has to happen within the horizon.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The account ends.
    Churned,
    /// It pays less at the end of the horizon than on the day itself, or churns.
    Contracted,
    /// One of these events happens.
    Happens(Vec<String>),
    /// None of these events happens.
    Ceases(Vec<String>),
    /// It comes into this segment, being in another.
    Reaches(String),
}

/// An outcome of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// Its label.
    pub label: String,
    /// What has to happen.
    pub what: What,
    /// Within how many days after the day.
    pub horizon: i32,
    /// Which accounts are asked, as a condition; all active ones when none is given.
    pub among: Option<String>,
}

impl Outcome {
    /// Churn within 90 days, which every program has.
    #[must_use]
    pub fn churn() -> Self {
        Self {
            id: "churn".into(),
            label: "Churn".into(),
            what: What::Churned,
            horizon: 90,
            among: None,
        }
    }

    /// The events that it looks at.
    #[must_use]
    pub fn events(&self) -> &[String] {
        match &self.what {
            What::Happens(events) | What::Ceases(events) => events,
            _ => &[],
        }
    }
}

/// Days of an outcome's events by account, ascending.
pub type EventDays = HashMap<i64, Vec<i32>>;

/// What was known of an account on a day, where its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Then<'a> {
    /// The segment that it counted in.
    pub segment: &'a str,
    /// What it was known to pay; nothing where that was not known.
    pub mrr: Option<f64>,
}

impl<'a> Then<'a> {
    /// What is known of that day today.
    #[must_use]
    pub fn of(head: &'a Head, day: i32) -> Option<Self> {
        head.span_at(day).map(|span| Self {
            segment: &span.segment,
            mrr: span.mrr,
        })
    }
}

/// What became of an account that counted as active on `day`: `None` = it is not asked, else the outcome's day if it came within the horizon.
///
/// An account whose end is dated before the day, and of which that was told only afterwards, was asked like the others: its end came.
#[must_use]
pub fn outcome_after(
    outcome: &Outcome,
    head: &Head,
    days: &[i32],
    day: i32,
    then: Then<'_>,
) -> Option<(bool, Option<i32>)> {
    let end = day.saturating_add(outcome.horizon);
    let came = |on: Option<i32>| Some((on.is_some(), on));
    match &outcome.what {
        What::Churned => came(Some(ended(head, day)?).filter(|gone| *gone <= end)),
        What::Contracted => {
            let gone = ended(head, day)?;
            if gone <= end {
                return came(Some(gone));
            }
            let before = then.mrr?;
            let less = head.span_at(end)?.mrr.is_some_and(|mrr| mrr < before);
            // The day from which on it pays less for good.
            let since = head
                .spans
                .iter()
                .rev()
                .skip_while(|span| span.from > end)
                .take_while(|span| span.active && span.mrr.is_some_and(|mrr| mrr < before))
                .last();
            came(since.filter(|_| less).map(|span| span.from))
        }
        What::Happens(_) => {
            let next = days.get(days.partition_point(|on| *on <= day)).copied();
            came(next.filter(|on| *on <= end))
        }
        What::Ceases(_) => {
            let next = days.get(days.partition_point(|on| *on <= day)).copied();
            let ceased = next.is_none_or(|on| on > end);
            // That nothing happened is known when the horizon has passed.
            Some((ceased, ceased.then_some(end)))
        }
        What::Reaches(segment) => {
            if then.segment == segment {
                return None;
            }
            came(
                head.spans
                    .iter()
                    .filter(|span| span.active && day < span.from && span.from <= end)
                    .find(|span| span.segment == *segment)
                    .map(|span| span.from),
            )
        }
    }
}

/// The end of the life that runs on a day, or of the last one before it; `None` = it had not begun.
fn ended(head: &Head, day: i32) -> Option<i32> {
    let lives = head.lives();
    lives
        .into_iter()
        .rev()
        .find(|life| life.0 <= day)
        .map(|life| life.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Span;

    fn head(spans: &[(i32, i32, bool, f64, &str)]) -> Head {
        Head {
            day: 500,
            spans: spans
                .iter()
                .map(|(from, to, active, mrr, segment)| Span {
                    from: *from,
                    to: *to,
                    active: *active,
                    mrr: Some(*mrr),
                    segment: (*segment).into(),
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

    /// With what is known of the day today.
    fn after(outcome: &Outcome, head: &Head, days: &[i32], day: i32) -> Option<(bool, Option<i32>)> {
        outcome_after(outcome, head, days, day, Then::of(head, day)?)
    }

    fn of(what: What) -> Outcome {
        Outcome {
            what,
            ..Outcome::churn()
        }
    }

    #[test]
    fn each_kind_counts_the_days_after_the_day_up_to_the_horizon() {
        let account = head(&[
            (0, 100, true, 50.0, "digital"),
            (100, 150, true, 40.0, "core"),
            (150, 300, false, 40.0, "core"),
            (300, i32::MAX, true, 60.0, "digital"),
        ]);
        let churn = of(What::Churned);
        // The first day that is no active one any more is day 150: 90 days after day 60, 91 after day 59.
        assert_eq!(after(&churn, &account, &[], 60), Some((true, Some(150))));
        assert_eq!(after(&churn, &account, &[], 59), Some((false, None)));
        assert_eq!(after(&churn, &account, &[], 149), Some((true, Some(150))));
        // On day 200 nobody knew yet that it had ended on day 150; before day 0 there was nobody to ask.
        assert_eq!(after(&churn, &account, &[], 200), Some((true, Some(150))));
        assert_eq!(
            outcome_after(
                &churn,
                &account,
                &[],
                -1,
                Then {
                    segment: "core",
                    mrr: None
                }
            ),
            None
        );
        assert_eq!(after(&churn, &account, &[], 310), Some((false, None)));
        let less = of(What::Contracted);
        assert_eq!(after(&less, &account, &[], 10), Some((true, Some(100))));
        assert_eq!(after(&less, &account, &[], 9), Some((false, None)));
        assert_eq!(after(&less, &account, &[], 100), Some((true, Some(150))));
        assert_eq!(after(&less, &account, &[], 310), Some((false, None)));
        // What it was known to pay counts: 40 instead of 50 was told only after day 110, and 30 instead of 40 nobody was told.
        let known = |mrr| Then {
            segment: "core",
            mrr: Some(mrr),
        };
        let wide = Outcome {
            horizon: 10,
            ..less.clone()
        };
        assert_eq!(
            outcome_after(&wide, &account, &[], 110, known(50.0)).map(|it| it.0),
            Some(true)
        );
        assert_eq!(
            outcome_after(&wide, &account, &[], 110, known(40.0)).map(|it| it.0),
            Some(false)
        );
        let core = of(What::Reaches("core".into()));
        assert_eq!(after(&core, &account, &[], 10), Some((true, Some(100))));
        assert_eq!(after(&core, &account, &[], 9), Some((false, None)));
        assert_eq!(after(&core, &account, &[], 120), None);
        let digital = Then {
            segment: "digital",
            mrr: None,
        };
        assert_eq!(
            outcome_after(&core, &account, &[], 10, digital),
            Some((true, Some(100)))
        );
    }

    #[test]
    fn events_of_the_day_itself_do_not_count() {
        let account = head(&[(0, i32::MAX, true, 1.0, "a")]);
        let happens = of(What::Happens(vec!["x".into()]));
        let ceases = of(What::Ceases(vec!["x".into()]));
        for (days, day, came) in [
            (vec![10], 10, false),
            (vec![10, 11], 10, true),
            (vec![100], 10, true),
            (vec![101], 10, false),
        ] {
            assert_eq!(after(&happens, &account, &days, day).unwrap().0, came, "{days:?}");
            assert_eq!(after(&ceases, &account, &days, day).unwrap().0, !came, "{days:?}");
        }
    }
}
