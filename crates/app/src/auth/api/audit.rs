//! The audit: who changed what, and whether the record of it is whole.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::at;
use crate::App;
use crate::auth::{Admin, store};
use crate::web::{Json, Problem, Query, Result};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    pub seq: i64,
    pub at: String,
    /// `user:<id>`, `key:<id>` or `operator`.
    pub actor: String,
    /// What was done, such as `key.revoke`.
    pub action: String,
    /// To what, such as `key:<id>`.
    pub subject: String,
    #[schema(value_type = Object)]
    pub detail: Value,
    pub request_id: Option<String>,
}

/// Changes, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    pub items: Vec<AuditEntry>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// Which changes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 500; 100 when left out.
    limit: Option<i64>,
    /// Only this actor's.
    actor: Option<String>,
    /// Only this action.
    action: Option<String>,
    /// Only on this subject.
    subject: Option<String>,
}

/// Whether the audit is whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    pub ok: bool,
    /// Rows read.
    pub rows: i64,
    /// The first row that does not fit, when not ok.
    pub broken_at: Option<i64>,
    /// What is wrong there.
    pub problem: Option<String>,
}

/// What was changed, by whom, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = AuditPage)))]
pub async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::field(
            "limit",
            limit,
            "not between 1 and 500",
            "send a limit of 1 to 500",
        ));
    }
    let before = match query.cursor.as_deref() {
        None => None,
        Some(text) => Some(text.parse().ok().filter(|seq| *seq > 0).ok_or_else(|| {
            Problem::field(
                "cursor",
                text,
                "not a cursor of this list",
                "send `next_cursor` of the page before, or none",
            )
        })?),
    };
    let filter = store::AuditFilter {
        before,
        actor: query.actor,
        action: query.action,
        subject: query.subject,
        limit: limit + 1,
    };
    let mut rows = store::audit_rows(&app, &filter).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    if more {
        rows.pop();
    }
    let next_cursor = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    Ok(Json(AuditPage {
        items: rows.into_iter().map(entry).collect(),
        next_cursor,
    }))
}

fn entry(row: store::AuditRow) -> AuditEntry {
    AuditEntry {
        seq: row.seq,
        at: at(row.at),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        detail: serde_json::from_str(&row.detail).unwrap_or(Value::String(row.detail)),
        request_id: row.request_id,
    }
}

/// Reads the whole audit and checks its chain of hashes.
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "audit", responses((status = 200, body = Verified)))]
pub async fn verify(_: Admin, State(app): State<App>) -> Result<Json<Verified>> {
    // The head is read first: rows that arrive meanwhile only follow it.
    let head = store::audit_head(&app.store).await?;
    let (mut seq, mut chain) = (0, String::new());
    let broken = |seq: i64, rows: i64, problem: &str| {
        Json(Verified {
            ok: false,
            rows,
            broken_at: Some(seq),
            problem: Some(problem.to_owned()),
        })
    };
    loop {
        let rows = store::audit_after(&app.store, seq, 1_000).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.seq != seq + 1 {
                return Ok(broken(seq + 1, seq, "a row is missing"));
            }
            if row.link(&chain) != row.chain {
                return Ok(broken(row.seq, seq, "the row was changed after it was written"));
            }
            if row.seq == head.0 && row.chain != head.1 {
                return Ok(broken(
                    row.seq,
                    seq,
                    "the row is not the one that was noted as the newest",
                ));
            }
            (seq, chain) = (row.seq, row.chain);
        }
    }
    if seq < head.0 {
        return Ok(broken(seq + 1, seq, "rows are missing at the end"));
    }
    Ok(Json(Verified {
        ok: true,
        rows: seq,
        broken_at: None,
        problem: None,
    }))
}
