//! Intercept and slope that make log-odds mean what they say (Platt 1999; Cox 1958).
//!
//! The season moves and boosting is a little too sure of itself; both are mended on the newest closed window. With few outcomes there the
//! slope stays near 1 and the intercept near 0: each is drawn to it as if so many outcomes had spoken for it.

use serde::{Deserialize, Serialize};

use crate::boost::probability;

/// Pull of the slope to 1, in units of the log-likelihood's curvature.
const PULL: f64 = 5.0;

/// `log-odds → intercept + slope · log-odds`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Added.
    pub intercept: f64,
    /// Multiplied.
    pub slope: f64,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            intercept: 0.0,
            slope: 1.0,
        }
    }
}

impl Calibration {
    /// Calibrated log-odds.
    pub fn apply(&self, log_odds: f64) -> f64 {
        self.intercept + self.slope * log_odds
    }
}

/// Fits on log-odds and outcomes that the model was not trained on. With one class only nothing changes. `pull` false gives the plain
/// maximum-likelihood slope, which is the *calibration slope* that tells how wrong probabilities are (1 = right).
pub fn fit(log_odds: &[f64], labels: &[bool], pull: bool) -> Calibration {
    let hits = labels.iter().filter(|label| **label).count();
    if hits == 0 || hits == labels.len() {
        return Calibration::default();
    }
    let strength = if pull { PULL } else { 1e-9 };
    // Centred, so that intercept and slope hardly depend on each other and Newton's steps are safe.
    let centre = log_odds.iter().sum::<f64>() / log_odds.len() as f64;
    let (mut level, mut slope) = (centre, 1.0);
    for _ in 0..100 {
        let (mut g0, mut g1) = (strength * 0.2 * (level - centre), strength * (slope - 1.0));
        let (mut h00, mut h01, mut h11) = (strength * 0.2, 0.0, strength);
        for (score, label) in log_odds.iter().zip(labels) {
            let x = score - centre;
            let p = probability(level + slope * x);
            let (g, h) = (p - f64::from(u8::from(*label)), (p * (1.0 - p)).max(1e-12));
            g0 += g;
            g1 += g * x;
            h00 += h;
            h01 += h * x;
            h11 += h * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant <= 0.0 {
            break;
        }
        // Steps are bounded: separable data have no maximum and would run away.
        let d0 = ((h11 * g0 - h01 * g1) / determinant).clamp(-2.0, 2.0);
        let d1 = ((h00 * g1 - h01 * g0) / determinant).clamp(-0.5, 0.5);
        level -= d0;
        slope = (slope - d1).clamp(0.0, 50.0);
        if d0.abs() + d1.abs() < 1e-10 {
            break;
        }
    }
    Calibration {
        intercept: level - slope * centre,
        slope,
    }
}

/// What is added to log-odds so that their mean probability is `share`, strictly between 0 and 1; 0 without any. NaN = no score.
///
/// A model that is asked of other rows than it learnt from may err about all of them alike. How they rank stays.
pub fn level(log_odds: &[f64], share: f64) -> f64 {
    let known: Vec<f64> = log_odds
        .iter()
        .copied()
        .filter(|score| score.is_finite())
        .collect();
    if known.is_empty() || share.is_nan() || share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let n = known.len() as f64;
    let mean = |shift: f64| known.iter().map(|score| probability(score + shift)).sum::<f64>() / n;
    // The mean rises with the shift, which lies between what the greatest and the least score alone would ask for.
    let odds = (share / (1.0 - share)).ln();
    let least = known.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut low, mut high) = (odds - greatest, odds - least);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if mean(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_known_distortion_is_found_and_the_scores_settle() {
        let mut random = Random::new(8, 0);
        let scores: Vec<f64> = (0..40_000).map(|_| 4.0 * random.unit() - 2.0).collect();
        let labels: Vec<bool> = scores
            .iter()
            .map(|s| random.unit() < probability(0.5 * s - 0.7))
            .collect();
        let found = fit(&scores, &labels, true);
        assert!(
            (found.slope - 0.5).abs() < 0.04 && (found.intercept + 0.7).abs() < 0.04,
            "{found:?}"
        );
        let mended: Vec<f64> = scores.iter().map(|s| probability(found.apply(*s))).collect();
        let mean = mended.iter().sum::<f64>() / 40_000.0;
        let observed = labels.iter().filter(|l| **l).count() as f64 / 40_000.0;
        assert!((mean - observed).abs() < 1e-3);
    }

    #[test]
    fn a_level_moves_the_mean_and_nothing_else() {
        let scores = [-3.0, f64::NAN, -1.0, 0.5, 4.0];
        for share in [0.001, 0.04, 0.5, 0.97] {
            let shift = level(&scores, share);
            let known = scores.iter().filter(|score| !score.is_nan());
            let sum: f64 = known.map(|score| probability(score + shift)).sum();
            assert!((sum / 4.0 - share).abs() < 1e-9, "{share}");
        }
        assert_eq!((level(&[f64::NAN], 0.3), level(&scores, 0.0)), (0.0, 0.0));
        assert!(level(&[0.0, 0.0], 0.5).abs() < 1e-12);
    }

    #[test]
    fn few_outcomes_change_little_and_none_nothing() {
        let few = fit(&[-1.0, 0.0, 1.0, 2.0], &[false, false, true, true], true);
        assert!(few.slope < 1.6 && few.slope > 0.7, "{few:?}");
        assert_eq!(fit(&[1.0, 2.0], &[true, true], true), Calibration::default());
    }
}
