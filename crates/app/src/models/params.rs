//! What a back-test is asked, and the days that it looks at. Pure.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metrics::facts::{date_of, day_number};
use crate::web::{Problem, Result};

/// Cutoffs at most, those that only train among them.
const MOST: usize = 120;
/// Cutoffs that are tested when nothing is said.
const USUAL: usize = 12;

/// What a back-test is asked. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewBacktest)]
pub struct Asked {
    /// The first cutoff that is tested (YYYY-MM-DD); when left out the newest twelve whose horizon has passed are tested.
    pub from: Option<String>,
    /// The last cutoff; the last month end when left out.
    pub to: Option<String>,
    /// Within how many days the outcome has to come, such as `90d`; the outcome's own when left out.
    pub horizon: Option<String>,
    /// `month` (month ends, the usual) or days between cutoffs, such as `28d`.
    pub every: Option<String>,
    /// Whether events count from the day that they carry, whenever they arrived. The result says so.
    pub trust_dates: bool,
    /// Accounts that the team can look after at a time; accounts per owner when left out.
    pub capacity: Option<u32>,
    /// Whether only scores set by hand and simple baselines are tested: quick, and nothing is learnt.
    pub only_hand_set: bool,
    /// Whether its rows are kept as files, for those who want to check the figures: `GET /api/v1/backtests/{id}/rows`.
    pub rows: bool,
}

/// The days of a back-test.
#[derive(Clone, Debug, PartialEq)]
pub struct Days {
    /// All cutoffs, ascending; the earlier ones only train.
    pub cutoffs: Vec<i32>,
    /// The first that is tested.
    pub from: i32,
    /// Days within which the outcome has to come.
    pub horizon: i32,
}

/// `90d` as a number.
///
/// # Errors
/// The problem with the field.
pub fn span(field: &str, text: &str) -> Result<i32> {
    let number = text.trim().trim_end_matches('d').parse::<i32>().ok();
    number.filter(|days| (1..=730).contains(days)).ok_or_else(|| {
        Problem::field(
            field,
            text,
            "is not a number of days from 1 to 730",
            "write it as 90d",
        )
    })
}

fn day(field: &str, text: &Option<String>) -> Result<Option<i32>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let date: Date = text.parse().map_err(|_| {
        Problem::field(
            field,
            text,
            "is not a day",
            "write it as YYYY-MM-DD, for example 2026-06-30",
        )
    })?;
    Ok(Some(day_number(date)))
}

/// The day before by the rhythm: the month end before, or so many days earlier.
fn before(last: i32, every: Option<i32>) -> i32 {
    match every {
        Some(days) => last - days,
        None => day_number(date_of(last).first_of_month()) - 1,
    }
}

impl Days {
    /// The first cutoff of the history.
    #[must_use]
    pub fn begun(&self) -> i32 {
        self.cutoffs.first().copied().unwrap_or(self.from)
    }
}

impl Asked {
    /// The days of a back-test over a history that began on `first` and is known until `newest`.
    ///
    /// # Errors
    /// Fields that are no days, and days that leave nothing to test.
    pub fn days(&self, own_horizon: i32, first: i32, newest: i32) -> Result<Days> {
        let horizon = match &self.horizon {
            Some(text) => span("horizon", text)?,
            None => own_horizon,
        };
        let every = match self.every.as_deref().map(str::trim) {
            None | Some("" | "month") => None,
            Some(text) => Some(span("every", text)?),
        };
        let (from, to) = (day("from", &self.from)?, day("to", &self.to)?);
        let last = match (to, every) {
            (Some(to), _) if to > newest => {
                return Err(Problem::field(
                    "to",
                    date_of(to),
                    "lies after everything that is known",
                    format!("take {} or a day before it", date_of(newest)),
                ));
            }
            (Some(to), Some(_)) => to,
            (Some(day), None) => month_end(day),
            (None, Some(_)) => newest - horizon,
            (None, None) => month_end(newest),
        };
        let mut cutoffs = vec![last];
        while cutoffs.len() < MOST {
            let next = before(cutoffs[cutoffs.len() - 1], every);
            if next < first {
                break;
            }
            cutoffs.push(next);
        }
        cutoffs.reverse();
        // The newest that can be tested: later ones are shown as left out.
        let closed = cutoffs
            .partition_point(|day| day.saturating_add(horizon) <= newest)
            .max(1);
        let usual = cutoffs[closed.saturating_sub(USUAL)];
        let from = from.unwrap_or(usual);
        if from > last {
            return Err(Problem::field(
                "from",
                date_of(from),
                "leaves no cutoff to test",
                format!("take {} or a day before it", date_of(last)),
            ));
        }
        Ok(Days {
            cutoffs,
            from,
            horizon,
        })
    }
}

/// The last month end on or before a day.
#[must_use]
pub fn month_end(day: i32) -> i32 {
    let date = date_of(day);
    if date == date.last_of_month() {
        day
    } else {
        day_number(date.first_of_month()) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> i32 {
        day_number(text.parse().expect("a day"))
    }

    #[test]
    fn month_ends_up_to_what_is_known_and_no_further_back_than_the_history() {
        let days = Asked::default()
            .days(90, number("2026-01-15"), number("2026-06-29"))
            .expect("days");
        let shown: Vec<String> = days.cutoffs.iter().map(|day| date_of(*day).to_string()).collect();
        assert_eq!(
            shown,
            [
                "2026-01-31",
                "2026-02-28",
                "2026-03-31",
                "2026-04-30",
                "2026-05-31"
            ]
        );
        assert_eq!(days.from, number("2026-01-31"));
        // Of a longer history the newest twelve whose horizon has passed.
        let days = Asked::default()
            .days(90, number("2024-01-01"), number("2026-06-29"))
            .expect("days");
        assert_eq!(days.from, number("2025-04-30"));
        assert_eq!(days.cutoffs.last(), Some(&number("2026-05-31")));
    }

    #[test]
    fn days_between_cutoffs_end_at_the_last() {
        let asked = Asked {
            from: Some("2014-03-01".into()),
            to: Some("2014-06-21".into()),
            every: Some("28d".into()),
            ..Asked::default()
        };
        let days = asked
            .days(90, number("2013-12-01"), number("2014-10-20"))
            .expect("days");
        let tested: Vec<String> = days
            .cutoffs
            .iter()
            .filter(|day| **day >= days.from)
            .map(|day| date_of(*day).to_string())
            .collect();
        assert_eq!(
            tested,
            [
                "2014-03-01",
                "2014-03-29",
                "2014-04-26",
                "2014-05-24",
                "2014-06-21"
            ]
        );
        assert_eq!(days.cutoffs.len(), 8);
    }

    #[test]
    fn what_is_no_day_names_its_field() {
        let wrong = |asked: Asked| {
            asked.days(90, 0, 20_000).expect_err("a problem").errors[0]
                .field
                .clone()
        };
        assert_eq!(
            wrong(Asked {
                from: Some("soon".into()),
                ..Asked::default()
            }),
            "from"
        );
        assert_eq!(
            wrong(Asked {
                to: Some("2126-01-01".into()),
                ..Asked::default()
            }),
            "to"
        );
        assert_eq!(
            wrong(Asked {
                horizon: Some("0d".into()),
                ..Asked::default()
            }),
            "horizon"
        );
        assert_eq!(
            wrong(Asked {
                every: Some("week".into()),
                ..Asked::default()
            }),
            "every"
        );
    }
}
