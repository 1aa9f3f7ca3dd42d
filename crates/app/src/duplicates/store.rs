//! SQL of the slice.

use std::collections::HashSet;

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, args};

/// What stands between packed values; neither an address nor a number holds one.
const FIELD: &str = "\u{1f}";
const RECORD: &str = "\u{1e}";

/// The e-mail addresses of all contacts with the number of their account, packed by the database.
pub(super) async fn emails(on: &impl Execute) -> StoreResult<Vec<(i64, String)>> {
    let sql = "SELECT string_agg(CAST(account_no AS TEXT) || $1 || email, $2) AS packed FROM contacts \
               WHERE email IS NOT NULL AND account_no IS NOT NULL GROUP BY account_no / 1024";
    let mut found = Vec::new();
    for row in on.all(sql, args![FIELD, RECORD]).await? {
        let packed: String = row.get("packed")?;
        let records = packed.split(RECORD).filter_map(|record| record.split_once(FIELD));
        found.extend(records.filter_map(|(no, email)| Some((no.parse().ok()?, email.to_owned()))));
    }
    Ok(found)
}

/// Accounts that belong to another: both ids.
pub(super) async fn parents(on: &impl Execute) -> StoreResult<HashSet<(String, String)>> {
    on.all(
        "SELECT id, parent_id FROM accounts WHERE parent_id IS NOT NULL",
        vec![],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("id")?, row.get("parent_id")?)))
    .collect()
}

/// A contact that shares an address with another, or a name within an account.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub id: String,
    pub account_no: i64,
    pub email: Option<String>,
    pub name: Option<String>,
}

/// Contacts whose e-mail address, or whose name within one account (merged ones count as one), is that of another, at most `limit`.
pub(super) async fn shared_contacts(on: &impl Execute, limit: i64) -> StoreResult<Vec<Shared>> {
    let living = "c.id NOT IN (SELECT merged_id FROM contact_merges WHERE parted_at IS NULL)";
    let sql = format!(
        "WITH c AS (SELECT c.id, COALESCE(r.root_no, c.account_no, 0) AS account_no, c.email, c.name, LOWER(TRIM(c.email)) AS mail, \
         LOWER(TRIM(c.name)) AS called FROM contacts c LEFT JOIN account_roots r ON r.no = c.account_no WHERE {living}) \
         SELECT c.id, c.account_no, c.email, c.name FROM c WHERE c.mail IN \
           (SELECT mail FROM c WHERE mail <> '' GROUP BY mail HAVING COUNT(*) > 1) \
         UNION SELECT c.id, c.account_no, c.email, c.name FROM c JOIN \
           (SELECT account_no, called FROM c WHERE called <> '' AND account_no <> 0 GROUP BY account_no, called HAVING COUNT(*) > 1) d \
           ON d.account_no = c.account_no AND d.called = c.called \
         ORDER BY id LIMIT $1"
    );
    on.all(&sql, args![limit])
        .await?
        .iter()
        .map(|row| {
            Ok(Shared {
                id: row.get("id")?,
                account_no: row.get("account_no")?,
                email: row.get("email")?,
                name: row.get("name")?,
            })
        })
        .collect()
}

/// Pairs of which somebody said that they are two.
pub(super) async fn dismissed(on: &impl Execute, kind: &str) -> StoreResult<HashSet<(String, String)>> {
    on.all(
        "SELECT one, other FROM duplicate_dismissals WHERE kind = $1",
        args![kind],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("one")?, row.get("other")?)))
    .collect()
}

/// Remembers that a pair is two.
pub(super) async fn dismiss(
    tx: &Tx,
    kind: &str,
    (one, other): (&str, &str),
    at: i64,
    actor: &str,
) -> StoreResult<()> {
    let mut batch = Batch::new("duplicate_dismissals", &["kind", "one", "other", "at", "actor"]);
    batch.row(args![kind, one, other, at, actor]);
    tx.insert(batch, Conflict::Ignore("kind, one, other")).await?;
    Ok(())
}

/// Forgets that a pair was said to be two.
pub(super) async fn restore(tx: &Tx, kind: &str, (one, other): (&str, &str)) -> StoreResult<()> {
    tx.run(
        "DELETE FROM duplicate_dismissals WHERE kind = $1 AND one = $2 AND other = $3",
        args![kind, one, other],
    )
    .await?;
    Ok(())
}

/// How many contacts, notes, hand-overs and changes of owner an account has, all that is read as it counted.
pub(super) async fn counts(on: &impl Execute, no: i64) -> StoreResult<[i64; 4]> {
    let mut found = [0; 4];
    for (place, table) in ["contacts", "notes", "handovers", "reassignment_moves"]
        .iter()
        .enumerate()
    {
        let there = if *table == "notes" {
            " AND removed_at IS NULL"
        } else {
            ""
        };
        let sql = format!(
            "SELECT COUNT(*) AS n FROM {table} WHERE (account_no = $1 OR account_no IN (SELECT no FROM account_roots WHERE root_no = $1)){there}"
        );
        if let Some(row) = on.one(&sql, args![no]).await? {
            found[place] = row.get("n")?;
        }
    }
    Ok(found)
}

/// A merge of contacts as kept.
#[derive(Clone, Debug)]
pub(super) struct ContactMerge {
    pub id: String,
    pub merged: String,
    pub survivor: String,
    pub at: i64,
    pub actor: String,
    pub parted_at: Option<i64>,
    pub parted_by: Option<String>,
}

const CONTACT_MERGE: &str =
    "SELECT id, merged_id, survivor_id, at, actor, parted_at, parted_by FROM contact_merges";

fn contact_merge(row: &Row) -> StoreResult<ContactMerge> {
    Ok(ContactMerge {
        id: row.get("id")?,
        merged: row.get("merged_id")?,
        survivor: row.get("survivor_id")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        parted_at: row.get("parted_at")?,
        parted_by: row.get("parted_by")?,
    })
}

/// Merges of contacts, the newest first.
pub(super) async fn contact_merges(on: &impl Execute, limit: i64) -> StoreResult<Vec<ContactMerge>> {
    on.all(
        &format!("{CONTACT_MERGE} ORDER BY at DESC, id DESC LIMIT $1"),
        args![limit],
    )
    .await?
    .iter()
    .map(contact_merge)
    .collect()
}

/// Whoever merges contacts waits here for the others.
pub(super) async fn wait_for_contact_merges(tx: &Tx) -> StoreResult<()> {
    let sql = "INSERT INTO settings (key, value) VALUES ('contacts.merges', '') ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.run(sql, vec![]).await?;
    Ok(())
}

/// The standing merges that either of two contacts is part of.
pub(super) async fn contact_merges_of(
    on: &impl Execute,
    [one, other]: &[&str; 2],
) -> StoreResult<Vec<ContactMerge>> {
    let sql = format!(
        "{CONTACT_MERGE} WHERE parted_at IS NULL AND (merged_id IN ($1, $2) OR survivor_id IN ($1, $2))"
    );
    on.all(&sql, args![*one, *other])
        .await?
        .iter()
        .map(contact_merge)
        .collect()
}

/// The standing merge of contacts with this id.
pub(super) async fn standing_contact_merge(on: &impl Execute, id: &str) -> StoreResult<Option<ContactMerge>> {
    on.one(
        &format!("{CONTACT_MERGE} WHERE id = $1 AND parted_at IS NULL"),
        args![id],
    )
    .await?
    .as_ref()
    .map(contact_merge)
    .transpose()
}

/// Keeps a merge of contacts that takes effect at step `seq` of the log.
pub(super) async fn merge_contact(tx: &Tx, it: &ContactMerge, seq: i64) -> StoreResult<()> {
    let mut batch = Batch::new(
        "contact_merges",
        &["id", "merged_id", "survivor_id", "at", "actor", "seq"],
    );
    batch.row(args![
        it.id.as_str(),
        it.merged.as_str(),
        it.survivor.as_str(),
        it.at,
        it.actor.as_str(),
        seq
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Ends a merge of contacts at step `seq` of the log; false when none of this id stands.
pub(super) async fn part_contact(tx: &Tx, id: &str, at: i64, actor: &str, seq: i64) -> StoreResult<bool> {
    let sql = "UPDATE contact_merges SET parted_at = $1, parted_by = $2, parted_seq = $3 WHERE id = $4 AND parted_at IS NULL";
    Ok(tx.run(sql, args![at, actor, seq, id]).await? == 1)
}
