//! Waiting for background work.

use axum::extract::State;
use axum::http::StatusCode;

use crate::App;
use crate::auth::Manager;
use crate::web::Result;

/// Works in everything that has happened so far and answers when it is done: the figures asked for afterwards hold it.
#[utoipa::path(post, path = "/api/v1/catch_up", tag = "health", responses((status = 204)))]
pub async fn catch_up(_: Manager, State(app): State<App>) -> Result<StatusCode> {
    app.catch_up().await?;
    Ok(StatusCode::NO_CONTENT)
}
