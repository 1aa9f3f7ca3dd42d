//! Sessions: signing in and out.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::Tx;
use utoipa::ToSchema;

use super::people::User;
use super::{at, nothing};
use crate::App;
use crate::auth::authenticate::{Session, same_origin};
use crate::auth::{Anyone, Preferences, Principal, Viewer, audit, passwords, sessions, store};
use crate::web::edge::RequestId;
use crate::web::{Json, Path, Peer, Problem, Result, peer};

/// E-mail address and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    email: String,
    password: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    pub user: User,
    /// To be sent as header `x-csrf-token` with every request that changes something.
    pub csrf: String,
    /// What they set for themselves.
    pub preferences: Preferences,
}

/// A new password of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The present password.
    current: String,
    /// The new one: at least 12 characters.
    password: String,
}

/// One of one's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSession {
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    pub created_at: String,
    pub seen_at: String,
    pub expires_at: String,
    pub user_agent: Option<String>,
}

/// One's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSessions {
    pub sessions: Vec<OwnSession>,
}

/// Starts a session in `tx`, commits it, and gives the answer with its cookie.
pub async fn sign_in_as(
    app: &App,
    tx: Tx,
    user: &store::User,
    headers: &HeaderMap,
) -> Result<(SignedIn, [(HeaderName, HeaderValue); 1])> {
    let token = sessions::new_token().map_err(anyhow::Error::from)?;
    let csrf = sessions::new_token().map_err(anyhow::Error::from)?;
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let agent = agent.map(|text| text.chars().take(300).collect::<String>());
    store::add_session(
        &tx,
        app.clock.micros(),
        &store::hash(&token),
        &user.id,
        &csrf,
        agent,
    )
    .await?;
    // A session that the browser still held ends: whoever planted it gains nothing.
    if let Some(old) = sessions::token_in(headers) {
        store::end_session(&tx, &user.id, &store::hash(&old)).await?;
    }
    let shown = store::user(&tx, &user.id).await?.unwrap_or_else(|| user.clone());
    let preferences = store::preferences(&tx, &user.id).await?;
    tx.commit().await?;
    let cookie = sessions::set(app, headers, &token)
        .ok_or_else(|| anyhow::anyhow!("a cookie that is no header value"))?;
    Ok((
        SignedIn {
            user: shown.into(),
            csrf,
            preferences,
        },
        [(header::SET_COOKIE, cookie)],
    ))
}

/// Signs in with e-mail address and password.
#[utoipa::path(post, path = "/api/v1/session", tag = "sign-in", request_body = SignIn, responses((status = 200, body = SignedIn)))]
pub async fn sign_in(
    _: Anyone,
    State(app): State<App>,
    from: Option<Extension<Peer>>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    Json(form): Json<SignIn>,
) -> Result<Response> {
    same_origin(&app, &headers)?;
    let email = form.email.trim().to_lowercase();
    if email.len() > 254 || form.password.len() > passwords::LONGEST {
        return Err(wrong());
    }
    let address = peer::caller(from.map(|from| from.0), &headers, app.config.web.trust_proxy);
    app.auth.limits.attempt(address, &email, app.clock.micros())?;
    let found = store::user_by_email(&app.store, &email).await?;
    let kept = found
        .as_ref()
        .filter(|user| user.disabled_at.is_none())
        .and_then(|user| user.password_hash.clone());
    let right = app.auth.passwords.verify(&form.password, kept).await?;
    let Some(user) = found.filter(|_| right) else {
        metrics::counter!("tenure_sign_in_refused_total").increment(1);
        return Err(wrong());
    };
    app.auth.limits.succeeded(address, &email);
    let renewed = match &user.password_hash {
        Some(hash) if app.auth.passwords.is_outdated(hash) => {
            Some(app.auth.passwords.hash(&form.password).await?)
        }
        _ => None,
    };
    let tx = app.store.begin().await?;
    // The password was checked outside of this transaction: it must still be the same one.
    let now = store::user(&tx, &user.id).await?.ok_or_else(wrong)?;
    if now.disabled_at.is_some() || now.password_hash != user.password_hash {
        return Err(wrong());
    }
    if let Some(hash) = renewed {
        store::set_password(&tx, &user.id, &hash).await?;
    }
    let id = request_id.map(|id| id.0.0);
    let who = Principal {
        actor: format!("user:{}", user.id),
        role: user.role,
        request_id: id,
    };
    audit(
        &tx,
        &app.clock,
        &who,
        "session.start",
        &who.actor,
        &json!({ "address": address }),
    )
    .await?;
    let (signed_in, cookie) = sign_in_as(&app, tx, &user, &headers).await?;
    Ok((cookie, Json(signed_in)).into_response())
}

/// The same answer whatever was wrong.
fn wrong() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong_credentials",
        "E-mail address or password is wrong",
        "check both; an administrator can reset a password with `POST /api/v1/users/{id}/password`",
    )
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "sign-in", responses((status = 200, body = SignedIn)))]
pub async fn show(
    Viewer(who): Viewer,
    State(app): State<App>,
    session: Option<Extension<Session>>,
) -> Result<Json<SignedIn>> {
    let session = session.ok_or_else(no_session)?;
    let user = store::user(&app.store, who.user().unwrap_or_default())
        .await?
        .ok_or_else(no_session)?;
    Ok(Json(SignedIn {
        user: user.into(),
        csrf: session.csrf.clone(),
        preferences: crate::auth::preferences(&app, &who).await?,
    }))
}

fn no_session() -> Problem {
    Problem::not_found("the caller is no person with a session, but a key or the command line")
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "sign-in", responses((status = 204)))]
pub async fn sign_out(
    Viewer(who): Viewer,
    State(app): State<App>,
    session: Option<Extension<Session>>,
    headers: HeaderMap,
) -> Result<Response> {
    let session = session.ok_or_else(no_session)?;
    let tx = app.store.begin().await?;
    store::end_session(&tx, who.user().unwrap_or_default(), &session.token_hash).await?;
    audit(&tx, &app.clock, &who, "session.end", &who.actor, &nothing()).await?;
    tx.commit().await?;
    Ok((
        StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, sessions::clear(&app, &headers))],
    )
        .into_response())
}

/// Changes one's own password and ends all sessions; the answer brings a new one.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "sign-in", request_body = NewPassword, responses((status = 200, body = SignedIn)))]
pub async fn change_password(
    Viewer(who): Viewer,
    State(app): State<App>,
    headers: HeaderMap,
    Json(form): Json<NewPassword>,
) -> Result<Response> {
    let user = store::user(&app.store, who.user().unwrap_or_default())
        .await?
        .ok_or_else(no_session)?;
    app.auth.limits.attempt(None, &user.email, app.clock.micros())?;
    if form.current.len() > passwords::LONGEST
        || !app
            .auth
            .passwords
            .verify(&form.current, user.password_hash.clone())
            .await?
    {
        return Err(Problem::field(
            "current",
            "(not shown)",
            "not the present password",
            "send the password you signed in with",
        ));
    }
    passwords::check(&form.password, &user.email)?;
    let hash = app.auth.passwords.hash(&form.password).await?;
    let tx = app.store.begin().await?;
    store::set_password(&tx, &user.id, &hash).await?;
    let ended = store::end_sessions(&tx, &user.id).await?;
    audit(
        &tx,
        &app.clock,
        &who,
        "password.change",
        &who.actor,
        &json!({ "sessions_ended": ended }),
    )
    .await?;
    let (signed_in, cookie) = sign_in_as(&app, tx, &user, &headers).await?;
    Ok((cookie, Json(signed_in)).into_response())
}

/// One's own sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sign-in", responses((status = 200, body = OwnSessions)))]
pub async fn list(
    Viewer(who): Viewer,
    State(app): State<App>,
    session: Option<Extension<Session>>,
) -> Result<Json<OwnSessions>> {
    let rows = store::sessions_of(&app, who.user().unwrap_or_default()).await?;
    let current = session
        .map(|session| session.token_hash.clone())
        .unwrap_or_default();
    let sessions = rows.into_iter().map(|row| OwnSession {
        id: session_id(&row.token_hash).to_owned(),
        current: row.token_hash == current,
        created_at: at(row.created_at),
        seen_at: at(row.seen_at),
        expires_at: at(row.expires_at),
        user_agent: row.user_agent,
    });
    Ok(Json(OwnSessions {
        sessions: sessions.collect(),
    }))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sign-in", params(("id" = String, Path)), responses((status = 204)))]
pub async fn end(Viewer(who): Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let user = who.user().unwrap_or_default();
    let rows = store::sessions_of(&app, user).await?;
    let row = rows.iter().find(|row| session_id(&row.token_hash) == id);
    let row = row.ok_or_else(|| Problem::not_found(format!("you have no session {id}")))?;
    let tx = app.store.begin().await?;
    store::end_session(&tx, user, &row.token_hash).await?;
    audit(
        &tx,
        &app.clock,
        &who,
        "session.end",
        &who.actor,
        &json!({ "session": id }),
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session is named by the beginning of its token's hash, which tells nothing of the token.
fn session_id(token_hash: &str) -> &str {
    token_hash.get(..16).unwrap_or(token_hash)
}
