//! What a score is worth as it is in force, in one answer: for the page of the score itself.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::models::report;
use super::{definitions, tested};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::as_of::instant;
use crate::models::report::{Interval, Report};
use crate::models::store::{self, Backtest};
use crate::models::train::TRANSPARENT;
use crate::web::{Json, Path, Result, routes};

/// What a score must beat, in the order in which it is shown.
const BASELINES: [&str; 5] = ["prior", "mrr", "tenure", "last_login", "baseline"];

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accuracy))
}

/// A score against a baseline, on the same rows.
#[derive(Serialize, ToSchema)]
#[schema(as = BaselineBeaten)]
struct Against {
    /// `prior`, `mrr`, `tenure`, `last_login` or `baseline`; `last_period` for the model of the period before.
    id: String,
    /// What it is, in words.
    label: String,
    /// AUC of the score minus that of the baseline.
    difference: Interval,
    /// Whether the whole interval lies above 0.
    beaten: bool,
}

/// What a score is worth.
#[derive(Serialize, ToSchema)]
#[schema(as = ScoreAccuracy)]
struct Accuracy {
    score: String,
    /// What is to come, in words.
    outcome: String,
    /// The method of the back-test that the score in force is: `score` (set by hand) or `transparent` (learnt).
    method: String,
    /// The back-test; null = none was run yet.
    backtest_id: Option<String>,
    /// When it was done.
    made_at: Option<String>,
    /// The last cutoff that it tested.
    to: Option<String>,
    /// Days within which the outcome has to come.
    horizon_days: i32,
    /// Outcomes that it looked at.
    outcomes: usize,
    /// The AUC with its interval.
    auc: Option<Interval>,
    /// Whether it is proven.
    proven: bool,
    /// Why, or why not.
    reason: String,
    /// What it must beat.
    against: Vec<Against>,
    /// Of a learnt score, the one that was learnt a period before, on the same rows. A month more seldom makes another model: the older one is
    /// not to be better, and need not be worse.
    before: Option<Against>,
    /// How far a back-test is that runs now, 0–1.
    running: Option<f64>,
}

/// A method held against another one, where both were tested.
fn held(report: &Report, method: &str, id: &str) -> Option<Against> {
    let mut pairs = report.paired.iter();
    let pair = pairs.find(|pair| pair.first == method && pair.second == id)?;
    Some(Against {
        id: id.to_owned(),
        label: report.method(id)?.label.clone(),
        difference: pair.difference,
        beaten: pair.difference.low > 0.0,
    })
}

/// What the score in force is worth, by its newest back-test that is done.
#[utoipa::path(get, path = "/api/v1/scores/{id}/accuracy", tag = "models", params(("id" = String, Path)), responses((status = 200, body = Accuracy)))]
async fn accuracy(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Accuracy>> {
    let definitions = definitions(&app)?;
    let (outcome, score) = tested(&definitions, &id)?;
    let known = store::backtests(&app, &id, 100).await?;
    let running = known
        .iter()
        .filter(|it| it.state == "running")
        .find_map(|it| app.models.progress(&it.id))
        .map(|(share, _)| share);
    let runs = store::runs(&app, Some(&outcome.id)).await?;
    let learned = runs
        .iter()
        .any(|run| run.promoted_at.is_some() && run.method == TRANSPARENT && run.score == id);
    let newest: Option<&Backtest> = known.iter().find(|it| it.state == "done");
    let report = match newest {
        Some(it) => report(&app, &it.id).await?,
        None => None,
    };
    let method = match (&report, learned) {
        (_, true) => TRANSPARENT.to_owned(),
        (Some(report), false) => report.main.clone(),
        (None, false) => if score.is_some() { "score" } else { TRANSPARENT }.to_owned(),
    };
    let own = report.as_ref().and_then(|report| report.method(&method));
    Ok(Json(Accuracy {
        score: id,
        outcome: outcome.label,
        backtest_id: newest.map(|it| it.id.clone()),
        made_at: newest.and_then(|it| it.finished_at).map(instant),
        to: report.as_ref().map(|report| report.to.clone()),
        horizon_days: report
            .as_ref()
            .map_or(outcome.horizon, |report| report.horizon_days),
        outcomes: report.as_ref().map_or(0, |report| report.outcomes),
        auc: own.map(|own| own.auc),
        proven: own.is_some_and(|own| own.proven),
        reason: own.map(|own| own.reason.clone()).unwrap_or_default(),
        against: report
            .iter()
            .flat_map(|report| BASELINES.iter().filter_map(|id| held(report, &method, id)))
            .collect(),
        before: report
            .as_ref()
            .filter(|_| method == TRANSPARENT)
            .and_then(|report| held(report, &method, "last_period")),
        running,
        method,
    }))
}
