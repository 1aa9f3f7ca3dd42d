//! Duplicates: accounts that look like one customer and contacts that look like one person, with the evidence for it.
//!
//! A pair is found by what both carry: an identifier (tax or CRM id), a web domain, a name in its plain form, the e-mail domain of contacts; an
//! e-mail address, or a name within one account. People merge a pair, part it again, or say that it is none, which is remembered.
//! What a merge is stands in [`crate::accounts::merges`]; here are the finding, the comparison side by side, and who did what (audit).

mod api;
mod compare;
mod contact_api;
mod find;
pub mod follow;
mod merge_api;
mod rules;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use parking_lot::Mutex;
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::web::routes;

/// The pairs that were found last: how accounts stood (version of the metrics), when, and the pairs.
#[derive(Debug, Default)]
pub struct Memo(Mutex<Option<(u64, i64, Arc<find::Found>)>>);

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::list))
        .routes(routes!(api::dismiss, api::restore))
        .routes(routes!(compare::compare))
        .routes(routes!(merge_api::list, merge_api::merge))
        .routes(routes!(merge_api::part))
        .routes(routes!(contact_api::list, contact_api::merge))
        .routes(routes!(contact_api::part))
}
