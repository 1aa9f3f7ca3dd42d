//! SQL of the slice.

use tenure_store::{Execute, StoreResult};

/// Whether a query finds anything.
async fn any(on: &impl Execute, sql: &str) -> StoreResult<bool> {
    Ok(on.one(sql, vec![]).await?.is_some())
}

/// Whether events have come from outside by another way than an import.
pub(super) async fn has_source(on: &impl Execute) -> StoreResult<bool> {
    let sql = "SELECT 1 AS one FROM event_sources WHERE source NOT IN ('tenure', 'import') AND source NOT LIKE 'import:%' LIMIT 1";
    any(on, sql).await
}

/// Whether an import was done.
pub(super) async fn has_import(on: &impl Execute) -> StoreResult<bool> {
    any(on, "SELECT 1 AS one FROM imports WHERE NOT dry_run AND finished_at IS NOT NULL AND state <> 'failed' LIMIT 1").await
}
