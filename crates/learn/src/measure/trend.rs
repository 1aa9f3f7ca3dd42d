//! Whether things move together, and whether one moves at all.

use serde::Serialize;

use super::{Z95, ranks};

/// Spearman's rank correlation, −1…1; nothing for fewer than two rows or a constant.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let pairs: (Vec<f64>, Vec<f64>) = a
        .iter()
        .zip(b)
        .filter(|(a, b)| !a.is_nan() && !b.is_nan())
        .map(|(a, b)| (*a, *b))
        .unzip();
    let (a, b) = (ranks(&pairs.0), ranks(&pairs.1));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (a.len() >= 2 && scale > 0.0).then(|| product(&a, &b) / scale)
}

/// A slope with its interval, in units of y per unit of x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    /// The median of the slopes of all pairs.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// Kendall's S (concordant minus discordant pairs) and its variance with ties (Kendall 1970).
pub fn kendall(x: &[f64], y: &[f64]) -> (f64, f64) {
    let mut s = 0.0;
    for i in 0..x.len() {
        for j in 0..i {
            s += ((x[i] - x[j]) * (y[i] - y[j]))
                .partial_cmp(&0.0)
                .map_or(0.0, |order| f64::from(order as i8));
        }
    }
    let ties = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
            .chunk_by(|a, b| a == b)
            .map(|run| run.len() as f64)
            .collect::<Vec<f64>>()
    };
    let (n, tx, ty) = (x.len() as f64, ties(x), ties(y));
    if n < 2.0 {
        return (s, 0.0);
    }
    let sum = |ties: &[f64], of: &dyn Fn(f64) -> f64| ties.iter().map(|t| of(*t)).sum::<f64>();
    let a = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let b = |t: f64| t * (t - 1.0) * (t - 2.0);
    let c = |t: f64| t * (t - 1.0);
    let mut variance =
        (a(n) - sum(&tx, &a) - sum(&ty, &a)) / 18.0 + sum(&tx, &c) * sum(&ty, &c) / (2.0 * c(n));
    if n > 2.0 {
        variance += sum(&tx, &b) * sum(&ty, &b) / (9.0 * b(n));
    }
    (s, variance.max(0.0))
}

/// The slope of Theil 1950 and Sen 1968, with Sen's interval from the normal approximation to Kendall's S: the slopes whose rank lies
/// `1.96·√Var S / 2` around the middle. Nothing for fewer than two different x.
pub fn theil_sen(x: &[f64], y: &[f64]) -> Option<Slope> {
    let (x, y): (Vec<f64>, Vec<f64>) = x
        .iter()
        .zip(y)
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .map(|(x, y)| (*x, *y))
        .unzip();
    let mut slopes = Vec::with_capacity(x.len() * x.len() / 2);
    for i in 0..x.len() {
        for j in 0..i {
            if x[i] != x[j] {
                slopes.push((y[i] - y[j]) / (x[i] - x[j]));
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let half = Z95 * kendall(&x, &y).1.sqrt();
    let n = slopes.len() as f64;
    // Ranks from 1; where they lie outside, the interval is as wide as the slopes are.
    let low = ((n - half) / 2.0).floor().max(1.0) as usize;
    let high = ((n + half) / 2.0 + 1.0).ceil().min(n) as usize;
    Some(Slope {
        value: median(&slopes),
        low: slopes[low - 1],
        high: slopes[high - 1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_line_has_its_slope_and_an_outlier_does_not_move_it() {
        let x: Vec<f64> = (0..13).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|x| 70.0 - 2.0 * x).collect();
        let straight = theil_sen(&x, &y).unwrap();
        assert!((straight.value + 2.0).abs() < 1e-12 && straight.high < 0.0);
        y[5] = 500.0;
        let bent = theil_sen(&x, &y).unwrap();
        assert!((bent.value + 2.0).abs() < 1e-12, "{bent:?}");
        assert_eq!(theil_sen(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn the_interval_covers_the_true_slope_about_as_often_as_it_says() {
        let mut random = Random::new(11, 0);
        let x: Vec<f64> = (0..13).map(f64::from).collect();
        let mut covered = 0;
        for _ in 0..1_000 {
            let y: Vec<f64> = x
                .iter()
                .map(|x| 0.5 * x + 3.0 * (random.unit() + random.unit() - 1.0))
                .collect();
            let slope = theil_sen(&x, &y).unwrap();
            covered += u32::from(slope.low <= 0.5 && 0.5 <= slope.high);
        }
        assert!((930..=990).contains(&covered), "{covered}");
    }

    #[test]
    fn kendall_without_ties_has_the_known_variance() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let (s, variance) = kendall(&x, &[1.0, 3.0, 2.0, 4.0, 5.0]);
        assert!((s - 8.0).abs() < 1e-12);
        // n(n−1)(2n+5)/18.
        assert!((variance - 5.0 * 4.0 * 15.0 / 18.0).abs() < 1e-12);
    }

    #[test]
    fn spearman_is_pearson_of_ranks() {
        // Ranks 1 2 3 4 against 2 1 4 3: 1 − 6·4/(4·15).
        let found = spearman(&[10.0, 20.0, 30.0, 40.0], &[2.0, 1.0, 9.0, 5.0]).unwrap();
        assert!((found - 0.6).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
