//! Handlers.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Extension;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{catch_up, diagnosis};
use crate::App;
use crate::auth::{Anyone, Viewer};
use crate::web::{Json, Peer, Permission, Problem, Result, peer, routes};

/// The slice's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(figures))
        .routes(routes!(diagnosis::show))
        .routes(routes!(catch_up::catch_up))
        .routes(routes!(catch_up::recompute))
}

/// A good answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// The process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Health)))]
async fn live(_: Anyone) -> Json<Health> {
    Json(OK)
}

/// The process can work: the records accept a write and the data folder does too. 503 otherwise.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Health)))]
async fn ready(_: Anyone, State(app): State<App>) -> Result<Json<Health>> {
    let check = tokio::time::timeout(Duration::from_secs(5), app.store.ready()).await;
    let problem = match check {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer within 5 seconds".to_owned()),
    };
    let problem = match problem {
        Some(text) => Some(text),
        None => folder_writable(&app)
            .await
            .err()
            .map(|error| format!("data folder: {error}")),
    };
    match problem {
        None => Ok(Json(OK)),
        Some(text) => {
            // The text may name paths and hosts: it is for the log.
            tracing::warn!(%text, "not ready");
            Err(Problem::unavailable(
                "the storage does not accept writes at the moment; the server's log says why",
                5,
            ))
        }
    }
}

async fn folder_writable(app: &App) -> std::io::Result<()> {
    let path = app.config.data.join("ready.probe");
    tokio::task::spawn_blocking(move || {
        std::fs::write(&path, b"ready")?;
        std::fs::remove_file(&path)
    })
    .await
    .map_err(std::io::Error::other)?
}

/// Permission to read the process's figures: a viewer, or whoever sits on this machine (a scraper beside the server needs no key).
struct Scrape;

impl Permission for Scrape {
    const NAME: &'static str = "viewer";
}

impl FromRequestParts<App> for Scrape {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let from = parts.extensions.get::<Peer>().copied();
        if peer::is_local(from, &parts.headers) {
            return Ok(Self);
        }
        Viewer::from_request_parts(parts, app).await.map(|_| Self)
    }
}

/// The process's figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn figures(_: Scrape, prometheus: Option<Extension<PrometheusHandle>>) -> Response {
    let text = prometheus.map_or_else(
        || record_metrics().map(PrometheusHandle::render).unwrap_or_default(),
        |it| it.render(),
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Starts to record figures for the whole process; call it before anything counts. `None` when something else records already.
pub fn record_metrics() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let buckets = [
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
            ];
            PrometheusBuilder::new()
                .set_buckets(&buckets)
                .ok()?
                .install_recorder()
                .ok()
        })
        .as_ref()
}
