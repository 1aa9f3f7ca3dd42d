//! The caller, and the permissions as types.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::web::Problem;

/// What a person may do; each role may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything.
    Viewer,
    /// Works with accounts.
    Csm,
    /// Changes definitions and owners.
    Manager,
    /// Users, keys and everything else.
    Admin,
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `user:<id>`, `key:<id>` or `operator`, as the audit shows it.
    pub actor: String,
    /// What they may do.
    pub role: Role,
}

impl Principal {
    /// The person at the machine itself: the command line, through the data folder's socket or in process.
    #[must_use]
    pub fn operator() -> Self {
        Self { actor: "operator".to_owned(), role: Role::Admin }
    }
}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Principal);

        impl FromRequestParts<App> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
                let principal = parts
                    .extensions
                    .get::<Principal>()
                    .ok_or_else(|| Problem::unauthorized("sign in, or send an API key as `Authorization: Bearer …`"))?;
                if principal.role < $role {
                    return Err(Problem::forbidden(concat!("this needs the permission of a ", stringify!($name))));
                }
                Ok(Self(principal.clone()))
            }
        }
    };
}

permission!(
    /// May read.
    Viewer,
    Role::Viewer
);
permission!(
    /// May work with accounts.
    Csm,
    Role::Csm
);
permission!(
    /// May change definitions and owners.
    Manager,
    Role::Manager
);
permission!(
    /// May do everything.
    Admin,
    Role::Admin
);

/// No permission needed. The type is there so that this, too, is said in the signature.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

impl FromRequestParts<App> for Anyone {
    type Rejection = Problem;
    async fn from_request_parts(_parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// A caller that may send events: a write key.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// The key's id, or `operator`.
    pub key: String,
    /// The name of the source that its events carry.
    pub source: String,
}
