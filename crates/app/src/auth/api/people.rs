//! What is accepted as a person's e-mail address and name, and how a user is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::at;
use crate::auth::{Role, store};
use crate::web::{Problem, Result};

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// The zone in which the user's days are shown, such as `Europe/Berlin`; null = the program's.
    pub time_zone: Option<String>,
    pub created_at: String,
    /// When the user was locked out; null = may sign in.
    pub disabled_at: Option<String>,
    /// When a session of the user was last used, as far as sessions still exist.
    pub seen_at: Option<String>,
}

impl From<store::User> for User {
    fn from(user: store::User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            role: user.role,
            time_zone: user.time_zone,
            created_at: at(user.created_at),
            disabled_at: user.disabled_at.map(at),
            seen_at: user.seen_at.map(at),
        }
    }
}

/// An e-mail address in the form in which it is kept: trimmed and in lower case.
pub fn email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let refuse =
        |problem: &str| Problem::field("email", text, problem, "send an address like ann@example.com");
    let (local, domain) = email.rsplit_once('@').ok_or_else(|| refuse("has no @"))?;
    if email.len() > 254 || local.len() > 64 {
        return Err(refuse("longer than an address may be"));
    }
    if local.is_empty() || !domain.contains('.') || domain.split('.').any(str::is_empty) {
        return Err(refuse("not a complete address"));
    }
    if email
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"@".contains(c) && c != '@')
        || local.contains('@')
    {
        return Err(refuse("holds a character that addresses do not have"));
    }
    Ok(email)
}

/// A name of a person or thing: trimmed, 1 to 200 characters, without control characters.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    let refuse = |problem: &str| {
        Err(Problem::field(
            "name",
            text,
            problem,
            "send 1 to 200 visible characters",
        ))
    };
    if name.is_empty() {
        return refuse("empty");
    }
    if name.chars().count() > 200 {
        return refuse("longer than 200 characters");
    }
    if name.chars().any(char::is_control) {
        return refuse("holds a control character");
    }
    Ok(name.to_owned())
}

/// A time zone's name that the zone database knows.
pub fn time_zone(text: &str) -> Result<String> {
    jiff::tz::TimeZone::get(text)
        .map(|_| text.to_owned())
        .map_err(|_| {
            Problem::field(
                "time_zone",
                text,
                "not a known time zone",
                "send a name like Europe/Berlin",
            )
        })
}
