//! Session cookies.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::App;

/// A session ends when it was not used for this long: 12 hours, in microseconds.
pub const IDLE: i64 = 12 * 3_600 * 1_000_000;
/// A session ends this long after sign-in at the latest: 14 days, in microseconds.
pub const LONGEST: i64 = 14 * 86_400 * 1_000_000;
/// How often the last use of a session is noted, in microseconds.
pub const NOTE_EVERY: i64 = 60_000_000;

const PLAIN: &str = "tenure";
const HOST: &str = "__Host-tenure";

/// 256 random bits as text, for tokens.
pub fn new_token() -> std::io::Result<String> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(tenure_store::random_bytes::<32>()?))
}

/// The session token among the cookies.
#[must_use]
pub fn token_in(headers: &HeaderMap) -> Option<String> {
    let cookies = || {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|all| all.split(';'))
    };
    // The cookie that no other host and no plain connection can set comes first.
    [HOST, PLAIN].iter().find_map(|name| {
        cookies().find_map(|cookie| {
            let (key, value) = cookie.trim().split_once('=')?;
            (key == *name && value.len() == 43).then(|| value.to_owned())
        })
    })
}

/// The header that gives the browser its session.
#[must_use]
pub fn set(app: &App, headers: &HeaderMap, token: &str) -> Option<HeaderValue> {
    let seconds = LONGEST / 1_000_000;
    let text = if app.config.web.is_https(headers) {
        format!("{HOST}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax; Secure")
    } else {
        format!("{PLAIN}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax")
    };
    HeaderValue::from_str(&text).ok()
}

/// The header that takes it away.
#[must_use]
pub fn clear(app: &App, headers: &HeaderMap) -> HeaderValue {
    if app.config.web.is_https(headers) {
        HeaderValue::from_static("__Host-tenure=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")
    } else {
        HeaderValue::from_static("tenure=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    }
}
