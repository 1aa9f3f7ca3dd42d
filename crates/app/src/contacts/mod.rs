//! Contacts as customer success sees them: what part they play at their account, and what they agreed to be sent.
//!
//! What sources say of a contact (name, title, role, attributes) is kept by `accounts`. Here stand the flags that people set — champion,
//! sponsor, decision maker, user — and the consents by topic; of both every change is kept with its time and who made it, and is an event on
//! the timeline. A contact that is merged into another brings its own along.
//!
//! Emits: `contact_flag_changed`, `consent_changed`.

mod api;
pub mod index;
mod store;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use api::routes;
pub use store::{ContactItem, by_ids, of_account};

/// The part that somebody plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ContactFlag)]
pub enum Flag {
    /// Carries the product at the customer.
    Champion,
    /// Stands behind it with budget and authority.
    Sponsor,
    /// Decides about renewal.
    DecisionMaker,
    /// Works with it.
    User,
}

impl Flag {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Sponsor => "sponsor",
            Self::DecisionMaker => "decision_maker",
            Self::User => "user",
        }
    }

    /// The flag with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Champion, Self::Sponsor, Self::DecisionMaker, Self::User]
            .into_iter()
            .find(|flag| flag.name() == name)
    }
}
