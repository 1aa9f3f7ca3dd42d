//! What the model of an outcome says of the accounts as they are today.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use tenure_learn::{Column, Table};

use super::outcome::Outcome;
use super::rolling::HAND;
use super::store::{self, Run};
use super::train::{Body, Said, TRANSPARENT};
use crate::App;
use crate::definitions::{Definitions, Score};
use crate::metrics::plan::Plan;
use crate::metrics::{Entry, as_of};
use crate::scores::form::Form;
use crate::scores::{form, readings};

/// The model of an outcome: the one in force, else the newest transparent one.
///
/// # Errors
/// When the records fail.
pub async fn model(app: &App, outcome: &str) -> Result<Option<(Run, Body)>> {
    let runs = store::runs(app, Some(outcome)).await?;
    let usable = |run: &&Run| run.state == "done" && run.method == TRANSPARENT;
    let found = runs
        .iter()
        .filter(usable)
        .find(|run| run.promoted_at.is_some())
        .or_else(|| runs.iter().find(usable));
    Ok(found.and_then(|run| Some((run.clone(), serde_json::from_str(&run.body).ok()?))))
}

/// What it says of every active account that the outcome asks about.
///
/// # Errors
/// When the model reads what the program no longer has.
pub async fn of_today(
    app: &App,
    definitions: &Definitions,
    outcome: &Outcome,
    score: &str,
    body: &Body,
) -> crate::web::Result<Vec<(Arc<Entry>, Said)>> {
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| anyhow!("no program is applied yet"))?;
    let mut entries: Vec<Arc<Entry>> = app
        .metrics
        .book
        .all()
        .into_iter()
        .filter(|entry| entry.active())
        .collect();
    if let Some(among) = &outcome.among {
        let truth =
            as_of::evaluate_filter(app, definitions, &entries[..], crate::metrics::today(app), among)?;
        let mut at = 0;
        entries.retain(|_| {
            at += 1;
            truth.value(at - 1)
        });
    }
    let hand = definitions.score(score).map(|score| {
        let forms = score
            .models
            .iter()
            .map(|model| Form::HandSet(without_quiet(model)))
            .collect::<Vec<Form>>();
        (score.clone(), forms)
    });
    let body = body.clone();
    let said = tokio::task::spawn_blocking(move || -> Result<Vec<(Arc<Entry>, Said)>> {
        let mut columns: Vec<Column> = plan
            .metric_ids
            .iter()
            .enumerate()
            .map(|(at, id)| {
                let value =
                    |entry: &Arc<Entry>| entry.head.metrics.get(at).copied().filter(|v| v.is_finite());
                Column::number(
                    id,
                    entries
                        .iter()
                        .map(|entry| value(entry).unwrap_or(f64::NAN))
                        .collect(),
                )
            })
            .collect();
        if let Some((score, forms)) = &hand {
            columns.push(Column::number(
                HAND,
                entries
                    .iter()
                    .map(|entry| by_hand(&plan, score, forms, entry))
                    .collect(),
            ));
        }
        let said = body.say(&Table::new(columns)?)?;
        Ok(entries.into_iter().zip(said).collect())
    });
    Ok(said.await.map_err(anyhow::Error::from)??)
}

fn without_quiet(model: &crate::definitions::ScoreModel) -> tenure_learn::handset::Model {
    tenure_learn::handset::Model {
        quiet_days: 0.0,
        ..model.arithmetic()
    }
}

/// The score set by hand of an account; NaN = none.
fn by_hand(plan: &Plan, score: &Score, forms: &[Form], entry: &Entry) -> f64 {
    let found: Option<form::Ledger> = entry.now().and_then(|span| {
        let form = forms.get(score.model_of(&span.segment)?)?;
        Some(form.score(&readings(plan, form, &entry.head), 0.0, &[], entry.head.day))
    });
    found
        .and_then(|ledger| ledger.score)
        .map_or(f64::NAN, |points| points.points())
}
