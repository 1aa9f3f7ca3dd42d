//! Owners: who looks after which account, since when, and how accounts change hands.
//!
//! An account's owner is a field of its record with a history (`account_changes`, event `owner_changed`): the e-mail address of a person,
//! user or not, or `pool:ID` for a pool whose members look after it together. What stands beside that field lives here:
//! - [`settings`]: people (segments served, capacity, absence), pools, ordered assignment rules, the hand-over checklist; one document,
//!   each version kept;
//! - [`assign`]: who would be assigned, pure: the first rule that is true decides, a pool's members are balanced by accounts, MRR or
//!   accounts of the segment;
//! - [`moves`]: a reassignment moves any number of accounts in one transaction with its audit row, and can be undone;
//! - [`handover`]: a change of owner starts a checklist whose items are ticked off.
//!
//! Listens to: edges of accounts (cursor `edges.owners`) and, where rules are live, active accounts without an owner.
//! Emits: `owner_changed` (through the account), `task_created` and `task_completed` of hand-overs.

mod api;
pub mod assign;
pub mod book;
pub mod handover;
pub mod moves;
pub mod reactor;
pub mod settings;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
pub use store::{MoveRow, moves_of};

/// The settings in force.
///
/// # Errors
/// When the records fail.
pub async fn settings(app: &crate::App) -> anyhow::Result<settings::OwnerSettings> {
    Ok(api::current(app).await?.1)
}

/// What stands for accounts without an owner where an owner is named.
pub const NOBODY: &str = "(none)";

/// What an owner begins with when it is a pool.
pub const POOL: &str = "pool:";
