//! The reactor: follows the log, slides the windows at midnight, computes everything again when the definitions changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use parking_lot::RwLock;
use tenure_lake::EventRow;
use tenure_store::Store;
use tokio::sync::watch;

use super::as_of::Cache;
use super::book::{Book, Entry};
use super::facts::day_number;
use super::marks::Marking;
use super::plan::{Plan, SharedPlan};
use super::work::{self, CURSOR, Step, entry};
use super::{cells, store};
use crate::App;
use crate::definitions::Definitions;
use crate::events::{self, Changed};

/// The setting that names the plan by which everything kept was computed.
const COMPUTED_BY: &str = "metrics.computed_by";
/// The setting that holds the day that everything kept stands for.
const COMPUTED_FOR: &str = "metrics.computed_for";

/// What the slice holds in memory.
#[derive(Debug)]
pub struct State {
    /// Every account's current state.
    pub book: Book,
    plan: RwLock<Option<SharedPlan>>,
    version: AtomicU64,
    changes: watch::Sender<u64>,
    progress: watch::Sender<Progress>,
    pub(super) turn: tokio::sync::Mutex<()>,
    woken: tokio::sync::Notify,
    pub(super) past: Cache,
    pub(super) cells: cells::State,
    marking: OnceLock<Marking>,
    pub(super) lists: super::api::Lists,
}

/// How far a full pass is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Accounts done.
    pub done: usize,
    /// Of how many; 0 = no pass is running.
    pub total: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            book: Book::default(),
            plan: RwLock::default(),
            version: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            progress: watch::Sender::new(Progress::default()),
            turn: tokio::sync::Mutex::new(()),
            woken: tokio::sync::Notify::new(),
            past: Cache::default(),
            cells: cells::State::default(),
            marking: OnceLock::new(),
            lists: super::api::Lists::default(),
        }
    }
}

impl State {
    /// The plan in force; `None` before a program is applied.
    #[must_use]
    pub fn plan(&self) -> Option<SharedPlan> {
        self.plan.read().clone()
    }

    /// Puts a program's plan in force; the next [`catch_up`] computes what it changes.
    ///
    /// # Errors
    /// When an expression does not compile.
    pub fn install(&self, definitions: &Definitions) -> Result<()> {
        let plan = Plan::new(definitions)?;
        *self.plan.write() = Some(Arc::new(plan));
        Ok(())
    }

    /// Says how the list of accounts asks for their scores.
    pub fn marked_by(&self, marking: Marking) {
        let _ = self.marking.set(marking);
    }

    pub(super) fn marking(&self) -> Option<Marking> {
        self.marking.get().copied()
    }

    /// Wakes after every commit of this slice.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Wakes the reactor of this slice.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Counts the commits of this slice.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// How far a full pass is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    pub(super) fn announce(&self) {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        self.changes.send_replace(version);
    }
}

/// Today in the program's zone, in days since 1970.
#[must_use]
pub fn today(app: &App) -> i32 {
    day_number(app.clock.now().to_zoned(app.time_zone()).date())
}

/// Works everything in that is new: definitions, day, log. Tells whether anything was.
///
/// # Errors
/// When records or history fail; nothing is lost, the next call continues.
pub async fn catch_up(app: &App) -> Result<bool> {
    let _turn = app.metrics.turn.lock().await;
    let Some(plan) = app.metrics.plan() else {
        return Ok(false);
    };
    let today = today(app);
    let cursor = events::cursor(app, CURSOR).await?;
    if store::setting(&app.store, COMPUTED_BY).await?.as_deref() != Some(plan.hash.as_str()) {
        pass(app, &plan, today).await?;
        return Ok(true);
    }
    if app.metrics.book.is_empty() {
        app.metrics.book.put(kept(app.store.clone()).await?);
    }
    let mut worked = false;
    if store::setting(&app.store, COMPUTED_FOR).await? != Some(today.to_string()) {
        let months = vec![month_of(today), month_of(today - 1)];
        let step = Step {
            plan: &plan,
            today,
            cursor: None,
            months,
            edges: true,
        };
        work::slide(app, &step, &store::numbers(&app.store).await?).await?;
        remember(app, COMPUTED_FOR, &today.to_string()).await?;
        worked = true;
    }
    let changes = events::changes_since(app, cursor);
    let mut at = 0;
    while at < changes.len() {
        let seq = changes[at].seq;
        match &changes[at].what {
            Changed::Bulk { accounts, months } => {
                let step = Step {
                    plan: &plan,
                    today,
                    cursor: Some(seq),
                    months: months.to_vec(),
                    // That two accounts are one customer is a correction of what was known, not something that happened to them.
                    edges: !app.accounts.is_merge_step(seq),
                };
                work::rebuild(app, &step, accounts, seq, &|_| {}).await?;
                at += 1;
            }
            Changed::Live(_) => {
                let (rows, next) = run_of_live(&changes, at);
                let upto = changes[next - 1].seq;
                let mut months: Vec<i32> = rows.iter().map(|row| row.month).collect();
                months.sort_unstable();
                months.dedup();
                let step = Step {
                    plan: &plan,
                    today,
                    cursor: Some(upto),
                    months,
                    edges: true,
                };
                work::live(app, &step, &rows, upto).await?;
                at = next;
            }
        }
        worked = true;
    }
    Ok(worked)
}

/// The rows of consecutive live steps, up to a size that is committed well within a second, and the place after them.
fn run_of_live(changes: &[events::Change], from: usize) -> (Vec<EventRow>, usize) {
    const ROWS: usize = 5_000;
    let mut rows = Vec::new();
    let mut at = from;
    while let Some(Changed::Live(more)) = changes.get(at).map(|change| &change.what) {
        if at > from && rows.len() + more.len() > ROWS {
            break;
        }
        rows.extend(more.iter().cloned());
        at += 1;
    }
    (rows, at)
}

/// Computes every account again, over all history.
async fn pass(app: &App, plan: &SharedPlan, today: i32) -> Result<()> {
    let upto = *events::watch(app).borrow();
    let nos = store::numbers(&app.store).await?;
    let total = nos.len();
    tracing::info!(accounts = total, "computing all accounts");
    app.metrics.progress.send_replace(Progress { done: 0, total });
    let report = |done| {
        app.metrics.progress.send_replace(Progress { done, total });
    };
    cells::forget(app).await?;
    let step = Step {
        plan,
        today,
        cursor: Some(upto),
        months: vec![0],
        edges: false,
    };
    let result = work::rebuild(app, &step, &nos, upto, &report).await;
    app.metrics.progress.send_replace(Progress::default());
    result?;
    remember(app, COMPUTED_FOR, &today.to_string()).await?;
    remember(app, COMPUTED_BY, &plan.hash).await
}

/// Whether what is kept of accounts was computed by the plan in force.
///
/// # Errors
/// When the records fail.
pub async fn is_current(app: &App) -> Result<bool> {
    let computed = store::setting(&app.store, COMPUTED_BY).await?;
    Ok(app
        .metrics
        .plan()
        .is_some_and(|plan| computed.as_deref() == Some(plan.hash.as_str())))
}

/// What the accounts as measured stand for. The same stand is the same accounts and the same events, also after a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The last step of the log that is worked in.
    pub seq: i64,
    /// The day that everything stands for, in days since 1970.
    pub day: i32,
}

/// What the accounts as measured stand for; `None` while something is to be worked in: definitions, a new day, or steps of the log.
///
/// # Errors
/// When the records fail.
pub async fn stand(app: &App) -> Result<Option<Stand>> {
    let seq = events::cursor(app, CURSOR).await?;
    let day = today(app);
    let computed_for = store::setting(&app.store, COMPUTED_FOR).await?;
    let whole = computed_for == Some(day.to_string()) && is_current(app).await?;
    Ok((whole && !events::has_changes_since(app, seq)).then_some(Stand { seq, day }))
}

/// Lets the next [`catch_up`] compute every account anew from the log.
///
/// # Errors
/// When the records fail.
pub async fn distrust(app: &App) -> Result<()> {
    let _turn = app.metrics.turn.lock().await;
    remember(app, COMPUTED_BY, "").await
}

async fn remember(app: &App, key: &str, value: &str) -> Result<()> {
    let tx = app.store.begin().await?;
    store::set_setting(&tx, key, value).await?;
    tx.commit().await?;
    Ok(())
}

/// The month (yyyymm) of a day number.
#[must_use]
pub fn month_of(day: i32) -> i32 {
    let date = super::facts::date_of(day);
    i32::from(date.year()) * 100 + i32::from(date.month())
}

/// What the records keep of every account, for the book.
///
/// # Errors
/// When the records fail.
pub async fn kept(records: Store) -> Result<Vec<Entry>> {
    const PAGE: usize = 4_000;
    const AT_ONCE: usize = 2;
    let nos = store::numbers(&records).await?;
    let pages = futures::stream::iter(nos.chunks(PAGE).map(<[i64]>::to_vec))
        .map(|nos| tokio::spawn(page(records.clone(), nos)))
        .buffered(AT_ONCE);
    let mut entries = Vec::with_capacity(nos.len());
    let mut pages = std::pin::pin!(pages);
    while let Some(page) = pages.next().await {
        entries.extend(page??);
    }
    Ok(entries)
}

/// The entries of some accounts as they are kept.
async fn page(records: Store, nos: Vec<i64>) -> Result<Vec<Entry>> {
    let (Some(first), Some(last)) = (nos.first(), nos.last()) else {
        return Ok(Vec::new());
    };
    let (heads, records) = tokio::try_join!(
        store::heads(&records, *first, *last),
        store::present(&records, &nos)
    )?;
    Ok(heads
        .into_iter()
        .filter_map(|(no, at, head)| Some(entry(no, records.get(&no)?, head?, at)))
        .collect())
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut log = events::watch(&app);
    loop {
        if let Err(error) = catch_up(&app).await {
            tracing::error!(error = %format!("{error:#}"), "metrics could not be brought up to date; trying again");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        // The clock wakes it too: at midnight the windows slide although nothing happened, and a sandbox's clock may have been moved.
        let tick = tokio::time::sleep(Duration::from_secs(if app.clock.is_manual() { 1 } else { 20 }));
        tokio::select! {
            changed = log.changed() => if changed.is_err() { return },
            () = app.metrics.woken.notified() => {}
            () = tick => {}
        }
    }
}
