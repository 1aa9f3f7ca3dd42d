//! What the queries of readers share: threads of their own at a low priority, one budget of memory and one of
//! disk, and a fair queue, so that whatever they ask, requests and events come first.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use datafusion::common::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Problem, QueryError};
use crate::pool::Pool;

/// Readers' queries that run at once; the others wait their turn in the order in which they came.
pub(crate) const AT_ONCE: usize = 2;
/// Bytes that all readers' queries together may hold.
const MEMORY: usize = 256 << 20;
/// Bytes that all readers' queries together may write to disk when memory is short.
const DISK: u64 = 2 << 30;
/// How far they give way, of 19 degrees: beside threads that never rest they get a tenth of a core. At the last degree
/// it would be a hundredth, and every tile of a query would run out of time while a long computation runs.
const NICENESS: &str = "10";

#[derive(Debug)]
pub(crate) struct Readers {
    pool: Pool,
    env: RuntimeEnv,
    memory: Arc<dyn MemoryPool>,
    turns: Arc<Semaphore>,
}

impl Readers {
    /// Starts the threads. `env` gives the file store, `spill` is a folder of this lake's own.
    pub(crate) fn start(threads: usize, env: &RuntimeEnv, spill: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(spill)?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]))
            .with_max_temp_directory_size(DISK);
        let env = RuntimeEnvBuilder::from_runtime_env(env)
            .with_disk_manager_builder(disk)
            .build()?;
        // A thread hands its priority down to those that it starts: the pool is made by one that has given way.
        let made = std::thread::spawn(move || {
            if let Err(error) = give_way() {
                tracing::info!(%error, "readers' queries run at the usual priority");
            }
            Pool::named(threads, "readers")
        });
        let pool = made
            .join()
            .map_err(|_| io::Error::other("the thread that starts them ended"))??;
        Ok(Self {
            pool,
            env,
            memory: Arc::new(GreedyMemoryPool::new(MEMORY)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The surroundings of one query that may hold `limit` bytes.
    pub(crate) fn env(&self, limit: usize) -> RuntimeEnv {
        let mut env = self.env.clone();
        env.memory_pool = Arc::new(Share {
            own: FairSpillPool::new(limit),
            all: Arc::clone(&self.memory),
        });
        env
    }

    /// Waits for a turn; the time counts towards the query's limit.
    pub(crate) async fn turn(&self, limit: Duration) -> Result<Turn, QueryError> {
        let begun = Instant::now();
        let turn = Arc::clone(&self.turns).acquire_owned();
        let waited = || {
            QueryError::new(
                Problem::Timeout,
                format!(
                    "the query waited {} seconds for its turn: {AT_ONCE} others are running and none ended",
                    limit.as_secs()
                ),
                "Ask again when they are done.",
            )
        };
        match tokio::time::timeout(limit, turn).await {
            Ok(Ok(permit)) => Ok(Turn {
                permit,
                until: begun + limit,
                limit,
                waited: begun.elapsed(),
            }),
            Ok(Err(_)) | Err(_) => Err(waited()),
        }
    }
}

/// The right to run one query, until its time is over. Take it before tables are built for the query: what waits
/// should hold nothing.
#[derive(Debug)]
pub struct Turn {
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) until: Instant,
    pub(crate) limit: Duration,
    pub(crate) waited: Duration,
}

impl Turn {
    /// That the query's time is over.
    pub(crate) fn over(limit: Duration, waited: Duration) -> QueryError {
        let what = format!("the query was stopped after {} seconds", limit.as_secs());
        if waited < Duration::from_secs(1) {
            let remedy = "Narrow it by day, month or account, or ask for fewer groups.";
            return QueryError::new(Problem::Timeout, what, remedy);
        }
        QueryError::new(
            Problem::Timeout,
            format!("{what}, of which it waited {} for its turn", waited.as_secs()),
            "Ask again when fewer others ask, or narrow it by day, month or account.",
        )
    }
}

/// Lowers the priority of this thread. The standard library has no call for it; the command is part of every usual
/// system, and where it is missing the threads stay as they are.
fn give_way() -> io::Result<()> {
    // "1234/task/1240"; Linux counts priority by thread.
    let link = std::fs::read_link("/proc/thread-self")?;
    let thread = link
        .file_name()
        .ok_or_else(|| io::Error::other("this thread has no number"))?;
    let done = std::process::Command::new("renice")
        .arg("-n")
        .arg(NICENESS)
        .arg("-p")
        .arg(thread)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()?;
    if done.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("renice: {done}")))
    }
}

/// A query's own memory, taken out of what all readers have together.
#[derive(Debug)]
struct Share {
    own: FairSpillPool,
    all: Arc<dyn MemoryPool>,
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a share of {}", self.all)
    }
}

impl MemoryPool for Share {
    fn name(&self) -> &str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        self.all
            .try_grow(reservation, additional)
            .inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

/// Between the reader who waits and the functions in the middle of a batch: whether anybody still waits, and why one
/// of them refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    stopped: AtomicBool,
    refused: Mutex<Option<QueryError>>,
}

impl Stop {
    /// An error when nobody waits any more.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.stopped.load(Ordering::Relaxed) {
            let stopped = QueryError::new(
                Problem::Timeout,
                "the query was stopped",
                "Narrow it, or ask again.",
            );
            return Err(stopped.into());
        }
        Ok(())
    }

    /// Keeps an error on its way up: the file reader makes a text of it.
    pub(crate) fn refuse(&self, error: QueryError) -> QueryError {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = Some(error.clone());
        error
    }

    /// The last error that was kept.
    pub(crate) fn refused(&self) -> Option<QueryError> {
        self.0
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.clone())
    }
}

/// All are alike: whether to go on is no part of what a function computes.
impl PartialEq for Stop {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Stop {}

impl std::hash::Hash for Stop {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[derive(Debug)]
pub(crate) struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    /// Field 19 of /proc/thread-self/stat, counted after the name in parentheses.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        rest.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn readers_threads_give_way_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let before = niceness();
        let readers = Readers::start(2, &RuntimeEnv::default(), dir.path()).unwrap();
        let works = readers.pool().run(async { niceness() }).await.unwrap();
        let reads = readers
            .pool()
            .run(async { tokio::task::spawn_blocking(niceness).await.unwrap() })
            .await
            .unwrap();
        let has_command = std::process::Command::new("renice")
            .arg("--help")
            .output()
            .is_ok();
        let expected = if has_command { 10.max(before) } else { before };
        assert_eq!((works, reads, niceness()), (expected, expected, before));
    }

    #[tokio::test]
    async fn turns_come_in_order_and_waiting_counts() {
        let dir = tempfile::tempdir().unwrap();
        let readers = Readers::start(1, &RuntimeEnv::default(), dir.path()).unwrap();
        let held: Vec<Turn> =
            futures::future::join_all((0..AT_ONCE).map(|_| readers.turn(Duration::from_secs(9))))
                .await
                .into_iter()
                .map(Result::unwrap)
                .collect();
        let error = readers.turn(Duration::from_millis(30)).await.unwrap_err();
        assert_eq!(error.problem, Problem::Timeout);
        assert!(error.message.contains("waited"), "{error}");
        drop(held);
        let turn = readers.turn(Duration::from_secs(9)).await.unwrap();
        assert!(turn.until > Instant::now());
        let short = Turn::over(Duration::from_secs(29), Duration::from_millis(5));
        assert_eq!(short.message, "the query was stopped after 29 seconds");
        let long = Turn::over(Duration::from_secs(29), Duration::from_secs(12));
        assert!(
            long.message.ends_with("of which it waited 12 for its turn"),
            "{long}"
        );
    }

    #[test]
    fn shares_add_up_to_one_budget() {
        let dir = tempfile::tempdir().unwrap();
        let readers = Readers::start(1, &RuntimeEnv::default(), dir.path()).unwrap();
        let (one, other) = (readers.env(MEMORY), readers.env(MEMORY / 2));
        let first = MemoryConsumer::new("a").register(&one.memory_pool);
        let second = MemoryConsumer::new("b").register(&other.memory_pool);
        assert!(second.try_grow(MEMORY / 2 + 1).is_err(), "above its own");
        first.try_grow(MEMORY * 3 / 4).unwrap();
        assert!(second.try_grow(MEMORY / 2).is_err(), "above what is left for all");
        assert_eq!(second.size(), 0);
        second.try_grow(MEMORY / 4).unwrap();
        drop(first);
        second.try_grow(MEMORY / 4).unwrap();
        drop(second);
        assert_eq!(readers.memory.reserved(), 0);
    }
}
