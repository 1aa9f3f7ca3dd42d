//! Users.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::{Tx, new_id};
use utoipa::ToSchema;

use super::people::{self, User};
use crate::App;
use crate::auth::{Admin, Manager, Role, audit, passwords, store};
use crate::web::{Json, Path, Problem, Result};

/// All users.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    pub users: Vec<User>,
}

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    email: String,
    /// What others see; the address when left out.
    name: Option<String>,
    role: Role,
    /// At least 12 characters. Left out, one is made and shown once in the answer.
    password: Option<String>,
}

/// A user with the password that was made for them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Added {
    pub user: User,
    /// Shown this once, and only when Tenure made it: hand it over, and have it changed.
    pub password: Option<String>,
}

/// What to change of a user; fields left out stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    name: Option<String>,
    role: Option<Role>,
    /// True locks the user out and ends their sessions; false lets them in again.
    disabled: Option<bool>,
    /// A zone's name; empty = the program's.
    time_zone: Option<String>,
}

/// A new password for a user.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// Left out, one is made.
    password: Option<String>,
}

/// All users.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", responses((status = 200, body = Users)))]
pub async fn list(_: Manager, State(app): State<App>) -> Result<Json<Users>> {
    let users = store::users(&app).await?;
    Ok(Json(Users {
        users: users.into_iter().map(User::from).collect(),
    }))
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser, responses((status = 201, body = Added)))]
pub async fn add(
    Admin(who): Admin,
    State(app): State<App>,
    Json(form): Json<NewUser>,
) -> Result<(StatusCode, Json<Added>)> {
    let email = people::email(&form.email)?;
    let name = form
        .name
        .as_deref()
        .map_or_else(|| Ok(email.clone()), people::name)?;
    let (hash, made) = new_password(&app, form.password, &email).await?;
    let user = store::User {
        id: new_id(&app.clock),
        email,
        name,
        role: form.role,
        password_hash: Some(hash),
        created_at: app.clock.micros(),
        disabled_at: None,
        time_zone: None,
        seen_at: None,
    };
    let tx = app.store.begin().await?;
    store::lock_users(&tx).await?;
    if store::user_by_email(&tx, &user.email).await?.is_some() {
        return Err(taken(&user.email));
    }
    store::add_user(&tx, &user).await?;
    let detail = json!({ "email": user.email, "role": user.role });
    audit(
        &tx,
        &app.clock,
        &who,
        "user.add",
        &format!("user:{}", user.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok((
        StatusCode::CREATED,
        Json(Added {
            user: user.into(),
            password: made,
        }),
    ))
}

fn taken(email: &str) -> Problem {
    let mut problem = Problem::field(
        "email",
        email,
        "a user has this address",
        "change that user, or use another address",
    );
    problem.status = StatusCode::CONFLICT.as_u16();
    problem.code = "conflict";
    problem
}

/// Changes name, role, zone, or whether the user may sign in.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", params(("id" = String, Path)), request_body = UserChange, responses((status = 200, body = User)))]
pub async fn change(
    Admin(who): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<UserChange>,
) -> Result<Json<User>> {
    let tx = app.store.begin().await?;
    store::lock_users(&tx).await?;
    let mut user = store::user(&tx, &id).await?.ok_or_else(|| unknown(&id))?;
    let was_admin = user.role == Role::Admin && user.disabled_at.is_none();
    if let Some(name) = &form.name {
        user.name = people::name(name)?;
    }
    user.role = form.role.unwrap_or(user.role);
    if let Some(zone) = &form.time_zone {
        user.time_zone = if zone.is_empty() {
            None
        } else {
            Some(people::time_zone(zone)?)
        };
    }
    match form.disabled {
        Some(true) => user.disabled_at = user.disabled_at.or(Some(app.clock.micros())),
        Some(false) => user.disabled_at = None,
        None => {}
    }
    store::update_user(&tx, &user).await?;
    if was_admin {
        keep_an_admin(&tx).await?;
    }
    if user.disabled_at.is_some() {
        store::end_sessions(&tx, &id).await?;
    }
    let detail = json!({ "name": form.name, "role": form.role, "disabled": form.disabled, "time_zone": form.time_zone });
    audit(
        &tx,
        &app.clock,
        &who,
        "user.change",
        &format!("user:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(user.into()))
}

/// Without an administrator who can sign in nobody could ever add one again.
async fn keep_an_admin(tx: &Tx) -> Result<()> {
    if store::admins(tx).await? == 0 {
        return Err(Problem::conflict(
            "this is the last administrator who can sign in: make another user administrator first",
        ));
    }
    Ok(())
}

/// Gives a user a new password and ends their sessions.
#[utoipa::path(post, path = "/api/v1/users/{id}/password", tag = "users", params(("id" = String, Path)), request_body = ResetPassword, responses((status = 200, body = Added)))]
pub async fn reset_password(
    Admin(who): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<ResetPassword>,
) -> Result<Json<Added>> {
    let user = store::user(&app.store, &id).await?.ok_or_else(|| unknown(&id))?;
    let (hash, made) = new_password(&app, form.password, &user.email).await?;
    let tx = app.store.begin().await?;
    store::set_password(&tx, &id, &hash).await?;
    let ended = store::end_sessions(&tx, &id).await?;
    let detail = json!({ "sessions_ended": ended });
    audit(
        &tx,
        &app.clock,
        &who,
        "password.reset",
        &format!("user:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(Added {
        user: user.into(),
        password: made,
    }))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no user {id}; GET /api/v1/users lists them"))
}

async fn new_password(app: &App, given: Option<String>, email: &str) -> Result<(String, Option<String>)> {
    let (password, made) = match given {
        Some(given) => {
            passwords::check(&given, email)?;
            (given, None)
        }
        None => {
            let made = passwords::generate().map_err(anyhow::Error::from)?;
            (made.clone(), Some(made))
        }
    };
    Ok((app.auth.passwords.hash(&password).await?, made))
}
