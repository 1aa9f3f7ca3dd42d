//! Segments: who is where, since when and why, and what a change of the rules would do before it is made.
//!
//! The rules themselves are evaluated by `metrics` (an account's segment is a figure like any other); this slice shows them and previews
//! changes. Emits `segment_changed` events for the edges that `metrics` leaves ([`reactor`]).

mod api;
pub mod preview;
pub mod reactor;
#[cfg(test)]
mod tests;

pub use api::routes;
