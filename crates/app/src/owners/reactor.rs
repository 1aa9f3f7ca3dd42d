//! What follows a change by itself: hand-overs after edges, and owners for accounts that have none where rules are live.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value as Json;

use super::handover::{self, Start};
use super::moves::{self, Telling};
use super::{book, store};
use crate::App;
use crate::auth::{Principal, Role};
use crate::events;
use crate::metrics::{Entry, edges_after};

/// Name of the cursor over edges.
const CURSOR: &str = "edges.owners";

/// Edges older than this when they are read start nothing: a history that is brought in is no change of today.
const FRESH: i64 = 7 * 86_400_000_000;

/// Starts the hand-overs of all edges since the last time. Doing it twice is doing it once.
///
/// # Errors
/// When records or log fail; the next call goes on.
pub async fn emit(app: &App) -> Result<bool> {
    let mut cursor = crate::metrics::edge_cursor(app, CURSOR).await?;
    let mut any = false;
    loop {
        let edges = edges_after(app, cursor, 1_000).await?;
        let Some(last) = edges.last().map(|edge| edge.0) else {
            return Ok(any);
        };
        let settings = super::api::current(app).await?.1;
        let mut told = Vec::new();
        for (seq, no, at, changes) in edges {
            let Some(entry) = app.metrics.book.get(no).filter(|entry| entry.active()) else {
                continue;
            };
            if app.clock.micros() - at > FRESH {
                continue;
            }
            let Some((cause, from, to)) = cause(&settings, &entry, &changes) else {
                continue;
            };
            let start = Start {
                id: format!("{cause}-{seq}"),
                account_no: no,
                account_id: entry.id.clone(),
                cause,
                from,
                to,
                at,
            };
            told.extend(handover::start(app, &settings, start).await?);
        }
        if !told.is_empty() {
            events::append(app, told).await?;
        }
        crate::metrics::set_edge_cursor(app, CURSOR, last).await?;
        cursor = last;
        any = true;
    }
}

type Cause = (&'static str, Option<String>, Option<String>);

/// Whether an edge asks for a hand-over: an owner gave the account to another, or it moved to a segment that its owner does not serve.
fn cause(settings: &super::settings::OwnerSettings, entry: &Entry, changes: &Json) -> Option<Cause> {
    let side = |field: &str, at: usize| changes[field][at].as_str().map(str::to_owned);
    if let (Some(from), Some(to)) = (side("owner", 0), side("owner", 1)) {
        return Some(("owner", Some(from), Some(to)));
    }
    let (owner, segment) = (entry.owner.as_deref()?, side("segment", 1)?);
    (!settings.serves(owner, &segment)).then(|| ("segment", Some(owner.to_owned()), Some(owner.to_owned())))
}

/// Gives active accounts without an owner to whom the rules name, where rules are live. Accounts whose owner was taken away by hand stay
/// without one.
///
/// # Errors
/// When the records fail; the next call goes on.
pub async fn assign(app: &App) -> Result<bool> {
    let settings = super::api::current(app).await?.1;
    if !settings.live || settings.rules.is_empty() {
        return Ok(false);
    }
    let entries = app.metrics.book.all();
    let waiting: Vec<Arc<Entry>> = entries
        .iter()
        .filter(|entry| entry.owner.is_none() && entry.active())
        .cloned()
        .collect();
    if waiting.is_empty() {
        return Ok(false);
    }
    let held = store::holds(&app.store).await?;
    let waiting: Vec<Arc<Entry>> = waiting
        .into_iter()
        .filter(|entry| !held.contains(&entry.no))
        .take(moves::MOST)
        .collect();
    let planned = moves::plan(app, &settings, &waiting, book::loads(entries.iter()))
        .map_err(|problem| anyhow::anyhow!("{}", problem.detail))?;
    let moves: Vec<_> = planned
        .assignment
        .moves
        .into_iter()
        .map(|it| (it.account.no, it.account.owner, it.to))
        .collect();
    let who = Principal {
        actor: "rules".to_owned(),
        role: Role::Manager,
        request_id: None,
    };
    let telling = Telling {
        who: &who,
        cause: "live",
        reason: "rules are live".to_owned(),
        undoes: None,
    };
    let done = moves::carry_out(app, telling, moves)
        .await
        .map_err(|problem| anyhow::anyhow!("{}", problem.detail))?;
    Ok(done.is_some())
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut changes = app.metrics.watch();
    loop {
        let worked = async {
            emit(&app).await?;
            assign(&app).await
        };
        if let Err(error) = worked.await {
            tracing::error!(error = %format!("{error:#}"), "owners could not follow a change; trying again");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        if changes.changed().await.is_err() {
            return;
        }
        // Many changes in a row are followed once.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
