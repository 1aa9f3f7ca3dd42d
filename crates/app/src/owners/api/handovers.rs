//! Hand-overs: the open ones, and ticking their items.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::super::handover::{self, Line, Of};
use super::super::store;
use crate::App;
use crate::accounts::AccountNo;
use crate::auth::{Csm, Principal, Viewer, audit};
use crate::metrics::today;
use crate::web::{Json, Path, Problem, Query, Result};

/// Whose.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Only those for this owner.
    owner: Option<String>,
    /// 1 to 500; 100 when left out.
    limit: Option<u32>,
}

/// Open hand-overs.
#[derive(Serialize, ToSchema)]
#[schema(as = HandoverList)]
pub struct Lines {
    items: Vec<Line>,
}

/// Open hand-overs, the newest first.
#[utoipa::path(get, path = "/api/v1/handovers", tag = "owners", params(Asked), responses((status = 200, body = Lines)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Lines>> {
    let limit = i64::from(asked.limit.unwrap_or(100).clamp(1, 500));
    let of = asked.owner.as_deref().map_or(Of::Open, Of::Owner);
    Ok(Json(Lines {
        items: handover::list(&app, of, limit).await?,
    }))
}

/// Ticks an item. With the last one the hand-over is done.
#[utoipa::path(put, path = "/api/v1/handovers/{id}/items/{no}/tick", tag = "owners", params(("id" = String, Path), ("no" = i64, Path)), responses((status = 200, body = Line)))]
pub async fn tick(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, no)): Path<(String, i64)>,
) -> Result<Json<Line>> {
    set(&app, &who, &id, no, true).await
}

/// Takes a tick away; a hand-over that was done is open again.
#[utoipa::path(delete, path = "/api/v1/handovers/{id}/items/{no}/tick", tag = "owners", params(("id" = String, Path), ("no" = i64, Path)), responses((status = 200, body = Line)))]
pub async fn untick(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, no)): Path<(String, i64)>,
) -> Result<Json<Line>> {
    set(&app, &who, &id, no, false).await
}

async fn set(app: &App, who: &Principal, id: &str, no: i64, done: bool) -> Result<Json<Line>> {
    let missing = || {
        Problem::not_found(format!(
            "there is no hand-over {id}; GET /api/v1/handovers lists them"
        ))
    };
    let tx = app.store.begin().await?;
    tx.exclusive("handovers").await?;
    let it = store::handover(&tx, id).await?.ok_or_else(missing)?;
    if it.closed_as.as_deref() == Some("taken_back") {
        return Err(Problem::conflict(
            "the change that started this hand-over was taken back; there is nothing to do any more",
        ));
    }
    let now = app.clock.micros();
    let items = store::items_of(&tx, id).await?;
    let title = items
        .iter()
        .find(|item| item.no == no)
        .map(|item| item.title.clone())
        .ok_or_else(|| {
            Problem::not_found(format!(
                "the hand-over has the items 1 to {}, not {no}",
                items.len()
            ))
        })?;
    let changed = store::tick(&tx, id, no, done.then_some((now, who.actor.as_str()))).await?;
    let all = store::items_of(&tx, id)
        .await?
        .iter()
        .all(|item| item.done_at.is_some());
    if changed {
        store::close_handover(&tx, id, all.then_some((now, "done"))).await?;
    }
    let action = if done { "handover.tick" } else { "handover.untick" };
    let detail = json!({ "item": no, "title": title, "changed": changed });
    audit(&tx, &app.clock, who, action, &format!("handover:{id}"), &detail).await?;
    tx.commit().await?;
    let account = app.accounts.root(AccountNo::new(it.account_no));
    let entry = app.metrics.book.get(account.get()).ok_or_else(missing)?;
    if changed && done {
        let properties = json!({ "title": title, "handover": id, "by": who.actor });
        let event = handover::told(
            entry.id.clone(),
            "task_completed",
            format!("tenure/handover/{id}/{no}/{now}"),
            now,
            properties,
        );
        crate::events::append(app, vec![event]).await?;
    }
    let it = store::handover(&app.store, id).await?.ok_or_else(missing)?;
    let items = store::items_of(&app.store, id).await?;
    let day = i64::from(today(app));
    Ok(Json(handover::shape(it, items, &entry.id, &entry.name, day)))
}
