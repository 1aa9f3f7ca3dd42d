//! The caller, and the permissions as types.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::authenticate::Refused;
use crate::App;
use crate::web::{Permission, Problem};

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
    /// The request's id, which the audit notes.
    pub request_id: Option<String>,
}

impl Principal {
    /// The person at the machine itself: the command line, through the data folder's socket or in process.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            actor: "operator".to_owned(),
            role: Role::Admin,
            request_id: None,
        }
    }

    /// The user's id, when the caller is a person signed in.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.actor.strip_prefix("user:")
    }
}

impl Role {
    /// The role's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Csm => "csm",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Csm, Self::Manager, Self::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

fn require(parts: &Parts, role: Role) -> Result<Principal, Problem> {
    let Some(principal) = parts.extensions.get::<Principal>() else {
        // A credential that was sent and refused is explained; otherwise there was none.
        return Err(parts.extensions.get::<Refused>().map_or_else(
            || Problem::unauthorized("sign in, or send an API key as `Authorization: Bearer tnr_…`"),
            |refused| refused.0.clone(),
        ));
    };
    if principal.role < role {
        return Err(Problem::forbidden(format!(
            "this needs the permission of a {}; you have that of a {}: ask an administrator",
            role.name(),
            principal.role.name()
        )));
    }
    Ok(principal.clone())
}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $role:expr, $text:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Principal);

        impl Permission for $name {
            const NAME: &'static str = $text;
        }

        impl FromRequestParts<App> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
                require(parts, $role).map(Self)
            }
        }
    };
}

permission!(
    /// May read.
    Viewer,
    Role::Viewer,
    "viewer"
);
permission!(
    /// May work with accounts.
    Csm,
    Role::Csm,
    "csm"
);
permission!(
    /// May change definitions and owners.
    Manager,
    Role::Manager,
    "manager"
);
permission!(
    /// May do everything.
    Admin,
    Role::Admin,
    "admin"
);

/// No permission needed. The type is there so that this, too, is said in the signature.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

impl Permission for Anyone {
    const NAME: &'static str = "anyone";
}

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

impl Permission for Ingest {
    const NAME: &'static str = "ingest";
}

impl Permission for Option<Ingest> {
    const NAME: &'static str = "ingest";
}

/// The write key as the user name of Basic authentication, or as a bearer. A wrong key is a 401, a missing one too.
impl FromRequestParts<App> for Ingest {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        <Self as OptionalFromRequestParts<App>>::from_request_parts(parts, app)
            .await?
            .ok_or_else(|| {
                Problem::unauthorized(
                    "send the write key as the user name of Basic authentication, with an empty password",
                )
            })
    }
}

/// For handlers that also find the key in the body: `None` when the headers hold none, a 401 when they hold a wrong one.
impl OptionalFromRequestParts<App> for Ingest {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if parts
            .extensions
            .get::<Principal>()
            .is_some_and(|who| who.actor == "operator")
        {
            return Ok(Some(Self {
                key: "operator".to_owned(),
                source: "operator".to_owned(),
            }));
        }
        let Some(key) = super::authenticate::write_key_in(&parts.headers) else {
            return Ok(None);
        };
        match super::write_key(app, &key).await? {
            Some(ingest) => Ok(Some(ingest)),
            None => Err(Problem::unauthorized(
                "the write key is not known or was revoked: make one with `tenure key add NAME --scope ingest`",
            )),
        }
    }
}
