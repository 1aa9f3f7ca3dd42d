//! Dashboards: pages of tiles over KPIs, metrics of accounts and queries, with filters, comparison and the accounts behind every point.
//!
//! A dashboard is data: a file of the program (`dashboards/NAME.yaml`), or one that a person made (table `dashboards`), both of the same
//! shape ([`crate::definitions::Dashboard`]) and checked by the same rules. One call gives a whole page ([`page`]): KPIs through
//! [`crate::kpis::reading`], which reads kept figures and remembers computed ones; accounts out of the book; queries through the lake's
//! guard, their [`answers`] kept until something happens, over a start too.
//!
//! [`warm`] computes what pages show at first before somebody asks. Listens to: the figures of `kpis`. Emits: nothing.

pub mod answers;
mod api;
mod base;
mod export;
mod figures;
mod filters;
mod frame;
mod merge;
mod own;
mod own_api;
mod packed;
mod page;
mod query;
mod store;
#[cfg(test)]
mod tests;
pub mod warm;

pub use answers::Answers;
pub use api::routes;
pub use query::check;
