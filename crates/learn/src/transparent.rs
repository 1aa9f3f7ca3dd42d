//! The transparent score: hand-set score, penalised points, boosted points, and the few pairs that pay.
//!
//! log-odds = a + b·(hand-set) + points + pairs. `b` is fitted first, then the points on what is left, so that a small table stays at the
//! team's weights. How many rounds the points get, and whether pairs are kept at all, is decided on rows that were held out, whole groups
//! together: pairs stay only if the log-loss that they save there is more than its interval.

use serde::{Deserialize, Serialize};

use crate::additive::{self, Data};
use crate::binning::{self, Binned, Cuts, MOST_BINS};
use crate::boost::{base_share, check_labels, log_odds};
use crate::error::Result;
use crate::histogram::Direction;
use crate::measure::Z95;
use crate::pairs::{self, Coarse};
use crate::points::{HandSet, Measure, Pair, PointTable};
use crate::random::Random;
use crate::start;
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

/// Steps at which held-out rows are looked at.
const STEP: usize = 25;

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
    let decision = decide(&input, groups, &directions, settings)?;
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
    let fitted = fit(&input, &rows, &directions, &chosen, &mut |_, _, _| {})?;
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

/// One training on some rows; `watch` sees scores of all rows after additive (`true`) and pair rounds.
fn fit(
    input: &Input<'_>,
    rows: &[u32],
    directions: &[Option<Direction>],
    settings: &Settings,
    watch: &mut dyn FnMut(bool, usize, &[f64]),
) -> Result<Fitted> {
    let own_labels: Vec<bool> = rows.iter().map(|row| input.labels[*row as usize]).collect();
    let whole = rows.len() == input.table.rows();
    let mut cuts = if whole {
        binning::cut(input.table, input.labels, MOST_BINS, settings.threads)
    } else {
        binning::cut(&input.table.take(rows), &own_labels, MOST_BINS, settings.threads)
    };
    let frozen = |at: usize| {
        let name = &input.table.columns()[at].name;
        input
            .frozen?
            .measures
            .iter()
            .find(|measure| measure.frozen && measure.name == *name)
    };
    for (at, cut) in cuts.iter_mut().enumerate() {
        if let Some(measure) = frozen(at) {
            *cut = measure.cuts.clone();
        }
    }
    let binned = Binned::new(&cuts, input.table, settings.threads);
    let free: Vec<u32> = (0..cuts.len() as u32)
        .filter(|at| {
            let column = &binned.columns[*at as usize];
            frozen(*at as usize).is_none()
                && rows
                    .iter()
                    .any(|row| column[*row as usize] != column[rows[0] as usize])
        })
        .collect();
    let data = Data {
        binned: &binned,
        labels: input.labels,
        weights: input.weights,
        rows,
        directions,
        seed: settings.seed,
        threads: settings.threads,
    };
    let mut scores = vec![0.0; input.table.rows()];
    let mut points: Vec<Vec<f64>> = binned
        .bins
        .iter()
        .map(|bins| vec![0.0; usize::from(*bins) + 1])
        .collect();
    for at in 0..cuts.len() {
        if let Some(measure) = frozen(at) {
            points[at].clone_from(&measure.points);
            add(&mut scores, &binned.columns[at], &points[at]);
        }
    }
    let own_weights: Option<Vec<f64>> = input
        .weights
        .map(|weights| rows.iter().map(|row| weights[*row as usize]).collect());
    let mut base = log_odds(base_share(&own_labels, own_weights.as_deref()));
    let mut hand_weight = 0.0;
    let hits = own_labels.iter().filter(|label| **label).count();
    let hits = hits.min(rows.len() - hits);
    if let Some(hand) = &input.hand {
        (base, hand_weight) = crate::shrink::hand_weight(hand, &scores, input.labels, input.weights, rows)?;
        hand_weight *= crate::shrink::faith(hits, settings.hand_faith);
        scores
            .iter_mut()
            .zip(hand)
            .for_each(|(score, hand)| *score += hand_weight * hand);
    }
    // Columns with a declared direction start level: a regression might start them the wrong way.
    let level: Vec<u32> = free
        .iter()
        .copied()
        .filter(|at| directions[*at as usize].is_none())
        .collect();
    if input.start && !level.is_empty() {
        let (intercept, started) = start::fit(&data, &cuts, &level, settings.start_l2, &scores)?;
        base = intercept;
        for at in &level {
            let at = *at as usize;
            add(&mut scores, &binned.columns[at], &started[at]);
            points[at].clone_from(&started[at]);
        }
    }
    scores.iter_mut().for_each(|score| *score += base);
    let learned = additive::fit(&data, &free, &settings.additive, &mut scores, |round, scores| {
        watch(true, round, scores);
    });
    for (points, learned) in points.iter_mut().zip(&learned) {
        points
            .iter_mut()
            .zip(learned)
            .for_each(|(point, learned)| *point += learned);
    }
    let mut found = Vec::new();
    if settings.pairs.rounds > 0 && free.len() > 1 {
        let strong = strongest(&data, &points, &free, settings.pairs.measures);
        let coarse = Coarse::new(&data, &strong);
        let chosen = pairs::screen(&data, &coarse, &strong, &scores, &settings.pairs);
        let grids = pairs::fit(
            &data,
            &coarse,
            &chosen,
            &settings.pairs,
            &mut scores,
            |round, scores| {
                watch(false, round, scores);
            },
        );
        for (pair, grid) in chosen.into_iter().zip(grids) {
            if grid.iter().flatten().any(|point| *point != 0.0) {
                found.push(pairs::free(&data, &coarse, pair, grid, &mut points));
            }
        }
    }
    Ok(Fitted {
        cuts,
        binned,
        base,
        hand_weight,
        points,
        pairs: found,
    })
}

fn add(scores: &mut [f64], bins: &[u8], points: &[f64]) {
    scores
        .iter_mut()
        .zip(bins)
        .for_each(|(score, bin)| *score += points[usize::from(*bin)]);
}

/// The columns whose points vary most over the rows.
fn strongest(data: &Data<'_>, points: &[Vec<f64>], columns: &[u32], most: usize) -> Vec<u32> {
    let mut spread: Vec<(f64, u32)> = columns
        .iter()
        .map(|column| {
            let at = *column as usize;
            let values = data
                .rows
                .iter()
                .map(|row| points[at][usize::from(data.binned.columns[at][*row as usize])]);
            let (sum, squares) = values.fold((0.0, 0.0), |sum, value| (sum.0 + value, sum.1 + value * value));
            let n = data.rows.len() as f64;
            (squares / n - (sum / n).powi(2), *column)
        })
        .collect();
    spread.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    spread.truncate(most);
    let mut chosen: Vec<u32> = spread.into_iter().map(|(_, column)| column).collect();
    chosen.sort_unstable();
    chosen
}

/// Held-out log-loss by round, summed over parts.
struct Curve {
    additive: Vec<f64>,
    pairs: Vec<f64>,
}

fn decide(
    input: &Input<'_>,
    groups: Option<&[u64]>,
    directions: &[Option<Direction>],
    settings: &Settings,
) -> Result<Decision> {
    let n = input.table.rows();
    let fallback = Decision {
        rounds: settings.additive.rounds,
        pair_rounds: 0,
        pair_gain: [0.0; 3],
    };
    let part = hold_out(n, groups, settings);
    let large = n > settings.inner_rows;
    let parts = if large {
        1
    } else {
        settings.inner_folds.clamp(2, 20) as u8
    };
    let mut curve = Curve {
        additive: vec![0.0; settings.additive.rounds / STEP],
        pairs: vec![0.0; settings.pairs.rounds / STEP],
    };
    // Per held-out row its loss before the pairs and at each step of them.
    let mut traces: Vec<(u32, Vec<f32>)> = Vec::new();
    for fold in 0..parts {
        let held: Vec<u32> = (0..n as u32).filter(|row| part[*row as usize] == fold).collect();
        let rows: Vec<u32> = (0..n as u32)
            .filter(|row| ![fold, u8::MAX].contains(&part[*row as usize]))
            .collect();
        let hits = |rows: &[u32]| rows.iter().filter(|row| input.labels[**row as usize]).count();
        if hits(&rows) == 0 || hits(&rows) == rows.len() || held.is_empty() {
            continue;
        }
        let mut trace: Vec<Vec<f32>> = vec![Vec::new(); held.len()];
        let loss = |scores: &[f64], row: u32| {
            let score = scores[row as usize];
            let soft = score.max(0.0) + (-score.abs()).exp().ln_1p();
            soft - if input.labels[row as usize] { score } else { 0.0 }
        };
        fit(
            input,
            &rows,
            directions,
            settings,
            &mut |additive, round, scores| {
                if additive && round == settings.additive.rounds {
                    trace
                        .iter_mut()
                        .zip(&held)
                        .for_each(|(trace, row)| trace.push(loss(scores, *row) as f32));
                }
                if round % STEP != 0 {
                    return;
                }
                let curve = if additive {
                    &mut curve.additive
                } else {
                    &mut curve.pairs
                };
                let Some(sum) = curve.get_mut(round / STEP - 1) else {
                    return;
                };
                for (row, trace) in held.iter().zip(&mut trace) {
                    let loss = loss(scores, *row);
                    *sum += loss;
                    if !additive {
                        trace.push(loss as f32);
                    }
                }
            },
        )?;
        traces.extend(held.into_iter().zip(trace));
    }
    if traces.is_empty() {
        return Ok(fallback);
    }
    let least = |curve: &[f64]| {
        (0..curve.len())
            .reduce(|a, b| if curve[b] < curve[a] { b } else { a })
            .map_or(0, |at| (at + 1) * STEP)
    };
    let rounds = if large {
        settings.additive.rounds
    } else {
        least(&curve.additive)
    };
    let pair_rounds = least(&curve.pairs);
    let gain = saved(&traces, pair_rounds / STEP, groups);
    let keep = pair_rounds > 0 && gain[1] > 0.0;
    Ok(Decision {
        rounds,
        pair_rounds: if keep { pair_rounds } else { 0 },
        pair_gain: gain,
    })
}

/// The part of each row; `u8::MAX` is in none.
fn hold_out(n: usize, groups: Option<&[u64]>, settings: &Settings) -> Vec<u8> {
    let mut random = Random::new(settings.seed, u64::MAX - 1);
    let folds = settings.inner_folds.clamp(2, 20);
    let keep = if n > settings.inner_rows {
        settings.inner_rows as f64 / n as f64
    } else {
        1.0
    };
    let mut known = std::collections::HashMap::new();
    (0..n)
        .map(|row| {
            let group = groups.map_or(row as u64, |groups| groups[row]);
            *known.entry(group).or_insert_with(|| {
                if random.unit() >= keep {
                    return u8::MAX;
                }
                random.below(folds) as u8
            })
        })
        .collect()
}

/// Mean log-loss saved by the pairs at a step, with its interval over groups.
fn saved(traces: &[(u32, Vec<f32>)], step: usize, groups: Option<&[u64]>) -> [f64; 3] {
    let mut sums: std::collections::BTreeMap<u64, f64> = std::collections::BTreeMap::new();
    let mut all = 0.0;
    let mut rows = 0.0;
    for (row, trace) in traces {
        let (Some(before), Some(after)) = (trace.first(), trace.get(step)) else {
            continue;
        };
        let saved = f64::from(*before) - f64::from(*after);
        *sums
            .entry(groups.map_or(u64::from(*row), |groups| groups[*row as usize]))
            .or_default() += saved;
        all += saved;
        rows += 1.0;
    }
    if rows < 2.0 {
        return [0.0; 3];
    }
    let count = sums.len() as f64;
    let mean = all / count;
    let variance: f64 =
        sums.values().map(|sum| (sum - mean).powi(2)).sum::<f64>() * count / (count - 1.0).max(1.0);
    let half = Z95 * variance.sqrt() / rows;
    [all / rows, all / rows - half, all / rows + half]
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
