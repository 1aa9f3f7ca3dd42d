//! All methods side by side on one flat table: what each is worth on rows that it was not trained on.
//!
//! Everything that looks at outcomes (bins of categories, choice of columns, rounds, calibration) happens inside the training part of each split.

mod check;
mod methods;
mod split;

use serde::Serialize;

pub use check::{LEAK, Warning};
pub use split::{Part, Plan, seeded};

use crate::boost::probability;
use crate::error::{Error, Result};
use crate::measure::{self, Bootstrap, Interval};
use crate::table::Table;

/// Fewer outcomes than this prove nothing.
pub const FEWEST: usize = 50;

/// A lower end of the AUC's interval below this proves nothing.
pub const LEAST_AUC: f64 = 0.55;

/// What is evaluated.
pub struct Task<'a> {
    /// The columns that may be learnt from, and the hand-set score.
    pub table: &'a Table,
    /// The outcome per row.
    pub labels: &'a [bool],
    /// The outcome's name, for messages.
    pub target: &'a str,
    /// Which rows belong to one account; they are never on both sides of a split, and intervals draw whole accounts.
    pub groups: Option<&'a [u64]>,
    /// The splits.
    pub plan: &'a Plan,
    /// The column with the score that the team set by hand, rising with health.
    pub hand_set: Option<&'a str>,
    /// Fixes samples.
    pub seed: u64,
    /// Threads; figures do not depend on it, seconds do.
    pub threads: usize,
}

/// What a method is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method {
    /// `prior`, `baseline COLUMN`, `hand_set`, `logistic`, `transparent` or `challenger`.
    pub method: String,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Its 95 % interval.
    pub auc_low: f64,
    /// Its 95 % interval.
    pub auc_high: f64,
    /// Area under the precision–recall curve (average precision).
    pub pr_auc: Option<f64>,
    /// Mean negative log-likelihood, nats.
    pub log_loss: f64,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// Calibration error in ten bins of equal count.
    pub ece: f64,
    /// Share of outcomes in the top tenth ÷ share in all.
    pub lift_10: Option<f64>,
    /// Seconds of training and scoring over all parts, as the work of one thread.
    pub seconds: f64,
}

/// A comparison of two methods on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// The first.
    pub first: String,
    /// The second.
    pub second: String,
    /// AUC of the first minus that of the second.
    pub auc: f64,
    /// Its 95 % interval.
    pub low: f64,
    /// Its 95 % interval.
    pub high: f64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The outcome's name.
    pub target: String,
    /// Rows of the table.
    pub rows: usize,
    /// Rows that were scored without having been trained on.
    pub test_rows: usize,
    /// Outcomes among them.
    pub test_positives: usize,
    /// Columns that were learnt from.
    pub columns: usize,
    /// `proven` or `not proven`.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
    /// How intervals were made.
    pub interval: &'static str,
    /// By method.
    pub methods: Vec<Method>,
    /// Skill (2·AUC − 1) of the transparent score ÷ that of the hand-set one, bootstrap over accounts; only with a hand-set score.
    pub skill_ratio: Option<Interval>,
    /// The transparent score against the others.
    pub paired: Vec<Paired>,
    /// What to look at.
    pub warnings: Vec<Warning>,
}

/// Draws of the bootstrap over accounts.
const DRAWS: usize = 500;

/// Evaluates every method; `progress` is told what is being done.
///
/// # Errors
/// Rows without both classes, splits that cannot be used, columns that are not there or from which nothing can be learnt; each names the
/// column and the remedy.
pub fn run(task: &Task<'_>, progress: &(dyn Fn(&str) + Sync)) -> Result<Report> {
    let (columns, mut warnings) = check::columns(task)?;
    task.plan.check(task.labels, task.target)?;
    let table = task.table.only(&columns);
    let results = methods::run(task, &table, progress)?;
    let mut rows: Vec<usize> = task
        .plan
        .parts
        .iter()
        .flat_map(|part| part.test.iter().map(|row| *row as usize))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let labels: Vec<bool> = rows.iter().map(|row| task.labels[*row]).collect();
    let groups: Option<Vec<u64>> = task
        .groups
        .map(|groups| rows.iter().map(|row| groups[*row]).collect());
    let repeated = groups.as_ref().is_some_and(|groups| {
        let mut seen = std::collections::HashSet::new();
        groups.iter().any(|group| !seen.insert(*group))
    });
    let bootstrap = groups
        .as_deref()
        .filter(|_| repeated)
        .map(|groups| Bootstrap::new(&labels, groups, DRAWS, task.seed));
    let one_class = || Error::OneClass {
        column: task.target.to_owned(),
        positives: labels.iter().filter(|label| **label).count(),
        rows: labels.len(),
        remedy: "test on more rows".into(),
    };
    let scores: Vec<Vec<f64>> = results
        .iter()
        .map(|result| rows.iter().map(|row| result.scores[*row]).collect())
        .collect();
    let mut methods = Vec::new();
    for (result, scores) in results.iter().zip(&scores) {
        // The prior differs between parts by their shares only; that is no ranking.
        let level = (result.method == methods::PRIOR).then(|| vec![0.0; labels.len()]);
        let scores = level.as_ref().unwrap_or(scores);
        let auc = measure::auc(scores, &labels).ok_or_else(one_class)?;
        let (low, high) = match &bootstrap {
            Some(bootstrap) => bootstrap
                .auc(scores)
                .map_or((auc.low, auc.high), |found| (found.low, found.high)),
            None => (auc.low, auc.high),
        };
        let probabilities: Vec<f64> = rows.iter().map(|row| probability(result.scores[*row])).collect();
        methods.push(Method {
            method: result.method.clone(),
            auc: auc.value,
            auc_low: low,
            auc_high: high,
            pr_auc: measure::average_precision(scores, &labels),
            log_loss: measure::log_loss(&probabilities, &labels),
            brier: measure::brier(&probabilities, &labels),
            ece: measure::ece(&probabilities, &labels),
            lift_10: measure::lift(scores, &labels, None, labels.len().div_ceil(10)).map(|top| top.lift),
            seconds: result.seconds,
        });
    }
    let at = |name: &str| results.iter().position(|result| result.method == name);
    let skill_ratio = at(methods::TRANSPARENT)
        .zip(at(methods::HAND_SET))
        .and_then(|(own, hand)| {
            let each: Vec<u64> = (0..labels.len() as u64).collect();
            let groups = groups.as_deref().unwrap_or(&each);
            Bootstrap::new(&labels, groups, DRAWS, task.seed).skill_ratio(&scores[own], &scores[hand])
        });
    let paired = pair_up(&results, &scores, &labels, bootstrap.as_ref());
    let positives = labels.iter().filter(|label| **label).count();
    check::after(&methods, &mut warnings);
    let (verdict, reason) = match warnings.iter().find(|warning| warning.leak) {
        Some(leak) => (
            "not proven",
            format!("figures with a leak prove nothing: {}", leak.message),
        ),
        None => verdict(&methods, positives.min(labels.len() - positives)),
    };
    Ok(Report {
        target: task.target.to_owned(),
        rows: task.table.rows(),
        test_rows: rows.len(),
        test_positives: positives,
        columns: columns.len(),
        verdict,
        reason,
        interval: if repeated {
            "bootstrap over accounts, 500 draws"
        } else {
            "DeLong"
        },
        methods,
        skill_ratio,
        paired,
        warnings,
    })
}

fn pair_up(
    results: &[methods::Scored],
    scores: &[Vec<f64>],
    labels: &[bool],
    bootstrap: Option<&Bootstrap<'_>>,
) -> Vec<Paired> {
    let Some(own) = results
        .iter()
        .position(|result| result.method == methods::TRANSPARENT)
    else {
        return Vec::new();
    };
    (0..results.len())
        .filter(|other| *other != own)
        .filter_map(|other| {
            if results[other].method == methods::PRIOR {
                return None;
            }
            let (value, low, high) = match bootstrap {
                Some(bootstrap) => {
                    let found = bootstrap.difference(&scores[own], &scores[other])?;
                    (found.value, found.low, found.high)
                }
                None => {
                    let found = measure::compare(&scores[own], &scores[other], labels)?;
                    (found.value, found.low, found.high)
                }
            };
            Some(Paired {
                first: results[own].method.clone(),
                second: results[other].method.clone(),
                auc: value,
                low,
                high,
            })
        })
        .collect()
}

fn verdict(methods: &[Method], fewest: usize) -> (&'static str, String) {
    let Some(own) = methods
        .iter()
        .find(|method| method.method == methods::TRANSPARENT)
    else {
        return ("not proven", "the transparent score could not be trained".into());
    };
    if fewest < FEWEST {
        return (
            "not proven",
            format!("only {fewest} test rows of the rarer outcome; {FEWEST} are the least"),
        );
    }
    if own.auc_low < LEAST_AUC {
        return (
            "not proven",
            format!(
                "the transparent score's AUC may be as low as {:.3}; {LEAST_AUC} is the least",
                own.auc_low
            ),
        );
    }
    (
        "proven",
        format!(
            "the transparent score's AUC is at least {:.3} with {fewest} test rows of the rarer outcome",
            own.auc_low
        ),
    )
}

#[cfg(test)]
mod tests;
