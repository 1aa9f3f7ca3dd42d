//! Rules one by one: whom a rule alone would take, which accounts several rules claim, and which accounts no rule takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_lake::Expr;
use tenure_lake::arrow::array::{Array, BooleanArray};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::api::definitions;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::Definitions;
use crate::metrics::evaluate::UNCLASSIFIED;
use crate::metrics::plan::{Plan, environment};
use crate::metrics::{Entry, as_of, today};
use crate::web::{Json, Problem, Query, Result, routes};

/// Accounts that are named of a group.
const NAMED: usize = 10;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overlaps))
        .routes(routes!(try_one))
        .routes(routes!(unclassified))
}

fn active(app: &App) -> Vec<Arc<Entry>> {
    let mut entries = app.metrics.book.all();
    entries.retain(|entry| entry.active());
    entries
}

fn mrr(entry: &Entry) -> f64 {
    entry.now().and_then(|span| span.mrr).unwrap_or(0.0)
}

fn compiled(plan: &Plan, rule: &str) -> std::result::Result<Expr, tenure_lake::QueryError> {
    Expr::compile_filter(rule, &environment(&plan.names))
}

/// An account in a few words.
#[derive(Serialize, ToSchema)]
struct RuleSample {
    account_id: String,
    name: String,
    /// Its segment now.
    segment: String,
    mrr: Option<f64>,
}

fn samples<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<RuleSample> {
    let mut all: Vec<&Arc<Entry>> = entries.collect();
    all.sort_by(|a, b| mrr(b).total_cmp(&mrr(a)).then(a.no.cmp(&b.no)));
    all.into_iter()
        .take(NAMED)
        .map(|entry| RuleSample {
            account_id: entry.id.clone(),
            name: entry.name.clone(),
            segment: entry.now().map(|span| span.segment.clone()).unwrap_or_default(),
            mrr: entry.now().and_then(|span| span.mrr),
        })
        .collect()
}

/// Accounts that several rules claim.
#[derive(Serialize, ToSchema)]
struct Overlap {
    /// The segments whose rules are true, in the order in which they are tried; the first has the accounts.
    segments: Vec<String>,
    accounts: usize,
    mrr: f64,
    /// Some of them, greatest MRR first.
    sample: Vec<RuleSample>,
}

/// Which rules claim the same accounts.
#[derive(Serialize, ToSchema)]
struct Overlaps {
    /// Most accounts first.
    overlaps: Vec<Overlap>,
    /// Segments that take whatever is left (`TRUE`); they overlap with every other and are not counted.
    catch_all: Vec<String>,
    /// Active accounts that exactly one other rule claims, or none.
    clear: usize,
    /// Active accounts.
    total: usize,
}

/// Active accounts for which more than one rule is true today. The order of the rules decides where they are.
#[utoipa::path(get, path = "/api/v1/segments/overlaps", tag = "segments", responses((status = 200, body = Overlaps)))]
async fn overlaps(_: Viewer, State(app): State<App>) -> Result<Json<Overlaps>> {
    let definitions = definitions(&app)?;
    let (catch_all, rules): (Vec<_>, Vec<_>) = definitions
        .segments
        .segments
        .iter()
        .partition(|segment| segment.rule.trim().eq_ignore_ascii_case("true"));
    let entries = active(&app);
    let mut truths = Vec::with_capacity(rules.len());
    for segment in &rules {
        truths.push(truth(&app, &definitions, &entries, &segment.rule)?);
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<&Arc<Entry>>> = BTreeMap::new();
    for (row, entry) in entries.iter().enumerate() {
        let claims: Vec<usize> = (0..rules.len())
            .filter(|at| truths[*at].is_valid(row) && truths[*at].value(row))
            .collect();
        if claims.len() > 1 {
            groups.entry(claims).or_default().push(entry);
        }
    }
    let mut overlaps: Vec<Overlap> = groups
        .into_iter()
        .map(|(claims, entries)| Overlap {
            segments: claims.iter().map(|at| rules[*at].id.clone()).collect(),
            accounts: entries.len(),
            mrr: entries.iter().map(|entry| mrr(entry)).sum(),
            sample: samples(entries.into_iter()),
        })
        .collect();
    overlaps.sort_by_key(|overlap| std::cmp::Reverse(overlap.accounts));
    let claimed: usize = overlaps.iter().map(|overlap| overlap.accounts).sum();
    Ok(Json(Overlaps {
        overlaps,
        catch_all: catch_all.into_iter().map(|segment| segment.id.clone()).collect(),
        clear: entries.len() - claimed,
        total: entries.len(),
    }))
}

fn truth(app: &App, definitions: &Definitions, entries: &[Arc<Entry>], rule: &str) -> Result<BooleanArray> {
    as_of::evaluate_rule(app, definitions, entries, today(app), rule)
}

/// A rule that is being written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TryOne {
    /// The rule.
    rule: String,
}

/// What is wrong with a rule.
#[derive(Serialize, ToSchema)]
struct RuleProblem {
    problem: String,
    remedy: String,
    /// Line in the rule, from 1; null = not known.
    line: Option<u32>,
    /// Column in the rule, from 1; null = not known.
    column: Option<u32>,
    /// The name at fault, where there is one.
    name: Option<String>,
    /// The nearest right name.
    nearest: Option<String>,
}

/// What a rule alone would take of the active accounts.
#[derive(Serialize, ToSchema)]
struct RuleOutcome {
    /// Set when it cannot be used; the counts are then 0.
    problem: Option<RuleProblem>,
    /// Active accounts for which it is true.
    matches: usize,
    /// Their MRR.
    mrr: f64,
    /// Active accounts for which it can be neither true nor false, because something is unknown.
    unknown: usize,
    /// Active accounts.
    total: usize,
    /// Some of those that match, greatest MRR first.
    sample: Vec<RuleSample>,
    /// Those that match, by the segment that they are in now.
    by_segment: BTreeMap<String, usize>,
}

/// Whom a rule would take by itself, while it is being written.
#[utoipa::path(post, path = "/api/v1/segments/rule/check", tag = "segments", request_body = TryOne, responses((status = 200, body = RuleOutcome)))]
async fn try_one(_: Viewer, State(app): State<App>, Json(asked): Json<TryOne>) -> Result<Json<RuleOutcome>> {
    let definitions = definitions(&app)?;
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let entries = active(&app);
    let mut outcome = RuleOutcome {
        problem: None,
        matches: 0,
        mrr: 0.0,
        unknown: 0,
        total: entries.len(),
        sample: Vec::new(),
        by_segment: BTreeMap::new(),
    };
    if let Err(error) = compiled(&plan, &asked.rule) {
        outcome.problem = Some(RuleProblem {
            problem: error.message,
            remedy: error.remedy,
            line: error.line,
            column: error.column,
            name: error.name.map(String::from),
            nearest: error.nearest.map(String::from),
        });
        return Ok(Json(outcome));
    }
    let truth = truth(&app, &definitions, &entries, &asked.rule)?;
    outcome.unknown = truth.null_count();
    let matching = || {
        entries
            .iter()
            .enumerate()
            .filter(|(row, _)| truth.is_valid(*row) && truth.value(*row))
            .map(|(_, entry)| entry)
    };
    for entry in matching() {
        outcome.matches += 1;
        outcome.mrr += mrr(entry);
        let segment = entry.now().map(|span| span.segment.clone()).unwrap_or_default();
        *outcome.by_segment.entry(segment).or_default() += 1;
    }
    outcome.sample = samples(matching());
    Ok(Json(outcome))
}

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `unclassified` (default): no rule takes them. `undecided`: a missing field could change their segment.
    kind: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<usize>,
    /// Rows of a page, 1 to 500 (default 50).
    limit: Option<usize>,
}

/// An account that is in no segment, or only for want of a field.
#[derive(Serialize, ToSchema)]
struct DoubtfulAccount {
    account_id: String,
    name: String,
    owner: Option<String>,
    segment: String,
    mrr: Option<f64>,
    /// Why it is where it is, and what would settle it.
    why: Vec<String>,
}

/// Accounts without a sure segment.
#[derive(Serialize, ToSchema)]
struct DoubtfulAccounts {
    /// Greatest MRR first.
    items: Vec<DoubtfulAccount>,
    total: usize,
    next_cursor: Option<usize>,
}

/// The active accounts that no rule takes, or whose segment a missing field could change, each with why.
#[utoipa::path(get, path = "/api/v1/segments/unclassified", tag = "segments", params(Asked), responses((status = 200, body = DoubtfulAccounts)))]
async fn unclassified(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<DoubtfulAccounts>> {
    let undecided = match asked.kind.as_deref() {
        None | Some("unclassified") => false,
        Some("undecided") => true,
        Some(other) => {
            let remedy = "ask for unclassified or undecided";
            return Err(Problem::field("kind", other, "is not known", remedy));
        }
    };
    let mut entries = active(&app);
    entries.retain(|entry| {
        if undecided {
            !entry.head.flags.is_empty()
        } else {
            entry.now().is_some_and(|span| span.segment == UNCLASSIFIED)
        }
    });
    entries.sort_by(|a, b| mrr(b).total_cmp(&mrr(a)).then(a.no.cmp(&b.no)));
    let (offset, limit) = (asked.cursor.unwrap_or(0), asked.limit.unwrap_or(50).clamp(1, 500));
    let total = entries.len();
    let items: Vec<DoubtfulAccount> = entries
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|entry| {
            let flags = entry.head.flags.iter().map(|flag| flag.message.clone());
            let why = if undecided {
                flags.collect()
            } else {
                std::iter::once(entry.head.why.clone()).chain(flags).collect()
            };
            let span = entry.now();
            DoubtfulAccount {
                account_id: entry.id.clone(),
                name: entry.name.clone(),
                owner: span.and_then(|span| span.owner.clone()),
                segment: span.map(|span| span.segment.clone()).unwrap_or_default(),
                mrr: span.and_then(|span| span.mrr),
                why,
            }
        })
        .collect();
    let next = offset.saturating_add(items.len());
    Ok(Json(DoubtfulAccounts {
        items,
        total,
        next_cursor: (next < total).then_some(next),
    }))
}
