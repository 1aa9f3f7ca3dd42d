//! Accuracy in operation: each month's predictions are kept, and later held against what happened.
//!
//! Once a month, for each outcome with a model in force, its probabilities of the last month end are kept, with how far each measure has
//! drifted from the rows that the model was trained on. When the horizon has passed, what happened is noted beside, and an alarm is raised
//! when the AUC lies below the interval that the back-test beside the model promised.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tenure_learn::measure;
use tenure_learn::{Column, Table, Values};
use utoipa::ToSchema;

use super::gather::{self, Ask};
use super::outcome::{Outcome, Then, outcome_after};
use super::panel::Panel;
use super::params::month_end;
use super::report::{Interval, Report};
use super::rolling::HAND;
use super::run;
use super::store::{self, Month, Prediction, Run};
use super::train::Body;
use crate::App;
use crate::definitions::Definitions;

/// A drift above this is one to look at: the usual rule of thumb of credit scoring (Siddiqi 2006).
pub const DRIFTED: f64 = 0.25;

/// How far a measure has moved since the model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeasureDrift)]
pub struct Drift {
    /// The metric.
    pub measure: String,
    /// Population stability index against the training rows: below 0.1 the same, above 0.25 another population.
    pub psi: f64,
}

/// What a month's predictions were worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PredictionAccuracy)]
pub struct Accuracy {
    /// Accounts.
    pub rows: usize,
    /// Of those, with the outcome.
    pub positives: usize,
    /// AUC with DeLong's interval; null with one class.
    pub auc: Option<Interval>,
    /// Brier score.
    pub brier: f64,
    /// Mean probability that was told.
    pub predicted: f64,
    /// Share with the outcome.
    pub observed: f64,
}

/// Population stability index of two distributions over the same bins; shares are kept a ten-thousandth away from nothing.
#[must_use]
pub fn psi(expected: &[f64], actual: &[f64]) -> f64 {
    expected
        .iter()
        .zip(actual)
        .map(|(e, a)| {
            let (e, a) = (e.max(1e-4), a.max(1e-4));
            (a - e) * (a / e).ln()
        })
        .sum()
}

/// How far the measures of a table have moved from the rows that a model was trained on, the furthest first.
fn drift(body: &Body, table: &Table) -> Vec<Drift> {
    let Some((_, points)) = body.tables.iter().find(|(horizon, _)| *horizon == body.horizon) else {
        return Vec::new();
    };
    let mut found: Vec<Drift> = points
        .measures
        .iter()
        .filter_map(|measure| {
            let column = table
                .columns()
                .iter()
                .find(|column| column.name == measure.name)?;
            let Values::Number(values) = &column.values else {
                return None;
            };
            let mut shares = vec![0.0; measure.shares.len()];
            for value in values {
                if let Some(share) = shares.get_mut(usize::from(measure.cuts.bin(*value))) {
                    *share += 1.0 / values.len() as f64;
                }
            }
            Some(Drift {
                measure: measure.name.clone(),
                psi: psi(&measure.shares, &shares),
            })
        })
        .collect();
    found.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    found
}

/// Keeps the predictions of the last month end for every outcome with a model in force, then holds older ones against what happened.
/// Doing it twice is doing it once. Tells whether anything was kept.
///
/// # Errors
/// When records or history fail.
pub async fn refresh(app: &App) -> Result<bool> {
    let Some(definitions) = app.definitions() else {
        return Ok(false);
    };
    let mut worked = false;
    for it in store::runs(app, None)
        .await?
        .into_iter()
        .filter(|run| run.promoted_at.is_some())
    {
        worked |= keep(app, &definitions, &it).await?;
    }
    let newest = gather::newest_day(app).await?;
    for month in store::unchecked(app).await? {
        worked |= check(app, &definitions, &month, newest).await?;
    }
    Ok(worked)
}

async fn keep(app: &App, definitions: &Definitions, it: &Run) -> Result<bool> {
    let Some(outcome) = run::outcome(definitions, &it.outcome) else {
        return Ok(false);
    };
    let day = month_end(crate::metrics::today(app) - 1);
    if store::has_month(app, &it.outcome, &it.id, day).await? {
        return Ok(false);
    }
    let body: Body = serde_json::from_str(&it.body)?;
    let hand = definitions
        .score(&it.score)
        .map(|score| run::hand(score, "learn", false));
    let by_hand = hand.is_some();
    let ask = Ask {
        outcome: Outcome {
            horizon: body.horizon,
            ..outcome
        },
        cutoffs: vec![day],
        trust_dates: false,
        horizons: Vec::new(),
        hand: hand.into_iter().collect(),
        keep_open: true,
        all_metrics: true,
    };
    let gathered = gather::gather(app, &ask, &|_| {}).await?;
    let table = with_hand(&gathered.panel, gathered.scores.first().filter(|_| by_hand))?;
    let (found, drifts) =
        tokio::task::spawn_blocking(move || -> Result<_> { Ok((body.say(&table)?, drift(&body, &table))) })
            .await??;
    let panel = &gathered.panel;
    let rows: Vec<Prediction> = found
        .iter()
        .enumerate()
        .map(|(row, said)| Prediction {
            account_no: panel.accounts[row],
            probability: said.probability,
            mrr: Some(panel.mrr[row]).filter(|mrr| !mrr.is_nan()),
            happened: None,
        })
        .collect();
    let month = Month {
        outcome: it.outcome.clone(),
        run_id: it.id.clone(),
        day,
        made_at: app.clock.micros(),
        drift: serde_json::to_string(&drifts)?,
        checked_at: None,
        accuracy: None,
        alarm: None,
    };
    store::keep_month(app, &month, &rows).await?;
    Ok(true)
}

fn with_hand(panel: &Panel, hand: Option<&Vec<f64>>) -> Result<Table> {
    let mut columns = panel.columns.clone();
    columns.extend(hand.map(|values| Column::number(HAND, values.clone())));
    Ok(Table::new(columns)?)
}

/// Holds a month's predictions against what happened, when their horizon has passed.
async fn check(app: &App, definitions: &Definitions, month: &Month, newest: i32) -> Result<bool> {
    let Some(it) = store::run(&app.store, &month.run_id).await? else {
        return Ok(false);
    };
    let body: Body = serde_json::from_str(&it.body)?;
    let Some(outcome) = run::outcome(definitions, &month.outcome).map(|of| Outcome {
        horizon: body.horizon,
        ..of
    }) else {
        return Ok(false);
    };
    if month.day.saturating_add(body.horizon) > newest {
        return Ok(false);
    }
    let days = store::event_days(app, outcome.events()).await?;
    let mut rows = store::predictions(app, &month.outcome, &month.run_id, month.day).await?;
    for row in &mut rows {
        let known = days.get(&row.account_no).map_or(&[][..], Vec::as_slice);
        row.happened = app
            .metrics
            .book
            .get(row.account_no)
            .and_then(|entry| {
                let then = Then::of(&entry.head, month.day)?;
                outcome_after(&outcome, &entry.head, known, month.day, then)
            })
            .map(|(came, _)| came);
    }
    let told: Vec<(f64, bool)> = rows
        .iter()
        .filter_map(|row| Some((row.probability, row.happened?)))
        .collect();
    let (probabilities, labels): (Vec<f64>, Vec<bool>) = told.into_iter().unzip();
    let n = labels.len().max(1) as f64;
    let positives = labels.iter().filter(|label| **label).count();
    let accuracy = Accuracy {
        rows: labels.len(),
        positives,
        auc: measure::auc(&probabilities, &labels).map(Into::into),
        brier: measure::brier(&probabilities, &labels),
        predicted: probabilities.iter().sum::<f64>() / n,
        observed: positives as f64 / n,
    };
    let promised = store::backtest(app, &it.backtest_id)
        .await?
        .and_then(|test| serde_json::from_str::<Report>(&test.result?).ok())
        .and_then(|report| report.method("transparent").map(|method| method.auc));
    let alarm = accuracy.auc.zip(promised).filter(|(now, then)| now.value < then.low).map(|(now, then)| {
        format!(
            "the predictions of {} for {} ranked with an AUC of {:.3}, below the {:.3} to {:.3} of the back-test: look at what has drifted, and \
             train again",
            crate::metrics::facts::date_of(month.day),
            outcome.label,
            now.value,
            then.low,
            then.high
        )
    });
    let done = Month {
        checked_at: Some(app.clock.micros()),
        accuracy: Some(serde_json::to_string(&accuracy)?),
        alarm,
        ..month.clone()
    };
    store::check_month(app, &done, &rows).await?;
    Ok(true)
}

/// An alarm that was raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Names it for ever.
    pub source: String,
    /// What is the matter.
    pub title: String,
    /// When it was raised, UTC microseconds.
    pub at: i64,
}

/// The alarms that were raised since an instant.
///
/// # Errors
/// When the records fail.
pub async fn alarms(app: &App, since: i64) -> Result<Vec<Alarm>> {
    Ok(store::alarms(app, since)
        .await?
        .into_iter()
        .filter_map(|month| {
            Some(Alarm {
                source: format!("accuracy/{}/{}", month.run_id, month.day),
                title: month.alarm?,
                at: month.checked_at?,
            })
        })
        .collect())
}

/// Refreshes by the clock until the server stops.
pub async fn run(app: App) {
    loop {
        if let Err(error) = refresh(&app).await {
            tracing::error!(error = %format!("{error:#}"), "predictions could not be kept; trying again");
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::psi;

    #[test]
    fn the_same_shares_do_not_drift_and_others_do() {
        assert!(psi(&[0.2, 0.8], &[0.2, 0.8]).abs() < 1e-12);
        // (0.5 − 0.2)·ln(0.5/0.2) + (0.5 − 0.8)·ln(0.5/0.8)
        let by_hand = 0.3 * (2.5f64).ln() - 0.3 * (0.625f64).ln();
        assert!((psi(&[0.2, 0.8], &[0.5, 0.5]) - by_hand).abs() < 1e-12);
        assert!(psi(&[1.0, 0.0], &[0.0, 1.0]).is_finite());
    }
}
