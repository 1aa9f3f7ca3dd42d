//! Finds out who is calling, once per request, before any handler.
//!
//! Three ways in: the operator's marker (set by the command line's own paths, never from TCP), an API key as a bearer, a session cookie.
//! A key in the query string is never looked at: addresses end up in logs.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;

use super::keys::Scope;
use super::{Principal, Role, sessions, store};
use crate::App;
use crate::web::edge::RequestId;
use crate::web::{Problem, Result};

/// Why a credential that was sent does not count; permissions answer with it.
#[derive(Clone, Debug)]
pub struct Refused(pub Problem);

/// The session behind a request that came with a valid cookie.
#[derive(Clone, Debug)]
pub struct Session {
    /// The hash of its token, which is its key in the records.
    pub token_hash: String,
    /// The token that changing requests repeat in the header `x-csrf-token`.
    pub csrf: String,
}

/// The layer: leaves a [`Principal`] (and a [`Session`]) or a [`Refused`] in the request's extensions.
pub async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    if let Some(principal) = request.extensions_mut().get_mut::<Principal>() {
        principal.request_id = id;
        return next.run(request).await;
    }
    let path = request.uri().path();
    if path.starts_with("/api/") || path == "/metrics" {
        match identify(&app, request.method(), request.headers()).await {
            Ok(Some((mut principal, session))) => {
                principal.request_id = id;
                request.extensions_mut().insert(principal);
                if let Some(session) = session {
                    request.extensions_mut().insert(session);
                }
            }
            Ok(None) => {}
            Err(problem) => {
                request.extensions_mut().insert(Refused(problem));
            }
        }
    }
    next.run(request).await
}

async fn identify(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<(Principal, Option<Session>)>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let key = value.to_str().ok().and_then(bearer).ok_or_else(|| {
            Problem::unauthorized(
                "the header Authorization is not understood here: send `Authorization: Bearer tnr_…`",
            )
        })?;
        return api_key(app, key).await.map(|principal| Some((principal, None)));
    }
    let Some(token) = sessions::token_in(headers) else {
        return Ok(None);
    };
    let found = store::session(app, &store::hash(&token)).await?;
    let Some(found) = found else {
        return Err(Problem::unauthorized("the session has ended: sign in again"));
    };
    if changes(method) {
        same_origin(app, headers)?;
        csrf(headers, &found.csrf)?;
    }
    let principal = Principal {
        actor: format!("user:{}", found.user_id),
        role: found.role,
        request_id: None,
    };
    Ok(Some((
        principal,
        Some(Session {
            token_hash: found.token_hash,
            csrf: found.csrf,
        }),
    )))
}

async fn api_key(app: &App, key: &str) -> Result<Principal> {
    let Some(key) = app.auth.keys.find(app, key).await? else {
        return Err(Problem::unauthorized(
            "the API key is not known or was revoked: an administrator makes keys under /api/v1/keys",
        ));
    };
    let role = match key.scope {
        Scope::Read => Role::Viewer,
        Scope::Write => Role::Manager,
        Scope::Ingest => {
            return Err(Problem::forbidden(
                "this key may only send events to /v1; the API needs a key of scope read or write",
            ));
        }
    };
    Ok(Principal {
        actor: format!("key:{}", key.id),
        role,
        request_id: None,
    })
}

/// Whether a method may change something.
#[must_use]
pub fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses a changing request that a page of another origin sent.
pub fn same_origin(app: &App, headers: &HeaderMap) -> Result<()> {
    let foreign = || {
        Problem::forbidden(
            "the request comes from a page of another origin: send it from Tenure's own pages, or with an API key",
        )
    };
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes() == b"cross-site" || site.as_bytes() == b"same-site")
    {
        return Err(foreign());
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().map_err(|_| foreign())?;
    if let Some(public) = &app.config.web.public_url
        && origin == public.trim_end_matches('/')
    {
        return Ok(());
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .ok_or_else(foreign)?;
    let named = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    if named.is_some_and(|named| named.eq_ignore_ascii_case(host)) {
        Ok(())
    } else {
        Err(foreign())
    }
}

fn csrf(headers: &HeaderMap, wanted: &str) -> Result<()> {
    let given = headers
        .get("x-csrf-token")
        .map(|value| value.as_bytes())
        .unwrap_or_default();
    if bool::from(given.ct_eq(wanted.as_bytes())) {
        return Ok(());
    }
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "csrf",
        "The request is not proven to come from Tenure's pages",
        "send the header `x-csrf-token` with the value that GET /api/v1/session gives",
    ))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim())
        .filter(|key| !key.is_empty())
}

/// The write key in the headers: user name of Basic authentication, or bearer.
pub fn write_key_in(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(key) = bearer(value) {
        return Some(key.to_owned());
    }
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let user = decoded.split(':').next().unwrap_or_default();
    (!user.is_empty()).then(|| user.to_owned())
}
