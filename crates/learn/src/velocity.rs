//! Which way a score moves, how fast, and how sure that is.
//!
//! Weekly values of up to 13 weeks: their Theil–Sen slope in points per 30 days, less the segment's median slope, with Kendall's interval.
//! It is an alert, not a promise of better prediction (docs/accuracy.md).

use serde::Serialize;

use crate::measure::{bootstrap::quantile, theil_sen};

/// Fewest weekly values.
pub const FEWEST: usize = 5;

/// Days that are looked back on.
pub const WINDOW: f64 = 91.0;

/// Points that must be won or lost over the window before a movement is called one.
pub const STEP: f64 = 5.0;

/// A slope of an account before its segment's season is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Movement {
    /// Points per 30 days.
    pub slope: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Days from the first to the last value.
    pub days: f64,
}

/// The slope of values by day, of the last [`WINDOW`] days before the last one. NaN is no value; fewer than [`FEWEST`] say nothing.
pub fn movement(days: &[f64], values: &[f64]) -> Option<Movement> {
    let known = || {
        days.iter()
            .zip(values)
            .filter(|(day, value)| day.is_finite() && value.is_finite())
    };
    let last = known().map(|(day, _)| *day).fold(f64::NEG_INFINITY, f64::max);
    let (x, y): (Vec<f64>, Vec<f64>) = known()
        .filter(|(day, _)| last - **day <= WINDOW)
        .map(|(x, y)| (*x, *y))
        .unzip();
    if x.len() < FEWEST {
        return None;
    }
    let first = x.iter().copied().fold(f64::INFINITY, f64::min);
    let slope = theil_sen(&x, &y)?;
    Some(Movement {
        slope: slope.value * 30.0,
        low: slope.low * 30.0,
        high: slope.high * 30.0,
        days: last - first,
    })
}

/// How a segment moves as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Season {
    /// The median slope, points per 30 days.
    pub median: f64,
    /// The median absolute slope without it.
    pub spread: f64,
}

/// The season of a segment from its accounts' slopes; without any it stands still.
pub fn season(slopes: &[f64]) -> Season {
    let middle = |mut values: Vec<f64>| {
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        quantile(&values, 0.5).unwrap_or(0.0)
    };
    let median = middle(slopes.to_vec());
    Season {
        median,
        spread: middle(slopes.iter().map(|slope| (slope - median).abs()).collect()),
    }
}

/// What a movement is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The interval lies below 0 and at least five points were lost over the window.
    Falling,
    /// The interval lies above 0 and at least five points were won.
    Rising,
    /// Whatever the true slope is, it moves less than five points over the window.
    Steady,
    /// The values do not tell.
    Unsure,
}

/// The velocity of an account.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Velocity {
    /// 0–100, 50 = as steady as the segment.
    pub value: f64,
    /// Points per 30 days against the segment.
    pub slope: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What it is called.
    pub state: State,
}

/// An account's velocity against its segment: `50 + 50·tanh(slope ÷ (2·spread))`. In a segment where nothing moves, any movement is at an end
/// of the scale.
pub fn velocity(movement: &Movement, season: &Season) -> Velocity {
    let [slope, low, high] = [movement.slope, movement.low, movement.high].map(|slope| slope - season.median);
    let over_window = |slope: f64| slope * movement.days / 30.0;
    let value = if slope == 0.0 {
        50.0
    } else {
        50.0 + 50.0 * (slope / (2.0 * season.spread)).tanh()
    };
    let state = if high < 0.0 && over_window(slope) <= -STEP {
        State::Falling
    } else if low > 0.0 && over_window(slope) >= STEP {
        State::Rising
    } else if over_window(low) >= -STEP && over_window(high) <= STEP {
        State::Steady
    } else {
        State::Unsure
    };
    Velocity {
        value,
        slope,
        low,
        high,
        state,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weekly(of: impl Fn(f64) -> f64) -> Movement {
        let days: Vec<f64> = (0..13).map(|week| f64::from(week) * 7.0).collect();
        movement(&days, &days.iter().map(|day| of(*day)).collect::<Vec<_>>()).unwrap()
    }

    const STILL: Season = Season {
        median: 0.0,
        spread: 1.0,
    };

    #[test]
    fn states_need_both_sureness_and_size() {
        let state = |movement: &Movement| velocity(movement, &STILL).state;
        let falling = weekly(|day| 80.0 - day / 10.0);
        assert!((falling.slope + 3.0).abs() < 1e-9);
        assert_eq!(state(&falling), State::Falling);
        assert_eq!(state(&weekly(|day| 50.0 + day / 10.0)), State::Rising);
        // Sure, but less than five points in twelve weeks.
        assert_eq!(state(&weekly(|day| 80.0 - day / 30.0)), State::Steady);
        assert_eq!(
            state(&weekly(|day| 50.0 + 40.0 * (day * 1.3).sin())),
            State::Unsure
        );
        // What the whole segment does is its season.
        assert_eq!(
            velocity(
                &falling,
                &Season {
                    median: -3.0,
                    spread: 1.0
                }
            )
            .state,
            State::Steady
        );
    }

    #[test]
    fn few_or_old_values_say_nothing() {
        assert_eq!(movement(&[0.0, 7.0, 14.0, 21.0], &[1.0; 4]), None);
        // Five values, of which one lies before the window.
        assert_eq!(movement(&[0.0, 100.0, 107.0, 114.0, 121.0], &[1.0; 5]), None);
        assert_eq!(
            season(&[]),
            Season {
                median: 0.0,
                spread: 0.0
            }
        );
        let season = season(&[-1.0, 0.0, 2.0, 4.0, f64::NAN]);
        // Distances from the median: 2, 1, 1, 3.
        assert_eq!((season.median, season.spread), (1.0, 1.5));
    }

    proptest! {
        #[test]
        fn velocity_is_ordered_as_slopes_are(a in -20.0..20.0f64, b in -20.0..20.0f64, spread in 0.0..5.0f64) {
            let season = Season { median: 0.5, spread };
            let of = |slope: f64| {
                velocity(&Movement { slope, low: slope - 1.0, high: slope + 1.0, days: 84.0 }, &season).value
            };
            prop_assert!((0.0..=100.0).contains(&of(a)));
            prop_assert!((a <= b) == (of(a) <= of(b)) || of(a) == of(b));
        }
    }
}
