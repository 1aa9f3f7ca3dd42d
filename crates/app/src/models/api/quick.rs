//! `POST /api/v1/scores/preview/accuracy`: how well a score that is being changed would have told the outcome, on the newest closed cutoffs.

use axum::extract::State;
use serde::Serialize;
use tenure_learn::measure::Bootstrap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::super::gather::{self, Ask, Gathered};
use super::super::report::Interval;
use super::super::run::{self, SEED};
use super::{definitions, outcome_named};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::facts::{date_of, day_number};
use crate::scores::{TryScore, tried};
use crate::web::{Json, Result, routes};

/// Month ends that are looked at: the newest ones whose horizon has passed. A whole back-test looks at twelve.
const CUTOFFS: usize = 3;
/// Draws of the bootstrap over accounts.
const DRAWS: usize = 200;
/// Fewer outcomes than these prove nothing (DEFINITIONS §5).
const FEW: usize = 50;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accuracy_of_draft))
}

/// How well a changed score would have told its outcome.
#[derive(Debug, Default, Serialize, ToSchema)]
struct DraftAccuracy {
    outcome: String,
    /// The cutoffs that were looked at, the oldest first; empty = no month end's horizon has passed.
    cutoffs: Vec<String>,
    horizon_days: i32,
    /// Accounts on cutoffs that both scores know.
    rows: usize,
    /// Those to whom the outcome came.
    positives: usize,
    /// AUC of the score as the program has it; null = too few rows, or the program has none.
    now: Option<Interval>,
    /// AUC of the changed one, on the same rows.
    then: Option<Interval>,
    /// The changed one's less the other's.
    difference: Option<Interval>,
    /// Whether there are so few outcomes that nothing is proven.
    few: bool,
    /// What the figures rest on.
    note: String,
}

/// The newest month ends whose horizon has passed by `newest`, ascending.
fn closed(newest: i32, horizon: i32) -> Vec<i32> {
    let mut end = newest - horizon + 1;
    let mut found: Vec<i32> = (0..CUTOFFS)
        .map(|_| {
            end = day_number(date_of(end).first_of_month()) - 1;
            end
        })
        .collect();
    found.reverse();
    found
}

/// The accuracy of a score that is being changed, on the newest closed cutoffs only; nothing is kept.
#[utoipa::path(post, path = "/api/v1/scores/preview/accuracy", tag = "scores", request_body = TryScore, responses((status = 200, body = DraftAccuracy)))]
async fn accuracy_of_draft(
    _: Viewer,
    State(app): State<App>,
    Json(asked): Json<TryScore>,
) -> Result<Json<DraftAccuracy>> {
    let definitions = definitions(&app)?;
    let wanted = tried(&definitions, &asked)?;
    let outcome = outcome_named(&definitions, &wanted.outcome)?;
    let horizon = outcome.horizon;
    // Whoever drags a weight asks often: one after the other.
    let _turn = app.models.quick.lock().await;
    let newest = gather::newest_day(&app).await?;
    let cutoffs = closed(newest, horizon);
    let mut hand = vec![run::hand(&wanted, "then", true)];
    hand.extend(
        definitions
            .score(&wanted.id)
            .map(|held| run::hand(held, "now", true)),
    );
    let ask = Ask {
        outcome,
        cutoffs: cutoffs.clone(),
        trust_dates: false,
        horizons: Vec::new(),
        hand,
        keep_open: false,
        all_metrics: false,
    };
    let gathered = gather::gather(&app, &ask, &|_| {}).await?;
    let days = cutoffs.iter().map(|day| date_of(*day).to_string()).collect();
    let told = tokio::task::spawn_blocking(move || compare(&gathered))
        .await
        .map_err(anyhow::Error::from)?;
    Ok(Json(DraftAccuracy {
        outcome: wanted.outcome.clone(),
        cutoffs: days,
        horizon_days: horizon,
        note: note(&told),
        ..told
    }))
}

fn note(told: &DraftAccuracy) -> String {
    let rest = format!(
        "Only the newest {CUTOFFS} month ends whose horizon has passed; scores as they are set by hand, from what was known on each day. \
         The page Accuracy tests a year."
    );
    if told.few {
        format!(
            "Not proven: {} outcomes are fewer than {FEW}. {rest}",
            told.positives
        )
    } else {
        rest
    }
}

fn compare(gathered: &Gathered) -> DraftAccuracy {
    let panel = &gathered.panel;
    let known =
        |row: usize| panel.labels[row].is_some() && gathered.scores.iter().all(|score| !score[row].is_nan());
    let rows: Vec<usize> = (0..panel.rows()).filter(|row| known(*row)).collect();
    let labels: Vec<bool> = rows.iter().map(|row| panel.labels[*row] == Some(true)).collect();
    let groups: Vec<u64> = rows
        .iter()
        .map(|row| panel.accounts[*row].unsigned_abs())
        .collect();
    let risk = |score: &Vec<f64>| rows.iter().map(|row| -score[*row]).collect::<Vec<f64>>();
    let risks: Vec<Vec<f64>> = gathered.scores.iter().map(risk).collect();
    let positives = labels.iter().filter(|label| **label).count();
    let bootstrap = Bootstrap::new(&labels, &groups, DRAWS, SEED);
    let auc = |at: usize| {
        risks
            .get(at)
            .and_then(|risk| bootstrap.auc(risk))
            .map(Interval::from)
    };
    let difference = match risks.as_slice() {
        [then, now] => bootstrap.difference(then, now).map(Interval::from),
        _ => None,
    };
    DraftAccuracy {
        rows: rows.len(),
        positives,
        then: auc(0),
        now: auc(1),
        difference,
        few: positives < FEW,
        ..DraftAccuracy::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_month_ends_whose_horizon_has_passed_are_looked_at() {
        let day = |text: &str| crate::metrics::facts::parse_day(text).expect("a day");
        let days = |newest: &str| -> Vec<String> {
            let found = closed(day(newest), 90);
            found.iter().map(|day| date_of(*day).to_string()).collect()
        };
        // The 90 days after 31 March end on 29 June.
        assert_eq!(days("2026-06-29"), ["2026-01-31", "2026-02-28", "2026-03-31"]);
        assert_eq!(days("2026-06-28"), ["2025-12-31", "2026-01-31", "2026-02-28"]);
    }
}
