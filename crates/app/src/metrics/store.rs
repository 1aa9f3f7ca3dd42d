//! SQL of the slice.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::{Stream, TryStreamExt as _};
use serde_json::{Map, Value as Json};
use tenure_lake::RecordBatch;
use tenure_store::{Batch, Conflict, Execute, StoreResult, Tx, args};

use super::facts::{Facts, Head, History, decode};
use crate::accounts::merges;
use crate::{App, events};

/// What the records hold of one account.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Whether nothing but its id is known.
    pub stub: bool,
    /// Its attributes.
    pub attributes: Map<String, Json>,
    /// Its fields over time.
    pub history: History,
}

/// Accounts per statement; both databases take that many parameters, and a chunk fits in memory.
const CHUNK: usize = 500;

/// The records of these accounts as they are shown, with the past of these fields: merged ones in those that they were merged into, and not
/// by themselves.
pub async fn records(
    on: &impl Execute,
    nos: &[i64],
    fields: &[String],
) -> StoreResult<BTreeMap<i64, Record>> {
    Ok(shaped(merges::told_of(on, nos, fields).await?))
}

/// As [`records`], without the past of any field.
pub async fn present(on: &impl Execute, nos: &[i64]) -> StoreResult<BTreeMap<i64, Record>> {
    Ok(shaped(merges::told_now(on, nos).await?))
}

fn shaped(all: BTreeMap<i64, merges::Told>) -> BTreeMap<i64, Record> {
    let mut records = BTreeMap::new();
    for (no, told) in all {
        let mut history = History::default();
        for (field, rows) in told.history {
            for (day, row) in rows {
                history.push(&field, i32::try_from(day).unwrap_or(i32::MIN), row.value);
            }
        }
        let record = Record {
            id: told.id,
            name: told.name,
            owner: told.owner,
            stub: told.stub,
            attributes: told.attributes,
            history,
        };
        records.insert(no, record);
    }
    records
}

/// Forgets what was computed of accounts that are no longer shown by themselves.
pub async fn drop_states(tx: &Tx, nos: &[i64]) -> StoreResult<()> {
    for no in nos {
        tx.run("DELETE FROM account_state WHERE account_no = $1", args![*no])
            .await?;
    }
    Ok(())
}

/// The kept facts of these accounts; those that are missing or of another format are left out.
pub async fn facts(on: &impl Execute, nos: &[i64]) -> StoreResult<HashMap<i64, Facts>> {
    read_facts(on, nos, None).await
}

/// As [`facts`], of which only the wanted series are read (by series of the plan); the others are empty.
pub async fn some_facts(on: &impl Execute, nos: &[i64], wanted: &[bool]) -> StoreResult<HashMap<i64, Facts>> {
    read_facts(on, nos, Some(wanted)).await
}

async fn read_facts(
    on: &impl Execute,
    nos: &[i64],
    wanted: Option<&[bool]>,
) -> StoreResult<HashMap<i64, Facts>> {
    let mut facts = HashMap::with_capacity(nos.len());
    for chunk in nos.chunks(CHUNK) {
        let wanted_nos: HashSet<i64> = chunk.iter().copied().collect();
        let (among, values) = merges::among(chunk);
        let sql = format!("SELECT account_no, activity FROM account_state WHERE account_no {among}");
        for row in on.all(&sql, values).await? {
            let no: i64 = row.get("account_no")?;
            if !wanted_nos.contains(&no) {
                continue;
            }
            let bytes: Vec<u8> = row.get("activity")?;
            if let Some(kept) = Facts::decode(&bytes, wanted) {
                facts.insert(no, kept);
            }
        }
    }
    Ok(facts)
}

/// The kept heads of the numbers from `first` to `last`: number, time of computation, head.
pub async fn heads(on: &impl Execute, first: i64, last: i64) -> StoreResult<Vec<(i64, i64, Option<Head>)>> {
    let sql = "SELECT account_no, computed_at, head FROM account_state WHERE account_no BETWEEN $1 AND $2";
    on.all(sql, args![first, last])
        .await?
        .iter()
        .map(|row| {
            let bytes: Vec<u8> = row.get("head")?;
            Ok((
                row.get("account_no")?,
                row.get("computed_at")?,
                decode::<Head>(&bytes),
            ))
        })
        .collect()
}

/// Numbers of all accounts that stand for themselves, ascending.
pub async fn numbers(on: &impl Execute) -> StoreResult<Vec<i64>> {
    on.all(
        "SELECT no FROM accounts WHERE no NOT IN (SELECT no FROM account_roots) ORDER BY no",
        vec![],
    )
    .await?
    .iter()
    .map(|row| row.get("no"))
    .collect()
}

/// Keeps the computed state of accounts: number, head, facts, both encoded.
pub async fn put_states(tx: &Tx, computed_at: i64, states: Vec<(i64, Vec<u8>, Vec<u8>)>) -> StoreResult<()> {
    for chunk in states.chunks(200) {
        let mut batch = Batch::new(
            "account_state",
            &["account_no", "computed_at", "head", "activity"],
        );
        for (no, head, activity) in chunk {
            batch.row(args![*no, computed_at, head.clone(), activity.clone()]);
        }
        tx.insert(
            batch,
            Conflict::Update("account_no", &["computed_at", "head", "activity"]),
        )
        .await?;
    }
    Ok(())
}

/// A change of an account's computed state: the number, and what it was and is, for whoever reacts to edges.
pub struct Edge {
    /// The account.
    pub account_no: i64,
    /// When it was noticed, UTC microseconds.
    pub at: i64,
    /// `{"segment": [before, after], …}`.
    pub changes: Json,
}

/// Adds edges.
pub async fn put_edges(tx: &Tx, edges: &[Edge]) -> StoreResult<()> {
    let last = tx
        .one("SELECT COALESCE(MAX(seq), 0) AS seq FROM account_edges", vec![])
        .await?;
    let mut seq: i64 = last.map_or(Ok(0), |row| row.get("seq"))?;
    let mut batch = Batch::new("account_edges", &["seq", "account_no", "at", "changes"]);
    for edge in edges {
        seq += 1;
        batch.row(args![seq, edge.account_no, edge.at, edge.changes.to_string()]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Edges after `seq`: place, account, time, changes.
pub async fn edges_after(on: &impl Execute, seq: i64, limit: i64) -> StoreResult<Vec<(i64, i64, i64, Json)>> {
    let sql = "SELECT seq, account_no, at, changes FROM account_edges WHERE seq > $1 ORDER BY seq LIMIT $2";
    on.all(sql, args![seq, limit])
        .await?
        .iter()
        .map(|row| {
            let changes: String = row.get("changes")?;
            Ok((
                row.get("seq")?,
                row.get("account_no")?,
                row.get("at")?,
                serde_json::from_str(&changes).unwrap_or_default(),
            ))
        })
        .collect()
}

/// Marks what KPI figures have to be computed again: those that look at a month (yyyymm), all from a month on (−yyyymm), all (0).
pub async fn mark_months(tx: &Tx, months: &[i32], at: i64) -> StoreResult<()> {
    let mut batch = Batch::new("kpi_dirty", &["month", "marked_at"]);
    // PostgreSQL refuses to update one row twice in a statement.
    let months: std::collections::BTreeSet<i32> = months.iter().copied().collect();
    for month in months {
        batch.row(args![i64::from(month), at]);
    }
    tx.insert(batch, Conflict::Update("month", &["marked_at"]))
        .await?;
    Ok(())
}

/// A mark that touches no window: a program was applied, or what accounts are changed. What is computed from accounts as they are now,
/// splits by attribute among it, is touched.
pub const NO_MONTH: i32 = 999_912;

/// A kept setting.
pub async fn setting(on: &impl Execute, key: &str) -> StoreResult<Option<String>> {
    on.one("SELECT value FROM settings WHERE key = $1", args![key])
        .await?
        .map(|row| row.get("value"))
        .transpose()
}

/// Keeps a setting.
pub async fn set_setting(tx: &Tx, key: &str, value: &str) -> StoreResult<()> {
    let mut batch = Batch::new("settings", &["key", "value"]);
    batch.row(args![key, value]);
    tx.insert(batch, Conflict::Update("key", &["value"])).await?;
    Ok(())
}

/// Number of marks.
pub async fn marked_months(on: &impl Execute) -> StoreResult<i64> {
    on.one("SELECT COUNT(*) AS n FROM kpi_dirty", vec![])
        .await?
        .map_or(Ok(0), |row| row.get("n"))
}

/// Of every event of an account its account_no, day, received_at and kind, and whether it is `relevant` (a condition that begins with AND).
pub async fn arrivals(
    app: &App,
    relevant: &str,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<RecordBatch>> + use<>> {
    let sql = format!(
        "SELECT account_no, day, received_at, kind, (TRUE{relevant}) AS relevant FROM events WHERE account_no > 0"
    );
    stream(app, &sql).await
}

async fn stream(
    app: &App,
    sql: &str,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<RecordBatch>> + use<>> {
    let context = app.lake.context(&events::snapshot(app).await?);
    let batches = context.stream(sql).await;
    Ok(batches
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .map_err(|error| anyhow::anyhow!("{error}")))
}

/// A few accounts are asked for by number, so that what lies between them need not be read.
const FEW: usize = 64;

/// The condition under which an event may be of one of these accounts; of many accounts those between them are let through too.
#[must_use]
pub fn whose(nos: &[i64]) -> String {
    match (nos.iter().min(), nos.iter().max()) {
        (Some(first), Some(last)) if nos.len() > FEW => format!("account_no BETWEEN {first} AND {last}"),
        _ => {
            let numbers: Vec<String> = nos.iter().map(i64::to_string).collect();
            format!("account_no IN ({})", numbers.join(", "))
        }
    }
}

/// These columns of the events of these accounts, and of some between them, that had arrived before an instant. `relevant` says of which
/// events.
///
/// # Errors
/// When the history cannot be read.
pub async fn arrived_before(
    app: &App,
    (columns, relevant): (&str, &str),
    nos: &[i64],
    end: i64,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<RecordBatch>> + use<>> {
    let sql = format!(
        "SELECT {columns} FROM events WHERE {}{relevant} AND received_at < to_timestamp_micros({end})",
        whose(nos)
    );
    stream(app, &sql).await
}
