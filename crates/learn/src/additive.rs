//! Boosted stumps: each round cuts one column once, so that the sum is a step function per column (Lou, Caruana and Gehrke 2012).

use crate::binning::{Binned, WIDTH};
use crate::boost::derivative;
use crate::histogram::{self, Cell, Direction, Limits};
use crate::random::Random;

/// Settings of the additive rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Rounds.
    pub rounds: usize,
    /// What a round's values are multiplied by.
    pub rate: f64,
    /// Penalty on squared values.
    pub l2: f64,
    /// Fewest rows of a side; small tables take a tenth of their rows.
    pub min_rows: u32,
    /// Share of rows that a round sees.
    pub row_share: f64,
    /// Share of columns that a round sees.
    pub column_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rounds: 600,
            rate: 0.05,
            l2: 5.0,
            min_rows: 40,
            row_share: 0.5,
            column_share: 0.6,
        }
    }
}

/// What is learnt from: rows as bins with outcomes, and how.
pub(crate) struct Data<'a> {
    pub binned: &'a Binned,
    pub labels: &'a [bool],
    pub weights: Option<&'a [f64]>,
    /// Rows to learn from; the others are only scored.
    pub rows: &'a [u32],
    pub directions: &'a [Option<Direction>],
    pub seed: u64,
    pub threads: usize,
}

impl Data<'_> {
    pub fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }

    /// A sample of the rows to learn from with their derivatives at these scores.
    pub fn sample(&self, random: &mut Random, share: f64, scores: &[f64]) -> (Vec<u32>, Vec<[f64; 2]>) {
        let size = ((self.rows.len() as f64 * share).round() as usize).max(1);
        let rows: Vec<u32> = random
            .sample(self.rows.len(), size)
            .into_iter()
            .map(|at| self.rows[at as usize])
            .collect();
        let derivatives = rows
            .iter()
            .map(|row| {
                derivative(
                    scores[*row as usize],
                    self.labels[*row as usize],
                    self.weight(*row),
                )
            })
            .collect();
        (rows, derivatives)
    }
}

/// Boosts `columns` from `scores`, which it moves. Points per column of `data.binned` and bin, missing last. `watch` sees the scores after
/// each round.
pub(crate) fn fit(
    data: &Data<'_>,
    columns: &[u32],
    settings: &Settings,
    scores: &mut [f64],
    mut watch: impl FnMut(usize, &[f64]),
) -> Vec<Vec<f64>> {
    let binned = data.binned;
    let mut points: Vec<Vec<f64>> = binned
        .bins
        .iter()
        .map(|bins| vec![0.0; usize::from(*bins) + 1])
        .collect();
    let limits = Limits {
        l2: settings.l2,
        min_rows: crate::boost::min_rows(settings.min_rows, data.rows.len()),
    };
    let count = ((columns.len() as f64 * settings.column_share).ceil() as usize).max(1);
    for round in 0..settings.rounds {
        if columns.is_empty() {
            break;
        }
        let mut random = Random::new(data.seed, round as u64);
        let (rows, derivatives) = data.sample(&mut random, settings.row_share, scores);
        let chosen: Vec<u32> = random
            .sample(columns.len(), count)
            .into_iter()
            .map(|at| columns[at as usize])
            .collect();
        let cells = histogram::build(binned, &chosen, &rows, &derivatives, data.threads);
        let total = cells[..WIDTH]
            .iter()
            .fold(Cell::default(), |sum, cell| sum.plus(*cell));
        let mut best: Option<(usize, histogram::Cut)> = None;
        for (cells, column) in cells.chunks_exact(WIDTH).zip(&chosen) {
            let at = *column as usize;
            let free = (f64::NEG_INFINITY, f64::INFINITY);
            let cut = histogram::best(cells, binned.bins[at], total, limits, free, data.directions[at]);
            if let Some(cut) = cut
                && best.is_none_or(|(_, best)| cut.gain > best.gain)
            {
                best = Some((at, cut));
            }
        }
        if let Some((at, cut)) = best {
            let missing = binned.bins[at];
            let mut step = [0.0; WIDTH];
            for bin in 0..=missing {
                let left = bin <= cut.cut || (bin == missing && cut.missing_left);
                let value = settings.rate * if left { cut.left_value } else { cut.right_value };
                step[usize::from(bin)] = value;
                points[at][usize::from(bin)] += value;
            }
            for (score, bin) in scores.iter_mut().zip(&binned.columns[at]) {
                *score += step[usize::from(*bin) % WIDTH];
            }
        }
        watch(round + 1, scores);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boost::probability;

    /// Three columns: the first raises the outcome, the second lowers it beyond its middle, the third says nothing.
    fn data() -> (Binned, Vec<bool>) {
        let mut random = Random::new(1, 0);
        let n = 3_000;
        let columns: Vec<Vec<u8>> = (0..3)
            .map(|_| (0..n).map(|_| random.below(11) as u8).collect())
            .collect();
        let labels = (0..n)
            .map(|row| {
                let first = f64::from(columns[0][row]) * 0.3;
                random.unit() < probability(first - 2.0 - f64::from(u8::from(columns[1][row] > 5)))
            })
            .collect();
        (
            Binned {
                columns,
                bins: vec![10; 3],
                rows: n,
            },
            labels,
        )
    }

    #[test]
    fn points_are_the_scores_and_follow_the_truth() {
        let (binned, labels) = data();
        let rows: Vec<u32> = (0..3_000).collect();
        let data = Data {
            binned: &binned,
            labels: &labels,
            weights: None,
            rows: &rows,
            directions: &[Some(Direction::Rising), None, Some(Direction::Falling)],
            seed: 1,
            threads: 1,
        };
        let mut scores = vec![-1.0; 3_000];
        let points = fit(
            &data,
            &[0, 1, 2],
            &Settings {
                rounds: 200,
                ..Settings::default()
            },
            &mut scores,
            |_, _| {},
        );
        for row in 0..3_000 {
            let sum: f64 = (0..3)
                .map(|at| points[at][usize::from(binned.columns[at][row])])
                .sum();
            assert!((scores[row] - (sum - 1.0)).abs() < 1e-9);
        }
        // 10 is the missing bin, which no direction binds.
        assert!(points[0][..10].windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(points[2][..10].windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(points[0][9] - points[0][0] > 1.5);
        assert!(points[1][0] - points[1][9] > 0.6);
        assert!(points[2][0] - points[2][9] < 0.5);
    }
}
