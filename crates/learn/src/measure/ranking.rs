//! What a ranking is worth to a team that can call so many accounts and no more.

use serde::Serialize;

/// Rows in descending order of score.
fn descending(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_unstable_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
    order
}

/// Rows in order, in runs of equal score.
fn runs<'a>(order: &'a [u32], scores: &'a [f64]) -> impl Iterator<Item = &'a [u32]> {
    order.chunk_by(|a, b| scores[*a as usize] == scores[*b as usize])
}

/// Average precision, the area under the precision–recall curve by steps; equal scores are one step. Nothing without the outcome.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let all = labels.iter().filter(|label| **label).count() as f64;
    if all == 0.0 {
        return None;
    }
    let (mut seen, mut hits, mut area) = (0.0, 0.0, 0.0);
    for run in runs(&descending(scores), scores) {
        let new = run.iter().filter(|row| labels[**row as usize]).count() as f64;
        seen += run.len() as f64;
        hits += new;
        area += new / all * (hits / seen);
    }
    Some(area)
}

/// The top of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lift {
    /// Rows in the top.
    pub rows: f64,
    /// The outcome's share in the top ÷ its share in all.
    pub lift: f64,
    /// Share of all outcomes (or of their weight) that the top holds.
    pub capture: f64,
}

/// The top `count` rows by score. With `weights`, such as ARR, each outcome counts its weight and each row too. Of rows with equal
/// scores at the edge a part counts, so that their order does not matter. Nothing when there is no outcome, weight or row.
pub fn lift(scores: &[f64], labels: &[bool], weights: Option<&[f64]>, count: usize) -> Option<Lift> {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let everything: f64 = (0..labels.len()).map(weight).sum();
    let outcomes: f64 = (0..labels.len()).filter(|row| labels[*row]).map(weight).sum();
    if count == 0 || outcomes <= 0.0 || everything <= 0.0 {
        return None;
    }
    let mut left = count.min(labels.len()) as f64;
    let rows = left;
    let (mut held, mut hits) = (0.0, 0.0);
    for run in runs(&descending(scores), scores) {
        let part = (left / run.len() as f64).min(1.0);
        for row in run {
            held += part * weight(*row as usize);
            hits += if labels[*row as usize] {
                part * weight(*row as usize)
            } else {
                0.0
            };
        }
        left -= part * run.len() as f64;
        if left <= 0.0 {
            break;
        }
    }
    if held <= 0.0 {
        return None;
    }
    Some(Lift {
        rows,
        lift: hits / held / (outcomes / everything),
        capture: hits / outcomes,
    })
}

/// What a warning at a threshold is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// Rows at or above it.
    pub rows: usize,
    /// Share of them with the outcome; nothing when there are none.
    pub precision: Option<f64>,
    /// Share of the outcomes that are among them; nothing without outcomes.
    pub recall: Option<f64>,
}

/// Warnings at scores of `at` or more.
pub fn threshold(scores: &[f64], labels: &[bool], at: f64) -> Threshold {
    let rows = scores.iter().filter(|score| **score >= at).count();
    let hits = scores
        .iter()
        .zip(labels)
        .filter(|(score, label)| **score >= at && **label)
        .count();
    let all = labels.iter().filter(|label| **label).count();
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    Threshold {
        rows,
        precision: share(hits, rows),
        recall: share(hits, all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_ranking_by_hand() {
        let scores = [0.9, 0.8, 0.7, 0.6, 0.5];
        let labels = [true, false, true, false, false];
        // Steps at 1/1 and 2/3, each half of the outcomes.
        assert!((average_precision(&scores, &labels).unwrap() - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
        let top = lift(&scores, &labels, None, 2).unwrap();
        assert!((top.lift - 0.5 / 0.4).abs() < 1e-12 && (top.capture - 0.5).abs() < 1e-12);
        let money = lift(&scores, &labels, Some(&[10.0, 0.0, 30.0, 40.0, 20.0]), 2).unwrap();
        assert!((money.capture - 0.25).abs() < 1e-12 && (money.lift - 2.5).abs() < 1e-12);
        assert_eq!(
            threshold(&scores, &labels, 0.7),
            Threshold {
                rows: 3,
                precision: Some(2.0 / 3.0),
                recall: Some(1.0)
            }
        );
    }

    #[test]
    fn equal_scores_say_nothing_whatever_their_order() {
        let labels = [true, true, false, false, false, false];
        let scores = [1.0; 6];
        let top = lift(&scores, &labels, None, 3).unwrap();
        assert!((top.lift - 1.0).abs() < 1e-12 && (top.capture - 0.5).abs() < 1e-12);
        assert!((average_precision(&scores, &labels).unwrap() - 2.0 / 6.0).abs() < 1e-12);
    }
}
