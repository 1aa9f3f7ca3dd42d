//! Handlers of the inbox.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{Kind, store};
use crate::App;
use crate::auth::{Principal, Viewer, audit};
use crate::metrics::as_of;
use crate::web::{Json, Problem, Query, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(now))
        .routes(routes!(read))
        .routes(routes!(change))
}

/// A notification.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
struct Line {
    id: String,
    kind: Option<Kind>,
    title: String,
    detail: String,
    /// The way to it, in the browser.
    link: String,
    at: String,
    /// When it was read; null = not yet.
    read_at: Option<String>,
}

/// The inbox.
#[derive(Serialize, ToSchema)]
struct Inbox {
    /// The newest first.
    items: Vec<Line>,
    next_cursor: Option<String>,
    /// How many are unread.
    unread: i64,
    /// Which kinds the caller wants: kind → whether.
    wanted: BTreeMap<Kind, bool>,
}

/// Which notifications.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only unread ones.
    unread: Option<bool>,
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    limit: Option<i64>,
}

/// One's notifications, the newest first.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "inbox", params(Asked), responses((status = 200, body = Inbox)))]
async fn list(
    Viewer(who): Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Inbox>> {
    super::collect(&app).await?;
    page(&app, &who, &asked).await.map(Json)
}

async fn page(app: &App, who: &Principal, asked: &Asked) -> Result<Inbox> {
    let user = who.user().unwrap_or_default();
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    let cursor = asked.cursor.as_deref().unwrap_or_default();
    let (at, id) = cursor.split_once('~').unwrap_or(("", ""));
    let before = (at.parse().unwrap_or(i64::MAX), id);
    let mut found =
        store::of_user(&app.store, user, asked.unread.unwrap_or(false), before, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|it| format!("{}~{}", it.at, it.id));
    let unwanted = store::unwanted(&app.store).await?;
    let items = found.into_iter().map(|it| Line {
        kind: Kind::parse(&it.kind),
        at: as_of::instant(it.at),
        read_at: it.read_at.map(as_of::instant),
        id: it.id,
        title: it.title,
        detail: it.detail,
        link: it.link,
    });
    Ok(Inbox {
        items: items.collect(),
        next_cursor,
        unread: store::unread(&app.store, user).await?,
        wanted: Kind::ALL
            .into_iter()
            .map(|kind| {
                (
                    kind,
                    !unwanted.contains(&(user.to_owned(), kind.name().to_owned())),
                )
            })
            .collect(),
    })
}

/// How many are unread.
#[derive(Serialize, ToSchema)]
struct InboxCount {
    unread: i64,
}

/// What stands around every page.
#[derive(Serialize, ToSchema)]
struct Now {
    /// How many of one's notifications are unread.
    unread: i64,
    /// How many sources are silent.
    silent_sources: i64,
    /// Accounts whose figures were computed again so far, while that is being done.
    computed: usize,
    /// Of how many; 0 = nothing is being computed.
    to_compute: usize,
}

/// What stands around every page, in one answer: unread notifications, silent sources, how far figures are being computed again. Cheap, to be
/// asked again and again.
#[utoipa::path(get, path = "/api/v1/now", tag = "inbox", responses((status = 200, body = Now)))]
async fn now(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<Now>> {
    let progress = app.metrics.progress();
    Ok(Json(Now {
        unread: store::unread(&app.store, who.user().unwrap_or_default()).await?,
        silent_sources: crate::events::sources::silent(&app).await?,
        computed: progress.done,
        to_compute: progress.total,
    }))
}

/// What was read, or is to be unread again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboxRead)]
struct Read {
    /// Ids of notifications, at most 500; left out = all.
    ids: Option<Vec<String>>,
    /// Whether they are read.
    read: bool,
}

fn user(who: &Principal) -> Result<String> {
    who.user().map(str::to_owned).ok_or_else(|| {
        Problem::conflict("only people have an inbox: sign in with e-mail address and password")
    })
}

/// Marks notifications as read or unread.
#[utoipa::path(post, path = "/api/v1/inbox/read", tag = "inbox", request_body = Read, responses((status = 200, body = InboxCount)))]
async fn read(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(form): Json<Read>,
) -> Result<Json<InboxCount>> {
    let user = user(&who)?;
    if form.ids.as_ref().is_some_and(|ids| ids.len() > 500) {
        return Err(Problem::field(
            "ids",
            "",
            "more than 500 at once",
            "send fewer, or leave them out for all",
        ));
    }
    let tx = app.store.begin().await?;
    let read_at = form.read.then(|| app.clock.micros());
    let changed = store::mark(&tx, &user, form.ids.as_deref(), read_at).await?;
    let detail = json!({ "read": form.read, "changed": changed });
    audit(
        &tx,
        &app.clock,
        &who,
        "inbox.read",
        &format!("user:{user}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(InboxCount {
        unread: store::unread(&app.store, &user).await?,
    }))
}

/// Sets which kinds of notifications one wants.
#[utoipa::path(put, path = "/api/v1/inbox/wanted", tag = "inbox", request_body = BTreeMap<Kind, bool>, responses((status = 200, body = Inbox)))]
async fn change(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(form): Json<BTreeMap<Kind, bool>>,
) -> Result<Json<Inbox>> {
    let user = user(&who)?;
    let tx = app.store.begin().await?;
    for (kind, wanted) in &form {
        store::want(&tx, &user, kind.name(), *wanted).await?;
    }
    let detail = json!({ "wanted": form });
    audit(
        &tx,
        &app.clock,
        &who,
        "inbox.wanted",
        &format!("user:{user}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    let asked = Asked {
        unread: None,
        cursor: None,
        limit: None,
    };
    page(&app, &who, &asked).await.map(Json)
}
