//! Waiting for background work, and doing all of it anew.

use axum::extract::State;
use axum::http::StatusCode;

use crate::App;
use crate::auth::{Admin, Manager};
use crate::reactors::Recomputed;
use crate::web::{Json, Result};

/// Works in everything that has happened so far and answers when it is done: the figures asked for afterwards hold it.
#[utoipa::path(post, path = "/api/v1/catch_up", tag = "health", responses((status = 204)))]
pub async fn catch_up(_: Manager, State(app): State<App>) -> Result<StatusCode> {
    app.catch_up().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Computes every account and every kept figure anew from the log, and tells what came out otherwise than it was kept: the proof that
/// following events one by one gives what one look at the whole history gives. Takes as long as it needs; meant for the command line.
#[utoipa::path(post, path = "/api/v1/recompute", tag = "health", responses((status = 200, body = Recomputed)))]
pub async fn recompute(_: Admin, State(app): State<App>) -> Result<Json<Recomputed>> {
    Ok(Json(app.recompute().await?))
}
