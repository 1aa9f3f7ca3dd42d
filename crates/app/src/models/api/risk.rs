//! Accounts by what they may cost: probability of an outcome and MRR at risk.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::models::report;
use super::shape::method_of;
use super::{definitions, outcome_named};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::CHURN;
use crate::metrics::Entry;
use crate::metrics::as_of::instant;
use crate::metrics::facts::date_of;
use crate::models::operation::{Accuracy, DRIFTED, Drift};
use crate::models::train::Said;
use crate::models::{present, store};
use crate::web::{Json, Problem, Query, Result, routes};

/// The routes of risk.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(risk))
        .routes(routes!(operation))
}

/// Whose risk.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The outcome; `churn` when left out.
    outcome: Option<String>,
    /// Only accounts of this segment.
    segment: Option<String>,
    /// Only accounts of this owner; `(none)` = without one.
    owner: Option<String>,
    /// `mrr` (expected MRR at risk, the usual) or `probability`.
    sort: Option<String>,
    /// Where to go on.
    offset: Option<usize>,
    /// 1 to 500; 50 when left out.
    limit: Option<usize>,
}

/// A probability within some days.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskWithin)]
struct Within {
    days: i32,
    probability: f64,
}

/// What moves an account's probability.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskReason)]
struct Reason {
    /// The metric, or two of a pair.
    measure: String,
    /// The metric's name for people.
    label: String,
    /// Its value now.
    value: Option<f64>,
    /// What it multiplies the odds by: 2 = doubles them.
    odds: f64,
}

/// An account at risk.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskLine)]
struct Line {
    account_id: String,
    name: String,
    segment: String,
    owner: Option<String>,
    mrr: Option<f64>,
    /// Probability within the model's own horizon.
    probability: f64,
    /// Expected MRR at risk within it: probability × MRR.
    mrr_at_risk: Option<f64>,
    /// By days, ascending.
    within: Vec<Within>,
    /// What moves it most.
    reasons: Vec<Reason>,
}

/// Accounts by risk.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskList)]
struct Lines {
    outcome: String,
    outcome_label: String,
    currency: String,
    /// The day that it stands for.
    as_of: String,
    computed_at: String,
    /// The model that says so; null = none is trained yet.
    model_id: Option<String>,
    /// Whether that model is in force.
    in_force: bool,
    /// Whether its method is proven by the back-test beside it.
    proven: bool,
    /// Why, or why not, or what to do.
    reason: String,
    /// Days of the model's own horizon.
    horizon_days: Option<i32>,
    /// Accounts in all.
    total: usize,
    /// Their MRR.
    mrr: f64,
    /// Of that the MRR at risk: the sum of all accounts' probability × MRR.
    mrr_at_risk: f64,
    items: Vec<Line>,
}

fn keeps(entry: &Entry, asked: &Asked) -> bool {
    let Some(span) = entry.now() else { return false };
    asked
        .segment
        .as_ref()
        .is_none_or(|wanted| span.segment == *wanted)
        && asked
            .owner
            .as_ref()
            .is_none_or(|wanted| span.owner.as_deref().unwrap_or("(none)") == wanted.as_str())
}

/// Active accounts by expected MRR at risk.
#[utoipa::path(get, path = "/api/v1/risk", tag = "models", params(Asked), responses((status = 200, body = Lines)))]
async fn risk(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Lines>> {
    let definitions = definitions(&app)?;
    let outcome = outcome_named(&definitions, asked.outcome.as_deref().unwrap_or(CHURN))?;
    let by_mrr = match asked.sort.as_deref() {
        None | Some("mrr") => true,
        Some("probability") => false,
        Some(other) => {
            return Err(Problem::field(
                "sort",
                other,
                "is no order",
                "take mrr or probability",
            ));
        }
    };
    let limit = asked.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::field("limit", limit, "is not 1 to 500", "ask for 50"));
    }
    let today = crate::metrics::today(&app);
    let mut answer = Lines {
        outcome: outcome.id.clone(),
        outcome_label: outcome.label.clone(),
        currency: definitions.program.currency.clone(),
        as_of: date_of(today).to_string(),
        computed_at: instant(app.clock.micros()),
        model_id: None,
        in_force: false,
        proven: false,
        reason: format!(
            "no model of {} is trained yet: train one under Accuracy, or with `tenure model train {}`",
            outcome.label, outcome.id
        ),
        horizon_days: None,
        total: 0,
        mrr: 0.0,
        mrr_at_risk: 0.0,
        items: Vec::new(),
    };
    let Some((it, own)) = present::model(&app, &outcome.id).await? else {
        return Ok(Json(answer));
    };
    let beside = report(&app, &it.backtest_id).await?;
    let figures = beside
        .as_ref()
        .and_then(|report| report.method(method_of(&it.method)));
    answer.proven = figures.is_some_and(|method| method.proven);
    answer.reason = figures.map(|method| method.reason.clone()).unwrap_or_default();
    answer.in_force = it.promoted_at.is_some();
    answer.model_id = Some(it.id.clone());
    answer.horizon_days = Some(own.horizon);
    let said = present::of_today(&app, &definitions, &outcome, &it.score, &own).await?;
    let mut found: Vec<(std::sync::Arc<Entry>, Said)> = said
        .into_iter()
        .filter(|(entry, _)| keeps(entry, &asked))
        .collect();
    let mrr = |entry: &Entry| entry.now().and_then(|span| span.mrr);
    answer.total = found.len();
    answer.mrr = found.iter().filter_map(|(entry, _)| mrr(entry)).sum();
    answer.mrr_at_risk = found
        .iter()
        .filter_map(|(entry, said)| Some(mrr(entry)? * said.probability))
        .sum();
    let stake = |entry: &Entry, said: &Said| match by_mrr {
        true => mrr(entry).unwrap_or(0.0) * said.probability,
        false => said.probability,
    };
    found.sort_by(|a, b| {
        stake(&b.0, &b.1)
            .total_cmp(&stake(&a.0, &a.1))
            .then(a.0.no.cmp(&b.0.no))
    });
    answer.items = found
        .into_iter()
        .skip(asked.offset.unwrap_or(0))
        .take(limit)
        .map(|(entry, said)| line(&app, &definitions, &entry, said))
        .collect();
    Ok(Json(answer))
}

fn line(app: &App, definitions: &crate::definitions::Definitions, entry: &Entry, said: Said) -> Line {
    let plan = app.metrics.plan();
    let value = |name: &str| {
        let at = plan.as_ref()?.metric_ids.iter().position(|id| id == name)?;
        entry
            .head
            .metrics
            .get(at)
            .copied()
            .filter(|value| !value.is_nan())
    };
    let span = entry.now();
    let mrr = span.and_then(|span| span.mrr);
    Line {
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        segment: span.map(|span| span.segment.clone()).unwrap_or_default(),
        owner: span.and_then(|span| span.owner.clone()),
        mrr,
        probability: said.probability,
        mrr_at_risk: mrr.map(|mrr| mrr * said.probability),
        within: said
            .probabilities
            .into_iter()
            .map(|(days, probability)| Within { days, probability })
            .collect(),
        reasons: said
            .reasons
            .into_iter()
            .filter(|(_, part)| part.abs() > 1e-9)
            .map(|(measure, part)| Reason {
                label: definitions
                    .metric(&measure)
                    .map_or_else(|| measure.clone(), |metric| metric.label.clone()),
                value: value(&measure),
                odds: part.exp(),
                measure,
            })
            .collect(),
    }
}

/// Which outcome.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Watched {
    /// The outcome; `churn` when left out.
    outcome: Option<String>,
}

/// The predictions of a model for a month end.
#[derive(Serialize, ToSchema)]
#[schema(as = PredictionMonth)]
struct Month {
    model_id: String,
    /// The month end.
    day: String,
    made_at: String,
    /// When they were held against what happened; null while the horizon has not passed.
    checked_at: Option<String>,
    /// What they were worth.
    accuracy: Option<Accuracy>,
    /// Why somebody should look.
    alarm: Option<String>,
    /// Measures by how far they have moved since the training, the furthest first.
    drift: Vec<Drift>,
}

/// Accuracy in operation.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelOperation)]
struct Operation {
    outcome: String,
    /// A drift above this is one to look at.
    drift_limit: f64,
    /// Newest first.
    months: Vec<Month>,
}

/// Each month's predictions of the models in force, and what became of them.
#[utoipa::path(get, path = "/api/v1/predictions", tag = "models", params(Watched), responses((status = 200, body = Operation)))]
async fn operation(
    _: Viewer,
    State(app): State<App>,
    Query(watched): Query<Watched>,
) -> Result<Json<Operation>> {
    let definitions = definitions(&app)?;
    let outcome = outcome_named(&definitions, watched.outcome.as_deref().unwrap_or(CHURN))?;
    let months = store::months(&app, &outcome.id)
        .await?
        .into_iter()
        .map(|month| Month {
            model_id: month.run_id,
            day: date_of(month.day).to_string(),
            made_at: instant(month.made_at),
            checked_at: month.checked_at.map(instant),
            accuracy: month.accuracy.and_then(|text| serde_json::from_str(&text).ok()),
            alarm: month.alarm,
            drift: serde_json::from_str(&month.drift).unwrap_or_default(),
        })
        .collect();
    Ok(Json(Operation {
        outcome: outcome.id,
        drift_limit: DRIFTED,
        months,
    }))
}
