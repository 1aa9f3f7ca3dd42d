//! Handlers: uploads, their files, what becomes of them under a map, and importing them.

use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json_, json};
use tenure_store::new_id;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::super::api::{ImportItem, kind_named, shape};
use super::super::context;
use super::super::job::State as ImportState;
use super::super::propose::{Case, kinds, propose};
use super::super::read::{Hints, Source};
use super::look::{MapLook, MapNote, look, yaml};
use super::{
    FILE_LIMIT, KEPT_DAYS, MOST_FILES, MOST_UPLOADS, PIECE_LIMIT, StagedFile, State, Upload, delete, folder,
    free_name, import_state, plain_name, rank, receive, running, store,
};
use crate::App;
use crate::auth::{Manager, Principal, audit};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of uploads.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_uploads, begin_upload))
        .routes(routes!(show_upload, discard_upload))
        .routes(routes!(add_file))
        .routes(routes!(show_file, change_file, remove_file))
        .routes(routes!(put_content))
        .routes(routes!(preview_map))
        .routes(routes!(download_map))
        .routes(routes!(import_upload))
}

fn moment(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .unwrap_or_default()
        .to_string()
}

/// A file of an upload.
#[derive(Debug, Serialize, ToSchema)]
struct UploadFile {
    id: String,
    name: String,
    /// The archive that it came in, with its path there.
    inside: Option<String>,
    bytes: u64,
    /// Bytes that have come in; the next piece begins there.
    received: u64,
    state: State,
    /// What its rows are, as far as is known.
    kind: Option<String>,
    /// Whether kind and map come from an earlier file with the same header.
    remembered: bool,
    /// Whether it is to be imported.
    included: bool,
    /// Why it cannot be used.
    note: Option<String>,
    /// Give it with a change; the change is refused when somebody else was faster.
    version: i64,
}

/// Files that wait to be imported.
#[derive(Debug, Serialize, ToSchema)]
struct UploadItem {
    id: String,
    created_at: String,
    /// When it is deleted unless somebody touches it.
    expires_at: String,
    /// The latest import that only tried.
    tried: Option<String>,
    /// The latest import.
    imported: Option<String>,
    /// Where that import stands.
    imported_state: Option<ImportState>,
    files: Vec<UploadFile>,
}

/// The caller's uploads.
#[derive(Debug, Serialize, ToSchema)]
struct UploadsList {
    uploads: Vec<UploadItem>,
    /// The largest file, in bytes.
    file_limit: u64,
    /// The largest piece of a file, in bytes.
    piece_limit: u64,
}

async fn item(app: &App, it: Upload) -> Result<UploadItem> {
    let imported_state = import_state(app, it.imported.as_ref()).await?;
    let home = folder(app, &it.id);
    Ok(UploadItem {
        created_at: moment(it.created_at),
        expires_at: moment(it.touched_at + KEPT_DAYS * 86_400_000_000),
        tried: it.tried,
        imported: it.imported,
        imported_state,
        files: it.files.iter().map(|file| file_item(&home, file)).collect(),
        id: it.id,
    })
}

fn file_item(home: &std::path::Path, it: &StagedFile) -> UploadFile {
    UploadFile {
        id: it.id.clone(),
        name: it.name.clone(),
        inside: it.inside.clone(),
        bytes: it.bytes,
        received: receive::received(home, it),
        state: it.state,
        kind: it.kind.map(|kind| kind.name().to_owned()),
        remembered: it.remembered,
        included: it.included,
        note: it.note.clone(),
        version: it.version,
    }
}

/// The caller's own upload; another's is as good as none.
async fn own(app: &App, who: &Principal, id: &str) -> Result<Upload> {
    store::upload(&app.store, id)
        .await?
        .filter(|it| it.actor == who.actor)
        .ok_or_else(|| Problem::not_found(format!("you have no upload {id}: it may have been deleted")))
}

async fn own_file(app: &App, who: &Principal, upload: &str, file: &str) -> Result<(Upload, StagedFile)> {
    let it = own(app, who, upload).await?;
    let found = it.files.iter().find(|it| it.id == file).cloned();
    match found {
        Some(file) => Ok((it, file)),
        None => Err(Problem::not_found(format!("the upload has no file {file}"))),
    }
}

/// The caller's uploads, the one touched last first.
#[utoipa::path(get, path = "/api/v1/uploads", tag = "imports", responses((status = 200, body = UploadsList)))]
async fn list_uploads(manager: Manager, FromState(app): FromState<App>) -> Result<Json<UploadsList>> {
    let mut uploads = Vec::new();
    for it in store::of_actor(&app.store, &manager.0.actor, MOST_UPLOADS).await? {
        uploads.push(item(&app, it).await?);
    }
    Ok(Json(UploadsList {
        uploads,
        file_limit: FILE_LIMIT,
        piece_limit: PIECE_LIMIT,
    }))
}

/// Begins an upload.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "imports", responses((status = 201, body = UploadItem)))]
async fn begin_upload(
    manager: Manager,
    FromState(app): FromState<App>,
) -> Result<(StatusCode, Json<UploadItem>)> {
    let before = store::of_actor(&app.store, &manager.0.actor, MOST_UPLOADS).await?;
    if before.len() as i64 >= MOST_UPLOADS {
        return Err(Problem::conflict(format!(
            "{MOST_UPLOADS} of your uploads wait already: import or discard some of them"
        )));
    }
    let now = app.clock.micros();
    let it = Upload {
        id: new_id(&app.clock),
        actor: manager.0.actor.clone(),
        created_at: now,
        touched_at: now,
        tried: None,
        imported: None,
        files: Vec::new(),
    };
    let tx = app.store.begin().await?;
    store::insert(&tx, &it).await?;
    audit(&tx, &app.clock, &manager.0, "upload.begin", &it.id, &json!({})).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(item(&app, it).await?)))
}

/// One upload with its files.
#[utoipa::path(get, path = "/api/v1/uploads/{upload}", tag = "imports", params(("upload" = String, Path)), responses((status = 200, body = UploadItem)))]
async fn show_upload(
    manager: Manager,
    FromState(app): FromState<App>,
    Path(upload): Path<String>,
) -> Result<Json<UploadItem>> {
    let it = own(&app, &manager.0, &upload).await?;
    Ok(Json(item(&app, it).await?))
}

/// Deletes an upload with its files. What was imported of them stays.
#[utoipa::path(delete, path = "/api/v1/uploads/{upload}", tag = "imports", params(("upload" = String, Path)), responses((status = 204)))]
async fn discard_upload(
    manager: Manager,
    FromState(app): FromState<App>,
    Path(upload): Path<String>,
) -> Result<StatusCode> {
    let it = own(&app, &manager.0, &upload).await?;
    if running(&app, &it) {
        return Err(Problem::conflict(
            "its import is running: stop it first, or wait for its end",
        ));
    }
    let tx = app.store.begin().await?;
    let names: Vec<&str> = it.files.iter().map(|file| file.name.as_str()).collect();
    audit(
        &tx,
        &app.clock,
        &manager.0,
        "upload.discard",
        &it.id,
        &json!({ "files": names }),
    )
    .await?;
    tx.commit().await?;
    delete(&app, &it.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file that will be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUploadFile {
    /// Its name.
    name: String,
    /// Its size.
    bytes: u64,
    /// When it was last written: what rows without a date of their own are true as of. Now when not given.
    modified_at: Option<String>,
}

/// Says which file comes next. The same file again goes on where it stopped.
#[utoipa::path(post, path = "/api/v1/uploads/{upload}/files", tag = "imports", params(("upload" = String, Path)), request_body = NewUploadFile,
    responses((status = 201, body = UploadFile)))]
async fn add_file(
    manager: Manager,
    FromState(app): FromState<App>,
    Path(upload): Path<String>,
    Json(form): Json<NewUploadFile>,
) -> Result<(StatusCode, Json<UploadFile>)> {
    let it = own(&app, &manager.0, &upload).await?;
    if form.bytes == 0 || form.bytes > FILE_LIMIT {
        let remedy = "export it with its rows; pack a large file with gzip, or import it on the machine itself with `tenure import`";
        let problem = if form.bytes == 0 {
            "the file is empty".to_owned()
        } else {
            format!("at most {} GB come through the browser", FILE_LIMIT >> 30)
        };
        return Err(Problem::field("bytes", form.bytes, problem, remedy));
    }
    if it.files.len() >= MOST_FILES {
        return Err(Problem::conflict(format!(
            "the upload holds {MOST_FILES} files already: import them, then begin another"
        )));
    }
    let now = app.clock.micros();
    let modified_at = match &form.modified_at {
        None => now,
        Some(text) => text
            .parse::<Timestamp>()
            .map_err(|_| {
                Problem::field(
                    "modified_at",
                    text,
                    "it is not an instant",
                    "give one such as 2026-06-30T12:00:00Z",
                )
            })?
            .as_microsecond()
            .clamp(0, now),
    };
    let wanted = plain_name(&form.name);
    let home = folder(&app, &it.id);
    let same = it.files.iter().find(|file| {
        file.state == State::Receiving
            && file.name == wanted
            && file.bytes == form.bytes
            && file.modified_at == modified_at
    });
    if let Some(known) = same {
        let tx = app.store.begin().await?;
        audit(
            &tx,
            &app.clock,
            &manager.0,
            "upload.resume",
            &it.id,
            &json!({ "file": known.name }),
        )
        .await?;
        tx.commit().await?;
        return Ok((StatusCode::CREATED, Json(file_item(&home, known))));
    }
    let file = StagedFile {
        id: new_id(&app.clock),
        no: it.files.iter().map(|file| file.no).max().unwrap_or(0) + 1,
        name: free_name(&wanted, &|name| it.files.iter().any(|file| file.name == name)),
        inside: None,
        bytes: form.bytes,
        modified_at,
        state: State::Receiving,
        kind: None,
        map: None,
        signature: None,
        remembered: false,
        included: true,
        note: None,
        version: 1,
    };
    let tx = app.store.begin().await?;
    store::insert_file(&tx, &it.id, &file).await?;
    store::touch(&tx, &it.id, now).await?;
    let detail = json!({ "file": file.name, "bytes": file.bytes });
    audit(&tx, &app.clock, &manager.0, "upload.file", &it.id, &detail).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(file_item(&home, &file))))
}

#[derive(Debug, Deserialize, IntoParams)]
struct Offset {
    /// Where the piece begins: how many bytes have come in.
    offset: u64,
}

/// Takes the next piece of a file. With the last one the file is looked at; an archive is unpacked in the background.
#[utoipa::path(put, path = "/api/v1/uploads/{upload}/files/{file}/content", tag = "imports",
    params(("upload" = String, Path), ("file" = String, Path), Offset),
    request_body(content = String, content_type = "application/octet-stream"), responses((status = 200, body = UploadFile)))]
async fn put_content(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
    Query(at): Query<Offset>,
    body: Body,
) -> Result<Json<UploadFile>> {
    let (it, file) = own_file(&app, &manager.0, &upload, &file).await?;
    let home = folder(&app, &it.id);
    if file.state != State::Receiving {
        // The answer to the last piece may have been lost.
        if at.offset <= file.bytes {
            return Ok(Json(file_item(&home, &file)));
        }
        return Err(Problem::conflict(format!("{} is whole already", file.name)));
    }
    let Some(_turn) = app.imports.receive(&file.id) else {
        return Err(Problem::conflict(format!(
            "another piece of {} is coming in: send one after the other",
            file.name
        )));
    };
    let have = receive::piece(&home, &file, at.offset, body).await?;
    if have < file.bytes {
        return Ok(Json(file_item(&home, &file)));
    }
    let file = receive::whole(&app, &it, file).await?;
    let tx = app.store.begin().await?;
    store::update_file(&tx, &file).await?;
    store::touch(&tx, &it.id, app.clock.micros()).await?;
    let detail = json!({ "file": file.name, "bytes": file.bytes, "state": file.state });
    audit(&tx, &app.clock, &manager.0, "upload.received", &it.id, &detail).await?;
    tx.commit().await?;
    if file.state == State::Unpacking {
        receive::unpack(&app, &it.id, &file.id);
    }
    Ok(Json(file_item(
        &home,
        &StagedFile {
            version: file.version + 1,
            ..file
        },
    )))
}

/// How well a kind fits a file.
#[derive(Debug, Serialize, ToSchema)]
struct KindFit {
    kind: String,
    /// 1 is a perfect fit.
    fit: f64,
}

/// A file of an upload with its map and its first rows.
#[derive(Debug, Serialize, ToSchema)]
struct FileDetail {
    file: UploadFile,
    /// Every kind, the best fitting first.
    kinds: Vec<KindFit>,
    look: MapLook,
}

/// A file of an upload, how its rows are read, and what becomes of the first of them.
#[utoipa::path(get, path = "/api/v1/uploads/{upload}/files/{file}", tag = "imports", params(("upload" = String, Path), ("file" = String, Path)),
    responses((status = 200, body = FileDetail)))]
async fn show_file(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
) -> Result<Json<FileDetail>> {
    let (it, file) = own_file(&app, &manager.0, &upload, &file).await?;
    detail(&app, &it, &file).await.map(Json)
}

async fn detail(app: &App, upload: &Upload, file: &StagedFile) -> Result<FileDetail> {
    let asked = Asked {
        kind: file.kind.map(|kind| kind.name().to_owned()),
        map: file.map.clone(),
        document: None,
    };
    let (look, kinds) = looked(app, upload, file, asked).await?;
    Ok(FileDetail {
        file: file_item(&folder(app, &upload.id), file),
        kinds,
        look,
    })
}

/// A kind and a map to try. Without a map the best one for the kind is proposed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MapAsked)]
struct Asked {
    /// What the rows are; found out when not given.
    kind: Option<String>,
    /// A map as YAML.
    map: Option<String>,
    /// A map as JSON, instead.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    document: Option<Json_>,
}

async fn looked(
    app: &App,
    upload: &Upload,
    file: &StagedFile,
    asked: Asked,
) -> Result<(MapLook, Vec<KindFit>)> {
    if file.state != State::Ready {
        return Err(Problem::conflict(format!(
            "{} cannot be looked at: {}",
            file.name,
            file.note.as_deref().unwrap_or("it has not come in yet")
        )));
    }
    let kind = asked.kind.as_deref().map(kind_named).transpose()?;
    let text = match (asked.map, &asked.document) {
        (Some(map), _) => Some(map),
        (None, Some(document)) => yaml(document),
        (None, None) => None,
    };
    let (path, name) = (folder(app, &upload.id).join(&file.name), file.name.clone());
    let (siblings, context) = (
        receive::siblings(app, upload, file),
        context(app, app.clock.micros()),
    );
    let looked = tokio::task::spawn_blocking(move || {
        let source = Source::open(&path, &Hints::default())?;
        let case = Case {
            source: &source,
            name: &name,
            context: &context,
            siblings: &siblings,
        };
        let fits: Vec<KindFit> = kinds(&case)
            .into_iter()
            .map(|(kind, fit)| KindFit {
                kind: kind.name().to_owned(),
                fit,
            })
            .collect();
        let proposal = propose(&case, kind);
        let kind = kind
            .or_else(|| proposal.as_ref().map(|it| it.kind))
            .unwrap_or(super::super::fields::Kind::Accounts);
        let proposed = proposal.as_ref().and_then(|it| yaml(&it.document));
        let own = text.is_none() || text == proposed;
        let map = text.or(proposed).unwrap_or_default();
        let mut it = look(&path, kind, &map, &context)?;
        if own {
            let notes = proposal.map(|it| it.notes).unwrap_or_default();
            it = it.with_notes(
                notes
                    .into_iter()
                    .map(|(field, note)| MapNote { field, note })
                    .collect(),
            );
        }
        Ok::<_, super::super::read::ReadError>((it, fits))
    });
    looked
        .await
        .map_err(anyhow::Error::from)?
        .map_err(|error| Problem::field("file", &file.name, error.problem, error.remedy))
}

/// What would become of a file's first rows under another kind or map. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/uploads/{upload}/files/{file}/preview", tag = "imports", params(("upload" = String, Path), ("file" = String, Path)),
    request_body = Asked, responses((status = 200, body = MapLook)))]
async fn preview_map(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
    Json(asked): Json<Asked>,
) -> Result<Json<MapLook>> {
    let (it, file) = own_file(&app, &manager.0, &upload, &file).await?;
    Ok(Json(looked(&app, &it, &file, asked).await?.0))
}

/// A change of how a file is read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FileChange {
    /// The file's version that the change was made to.
    version: i64,
    /// What its rows are. Without a map the best one for the kind is proposed.
    kind: Option<String>,
    /// The map as YAML.
    map: Option<String>,
    /// The map as JSON, instead.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    document: Option<Json_>,
    /// Whether it is to be imported.
    included: Option<bool>,
}

/// Keeps how a file is to be read. A map that is not right yet is kept too, and said to be wrong.
#[utoipa::path(patch, path = "/api/v1/uploads/{upload}/files/{file}", tag = "imports", params(("upload" = String, Path), ("file" = String, Path)),
    request_body = FileChange, responses((status = 200, body = FileDetail)))]
async fn change_file(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
    Json(change): Json<FileChange>,
) -> Result<Json<FileDetail>> {
    let (it, mut file) = own_file(&app, &manager.0, &upload, &file).await?;
    let stale = || {
        Problem::conflict(format!(
            "the file's map was changed meanwhile (version {}): load it again",
            file.version
        ))
    };
    if change.version != file.version {
        return Err(stale());
    }
    let mapped = change.kind.is_some() || change.map.is_some() || change.document.is_some();
    if mapped {
        let asked = Asked {
            kind: change
                .kind
                .or_else(|| file.kind.map(|kind| kind.name().to_owned())),
            map: change.map,
            document: change.document,
        };
        let (look, _) = looked(&app, &it, &file, asked).await?;
        (file.kind, file.map) = look.chosen();
        file.remembered = false;
    }
    file.included = change.included.unwrap_or(file.included) && file.state == State::Ready;
    let tx = app.store.begin().await?;
    if !store::update_file(&tx, &file).await? {
        return Err(stale());
    }
    store::touch(&tx, &it.id, app.clock.micros()).await?;
    let detail_of = json!({ "file": file.name, "kind": file.kind.map(|it| it.name()), "included": file.included, "map": file.map });
    audit(&tx, &app.clock, &manager.0, "upload.map", &it.id, &detail_of).await?;
    tx.commit().await?;
    file.version += 1;
    detail(&app, &it, &file).await.map(Json)
}

/// Takes a file out of an upload.
#[utoipa::path(delete, path = "/api/v1/uploads/{upload}/files/{file}", tag = "imports", params(("upload" = String, Path), ("file" = String, Path)),
    responses((status = 204)))]
async fn remove_file(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
) -> Result<StatusCode> {
    let (it, file) = own_file(&app, &manager.0, &upload, &file).await?;
    if running(&app, &it) || file.state == State::Unpacking {
        return Err(Problem::conflict(
            "it is being worked on: wait for the end, or stop the import first",
        ));
    }
    let home = folder(&app, &it.id);
    let gone = [home.join(&file.name), super::part(&home, &file.id)];
    let tx = app.store.begin().await?;
    store::delete_file(&tx, &file.id).await?;
    audit(
        &tx,
        &app.clock,
        &manager.0,
        "upload.remove",
        &it.id,
        &json!({ "file": file.name }),
    )
    .await?;
    tx.commit().await?;
    for path in gone {
        // What cannot be deleted now goes with the folder.
        let _ = tokio::fs::remove_file(path).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A file's map as YAML, for the command line.
#[utoipa::path(get, path = "/api/v1/uploads/{upload}/files/{file}/map", tag = "imports", params(("upload" = String, Path), ("file" = String, Path)),
    responses((status = 200, content_type = "application/yaml", body = String)))]
async fn download_map(
    manager: Manager,
    FromState(app): FromState<App>,
    Path((upload, file)): Path<(String, String)>,
) -> Result<Response> {
    let (_, file) = own_file(&app, &manager.0, &upload, &file).await?;
    let (Some(map), Some(kind)) = (file.map, file.kind) else {
        return Err(Problem::not_found(format!("{} has no map yet", file.name)));
    };
    let stem = file.name.split('.').next().unwrap_or("file");
    let ascii: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let text = format!(
        "# tenure import {} --kind {} --map {ascii}.map.yaml --data DIR\n{map}",
        file.name,
        kind.name()
    );
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{ascii}.map.yaml\""),
        ),
    ];
    Ok((headers, text).into_response())
}

/// How to import an upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportUpload {
    /// Read and check everything, store nothing.
    #[serde(default)]
    dry_run: bool,
    /// Read files again that have been imported already.
    #[serde(default)]
    force: bool,
}

/// Imports the chosen files of an upload, accounts first, or goes on with it where it was left half-way.
#[utoipa::path(post, path = "/api/v1/uploads/{upload}/imports", tag = "imports", params(("upload" = String, Path)), request_body = ImportUpload,
    responses((status = 202, body = ImportItem)))]
async fn import_upload(
    manager: Manager,
    FromState(app): FromState<App>,
    Path(upload): Path<String>,
    Json(form): Json<ImportUpload>,
) -> Result<(StatusCode, Json<ImportItem>)> {
    let it = own(&app, &manager.0, &upload).await?;
    let mut chosen: Vec<&StagedFile> = it.files.iter().filter(|file| file.included).collect();
    if let Some(waiting) = chosen.iter().find(|file| file.state != State::Ready) {
        return Err(Problem::conflict(format!(
            "{} has not come in yet: wait for it, or take it out",
            waiting.name
        )));
    }
    if chosen.is_empty() {
        return Err(Problem::field(
            "files",
            "",
            "no file is chosen",
            "choose at least one",
        ));
    }
    chosen.sort_by_key(|file| (file.kind.map_or(0, rank), file.no));
    let home = folder(&app, &it.id);
    let mut wanted = Vec::new();
    for file in &chosen {
        let Some(kind) = file.kind else {
            return Err(Problem::field(
                &format!("{}: kind", file.name),
                "",
                "it is not said what the file's rows are",
                "choose a kind",
            ));
        };
        wanted.push((home.join(&file.name), kind, file.map.clone(), file.name.clone()));
    }
    let label = match chosen.as_slice() {
        [one] => one.name.clone(),
        [first, rest @ ..] => format!("{} and {} more", first.name, rest.len()),
        [] => String::new(),
    };
    let started =
        super::super::begin_staged(&app, &manager.0, wanted, label, form.dry_run, form.force).await?;
    let now = app.clock.micros();
    let tx = app.store.begin().await?;
    store::set_import(&tx, &it.id, &started.id, form.dry_run).await?;
    store::touch(&tx, &it.id, now).await?;
    if !form.dry_run {
        for file in &chosen {
            store::remember(&tx, file, &manager.0.actor, now).await?;
        }
    }
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(shape(&app, started))))
}
