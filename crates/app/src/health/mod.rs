//! Whether the process lives, whether it can work, and its figures for Prometheus.

mod api;
mod catch_up;
mod diagnosis;
pub mod sandbox;
#[cfg(test)]
mod tests;

pub use api::{record_metrics, routes};
