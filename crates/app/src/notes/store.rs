//! SQL of the slice.

use std::collections::HashMap;

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, Value, args};

use super::Attachment;
use crate::metrics::as_of;

/// A note as kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub id: String,
    pub account_no: i64,
    pub contact_id: Option<String>,
    pub body: String,
    pub actor: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub updated_by: String,
    pub pinned: bool,
    pub version: i64,
    /// By whom it was removed; it comes back until it is forgotten.
    pub removed_by: Option<String>,
}

/// Earlier versions of a note that are kept.
const VERSIONS: i64 = 20;

const NOTE: &str = "SELECT id, account_no, contact_id, body, actor, created_at, updated_at, updated_by, pinned, version, removed_by FROM notes";

fn kept(row: &Row) -> StoreResult<Kept> {
    Ok(Kept {
        id: row.get("id")?,
        account_no: row.get("account_no")?,
        contact_id: row.get("contact_id")?,
        body: row.get("body")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        updated_by: row.get("updated_by")?,
        pinned: row.get("pinned")?,
        version: row.get("version")?,
        removed_by: row.get("removed_by")?,
    })
}

/// The notes of an account that were there at an instant.
pub(super) async fn of_account(
    on: &impl Execute,
    account_no: i64,
    until: i64,
    limit: i64,
) -> StoreResult<Vec<Kept>> {
    let sql = format!(
        "{NOTE} WHERE (account_no = $1 OR account_no IN (SELECT no FROM account_roots WHERE root_no = $1)) AND created_at < $2 AND removed_at IS NULL ORDER BY CASE WHEN pinned THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT $3"
    );
    on.all(&sql, args![account_no, until, limit])
        .await?
        .iter()
        .map(kept)
        .collect()
}

/// The note with this id, removed or not.
pub(super) async fn note(on: &impl Execute, id: &str) -> StoreResult<Option<Kept>> {
    on.one(&format!("{NOTE} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(kept)
        .transpose()
}

/// Adds a note; false when its id is taken.
pub(super) async fn add(tx: &Tx, note: &Kept) -> StoreResult<bool> {
    let mut batch = Batch::new(
        "notes",
        &[
            "id",
            "account_no",
            "contact_id",
            "body",
            "actor",
            "created_at",
            "updated_at",
            "updated_by",
            "pinned",
            "version",
        ],
    );
    batch.row(args![
        note.id.as_str(),
        note.account_no,
        note.contact_id.clone(),
        note.body.as_str(),
        note.actor.as_str(),
        note.created_at,
        note.updated_at,
        note.updated_by.as_str(),
        note.pinned,
        note.version
    ]);
    Ok(tx.insert(batch, Conflict::Ignore("id")).await? == 1)
}

/// Changes a note that still has the version before, which is kept; false when it has not.
pub(super) async fn change(tx: &Tx, note: &Kept) -> StoreResult<bool> {
    tx.run(
        "INSERT INTO note_versions (note_id, version, body, contact_id, pinned, actor, at) \
         SELECT id, version, body, contact_id, pinned, updated_by, updated_at FROM notes WHERE id = $1 AND version = $2 AND removed_at IS NULL",
        args![note.id.as_str(), note.version - 1],
    )
    .await?;
    tx.run(
        "DELETE FROM note_versions WHERE note_id = $1 AND version < $2",
        args![note.id.as_str(), note.version - VERSIONS],
    )
    .await?;
    let changed = tx
        .run(
            "UPDATE notes SET contact_id = $1, body = $2, updated_at = $3, updated_by = $4, pinned = $5, version = $6 \
             WHERE id = $7 AND version = $8 AND removed_at IS NULL",
            args![
                note.contact_id.clone(),
                note.body.as_str(),
                note.updated_at,
                note.updated_by.as_str(),
                note.pinned,
                note.version,
                note.id.as_str(),
                note.version - 1
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// An earlier version of a note.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub version: i64,
    pub body: String,
    pub contact_id: Option<String>,
    pub pinned: bool,
    pub actor: String,
    pub at: i64,
}

/// The earlier versions of a note that are kept, the newest first.
pub(super) async fn versions(on: &impl Execute, id: &str) -> StoreResult<Vec<Earlier>> {
    on.all(
        "SELECT version, body, contact_id, pinned, actor, at FROM note_versions WHERE note_id = $1 ORDER BY version DESC",
        args![id],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(Earlier {
            version: row.get("version")?,
            body: row.get("body")?,
            contact_id: row.get("contact_id")?,
            pinned: row.get("pinned")?,
            actor: row.get("actor")?,
            at: row.get("at")?,
        })
    })
    .collect()
}

/// Puts a note aside, to come back until it is forgotten; false when it is removed already.
pub(super) async fn remove(tx: &Tx, id: &str, at: i64, actor: &str) -> StoreResult<bool> {
    let sql = "UPDATE notes SET removed_at = $1, removed_by = $2 WHERE id = $3 AND removed_at IS NULL";
    Ok(tx.run(sql, args![at, actor, id]).await? == 1)
}

/// Brings a removed note back under its next version; false when it is not there any more, or not removed.
pub(super) async fn restore(tx: &Tx, id: &str) -> StoreResult<bool> {
    let sql = "UPDATE notes SET removed_at = NULL, removed_by = NULL, version = version + 1 WHERE id = $1 AND removed_at IS NOT NULL";
    Ok(tx.run(sql, args![id]).await? == 1)
}

/// Forgets the notes that were removed before an instant; gives the ids of their files.
pub(super) async fn forget(tx: &Tx, before: i64) -> StoreResult<Vec<String>> {
    let rows = tx
        .all("SELECT id FROM notes WHERE removed_at < $1", args![before])
        .await?;
    let mut files = Vec::new();
    for row in &rows {
        files.extend(erase(tx, &row.get::<String>("id")?).await?);
    }
    Ok(files)
}

/// Erases a note with all that belongs to it; gives the ids of its files.
async fn erase(tx: &Tx, id: &str) -> StoreResult<Vec<String>> {
    let rows = tx
        .all("SELECT id FROM note_attachments WHERE note_id = $1", args![id])
        .await?;
    for table in ["note_attachments", "note_mentions", "note_versions"] {
        tx.run(&format!("DELETE FROM {table} WHERE note_id = $1"), args![id])
            .await?;
    }
    tx.run("DELETE FROM notes WHERE id = $1", args![id]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Removes all notes of an account; gives their number and the ids of their files.
pub(super) async fn erase_account(tx: &Tx, account_no: i64) -> StoreResult<(usize, Vec<String>)> {
    let rows = tx
        .all("SELECT id FROM notes WHERE account_no = $1", args![account_no])
        .await?;
    let mut files = Vec::new();
    for row in &rows {
        files.extend(erase(tx, &row.get::<String>("id")?).await?);
    }
    Ok((rows.len(), files))
}

/// A condition that a column is one of these notes.
fn among(ids: &[&str]) -> (String, Vec<Value>) {
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let list = if places.is_empty() {
        "NULL".to_owned()
    } else {
        places.join(", ")
    };
    (list, ids.iter().map(|id| Value::from(*id)).collect())
}

/// The files of notes, in the order in which they were added.
pub(super) async fn attachments(
    on: &impl Execute,
    notes: &[&str],
) -> StoreResult<HashMap<String, Vec<Attachment>>> {
    let (list, values) = among(notes);
    let sql = format!(
        "SELECT id, note_id, name, bytes, at FROM note_attachments WHERE note_id IN ({list}) ORDER BY at, id"
    );
    let mut found: HashMap<String, Vec<Attachment>> = HashMap::new();
    for row in on.all(&sql, values).await? {
        found.entry(row.get("note_id")?).or_default().push(Attachment {
            id: row.get("id")?,
            name: row.get("name")?,
            bytes: row.get("bytes")?,
            added_at: as_of::instant(row.get("at")?),
        });
    }
    Ok(found)
}

/// Adds a file.
pub(super) async fn attach(
    tx: &Tx,
    note: &str,
    it: (&str, &str, i64, &str),
    at: i64,
    actor: &str,
) -> StoreResult<()> {
    let (id, name, bytes, hash) = it;
    let mut batch = Batch::new(
        "note_attachments",
        &["id", "note_id", "name", "bytes", "hash", "at", "actor"],
    );
    batch.row(args![id, note, name, bytes, hash, at, actor]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// A file's note, name and hash.
pub(super) async fn attachment(on: &impl Execute, id: &str) -> StoreResult<Option<(String, String, String)>> {
    on.one(
        "SELECT f.note_id, f.name, f.hash FROM note_attachments f JOIN notes n ON n.id = f.note_id WHERE f.id = $1 AND n.removed_at IS NULL",
        args![id],
    )
    .await?
    .map(|row| Ok((row.get("note_id")?, row.get("name")?, row.get("hash")?)))
    .transpose()
}

/// Removes a file.
pub(super) async fn detach(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run("DELETE FROM note_attachments WHERE id = $1", args![id])
        .await?;
    Ok(())
}

/// Users whom notes mention.
pub(super) async fn mentions_of(
    on: &impl Execute,
    notes: &[&str],
) -> StoreResult<HashMap<String, Vec<String>>> {
    let (list, values) = among(notes);
    let sql =
        format!("SELECT note_id, user_id FROM note_mentions WHERE note_id IN ({list}) ORDER BY user_id");
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for row in on.all(&sql, values).await? {
        found
            .entry(row.get("note_id")?)
            .or_default()
            .push(row.get("user_id")?);
    }
    Ok(found)
}

/// Mentions users; who was mentioned before is not told again, who is no longer is not told any more.
pub(super) async fn mention(tx: &Tx, note: &str, users: &[String], at: i64) -> StoreResult<()> {
    let held: Vec<String> = tx
        .all(
            "SELECT user_id FROM note_mentions WHERE note_id = $1",
            args![note],
        )
        .await?
        .iter()
        .map(|row| row.get("user_id"))
        .collect::<StoreResult<_>>()?;
    for gone in held.iter().filter(|user| !users.contains(user)) {
        tx.run(
            "DELETE FROM note_mentions WHERE note_id = $1 AND user_id = $2",
            args![note, gone.as_str()],
        )
        .await?;
    }
    let mut batch = Batch::new("note_mentions", &["note_id", "user_id", "at"]);
    for user in users {
        batch.row(args![note, user.as_str(), at]);
    }
    tx.insert(batch, Conflict::Ignore("note_id, user_id")).await?;
    Ok(())
}

/// A mention as kept: its note, when it was made, when it was seen.
pub(super) struct Mention {
    pub note: Kept,
    pub at: i64,
    pub seen_at: Option<i64>,
}

/// A user's mentions, newest first, and how many were not seen.
pub(super) async fn mentions(on: &impl Execute, user: &str, limit: i64) -> StoreResult<(Vec<Mention>, i64)> {
    let sql = "SELECT n.id, n.account_no, n.contact_id, n.body, n.actor, n.created_at, n.updated_at, n.updated_by, n.pinned, n.version, n.removed_by, \
               m.at, m.seen_at FROM note_mentions m JOIN notes n ON n.id = m.note_id WHERE m.user_id = $1 AND n.removed_at IS NULL ORDER BY m.at DESC, n.id DESC LIMIT $2";
    let found = on
        .all(sql, args![user, limit])
        .await?
        .iter()
        .map(|row| {
            Ok(Mention {
                note: kept(row)?,
                at: row.get("at")?,
                seen_at: row.get("seen_at")?,
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;
    let unseen = on
        .one(
            "SELECT COUNT(*) AS n FROM note_mentions m JOIN notes n ON n.id = m.note_id WHERE m.user_id = $1 AND m.seen_at IS NULL AND n.removed_at IS NULL",
            args![user],
        )
        .await?
        .map_or(Ok(0), |row| row.get("n"))?;
    Ok((found, unseen))
}

/// Notes that a user has seen mentions; tells how many were new.
pub(super) async fn seen(tx: &Tx, user: &str, notes: &[String], at: i64) -> StoreResult<u64> {
    let mut changed = 0;
    for note in notes {
        changed += tx
            .run(
                "UPDATE note_mentions SET seen_at = $1 WHERE user_id = $2 AND note_id = $3 AND seen_at IS NULL",
                args![at, user, note.as_str()],
            )
            .await?;
    }
    Ok(changed)
}
