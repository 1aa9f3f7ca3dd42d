//! Exact contributions of a boosted model: Shapley values of each tree, with the covers of the training rows as weights
//! (path-dependent TreeSHAP, Lundberg et al. 2020). They and the model's mean add up to the score.
//!
//! A leaf is reached when every column on its way agrees, so its part of the value is a product over at most four columns, and the Shapley
//! value of a product can be written down. A tree of seven decisions knows 128 patterns of answers; the values of all are put down once,
//! and a row's contributions are then looked up (the idea of Yang 2021, Fast TreeSHAP v2).

use crate::binning::Binned;
use crate::boost::Boosted;
use crate::error::Result;
use crate::table::Table;
use crate::threads;
use crate::tree::Tree;

/// Rows that are worked on together, so that their bins and sums stay in the nearest memory.
const BLOCK: usize = 512;

/// Weights of coalitions: `|S|! (d − |S| − 1)! / d!` for `d` columns.
fn weight(size: usize, of: usize) -> f64 {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    factorial(size) * factorial(of - size - 1) / factorial(of)
}

/// A tree with the contributions of every pattern of its decisions.
struct Patterns {
    /// Column, cut, whether missing goes left, and the column's missing bin, per decision.
    tests: Vec<(u32, u8, bool, u8)>,
    /// The columns that it reads, each once.
    columns: Vec<u32>,
    /// Per column, per pattern.
    values: Vec<Vec<f64>>,
}

/// What a path asks of one column.
struct Asked {
    column: usize,
    /// Splits and the answer that the path needs.
    splits: Vec<(usize, bool)>,
    /// Share of the training rows that give these answers.
    share: f64,
}

/// Rows that pass each split, by adding up the leaves below.
fn covers(tree: &Tree) -> Vec<f64> {
    fn below(tree: &Tree, at: i8, covers: &mut [f64]) -> f64 {
        match usize::try_from(at) {
            Ok(split) => {
                let cover = below(tree, tree.splits[split].left, covers)
                    + below(tree, tree.splits[split].right, covers);
                covers[split] = cover;
                cover
            }
            Err(_) => tree.leaves[!at as usize].cover,
        }
    }
    let mut covers = vec![0.0; tree.splits.len()];
    if !tree.splits.is_empty() {
        below(tree, 0, &mut covers);
    }
    covers
}

/// The mean value of a tree over its training rows.
pub fn mean(tree: &Tree) -> f64 {
    let rows: f64 = tree.leaves.iter().map(|leaf| leaf.cover).sum();
    tree.leaves
        .iter()
        .map(|leaf| leaf.value * leaf.cover)
        .sum::<f64>()
        / rows.max(1.0)
}

impl Patterns {
    fn new(tree: &Tree, missing: &[u8]) -> Self {
        let mut columns: Vec<u32> = tree.splits.iter().map(|split| split.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut values = vec![vec![0.0; 1 << tree.splits.len()]; columns.len()];
        let covers = covers(tree);
        let mut path = Vec::new();
        let root = if tree.splits.is_empty() { !0 } else { 0 };
        visit(tree, root, &covers, &mut path, &mut |leaf, path| {
            spread(tree.leaves[leaf].value, path, &columns, tree, &mut values);
        });
        Self {
            tests: tree
                .splits
                .iter()
                .map(|split| {
                    (
                        split.column,
                        split.cut,
                        split.missing_left,
                        missing[split.column as usize],
                    )
                })
                .collect(),
            columns,
            values,
        }
    }
}

/// Every leaf with the way to it: split, answer, share of rows that give this answer.
fn visit(
    tree: &Tree,
    at: i8,
    covers: &[f64],
    path: &mut Vec<(usize, bool, f64)>,
    leaf: &mut impl FnMut(usize, &[(usize, bool, f64)]),
) {
    let Ok(split) = usize::try_from(at) else {
        return leaf(!at as usize, path);
    };
    for (left, child) in [(true, tree.splits[split].left), (false, tree.splits[split].right)] {
        let cover =
            usize::try_from(child).map_or_else(|_| tree.leaves[!child as usize].cover, |child| covers[child]);
        path.push((
            split,
            left,
            if covers[split] > 0.0 {
                cover / covers[split]
            } else {
                0.5
            },
        ));
        visit(tree, child, covers, path, leaf);
        path.pop();
    }
}

/// Adds one leaf's Shapley values to every pattern.
fn spread(value: f64, path: &[(usize, bool, f64)], columns: &[u32], tree: &Tree, values: &mut [Vec<f64>]) {
    let mut asked: Vec<Asked> = Vec::new();
    for (split, left, share) in path {
        let column = columns.partition_point(|column| *column < tree.splits[*split].column);
        match asked.iter_mut().find(|asked| asked.column == column) {
            Some(asked) => {
                asked.splits.push((*split, *left));
                asked.share *= share;
            }
            None => asked.push(Asked {
                column,
                splits: vec![(*split, *left)],
                share: *share,
            }),
        }
    }
    let d = asked.len();
    for (own, asked_own) in asked.iter().enumerate() {
        for (pattern, sum) in values[asked_own.column].iter_mut().enumerate() {
            // Whether the pattern's answers are those that the path asks of a column: 1 or 0.
            let agrees = |asked: &Asked| {
                let all = asked
                    .splits
                    .iter()
                    .all(|(split, left)| (pattern >> split & 1 == 1) == *left);
                f64::from(u8::from(all))
            };
            let mut share = 0.0;
            for coalition in (0..1usize << d).filter(|coalition| coalition >> own & 1 == 0) {
                let product: f64 = (0..d)
                    .filter(|other| *other != own)
                    .map(|other| match coalition >> other & 1 {
                        1 => agrees(&asked[other]),
                        _ => asked[other].share,
                    })
                    .product();
                share += weight(coalition.count_ones() as usize, d) * product;
            }
            *sum += value * share * (agrees(asked_own) - asked_own.share);
        }
    }
}

/// Scores with what each column adds to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// The model's mean log-odds over its training rows.
    pub mean: f64,
    /// Per column of the model, per row: log-odds added to the mean.
    pub columns: Vec<Vec<f64>>,
    /// Log-odds per row: the mean and all contributions.
    pub scores: Vec<f64>,
}

/// Contributions of every column for every row.
///
/// # Errors
/// [`crate::Error::UnknownColumn`] when the table lacks a column of the model.
pub fn explain(model: &Boosted, table: &Table, threads: usize) -> Result<Contributions> {
    let binned = Binned::new(&model.cuts, &model.select(table)?, threads);
    let patterns = threads::map(threads, model.trees.len(), |at| {
        Patterns::new(&model.trees[at], &binned.bins)
    });
    let mean = model.base + model.trees.iter().map(mean).sum::<f64>();
    let width = binned.columns.len();
    let blocks = threads::ranges(binned.rows, BLOCK);
    // A thread takes a run of blocks and hands back whole columns of them, so that joining is cheap.
    let runs = threads::ranges(blocks.len(), 16);
    let parts = threads::map(threads, runs.len(), |run| {
        let first = blocks[runs[run].start].start;
        let rows = blocks[runs[run].end - 1].end - first;
        let mut sums = vec![vec![0.0; rows]; width];
        for block in &blocks[runs[run].clone()] {
            one_block(&patterns, &binned, block.clone(), first, &mut sums);
        }
        sums
    });
    let mut columns = vec![Vec::with_capacity(binned.rows); width];
    for part in parts {
        for (column, values) in columns.iter_mut().zip(part) {
            column.extend(values);
        }
    }
    let mut scores = vec![mean; binned.rows];
    for column in &columns {
        scores
            .iter_mut()
            .zip(column)
            .for_each(|(score, value)| *score += value);
    }
    Ok(Contributions {
        mean,
        columns,
        scores,
    })
}

fn one_block(
    patterns: &[Patterns],
    binned: &Binned,
    block: std::ops::Range<usize>,
    first: usize,
    sums: &mut [Vec<f64>],
) {
    let mut found = [0u8; BLOCK];
    let found = &mut found[..block.len()];
    for tree in patterns {
        found.fill(0);
        for (at, (column, cut, missing_left, missing)) in tree.tests.iter().enumerate() {
            let bins = &binned.columns[*column as usize][block.clone()];
            if *missing_left {
                for (pattern, bin) in found.iter_mut().zip(bins) {
                    *pattern |= u8::from((*bin <= *cut) | (*bin == *missing)) << at;
                }
            } else {
                for (pattern, bin) in found.iter_mut().zip(bins) {
                    *pattern |= u8::from(*bin <= *cut) << at;
                }
            }
        }
        for (column, values) in tree.columns.iter().zip(&tree.values) {
            let sums = &mut sums[*column as usize][block.start - first..block.end - first];
            for (sum, pattern) in sums.iter_mut().zip(found.iter()) {
                *sum += values[usize::from(*pattern)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boost::{self, Settings};
    use crate::random::Random;
    use crate::table::Column;

    /// What a tree expects when only the columns of `known` are known: cover-weighted over the others.
    fn expected(tree: &Tree, binned: &Binned, row: usize, known: u32) -> f64 {
        fn walk(tree: &Tree, at: i8, covers: &[f64], left: &dyn Fn(usize) -> Option<bool>) -> f64 {
            let Ok(split) = usize::try_from(at) else {
                return tree.leaves[!at as usize].value;
            };
            let go = |child: i8| walk(tree, child, covers, left);
            let cover = |child: i8| {
                usize::try_from(child).map_or_else(|_| tree.leaves[!child as usize].cover, |at| covers[at])
            };
            let node = &tree.splits[split];
            match left(split) {
                Some(true) => go(node.left),
                Some(false) => go(node.right),
                None => {
                    (go(node.left) * cover(node.left) + go(node.right) * cover(node.right)) / covers[split]
                }
            }
        }
        walk(tree, 0, &covers(tree), &|at| {
            let split = &tree.splits[at];
            let column = split.column as usize;
            (known >> column & 1 == 1)
                .then(|| split.goes_left(binned.columns[column][row], binned.bins[column]))
        })
    }

    #[test]
    fn contributions_are_shapley_values_and_add_up() {
        let mut random = Random::new(3, 0);
        let n = 400;
        let columns: Vec<Column> = (0..5)
            .map(|at| {
                let values = (0..n)
                    .map(|_| {
                        if random.unit() < 0.1 {
                            f64::NAN
                        } else {
                            random.unit()
                        }
                    })
                    .collect();
                Column::number(format!("c{at}"), values)
            })
            .collect();
        let table = Table::new(columns).unwrap();
        let crate::table::Values::Number(a) = &table.columns()[0].values else {
            panic!()
        };
        let crate::table::Values::Number(b) = &table.columns()[1].values else {
            panic!()
        };
        let labels: Vec<bool> = (0..n)
            .map(|row| (a[row] > 0.5) != (b[row] > 0.4) && random.unit() < 0.9)
            .collect();
        let settings = Settings {
            trees: 12,
            rate: 0.2,
            min_rows: 10,
            ..Settings::default()
        };
        let model = boost::train(&table, &labels, None, &settings).unwrap();
        let found = explain(&model, &table, 2).unwrap();
        let scores = model.score(&table, 1).unwrap();
        let binned = Binned::new(&model.cuts, &table, 1);
        for row in (0..n).step_by(37) {
            assert!((found.scores[row] - scores[row]).abs() < 1e-9);
            for own in 0..5 {
                let mut naive = 0.0;
                for tree in &model.trees {
                    for coalition in (0..32u32).filter(|set| set >> own & 1 == 0) {
                        naive += weight(coalition.count_ones() as usize, 5)
                            * (expected(tree, &binned, row, coalition | 1 << own)
                                - expected(tree, &binned, row, coalition));
                    }
                }
                assert!(
                    (naive - found.columns[own][row]).abs() < 1e-9,
                    "row {row} column {own}"
                );
            }
        }
    }

    #[test]
    fn threads_change_nothing() {
        let mut random = Random::new(5, 0);
        let columns =
            (0..40).map(|at| Column::number(format!("c{at}"), (0..12_000).map(|_| random.unit()).collect()));
        let table = Table::new(columns.collect()).unwrap();
        let labels: Vec<bool> = (0..12_000).map(|_| random.unit() < 0.3).collect();
        let fit = |threads| {
            let settings = Settings {
                trees: 4,
                threads,
                ..Settings::default()
            };
            let model = boost::train(&table, &labels, None, &settings).unwrap();
            let found = explain(&model, &table, threads).unwrap();
            (model, found)
        };
        assert_eq!(fit(1), fit(3));
    }
}
