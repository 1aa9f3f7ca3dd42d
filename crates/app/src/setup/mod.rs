//! The first steps: what leads a new administrator from empty to the first dashboard, each ticked by what is really there.

mod api;
mod store;

pub use api::routes;
