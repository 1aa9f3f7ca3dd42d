//! SQL of the slice.

use tenure_store::{Execute, Row, StoreResult, Value, args};

/// A contact as it is found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub account_id: Option<String>,
    pub account_name: Option<String>,
}

fn found(row: &Row) -> StoreResult<Found> {
    Ok(Found {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        account_id: row.get("account_id")?,
        account_name: row.get("account_name")?,
    })
}

const FOUND: &str = "SELECT c.id, c.name, c.email, a.id AS account_id, a.name AS account_name";
const ACCOUNT: &str = "LEFT JOIN account_roots r ON r.no = c.account_no LEFT JOIN accounts a ON a.no = COALESCE(r.root_no, c.account_no) \
                       WHERE c.id NOT IN (SELECT merged_id FROM contact_merges WHERE parted_at IS NULL)";

/// Contacts from the place on where those whose name, address or id begins with `typed` (small letters) would stand, a few of each. The order
/// is the database's own, so that its indexes serve; the caller keeps those that do begin so.
pub(super) async fn from(on: &impl Execute, typed: &str) -> StoreResult<Vec<Found>> {
    let mut all = Vec::new();
    // The embedded database knows small letters of ASCII only: what follows another letter is looked for among more.
    let plain: String = typed.chars().take_while(char::is_ascii).collect();
    let limit: i64 = if plain.len() == typed.len() { 40 } else { 400 };
    for key in ["LOWER(c.name)", "LOWER(c.email)", "c.id"] {
        let sql = format!(
            "{FOUND} FROM (SELECT c.id, c.name, c.email, c.account_no FROM contacts c WHERE {key} >= $1 ORDER BY {key} LIMIT $2) c {ACCOUNT}"
        );
        for row in on.all(&sql, args![plain.as_str(), limit]).await? {
            all.push(found(&row)?);
        }
    }
    Ok(all)
}

/// Some contacts, in no order; those that were merged into others are not among them.
pub(super) async fn some(on: &impl Execute, ids: &[String]) -> StoreResult<Vec<Found>> {
    let places: Vec<String> = (1..=ids.len()).map(|at| format!("${at}")).collect();
    let sql = format!(
        "{FOUND} FROM contacts c {ACCOUNT} AND c.id IN ({})",
        places.join(", ")
    );
    let values: Vec<Value> = ids.iter().map(|id| Value::from(id.as_str())).collect();
    on.all(&sql, values).await?.iter().map(found).collect()
}
