//! Histogram gradient boosting: the challenger. It finds interactions that a point table cannot hold, and tells by how much.
//!
//! Logistic loss, trees of at most 8 leaves and 4 decisions in a row, 300 × 0.03, λ 5, at least 40 rows a leaf, 0.8 of the rows and
//! 0.6 of the columns per tree (docs/accuracy.md has the measurements behind these). The same seed gives the same trees on any number of
//! threads.

use serde::{Deserialize, Serialize};

use crate::binning::{self, Binned, Cuts, MOST_BINS};
use crate::error::{Error, Result};
use crate::histogram::{Direction, Limits};
use crate::random::Random;
use crate::table::Table;
use crate::threads;
use crate::tree::{self, Ground, MOST_LEAVES, Shape, Tree};

/// Settings of [`train`].
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Trees.
    pub trees: usize,
    /// What a tree's values are multiplied by.
    pub rate: f64,
    /// Most leaves of a tree, at most 8.
    pub leaves: usize,
    /// Most decisions in a row.
    pub depth: u32,
    /// Penalty on squared leaf values.
    pub l2: f64,
    /// Fewest rows of a leaf; small tables take a tenth of their rows.
    pub min_rows: u32,
    /// Share of rows that a tree sees.
    pub row_share: f64,
    /// Share of columns that a tree sees.
    pub column_share: f64,
    /// Per column the declared direction; shorter than the columns means none for the rest.
    pub directions: Vec<Option<Direction>>,
    /// Fixes the samples.
    pub seed: u64,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trees: 300,
            rate: 0.03,
            leaves: 8,
            depth: 4,
            l2: 5.0,
            min_rows: 40,
            row_share: 0.8,
            column_share: 0.6,
            directions: Vec::new(),
            seed: 1,
            threads: 1,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<()> {
        let share = |setting, value: f64| {
            if value > 0.0 && value <= 1.0 {
                Ok(())
            } else {
                Err(Error::Setting {
                    setting,
                    value: value.to_string(),
                    remedy: "take more than 0 and at most 1",
                })
            }
        };
        share("rate", self.rate)?;
        share("row_share", self.row_share)?;
        share("column_share", self.column_share)?;
        if self.leaves < 2 || self.leaves > MOST_LEAVES {
            return Err(Error::Setting {
                setting: "leaves",
                value: self.leaves.to_string(),
                remedy: "take 2 to 8",
            });
        }
        if !self.l2.is_finite() || self.l2 <= 0.0 {
            return Err(Error::Setting {
                setting: "l2",
                value: self.l2.to_string(),
                remedy: "take more than 0",
            });
        }
        Ok(())
    }
}

/// A trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    /// The columns it reads, in order.
    pub names: Vec<String>,
    /// How each is cut.
    pub cuts: Vec<Cuts>,
    /// Log-odds before the first tree.
    pub base: f64,
    /// The trees.
    pub trees: Vec<Tree>,
}

/// Log-odds of a share, kept finite for shares of 0 and 1.
pub fn log_odds(share: f64) -> f64 {
    let share = share.clamp(1e-9, 1.0 - 1e-9);
    (share / (1.0 - share)).ln()
}

/// The probability of log-odds.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// First and second derivative of the logistic loss.
pub(crate) fn derivative(score: f64, label: bool, weight: f64) -> [f64; 2] {
    let p = probability(score);
    [
        (p - f64::from(u8::from(label))) * weight,
        (p * (1.0 - p)).max(1e-16) * weight,
    ]
}

/// Errors when the labels do not fit the table or have one class only.
pub(crate) fn check_labels(table: &Table, labels: &[bool], weights: Option<&[f64]>) -> Result<()> {
    if table.rows() == 0 {
        return Err(Error::Empty);
    }
    for (column, found) in [
        ("the outcome", labels.len()),
        ("the weights", weights.map_or(table.rows(), <[f64]>::len)),
    ] {
        if found != table.rows() {
            return Err(Error::Length {
                column: column.into(),
                found,
                wanted: table.rows(),
            });
        }
    }
    let positives = labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == labels.len() {
        return Err(Error::OneClass {
            column: "the outcome".into(),
            positives,
            rows: labels.len(),
            remedy: "train on a longer time or on more accounts".into(),
        });
    }
    Ok(())
}

/// Weighted share of positive rows.
pub(crate) fn base_share(labels: &[bool], weights: Option<&[f64]>) -> f64 {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let all: f64 = (0..labels.len()).map(weight).sum();
    let hits: f64 = (0..labels.len()).filter(|row| labels[*row]).map(weight).sum();
    hits / all
}

/// Fewest rows of a leaf for a table of this size: what was asked for, less where that would leave a small table uncut.
pub(crate) fn min_rows(asked: u32, rows: usize) -> u32 {
    asked.min((rows / 10).max(5) as u32)
}

/// Trains on a table.
///
/// # Errors
/// [`Error::OneClass`], [`Error::Empty`], [`Error::Length`] for labels, [`Error::Setting`] for settings out of range.
pub fn train(
    table: &Table,
    labels: &[bool],
    weights: Option<&[f64]>,
    settings: &Settings,
) -> Result<Boosted> {
    settings.check()?;
    check_labels(table, labels, weights)?;
    let cuts = binning::cut(table, labels, MOST_BINS, settings.threads);
    let binned = Binned::new(&cuts, table, settings.threads);
    let base = log_odds(base_share(labels, weights));
    let trees = rounds(&binned, labels, weights, base, settings);
    let names = table.columns().iter().map(|column| column.name.clone()).collect();
    Ok(Boosted {
        names,
        cuts,
        base,
        trees,
    })
}

fn rounds(
    binned: &Binned,
    labels: &[bool],
    weights: Option<&[f64]>,
    base: f64,
    settings: &Settings,
) -> Vec<Tree> {
    let n = binned.rows;
    // A column with one bin and nothing missing cannot be cut.
    let useful: Vec<u32> = (0..binned.columns.len() as u32)
        .filter(|at| {
            let column = &binned.columns[*at as usize];
            column.iter().any(|bin| *bin != column[0])
        })
        .collect();
    let mut directions = settings.directions.clone();
    directions.resize(binned.columns.len(), None);
    let shape = Shape {
        leaves: settings.leaves,
        depth: settings.depth,
        limits: Limits {
            l2: settings.l2,
            min_rows: min_rows(settings.min_rows, n),
        },
    };
    let row_count = ((n as f64 * settings.row_share).round() as usize).max(1);
    let column_count = ((useful.len() as f64 * settings.column_share).ceil() as usize).max(1);
    let mut scores = vec![base; n];
    let mut derivatives = vec![[0.0; 2]; n];
    let mut trees = Vec::with_capacity(settings.trees);
    for round in 0..settings.trees {
        if useful.is_empty() {
            break;
        }
        let mut random = Random::new(settings.seed, round as u64);
        let rows = random.sample(n, row_count);
        let columns: Vec<u32> = random
            .sample(useful.len(), column_count)
            .into_iter()
            .map(|at| useful[at as usize])
            .collect();
        for row in 0..n {
            derivatives[row] = derivative(
                scores[row],
                labels[row],
                weights.map_or(1.0, |weights| weights[row]),
            );
        }
        let ground = Ground {
            binned,
            derivatives: &derivatives,
            columns: &columns,
            directions: &directions,
            threads: settings.threads,
        };
        let (tree, _) = tree::grow(&ground, rows, shape, settings.rate);
        if !tree.splits.is_empty() {
            add(&tree, binned, &mut scores, settings.threads);
            trees.push(tree);
        }
    }
    trees
}

fn add(tree: &Tree, binned: &Binned, scores: &mut [f64], threads: usize) {
    let piece = 8_192;
    if threads <= 1 || scores.len() <= 2 * piece {
        scores
            .iter_mut()
            .enumerate()
            .for_each(|(row, score)| *score += tree.leaves[tree.leaf_of(binned, row)].value);
        return;
    }
    let share = scores.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for (part, scores) in scores.chunks_mut(share).enumerate() {
            scope.spawn(move || {
                for (at, score) in scores.iter_mut().enumerate() {
                    *score += tree.leaves[tree.leaf_of(binned, part * share + at)].value;
                }
            });
        }
    });
}

impl Boosted {
    /// The columns of `table` that the model reads, in its order.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when one is not there.
    pub fn select(&self, table: &Table) -> Result<Table> {
        let columns = self
            .names
            .iter()
            .map(|name| table.find(name))
            .collect::<Result<Vec<_>>>()?;
        Ok(table.only(&columns))
    }

    /// Log-odds per row.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when the table lacks a column of the model.
    pub fn score(&self, table: &Table, threads: usize) -> Result<Vec<f64>> {
        let binned = Binned::new(&self.cuts, &self.select(table)?, threads);
        let parts = threads::ranges(binned.rows, 4_096);
        let scores = threads::map(threads, parts.len(), |part| {
            parts[part]
                .clone()
                .map(|row| {
                    self.trees.iter().fold(self.base, |sum, tree| {
                        sum + tree.leaves[tree.leaf_of(&binned, row)].value
                    })
                })
                .collect::<Vec<f64>>()
        });
        Ok(scores.concat())
    }
}
