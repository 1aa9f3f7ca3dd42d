//! The program: definitions as code. Checked, planned (what changes, who moves), applied as a version, exported byte for byte, restored.
//!
//! In the browser a change is a [draft](drafts) until it is applied, and a [trial](trial) shows before that what it would do: who moves, and
//! the history of each figure that it touches, before and after.
//!
//! The version in force is kept in `program_versions` and, parsed, in memory; applying one hands its definitions to the slices that work by them.

mod api;
mod doubts;
mod drafts;
mod frozen;
mod sound;
mod store;
#[cfg(test)]
mod tests;
mod trial;
mod trial_api;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, anyhow};
use jiff::tz::TimeZone;

use sound::{Print, Sound};
pub use trial::Trials;

use crate::App;
use crate::auth::Principal;
use crate::definitions::{Checked, Definitions, Problem, SqlProblem, content_hash};
use crate::{dashboards, kpis};

/// The files of a program: name → text.
pub type Files = BTreeMap<String, String>;

/// The routes of this slice.
pub fn routes() -> utoipa_axum::router::OpenApiRouter<App> {
    api::routes().merge(drafts::routes()).merge(trial_api::routes())
}

/// One applied version.
#[derive(Clone, Debug)]
pub struct Version {
    /// 1, 2, 3, …
    pub version: i64,
    /// Its content's hash.
    pub hash: String,
    /// When it was applied, UTC microseconds.
    pub applied_at: i64,
    /// Who applied it.
    pub actor: String,
    /// What they said.
    pub note: Option<String>,
}

/// Puts the newest version in force at start.
///
/// # Errors
/// When the records fail, or a kept version does not parse with this release.
pub async fn load(app: &App) -> Result<()> {
    let Some((version, files)) = store::newest(&app.store).await? else {
        return Ok(());
    };
    let definitions = Definitions::parse(&files).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        anyhow!(
            "program version {} does not fit this release: {first}",
            version.version
        )
    })?;
    install(app, definitions)
}

fn install(app: &App, definitions: Definitions) -> Result<()> {
    app.log
        .set_time_zone(TimeZone::get(&definitions.program.time_zone)?);
    app.metrics.install(&definitions)?;
    app.set_definitions(definitions);
    Ok(())
}

/// Checks files completely, the KPIs' SQL against the history too.
///
/// # Errors
/// All problems.
pub async fn check(app: &App, files: &Files) -> std::result::Result<Checked, Vec<Problem>> {
    let definitions = Definitions::parse(files)?;
    let sound = Sound::of(app, &definitions);
    let mut wrong: HashMap<String, SqlProblem> = HashMap::new();
    for kpi in &definitions.kpis {
        let print = sound.kpi(&kpi.id);
        if print.is_some_and(Print::is_known) {
            continue;
        }
        match kpis::engine::check(app, &definitions, kpi).await {
            Ok(()) => print.into_iter().for_each(Print::remember),
            Err(problem) => drop(wrong.insert(kpi.id.clone(), problem)),
        }
    }
    let mut wrong_tiles: HashMap<String, SqlProblem> = HashMap::new();
    let tiles = definitions
        .dashboards
        .iter()
        .flat_map(|dashboard| &dashboard.tiles);
    for sql in tiles.filter_map(|tile| tile.sql.as_ref()) {
        let print = sound.tile(sql);
        if print.is_known() {
            continue;
        }
        match dashboards::check(app, &definitions, sql).await {
            Ok(()) => print.remember(),
            Err(problem) => drop(wrong_tiles.insert(sql.clone(), problem)),
        }
    }
    let checked = Definitions::check_all(
        files,
        &|kpi| wrong.get(&kpi.id).cloned().map_or(Ok(()), Err),
        &|sql| wrong_tiles.get(sql).cloned().map_or(Ok(()), Err),
    )?;
    match app.definitions() {
        Some(in_force) => {
            let held = frozen::held(app, &in_force, &checked.definitions)
                .await
                .unwrap_or_else(|error| {
                    tracing::error!(error = %format!("{error:#}"), "frozen scores of earlier versions could not be read");
                    in_force.scores.iter().filter(|score| score.frozen).cloned().collect()
                });
            let broken = frozen::broken(&held, &checked.definitions, files);
            if broken.is_empty() {
                Ok(checked)
            } else {
                Err(broken)
            }
        }
        None => Ok(checked),
    }
}

/// The version in force with its files; `None` = no program is applied yet.
///
/// # Errors
/// When the records fail.
pub async fn newest(app: &App) -> Result<Option<(Version, Files)>> {
    Ok(store::newest(&app.store).await?)
}

/// A version with its files.
///
/// # Errors
/// When the records fail.
pub async fn version(app: &App, number: i64) -> Result<Option<(Version, Files)>> {
    Ok(store::get(&app.store, number).await?)
}

/// Applies files as a new version. The same content as the version in force changes nothing and gives that version back.
///
/// # Errors
/// When the records fail, or the zone would change under existing events.
pub async fn apply(
    app: &App,
    who: &Principal,
    files: &Files,
    definitions: Definitions,
    note: Option<&str>,
) -> crate::web::Result<Version> {
    apply_over(app, who, files, definitions, note, None).await
}

/// As [`apply`]; with `draft`, only when its version of the program is still the one in force, and the drafts of its documents end with it.
///
/// # Errors
/// As [`apply`], and 409 when another version was applied meanwhile.
pub async fn apply_over(
    app: &App,
    who: &Principal,
    files: &Files,
    definitions: Definitions,
    note: Option<&str>,
    draft: Option<(i64, &[String])>,
) -> crate::web::Result<Version> {
    let hash = content_hash(files);
    if let Some((version, _)) = store::newest(&app.store).await?
        && version.hash == hash
        && draft.is_none()
    {
        return Ok(version);
    }
    // Before the first program days are those of UTC, and what was counted into them stays there too.
    let zone = app.time_zone();
    let held = zone.iana_name().unwrap_or("UTC");
    if held != definitions.program.time_zone && crate::events::snapshot(app).await?.rows() > 0 {
        return Err(crate::web::Problem::field(
            "program.yaml: time_zone",
            &definitions.program.time_zone,
            format!("events are already counted into the days of {held}"),
            "keep that zone, or start with an empty data folder and import again",
        ));
    }
    let version = store::put(app, who, files, &hash, note, draft).await?;
    install(app, definitions)?;
    // Woken by the log or the clock the reactors would come to it too; this only makes it now.
    app.metrics.wake();
    Ok(version)
}
