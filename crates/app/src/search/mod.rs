//! Search as one types: accounts and contacts by name, id or address, a few of each, the likeliest first.
//!
//! Accounts are looked for in one text in memory (built anew at most every few seconds after accounts changed); contacts by the beginning of
//! their name, address or id through the indexes of the records. Both are bounded whatever is typed.

mod api;
mod index;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
pub use index::Index;
