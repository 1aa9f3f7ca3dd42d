//! Segments: who is where, since when and why, and what a change of the rules would do before it is made.
//!
//! The rules themselves are evaluated by `metrics` (an account's segment is a figure like any other); this slice shows them and previews
//! changes. Emits `segment_changed` events for the edges that `metrics` leaves ([`reactor`]).

mod api;
mod flow;
mod names;
mod overlaps;
mod past_api;
pub mod preview;
pub mod reactor;
#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    api::routes()
        .merge(past_api::routes())
        .merge(overlaps::routes())
        .merge(names::routes())
}
