//! A fresh record store for a test, on the database that the run asks for.

use std::path::Path;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::migrate::{Migration, migrate};
use crate::{Clock, Execute, Store, StoreResult, new_id};

/// A place for the records of one test: a database of its own on the server that `TENURE_TEST_POSTGRES=postgres://…` names. Dropped, its
/// database goes before the next one is made, so that a run of hundreds of tests holds only a few.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its address.
    pub url: String,
    /// The schema in it.
    pub schema: String,
    name: String,
}

/// The schema that every test's database has.
const SCHEMA: &str = "tenure";

/// Databases that no test uses any more.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The database of this process that has all migrations, for copies.
static MIGRATED: OnceCell<String> = OnceCell::const_new();

impl TestDatabase {
    /// One with an empty schema; `None` without a server: use an embedded file.
    ///
    /// # Errors
    /// When the server does not make it.
    pub async fn create() -> StoreResult<Option<Self>> {
        let Ok(server) = std::env::var("TENURE_TEST_POSTGRES") else {
            return Ok(None);
        };
        let it = Self::named(&server, None).await?;
        let inside = Store::open_postgres(&it.url, None).await?;
        let tx = inside.begin().await?;
        tx.script(&format!("CREATE SCHEMA {SCHEMA}")).await?;
        tx.commit().await?;
        inside.close().await;
        Ok(Some(it))
    }

    /// One whose schema has had these migrations, which are the same in all calls of a process: they run once, and the others copy what
    /// they made. `None` without a server.
    ///
    /// # Errors
    /// When the server does not make it, or a migration fails.
    pub async fn migrated(migrations: &[Migration]) -> StoreResult<Option<Self>> {
        let Ok(server) = std::env::var("TENURE_TEST_POSTGRES") else {
            return Ok(None);
        };
        let made = MIGRATED.get_or_try_init(|| async {
            let Some(mut first) = Self::create().await? else {
                return Ok(String::new());
            };
            let inside = Store::open_postgres(&first.url, Some(SCHEMA)).await?;
            migrate(&inside, &Clock::system(), migrations).await?;
            inside.close().await;
            StoreResult::Ok(std::mem::take(&mut first.name))
        });
        Ok(Some(Self::named(&server, Some(made.await?)).await?))
    }

    async fn named(server: &str, copied: Option<&str>) -> StoreResult<Self> {
        let name = format!("t{}", new_id(&Clock::system()).replace('-', ""));
        let admin = Store::open_postgres(server, None).await?;
        let ended = std::mem::take(&mut *ENDED.lock());
        for name in ended {
            // Connections of the test that used it may still be closing.
            admin
                .outside(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                .await?;
        }
        let from = copied.map_or(String::new(), |copied| format!(" TEMPLATE {copied}"));
        admin.outside(&format!("CREATE DATABASE {name}{from}")).await?;
        admin.close().await;
        Ok(Self {
            url: on_database(server, &name),
            schema: SCHEMA.to_owned(),
            name,
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            ENDED.lock().push(std::mem::take(&mut self.name));
        }
    }
}

/// A server's address with another database in it.
fn on_database(server: &str, name: &str) -> String {
    let (address, rest) = server
        .split_once('?')
        .map_or((server, None), |(a, r)| (a, Some(r)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |at| authority + at);
    let query = rest.map_or(String::new(), |rest| format!("?{rest}"));
    format!("{}/{name}{query}", &address[..end])
}

/// A record store of one test. With `TENURE_TEST_POSTGRES=postgres://…` it is a database of its own on that server, else an embedded file.
#[derive(Debug)]
pub struct TestStore {
    /// The store.
    pub store: Store,
    database: Option<TestDatabase>,
}

impl TestStore {
    /// Opens one in `dir` (embedded) or on the server that the environment names.
    ///
    /// # Errors
    /// When the records cannot be opened.
    pub async fn open(dir: &Path) -> StoreResult<Self> {
        let Some(database) = TestDatabase::create().await? else {
            return Ok(Self {
                store: Store::open_embedded(dir).await?,
                database: None,
            });
        };
        Ok(Self {
            store: Store::open_postgres(&database.url, Some(&database.schema)).await?,
            database: Some(database),
        })
    }

    /// The URL and schema when this is PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> Option<(&str, &str)> {
        self.database
            .as_ref()
            .map(|database| (database.url.as_str(), database.schema.as_str()))
    }

    /// Number of rows of a table.
    pub async fn count(&self, table: &str) -> StoreResult<i64> {
        self.store
            .one(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![])
            .await?
            .map_or(Ok(0), |row| row.get("n"))
    }
}

#[cfg(test)]
mod tests {
    use super::on_database;

    #[test]
    fn the_database_of_an_address_is_replaced_and_nothing_else() {
        let changed = [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/x"),
            (
                "postgres://u:p@h/postgres?sslmode=disable",
                "postgres://u:p@h/x?sslmode=disable",
            ),
            ("postgres://h", "postgres://h/x"),
        ];
        for (server, wanted) in changed {
            assert_eq!(on_database(server, "x"), wanted);
        }
    }
}
