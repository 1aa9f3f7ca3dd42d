//! Edges become events: an account that changed its segment gets a `segment_changed`, once, whatever happens in between.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value as Json};

use crate::App;
use crate::events::{self, Event, Kind};
use crate::metrics::edges_after;

/// Name of the cursor over edges.
const CURSOR: &str = "edges.segments";

/// Appends the events of all edges since the last time. The message id is made of the edge's place, so that doing it twice is doing it once.
///
/// # Errors
/// When records or log fail; the next call goes on.
pub async fn emit(app: &App) -> Result<bool> {
    let mut cursor = crate::metrics::edge_cursor(app, CURSOR).await?;
    let mut any = false;
    loop {
        let edges = edges_after(app, cursor, 1_000).await?;
        let Some(last) = edges.last().map(|edge| edge.0) else {
            return Ok(any);
        };
        let mut out = Vec::new();
        for (seq, no, at, changes) in edges {
            let Some(Json::Array(pair)) = changes.get("segment") else {
                continue;
            };
            let Some(account) = app.metrics.book.get(no) else {
                continue;
            };
            let mut properties = Map::new();
            properties.insert("from".into(), pair.first().cloned().unwrap_or_default());
            properties.insert("to".into(), pair.get(1).cloned().unwrap_or_default());
            properties.insert("why".into(), changes.get("why").cloned().unwrap_or_default());
            out.push(Event {
                message_id: format!("tenure/segment/{seq}"),
                account: Some(account.id.clone()),
                contact: None,
                name: "segment_changed".into(),
                kind: Kind::Account,
                occurred_at: at,
                received_at: at,
                source: "tenure".into(),
                properties,
            });
        }
        if !out.is_empty() {
            events::append(app, out).await?;
        }
        crate::metrics::set_edge_cursor(app, CURSOR, last).await?;
        cursor = last;
        any = true;
    }
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut changes = app.metrics.watch();
    loop {
        if let Err(error) = emit(&app).await {
            tracing::error!(error = %format!("{error:#}"), "segment changes could not be noted; trying again");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}
