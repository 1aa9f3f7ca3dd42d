//! What the log does by itself: sealing, compaction, settling of message ids, deleting replaced files.

use std::time::{Duration, Instant};

use tenure_store::StoreResult;
use tokio::sync::watch;

use super::attribute::attribute;
use super::compact::compact;
use super::log::Core;
use super::seal::{Limits, seal};
use super::settle::settle;
use super::store;
use super::writer::{HOUR, HOURS_KEPT};
use crate::App;

/// How often the log looks whether there is something to do.
const EVERY: Duration = Duration::from_secs(5);

/// Works until `stop` turns true. Each round does what is due; what fails is tried again in the next round.
pub async fn housekeeping(app: App, mut stop: watch::Receiver<bool>) {
    let mut last_hour = 0;
    let mut attribute_from = Instant::now();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let core = &app.log.core;
        if let Err(error) = round(core, Limits::default()).await {
            tracing::warn!(%error, "the log's housekeeping will be tried again");
        }
        if Instant::now() >= attribute_from {
            let began = Instant::now();
            if let Err(error) = attribute(core).await {
                tracing::warn!(%error, "earlier events of people who became known will be attributed later");
            }
            // Files are rewritten for it: a tenth of the time at most.
            attribute_from = Instant::now() + began.elapsed() * 9;
        }
        let hour = core.clock.micros().div_euclid(HOUR);
        if hour != last_hour {
            last_hour = hour;
            if let Err(error) = hourly(core, hour).await {
                tracing::warn!(%error, "the log's hourly work waits for another hour");
            }
        }
    }
}

/// One round of everything.
pub(super) async fn round(core: &Core, limits: Limits) -> StoreResult<()> {
    settle(core).await?;
    seal(core, limits).await?;
    compact(core).await?;
    Ok(())
}

/// Drops counts that nobody asks for any more, and empties the records' own log.
async fn hourly(core: &Core, hour: i64) -> StoreResult<()> {
    let tx = core.store.begin().await?;
    store::forget_hours_before(&tx, hour - HOURS_KEPT).await?;
    tx.commit().await?;
    core.store.checkpoint().await
}
