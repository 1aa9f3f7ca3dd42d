//! The product: one folder per domain slice, and what they share.
//!
//! Four lists can each be read on one page: [`routes`], [`reactors`], the migrations in [`schema`], and the definitions.
//! A lower slice never names a higher one: `web < auth < {health, definitions, views} < accounts < events < metrics < scores < {segments, kpis} < models < {dashboards, revenue, owners, contacts} < notes < {profiles, duplicates, search} < imports < {program, inbox, setup}`.

pub mod ahead;
mod app;
pub mod reactors;
pub mod replayers;
pub mod routes;
pub mod schema;
#[cfg(test)]
pub mod testing;

pub mod accounts;
pub mod auth;
pub mod contacts;
pub mod dashboards;
pub mod definitions;
pub mod duplicates;
pub mod events;
pub mod health;
pub mod imports;
pub mod inbox;
pub mod kpis;
pub mod metrics;
pub mod models;
pub mod notes;
pub mod owners;
pub mod profiles;
pub mod program;
pub mod revenue;
pub mod scores;
pub mod search;
pub mod segments;
pub mod setup;
pub mod views;
pub mod web;

pub use app::{App, Config, Shared};

/// The program's own allocator: the tests spend a tenth of their time in that of glibc.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
