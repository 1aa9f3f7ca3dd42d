//! Who is calling and what they may do.
//!
//! A handler states its permission as a type, its first parameter: [`Viewer`], [`Csm`], [`Manager`] or [`Admin`] for people and API keys,
//! [`Ingest`] for write keys, [`Anyone`] for the few public routes. Taking one of them is the check; there is no other.
//! Every mutation writes an audit row through [`audit`] in its own transaction.
//!
//! People sign in with a password and get a session in a cookie; programs send a key as a bearer; the command line is the operator.

mod api;
mod authenticate;
mod keys;
mod limits;
pub mod passwords;
mod principal;
mod sessions;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
pub use authenticate::authenticate;
pub use keys::{Scope, write_key};
pub use principal::{Admin, Anyone, Csm, Ingest, Manager, Principal, Role, Viewer};
pub use store::audit;

/// What the slice holds in memory.
#[derive(Debug)]
pub struct Auth {
    keys: keys::Keys,
    limits: limits::Limits,
    passwords: passwords::Passwords,
    setup_code: String,
}

impl Auth {
    /// Nothing loaded yet; passwords are hashed at `cost`.
    pub fn new(cost: passwords::Cost) -> std::io::Result<Self> {
        Ok(Self {
            keys: keys::Keys::default(),
            limits: limits::Limits::default(),
            passwords: passwords::Passwords::new(cost),
            setup_code: passwords::generate()?,
        })
    }

    /// The code that first-run set-up asks of a caller from another machine; new at each start, shown to the operator only.
    #[must_use]
    pub fn setup_code(&self) -> &str {
        &self.setup_code
    }
}

/// The names of the people behind actors (`user:<id>`), for what they recorded; their e-mail address where they have no name.
pub async fn names(app: &crate::App) -> tenure_store::StoreResult<std::collections::HashMap<String, String>> {
    let name = |user: store::User| {
        let shown = if user.name.trim().is_empty() {
            user.email
        } else {
            user.name
        };
        (format!("user:{}", user.id), shown)
    };
    Ok(store::users(app).await?.into_iter().map(name).collect())
}

/// Whether nobody can sign in yet.
pub async fn setup_needed(app: &crate::App) -> tenure_store::StoreResult<bool> {
    store::no_users(&app.store).await
}

/// A user as other slices know them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// E-mail address, in small letters.
    pub email: String,
    /// What others see.
    pub name: String,
    /// Whether they may sign in.
    pub active: bool,
    /// What they may do.
    pub role: Role,
}

/// All users, by e-mail address.
///
/// # Errors
/// When the records fail.
pub async fn people(app: &crate::App) -> tenure_store::StoreResult<Vec<Person>> {
    let users = store::users(app).await?;
    let person = |user: store::User| Person {
        id: user.id,
        email: user.email,
        name: user.name,
        active: user.disabled_at.is_none(),
        role: user.role,
    };
    Ok(users.into_iter().map(person).collect())
}

/// What a person set for themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// The zone in which instants are shown, such as `Europe/Berlin`; null = the browser's.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// How dates and figures are written, such as `en-US`; null = as the browser does.
    #[serde(default)]
    pub locale: Option<String>,
    /// Whether the first steps were put away.
    #[serde(default)]
    pub first_steps_hidden: bool,
    /// Whether a dashboard was opened.
    #[serde(default)]
    pub dashboard_opened: bool,
}

/// What the caller set for themselves; nothing for keys and the command line.
///
/// # Errors
/// When the records fail.
pub async fn preferences(app: &crate::App, who: &Principal) -> tenure_store::StoreResult<Preferences> {
    match who.user() {
        Some(user) => store::preferences(&app.store, user).await,
        None => Ok(Preferences::default()),
    }
}
