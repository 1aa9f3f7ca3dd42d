//! SQL of kept copies.

use tenure_store::{Batch, Conflict, Execute, StoreResult, Tx, args};

use super::Copied;

pub(super) async fn get(on: &impl Execute, key: &str) -> StoreResult<Option<Copied>> {
    on.one(
        "SELECT key, basis, computed_at, body FROM event_copies WHERE key = $1",
        args![key],
    )
    .await?
    .map(|row| {
        Ok(Copied {
            key: row.get("key")?,
            basis: row.get("basis")?,
            computed_at: row.get("computed_at")?,
            body: row.get("body")?,
        })
    })
    .transpose()
}

pub(super) async fn put(tx: &Tx, copy: &Copied) -> StoreResult<()> {
    let columns = ["key", "basis", "computed_at", "bytes", "body"];
    let mut batch = Batch::new("event_copies", &columns);
    batch.row(args![
        copy.key.as_str(),
        copy.basis.as_str(),
        copy.computed_at,
        i64::try_from(copy.body.len()).unwrap_or(i64::MAX),
        copy.body.clone()
    ]);
    tx.insert(
        batch,
        Conflict::Update("key", &["basis", "computed_at", "bytes", "body"]),
    )
    .await?;
    Ok(())
}

pub(super) async fn forget(tx: &Tx, key: &str) -> StoreResult<()> {
    tx.run("DELETE FROM event_copies WHERE key = $1", args![key])
        .await?;
    Ok(())
}

/// Forgets every copy.
pub(in crate::events) async fn forget_all(tx: &Tx) -> StoreResult<()> {
    tx.run("DELETE FROM event_copies", vec![]).await?;
    Ok(())
}

pub(super) async fn forget_before(tx: &Tx, instant: i64) -> StoreResult<()> {
    tx.run("DELETE FROM event_copies WHERE computed_at < $1", args![instant])
        .await?;
    Ok(())
}

/// Forgets the oldest beyond so many, and beyond so many bytes.
pub(super) async fn shrink(tx: &Tx, most: i64, bytes: i64) -> StoreResult<()> {
    let sql = "DELETE FROM event_copies WHERE key IN (SELECT key FROM (\
                 SELECT key, ROW_NUMBER() OVER (ORDER BY computed_at DESC, key) AS place, \
                   SUM(bytes) OVER (ORDER BY computed_at DESC, key ROWS UNBOUNDED PRECEDING) AS total FROM event_copies) AS t \
               WHERE place > $1 OR total > $2)";
    tx.run(sql, args![most, bytes]).await?;
    Ok(())
}
