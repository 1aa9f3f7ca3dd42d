//! SQL of rejects.

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, Value, args};

use super::{LONGEST_RECORD, LONGEST_VALUE, Reject, State};

const COLUMNS: [&str; 13] = [
    "id",
    "at",
    "source",
    "import_id",
    "file",
    "line",
    "kind",
    "field",
    "value",
    "reason",
    "remedy",
    "record",
    "state",
];

/// Which rejects are meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Only of this import.
    pub import: Option<&'a str>,
    /// Only of this source.
    pub source: Option<&'a str>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only these; empty = all.
    pub ids: &'a [String],
    /// Only after this one.
    pub after: Option<(i64, &'a str)>,
}

/// PostgreSQL's text cannot hold NUL.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    plain(&text[..end])
}

pub(super) async fn insert(tx: &Tx, rejects: &[&Reject]) -> StoreResult<u64> {
    let mut batch = Batch::new("rejects", &COLUMNS);
    for it in rejects {
        batch.row(args![
            it.id.as_str(),
            it.at,
            it.source.as_str(),
            it.import_id.as_deref(),
            it.file.as_deref().map(plain),
            it.line,
            it.kind.as_str(),
            it.field.as_deref().map(plain),
            it.value
                .as_deref()
                .map(|value| plain(&Reject::shortened(value, LONGEST_VALUE))),
            plain(&it.reason),
            plain(&it.remedy),
            cut(&it.record, LONGEST_RECORD),
            it.state.name(),
        ]);
    }
    tx.insert(batch, Conflict::Ignore("id")).await
}

fn conditions(filter: &Filter<'_>, values: &mut Vec<Value>) -> String {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut with = |values: &mut Vec<Value>, column: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{column} = ${}", values.len()));
    };
    if let Some(import) = filter.import {
        with(values, "import_id", import.into());
    }
    if let Some(source) = filter.source {
        with(values, "source", source.into());
    }
    if let Some(state) = filter.state {
        with(values, "state", state.name().into());
    }
    if !filter.ids.is_empty() {
        let places: Vec<String> = filter
            .ids
            .iter()
            .map(|id| {
                values.push(id.as_str().into());
                format!("${}", values.len())
            })
            .collect();
        conditions.push(format!("id IN ({})", places.join(",")));
    }
    conditions.join(" AND ")
}

pub(super) async fn page(on: &impl Execute, filter: &Filter<'_>, limit: i64) -> StoreResult<Vec<Reject>> {
    let mut values = Vec::new();
    let mut sql = format!(
        "SELECT {} FROM rejects WHERE {}",
        COLUMNS.join(", "),
        conditions(filter, &mut values)
    );
    if let Some((at, id)) = filter.after {
        values.extend(args![at, id]);
        let n = values.len();
        sql.push_str(&format!(
            " AND (at > ${} OR (at = ${} AND id > ${n}))",
            n - 1,
            n - 1
        ));
    }
    values.push(limit.into());
    sql.push_str(&format!(" ORDER BY at, id LIMIT ${}", values.len()));
    on.all(&sql, values).await?.iter().map(reject).collect()
}

fn reject(row: &Row) -> StoreResult<Reject> {
    Ok(Reject {
        id: row.get("id")?,
        at: row.get("at")?,
        source: row.get("source")?,
        import_id: row.get("import_id")?,
        file: row.get("file")?,
        line: row.get("line")?,
        kind: row.get("kind")?,
        field: row.get("field")?,
        value: row.get("value")?,
        reason: row.get("reason")?,
        remedy: row.get("remedy")?,
        record: row.get("record")?,
        state: State::parse(&row.get::<String>("state")?).unwrap_or(State::Open),
    })
}

/// The reject with this id.
pub(super) async fn one(on: &impl Execute, id: &str) -> StoreResult<Option<Reject>> {
    let sql = format!("SELECT {} FROM rejects WHERE id = $1", COLUMNS.join(", "));
    on.one(&sql, args![id]).await?.as_ref().map(reject).transpose()
}

/// Puts a mended record in the place of `old`, which is kept; false when the reject is no longer as it was.
pub(super) async fn rewrite(
    tx: &Tx,
    id: &str,
    old: &str,
    new: &str,
    actor: &str,
    now: i64,
) -> StoreResult<bool> {
    let sql = "UPDATE rejects SET record = $1 WHERE id = $2 AND state = 'open' AND record = $3";
    if tx.run(sql, args![plain(new), id, old]).await? != 1 {
        return Ok(false);
    }
    let sql = "INSERT INTO reject_corrections (reject_id, no, at, actor, record) \
               SELECT $1, COUNT(*) + 1, $2, $3, $4 FROM reject_corrections WHERE reject_id = $1";
    tx.run(sql, args![id, now, actor, old]).await?;
    Ok(true)
}

/// How many rejects a filter finds (its `after` aside).
pub(super) async fn total(on: &impl Execute, filter: &Filter<'_>) -> StoreResult<i64> {
    let mut values = Vec::new();
    let sql = format!(
        "SELECT COUNT(*) AS n FROM rejects WHERE {}",
        conditions(filter, &mut values)
    );
    on.one(&sql, values).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn close(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run(
        "UPDATE rejects SET state = $1 WHERE id = $2",
        args![State::Replayed.name(), id],
    )
    .await?;
    Ok(())
}

pub(super) async fn refuse_again(tx: &Tx, id: &str, again: &Reject) -> StoreResult<()> {
    tx.run(
        "UPDATE rejects SET field = $1, value = $2, reason = $3, remedy = $4 WHERE id = $5",
        args![
            again.field.as_deref().map(plain),
            again
                .value
                .as_deref()
                .map(|value| plain(&Reject::shortened(value, LONGEST_VALUE))),
            plain(&again.reason),
            plain(&again.remedy),
            id
        ],
    )
    .await?;
    Ok(())
}
