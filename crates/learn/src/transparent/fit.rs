//! One training of the transparent score.

use super::{Fitted, Input, Settings};
use crate::additive::{self, Data};
use crate::binning::{self, Binned, MOST_BINS};
use crate::boost::{base_share, log_odds};
use crate::error::Result;
use crate::histogram::Direction;
use crate::pairs::{self, Coarse};
use crate::{shrink, start};

/// One training on some rows; `watch` sees scores of all rows after additive (`true`) and pair rounds.
pub(super) fn fit(
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
    for (at, points) in points.iter_mut().enumerate() {
        if let Some(measure) = frozen(at) {
            points.clone_from(&measure.points);
            add(&mut scores, &binned.columns[at], points);
        }
    }
    let own_weights: Option<Vec<f64>> = input
        .weights
        .map(|weights| rows.iter().map(|row| weights[*row as usize]).collect());
    let mut base = log_odds(base_share(&own_labels, own_weights.as_deref()));
    let mut hand_weight = 0.0;
    let hits = own_labels.iter().filter(|label| **label).count();
    let hits = hits.min(rows.len() - hits);
    // Columns with a declared direction start level: a regression might start them the wrong way.
    let level: Vec<u32> = free
        .iter()
        .copied()
        .filter(|at| directions[*at as usize].is_none())
        .collect();
    if input.start && !level.is_empty() {
        let start = start::fit(
            &data,
            &cuts,
            &level,
            settings.start_l2,
            &scores,
            input.hand.as_deref(),
        )?;
        (base, hand_weight) = (start.base, start.hand_weight);
        for at in &level {
            let at = *at as usize;
            add(&mut scores, &binned.columns[at], &start.points[at]);
            points[at].clone_from(&start.points[at]);
        }
    } else if let Some(hand) = &input.hand {
        (base, hand_weight) = shrink::hand_weight(hand, &scores, input.labels, input.weights, rows)?;
        hand_weight *= shrink::faith(hits, settings.hand_faith);
    }
    if let Some(hand) = &input.hand {
        scores
            .iter_mut()
            .zip(hand)
            .for_each(|(score, hand)| *score += hand_weight * hand);
    }
    scores.iter_mut().for_each(|score| *score += base);
    watch(true, 0, &scores);
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
