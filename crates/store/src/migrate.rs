//! Schema migrations: numbered scripts, each applied once, in one transaction, never edited afterwards.

use sha2::{Digest, Sha256};

use crate::{Clock, Execute, Store, StoreError, StoreResult, args};

/// One migration.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place: 1, 2, 3, …
    pub version: i64,
    /// A short name for people.
    pub name: &'static str,
    /// Statements separated by a line that ends with `;`. `{blob}` stands for the database's type of raw bytes.
    pub script: &'static str,
}

impl Migration {
    fn hash(&self) -> String {
        format!("{:x}", Sha256::digest(self.script.as_bytes()))
    }
}

/// Brings the schema to the newest version and returns it. An older program on a newer schema is refused.
pub async fn migrate(store: &Store, clock: &Clock, migrations: &[Migration]) -> StoreResult<i64> {
    let tx = store.begin().await?;
    tx.exclusive("schema").await?;
    tx.script("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at BIGINT NOT NULL)")
        .await?;
    // What the question whether the records accept a write changes, see `Store::ready`.
    tx.script("CREATE TABLE IF NOT EXISTS readiness (id BIGINT PRIMARY KEY, tick BIGINT NOT NULL)")
        .await?;
    tx.run(
        "INSERT INTO readiness (id, tick) VALUES (1, 0) ON CONFLICT (id) DO NOTHING",
        vec![],
    )
    .await?;
    let row = tx
        .one(
            "SELECT COALESCE(MAX(version), 0) AS version FROM schema_versions",
            vec![],
        )
        .await?;
    let current: i64 = row.map_or(Ok(0), |row| row.get("version"))?;
    let newest = migrations.last().map_or(0, |m| m.version);
    if current > newest {
        return Err(StoreError::Unsafe(format!(
            "the records have schema version {current}, this program knows only {newest}: start the program version that wrote them, or a newer one"
        )));
    }
    for row in tx
        .all("SELECT version, hash FROM schema_versions", vec![])
        .await?
    {
        let (version, hash): (i64, String) = (row.get("version")?, row.get("hash")?);
        if let Some(edited) = migrations
            .iter()
            .find(|m| m.version == version && m.hash() != hash)
        {
            return Err(StoreError::Unsafe(format!(
                "migration {version} ({}) is not the one that made these records: they come from a program that was never released; start that one, or a new data folder",
                edited.name
            )));
        }
    }
    for migration in migrations.iter().filter(|m| m.version > current) {
        let script = migration.script.replace("{blob}", store.blob_type());
        for statement in script.split(";\n").map(str::trim).filter(|s| !s.is_empty()) {
            tx.script(statement).await.map_err(|error| {
                StoreError::Other(format!(
                    "migration {} ({}): {error}",
                    migration.version, migration.name
                ))
            })?;
        }
        tx.run(
            "INSERT INTO schema_versions (version, name, hash, applied_at) VALUES ($1, $2, $3, $4)",
            args![
                migration.version,
                migration.name,
                migration.hash(),
                clock.micros()
            ],
        )
        .await?;
    }
    tx.commit().await?;
    Ok(newest)
}
