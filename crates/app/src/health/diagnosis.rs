//! What is known about the storage, for `tenure doctor`.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::auth::Admin;
use crate::schema::MIGRATIONS;
use crate::web::{Json, Result};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Sound.
    Ok,
    /// Works, but should be changed.
    Warning,
    /// Does not work, or is not safe.
    Failed,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    pub check: String,
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What to do; null when sound.
    pub remedy: Option<String>,
}

/// All checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Diagnosis {
    pub checks: Vec<Check>,
}

/// How far the database's clock may be from ours, in microseconds: further off, leases and sessions end at odd times.
const CLOCKS_APART: i64 = 5_000_000;

/// Looks at the database: which, how it is set, whether it is whole, how its clock runs.
#[utoipa::path(get, path = "/api/v1/diagnosis", tag = "health", responses((status = 200, body = Diagnosis)))]
pub async fn show(_: Admin, State(app): State<App>) -> Result<Json<Diagnosis>> {
    let ok = |check: &str, detail: String| Check {
        check: check.to_owned(),
        state: CheckState::Ok,
        detail,
        remedy: None,
    };
    let mut checks = vec![ok(
        "schema",
        format!("version {}", MIGRATIONS.last().map_or(0, |newest| newest.version)),
    )];
    let report = app.store.report().await?;
    checks.extend(report.settings.into_iter().map(|(name, value)| ok(&name, value)));
    checks.push(match report.damage {
        None => ok("records", "whole".to_owned()),
        Some(damage) => Check {
            check: "records".to_owned(),
            state: CheckState::Failed,
            detail: damage,
            remedy: Some("stop the server and restore the newest good backup".to_owned()),
        },
    });
    if let Some(theirs) = report.clock
        && !app.clock.is_manual()
    {
        let apart = (theirs - app.clock.micros()).abs();
        let far = apart > CLOCKS_APART;
        checks.push(Check {
            check: "database clock".to_owned(),
            state: if far { CheckState::Warning } else { CheckState::Ok },
            detail: format!("{:.3} s apart", apart as f64 / 1e6),
            remedy: far.then(|| "set both machines' clocks by NTP".to_owned()),
        });
    }
    Ok(Json(Diagnosis { checks }))
}
