//! Completeness: which fields of accounts and contacts are filled, where from, how recently; and who lacks them.

mod api;
mod store;

pub use api::routes;
