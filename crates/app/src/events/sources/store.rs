//! SQL of expectations and alarms.

use std::collections::BTreeMap;

use tenure_store::{Execute, Row, StoreResult, Tx, args};

/// What somebody said about a source's silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Seconds that it may be silent; none = learned.
    pub every_s: Option<i64>,
    /// Its silence means nothing.
    pub muted: bool,
    /// Counts the changes.
    pub version: i64,
}

/// A silence that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub source: String,
    pub raised_at: i64,
    /// When the last event before it had come.
    pub last_at: i64,
    /// How long the source could be silent then.
    pub every_s: i64,
    pub cleared_at: Option<i64>,
    /// What cleared it: `event` or `setting`.
    pub cleared_by: Option<String>,
}

/// All expectations that were set, by source.
pub async fn expectations(read: &impl Execute) -> StoreResult<BTreeMap<String, Expectation>> {
    let rows = read
        .all(
            "SELECT source, every_s, muted, version FROM source_expectations",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let it = Expectation {
                every_s: row.get("every_s")?,
                muted: row.get("muted")?,
                version: row.get("version")?,
            };
            Ok((row.get("source")?, it))
        })
        .collect()
}

/// Writes an expectation over the one with the version before; false when somebody else was faster.
pub async fn expect(tx: &Tx, source: &str, it: &Expectation, actor: &str, now: i64) -> StoreResult<bool> {
    let sql = "INSERT INTO source_expectations (source, every_s, muted, version, actor, at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (source) DO UPDATE SET every_s = excluded.every_s, muted = excluded.muted, version = excluded.version, \
               actor = excluded.actor, at = excluded.at WHERE source_expectations.version = excluded.version - 1";
    let written = tx
        .run(sql, args![source, it.every_s, it.muted, it.version, actor, now])
        .await?;
    Ok(written == 1)
}

fn alarm(row: &Row) -> StoreResult<Alarm> {
    Ok(Alarm {
        source: row.get("source")?,
        raised_at: row.get("raised_at")?,
        last_at: row.get("last_at")?,
        every_s: row.get("every_s")?,
        cleared_at: row.get("cleared_at")?,
        cleared_by: row.get("cleared_by")?,
    })
}

/// Open alarms first, then the latest of the others.
pub async fn alarms(read: &impl Execute, limit: i64) -> StoreResult<Vec<Alarm>> {
    let sql = "SELECT source, raised_at, last_at, every_s, cleared_at, cleared_by FROM source_alarms \
               ORDER BY CASE WHEN cleared_at IS NULL THEN 0 ELSE 1 END, raised_at DESC, source LIMIT $1";
    read.all(sql, args![limit]).await?.iter().map(alarm).collect()
}

/// How many alarms are open.
pub async fn open(read: &impl Execute) -> StoreResult<i64> {
    let sql = "SELECT count(*) AS n FROM source_alarms WHERE cleared_at IS NULL";
    read.one(sql, args![]).await?.map_or(Ok(0), |row| row.get("n"))
}

/// Notes a silence.
pub async fn raise(tx: &Tx, it: &Alarm) -> StoreResult<()> {
    tx.run(
        "INSERT INTO source_alarms (source, raised_at, last_at, every_s) VALUES ($1, $2, $3, $4) ON CONFLICT (source, raised_at) DO NOTHING",
        args![it.source.as_str(), it.raised_at, it.last_at, it.every_s],
    )
    .await?;
    Ok(())
}

/// The silence is over; false when somebody else noticed that already.
pub async fn clear(tx: &Tx, it: &Alarm, by: &str, now: i64) -> StoreResult<bool> {
    let sql = "UPDATE source_alarms SET cleared_at = $1, cleared_by = $2 WHERE source = $3 AND raised_at = $4 AND cleared_at IS NULL";
    Ok(tx
        .run(sql, args![now, by, it.source.as_str(), it.raised_at])
        .await?
        == 1)
}
