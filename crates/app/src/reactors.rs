//! All reactors and jobs: what works by itself after a commit or by the clock. Each takes no input, is idempotent,
//! wakes by signal and by clock, and keeps its place in the table `cursors`.

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{App, events};

/// Starts all of them. Each ends, after the step that it is in, when `stop` turns true or its sender is gone.
#[must_use]
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(events::housekeeping(app.clone(), stop.clone()));
    tasks
}
