//! Targets in depth: baselines that a person froze, the way so far month by month, and where it leads.

mod api;
pub mod baseline;
pub mod forecast;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
