//! Handlers of notes and attachments.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{StoreError, new_id};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::rules::{self, DiffLine};
use super::store::Kept;
use super::{LARGEST, Line, files, lines, mentions, store};
use crate::App;
use crate::accounts::{AccountNo, normalise};
use crate::auth::{Csm, Principal, Role, Viewer, audit};
use crate::events::{self, Chunk, Event, Kind};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The most files of a note.
const FILES: usize = 20;

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    let files = OpenApiRouter::new()
        .routes(routes!(attach))
        .layer(DefaultBodyLimit::max(LARGEST + 1_024));
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .merge(files)
        .routes(routes!(download, detach))
        .routes(routes!(mentions::list))
        .routes(routes!(mentions::seen))
}

/// Notes of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = NoteList)]
struct Notes {
    /// Pinned ones first, then the newest; at most 500.
    items: Vec<Line>,
}

fn account_no(app: &App, raw: &str) -> Result<(String, i64)> {
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

/// The notes of an account.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/notes", tag = "notes", params(("id" = String, Path)), responses((status = 200, body = Notes)))]
async fn list(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Notes>> {
    let (_, no) = account_no(&app, &id)?;
    Ok(Json(Notes {
        items: super::of_account(&app, no, i64::MAX, 500).await?,
    }))
}

/// A new note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNote)]
struct NewNote {
    /// Made by the sender, 8 to 64 letters, digits and `-`: a note that is sent twice with the same id is added once.
    id: Option<String>,
    /// Markdown, at most 20,000 characters; `@ann@example.com` mentions a user.
    body: String,
    /// The contact that it is about.
    contact_id: Option<String>,
    /// Whether it stands above the others.
    #[serde(default)]
    pinned: bool,
}

/// Adds a note.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/notes", tag = "notes", params(("id" = String, Path)), request_body = NewNote, responses((status = 201, body = Line)))]
async fn add(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewNote>,
) -> Result<(StatusCode, Json<Line>)> {
    let (account, no) = account_no(&app, &id)?;
    let now = app.clock.micros();
    let note = Kept {
        id: match form.id {
            Some(id) => own_id(id)?,
            None => new_id(&app.clock),
        },
        account_no: no,
        contact_id: contact(&app, form.contact_id, no)?,
        body: rules::body(&form.body)?,
        actor: who.actor.clone(),
        created_at: now,
        updated_at: now,
        updated_by: who.actor.clone(),
        pinned: form.pinned,
        version: 1,
    };
    if let Some(known) = store::note(&app.store, &note.id).await? {
        // Sent again after an answer that was lost.
        if known.account_no == no && known.actor == note.actor && known.body == note.body {
            return one(&app, known).await.map(|line| (StatusCode::OK, line));
        }
        return Err(Problem::conflict("another note has this id: make a new one"));
    }
    write(&app, &who, account, note.clone(), "note_added", "note.add").await?;
    one(&app, note).await.map(|line| (StatusCode::CREATED, line))
}

fn own_id(id: String) -> Result<String> {
    let fits = (8..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits {
        return Ok(id);
    }
    Err(Problem::field(
        "id",
        id,
        "is not an id",
        "send 8 to 64 letters, digits and -, or leave it out",
    ))
}

/// The contact that a note names: one of its account.
fn contact(app: &App, raw: Option<String>, account_no: i64) -> Result<Option<String>> {
    let Some(raw) = raw.filter(|raw| !raw.trim().is_empty()) else {
        return Ok(None);
    };
    let known = normalise(&raw)
        .ok()
        .flatten()
        .and_then(|id| app.accounts.contact(&id));
    match known {
        Some(known) if app.accounts.root(known.account).get() == account_no => Ok(Some(known.id)),
        _ => Err(Problem::field(
            "contact_id",
            raw,
            "is no contact of this account",
            "name one that GET /api/v1/contacts?account=… lists",
        )),
    }
}

async fn one(app: &App, note: Kept) -> Result<Json<Line>> {
    let line = lines(app, vec![note]).await?.pop();
    line.map(Json)
        .ok_or_else(|| Problem::not_found("the note is gone"))
}

/// Keeps a new or changed note with its mentions, event and audit row, all or nothing.
async fn write(
    app: &App,
    who: &Principal,
    account: String,
    note: Kept,
    event: &'static str,
    action: &'static str,
) -> Result<()> {
    let wanted = rules::mentioned(&note.body);
    let people = crate::auth::people(app).await?;
    let users: Vec<String> = people
        .into_iter()
        .filter(|person| person.active && wanted.contains(&person.email))
        .map(|person| person.id)
        .collect();
    let told = told(account, event, &note, who);
    let chunk = Chunk {
        source: "tenure".to_owned(),
        events: vec![told],
        changes: Vec::new(),
    };
    let (clock, who) = (app.clock.clone(), who.clone());
    events::append_chunk(app, chunk, true, move |tx, _| {
        Box::pin(async move {
            let done = if note.version == 1 {
                store::add(tx, &note).await?
            } else {
                store::change(tx, &note).await?
            };
            if !done {
                return Err(StoreError::Conflict(
                    "somebody else changed this note at the same moment: read it again".to_owned(),
                ));
            }
            store::mention(tx, &note.id, &users, note.updated_at).await?;
            let detail = json!({ "version": note.version, "mentions": users.len() });
            audit(tx, &clock, &who, action, &format!("note:{}", note.id), &detail).await
        })
    })
    .await?;
    Ok(())
}

fn told(account: String, name: &str, note: &Kept, who: &Principal) -> Event {
    let properties = json!({ "note": note.id, "by": who.actor, "version": note.version });
    Event {
        message_id: format!("tenure/note/{}/{name}/{}", note.id, note.version),
        account: Some(account),
        contact: note.contact_id.clone(),
        name: name.to_owned(),
        kind: Kind::Work,
        occurred_at: note.updated_at,
        received_at: note.updated_at,
        source: "tenure".to_owned(),
        properties: properties.as_object().cloned().unwrap_or_default(),
    }
}

/// A change of a note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoteChange)]
struct NoteChange {
    /// The version that the change was made from.
    version: i64,
    body: String,
    contact_id: Option<String>,
    #[serde(default)]
    pinned: bool,
}

/// Somebody else changed the note first: a problem with the note as it is and how it differs from what was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = NoteConflict)]
struct Overtaken {
    #[serde(flatten)]
    problem: Problem,
    /// The note as it is.
    current: Line,
    /// Line by line.
    difference: Vec<DiffLine>,
}

/// Changes a note. Somebody else's change since `version` is a 409 that shows the difference; nothing is overwritten.
#[utoipa::path(put, path = "/api/v1/notes/{id}", tag = "notes", params(("id" = String, Path)), request_body = NoteChange, responses((status = 200, body = Line), (status = 409, body = Overtaken)))]
async fn change(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NoteChange>,
) -> Result<Response> {
    let known = find(&app, &id).await?;
    let body = rules::body(&form.body)?;
    if known.version != form.version {
        let current = one(&app, known.clone()).await?.0;
        let problem = Problem::conflict(format!(
            "{} changed this note in the meantime (version {}, yours is {})",
            current.updated_by.name, known.version, form.version
        ));
        let answer = Overtaken {
            difference: rules::difference(&known.body, &body),
            current,
            problem,
        };
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        return Ok((StatusCode::CONFLICT, kind, axum::Json(answer)).into_response());
    }
    let no = app.accounts.root(AccountNo::new(known.account_no));
    let account = app.accounts.account_id(no).unwrap_or_default();
    let note = Kept {
        contact_id: contact(&app, form.contact_id, no.get())?,
        body,
        updated_at: app.clock.micros(),
        updated_by: who.actor.clone(),
        pinned: form.pinned,
        version: known.version + 1,
        ..known
    };
    write(&app, &who, account, note.clone(), "note_changed", "note.change").await?;
    Ok(one(&app, note).await?.into_response())
}

async fn find(app: &App, id: &str) -> Result<Kept> {
    store::note(&app.store, id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no note {id}; it may have been removed")))
}

/// Removes a note with its files. Its author may, and managers.
#[utoipa::path(delete, path = "/api/v1/notes/{id}", tag = "notes", params(("id" = String, Path)), responses((status = 204)))]
async fn remove(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let note = find(&app, &id).await?;
    if note.actor != who.actor && who.role < Role::Manager {
        return Err(Problem::forbidden(
            "only its author or a manager may remove a note: ask one of them",
        ));
    }
    let no = app.accounts.root(AccountNo::new(note.account_no));
    let account = app.accounts.account_id(no).unwrap_or_default();
    let mut event = told(account, "note_removed", &note, &who);
    event.occurred_at = app.clock.micros();
    event.received_at = event.occurred_at;
    let chunk = Chunk {
        source: "tenure".to_owned(),
        events: vec![event],
        changes: Vec::new(),
    };
    let gone = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (clock, kept) = (app.clock.clone(), std::sync::Arc::clone(&gone));
    events::append_chunk(&app, chunk, true, move |tx, _| {
        Box::pin(async move {
            let files = store::remove(tx, &note.id).await?;
            let detail = json!({ "author": note.actor, "files": files.len() });
            *kept.lock() = files;
            audit(
                tx,
                &clock,
                &who,
                "note.remove",
                &format!("note:{}", note.id),
                &detail,
            )
            .await
        })
    })
    .await?;
    let gone: Vec<String> = gone.lock().drain(..).collect();
    for file in gone {
        files::remove(&app, &file).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The name of a file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileName {
    /// The file's name.
    name: String,
}

/// Adds a file to a note: the body as it is, at most 10 MiB, at most 20 files a note. The same file twice is added once.
#[utoipa::path(post, path = "/api/v1/notes/{id}/attachments", tag = "notes", params(("id" = String, Path), FileName), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = Line)))]
async fn attach(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<FileName>,
    bytes: Bytes,
) -> Result<Json<Line>> {
    let note = find(&app, &id).await?;
    let name = rules::file_name(&asked.name)?;
    if bytes.is_empty() || bytes.len() > LARGEST {
        return Err(Problem::field(
            "body",
            bytes.len(),
            "is empty or larger than 10 MiB",
            "send a file of 1 byte to 10 MiB",
        ));
    }
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let held = store::attachments(&app.store, &[&id]).await?;
    let held = held.get(&id).map_or(&[][..], Vec::as_slice);
    if held.len() >= FILES {
        return Err(Problem::conflict(format!(
            "a note holds at most {FILES} files: add another note"
        )));
    }
    let file = new_id(&app.clock);
    let mut same = false;
    for it in held.iter().filter(|it| it.name == name) {
        let known = store::attachment(&app.store, &it.id).await?;
        same |= known.is_some_and(|(_, _, known)| known == hash);
    }
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    if !same {
        files::write(&app, &file, &bytes).await?;
    }
    let kept = async {
        let tx = app.store.begin().await?;
        if !same {
            store::attach(
                &tx,
                &id,
                (&file, &name, size, &hash),
                app.clock.micros(),
                &who.actor,
            )
            .await?;
        }
        let detail = json!({ "name": name, "bytes": size, "new": !same });
        audit(
            &tx,
            &app.clock,
            &who,
            "note.attach",
            &format!("note:{id}"),
            &detail,
        )
        .await?;
        tx.commit().await
    };
    if let Err(error) = kept.await {
        files::remove(&app, &file).await;
        return Err(error.into());
    }
    one(&app, note).await
}

/// A file, always as a download: nothing in it is run or shown by the browser.
#[utoipa::path(get, path = "/api/v1/attachments/{id}", tag = "notes", params(("id" = String, Path)), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn download(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let missing = || Problem::not_found(format!("there is no attachment {id}; it may have been removed"));
    let (_, name, hash) = store::attachment(&app.store, &id).await?.ok_or_else(missing)?;
    let bytes = files::read(&app, &id).await?;
    if blake3::hash(&bytes).to_hex().to_string() != hash {
        tracing::error!(id, "an attachment is not the file that was added");
        return Err(Problem::conflict(
            "the file on disk is not the one that was added: restore it from a backup",
        ));
    }
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, rules::disposition(&name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// Removes a file from its note. The note's author may, and managers.
#[utoipa::path(delete, path = "/api/v1/attachments/{id}", tag = "notes", params(("id" = String, Path)), responses((status = 204)))]
async fn detach(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let missing = || Problem::not_found(format!("there is no attachment {id}; it may have been removed"));
    let (note, name, _) = store::attachment(&app.store, &id).await?.ok_or_else(missing)?;
    let note = find(&app, &note).await?;
    if note.actor != who.actor && who.role < Role::Manager {
        return Err(Problem::forbidden(
            "only the note's author or a manager may remove its files: ask one of them",
        ));
    }
    let tx = app.store.begin().await?;
    store::detach(&tx, &id).await?;
    let detail = json!({ "name": name });
    audit(
        &tx,
        &app.clock,
        &who,
        "note.detach",
        &format!("note:{}", note.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    files::remove(&app, &id).await;
    Ok(StatusCode::NO_CONTENT)
}
