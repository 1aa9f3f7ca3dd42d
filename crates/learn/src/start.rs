//! Where the learnt points start: a strongly penalised regression on the bins, which a few dozen outcomes can carry.
//!
//! Numbers enter by the mean rank of their bin, categories by one column per bin; all steps are small until the rows speak against it.
//! Boosting then corrects what is not a straight line. Only small tables start so: on large ones it cost accuracy (docs/accuracy.md).

use crate::additive::Data;
use crate::binning::Cuts;
use crate::error::Result;
use crate::logistic::{Problem, newton};

/// Rows that are looked at; a start need not be more exact.
const SAMPLE: usize = 20_000;

/// Most columns of the start.
const MOST: usize = 120;

/// Penalty on the weight of a hand-set score of unit variance: less than on a single measure's points, so that on a table too small to move
/// those the hand-set score leads; not none, because a hand-set score may be wrong (docs/accuracy.md).
const HAND: f64 = 20.0;

/// What the start found.
pub(crate) struct Start {
    /// The intercept.
    pub base: f64,
    /// Log-odds per point of the hand-set score, never above 0.
    pub hand_weight: f64,
    /// Points per column and bin, missing last.
    pub points: Vec<Vec<f64>>,
}

/// Fits points and the weight of a centred hand-set score together, given a fixed part of the log-odds per row.
pub(crate) fn fit(
    data: &Data<'_>,
    cuts: &[Cuts],
    columns: &[u32],
    l2: f64,
    offset: &[f64],
    hand: Option<&[f64]>,
) -> Result<Start> {
    let mut points: Vec<Vec<f64>> = data
        .binned
        .bins
        .iter()
        .map(|bins| vec![0.0; usize::from(*bins) + 1])
        .collect();
    let rows: Vec<usize> = data
        .rows
        .iter()
        .step_by(data.rows.len().div_ceil(SAMPLE).max(1))
        .map(|row| *row as usize)
        .collect();
    // What each column of the design says per bin.
    let mut codes: Vec<(usize, Vec<f64>)> = Vec::new();
    for column in columns {
        let at = *column as usize;
        let bins = usize::from(data.binned.bins[at]);
        let mut counts = vec![0.0; bins + 1];
        rows.iter()
            .for_each(|row| counts[usize::from(data.binned.columns[at][*row])] += 1.0);
        match &cuts[at] {
            Cuts::Number(_) => codes.push((at, standard(mid_ranks(&counts[..bins]), &counts))),
            Cuts::Category { .. } => {
                for bin in 0..bins {
                    codes.push((
                        at,
                        (0..=bins).map(|own| f64::from(u8::from(own == bin))).collect(),
                    ));
                }
            }
        }
        if counts[bins] > 0.0 {
            codes.push((
                at,
                (0..=bins).map(|own| f64::from(u8::from(own == bins))).collect(),
            ));
        }
    }
    codes.truncate(MOST);
    let width = codes.len() + usize::from(hand.is_some());
    let scale = hand.map_or(1.0, |hand| {
        let squares: f64 = rows.iter().map(|row| hand[*row].powi(2)).sum();
        (squares / rows.len().max(1) as f64).sqrt().max(1e-9)
    });
    let mut design = Vec::with_capacity(rows.len() * width);
    for row in &rows {
        design.extend(
            codes
                .iter()
                .map(|(at, code)| code[usize::from(data.binned.columns[*at][*row])]),
        );
        design.extend(hand.map(|hand| hand[*row] / scale));
    }
    let labels: Vec<bool> = rows.iter().map(|row| data.labels[*row]).collect();
    let own_offset: Vec<f64> = rows.iter().map(|row| offset[*row]).collect();
    let weights: Option<Vec<f64>> = data.weights.map(|all| rows.iter().map(|row| all[*row]).collect());
    let mut penalty = vec![l2; codes.len()];
    penalty.extend(hand.map(|_| HAND));
    let (base, coefficients) = newton(&Problem {
        design: &design,
        width,
        labels: &labels,
        offset: Some(&own_offset),
        weights: weights.as_deref(),
        penalty: &penalty,
    })?;
    let hand_weight = hand.map_or(0.0, |_| coefficients[codes.len()] / scale);
    if hand_weight > 0.0 {
        // A hand-set score that ranks the wrong way round beside the measures counts nothing.
        return fit(data, cuts, columns, l2, offset, None);
    }
    for ((at, code), coefficient) in codes.iter().zip(coefficients) {
        points[*at]
            .iter_mut()
            .zip(code)
            .for_each(|(point, code)| *point += coefficient * code);
    }
    Ok(Start {
        base,
        hand_weight,
        points,
    })
}

/// The middle of each bin's ranks, as a share of all rows.
fn mid_ranks(counts: &[f64]) -> Vec<f64> {
    let all: f64 = counts.iter().sum::<f64>().max(1.0);
    let mut below = 0.0;
    counts
        .iter()
        .map(|count| {
            let middle = (below + count / 2.0) / all;
            below += count;
            middle
        })
        .collect()
}

/// Mean 0 and variance 1 over the rows that are known; missing is the mean.
fn standard(mut values: Vec<f64>, counts: &[f64]) -> Vec<f64> {
    let all: f64 = counts[..values.len()].iter().sum::<f64>().max(1.0);
    let mean = values
        .iter()
        .zip(counts)
        .map(|(value, count)| value * count)
        .sum::<f64>()
        / all;
    let variance = values
        .iter()
        .zip(counts)
        .map(|(value, count)| (value - mean).powi(2) * count)
        .sum::<f64>()
        / all;
    let scale = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
    values
        .iter_mut()
        .for_each(|value| *value = (*value - mean) / scale);
    values.push(0.0);
    values
}
