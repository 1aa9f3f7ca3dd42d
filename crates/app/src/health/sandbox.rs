//! The sandbox's clock. These routes exist only in a sandbox.

use axum::extract::State;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::auth::{Admin, Viewer, audit};
use crate::web::{Json, Problem, Result, routes};

/// The routes of a sandbox.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, advance))
}

/// Where the sandbox's clock stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxClock {
    #[schema(value_type = String)]
    now: Timestamp,
}

/// How far to move it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// Forward by this much: `90s`, `3h`, `1d`, `2w`, `1 month`.
    advance: String,
}

/// Where the clock stands.
#[utoipa::path(get, path = "/api/v1/sandbox/clock", tag = "sandbox", responses((status = 200, body = SandboxClock)))]
async fn show(_: Viewer, State(app): State<App>) -> Json<SandboxClock> {
    Json(SandboxClock { now: app.clock.now() })
}

/// Moves the clock forward.
#[utoipa::path(post, path = "/api/v1/sandbox/clock", tag = "sandbox", request_body = Advance, responses((status = 200, body = SandboxClock)))]
async fn advance(
    Admin(who): Admin,
    State(app): State<App>,
    Json(form): Json<Advance>,
) -> Result<Json<SandboxClock>> {
    let refuse = |problem: &str| {
        Problem::field(
            "advance",
            &form.advance,
            problem,
            "send a span forward, such as `1d` or `3h 30m`",
        )
    };
    let span: Span = form.advance.parse().map_err(|_| refuse("not a span of time"))?;
    if span.is_negative() || span.is_zero() {
        return Err(refuse("not forward"));
    }
    let now = app.clock.now().to_zoned(TimeZone::UTC);
    let then = now
        .checked_add(span)
        .map_err(|_| refuse("further than time goes"))?;
    let step = then.timestamp().as_microsecond() - now.timestamp().as_microsecond();
    let tx = app.store.begin().await?;
    audit(
        &tx,
        &app.clock,
        &who,
        "sandbox.clock",
        "clock",
        &json!({ "advance": form.advance }),
    )
    .await?;
    tx.commit().await?;
    if !app.clock.advance(step) {
        return Err(Problem::conflict(
            "the clock is the system's: start with --sandbox",
        ));
    }
    Ok(Json(SandboxClock { now: app.clock.now() }))
}
