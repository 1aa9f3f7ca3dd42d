//! Models that are learnt from everything that has happened so far, and what they say of accounts.

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use tenure_learn::boost::{Boosted, probability};
use tenure_learn::calibrate::Calibration;
use tenure_learn::points::PointTable;
use tenure_learn::scale::Scale;
use tenure_learn::{Column, Table, threads};

use super::gather::Gathered;
use super::rolling::{self, HAND};
use super::run::{Done, Job, SEED};
use super::store;
use crate::App;

/// Within how many days outcomes are told of.
pub const HORIZONS: [i32; 3] = [30, 90, 180];
/// Rows of either class that a model for another horizon needs.
const FEWEST: usize = 50;

/// The method whose points people read.
pub const TRANSPARENT: &str = "transparent";
/// The challenger.
pub const BOOSTING: &str = "boosting";

/// A trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Days of its own horizon.
    pub horizon: i32,
    /// What 75 points stand for.
    pub scale: Scale,
    /// Tables of points by horizon, ascending; empty for the challenger.
    pub tables: Vec<(i32, PointTable)>,
    /// The challenger, with its calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boosted: Option<(Boosted, [f64; 2])>,
}

/// A trained model with what it was trained on.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub body: Body,
    /// Rows.
    pub rows: usize,
    /// Rows with the outcome.
    pub positives: usize,
    /// The newest cutoff among them.
    pub day: i32,
}

/// What 75 points stand for in the model that is in force for an outcome: a new one keeps it, so that only real risk moves the average.
///
/// # Errors
/// When the records fail.
pub async fn reference(app: &App, outcome: &str) -> Result<Option<Scale>> {
    let kept = store::runs(app, Some(outcome)).await?;
    let promoted = kept
        .iter()
        .filter(|run| run.promoted_at.is_some())
        .min_by_key(|run| run.promoted_at);
    Ok(promoted
        .and_then(|run| serde_json::from_str::<Body>(&run.body).ok())
        .map(|body| body.scale))
}

/// Trains on every row whose horizon has passed, calibrated on what the back-test's trainings said of the newest of them. `now` are the accounts
/// of today, for a history that is young.
///
/// # Errors
/// When there is too little to learn from.
pub fn train(
    done: &Done,
    job: &Job,
    method: &str,
    before: Option<Scale>,
    now: Option<&Gathered>,
) -> Result<Trained> {
    let panel = &done.gathered.panel;
    let threads = threads::available();
    let hand = done.learn_from(job);
    let table = rolling::table(panel, hand)?;
    let directions = job.directions();
    // One past the last cutoff: everything that is closed by the newest known day.
    let rows: Vec<u32> = (0..panel.rows())
        .filter(|row| panel.labels[*row].is_some())
        .filter_map(|row| u32::try_from(row).ok())
        .collect();
    let rows = rows[rows.len().saturating_sub(rolling::MOST_ROWS)..].to_vec();
    let labels: Vec<bool> = rows
        .iter()
        .map(|row| panel.labels[*row as usize] == Some(true))
        .collect();
    let positives = labels.iter().filter(|label| **label).count();
    let groups: Vec<u64> = rows
        .iter()
        .map(|row| panel.accounts[*row as usize].unsigned_abs())
        .collect();
    let day = rows.last().map_or(panel.newest, |row| {
        panel.cutoffs[panel.at[*row as usize] as usize].day
    });
    let scale = before.unwrap_or_else(|| Scale::of_share(positives as f64 / labels.len().max(1) as f64));
    let raw = |id: &str| {
        done.raw
            .iter()
            .find(|(of, _)| of == id)
            .map(|(_, raw)| raw.as_slice())
    };
    let calibration = |id: &str| {
        raw(id)
            .and_then(|raw| {
                let horizon = job.outcome.horizon;
                rolling::calibration_until(panel, raw, panel.newest, i64::MAX, horizon, rolling::MOST_ROWS)
            })
            .unwrap_or_default()
    };
    // What is said of today's accounts is levelled as in the back-test, and stays so.
    let today = now
        .map(|now| rolling::table(&now.panel, job.learn_from(now)))
        .transpose()?;
    let level = |score: &dyn Fn(&Table) -> tenure_learn::Result<Vec<f64>>, labels: &[bool]| {
        let Some(today) = &today else {
            return tenure_learn::Result::Ok(0.0);
        };
        let hits = labels.iter().filter(|label| **label).count();
        let share = hits as f64 / labels.len().max(1) as f64;
        Ok(rolling::level(
            &score(today)?,
            share,
            panel.newest,
            job.days.begun(),
        ))
    };
    let train = table.take(&rows);
    let mut body = Body {
        horizon: job.outcome.horizon,
        scale,
        tables: Vec::new(),
        boosted: None,
    };
    match method {
        TRANSPARENT => {
            let found =
                rolling::train_transparent(&train, &labels, &groups, &directions, None, SEED, threads)?;
            let shift = level(&|rows| found.table.score(rows, threads), &labels)?;
            let Calibration { intercept, slope } = calibration("transparent");
            let points = found.table.calibrated(intercept + slope * shift, slope);
            body.tables.push((job.outcome.horizon, points));
            for (horizon, other) in &panel.also {
                let (rows, labels): (Vec<u32>, Vec<bool>) = rows
                    .iter()
                    .filter_map(|row| Some((*row, other[*row as usize]?)))
                    .unzip();
                let hits = labels.iter().filter(|label| **label).count();
                if hits.min(labels.len() - hits) < FEWEST {
                    continue;
                }
                let groups: Vec<u64> = rows
                    .iter()
                    .map(|row| panel.accounts[*row as usize].unsigned_abs())
                    .collect();
                let found = rolling::train_transparent(
                    &table.take(&rows),
                    &labels,
                    &groups,
                    &directions,
                    None,
                    SEED,
                    threads,
                )?;
                let shift = level(&|rows| found.table.score(rows, threads), &labels)?;
                body.tables.push((*horizon, found.table.calibrated(shift, 1.0)));
            }
            body.tables.sort_by_key(|(horizon, _)| *horizon);
        }
        BOOSTING => {
            let found = rolling::train_challenger(&train, &labels, &directions, SEED, threads)?;
            let shift = level(&|rows| found.score(rows, threads), &labels)?;
            let Calibration { intercept, slope } = calibration("challenger");
            body.boosted = Some((found, [intercept + slope * shift, slope]));
        }
        other => bail!("there is no method {other}; take transparent or boosting"),
    }
    Ok(Trained {
        body,
        rows: labels.len(),
        positives,
        day,
    })
}

/// What a model says of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Probability within each horizon, ascending by horizon and never falling.
    pub probabilities: Vec<(i32, f64)>,
    /// Probability within the model's own horizon.
    pub probability: f64,
    /// What moves it, in log-odds, the strongest first.
    pub reasons: Vec<(String, f64)>,
}

impl Body {
    /// What the model says of the rows of a table.
    ///
    /// # Errors
    /// When the table lacks a column of the model.
    pub fn say(&self, table: &Table) -> Result<Vec<Said>> {
        let threads = threads::available();
        if let Some((boosted, [intercept, slope])) = &self.boosted {
            let table = filled(table, &boosted.names)?;
            return Ok(boosted
                .score(&table, threads)?
                .into_iter()
                .map(|score| {
                    let p = probability(intercept + slope * score);
                    Said {
                        probabilities: vec![(self.horizon, p)],
                        probability: p,
                        reasons: Vec::new(),
                    }
                })
                .collect());
        }
        let none = Said {
            probabilities: Vec::new(),
            probability: f64::NAN,
            reasons: Vec::new(),
        };
        let mut said = vec![none; table.rows()];
        for (horizon, points) in &self.tables {
            let names: Vec<String> = points
                .measures
                .iter()
                .map(|measure| measure.name.clone())
                .collect();
            let found = points.explain(&filled(table, &names)?, threads)?;
            for (row, said) in said.iter_mut().enumerate() {
                said.probabilities
                    .push((*horizon, probability(found.scores[row])));
                if *horizon == self.horizon {
                    said.probability = probability(found.scores[row]);
                    said.reasons = reasons(points, &found.columns, row);
                }
            }
        }
        said.iter_mut().for_each(|said| said.keep_order(self.horizon));
        Ok(said)
    }
}

impl Said {
    /// What comes within fewer days cannot be likelier than what comes within more: the model's own horizon stands, the others give way.
    fn keep_order(&mut self, own: i32) {
        let mut most = self.probability;
        for (horizon, p) in self.probabilities.iter_mut().rev() {
            if *horizon < own {
                *p = p.min(most);
                most = *p;
            }
        }
        let mut least = self.probability;
        for (horizon, p) in &mut self.probabilities {
            if *horizon > own {
                *p = p.max(least);
                least = *p;
            }
        }
    }
}

/// The table with a column of missing values for each that the model reads and the program no longer has.
fn filled(table: &Table, names: &[String]) -> Result<Table> {
    let mut columns = table.columns().to_vec();
    for name in names.iter().map(String::as_str).chain([HAND]) {
        if !columns.iter().any(|column| column.name == *name) {
            columns.push(Column::number(name, vec![f64::NAN; table.rows()]));
        }
    }
    Table::new(columns).map_err(|error| anyhow!("{error}"))
}

fn reasons(points: &PointTable, columns: &[Vec<f64>], row: usize) -> Vec<(String, f64)> {
    let mut names: Vec<String> = Vec::new();
    names.extend(points.hand_set.as_ref().map(|_| HAND.to_owned()));
    names.extend(points.measures.iter().map(|measure| measure.name.clone()));
    names.extend(points.pairs.iter().map(|pair| {
        let name = |at: usize| {
            points
                .measures
                .get(at)
                .map_or("", |measure| measure.name.as_str())
        };
        format!("{} × {}", name(pair.measures[0]), name(pair.measures[1]))
    }));
    let mut reasons: Vec<(String, f64)> = names
        .into_iter()
        .zip(columns.iter().map(|column| column[row]))
        .collect();
    reasons.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    reasons.truncate(5);
    reasons
}
