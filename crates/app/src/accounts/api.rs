//! Handlers: the list of contacts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::store::{self, ContactRow};
use super::{AccountNo, normalise};
use crate::App;
use crate::auth::Viewer;
use crate::web::{Json, Problem, Query, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_contacts))
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    /// Only contacts of the account with this id.
    account: Option<String>,
    /// Only contacts whose id, name or e-mail address holds this text.
    q: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1–500; 100 when not given.
    limit: Option<u32>,
}

/// A page of contacts.
#[derive(Debug, Serialize, ToSchema)]
struct ContactsPage {
    items: Vec<ContactRow>,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Contacts, ordered by id.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "accounts", params(ListQuery), responses((status = 200, body = ContactsPage)))]
async fn list_contacts(
    _viewer: Viewer,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ContactsPage>> {
    let limit = query.limit.unwrap_or(100).clamp(1, 500) as usize;
    let account = match query.account.as_deref() {
        None => None,
        Some(raw) => Some(account_no(&app, raw)?),
    };
    let text = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let after = query.cursor.as_deref().unwrap_or_default();
    let mut items = store::contacts_page(&app.store, account, text, after, limit as i64 + 1).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = if more {
        items.last().map(|contact| contact.contact_id.clone())
    } else {
        None
    };
    Ok(Json(ContactsPage { items, next_cursor }))
}

fn account_no(app: &App, raw: &str) -> Result<AccountNo> {
    let id = normalise(raw).ok().flatten();
    id.and_then(|id| app.accounts.number(&id)).ok_or_else(|| {
        Problem::not_found(format!(
            "no account has the id “{raw}”: see GET /api/v1/accounts for those that are there"
        ))
    })
}
