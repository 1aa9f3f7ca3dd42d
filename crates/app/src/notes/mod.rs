//! Notes: what people write down about an account, with mentions and attachments.
//!
//! A note's text is Markdown as it was typed. It is never turned into HTML here: whoever shows it renders a small part of Markdown as
//! elements, and everything else as text. `@ann@example.com` mentions the user with that address, who finds it among their mentions.
//! The event on the timeline (`note_added`, `note_changed`, `note_removed`, `note_restored`) names the note but does not hold its text.
//! A note that is removed comes back for [`KEPT_DAYS`] days and is then forgotten, files included; the last versions before a change are kept
//! with it. Attachments lie in the data folder (`attachments/`), at most [`LARGEST`] bytes each; they are always handed out as
//! downloads of no particular type. [`erase_account`] forgets all notes of an account, files included.
//!
//! Emits: `note_added`, `note_changed`, `note_removed`, `note_restored`.

mod api;
mod attachments;
mod files;
mod mentions;
mod rules;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;
use tenure_store::StoreResult;
use utoipa::ToSchema;

use crate::App;
use crate::metrics::as_of;

pub use api::routes;
pub use files::LARGEST;

/// The longest text of a note, in characters.
pub const LONGEST: usize = 20_000;

/// Days for which a removed note comes back.
pub const KEPT_DAYS: i64 = 30;

/// A file that belongs to a note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attachment {
    /// Its id: `GET /api/v1/attachments/{id}`.
    pub id: String,
    /// Its name as it was when it was added.
    pub name: String,
    /// Its size.
    pub bytes: i64,
    /// When it was added.
    pub added_at: String,
}

/// Somebody who did something: the actor as the audit knows it, and what people read.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NoteAuthor)]
pub struct Author {
    /// `user:ID`, `key:ID` or `operator`.
    pub actor: String,
    /// What people read.
    pub name: String,
}

/// A note.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Note)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The account.
    pub account_id: String,
    /// The contact that it is about, where it names one.
    pub contact_id: Option<String>,
    /// Markdown, as typed.
    pub body: String,
    /// Who wrote it.
    pub author: Author,
    /// When.
    pub created_at: String,
    /// When it was changed last.
    pub updated_at: String,
    /// By whom.
    pub updated_by: Author,
    /// Whether it stands above the others.
    pub pinned: bool,
    /// Send it back with a change.
    pub version: i64,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Users whom it mentions.
    pub mentions: Vec<Author>,
}

/// Names of users by actor.
pub(crate) async fn names(app: &App) -> StoreResult<HashMap<String, String>> {
    let people = crate::auth::people(app).await?;
    let name = |person: crate::auth::Person| (format!("user:{}", person.id), person.name);
    Ok(people.into_iter().map(name).collect())
}

/// The notes of an account that were there at an instant, pinned ones first, then the newest; at most `limit`.
///
/// # Errors
/// When the records fail.
pub async fn of_account(app: &App, account_no: i64, until: i64, limit: i64) -> StoreResult<Vec<Line>> {
    let kept = store::of_account(&app.store, account_no, until, limit).await?;
    lines(app, kept).await
}

/// Notes as they are shown.
async fn lines(app: &App, kept: Vec<store::Kept>) -> StoreResult<Vec<Line>> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let names = names(app).await?;
    let ids: Vec<&str> = kept.iter().map(|note| note.id.as_str()).collect();
    let mut files = store::attachments(&app.store, &ids).await?;
    let mut mentions = store::mentions_of(&app.store, &ids).await?;
    let author = |actor: &str| Author {
        name: names.get(actor).cloned().unwrap_or_else(|| actor.to_owned()),
        actor: actor.to_owned(),
    };
    Ok(kept
        .into_iter()
        .map(|note| Line {
            account_id: app
                .accounts
                .account_id(
                    app.accounts
                        .root(crate::accounts::AccountNo::new(note.account_no)),
                )
                .unwrap_or_default(),
            attachments: files.remove(&note.id).unwrap_or_default(),
            mentions: mentions
                .remove(&note.id)
                .unwrap_or_default()
                .iter()
                .map(|user| author(&format!("user:{user}")))
                .collect(),
            author: author(&note.actor),
            created_at: as_of::instant(note.created_at),
            updated_at: as_of::instant(note.updated_at),
            updated_by: author(&note.updated_by),
            contact_id: note.contact_id,
            body: note.body,
            pinned: note.pinned,
            version: note.version,
            id: note.id,
        })
        .collect())
}

/// Forgets all notes of an account and their files; tells how many notes there were. The caller writes the audit row.
///
/// # Errors
/// When the records fail; the next call goes on.
pub async fn erase_account(app: &App, account_no: i64) -> anyhow::Result<usize> {
    let tx = app.store.begin().await?;
    let (notes, attachments) = store::erase_account(&tx, account_no).await?;
    tx.commit().await?;
    for id in attachments {
        files::remove(app, &id).await;
    }
    Ok(notes)
}

/// Forgets what was removed [`KEPT_DAYS`] days ago or earlier; tells how many files went with it.
///
/// # Errors
/// When the records fail; the next call goes on.
pub async fn forget(app: &App) -> anyhow::Result<usize> {
    let tx = app.store.begin().await?;
    let gone = store::forget(&tx, app.clock.micros() - KEPT_DAYS * 86_400 * 1_000_000).await?;
    tx.commit().await?;
    for id in &gone {
        files::remove(app, id).await;
    }
    Ok(gone.len())
}

/// Forgets removed notes when their time has come, until the server stops.
pub async fn housekeeping(app: App) {
    loop {
        if let Err(error) = forget(&app).await {
            tracing::warn!(error = %format!("{error:#}"), "removed notes could not be forgotten; trying again");
        }
        tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    }
}
