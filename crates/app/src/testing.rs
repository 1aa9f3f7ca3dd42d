//! A whole Tenure for a test: every route, a database of its own, a clock that stands still until told otherwise.
//!
//! ```ignore
//! let app = TestApp::new().await;
//! let answer = app.get("/api/v1/users").as_role(Role::Admin).await;
//! assert_eq!(answer.status, 200);
//! insta::assert_json_snapshot!(answer.json());
//! ```
//!
//! Every changing request to the API that succeeds must leave an audit row: the harness itself checks it, for every slice's tests.

use std::future::{Future, IntoFuture};
use std::net::IpAddr;
use std::ops::Deref;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tempfile::TempDir;
use tenure_store::{Clock, Execute, TestDatabase};
use tower::ServiceExt;

use crate::auth::passwords::Cost;
use crate::auth::{Principal, Role};
use crate::web::Peer;
use crate::{App, Config};

/// The instant at which a test's clock stands unless it says otherwise.
pub const NOON: &str = "2026-06-30T12:00:00Z";

/// An open Tenure with its router. Embedded, or in a database of its own on the server of `TENURE_TEST_POSTGRES`.
pub struct TestApp {
    /// The application; also reached by dereferencing.
    pub app: App,
    router: Router,
    config: Config,
    _folder: TempDir,
    _database: Option<TestDatabase>,
}

impl Deref for TestApp {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

impl TestApp {
    /// One whose clock stands at [`NOON`].
    pub async fn new() -> Self {
        Self::at(NOON).await
    }

    /// One whose clock stands at `now` (RFC 3339).
    pub async fn at(now: &str) -> Self {
        Self::with(now, |_| {}).await
    }

    /// One with a changed configuration.
    pub async fn with(now: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = TestDatabase::migrated(crate::schema::MIGRATIONS).await;
        let database = database.expect("a database for the test");
        let mut config = Config::embedded(folder.path().to_owned());
        config.password_cost = Cost::LOWEST;
        if let Some(made) = &database {
            (config.database, config.database_schema) = (Some(made.url.clone()), Some(made.schema.clone()));
        }
        change(&mut config);
        let clock = Clock::manual(now.parse().expect("an instant"));
        let app = App::open(config.clone(), clock).await.expect("an open Tenure");
        Self {
            router: crate::routes::router(app.clone()),
            app,
            config,
            _folder: folder,
            _database: database,
        }
    }

    /// Closes everything and opens the same data again, as after a restart.
    pub async fn reopen(self) -> Self {
        let Self {
            app,
            router,
            config,
            _folder,
            _database,
        } = self;
        let clock = app.clock.clone();
        drop(router);
        app.shutdown().await;
        drop(app);
        let app = App::open(config.clone(), clock)
            .await
            .expect("the same data, opened again");
        Self {
            router: crate::routes::router(app.clone()),
            app,
            config,
            _folder,
            _database,
        }
    }

    /// A request that reads.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }
    /// A request that adds or does something.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }
    /// A request that replaces.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }
    /// A request that changes.
    pub fn patch(&self, path: &str) -> TestRequest {
        self.request(Method::PATCH, path)
    }
    /// A request that removes.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// Any request. It comes from nobody until one of the `as_…` says who sends it.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .expect("a request");
        TestRequest {
            app: self.app.clone(),
            router: self.router.clone(),
            request,
            changes: true,
        }
    }

    /// Number of rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        let row = self
            .store
            .one(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![])
            .await
            .expect("a count");
        row.expect("one row").get("n").expect("a number")
    }

    /// Actions of the audit, oldest first.
    pub async fn audited(&self) -> Vec<String> {
        let rows = self
            .store
            .all("SELECT action FROM audit ORDER BY seq", vec![])
            .await
            .expect("the audit");
        rows.iter()
            .map(|row| row.get("action").expect("an action"))
            .collect()
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: jiff::SignedDuration) {
        assert!(
            self.clock
                .advance(i64::try_from(span.as_micros()).expect("a span")),
            "a test's clock is manual"
        );
    }
}

/// Changing methods that only ask: they need no audit row.
const QUESTIONS: &[&str] = &["/preview", "/check", "/plan", "/sql", "/catch_up", "/recompute"];

/// A request under construction; await it for the [`Answer`].
pub struct TestRequest {
    app: App,
    router: Router,
    request: Request<Body>,
    changes: bool,
}

impl TestRequest {
    /// Sent by a person of this role.
    #[must_use]
    pub fn as_role(mut self, role: Role) -> Self {
        let principal = Principal {
            actor: format!("user:test-{}", role.name()),
            role,
            request_id: None,
        };
        self.request.extensions_mut().insert(principal);
        self
    }

    /// Sent by this caller.
    #[must_use]
    pub fn as_principal(mut self, principal: Principal) -> Self {
        self.request.extensions_mut().insert(principal);
        self
    }

    /// Sent by the command line.
    #[must_use]
    pub fn as_operator(mut self) -> Self {
        self.request.extensions_mut().insert(Principal::operator());
        self
    }

    /// Succeeds without changing anything, so no audit row is asked of it.
    #[must_use]
    pub fn changes_nothing(mut self) -> Self {
        self.changes = false;
        self
    }

    /// Whether success must leave an audit row.
    fn is_audited(&self) -> bool {
        let path = self.request.uri().path();
        self.changes
            && !matches!(
                *self.request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS
            )
            && path.starts_with("/api/v1/")
            && !QUESTIONS.iter().any(|question| path.ends_with(question))
    }

    /// Sent with a key as a bearer.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    /// Sent over TCP from this address.
    #[must_use]
    pub fn from_address(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        self.request.extensions_mut().insert(Peer(address));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        self.request
            .headers_mut()
            .append(name, HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Json) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), "application/json")
            .body(body.to_string())
    }

    /// With any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }
}

impl IntoFuture for TestRequest {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let audited = self.is_audited();
            let what = format!("{} {}", self.request.method(), self.request.uri());
            let before = if audited { newest_audit(&self.app).await } else { 0 };
            let response = match self.router.oneshot(self.request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            if audited && parts.status.is_success() {
                assert!(
                    newest_audit(&self.app).await > before,
                    "{what} changed something and left no audit row"
                );
            }
            Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.to_vec(),
            }
        })
    }
}

async fn newest_audit(app: &App) -> i64 {
    let row = app
        .store
        .one("SELECT COALESCE(MAX(seq), 0) AS seq FROM audit", vec![])
        .await;
    row.ok()
        .flatten()
        .and_then(|row| row.get("seq").ok())
        .unwrap_or(0)
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when empty.
    pub fn json(&self) -> Json {
        if self.body.is_empty() {
            return Json::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer that must be good.
    #[track_caller]
    pub fn ok(&self) -> Json {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self.json()
    }

    /// The problem of an answer that must have this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Json {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        self.json()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
