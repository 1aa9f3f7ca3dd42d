//! Handlers of the tracking API.

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::from_fn;
use serde::Serialize;
use serde_json::Value as Object;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{body, cors, intake, sdk};
use crate::App;
use crate::auth::{Anyone, Ingest, write_key};
use crate::web::{Json, Path, Problem, Result, routes};

/// The routes of the tracking API. They, and only they, answer pages of any origin.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(receive))
        .routes(routes!(beacon))
        .routes(routes!(segment_settings))
        .routes(routes!(source_config))
        .routes(routes!(source_config_slash))
        .layer(from_fn(cors::any_origin))
}

/// What became of the messages. SDKs look at the status only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Receipt {
    /// Always true: what is counted below is on disk.
    pub(super) success: bool,
    /// Messages that were taken in now.
    pub(super) accepted: usize,
    /// Messages that had been taken in before, by their message id.
    pub(super) duplicates: usize,
    /// Messages that could not be taken in; they wait under `/api/v1/rejects`.
    pub(super) rejected: usize,
}

/// Takes messages in: one (`track`, `identify`, `group`, `page`, `screen`, `alias` or its first letter) or many (`batch`, `import`, `b`).
/// The write key stands in Basic authentication as the user name, or in the body as `writeKey`.
#[utoipa::path(
    post, path = "/v1/{call}", tag = "ingest",
    params(("call" = String, Path, description = "track, identify, group, page, screen, alias, batch, import; or t, i, g, p, s, a, b")),
    request_body(content = Object, description = "A message, or `{batch: […]}`; gzip is taken. 32 KB a message, 500 KB a request."),
    responses((status = 200, body = Receipt)),
    security(("write_key" = []))
)]
async fn receive(
    key: Option<Ingest>,
    State(app): State<App>,
    Path(call): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipt>> {
    let bytes = body::read(&headers, body).await?;
    let key = match key {
        Some(key) => key,
        None => key_of_body(&app, &uri, &bytes).await?,
    };
    let Some(call) = intake::Shape::parse(&call) else {
        return Err(Problem::not_found(format!(
            "the tracking API has no call “{call}”: see docs/connect.md for those it has"
        )));
    };
    intake::take(&app, &key, call, &bytes).await.map(Json)
}

/// As `/v1/batch`, for pages that are being left: the key stands in the address, because a beacon cannot carry headers.
#[utoipa::path(
    post, path = "/beacon/v1/batch", tag = "ingest", params(("writeKey" = String, Query, description = "The write key")),
    request_body(content = Object), responses((status = 200, body = Receipt)), security(("write_key" = []))
)]
async fn beacon(
    key: Option<Ingest>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipt>> {
    receive(
        key,
        State(app),
        Path("batch".to_owned()),
        OriginalUri(uri),
        headers,
        body,
    )
    .await
}

/// The write key in the body, or in the address (beacons). Neither is a secret of weight: a write key can only send events.
async fn key_of_body(app: &App, uri: &Uri, bytes: &[u8]) -> Result<Ingest> {
    let in_body = super::split::split(bytes)
        .ok()
        .and_then(|parts| parts.write_key)
        .and_then(text);
    let Some(text) = in_body.or_else(|| query(uri, "writeKey")) else {
        return Err(Problem::unauthorized(
            "send the write key as the user name of Basic authentication (empty password), or as `writeKey` in the body",
        ));
    };
    find(app, &text).await
}

async fn find(app: &App, key: &str) -> Result<Ingest> {
    // Nothing but an unknown key may look like one: where the keys cannot be read, the client has to come again.
    let found = write_key(app, key)
        .await
        .map_err(|_| Problem::unavailable("write keys cannot be checked at the moment", 2))?;
    found.ok_or_else(|| {
        Problem::unauthorized(
            "the write key is not known or was revoked: make one with `tenure key add NAME --scope ingest`",
        )
    })
}

fn text(raw: &[u8]) -> Option<String> {
    serde_json::from_slice::<String>(raw)
        .ok()
        .filter(|text| !text.is_empty())
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let pair = uri
        .query()?
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?;
    // Keys are made of letters, digits, `-` and `_`: nothing in them is ever percent-encoded.
    Some(pair.1.to_owned()).filter(|value| !value.is_empty())
}

/// The settings that Segment's browser SDK loads before it sends anything.
#[utoipa::path(
    get, path = "/v1/projects/{write_key}/settings", tag = "ingest", params(("write_key" = String, Path)),
    responses((status = 200, body = Object)), security(())
)]
async fn segment_settings(
    _all: Anyone,
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Object>> {
    // The key is a part of the address here, not a credential: where it is unknown, there is nothing at this address.
    find(&app, &key).await.map_err(|problem| {
        if problem.status == 401 {
            Problem::not_found(problem.detail)
        } else {
            problem
        }
    })?;
    let (scheme, host) = address(&app, &headers);
    Ok(Json(sdk::segment_settings(&key, &host, scheme)))
}

/// The settings that RudderStack's browser SDK loads before it sends anything.
#[utoipa::path(
    get, path = "/sourceConfig", tag = "ingest", params(("writeKey" = String, Query)),
    responses((status = 200, body = Object)), security(())
)]
async fn source_config(
    key: Option<Ingest>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Object>> {
    let source = match (key, query(&uri, "writeKey")) {
        (Some(key), _) => key,
        (None, Some(text)) => find(&app, &text).await?,
        (None, None) => {
            return Err(Problem::unauthorized(
                "name the write key as `writeKey` in the address",
            ));
        }
    };
    Ok(Json(sdk::rudder_source(&source.key, &source.source)))
}

/// As `/sourceConfig`; the SDK asks with a slash at the end.
#[utoipa::path(
    get, path = "/sourceConfig/", tag = "ingest", params(("writeKey" = String, Query)),
    responses((status = 200, body = Object)), security(())
)]
async fn source_config_slash(key: Option<Ingest>, app: State<App>, uri: OriginalUri) -> Result<Json<Object>> {
    source_config(key, app, uri).await
}

/// Scheme and host by which the caller reaches us.
fn address(app: &App, headers: &HeaderMap) -> (&'static str, String) {
    let scheme = if app.config.web.is_https(headers) {
        "https"
    } else {
        "http"
    };
    let public = app
        .config
        .web
        .public_url
        .as_deref()
        .and_then(|url| url.split("://").nth(1));
    let host = public
        .map(|host| host.trim_end_matches('/').to_owned())
        .or_else(|| {
            headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .map(str::to_owned)
        });
    (scheme, host.unwrap_or_else(|| "localhost".to_owned()))
}
