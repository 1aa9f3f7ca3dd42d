//! How many rounds, and whether pairs: decided on rows that were held out, whole groups together.

use std::collections::{BTreeMap, HashMap};

use super::fit::fit;
use super::{Decision, Input, Settings};
use crate::error::Result;
use crate::histogram::Direction;
use crate::measure::Z95;
use crate::random::Random;

/// Steps at which held-out rows are looked at.
const STEP: usize = 25;

/// Held-out log-loss by round, summed over parts.
struct Curve {
    additive: Vec<f64>,
    pairs: Vec<f64>,
}

pub(super) fn decide(
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
        additive: vec![0.0; settings.additive.rounds / STEP + 1],
        pairs: vec![0.0; settings.pairs.rounds / STEP + 1],
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
                // The last additive round is where pairs begin.
                if additive && round == settings.additive.rounds {
                    for (row, trace) in held.iter().zip(&mut trace) {
                        let loss = loss(scores, *row);
                        trace.push(loss as f32);
                        curve.pairs[0] += loss;
                    }
                }
                if round % STEP != 0 {
                    return;
                }
                let curve = if additive {
                    &mut curve.additive
                } else {
                    &mut curve.pairs
                };
                let Some(sum) = curve.get_mut(round / STEP) else {
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
            .map_or(0, |at| at * STEP)
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
    let mut known = HashMap::new();
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
    let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
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
