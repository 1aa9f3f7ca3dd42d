//! Opening the records, and refusing to where that could lose data.

use std::fs::{File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::Connection;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait, Value,
};

use crate::claim::Claim;
use crate::merging::{self, Merging};
use crate::query::{self, Row};
use crate::{Execute, StoreError, StoreResult, Tx};

/// The oldest SQLite without the bug that can lose a commit when the write-ahead log is reset.
const SAFE_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// The records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    reads: DatabaseConnection,
    writes: DatabaseConnection,
    claim: Option<Arc<Claim>>,
    merging: Option<Arc<Merging>>,
}

impl Store {
    /// Opens the embedded database `DIR/records.db`, creating it when missing.
    pub async fn open_embedded(dir: &Path) -> StoreResult<Self> {
        let path = dir.join("records.db");
        let writes = sqlite_pool(&path, 1, 32 * 1024).await?;
        let merging = Merging::start(sqlite_pool(&path, 1, 64).await?, writes.clone());
        let store = Self {
            // Pages that were read stay with the system; a cache of its own for each reader would hold them once more.
            reads: sqlite_pool(&path, 4, 4 * 1024).await?,
            writes,
            claim: None,
            merging: Some(Arc::new(merging)),
        };
        store.refuse_unsafe().await?;
        Ok(store)
    }

    /// Opens a PostgreSQL database by URL (`postgres://…`).
    pub async fn open_postgres(url: &str, schema: Option<&str>) -> StoreResult<Self> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(16)
            .sqlx_logging(false)
            .acquire_timeout(Duration::from_secs(10));
        if let Some(schema) = schema {
            options.set_schema_search_path(schema);
        }
        let pool = Database::connect(options).await?;
        let store = Self {
            reads: pool.clone(),
            writes: pool,
            claim: None,
            merging: None,
        };
        store.refuse_unsafe().await?;
        Ok(store)
    }

    /// Opens a PostgreSQL database for this process alone: refused while another process has it open in this way.
    /// What is held in memory and in the data folder would otherwise part from the records.
    pub async fn claim_postgres(url: &str, schema: Option<&str>) -> StoreResult<Self> {
        let claim = Claim::take(url, schema).await?;
        let store = Self::open_postgres(url, schema).await?;
        Ok(Self {
            claim: Some(Arc::new(claim)),
            ..store
        })
    }

    /// Starts a transaction that may change rows. On SQLite it takes the write lock at once, so it never fails half-way for it.
    pub async fn begin(&self) -> StoreResult<Tx> {
        if let Some(claim) = &self.claim {
            claim.check()?;
        }
        if let Some(merging) = &self.merging {
            merging.written();
        }
        Self::begin_on(&self.writes).await
    }

    /// Runs a statement that no transaction may hold, such as `CREATE DATABASE`.
    pub(crate) async fn outside(&self, sql: &str) -> StoreResult<()> {
        self.writes.execute_unprepared(sql).await?;
        Ok(())
    }

    pub(crate) async fn begin_on(pool: &DatabaseConnection) -> StoreResult<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (pool.get_database_backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Ok(Tx {
            inner: pool.begin_with_options(options).await?,
        })
    }

    /// Whether the records live in PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.writes.get_database_backend() == DbBackend::Postgres
    }

    pub(crate) fn blob_type(&self) -> &'static str {
        if self.is_postgres() { "BYTEA" } else { "BLOB" }
    }

    /// Refreshes the planner's statistics; call after bulk loads.
    pub async fn analyze(&self) -> StoreResult<()> {
        let tx = self.begin().await?;
        tx.script("ANALYZE").await?;
        tx.commit().await
    }

    /// Which database this is, how it is set, whether it is whole, and where its clock stands.
    pub async fn report(&self) -> StoreResult<Report> {
        let mut settings = Vec::new();
        if self.is_postgres() {
            for name in [
                "server_version",
                "fsync",
                "full_page_writes",
                "synchronous_commit",
                "max_connections",
            ] {
                let value = self
                    .setting(&format!("SELECT current_setting('{name}') AS value"))
                    .await?;
                settings.push((format!("postgres {name}"), value));
            }
            let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS value";
            let clock = self
                .one(sql, vec![])
                .await?
                .map(|row| row.get("value"))
                .transpose()?;
            return Ok(Report {
                settings,
                damage: None,
                clock,
            });
        }
        settings.push((
            "sqlite version".to_owned(),
            self.setting("SELECT sqlite_version() AS value").await?,
        ));
        settings.push((
            "sqlite journal_mode".to_owned(),
            self.setting("SELECT CAST(journal_mode AS TEXT) AS value FROM pragma_journal_mode")
                .await?,
        ));
        let found = self
            .setting("SELECT CAST(quick_check AS TEXT) AS value FROM pragma_quick_check LIMIT 1")
            .await?;
        Ok(Report {
            settings,
            damage: (found != "ok").then_some(found),
            clock: None,
        })
    }

    /// Merges SQLite's write-ahead log into the file and empties it, so that what was deleted does not stay readable there.
    /// PostgreSQL reuses its log by itself; there this does nothing.
    pub async fn checkpoint(&self) -> StoreResult<()> {
        if !self.is_postgres() {
            // Readers may keep the end of the log in use for a moment; then the next checkpoint empties it.
            query::pool_one(&self.writes, "PRAGMA wal_checkpoint(TRUNCATE)", vec![]).await?;
        }
        Ok(())
    }

    /// Fails unless the database answers and accepts a write.
    pub async fn ready(&self) -> StoreResult<()> {
        let tx = self.begin().await?;
        // The value has to change: SQLite writes nothing for a row that stays as it is.
        tx.run("UPDATE readiness SET tick = tick + 1 WHERE id = 1", vec![])
            .await?;
        tx.commit().await
    }

    /// Closes all connections; SQLite's log is merged into the file.
    pub async fn close(self) {
        if let Some(merging) = &self.merging {
            merging.stop().await;
        }
        let _ = self.reads.close().await;
        let _ = self.writes.close().await;
        if let Some(claim) = &self.claim {
            claim.release().await;
        }
    }

    async fn refuse_unsafe(&self) -> StoreResult<()> {
        if self.is_postgres() {
            self.refuse_unsafe_postgres().await
        } else {
            self.refuse_unsafe_sqlite().await
        }
    }

    async fn refuse_unsafe_sqlite(&self) -> StoreResult<()> {
        let text: String = self.setting("SELECT sqlite_version() AS value").await?;
        let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (
            parts.next().unwrap_or(0),
            parts.next().unwrap_or(0),
            parts.next().unwrap_or(0),
        );
        if version < SAFE_SQLITE {
            return Err(StoreError::Unsafe(format!(
                "SQLite {text} can lose a commit when its log is reset; build Tenure with its bundled SQLite (3.51.3 or newer)"
            )));
        }
        let tx = self.begin().await?;
        let synchronous: i64 = tx
            .one("SELECT synchronous AS value FROM pragma_synchronous", vec![])
            .await?
            .map_or(Ok(0), |row| row.get("value"))?;
        tx.rollback().await?;
        if synchronous < 2 {
            return Err(StoreError::Unsafe(format!(
                "SQLite runs with synchronous = {synchronous}; an answered event could be lost in a power cut: set synchronous = FULL (2)"
            )));
        }
        Ok(())
    }

    async fn refuse_unsafe_postgres(&self) -> StoreResult<()> {
        let durable: [(&str, &[&str]); 3] = [
            ("fsync", &["on"]),
            ("full_page_writes", &["on"]),
            (
                "synchronous_commit",
                &["on", "local", "remote_write", "remote_apply"],
            ),
        ];
        for (name, wanted) in durable {
            let value: String = self
                .setting(&format!("SELECT current_setting('{name}') AS value"))
                .await?;
            if !wanted.contains(&value.as_str()) {
                return Err(StoreError::Unsafe(format!(
                    "PostgreSQL runs with {name} = {value}; an answered event could be lost: set {name} = on"
                )));
            }
        }
        let encoding: String = self
            .setting("SELECT current_setting('server_encoding') AS value")
            .await?;
        if encoding != "UTF8" {
            return Err(StoreError::Unsafe(format!(
                "the PostgreSQL database has the encoding {encoding}, which cannot hold every text: create it with ENCODING 'UTF8'"
            )));
        }
        Ok(())
    }

    async fn setting(&self, sql: &str) -> StoreResult<String> {
        self.one(sql, vec![])
            .await?
            .ok_or_else(|| StoreError::Other(format!("no answer to {sql}")))?
            .get("value")
    }
}

/// What [`Store::report`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Names and values of what matters for safety.
    pub settings: Vec<(String, String)>,
    /// What is damaged; `None` = nothing that a quick check finds.
    pub damage: Option<String>,
    /// The database's own clock in UTC microseconds, where it has one.
    pub clock: Option<i64>,
}

#[async_trait]
impl Execute for Store {
    async fn all(&self, sql: &str, args: Vec<Value>) -> StoreResult<Vec<Row>> {
        query::pool_all(&self.reads, sql, args).await
    }
    async fn one(&self, sql: &str, args: Vec<Value>) -> StoreResult<Option<Row>> {
        query::pool_one(&self.reads, sql, args).await
    }
}

/// `cache_kb`: what each connection may keep of the file.
async fn sqlite_pool(path: &Path, connections: u32, cache_kb: u32) -> StoreResult<DatabaseConnection> {
    // The path is given apart from the URL, in which some of its characters would have a meaning.
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://records.db");
    options
        .max_connections(connections)
        .min_connections(1)
        .sqlx_logging(false)
        // One connection writes; waiting for it under load is its normal life, not a warning.
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.acquire_slow_threshold(Duration::from_secs(15))
                .before_acquire(|connection, _| {
                    // A commit that the disk refused leaves its connection inside a transaction. The next one would only be a savepoint in it:
                    // confirmed, and lost. Such a connection is closed, which rolls back, and another is opened.
                    let inside = connection.is_in_transaction();
                    Box::pin(async move { Ok(!inside) })
                })
        })
        .acquire_timeout(Duration::from_secs(20))
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                // Rows come from a thread of their own: with few on their way at once, reading many is mostly waking each other up.
                .row_buffer_size(1_000)
                .filename(&path)
                .create_if_missing(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("busy_timeout", "10000")
                // What is erased is overwritten, not only unlinked.
                .pragma("secure_delete", "ON")
                .pragma("cache_size", format!("-{cache_kb}"))
                .pragma("wal_autocheckpoint", merging::TOO_LONG.to_string())
        });
    Ok(Database::connect(options).await?)
}

/// The exclusive hold of a data folder: two processes never open one folder.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
    path: PathBuf,
}

impl DataLock {
    /// Takes the lock; `Ok(None)` when another process holds it.
    pub fn take(dir: &Path) -> std::io::Result<Option<Self>> {
        // A folder that we make is for its owner alone; one that is there keeps the mode that somebody gave it.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let path = dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
