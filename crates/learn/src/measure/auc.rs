//! The area under the ROC curve with DeLong's interval.
//!
//! AUC is the chance that a row with the outcome scores above one without it, ties counting half. Variances are those of DeLong, DeLong and
//! Clarke-Pearson 1988, by mid-ranks in O(n log n) (Sun and Xu 2014). They take rows as independent: where accounts repeat, use
//! [`crate::measure::bootstrap`].

use serde::Serialize;

use super::{Z95, ranks};

/// An AUC with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Auc {
    /// The area, 0.5 = no better than chance.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Variance of the area.
    #[serde(skip)]
    pub variance: f64,
}

/// The difference of two scores' AUC on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// First minus second.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Structural components: per positive row the share of negatives below it, per negative row the share of positives above it.
struct Components {
    value: f64,
    positive: Vec<f64>,
    negative: Vec<f64>,
}

fn components(scores: &[f64], labels: &[bool]) -> Option<Components> {
    let part = |wanted: bool| -> Vec<f64> {
        scores
            .iter()
            .zip(labels)
            .filter(|(_, label)| **label == wanted)
            .map(|(score, _)| *score)
            .collect()
    };
    let (hits, rest) = (part(true), part(false));
    if hits.is_empty() || rest.is_empty() {
        return None;
    }
    let (m, n) = (hits.len() as f64, rest.len() as f64);
    let all = ranks(scores);
    let (own_hits, own_rest) = (ranks(&hits), ranks(&rest));
    let whole = |wanted: bool| {
        all.iter()
            .zip(labels)
            .filter(move |(_, label)| **label == wanted)
            .map(|(rank, _)| *rank)
    };
    let positive: Vec<f64> = whole(true)
        .zip(&own_hits)
        .map(|(all, own)| (all - own) / n)
        .collect();
    let negative: Vec<f64> = whole(false)
        .zip(&own_rest)
        .map(|(all, own)| 1.0 - (all - own) / m)
        .collect();
    let value = positive.iter().sum::<f64>() / m;
    Some(Components {
        value,
        positive,
        negative,
    })
}

fn covariance(a: &[f64], a_mean: f64, b: &[f64], b_mean: f64) -> f64 {
    if a.len() < 2 {
        return 0.0;
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - a_mean) * (b - b_mean))
        .sum::<f64>()
        / (a.len() - 1) as f64
}

fn joint(a: &Components, b: &Components) -> f64 {
    covariance(&a.positive, a.value, &b.positive, b.value) / a.positive.len() as f64
        + covariance(&a.negative, a.value, &b.negative, b.value) / a.negative.len() as f64
}

/// The AUC of a score; nothing when there is one class only.
pub fn auc(scores: &[f64], labels: &[bool]) -> Option<Auc> {
    let parts = components(scores, labels)?;
    let variance = joint(&parts, &parts);
    let half = Z95 * variance.max(0.0).sqrt();
    Some(Auc {
        value: parts.value,
        low: (parts.value - half).max(0.0),
        high: (parts.value + half).min(1.0),
        variance,
    })
}

/// AUC of `first` minus AUC of `second`, paired on the same rows; nothing when there is one class only.
pub fn compare(first: &[f64], second: &[f64], labels: &[bool]) -> Option<Difference> {
    let (a, b) = (components(first, labels)?, components(second, labels)?);
    let variance = joint(&a, &a) + joint(&b, &b) - 2.0 * joint(&a, &b);
    let half = Z95 * variance.max(0.0).sqrt();
    let value = a.value - b.value;
    Some(Difference {
        value,
        low: value - half,
        high: value + half,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wins(x: f64, y: f64) -> f64 {
        if x > y {
            1.0
        } else if x == y {
            0.5
        } else {
            0.0
        }
    }

    fn split(scores: &[f64], labels: &[bool]) -> (Vec<f64>, Vec<f64>) {
        let part = |wanted| {
            scores
                .iter()
                .zip(labels)
                .filter(|(_, l)| **l == wanted)
                .map(|(s, _)| *s)
                .collect::<Vec<_>>()
        };
        (part(true), part(false))
    }

    /// Every pair compared, as the paper defines it.
    fn naive(first: &[f64], second: &[f64], labels: &[bool]) -> (f64, f64, f64) {
        let of = |scores: &[f64]| {
            let (hits, rest) = split(scores, labels);
            let v10: Vec<f64> = hits
                .iter()
                .map(|x| rest.iter().map(|y| wins(*x, *y)).sum::<f64>() / rest.len() as f64)
                .collect();
            let v01: Vec<f64> = rest
                .iter()
                .map(|y| hits.iter().map(|x| wins(*x, *y)).sum::<f64>() / hits.len() as f64)
                .collect();
            (v10.iter().sum::<f64>() / v10.len() as f64, v10, v01)
        };
        let (a, b) = (of(first), of(second));
        let cov = |x: &[f64], xm: f64, y: &[f64], ym: f64| {
            let sum: f64 = (0..x.len()).map(|i| (x[i] - xm) * (y[i] - ym)).sum();
            if x.len() < 2 {
                0.0
            } else {
                sum / (x.len() - 1) as f64 / x.len() as f64
            }
        };
        (a.0, b.0, cov(&a.1, a.0, &b.1, b.0) + cov(&a.2, a.0, &b.2, b.0))
    }

    proptest! {
        #[test]
        fn ranks_give_what_comparing_all_pairs_gives(
            rows in prop::collection::vec((0i32..12, 0i32..12, any::<bool>()), 4..80)
        ) {
            let first: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let second: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            let labels: Vec<bool> = rows.iter().map(|row| row.2).collect();
            let Some(found) = auc(&first, &labels) else {
                prop_assert!(labels.iter().all(|label| *label == labels[0]));
                return Ok(());
            };
            let (a, b, joint) = naive(&first, &second, &labels);
            let (_, _, own) = naive(&first, &first, &labels);
            let (_, _, other) = naive(&second, &second, &labels);
            prop_assert!((found.value - a).abs() < 1e-9);
            prop_assert!((found.variance - own).abs() < 1e-9);
            let difference = compare(&first, &second, &labels).unwrap();
            prop_assert!((difference.value - (a - b)).abs() < 1e-9);
            let half = Z95 * (own + other - 2.0 * joint).max(0.0).sqrt();
            // The root of a variance near nothing magnifies what is lost in the last digits.
            prop_assert!((difference.high - difference.value - half).abs() < 1e-6);
        }
    }

    #[test]
    fn one_class_has_no_auc() {
        assert_eq!(auc(&[1.0, 2.0], &[true, true]), None);
    }
}
