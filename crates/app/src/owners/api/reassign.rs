//! Reassignments: by rules or by hand, tried first, carried out, undone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::assign::{self, Load};
use super::super::moves::{self, Planned, Scope, Telling};
use super::super::settings::{OwnerSettings, Spread, checked, target};
use super::super::{NOBODY, book, store};
use super::current;
use crate::App;
use crate::auth::{Manager, Viewer};
use crate::metrics::{Entry, as_of};
use crate::web::{Json, Path, Problem, Query, Result};

/// How many moves a preview names.
const SHOWN: usize = 200;

/// What the rules are tried on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RulesTrial)]
pub struct Trial {
    scope: Scope,
    /// Settings to try instead of those in force.
    settings: Option<OwnerSettings>,
}

/// An account that would get another owner.
#[derive(Serialize, ToSchema)]
#[schema(as = ReassignmentMove)]
pub struct MoveLine {
    account_id: String,
    name: String,
    segment: String,
    mrr: f64,
    from: Option<String>,
    to: Option<String>,
    /// The rule that decided, where one did.
    rule: Option<String>,
}

/// An account that stays, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = ReassignmentLeft)]
pub struct LeftLine {
    account_id: String,
    name: String,
    reason: String,
}

/// An owner's active accounts before and after.
#[derive(Serialize, ToSchema)]
#[schema(as = ReassignmentLoad)]
pub struct LoadLine {
    owner: String,
    accounts_before: usize,
    accounts_after: usize,
    mrr_before: f64,
    mrr_after: f64,
}

/// What would happen.
#[derive(Serialize, ToSchema)]
#[schema(as = ReassignmentPreview)]
pub struct Preview {
    /// Accounts that get another owner.
    moved: usize,
    /// Accounts that stay with whom they have.
    kept: usize,
    /// Accounts that nobody gets.
    left: usize,
    /// The first of the moves, the largest MRR first.
    moves: Vec<MoveLine>,
    /// The first of those that nobody gets.
    left_accounts: Vec<LeftLine>,
    /// Whose book changes.
    loads: Vec<LoadLine>,
}

fn shape(planned: Planned) -> Preview {
    let Planned {
        assignment,
        before,
        after,
    } = planned;
    let owners: BTreeSet<&String> = before
        .keys()
        .chain(after.keys())
        .filter(|owner| before.get(*owner) != after.get(*owner))
        .collect();
    let none = Load::default();
    let loads = owners
        .into_iter()
        .map(|owner| {
            let (b, a) = (
                before.get(owner).unwrap_or(&none),
                after.get(owner).unwrap_or(&none),
            );
            LoadLine {
                owner: owner.clone(),
                accounts_before: b.accounts,
                accounts_after: a.accounts,
                mrr_before: b.mrr,
                mrr_after: a.mrr,
            }
        })
        .collect();
    Preview {
        moved: assignment.moves.len(),
        kept: assignment.kept,
        left: assignment.left.len(),
        loads,
        left_accounts: assignment
            .left
            .into_iter()
            .take(SHOWN)
            .map(|(account, reason)| LeftLine {
                account_id: account.id,
                name: account.name,
                reason,
            })
            .collect(),
        moves: assignment
            .moves
            .into_iter()
            .take(SHOWN)
            .map(|it| MoveLine {
                account_id: it.account.id,
                name: it.account.name,
                segment: it.account.segment,
                mrr: it.account.mrr,
                from: it.account.owner,
                to: it.to,
                rule: it.rule,
            })
            .collect(),
    }
}

/// Who would be assigned by the rules, those in force or others.
#[utoipa::path(post, path = "/api/v1/owner-assignments/preview", tag = "owners", request_body = Trial, responses((status = 200, body = Preview)))]
pub async fn preview_rules(
    _: Viewer,
    State(app): State<App>,
    Json(trial): Json<Trial>,
) -> Result<Json<Preview>> {
    let settings = match trial.settings {
        Some(settings) => checked(&app, settings)?,
        None => current(&app).await?.1,
    };
    Ok(Json(shape(moves::plan_rules(&app, &settings, trial.scope)?)))
}

/// Runs the rules in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RulesRun)]
pub struct RunRules {
    scope: Scope,
    /// The version of the settings that was previewed.
    version: i64,
}

/// A reassignment.
#[derive(Serialize, ToSchema)]
#[schema(as = Reassignment)]
pub struct Line {
    /// Its id; null = nothing had to be moved.
    id: Option<String>,
    at: Option<String>,
    /// By whom: `user:ID`, `key:ID`, `operator` or `rules`.
    actor: Option<String>,
    /// manual, rules, live or undo.
    cause: String,
    reason: String,
    /// Accounts moved.
    accounts: i64,
    /// The reassignment that it takes back.
    undoes: Option<String>,
    /// The reassignment that took it back.
    undone_by: Option<String>,
    /// Of an undo: accounts that were not given back, because their owner has changed since.
    skipped: i64,
}

fn line(it: store::Reassignment, skipped: i64) -> Line {
    Line {
        id: Some(it.id),
        at: Some(as_of::instant(it.at)),
        actor: Some(it.actor),
        cause: it.cause,
        reason: it.reason,
        accounts: it.accounts,
        undoes: it.undoes,
        undone_by: it.undone_by,
        skipped,
    }
}

async fn done(app: &App, outcome: Option<(String, usize)>, cause: &str, skipped: i64) -> Result<Json<Line>> {
    let kept = match outcome {
        Some((id, _)) => store::reassignment(&app.store, &id).await?,
        None => None,
    };
    Ok(Json(kept.map_or_else(
        || Line {
            id: None,
            at: None,
            actor: None,
            cause: cause.to_owned(),
            reason: String::new(),
            accounts: 0,
            undoes: None,
            undone_by: None,
            skipped,
        },
        |it| line(it, skipped),
    )))
}

fn triples(planned: Planned) -> Vec<(i64, Option<String>, Option<String>)> {
    let moves = planned.assignment.moves.into_iter();
    moves.map(|it| (it.account.no, it.account.owner, it.to)).collect()
}

/// Assigns by the rules in force. Doing it twice moves nothing the second time.
#[utoipa::path(post, path = "/api/v1/owner-assignments", tag = "owners", request_body = RunRules, responses((status = 200, body = Line)))]
pub async fn run_rules(
    Manager(who): Manager,
    State(app): State<App>,
    Json(form): Json<RunRules>,
) -> Result<Json<Line>> {
    let (version, settings) = current(&app).await?;
    if version != form.version {
        return Err(Problem::conflict(format!(
            "the rules changed since the preview (version {version}, yours is {}): preview them again",
            form.version
        )));
    }
    let planned = moves::plan_rules(&app, &settings, form.scope)?;
    let telling = Telling {
        who: &who,
        cause: "rules",
        reason: format!("rules of version {version}"),
        undoes: None,
    };
    let outcome = moves::carry_out(&app, telling, triples(planned)).await?;
    done(&app, outcome, "rules", 0).await
}

/// Which accounts change hands, and to whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReassignmentRequest)]
pub struct Request {
    /// Their ids.
    #[serde(default)]
    accounts: Vec<String>,
    /// Or all active ones of this owner; `(none)` = without an owner.
    owner: Option<String>,
    /// Of those only the ones for which this expression is true, such as `segment = 'core'`.
    filter: Option<String>,
    /// An e-mail address or `pool:ID`; null = nobody.
    to: Option<String>,
    /// For a pool: how they are given out.
    #[serde(default)]
    spread: Spread,
    /// Why, for the history.
    #[serde(default)]
    reason: String,
}

fn choose(app: &App, request: &Request) -> Result<Vec<Arc<Entry>>> {
    let chosen: Vec<Arc<Entry>> = match &request.owner {
        Some(_) if !request.accounts.is_empty() => {
            return Err(Problem::field(
                "owner",
                request.owner.as_deref().unwrap_or_default(),
                "does not go with accounts",
                "name the accounts or their owner, not both",
            ));
        }
        Some(owner) => {
            let entries = app.metrics.book.all().into_iter();
            entries
                .filter(|entry| entry.active() && entry.owner.as_deref().unwrap_or(NOBODY) == owner)
                .collect()
        }
        None => {
            let mut seen = BTreeSet::new();
            let mut chosen = Vec::new();
            for (at, id) in request.accounts.iter().enumerate() {
                let known = crate::accounts::normalise(id)
                    .ok()
                    .flatten()
                    .and_then(|id| app.accounts.shown(&id))
                    .and_then(|no| app.metrics.book.get(no.get()));
                let entry = known.ok_or_else(|| {
                    Problem::field(
                        &format!("accounts[{at}]"),
                        id,
                        "there is no such account",
                        "look it up under Accounts",
                    )
                })?;
                if seen.insert(entry.no) {
                    chosen.push(entry);
                }
            }
            chosen
        }
    };
    if request.owner.is_none() && chosen.is_empty() {
        return Err(Problem::field(
            "accounts",
            "",
            "names no account",
            "name accounts by id, or an owner whose accounts are meant",
        ));
    }
    let Some(filter) = request.filter.as_deref().map(str::trim).filter(|f| !f.is_empty()) else {
        return Ok(chosen);
    };
    let definitions = app
        .definitions()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let truth = as_of::evaluate_filter(app, &definitions, &chosen[..], crate::metrics::today(app), filter)?;
    let kept = chosen.into_iter().enumerate();
    Ok(kept.filter(|(row, _)| truth.value(*row)).map(|it| it.1).collect())
}

async fn planned(app: &App, request: &Request) -> Result<Planned> {
    let settings = current(app).await?.1;
    let to = match &request.to {
        Some(to) => Some(target(&settings, "to", to)?),
        None => None,
    };
    let chosen = choose(app, request)?;
    let before: HashMap<String, Load> = book::loads(app.metrics.book.all().iter());
    let mut after = before.clone();
    // What is not active burdens nobody: it changes hands without being counted.
    let (active, quiet): (Vec<_>, Vec<_>) = chosen.iter().partition(|entry| entry.active());
    let candidates = |entries: Vec<&Arc<Entry>>| entries.into_iter().map(|e| book::candidate(e)).collect();
    let mut assignment = assign::to_one(
        &settings,
        candidates(active),
        to.as_deref(),
        request.spread,
        &mut after,
    );
    let mut aside = after.clone();
    let more = assign::to_one(
        &settings,
        candidates(quiet),
        to.as_deref(),
        request.spread,
        &mut aside,
    );
    assignment.moves.extend(more.moves);
    assignment.left.extend(more.left);
    assignment.kept += more.kept;
    Ok(Planned {
        assignment,
        before,
        after,
    })
}

/// What a reassignment would do.
#[utoipa::path(post, path = "/api/v1/reassignments/preview", tag = "owners", request_body = Request, responses((status = 200, body = Preview)))]
pub async fn preview(
    _: Viewer,
    State(app): State<App>,
    Json(request): Json<Request>,
) -> Result<Json<Preview>> {
    Ok(Json(shape(planned(&app, &request).await?)))
}

/// Gives accounts to another owner, all or none of them. Doing it twice moves nothing the second time.
#[utoipa::path(post, path = "/api/v1/reassignments", tag = "owners", request_body = Request, responses((status = 200, body = Line)))]
pub async fn run(
    Manager(who): Manager,
    State(app): State<App>,
    Json(request): Json<Request>,
) -> Result<Json<Line>> {
    if request.reason.chars().count() > 1_000 || request.reason.contains('\0') {
        return Err(Problem::field(
            "reason",
            &request.reason,
            "is longer than 1,000 characters or holds NUL",
            "write a shorter one",
        ));
    }
    let planned = planned(&app, &request).await?;
    let telling = Telling {
        who: &who,
        cause: "manual",
        reason: request.reason.trim().to_owned(),
        undoes: None,
    };
    let outcome = moves::carry_out(&app, telling, triples(planned)).await?;
    done(&app, outcome, "manual", 0).await
}

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
}

/// Reassignments, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ReassignmentList)]
pub struct Lines {
    items: Vec<Line>,
    next_cursor: Option<String>,
}

/// What was reassigned, newest first.
#[utoipa::path(get, path = "/api/v1/reassignments", tag = "owners", params(Asked), responses((status = 200, body = Lines)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Lines>> {
    let limit = i64::from(asked.limit.unwrap_or(50).clamp(1, 200));
    let before = match asked.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => (i64::MAX, ""),
        Some(cursor) => cursor
            .split_once('~')
            .and_then(|(at, id)| Some((at.parse().ok()?, id)))
            .ok_or_else(|| {
                let remedy = "send `next_cursor` of the page before, unchanged";
                Problem::field("cursor", cursor, "is not a cursor", remedy)
            })?,
    };
    let mut found = store::reassignments(&app.store, before, limit + 1).await?;
    let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|it| format!("{}~{}", it.at, it.id));
    Ok(Json(Lines {
        items: found.into_iter().map(|it| line(it, 0)).collect(),
        next_cursor,
    }))
}

/// Gives the accounts of a reassignment back to whom they had. An account whose owner has changed since stays; it is counted as skipped.
#[utoipa::path(post, path = "/api/v1/reassignments/{id}/undo", tag = "owners", params(("id" = String, Path)), responses((status = 200, body = Line)))]
pub async fn undo(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Line>> {
    let it = store::reassignment(&app.store, &id).await?.ok_or_else(|| {
        Problem::not_found(format!(
            "there is no reassignment {id}; GET /api/v1/reassignments lists them"
        ))
    })?;
    if it.undone_by.is_some() {
        return Err(Problem::conflict("this reassignment was undone already"));
    }
    let back: Vec<_> = store::moves(&app.store, &id)
        .await?
        .into_iter()
        .map(|(no, from, to)| (no, to, from))
        .collect();
    let asked = back.len();
    let telling = Telling {
        who: &who,
        cause: "undo",
        reason: format!("takes back: {}", it.reason),
        undoes: Some(id),
    };
    let outcome = moves::carry_out(&app, telling, back).await?;
    let Some((_, moved)) = outcome else {
        return Err(Problem::conflict(
            "every account of it has got another owner since: there is nothing to give back",
        ));
    };
    let skipped = i64::try_from(asked - moved).unwrap_or(0);
    done(&app, outcome, "undo", skipped).await
}
