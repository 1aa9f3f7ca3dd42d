//! Handlers of accounts as they are measured.

mod list;
mod page;
mod sql;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::{Entry, facts::date_of};
use crate::App;
use crate::definitions::Definitions;
use crate::web::{Problem, Result, routes};

pub use list::Lists;
pub use page::{Page as AccountPage, account_on};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::export))
        .routes(routes!(page::page))
        .routes(routes!(sql::query))
        .routes(routes!(sql::tables))
        .routes(routes!(sql::progress))
}

fn definitions(app: &App) -> Result<Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
        )
    })
}

fn day_text(day: i32) -> String {
    date_of(day).to_string()
}

/// The account with this id.
fn find(app: &App, id: &str) -> Result<Arc<Entry>> {
    // The id is brought into its one form, as everywhere else that takes ids.
    crate::accounts::normalise(id)
        .ok()
        .flatten()
        .and_then(|id| app.accounts.shown(&id))
        .and_then(|no| app.metrics.book.get(no.get()))
        .ok_or_else(|| Problem::not_found(format!("there is no account {id}; look it up under Accounts")))
}
