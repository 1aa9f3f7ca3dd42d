//! SQL of the slice.

use std::collections::HashMap;

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, Value, args};

use super::models::Kept;

const MODEL: &str = "SELECT id, score, model, method, body, hash, created_at, author, note, state, promoted_at, promoted_by, backtest_id FROM score_models";

fn model(row: &Row) -> StoreResult<Kept> {
    let body: String = row.get("body")?;
    Ok(Kept {
        id: row.get("id")?,
        score: row.get("score")?,
        model: row.get("model")?,
        method: row.get("method")?,
        body: serde_json::from_str(&body).unwrap_or_default(),
        hash: row.get("hash")?,
        created_at: row.get("created_at")?,
        author: row.get("author")?,
        note: row.get("note")?,
        state: row.get("state")?,
        promoted_at: row.get("promoted_at")?,
        promoted_by: row.get("promoted_by")?,
        backtest_id: row.get("backtest_id")?,
    })
}

/// Keeps a model.
pub(super) async fn add_model(tx: &Tx, it: &Kept) -> StoreResult<()> {
    let mut batch = Batch::new(
        "score_models",
        &[
            "id",
            "score",
            "model",
            "method",
            "body",
            "hash",
            "created_at",
            "author",
            "note",
            "state",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.score.as_str(),
        it.model.as_str(),
        it.method.as_str(),
        it.body.to_string(),
        it.hash.as_str(),
        it.created_at,
        it.author.as_str(),
        it.note.as_str(),
        it.state.as_str()
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Every model of a score, newest first.
///
/// # Errors
/// When the records fail.
pub async fn list(on: &impl Execute, score: &str) -> StoreResult<Vec<Kept>> {
    on.all(
        &format!("{MODEL} WHERE score = $1 ORDER BY created_at DESC, id DESC"),
        args![score],
    )
    .await?
    .iter()
    .map(model)
    .collect()
}

/// The models of a score that people put in force.
///
/// # Errors
/// When the records fail.
pub async fn current(on: &impl Execute, score: &str) -> StoreResult<Vec<Kept>> {
    on.all(
        &format!("{MODEL} WHERE score = $1 AND state = 'promoted' ORDER BY model, promoted_at DESC"),
        args![score],
    )
    .await?
    .iter()
    .map(model)
    .collect()
}

/// The model with this id.
///
/// # Errors
/// When the records fail.
pub async fn one(on: &impl Execute, id: &str) -> StoreResult<Option<Kept>> {
    on.one(&format!("{MODEL} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(model)
        .transpose()
}

/// Takes what is in force for a score's model out of force.
pub(super) async fn retire(tx: &Tx, score: &str, model: &str) -> StoreResult<()> {
    tx.run(
        "UPDATE score_models SET state = 'retired' WHERE score = $1 AND model = $2 AND state = 'promoted'",
        args![score, model],
    )
    .await?;
    Ok(())
}

/// Notes that a model is in force.
pub(super) async fn promoted(
    tx: &Tx,
    id: &str,
    at: i64,
    by: &str,
    backtest: Option<&str>,
) -> StoreResult<()> {
    tx.run(
        "UPDATE score_models SET state = 'promoted', promoted_at = $2, promoted_by = $3, backtest_id = $4 WHERE id = $1",
        args![id, at, by, backtest.map(str::to_owned)],
    )
    .await?;
    Ok(())
}

/// An override as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Its id.
    pub id: String,
    /// The score.
    pub score: String,
    /// The account.
    pub account_no: i64,
    /// `cap` or `set`.
    pub rule: String,
    /// How many points.
    pub points: f64,
    /// Who.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When, UTC microseconds.
    pub created_at: i64,
    /// The first day on which it counts.
    pub from_day: i32,
    /// The last one.
    pub until_day: i32,
    /// The day from which on it no longer counts, when somebody took it away.
    pub removed_day: Option<i32>,
    /// When that was.
    pub removed_at: Option<i64>,
    /// Who did.
    pub removed_by: Option<String>,
    /// Counts its changes from 1.
    pub version: i64,
}

const OVERRIDE: &str = "SELECT id, score, account_no, rule, points, author, reason, created_at, from_day, until_day, removed_day, removed_at, \
     removed_by, version FROM score_overrides";

fn day(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn override_of(row: &Row) -> StoreResult<Override> {
    let removed: Option<i64> = row.get("removed_day")?;
    Ok(Override {
        id: row.get("id")?,
        score: row.get("score")?,
        account_no: row.get("account_no")?,
        rule: row.get("rule")?,
        points: row.get("points")?,
        author: row.get("author")?,
        reason: row.get("reason")?,
        created_at: row.get("created_at")?,
        from_day: day(row.get("from_day")?),
        until_day: day(row.get("until_day")?),
        removed_day: removed.map(day),
        removed_at: row.get("removed_at")?,
        removed_by: row.get("removed_by")?,
        version: row.get("version")?,
    })
}

/// Every override of a score, the oldest first.
pub(super) async fn overrides(on: &impl Execute, score: &str) -> StoreResult<Vec<Override>> {
    on.all(
        &format!("{OVERRIDE} WHERE score = $1 ORDER BY created_at, id"),
        args![score],
    )
    .await?
    .iter()
    .map(override_of)
    .collect()
}

/// The override with this id.
pub(super) async fn override_with(on: &impl Execute, id: &str) -> StoreResult<Option<Override>> {
    on.one(&format!("{OVERRIDE} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(override_of)
        .transpose()
}

/// Keeps an override.
pub(super) async fn add_override(tx: &Tx, it: &Override) -> StoreResult<()> {
    let mut batch = Batch::new(
        "score_overrides",
        &[
            "id",
            "score",
            "account_no",
            "rule",
            "points",
            "author",
            "reason",
            "created_at",
            "from_day",
            "until_day",
            "version",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.score.as_str(),
        it.account_no,
        it.rule.as_str(),
        it.points,
        it.author.as_str(),
        it.reason.as_str(),
        it.created_at,
        i64::from(it.from_day),
        i64::from(it.until_day),
        it.version
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Takes an override away from `day` on; tells whether it was still there in this version.
pub(super) async fn remove_override(
    tx: &Tx,
    it: &Override,
    by: &str,
    at: i64,
    day: i32,
) -> StoreResult<bool> {
    let done = tx
        .run(
            "UPDATE score_overrides SET removed_at = $3, removed_by = $4, removed_day = $5, version = version + 1 \
             WHERE id = $1 AND version = $2 AND removed_at IS NULL",
            args![it.id.as_str(), it.version, at, by, i64::from(day)],
        )
        .await?;
    Ok(done > 0)
}

/// Notes a version of a score, once.
pub(super) async fn add_version(tx: &Tx, score: &str, hash: &str, body: &str, at: i64) -> StoreResult<()> {
    let mut batch = Batch::new("score_versions", &["score", "hash", "body", "created_at"]);
    batch.row(args![score, hash, body, at]);
    tx.insert(batch, Conflict::Ignore("score, hash")).await?;
    Ok(())
}

/// A version as it is listed.
pub(super) struct Version {
    pub(super) hash: String,
    pub(super) body: String,
    pub(super) since: i64,
    /// Accounts whose days are kept.
    pub(super) accounts: i64,
}

/// The versions of a score, the newest first.
pub(super) async fn versions(on: &impl Execute, score: &str) -> StoreResult<Vec<Version>> {
    on.all(
        "SELECT v.hash, v.body, COALESCE(v.since, v.created_at) AS since, \
         (SELECT COUNT(*) FROM score_history h WHERE h.score = v.score AND h.hash = v.hash) AS accounts \
         FROM score_versions v WHERE v.score = $1 ORDER BY COALESCE(v.since, v.created_at) DESC, v.hash",
        args![score],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(Version {
            hash: row.get("hash")?,
            body: row.get("body")?,
            since: row.get("since")?,
            accounts: row.get("accounts")?,
        })
    })
    .collect()
}

/// Notes that a version is in force from now on, unless it was already, and drops the days of all but it and the `kept` newest others.
pub(super) async fn in_force(tx: &Tx, score: &str, hash: &str, now: i64, kept: usize) -> StoreResult<()> {
    let rows = tx
        .all(
            "SELECT hash, since FROM score_versions WHERE score = $1 ORDER BY COALESCE(since, -1) DESC, hash",
            args![score],
        )
        .await?;
    let mut known = Vec::with_capacity(rows.len());
    for row in &rows {
        let (held, since): (String, Option<i64>) = (row.get("hash")?, row.get("since")?);
        known.push((held, since));
    }
    if known
        .first()
        .is_none_or(|(first, since)| first != hash || since.is_none())
    {
        // A clock may stand still: what comes into force is later than what was.
        let newest = known.iter().filter_map(|(_, since)| *since).max();
        let since = newest.map_or(now, |newest| now.max(newest + 1));
        tx.run(
            "UPDATE score_versions SET since = $1 WHERE score = $2 AND hash = $3",
            args![since, score, hash],
        )
        .await?;
    }
    for (old, _) in known.iter().filter(|(held, _)| held != hash).skip(kept) {
        tx.run(
            "DELETE FROM score_history WHERE score = $1 AND hash = $2",
            args![score, old.as_str()],
        )
        .await?;
    }
    Ok(())
}

/// The values of a field of all accounts over time, as JSON: account, day, value; by account and day.
pub(super) async fn field_history(
    on: &impl Execute,
    field: &str,
) -> StoreResult<Vec<(i64, i32, Option<String>)>> {
    on.all(
        "SELECT account_no, day, value FROM account_changes WHERE field = $1 ORDER BY account_no, day",
        args![field],
    )
    .await?
    .iter()
    .map(|row| {
        let day: i64 = row.get("day")?;
        Ok((
            row.get("account_no")?,
            i32::try_from(day).unwrap_or(0),
            row.get("value")?,
        ))
    })
    .collect()
}

/// Notes from which days on the measures of a version tell something. Whether something else was noted before.
pub(super) async fn known_since(tx: &Tx, score: &str, hash: &str, since: &str) -> StoreResult<bool> {
    let row = tx
        .one(
            "SELECT known_since FROM score_versions WHERE score = $1 AND hash = $2",
            args![score, hash],
        )
        .await?;
    let held: Option<String> = match row {
        Some(row) => row.get("known_since")?,
        None => None,
    };
    if held.as_deref() == Some(since) {
        return Ok(false);
    }
    tx.run(
        "UPDATE score_versions SET known_since = $1 WHERE score = $2 AND hash = $3",
        args![since, score, hash],
    )
    .await?;
    Ok(true)
}

/// Lets all days of a version be computed again.
pub(super) async fn distrust_all(tx: &Tx, score: &str, hash: &str) -> StoreResult<()> {
    tx.run(
        "UPDATE score_history SET computed_at = 0 WHERE score = $1 AND hash = $2",
        args![score, hash],
    )
    .await?;
    Ok(())
}

/// Kept days of the accounts with numbers from `first` to `last`: number, when computed, encoded days.
pub(super) async fn days(
    on: &impl Execute,
    (score, hash): (&str, &str),
    (first, last): (i64, i64),
) -> StoreResult<Vec<(i64, i64, Vec<u8>)>> {
    on.all(
        "SELECT account_no, computed_at, days FROM score_history WHERE score = $1 AND hash = $2 AND account_no BETWEEN $3 AND $4 \
         ORDER BY account_no",
        args![score, hash, first, last],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("account_no")?, row.get("computed_at")?, row.get("days")?)))
    .collect()
}

/// The kept days of some accounts.
pub(super) async fn days_of(
    on: &impl Execute,
    (score, hash): (&str, &str),
    nos: &[i64],
) -> StoreResult<HashMap<i64, Vec<u8>>> {
    let mut found = HashMap::with_capacity(nos.len());
    for chunk in nos.chunks(500) {
        let places: Vec<String> = (3..chunk.len() + 3).map(|at| format!("${at}")).collect();
        let sql = format!(
            "SELECT account_no, days FROM score_history WHERE score = $1 AND hash = $2 AND account_no IN ({})",
            places.join(", ")
        );
        let mut values: Vec<Value> = args![score, hash];
        values.extend(chunk.iter().map(|no| Value::from(*no)));
        for row in on.all(&sql, values).await? {
            found.insert(row.get("account_no")?, row.get("days")?);
        }
    }
    Ok(found)
}

/// Keeps the days of accounts: number, when computed, encoded days.
pub(super) async fn put_days(
    tx: &Tx,
    (score, hash): (&str, &str),
    rows: &[(i64, i64, Vec<u8>)],
) -> StoreResult<()> {
    for chunk in rows.chunks(200) {
        let mut batch = Batch::new(
            "score_history",
            &["score", "hash", "account_no", "computed_at", "days"],
        );
        for (no, at, days) in chunk {
            batch.row(args![score, hash, *no, *at, days.clone()]);
        }
        tx.insert(
            batch,
            Conflict::Update("score, hash, account_no", &["computed_at", "days"]),
        )
        .await?;
    }
    Ok(())
}

/// Lets the days of an account be computed again.
pub(super) async fn distrust(tx: &Tx, score: &str, no: i64) -> StoreResult<()> {
    tx.run(
        "UPDATE score_history SET computed_at = 0 WHERE score = $1 AND account_no = $2",
        args![score, no],
    )
    .await?;
    Ok(())
}
