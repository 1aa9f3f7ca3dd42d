//! SQL of the slice.

use serde::Serialize;
use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, args};
use utoipa::ToSchema;

use crate::metrics::as_of;

/// A kept version of the settings.
pub(super) struct Kept {
    pub version: i64,
    pub body: String,
    pub at: i64,
    pub actor: String,
}

fn kept(row: &Row) -> StoreResult<Kept> {
    Ok(Kept {
        version: row.get("version")?,
        body: row.get("body")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
    })
}

const SETTINGS: &str = "SELECT version, body, at, actor FROM owner_settings ORDER BY version DESC LIMIT $1";

/// The newest versions of the settings, newest first.
pub(super) async fn settings(on: &impl Execute, limit: i64) -> StoreResult<Vec<Kept>> {
    on.all(SETTINGS, args![limit]).await?.iter().map(kept).collect()
}

/// Keeps a version of the settings.
pub(super) async fn put_settings(tx: &Tx, version: i64, body: &str, at: i64, actor: &str) -> StoreResult<()> {
    let mut batch = Batch::new("owner_settings", &["version", "body", "at", "actor"]);
    batch.row(args![version, body, at, actor]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// A reassignment as kept.
#[derive(Clone, Debug)]
pub(super) struct Reassignment {
    pub id: String,
    pub at: i64,
    pub actor: String,
    pub cause: String,
    pub reason: String,
    pub accounts: i64,
    pub undoes: Option<String>,
    pub undone_by: Option<String>,
}

const REASSIGNMENT: &str =
    "SELECT id, at, actor, cause, reason, accounts, undoes, undone_by FROM reassignments";

fn reassignment_row(row: &Row) -> StoreResult<Reassignment> {
    Ok(Reassignment {
        id: row.get("id")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        cause: row.get("cause")?,
        reason: row.get("reason")?,
        accounts: row.get("accounts")?,
        undoes: row.get("undoes")?,
        undone_by: row.get("undone_by")?,
    })
}

/// Keeps a reassignment and what it moved: account number, owner before, owner after.
pub(super) async fn put_reassignment(
    tx: &Tx,
    it: &Reassignment,
    moves: &[(i64, Option<String>, Option<String>)],
) -> StoreResult<()> {
    let mut batch = Batch::new(
        "reassignments",
        &["id", "at", "actor", "cause", "reason", "accounts", "undoes"],
    );
    batch.row(args![
        it.id.as_str(),
        it.at,
        it.actor.as_str(),
        it.cause.as_str(),
        it.reason.as_str(),
        it.accounts,
        it.undoes.clone()
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    let mut batch = Batch::new(
        "reassignment_moves",
        &["reassignment_id", "account_no", "from_owner", "to_owner"],
    );
    for (no, from, to) in moves {
        batch.row(args![it.id.as_str(), *no, from.clone(), to.clone()]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    let held: Vec<i64> = moves.iter().filter(|m| m.2.is_none()).map(|m| m.0).collect();
    let mut batch = Batch::new("owner_holds", &["account_no", "at"]);
    for no in &held {
        batch.row(args![*no, it.at]);
    }
    tx.insert(batch, Conflict::Update("account_no", &["at"])).await?;
    for (no, _, _) in moves.iter().filter(|m| m.2.is_some()) {
        tx.run("DELETE FROM owner_holds WHERE account_no = $1", args![*no])
            .await?;
    }
    Ok(())
}

/// Notes that a reassignment was undone; false when it already was.
pub(super) async fn set_undone(tx: &Tx, id: &str, by: &str) -> StoreResult<bool> {
    let sql = "UPDATE reassignments SET undone_by = $1 WHERE id = $2 AND undone_by IS NULL";
    Ok(tx.run(sql, args![by, id]).await? == 1)
}

/// The reassignment with this id.
pub(super) async fn reassignment(on: &impl Execute, id: &str) -> StoreResult<Option<Reassignment>> {
    on.one(&format!("{REASSIGNMENT} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(reassignment_row)
        .transpose()
}

/// Reassignments before a place, newest first.
pub(super) async fn reassignments(
    on: &impl Execute,
    before: (i64, &str),
    limit: i64,
) -> StoreResult<Vec<Reassignment>> {
    let sql =
        format!("{REASSIGNMENT} WHERE at < $1 OR (at = $1 AND id < $2) ORDER BY at DESC, id DESC LIMIT $3");
    on.all(&sql, args![before.0, before.1, limit])
        .await?
        .iter()
        .map(reassignment_row)
        .collect()
}

/// What a reassignment moved: account number, owner before, owner after.
pub(super) async fn moves(
    on: &impl Execute,
    id: &str,
) -> StoreResult<Vec<(i64, Option<String>, Option<String>)>> {
    let sql = "SELECT account_no, from_owner, to_owner FROM reassignment_moves WHERE reassignment_id = $1 ORDER BY account_no";
    on.all(sql, args![id])
        .await?
        .iter()
        .map(|row| {
            Ok((
                row.get("account_no")?,
                row.get("from_owner")?,
                row.get("to_owner")?,
            ))
        })
        .collect()
}

/// A change of owner that was made here.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OwnerMove)]
pub struct MoveRow {
    /// When.
    pub at: String,
    /// Who had it.
    pub from: Option<String>,
    /// Who got it.
    pub to: Option<String>,
    /// By whom: `user:ID`, `key:ID`, `operator` or `rules`.
    pub actor: String,
    /// What it came from: manual, rules, live or undo.
    pub cause: String,
    /// Why, in words.
    pub reason: String,
}

/// The changes of an account's owner that were made here up to an instant, newest first.
pub async fn moves_of(on: &impl Execute, account_no: i64, until: i64) -> StoreResult<Vec<MoveRow>> {
    let sql = "SELECT r.at, r.actor, r.cause, r.reason, m.from_owner, m.to_owner FROM reassignment_moves m \
               JOIN reassignments r ON r.id = m.reassignment_id WHERE (m.account_no = $1 OR m.account_no IN (SELECT no FROM account_roots WHERE root_no = $1)) AND r.at < $2 ORDER BY r.at DESC, r.id DESC LIMIT 50";
    on.all(sql, args![account_no, until])
        .await?
        .iter()
        .map(|row| {
            Ok(MoveRow {
                at: as_of::instant(row.get("at")?),
                from: row.get("from_owner")?,
                to: row.get("to_owner")?,
                actor: row.get("actor")?,
                cause: row.get("cause")?,
                reason: row.get("reason")?,
            })
        })
        .collect()
}

/// Accounts whose owner was taken away by hand, which live rules leave alone.
pub(super) async fn holds(on: &impl Execute) -> StoreResult<std::collections::HashSet<i64>> {
    on.all("SELECT account_no FROM owner_holds", vec![])
        .await?
        .iter()
        .map(|row| row.get("account_no"))
        .collect()
}

/// A hand-over as kept.
#[derive(Clone, Debug)]
pub(super) struct Handover {
    pub id: String,
    pub account_no: i64,
    pub cause: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub started_at: i64,
    pub closed_at: Option<i64>,
    pub closed_as: Option<String>,
}

/// An item of a hand-over.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub no: i64,
    pub title: String,
    pub due_day: i64,
    pub done_at: Option<i64>,
    pub done_by: Option<String>,
}

const HANDOVER: &str =
    "SELECT id, account_no, cause, from_owner, to_owner, started_at, closed_at, closed_as FROM handovers";

fn handover_row(row: &Row) -> StoreResult<Handover> {
    Ok(Handover {
        id: row.get("id")?,
        account_no: row.get("account_no")?,
        cause: row.get("cause")?,
        from: row.get("from_owner")?,
        to: row.get("to_owner")?,
        started_at: row.get("started_at")?,
        closed_at: row.get("closed_at")?,
        closed_as: row.get("closed_as")?,
    })
}

/// Starts a hand-over; false when it had been started.
pub(super) async fn put_handover(tx: &Tx, it: &Handover, items: &[(String, i64)]) -> StoreResult<bool> {
    let mut batch = Batch::new(
        "handovers",
        &[
            "id",
            "account_no",
            "cause",
            "from_owner",
            "to_owner",
            "started_at",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.account_no,
        it.cause.as_str(),
        it.from.clone(),
        it.to.clone(),
        it.started_at
    ]);
    if tx.insert(batch, Conflict::Ignore("id")).await? == 0 {
        return Ok(false);
    }
    let mut batch = Batch::new("handover_items", &["handover_id", "no", "title", "due_day"]);
    for (no, (title, due)) in (1_i64..).zip(items) {
        batch.row(args![it.id.as_str(), no, title.as_str(), *due]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    Ok(true)
}

/// Closes a hand-over, or opens it again.
pub(super) async fn close_handover(tx: &Tx, id: &str, closed: Option<(i64, &str)>) -> StoreResult<()> {
    let (at, how) = closed.map_or((None, None), |(at, how)| (Some(at), Some(how.to_owned())));
    tx.run(
        "UPDATE handovers SET closed_at = $1, closed_as = $2 WHERE id = $3",
        args![at, how, id],
    )
    .await?;
    Ok(())
}

/// The hand-over with this id.
pub(super) async fn handover(on: &impl Execute, id: &str) -> StoreResult<Option<Handover>> {
    on.one(&format!("{HANDOVER} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(handover_row)
        .transpose()
}

/// Which hand-overs.
pub(super) enum Of<'a> {
    /// Of an account, the open ones first.
    Account(i64),
    /// That are open for an owner.
    Owner(&'a str),
    /// All that are open.
    Open,
}

/// Hand-overs with their items.
pub(super) async fn handovers(
    on: &impl Execute,
    of: Of<'_>,
    limit: i64,
) -> StoreResult<Vec<(Handover, Vec<Item>)>> {
    let (condition, values) = match of {
        Of::Account(no) => (
            "(account_no = $2 OR account_no IN (SELECT no FROM account_roots WHERE root_no = $2))",
            args![limit, no],
        ),
        Of::Owner(owner) => ("closed_at IS NULL AND to_owner = $2", args![limit, owner]),
        Of::Open => ("closed_at IS NULL", args![limit]),
    };
    let sql = format!(
        "{HANDOVER} WHERE {condition} ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, started_at DESC, id DESC LIMIT $1"
    );
    let mut found = Vec::new();
    for row in &on.all(&sql, values).await? {
        found.push((handover_row(row)?, Vec::new()));
    }
    for (handover, items) in &mut found {
        *items = items_of(on, &handover.id).await?;
    }
    Ok(found)
}

/// The items of a hand-over, in order.
pub(super) async fn items_of(on: &impl Execute, handover: &str) -> StoreResult<Vec<Item>> {
    let sql =
        "SELECT no, title, due_day, done_at, done_by FROM handover_items WHERE handover_id = $1 ORDER BY no";
    on.all(sql, args![handover])
        .await?
        .iter()
        .map(|row| {
            Ok(Item {
                no: row.get("no")?,
                title: row.get("title")?,
                due_day: row.get("due_day")?,
                done_at: row.get("done_at")?,
                done_by: row.get("done_by")?,
            })
        })
        .collect()
}

/// Ticks an item, or takes the tick away; false when it already is as asked.
pub(super) async fn tick(tx: &Tx, handover: &str, no: i64, done: Option<(i64, &str)>) -> StoreResult<bool> {
    let (sql, values) = match done {
        Some((at, by)) => (
            "UPDATE handover_items SET done_at = $1, done_by = $2 WHERE handover_id = $3 AND no = $4 AND done_at IS NULL",
            args![at, by, handover, no],
        ),
        None => (
            "UPDATE handover_items SET done_at = NULL, done_by = NULL WHERE handover_id = $1 AND no = $2 AND done_at IS NOT NULL",
            args![handover, no],
        ),
    };
    Ok(tx.run(sql, values).await? == 1)
}

/// Open hand-overs by the owner that they are for.
pub(super) async fn open_by_owner(on: &impl Execute) -> StoreResult<Vec<(Option<String>, i64)>> {
    on.all(
        "SELECT to_owner, COUNT(*) AS n FROM handovers WHERE closed_at IS NULL GROUP BY to_owner",
        vec![],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("to_owner")?, row.get("n")?)))
    .collect()
}
