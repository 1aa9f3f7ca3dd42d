//! The browser's files: served with entity tags, with any unknown page answered by the one page of the application.

use std::borrow::Cow;
use std::fmt::Write;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::edge::is_ui;
use crate::web::Problem;

/// What pages may load: nothing from elsewhere, no inline scripts. Styles may stand in elements because the component library writes
/// its computed ones there.
pub const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const INDEX: &str = "index.html";

/// One file of the browser's application.
pub struct UiFile {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// The hash of its content (SHA-256).
    pub hash: [u8; 32],
}

/// Where the files come from: a path without leading slash to its file.
pub type UiSource = fn(&str) -> Option<UiFile>;

/// Answers what no route answers.
pub async fn serve(source: Option<UiSource>, request: Request) -> Response {
    let path = request.uri().path();
    if !is_ui(path) {
        return Problem::not_found(format!("there is nothing at {path}")).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED, "").into_response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    let Some(source) = source else {
        return Problem::not_found(
            "this program was built without its browser pages; the API is under /api/v1",
        )
        .into_response();
    };
    let name = path.trim_start_matches('/');
    match source(name).filter(|_| !name.is_empty()) {
        Some(file) => file_response(name, file, request.headers()),
        // A missing file of the build is missing; anything else is a page of the application. Only the build's own places count as
        // files, because a page may end like one: an account's id is often its domain.
        None if name.starts_with("assets/") || (name.contains('.') && !name.contains('/')) => {
            Problem::not_found(format!("there is no file {path}")).into_response()
        }
        None => match source(INDEX) {
            Some(index) => file_response(INDEX, index, request.headers()),
            None => Problem::not_found("the browser pages are not built: run `npm ci && npm run build` in ui/, or use the API under /api/v1")
                .into_response(),
        },
    }
}

fn file_response(name: &str, file: UiFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", &hex(&file.hash)[..32]);
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|list| {
        list.split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    let mut response = Response::new(if fresh {
        Body::empty()
    } else {
        Body::from(file.bytes.clone().into_owned())
    });
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = if kind.type_() == "text" {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_string()
    };
    // The build puts a hash of the content into the names below assets/: such a file never changes.
    let caching = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    for (header, value) in [
        (header::CONTENT_TYPE, kind.as_str()),
        (header::ETAG, &tag),
        (header::CACHE_CONTROL, caching),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(header, value);
        }
    }
    if name == INDEX
        && let Ok(policy) = HeaderValue::from_str(&policy_for(&String::from_utf8_lossy(&file.bytes)))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The policy with the hashes of the page's own inline scripts, so that those and no others run.
fn policy_for(html: &str) -> String {
    let mut sources = String::from("script-src 'self'");
    let mut rest = html;
    while let Some(at) = rest.find("<script") {
        let Some(open) = rest[at..].find('>').map(|end| at + end + 1) else {
            break;
        };
        let Some(close) = rest[open..].find("</script>").map(|end| open + end) else {
            break;
        };
        let code = &rest[open..close];
        if !code.trim().is_empty() {
            let _ = write!(
                sources,
                " 'sha256-{}'",
                BASE64_STANDARD.encode(Sha256::digest(code.as_bytes()))
            );
        }
        rest = &rest[close..];
    }
    POLICY.replace("script-src 'self'", &sources)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
