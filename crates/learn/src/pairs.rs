//! Pairs of measures whose effect together is more than the sum of their own: found on what the additive points leave over, learnt by
//! rounds of two cuts, one of each measure, and freed of everything that belongs to one measure alone.
//!
//! Screening is that of GA2M (Lou, Caruana, Gehrke and Hooker 2013, FAST): for every pair the best crossing of two cuts, from sums per
//! coarse cell. Freeing is the functional ANOVA by weighted means (Lengerich et al. 2020).

use crate::additive::Data;
use crate::histogram::{Cell, Direction};
use crate::points::Pair;
use crate::random::Random;
use crate::threads;

/// Coarse bins of a measure in a pair, without the missing one: few enough to read as a table.
const COARSE: usize = 8;

/// Width of a pair's sums: coarse bins and the missing one.
const SIDE: usize = COARSE + 1;

/// Settings of the pair rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Most pairs.
    pub most: usize,
    /// Most measures whose pairs are tried: those with the most weight.
    pub measures: usize,
    /// Rounds.
    pub rounds: usize,
    /// What a round's values are multiplied by.
    pub rate: f64,
    /// Penalty on squared values.
    pub l2: f64,
    /// Fewest rows of a quarter.
    pub min_rows: u32,
    /// Share of rows that a round sees.
    pub row_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most: 12,
            measures: 40,
            rounds: 150,
            rate: 0.05,
            l2: 5.0,
            min_rows: 40,
            row_share: 0.8,
        }
    }
}

/// Columns in coarse bins of about equal count.
pub(crate) struct Coarse {
    /// Per column: coarse bin per bin, missing last.
    pub maps: Vec<Vec<u8>>,
    /// Per column, per row.
    pub columns: Vec<Vec<u8>>,
    /// Coarse bins per column without the missing one.
    bins: Vec<u8>,
}

impl Coarse {
    /// Of the columns in `wanted`; the others stay empty.
    pub fn new(data: &Data<'_>, wanted: &[u32]) -> Self {
        let width = data.binned.columns.len();
        let mut all = Self {
            maps: vec![Vec::new(); width],
            columns: vec![Vec::new(); width],
            bins: vec![0; width],
        };
        let made = threads::map(data.threads, wanted.len(), |at| {
            let column = wanted[at] as usize;
            let bins = &data.binned.columns[column];
            let map = coarse_map(data, column);
            let rows: Vec<u8> = bins.iter().map(|bin| map[usize::from(*bin)]).collect();
            (map, rows)
        });
        for (column, (map, rows)) in wanted.iter().zip(made) {
            let column = *column as usize;
            all.bins[column] = map.last().copied().unwrap_or(0);
            all.maps[column] = map;
            all.columns[column] = rows;
        }
        all
    }
}

fn coarse_map(data: &Data<'_>, column: usize) -> Vec<u8> {
    let bins = usize::from(data.binned.bins[column]);
    let mut counts = vec![0usize; bins + 1];
    data.rows
        .iter()
        .for_each(|row| counts[usize::from(data.binned.columns[column][*row as usize])] += 1);
    let known: usize = counts[..bins].iter().sum();
    let mut map = vec![0u8; bins + 1];
    let (mut coarse, mut held, mut left) = (0usize, 0usize, known);
    for bin in 0..bins {
        map[bin] = coarse as u8;
        held += counts[bin];
        let share = left as f64 / (COARSE - coarse) as f64;
        if bin + 1 < bins && coarse + 1 < COARSE && held as f64 >= share {
            coarse += 1;
            left -= held;
            held = 0;
        }
    }
    map[bins] = if bins == 0 { 0 } else { coarse as u8 + 1 };
    map
}

/// Sums per cell of a pair.
type Cells = [Cell; SIDE * SIDE];

fn sums(coarse: &Coarse, pair: [u32; 2], rows: &[u32], derivatives: &[[f64; 2]]) -> Cells {
    let mut cells = [Cell::default(); SIDE * SIDE];
    let (a, b) = (
        &coarse.columns[pair[0] as usize],
        &coarse.columns[pair[1] as usize],
    );
    for (row, [gradient, hessian]) in rows.iter().zip(derivatives) {
        let cell = &mut cells[usize::from(a[*row as usize]) * SIDE + usize::from(b[*row as usize])];
        cell.gradient += gradient;
        cell.hessian += hessian;
        cell.rows += 1;
    }
    cells
}

/// A crossing of two cuts: values of the quarters (low low, low high, high low, high high).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Crossing {
    cuts: [u8; 2],
    values: [f64; 4],
    /// What it saves, times two.
    gain: f64,
    /// What it saves beyond the better of its two cuts alone.
    beyond: f64,
}

/// The best crossing among rows that know both measures. Those that do not get nothing from a pair.
fn best(
    cells: &Cells,
    bins: [u8; 2],
    directions: [Option<Direction>; 2],
    l2: f64,
    min_rows: u32,
) -> Option<Crossing> {
    let (na, nb) = (usize::from(bins[0]), usize::from(bins[1]));
    // Sums of all cells below and left of each corner.
    let mut below = [Cell::default(); (COARSE + 1) * (COARSE + 1)];
    let at = |i: usize, j: usize| i * (COARSE + 1) + j;
    for i in 0..na {
        let mut row = Cell::default();
        for j in 0..nb {
            row = row.plus(cells[i * SIDE + j]);
            below[at(i + 1, j + 1)] = below[at(i, j + 1)].plus(row);
        }
    }
    let all = below[at(na, nb)];
    let worth = |cell: Cell| cell.gradient * cell.gradient / (cell.hessian + l2);
    let mut found: Option<Crossing> = None;
    for i in 1..na {
        for j in 1..nb {
            let ll = below[at(i, j)];
            let lh = below[at(i, nb)].minus(ll);
            let hl = below[at(na, j)].minus(ll);
            let hh = all.minus(below[at(i, nb)]).minus(hl);
            let quarters = [ll, lh, hl, hh];
            if quarters.iter().any(|cell| cell.rows < min_rows) {
                continue;
            }
            let values = quarters.map(|cell| -cell.gradient / (cell.hessian + l2));
            let [a, b, c, d] = values;
            let ordered = |direction, low: [f64; 2], high: [f64; 2]| match direction {
                Some(Direction::Rising) => low[0] <= high[0] && low[1] <= high[1],
                Some(Direction::Falling) => low[0] >= high[0] && low[1] >= high[1],
                None => true,
            };
            if !ordered(directions[0], [a, b], [c, d]) || !ordered(directions[1], [a, c], [b, d]) {
                continue;
            }
            let four: f64 = quarters.into_iter().map(worth).sum();
            let first = worth(below[at(i, nb)]) + worth(all.minus(below[at(i, nb)]));
            let second = worth(below[at(na, j)]) + worth(all.minus(below[at(na, j)]));
            let (gain, beyond) = (four - worth(all), four - first.max(second));
            if gain > 1e-12 && found.is_none_or(|best| gain > best.gain) {
                found = Some(Crossing {
                    cuts: [i as u8 - 1, j as u8 - 1],
                    values,
                    gain,
                    beyond,
                });
            }
        }
    }
    found
}

/// The pairs that promise most beyond the scores so far.
pub(crate) fn screen(
    data: &Data<'_>,
    coarse: &Coarse,
    columns: &[u32],
    scores: &[f64],
    settings: &Settings,
) -> Vec<[u32; 2]> {
    let all: Vec<[u32; 2]> = columns
        .iter()
        .enumerate()
        .flat_map(|(at, a)| columns[at + 1..].iter().map(move |b| [*a.min(b), *a.max(b)]))
        .collect();
    let (rows, derivatives) = data.sample(&mut Random::new(data.seed, u64::MAX), 1.0, scores);
    let mut found: Vec<(f64, [u32; 2])> = threads::map(data.threads, all.len(), |at| {
        let pair = all[at];
        let cells = sums(coarse, pair, &rows, &derivatives);
        let crossing = crossing(data, coarse, pair, &cells, settings);
        (crossing.map_or(0.0, |crossing| crossing.beyond), pair)
    });
    found.retain(|(gain, _)| *gain > 0.0);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(settings.most);
    found.into_iter().map(|(_, pair)| pair).collect()
}

fn crossing(
    data: &Data<'_>,
    coarse: &Coarse,
    pair: [u32; 2],
    cells: &Cells,
    settings: &Settings,
) -> Option<Crossing> {
    let [a, b] = pair.map(|at| at as usize);
    best(
        cells,
        [coarse.bins[a], coarse.bins[b]],
        [data.directions[a], data.directions[b]],
        settings.l2,
        crate::boost::min_rows(settings.min_rows, data.rows.len()),
    )
}

/// Boosts crossings of `pairs` from `scores`, which it moves. Points per pair and coarse cell, missing last of each side.
pub(crate) fn fit(
    data: &Data<'_>,
    coarse: &Coarse,
    pairs: &[[u32; 2]],
    settings: &Settings,
    scores: &mut [f64],
    mut watch: impl FnMut(usize, &[f64]),
) -> Vec<Vec<Vec<f64>>> {
    let sizes = |pair: &[u32; 2]| pair.map(|at| usize::from(coarse.bins[at as usize]) + 1);
    let mut points: Vec<Vec<Vec<f64>>> = pairs
        .iter()
        .map(|pair| vec![vec![0.0; sizes(pair)[1]]; sizes(pair)[0]])
        .collect();
    for round in 0..settings.rounds {
        if pairs.is_empty() {
            break;
        }
        let mut random = Random::new(data.seed.wrapping_add(1), round as u64);
        let (rows, derivatives) = data.sample(&mut random, settings.row_share, scores);
        let threads = if rows.len() * pairs.len() < 200_000 {
            1
        } else {
            data.threads
        };
        let found = threads::map(threads, pairs.len(), |at| {
            crossing(
                data,
                coarse,
                pairs[at],
                &sums(coarse, pairs[at], &rows, &derivatives),
                settings,
            )
        });
        let gain = |at: usize| found[at].map_or(0.0, |crossing| crossing.gain);
        let best = (0..pairs.len()).reduce(|a, b| if gain(b) > gain(a) { b } else { a });
        if let Some((at, crossing)) = best.and_then(|at| found[at].map(|crossing| (at, crossing))) {
            let [na, nb] = sizes(&pairs[at]);
            let mut step = vec![vec![0.0; nb]; na];
            // The last of each side is missing and gets nothing.
            for (i, row) in step[..na - 1].iter_mut().enumerate() {
                for (j, value) in row[..nb - 1].iter_mut().enumerate() {
                    let quarter = 2 * usize::from(i > usize::from(crossing.cuts[0]))
                        + usize::from(j > usize::from(crossing.cuts[1]));
                    *value = settings.rate * crossing.values[quarter];
                    points[at][i][j] += *value;
                }
            }
            let [a, b] = pairs[at].map(|column| &coarse.columns[column as usize]);
            for ((score, a), b) in scores.iter_mut().zip(a).zip(b) {
                *score += step[usize::from(*a)][usize::from(*b)];
            }
        }
        watch(round + 1, scores);
    }
    points
}

/// Moves what belongs to one measure alone from a pair into the points of that measure; the sum stays as it is. `points` are those of all
/// columns by bin; what is the same everywhere goes to the first measure, whose points are centred later.
pub(crate) fn free(
    data: &Data<'_>,
    coarse: &Coarse,
    pair: [u32; 2],
    mut grid: Vec<Vec<f64>>,
    points: &mut [Vec<f64>],
) -> Pair {
    let [a, b] = pair.map(|at| at as usize);
    let (na, nb) = (grid.len(), grid.first().map_or(0, Vec::len));
    let mut weights = vec![vec![0.0; nb]; na];
    for row in data.rows {
        let row = *row as usize;
        weights[usize::from(coarse.columns[a][row])][usize::from(coarse.columns[b][row])] +=
            data.weight(row as u32);
    }
    let (mut first, mut second) = (vec![0.0; na], vec![0.0; nb]);
    // Alternating means settle quickly; what is left after them is below any point that is shown.
    for _ in 0..50 {
        let mut moved = 0.0f64;
        for i in 0..na {
            let mean = mean(
                grid[i]
                    .iter()
                    .zip(&weights[i])
                    .map(|(point, weight)| (*point, *weight)),
            );
            grid[i].iter_mut().for_each(|point| *point -= mean);
            first[i] += mean;
            moved = moved.max(mean.abs());
        }
        for j in 0..nb {
            let mean = mean((0..na).map(|i| (grid[i][j], weights[i][j])));
            grid.iter_mut().for_each(|row| row[j] -= mean);
            second[j] += mean;
            moved = moved.max(mean.abs());
        }
        if moved < 1e-10 {
            break;
        }
    }
    for (column, moved) in [(a, &first), (b, &second)] {
        for (point, coarse) in points[column].iter_mut().zip(&coarse.maps[column]) {
            *point += moved[usize::from(*coarse)];
        }
    }
    Pair {
        measures: [a, b],
        coarse: [coarse.maps[a].clone(), coarse.maps[b].clone()],
        points: grid,
    }
}

fn mean(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = values.fold((0.0, 0.0), |(sum, all), (value, weight)| {
        (sum + value * weight, all + weight)
    });
    if weight > 0.0 { sum / weight } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binning::Binned;

    fn data() -> (Binned, Vec<bool>) {
        let mut random = Random::new(6, 0);
        let n = 4_000;
        let columns: Vec<Vec<u8>> = (0..4)
            .map(|_| (0..n).map(|_| random.below(21) as u8).collect())
            .collect();
        // Only 1 and 3 together say something; 20 is the missing bin.
        let labels = (0..n)
            .map(|row| {
                random.unit()
                    < if (columns[1][row] < 10) == (columns[3][row] < 10) {
                        0.6
                    } else {
                        0.2
                    }
            })
            .collect();
        (
            Binned {
                columns,
                bins: vec![20; 4],
                rows: n,
            },
            labels,
        )
    }

    #[test]
    fn the_pair_that_pays_is_found_learnt_and_freed() {
        let (binned, labels) = data();
        let rows: Vec<u32> = (0..binned.rows as u32).collect();
        let data = Data {
            binned: &binned,
            labels: &labels,
            weights: None,
            rows: &rows,
            directions: &[None; 4],
            seed: 1,
            threads: 2,
        };
        let wanted = [0, 1, 2, 3];
        let coarse = Coarse::new(&data, &wanted);
        let settings = Settings {
            most: 1,
            ..Settings::default()
        };
        let mut scores = vec![-0.4; binned.rows];
        let pairs = screen(&data, &coarse, &wanted, &scores, &settings);
        assert_eq!(pairs, vec![[1, 3]]);
        let grids = fit(&data, &coarse, &pairs, &settings, &mut scores, |_, _| {});
        let mut points: Vec<Vec<f64>> = vec![vec![0.0; 21]; 4];
        let pair = free(&data, &coarse, pairs[0], grids[0].clone(), &mut points);
        let applied = pair.apply(&binned);
        for row in 0..binned.rows {
            let own = points[1][usize::from(binned.columns[1][row])]
                + points[3][usize::from(binned.columns[3][row])];
            assert!((scores[row] + 0.4 - own - applied[row]).abs() < 1e-9);
        }
        // Nothing of one measure is left: for each of its bins the mean over rows is nothing.
        for bin in 0..9u8 {
            let own: Vec<f64> = (0..binned.rows)
                .filter(|row| coarse.columns[1][*row] == bin)
                .map(|row| applied[row])
                .collect();
            assert!((own.iter().sum::<f64>() / own.len().max(1) as f64).abs() < 1e-6);
        }
        assert!(pair.points[0][0] > 0.5 && pair.points[0][7] < -0.5);
    }
}
