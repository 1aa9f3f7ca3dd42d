//! A fresh record store for a test, on the database that the run asks for.

use std::path::Path;

use crate::{Clock, Execute, Store, StoreResult, new_id};

/// A place for the records of one test.
#[derive(Debug)]
pub struct TestDatabase;

impl TestDatabase {
    /// URL and name of a fresh schema on the server that `TENURE_TEST_POSTGRES=postgres://…` names; `None` without it: use an embedded file.
    pub async fn create() -> StoreResult<Option<(String, String)>> {
        let Ok(url) = std::env::var("TENURE_TEST_POSTGRES") else {
            return Ok(None);
        };
        let schema = format!("t{}", new_id(&Clock::system()).replace('-', ""));
        let admin = Store::open_postgres(&url, None).await?;
        let tx = admin.begin().await?;
        tx.script(&format!("CREATE SCHEMA {schema}")).await?;
        tx.commit().await?;
        admin.close().await;
        Ok(Some((url, schema)))
    }
}

/// A record store of one test. With `TENURE_TEST_POSTGRES=postgres://…` it is a schema of its own on that server, else an embedded file.
#[derive(Debug)]
pub struct TestStore {
    /// The store.
    pub store: Store,
    schema: Option<(String, String)>,
}

impl TestStore {
    /// Opens one in `dir` (embedded) or on the server that the environment names.
    pub async fn open(dir: &Path) -> StoreResult<Self> {
        let Some((url, schema)) = TestDatabase::create().await? else {
            return Ok(Self {
                store: Store::open_embedded(dir).await?,
                schema: None,
            });
        };
        Ok(Self {
            store: Store::open_postgres(&url, Some(&schema)).await?,
            schema: Some((url, schema)),
        })
    }

    /// The URL and schema when this is PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> Option<(&str, &str)> {
        self.schema
            .as_ref()
            .map(|(url, schema)| (url.as_str(), schema.as_str()))
    }

    /// Number of rows of a table.
    pub async fn count(&self, table: &str) -> StoreResult<i64> {
        self.store
            .one(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![])
            .await?
            .map_or(Ok(0), |row| row.get("n"))
    }
}
