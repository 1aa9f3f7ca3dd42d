//! A table of points: what each bin of each measure adds to the log-odds. People can read, edit and freeze it.
//!
//! Points are in log-odds of the outcome, centred on the rows that the table was learnt from: `base` is their mean score, and every
//! contribution is against that mean. A pair's points are its own line; they hold only what the two measures do beyond their own points.

use serde::{Deserialize, Serialize};

use crate::binning::{Binned, Cuts};
use crate::error::{Error, Result};
use crate::explain::Contributions;
use crate::histogram::Direction;
use crate::table::{Table, Values};
use crate::threads;

/// The points of one measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The column it reads.
    pub name: String,
    /// How it is cut.
    pub cuts: Cuts,
    /// Points per bin; the last are those of missing values.
    pub points: Vec<f64>,
    /// Training rows per bin, as a share; the last is that of missing values.
    pub shares: Vec<f64>,
    /// The direction that was declared.
    pub direction: Option<Direction>,
    /// Whether a new training leaves these points as they are.
    #[serde(default)]
    pub frozen: bool,
}

/// The points of two measures together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The measures, as indices into the table's.
    pub measures: [usize; 2],
    /// Per measure, the coarse bin of each of its bins; missing is the last of each.
    pub coarse: [Vec<u8>; 2],
    /// Points: per coarse bin of the first, per coarse bin of the second.
    pub points: Vec<Vec<f64>>,
}

/// The part of the hand-set score: `weight · (value − centre)`, nothing where it is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandSet {
    /// The column it reads.
    pub name: String,
    /// Log-odds per point of the hand-set score.
    pub weight: f64,
    /// Its mean over the training rows.
    pub centre: f64,
}

impl HandSet {
    fn apply(&self, table: &Table) -> Result<Vec<f64>> {
        Ok(match &table.columns()[table.find(&self.name)?].values {
            Values::Number(values) => values
                .iter()
                .map(|value| {
                    if value.is_nan() {
                        0.0
                    } else {
                        self.weight * (value - self.centre)
                    }
                })
                .collect(),
            // Categories are no score.
            Values::Category { codes, .. } => vec![0.0; codes.len()],
        })
    }
}

/// A transparent score: a base and points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointTable {
    /// Mean log-odds over the training rows.
    pub base: f64,
    /// What the hand-set score adds, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_set: Option<HandSet>,
    /// Points by measure.
    pub measures: Vec<Measure>,
    /// Points by pair of measures.
    pub pairs: Vec<Pair>,
}

/// One row of a measure's table, for reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// `≤ 3.5`, `> 12`, names of categories, or `missing`.
    pub bin: String,
    /// Log-odds.
    pub points: f64,
    /// Share of the training rows.
    pub share: f64,
}

impl PointTable {
    fn at(&self, measure: &str) -> Result<usize> {
        self.measures
            .iter()
            .position(|known| known.name == measure)
            .ok_or_else(|| Error::UnknownColumn {
                column: measure.to_owned(),
                nearest: crate::nearest(measure, self.measures.iter().map(|known| known.name.as_str())),
            })
    }

    /// Changes the points of one bin.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] for a measure that the table does not have, [`Error::Setting`] for a bin it does not have, a number that
    /// is not finite, or points that go against the measure's declared direction.
    pub fn set_points(&mut self, measure: &str, bin: usize, points: f64) -> Result<()> {
        let at = self.at(measure)?;
        let measure = &mut self.measures[at];
        let known = measure.points.len().saturating_sub(1);
        if bin > known {
            return Err(Error::Setting {
                setting: "bin",
                value: bin.to_string(),
                remedy: "take a bin of the measure's table; the last is that of missing values",
            });
        }
        if !points.is_finite() {
            return Err(Error::Setting {
                setting: "points",
                value: points.to_string(),
                remedy: "take a number",
            });
        }
        let before = std::mem::replace(&mut measure.points[bin], points);
        let ordered = |pair: &[f64]| match measure.direction {
            Some(Direction::Rising) => pair[0] <= pair[1],
            Some(Direction::Falling) => pair[0] >= pair[1],
            None => true,
        };
        // Only the steps to its neighbours: what a pair moved elsewhere is not this edit's fault.
        let around = bin.saturating_sub(1)..(bin + 2).min(known);
        if bin < known && !measure.points[around].windows(2).all(ordered) {
            measure.points[bin] = before;
            return Err(Error::Setting {
                setting: "points",
                value: points.to_string(),
                remedy: "keep to the direction that is declared for the measure, or take the declaration back",
            });
        }
        Ok(())
    }

    /// Keeps a measure's points in every later training, or lets them go.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] for a measure that the table does not have.
    pub fn freeze(&mut self, measure: &str, frozen: bool) -> Result<()> {
        let at = self.at(measure)?;
        self.measures[at].frozen = frozen;
        Ok(())
    }

    /// The table with intercept and slope of a calibration applied: log-odds become `intercept + slope · log-odds`.
    pub fn calibrated(mut self, intercept: f64, slope: f64) -> Self {
        self.base = intercept + slope * self.base;
        if let Some(hand) = &mut self.hand_set {
            hand.weight *= slope;
        }
        self.measures
            .iter_mut()
            .flat_map(|measure| &mut measure.points)
            .for_each(|points| *points *= slope);
        self.pairs
            .iter_mut()
            .flat_map(|pair| &mut pair.points)
            .flatten()
            .for_each(|points| *points *= slope);
        self
    }

    /// The columns of `table` that the score reads, in its order.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when one is not there.
    pub fn select(&self, table: &Table) -> Result<Table> {
        let columns = self
            .measures
            .iter()
            .map(|measure| table.find(&measure.name))
            .collect::<Result<Vec<_>>>()?;
        Ok(table.only(&columns))
    }

    /// Scores of every row with the contributions of the hand-set score, if there is one, of each measure, then of each pair, against the mean.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when the table lacks a measure's column.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Contributions> {
        let hand = self.hand_set.as_ref().map(|hand| hand.apply(table)).transpose()?;
        let table = self.select(table)?;
        let cuts: Vec<Cuts> = self.measures.iter().map(|measure| measure.cuts.clone()).collect();
        let mut binned = Binned::new(&cuts, &table, threads);
        binned.rows = table.rows();
        let count = self.measures.len() + self.pairs.len();
        let columns = threads::map(threads, count, |at| match self.measures.get(at) {
            Some(measure) => binned.columns[at]
                .iter()
                .map(|bin| measure.points[usize::from(*bin)])
                .collect(),
            None => self.pairs[at - self.measures.len()].apply(&binned),
        });
        let columns: Vec<Vec<f64>> = hand.into_iter().chain(columns).collect();
        let mut scores = vec![self.base; binned.rows];
        for column in &columns {
            scores
                .iter_mut()
                .zip(column)
                .for_each(|(score, points)| *score += points);
        }
        Ok(Contributions {
            mean: self.base,
            columns,
            scores,
        })
    }

    /// Log-odds per row.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when the table lacks a measure's column.
    pub fn score(&self, table: &Table, threads: usize) -> Result<Vec<f64>> {
        Ok(self.explain(table, threads)?.scores)
    }

    /// A measure's table for reading; neighbouring bins with the same points are one line.
    pub fn lines(&self, measure: usize) -> Vec<Line> {
        self.measures.get(measure).map(Measure::lines).unwrap_or_default()
    }

    /// How much each measure, then each pair, moves scores: the mean absolute contribution over the training rows (pairs: over cells).
    pub fn weights(&self) -> Vec<f64> {
        let measures = self.measures.iter().map(|measure| {
            measure
                .points
                .iter()
                .zip(&measure.shares)
                .map(|(points, share)| points.abs() * share)
                .sum()
        });
        let pairs = self.pairs.iter().map(|pair| {
            let cells: Vec<f64> = pair.points.iter().flatten().map(|points| points.abs()).collect();
            cells.iter().sum::<f64>() / cells.len().max(1) as f64
        });
        measures.chain(pairs).collect()
    }
}

impl Pair {
    /// Points per row.
    pub(crate) fn apply(&self, binned: &Binned) -> Vec<f64> {
        let [a, b] = self.measures;
        let [coarse_a, coarse_b] = &self.coarse;
        binned.columns[a]
            .iter()
            .zip(&binned.columns[b])
            .map(|(a, b)| {
                self.points[usize::from(coarse_a[usize::from(*a)])][usize::from(coarse_b[usize::from(*b)])]
            })
            .collect()
    }
}

impl Measure {
    fn lines(&self) -> Vec<Line> {
        let known = self.points.len() - 1;
        let mut lines = Vec::new();
        let mut start = 0;
        while start < known {
            let alone = matches!(self.cuts, Cuts::Category { .. });
            let mut end = start + 1;
            while !alone && end < known && self.points[end] == self.points[start] {
                end += 1;
            }
            lines.push(Line {
                bin: self.name_of(start, end),
                points: self.points[start],
                share: self.shares[start..end].iter().sum(),
            });
            start = end;
        }
        lines.push(Line {
            bin: "missing".into(),
            points: self.points[known],
            share: self.shares[known],
        });
        lines
    }

    fn name_of(&self, start: usize, end: usize) -> String {
        match &self.cuts {
            Cuts::Number(cuts) => match (start.checked_sub(1).map(|at| cuts[at]), cuts.get(end - 1)) {
                (None, None) => "any".into(),
                (None, Some(high)) => format!("≤ {high}"),
                (Some(low), None) => format!("> {low}"),
                (Some(low), Some(high)) => format!("> {low} to {high}"),
            },
            Cuts::Category { bins, other } => {
                let mut names = bins[start].join(", ");
                if *other == Some(start as u8) {
                    names.push_str(if names.is_empty() { "other" } else { ", other" });
                }
                names
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    fn table() -> PointTable {
        let measure = |name: &str, direction| Measure {
            name: name.into(),
            cuts: Cuts::Number(vec![1.0, 2.0]),
            points: vec![0.5, 0.5, -1.0, 0.25],
            shares: vec![0.25; 4],
            direction,
            frozen: false,
        };
        PointTable {
            base: -1.0,
            hand_set: None,
            measures: vec![measure("a", Some(Direction::Falling)), measure("b", None)],
            pairs: vec![Pair {
                measures: [0, 1],
                coarse: [vec![0, 0, 1, 2], vec![0, 1, 1, 2]],
                points: vec![vec![0.1, -0.1, 0.0], vec![-0.1, 0.1, 0.0], vec![0.0; 3]],
            }],
        }
    }

    #[test]
    fn contributions_are_the_points_and_add_up() {
        let data = Table::new(vec![
            Column::number("b", vec![0.0, f64::NAN]),
            Column::number("a", vec![3.0, 1.5]),
        ])
        .unwrap();
        let found = table().explain(&data, 1).unwrap();
        assert_eq!(
            found.columns,
            vec![vec![-1.0, 0.5], vec![0.5, 0.25], vec![-0.1, 0.0]]
        );
        assert!((found.scores[0] + 1.6).abs() < 1e-12 && (found.scores[1] + 0.25).abs() < 1e-12);
        let half = table().calibrated(0.3, 0.5).score(&data, 1).unwrap();
        assert!((half[0] - (0.3 - 0.8)).abs() < 1e-12);
    }

    #[test]
    fn points_can_be_edited_within_their_direction() {
        let mut table = table();
        table.set_points("a", 0, 0.7).unwrap();
        assert_eq!(table.measures[0].points[0], 0.7);
        assert!(table.set_points("a", 2, 0.9).is_err());
        assert_eq!(table.measures[0].points[2], -1.0);
        table.set_points("a", 3, 9.0).unwrap();
        assert!(matches!(
            table.set_points("aa", 0, 0.0),
            Err(Error::UnknownColumn { .. })
        ));
        assert!(table.set_points("b", 4, 0.0).is_err());
    }

    #[test]
    fn lines_join_equal_neighbours_and_survive_a_file() {
        let lines = table().lines(0);
        assert_eq!(
            lines.iter().map(|line| line.bin.as_str()).collect::<Vec<_>>(),
            ["≤ 2", "> 2", "missing"]
        );
        assert!((lines[0].share - 0.5).abs() < 1e-12);
        let text = serde_json::to_string(&table()).unwrap();
        assert_eq!(serde_json::from_str::<PointTable>(&text).unwrap(), table());
    }
}
