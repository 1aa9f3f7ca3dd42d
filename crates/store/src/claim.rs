//! One process for one set of records: on PostgreSQL an advisory lock that a connection of its own holds for as long as the process lives.
//! (The embedded database needs none: the lock of its folder is enough.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::{Execute, Store, StoreError, StoreResult, Tx};

/// How often the claim is looked after. A server that restarts loses it; it is taken again at the next look.
const LOOK: Duration = Duration::from_secs(2);

/// How long a start waits for a claim: a process that was killed a moment ago holds it until the server notices.
const PATIENCE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(100);

/// The claim. Given up by [`Claim::release`] or when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    lost: Arc<AtomicBool>,
    held: Arc<Mutex<Option<Held>>>,
    watch: JoinHandle<()>,
}

struct Held(Tx);

impl std::fmt::Debug for Held {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Held")
    }
}

impl Claim {
    pub(crate) async fn take(url: &str, schema: Option<&str>) -> StoreResult<Self> {
        let pool = connect(url, schema).await?;
        let mut waited = Duration::ZERO;
        let tx = loop {
            if let Some(tx) = lock(&pool).await? {
                break tx;
            }
            if waited >= PATIENCE {
                return Err(StoreError::Unsafe(
                    "another process holds this database (or this schema of it): stop it, or give each its own database".to_owned(),
                ));
            }
            tokio::time::sleep(STEP).await;
            waited += STEP;
        };
        let lost = Arc::new(AtomicBool::new(false));
        let held = Arc::new(Mutex::new(Some(Held(tx))));
        let watch = tokio::spawn(look_after(pool, held.clone(), lost.clone()));
        Ok(Self { lost, held, watch })
    }

    /// Fails while the claim is lost: another process may have the records now.
    pub(crate) fn check(&self) -> StoreResult<()> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable(
                "the claim on the PostgreSQL database is lost and not yet taken again".to_owned(),
            ));
        }
        Ok(())
    }

    pub(crate) async fn release(&self) {
        self.watch.abort();
        if let Some(Held(tx)) = self.held.lock().await.take() {
            let _ = tx.rollback().await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn connect(url: &str, schema: Option<&str>) -> StoreResult<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(10));
    if let Some(schema) = schema {
        options.set_schema_search_path(schema);
    }
    Ok(Database::connect(options).await?)
}

/// The transaction that holds the lock, or `None` when another process has it. It reads nothing, so it keeps no rows alive.
async fn lock(pool: &DatabaseConnection) -> StoreResult<Option<Tx>> {
    let tx = Store::begin_on(pool).await?;
    // A machine that vanished without closing its connection gives the claim up within half a minute, not after hours.
    for setting in [
        "idle_in_transaction_session_timeout = 0",
        "tcp_keepalives_idle = 10",
        "tcp_keepalives_interval = 5",
        "tcp_keepalives_count = 3",
    ] {
        tx.script(&format!("SET LOCAL {setting}")).await?;
    }
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/claim', 0)) AS got";
    let got: bool = tx
        .one(sql, vec![])
        .await?
        .map_or(Ok(false), |row| row.get("got"))?;
    Ok(got.then_some(tx))
}

async fn look_after(pool: DatabaseConnection, held: Arc<Mutex<Option<Held>>>, lost: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let mut held = held.lock().await;
        if let Some(Held(tx)) = held.as_ref()
            && tx.one("SELECT 1 AS one", vec![]).await.is_ok()
        {
            continue;
        }
        lost.store(true, Ordering::SeqCst);
        *held = None;
        match lock(&pool).await {
            Ok(Some(tx)) => {
                *held = Some(Held(tx));
                lost.store(false, Ordering::SeqCst);
                tracing::warn!("the claim on the database was lost and is taken again");
            }
            Ok(None) => tracing::error!(
                "another process has claimed the database: nothing is written any more; stop one of them"
            ),
            Err(error) => tracing::warn!(%error, "the claim on the database is lost"),
        }
    }
}
