//! What is shown of back-tests and models.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::metrics::as_of::instant;
use crate::metrics::facts::date_of;
use crate::models::params::Asked;
use crate::models::report::{Interval, Report};
use crate::models::store;

/// How a piece of background work stands.
pub(super) struct Standing {
    pub state: String,
    pub progress: f64,
    pub step: String,
    pub error: Option<String>,
}

impl Standing {
    /// Work that is noted as running and does not run here ended with its server.
    pub fn of(app: &App, id: &str, state: &str, error: Option<String>) -> Self {
        let (progress, step, state, error) = match (state, app.models.progress(id)) {
            ("running", Some((share, step))) => (share, step, "running", error),
            ("running", None) => {
                let why = "the server ended while it ran; start it again".to_owned();
                (0.0, "", "failed", Some(why))
            }
            (state, _) => (1.0, "", state, error),
        };
        Self {
            state: state.to_owned(),
            progress,
            step: step.to_owned(),
            error,
        }
    }
}

/// A back-test.
#[derive(Serialize, ToSchema)]
#[schema(as = Backtest)]
pub(super) struct Backtest {
    id: String,
    /// The score; null = an outcome that no score tells.
    score: Option<String>,
    outcome: String,
    /// `running`, `done` or `failed`.
    state: String,
    /// How far it is, 0–1.
    progress: f64,
    /// What is being done.
    step: String,
    created_at: String,
    finished_at: Option<String>,
    /// Who started it.
    author: String,
    /// What was asked.
    params: Asked,
    /// Why it failed.
    error: Option<String>,
    /// The main method's AUC.
    auc: Option<Interval>,
    /// Whether the main method is proven.
    proven: Option<bool>,
    /// What it says; only where one back-test is shown.
    report: Option<Report>,
    /// The cutoffs of which rows are kept; only where one back-test is shown.
    rows: Vec<String>,
}

/// Who somebody is, in words.
pub(super) fn person(names: &HashMap<String, String>, actor: &str) -> String {
    names.get(actor).cloned().unwrap_or_else(|| actor.to_owned())
}

impl Backtest {
    pub fn of(app: &App, it: store::Backtest, whole: bool, names: &HashMap<String, String>) -> Self {
        let standing = Standing::of(app, &it.id, &it.state, it.error);
        let report = it
            .result
            .as_deref()
            .and_then(|text| serde_json::from_str::<Report>(text).ok());
        let main = report.as_ref().and_then(|report| report.method(&report.main));
        Self {
            auc: main.map(|method| method.auc),
            proven: report.as_ref().map(|report| report.proven),
            id: it.id.clone(),
            score: Some(it.score).filter(|score| !score.is_empty()),
            outcome: it.outcome,
            state: standing.state,
            progress: standing.progress,
            step: standing.step,
            created_at: instant(it.created_at),
            finished_at: it.finished_at.map(instant),
            author: person(names, &it.author),
            params: serde_json::from_str(&it.params).unwrap_or_default(),
            error: standing.error,
            rows: if whole {
                crate::models::rows::days(app, &it.id).unwrap_or_default()
            } else {
                Vec::new()
            },
            report: report.filter(|_| whole),
        }
    }
}

/// A model that was trained.
#[derive(Serialize, ToSchema)]
#[schema(as = TrainedModel)]
pub(super) struct Model {
    id: String,
    outcome: String,
    /// The score that its points may become.
    score: Option<String>,
    /// `transparent` or `boosting`.
    method: String,
    /// `running`, `done` or `failed`.
    state: String,
    /// How far it is, 0–1.
    progress: f64,
    /// What is being done.
    step: String,
    /// The newest cutoff that it was trained on.
    day: Option<String>,
    /// Rows that it was trained on.
    rows: i64,
    /// Rows with the outcome.
    positives: i64,
    created_at: String,
    finished_at: Option<String>,
    /// Who trained it.
    author: String,
    note: String,
    error: Option<String>,
    /// The back-test beside it.
    backtest_id: String,
    /// What its method reached in that back-test.
    auc: Option<Interval>,
    /// Whether its method is proven there.
    proven: Option<bool>,
    /// When it was put in force; null = it is not.
    promoted_at: Option<String>,
    /// Who put it in force.
    promoted_by: Option<String>,
    /// To be sent with a change of whether it is in force.
    version: i64,
}

/// The method of a training in a back-test.
pub(super) fn method_of(method: &str) -> &'static str {
    if method == crate::models::train::BOOSTING {
        "challenger"
    } else {
        "transparent"
    }
}

impl Model {
    pub fn of(app: &App, it: store::Run, report: Option<&Report>, names: &HashMap<String, String>) -> Self {
        let standing = Standing::of(app, &it.id, &it.state, it.error);
        let figures = report.and_then(|report| report.method(method_of(&it.method)));
        Self {
            auc: figures.map(|method| method.auc),
            proven: figures.map(|method| method.proven),
            id: it.id,
            outcome: it.outcome,
            score: Some(it.score).filter(|score| !score.is_empty()),
            method: it.method,
            day: (standing.state == "done").then(|| date_of(it.day).to_string()),
            state: standing.state,
            progress: standing.progress,
            step: standing.step,
            rows: it.rows,
            positives: it.positives,
            created_at: instant(it.created_at),
            finished_at: it.finished_at.map(instant),
            author: person(names, &it.author),
            note: it.note,
            error: standing.error,
            backtest_id: it.backtest_id,
            promoted_at: it.promoted_at.map(instant),
            promoted_by: it.promoted_by.map(|by| person(names, &by)),
            version: it.version,
        }
    }
}
