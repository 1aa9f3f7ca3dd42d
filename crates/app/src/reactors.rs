//! All reactors and jobs: what works by itself after a commit or by the clock. Each takes no input, is idempotent,
//! wakes by signal and by clock, and keeps its place in the records.

use std::future::Future;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{App, events, imports, kpis, metrics, owners, segments};

/// Starts all of them. Each ends when `stop` turns true or its sender is gone: the housekeeping after the step that it is in, the others at
/// once, because what they had not committed is done again at the next start.
#[must_use]
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(events::housekeeping(app.clone(), stop.clone()));
    tasks.spawn(until(stop.clone(), metrics::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), segments::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), owners::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), kpis::reactor::run(app.clone())));
    tasks.spawn(imports::go_on(app.clone()));
    tasks
}

async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}

/// Lets every reactor do what is due, until none has anything left.
///
/// # Errors
/// The first fault.
pub async fn catch_up(app: &App) -> Result<()> {
    loop {
        let mut worked = metrics::catch_up(app).await?;
        worked |= segments::reactor::emit(app).await?;
        worked |= owners::reactor::emit(app).await?;
        worked |= owners::reactor::assign(app).await?;
        if !worked {
            break;
        }
    }
    while kpis::reactor::refresh(app).await? {}
    Ok(())
}
