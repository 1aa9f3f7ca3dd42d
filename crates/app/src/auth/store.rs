//! SQL of the slice.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tenure_store::{Clock, Execute, StoreResult, Tx, args};

use super::Principal;

/// Writes an audit row into the transaction of the change that it tells of. Rows form a chain of hashes, so that an edited or removed one shows.
pub async fn audit(tx: &Tx, clock: &Clock, who: &Principal, action: &str, subject: &str, detail: &Json) -> StoreResult<()> {
    let last = tx.one("SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1", vec![]).await?;
    let (seq, before): (i64, String) = match last {
        Some(row) => (row.get::<i64>("seq")? + 1, row.get("chain")?),
        None => (1, String::new()),
    };
    let at = clock.micros();
    let detail = detail.to_string();
    let mut hash = Sha256::new();
    for part in [before.as_str(), &seq.to_string(), &at.to_string(), &who.actor, action, subject, &detail] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let chain = format!("{:x}", hash.finalize());
    tx.run(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, chain) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![seq, at, who.actor.clone(), action, subject, detail, chain],
    )
    .await?;
    Ok(())
}
