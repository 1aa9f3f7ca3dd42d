//! Drafts: what a person is changing in the program's documents before it is applied.
//!
//! A draft belongs to its author and to one document. It remembers the text that it started from, so that a document which somebody else
//! applied meanwhile is noticed: then nothing is overwritten, both changes are shown, and brought together where they do not touch the same
//! lines. Every write names the draft's version that it was made on, so that two windows of one author do not overwrite each other either.

mod api;
mod store;

pub use api::routes;
pub(super) use api::working;
pub(super) use store::clear;

use super::Files;
use crate::auth::Principal;
use crate::definitions::FILES;
use crate::definitions::edit::{Edit, edit};
use crate::web::{Problem, Result};
use crate::{App, program};

/// The longest document, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// One person's change of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who changes it, as the audit names them.
    pub author: String,
    /// The document.
    pub file: String,
    /// Counts the writes: 1, 2, 3, …
    pub version: i64,
    /// The version of the program that it started from; 0 = there was none.
    pub base_version: i64,
    /// The document's text there; `None` = it did not exist.
    pub base: Option<String>,
    /// The changed text; `None` = the document is to go.
    pub text: Option<String>,
    /// When it was written, UTC microseconds.
    pub updated_at: i64,
}

/// A write of a draft.
#[derive(Clone, Debug)]
pub struct Write {
    /// The document.
    pub file: String,
    /// The draft's version that the author saw; 0 = none.
    pub version: i64,
    /// The version of the program that the author saw.
    pub base_version: i64,
    /// The new text; `None` = the document is to go.
    pub text: Option<String>,
}

/// The files in force with an author's drafts laid over them.
#[must_use]
pub fn laid_over(mut files: Files, drafts: &[Draft]) -> Files {
    for draft in drafts {
        match &draft.text {
            Some(text) => files.insert(draft.file.clone(), text.clone()),
            None => files.remove(&draft.file),
        };
    }
    files
}

/// Whether somebody else applied another text of the document since the draft was begun.
#[must_use]
pub fn outdated(draft: &Draft, in_force: &Files) -> bool {
    let now = in_force.get(&draft.file);
    now != draft.base.as_ref() && now != draft.text.as_ref()
}

/// Keeps a write. A text equal to the one that it started from is no draft any more.
///
/// # Errors
/// 409 when the draft was written elsewhere meanwhile; a field's problem when the document cannot be one.
pub async fn keep(app: &App, who: &Principal, write: Write) -> Result<Option<Draft>> {
    file_name(&write.file)?;
    if let Some(text) = write.text.as_ref().filter(|text| text.len() > MOST_BYTES) {
        return Err(Problem::field(
            "text",
            format!("{} bytes", text.len()),
            "is longer than a document may be",
            "keep it under 1 MB",
        ));
    }
    let held = store::get(&app.store, &who.actor, &write.file).await?;
    let seen = held.as_ref().map_or(0, |held| held.version);
    if held.is_some() && seen != write.version {
        return Err(moved(&write, seen));
    }
    let base = match &held {
        Some(held) if held.base_version == write.base_version => held.base.clone(),
        _ => base_text(app, &write).await?,
    };
    if held.as_ref().is_some_and(|held| {
        held.text == write.text && held.base == base && held.base_version == write.base_version
    }) {
        return Ok(held);
    }
    let draft = Draft {
        author: who.actor.clone(),
        version: seen + 1,
        base_version: write.base_version,
        updated_at: app.clock.micros(),
        base,
        text: write.text,
        file: write.file,
    };
    if draft.text == draft.base {
        if held.is_some() {
            store::discard(app, who, Some(&draft.file)).await?;
        }
        return Ok(None);
    }
    store::put(app, who, &draft, seen).await?;
    Ok(Some(draft))
}

fn moved(write: &Write, held: i64) -> Problem {
    let mut problem = Problem::field(
        "version",
        write.version,
        format!(
            "this draft of {} was changed in another window; it is at version {held} now",
            write.file
        ),
        "load it again; what you typed is still in this window",
    );
    problem.status = 409;
    problem.code = "draft_changed";
    problem.kind = "about:tenure/draft_changed".into();
    "The draft was changed elsewhere".clone_into(&mut problem.title);
    problem
}

async fn base_text(app: &App, write: &Write) -> Result<Option<String>> {
    if write.base_version == 0 {
        return Ok(None);
    }
    match program::version(app, write.base_version).await? {
        Some((_, files)) => Ok(files.get(&write.file).cloned()),
        None => Err(Problem::field(
            "base_version",
            write.base_version,
            "there is no such version of the program",
            "send the version in force that you saw, or 0 before the first",
        )),
    }
}

/// Makes a form's edits in the text that the author sees, and keeps it.
///
/// # Errors
/// As [`keep`]; 422 when the text cannot be edited by its fields.
pub async fn change(app: &App, who: &Principal, mut write: Write, edits: &[Edit]) -> Result<Option<Draft>> {
    file_name(&write.file)?;
    let held = store::get(&app.store, &who.actor, &write.file).await?;
    if held.as_ref().is_some_and(|held| held.version != write.version) {
        return Err(moved(&write, held.map_or(0, |held| held.version)));
    }
    let text = match &held {
        Some(held) => {
            write.base_version = held.base_version;
            held.text.clone()
        }
        None => base_text(app, &write).await?,
    };
    let text = edit(&text.unwrap_or_default(), edits)
        .map_err(|error| Problem::field("edits", &write.file, error.problem, error.remedy))?;
    write.text = Some(text);
    keep(app, who, write).await
}

/// A document's name: one of the program's files, or a file of a folder within it.
fn file_name(name: &str) -> Result<()> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let inner = name.ends_with(".yaml")
        && name.len() <= 120
        && name.split('/').count() == 2
        && name.split('/').all(part);
    if FILES.contains(&name) || inner {
        return Ok(());
    }
    Err(Problem::field(
        "file",
        name,
        "is not a document of a program",
        format!(
            "name one of {}, or a .yaml file of a folder such as dashboards/",
            FILES.join(", ")
        ),
    ))
}
