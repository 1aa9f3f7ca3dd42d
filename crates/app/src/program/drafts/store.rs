//! SQL of drafts.

use serde_json::json;
use tenure_store::{Batch, Conflict, Execute, Row, StoreError, StoreResult, Tx, args};

use super::Draft;
use crate::App;
use crate::auth::{Principal, audit};

const COLUMNS: &str = "author, file, version, base_version, base, body, updated_at";

fn draft(row: &Row) -> StoreResult<Draft> {
    Ok(Draft {
        author: row.get("author")?,
        file: row.get("file")?,
        version: row.get("version")?,
        base_version: row.get("base_version")?,
        base: row.get("base")?,
        text: row.get("body")?,
        updated_at: row.get("updated_at")?,
    })
}

/// The drafts of an author, by document.
pub async fn of(on: &impl Execute, author: &str) -> StoreResult<Vec<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM program_drafts WHERE author = $1 ORDER BY file");
    on.all(&sql, args![author]).await?.iter().map(draft).collect()
}

/// An author's draft of a document.
pub async fn get(on: &impl Execute, author: &str, file: &str) -> StoreResult<Option<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM program_drafts WHERE author = $1 AND file = $2");
    on.one(&sql, args![author, file])
        .await?
        .as_ref()
        .map(draft)
        .transpose()
}

/// Who else has drafts: author with the name of a person, document, when it was written.
pub async fn others(on: &impl Execute, author: &str) -> StoreResult<Vec<(String, String, i64)>> {
    let sql = "SELECT d.author, u.name, d.file, d.updated_at FROM program_drafts d \
               LEFT JOIN users u ON d.author = 'user:' || u.id WHERE d.author <> $1 ORDER BY d.file, d.author";
    on.all(sql, args![author])
        .await?
        .iter()
        .map(|row| {
            let name: Option<String> = row.get("name")?;
            Ok((
                name.unwrap_or(row.get("author")?),
                row.get("file")?,
                row.get("updated_at")?,
            ))
        })
        .collect()
}

/// Keeps a draft in place of its version `seen` (0 = none), with its audit row.
pub async fn put(app: &App, who: &Principal, draft: &Draft, seen: i64) -> StoreResult<()> {
    let tx = app.store.begin().await?;
    let held = get(&tx, &draft.author, &draft.file)
        .await?
        .map_or(0, |held| held.version);
    if held != seen {
        return Err(StoreError::Conflict(format!(
            "the draft of {} was written by another window meanwhile: load it again",
            draft.file
        )));
    }
    let columns = [
        "author",
        "file",
        "version",
        "base_version",
        "base",
        "body",
        "updated_at",
    ];
    let mut batch = Batch::new("program_drafts", &columns);
    batch.row(args![
        draft.author.clone(),
        draft.file.clone(),
        draft.version,
        draft.base_version,
        draft.base.clone(),
        draft.text.clone(),
        draft.updated_at
    ]);
    let kept = ["version", "base_version", "base", "body", "updated_at"];
    tx.insert(batch, Conflict::Update("author, file", &kept)).await?;
    let detail = json!({ "version": draft.version, "base_version": draft.base_version });
    audit(
        &tx,
        &app.clock,
        who,
        "program.draft",
        &format!("draft/{}", draft.file),
        &detail,
    )
    .await?;
    tx.commit().await
}

/// Throws an author's draft of a document away, or all of them, with an audit row where there was one.
pub async fn discard(app: &App, who: &Principal, file: Option<&str>) -> StoreResult<()> {
    let tx = app.store.begin().await?;
    let mut gone = of(&tx, &who.actor).await?;
    gone.retain(|draft| file.is_none_or(|file| draft.file == file));
    if gone.is_empty() {
        return Ok(());
    }
    for draft in &gone {
        clear(&tx, &who.actor, &draft.file).await?;
    }
    let files: Vec<&str> = gone.iter().map(|draft| draft.file.as_str()).collect();
    audit(
        &tx,
        &app.clock,
        who,
        "program.discard",
        "draft",
        &json!({ "files": files }),
    )
    .await?;
    tx.commit().await
}

/// Takes one draft away.
pub async fn clear(tx: &Tx, author: &str, file: &str) -> StoreResult<()> {
    tx.run(
        "DELETE FROM program_drafts WHERE author = $1 AND file = $2",
        args![author, file],
    )
    .await?;
    Ok(())
}
