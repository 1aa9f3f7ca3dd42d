//! Saved views: how a page was filtered, ordered and laid out, under a name, for oneself or for the team, one of them as the page's default.
//!
//! What a view holds is what the page's address holds (its query), so a view is a link with a name and nothing else has to understand it.

mod api;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
