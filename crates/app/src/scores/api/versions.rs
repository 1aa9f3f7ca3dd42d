//! `GET /api/v1/scores/{id}/versions`: what a score was computed by, since when, and of which versions the days are kept.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::form::Form;
use super::super::history::KEPT_VERSIONS;
use super::super::{history, store};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::as_of;
use crate::web::{Json, Path, Result};

/// A version of a score: its models in force together with the metrics and segments that they read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreVersion {
    /// Names what it is computed by.
    hash: String,
    /// When it came into force, the last time.
    since: String,
    /// Whether it is in force.
    in_force: bool,
    /// How each of its models was made: hand_set or transparent.
    methods: Vec<&'static str>,
    /// Accounts whose days are kept by it; 0 = they were let go.
    accounts: i64,
}

/// The versions of a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreVersions {
    score: String,
    /// The newest first.
    items: Vec<ScoreVersion>,
    /// How many versions before the one in force keep their days.
    kept: usize,
}

/// The versions of a score, the newest first.
#[utoipa::path(get, path = "/api/v1/scores/{id}/versions", tag = "scores", params(("id" = String, Path)), responses((status = 200, body = ScoreVersions)))]
pub async fn versions(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<ScoreVersions>> {
    let definitions = super::definitions(&app)?;
    let score = super::score(&definitions, Some(&id))?.map_or(id.clone(), |score| score.id.clone());
    let now = history::of_score(&app, &score);
    let items = store::versions(&app.store, &score)
        .await?
        .into_iter()
        .map(|it| ScoreVersion {
            in_force: now.as_ref() == Some(&it.hash),
            since: as_of::instant(it.since),
            methods: methods(&it.body),
            accounts: it.accounts,
            hash: it.hash,
        })
        .collect();
    Ok(Json(ScoreVersions {
        score,
        items,
        kept: KEPT_VERSIONS,
    }))
}

/// How the models of a kept body were made.
fn methods(body: &str) -> Vec<&'static str> {
    let parts: Vec<serde_json::Value> = serde_json::from_str(body).unwrap_or_default();
    let forms: Vec<Form> = parts
        .into_iter()
        .next()
        .and_then(|forms| serde_json::from_value(forms).ok())
        .unwrap_or_default();
    forms
        .iter()
        .map(|form| match form {
            Form::HandSet(_) => "hand_set",
            Form::Transparent(_) => "transparent",
        })
        .collect()
}
