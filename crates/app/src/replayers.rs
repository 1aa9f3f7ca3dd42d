//! All replayers: who takes rejects in again, each its own kind.

use crate::events::ingest::HttpReplayer;
use crate::events::rejects::Replayer;
use crate::imports::ImportReplayer;

/// Every replayer. A reject goes to the first that owns it.
#[must_use]
pub fn all() -> &'static [&'static dyn Replayer] {
    &[&HttpReplayer, &ImportReplayer]
}
