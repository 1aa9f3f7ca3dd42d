//! Handlers of scores.

mod account;
mod list;
pub mod movement;
mod overrides;
mod preview;
mod versions;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::accounts::normalise;
use crate::definitions::{Definitions, Score};
use crate::web::{Problem, Result, routes};

pub use preview::{Try as TryScore, tried};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(movement::movement))
        .routes(routes!(versions::versions))
        .routes(routes!(account::show))
        .routes(routes!(overrides::add))
        .routes(routes!(overrides::remove))
        .routes(routes!(preview::distribution))
        .routes(routes!(preview::preview))
}

fn definitions(app: &App) -> Result<Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: apply one under Settings, or run `tenure program apply DIR`",
        )
    })
}

/// The score that is asked for; `health`, else the first, when nothing is said. `None` = the program has none.
fn score<'a>(definitions: &'a Definitions, id: Option<&str>) -> Result<Option<&'a Score>> {
    match id {
        None => Ok(definitions
            .score(super::HEALTH)
            .or_else(|| definitions.scores.first())),
        Some(id) => definitions.score(id).map(Some).ok_or_else(|| {
            let known: Vec<&str> = definitions.scores.iter().map(|score| score.id.as_str()).collect();
            let remedy = if known.is_empty() {
                "declare one in scores.yaml".to_owned()
            } else {
                format!("name one of {}", known.join(", "))
            };
            Problem::field("score", id, "is no score of the program", remedy)
        }),
    }
}

/// The account that an address names.
fn account(app: &App, raw: &str) -> Result<(String, i64)> {
    let id = normalise(raw).ok().flatten();
    id.and_then(|id| {
        let no = app.accounts.shown(&id)?;
        Some((app.accounts.account_id(no)?, no.get()))
    })
    .ok_or_else(|| {
        Problem::not_found(format!(
            "no account has the id “{raw}”: see GET /api/v1/accounts for those that are there"
        ))
    })
}
