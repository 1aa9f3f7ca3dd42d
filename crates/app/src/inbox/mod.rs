//! The inbox: what a person should know of, each thing once, with the way to it.
//!
//! Kinds: somebody mentioned them, accounts were handed over to them, their import is done, a source is silent, a target's status changed, a model
//! predicts worse than its back-test promised.
//! [`collect`] reads what happened since the last time from the slices' records and adds what is new; doing it twice is doing it once, because
//! each notification carries where it comes from. Silence, targets and accuracy go to managers and administrators. What somebody does not want is not
//! added.

mod api;
mod collect;
mod store;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use api::routes;
pub use collect::{collect, run};

/// What a notification tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NotificationKind)]
pub enum Kind {
    /// Somebody named them in a note.
    Mention,
    /// An account was handed over to them, with tasks.
    Handover,
    /// An import that they began is done, or failed.
    Import,
    /// A source fell silent.
    Silence,
    /// A target's status changed.
    Target,
    /// A model predicts worse than its back-test promised.
    Accuracy,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Mention,
        Self::Handover,
        Self::Import,
        Self::Silence,
        Self::Target,
        Self::Accuracy,
    ];

    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Handover => "handover",
            Self::Import => "import",
            Self::Silence => "silence",
            Self::Target => "target",
            Self::Accuracy => "accuracy",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
