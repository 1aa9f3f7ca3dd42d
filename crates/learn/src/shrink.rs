//! How much of the hand-set score counts: `log-odds = a + b·(hand-set) + …`.
//!
//! `b` is fitted by maximum likelihood with a weak pull to nothing. A hand-set score rises with health, so `b` is never above 0: one that
//! ranks the wrong way round counts nothing.

use crate::error::Result;
use crate::logistic::{Problem, newton};

/// Penalty on `b` for a hand-set score of unit variance.
const PULL: f64 = 1.0;

/// Intercept and weight per point of a centred hand-set score, given what is fixed already.
pub(crate) fn hand_weight(
    hand: &[f64],
    fixed: &[f64],
    labels: &[bool],
    weights: Option<&[f64]>,
    rows: &[u32],
) -> Result<(f64, f64)> {
    let take = |values: &[f64]| rows.iter().map(|row| values[*row as usize]).collect::<Vec<f64>>();
    let values = take(hand);
    let n = values.len().max(1) as f64;
    let scale = (values.iter().map(|value| value * value).sum::<f64>() / n).sqrt();
    let scale = if scale > 1e-12 { scale } else { 1.0 };
    let design: Vec<f64> = values.iter().map(|value| value / scale).collect();
    let labels: Vec<bool> = rows.iter().map(|row| labels[*row as usize]).collect();
    let offset = take(fixed);
    let weights = weights.map(take);
    let fit = |penalty: f64| {
        newton(&Problem {
            design: &design,
            width: 1,
            labels: &labels,
            offset: Some(&offset),
            weights: weights.as_deref(),
            penalty: &[penalty],
        })
    };
    let (intercept, weight) = fit(PULL)?;
    if weight[0] <= 0.0 {
        return Ok((intercept, weight[0] / scale));
    }
    let (intercept, _) = fit(1e12)?;
    Ok((intercept, 0.0))
}

/// The part of its weight that a hand-set score keeps beside learnt points: all of it without evidence, half with `worth` outcomes, hardly
/// any with many. What it said and the rows confirm is then in the points.
pub(crate) fn faith(outcomes: usize, worth: f64) -> f64 {
    worth / (worth + outcomes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boost::probability;
    use crate::random::Random;

    #[test]
    fn a_good_score_counts_and_one_that_ranks_the_wrong_way_does_not() {
        let mut random = Random::new(3, 0);
        let hand: Vec<f64> = (0..2_000).map(|_| 100.0 * random.unit() - 50.0).collect();
        let labels: Vec<bool> = hand
            .iter()
            .map(|h| random.unit() < probability(-1.0 - 0.04 * h))
            .collect();
        let rows: Vec<u32> = (0..2_000).collect();
        let (a, b) = hand_weight(&hand, &vec![0.0; 2_000], &labels, None, &rows).unwrap();
        assert!((b + 0.04).abs() < 0.01 && (a + 1.0).abs() < 0.2, "{a} {b}");
        let turned: Vec<f64> = hand.iter().map(|h| -h).collect();
        assert_eq!(
            hand_weight(&turned, &vec![0.0; 2_000], &labels, None, &rows)
                .unwrap()
                .1,
            0.0
        );
    }
}
