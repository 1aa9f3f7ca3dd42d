//! What a changed score would do, before it is applied, and how a metric is spread under a curve.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_learn::handset::Amount;
use utoipa::{IntoParams, ToSchema};

use super::super::form::Form;
use super::super::{Band, band, models, overrides_on, score as ledger_of, store};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Definitions, Score};
use crate::metrics::Entry;
use crate::web::{Json, Path, Problem, Query, Result};

/// Which metric.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The metric.
    metric: String,
    /// Only accounts that this model of the score is for.
    model: Option<String>,
}

/// How a metric is spread over the active accounts of today.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricSpread)]
pub struct Spread {
    metric: String,
    /// Accounts that have a value.
    known: usize,
    missing: usize,
    /// The least value, those that 5, 10, … 95 % of the accounts do not exceed, and the greatest; empty = nobody has one.
    quantiles: Vec<f64>,
}

/// How a metric is spread under a score's curve.
#[utoipa::path(get, path = "/api/v1/scores/{id}/distribution", tag = "scores", params(("id" = String, Path), Asked), responses((status = 200, body = Spread)))]
pub async fn distribution(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Spread>> {
    let definitions = super::definitions(&app)?;
    let score = super::score(&definitions, Some(&id))?;
    let at = definitions
        .metrics
        .iter()
        .position(|metric| metric.id == asked.metric)
        .ok_or_else(|| {
            Problem::field(
                "metric",
                &asked.metric,
                "is no metric of the program",
                "name one of metrics.yaml",
            )
        })?;
    let model = match &asked.model {
        None => None,
        Some(model) => {
            let place = score.and_then(|score| score.models.iter().position(|own| own.id == *model));
            Some(place.ok_or_else(|| {
                Problem::field(
                    "model",
                    model,
                    "is no model of this score",
                    "name one of its models",
                )
            })?)
        }
    };
    let mut values = Vec::new();
    let mut missing = 0;
    for entry in app.metrics.book.all() {
        let Some(span) = entry.now().filter(|span| span.active) else {
            continue;
        };
        if model.is_some() && score.and_then(|score| score.model_of(&span.segment)) != model {
            continue;
        }
        match entry
            .head
            .metrics
            .get(at)
            .copied()
            .filter(|value| !value.is_nan())
        {
            Some(value) => values.push(value),
            None => missing += 1,
        }
    }
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let quantiles = (0..=20)
        .filter_map(|step| values.get((last * step).div_ceil(20)).copied())
        .collect();
    Ok(Json(Spread {
        metric: asked.metric,
        known: values.len(),
        missing,
        quantiles,
    }))
}

/// A score to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TryScore)]
pub struct Try {
    /// The score as scores.yaml has it, as JSON; its id says which one it stands for.
    #[schema(value_type = Object)]
    score: serde_json::Value,
}

/// Bands of all accounts.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = PreviewCounts)]
pub struct Counts {
    green: usize,
    yellow: usize,
    red: usize,
    none: usize,
    /// The mean of those that have a score.
    average: Option<f64>,
    /// Accounts by steps of five points.
    distribution: Vec<usize>,
}

/// Accounts that would change band.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviewMove)]
pub struct Moved {
    /// green, yellow, red or none.
    from: &'static str,
    to: &'static str,
    accounts: usize,
    mrr: f64,
    /// Some of them, those that pay most.
    sample: Vec<String>,
}

/// What the changed score would do today.
#[derive(Serialize, ToSchema)]
#[schema(as = ScorePreview)]
pub struct Preview {
    now: Counts,
    then: Counts,
    /// Those who would change band.
    moves: Vec<Moved>,
    /// Accounts whose points would differ by a tenth or more.
    changed: usize,
}

fn name(band: Option<Band>) -> &'static str {
    match band {
        Some(Band::Green) => "green",
        Some(Band::Yellow) => "yellow",
        Some(Band::Red) => "red",
        None => "none",
    }
}

/// The score that is to be tried.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn tried(definitions: &Definitions, asked: &Try) -> Result<Score> {
    definitions
        .try_score(&asked.score.to_string())
        .map_err(|problems| {
            let first = problems.into_iter().next();
            let (path, name, problem, remedy) = first.map_or_else(Default::default, |p| {
                let near = p
                    .nearest
                    .map(|near| format!(" Did you mean '{near}'?"))
                    .unwrap_or_default();
                (p.path, p.name, format!("{}{near}", p.problem), p.remedy)
            });
            Problem::field(&format!("score.{path}"), name, problem, remedy)
        })
}

/// What a changed score would do to the accounts as they are today; nothing is kept.
#[utoipa::path(post, path = "/api/v1/scores/preview", tag = "scores", request_body = Try, responses((status = 200, body = Preview)))]
pub async fn preview(_: Viewer, State(app): State<App>, Json(asked): Json<Try>) -> Result<Json<Preview>> {
    let definitions = super::definitions(&app)?;
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let wanted = tried(&definitions, &asked)?;
    let held = definitions.score(&wanted.id);
    let now_forms = match held {
        Some(score) => models::forms(&app, score).await?,
        None => Vec::new(),
    };
    let then_forms: Vec<Form> = wanted
        .models
        .iter()
        .map(|model| Form::HandSet(model.arithmetic()))
        .collect();
    let overrides = store::overrides(&app.store, &wanted.id).await?;
    let entries = app.metrics.book.all();
    let computed = tokio::task::spawn_blocking({
        let (held, wanted) = (held.cloned(), wanted.clone());
        move || {
            let points = |score: &Score, forms: &[Form], entry: &Entry| {
                let rules = overrides_on(&overrides, entry.no, entry.head.day);
                ledger_of(&plan, score, forms, &entry.head, &rules)
                    .and_then(|(_, ledger)| ledger.score.map(Amount::points))
            };
            let active = entries.iter().filter(|entry| entry.active());
            active
                .map(|entry| {
                    let now = held.as_ref().and_then(|score| points(score, &now_forms, entry));
                    let then = points(&wanted, &then_forms, entry);
                    let mrr = entry.now().and_then(|span| span.mrr).unwrap_or(0.0);
                    (entry.name.clone(), mrr, now, then)
                })
                .collect::<Vec<_>>()
        }
    })
    .await
    .map_err(anyhow::Error::from)?;
    let bands_now = |points: Option<f64>| points.map(|points| band(held.unwrap_or(&wanted), points));
    let bands_then = |points: Option<f64>| points.map(|points| band(&wanted, points));
    let mut ways: BTreeMap<(&'static str, &'static str), Vec<(f64, &str)>> = BTreeMap::new();
    let mut changed = 0;
    for (account, mrr, now, then) in &computed {
        let (from, to) = (name(bands_now(*now)), name(bands_then(*then)));
        if from != to {
            ways.entry((from, to)).or_default().push((*mrr, account));
        }
        let differs = match (now, then) {
            (Some(now), Some(then)) => (now - then).abs() >= 0.1,
            (now, then) => now.is_some() != then.is_some(),
        };
        changed += usize::from(differs);
    }
    let moves = ways
        .into_iter()
        .map(|((from, to), mut accounts)| {
            accounts.sort_by(|a, b| b.0.total_cmp(&a.0));
            Moved {
                from,
                to,
                accounts: accounts.len(),
                mrr: accounts.iter().map(|(mrr, _)| mrr).sum(),
                sample: accounts
                    .iter()
                    .take(5)
                    .map(|(_, name)| (*name).to_owned())
                    .collect(),
            }
        })
        .collect();
    Ok(Json(Preview {
        now: counts(computed.iter().map(|(_, _, now, _)| *now), &bands_now),
        then: counts(computed.iter().map(|(_, _, _, then)| *then), &bands_then),
        moves,
        changed,
    }))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "points are within 0–100, counts far below 2^52"
)]
fn counts(all: impl Iterator<Item = Option<f64>>, band_of: &dyn Fn(Option<f64>) -> Option<Band>) -> Counts {
    let mut counts = Counts {
        distribution: vec![0; 20],
        ..Counts::default()
    };
    let (mut sum, mut n) = (0.0, 0_usize);
    for points in all {
        match band_of(points) {
            Some(Band::Green) => counts.green += 1,
            Some(Band::Yellow) => counts.yellow += 1,
            Some(Band::Red) => counts.red += 1,
            None => counts.none += 1,
        }
        if let Some(points) = points {
            sum += points;
            n += 1;
            counts.distribution[((points / 5.0) as usize).min(19)] += 1;
        }
    }
    counts.average = (n > 0).then(|| sum / n as f64);
    counts
}
