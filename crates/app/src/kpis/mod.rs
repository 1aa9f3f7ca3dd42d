//! KPIs and targets: figures of the company and of its segments, where they stand against what was promised, and who is behind them.
//!
//! A KPI is data: its `facts` is a SQL query that gives one row for each account (or item) and period; [`engine`] runs it over the relations
//! `periods`, `cohort` and `period_events`, and [`stats`] adds the rows up by scope. [`status`] compares with the line from baseline to goal.
//! The figures of the last months and of today are kept (`kpi_values`) and brought up to date by the [`reactor`] when something that they
//! look at changed; any other day is computed when asked for.
//!
//! Listens to: marks that `metrics` sets (`kpi_dirty`). Emits: nothing.

mod api;
pub mod cohort;
pub mod engine;
pub mod overview;
pub mod reactor;
pub mod stats;
pub mod status;
mod store;
pub mod targets;
#[cfg(test)]
pub(crate) mod tests;
pub mod window;

pub use api::routes;
