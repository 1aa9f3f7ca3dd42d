//! Raises and clears alarms by the clock and after commits.

use std::time::Duration;

use serde_json::json;
use tenure_store::StoreResult;

use super::store::{self, Alarm, Expectation};
use super::{OWN, UNEXPECTED, rules};
use crate::App;
use crate::auth::{Principal, Role, audit};
use crate::events::store::{SourceCounts, sources};

/// How long a source may be silent, in seconds; none = for ever.
pub(super) fn allowed(source: &str, said: &Expectation, counts: &SourceCounts, now: i64) -> Option<i64> {
    if said.muted || source == OWN {
        return None;
    }
    said.every_s.or_else(|| {
        (!UNEXPECTED.contains(&source))
            .then(|| rules::learned(&counts.hours, now.div_euclid(3_600_000_000)))
            .flatten()
    })
}

/// Looks at all sources once; tells whether an alarm was raised or cleared.
///
/// # Errors
/// When the records fail; the next call does it.
pub async fn check(app: &App) -> StoreResult<bool> {
    let now = app.clock.micros();
    let said = store::expectations(&app.store).await?;
    let open: Vec<Alarm> = store::alarms(&app.store, 1_000)
        .await?
        .into_iter()
        .filter(|alarm| alarm.cleared_at.is_none())
        .collect();
    let mut worked = false;
    for (source, counts) in sources(&app.store).await? {
        let allowed = allowed(
            &source,
            &said.get(&source).cloned().unwrap_or_default(),
            &counts,
            now,
        );
        let silent = allowed.filter(|every| now - counts.last_at > every * 1_000_000);
        let raised = open.iter().find(|alarm| alarm.source == source);
        match (silent, raised) {
            (Some(every_s), None) => {
                let alarm = Alarm {
                    source,
                    raised_at: now,
                    last_at: counts.last_at,
                    every_s,
                    cleared_at: None,
                    cleared_by: None,
                };
                note(app, &alarm, None).await?;
                worked = true;
            }
            (_, Some(alarm)) if counts.last_at > alarm.last_at => {
                note(app, alarm, Some("event")).await?;
                worked = true;
            }
            (None, Some(alarm)) => {
                note(app, alarm, Some("setting")).await?;
                worked = true;
            }
            _ => {}
        }
    }
    Ok(worked)
}

/// Writes an alarm, or what cleared it, with its audit row.
async fn note(app: &App, alarm: &Alarm, cleared_by: Option<&str>) -> StoreResult<()> {
    let who = Principal {
        actor: OWN.to_owned(),
        role: Role::Admin,
        request_id: None,
    };
    let tx = app.store.begin().await?;
    let action = match cleared_by {
        None => {
            store::raise(&tx, alarm).await?;
            tracing::warn!(source = alarm.source, "a source has fallen silent");
            "source.silent"
        }
        Some(by) => {
            if !store::clear(&tx, alarm, by, app.clock.micros()).await? {
                return tx.rollback().await;
            }
            "source.heard"
        }
    };
    let detail = json!({ "every_s": alarm.every_s, "cleared_by": cleared_by });
    audit(&tx, &app.clock, &who, action, &alarm.source, &detail).await?;
    tx.commit().await
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut log = crate::events::watch(&app);
    loop {
        if let Err(error) = check(&app).await {
            tracing::warn!(%error, "the silence of sources will be looked at again");
        }
        // Not after each commit: an alarm may come a few seconds late.
        let pause = if app.clock.is_manual() { 1 } else { 15 };
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let tick = tokio::time::sleep(Duration::from_secs(if app.clock.is_manual() { 1 } else { 45 }));
        tokio::select! {
            changed = log.changed() => if changed.is_err() { return },
            () = tick => {}
        }
    }
}
