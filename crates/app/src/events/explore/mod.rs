//! The explorer: what events come in at this moment, which names there are, and what each carries.

mod api;
mod profile;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
