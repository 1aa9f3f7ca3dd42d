//! Handlers of trials.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::api::must;
use super::trial::{Found, start};
use super::{Files, drafts, newest, version};
use crate::App;
use crate::auth::{Manager, Viewer};
use crate::web::{Json, Problem, Result, routes};

/// The routes of trials.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(trial, start_trial, cancel_trial))
}

/// What to try: files, an earlier version, or, when both are left out, the caller's drafts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrialAsked {
    /// File name → text.
    #[schema(value_type = Option<HashMap<String, String>>)]
    files: Option<Files>,
    /// An earlier version of the program.
    version: Option<i64>,
}

/// Starts to compute what a change would do: who moves, and each affected KPI's history before and after. Nothing is changed by it.
#[utoipa::path(post, path = "/api/v1/program/preview", tag = "program", request_body = TrialAsked, responses((status = 200, body = Found)))]
async fn start_trial(
    Manager(who): Manager,
    State(app): State<App>,
    Json(asked): Json<TrialAsked>,
) -> Result<Json<Found>> {
    let files = match (asked.files, asked.version) {
        (Some(files), _) => files,
        (None, Some(number)) => {
            let found = version(&app, number).await?;
            found
                .ok_or_else(|| Problem::not_found(format!("there is no version {number} of the program")))?
                .1
        }
        (None, None) => drafts::working(&app, &who.actor).await?,
    };
    let checked = must(&app, &files).await?;
    let against = newest(&app).await?.map_or(0, |(version, _)| version.version);
    let trial = start(&app, &who.actor, against, &files, checked.definitions);
    Ok(Json(trial.found()))
}

/// How far the caller's newest trial is, and what it has found; 404 when there is none.
#[utoipa::path(get, path = "/api/v1/program/preview", tag = "program", responses((status = 200, body = Found)))]
async fn trial(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<Found>> {
    let trial = app.trials.of(&who.actor);
    let trial = trial.ok_or_else(|| Problem::not_found("nothing is being tried: ask for a preview first"))?;
    Ok(Json(trial.found()))
}

/// Stops the caller's trial.
#[utoipa::path(delete, path = "/api/v1/program/preview", tag = "program", responses((status = 200, body = Found)))]
async fn cancel_trial(Manager(who): Manager, State(app): State<App>) -> Result<Json<Found>> {
    let trial = app.trials.of(&who.actor);
    let trial = trial.ok_or_else(|| Problem::not_found("nothing is being tried"))?;
    trial.cancel();
    Ok(Json(trial.found()))
}
