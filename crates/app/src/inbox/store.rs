//! SQL of the slice. What is read of other slices' tables here is only what happened since a moment.

use std::collections::HashSet;

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, Value, args};

/// A notification to add.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub id: String,
    pub user: String,
    pub kind: &'static str,
    /// Where it comes from: the same is added once for each person.
    pub source: String,
    pub title: String,
    pub detail: String,
    pub link: String,
    pub at: i64,
}

/// A notification as kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub id: String,
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub link: String,
    pub at: i64,
    pub read_at: Option<i64>,
}

/// Adds notifications that are not there; tells how many.
pub(super) async fn add(tx: &Tx, all: &[New]) -> StoreResult<u64> {
    let mut batch = Batch::new(
        "notifications",
        &["id", "user_id", "kind", "source", "title", "detail", "link", "at"],
    );
    for it in all {
        batch.row(args![
            it.id.as_str(),
            it.user.as_str(),
            it.kind,
            it.source.as_str(),
            it.title.as_str(),
            it.detail.as_str(),
            it.link.as_str(),
            it.at
        ]);
    }
    tx.insert(batch, Conflict::Ignore("user_id, source")).await
}

/// Somebody's notifications before a place, the newest first.
pub(super) async fn of_user(
    on: &impl Execute,
    user: &str,
    unread: bool,
    before: (i64, &str),
    limit: i64,
) -> StoreResult<Vec<Kept>> {
    let only = if unread { " AND read_at IS NULL" } else { "" };
    let sql = format!(
        "SELECT id, kind, title, detail, link, at, read_at FROM notifications WHERE user_id = $1 AND (at < $2 OR (at = $2 AND id < $3)){only} \
         ORDER BY at DESC, id DESC LIMIT $4"
    );
    on.all(&sql, args![user, before.0, before.1, limit])
        .await?
        .iter()
        .map(|row| {
            Ok(Kept {
                id: row.get("id")?,
                kind: row.get("kind")?,
                title: row.get("title")?,
                detail: row.get("detail")?,
                link: row.get("link")?,
                at: row.get("at")?,
                read_at: row.get("read_at")?,
            })
        })
        .collect()
}

/// How many somebody has not read.
pub(super) async fn unread(on: &impl Execute, user: &str) -> StoreResult<i64> {
    let sql = "SELECT COUNT(*) AS n FROM notifications WHERE user_id = $1 AND read_at IS NULL";
    on.one(sql, args![user]).await?.map_or(Ok(0), |row| row.get("n"))
}

/// Marks some, or all (`None`), as read or unread; tells how many were otherwise.
pub(super) async fn mark(
    tx: &Tx,
    user: &str,
    ids: Option<&[String]>,
    read_at: Option<i64>,
) -> StoreResult<u64> {
    let other = if read_at.is_some() {
        "read_at IS NULL"
    } else {
        "read_at IS NOT NULL"
    };
    let Some(ids) = ids else {
        let sql = format!("UPDATE notifications SET read_at = $1 WHERE user_id = $2 AND {other}");
        return tx.run(&sql, args![read_at, user]).await;
    };
    let mut done = 0;
    for chunk in ids.chunks(200) {
        let list = (3..chunk.len() + 3)
            .map(|n| format!("${n}"))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!(
            "UPDATE notifications SET read_at = $1 WHERE user_id = $2 AND {other} AND id IN ({list})"
        );
        let mut values: Vec<Value> = args![read_at, user];
        values.extend(chunk.iter().map(|id| Value::from(id.as_str())));
        done += tx.run(&sql, values).await?;
    }
    Ok(done)
}

/// Who does not want which kinds.
pub(super) async fn unwanted(on: &impl Execute) -> StoreResult<HashSet<(String, String)>> {
    on.all(
        "SELECT user_id, kind FROM notification_settings WHERE NOT wanted",
        vec![],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("user_id")?, row.get("kind")?)))
    .collect()
}

/// Sets whether somebody wants a kind.
pub(super) async fn want(tx: &Tx, user: &str, kind: &str, wanted: bool) -> StoreResult<()> {
    let mut batch = Batch::new("notification_settings", &["user_id", "kind", "wanted"]);
    batch.row(args![user, kind, wanted]);
    tx.insert(batch, Conflict::Update("user_id, kind", &["wanted"]))
        .await?;
    Ok(())
}

/// Something of another slice that somebody should know.
pub(super) struct Happened {
    /// A user id, an actor or an e-mail address, as the slice keeps it.
    pub whom: String,
    pub id: String,
    pub account_no: i64,
    pub what: String,
    pub at: i64,
}

fn happened(row: &Row) -> StoreResult<Happened> {
    Ok(Happened {
        whom: row.get::<Option<String>>("whom")?.unwrap_or_default(),
        id: row.get("id")?,
        account_no: row.get("account_no")?,
        what: row.get::<Option<String>>("what")?.unwrap_or_default(),
        at: row.get("at")?,
    })
}

async fn since(on: &impl Execute, sql: &str, at: i64) -> StoreResult<Vec<Happened>> {
    on.all(sql, args![at]).await?.iter().map(happened).collect()
}

/// Mentions since a moment: of whom, the note, its account, its author.
pub(super) async fn mentions(on: &impl Execute, at: i64) -> StoreResult<Vec<Happened>> {
    let sql = "SELECT m.user_id AS whom, m.note_id AS id, n.account_no, n.updated_by AS what, m.at FROM note_mentions m \
               JOIN notes n ON n.id = m.note_id WHERE m.at >= $1 AND n.removed_at IS NULL ORDER BY m.at LIMIT 1000";
    since(on, sql, at).await
}

/// Hand-overs that began since a moment: to which owner, its account, its cause.
pub(super) async fn handovers(on: &impl Execute, at: i64) -> StoreResult<Vec<Happened>> {
    let sql = "SELECT to_owner AS whom, id, account_no, cause AS what, started_at AS at FROM handovers WHERE started_at >= $1 \
               AND to_owner IS NOT NULL ORDER BY started_at LIMIT 5000";
    since(on, sql, at).await
}

/// Imports that ended since a moment: whose, their state.
pub(super) async fn imports(on: &impl Execute, at: i64) -> StoreResult<Vec<Happened>> {
    let sql = "SELECT actor AS whom, id, 0 AS account_no, state AS what, finished_at AS at FROM imports \
               WHERE finished_at >= $1 AND NOT dry_run ORDER BY finished_at LIMIT 1000";
    since(on, sql, at).await
}

/// Sources that fell silent since a moment.
pub(super) async fn silences(on: &impl Execute, at: i64) -> StoreResult<Vec<Happened>> {
    let sql = "SELECT '' AS whom, source AS id, 0 AS account_no, '' AS what, raised_at AS at FROM source_alarms \
               WHERE raised_at >= $1 AND cleared_at IS NULL ORDER BY raised_at LIMIT 1000";
    since(on, sql, at).await
}

/// A kept setting.
pub(super) async fn setting(on: &impl Execute, key: &str) -> StoreResult<Option<String>> {
    on.one("SELECT value FROM settings WHERE key = $1", args![key])
        .await?
        .map(|row| row.get("value"))
        .transpose()
}

/// Keeps a setting.
pub(super) async fn set_setting(tx: &Tx, key: &str, value: &str) -> StoreResult<()> {
    let mut batch = Batch::new("settings", &["key", "value"]);
    batch.row(args![key, value]);
    tx.insert(batch, Conflict::Update("key", &["value"])).await?;
    Ok(())
}
