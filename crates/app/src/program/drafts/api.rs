//! Handlers of drafts: the working copy, its writes, its check, and applying it.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{Draft, Write, change, keep, laid_over, outdated, store};
use crate::App;
use crate::auth::{Manager, Viewer};
use crate::definitions::edit::{Edit, content};
use crate::definitions::lines::{Line, compare, merge};
use crate::definitions::{FILES, schemas};
use crate::metrics::as_of::instant;
use crate::program::api::{CheckedFiles, VersionLine, checked, must};
use crate::program::{Files, Version, apply_over, newest};
use crate::web::{Json, Problem, Query, Result, routes};

/// The routes of drafts.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(working_copy, write_draft, discard_draft))
        .routes(routes!(edit_fields))
        .routes(routes!(check_draft))
        .routes(routes!(apply_draft))
}

/// What somebody else applied to a document since the draft was begun.
#[derive(Serialize, ToSchema)]
#[schema(as = DraftConflict)]
struct Conflicted {
    /// The version in force.
    version: VersionLine,
    /// The document as it is in force; null = it is gone.
    in_force: Option<String>,
    /// What they changed: from where the draft began to what is in force.
    theirs: Vec<Line>,
    /// What the draft changes of what is in force.
    yours: Vec<Line>,
    /// Both changes together; null = they change the same lines.
    merged: Option<String>,
}

/// One document of the working copy.
#[derive(Serialize, ToSchema)]
#[schema(as = ProgramDocument)]
struct Document {
    file: String,
    /// The text: the author's draft, else what is in force; null = the draft takes the document away.
    text: Option<String>,
    /// Its content as plain data, for forms; null = the text is not YAML.
    #[schema(value_type = Option<Object>)]
    content: Option<Value>,
    /// The draft's version; 0 = there is no draft, the text is what is in force.
    version: i64,
    /// The version of the program that the text started from; 0 = there is none.
    base_version: i64,
    /// When the draft was written; null = there is none.
    updated_at: Option<String>,
    /// Set when somebody else applied another text meanwhile.
    conflict: Option<Conflicted>,
}

/// Somebody else who is changing a document.
#[derive(Serialize, ToSchema)]
struct OtherDraft {
    /// Their name.
    author: String,
    file: String,
    updated_at: String,
}

/// The program as its author sees it: what is in force with their drafts laid over it.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkingCopy)]
struct Working {
    /// The version in force; 0 = none.
    version: i64,
    /// Every document.
    documents: Vec<Document>,
    /// Drafts of other people.
    others: Vec<OtherDraft>,
    /// The JSON Schema of each document, by its name.
    #[schema(value_type = Object)]
    schemas: BTreeMap<String, Value>,
}

fn document(file: &str, in_force: &Files, version: Option<&Version>, draft: Option<&Draft>) -> Document {
    let text = match draft {
        Some(draft) => draft.text.clone(),
        None => in_force.get(file).cloned(),
    };
    let conflict = draft
        .filter(|draft| outdated(draft, in_force))
        .zip(version)
        .map(|(draft, version)| {
            let empty = String::new();
            let base = draft.base.as_ref().unwrap_or(&empty);
            let now = in_force.get(file);
            let ours = draft.text.as_ref().unwrap_or(&empty);
            Conflicted {
                version: version.clone().into(),
                in_force: now.cloned(),
                theirs: compare(base, now.unwrap_or(&empty)),
                yours: compare(now.unwrap_or(&empty), ours),
                merged: merge(base, ours, now.unwrap_or(&empty)),
            }
        });
    Document {
        file: file.to_owned(),
        content: text.as_deref().and_then(|text| content(text).ok()),
        text,
        version: draft.map_or(0, |draft| draft.version),
        base_version: draft.map_or_else(|| version.map_or(0, |v| v.version), |draft| draft.base_version),
        updated_at: draft.map(|draft| instant(draft.updated_at)),
        conflict,
    }
}

/// The working copy: every document with the caller's drafts laid over it.
#[utoipa::path(get, path = "/api/v1/program/draft", tag = "program", responses((status = 200, body = Working)))]
async fn working_copy(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<Working>> {
    let (version, in_force) = newest(&app).await?.unzip();
    let in_force = in_force.unwrap_or_default();
    let drafts = store::of(&app.store, &who.actor).await?;
    let mut names: Vec<&str> = FILES.to_vec();
    let more = in_force.keys().chain(drafts.iter().map(|draft| &draft.file));
    for name in more {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let documents = names
        .into_iter()
        .map(|file| {
            let draft = drafts.iter().find(|draft| draft.file == file);
            document(file, &in_force, version.as_ref(), draft)
        })
        .collect();
    let others = store::others(&app.store, &who.actor).await?;
    Ok(Json(Working {
        version: version.map_or(0, |version| version.version),
        documents,
        others: others
            .into_iter()
            .map(|(author, file, at)| OtherDraft {
                author,
                file,
                updated_at: instant(at),
            })
            .collect(),
        schemas: schemas()
            .into_iter()
            .map(|(name, schema)| (name.replace(".json", ".yaml"), schema))
            .collect(),
    }))
}

/// A document as its author wants it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftText)]
struct Text {
    file: String,
    /// The whole text; null takes the document away.
    text: Option<String>,
    /// The draft's version that was seen; 0 = there was none.
    version: i64,
    /// The version of the program in force that was seen. Another one than before says that its changes were looked at.
    base_version: i64,
}

/// What is kept after a write.
#[derive(Serialize, ToSchema)]
struct DraftKept {
    file: String,
    /// The draft's version; 0 = the text is what it started from, so there is no draft.
    version: i64,
    base_version: i64,
    text: Option<String>,
    /// Its content as plain data; null = the text is not YAML.
    #[schema(value_type = Option<Object>)]
    content: Option<Value>,
    updated_at: Option<String>,
}

async fn kept(app: &App, file: String, base_version: i64, draft: Option<Draft>) -> Result<Json<DraftKept>> {
    let text = match &draft {
        Some(draft) => draft.text.clone(),
        None => newest(app)
            .await?
            .and_then(|(_, files)| files.get(&file).cloned()),
    };
    Ok(Json(DraftKept {
        version: draft.as_ref().map_or(0, |draft| draft.version),
        base_version: draft.as_ref().map_or(base_version, |draft| draft.base_version),
        content: text.as_deref().and_then(|text| content(text).ok()),
        updated_at: draft.map(|draft| instant(draft.updated_at)),
        text,
        file,
    }))
}

/// Keeps the text of a document as the caller's draft. Nothing is in force until it is applied.
#[utoipa::path(put, path = "/api/v1/program/draft", tag = "program", request_body = Text, responses((status = 200, body = DraftKept)))]
async fn write_draft(
    Manager(who): Manager,
    State(app): State<App>,
    Json(asked): Json<Text>,
) -> Result<Json<DraftKept>> {
    let (file, base_version) = (asked.file.clone(), asked.base_version);
    let write = Write {
        file: asked.file,
        version: asked.version,
        base_version,
        text: asked.text,
    };
    let draft = keep(&app, &who, write).await?;
    kept(&app, file, base_version, draft).await
}

/// Changes of a document by its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftEdits {
    file: String,
    /// The draft's version that was seen; 0 = there was none.
    version: i64,
    /// The version of the program in force that was seen.
    base_version: i64,
    /// The changes, in order.
    edits: Vec<Edit>,
}

/// Changes entries of a document by their fields; every other byte of its text stays.
#[utoipa::path(post, path = "/api/v1/program/draft/edits", tag = "program", request_body = DraftEdits, responses((status = 200, body = DraftKept)))]
async fn edit_fields(
    Manager(who): Manager,
    State(app): State<App>,
    Json(asked): Json<DraftEdits>,
) -> Result<Json<DraftKept>> {
    let (file, base_version) = (asked.file.clone(), asked.base_version);
    let write = Write {
        file: asked.file,
        version: asked.version,
        base_version,
        text: None,
    };
    let draft = change(&app, &who, write, &asked.edits).await?;
    kept(&app, file, base_version, draft).await
}

/// Which draft.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The document; all of the caller's drafts when left out.
    file: Option<String>,
}

/// Throws the caller's draft of a document away, or all of them.
#[utoipa::path(delete, path = "/api/v1/program/draft", tag = "program", params(Which), responses((status = 200, body = Working)))]
async fn discard_draft(
    Manager(who): Manager,
    State(app): State<App>,
    Query(asked): Query<Which>,
) -> Result<Json<Working>> {
    store::discard(&app, &who, asked.file.as_deref()).await?;
    working_copy(Viewer(who), State(app)).await
}

/// What is being typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftCheck)]
struct Typed {
    /// Texts that are not kept yet, by document, laid over the drafts.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// Checks the working copy, with what is being typed laid over it.
#[utoipa::path(post, path = "/api/v1/program/draft/check", tag = "program", request_body = Typed, responses((status = 200, body = CheckedFiles)))]
async fn check_draft(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(asked): Json<Typed>,
) -> Result<Json<CheckedFiles>> {
    let mut files = working(&app, &who.actor).await?;
    files.extend(asked.files);
    Ok(Json(checked(&app, &files).await))
}

/// The files that an author's drafts make.
pub(in crate::program) async fn working(app: &App, author: &str) -> Result<Files> {
    let in_force = newest(app).await?.map(|(_, files)| files).unwrap_or_default();
    Ok(laid_over(in_force, &store::of(&app.store, author).await?))
}

/// How a draft is applied.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftApply {
    /// The version in force that the caller saw.
    base_version: i64,
    /// Why, for the list of versions.
    note: Option<String>,
}

/// Applies the caller's drafts as a new version of the program.
#[utoipa::path(post, path = "/api/v1/program/draft/apply", tag = "program", request_body = DraftApply, responses((status = 200, body = VersionLine)))]
async fn apply_draft(
    Manager(who): Manager,
    State(app): State<App>,
    Json(asked): Json<DraftApply>,
) -> Result<Json<VersionLine>> {
    let drafts = store::of(&app.store, &who.actor).await?;
    if drafts.is_empty() {
        return Err(Problem::conflict("you have no draft: change a document first"));
    }
    let (version, in_force) = newest(&app).await?.unzip();
    let number = version.map_or(0, |version: Version| version.version);
    let in_force = in_force.unwrap_or_default();
    let behind: Vec<&str> = drafts
        .iter()
        .filter(|draft| outdated(draft, &in_force))
        .map(|draft| draft.file.as_str())
        .collect();
    if number != asked.base_version || !behind.is_empty() {
        return Err(overtaken(number, &behind));
    }
    let files = laid_over(in_force, &drafts);
    let checked = must(&app, &files).await?;
    let done: Vec<String> = drafts.into_iter().map(|draft| draft.file).collect();
    let version = apply_over(
        &app,
        &who,
        &files,
        checked.definitions,
        asked.note.as_deref(),
        Some((number, &done)),
    )
    .await?;
    Ok(Json(version.into()))
}

fn overtaken(version: i64, behind: &[&str]) -> Problem {
    let what = if behind.is_empty() {
        format!("version {version} was applied since you looked; nothing was overwritten")
    } else {
        format!(
            "version {version} changed {} too since your draft began; nothing was overwritten",
            behind.join(", ")
        )
    };
    let mut problem = Problem::field(
        "base_version",
        version,
        what,
        "look at the differences, take them in, and apply again",
    );
    problem.status = 409;
    problem.code = "draft_overtaken";
    problem.kind = "about:tenure/draft_overtaken".into();
    "Somebody else applied a change meanwhile".clone_into(&mut problem.title);
    problem
}
