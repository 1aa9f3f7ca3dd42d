//! Two accounts side by side: what each says, what differs, what comes along, and why they cannot be merged where they cannot.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::store;
use crate::App;
use crate::accounts::merges::{self, Merge, Told};
use crate::accounts::{AccountNo, normalise};
use crate::auth::Viewer;
use crate::metrics::Entry;
use crate::web::{Json, Problem, Query, Result};

/// Which two.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The account that would stay.
    survivor: String,
    /// The account that would be merged into it.
    merged: String,
}

/// A field of both.
#[derive(Serialize, ToSchema)]
pub struct MergeField {
    /// `name`, `owner`, `parent_id` or an attribute.
    pub field: String,
    /// What the account that stays says; null = nothing.
    #[schema(value_type = Value)]
    pub survivor: Value,
    /// What the other says; null = nothing.
    #[schema(value_type = Value)]
    pub merged: Value,
    /// Whether both say something, and not the same: a side is to be chosen.
    pub clash: bool,
}

/// What belongs to an account.
#[derive(Serialize, ToSchema)]
pub struct MergeBelongings {
    account_id: String,
    name: String,
    segment: Option<String>,
    active: bool,
    mrr: Option<f64>,
    currency: Option<String>,
    subscriptions: usize,
    contacts: i64,
    notes: i64,
    handovers: i64,
    owner_moves: i64,
}

/// Two accounts side by side.
#[derive(Serialize, ToSchema)]
pub struct MergeComparison {
    survivor: MergeBelongings,
    merged: MergeBelongings,
    /// Every field of which either knows something.
    fields: Vec<MergeField>,
    /// Why they cannot be merged; null = they can.
    obstacle: Option<String>,
}

/// Two accounts side by side, before they are merged.
#[utoipa::path(get, path = "/api/v1/duplicates/comparison", tag = "duplicates", params(Asked), responses((status = 200, body = MergeComparison)))]
pub async fn compare(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<MergeComparison>> {
    let survivor = number(&app, "survivor", &asked.survivor)?;
    let merged = number(&app, "merged", &asked.merged)?;
    let obstacle = obstacle(&app, survivor, merged)
        .await
        .err()
        .map(|problem| problem.detail);
    let told = merges::told(&app.store, &[survivor.get(), merged.get()]).await?;
    let fields = match (told.get(&survivor.get()), told.get(&merged.get())) {
        (Some(survivor), Some(merged)) => fields(survivor, merged),
        _ => Vec::new(),
    };
    Ok(Json(MergeComparison {
        survivor: belongings(&app, survivor).await?,
        merged: belongings(&app, merged).await?,
        fields,
        obstacle,
    }))
}

/// The account with this id, merged or not.
pub(super) fn number(app: &App, field: &str, raw: &str) -> Result<AccountNo> {
    let id = normalise(raw).ok().flatten();
    id.and_then(|id| app.accounts.number(&id))
        .ok_or_else(|| Problem::field(field, raw, "is the id of no account", "look it up under Accounts"))
}

/// The fields of both, those that clash first.
pub(super) fn fields(survivor: &Told, merged: &Told) -> Vec<MergeField> {
    let names = survivor.fields();
    let mut fields: Vec<MergeField> = names
        .union(&merged.fields())
        .map(|field| {
            let (survivor, merged) = (survivor.field(field), merged.field(field));
            MergeField {
                clash: !survivor.is_null() && !merged.is_null() && survivor != merged,
                field: field.clone(),
                survivor,
                merged,
            }
        })
        .filter(|field| !field.survivor.is_null() || !field.merged.is_null())
        .collect();
    fields.sort_by_key(|field| !field.clash);
    fields
}

async fn belongings(app: &App, no: AccountNo) -> Result<MergeBelongings> {
    let id = app.accounts.account_id(no).unwrap_or_default();
    let entry = app.metrics.book.get(no.get());
    let now = entry.as_deref().and_then(Entry::now);
    let [contacts, notes, handovers, owner_moves] = store::counts(&app.store, no.get()).await?;
    Ok(MergeBelongings {
        name: entry
            .as_ref()
            .map_or_else(|| id.clone(), |entry| entry.name.clone()),
        account_id: id,
        segment: now.map(|span| span.segment.clone()),
        active: entry.as_ref().is_some_and(|entry| entry.active()),
        mrr: now.and_then(|span| span.mrr),
        currency: entry.as_ref().and_then(|entry| entry.head.currency.clone()),
        subscriptions: entry.as_ref().map_or(0, |entry| subscriptions(entry)),
        contacts,
        notes,
        handovers,
        owner_moves,
    })
}

fn subscriptions(entry: &Entry) -> usize {
    let day = entry.head.day;
    entry
        .head
        .subscriptions
        .iter()
        .filter(|it| it.from <= day && it.to.is_none_or(|to| day < to))
        .count()
}

/// Why an account cannot be merged into another: themselves, one that is merged already (which also keeps circles away), two currencies.
pub(super) async fn obstacle(app: &App, survivor: AccountNo, merged: AccountNo) -> Result<()> {
    if survivor == merged {
        let id = app.accounts.account_id(merged).unwrap_or_default();
        return Err(Problem::field(
            "merged",
            id,
            "is the same account as the one that stays",
            "name two different accounts",
        ));
    }
    let standing: BTreeMap<AccountNo, Merge> = merges::standing(&app.store)
        .await?
        .into_iter()
        .map(|it| (it.merged, it))
        .collect();
    let name = |no: AccountNo| app.accounts.account_id(no).unwrap_or_default();
    for no in [merged, survivor] {
        let Some(held) = standing.get(&no) else { continue };
        let other = if no == merged { survivor } else { merged };
        let circle = if app.accounts.root(no) == other {
            ", so that this would be a circle"
        } else {
            ""
        };
        return Err(Problem::conflict(format!(
            "{} is already merged into {}{circle}: part them first, or merge {} instead",
            name(no),
            name(held.survivor),
            name(app.accounts.root(no)),
        )));
    }
    let currency = |no: AccountNo| {
        app.metrics
            .book
            .get(no.get())
            .and_then(|it| it.head.currency.clone())
    };
    if let (Some(one), Some(other)) = (currency(survivor), currency(merged))
        && one != other
    {
        return Err(Problem::conflict(format!(
            "{} is billed in {one} and {} in {other}: MRR in two currencies cannot be added up; bring their revenue events into one currency first",
            name(survivor),
            name(merged)
        )));
    }
    Ok(())
}
