//! Reassignments: accounts change hands together, in one transaction, and can be given back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tenure_store::new_id;

use super::assign::{Assignment, Candidate, Load, by_rules};
use super::settings::OwnerSettings;
use super::{book, store};
use crate::App;
use crate::accounts::{AccountChange, Change};
use crate::auth::{Principal, audit};
use crate::events::{self, Chunk};
use crate::metrics::{Entry, as_of, today};
use crate::web::{Problem, Result};

/// The most accounts of one reassignment.
pub const MOST: usize = 50_000;

/// Which accounts the rules are tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AssignmentScope)]
pub enum Scope {
    /// Active accounts without an owner.
    Unassigned,
    /// Those, and those whose owner does not serve their segment or is away.
    Unserved,
    /// Every active account.
    All,
}

/// What a reassignment is about to do.
pub struct Planned {
    /// Moves, accounts left, accounts that stay.
    pub assignment: Assignment,
    /// Loads before.
    pub before: HashMap<String, Load>,
    /// Loads after.
    pub after: HashMap<String, Load>,
}

/// What the rules would do.
///
/// # Errors
/// The problem with a rule's condition.
pub fn plan_rules(app: &App, settings: &OwnerSettings, scope: Scope) -> Result<Planned> {
    let entries = app.metrics.book.all();
    let before = book::loads(entries.iter());
    let chosen: Vec<Arc<Entry>> = entries
        .into_iter()
        .filter(|entry| entry.active() && in_scope(settings, entry, scope))
        .collect();
    plan(app, settings, &chosen, before)
}

fn in_scope(settings: &OwnerSettings, entry: &Entry, scope: Scope) -> bool {
    match (&entry.owner, scope) {
        (None, _) | (_, Scope::All) => true,
        (Some(_), Scope::Unassigned) => false,
        (Some(owner), Scope::Unserved) => {
            let segment = entry.now().map_or("", |span| span.segment.as_str());
            !settings.serves(owner, segment) || settings.person(owner).is_some_and(|person| person.away)
        }
    }
}

/// What the rules would do with these accounts.
///
/// # Errors
/// The problem with a rule's condition.
pub fn plan(
    app: &App,
    settings: &OwnerSettings,
    chosen: &[Arc<Entry>],
    before: HashMap<String, Load>,
) -> Result<Planned> {
    let definitions = app
        .definitions()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let day = today(app);
    let mut matching: Vec<Option<usize>> = vec![None; chosen.len()];
    for (at, rule) in settings.rules.iter().enumerate() {
        let truth = as_of::evaluate_filter(app, &definitions, chosen, day, &rule.when)?;
        for (row, found) in matching.iter_mut().enumerate() {
            if found.is_none() && truth.value(row) {
                *found = Some(at);
            }
        }
    }
    let candidates: Vec<Candidate> = chosen.iter().map(|entry| book::candidate(entry)).collect();
    let mut after = before.clone();
    let assignment = by_rules(settings, candidates, &matching, &mut after);
    Ok(Planned {
        assignment,
        before,
        after,
    })
}

/// What is told about a reassignment when it is carried out.
pub struct Telling<'a> {
    /// Who asked for it.
    pub who: &'a Principal,
    /// manual, rules, live or undo.
    pub cause: &'a str,
    /// Why, in words.
    pub reason: String,
    /// The reassignment that it takes back.
    pub undoes: Option<String>,
}

/// Carries moves out: account number, owner expected, owner after. An account whose owner is no longer the expected one stays as it is.
/// Gives the reassignment's id and how many accounts were moved; `None` = none was.
///
/// # Errors
/// When the records fail; then nothing was moved.
pub async fn carry_out(
    app: &App,
    telling: Telling<'_>,
    moves: Vec<(i64, Option<String>, Option<String>)>,
) -> Result<Option<(String, usize)>> {
    if moves.len() > MOST {
        return Err(Problem::field(
            "accounts",
            moves.len(),
            format!("more than {MOST} accounts at once"),
            "choose fewer, for example a segment at a time",
        ));
    }
    let now = app.clock.micros();
    let moves: Vec<_> = moves
        .into_iter()
        .filter(|(no, from, to)| {
            from != to
                && app
                    .metrics
                    .book
                    .get(*no)
                    .is_some_and(|entry| entry.owner == *from)
        })
        .collect();
    if moves.is_empty() {
        return Ok(None);
    }
    let changes = moves
        .iter()
        .filter_map(|(no, _, to)| {
            let entry = app.metrics.book.get(*no)?;
            Some(Change::Account(AccountChange {
                id: entry.id.clone(),
                // Empty takes the owner away.
                owner: Some(to.clone().unwrap_or_default()),
                at: now,
                ..AccountChange::default()
            }))
        })
        .collect();
    let it = store::Reassignment {
        id: new_id(&app.clock),
        at: now,
        actor: telling.who.actor.clone(),
        cause: telling.cause.to_owned(),
        reason: telling.reason,
        accounts: i64::try_from(moves.len()).unwrap_or(i64::MAX),
        undoes: telling.undoes,
        undone_by: None,
    };
    let chunk = Chunk {
        source: "tenure".to_owned(),
        events: Vec::new(),
        changes,
    };
    let (id, moved) = (it.id.clone(), moves.len());
    let (clock, who) = (app.clock.clone(), telling.who.clone());
    events::append_chunk(app, chunk, true, move |tx, _| {
        Box::pin(async move {
            if let Some(undone) = &it.undoes
                && !store::set_undone(tx, undone, &it.id).await?
            {
                return Err(tenure_store::StoreError::Conflict(
                    "this reassignment was undone already".to_owned(),
                ));
            }
            store::put_reassignment(tx, &it, &moves).await?;
            let detail = json!({ "cause": it.cause, "reason": it.reason, "accounts": it.accounts, "undoes": it.undoes });
            let subject = format!("reassignment:{}", it.id);
            audit(tx, &clock, &who, "owner.reassign", &subject, &detail).await
        })
    })
    .await?;
    settle(app).await;
    Ok(Some((id, moved)))
}

/// Waits for a moment until what was moved shows in every figure, so that the answer's reader sees it.
pub async fn settle(app: &App) {
    let work = async {
        crate::metrics::catch_up(app).await?;
        super::reactor::emit(app).await
    };
    match tokio::time::timeout(Duration::from_secs(3), work).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = %format!("{error:#}"), "a reassignment will show later"),
        Err(_) => tracing::info!("a reassignment will show when running work is done"),
    }
}
