//! Columns cut into at most 63 bins, with one more for what is missing. All learners here see bins only.
//!
//! Numbers are cut at quantiles of the training rows; a value that holds more than a bin's share stands alone (as LightGBM does,
//! Ke et al. 2017). Categories become bins ordered by their outcome's rate among the training rows, shrunk towards the mean so
//! that rare ones do not lead the order (Micci-Barreca 2001); rare ones share one bin.

use serde::{Deserialize, Serialize};

use crate::table::{Table, Values};
use crate::threads;

/// Most bins of a column, without the bin for missing values.
pub const MOST_BINS: usize = 63;

/// Width of a row of per-bin figures: every bin and the missing one.
pub const WIDTH: usize = MOST_BINS + 1;

/// Rows that are looked at to find the cuts; more would not move a quantile visibly.
const SAMPLE: usize = 50_000;

/// Strength with which a category's rate is drawn to the mean when categories are put in order, in rows.
const SMOOTH: f64 = 20.0;

/// Categories with fewer rows than this share one bin.
const RARE: usize = 5;

/// How one column is cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cuts {
    /// Ascending; a value belongs to the first bin whose cut is not below it, the last bin has none.
    Number(Vec<f64>),
    /// The categories of each bin, in the order of the bins; the rare ones are those of the bin `other`.
    Category {
        /// Names per bin.
        bins: Vec<Vec<String>>,
        /// The bin for rare categories and for those never seen; without it they count as missing.
        other: Option<u8>,
    },
}

impl Cuts {
    /// How many bins, without the one for missing values.
    pub fn bins(&self) -> usize {
        match self {
            Self::Number(cuts) => cuts.len() + 1,
            Self::Category { bins, .. } => bins.len(),
        }
    }

    /// The bin of a number; NaN belongs to the missing bin, which is the one after the last.
    pub fn bin(&self, value: f64) -> u8 {
        match self {
            Self::Number(cuts) if !value.is_nan() => cuts.partition_point(|cut| *cut < value) as u8,
            _ => self.bins() as u8,
        }
    }

    /// The bins of a column's rows.
    pub fn apply(&self, values: &Values) -> Vec<u8> {
        let missing = self.bins() as u8;
        match (self, values) {
            (Self::Number(_), Values::Number(values)) => {
                values.iter().map(|value| self.bin(*value)).collect()
            }
            (Self::Category { bins, other }, Values::Category { codes, names }) => {
                let unseen = other.unwrap_or(missing);
                let of_name: std::collections::HashMap<&str, u8> = bins
                    .iter()
                    .enumerate()
                    .flat_map(|(bin, names)| names.iter().map(move |name| (name.as_str(), bin as u8)))
                    .collect();
                let of_code: Vec<u8> = names
                    .iter()
                    .map(|name| of_name.get(name.as_str()).copied().unwrap_or(unseen))
                    .collect();
                codes
                    .iter()
                    .map(|code| of_code.get(*code as usize).copied().unwrap_or(missing))
                    .collect()
            }
            // A column that changed its kind since the training says nothing that the model knows.
            (_, values) => vec![missing; values.len()],
        }
    }
}

/// A table as bins, column by column.
#[derive(Clone, Debug)]
pub struct Binned {
    /// Per column, per row.
    pub columns: Vec<Vec<u8>>,
    /// Bins per column, without the missing one.
    pub bins: Vec<u8>,
    /// Rows.
    pub rows: usize,
}

impl Binned {
    /// The bins of a table whose columns stand in the order of `cuts`.
    pub fn new(cuts: &[Cuts], table: &Table, threads: usize) -> Self {
        let columns = threads::map(threads, cuts.len(), |at| {
            cuts[at].apply(&table.columns()[at].values)
        });
        Self {
            columns,
            bins: cuts.iter().map(|cut| cut.bins() as u8).collect(),
            rows: table.rows(),
        }
    }
}

/// Cuts for every column. `labels` puts categories in order and must be those of the training rows only.
pub fn cut(table: &Table, labels: &[bool], most: usize, threads: usize) -> Vec<Cuts> {
    let most = most.clamp(2, MOST_BINS);
    threads::map(threads, table.columns().len(), |at| {
        match &table.columns()[at].values {
            Values::Number(values) => Cuts::Number(quantiles(values, most)),
            Values::Category { codes, names } => categories(codes, names, labels, most),
        }
    })
}

/// Cuts between distinct values so that bins hold about equally many rows.
fn quantiles(values: &[f64], most: usize) -> Vec<f64> {
    let step = values.len().div_ceil(SAMPLE).max(1);
    let mut known: Vec<f64> = values
        .iter()
        .step_by(step)
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    known.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for value in known {
        match distinct.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let between = |low: f64, high: f64| {
        let middle = low + (high - low) / 2.0;
        // Neighbours may have no number between them; the lower one then is the cut, for a value equal to its cut lies below.
        if middle >= high { low } else { middle }
    };
    if distinct.len() <= most {
        return distinct
            .windows(2)
            .map(|pair| between(pair[0].0, pair[1].0))
            .collect();
    }
    let mut cuts = Vec::with_capacity(most - 1);
    let mut left: usize = distinct.iter().map(|(_, count)| count).sum();
    let mut bins = most;
    let mut held = 0;
    for (pair, count) in distinct.windows(2).zip(distinct.iter().map(|(_, count)| *count)) {
        held += count;
        let share = left as f64 / bins as f64;
        // A heavy next value is not drowned in this bin: it begins its own.
        let heavy_next = pair[1].1 as f64 >= share && held as f64 >= share / 2.0;
        if held as f64 >= share || heavy_next {
            cuts.push(between(pair[0].0, pair[1].0));
            left -= held;
            bins -= 1;
            held = 0;
            if bins == 1 {
                break;
            }
        }
    }
    cuts
}

fn categories(codes: &[u32], names: &[String], labels: &[bool], most: usize) -> Cuts {
    let mut counts = vec![(0usize, 0usize); names.len()];
    let (mut rows, mut hits) = (0usize, 0usize);
    for (code, label) in codes.iter().zip(labels) {
        if let Some((n, positive)) = counts.get_mut(*code as usize) {
            *n += 1;
            *positive += usize::from(*label);
            rows += 1;
            hits += usize::from(*label);
        }
    }
    let mean = if rows == 0 { 0.0 } else { hits as f64 / rows as f64 };
    let mut frequent: Vec<usize> = (0..names.len()).filter(|code| counts[*code].0 >= RARE).collect();
    frequent.sort_by_key(|code| (std::cmp::Reverse(counts[*code].0), *code));
    frequent.truncate(most - 1);
    let rare: Vec<usize> = (0..names.len())
        .filter(|code| counts[*code].0 > 0 && !frequent.contains(code))
        .collect();
    let rate = |members: &[usize]| {
        let (n, positive) = members.iter().fold((0, 0), |(n, positive), code| {
            (n + counts[*code].0, positive + counts[*code].1)
        });
        (positive as f64 + SMOOTH * mean) / (n as f64 + SMOOTH)
    };
    let mut bins: Vec<(f64, Vec<usize>, bool)> = frequent
        .iter()
        .map(|code| (rate(&[*code]), vec![*code], false))
        .collect();
    if !rare.is_empty() {
        bins.push((rate(&rare), rare, true));
    }
    bins.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    Cuts::Category {
        other: bins.iter().position(|(_, _, rare)| *rare).map(|at| at as u8),
        bins: bins
            .into_iter()
            .map(|(_, codes, rare)| {
                // Names of rare categories need not be kept: whatever is not named falls into their bin.
                if rare {
                    Vec::new()
                } else {
                    codes.into_iter().map(|code| names[code].clone()).collect()
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::Column;

    #[test]
    fn few_values_stand_alone_and_missing_comes_last() {
        let cuts = Cuts::Number(quantiles(&[3.0, 1.0, f64::NAN, 2.0, 2.0], 63));
        assert_eq!(cuts, Cuts::Number(vec![1.5, 2.5]));
        assert_eq!(
            cuts.apply(&Values::Number(vec![1.0, 1.5, 2.0, 9.0, f64::NAN])),
            vec![0, 0, 1, 2, 3]
        );
    }

    #[test]
    fn categories_follow_the_outcome_and_rare_ones_share_a_bin() {
        let texts: Vec<&str> = ["a"; 10].into_iter().chain(["b"; 10]).chain(["c", "d"]).collect();
        let labels: Vec<bool> = (0..22).map(|row| (10..20).contains(&row)).collect();
        let column = Column::category("x", texts.iter().copied());
        let Values::Category { codes, names } = &column.values else {
            panic!()
        };
        let cuts = categories(codes, names, &labels, 63);
        assert_eq!(
            cuts,
            Cuts::Category {
                bins: vec![vec!["a".into()], vec![], vec!["b".into()]],
                other: Some(1)
            }
        );
        let new = Column::category("x", ["b", "new", "", "a", "c"]);
        assert_eq!(cuts.apply(&new.values), vec![2, 1, 3, 0, 1]);
    }

    proptest! {
        #[test]
        fn bins_are_monotone_few_and_no_bin_is_empty(
            values in prop::collection::vec(-1e6..1e6f64, 1..400), most in 2usize..=63, repeat in 1usize..4,
        ) {
            // Rounding makes ties, which are what goes wrong in quantiles.
            let values: Vec<f64> = values.iter().map(|v| (v / 10f64.powi(2 * repeat as i32)).round()).collect();
            let cuts = Cuts::Number(quantiles(&values, most));
            prop_assert!(cuts.bins() <= most);
            let bins = cuts.apply(&Values::Number(values.clone()));
            for (a, x) in values.iter().zip(&bins) {
                for (b, y) in values.iter().zip(&bins) {
                    prop_assert!(a > b || x <= y);
                }
            }
            let mut seen = bins.clone();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), cuts.bins());
        }
    }
}
