//! SQL of cells.

use std::collections::HashMap;

use tenure_store::{Batch, Conflict, Execute, Store, StoreResult, Tx, args};

use super::super::known::Cutoff;

/// The newest month end of any set.
pub(super) async fn newest(on: &impl Execute) -> StoreResult<Option<Cutoff>> {
    let sql = "SELECT MAX(newest_day) AS day, MAX(newest_end) AS instant FROM known_sets";
    let Some(row) = on.one(sql, vec![]).await? else {
        return Ok(None);
    };
    let (day, end) = (row.get::<Option<i64>>("day")?, row.get("instant")?);
    let day = day.map(|day| i32::try_from(day).unwrap_or(i32::MAX));
    Ok(day.zip(end).map(|(day, end)| Cutoff { day, end }))
}

/// Notes accounts whose cells may be others from step `seq` of the log on.
pub(super) async fn mark(tx: &Tx, nos: &[i64], seq: i64) -> StoreResult<()> {
    let mut batch = Batch::new("known_changed", &["account_no", "seq"]);
    for no in nos {
        batch.row(args![*no, seq]);
    }
    tx.insert(batch, Conflict::Update("account_no", &["seq"])).await?;
    Ok(())
}

/// The newest step that is noted.
pub(super) async fn newest_change(on: &impl Execute) -> StoreResult<Option<i64>> {
    on.one("SELECT MAX(seq) AS seq FROM known_changed", vec![])
        .await?
        .map_or(Ok(None), |row| row.get("seq"))
}

/// Accounts that are noted with a step after that of the oldest block of a set, and the step.
pub(super) async fn changed(on: &impl Execute, version: &str) -> StoreResult<HashMap<i64, i64>> {
    let sql = "SELECT account_no, seq FROM known_changed WHERE seq > (SELECT MIN(seq) FROM known_cells WHERE version = $1)";
    on.all(sql, args![version])
        .await?
        .iter()
        .map(|row| Ok((row.get("account_no")?, row.get("seq")?)))
        .collect()
}

/// Forgets everything.
pub(super) async fn forget(records: &Store) -> StoreResult<()> {
    let tx = records.begin().await?;
    for table in ["known_cells", "known_sets", "known_changed"] {
        tx.run(&format!("DELETE FROM {table}"), vec![]).await?;
    }
    tx.commit().await
}

/// Keeps that a set is used, with its newest month end; those that were used before `most` others give way.
pub(super) async fn announce(
    records: &Store,
    version: &str,
    newest: Cutoff,
    now: i64,
    most: i64,
) -> StoreResult<()> {
    let tx = records.begin().await?;
    let mut batch = Batch::new("known_sets", &["version", "newest_day", "newest_end", "used_at"]);
    batch.row(args![version, i64::from(newest.day), newest.end, now]);
    tx.insert(
        batch,
        Conflict::Update("version", &["newest_day", "newest_end", "used_at"]),
    )
    .await?;
    let old = format!(
        "version NOT IN (SELECT version FROM known_sets ORDER BY used_at DESC, CASE WHEN version = $1 THEN 0 ELSE 1 END LIMIT {most})"
    );
    for table in ["known_cells", "known_sets"] {
        tx.run(&format!("DELETE FROM {table} WHERE {old}"), args![version])
            .await?;
    }
    tx.commit().await
}

/// A block of a set: the step up to which it is right, and its cells.
pub(super) async fn block(
    on: &impl Execute,
    version: &str,
    block: i64,
) -> StoreResult<Option<(i64, Vec<u8>)>> {
    let sql = "SELECT seq, cells FROM known_cells WHERE version = $1 AND block = $2";
    on.one(sql, args![version, block])
        .await?
        .map(|row| Ok((row.get("seq")?, row.get("cells")?)))
        .transpose()
}

/// Keeps a block that is right up to a step, unless one is kept that is right up to a later one, or nobody wants the set any more.
pub(super) async fn put(
    records: &Store,
    version: &str,
    block: i64,
    seq: i64,
    cells: Vec<u8>,
) -> StoreResult<()> {
    let tx = records.begin().await?;
    let sql = "SELECT MAX(seq) AS seq FROM known_cells WHERE version = $1 AND block = $2";
    let row = tx.one(sql, args![version, block]).await?;
    let kept: Option<i64> = row.map_or(Ok(None), |row| row.get("seq"))?;
    let sql = "SELECT 1 AS one FROM known_sets WHERE version = $1";
    let wanted = tx.one(sql, args![version]).await?.is_some();
    if wanted && kept.is_none_or(|kept| kept <= seq) {
        let mut batch = Batch::new("known_cells", &["version", "block", "seq", "cells"]);
        batch.row(args![version, block, seq, cells]);
        tx.insert(batch, Conflict::Update("version, block", &["seq", "cells"]))
            .await?;
    }
    tx.commit().await
}
