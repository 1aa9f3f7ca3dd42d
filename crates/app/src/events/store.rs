//! SQL of the slice.

use std::collections::BTreeMap;

use tenure_store::{Execute, StoreError, StoreResult, Tx, args};

use super::ids::Built;

/// The newest `seq` that was ever given.
pub(super) async fn newest_seq(read: &impl Execute) -> StoreResult<i64> {
    let row = read.one("SELECT seq FROM event_log WHERE id = 1", vec![]).await?;
    row.ok_or_else(|| StoreError::Other("event_log has no row: the records are damaged".to_owned()))?.get("seq")
}

/// Moves the newest `seq` on, and fails when somebody else has moved it: two writers never give one number twice.
pub(super) async fn advance(tx: &Tx, from: i64, to: i64) -> StoreResult<()> {
    if tx.run("UPDATE event_log SET seq = $1 WHERE id = 1 AND seq = $2", args![to, from]).await? == 1 {
        return Ok(());
    }
    Err(StoreError::Unavailable("the log has moved on since it was last read".to_owned()))
}

/// One unsealed body as it lies in the records.
pub(super) struct TailBody {
    pub(super) seq: i64,
    pub(super) events: usize,
    pub(super) min_at: i64,
    pub(super) max_at: i64,
    pub(super) received_at: i64,
    pub(super) body: Vec<u8>,
}

pub(super) async fn insert_tail(tx: &Tx, it: &TailBody) -> StoreResult<()> {
    tx.run(
        "INSERT INTO event_tail (seq, events, min_at, max_at, received_at, body) VALUES ($1, $2, $3, $4, $5, $6)",
        args![it.seq, count(it.events), it.min_at, it.max_at, it.received_at, it.body.clone()],
    )
    .await?;
    Ok(())
}

pub(super) async fn tail(read: &impl Execute) -> StoreResult<Vec<TailBody>> {
    let rows = read.all("SELECT seq, events, min_at, max_at, received_at, body FROM event_tail ORDER BY seq", vec![]).await?;
    rows.iter()
        .map(|row| {
            Ok(TailBody {
                seq: row.get("seq")?,
                events: size(row.get("events")?),
                min_at: row.get("min_at")?,
                max_at: row.get("max_at")?,
                received_at: row.get("received_at")?,
                body: row.get("body")?,
            })
        })
        .collect()
}

/// A run of message ids as loaded at the start: number, entries, bits (-1: the body is the hashes themselves), body.
pub(super) async fn id_runs(read: &impl Execute) -> StoreResult<Vec<(i64, usize, i64, Vec<u8>)>> {
    let rows = read.all("SELECT run, entries, bits, body FROM event_id_runs ORDER BY run", vec![]).await?;
    rows.iter().map(|row| Ok((row.get("run")?, size(row.get("entries")?), row.get("bits")?, row.get("body")?))).collect()
}

/// The sorted hashes of one part; empty when it has none.
pub(super) async fn ids_part(read: &impl Execute, run: i64, part: i64) -> StoreResult<Vec<u8>> {
    let row = read.one("SELECT ids FROM event_ids WHERE run = $1 AND part = $2", args![run, part]).await?;
    row.map_or(Ok(Vec::new()), |row| row.get("ids"))
}

/// All hashes of a run, unsorted across parts.
pub(super) async fn ids_of_run(read: &impl Execute, run: i64) -> StoreResult<Vec<Vec<u8>>> {
    let sql = "SELECT body AS ids FROM event_id_runs WHERE run = $1 AND bits < 0 UNION ALL SELECT ids FROM event_ids WHERE run = $1";
    let rows = read.all(sql, args![run]).await?;
    rows.iter().map(|row| row.get("ids")).collect()
}

pub(super) async fn insert_run(tx: &Tx, run: i64, built: &mut Built) -> StoreResult<()> {
    let bits = if built.parts.is_empty() { -1 } else { i64::from(built.bits) };
    tx.run(
        "INSERT INTO event_id_runs (run, entries, bits, body) VALUES ($1, $2, $3, $4)",
        args![run, count(built.entries), bits, std::mem::take(&mut built.body)],
    )
    .await?;
    for (part, ids) in std::mem::take(&mut built.parts) {
        tx.run("INSERT INTO event_ids (run, part, ids) VALUES ($1, $2, $3)", args![run, part, ids]).await?;
    }
    Ok(())
}

pub(super) async fn delete_runs(tx: &Tx, runs: &[i64]) -> StoreResult<()> {
    for &run in runs {
        tx.run("DELETE FROM event_ids WHERE run = $1", args![run]).await?;
        tx.run("DELETE FROM event_id_runs WHERE run = $1", args![run]).await?;
    }
    Ok(())
}

/// What one transaction adds to a source's counters.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceCounts {
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) events: i64,
    pub(super) duplicates: i64,
    pub(super) rejected: i64,
    /// Events by hour of arrival (hours since 1970).
    pub(super) hours: BTreeMap<i64, i64>,
    /// Events by delay between happening and arrival, in classes that double (class n: below 2^n microseconds).
    pub(super) lags: BTreeMap<i64, i64>,
}

pub(super) async fn add_counts(tx: &Tx, counts: &BTreeMap<String, SourceCounts>) -> StoreResult<()> {
    for (source, it) in counts {
        tx.run(
            "INSERT INTO event_sources (source, first_at, last_at, events, rejected, duplicates) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (source) DO UPDATE SET \
             first_at = CASE WHEN excluded.first_at < event_sources.first_at THEN excluded.first_at ELSE event_sources.first_at END, \
             last_at = CASE WHEN excluded.last_at > event_sources.last_at THEN excluded.last_at ELSE event_sources.last_at END, \
             events = event_sources.events + excluded.events, rejected = event_sources.rejected + excluded.rejected, \
             duplicates = event_sources.duplicates + excluded.duplicates",
            args![source.clone(), it.first_at, it.last_at, it.events, it.rejected, it.duplicates],
        )
        .await?;
        let hours = it.hours.iter().map(|(bucket, events)| ("hour", *bucket, *events));
        let lags = it.lags.iter().map(|(bucket, events)| ("lag", *bucket, *events));
        for (what, bucket, events) in hours.chain(lags) {
            tx.run(
                "INSERT INTO event_counts (source, what, bucket, events) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (source, what, bucket) DO UPDATE SET events = event_counts.events + excluded.events",
                args![source.clone(), what, bucket, events],
            )
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn forget_hours_before(tx: &Tx, hour: i64) -> StoreResult<()> {
    tx.run("DELETE FROM event_counts WHERE what = 'hour' AND bucket < $1", args![hour]).await?;
    Ok(())
}

/// The place of a reactor, if it has one.
pub(super) async fn cursor(read: &impl Execute, name: &str) -> StoreResult<Option<i64>> {
    read.one("SELECT seq FROM cursors WHERE name = $1", args![name]).await?.map(|row| row.get("seq")).transpose()
}

pub(super) async fn set_cursor(tx: &Tx, name: &str, seq: i64) -> StoreResult<()> {
    tx.run(
        "INSERT INTO cursors (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
        args![name, seq],
    )
    .await?;
    Ok(())
}

/// The place of the slowest reactor; none when there is no reactor.
pub(super) async fn slowest_cursor(read: &impl Execute) -> StoreResult<Option<i64>> {
    read.one("SELECT MIN(seq) AS seq FROM cursors", vec![]).await?.map_or(Ok(None), |row| row.get("seq"))
}

pub(super) async fn insert_bulk(tx: &Tx, seq: i64, accounts: &[i64], months: &[i32]) -> StoreResult<()> {
    let bytes: Vec<u8> = accounts.iter().flat_map(|no| no.to_le_bytes()).collect();
    let months: Vec<String> = months.iter().map(i32::to_string).collect();
    tx.run("INSERT INTO event_bulks (seq, accounts, months) VALUES ($1, $2, $3)", args![seq, bytes, months.join(" ")]).await?;
    Ok(())
}

/// Announced bulk changes: seq, accounts, months.
pub(super) async fn bulks(read: &impl Execute) -> StoreResult<Vec<(i64, Vec<i64>, Vec<i32>)>> {
    let rows = read.all("SELECT seq, accounts, months FROM event_bulks ORDER BY seq", vec![]).await?;
    rows.iter()
        .map(|row| {
            let bytes: Vec<u8> = row.get("accounts")?;
            let months: String = row.get("months")?;
            let accounts = bytes.as_chunks::<8>().0.iter().map(|no| i64::from_le_bytes(*no)).collect();
            Ok((row.get("seq")?, accounts, months.split_whitespace().filter_map(|month| month.parse().ok()).collect()))
        })
        .collect()
}

pub(super) async fn delete_bulks_until(tx: &Tx, seq: i64) -> StoreResult<()> {
    tx.run("DELETE FROM event_bulks WHERE seq <= $1", args![seq]).await?;
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn size(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}
