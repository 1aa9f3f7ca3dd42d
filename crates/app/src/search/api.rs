//! `GET /api/v1/search`.

use std::collections::HashSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{index, store};
use crate::App;
use crate::auth::Viewer;
use crate::contacts;
use crate::web::{Json, Query, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

/// What was typed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What was typed; the first 100 characters count.
    q: String,
    /// How many of each, 1 to 20; 6 when left out.
    limit: Option<usize>,
}

/// An account that was found.
#[derive(Serialize, ToSchema)]
struct FoundAccount {
    account_id: String,
    name: String,
    segment: Option<String>,
    mrr: Option<f64>,
    currency: Option<String>,
    active: bool,
}

/// A contact that was found.
#[derive(Serialize, ToSchema)]
struct FoundContact {
    contact_id: String,
    name: Option<String>,
    email: Option<String>,
    account_id: Option<String>,
    account_name: Option<String>,
}

/// What was found.
#[derive(Serialize, ToSchema)]
struct SearchResult {
    accounts: Vec<FoundAccount>,
    /// Those whose name, address or id begins with it first, then those with a word that does, then those that hold it anywhere.
    contacts: Vec<FoundContact>,
}

/// Accounts and contacts for what is being typed, a few of each, the likeliest first.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(Asked), responses((status = 200, body = SearchResult)))]
async fn search(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<SearchResult>> {
    let typed: String = asked
        .q
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect();
    let typed = typed.to_lowercase();
    let limit = asked.limit.unwrap_or(6).clamp(1, 20);
    if typed.is_empty() {
        return Ok(Json(SearchResult {
            accounts: Vec::new(),
            contacts: Vec::new(),
        }));
    }
    let found = index::text(&app).find(&typed, limit);
    let accounts = found.iter().map(|entry| FoundAccount {
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        segment: entry.now().map(|span| span.segment.clone()),
        mrr: entry.now().and_then(|span| span.mrr),
        currency: entry.head.currency.clone(),
        active: entry.active(),
    });
    Ok(Json(SearchResult {
        accounts: accounts.collect(),
        contacts: people(&app, &typed, limit).await?,
    }))
}

async fn people(app: &App, typed: &str, limit: usize) -> Result<Vec<FoundContact>> {
    let begins = |text: &Option<String>| {
        text.as_ref()
            .is_some_and(|text| text.to_lowercase().starts_with(typed))
    };
    let mut seen = HashSet::new();
    let mut found = store::from(&app.store, typed).await?;
    found.retain(|it| begins(&it.name) || begins(&it.email) || it.id.to_lowercase().starts_with(typed));
    found.retain(|it| seen.insert(it.id.clone()));
    if found.len() < limit {
        // Words inside; more than are wanted, because some were merged away or are there already.
        let ids = contacts::index::find(app, typed, 3 * limit).await?;
        let ids: Vec<String> = ids.into_iter().filter(|id| seen.insert(id.clone())).collect();
        if !ids.is_empty() {
            let mut inside = store::some(&app.store, &ids).await?;
            inside.sort_by_key(|it| ids.iter().position(|id| *id == it.id));
            found.extend(inside);
        }
    }
    Ok(found
        .into_iter()
        .take(limit)
        .map(|it| FoundContact {
            contact_id: it.id,
            name: it.name,
            email: it.email,
            account_id: it.account_id,
            account_name: it.account_name,
        })
        .collect())
}
