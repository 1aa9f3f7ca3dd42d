//! SQL of the slice.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use tenure_store::{Batch, Conflict, Execute, Row, Store, StoreResult, Tx, Value, args};
use utoipa::ToSchema;

use super::directory::{FIELD, RECORD};
use super::rules::{Account, Contact, History, HistoryRow};
use super::{AccountNo, Directory};

/// At most this many parameters stand in one `IN (…)`.
const CHUNK: usize = 2_000;

/// Fills the directory from the records. Called once, at the start.
pub async fn load(store: &Store, directory: &Directory) -> StoreResult<()> {
    // The database packs many ids into one row: reading half a million single rows would take most of the start.
    let packed = |rows: Vec<Row>| {
        rows.iter()
            .map(|row| row.get::<String>("packed"))
            .collect::<StoreResult<Vec<_>>>()
    };
    let accounts = store.all(
        "SELECT string_agg(id || $1 || CAST(no AS TEXT), $2) AS packed FROM accounts GROUP BY no / 1024",
        args![FIELD, RECORD],
    );
    let contacts = store.all(
        "SELECT string_agg(id || $1 || CAST(COALESCE(account_no, 0) AS TEXT), $2) AS packed FROM contacts \
         GROUP BY COALESCE(account_no, 0) / 1024",
        args![FIELD, RECORD],
    );
    let (accounts, contacts) = futures::try_join!(accounts, contacts)?;
    let mut aliases = Vec::new();
    for row in store
        .all("SELECT alias, contact_id FROM contact_aliases", vec![])
        .await?
    {
        aliases.push((row.get("alias")?, row.get("contact_id")?));
    }
    let mut devices = Vec::new();
    for row in store
        .all("SELECT anonymous, account_no FROM device_accounts", vec![])
        .await?
    {
        devices.push((row.get("anonymous")?, AccountNo::new(row.get("account_no")?)));
    }
    directory.fill(&packed(accounts)?, &packed(contacts)?, &aliases, devices);
    super::merges::load(store, directory).await
}

/// Runs a query whose text ends in `IN (…)` over many keys, in chunks. `before` and `after` stand around the list.
async fn in_chunks(tx: &Tx, before: &str, keys: Vec<Value>, after: &str) -> StoreResult<Vec<Row>> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        // The list is padded to a power of two, so that few different statements have to be prepared.
        let width = chunk.len().next_power_of_two().min(CHUNK.max(chunk.len()));
        let mut values = chunk.to_vec();
        if let Some(last) = chunk.last() {
            values.resize(width, last.clone());
        }
        let mut sql = format!("{before} IN (");
        for place in 1..=width {
            if place > 1 {
                sql.push(',');
            }
            sql.push('$');
            sql.push_str(&place.to_string());
        }
        sql.push(')');
        sql.push_str(after);
        rows.extend(tx.all(&sql, values).await?);
    }
    Ok(rows)
}

/// Keeps other transactions from giving out account numbers until this one ends.
pub(super) async fn lock_numbers(tx: &Tx) -> StoreResult<()> {
    tx.run(
        "INSERT INTO settings (key, value) VALUES ('accounts.numbers', '') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        vec![],
    )
    .await?;
    Ok(())
}

/// The highest number given out.
pub(super) async fn highest_number(tx: &Tx) -> StoreResult<i64> {
    tx.one("SELECT COALESCE(MAX(no), 0) AS no FROM accounts", vec![])
        .await?
        .map_or(Ok(0), |row| row.get("no"))
}

/// The numbers of those of `ids` that the records know.
pub(super) async fn numbers(tx: &Tx, ids: &[&str]) -> StoreResult<Vec<(String, AccountNo)>> {
    let keys = ids.iter().map(|id| Value::from(*id)).collect();
    let rows = in_chunks(tx, "SELECT id, no FROM accounts WHERE id", keys, "").await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, AccountNo::new(row.get("no")?))))
        .collect()
}

/// Writes stubs.
pub(super) async fn insert_stubs(tx: &Tx, stubs: &[(String, AccountNo)], now: i64) -> StoreResult<()> {
    let mut batch = Batch::new(
        "accounts",
        &[
            "no",
            "id",
            "name",
            "attributes",
            "stub",
            "created_at",
            "updated_at",
        ],
    );
    for (id, no) in stubs {
        batch.row(args![*no, id.as_str(), id.as_str(), "{}", true, now, 0_i64]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

fn json(text: &str) -> Map<String, Json> {
    serde_json::from_str(text).unwrap_or_default()
}

/// PostgreSQL's text cannot hold NUL; nothing is lost with it.
fn plain(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text.to_owned()
    }
}

fn plain_option(text: &Option<String>) -> Option<String> {
    text.as_deref().map(plain)
}

/// The records of these accounts.
pub(super) async fn accounts(tx: &Tx, nos: &[AccountNo]) -> StoreResult<HashMap<AccountNo, Account>> {
    let keys = nos.iter().map(|no| Value::from(*no)).collect();
    let rows = in_chunks(
        tx,
        "SELECT no, id, name, owner, parent_id, attributes, stub, created_at, updated_at FROM accounts WHERE no",
        keys,
        "",
    )
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let no = AccountNo::new(row.get("no")?);
        let account = Account {
            no,
            id: row.get("id")?,
            name: row.get("name")?,
            owner: row.get("owner")?,
            parent: row.get("parent_id")?,
            attributes: json(&row.get::<String>("attributes")?),
            stub: row.get("stub")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        };
        found.insert(no, account);
    }
    Ok(found)
}

/// The whole history of these accounts' fields.
pub(super) async fn histories(tx: &Tx, nos: &[AccountNo]) -> StoreResult<HashMap<AccountNo, History>> {
    let keys = nos.iter().map(|no| Value::from(*no)).collect();
    let rows = in_chunks(
        tx,
        "SELECT account_no, field, day, value, at FROM account_changes WHERE account_no",
        keys,
        "",
    )
    .await?;
    let mut found: HashMap<AccountNo, History> = HashMap::new();
    for row in rows {
        let value = row
            .get::<Option<String>>("value")?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Json::Null);
        let at = row.get("at")?;
        let history = found.entry(AccountNo::new(row.get("account_no")?)).or_default();
        history
            .entry(row.get("field")?)
            .or_default()
            .insert(row.get("day")?, HistoryRow { value, at });
    }
    Ok(found)
}

/// Writes accounts that exist already.
pub(super) async fn update_accounts(tx: &Tx, accounts: &[&Account]) -> StoreResult<()> {
    const COLUMNS: [&str; 9] = [
        "no",
        "id",
        "name",
        "owner",
        "parent_id",
        "attributes",
        "stub",
        "created_at",
        "updated_at",
    ];
    let mut batch = Batch::new("accounts", &COLUMNS);
    for account in accounts {
        batch.row(args![
            account.no,
            account.id.as_str(),
            plain(&account.name),
            plain_option(&account.owner),
            plain_option(&account.parent),
            Json::Object(account.attributes.clone()).to_string(),
            account.stub,
            account.created_at,
            account.updated_at,
        ]);
    }
    tx.insert(
        batch,
        Conflict::Update(
            "no",
            &["name", "owner", "parent_id", "attributes", "stub", "updated_at"],
        ),
    )
    .await?;
    Ok(())
}

/// Writes rows of the history; a row of the same day is replaced.
pub(super) async fn write_history<'a>(
    tx: &Tx,
    rows: impl Iterator<Item = (AccountNo, &'a str, i64, &'a HistoryRow)>,
    source: &str,
) -> StoreResult<()> {
    let mut batch = Batch::new(
        "account_changes",
        &["account_no", "field", "day", "value", "at", "source"],
    );
    for (no, field, day, row) in rows {
        let value = (!row.value.is_null()).then(|| row.value.to_string());
        batch.row(args![no, plain(field), day, value, row.at, source]);
    }
    tx.insert(
        batch,
        Conflict::Update("account_no, field, day", &["value", "at", "source"]),
    )
    .await?;
    Ok(())
}

/// The records of these contacts.
pub(super) async fn contacts(tx: &Tx, ids: &[&str]) -> StoreResult<HashMap<String, Contact>> {
    let keys = ids.iter().map(|id| Value::from(*id)).collect();
    let rows = in_chunks(
        tx,
        "SELECT id, account_no, email, name, title, role, attributes, created_at, updated_at FROM contacts WHERE id",
        keys,
        "",
    )
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let contact = Contact {
            id: row.get("id")?,
            account: AccountNo::new(row.get::<Option<i64>>("account_no")?.unwrap_or(0)),
            email: row.get("email")?,
            name: row.get("name")?,
            title: row.get("title")?,
            role: row.get("role")?,
            attributes: json(&row.get::<String>("attributes")?),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        };
        found.insert(contact.id.clone(), contact);
    }
    Ok(found)
}

/// Writes contacts, new or known.
pub(super) async fn write_contacts(tx: &Tx, contacts: &[&Contact]) -> StoreResult<()> {
    const COLUMNS: [&str; 9] = [
        "id",
        "account_no",
        "email",
        "name",
        "title",
        "role",
        "attributes",
        "created_at",
        "updated_at",
    ];
    let mut batch = Batch::new("contacts", &COLUMNS);
    for contact in contacts {
        batch.row(args![
            contact.id.as_str(),
            (!contact.account.is_none()).then(|| contact.account.get()),
            plain_option(&contact.email),
            plain_option(&contact.name),
            plain_option(&contact.title),
            plain_option(&contact.role),
            Json::Object(contact.attributes.clone()).to_string(),
            contact.created_at,
            contact.updated_at,
        ]);
    }
    tx.insert(batch, Conflict::Update("id", &COLUMNS[1..])).await?;
    Ok(())
}

/// Removes contacts that were merged into others.
pub(super) async fn delete_contact(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run("DELETE FROM contacts WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Lets all aliases of one contact point at another.
pub(super) async fn move_aliases(tx: &Tx, from: &str, to: &str) -> StoreResult<()> {
    tx.run(
        "UPDATE contact_aliases SET contact_id = $1 WHERE contact_id = $2",
        args![to, from],
    )
    .await?;
    Ok(())
}

/// Writes aliases; a known one gets its new contact.
pub(super) async fn write_aliases<'a>(
    tx: &Tx,
    aliases: impl Iterator<Item = (&'a String, &'a String)>,
) -> StoreResult<()> {
    let mut batch = Batch::new("contact_aliases", &["alias", "contact_id"]);
    for (alias, id) in aliases {
        batch.row(args![alias.as_str(), id.as_str()]);
    }
    tx.insert(batch, Conflict::Update("alias", &["contact_id"]))
        .await?;
    Ok(())
}

/// Writes the accounts of devices; a known one gets its new account.
pub(super) async fn write_devices<'a>(
    tx: &Tx,
    devices: impl Iterator<Item = (&'a String, &'a AccountNo)>,
) -> StoreResult<()> {
    let mut batch = Batch::new("device_accounts", &["anonymous", "account_no"]);
    for (anonymous, no) in devices {
        batch.row(args![anonymous.as_str(), *no]);
    }
    tx.insert(batch, Conflict::Update("anonymous", &["account_no"]))
        .await?;
    Ok(())
}

/// A contact as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ContactRow {
    /// Its id.
    pub contact_id: String,
    /// The id of its account; null when not known.
    pub account_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Role towards the product.
    pub role: Option<String>,
    /// Everything else that is known.
    #[schema(value_type = HashMap<String, Value>)]
    pub attributes: Json,
    /// When it was first seen.
    pub created_at: String,
    /// When the newest of its values became true; null when it was only seen, never described.
    pub updated_at: Option<String>,
}

const CONTACT: &str = "SELECT c.id, a.id AS account_id, c.email, c.name, c.title, c.role, c.attributes, c.created_at, c.updated_at \
                       FROM contacts c LEFT JOIN account_roots r ON r.no = c.account_no LEFT JOIN accounts a ON a.no = COALESCE(r.root_no, c.account_no)";

/// Contacts that were merged into others are shown in those.
const STANDING: &str = "c.id NOT IN (SELECT merged_id FROM contact_merges WHERE parted_at IS NULL)";

fn contact_row(row: &Row) -> StoreResult<ContactRow> {
    let instant = |micros: i64| {
        jiff::Timestamp::from_microsecond(micros)
            .unwrap_or_default()
            .to_string()
    };
    let updated_at: i64 = row.get("updated_at")?;
    Ok(ContactRow {
        contact_id: row.get("id")?,
        account_id: row.get("account_id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        title: row.get("title")?,
        role: row.get("role")?,
        attributes: Json::Object(json(&row.get::<String>("attributes")?)),
        created_at: instant(row.get("created_at")?),
        updated_at: (updated_at > 0).then(|| instant(updated_at)),
    })
}

/// Every contact, by id.
pub async fn all_contacts(on: &impl Execute) -> StoreResult<Vec<ContactRow>> {
    on.all(&format!("{CONTACT} WHERE {STANDING} ORDER BY c.id"), vec![])
        .await?
        .iter()
        .map(contact_row)
        .collect()
}

/// What changes whenever contacts do: how many there are, and when one was written last.
pub async fn contacts_mark(on: &impl Execute) -> StoreResult<(i64, i64)> {
    let row = on
        .one(
            "SELECT COUNT(*) AS n, COALESCE(MAX(updated_at), 0) AS at FROM contacts",
            vec![],
        )
        .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("n")?, row.get("at")?)))
}

/// The contacts of an account, by id, at most `limit`.
pub async fn contacts_of(on: &impl Execute, account: AccountNo, limit: u32) -> StoreResult<Vec<ContactRow>> {
    let sql = format!(
        "{CONTACT} WHERE (c.account_no = $1 OR r.root_no = $1) AND {STANDING} ORDER BY c.id LIMIT $2"
    );
    on.all(&sql, args![account, i64::from(limit)])
        .await?
        .iter()
        .map(contact_row)
        .collect()
}
