//! Errors as `application/problem+json` (RFC 9457) with a stable code, the fields at fault and the remedy.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tenure_store::StoreError;
use utoipa::ToSchema;

/// Result of a handler.
pub type Result<T> = std::result::Result<T, Problem>;

/// One field at fault.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name or path.
    pub field: String,
    /// The value as received, shortened.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// An error as the caller sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:tenure/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence that is the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code, such as `not_found`.
    pub code: &'static str,
    /// What happened this time and what to do.
    pub detail: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request's id, as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which a retry makes sense (header `Retry-After`).
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem with this status, code, title and detail.
    pub fn new(status: StatusCode, code: &'static str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("about:tenure/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            request_id: None,
            retry_after: None,
        }
    }

    /// The problem for a bare status, as frameworks answer it.
    pub fn of_status(status: StatusCode, detail: &str) -> Self {
        let (code, title, remedy) = match status {
            StatusCode::BAD_REQUEST => ("bad_request", "The request cannot be used", "correct the request"),
            StatusCode::UNAUTHORIZED => ("unauthorized", "Sign-in needed", "sign in, or send an API key"),
            StatusCode::FORBIDDEN => ("forbidden", "Not permitted", "ask an administrator"),
            StatusCode::NOT_FOUND => ("not_found", "Not found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "The method is not allowed here",
                "the header `Allow` lists the methods of this address",
            ),
            StatusCode::REQUEST_TIMEOUT => ("timeout", "The request took too long", "send it again"),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is too large", "send less at once"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported_media_type",
                "The body's type is not supported",
                "see the header `Content-Type`",
            ),
            StatusCode::TOO_MANY_REQUESTS => (
                "too_many_requests",
                "Too many requests",
                "wait, then send it again",
            ),
            status if status.is_client_error() => {
                ("refused", "The request was refused", "correct the request")
            }
            _ => (
                "internal",
                "Something failed inside",
                "the fault is in the server's log under this request's id",
            ),
        };
        Self::new(
            status,
            code,
            title,
            if detail.is_empty() { remedy } else { detail },
        )
    }

    /// 429 with `Retry-After`.
    pub fn too_many(detail: impl Into<String>, seconds: u32) -> Self {
        let mut it = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests",
            detail,
        );
        it.retry_after = Some(seconds);
        it
    }

    /// 404: `what` does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", what)
    }

    /// 400: the request as a whole cannot be used.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request cannot be used",
            detail,
        )
    }

    /// 422: one field is wrong.
    pub fn field(
        field: &str,
        value: impl ToString,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let problem = problem.into();
        let mut value = value.to_string();
        if let Some((at, _)) = value.char_indices().nth(200) {
            value.truncate(at);
            value.push('…');
        }
        let mut it = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "A field is not valid",
            format!("{field}: {problem}"),
        );
        it.errors.push(FieldError {
            field: field.to_owned(),
            value,
            problem,
            remedy: remedy.into(),
        });
        it
    }

    /// 401: nobody is signed in.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign-in needed", detail)
    }

    /// 403: the caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not permitted", detail)
    }

    /// 409: the state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            "Conflict with the present state",
            detail,
        )
    }

    /// 503 with `Retry-After`: a passing fault.
    pub fn unavailable(detail: impl Into<String>, seconds: u32) -> Self {
        let mut it = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available at the moment",
            detail,
        );
        it.retry_after = Some(seconds);
        it
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(text) => {
                tracing::warn!(%text, "record store unavailable");
                Self::unavailable(
                    "the record store did not accept the request; it was not carried out, send it again",
                    2,
                )
            }
            StoreError::Conflict(text) => Self::conflict(text),
            StoreError::Unsafe(text) | StoreError::Other(text) => internal(&text),
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<StoreError>() {
            Ok(store) => store.into(),
            Err(error) => internal(&format!("{error:#}")),
        }
    }
}

/// The text goes to the log only: it may hold what the caller must not see.
fn internal(text: &str) -> Problem {
    tracing::error!(%text, "request failed");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something failed inside",
        "the fault is in the server's log under this request's id",
    )
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after;
        let mut response = (status, axum::Json(&self)).into_response();
        // The edge writes the request's id into it.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
