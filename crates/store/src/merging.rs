//! Merging of SQLite's write-ahead log into the file, away from the connection that commits.
//!
//! SQLite by itself merges inside the commit that makes the log long, and everybody who waits for the one writer waits for the
//! disk twice. Here a connection of its own copies the pages while commits go on; what arrived meanwhile, a few pages, is copied by
//! the writer between two transactions, after which the log starts again from its beginning.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::query::{self, Row};
use crate::{StoreError, StoreResult};

/// Pages (of 4 KB) in the log from which it is merged: 32 MB.
const LONG: i64 = 8_192;

/// Pages at which a commit merges by itself (256 MB), should merging beside it have failed.
pub(crate) const TOO_LONG: u32 = 65_536;

/// Least time between two looks at the log's length.
const REST: Duration = Duration::from_millis(100);

/// The task that merges; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Merging {
    written: Arc<Notify>,
    own: DatabaseConnection,
    task: JoinHandle<()>,
}

impl Merging {
    /// `own` is a pool of one connection for merging alone, `writes` the pool of the only writer.
    pub(crate) fn start(own: DatabaseConnection, writes: DatabaseConnection) -> Self {
        let written = Arc::new(Notify::new());
        let (wake, connection) = (written.clone(), own.clone());
        let task = tokio::spawn(async move {
            loop {
                wake.notified().await;
                tokio::time::sleep(REST).await;
                if let Err(error) = merge_when_long(&connection, &writes).await {
                    tracing::warn!(%error, "the log of the records was not merged; the next try follows, and commits merge by themselves if it grows");
                    tokio::time::sleep(REST * 50).await;
                }
            }
        });
        Self { written, own, task }
    }

    /// Says that something is about to be written.
    pub(crate) fn written(&self) {
        self.written.notify_one();
    }

    /// Stops merging and closes its connection.
    pub(crate) async fn stop(&self) {
        self.task.abort();
        let _ = self.own.clone().close().await;
    }
}

impl Drop for Merging {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Merges when [`LONG`] pages of the log are not in the file yet.
async fn merge_when_long(own: &DatabaseConnection, writes: &DatabaseConnection) -> StoreResult<()> {
    let (pages, merged) = run(own, "NOOP").await?;
    if pages - merged < LONG {
        return Ok(());
    }
    run(own, "PASSIVE").await?;
    run(writes, "PASSIVE").await?;
    Ok(())
}

/// Pages in the log, and how many of these are in the file.
async fn run(on: &DatabaseConnection, mode: &str) -> StoreResult<(i64, i64)> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let row: Row = query::pool_one(on, &sql, vec![])
        .await?
        .ok_or_else(|| StoreError::Other(format!("no answer to {sql}")))?;
    Ok((
        row.get::<i32>("log")?.into(),
        row.get::<i32>("checkpointed")?.into(),
    ))
}
