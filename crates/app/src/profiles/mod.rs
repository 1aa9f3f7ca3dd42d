//! Account 360: everything known of an account in one answer, as it is now or as it was on any day.
//!
//! Nothing is kept here. The page is put together from the slices that know: measures, segment and MRR from `metrics`, its metrics week by
//! week from the same kept facts, timeline and tickets from the log (files that cannot hold the account are not opened), contacts, notes,
//! and hand-overs from the slices below.

mod api;
#[cfg(test)]
mod tests;
mod tickets;

pub use api::routes;
