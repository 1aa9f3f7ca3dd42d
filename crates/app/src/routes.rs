//! All routes: each slice hands in its own, the edge goes around them.

use std::sync::{Arc, LazyLock};

use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Extension, Router};
use utoipa::OpenApi;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::web::ui::UiSource;
use crate::web::{Problem, edge, ui};
use crate::{
    App, auth, contacts, dashboards, duplicates, events, health, imports, inbox, kpis, metrics, models,
    notes, owners, profiles, program, revenue, scores, search, segments, setup, views,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tenure", description = "Customer success on your own machine.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(Problem)),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        };
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("tenure"))),
        );
        components.add_security_scheme(
            "key",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("tnr_…")
                    .build(),
            ),
        );
        components.add_security_scheme(
            "write_key",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
        );
        let problem = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        components.responses.insert(
            "Problem".to_owned(),
            ResponseBuilder::new()
                .description("What went wrong")
                .content("application/problem+json", problem)
                .build()
                .into(),
        );
        let none: [&str; 0] = [];
        api.security = Some(vec![
            SecurityRequirement::new("session", none),
            SecurityRequirement::new("key", none),
        ]);
    }
}

/// The list of routes, slice by slice.
pub fn list() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(health::routes())
        .merge(auth::routes())
        .merge(events::log_routes())
        .merge(events::ingest::routes())
        .merge(events::rejects::routes())
        .merge(metrics::routes())
        .merge(scores::routes())
        .merge(segments::routes())
        .merge(kpis::routes())
        .merge(models::routes())
        .merge(dashboards::routes())
        .merge(owners::routes())
        .merge(contacts::routes())
        .merge(notes::routes())
        .merge(profiles::routes())
        .merge(duplicates::routes())
        .merge(views::routes())
        .merge(search::routes())
        .merge(inbox::routes())
        .merge(setup::routes())
        .merge(revenue::routes())
        .merge(program::routes())
        .merge(imports::routes())
}

/// The routes and the text of their document, each made once: to describe all shapes takes longer than most tests.
static USUAL: LazyLock<(Router<App>, Arc<str>)> = LazyLock::new(|| parts(list()));
static SANDBOX: LazyLock<(Router<App>, Arc<str>)> =
    LazyLock::new(|| parts(list().merge(health::sandbox::routes())));

fn parts(list: OpenApiRouter<App>) -> (Router<App>, Arc<str>) {
    let (router, document) = list.split_for_parts();
    (router, document.to_json().unwrap_or_default().into())
}

/// The document of the API (OpenAPI 3.1).
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    list().into_openapi()
}

/// The whole HTTP surface of Tenure, without the browser's files.
pub fn router(app: App) -> Router {
    router_with_ui(app, None)
}

/// The whole HTTP surface of Tenure, with the browser's files where they are built.
pub fn router_with_ui(app: App, files: Option<UiSource>) -> Router {
    let (router, document) = if app.config.sandbox {
        SANDBOX.clone()
    } else {
        USUAL.clone()
    };
    let described = get(move |Extension(text): Extension<Arc<str>>| async move {
        (
            [(axum::http::header::CONTENT_TYPE, "application/json")],
            text.to_string(),
        )
    })
    .layer(Extension(document));
    let router = router
        .with_state(app.clone())
        .route("/api/openapi.json", described)
        .fallback(move |request| ui::serve(files, request))
        .layer(from_fn_with_state(app.clone(), auth::authenticate));
    edge::wrap(router, app)
}
