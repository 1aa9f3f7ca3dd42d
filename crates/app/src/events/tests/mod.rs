//! The log against the real database, on files of its own.

mod api;
mod append;
mod bulk;
mod crash;
mod erase;
mod ids;
mod kill;
mod model;
mod seal;
mod timeline;
mod world;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Stops the log's work at a named point for ever, as a crash there would.
#[derive(Default)]
pub(super) struct Stop {
    at: Mutex<Option<&'static str>>,
    reached: Notify,
}

impl Stop {
    pub(super) async fn reach(&self, name: &'static str) {
        if *self.at.lock() == Some(name) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn at(&self, name: &'static str) {
        *self.at.lock() = Some(name);
    }
}
