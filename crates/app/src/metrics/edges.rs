//! Edges: what changed of an account's state, for whoever reacts to it with a cursor of its own.

use anyhow::Result;
use serde_json::Value as Json;

use super::store;
use crate::App;

/// Edges after a place: place, account number, when it was noticed (UTC microseconds), `{"segment": [before, after], …}`.
///
/// # Errors
/// When the records fail.
pub async fn edges_after(app: &App, seq: i64, limit: i64) -> Result<Vec<(i64, i64, i64, Json)>> {
    Ok(store::edges_after(&app.store, seq, limit).await?)
}

/// The place up to which a reader of edges has come; 0 at first.
///
/// # Errors
/// When the records fail.
pub async fn edge_cursor(app: &App, name: &str) -> Result<i64> {
    Ok(store::setting(&app.store, name)
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

/// Moves a reader of edges.
///
/// # Errors
/// When the records fail.
pub async fn set_edge_cursor(app: &App, name: &str, seq: i64) -> Result<()> {
    let tx = app.store.begin().await?;
    store::set_setting(&tx, name, &seq.to_string()).await?;
    tx.commit().await?;
    Ok(())
}

/// How many months are marked for KPIs to be computed again.
///
/// # Errors
/// When the records fail.
pub async fn marked_months(app: &App) -> Result<i64> {
    Ok(store::marked_months(&app.store).await?)
}
