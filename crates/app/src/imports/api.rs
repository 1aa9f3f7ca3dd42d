//! Handlers: starting, watching and stopping imports.

use axum::extract::State as FromState;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::fields::Kind;
use super::job::{File, Import, Progress, Sample, State};
use super::read::nearest;
use super::{completeness, request, store, uploads};
use crate::App;
use crate::auth::{Admin, Manager, Principal, Viewer, audit};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .merge(uploads::routes())
        .merge(completeness::routes())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportRequest {
    /// A file, or a folder with an `import.yaml`, on the machine that holds the data folder.
    path: String,
    /// What a single file's rows are: accounts, contacts, subscriptions, events, tickets, opportunities or responses.
    kind: Option<String>,
    /// The path of a map or of an `import.yaml`, or a map's text (with a line break).
    map: Option<String>,
    /// Read and check everything, store nothing.
    #[serde(default)]
    dry_run: bool,
    /// Read files again that have been imported already.
    #[serde(default)]
    force: bool,
}

/// One file of an import.
#[derive(Debug, Serialize, ToSchema)]
struct FileItem {
    path: String,
    kind: String,
    state: State,
    rows: u64,
    imported: u64,
    duplicates: u64,
    rejected: u64,
    skipped: u64,
    bytes: u64,
    bytes_total: u64,
    note: Option<String>,
}

/// An import.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportItem {
    id: String,
    /// The kind of its rows, or `folder`.
    kind: String,
    path: String,
    dry_run: bool,
    state: State,
    /// Rows read so far: imported + duplicates + rejected + skipped.
    rows: u64,
    /// Rows that said something new.
    imported: u64,
    /// Rows that said only what is known.
    duplicates: u64,
    /// Rows that cannot be used.
    rejected: u64,
    /// Rows that `skip_when` leaves out.
    skipped: u64,
    bytes: u64,
    bytes_total: u64,
    /// Rows per second.
    rate: Option<f64>,
    /// Seconds that are left at this speed.
    eta_s: Option<f64>,
    started_at: String,
    finished_at: Option<String>,
    error: Option<String>,
    note: Option<String>,
    /// The first rejects.
    reject_samples: Vec<Sample>,
    files: Vec<FileItem>,
}

fn moment(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at)
        .unwrap_or_default()
        .to_string()
}

pub(super) fn shape(app: &App, it: Import) -> ImportItem {
    let mut sum = Progress::default();
    let (mut bytes, mut bytes_total) = (0, 0);
    for file in &it.files {
        sum.add(&file.progress);
        bytes += file.progress.bytes;
        bytes_total += file.bytes_total;
    }
    let job = app.imports.job(&it.id);
    let (rate, eta_s) = job.map_or((None, None), |job| job.speed(bytes_total.saturating_sub(bytes)));
    ImportItem {
        id: it.id,
        kind: it.kind,
        path: it.path,
        dry_run: it.dry_run,
        state: it.state,
        rows: sum.rows,
        imported: sum.imported,
        duplicates: sum.duplicates,
        rejected: sum.rejected,
        skipped: sum.skipped,
        bytes,
        bytes_total,
        rate,
        eta_s,
        started_at: moment(it.started_at),
        finished_at: it.finished_at.map(moment),
        error: it.error,
        note: it.note,
        reject_samples: it.samples,
        files: it.files.into_iter().map(file_item).collect(),
    }
}

fn file_item(it: File) -> FileItem {
    FileItem {
        path: it.path.display().to_string(),
        kind: it.kind.name().to_owned(),
        state: it.state,
        rows: it.progress.rows,
        imported: it.progress.imported,
        duplicates: it.progress.duplicates,
        rejected: it.progress.rejected,
        skipped: it.progress.skipped,
        bytes: it.progress.bytes,
        bytes_total: it.bytes_total,
        note: it.note,
    }
}

/// Starts an import, or goes on with it when the same files were left half-way. A file that was imported already is not read again.
#[utoipa::path(post, path = "/api/v1/imports", tag = "imports", request_body = ImportRequest, responses((status = 202, body = ImportItem)))]
async fn create(
    admin: Admin,
    FromState(app): FromState<App>,
    Json(body): Json<ImportRequest>,
) -> Result<(StatusCode, Json<ImportItem>)> {
    let request = request::Request {
        path: body.path.clone().into(),
        kind: body.kind.as_deref().map(kind_named).transpose()?,
        map: body.map,
        within: (!is_operator(&admin.0)).then(|| app.config.data.join("inbox")),
    };
    let started = super::begin(&app, &admin.0, request, body.dry_run, body.force).await?;
    Ok((StatusCode::ACCEPTED, Json(shape(&app, started))))
}

/// Only the person at the machine itself may name any file of it.
fn is_operator(who: &Principal) -> bool {
    who.actor == Principal::operator().actor
}

pub(super) fn kind_named(name: &str) -> Result<Kind> {
    let known = Kind::ALL.map(Kind::name);
    Kind::parse(name).ok_or_else(|| {
        Problem::field(
            "kind",
            name,
            format!("it is not a kind of rows{}", nearest(name, known)),
            format!("give one of {}", known.join(", ")),
        )
    })
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1–200; 50 when not given.
    limit: Option<u32>,
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
struct ImportsPage {
    items: Vec<ImportItem>,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Imports, newest first.
#[utoipa::path(get, path = "/api/v1/imports", tag = "imports", params(ListQuery), responses((status = 200, body = ImportsPage)))]
async fn list(
    _viewer: Viewer,
    FromState(app): FromState<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ImportsPage>> {
    let before = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let parts = cursor
                .split_once('.')
                .and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id.to_owned())));
            Some(parts.ok_or_else(|| {
                Problem::field(
                    "cursor",
                    cursor,
                    "this is no cursor",
                    "give the next_cursor of the page before",
                )
            })?)
        }
    };
    let limit = i64::from(query.limit.unwrap_or(50).clamp(1, 200));
    let mut found = store::list(&app.store, before, limit + 1).await?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or(200));
    let next_cursor = if more {
        found
            .last()
            .map(|last| format!("{}.{}", last.started_at, last.id))
    } else {
        None
    };
    Ok(Json(ImportsPage {
        items: found.into_iter().map(|it| shape(&app, it)).collect(),
        next_cursor,
    }))
}

/// One import with its files.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "imports", responses((status = 200, body = ImportItem)))]
async fn show(
    _viewer: Viewer,
    FromState(app): FromState<App>,
    Path(id): Path<String>,
) -> Result<Json<ImportItem>> {
    let found = store::import(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no import {id}")))?;
    Ok(Json(shape(&app, found)))
}

/// Stops an import after the chunk at hand. What is stored stays; starting it again goes on from there.
#[utoipa::path(post, path = "/api/v1/imports/{id}/cancellation", tag = "imports", responses((status = 202, body = ImportItem)))]
async fn cancel(
    manager: Manager,
    FromState(app): FromState<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<ImportItem>)> {
    let found = store::import(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no import {id}")))?;
    if !app.imports.cancel(&id) {
        return Err(Problem::conflict(format!(
            "import {id} is not running: it is {}",
            found.state.name()
        )));
    }
    let tx = app.store.begin().await?;
    audit(
        &tx,
        &app.clock,
        &manager.0,
        "import.cancel",
        &id,
        &json!({ "path": found.path }),
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(shape(&app, found))))
}
