//! Handlers: an account's timeline; the routes of the log.

use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_lake::EventRow;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{Kind, TimelineFilter, explore, sources, timeline};
use crate::App;
use crate::accounts::normalise;
use crate::auth::Viewer;
use crate::web::{Problem, Result, routes};

/// The routes of the log.
pub fn log_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(account_timeline))
        .merge(sources::routes())
        .merge(explore::routes())
}

#[derive(Debug, Deserialize, IntoParams)]
struct TimelineQuery {
    /// Only events of this kind, such as `support`.
    kind: Option<String>,
    /// Only events whose name or properties hold this text.
    q: Option<String>,
    /// The `next_cursor` of the page before, or an instant (RFC 3339): only events before it.
    before: Option<String>,
    /// How many at most, 1–500; 50 when not given.
    limit: Option<usize>,
}

/// An event of a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineItem {
    message_id: String,
    name: String,
    kind: String,
    occurred_at: String,
    received_at: String,
    contact_id: Option<String>,
    source: String,
    #[schema(value_type = HashMap<String, Value>)]
    properties: serde_json::Value,
}

/// A page of a timeline, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct TimelinePage {
    items: Vec<TimelineItem>,
    /// Give it as `before` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// What happened to an account, newest first.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/timeline", tag = "events",
    params(("id" = String, Path, description = "The account's id"), TimelineQuery),
    responses((status = 200, body = TimelinePage)))]
async fn account_timeline(
    State(app): State<App>,
    _viewer: Viewer,
    Path(id): Path<String>,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<TimelinePage>> {
    let known = normalise(&id)
        .ok()
        .flatten()
        .and_then(|id| app.accounts.number(&id));
    let no = known.ok_or_else(|| {
        Problem::not_found(format!(
            "no account has the id “{id}”: see GET /api/v1/accounts for those that are there"
        ))
    })?;
    let limit = query.limit.unwrap_or(50).clamp(1, 500);
    let filter = TimelineFilter {
        kind: query
            .kind
            .as_deref()
            .filter(|kind| !kind.is_empty())
            .map(parse_kind)
            .transpose()?,
        text: query.q.filter(|text| !text.trim().is_empty()),
        contact: None,
        before: query.before.as_deref().map(parse_before).transpose()?,
        limit: limit + 1,
    };
    let mut rows = timeline(&app, no.get(), &filter).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows
        .last()
        .filter(|_| more)
        .map(|row| format!("{}~{}", row.occurred_at, row.message_id));
    Ok(Json(TimelinePage {
        items: rows.into_iter().map(timeline_item).collect(),
        next_cursor,
    }))
}

fn parse_kind(text: &str) -> Result<Kind> {
    Kind::parse(text).ok_or_else(|| {
        let mut kinds: Vec<&str> = Kind::vocabulary().map(|(_, kind)| kind.name()).collect();
        kinds.dedup();
        Problem::field(
            "kind",
            text,
            "is not a kind of events",
            format!("use one of {}", kinds.join(", ")),
        )
    })
}

/// A cursor (`micros~message id`), or an instant.
fn parse_before(text: &str) -> Result<(i64, String)> {
    if let Some((at, id)) = text.split_once('~')
        && let Ok(at) = at.parse()
    {
        return Ok((at, id.to_owned()));
    }
    // Nothing sorts before the empty id, so that events at the instant itself are left out.
    text.parse::<Timestamp>()
        .map(|at| (at.as_microsecond(), String::new()))
        .map_err(|_| {
            let remedy = "give the next_cursor of a page, or an instant such as 2026-06-30T12:00:00Z";
            Problem::field("before", text, "is neither a cursor nor an instant", remedy)
        })
}

/// An event as a timeline shows it.
#[must_use]
pub fn timeline_item(row: EventRow) -> TimelineItem {
    TimelineItem {
        properties: serde_json::from_str(&row.properties).unwrap_or_default(),
        occurred_at: instant(row.occurred_at),
        received_at: instant(row.received_at),
        message_id: row.message_id,
        name: row.name,
        kind: row.kind,
        contact_id: row.contact_id,
        source: row.source,
    }
}

fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map(|at| at.to_string())
        .unwrap_or_default()
}
