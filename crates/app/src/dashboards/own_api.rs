//! Handlers of dashboards that people made.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::new_id;
use utoipa::ToSchema;

use super::api::{DashboardPage, definitions, page_of, visible};
use super::merge::merged;
use super::own::{Form, KEPT_FOR, MOST, PREFIX, Sent, Sharing, accepted, seen, tag};
use super::store::{self, Kept};
use crate::App;
use crate::auth::{Csm, Principal, audit};
use crate::definitions::Definitions;
use crate::definitions::edit::dashboard_text;
use crate::definitions::lines::{Line, compare};
use crate::web::{Json, Path, Problem, Result};

/// A new dashboard: empty, a copy, or whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDashboard {
    /// Made by the sender: `own-` and 8 to 55 small letters, digits and `-`. One that is sent twice with the same id is added once.
    id: Option<String>,
    /// The name that people read; that of the copied one when left out.
    title: Option<String>,
    /// The dashboard to copy, of the program or a person's.
    copy_of: Option<String>,
    /// The whole dashboard.
    definition: Option<Form>,
    /// The whole dashboard as the text of a file; its id is replaced by the new one.
    yaml: Option<String>,
    /// Whom it is shown to; nobody when left out.
    #[serde(default)]
    sharing: Sharing,
}

fn own_id(app: &App, sent: Option<String>) -> Result<String> {
    let Some(id) = sent else {
        return Ok(format!("{PREFIX}{}", new_id(&app.clock)));
    };
    let rest = id.strip_prefix(PREFIX).unwrap_or_default();
    let fits = (8..=55).contains(&rest.len())
        && rest
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        return Ok(id);
    }
    Err(Problem::field(
        "id",
        id,
        "is not an id of a person's dashboard",
        "send own- and 8 to 55 small letters, digits and -, or leave it out",
    ))
}

/// What a new one starts from.
async fn start(
    app: &App,
    definitions: &Definitions,
    who: &Principal,
    id: &str,
    new: NewDashboard,
) -> Result<Sent> {
    if let Some(copied) = new.copy_of {
        let (mut dashboard, _) = visible(app, definitions, who, &copied).await?;
        dashboard.title = new
            .title
            .unwrap_or_else(|| format!("Copy of {}", dashboard.title));
        dashboard.group = String::new();
        dashboard.id = id.to_owned();
        return Ok(Sent::Yaml(dashboard_text(&dashboard)));
    }
    if let Some(yaml) = new.yaml {
        // A file that somebody exported names the dashboard that it was.
        let mut dashboard = Definitions::read_dashboard(&yaml).unwrap_or_default();
        if dashboard.id.is_empty() {
            return Ok(Sent::Yaml(yaml));
        }
        dashboard.id = id.to_owned();
        dashboard.title = new.title.unwrap_or(dashboard.title);
        return Ok(Sent::Yaml(dashboard_text(&dashboard)));
    }
    Ok(Sent::Form(match new.definition {
        Some(form) => form,
        None => Form {
            title: new.title.unwrap_or_else(|| "New dashboard".to_owned()),
            ..Form::default()
        },
    }))
}

/// Adds a dashboard. It belongs to who sends it.
#[utoipa::path(post, path = "/api/v1/dashboards", tag = "dashboards", request_body = NewDashboard, responses((status = 201, body = DashboardPage)))]
pub(super) async fn add(
    Csm(who): Csm,
    State(app): State<App>,
    Json(new): Json<NewDashboard>,
) -> Result<Response> {
    let definitions = definitions(&app)?;
    let id = own_id(&app, new.id.clone())?;
    if let Some(known) = store::get(&app.store, &id).await? {
        // Sent again after an answer that was lost.
        if known.owner == who.actor && known.version == 1 {
            return shown(&app, &who, known, StatusCode::OK).await;
        }
        return Err(Problem::conflict("another dashboard has this id: make a new one"));
    }
    if store::count(&app.store, &who.actor).await? >= MOST {
        return Err(Problem::conflict(format!(
            "you have {MOST} dashboards, which is the most: remove some first"
        )));
    }
    let sharing = new.sharing;
    let sent = start(&app, &definitions, &who, &id, new).await?;
    let (body, dashboard) = accepted(&app, &definitions, &id, sent).await?;
    let now = app.clock.micros();
    let kept = Kept {
        owner: who.actor.clone(),
        sharing,
        tiles: count(dashboard.tiles.len()),
        title: dashboard.title,
        description: dashboard.description,
        body,
        version: 1,
        created_at: now,
        updated_at: now,
        updated_by: who.actor.clone(),
        removed_at: None,
        id,
    };
    let tx = app.store.begin().await?;
    if !store::add(&tx, &kept).await? {
        return Err(Problem::conflict("another dashboard has this id: make a new one"));
    }
    noted(&app, &tx, &who, "dashboard.add", &kept).await?;
    tx.commit().await?;
    shown(&app, &who, kept, StatusCode::CREATED).await
}

fn count(tiles: usize) -> i64 {
    i64::try_from(tiles).unwrap_or(i64::MAX)
}

/// The audit row. It names neither title nor tiles: administrators read it, and a private dashboard is nobody else's business.
async fn noted(app: &App, tx: &tenure_store::Tx, who: &Principal, action: &str, kept: &Kept) -> Result<()> {
    let detail = json!({ "version": kept.version, "tiles": kept.tiles, "sharing": kept.sharing.name() });
    Ok(audit(
        tx,
        &app.clock,
        who,
        action,
        &format!("dashboard:{}", kept.id),
        &detail,
    )
    .await?)
}

async fn shown(app: &App, who: &Principal, kept: Kept, status: StatusCode) -> Result<Response> {
    let version = kept.version;
    let page = page_of(app, who, kept).await?;
    Ok((status, [(header::ETAG, tag(version))], axum::Json(page)).into_response())
}

/// One that the caller may see.
async fn known(app: &App, who: &Principal, id: &str) -> Result<Kept> {
    store::get(&app.store, id)
        .await?
        .filter(|kept| kept.shown_to(who))
        .ok_or_else(|| {
            Problem::not_found(format!(
                "you have no dashboard {id} to change; those of the program are changed under Definitions, or copied"
            ))
        })
}

/// What a dashboard is changed to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DashboardChange {
    /// The whole dashboard.
    definition: Option<Form>,
    /// The whole dashboard as the text of a file, which is kept as it is.
    yaml: Option<String>,
}

/// Somebody else changed the dashboard first: how it is, and how both changes differ.
#[derive(Serialize, ToSchema)]
#[schema(as = DashboardConflict)]
pub(super) struct Overtaken {
    #[serde(flatten)]
    problem: Problem,
    /// The dashboard as it is.
    current: DashboardPage,
    /// What they changed since the version that was seen; null = that version is no longer known.
    theirs: Option<Vec<Line>>,
    /// How what was sent differs from the dashboard as it is.
    yours: Vec<Line>,
    /// Both changes together as the text of a file; null = they change the same lines.
    merged: Option<String>,
}

async fn overtaken(app: &App, who: &Principal, kept: Kept, (from, sent): (i64, &str)) -> Result<Response> {
    let base = store::body_of(&app.store, &kept.id, from).await?;
    let both = base.as_deref().and_then(|base| merged(base, sent, &kept.body));
    let theirs = base.as_deref().map(|base| compare(base, &kept.body));
    let yours = compare(&kept.body, sent);
    let version = kept.version;
    let current = page_of(app, who, kept).await?;
    let by = current.updated_by.clone().unwrap_or_default();
    let mut problem = Problem::conflict(format!(
        "{by} changed this dashboard in the meantime (version {version}, yours began at {from}); nothing was overwritten"
    ));
    problem.status = StatusCode::PRECONDITION_FAILED.as_u16();
    problem.code = "dashboard_changed";
    problem.kind = "about:tenure/dashboard_changed".into();
    let answer = Overtaken {
        problem,
        current,
        theirs,
        yours,
        merged: both,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json".to_owned()),
        (header::ETAG, tag(version)),
    ];
    Ok((StatusCode::PRECONDITION_FAILED, headers, axum::Json(answer)).into_response())
}

/// Changes a dashboard from the version in `If-Match`. Somebody else's change since then is a 412 that shows the difference.
#[utoipa::path(put, path = "/api/v1/dashboards/{id}", tag = "dashboards", params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that reading it gave.")), request_body = DashboardChange, responses((status = 200, body = DashboardPage), (status = 412, body = Overtaken)))]
pub(super) async fn change(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(form): Json<DashboardChange>,
) -> Result<Response> {
    let definitions = definitions(&app)?;
    let held = known(&app, &who, &id).await?;
    if !held.changed_by(&who) {
        return Err(Problem::forbidden(
            "this dashboard is shared for viewing: copy it, or ask its owner to let the team change it",
        ));
    }
    let from = seen(&headers)?;
    let sent = Sent::one_of(form.definition, form.yaml)?;
    let (body, dashboard) = accepted(&app, &definitions, &id, sent).await?;
    if held.version == from && held.body == body && held.removed_at.is_none() {
        return shown(&app, &who, held, StatusCode::OK).await;
    }
    let next = Kept {
        tiles: count(dashboard.tiles.len()),
        title: dashboard.title,
        description: dashboard.description,
        body: body.clone(),
        ..held
    };
    match written(&app, &who, "dashboard.change", next, from).await? {
        Ok(kept) => shown(&app, &who, kept, StatusCode::OK).await,
        Err(held) => overtaken(&app, &who, held, (from, &body)).await,
    }
}

/// Keeps a change over the version that was seen; `Err` = the one that is there instead.
async fn written(
    app: &App,
    who: &Principal,
    action: &str,
    mut next: Kept,
    from: i64,
) -> Result<std::result::Result<Kept, Kept>> {
    next.version = from + 1;
    next.updated_at = app.clock.micros();
    next.updated_by.clone_from(&who.actor);
    let tx = app.store.begin().await?;
    tx.exclusive("dashboards").await?;
    if !store::change(&tx, &next).await? {
        drop(tx);
        return Ok(Err(known(app, who, &next.id).await?));
    }
    if next.removed_at.is_some() {
        store::forget(&tx, next.updated_at - KEPT_FOR).await?;
    }
    noted(app, &tx, who, action, &next).await?;
    tx.commit().await?;
    Ok(Ok(next))
}

/// Whom a dashboard is shown to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DashboardSharing)]
pub(super) struct Shared {
    /// private, view or edit.
    sharing: Sharing,
}

async fn governed(app: &App, who: &Principal, id: &str) -> Result<Kept> {
    let held = known(app, who, id).await?;
    if held.governed_by(who) {
        return Ok(held);
    }
    Err(Problem::forbidden(
        "only its owner or a manager may share, remove or bring back a dashboard: ask one of them",
    ))
}

/// Makes one step that leaves the text as it is.
async fn step(
    app: &App,
    who: &Principal,
    action: &str,
    next: Kept,
    from: i64,
    status: StatusCode,
) -> Result<Response> {
    match written(app, who, action, next, from).await? {
        Ok(kept) => shown(app, who, kept, status).await,
        Err(held) => {
            let body = held.body.clone();
            overtaken(app, who, held, (from, &body)).await
        }
    }
}

/// Shares a dashboard, or makes it private again. Its owner may, and a manager what is shared.
#[utoipa::path(put, path = "/api/v1/dashboards/{id}/sharing", tag = "dashboards", params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that reading it gave.")), request_body = Shared, responses((status = 200, body = DashboardPage), (status = 412, body = Overtaken)))]
pub(super) async fn share(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(form): Json<Shared>,
) -> Result<Response> {
    let held = governed(&app, &who, &id).await?;
    let next = Kept {
        sharing: form.sharing,
        ..held
    };
    if form.sharing == Sharing::Private && next.owner != who.actor {
        return Err(Problem::forbidden(
            "only its owner can make a dashboard private: you would not see it any more",
        ));
    }
    step(
        &app,
        &who,
        "dashboard.share",
        next,
        seen(&headers)?,
        StatusCode::OK,
    )
    .await
}

/// Removes a dashboard. It can be brought back for 30 days.
#[utoipa::path(delete, path = "/api/v1/dashboards/{id}", tag = "dashboards", params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that reading it gave.")), responses((status = 200, body = DashboardPage), (status = 412, body = Overtaken)))]
pub(super) async fn remove(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let held = governed(&app, &who, &id).await?;
    let next = Kept {
        removed_at: Some(app.clock.micros()),
        ..held
    };
    step(
        &app,
        &who,
        "dashboard.remove",
        next,
        seen(&headers)?,
        StatusCode::OK,
    )
    .await
}

/// Brings a removed dashboard back, as it was. Its owner may; a manager who removed it, through its owner.
#[utoipa::path(post, path = "/api/v1/dashboards/{id}/restoration", tag = "dashboards", params(("id" = String, Path)), responses((status = 200, body = DashboardPage)))]
pub(super) async fn restore(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response> {
    let held = store::get(&app.store, &id)
        .await?
        .filter(|kept| kept.owner == who.actor || (kept.removed_at.is_some() && kept.updated_by == who.actor))
        .ok_or_else(|| {
            Problem::not_found(format!(
                "you have removed no dashboard {id}; after 30 days it is gone for good"
            ))
        })?;
    if held.removed_at.is_none() {
        return Err(Problem::conflict(
            "this dashboard was not removed: there is nothing to bring back",
        ));
    }
    let from = held.version;
    let next = Kept {
        removed_at: None,
        ..held
    };
    step(&app, &who, "dashboard.restore", next, from, StatusCode::OK).await
}
