//! SQL of the slice.

use serde_json::json;
use tenure_store::{Batch, Conflict, Execute, Row, StoreError, StoreResult, args};

use super::{Files, Version};
use crate::App;
use crate::auth::{Principal, audit};
use crate::metrics;

fn version(row: &Row) -> StoreResult<Version> {
    Ok(Version {
        version: row.get("version")?,
        hash: row.get("hash")?,
        applied_at: row.get("applied_at")?,
        actor: row.get("actor")?,
        note: row.get("note")?,
    })
}

fn files(row: &Row) -> StoreResult<Files> {
    let text: String = row.get("files")?;
    serde_json::from_str(&text)
        .map_err(|error| tenure_store::StoreError::Other(format!("a kept program: {error}")))
}

/// The newest version with its files.
pub async fn newest(on: &impl Execute) -> StoreResult<Option<(Version, Files)>> {
    let row = on
        .one(
            "SELECT * FROM program_versions ORDER BY version DESC LIMIT 1",
            vec![],
        )
        .await?;
    row.map(|row| Ok((version(&row)?, files(&row)?))).transpose()
}

/// One version with its files.
pub async fn get(on: &impl Execute, number: i64) -> StoreResult<Option<(Version, Files)>> {
    let row = on
        .one("SELECT * FROM program_versions WHERE version = $1", args![number])
        .await?;
    row.map(|row| Ok((version(&row)?, files(&row)?))).transpose()
}

/// All versions, newest first.
pub async fn all(on: &impl Execute) -> StoreResult<Vec<Version>> {
    let sql = "SELECT version, hash, applied_at, actor, note FROM program_versions ORDER BY version DESC";
    on.all(sql, vec![]).await?.iter().map(version).collect()
}

/// Keeps a new version with its audit row, and marks every KPI figure as stale. With `draft` it must follow that version, and the author's
/// drafts of those documents end.
pub async fn put(
    app: &App,
    who: &Principal,
    files: &Files,
    hash: &str,
    note: Option<&str>,
    draft: Option<(i64, &[String])>,
) -> StoreResult<Version> {
    let tx = app.store.begin().await?;
    let last = tx
        .one(
            "SELECT COALESCE(MAX(version), 0) AS version FROM program_versions",
            vec![],
        )
        .await?;
    let number: i64 = last.map_or(Ok(0), |row| row.get("version"))? + 1;
    if let Some((base, files)) = draft {
        if number != base + 1 {
            return Err(StoreError::Conflict(format!(
                "version {} of the program was applied meanwhile; nothing was overwritten: look at the differences and apply again",
                number - 1
            )));
        }
        for file in files {
            super::drafts::clear(&tx, &who.actor, file).await?;
        }
    }
    let now = app.clock.micros();
    let mut batch = Batch::new(
        "program_versions",
        &["version", "hash", "files", "applied_at", "actor", "note"],
    );
    let text = serde_json::to_string(files).unwrap_or_default();
    batch.row(args![
        number,
        hash,
        text,
        now,
        who.actor.clone(),
        note.map(str::to_owned)
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    // What the KPIs are computed by may have changed: until that was looked at, their figures do not count as current.
    metrics::mark_months(&tx, &[metrics::NO_MONTH], now).await?;
    let detail = json!({ "hash": hash, "files": files.keys().collect::<Vec<_>>(), "note": note });
    audit(
        &tx,
        &app.clock,
        who,
        "program.apply",
        &format!("program/{number}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Version {
        version: number,
        hash: hash.to_owned(),
        applied_at: now,
        actor: who.actor.clone(),
        note: note.map(str::to_owned),
    })
}
