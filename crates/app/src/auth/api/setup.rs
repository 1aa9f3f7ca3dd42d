//! First run: the first administrator.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, response::IntoResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use tenure_store::new_id;
use utoipa::ToSchema;

use super::people;
use super::session::{SignedIn, sign_in_as};
use crate::App;
use crate::auth::{Anyone, Principal, Role, audit, authenticate, passwords, store};
use crate::web::{Json, Peer, Problem, Result, peer};

/// Whether the first administrator is still to be made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Needed {
    pub needed: bool,
    /// Whether this caller must also send the code that the server printed when it started: everyone from another machine must.
    pub code_needed: bool,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    email: String,
    name: String,
    /// At least 12 characters.
    password: String,
    /// The code that `tenure serve` printed, when `code_needed`.
    code: Option<String>,
}

fn trusted(who: Option<&Principal>, from: Option<Peer>, headers: &HeaderMap) -> bool {
    who.is_some_and(|who| who.role == Role::Admin) || peer::is_local(from, headers)
}

/// Whether set-up is needed.
#[utoipa::path(get, path = "/api/v1/setup", tag = "sign-in", responses((status = 200, body = Needed)))]
pub async fn needed(
    _: Anyone,
    State(app): State<App>,
    who: Option<Extension<Principal>>,
    from: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Json<Needed>> {
    let needed = store::no_users(&app.store).await?;
    let trusted = trusted(who.as_deref(), from.map(|from| from.0), &headers);
    Ok(Json(Needed {
        needed,
        code_needed: needed && !trusted,
    }))
}

/// Makes the first administrator and signs them in. Works once.
#[utoipa::path(post, path = "/api/v1/setup", tag = "sign-in", request_body = SetUp, responses((status = 201, body = SignedIn)))]
pub async fn set_up(
    _: Anyone,
    State(app): State<App>,
    who: Option<Extension<Principal>>,
    from: Option<Extension<Peer>>,
    request: Request,
) -> Result<Response> {
    let headers = request.headers().clone();
    let trusted = trusted(who.as_deref(), from.map(|from| from.0), &headers);
    authenticate::same_origin(&app, &headers)?;
    let Json(form) = <Json<SetUp> as axum::extract::FromRequest<App>>::from_request(request, &app).await?;
    if !store::no_users(&app.store).await? {
        return Err(Problem::conflict(
            "set-up is done; an administrator adds further users",
        ));
    }
    let code = form.code.as_deref().unwrap_or_default().as_bytes();
    if !trusted && !bool::from(code.ct_eq(app.auth.setup_code().as_bytes())) {
        return Err(Problem::forbidden(
            "send `code`: the set-up code that the server printed when it started",
        ));
    }
    let (email, name) = (people::email(&form.email)?, people::name(&form.name)?);
    passwords::check(&form.password, &email)?;
    let hash = app.auth.passwords.hash(&form.password).await?;
    let user = store::User {
        id: new_id(&app.clock),
        email,
        name,
        role: Role::Admin,
        password_hash: Some(hash),
        created_at: app.clock.micros(),
        disabled_at: None,
        time_zone: None,
        seen_at: None,
    };
    let tx = app.store.begin().await?;
    store::lock_users(&tx).await?;
    if !store::no_users(&tx).await? {
        return Err(Problem::conflict(
            "set-up is done; an administrator adds further users",
        ));
    }
    store::add_user(&tx, &user).await?;
    let actor = Principal {
        actor: format!("user:{}", user.id),
        role: Role::Admin,
        request_id: None,
    };
    audit(
        &tx,
        &app.clock,
        &actor,
        "setup",
        &actor.actor,
        &json!({ "email": user.email }),
    )
    .await?;
    let (signed_in, cookie) = sign_in_as(&app, tx, &user, &headers).await?;
    Ok((StatusCode::CREATED, cookie, Json(signed_in)).into_response())
}
