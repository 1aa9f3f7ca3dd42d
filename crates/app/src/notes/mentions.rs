//! A user's mentions: what others wanted them to see.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{Line, lines, store};
use crate::App;
use crate::accounts::AccountNo;
use crate::auth::{Viewer, audit};
use crate::metrics::as_of;
use crate::web::{Json, Problem, Query, Result};

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
}

/// A mention.
#[derive(Serialize, ToSchema)]
#[schema(as = Mention)]
pub struct MentionLine {
    note: Line,
    /// The account's name.
    account_name: String,
    at: String,
    /// When the user looked at it; null = not yet.
    seen_at: Option<String>,
}

/// A user's mentions.
#[derive(Serialize, ToSchema)]
#[schema(as = MentionList)]
pub struct Mentions {
    items: Vec<MentionLine>,
    /// Mentions not looked at yet.
    unseen: i64,
}

/// Where the caller was mentioned, newest first. A key, which is nobody, is never mentioned.
#[utoipa::path(get, path = "/api/v1/mentions", tag = "notes", params(Asked), responses((status = 200, body = Mentions)))]
pub async fn list(
    Viewer(who): Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Mentions>> {
    let Some(user) = who.user() else {
        return Ok(Json(Mentions {
            items: Vec::new(),
            unseen: 0,
        }));
    };
    let limit = i64::from(asked.limit.unwrap_or(50).clamp(1, 200));
    let (found, unseen) = store::mentions(&app.store, user, limit).await?;
    let (times, kept): (Vec<_>, Vec<_>) = found
        .into_iter()
        .map(|mention| ((mention.at, mention.seen_at), mention.note))
        .unzip();
    let names: Vec<String> = kept
        .iter()
        .map(|note| {
            let entry = app
                .metrics
                .book
                .get(app.accounts.root(AccountNo::new(note.account_no)).get());
            entry.map(|entry| entry.name.clone()).unwrap_or_default()
        })
        .collect();
    let items = lines(&app, kept)
        .await?
        .into_iter()
        .zip(times)
        .zip(names)
        .map(|((note, (at, seen_at)), account_name)| MentionLine {
            note,
            account_name,
            at: as_of::instant(at),
            seen_at: seen_at.map(as_of::instant),
        })
        .collect();
    Ok(Json(Mentions { items, unseen }))
}

/// What was looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SeenMentions)]
pub struct Seen {
    /// Ids of notes.
    notes: Vec<String>,
}

/// Notes that the caller has looked at mentions. Doing it twice is doing it once.
#[utoipa::path(post, path = "/api/v1/mentions/seen", tag = "notes", request_body = Seen, responses((status = 200, body = Mentions)))]
pub async fn seen(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(form): Json<Seen>,
) -> Result<Json<Mentions>> {
    if form.notes.len() > 500 {
        return Err(Problem::field(
            "notes",
            form.notes.len(),
            "more than 500 at once",
            "send fewer",
        ));
    }
    if let Some(user) = who.user() {
        let tx = app.store.begin().await?;
        let new = store::seen(&tx, user, &form.notes, app.clock.micros()).await?;
        let detail = json!({ "new": new });
        audit(
            &tx,
            &app.clock,
            &who,
            "mention.seen",
            &format!("user:{user}"),
            &detail,
        )
        .await?;
        tx.commit().await?;
    }
    list(Viewer(who), State(app), Query(Asked { limit: None })).await
}
