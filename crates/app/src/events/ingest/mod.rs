//! Ingest over HTTP: the Segment tracking API, so that existing SDKs work with only their host changed.
//!
//! A request is read and unpacked ([`body`]), cut into messages without parsing ([`split`]), each message is parsed by itself ([`message`]),
//! checked and turned into events and changes ([`normalise`]), and all of it goes to the log in one step. The answer comes when it is on
//! disk. A message that cannot be taken in is kept as a reject and takes none of its neighbours with it.
//!
//! What an SDK may conclude from a status: 200 = taken in (or kept as a reject, for batches); 400, 401, 413 = will never be taken in like this;
//! 429 and 503, with `Retry-After` = send again. Whatever may pass by itself is one of the last two.

mod api;
mod body;
mod context;
mod cors;
mod hints;
mod intake;
mod message;
mod normalise;
mod quota;
mod replay;
mod sdk;
mod split;
#[cfg(test)]
mod tests;
mod time;
mod traits;

pub use api::routes;
pub use quota::Quota;
pub use replay::HttpReplayer;

/// The largest message, in bytes.
pub const MESSAGE_LIMIT: usize = 32 * 1_024;
/// The largest request, in bytes, packed and unpacked.
pub const BATCH_LIMIT: usize = 500 * 1_024;

/// What the ingest holds in memory: quotas, and who is who for the next seconds.
#[derive(Debug, Default)]
pub struct Ingesting {
    buckets: quota::Buckets,
    hints: hints::Hints,
}
