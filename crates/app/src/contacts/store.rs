//! SQL of the slice.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value as Json};
use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, Value, args};
use utoipa::ToSchema;

use super::Flag;
use super::index::Row as Found;
use crate::metrics::as_of;

/// A contact with the part that it plays and what it agreed to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ContactItem {
    /// Its id.
    pub contact_id: String,
    /// The id of its account; null when not known.
    pub account_id: Option<String>,
    /// That account's name.
    pub account_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Role towards the product, as its source says.
    pub role: Option<String>,
    /// Everything else that is known.
    #[schema(value_type = HashMap<String, Value>)]
    pub attributes: Json,
    /// When it was first seen.
    pub created_at: String,
    /// When the newest of its values became true; null when it was only seen, never described.
    pub updated_at: Option<String>,
    /// The part that it plays.
    pub flags: Vec<Flag>,
    /// What it agreed to, by topic; a topic that is not listed was never asked about.
    pub consents: BTreeMap<String, bool>,
}

/// Which contacts.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub account: Option<i64>,
    pub text: Option<String>,
    /// The ids of all contacts that hold the text, where they are few.
    pub ids: Option<Vec<String>>,
    pub flag: Option<Flag>,
    /// A topic, and whether it was agreed to.
    pub consent: Option<(String, bool)>,
    pub after: String,
    pub limit: i64,
}

const CONTACT: &str = "SELECT c.id, a.id AS account_id, a.name AS account_name, c.email, c.name, c.title, c.role, c.attributes, c.created_at, \
                       c.updated_at FROM contacts c LEFT JOIN account_roots r ON r.no = c.account_no \
                       LEFT JOIN accounts a ON a.no = COALESCE(r.root_no, c.account_no)";

/// Contacts that were merged into others are shown in those.
const STANDING: &str = "c.id NOT IN (SELECT merged_id FROM contact_merges WHERE parted_at IS NULL)";

fn item(row: &Row) -> StoreResult<ContactItem> {
    let attributes: String = row.get("attributes")?;
    let updated_at: i64 = row.get("updated_at")?;
    Ok(ContactItem {
        contact_id: row.get("id")?,
        account_id: row.get("account_id")?,
        account_name: row.get("account_name")?,
        email: row.get("email")?,
        name: row.get("name")?,
        title: row.get("title")?,
        role: row.get("role")?,
        attributes: Json::Object(serde_json::from_str::<Map<String, Json>>(&attributes).unwrap_or_default()),
        created_at: as_of::instant(row.get("created_at")?),
        updated_at: (updated_at > 0).then(|| as_of::instant(updated_at)),
        flags: Vec::new(),
        consents: BTreeMap::new(),
    })
}

/// Contacts as they are looked for, by id, from the one after `after` on.
pub(super) async fn rows_after(on: &impl Execute, after: &str, limit: i64) -> StoreResult<Vec<Found>> {
    on.all(
        "SELECT id, name, email, title FROM contacts WHERE id > $1 ORDER BY id LIMIT $2",
        args![after, limit],
    )
    .await?
    .iter()
    .map(found)
    .collect()
}

/// Some contacts as they are looked for.
pub(super) async fn rows(on: &impl Execute, ids: &[&str]) -> StoreResult<Vec<Found>> {
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let places: Vec<String> = (1..=chunk.len()).map(|at| format!("${at}")).collect();
        let sql = format!(
            "SELECT id, name, email, title FROM contacts WHERE id IN ({})",
            places.join(", ")
        );
        let values: Vec<Value> = chunk.iter().map(|id| Value::from(*id)).collect();
        for row in on.all(&sql, values).await? {
            rows.push(found(&row)?);
        }
    }
    Ok(rows)
}

fn found(row: &Row) -> StoreResult<Found> {
    Ok(Found {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        title: row.get("title")?,
    })
}

/// A page of contacts, by id, as of now.
pub(super) async fn page(on: &impl Execute, filter: &Filter) -> StoreResult<Vec<ContactItem>> {
    let mut sql = format!("{CONTACT} WHERE c.id > $1 AND {STANDING}");
    let mut values = args![filter.after.as_str()];
    let mut place = |value: Value| {
        values.push(value);
        values.len()
    };
    if let Some(account) = filter.account {
        let n = place(account.into());
        sql.push_str(&format!(" AND (c.account_no = ${n} OR r.root_no = ${n})"));
    }
    if let Some(ids) = &filter.ids {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = ids
            .iter()
            .map(|id| format!("${}", place(id.as_str().into())))
            .collect();
        sql.push_str(&format!(" AND c.id IN ({})", places.join(", ")));
    } else if let Some(text) = &filter.text {
        let wanted = text
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let n = place(format!("%{wanted}%").into());
        sql.push_str(&format!(
            " AND (LOWER(c.id) LIKE ${n} ESCAPE '\\' OR LOWER(c.name) LIKE ${n} ESCAPE '\\' OR LOWER(c.email) LIKE ${n} ESCAPE '\\' \
             OR LOWER(c.title) LIKE ${n} ESCAPE '\\')"
        ));
    }
    if let Some(flag) = filter.flag {
        let n = place(flag.name().into());
        sql.push_str(&latest("contact_flags", "flag", n, "k.held"));
    }
    if let Some((topic, granted)) = &filter.consent {
        let n = place(topic.as_str().into());
        let truth = if *granted { "k.granted" } else { "NOT k.granted" };
        sql.push_str(&latest("contact_consents", "topic", n, truth));
    }
    let n = place(filter.limit.into());
    sql.push_str(&format!(" ORDER BY c.id LIMIT ${n}"));
    let rows = on.all(&sql, values).await?;
    let mut items = rows.iter().map(item).collect::<StoreResult<Vec<_>>>()?;
    fill(on, &mut items, i64::MAX).await?;
    Ok(items)
}

/// A condition: the newest row of `table` about the contact (or an id that it absorbed) with this value of `column` is true.
fn latest(table: &str, column: &str, place: usize, truth: &str) -> String {
    format!(
        " AND EXISTS (SELECT 1 FROM {table} k WHERE (k.contact_id = c.id OR k.contact_id IN (SELECT x.alias FROM contact_ids x WHERE x.contact_id = c.id)) \
         AND k.{column} = ${place} AND {truth} AND NOT EXISTS (SELECT 1 FROM {table} l WHERE l.contact_id = k.contact_id AND l.{column} = k.{column} \
         AND (l.at > k.at OR (l.at = k.at AND l.id > k.id))))"
    )
}

/// The contacts of an account as of an instant, those that play a part first; at most `limit`.
///
/// # Errors
/// When the records fail.
pub async fn of_account(
    on: &impl Execute,
    account_no: i64,
    until: i64,
    limit: u32,
) -> StoreResult<Vec<ContactItem>> {
    let sql = format!(
        "{CONTACT} WHERE (c.account_no = $1 OR r.root_no = $1) AND {STANDING} AND c.created_at < $2 ORDER BY c.id LIMIT $3"
    );
    let rows = on.all(&sql, args![account_no, until, i64::from(limit)]).await?;
    let mut items = rows.iter().map(item).collect::<StoreResult<Vec<_>>>()?;
    fill(on, &mut items, until).await?;
    items.sort_by_key(|item| {
        (
            item.flags.iter().min().copied().is_none(),
            item.flags.iter().min().copied(),
        )
    });
    Ok(items)
}

/// The contacts with these ids, at most a few hundred, as they are kept: merged ones by themselves.
///
/// # Errors
/// When the records fail.
pub async fn by_ids(on: &impl Execute, ids: &[String]) -> StoreResult<HashMap<String, ContactItem>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let list = (1..=ids.len())
        .map(|n| format!("${n}"))
        .collect::<Vec<_>>()
        .join(", ");
    let values = ids.iter().map(|id| Value::from(id.as_str())).collect();
    on.all(&format!("{CONTACT} WHERE c.id IN ({list})"), values)
        .await?
        .iter()
        .map(|row| item(row).map(|item| (item.contact_id.clone(), item)))
        .collect()
}

/// The contact that this one was merged into, if it was.
pub(super) async fn survivor(on: &impl Execute, id: &str) -> StoreResult<Option<String>> {
    let sql = "SELECT survivor_id FROM contact_merges WHERE merged_id = $1 AND parted_at IS NULL";
    on.one(sql, args![id])
        .await?
        .map(|row| row.get("survivor_id"))
        .transpose()
}

/// The contacts that were merged into this one.
pub(super) async fn merged_into(on: &impl Execute, id: &str) -> StoreResult<Vec<String>> {
    let sql =
        "SELECT merged_id FROM contact_merges WHERE survivor_id = $1 AND parted_at IS NULL ORDER BY at, id";
    on.all(sql, args![id])
        .await?
        .iter()
        .map(|row| row.get("merged_id"))
        .collect()
}

/// Fills what a contact does not know itself from those that were merged into it.
async fn fill_from_merged(
    on: &impl Execute,
    items: &mut [ContactItem],
    list: &str,
    ids: &[String],
) -> StoreResult<()> {
    let places: HashMap<String, usize> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (item.contact_id.clone(), at))
        .collect();
    let sql = format!(
        "SELECT m.survivor_id, c.email, c.name, c.title, c.role, c.attributes FROM contact_merges m JOIN contacts c ON c.id = m.merged_id \
         WHERE m.parted_at IS NULL AND m.survivor_id IN ({list}) ORDER BY m.at, m.id"
    );
    for row in on
        .all(&sql, ids.iter().map(|id| Value::from(id.as_str())).collect())
        .await?
    {
        let Some(at) = places.get(&row.get::<String>("survivor_id")?) else {
            continue;
        };
        let into = &mut items[*at];
        for (field, column) in [
            (&mut into.email, "email"),
            (&mut into.name, "name"),
            (&mut into.title, "title"),
            (&mut into.role, "role"),
        ] {
            if field.is_none() {
                *field = row.get(column)?;
            }
        }
        let attributes: String = row.get("attributes")?;
        let attributes: Map<String, Json> = serde_json::from_str(&attributes).unwrap_or_default();
        if let Json::Object(known) = &mut into.attributes {
            for (field, value) in attributes {
                known.entry(field).or_insert(value);
            }
        }
    }
    Ok(())
}

/// The contact with this id.
pub(super) async fn one(on: &impl Execute, id: &str) -> StoreResult<Option<ContactItem>> {
    let row = on.one(&format!("{CONTACT} WHERE c.id = $1"), args![id]).await?;
    let Some(row) = row else { return Ok(None) };
    let mut items = vec![item(&row)?];
    fill(on, &mut items, i64::MAX).await?;
    Ok(items.pop())
}

/// Fills in flags and consents as they were at an instant.
async fn fill(on: &impl Execute, items: &mut [ContactItem], until: i64) -> StoreResult<()> {
    let places: HashMap<String, usize> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (item.contact_id.clone(), at))
        .collect();
    let ids: Vec<String> = items.iter().map(|item| item.contact_id.clone()).collect();
    for chunk in ids.chunks(500) {
        let list = (1..=chunk.len())
            .map(|n| format!("${n}"))
            .collect::<Vec<_>>()
            .join(", ");
        fill_from_merged(on, items, &list, chunk).await?;
        let list = (2..=chunk.len() + 1)
            .map(|n| format!("${n}"))
            .collect::<Vec<_>>()
            .join(", ");
        let mut values = args![until];
        values.extend(chunk.iter().map(|id| Value::from(id.as_str())));
        for row in on
            .all(&rows_of("contact_flags", "k.flag, k.held", &list), values.clone())
            .await?
        {
            let Some(at) = places.get(&row.get::<String>("whose")?) else {
                continue;
            };
            let Some(flag) = Flag::parse(&row.get::<String>("flag")?) else {
                continue;
            };
            let flags = &mut items[*at].flags;
            flags.retain(|held| *held != flag);
            if row.get::<bool>("held")? {
                flags.push(flag);
                flags.sort_unstable();
            }
        }
        for row in on
            .all(&rows_of("contact_consents", "k.topic, k.granted", &list), values)
            .await?
        {
            let Some(at) = places.get(&row.get::<String>("whose")?) else {
                continue;
            };
            items[*at].consents.insert(row.get("topic")?, row.get("granted")?);
        }
    }
    Ok(())
}

/// Rows about contacts, oldest first; those of an absorbed id belong to whoever absorbed it.
fn rows_of(table: &str, columns: &str, list: &str) -> String {
    format!(
        "SELECT COALESCE(x.contact_id, k.contact_id) AS whose, {columns} FROM {table} k LEFT JOIN contact_ids x ON x.alias = k.contact_id \
         WHERE k.at < $1 AND (k.contact_id IN ({list}) OR x.contact_id IN ({list})) ORDER BY k.at, k.id"
    )
}

/// One answer to a topic, or its withdrawal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConsentLine {
    /// What it is about.
    pub topic: String,
    /// Whether it was given.
    pub granted: bool,
    /// How it is known: `form`, `call`, `contract`, …
    pub source: String,
    /// In words.
    pub note: String,
    /// When it was noted.
    pub at: String,
    /// By whom.
    pub actor: String,
}

/// Every answer of a contact, newest first.
pub(super) async fn consents(on: &impl Execute, id: &str) -> StoreResult<Vec<ConsentLine>> {
    let sql = "SELECT k.topic, k.granted, k.source, k.note, k.at, k.actor FROM contact_consents k \
               WHERE k.contact_id = $1 OR k.contact_id IN (SELECT x.alias FROM contact_ids x WHERE x.contact_id = $1) ORDER BY k.at DESC, k.id DESC";
    on.all(sql, args![id])
        .await?
        .iter()
        .map(|row| {
            Ok(ConsentLine {
                topic: row.get("topic")?,
                granted: row.get("granted")?,
                source: row.get("source")?,
                note: row.get("note")?,
                at: as_of::instant(row.get("at")?),
                actor: row.get("actor")?,
            })
        })
        .collect()
}

/// Topics that anybody was asked about.
pub(super) async fn topics(on: &impl Execute) -> StoreResult<Vec<String>> {
    on.all(
        "SELECT DISTINCT topic FROM contact_consents ORDER BY topic LIMIT 200",
        vec![],
    )
    .await?
    .iter()
    .map(|row| row.get("topic"))
    .collect()
}

/// A change of a flag or a consent.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Flag(Flag, bool),
    Consent {
        topic: String,
        granted: bool,
        source: String,
        note: String,
    },
}

/// Keeps a change.
pub(super) async fn put(
    tx: &Tx,
    id: &str,
    contact: &str,
    change: &Change,
    at: i64,
    actor: &str,
) -> StoreResult<()> {
    match change {
        Change::Flag(flag, held) => {
            let mut batch = Batch::new(
                "contact_flags",
                &["id", "contact_id", "flag", "held", "at", "actor"],
            );
            batch.row(args![id, contact, flag.name(), *held, at, actor]);
            tx.insert(batch, Conflict::Fail).await?;
        }
        Change::Consent {
            topic,
            granted,
            source,
            note,
        } => {
            let mut batch = Batch::new(
                "contact_consents",
                &[
                    "id",
                    "contact_id",
                    "topic",
                    "granted",
                    "source",
                    "note",
                    "at",
                    "actor",
                ],
            );
            batch.row(args![
                id,
                contact,
                topic.as_str(),
                *granted,
                source.as_str(),
                note.as_str(),
                at,
                actor
            ]);
            tx.insert(batch, Conflict::Fail).await?;
        }
    }
    Ok(())
}
