//! Merging a contact into another, and parting them again: a row that says whom it is shown in, nothing else.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{StoreError, Tx, new_id};
use utoipa::{IntoParams, ToSchema};

use super::{find, store};
use crate::App;
use crate::accounts::{Known, normalise};
use crate::auth::{Csm, Viewer, audit};
use crate::contacts;
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
    let tx = app.store.begin().await?;
    unmerged(&tx, &survivor, &merged).await?;
    let id = new_id(&app.clock);
    store::merge_contact(&tx, &id, (&survivor, &merged), app.clock.micros(), &who.actor).await?;
    let detail = json!({ "survivor": survivor, "merged": merged, "merge": id });
    audit(
        &tx,
        &app.clock,
        &who,
        "contact.merge",
        &format!("contact:{survivor}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    find::forget(&app);
    Ok(StatusCode::CREATED)
}

/// A contact is merged once, and into one that stands for itself; one that others were merged into is not merged itself.
async fn unmerged(tx: &Tx, survivor: &str, merged: &str) -> Result<()> {
    for it in store::contact_merges_of(tx, &[survivor, merged]).await? {
        if it.merged == merged || it.merged == survivor {
            return Err(Problem::conflict(format!(
                "{} is already merged into {}: part them first",
                it.merged, it.survivor
            )));
        }
        if it.survivor == merged {
            return Err(Problem::conflict(format!(
                "{} was merged into {merged}: part them first, or merge {survivor} into {merged}",
                it.merged
            )));
        }
    }
    Ok(())
}

/// Parts two merged contacts again.
#[utoipa::path(post, path = "/api/v1/contact-merges/{id}/parting", tag = "duplicates", params(("id" = String, Path)), responses((status = 204)))]
pub async fn part(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let tx = app.store.begin().await?;
    if !store::part_contact(&tx, &id, app.clock.micros(), &who.actor).await? {
        return Err(StoreError::Conflict(
            "there is no such merge that stands; GET /api/v1/contact-merges lists them".to_owned(),
        )
        .into());
    }
    let detail = json!({ "merge": id });
    audit(
        &tx,
        &app.clock,
        &who,
        "contact.part",
        &format!("contact-merge:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    find::forget(&app);
    Ok(StatusCode::NO_CONTENT)
}
