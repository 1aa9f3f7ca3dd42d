//! Uploads: files that came through the browser and wait to be imported.
//!
//! An upload is a folder `DIR/uploads/ID` that belongs to whoever began it; nobody else sees or imports its files. Files come in pieces, each
//! at the place where the one before ended, so that a lost connection costs one piece. A zip archive is unpacked into the same folder. Each
//! file then has a kind and a map (the same YAML that the command line takes): remembered from a file with the same header, or proposed;
//! what a person corrects is kept at once. Importing hands the files to the importer like any others.
//!
//! An upload that nobody touched for [`KEPT_DAYS`] days is deleted, unless its import still runs.

mod api;
mod look;
mod receive;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tenure_store::StoreResult;
use utoipa::ToSchema;

pub use api::routes;

use super::fields::Kind;
use super::job::State as ImportState;
use crate::App;

/// Days for which an upload that nobody touches is kept.
pub const KEPT_DAYS: i64 = 14;
/// The largest file.
pub const FILE_LIMIT: u64 = 4 << 30;
/// The largest piece of a file.
pub const PIECE_LIMIT: u64 = 8 << 20;
/// Files of one upload.
pub const MOST_FILES: usize = 500;
/// Uploads of one person that wait at the same time.
pub const MOST_UPLOADS: i64 = 50;

/// Where a file of an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UploadFileState)]
pub enum State {
    /// Pieces are missing.
    Receiving,
    /// It is an archive whose files are being taken out.
    Unpacking,
    /// It can be mapped and imported.
    Ready,
    /// It cannot be used; the note says why.
    Refused,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Unpacking => "unpacking",
            Self::Ready => "ready",
            Self::Refused => "refused",
        }
    }

    fn parse(name: &str) -> Self {
        [Self::Receiving, Self::Unpacking, Self::Ready]
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Refused)
    }
}

/// An upload.
#[derive(Clone, Debug)]
struct Upload {
    id: String,
    actor: String,
    created_at: i64,
    touched_at: i64,
    /// The latest import that only tried.
    tried: Option<String>,
    /// The latest import.
    imported: Option<String>,
    files: Vec<StagedFile>,
}

/// A file of an upload.
#[derive(Clone, Debug)]
struct StagedFile {
    id: String,
    no: i64,
    /// Its name in the upload's folder; no two files have the same.
    name: String,
    /// The archive that it came in, and its path there.
    inside: Option<String>,
    bytes: u64,
    modified_at: i64,
    state: State,
    kind: Option<Kind>,
    map: Option<String>,
    signature: Option<String>,
    /// Whether kind and map come from an earlier file with the same header.
    remembered: bool,
    /// Whether it is to be imported.
    included: bool,
    note: Option<String>,
    /// Counts the changes of kind, map and choice.
    version: i64,
}

/// The folder of all uploads.
fn root(app: &App) -> PathBuf {
    app.config.data.join("uploads")
}

/// The folder of an upload.
fn folder(app: &App, upload: &str) -> PathBuf {
    root(app).join(upload)
}

/// Where a file's pieces are put together.
fn part(folder: &Path, file: &str) -> PathBuf {
    folder.join(".parts").join(file)
}

/// The columns of a file as one text, whatever their order and spelling: files that have the same are mapped the same way.
fn signature(columns: &[String]) -> String {
    let mut names: Vec<String> = columns.iter().map(|name| super::read::normal(name)).collect();
    names.sort();
    let mut hasher = blake3::Hasher::new();
    for name in names {
        hasher.update(name.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// A name for a file in the upload's folder: no folders, nothing that a shell or file system takes for something else.
fn plain_name(raw: &str) -> String {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or(raw);
    let mut name: String = last
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') {
                '_'
            } else {
                c
            }
        })
        .collect();
    while name.len() > 120 {
        name.pop();
    }
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// The name, with a number where another file has it already.
fn free_name(name: &str, taken: &dyn Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let (stem, end) = name
        .split_once('.')
        .map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    (2..)
        .map(|n| format!("{stem} {n}{end}"))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// At the start of a server: archives whose unpacking was cut off are unpacked again. Then, by the clock, what nobody wants is deleted.
pub async fn look_after(app: App) {
    match store::unpacking(&app.store).await {
        Ok(waiting) => {
            for (upload, file) in waiting {
                receive::unpack(&app, &upload, &file);
            }
        }
        Err(error) => tracing::error!(%error, "archives that were being unpacked could not be found"),
    }
    loop {
        if let Err(error) = forget_old(&app).await {
            tracing::warn!(%error, "old uploads will be deleted later");
        }
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
}

/// Deletes uploads that nobody touched for long; tells how many.
pub async fn forget_old(app: &App) -> StoreResult<usize> {
    let before = app.clock.micros() - KEPT_DAYS * 86_400_000_000;
    let mut gone = 0;
    for upload in store::untouched(&app.store, before).await? {
        if running(app, &upload) {
            continue;
        }
        delete(app, &upload.id).await?;
        gone += 1;
    }
    Ok(gone)
}

fn running(app: &App, upload: &Upload) -> bool {
    [&upload.tried, &upload.imported]
        .into_iter()
        .flatten()
        .any(|id| app.imports.job(id).is_some())
}

/// Deletes an upload with its files. The files go first: what is left when that fails is found again.
async fn delete(app: &App, id: &str) -> StoreResult<()> {
    let folder = folder(app, id);
    let gone = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = gone
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(tenure_store::StoreError::Other(format!(
            "the files of upload {id} cannot be deleted: {error}"
        )));
    }
    let tx = app.store.begin().await?;
    store::delete(&tx, id).await?;
    tx.commit().await
}

/// Whether an import of these files came to its end.
async fn import_state(app: &App, id: Option<&String>) -> StoreResult<Option<ImportState>> {
    let Some(id) = id else { return Ok(None) };
    Ok(super::store::import(&app.store, id).await?.map(|it| it.state))
}

/// The order in which kinds are imported: what is spoken of comes before who speaks of it.
fn rank(kind: Kind) -> usize {
    Kind::ALL.iter().position(|it| *it == kind).unwrap_or(0)
}
