//! Handlers of the files of notes.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tenure_store::new_id;
use utoipa::IntoParams;

use super::api::{find, one};
use super::{LARGEST, Line, files, rules, store};
use crate::App;
use crate::auth::{Csm, Role, Viewer, audit};
use crate::web::{Json, Path, Problem, Query, Result};

/// The most files of a note.
const FILES: usize = 20;

/// The name of a file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FileName {
    /// The file's name.
    name: String,
}

/// Adds a file to a note: the body as it is, at most 10 MiB, at most 20 files a note. The same file twice is added once.
#[utoipa::path(post, path = "/api/v1/notes/{id}/attachments", tag = "notes", params(("id" = String, Path), FileName), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = Line)))]
pub(super) async fn attach(
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
pub(super) async fn download(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
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
pub(super) async fn detach(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode> {
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
