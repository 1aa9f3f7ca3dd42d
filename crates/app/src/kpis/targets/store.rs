//! SQL of baselines that a person froze.

use tenure_store::{Execute, StoreResult, Tx, args};

use super::baseline::{Action, Freeze};
use crate::metrics::facts::{date_of, day_number};

fn freeze(row: &tenure_store::Row) -> StoreResult<Freeze> {
    let action: String = row.get("action")?;
    let day: Option<i64> = row.get("day")?;
    Ok(Freeze {
        target: row.get("target")?,
        version: row.get("version")?,
        action: if action == Action::Released.name() {
            Action::Released
        } else {
            Action::Frozen
        },
        value: row.get("value")?,
        day: day.map(|day| date_of(i32::try_from(day).unwrap_or_default())),
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        at: row.get("at")?,
    })
}

/// What was done to the baselines of all targets, or of one, by hand; oldest first.
pub async fn freezes(on: &impl Execute, target: Option<&str>) -> StoreResult<Vec<Freeze>> {
    let columns = "target, version, action, value, day, reason, actor, at";
    let rows = match target {
        None => {
            let sql = format!("SELECT {columns} FROM target_freezes ORDER BY target, version");
            on.all(&sql, vec![]).await?
        }
        Some(target) => {
            let sql = format!("SELECT {columns} FROM target_freezes WHERE target = $1 ORDER BY version");
            on.all(&sql, args![target]).await?
        }
    };
    rows.iter().map(freeze).collect()
}

/// Keeps what was done. The version is the primary key, so that of two at once one fails.
pub async fn put_freeze(tx: &Tx, it: &Freeze) -> StoreResult<()> {
    tx.run(
        "INSERT INTO target_freezes (target, version, action, value, day, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            it.target.clone(),
            it.version,
            it.action.name(),
            it.value,
            it.day.map(|day| i64::from(day_number(day))),
            it.reason.clone(),
            it.actor.clone(),
            it.at
        ],
    )
    .await?;
    Ok(())
}
