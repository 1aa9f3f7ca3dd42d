//! Where a figure leads: a robust line through its months, with the uncertainty that its scatter leaves (docs/targets.md).
//!
//! The line is Theil's and Sen's: its slope is the median of the slopes between all pairs of months, its height the median of what is left
//! (Theil 1950, Indag. Math. 12, 85; Sen 1968, J. Am. Stat. Assoc. 63, 1379). Up to 29 % of the months may be outliers without moving it.
//!
//! The interval is a bootstrap of residuals with a fixed seed: 1,000 times the residuals, widened by √(n ÷ (n − 2)) for the two numbers that
//! the line was fitted by, are drawn anew onto the line, the line is fitted again, and one more residual is added to what it says for the
//! deadline. Months that follow their neighbours (a trailing window does) carry less news than their number says: the part of the spread
//! that comes from the line is widened by √((1 + ρ) ÷ (1 − ρ)), ρ being the lag-1 correlation of the residuals between 0 and 0.9.

/// Months below which nothing is said.
pub const FEWEST: usize = 6;
/// Months that are looked at, the newest ones.
pub const MOST: usize = 24;
const DRAWS: usize = 1_000;
const SEED: u64 = 0x7E27_0A11_5EED_0001;

/// A line: value = height + slope × month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change a month.
    pub slope: f64,
    /// The value at month 0.
    pub height: f64,
}

impl Line {
    /// Its value.
    #[must_use]
    pub fn at(&self, month: f64) -> f64 {
        self.height + self.slope * month
    }
}

/// The limits within which a figure can lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Least.
    pub least: f64,
    /// Most.
    pub most: f64,
}

/// What is expected of one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The moment, in months.
    pub month: f64,
    /// The line's value.
    pub middle: f64,
    /// Half of the draws lie within.
    pub half: (f64, f64),
    /// Nine of ten draws lie within.
    pub most: (f64, f64),
}

/// A forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The line through the months.
    pub line: Line,
    /// Months that it was fitted by.
    pub months: usize,
    /// What is expected of each moment asked for.
    pub expected: Vec<Expected>,
    /// The share of draws that meet the goal at the last moment asked for.
    pub probability: f64,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The line through points (month, value), by Theil and Sen; `None` when all stand at one month.
#[must_use]
pub fn line(points: &[(f64, f64)]) -> Option<Line> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (at, (x, y)) in points.iter().enumerate() {
        for (later, value) in &points[at + 1..] {
            if (later - x).abs() > f64::EPSILON {
                slopes.push((value - y) / (later - x));
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    let slope = median(&mut slopes);
    let mut heights: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    Some(Line {
        slope,
        height: median(&mut heights),
    })
}

/// Lag-1 correlation, between 0 and 0.9.
fn persistence(residuals: &[f64]) -> f64 {
    let square: f64 = residuals.iter().map(|r| r * r).sum();
    if square <= 0.0 {
        return 0.0;
    }
    let product: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    (product / square).clamp(0.0, 0.9)
}

/// A stream of numbers that is the same every time (SplitMix64, Steele et al. 2014).
struct Stream(u64);

impl Stream {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        usize::try_from(z % n.max(1) as u64).unwrap_or(0)
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    crate::kpis::stats::quantile(sorted, share).unwrap_or(f64::NAN)
}

/// The forecast for `moments` (months, the last of them the deadline) from `points`; `None` with fewer than [`FEWEST`] months.
/// `goal` and `up` say what meeting the goal is.
#[must_use]
pub fn forecast(
    points: &[(f64, f64)],
    moments: &[f64],
    goal: f64,
    up: bool,
    limits: Limits,
) -> Option<Forecast> {
    let points = &points[points.len().saturating_sub(MOST)..];
    if points.len() < FEWEST {
        return None;
    }
    let fitted = line(points)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 24 months")]
    let n = points.len() as f64;
    let plain: Vec<f64> = points.iter().map(|(x, y)| y - fitted.at(*x)).collect();
    let rho = persistence(&plain);
    let widened = ((1.0 + rho) / (1.0 - rho)).sqrt();
    let residuals: Vec<f64> = plain.iter().map(|r| r * (n / (n - 2.0)).sqrt()).collect();
    let held = |value: f64| value.clamp(limits.least, limits.most);
    let mut stream = Stream(SEED);
    let mut draws: Vec<Vec<f64>> = moments.iter().map(|_| Vec::with_capacity(DRAWS)).collect();
    for _ in 0..DRAWS {
        let again: Vec<(f64, f64)> = points
            .iter()
            .map(|(x, _)| (*x, fitted.at(*x) + residuals[stream.below(residuals.len())]))
            .collect();
        let drawn = line(&again)?;
        for (moment, values) in moments.iter().zip(&mut draws) {
            let moved = (drawn.at(*moment) - fitted.at(*moment)) * widened;
            values.push(held(
                fitted.at(*moment) + moved + residuals[stream.below(residuals.len())],
            ));
        }
    }
    let tolerance = 1e-9 * goal.abs().max(1.0);
    let meets = |value: &&f64| {
        if up {
            **value >= goal - tolerance
        } else {
            **value <= goal + tolerance
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a thousand draws")]
    let probability = draws.last().map_or(0.0, |last| {
        last.iter().filter(meets).count() as f64 / DRAWS as f64
    });
    let expected = moments
        .iter()
        .zip(&mut draws)
        .map(|(month, values)| {
            values.sort_by(f64::total_cmp);
            Expected {
                month: *month,
                middle: held(fitted.at(*month)),
                half: (quantile(values, 0.25), quantile(values, 0.75)),
                most: (quantile(values, 0.05), quantile(values, 0.95)),
            }
        })
        .collect();
    Some(Forecast {
        line: fitted,
        months: points.len(),
        expected,
        probability,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Limits = Limits {
        least: f64::NEG_INFINITY,
        most: f64::INFINITY,
    };

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_line_by_hand() {
        // Slopes: 0→1: 2, 0→2: 1.5, 0→3: 7, 1→2: 1, 1→3: 9.5, 2→3: 18; their median is (2 + 7) / 2 = 4.5.
        // Heights: 0, 2 − 4.5, 3 − 9, 21 − 13.5 = 0, −2.5, −6, 7.5; their median is −1.25.
        let points = [(0.0, 0.0), (1.0, 2.0), (2.0, 3.0), (3.0, 21.0)];
        let got = line(&points).unwrap();
        assert!(close(got.slope, 4.5) && close(got.height, -1.25), "{got:?}");
        assert_eq!(line(&[(1.0, 1.0), (1.0, 2.0)]), None);
    }

    #[test]
    fn months_on_a_line_lead_where_it_leads() {
        // 12 % and 0.2 points less a month: 11 % after five months, 9.6 % after twelve.
        let points: Vec<(f64, f64)> = (0..6)
            .map(|m| (f64::from(m), 0.12 - 0.002 * f64::from(m)))
            .collect();
        let got = forecast(&points, &[8.0, 12.0], 0.1, false, FREE).unwrap();
        let last = got.expected[1];
        assert!(close(last.middle, 0.096) && close(last.most.0, 0.096) && close(last.most.1, 0.096));
        assert!(close(got.probability, 1.0));
        assert!(close(
            forecast(&points, &[12.0], 0.09, false, FREE).unwrap().probability,
            0.0
        ));
        assert!(close(
            forecast(&points, &[12.0], 0.09, true, FREE).unwrap().probability,
            1.0
        ));
    }

    #[test]
    fn one_outlier_does_not_move_the_line() {
        let mut points: Vec<(f64, f64)> = (0..12).map(|m| (f64::from(m), 10.0 + f64::from(m))).collect();
        points[5].1 = 100.0;
        let got = forecast(&points, &[20.0], 30.0, true, FREE).unwrap();
        assert!(
            close(got.line.slope, 1.0) && close(got.line.height, 10.0),
            "{:?}",
            got.line
        );
        assert!(close(got.expected[0].middle, 30.0));
    }

    #[test]
    fn scatter_opens_the_fan_with_time_and_the_same_again_is_the_same() {
        let noise = [0.3, -0.5, 0.1, 0.6, -0.2, -0.4, 0.5, -0.1, -0.3, 0.2, 0.4, -0.6];
        let points: Vec<(f64, f64)> = noise
            .iter()
            .enumerate()
            .map(|(m, e)| (f64::from(u32::try_from(m).unwrap()), 20.0 + e))
            .collect();
        let got = forecast(&points, &[12.0, 24.0, 36.0], 20.0, true, FREE).unwrap();
        let width = |e: &Expected| e.most.1 - e.most.0;
        assert!(width(&got.expected[0]) > 0.9, "{got:?}");
        assert!(width(&got.expected[2]) > width(&got.expected[0]) * 1.2, "{got:?}");
        for e in &got.expected {
            assert!(e.most.0 <= e.half.0 && e.half.0 <= e.half.1 && e.half.1 <= e.most.1);
        }
        assert!((0.2..0.8).contains(&got.probability), "{}", got.probability);
        assert_eq!(
            forecast(&points, &[12.0, 24.0, 36.0], 20.0, true, FREE).unwrap(),
            got
        );
    }

    #[test]
    fn nothing_is_said_of_five_months_and_nothing_beyond_the_limits() {
        let points: Vec<(f64, f64)> = (0..6)
            .map(|m| (f64::from(m), 0.9 + 0.02 * f64::from(m)))
            .collect();
        assert_eq!(forecast(&points[..5], &[9.0], 1.0, true, FREE), None);
        let share = Limits {
            least: 0.0,
            most: 1.0,
        };
        let got = forecast(&points, &[12.0], 1.0, true, share).unwrap();
        assert!(close(got.expected[0].middle, 1.0) && close(got.probability, 1.0));
    }
}
