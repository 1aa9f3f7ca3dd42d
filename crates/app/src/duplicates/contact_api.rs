//! Merging a contact into another, and parting them again: a row that says whom it is shown in, nothing else.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{Execute, StoreError, StoreResult, new_id};
use utoipa::{IntoParams, ToSchema};

use super::merge_api::settle;
use super::store;
use crate::App;
use crate::accounts::{Known, normalise};
use crate::auth::{Csm, Viewer, audit};
use crate::contacts;
use crate::events::{self, Rejoined};
use crate::metrics::as_of;
use crate::web::{Json, Path, Problem, Query, Result};

/// A merge of contacts.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactMerge)]
pub struct Line {
    id: String,
    /// The contact that stayed.
    survivor: String,
    survivor_name: String,
    /// The contact that is shown in it.
    merged: String,
    merged_name: String,
    at: String,
    actor: String,
    /// When they were parted; null = the merge stands.
    parted_at: Option<String>,
    parted_by: Option<String>,
}

/// Merges of contacts.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactMerges)]
pub struct Lines {
    /// The newest first.
    items: Vec<Line>,
}

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// 1 to 200; 50 when left out.
    limit: Option<i64>,
}

/// Merges of contacts, the newest first, those that were taken back included.
#[utoipa::path(get, path = "/api/v1/contact-merges", tag = "duplicates", params(Asked), responses((status = 200, body = Lines)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Lines>> {
    let found = store::contact_merges(&app.store, asked.limit.unwrap_or(50).clamp(1, 200)).await?;
    let ids: Vec<String> = found
        .iter()
        .flat_map(|it| [it.survivor.clone(), it.merged.clone()])
        .collect();
    let known = contacts::by_ids(&app.store, &ids).await?;
    let name = |id: &str| {
        known
            .get(id)
            .and_then(|it| it.name.clone())
            .unwrap_or_else(|| id.to_owned())
    };
    let items = found.into_iter().map(|it| Line {
        survivor_name: name(&it.survivor),
        merged_name: name(&it.merged),
        id: it.id,
        survivor: it.survivor,
        merged: it.merged,
        at: as_of::instant(it.at),
        actor: it.actor,
        parted_at: it.parted_at.map(as_of::instant),
        parted_by: it.parted_by,
    });
    Ok(Json(Lines {
        items: items.collect(),
    }))
}

/// What is to be merged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContactMerge)]
pub struct NewMerge {
    /// The contact that stays.
    survivor: String,
    /// The contact that is shown in it.
    merged: String,
}

fn contact(app: &App, field: &str, raw: &str) -> Result<Known> {
    let id = normalise(raw).ok().flatten();
    id.and_then(|id| app.accounts.contact(&id))
        .ok_or_else(|| Problem::field(field, raw, "is the id of no contact", "look it up under Contacts"))
}

/// Merges a contact into another: it is shown in that, with its flags, consents and events, until they are parted.
#[utoipa::path(post, path = "/api/v1/contact-merges", tag = "duplicates", request_body = NewMerge, responses((status = 201)))]
pub async fn merge(Csm(who): Csm, State(app): State<App>, Json(form): Json<NewMerge>) -> Result<StatusCode> {
    let (survivor, merged) = (
        contact(&app, "survivor", &form.survivor)?.id,
        contact(&app, "merged", &form.merged)?.id,
    );
    if survivor == merged {
        return Err(Problem::field(
            "merged",
            merged,
            "is the same contact as the one that stays",
            "name two different contacts",
        ));
    }
    if let Some(obstacle) = obstacle(&app.store, &survivor, &merged).await? {
        return Err(Problem::conflict(obstacle));
    }
    let it = store::ContactMerge {
        id: new_id(&app.clock),
        merged: merged.clone(),
        survivor,
        at: app.clock.micros(),
        actor: who.actor.clone(),
        parted_at: None,
        parted_by: None,
    };
    let clock = app.clock.clone();
    events::rejoin(&app, &Rejoined::Contact(merged), move |tx, seq| {
        Box::pin(async move {
            // Somebody else may have merged one of them since.
            store::wait_for_contact_merges(tx).await?;
            if let Some(obstacle) = obstacle(tx, &it.survivor, &it.merged).await? {
                return Err(StoreError::Conflict(obstacle));
            }
            store::merge_contact(tx, &it, seq).await?;
            let detail = json!({ "survivor": it.survivor, "merged": it.merged, "merge": it.id });
            let subject = format!("contact:{}", it.survivor);
            audit(tx, &clock, &who, "contact.merge", &subject, &detail).await
        })
    })
    .await?;
    settle(&app).await?;
    Ok(StatusCode::CREATED)
}

/// What stands against merging. A contact is merged once, and into one that stands for itself; one that others were merged into is not merged
/// itself.
async fn obstacle(on: &impl Execute, survivor: &str, merged: &str) -> StoreResult<Option<String>> {
    for it in store::contact_merges_of(on, &[survivor, merged]).await? {
        if it.merged == merged || it.merged == survivor {
            return Ok(Some(format!(
                "{} is already merged into {}: part them first",
                it.merged, it.survivor
            )));
        }
        if it.survivor == merged {
            return Ok(Some(format!(
                "{} was merged into {merged}: part them first, or merge {survivor} into {merged}",
                it.merged
            )));
        }
    }
    Ok(None)
}

/// Parts two merged contacts again.
#[utoipa::path(post, path = "/api/v1/contact-merges/{id}/parting", tag = "duplicates", params(("id" = String, Path)), responses((status = 204)))]
pub async fn part(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let gone = || "there is no such merge that stands; GET /api/v1/contact-merges lists them".to_owned();
    let Some(it) = store::standing_contact_merge(&app.store, &id).await? else {
        return Err(StoreError::Conflict(gone()).into());
    };
    let (clock, at) = (app.clock.clone(), app.clock.micros());
    events::rejoin(&app, &Rejoined::Contact(it.merged), move |tx, seq| {
        Box::pin(async move {
            if !store::part_contact(tx, &id, at, &who.actor, seq).await? {
                return Err(StoreError::Conflict(gone()));
            }
            let subject = format!("contact-merge:{id}");
            let detail = json!({ "merge": id });
            audit(tx, &clock, &who, "contact.part", &subject, &detail).await
        })
    })
    .await?;
    settle(&app).await?;
    Ok(StatusCode::NO_CONTENT)
}
