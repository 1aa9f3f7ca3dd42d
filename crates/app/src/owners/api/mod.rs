//! Handlers of ownership.

mod books;
mod handovers;
mod reassign;
mod settings;

use utoipa_axum::router::OpenApiRouter;

use super::settings::OwnerSettings;
use super::store;
use crate::App;
use crate::web::routes;

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(books::list))
        .routes(routes!(books::book))
        .routes(routes!(books::attention_list))
        .routes(routes!(settings::show, settings::replace))
        .routes(routes!(reassign::preview_rules))
        .routes(routes!(reassign::run_rules))
        .routes(routes!(reassign::preview))
        .routes(routes!(reassign::list, reassign::run))
        .routes(routes!(reassign::undo))
        .routes(routes!(handovers::list))
        .routes(routes!(handovers::tick, handovers::untick))
}

/// The settings in force and their version; 0 = nobody has changed them yet.
pub(super) async fn current(app: &App) -> anyhow::Result<(i64, OwnerSettings)> {
    let Some(kept) = store::settings(&app.store, 1).await?.pop() else {
        return Ok((0, OwnerSettings::default()));
    };
    Ok((kept.version, serde_json::from_str(&kept.body)?))
}
