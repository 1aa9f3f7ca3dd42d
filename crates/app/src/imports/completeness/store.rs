//! SQL of completeness.

use std::collections::BTreeMap;

use tenure_store::{Execute, StoreResult};

/// Where an account's field was told from, and when last: source, values, instant.
pub type Told = Vec<(String, i64, i64)>;

/// For each field of accounts its sources, the most frequent first.
pub async fn told(read: &impl Execute) -> StoreResult<BTreeMap<String, Told>> {
    let sql = "SELECT field, source, COUNT(*) AS n, MAX(at) AS at FROM account_changes WHERE value IS NOT NULL GROUP BY field, source \
               ORDER BY field, n DESC, source";
    let mut found: BTreeMap<String, Told> = BTreeMap::new();
    for row in read.all(sql, vec![]).await? {
        let told = (row.get("source")?, row.get("n")?, row.get("at")?);
        found.entry(row.get("field")?).or_default().push(told);
    }
    Ok(found)
}
