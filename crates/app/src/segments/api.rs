//! Handlers of segments.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::preview::{Preview, preview};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Definitions, SegmentRule};
use crate::metrics::evaluate::UNCLASSIFIED;
use crate::metrics::facts::date_of;
use crate::metrics::{Entry, as_of};
use crate::web::{Json, Problem, Query, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(try_rules))
}

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The day; today when left out.
    as_of: Option<String>,
}

/// One segment.
#[derive(Serialize, ToSchema)]
struct SegmentLine {
    id: String,
    label: String,
    description: String,
    /// The rule that takes accounts.
    rule: String,
    /// Accounts in it, churned ones too.
    accounts: usize,
    /// Active accounts in it.
    active: usize,
    /// Σ MRR of the active ones.
    mrr: f64,
    /// Share of all active accounts; null = there are none.
    share: Option<f64>,
}

/// Why accounts are in no segment.
#[derive(Serialize, ToSchema)]
struct Reason {
    reason: String,
    accounts: usize,
}

/// Active accounts that no rule takes.
#[derive(Serialize, ToSchema)]
struct Unclassified {
    accounts: usize,
    reasons: Vec<Reason>,
}

/// All segments.
#[derive(Serialize, ToSchema)]
struct Segments {
    as_of: String,
    /// In the order in which rules are tried.
    segments: Vec<SegmentLine>,
    unclassified: Unclassified,
    /// The rule that says who is unclassified, where there is one.
    rule_unclassified: Option<String>,
    /// The currency of MRR.
    currency: String,
    /// Active accounts whose segment could change if a missing field were filled.
    undecided: Vec<Reason>,
    /// Share of the active accounts that are in a segment; null = there are none.
    categorized: Option<f64>,
    /// Active accounts.
    total: usize,
    computed_at: String,
}

pub(super) fn definitions(app: &App) -> Result<Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn share(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Segments with their sizes, and who is in none.
#[utoipa::path(get, path = "/api/v1/segments", tag = "segments", params(Asked), responses((status = 200, body = Segments)))]
async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Segments>> {
    let definitions = definitions(&app)?;
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let entries = as_of::entries(&app, day).await?;
    let active: Vec<&Arc<Entry>> = entries
        .iter()
        .filter(|e| e.head.span_at(day).is_some_and(|s| s.active))
        .collect();
    let line = |segment: &SegmentRule| {
        let inside = |e: &&Arc<Entry>| e.head.span_at(day).is_some_and(|s| s.segment == segment.id);
        let here: Vec<_> = active.iter().filter(|e| inside(e)).collect();
        SegmentLine {
            id: segment.id.clone(),
            label: segment.label.clone(),
            description: segment.description.clone(),
            rule: segment.rule.clone(),
            accounts: entries.iter().filter(|e| inside(e)).count(),
            active: here.len(),
            mrr: here
                .iter()
                .filter_map(|e| e.head.span_at(day))
                .filter_map(|s| s.mrr)
                .sum(),
            share: share(here.len(), active.len()),
        }
    };
    let segments: Vec<SegmentLine> = definitions.segments.segments.iter().map(line).collect();
    let nowhere: Vec<&&Arc<Entry>> = active
        .iter()
        .filter(|e| e.head.span_at(day).is_some_and(|s| s.segment == UNCLASSIFIED))
        .collect();
    Ok(Json(Segments {
        as_of: date_of(day).to_string(),
        segments,
        unclassified: Unclassified {
            accounts: nowhere.len(),
            reasons: reasons(nowhere.iter().map(|e| e.head.why.clone())),
        },
        rule_unclassified: definitions.segments.unclassified.clone(),
        currency: definitions.program.currency.clone(),
        undecided: reasons(
            active
                .iter()
                .flat_map(|e| e.head.flags.iter().map(|f| f.message.clone())),
        ),
        categorized: share(active.len() - nowhere.len(), active.len()),
        total: active.len(),
        computed_at: as_of::instant(
            entries
                .iter()
                .map(|e| e.computed_at)
                .min()
                .unwrap_or_else(|| app.clock.micros()),
        ),
    }))
}

fn reasons(texts: impl Iterator<Item = String>) -> Vec<Reason> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    let mut reasons: Vec<Reason> = counts
        .into_iter()
        .map(|(reason, accounts)| Reason { reason, accounts })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.accounts));
    reasons.truncate(20);
    reasons
}

/// One rule to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TryRule {
    id: String,
    label: Option<String>,
    rule: String,
}

/// Rules to try, in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TryRules {
    segments: Vec<TryRule>,
    unclassified: Option<String>,
}

/// What other rules would do, before they are applied.
#[utoipa::path(post, path = "/api/v1/segments/preview", tag = "segments", request_body = TryRules, responses((status = 200, body = Preview)))]
async fn try_rules(_: Viewer, State(app): State<App>, Json(asked): Json<TryRules>) -> Result<Json<Preview>> {
    let mut changed = (*definitions(&app)?).clone();
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let rules = asked
        .segments
        .iter()
        .enumerate()
        .map(|(at, rule)| (format!("segments[{at}].rule"), &rule.rule));
    let unclassified = asked
        .unclassified
        .iter()
        .map(|rule| ("unclassified".to_owned(), rule));
    for (field, rule) in rules.chain(unclassified) {
        tenure_lake::Expr::compile_filter(rule, &crate::metrics::plan::environment(&plan.names))
            .map_err(|error| Problem::field(&field, rule, error.message.clone(), error.remedy.clone()))?;
    }
    changed.segments.unclassified = asked.unclassified;
    changed.segments.segments = asked
        .segments
        .into_iter()
        .map(|rule| SegmentRule {
            label: rule.label.unwrap_or_else(|| rule.id.clone()),
            id: rule.id,
            rule: rule.rule,
            cadence: None,
            description: String::new(),
        })
        .collect();
    Ok(Json(preview(&app, &changed).await?))
}
