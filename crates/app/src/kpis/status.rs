//! Where a figure stands against its target (DEFINITIONS §4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::definitions::Better;

/// Status of a target on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The goal is reached.
    Met,
    /// At or beyond the straight line from baseline to goal.
    OnTrack,
    /// Behind that line by no more than a fifth of the way.
    AtRisk,
    /// Further behind.
    Behind,
    /// There is no figure.
    NoData,
}

/// The way from a baseline to a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// Days since 1970 of the baseline.
    pub from_day: i32,
    /// The baseline; `None` = there is none, then the goal holds from the start.
    pub from: Option<f64>,
    /// Days since 1970 of the deadline.
    pub to_day: i32,
    /// The goal.
    pub to: f64,
    /// Which way is good.
    pub better: Better,
}

impl Path {
    /// What the straight line asks for on `day`: the baseline before its day, the goal after the deadline.
    #[must_use]
    pub fn expected(&self, day: i32) -> f64 {
        let Some(from) = self.from else { return self.to };
        let length = f64::from(self.to_day - self.from_day);
        if length <= 0.0 {
            return self.to;
        }
        let share = (f64::from(day - self.from_day) / length).clamp(0.0, 1.0);
        from + (self.to - from) * share
    }

    /// Where `value` stands on `day`.
    #[must_use]
    pub fn status(&self, value: Option<f64>, day: i32) -> Status {
        let Some(value) = value.filter(|v| v.is_finite()) else {
            return Status::NoData;
        };
        // Signed so that more is always better; figures closer than this are the same.
        let sign = if self.better == Better::Up { 1.0 } else { -1.0 };
        let tolerance = 1e-9 * self.to.abs().max(1.0);
        if sign * (value - self.to) >= -tolerance {
            return Status::Met;
        }
        let gap = sign * (self.expected(day) - value);
        if gap <= tolerance {
            return Status::OnTrack;
        }
        let way = self.from.map_or(0.0, |from| (self.to - from).abs());
        if gap <= 0.2 * way + tolerance {
            Status::AtRisk
        } else {
            Status::Behind
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn churn_from_12_to_9_percent_within_a_year() {
        let path = Path {
            from_day: 0,
            from: Some(0.12),
            to_day: 360,
            to: 0.09,
            better: Better::Down,
        };
        // Half-way the line stands at 10.5 %; a fifth of the way is 0.6 points.
        for (value, day, want) in [
            (Some(0.09), 10, Status::Met),
            (Some(0.08), 360, Status::Met),
            (Some(0.105), 180, Status::OnTrack),
            (Some(0.10), 180, Status::OnTrack),
            (Some(0.111), 180, Status::AtRisk),
            (Some(0.1112), 180, Status::Behind),
            (Some(0.095), 400, Status::AtRisk),
            (Some(0.12), 0, Status::OnTrack),
            (Some(0.13), -5, Status::Behind),
            (None, 180, Status::NoData),
        ] {
            assert_eq!(path.status(value, day), want, "{value:?} on day {day}");
        }
    }

    #[test]
    fn without_a_baseline_the_goal_is_the_line() {
        let path = Path {
            from_day: 0,
            from: None,
            to_day: 100,
            to: 0.5,
            better: Better::Up,
        };
        assert_eq!(path.status(Some(0.49), 1), Status::Behind);
        assert_eq!(path.status(Some(0.5), 1), Status::Met);
    }
}
