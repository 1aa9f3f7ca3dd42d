//! Handlers of the program.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{Files, Version, apply, check, store};
use crate::App;
use crate::auth::{Manager, Viewer};
use crate::definitions::lines::{Line, compare};
use crate::definitions::{
    Affected, Checked, Definitions, Problem as Wrong, Severity, affected, content_hash, diff,
};
use crate::metrics::as_of::instant;
use crate::segments::preview::{Preview, preview};
use crate::web::{FieldError, Json, Path, Problem, Query, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(current))
        .routes(routes!(versions))
        .routes(routes!(differences))
        .routes(routes!(check_files))
        .routes(routes!(plan))
        .routes(routes!(apply_files))
        .routes(routes!(export))
        .routes(routes!(restore))
}

/// A version of the program.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionLine {
    pub(super) version: i64,
    /// Its content's hash.
    hash: String,
    applied_at: String,
    applied_by: String,
    note: Option<String>,
}

impl From<Version> for VersionLine {
    fn from(v: Version) -> Self {
        Self {
            version: v.version,
            hash: v.hash,
            applied_at: instant(v.applied_at),
            applied_by: v.actor,
            note: v.note,
        }
    }
}

/// The program in force.
#[derive(Serialize, ToSchema)]
#[schema(as = ProgramInForce)]
struct Current {
    /// Its short name; null = none is applied yet.
    program: Option<String>,
    title: Option<String>,
    time_zone: Option<String>,
    currency: Option<String>,
    started_on: Option<String>,
    /// The number of the version in force.
    version: Option<i64>,
    hash: Option<String>,
    applied_at: Option<String>,
    applied_by: Option<String>,
    /// Names and labels of what it declares.
    #[schema(value_type = Object)]
    contents: Value,
}

/// The program in force.
#[utoipa::path(get, path = "/api/v1/program", tag = "program", responses((status = 200, body = Current)))]
async fn current(_: Viewer, State(app): State<App>) -> Result<Json<Current>> {
    let version = store::newest(&app.store)
        .await?
        .map(|(version, _)| VersionLine::from(version));
    let definitions = app.definitions();
    let meta = definitions.as_ref().map(|d| d.program.clone());
    Ok(Json(Current {
        program: meta.as_ref().map(|m| m.program.clone()),
        title: meta.as_ref().map(|m| m.title.clone()),
        time_zone: meta.as_ref().map(|m| m.time_zone.clone()),
        currency: meta.as_ref().map(|m| m.currency.clone()),
        started_on: meta.as_ref().map(|m| m.started_on.to_string()),
        version: version.as_ref().map(|v| v.version),
        hash: version.as_ref().map(|v| v.hash.clone()),
        applied_at: version.as_ref().map(|v| v.applied_at.clone()),
        applied_by: version.map(|v| v.applied_by),
        contents: definitions.map(|d| contents(&d)).unwrap_or_default(),
    }))
}

fn contents(definitions: &Definitions) -> Value {
    let json = |value: std::result::Result<Value, serde_json::Error>| value.unwrap_or_default();
    serde_json::json!({
        "attributes": json(serde_json::to_value(&definitions.attributes)),
        "segments": json(serde_json::to_value(&definitions.segments)),
        "metrics": json(serde_json::to_value(&definitions.metrics)),
        "kpis": json(serde_json::to_value(&definitions.kpis)),
        "targets": json(serde_json::to_value(&definitions.targets)),
    })
}

/// All versions.
#[derive(Serialize, ToSchema)]
struct Versions {
    /// Newest first.
    versions: Vec<VersionLine>,
}

/// Every version that was applied.
#[utoipa::path(get, path = "/api/v1/program/versions", tag = "program", responses((status = 200, body = Versions)))]
async fn versions(_: Viewer, State(app): State<App>) -> Result<Json<Versions>> {
    let versions = store::all(&app.store)
        .await?
        .into_iter()
        .map(VersionLine::from)
        .collect();
    Ok(Json(Versions { versions }))
}

/// A program's files.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Folder {
    /// File name → text.
    #[schema(value_type = HashMap<String, String>)]
    files: Files,
    /// Why, for the list of versions.
    note: Option<String>,
}

/// A problem with its place.
#[derive(Serialize, ToSchema)]
pub(super) struct Placed {
    /// error or warning.
    severity: &'static str,
    file: String,
    line: usize,
    column: usize,
    path: String,
    name: String,
    problem: String,
    nearest: Option<String>,
    remedy: String,
}

impl From<Wrong> for Placed {
    fn from(p: Wrong) -> Self {
        let severity = if p.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        Self {
            severity,
            file: p.file,
            line: p.line,
            column: p.column,
            path: p.path,
            name: p.name,
            problem: p.problem,
            nearest: p.nearest,
            remedy: p.remedy,
        }
    }
}

/// The outcome of a check.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckedFiles {
    /// Whether it could be applied.
    ok: bool,
    problems: Vec<Placed>,
    /// The content's hash.
    hash: String,
}

/// Checks files without changing anything.
#[utoipa::path(post, path = "/api/v1/program/check", tag = "program", request_body = Folder, responses((status = 200, body = CheckedFiles)))]
async fn check_files(
    _: Viewer,
    State(app): State<App>,
    Json(folder): Json<Folder>,
) -> Result<Json<CheckedFiles>> {
    Ok(Json(checked(&app, &folder.files).await))
}

/// The outcome of a check of these files.
pub(super) async fn checked(app: &App, files: &Files) -> CheckedFiles {
    let (ok, problems) = match check(app, files).await {
        Ok(checked) => (true, checked.warnings),
        Err(problems) => (false, problems),
    };
    CheckedFiles {
        ok,
        problems: problems.into_iter().map(Placed::from).collect(),
        hash: content_hash(files),
    }
}

/// The definitions of files that must be without errors.
pub(super) async fn must(app: &App, files: &Files) -> Result<Checked> {
    check(app, files).await.map_err(|problems| {
        let mut problem = Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "program_invalid",
            "The program has errors",
            format!("{} problems; nothing was changed", problems.len()),
        );
        problem.errors = problems
            .into_iter()
            .map(|p| FieldError {
                field: format!("{}:{}:{} {}", p.file, p.line, p.column, p.path),
                value: p.name,
                problem: match p.nearest {
                    Some(nearest) => format!("{} Did you mean '{nearest}'?", p.problem),
                    None => p.problem,
                },
                remedy: p.remedy,
            })
            .collect();
        problem
    })
}

/// What applying would do.
#[derive(Serialize, ToSchema)]
struct Planned {
    /// What differs in the definitions.
    #[schema(value_type = Vec<Object>)]
    changes: Value,
    /// What is computed again.
    #[schema(value_type = Object)]
    affected: Value,
    /// Who would move; null = segments stay as they are.
    segments: Option<Preview>,
    warnings: Vec<Placed>,
    hash: String,
}

/// Shows what applying the files would change, and which accounts would move, without changing anything.
#[utoipa::path(post, path = "/api/v1/program/plan", tag = "program", request_body = Folder, responses((status = 200, body = Planned)))]
async fn plan(_: Viewer, State(app): State<App>, Json(folder): Json<Folder>) -> Result<Json<Planned>> {
    let checked = must(&app, &folder.files).await?;
    let new = &checked.definitions;
    let (changes, touched) = match app.definitions() {
        Some(old) => {
            let changes = diff(&old, new);
            let touched = affected(new, &changes);
            (serde_json::to_value(changes).unwrap_or_default(), touched)
        }
        None => (
            Value::Array(Vec::new()),
            Affected {
                everything: true,
                ..Affected::default()
            },
        ),
    };
    let moves = touched.segments || touched.everything;
    let segments = if moves && app.definitions().is_some() {
        Some(preview(&app, new).await?)
    } else {
        None
    };
    Ok(Json(Planned {
        changes,
        affected: serde_json::to_value(&touched).unwrap_or_default(),
        segments,
        warnings: checked.warnings.into_iter().map(Placed::from).collect(),
        hash: content_hash(&folder.files),
    }))
}

/// Applies files as a new version; everything that they change is then computed again, over all history.
#[utoipa::path(post, path = "/api/v1/program/apply", tag = "program", request_body = Folder, responses((status = 200, body = VersionLine)))]
async fn apply_files(
    Manager(who): Manager,
    State(app): State<App>,
    Json(folder): Json<Folder>,
) -> Result<Json<VersionLine>> {
    let checked = must(&app, &folder.files).await?;
    let version = apply(
        &app,
        &who,
        &folder.files,
        checked.definitions,
        folder.note.as_deref(),
    )
    .await?;
    Ok(Json(version.into()))
}

/// Which version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The version's number; the one in force when left out.
    version: Option<i64>,
}

/// A version's files, byte for byte.
#[derive(Serialize, ToSchema)]
struct Exported {
    version: VersionLine,
    /// File name → text.
    #[schema(value_type = HashMap<String, String>)]
    files: Files,
}

async fn kept(app: &App, number: Option<i64>) -> Result<(Version, Files)> {
    let found = match number {
        Some(number) => store::get(&app.store, number).await?,
        None => store::newest(&app.store).await?,
    };
    found.ok_or_else(|| match number {
        Some(number) => Problem::not_found(format!("there is no version {number} of the program")),
        None => Problem::not_found("no program is applied yet: run `tenure program apply DIR`"),
    })
}

/// Gives the files of a version back as they were applied.
#[utoipa::path(get, path = "/api/v1/program/export", tag = "program", params(Asked), responses((status = 200, body = Exported)))]
async fn export(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Exported>> {
    let (version, files) = kept(&app, asked.version).await?;
    Ok(Json(Exported {
        version: version.into(),
        files,
    }))
}

/// Applies the files of an earlier version again, as a new one.
#[utoipa::path(post, path = "/api/v1/program/versions/{version}/restore", tag = "program", params(("version" = i64, Path)), responses((status = 200, body = VersionLine)))]
async fn restore(
    Manager(who): Manager,
    State(app): State<App>,
    Path(number): Path<i64>,
) -> Result<Json<VersionLine>> {
    let (_, files) = kept(&app, Some(number)).await?;
    let checked = must(&app, &files).await?;
    let note = format!("version {number} restored");
    let version = apply(&app, &who, &files, checked.definitions, Some(&note)).await?;
    Ok(Json(version.into()))
}

/// Which two versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Between {
    /// The older version.
    from: i64,
    /// The newer version; the one in force when left out.
    to: Option<i64>,
}

/// How one document differs.
#[derive(Serialize, ToSchema)]
struct DocumentDiff {
    file: String,
    /// The lines that differ, with some around them.
    lines: Vec<Line>,
}

/// What differs between two versions.
#[derive(Serialize, ToSchema)]
struct VersionDiff {
    from: VersionLine,
    to: VersionLine,
    /// What differs in the definitions.
    #[schema(value_type = Vec<Object>)]
    changes: Value,
    /// What differs in the texts.
    files: Vec<DocumentDiff>,
}

/// What differs between two versions, in the definitions and in the texts.
#[utoipa::path(get, path = "/api/v1/program/diff", tag = "program", params(Between), responses((status = 200, body = VersionDiff)))]
async fn differences(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Between>,
) -> Result<Json<VersionDiff>> {
    let (from, old) = kept(&app, Some(asked.from)).await?;
    let (to, new) = kept(&app, asked.to).await?;
    // A version of an earlier release may not be readable any more; its texts still are.
    let changes = match (Definitions::parse(&old), Definitions::parse(&new)) {
        (Ok(old), Ok(new)) => serde_json::to_value(diff(&old, &new)).unwrap_or_default(),
        _ => Value::Array(Vec::new()),
    };
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |files: &Files, name: &String| files.get(name).cloned().unwrap_or_default();
    let files = names
        .into_iter()
        .map(|name| DocumentDiff {
            file: name.clone(),
            lines: compare(&text(&old, name), &text(&new, name)),
        })
        .filter(|file| !file.lines.is_empty())
        .collect();
    Ok(Json(VersionDiff {
        from: from.into(),
        to: to.into(),
        changes,
        files,
    }))
}
