//! Merging an account into another, parting them again, and the list of merges.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{StoreError, new_id};
use utoipa::{IntoParams, ToSchema};

use super::compare::{MergeField, fields, number, obstacle};
use super::find;
use crate::accounts::merges::{self, Choices, Merge};
use crate::auth::{Manager, Viewer, audit};
use crate::events::{self, Rejoined};
use crate::metrics::as_of;
use crate::web::{Json, Path, Problem, Query, Result};
use crate::{App, metrics};

/// A merge as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountMerge)]
pub struct Line {
    /// Its id.
    id: String,
    /// The account that stayed: its id.
    survivor: String,
    /// Its name.
    survivor_name: String,
    /// The account that was merged into it: its id.
    merged: String,
    /// Its own name.
    merged_name: String,
    /// Whose value is shown, of fields where a side was chosen.
    choices: Choices,
    /// Fields on which the two differ: both values are remembered. Only while the merge stands.
    remembered: Vec<MergeField>,
    at: String,
    /// By whom: `user:ID`, `key:ID` or `operator`.
    actor: String,
    /// When they were parted; null = the merge stands.
    parted_at: Option<String>,
    parted_by: Option<String>,
}

/// Merges.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountMerges)]
pub struct Lines {
    /// The newest first.
    items: Vec<Line>,
    /// Where the list goes on.
    next_cursor: Option<String>,
}

/// Which merges.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Only those that stand and that this account is part of.
    account: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    limit: Option<i64>,
}

/// Merges of accounts, the newest first, those that were taken back included.
#[utoipa::path(get, path = "/api/v1/account-merges", tag = "duplicates", params(Asked), responses((status = 200, body = Lines)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Lines>> {
    if let Some(account) = &asked.account {
        let group = app.accounts.group(number(&app, "account", account)?);
        let mut items = Vec::new();
        for it in merges::standing(&app.store).await? {
            if group.contains(&it.merged.get()) {
                items.push(line(&app, it).await?);
            }
        }
        return Ok(Json(Lines {
            items,
            next_cursor: None,
        }));
    }
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    let cursor = asked.cursor.unwrap_or_default();
    let (at, id) = cursor.split_once('~').unwrap_or(("", ""));
    let before = (at.parse().unwrap_or(i64::MAX), id);
    let mut found = merges::merges(&app.store, before, limit + 1).await?;
    let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|it| format!("{}~{}", it.at, it.id));
    let mut items = Vec::new();
    for it in found {
        items.push(line(&app, it).await?);
    }
    Ok(Json(Lines { items, next_cursor }))
}

async fn line(app: &App, it: Merge) -> Result<Line> {
    let own = merges::own(&app.store, &[it.survivor.get(), it.merged.get()]).await?;
    let (survivor, merged) = (own.get(&it.survivor.get()), own.get(&it.merged.get()));
    let remembered = match (survivor, merged) {
        (Some(survivor), Some(merged)) if it.parted_at.is_none() => fields(survivor, merged),
        _ => Vec::new(),
    };
    let id = |no| app.accounts.account_id(no).unwrap_or_default();
    Ok(Line {
        survivor: id(it.survivor),
        survivor_name: survivor.map(|told| told.name.clone()).unwrap_or_default(),
        merged: id(it.merged),
        merged_name: merged.map(|told| told.name.clone()).unwrap_or_default(),
        remembered: remembered.into_iter().filter(|field| field.clash).collect(),
        choices: it.choices,
        at: as_of::instant(it.at),
        actor: it.actor,
        parted_at: it.parted_at.map(as_of::instant),
        parted_by: it.parted_by,
        id: it.id,
    })
}

/// What is to be merged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccountMerge)]
pub struct NewMerge {
    /// The account that stays.
    survivor: String,
    /// The account that is merged into it.
    merged: String,
    /// Whose value is shown, by field. Of the others: that of the account that stays, or the other's where it has none.
    #[serde(default)]
    choices: Choices,
}

/// Merges an account into another. Nothing is moved or lost: what is kept of the merged account is read as the other's until they are parted.
#[utoipa::path(post, path = "/api/v1/account-merges", tag = "duplicates", request_body = NewMerge, responses((status = 201, body = Line)))]
pub async fn merge(
    Manager(who): Manager,
    State(app): State<App>,
    Json(form): Json<NewMerge>,
) -> Result<(StatusCode, Json<Line>)> {
    let survivor = number(&app, "survivor", &form.survivor)?;
    let merged = number(&app, "merged", &form.merged)?;
    obstacle(&app, survivor, merged).await?;
    let told = merges::told(&app.store, &[survivor.get(), merged.get()]).await?;
    let known = |field: &String| told.values().any(|told| told.fields().contains(field));
    if let Some(field) = form.choices.keys().find(|field| !known(field)) {
        return Err(Problem::field(
            "choices",
            field,
            "is a field of neither account",
            "choose among those of GET /api/v1/duplicates/comparison",
        ));
    }
    let it = Merge {
        id: new_id(&app.clock),
        merged,
        survivor,
        choices: form.choices,
        at: app.clock.micros(),
        actor: who.actor.clone(),
        parted_at: None,
        parted_by: None,
    };
    let (kept, clock) = (it.clone(), app.clock.clone());
    let detail = json!({ "survivor": form.survivor, "merged": form.merged, "choices": it.choices });
    let subject = format!("account:{}", form.survivor);
    events::rejoin(
        &app,
        &Rejoined::Accounts(vec![survivor.get(), merged.get()]),
        move |tx, seq| {
            Box::pin(async move {
                merges::merge(tx, &kept, seq).await?;
                audit(tx, &clock, &who, "account.merge", &subject, &detail).await
            })
        },
    )
    .await?;
    settle(&app).await?;
    Ok((StatusCode::CREATED, Json(line(&app, it).await?)))
}

/// Parts two merged accounts again: each is what it was, with what arrived for it in between.
#[utoipa::path(post, path = "/api/v1/account-merges/{id}/parting", tag = "duplicates", params(("id" = String, Path)), responses((status = 200, body = Line)))]
pub async fn part(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Line>> {
    let missing = || {
        Problem::not_found(format!(
            "there is no merge {id}; GET /api/v1/account-merges lists them"
        ))
    };
    let it = merges::raw(&app.store, &id).await?.ok_or_else(missing)?;
    let gone = || "these accounts have been parted already: read the list again".to_owned();
    if it.parted_at.is_some() {
        return Err(Problem::conflict(gone()));
    }
    let touched = Rejoined::Accounts(vec![app.accounts.root(it.survivor).get(), it.merged.get()]);
    let (clock, at) = (app.clock.clone(), app.clock.micros());
    let account = |no| app.accounts.account_id(no).unwrap_or_default();
    let subject = format!("account:{}", account(it.survivor));
    let detail = json!({ "survivor": account(it.survivor), "merged": account(it.merged), "merge": id });
    let merge = id.clone();
    events::rejoin(&app, &touched, move |tx, seq| {
        Box::pin(async move {
            if !merges::part(tx, &merge, &who.actor, at, seq).await? {
                return Err(StoreError::Conflict(gone()));
            }
            audit(tx, &clock, &who, "account.part", &subject, &detail).await
        })
    })
    .await?;
    settle(&app).await?;
    let it = merges::raw(&app.store, &id).await?.ok_or_else(missing)?;
    Ok(Json(line(&app, it).await?))
}

/// Lets the accounts be computed before the caller is answered, so that the next page is right.
pub(super) async fn settle(app: &App) -> Result<()> {
    metrics::catch_up(app).await?;
    find::forget(app);
    app.metrics.wake();
    Ok(())
}
