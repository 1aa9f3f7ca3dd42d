//! What every request passes before and after its handler: id, log line, time limit, problems, headers.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tracing::Instrument;

use crate::App;
use crate::web::{Peer, Problem};

/// The largest body that a handler takes unless its route says otherwise (with its own `DefaultBodyLimit` layer), in bytes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// How long a request over TCP may take. Requests of the command line, through the socket or in process, may take as long as they need.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as in the log, in problems and in the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Settings of the edge.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The address that browsers use (`https://tenure.example.com`), when it differs from what the server sees.
    /// With `https` cookies are `Secure` and carry the `__Host-` prefix.
    pub public_url: Option<String>,
    /// Believe `X-Forwarded-For` and `X-Forwarded-Proto` of the proxy in front. Only where nobody can reach the server past it.
    pub trust_proxy: bool,
}

impl Settings {
    /// Whether the browser speaks https with us.
    #[must_use]
    pub fn is_https(&self, headers: &axum::http::HeaderMap) -> bool {
        if let Some(url) = &self.public_url {
            return url.starts_with("https://");
        }
        self.trust_proxy
            && headers
                .get("x-forwarded-proto")
                .is_some_and(|value| value.as_bytes() == b"https")
    }
}

/// Puts the edge around all routes.
pub fn wrap(router: Router, app: App) -> Router {
    let small_and_text = SizeAbove::new(512)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::SSE);
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app, edge))
        .layer(CompressionLayer::new().gzip(true).compress_when(small_and_text))
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without text");
    tracing::error!(%text, "handler panicked");
    metrics::counter!("tenure_http_panics_total").increment(1);
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR, "").into_response()
}

async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request, &app);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let api = !is_ui(request.uri().path());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let https = app.config.web.is_https(request.headers());
    let limited = request.extensions().get::<Peer>().is_some();
    let span = tracing::info_span!("request", %id, %method, %route);
    let started = Instant::now();

    let mut response = async {
        if !limited {
            return next.run(request).await;
        }
        match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::unavailable(
                "the request took longer than 60 seconds and was given up; what it had begun was undone",
                5,
            )
            .into_response(),
        }
    }
    .instrument(span.clone())
    .await;

    if response.status().is_client_error() || response.status().is_server_error() {
        response = as_problem(response, &id).await;
    }
    add_headers(&mut response, api, https);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let took = started.elapsed();
    let ms = took.as_secs_f64() * 1e3;
    // One line for each request would cost more than many requests do; the metrics count them all.
    span.in_scope(|| {
        if status >= 500 {
            tracing::warn!(status, ms, "answered")
        } else {
            tracing::debug!(status, ms, "answered")
        }
    });
    count(&method, &route, status, took);
    response
}

fn count(method: &Method, route: &str, status: u16, took: Duration) {
    let method = if method.as_str().len() <= 7 {
        method.as_str().to_owned()
    } else {
        "OTHER".to_owned()
    };
    let labels = [
        ("method", method),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!("tenure_http_requests_total", &labels).increment(1);
    metrics::histogram!("tenure_http_request_seconds", "route" => route.to_owned())
        .record(took.as_secs_f64());
}

/// The caller's own id when it is harmless in a log, else a new one.
fn request_id(request: &Request, app: &App) -> String {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(id)
            if (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
        {
            id.to_owned()
        }
        _ => tenure_store::new_id(&app.clock),
    }
}

/// Whether a path belongs to the browser's pages rather than to an interface for programs.
#[must_use]
pub fn is_ui(path: &str) -> bool {
    // `/health` by itself is a page; what lies below it is asked by machines.
    ![
        "/api",
        "/v1",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/sourceConfig",
    ]
    .iter()
    .any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Every error leaves as a problem with the request's id, whoever made it.
async fn as_problem(response: Response, id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Problem>() {
        Some(problem) => problem,
        None => {
            let kind = parts
                .headers
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("text/plain");
            if !kind.starts_with("text/plain") {
                return Response::from_parts(parts, body);
            }
            let text = to_bytes(body, 4096).await.unwrap_or_default();
            Problem::of_status(parts.status, &String::from_utf8_lossy(&text))
        }
    };
    let mut answer = Problem {
        request_id: Some(id.to_owned()),
        ..problem
    }
    .into_response();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    answer.headers_mut().extend(parts.headers);
    if answer.status() == StatusCode::UNAUTHORIZED {
        answer
            .headers_mut()
            .entry(header::WWW_AUTHENTICATE)
            .or_insert(HeaderValue::from_static("Bearer realm=\"tenure\""));
    }
    answer
}

fn add_headers(response: &mut Response<Body>, api: bool, https: bool) {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    if api {
        set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
        set(header::CACHE_CONTROL, "no-store");
    } else {
        set(header::CONTENT_SECURITY_POLICY, super::ui::POLICY);
        set(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        );
        set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        );
        set(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        );
    }
    if https {
        set(
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000; includeSubDomains",
        );
    }
}
