//! Handlers of notes and attachments.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{StoreError, new_id};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::rules::{self, DiffLine};
use super::store::Kept;
use super::{LARGEST, Line, attachments, lines, mentions, store};
use crate::App;
use crate::accounts::{AccountNo, normalise};
use crate::auth::{Csm, Principal, Role, Viewer, audit};
use crate::events::{self, Chunk, Event, Kind};
use crate::web::{Json, Path, Problem, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    let files = OpenApiRouter::new()
        .routes(routes!(attachments::attach))
        .layer(DefaultBodyLimit::max(LARGEST + 1_024));
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(restore))
        .routes(routes!(versions))
        .routes(routes!(take_back))
        .merge(files)
        .routes(routes!(attachments::download, attachments::detach))
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
        removed_by: None,
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

pub(super) async fn one(app: &App, note: Kept) -> Result<Json<Line>> {
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
        return overtaken(&app, known, form.version, &body).await;
    }
    let no = app.accounts.root(AccountNo::new(known.account_no));
    let contact_id = contact(&app, form.contact_id, no.get())?;
    let note = next(&app, &who, known, (body, contact_id, form.pinned));
    write(
        &app,
        &who,
        shown(&app, &note),
        note.clone(),
        "note_changed",
        "note.change",
    )
    .await?;
    Ok(one(&app, note).await?.into_response())
}

/// The id of the account that a note is shown under.
fn shown(app: &App, note: &Kept) -> String {
    let no = app.accounts.root(AccountNo::new(note.account_no));
    app.accounts.account_id(no).unwrap_or_default()
}

/// The version after a note's, with other words.
fn next(
    app: &App,
    who: &Principal,
    known: Kept,
    (body, contact_id, pinned): (String, Option<String>, bool),
) -> Kept {
    Kept {
        body,
        contact_id,
        pinned,
        updated_at: app.clock.micros(),
        updated_by: who.actor.clone(),
        version: known.version + 1,
        ..known
    }
}

/// Somebody else changed the note first.
async fn overtaken(app: &App, known: Kept, version: i64, body: &str) -> Result<Response> {
    let current = one(app, known.clone()).await?.0;
    let problem = Problem::conflict(format!(
        "{} changed this note in the meantime (version {}, yours is {version})",
        current.updated_by.name, known.version
    ));
    let answer = Overtaken {
        difference: rules::difference(&known.body, body),
        current,
        problem,
    };
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    Ok((StatusCode::CONFLICT, kind, axum::Json(answer)).into_response())
}

/// An earlier version of a note.
#[derive(Serialize, ToSchema)]
#[schema(as = NoteVersion)]
struct Version {
    /// Its number.
    version: i64,
    /// What the note said.
    body: String,
    /// The contact that it was about.
    contact_id: Option<String>,
    /// Whether it stood above the others.
    pinned: bool,
    /// Who had written it so.
    author: String,
    /// When.
    at: String,
}

/// Earlier versions of a note.
#[derive(Serialize, ToSchema)]
#[schema(as = NoteVersions)]
struct Versions {
    /// The newest first; at most 20.
    items: Vec<Version>,
}

/// What a note said before it was changed.
#[utoipa::path(get, path = "/api/v1/notes/{id}/versions", tag = "notes", params(("id" = String, Path)), responses((status = 200, body = Versions)))]
async fn versions(_: Csm, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Versions>> {
    let note = find(&app, &id).await?;
    let names = super::names(&app).await?;
    let earlier = store::versions(&app.store, &note.id).await?.into_iter();
    let items = earlier.map(|it| Version {
        version: it.version,
        body: it.body,
        contact_id: it.contact_id,
        pinned: it.pinned,
        author: names.get(&it.actor).cloned().unwrap_or(it.actor),
        at: crate::metrics::as_of::instant(it.at),
    });
    Ok(Json(Versions {
        items: items.collect(),
    }))
}

/// From which version a note is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoteTakenBack)]
struct TakenBack {
    /// The version that the sender saw.
    version: i64,
}

/// Takes a note back to an earlier version, as one more change. Somebody else's change since `version` is a 409 that shows the difference.
#[utoipa::path(post, path = "/api/v1/notes/{id}/versions/{earlier}/restoration", tag = "notes", params(("id" = String, Path), ("earlier" = i64, Path)), request_body = TakenBack, responses((status = 200, body = Line), (status = 409, body = Overtaken)))]
async fn take_back(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, earlier)): Path<(String, i64)>,
    Json(form): Json<TakenBack>,
) -> Result<Response> {
    let known = find(&app, &id).await?;
    let versions = store::versions(&app.store, &id).await?;
    let Some(held) = versions.into_iter().find(|it| it.version == earlier) else {
        return Err(Problem::not_found(format!(
            "version {earlier} of this note is not kept: GET /api/v1/notes/{id}/versions lists those that are"
        )));
    };
    if known.version != form.version {
        return overtaken(&app, known, form.version, &held.body).await;
    }
    let note = next(&app, &who, known, (held.body, held.contact_id, held.pinned));
    write(
        &app,
        &who,
        shown(&app, &note),
        note.clone(),
        "note_changed",
        "note.take_back",
    )
    .await?;
    Ok(one(&app, note).await?.into_response())
}

pub(super) async fn find(app: &App, id: &str) -> Result<Kept> {
    store::note(&app.store, id)
        .await?
        .filter(|note| note.removed_by.is_none())
        .ok_or_else(|| Problem::not_found(format!("there is no note {id}; it may have been removed")))
}

/// Removes a note with its files. Its author may, and managers. It can be brought back for 30 days.
#[utoipa::path(delete, path = "/api/v1/notes/{id}", tag = "notes", params(("id" = String, Path)), responses((status = 204)))]
async fn remove(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let note = find(&app, &id).await?;
    if note.actor != who.actor && who.role < Role::Manager {
        return Err(Problem::forbidden(
            "only its author or a manager may remove a note: ask one of them",
        ));
    }
    let at = app.clock.micros();
    let clock = app.clock.clone();
    let happened = happening(&app, &who, "note_removed", &note, at);
    events::append_chunk(&app, happened, true, move |tx, _| {
        Box::pin(async move {
            if !store::remove(tx, &note.id, at, &who.actor).await? {
                return Err(StoreError::Conflict(
                    "somebody else removed this note at the same moment".to_owned(),
                ));
            }
            let detail = json!({ "author": note.actor });
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
    Ok(StatusCode::NO_CONTENT)
}

/// What happens to a note now, as a step of the log.
fn happening(app: &App, who: &Principal, name: &str, note: &Kept, at: i64) -> Chunk {
    let mut event = told(shown(app, note), name, note, who);
    event.occurred_at = at;
    event.received_at = at;
    Chunk {
        source: "tenure".to_owned(),
        events: vec![event],
        changes: Vec::new(),
    }
}

/// Brings a removed note back with its files, as it was. Its author may, whoever removed it, and managers.
#[utoipa::path(post, path = "/api/v1/notes/{id}/restoration", tag = "notes", params(("id" = String, Path)), responses((status = 200, body = Line)))]
async fn restore(Csm(who): Csm, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Line>> {
    let missing = || {
        Problem::not_found(format!(
            "there is no note {id}; {} days after it was removed it is gone for good",
            super::KEPT_DAYS
        ))
    };
    let note = store::note(&app.store, &id).await?.ok_or_else(missing)?;
    let Some(remover) = note.removed_by.clone() else {
        return Err(Problem::conflict(
            "this note was not removed: there is nothing to bring back",
        ));
    };
    if note.actor != who.actor && remover != who.actor && who.role < Role::Manager {
        return Err(Problem::forbidden(
            "only its author, whoever removed it, or a manager may bring a note back: ask one of them",
        ));
    }
    let note = Kept {
        version: note.version + 1,
        removed_by: None,
        ..note
    };
    let at = app.clock.micros();
    let clock = app.clock.clone();
    let happened = happening(&app, &who, "note_restored", &note, at);
    let back = note.clone();
    events::append_chunk(&app, happened, true, move |tx, _| {
        Box::pin(async move {
            if !store::restore(tx, &note.id).await? {
                return Err(StoreError::Conflict(
                    "somebody else brought this note back at the same moment".to_owned(),
                ));
            }
            let detail = json!({ "author": note.actor, "removed_by": remover });
            audit(
                tx,
                &clock,
                &who,
                "note.restore",
                &format!("note:{}", note.id),
                &detail,
            )
            .await
        })
    })
    .await?;
    one(&app, back).await
}
