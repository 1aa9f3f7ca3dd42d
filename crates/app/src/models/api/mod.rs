//! Handlers of back-tests, models and risk.

mod accuracy;
mod models;
mod quick;
mod risk;
mod shape;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::new_id;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::outcome::Outcome;
use super::params::Asked;
use super::rows as kept;
use super::run::{self, Job};
use super::store;
use crate::App;
use crate::auth::{Csm, Principal, Viewer, audit};
use crate::definitions::{CHURN, Definitions, Score};
use crate::web::{Json, Path, Problem, Query, Result, routes};
use shape::Backtest;

/// Pieces of work that run at the same time, at most: each takes all processors.
const MOST_RUNNING: usize = 4;

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(backtests, start))
        .routes(routes!(backtest))
        .routes(routes!(rows))
        .routes(routes!(outcomes))
        .merge(accuracy::routes())
        .merge(models::routes())
        .merge(quick::routes())
        .merge(risk::routes())
}

fn definitions(app: &App) -> Result<std::sync::Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
        )
    })
}

/// The outcome of that id.
fn outcome_named(definitions: &Definitions, id: &str) -> Result<Outcome> {
    run::outcome(definitions, id).ok_or_else(|| {
        let known = outcome_ids(definitions);
        let like = tenure_learn::nearest(id, known.iter().map(String::as_str));
        Problem::not_found(format!(
            "the program has no outcome {id}{}; it has {}",
            like.map(|name| format!(" (did you mean {name}?)"))
                .unwrap_or_default(),
            known.join(", ")
        ))
    })
}

fn outcome_ids(definitions: &Definitions) -> Vec<String> {
    let mut known: Vec<String> = definitions
        .outcomes
        .iter()
        .map(|outcome| outcome.id.clone())
        .collect();
    if !known.iter().any(|id| id == CHURN) {
        known.insert(0, CHURN.to_owned());
    }
    known
}

/// The score of that id with its outcome; or, where no score has it, the outcome of that id with the score that tells it.
fn tested<'a>(definitions: &'a Definitions, id: &str) -> Result<(Outcome, Option<&'a Score>)> {
    if let Some(score) = definitions.score(id) {
        return Ok((outcome_named(definitions, &score.outcome)?, Some(score)));
    }
    if let Some(outcome) = run::outcome(definitions, id) {
        let score = run::score_of(definitions, id);
        return Ok((outcome, score));
    }
    let mut known: Vec<String> = definitions.scores.iter().map(|score| score.id.clone()).collect();
    known.extend(outcome_ids(definitions));
    let like = tenure_learn::nearest(id, known.iter().map(String::as_str));
    Err(Problem::not_found(format!(
        "the program has no score or outcome {id}{}; it has {}",
        like.map(|name| format!(" (did you mean {name}?)"))
            .unwrap_or_default(),
        known.join(", ")
    )))
}

fn room(app: &App) -> Result<()> {
    if app.models.count() >= MOST_RUNNING {
        return Err(Problem::conflict(format!(
            "{MOST_RUNNING} back-tests and trainings are running already: wait until one is done"
        )));
    }
    Ok(())
}

/// Back-tests, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = BacktestList)]
struct Backtests {
    items: Vec<Backtest>,
}

/// The back-tests of a score (or of an outcome), without their reports.
#[utoipa::path(get, path = "/api/v1/scores/{id}/backtests", tag = "models", params(("id" = String, Path)), responses((status = 200, body = Backtests)))]
async fn backtests(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Backtests>> {
    tested(&*definitions(&app)?, &id)?;
    let names = crate::auth::names(&app).await?;
    let items = store::backtests(&app, &id, 100)
        .await?
        .into_iter()
        .map(|it| Backtest::of(&app, it, false, &names))
        .collect();
    Ok(Json(Backtests { items }))
}

fn begun(app: &App, who: &Principal, score: &str, outcome: &str, asked: &Asked) -> Result<store::Backtest> {
    Ok(store::Backtest {
        id: new_id(&app.clock),
        score: score.to_owned(),
        outcome: outcome.to_owned(),
        params: serde_json::to_string(asked).map_err(anyhow::Error::from)?,
        state: "running".to_owned(),
        created_at: app.clock.micros(),
        finished_at: None,
        author: who.actor.clone(),
        result: None,
        error: None,
    })
}

/// Starts a back-test of a score (or of an outcome) in the background.
#[utoipa::path(post, path = "/api/v1/scores/{id}/backtests", tag = "models", params(("id" = String, Path)), request_body = Asked, responses((status = 202, body = Backtest)))]
async fn start(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(asked): Json<Asked>,
) -> Result<(StatusCode, Json<Backtest>)> {
    let definitions = definitions(&app)?;
    let (outcome, score) = tested(&definitions, &id)?;
    room(&app)?;
    let named = score
        .filter(|score| score.id == id)
        .map_or("", |score| score.id.as_str());
    let it = begun(&app, &who, named, &outcome.id, &asked)?;
    let job = Job::new(&app, &definitions, outcome, score, asked).await?;
    let tx = app.store.begin().await?;
    store::add_backtest(&tx, &it).await?;
    let detail = json!({ "score": id, "params": serde_json::from_str::<serde_json::Value>(&it.params).unwrap_or_default() });
    audit(
        &tx,
        &app.clock,
        &who,
        "backtest.start",
        &format!("backtest:{}", it.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    run::start_backtest(&app, job, it.clone());
    let names = crate::auth::names(&app).await?;
    Ok((StatusCode::ACCEPTED, Json(Backtest::of(&app, it, true, &names))))
}

/// A back-test with its report; while it runs, how far it is.
#[utoipa::path(get, path = "/api/v1/backtests/{id}", tag = "models", params(("id" = String, Path)), responses((status = 200, body = Backtest)))]
async fn backtest(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Backtest>> {
    let it = store::backtest(&app, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no back-test {id}")))?;
    let names = crate::auth::names(&app).await?;
    Ok(Json(Backtest::of(&app, it, true, &names)))
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Cutoff {
    /// The cutoff (YYYY-MM-DD).
    cutoff: String,
}

/// The rows of a back-test on one cutoff as CSV, when it was asked to keep them: what was known, what came of it, what each method said.
#[utoipa::path(get, path = "/api/v1/backtests/{id}/rows", tag = "models", params(("id" = String, Path), Cutoff), responses((status = 200, content_type = "text/csv", body = String)))]
async fn rows(
    _: Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Cutoff>,
) -> Result<Response> {
    let it = store::backtest(&app, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no back-test {id}")))?;
    let known = kept::days(&app, &it.id)?;
    if known.is_empty() {
        return Err(Problem::not_found(
            "the rows of this back-test are not kept (any more): run it again with `rows`",
        ));
    }
    if !known.contains(&asked.cutoff) {
        return Err(Problem::field(
            "cutoff",
            &asked.cutoff,
            "is no cutoff of this back-test",
            format!("take one of {}", known.join(", ")),
        ));
    }
    let file = kept::folder(&app, &it.id).join(format!("{}.csv", asked.cutoff));
    let text = tokio::fs::read(file).await.map_err(anyhow::Error::from)?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// An outcome.
#[derive(Serialize, ToSchema)]
#[schema(as = OutcomeLine)]
struct OutcomeLine {
    id: String,
    label: String,
    /// churned, contracted, event, no_event or segment.
    kind: crate::definitions::OutcomeKind,
    horizon_days: i32,
    events: Vec<String>,
    segment: Option<String>,
    /// Which accounts are asked.
    among: Option<String>,
    /// The score that it is told by, if one is.
    score: Option<String>,
}

/// The program's outcomes.
#[derive(Serialize, ToSchema)]
#[schema(as = OutcomeList)]
struct Outcomes {
    items: Vec<OutcomeLine>,
}

/// What may happen to an account, as the program says it.
#[utoipa::path(get, path = "/api/v1/outcomes", tag = "models", responses((status = 200, body = Outcomes)))]
async fn outcomes(_: Viewer, State(app): State<App>) -> Result<Json<Outcomes>> {
    let definitions = definitions(&app)?;
    let items = outcome_ids(&definitions)
        .iter()
        .filter_map(|id| definitions.outcome(id))
        .map(|outcome| OutcomeLine {
            score: run::score_of(&definitions, &outcome.id).map(|score| score.id.clone()),
            horizon_days: i32::try_from(outcome.horizon.0).unwrap_or(i32::MAX),
            id: outcome.id,
            label: outcome.label,
            kind: outcome.kind,
            events: outcome.events,
            segment: outcome.segment,
            among: outcome.among,
        })
        .collect();
    Ok(Json(Outcomes { items }))
}
