//! `GET /api/v1/first-steps`.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::store;
use crate::App;
use crate::auth::{Viewer, people, preferences};
use crate::web::{Json, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(steps))
}

/// One step.
#[derive(Serialize, ToSchema)]
struct FirstStep {
    /// `source`, `import`, `program`, `invite` or `dashboard`.
    step: &'static str,
    /// Whether it is done, judged by what is there.
    done: bool,
}

/// The first steps.
#[derive(Serialize, ToSchema)]
struct FirstSteps {
    /// In the order in which they are best done.
    items: Vec<FirstStep>,
    /// How many are done.
    done: usize,
    /// Whether the caller put the list away.
    hidden: bool,
}

/// The way from empty to the first dashboard, and how far it was gone.
#[utoipa::path(get, path = "/api/v1/first-steps", tag = "setup", responses((status = 200, body = FirstSteps)))]
async fn steps(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<FirstSteps>> {
    let own = preferences(&app, &who).await?;
    let people = people(&app).await?;
    let step = |step, done| FirstStep { step, done };
    let items = vec![
        step("source", store::has_source(&app.store).await?),
        step("import", store::has_import(&app.store).await?),
        step("program", app.definitions().is_some()),
        step("invite", people.iter().filter(|person| person.active).count() > 1),
        step("dashboard", own.dashboard_opened),
    ];
    Ok(Json(FirstSteps {
        done: items.iter().filter(|step| step.done).count(),
        items,
        hidden: own.first_steps_hidden,
    }))
}
