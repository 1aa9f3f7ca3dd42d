//! What all slices share: configuration, clock, records, history.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use jiff::tz::TimeZone;
use parking_lot::RwLock;
use tenure_lake::Lake;
use tenure_store::{Clock, DataLock, Store, migrate};

use crate::accounts::{self, Directory};
use crate::auth::Auth;
use crate::auth::passwords::Cost;
use crate::definitions::Definitions;
use crate::events::Log;
use crate::events::ingest::{Ingesting, Quota};
use crate::imports::Live;
use crate::program::Trials;
use crate::schema::MIGRATIONS;
use crate::web::edge::Settings;
use crate::{
    contacts, dashboards, duplicates, kpis, metrics, models, program, reactors, revenue, scores, search,
};

/// How to open a Tenure.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder: records (when embedded), history, lock and socket.
    pub data: PathBuf,
    /// A PostgreSQL URL; `None` = the embedded database in the data folder.
    pub database: Option<String>,
    /// The schema to use on PostgreSQL; `None` = the server's default.
    pub database_schema: Option<String>,
    /// Sandbox: the clock only moves through `POST /api/v1/sandbox/clock`.
    pub sandbox: bool,
    /// How browsers reach it.
    pub web: Settings,
    /// What hashing a password costs.
    pub password_cost: Cost,
    /// What each write key may send.
    pub quota: Quota,
}

impl Config {
    /// An embedded Tenure in `data`.
    #[must_use]
    pub fn embedded(data: PathBuf) -> Self {
        Self {
            data,
            database: None,
            database_schema: None,
            sandbox: false,
            web: Settings::default(),
            password_cost: Cost::default(),
            quota: Quota::default(),
        }
    }
}

/// An open Tenure. Cheap to clone; everything is behind it.
#[derive(Clone)]
pub struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The state behind [`App`].
pub struct Shared {
    /// How it was opened.
    pub config: Config,
    /// The clock of everything.
    pub clock: Clock,
    /// The records.
    pub store: Store,
    /// Keys, limits and passwords.
    pub auth: Arc<Auth>,
    /// Who is known: accounts and contacts.
    pub accounts: Arc<Directory>,
    /// What the ingest over HTTP holds in memory.
    pub ingest: Ingesting,
    /// The history's files and the engine that reads them.
    pub lake: Lake,
    /// The log of events.
    pub log: Arc<Log>,
    /// Every account as measured, and the plan by which.
    pub metrics: metrics::State,
    /// Scores of accounts.
    pub scores: scores::State,
    /// Back-tests and trainings that are running.
    pub models: models::State,
    /// Figures that were computed when asked for.
    pub kpis: kpis::Memo,
    /// The answers of tiles that show a query.
    pub dashboards: dashboards::Answers,
    /// Contacts in one text.
    pub contacts: contacts::index::Index,
    /// Accounts in one text, for whoever types.
    pub search: search::Index,
    /// Pairs of records that look like one.
    pub duplicates: duplicates::Memo,
    /// What was said of customers leaving.
    pub revenue: revenue::Ledger,
    definitions: RwLock<Option<Arc<Definitions>>>,
    /// The imports that are running.
    pub imports: Live,
    /// What changes of the program would do, being computed.
    pub trials: Trials,
    _lock: Arc<DataLock>,
}

impl App {
    /// Opens the data folder, brings the schema up to date and loads what is held in memory.
    /// Fails when another process holds the folder or when the database could lose data.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let taken = DataLock::take(&config.data)
            .with_context(|| format!("the data folder {} cannot be written", config.data.display()))?;
        let lock = taken.ok_or_else(|| {
            anyhow::anyhow!(
                "another process holds {}: stop it, or use another data folder",
                config.data.display()
            )
        })?;
        let noted = noted_records(&config)?;
        let store = match &config.database {
            Some(url) => Store::claim_postgres(url, config.database_schema.as_deref()).await?,
            None => Store::open_embedded(&config.data).await?,
        };
        migrate::migrate(&store, &clock, MIGRATIONS).await?;
        same_records(&config, noted, store.identity(&clock).await?)?;
        // Read while names and log are: with many accounts each of these takes about as long.
        let kept = tokio::spawn(metrics::reactor::kept(store.clone()));
        let auth = Auth::new(config.password_cost)?;
        let accounts = Arc::new(Directory::default());
        accounts::load(&store, &accounts).await?;
        let lock = Arc::new(lock);
        let lake = Lake::open(config.data.join("lake"), tenure_lake::Options::default())?;
        let log = Log::open(&store, &clock, &lake, &accounts, &lock).await?;
        let app = Self(Arc::new(Shared {
            config,
            clock,
            store,
            auth: Arc::new(auth),
            accounts,
            ingest: Ingesting::default(),
            lake,
            log: Arc::new(log),
            metrics: metrics::State::default(),
            scores: scores::State::default(),
            models: models::State::default(),
            kpis: kpis::Memo::default(),
            dashboards: dashboards::Answers::default(),
            imports: Live::default(),
            trials: Trials::default(),
            contacts: contacts::index::Index::default(),
            search: search::Index::default(),
            duplicates: duplicates::Memo::default(),
            revenue: revenue::Ledger::default(),
            definitions: RwLock::default(),
            _lock: lock,
        }));
        app.metrics.marked_by(scores::marks);
        program::load(&app).await?;
        app.metrics.book.put(kept.await??);
        Ok(app)
    }

    /// The same records and history, looked at as if other definitions were in force and every account stood as `entries` say. Only for
    /// reading: what it holds in memory is its own, what is stored is not.
    ///
    /// # Errors
    /// When the definitions do not compile.
    pub fn imagined(&self, definitions: Definitions, entries: Vec<metrics::Entry>) -> anyhow::Result<Self> {
        let metrics = metrics::State::default();
        metrics.install(&definitions)?;
        let measures = |state: &metrics::State| state.plan().map(|plan| plan.measures.clone());
        let from_log = measures(&metrics) != measures(&self.metrics);
        metrics.book.put(entries);
        Ok(Self(Arc::new(Shared {
            config: self.config.clone(),
            clock: self.clock.clone(),
            store: self.store.clone(),
            auth: Arc::clone(&self.auth),
            accounts: Arc::clone(&self.accounts),
            ingest: Ingesting::default(),
            lake: self.lake.clone(),
            log: Arc::clone(&self.log),
            metrics,
            scores: scores::State::imagined(from_log),
            models: models::State::default(),
            kpis: kpis::Memo::default(),
            dashboards: dashboards::Answers::default(),
            contacts: contacts::index::Index::default(),
            search: search::Index::default(),
            duplicates: duplicates::Memo::default(),
            revenue: revenue::Ledger::default(),
            definitions: RwLock::new(Some(Arc::new(definitions))),
            imports: Live::default(),
            trials: Trials::default(),
            _lock: Arc::clone(&self._lock),
        })))
    }

    /// Takes no more events, finishes what was taken and closes the records.
    pub async fn shutdown(&self) {
        self.log.shutdown().await;
        self.store.clone().close().await;
    }

    /// Works in everything that has happened so far, in this call: for commands that answer at once and for tests.
    ///
    /// # Errors
    /// When records or history fail.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        reactors::catch_up(self).await
    }

    /// Computes everything anew from the log and compares it with what is kept.
    ///
    /// # Errors
    /// The first fault.
    pub async fn recompute(&self) -> anyhow::Result<reactors::Recomputed> {
        reactors::recompute(self).await
    }

    /// The zone that days are counted in: the program's.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        self.log.time_zone()
    }

    /// The definitions in force; `None` before a program is applied.
    #[must_use]
    pub fn definitions(&self) -> Option<Arc<Definitions>> {
        self.definitions.read().clone()
    }

    /// Puts definitions in force.
    pub fn set_definitions(&self, definitions: Definitions) {
        *self.definitions.write() = Some(Arc::new(definitions));
    }
}

/// What the folder notes of its records, after the check that they are where this start looks for them: a command without `--database`
/// would otherwise start an empty database beside the one on the server, and what it writes there would be missing here.
fn noted_records(config: &Config) -> anyhow::Result<Option<String>> {
    let note = match std::fs::read_to_string(config.data.join("records.kind")) {
        Ok(note) => note.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = note.split(' ').next().unwrap_or_default();
    if found != kind(config) {
        let remedy = if config.database.is_none() {
            "name it with --database (or TENURE_DATABASE)"
        } else {
            "leave --database out"
        };
        anyhow::bail!(
            "the records of {} are {found}, not {}: {remedy}",
            config.data.display(),
            kind(config)
        );
    }
    Ok(Some(note))
}

/// Notes which records belong to the folder, or refuses others than those: its history would not be theirs.
fn same_records(
    config: &Config,
    noted: Option<String>,
    (identity, fresh): (String, bool),
) -> anyhow::Result<()> {
    let now = format!("{} {identity}", kind(config));
    match noted {
        Some(noted) if noted == now => Ok(()),
        // A new folder on a server's old records: their sealed history lies in the folder that they were made with.
        None if config.database.is_some() && !fresh => anyhow::bail!(
            "the records on this server belong to another data folder than {}: give that folder, which holds their history",
            config.data.display()
        ),
        Some(_) => anyhow::bail!(
            "{} holds the history of other records than these: give the folder and the database that belong together",
            config.data.display()
        ),
        None => Ok(std::fs::write(config.data.join("records.kind"), now)?),
    }
}

fn kind(config: &Config) -> &'static str {
    if config.database.is_some() {
        "postgres"
    } else {
        "embedded"
    }
}
