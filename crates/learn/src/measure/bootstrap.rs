//! Intervals where accounts repeat: whole accounts are drawn again and again, with all their rows.
//!
//! The percentile bootstrap of Efron 1979 over clusters. Scores are put in order once; a draw is then one pass with weights.

use serde::Serialize;

use crate::random::Random;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// On the rows as they are.
    pub value: f64,
    /// The 2.5 % point of the draws.
    pub low: f64,
    /// The 97.5 % point.
    pub high: f64,
}

/// Rows with outcomes and groups, of which whole groups are drawn.
pub struct Bootstrap<'a> {
    labels: &'a [bool],
    groups: Vec<u32>,
    count: usize,
    draws: usize,
    seed: u64,
}

/// A score's rows in descending order, cut where the score changes.
struct Ordered {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

impl Ordered {
    fn new(scores: &[f64]) -> Self {
        let mut rows: Vec<u32> = (0..scores.len() as u32).collect();
        rows.sort_unstable_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
        let ends = (1..=rows.len())
            .filter(|end| {
                *end == rows.len() || scores[rows[*end] as usize] != scores[rows[*end - 1] as usize]
            })
            .map(|end| end as u32)
            .collect();
        Self { rows, ends }
    }

    /// The AUC when row `r` counts `weights[groups[r]]` times.
    fn auc(&self, labels: &[bool], groups: &[u32], weights: &[f64]) -> Option<f64> {
        let (mut hits, mut rest, mut area) = (0.0, 0.0, 0.0);
        let mut start = 0;
        for end in &self.ends {
            let (mut tie_hits, mut tie_rest) = (0.0, 0.0);
            for row in &self.rows[start..*end as usize] {
                let weight = weights[groups[*row as usize] as usize];
                if labels[*row as usize] {
                    tie_hits += weight;
                } else {
                    tie_rest += weight;
                }
            }
            area += tie_rest * (hits + tie_hits / 2.0);
            hits += tie_hits;
            rest += tie_rest;
            start = *end as usize;
        }
        (hits > 0.0 && rest > 0.0).then(|| area / (hits * rest))
    }
}

impl<'a> Bootstrap<'a> {
    /// Rows with their outcomes and groups (any numbers; equal ones belong together), `draws` draws under `seed`.
    pub fn new(labels: &'a [bool], groups: &[u64], draws: usize, seed: u64) -> Self {
        let mut known = std::collections::HashMap::new();
        let groups: Vec<u32> = groups
            .iter()
            .map(|group| {
                let next = known.len() as u32;
                *known.entry(*group).or_insert(next)
            })
            .collect();
        Self {
            labels,
            groups,
            count: known.len(),
            draws,
            seed,
        }
    }

    fn weights(&self, draw: usize) -> Vec<f64> {
        let mut random = Random::new(self.seed, draw as u64);
        let mut weights = vec![0.0; self.count];
        for _ in 0..self.count {
            weights[random.below(self.count)] += 1.0;
        }
        weights
    }

    /// The interval of a figure of several scores' AUC. Draws with one class only are left out; nothing when all are.
    pub fn of(&self, scores: &[&[f64]], figure: impl Fn(&[f64]) -> f64) -> Option<Interval> {
        if scores.iter().any(|scores| scores.len() != self.labels.len())
            || self.groups.len() != self.labels.len()
        {
            return None;
        }
        let ordered: Vec<Ordered> = scores.iter().map(|scores| Ordered::new(scores)).collect();
        let under = |weights: &[f64]| -> Option<f64> {
            let areas: Option<Vec<f64>> = ordered
                .iter()
                .map(|scores| scores.auc(self.labels, &self.groups, weights))
                .collect();
            areas.map(|areas| figure(&areas))
        };
        let value = under(&vec![1.0; self.count])?;
        let mut draws: Vec<f64> = (0..self.draws)
            .filter_map(|draw| under(&self.weights(draw)))
            .filter(|value| !value.is_nan())
            .collect();
        draws.sort_unstable_by(f64::total_cmp);
        Some(Interval {
            value,
            low: quantile(&draws, 0.025)?,
            high: quantile(&draws, 0.975)?,
        })
    }

    /// AUC of a score.
    pub fn auc(&self, scores: &[f64]) -> Option<Interval> {
        self.of(&[scores], |areas| areas[0])
    }

    /// AUC of the first minus that of the second, on the same draws.
    pub fn difference(&self, first: &[f64], second: &[f64]) -> Option<Interval> {
        self.of(&[first, second], |areas| areas[0] - areas[1])
    }

    /// Skill of the first over that of the second, skill being 2·AUC − 1.
    pub fn skill_ratio(&self, first: &[f64], second: &[f64]) -> Option<Interval> {
        self.of(&[first, second], |areas| {
            (2.0 * areas[0] - 1.0) / (2.0 * areas[1] - 1.0)
        })
    }
}

/// The `share` point of ascending values, interpolated (Hyndman and Fan 1996, type 7).
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(last);
    Some(sorted[low] + (at - low as f64) * (sorted[high] - sorted[low]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::auc;

    #[test]
    fn a_draw_is_the_auc_of_the_rows_written_out() {
        let mut random = Random::new(2, 0);
        let n = 60;
        let scores: Vec<f64> = (0..n).map(|_| random.below(15) as f64).collect();
        let labels: Vec<bool> = (0..n).map(|_| random.unit() < 0.4).collect();
        let groups: Vec<u64> = (0..n).map(|at| at / 4).collect();
        let bootstrap = Bootstrap::new(&labels, &groups, 20, 9);
        let ordered = Ordered::new(&scores);
        for draw in 0..20 {
            let weights = bootstrap.weights(draw);
            let (mut long_scores, mut long_labels) = (Vec::new(), Vec::new());
            for row in 0..n as usize {
                for _ in 0..weights[bootstrap.groups[row] as usize] as usize {
                    long_scores.push(scores[row]);
                    long_labels.push(labels[row]);
                }
            }
            let naive = auc(&long_scores, &long_labels).unwrap().value;
            assert!((ordered.auc(&labels, &bootstrap.groups, &weights).unwrap() - naive).abs() < 1e-9);
        }
    }

    #[test]
    fn repeated_rows_do_not_make_a_figure_surer() {
        let mut random = Random::new(4, 0);
        let labels: Vec<bool> = (0..100).map(|_| random.unit() < 0.4).collect();
        let scores: Vec<f64> = labels
            .iter()
            .map(|l| random.unit() + 0.3 * f64::from(u8::from(*l)))
            .collect();
        let width = |times: usize| {
            let labels = labels.repeat(times);
            let groups: Vec<u64> = (0..100).collect::<Vec<_>>().repeat(times);
            let interval = Bootstrap::new(&labels, &groups, 300, 1)
                .auc(&scores.repeat(times))
                .unwrap();
            interval.high - interval.low
        };
        assert!((width(1) - width(5)).abs() < 1e-9);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
