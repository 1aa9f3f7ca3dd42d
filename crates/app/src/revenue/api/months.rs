//! Periods as they are asked for.

use jiff::civil::Date;

use crate::definitions::KpiWindow;
use crate::kpis::window::{self, Period};
use crate::metrics::facts::day_number;
use crate::revenue::rules::Window;
use crate::revenue::scene::Scene;
use crate::web::{Problem, Result};

/// The length of a bridge's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// The twelve months up to the end of each month.
    Year,
}

impl Grain {
    /// The grain with this name.
    ///
    /// # Errors
    /// The problem with the field.
    pub fn parse(name: Option<&str>) -> Result<Self> {
        Ok(match name {
            None | Some("" | "month") => Self::Month,
            Some("quarter") => Self::Quarter,
            Some("12m") => Self::Year,
            Some(other) => {
                return Err(Problem::field(
                    "grain",
                    other,
                    "is not known",
                    "ask for month, quarter or 12m",
                ));
            }
        })
    }

    /// The KPIs' window of the same length.
    #[must_use]
    pub fn window(self) -> KpiWindow {
        match self {
            Self::Month => KpiWindow::Month,
            Self::Quarter => KpiWindow::Quarter,
            Self::Year => KpiWindow::Months(12),
        }
    }

    /// Whether the figures are those of the KPIs `grr_…`, `nrr_…` with this ending.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "12m",
        }
    }
}

/// How many periods at most.
pub const MOST: i32 = 60;

/// How many periods are asked for.
///
/// # Errors
/// The problem with the field.
pub fn count(field: &str, asked: Option<i32>, otherwise: i32) -> Result<i32> {
    let n = asked.unwrap_or(otherwise);
    if (1..=MOST).contains(&n) {
        return Ok(n);
    }
    Err(Problem::field(
        field,
        n,
        format!("is not between 1 and {MOST}"),
        "ask for fewer",
    ))
}

/// The last periods up to the scene's day, oldest first; the last one may still run.
#[must_use]
pub fn periods(scene: &Scene, grain: Grain, n: i32) -> Vec<Period> {
    let days = match grain {
        Grain::Month | Grain::Year => scene.month_ends(n),
        Grain::Quarter => {
            let ends_quarter = |day: &Date| day.month() % 3 == 0 || *day == scene.date();
            let mut days: Vec<Date> = scene
                .month_ends(n * 3 + 3)
                .into_iter()
                .filter(ends_quarter)
                .collect();
            let most = usize::try_from(n).unwrap_or(1);
            days.drain(..days.len().saturating_sub(most));
            days
        }
    };
    days.into_iter()
        .map(|day| window::period(grain.window(), None, day))
        .collect()
}

/// The days of a period as numbers.
#[must_use]
pub fn window_of(period: &Period) -> Window {
    Window {
        first: day_number(period.first),
        last: day_number(period.last),
    }
}

/// Whether a period has not ended by its last shown day.
#[must_use]
pub fn running(period: &Period, grain: Grain) -> bool {
    let last = period.last;
    match grain {
        Grain::Quarter => last != last.last_of_month() || last.month() % 3 != 0,
        Grain::Month | Grain::Year => last != last.last_of_month(),
    }
}

/// The period that stands for a day (its last), or the newest.
///
/// # Errors
/// The problem with the field `period`.
pub fn chosen(periods: &[Period], day: Option<&str>) -> Result<Period> {
    let newest = periods.last().copied();
    let found = match day.map(str::trim).filter(|text| !text.is_empty()) {
        None => newest,
        Some(text) => periods
            .iter()
            .copied()
            .find(|period| period.last.to_string() == text),
    };
    found.ok_or_else(|| {
        Problem::field(
            "period",
            day.unwrap_or_default(),
            "is the last day of none of these periods",
            "take `period` from the list of periods",
        )
    })
}
