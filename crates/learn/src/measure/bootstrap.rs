//! Intervals where accounts repeat: whole accounts are drawn again and again, with all their rows.
//!
//! The percentile bootstrap of Efron 1979 over clusters. Scores are put in order once; one pass over them then counts 64 draws side by side,
//! with whole numbers, so that nothing is rounded before the area itself.

use serde::Serialize;

use crate::random::Random;
use crate::threads;

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

/// Draws that are worked on side by side: a group's weights in them lie in one line of the processor's cache.
const LANES: usize = 64;
/// Weights that are added up in 16 bits before a sum could be full.
const RUN: usize = 256;

/// Draws of whole groups: how often each group counts in each draw. They are made once and hold for every score.
pub struct Draws {
    count: usize,
    draws: usize,
    /// By block of [`LANES`] draws, the weights of each group.
    blocks: Vec<Vec<[u8; LANES]>>,
}

impl Draws {
    /// `draws` draws of `count` groups under `seed`; the same on any number of threads.
    pub fn new(count: usize, draws: usize, seed: u64, threads: usize) -> Self {
        let blocks = threads::map(threads, draws.div_ceil(LANES), |block| {
            let mut weights = vec![[0u8; LANES]; count];
            for draw in block * LANES..draws.min((block + 1) * LANES) {
                let mut random = Random::new(seed, draw as u64);
                for _ in 0..count {
                    let weight = &mut weights[random.below(count)][draw % LANES];
                    // A group that is drawn more than 255 times is not met within the age of the universe.
                    *weight = weight.saturating_add(1);
                }
            }
            weights
        });
        Self { count, draws, blocks }
    }

    /// The AUC on the rows as they are and in every draw; nothing when the rows are of one class, or of groups that were not drawn.
    pub fn areas(&self, ranked: &Ranked) -> Option<Areas> {
        let value = ranked.auc()?;
        if ranked.rows.iter().any(|row| (row >> 1) as usize >= self.count) {
            return None;
        }
        let mut draws: Vec<f64> = self
            .blocks
            .iter()
            .flat_map(|weights| ranked.auc_of_draws(weights))
            .collect();
        draws.truncate(self.draws);
        Some(Areas { value, draws })
    }
}

/// The AUC of a score, on the rows as they are and in each draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Areas {
    /// On the rows as they are.
    pub value: f64,
    /// By draw; NaN where only one class was drawn.
    pub draws: Vec<f64>,
}

impl Areas {
    /// The interval of a figure of several scores' AUC under the same draws. Draws in which it is not a number are left out; nothing when all are.
    pub fn interval(of: &[&Areas], figure: impl Fn(&[f64]) -> f64) -> Option<Interval> {
        let values: Vec<f64> = of.iter().map(|areas| areas.value).collect();
        let count = of.iter().map(|areas| areas.draws.len()).min()?;
        let mut found: Vec<f64> = (0..count)
            .map(|draw| {
                let drawn: Vec<f64> = of.iter().map(|areas| areas.draws[draw]).collect();
                if drawn.iter().any(|area| area.is_nan()) {
                    f64::NAN
                } else {
                    figure(&drawn)
                }
            })
            .filter(|value| !value.is_nan())
            .collect();
        found.sort_unstable_by(f64::total_cmp);
        Some(Interval {
            value: figure(&values),
            low: quantile(&found, 0.025)?,
            high: quantile(&found, 0.975)?,
        })
    }
}

/// Skill of the first over that of the second, skill being 2·AUC − 1.
pub fn ratio_of_skills(areas: &[f64]) -> f64 {
    (2.0 * areas[0] - 1.0) / (2.0 * areas[1] - 1.0)
}

/// A score's rows in ascending order, each as its group and whether the outcome came, cut where that matters: around equal scores that hold
/// rows with the outcome. Whatever lies between two such is one piece.
#[derive(Clone, Debug, Default)]
pub struct Ranked {
    /// Group · 2 + outcome.
    rows: Vec<u32>,
    /// Ends of pieces; those with rows with the outcome hold equal scores.
    ends: Vec<u32>,
}

impl Ranked {
    /// Rows in ascending order of score, as score, group and outcome.
    pub fn ascending(rows: impl Iterator<Item = (f64, u32, bool)>) -> Self {
        let mut ranked = Self::default();
        let (mut tie, mut start, mut hit, mut after_hit) = (f64::NAN, 0, false, true);
        for (score, group, label) in rows {
            if score != tie {
                ranked.close(&mut start, hit, &mut after_hit);
                (tie, hit) = (score, false);
            }
            hit |= label;
            ranked.rows.push(group << 1 | u32::from(label));
        }
        ranked.close(&mut start, hit, &mut after_hit);
        ranked
    }

    /// Ends the piece of equal scores that began at `start`; without the outcome it is one with such a piece before it.
    fn close(&mut self, start: &mut usize, hit: bool, after_hit: &mut bool) {
        let end = self.rows.len();
        if end == *start {
            return;
        }
        if hit || *after_hit {
            self.ends.push(end as u32);
        } else if let Some(last) = self.ends.last_mut() {
            *last = end as u32;
        }
        (*start, *after_hit) = (end, hit);
    }

    /// The rows of a score that is in no order.
    fn new(scores: &[f64], labels: &[bool], groups: &[u32]) -> Self {
        let mut order: Vec<(f64, u32)> = scores.iter().copied().zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self::ascending(
            order
                .into_iter()
                .map(|(score, row)| (score, groups[row as usize], labels[row as usize])),
        )
    }

    fn pieces(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.rows[start as usize..*end as usize])
    }

    /// The AUC on the rows as they are; nothing with one class.
    pub fn auc(&self) -> Option<f64> {
        let (mut below, mut hits, mut area) = (0u64, 0u64, 0u128);
        for piece in self.pieces() {
            let came = piece.iter().map(|row| u64::from(row & 1)).sum::<u64>();
            let rest = piece.len() as u64 - came;
            area += u128::from(came) * u128::from(2 * below + rest);
            below += rest;
            hits += came;
        }
        (hits > 0 && below > 0).then(|| area as f64 / 2.0 / (hits as f64 * below as f64))
    }

    /// The AUC of [`LANES`] draws, by lane.
    fn auc_of_draws(&self, weights: &[[u8; LANES]]) -> [f64; LANES] {
        if self.ends.len() < 2 {
            return self.auc_of_equals(weights);
        }
        let (mut below, mut hits, mut area) = ([0u32; LANES], [0u32; LANES], [0u64; LANES]);
        for piece in self.pieces() {
            let (mut rest, mut came) = ([0u32; LANES], [0u32; LANES]);
            let mut any = false;
            for run in piece.chunks(RUN) {
                let mut sums = [0u16; LANES];
                for row in run {
                    let own = &weights[(row >> 1) as usize];
                    if row & 1 == 0 {
                        for (sum, weight) in sums.iter_mut().zip(own) {
                            *sum += u16::from(*weight);
                        }
                    } else {
                        any = true;
                        for (sum, weight) in came.iter_mut().zip(own) {
                            *sum += u32::from(*weight);
                        }
                    }
                }
                for (sum, more) in rest.iter_mut().zip(&sums) {
                    *sum += u32::from(*more);
                }
            }
            if any {
                for lane in 0..LANES {
                    area[lane] += u64::from(came[lane]) * u64::from(2 * below[lane] + rest[lane]);
                    hits[lane] += came[lane];
                }
            }
            for (sum, more) in below.iter_mut().zip(&rest) {
                *sum += *more;
            }
        }
        std::array::from_fn(|lane| {
            let pairs = f64::from(hits[lane]) * f64::from(below[lane]);
            if pairs > 0.0 {
                area[lane] as f64 / 2.0 / pairs
            } else {
                f64::NAN
            }
        })
    }
}

impl Ranked {
    /// As [`Ranked::auc_of_draws`], of scores that are all equal: one half wherever both classes were drawn.
    fn auc_of_equals(&self, weights: &[[u8; LANES]]) -> [f64; LANES] {
        let mut drawn = [[false; LANES]; 2];
        for row in &self.rows {
            let class = &mut drawn[(row & 1) as usize];
            for (drawn, weight) in class.iter_mut().zip(&weights[(row >> 1) as usize]) {
                *drawn |= *weight > 0;
            }
            if drawn.as_flattened().iter().all(|drawn| *drawn) {
                break;
            }
        }
        std::array::from_fn(|lane| {
            if drawn[0][lane] && drawn[1][lane] {
                0.5
            } else {
                f64::NAN
            }
        })
    }
}

/// Rows with outcomes and groups, of which whole groups are drawn.
pub struct Bootstrap<'a> {
    labels: &'a [bool],
    groups: Vec<u32>,
    draws: Draws,
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
            draws: Draws::new(known.len(), draws, seed, 1),
        }
    }

    /// The interval of a figure of several scores' AUC. Draws with one class only are left out; nothing when all are.
    pub fn of(&self, scores: &[&[f64]], figure: impl Fn(&[f64]) -> f64) -> Option<Interval> {
        if scores.iter().any(|scores| scores.len() != self.labels.len())
            || self.groups.len() != self.labels.len()
        {
            return None;
        }
        let areas: Vec<Areas> = scores
            .iter()
            .map(|scores| self.draws.areas(&Ranked::new(scores, self.labels, &self.groups)))
            .collect::<Option<_>>()?;
        Areas::interval(&areas.iter().collect::<Vec<_>>(), figure)
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
        self.of(&[first, second], ratio_of_skills)
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
        // Few and many equal scores, and so many rows without the outcome between two with it that sums are moved on.
        for (n, values, share) in [
            (60usize, 15, 0.4),
            (60, 2, 0.4),
            (3_000, 1_000_000, 0.002),
            (1_500, 1, 0.01),
        ] {
            let scores: Vec<f64> = (0..n).map(|_| random.below(values) as f64 - 3.0).collect();
            let labels: Vec<bool> = (0..n).map(|at| at == 1 || random.unit() < share).collect();
            let groups: Vec<u32> = (0..n as u32).map(|at| at / 4).collect();
            let count = n.div_ceil(4);
            let draws = Draws::new(count, 70, 9, 2);
            let areas = draws.areas(&Ranked::new(&scores, &labels, &groups)).unwrap();
            assert!((areas.value - auc(&scores, &labels).unwrap().value).abs() < 1e-12);
            assert_eq!(areas.draws.len(), 70);
            for (draw, found) in areas.draws.iter().enumerate() {
                // The draw anew, from its stream.
                let mut stream = Random::new(9, draw as u64);
                let mut times = vec![0; count];
                for _ in 0..count {
                    times[stream.below(count)] += 1;
                }
                let (mut long_scores, mut long_labels) = (Vec::new(), Vec::new());
                for row in 0..n {
                    for _ in 0..times[groups[row] as usize] {
                        long_scores.push(scores[row]);
                        long_labels.push(labels[row]);
                    }
                }
                match auc(&long_scores, &long_labels) {
                    Some(naive) => assert!((found - naive.value).abs() < 1e-9, "{n} {draw}"),
                    None => assert!(found.is_nan(), "{n} {draw}"),
                }
            }
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
