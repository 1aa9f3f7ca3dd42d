//! The transparent score: hand-set score, penalised points, boosted points, and the few pairs that pay.
//!
//! log-odds = a + b·(hand-set) + points + pairs. `b` is fitted first, then the points on what is left, so that a small table stays at the
//! team's weights. How many rounds the points get, and whether pairs are kept at all, is decided on rows that were held out, whole groups
//! together: pairs stay only if the log-loss that they save there is more than its interval.

mod decide;
mod fit;

use serde::{Deserialize, Serialize};

use crate::additive;
use crate::binning::{Binned, Cuts};
use crate::boost::check_labels;
use crate::error::Result;
use crate::histogram::Direction;
use crate::pairs;
use crate::points::{HandSet, Measure, Pair, PointTable};
use crate::table::{Table, Values};

/// Settings of [`train`].
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Additive rounds; fewer are used where held-out rows say so.
    pub additive: additive::Settings,
    /// Pair rounds.
    pub pairs: pairs::Settings,
    /// Penalty of the start.
    pub start_l2: f64,
    /// Tables with fewer rows of the rarer outcome begin with the start; on larger ones it costs accuracy.
    pub start_below: usize,
    /// Most rows, in whole groups, that rounds and pairs are decided on.
    pub inner_rows: usize,
    /// Parts of the inner hold-out for smaller tables.
    pub inner_folds: usize,
    /// Outcomes that the hand-set score is worth: with so many rows of the rarer outcome it counts half.
    pub hand_faith: f64,
    /// Declared directions by column.
    pub directions: Vec<Option<Direction>>,
    /// The column with the hand-set score, if there is one; it is not learnt from otherwise.
    pub hand_set: Option<String>,
    /// Fixes samples and hold-outs.
    pub seed: u64,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            additive: additive::Settings::default(),
            pairs: pairs::Settings::default(),
            start_l2: 30.0,
            start_below: 500,
            inner_rows: 50_000,
            inner_folds: 3,
            hand_faith: 100.0,
            directions: Vec::new(),
            hand_set: None,
            seed: 1,
            threads: 1,
        }
    }
}

/// What held-out rows said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Additive rounds that were used.
    pub rounds: usize,
    /// Pair rounds that were used; 0 when pairs did not pay.
    pub pair_rounds: usize,
    /// Log-loss that pairs saved on held-out rows, with its interval.
    pub pair_gain: [f64; 3],
}

/// A trained score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transparent {
    /// The points.
    pub table: PointTable,
    /// How rounds and pairs were decided.
    pub decision: Decision,
}

/// Rows as the learner sees them.
struct Input<'a> {
    table: &'a Table,
    labels: &'a [bool],
    weights: Option<&'a [f64]>,
    hand: Option<Vec<f64>>,
    frozen: Option<&'a PointTable>,
    /// Whether to begin with the start: one decision for the table and its held-out parts, whose rounds would else not be comparable.
    start: bool,
}

/// What one training yields.
struct Fitted {
    cuts: Vec<Cuts>,
    binned: Binned,
    base: f64,
    hand_weight: f64,
    points: Vec<Vec<f64>>,
    pairs: Vec<Pair>,
}

/// Trains on a table. `groups` (accounts) are held out together; `previous` gives the points of frozen measures.
///
/// # Errors
/// Those of the labels; [`crate::Error::UnknownColumn`] for a hand-set column that is not there; [`crate::Error::NoColumns`] when nothing differs.
pub fn train(
    table: &Table,
    labels: &[bool],
    weights: Option<&[f64]>,
    groups: Option<&[u64]>,
    previous: Option<&PointTable>,
    settings: &Settings,
) -> Result<Transparent> {
    check_labels(table, labels, weights)?;
    let hand_at = settings
        .hand_set
        .as_deref()
        .map(|name| table.find(name))
        .transpose()?;
    let hand = hand_at.map(|at| match &table.columns()[at].values {
        Values::Number(values) => centred(values),
        Values::Category { .. } => (vec![0.0; table.rows()], 0.0),
    });
    let columns: Vec<usize> = (0..table.columns().len())
        .filter(|at| Some(*at) != hand_at)
        .collect();
    let mut directions = settings.directions.clone();
    directions.resize(table.columns().len(), None);
    let directions: Vec<Option<Direction>> = columns.iter().map(|at| directions[*at]).collect();
    let hits = labels.iter().filter(|label| **label).count();
    let input = Input {
        table: &table.only(&columns),
        labels,
        weights,
        hand: hand.as_ref().map(|(values, _)| values.clone()),
        frozen: previous,
        start: hits.min(labels.len() - hits) < settings.start_below,
    };
    let decision = decide::decide(&input, groups, &directions, settings)?;
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let chosen = Settings {
        additive: additive::Settings {
            rounds: decision.rounds,
            ..settings.additive.clone()
        },
        pairs: pairs::Settings {
            rounds: decision.pair_rounds,
            ..settings.pairs.clone()
        },
        ..settings.clone()
    };
    let fitted = fit::fit(&input, &rows, &directions, &chosen, &mut |_, _, _| {})?;
    let hand_set = settings
        .hand_set
        .as_ref()
        .zip(hand)
        .map(|(name, (_, centre))| HandSet {
            name: name.clone(),
            weight: fitted.hand_weight,
            centre,
        });
    Ok(Transparent {
        table: assemble(fitted, &input, directions, hand_set),
        decision,
    })
}

fn centred(values: &[f64]) -> (Vec<f64>, f64) {
    let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let centre = known.iter().sum::<f64>() / known.len().max(1) as f64;
    (
        values
            .iter()
            .map(|value| if value.is_nan() { 0.0 } else { value - centre })
            .collect(),
        centre,
    )
}

fn assemble(
    fitted: Fitted,
    input: &Input<'_>,
    directions: Vec<Option<Direction>>,
    hand_set: Option<HandSet>,
) -> PointTable {
    let n = fitted.binned.rows.max(1) as f64;
    let mut base = fitted.base;
    let measures = fitted
        .cuts
        .into_iter()
        .zip(fitted.points)
        .enumerate()
        .map(|(at, (cuts, mut points))| {
            let column = &input.table.columns()[at];
            let mut shares = vec![0.0; points.len()];
            fitted.binned.columns[at]
                .iter()
                .for_each(|bin| shares[usize::from(*bin)] += 1.0 / n);
            let frozen = input.frozen.and_then(|table| {
                table
                    .measures
                    .iter()
                    .find(|known| known.frozen && known.name == column.name)
            });
            if frozen.is_none() {
                let mean: f64 = points
                    .iter()
                    .zip(&shares)
                    .map(|(point, share)| point * share)
                    .sum();
                points.iter_mut().for_each(|point| *point -= mean);
                base += mean;
                // A bin that no row was in says nothing: it counts as the mean. Between known bins it stays on the step below it.
                if let (Some(point), Some(0.0)) = (points.last_mut(), shares.last()) {
                    *point = 0.0;
                }
            }
            Measure {
                name: column.name.clone(),
                cuts,
                points,
                shares,
                direction: directions[at],
                frozen: frozen.is_some(),
            }
        })
        .collect();
    PointTable {
        base,
        hand_set,
        measures,
        pairs: fitted.pairs,
    }
}

#[cfg(test)]
mod tests;
