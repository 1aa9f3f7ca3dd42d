//! The methods, trained and scored part by part.

use std::time::Instant;

use super::{Part, Task};
use crate::boost::{self, log_odds};
use crate::calibrate::{self, Calibration};
use crate::error::Result;
use crate::logistic;
use crate::screen;
use crate::table::{Table, Values};
use crate::threads;
use crate::transparent;

/// The name of the transparent score's method.
pub(super) const TRANSPARENT: &str = "transparent";

/// The name of the hand-set score's method.
pub(super) const HAND_SET: &str = "hand_set";

/// The name of the method without any column.
pub(super) const PRIOR: &str = "prior";

/// Most columns that are tried alone as baselines.
const BASELINES: usize = 3;

/// Most columns that boosting looks at: those that say most alone in the training rows.
const MOST: usize = 512;

/// Outcomes of the rarer class that the newest training rows must hold to calibrate.
const CALIBRATE: usize = 50;

/// A method's log-odds for every row that was tested; NaN for the others.
pub(super) struct Scored {
    pub method: String,
    pub scores: Vec<f64>,
    pub seconds: f64,
}

#[derive(Clone, PartialEq)]
enum Kind {
    Prior,
    Baseline(String),
    HandSet(String),
    Logistic,
    Transparent,
    Challenger,
}

impl Kind {
    fn name(&self) -> String {
        match self {
            Self::Prior => PRIOR.into(),
            Self::Baseline(column) => format!("baseline {column}"),
            Self::HandSet(_) => HAND_SET.into(),
            Self::Logistic => "logistic".into(),
            Self::Transparent => TRANSPARENT.into(),
            Self::Challenger => "challenger".into(),
        }
    }
}

pub(super) fn run(task: &Task<'_>, table: &Table, progress: &(dyn Fn(&str) + Sync)) -> Result<Vec<Scored>> {
    let mut kinds = vec![Kind::Prior];
    kinds.extend(baselines(task, table).into_iter().map(Kind::Baseline));
    // A hand-set score that fell out as constant is no method.
    if let Some(name) = task.hand_set.filter(|name| table.find(name).is_ok()) {
        kinds.push(Kind::HandSet(name.to_owned()));
    }
    kinds.extend([Kind::Logistic, Kind::Transparent, Kind::Challenger]);
    let jobs: Vec<(usize, usize)> = (0..task.plan.parts.len())
        .flat_map(|part| (0..kinds.len()).map(move |kind| (kind, part)))
        .collect();
    // Several parts fill the threads by themselves; a single one is spread over them.
    let inner = if task.plan.parts.len() > 1 {
        1
    } else {
        task.threads
    };
    let outer = if task.plan.parts.len() > 1 {
        task.threads
    } else {
        1
    };
    let done = threads::map(outer, jobs.len(), |job| {
        let (kind, part) = jobs[job];
        let (kind, part) = (&kinds[kind], &task.plan.parts[part]);
        progress(&format!(
            "{}, {}: {} rows to learn, {} to test",
            kind.name(),
            part.name,
            part.train.len(),
            part.test.len()
        ));
        let start = Instant::now();
        let scores = one(task, table, kind, part, inner)?;
        Ok((scores, start.elapsed().as_secs_f64()))
    });
    let mut all: Vec<Scored> = kinds
        .iter()
        .map(|kind| Scored {
            method: kind.name(),
            scores: vec![f64::NAN; table.rows()],
            seconds: 0.0,
        })
        .collect();
    for ((kind, part), result) in jobs.into_iter().zip(done) {
        let (scores, seconds) = result?;
        all[kind].seconds += seconds;
        for (row, score) in task.plan.parts[part].test.iter().zip(scores) {
            all[kind].scores[*row as usize] = score;
        }
    }
    Ok(all)
}

/// The numbers that say most alone in the first training part: what a team would look at without a model.
fn baselines(task: &Task<'_>, table: &Table) -> Vec<String> {
    let Some(part) = task.plan.parts.first() else {
        return Vec::new();
    };
    let numbers: Vec<usize> = (0..table.columns().len())
        .filter(|at| {
            let column = &table.columns()[*at];
            matches!(column.values, Values::Number(_)) && Some(column.name.as_str()) != task.hand_set
        })
        .collect();
    let train = table.only(&numbers).take(&part.train);
    let labels: Vec<bool> = part.train.iter().map(|row| task.labels[*row as usize]).collect();
    screen::strongest(&train, &labels, BASELINES, task.threads)
        .into_iter()
        .map(|at| train.columns()[at].name.clone())
        .collect()
}

fn one(task: &Task<'_>, table: &Table, kind: &Kind, part: &Part, threads: usize) -> Result<Vec<f64>> {
    let test = table.take(&part.test);
    let mut scores = learn(task, table, kind, &part.train, &test, threads)?;
    if *kind != Kind::Prior
        && let Some(calibration) = recent(task, table, kind, part, threads)?
    {
        scores
            .iter_mut()
            .for_each(|score| *score = calibration.apply(*score));
    }
    Ok(scores)
}

/// Trains on rows and scores others.
fn learn(
    task: &Task<'_>,
    table: &Table,
    kind: &Kind,
    rows: &[u32],
    test: &Table,
    threads: usize,
) -> Result<Vec<f64>> {
    let labels: Vec<bool> = rows.iter().map(|row| task.labels[*row as usize]).collect();
    let share = labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64;
    let mut train = table.take(rows);
    let column = |name: &str| table.find(name);
    match kind {
        Kind::Prior => Ok(vec![log_odds(share); test.rows()]),
        Kind::Baseline(name) | Kind::HandSet(name) => {
            logistic::single(&train, column(name)?, &labels)?.score(test)
        }
        _ => {
            let hand = task.hand_set.and_then(|name| table.find(name).ok());
            let learnt: Vec<usize> = (0..table.columns().len())
                .filter(|at| Some(*at) != hand)
                .collect();
            let chosen = screen::strongest(&train.only(&learnt), &labels, MOST, threads);
            let mut columns: Vec<usize> = chosen.into_iter().map(|at| learnt[at]).collect();
            if *kind == Kind::Transparent {
                columns.extend(hand);
            }
            train = train.only(&columns);
            match kind {
                Kind::Logistic => match logistic::train(&train, &labels, None, 1.0) {
                    // Columns that differ only in test rows say nothing yet.
                    Err(crate::Error::NoColumns { .. }) => Ok(vec![log_odds(share); test.rows()]),
                    model => model?.score(test),
                },
                Kind::Challenger => {
                    let settings = boost::Settings {
                        seed: task.seed,
                        threads,
                        ..Default::default()
                    };
                    boost::train(&train, &labels, None, &settings)?.score(test, threads)
                }
                _ => {
                    let groups: Option<Vec<u64>> = task
                        .groups
                        .map(|groups| rows.iter().map(|row| groups[*row as usize]).collect());
                    let settings = transparent::Settings {
                        hand_set: hand.map(|at| table.columns()[at].name.clone()),
                        seed: task.seed,
                        threads,
                        ..Default::default()
                    };
                    let model =
                        transparent::train(&train, &labels, None, groups.as_deref(), None, &settings)?;
                    model.table.score(test, threads)
                }
            }
        }
    }
}

/// Intercept and slope on the newest fifth of the training rows by time, from a model of the older ones. Nothing where rows have no time
/// or too few outcomes are new.
fn recent(
    task: &Task<'_>,
    table: &Table,
    kind: &Kind,
    part: &Part,
    threads: usize,
) -> Result<Option<Calibration>> {
    let Some(times) = &task.plan.times else {
        return Ok(None);
    };
    let mut order = part.train.clone();
    order.sort_by(|a, b| times[*a as usize].total_cmp(&times[*b as usize]).then(a.cmp(b)));
    // Rows of one time stay together.
    let from = times[order[order.len() * 4 / 5] as usize];
    let (older, newer): (Vec<u32>, Vec<u32>) = order.into_iter().partition(|row| times[*row as usize] < from);
    let enough = |rows: &[u32]| {
        let hits = rows.iter().filter(|row| task.labels[**row as usize]).count();
        hits.min(rows.len() - hits) >= CALIBRATE
    };
    if !enough(&older) || !enough(&newer) {
        return Ok(None);
    }
    let scores = learn(task, table, kind, &older, &table.take(&newer), threads)?;
    let labels: Vec<bool> = newer.iter().map(|row| task.labels[*row as usize]).collect();
    Ok(Some(calibrate::fit(&scores, &labels, true)))
}
