//! Imports: files of other systems become accounts, contacts and events.
//!
//! [`begin`] takes a file or folder, opens and maps everything once so that mistakes come back at once, writes the import down and starts
//! its job; [`resume`] goes on with jobs that the end of a process cut off. A job reads a file in chunks; what a chunk says, its rejects,
//! and the file's new position are one transaction, so that an import is exactly as far as it says, whenever the process is killed.
//!
//! Rows have ids of their own (`ticket/T-1/opened`), so the same row twice is one event, and the same file twice changes nothing.
//! For every file: rows = imported + duplicates + rejected + skipped, where only `skip_when` of a map skips.
//!
//! The way of a row: [`read`] (bytes → record) → [`plan`] (record → texts of fields) → [`value`] (text → value) → [`rows`] (values → facts)
//! → [`keep`] (facts → records and log). Emits what its rows say (docs/shape.md, “Import kinds”); listens to nothing.

mod api;
mod archive;
mod chunks;
mod completeness;
mod context;
mod fields;
mod formula;
mod job;
mod join;
mod keep;
mod looks;
mod map;
mod plan;
mod propose;
mod read;
mod rehearsal;
mod rejects;
mod replay;
mod request;
mod rows;
mod run;
mod store;
mod uploads;
mod value;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde_json::json;
use tenure_store::new_id;

pub use api::routes;
pub use job::Live;
pub use replay::ImportReplayer;
pub use run::{go_on, resume};
pub use uploads::{forget_old, look_after};

use context::Context;
use job::{Import, State};

use crate::App;
use crate::auth::{Principal, audit};
use crate::definitions::AttributeType;
use crate::web::Result;

/// The kind of an import of several files.
const FOLDER: &str = "folder";

/// What rows are read against at the moment.
fn context(app: &App, started_at: i64) -> Context {
    let definitions = app.definitions();
    let attributes = definitions
        .iter()
        .flat_map(|it| &it.attributes)
        .map(|it| (it.id.clone(), type_of(it.kind)))
        .collect();
    let currency = definitions
        .as_ref()
        .map_or_else(|| "USD".to_owned(), |it| it.program.currency.clone());
    let events = definitions.map(|it| it.events.clone()).unwrap_or_default();
    Context {
        zone: app.time_zone(),
        started_at,
        as_of: started_at,
        currency,
        attributes,
        events,
    }
}

/// How the text of a declared attribute is read.
fn type_of(kind: AttributeType) -> fields::Type {
    match kind {
        AttributeType::Integer => fields::Type::Integer,
        AttributeType::Number => fields::Type::Number,
        AttributeType::Text => fields::Type::Text,
        AttributeType::Boolean => fields::Type::Boolean,
        AttributeType::Date => fields::Type::Day,
        AttributeType::Money => fields::Type::Money,
    }
}

/// Starts an import, goes on with one of the same content that was cut off, or says that it is done already.
async fn begin(
    app: &App,
    who: &Principal,
    request: request::Request,
    dry_run: bool,
    force: bool,
) -> Result<Import> {
    let started_at = app.clock.micros();
    let context = context(app, started_at);
    let (kind, path) = (request.kind, request.path.display().to_string());
    let resolved = tokio::task::spawn_blocking(move || request::resolve(&request, &context))
        .await
        .map_err(anyhow::Error::from)??;
    let kind = if resolved.folder {
        FOLDER.to_owned()
    } else {
        kind.map_or("", fields::Kind::name).to_owned()
    };
    launch(app, who, resolved.files, (kind, path, started_at), dry_run, force).await
}

/// The same for files of an upload: path, kind, map, name. `label` is what the import is called.
async fn begin_staged(
    app: &App,
    who: &Principal,
    files: Vec<(PathBuf, fields::Kind, Option<String>, String)>,
    label: String,
    dry_run: bool,
    force: bool,
) -> Result<Import> {
    let started_at = app.clock.micros();
    let context = context(app, started_at);
    let kind = match files.as_slice() {
        [(_, kind, ..)] => kind.name(),
        _ => FOLDER,
    };
    let resolved = tokio::task::spawn_blocking(move || request::resolve_staged(files, &context))
        .await
        .map_err(anyhow::Error::from)??;
    launch(
        app,
        who,
        resolved.files,
        (kind.to_owned(), label, started_at),
        dry_run,
        force,
    )
    .await
}

async fn launch(
    app: &App,
    who: &Principal,
    mut files: Vec<job::File>,
    (kind, path, started_at): (String, String, i64),
    dry_run: bool,
    force: bool,
) -> Result<Import> {
    let fingerprint = fingerprint(&files);
    if !dry_run
        && let Some(before) = store::same(&app.store, &fingerprint).await?
        && before.state != State::Done
    {
        return take_up(app, who, before).await;
    }
    let mut note = None;
    if !dry_run && !force {
        for file in &mut files {
            if let Some((before, known)) = store::same_file(&app.store, &file.fingerprint).await? {
                already(file, &known, &before);
            }
        }
        if files.iter().all(|file| file.state == State::Done) {
            note = Some("already imported: nothing has changed since. `--force` reads it again".to_owned());
        }
    }
    let finished = note.is_some();
    let import = Import {
        id: new_id(&app.clock),
        kind,
        path,
        fingerprint,
        dry_run,
        state: if finished { State::Done } else { State::Running },
        started_at,
        finished_at: finished.then_some(started_at),
        error: None,
        note,
        samples: Vec::new(),
        actor: who.actor.clone(),
        files,
    };
    let tx = app.store.begin().await?;
    store::insert(&tx, &import).await?;
    let detail = json!({ "path": import.path, "kind": import.kind, "dry_run": dry_run, "force": force });
    audit(&tx, &app.clock, who, "import.start", &import.id, &detail).await?;
    tx.commit().await?;
    if !finished {
        run::start(app, import.clone());
    }
    Ok(import)
}

/// Goes on with an import that was cut off, failed or was cancelled.
async fn take_up(app: &App, who: &Principal, mut import: Import) -> Result<Import> {
    if app.imports.job(&import.id).is_some() {
        return Ok(import);
    }
    (import.state, import.finished_at, import.error) = (State::Running, None, None);
    let tx = app.store.begin().await?;
    store::set_state(&tx, &import).await?;
    audit(
        &tx,
        &app.clock,
        who,
        "import.resume",
        &import.id,
        &json!({ "path": import.path }),
    )
    .await?;
    tx.commit().await?;
    run::start(app, import.clone());
    Ok(import)
}

/// The file was imported before: its rows are what they were, and what was new then is known now.
fn already(file: &mut job::File, known: &job::File, before: &str) {
    file.progress = known.progress;
    file.progress.duplicates += std::mem::take(&mut file.progress.imported);
    file.state = State::Done;
    file.note = Some(format!("already imported as {before}"));
}

fn fingerprint(files: &[job::File]) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.fingerprint.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
