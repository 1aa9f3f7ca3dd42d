//! Sums of gradients per bin, and the best place to cut a column by them.
//!
//! Gain and leaf values are those of Chen and Guestrin 2016 (XGBoost), eq. 5–7: a node with gradient sum G and hessian sum H is worth
//! G²/(H+λ) and moves to −G/(H+λ). Bounds of leaf values keep monotone columns monotone.

use serde::{Deserialize, Serialize};

use crate::binning::{Binned, WIDTH};

/// Which way the outcome goes when a measure rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The outcome becomes likelier, or stays.
    Rising,
    /// The outcome becomes less likely, or stays.
    Falling,
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// Of the loss's first derivative.
    pub gradient: f64,
    /// Of its second.
    pub hessian: f64,
    /// Rows.
    pub rows: u32,
}

impl Cell {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    /// This without the other, which is a part of it.
    pub fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }

    /// The best leaf value within bounds.
    pub fn value(self, l2: f64, bounds: (f64, f64)) -> f64 {
        (-self.gradient / (self.hessian + l2)).clamp(bounds.0, bounds.1)
    }

    /// What the value `at` saves, times two.
    pub fn worth(self, l2: f64, at: f64) -> f64 {
        -at * (2.0 * self.gradient + (self.hessian + l2) * at)
    }
}

/// What a cut must respect.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Penalty λ on squared leaf values.
    pub l2: f64,
    /// Fewest rows of a side.
    pub min_rows: u32,
}

/// A cut of one column: bins up to `cut` go left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The last bin on the left.
    pub cut: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// What it saves over the uncut node, times two.
    pub gain: f64,
    /// Sums of the left side.
    pub left: Cell,
    /// Value of the left side.
    pub left_value: f64,
    /// Value of the right side.
    pub right_value: f64,
}

/// Sums per bin for each of `columns` over `rows`, whose derivatives come in the same order: `WIDTH` cells per column.
/// Columns are independent, so the sums do not depend on the number of threads.
pub fn build(
    binned: &Binned,
    columns: &[u32],
    rows: &[u32],
    derivatives: &[[f64; 2]],
    threads: usize,
) -> Vec<Cell> {
    // Below this the start of a thread costs more than it saves.
    let threads = if rows.len() * columns.len() < 400_000 {
        1
    } else {
        threads
    };
    let mut all = vec![Cell::default(); columns.len() * WIDTH];
    if threads <= 1 {
        for (cells, column) in all.chunks_exact_mut(WIDTH).zip(columns) {
            fill(cells, &binned.columns[*column as usize], rows, derivatives);
        }
        return all;
    }
    let share = columns.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for (cells, columns) in all.chunks_mut(share * WIDTH).zip(columns.chunks(share)) {
            scope.spawn(move || {
                for (cells, column) in cells.chunks_exact_mut(WIDTH).zip(columns) {
                    fill(cells, &binned.columns[*column as usize], rows, derivatives);
                }
            });
        }
    });
    all
}

fn fill(cells: &mut [Cell], bins: &[u8], rows: &[u32], derivatives: &[[f64; 2]]) {
    let Some(cells) = cells.first_chunk_mut::<WIDTH>() else {
        return;
    };
    if rows.len() == bins.len() {
        // All rows in order: no need to look them up.
        for (bin, [gradient, hessian]) in bins.iter().zip(derivatives) {
            let cell = &mut cells[usize::from(*bin) % WIDTH];
            cell.gradient += gradient;
            cell.hessian += hessian;
            cell.rows += 1;
        }
        return;
    }
    for (row, [gradient, hessian]) in rows.iter().zip(derivatives) {
        let cell = &mut cells[usize::from(bins[*row as usize]) % WIDTH];
        cell.gradient += gradient;
        cell.hessian += hessian;
        cell.rows += 1;
    }
}

/// The cut of a column that saves most, if any saves something within the limits.
pub fn best(
    cells: &[Cell],
    bins: u8,
    total: Cell,
    limits: Limits,
    bounds: (f64, f64),
    direction: Option<Direction>,
) -> Option<Cut> {
    let missing = cells[usize::from(bins)];
    let whole = total.worth(limits.l2, total.value(limits.l2, bounds));
    let mut found: Option<Cut> = None;
    let mut known = Cell::default();
    for cut in 0..bins {
        let cell = cells[usize::from(cut)];
        known = known.plus(cell);
        // An empty bin cuts where the one before it does.
        if cell.rows == 0 {
            continue;
        }
        for missing_left in [false, true] {
            if missing.rows == 0 && missing_left {
                continue;
            }
            let left = if missing_left { known.plus(missing) } else { known };
            let right_rows = total.rows - left.rows;
            if left.rows < limits.min_rows || right_rows < limits.min_rows {
                continue;
            }
            let right = total.minus(left);
            let left_value = left.value(limits.l2, bounds);
            let right_value = right.value(limits.l2, bounds);
            let wrong = match direction {
                Some(Direction::Rising) => left_value > right_value,
                Some(Direction::Falling) => left_value < right_value,
                None => false,
            };
            // Missing against all the rest says nothing about the measure's order.
            if wrong && cut + 1 < bins {
                continue;
            }
            let gain = left.worth(limits.l2, left_value) + right.worth(limits.l2, right_value) - whole;
            if gain > 1e-12 && found.is_none_or(|best| gain > best.gain) {
                // Where no row shows it, missing goes with the larger side.
                let missing_left = if missing.rows == 0 {
                    left.rows >= right_rows
                } else {
                    missing_left
                };
                found = Some(Cut {
                    cut,
                    missing_left,
                    gain,
                    left,
                    left_value,
                    right_value,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FREE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    proptest! {
        #[test]
        fn the_best_cut_is_the_one_that_trying_all_of_them_finds(
            rows in prop::collection::vec((0u8..6, -1.0..1.0f64, 0.01..0.25f64), 8..60), min_rows in 1u32..4,
        ) {
            // Bin 5 is the missing one.
            let limits = Limits { l2: 1.0, min_rows };
            let sum = |keep: &dyn Fn(u8) -> bool| rows.iter().filter(|row| keep(row.0)).fold(
                (0.0, 0.0, 0u32), |sum, row| (sum.0 + row.1, sum.1 + row.2, sum.2 + 1));
            let worth = |part: (f64, f64, u32)| part.0 * part.0 / (part.1 + 1.0);
            let mut naive = 0.0f64;
            for cut in 0..5u8 {
                for missing_left in [false, true] {
                    let left = |bin: u8| bin <= cut || (missing_left && bin == 5);
                    let (l, r) = (sum(&left), sum(&|bin| !left(bin)));
                    if l.2 >= min_rows && r.2 >= min_rows {
                        naive = naive.max(worth(l) + worth(r) - worth(sum(&|_| true)));
                    }
                }
            }
            let binned = Binned { columns: vec![rows.iter().map(|row| row.0).collect()], bins: vec![5], rows: rows.len() };
            let ids: Vec<u32> = (0..rows.len() as u32).collect();
            let derivatives: Vec<[f64; 2]> = rows.iter().map(|row| [row.1, row.2]).collect();
            let cells = build(&binned, &[0], &ids, &derivatives, 2);
            let total = cells.iter().fold(Cell::default(), |sum, cell| sum.plus(*cell));
            let found = best(&cells, 5, total, limits, FREE, None).map_or(0.0, |cut| cut.gain);
            prop_assert!((found - naive).abs() < 1e-9, "{found} {naive}");
        }
    }

    #[test]
    fn a_direction_forbids_the_other_way() {
        let cell = |gradient| Cell {
            gradient,
            hessian: 1.0,
            rows: 10,
        };
        let mut cells = vec![Cell::default(); WIDTH];
        cells[0] = cell(-5.0);
        cells[1] = cell(5.0);
        let total = cells[0].plus(cells[1]);
        let limits = Limits { l2: 1.0, min_rows: 1 };
        // The left side's value is 2.5, the right side's −2.5: the outcome falls with the measure.
        assert!(best(&cells, 2, total, limits, FREE, Some(Direction::Falling)).is_some());
        assert!(best(&cells, 2, total, limits, FREE, Some(Direction::Rising)).is_none());
    }
}
