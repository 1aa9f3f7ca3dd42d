//! An import and its files, and the jobs that are running.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Kind;

/// Where an import, or one of its files, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportState)]
pub enum State {
    /// Work is under way, or was when the process ended: starting the same import again goes on with it.
    Running,
    /// All rows are accounted for.
    Done,
    /// It stopped at an error; starting it again goes on where it stopped.
    Failed,
    /// Somebody stopped it; starting it again goes on where it stopped.
    Cancelled,
}

impl State {
    /// Its name in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this name; what is not known counts as failed.
    pub fn parse(name: &str) -> Self {
        [Self::Running, Self::Done, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Failed)
    }
}

/// How far a file has been read and what became of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Where the next row begins: bytes of decoded text, or rows of Parquet; 0 = not begun.
    pub position: u64,
    /// The physical line of the next row.
    pub line: u64,
    /// Rows read.
    pub rows: u64,
    /// Rows that said something new.
    pub imported: u64,
    /// Rows that said what is known.
    pub duplicates: u64,
    /// Rows that cannot be used; each is kept as a reject.
    pub rejected: u64,
    /// Rows that the map leaves out.
    pub skipped: u64,
    /// Bytes of the file taken in.
    pub bytes: u64,
}

impl Progress {
    /// Adds what became of more rows.
    pub fn add(&mut self, more: &Self) {
        self.rows += more.rows;
        self.imported += more.imported;
        self.duplicates += more.duplicates;
        self.rejected += more.rejected;
        self.skipped += more.skipped;
    }
}

/// One file of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its place in the import, from 0.
    pub no: i64,
    /// The file.
    pub path: PathBuf,
    /// What its rows are about.
    pub kind: Kind,
    /// The text of its map.
    pub map: Option<String>,
    /// The folder in which files named by lookups lie.
    pub beside: PathBuf,
    /// Names the file's content, kind and map.
    pub fingerprint: String,
    /// What rows without a date of their own are true as of.
    pub as_of: i64,
    /// Where it stands.
    pub state: State,
    /// How far it got.
    pub progress: Progress,
    /// Its size.
    pub bytes_total: u64,
    /// What a person should know about it.
    pub note: Option<String>,
}

/// An import.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: String,
    /// The kind of its rows, or `folder`.
    pub kind: String,
    /// The file or folder.
    pub path: String,
    /// Names the content of all its files with their kinds and maps.
    pub fingerprint: String,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// Where it stands.
    pub state: State,
    /// When it was started first.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What a person should know about it.
    pub note: Option<String>,
    /// Its first rejects.
    pub samples: Vec<Sample>,
    /// Who started it.
    pub actor: String,
    /// Its files, in order.
    pub files: Vec<File>,
}

/// A reject as the import's own page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RejectSample)]
pub struct Sample {
    /// The file.
    pub file: String,
    /// The physical line.
    pub line: u64,
    /// The field at fault; empty when it is the row as a whole.
    pub field: String,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// A job that is running in this process.
pub struct Job {
    cancelled: AtomicBool,
    begun: Instant,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Job {
    /// Whether somebody wants it to stop.
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Notes what was done.
    pub fn done(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Rows per second since the job began, and the seconds that `bytes_left` will take at the same speed.
    pub fn speed(&self, bytes_left: u64) -> (Option<f64>, Option<f64>) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let (rows, bytes) = (
            self.rows.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        if seconds <= 0.0 || rows == 0 {
            return (None, None);
        }
        #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
        let (rate, left) = (
            rows as f64 / seconds,
            (bytes > 0).then(|| seconds * bytes_left as f64 / bytes as f64),
        );
        (Some(rate), left)
    }
}

/// The jobs of this process, and how they work.
pub struct Live {
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    /// Files of uploads of which a piece is coming in.
    receiving: Arc<Mutex<HashSet<String>>>,
    /// Rows that one transaction takes, where they are events only.
    pub rows_at_once: AtomicUsize,
    /// Chunks after which jobs end as if the process had been killed; 0 = never. For tests.
    pub die_after: AtomicUsize,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            jobs: Mutex::default(),
            receiving: Arc::default(),
            rows_at_once: AtomicUsize::new(50_000),
            die_after: AtomicUsize::new(0),
        }
    }
}

/// The turn of one piece of a file; the next may come when it is dropped.
pub struct Turn {
    receiving: Arc<Mutex<HashSet<String>>>,
    file: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.receiving.lock().remove(&self.file);
    }
}

impl Live {
    /// Takes the turn for a piece of a file; `None` while another piece of it is coming in.
    pub fn receive(&self, file: &str) -> Option<Turn> {
        self.receiving.lock().insert(file.to_owned()).then(|| Turn {
            receiving: Arc::clone(&self.receiving),
            file: file.to_owned(),
        })
    }

    /// Registers a job; `None` when it is running already.
    pub fn begin(&self, id: &str) -> Option<Arc<Job>> {
        let mut jobs = self.jobs.lock();
        if jobs.contains_key(id) {
            return None;
        }
        let job = Arc::new(Job {
            cancelled: AtomicBool::new(false),
            begun: Instant::now(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        jobs.insert(id.to_owned(), job.clone());
        Some(job)
    }

    /// The running job of an import.
    pub fn job(&self, id: &str) -> Option<Arc<Job>> {
        self.jobs.lock().get(id).cloned()
    }

    /// The job has ended.
    pub fn end(&self, id: &str) {
        self.jobs.lock().remove(id);
    }

    /// Asks a job to stop; false when it is not running here.
    pub fn cancel(&self, id: &str) -> bool {
        self.job(id).is_some_and(|job| {
            job.cancelled.store(true, Ordering::Relaxed);
            true
        })
    }
}
