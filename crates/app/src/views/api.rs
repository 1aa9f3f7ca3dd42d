//! Handlers of saved views.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{StoreError, new_id};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::store::{self, Kept};
use crate::App;
use crate::auth::{Principal, Role, Viewer, audit};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The pages that views are kept of; a single dashboard, `dashboards/` and its id, is one too.
const PAGES: &[&str] = &[
    "overview",
    "accounts",
    "contacts",
    "owners",
    "revenue",
    "health",
    "segments",
    "dashboards",
    "targets",
    "data",
];

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(set_default, unset_default))
}

/// A saved view.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedView)]
struct Line {
    id: String,
    page: String,
    name: String,
    /// The page's query: parameter → value.
    state: BTreeMap<String, String>,
    /// Whether the team sees it.
    shared: bool,
    /// Whether it is the caller's own.
    own: bool,
    /// Whether the caller may change it.
    may_change: bool,
    /// Who made it: their name.
    owner: String,
    /// To be sent with a change.
    version: i64,
    updated_at: String,
}

/// The views of a page.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedViews)]
struct Lines {
    /// By name.
    items: Vec<Line>,
    /// The view that the caller starts the page with.
    default_id: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `overview`, `accounts`, `contacts`, `owners`, `revenue`, `health`, `segments`, `dashboards`, `dashboards/ID`, `targets` or `data`.
    page: String,
}

fn page(raw: &str) -> Result<String> {
    let dashboard = raw.strip_prefix("dashboards/").is_some_and(|id| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    });
    if PAGES.contains(&raw) || dashboard {
        return Ok(raw.to_owned());
    }
    Err(Problem::field(
        "page",
        raw,
        "has no views",
        format!(
            "name one of {}, or dashboards/ and the id of one",
            PAGES.join(", ")
        ),
    ))
}

fn may_change(who: &Principal, it: &Kept) -> bool {
    it.owner == who.actor || (it.shared && who.role >= Role::Manager)
}

async fn line(app: &App, who: &Principal, it: Kept) -> Result<Line> {
    let names = crate::auth::names(app).await?;
    Ok(shape(who, it, &names))
}

fn shape(who: &Principal, it: Kept, names: &std::collections::HashMap<String, String>) -> Line {
    Line {
        own: it.owner == who.actor,
        may_change: may_change(who, &it),
        state: serde_json::from_str(&it.state).unwrap_or_default(),
        owner: names.get(&it.owner).cloned().unwrap_or_else(|| it.owner.clone()),
        updated_at: jiff::Timestamp::from_microsecond(it.updated_at)
            .unwrap_or_default()
            .to_string(),
        id: it.id,
        page: it.page,
        name: it.name,
        shared: it.shared,
        version: it.version,
    }
}

/// The views of a page that the caller may see.
#[utoipa::path(get, path = "/api/v1/views", tag = "views", params(Asked), responses((status = 200, body = Lines)))]
async fn list(
    Viewer(who): Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Lines>> {
    let page = page(&asked.page)?;
    let names = crate::auth::names(&app).await?;
    let found = store::of_page(&app.store, &page, &who.actor).await?;
    Ok(Json(Lines {
        items: found.into_iter().map(|it| shape(&who, it, &names)).collect(),
        default_id: store::default_of(&app.store, &who.actor, &page).await?,
    }))
}

/// A new view.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSavedView)]
struct NewView {
    page: String,
    /// 1 to 80 characters.
    name: String,
    /// The page's query: parameter → value.
    state: BTreeMap<String, String>,
    /// Whether the team sees it.
    #[serde(default)]
    shared: bool,
}

fn name(raw: &str) -> Result<String> {
    let name = raw.trim();
    let fits = (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        return Ok(name.to_owned());
    }
    Err(Problem::field(
        "name",
        raw,
        "is not 1 to 80 visible characters",
        "give the view a short name",
    ))
}

fn state(raw: &BTreeMap<String, String>) -> Result<String> {
    let size: usize = raw.iter().map(|(key, value)| key.len() + value.len()).sum();
    let plain = raw
        .keys()
        .all(|key| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    if size <= 16_000 && raw.len() <= 50 && plain && !raw.values().any(|value| value.contains('\0')) {
        return serde_json::to_string(raw).map_err(|error| anyhow::Error::from(error).into());
    }
    Err(Problem::field(
        "state",
        size,
        "is no page's query, or holds more than 16,000 characters",
        "send the parameters of the page's address",
    ))
}

fn may_share(who: &Principal, shared: bool) -> Result<()> {
    if shared && who.role < Role::Csm {
        return Err(Problem::forbidden(
            "a viewer keeps views for themselves only: leave `shared` out",
        ));
    }
    Ok(())
}

/// Keeps a view.
#[utoipa::path(post, path = "/api/v1/views", tag = "views", request_body = NewView, responses((status = 201, body = Line)))]
async fn add(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(form): Json<NewView>,
) -> Result<(StatusCode, Json<Line>)> {
    may_share(&who, form.shared)?;
    let it = Kept {
        id: new_id(&app.clock),
        page: page(&form.page)?,
        name: name(&form.name)?,
        state: state(&form.state)?,
        owner: who.actor.clone(),
        shared: form.shared,
        version: 1,
        updated_at: app.clock.micros(),
        updated_by: who.actor.clone(),
    };
    let held = store::of_page(&app.store, &it.page, &who.actor).await?;
    if held.len() >= 500 {
        return Err(Problem::conflict("this page has 500 views: remove some first"));
    }
    let tx = app.store.begin().await?;
    store::add(&tx, &it).await?;
    let detail = json!({ "page": it.page, "name": it.name, "shared": it.shared });
    audit(
        &tx,
        &app.clock,
        &who,
        "view.add",
        &format!("view:{}", it.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(line(&app, &who, it).await?)))
}

/// A change of a view.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SavedViewChange)]
struct ViewChange {
    /// The version that the change was made from.
    version: i64,
    name: String,
    state: BTreeMap<String, String>,
    #[serde(default)]
    shared: bool,
}

/// Somebody else changed the view first: a problem with the view as it is.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedViewConflict)]
struct Overtaken {
    #[serde(flatten)]
    problem: Problem,
    current: Line,
}

async fn find(app: &App, who: &Principal, id: &str) -> Result<Kept> {
    store::one(&app.store, id)
        .await?
        .filter(|it| it.shared || it.owner == who.actor)
        .ok_or_else(|| Problem::not_found(format!("there is no view {id}; it may have been removed")))
}

fn allowed(who: &Principal, it: &Kept) -> Result<()> {
    if may_change(who, it) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "only whoever made a view, or a manager, may change it: save your own under another name",
    ))
}

/// Changes a view. Somebody else's change since `version` is a 409 with the view as it is.
#[utoipa::path(put, path = "/api/v1/views/{id}", tag = "views", params(("id" = String, Path)), request_body = ViewChange, responses((status = 200, body = Line), (status = 409, body = Overtaken)))]
async fn change(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<ViewChange>,
) -> Result<Response> {
    let known = find(&app, &who, &id).await?;
    allowed(&who, &known)?;
    may_share(&who, form.shared)?;
    if known.version != form.version {
        return overtaken(&app, &who, known).await;
    }
    let it = Kept {
        name: name(&form.name)?,
        state: state(&form.state)?,
        shared: form.shared,
        version: known.version + 1,
        updated_at: app.clock.micros(),
        updated_by: who.actor.clone(),
        ..known
    };
    keep(&app, &who, &it).await?;
    Ok(Json(line(&app, &who, it).await?).into_response())
}

async fn keep(app: &App, who: &Principal, it: &Kept) -> Result<()> {
    let tx = app.store.begin().await?;
    if !store::change(&tx, it).await? {
        let overtaken = "somebody else changed this view at the same moment: read it again";
        return Err(StoreError::Conflict(overtaken.to_owned()).into());
    }
    if !it.shared {
        store::only_own_default(&tx, &it.id, &it.owner).await?;
    }
    let detail = json!({ "name": it.name, "shared": it.shared, "version": it.version });
    audit(
        &tx,
        &app.clock,
        who,
        "view.change",
        &format!("view:{}", it.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn overtaken(app: &App, who: &Principal, known: Kept) -> Result<Response> {
    let current = line(app, who, known).await?;
    let problem = Problem::conflict(format!(
        "“{}” was changed in the meantime (version {}): look at it and save yours again or under another name",
        current.name, current.version
    ));
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    Ok((
        StatusCode::CONFLICT,
        kind,
        axum::Json(Overtaken { problem, current }),
    )
        .into_response())
}

/// Removes a view.
#[utoipa::path(delete, path = "/api/v1/views/{id}", tag = "views", params(("id" = String, Path)), responses((status = 204)))]
async fn remove(Viewer(who): Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let known = find(&app, &who, &id).await?;
    allowed(&who, &known)?;
    let tx = app.store.begin().await?;
    store::remove(&tx, &id).await?;
    let detail = json!({ "page": known.page, "name": known.name, "state": known.state });
    audit(
        &tx,
        &app.clock,
        &who,
        "view.remove",
        &format!("view:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts the view's page with it from now on, for the caller.
#[utoipa::path(put, path = "/api/v1/views/{id}/default", tag = "views", params(("id" = String, Path)), responses((status = 204)))]
async fn set_default(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    default(&app, &who, &id, true).await
}

/// Starts the view's page without a view from now on, for the caller.
#[utoipa::path(delete, path = "/api/v1/views/{id}/default", tag = "views", params(("id" = String, Path)), responses((status = 204)))]
async fn unset_default(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    default(&app, &who, &id, false).await
}

async fn default(app: &App, who: &Principal, id: &str, is: bool) -> Result<StatusCode> {
    let known = find(app, who, id).await?;
    let tx = app.store.begin().await?;
    store::set_default(&tx, &who.actor, &known.page, is.then_some(id)).await?;
    let detail = json!({ "page": known.page, "default": is });
    audit(
        &tx,
        &app.clock,
        who,
        "view.default",
        &format!("view:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
