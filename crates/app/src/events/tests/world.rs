//! A Tenure that a test can close, drop and open again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use tempfile::TempDir;
use tenure_store::{Clock, DataLock, TestDatabase};

use crate::events::{Appended, Event, EventRow, Kind, Limits, append_bulk, snapshot, tail_since};
use crate::{App, Config};

/// 2026-03-01T12:00:00Z.
pub(super) const NOON: i64 = 1_772_366_400_000_000;

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) clock: Clock,
    config: Config,
    app: Option<App>,
    _database: Option<TestDatabase>,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::embedded(folder.path().to_owned());
        let database = TestDatabase::migrated(crate::schema::MIGRATIONS).await.unwrap();
        if let Some(made) = &database {
            (config.database, config.database_schema) = (Some(made.url.clone()), Some(made.schema.clone()));
        }
        let clock = Clock::manual(jiff::Timestamp::from_microsecond(NOON).unwrap());
        let mut world = Self {
            folder,
            clock,
            config,
            app: None,
            _database: database,
        };
        world.reopen().await;
        world
    }

    pub(super) fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// Lets go of the Tenure as a crash would: nobody is told. Then opens it again.
    pub(super) async fn reopen(&mut self) {
        self.app = None;
        for _ in 0..200 {
            match App::open(self.config.clone(), self.clock.clone()).await {
                Ok(app) => {
                    self.app = Some(app);
                    return;
                }
                // The writer of the dropped one still holds the folder for a moment.
                Err(error) if error.to_string().contains("another process holds") => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error:#}"),
            }
        }
        panic!("the folder was never let go");
    }

    /// All unsealed events.
    pub(super) fn tail(&self) -> Vec<EventRow> {
        tail_since(self.app(), 0)
            .into_iter()
            .flat_map(|(_, rows)| Arc::unwrap_or_clone(rows))
            .collect()
    }
}

pub(super) fn event(id: impl ToString) -> Event {
    Event {
        message_id: id.to_string(),
        account: Some("a1".to_owned()),
        contact: Some("c1".to_owned()),
        name: "login".to_owned(),
        kind: Kind::Product,
        occurred_at: NOON - 3_600_000_000,
        received_at: NOON,
        source: "web".to_owned(),
        properties: Map::from_iter([
            ("n".to_owned(), json!(0.1 + 0.2)),
            ("text".to_owned(), json!("ünï\n\"x\"")),
        ]),
    }
}

pub(super) fn ids(rows: &[EventRow]) -> BTreeSet<String> {
    let set: BTreeSet<String> = rows.iter().map(|row| row.message_id.clone()).collect();
    assert_eq!(set.len(), rows.len(), "an event stands there twice");
    set
}

/// Everything at once.
pub(super) const NOW: Limits = Limits {
    events: 1,
    age: 0,
    most: usize::MAX,
};

impl World {
    /// All events, through the history's own reader.
    pub(super) async fn all(&self) -> Vec<EventRow> {
        let snapshot = snapshot(self.app()).await.unwrap();
        let rows = snapshot.rows();
        let context = self.app().lake.context(&snapshot);
        let mut all = Vec::new();
        for batch in context
            .query("SELECT * FROM events ORDER BY message_id")
            .await
            .unwrap()
        {
            all.extend(tenure_lake::from_batch(&batch).unwrap());
        }
        assert_eq!(all.len() as u64, rows, "the snapshot's own count");
        all
    }

    /// Runs the work until it reaches the point, and then lets go of everything as a crash there would.
    pub(super) async fn crash_at(&mut self, point: &'static str, work: impl AsyncFnOnce(App)) {
        let app = self.app().clone();
        app.log.core.stop.at(point);
        let core = Arc::clone(&app.log.core);
        let reached = tokio::select! {
            () = work(app) => false,
            () = core.stop.reached.notified() => true,
        };
        assert!(reached, "the work never came to {point}");
        drop(core);
        self.reopen().await;
    }

    pub(super) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for month in std::fs::read_dir(self.app().lake.dir())
            .unwrap()
            .map(Result::unwrap)
        {
            if month.file_name().to_str().unwrap().parse::<i32>().is_ok() {
                found.extend(std::fs::read_dir(month.path()).unwrap().map(|file| {
                    format!(
                        "{}/{}",
                        month.file_name().to_str().unwrap(),
                        file.unwrap().file_name().to_str().unwrap()
                    )
                }));
            }
        }
        found.sort();
        found
    }

    pub(super) async fn manifest(&self) -> Vec<String> {
        let mut paths: Vec<String> = snapshot(self.app())
            .await
            .unwrap()
            .files
            .iter()
            .map(|file| file.path.clone())
            .collect();
        paths.sort();
        paths
    }
}

/// Imports without rows of the importer's own.
pub(super) async fn import(app: &App, events: Vec<Event>) -> Appended {
    append_bulk(app, events, |_, _| Box::pin(async { Ok(()) }))
        .await
        .unwrap()
}

impl World {
    /// Lets go, and tells why it cannot be opened again.
    pub(super) async fn reopen_fails(mut self) -> String {
        self.app = None;
        for _ in 0..200 {
            match App::open(self.config.clone(), self.clock.clone()).await {
                Ok(_) => panic!("it was opened"),
                Err(error) if error.to_string().contains("another process holds") => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return format!("{error:#}"),
            }
        }
        panic!("the folder was never let go");
    }
}

impl World {
    /// Lets go of the Tenure, so that another process can open it.
    pub(super) async fn close(&mut self) {
        self.app = None;
        while DataLock::take(self.folder.path()).unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// URL and schema of the records, when they are in PostgreSQL.
    pub(super) fn postgres(&self) -> Option<(&str, &str)> {
        Some((
            self.config.database.as_deref()?,
            self.config.database_schema.as_deref()?,
        ))
    }
}
