//! The answers of tiles that show a query: kept in memory and, over a start, in the records.
//!
//! An answer says what it was computed from: the accounts as measured and the events behind them ([`metrics::Stand`]), the day, and a print
//! of the definitions. While these are the same it holds, however old it is. One that is behind is shown with its date while a new one is
//! computed by [`run`], one query after the other; one that was computed by other definitions is not shown. The rights of readers
//! do not matter: whoever may open a dashboard may read all accounts. An erasure takes all answers with it ([`copies`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tenure_lake::{Answer, Guard, Limits};

use super::filters::{Filters, ends};
use super::frame::Freshness;
use super::packed;
use super::query::{filled, follows, text_or_null};
use crate::App;
use crate::definitions::{Definitions, Grain, Tile, tables_print};
use crate::events::copies::{self, Copied};
use crate::metrics::{self, Stand, facts::date_of, tables};

/// What a tile's query may use.
pub const LIMITS: Limits = Limits {
    rows: 2_000,
    time: Duration::from_secs(10),
    memory: 256 << 20,
};
/// Answers held in memory at most.
const MOST: usize = 200;
/// Queries that run at once while readers wait; a page of many tiles waits instead of taking the machine.
const AT_ONCE: usize = 2;
/// A query that is behind is run again after so many times what it cost, within [`PAUSES`]: under steady ingest everything is always behind.
const PAUSE: i64 = 20;
/// Shortest and longest pause before a query that somebody looks at is run again, in microseconds. Tests move their clock for it.
const PAUSES: (i64, i64) = (if cfg!(test) { 60_000_000 } else { 1_000_000 }, 60_000_000);
/// A query that nobody looks at rests so many times what it cost.
const UNSEEN: i64 = 200;
/// How long such a one rests after it failed, in microseconds.
const FAILED: i64 = 600_000_000;

/// The answers that are held, and those that are being brought up to date.
pub struct Answers {
    held: Mutex<HashMap<String, Arc<Held>>>,
    /// What is to be computed again, or is being.
    wanted: Mutex<BTreeMap<String, Ask>>,
    /// When a query failed last, and why.
    failed: Mutex<HashMap<String, (Made, String)>>,
    woken: tokio::sync::Notify,
    running: tokio::sync::Semaphore,
    /// Counts the queries that were run.
    #[cfg(test)]
    pub(super) ran: std::sync::atomic::AtomicUsize,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            wanted: Mutex::default(),
            failed: Mutex::default(),
            woken: tokio::sync::Notify::new(),
            running: tokio::sync::Semaphore::new(AT_ONCE),
            #[cfg(test)]
            ran: std::sync::atomic::AtomicUsize::new(0),
        }
    }
}

/// A query with the filters that it follows.
#[derive(Clone, Debug)]
pub struct Ask {
    sql: String,
    segment: Option<String>,
    owner: Option<String>,
    /// How many points in time and how far apart.
    span: (u32, Grain),
    /// The day; `None` = today, whatever day that is.
    day: Option<Date>,
}

impl Ask {
    /// What a tile asks under a page's filters; `None` = it shows no query.
    pub fn of(app: &App, tile: &Tile, filters: &Filters) -> Option<Self> {
        let segment = filters.only(tile).segment;
        Some(Self {
            sql: tile.sql.clone()?,
            segment,
            owner: filters.owner.clone(),
            span: filters.span(tile),
            day: (filters.day != date_of(metrics::today(app))).then_some(filters.day),
        })
    }

    /// The name of its answer. Filters that the query does not follow make no other answer.
    fn key(&self) -> String {
        let follows = |name: &str| follows(&self.sql, name);
        let by_day = follows("from") || follows("to");
        let named = serde_json::json!([
            self.sql,
            follows("segment").then_some(&self.segment),
            follows("owner").then_some(&self.owner),
            follows("from").then_some(&self.span),
            self.day.filter(|_| by_day).map(|day| day.to_string()),
        ]);
        blake3::hash(named.to_string().as_bytes()).to_hex().to_string()
    }

    /// The first day that it looks at when everything stands for `day`.
    pub fn first_day(&self, day: Date) -> Date {
        match ends(day, self.span.0, self.span.1).first() {
            Some(first) if self.span.0 > 1 => first.first_of_month(),
            _ => day.first_of_month(),
        }
    }

    /// The query as it is run.
    fn text(&self, day: Date) -> String {
        filled(&self.sql, |name| match name {
            "segment" => text_or_null(self.segment.as_deref()),
            "owner" => text_or_null(self.owner.as_deref()),
            "from" => format!("DATE '{}'", self.first_day(day)),
            _ => format!("DATE '{day}'"),
        })
    }

    /// Whether its answer changes though nothing happens.
    fn is_volatile(&self) -> bool {
        const CLOCK: [&str; 7] = [
            "now",
            "today",
            "current_date",
            "current_timestamp",
            "current_time",
            "random",
            "uuid",
        ];
        let sql = self.sql.to_ascii_lowercase();
        CLOCK.iter().any(|name| tables::mentions(&sql, name))
    }
}

/// What an answer was computed from, as the records keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Basis {
    /// Of the definitions.
    print: String,
    /// The day that everything stood for.
    day: Date,
    /// The last step of the log, and the day that accounts stood for; none = something was being worked in meanwhile.
    stand: Option<(i64, i32)>,
    /// Contacts, where the query reads them.
    contacts: Option<(i64, i64)>,
    /// What computing it took, in microseconds.
    cost: i64,
}

/// An instant by the clock, and by the machine's if it was in this process: a clock that stands still would let nothing rest.
#[derive(Clone, Copy)]
struct Made {
    /// UTC microseconds.
    at: i64,
    here: Option<Instant>,
}

impl Made {
    fn now(app: &App) -> Self {
        Self {
            at: app.clock.micros(),
            here: Some(Instant::now()),
        }
    }

    /// Microseconds since then.
    fn age(self, app: &App) -> i64 {
        let here = self.here.map_or(i64::MAX, |then| {
            i64::try_from(then.elapsed().as_micros()).unwrap_or(i64::MAX)
        });
        here.max(app.clock.micros() - self.at)
    }
}

/// An answer that is held.
struct Held {
    answer: Arc<Answer>,
    basis: Basis,
    made: Made,
    /// The erasures before it was computed.
    generation: u64,
    /// Whether the records have it.
    kept: bool,
}

/// What there is to show.
pub struct Found {
    /// The answer.
    pub answer: Arc<Answer>,
    /// The day that it stands for.
    pub day: Date,
    /// When it was computed, UTC microseconds.
    pub computed_at: i64,
    /// Whether it holds.
    pub freshness: Freshness,
    /// Why it could not be brought up to date.
    pub problem: Option<String>,
}

/// The answer of a query, and whether it is up to date. Without a kept one it is computed while the reader waits. What nobody keeps
/// (`keeps` false: a tile that is being made) is always waited for.
///
/// # Errors
/// Why there is none, in words.
pub async fn find(app: &App, definitions: &Definitions, ask: &Ask, keeps: bool) -> Result<Found, String> {
    let key = ask.key();
    let print = tables_print(definitions);
    if let Some(found) = known(app, ask, (&key, &print), keeps).await {
        return Ok(found);
    }
    let turn = app.dashboards.running.acquire().await;
    let _turn = turn.map_err(|_| "The server is stopping.".to_owned())?;
    // Who waited for the same answer finds it.
    if let Some(found) = known(app, ask, (&key, &print), keeps).await {
        return Ok(found);
    }
    let held = compute(app, definitions, ask, &key, keeps).await?;
    Ok(shown(app, ask, &key, &held, true))
}

/// The answer that is there; `None` = it has to be waited for.
async fn known(app: &App, ask: &Ask, (key, print): (&str, &str), keeps: bool) -> Option<Found> {
    let held = recall(app, key, print).await?;
    let current = is_current(app, ask, &held).await;
    if !keeps && !current && is_due(app, key, &held) {
        return None;
    }
    // It was computed for a tile that was being made; now somebody keeps that tile.
    if keeps && !held.kept && keep(app, key, &held).await.is_ok() {
        let kept = Held {
            answer: Arc::clone(&held.answer),
            basis: held.basis.clone(),
            kept: true,
            ..*held
        };
        hold(app, key, &Arc::new(kept));
    }
    Some(shown(app, ask, key, &held, current))
}

/// An answer as a page gets it. One that is behind is asked for again.
fn shown(app: &App, ask: &Ask, key: &str, held: &Held, current: bool) -> Found {
    let freshness = if current {
        Freshness::Current
    } else if is_due(app, key, held) {
        let answers = &app.dashboards;
        answers.wanted.lock().insert(key.to_owned(), ask.clone());
        answers.woken.notify_one();
        Freshness::Updating
    } else if app.dashboards.wanted.lock().contains_key(key) {
        Freshness::Updating
    } else {
        Freshness::Behind
    };
    let failed = app.dashboards.failed.lock();
    let problem = failed.get(key).filter(|(tried, _)| tried.at >= held.made.at);
    Found {
        answer: Arc::clone(&held.answer),
        day: held.basis.day,
        computed_at: held.made.at,
        freshness,
        problem: problem.filter(|_| !current).map(|(_, words)| words.clone()),
    }
}

/// Whether an answer that is behind has rested long enough.
fn is_due(app: &App, key: &str, held: &Held) -> bool {
    let tried = app
        .dashboards
        .failed
        .lock()
        .get(key)
        .map(|(tried, _)| tried.age(app));
    let rested = held.made.age(app).min(tried.unwrap_or(i64::MAX));
    rested >= held.basis.cost.saturating_mul(PAUSE).clamp(PAUSES.0, PAUSES.1)
}

/// Whether an answer still holds.
async fn is_current(app: &App, ask: &Ask, held: &Held) -> bool {
    let today = date_of(metrics::today(app));
    let basis = &held.basis;
    if basis.stand.is_none() || basis.day != ask.day.unwrap_or(today) {
        return false;
    }
    if ask.is_volatile() && held.made.age(app) >= PAUSES.1 {
        return false;
    }
    matches!(standing(app, ask).await, Ok(now) if now == (basis.stand, basis.contacts))
}

/// What an answer that is computed now is computed from.
async fn standing(app: &App, ask: &Ask) -> anyhow::Result<(Option<(i64, i32)>, Option<(i64, i64)>)> {
    let stand = metrics::stand(app).await?.map(|Stand { seq, day }| (seq, day));
    let reads_contacts = tables::mentions(&ask.sql.to_ascii_lowercase(), "contacts");
    let contacts = if reads_contacts {
        Some(crate::accounts::contacts_mark(&app.store).await?)
    } else {
        None
    };
    Ok((stand, contacts))
}

/// The answer that is held or kept, if it was computed by these definitions.
async fn recall(app: &App, key: &str, print: &str) -> Option<Arc<Held>> {
    let generation = copies::generation(app);
    let same = |held: &Arc<Held>| held.generation == generation && held.basis.print == print;
    let held = app.dashboards.held.lock().get(key).cloned();
    if let Some(held) = held.filter(same) {
        return Some(held);
    }
    let copied = match copies::get(app, key).await {
        Ok(copied) => copied?,
        Err(error) => {
            tracing::warn!(%error, "a kept answer could not be read");
            return None;
        }
    };
    let basis: Basis = serde_json::from_str(&copied.basis).ok()?;
    let held = Arc::new(Held {
        answer: Arc::new(packed::read(&copied.body)?),
        basis,
        made: Made {
            at: copied.computed_at,
            here: None,
        },
        generation,
        kept: true,
    });
    if !same(&held) || copies::generation(app) != generation {
        return None;
    }
    hold(app, key, &held);
    Some(held)
}

fn hold(app: &App, key: &str, answer: &Arc<Held>) {
    let mut held = app.dashboards.held.lock();
    held.retain(|_, it| it.generation == answer.generation);
    let newer = |it: &Arc<Held>| it.made.at > answer.made.at;
    if held.get(key).is_some_and(newer) {
        return;
    }
    held.insert(key.to_owned(), Arc::clone(answer));
    if held.len() > MOST {
        let oldest = held.iter().min_by_key(|(_, it)| it.made.at);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            held.remove(&key);
        }
    }
}

/// Runs a query and keeps its answer, in memory and, with `keeps`, in the records.
async fn compute(
    app: &App,
    definitions: &Definitions,
    ask: &Ask,
    key: &str,
    keeps: bool,
) -> Result<Arc<Held>, String> {
    let made = run_query(app, definitions, ask, keeps).await;
    let held = match made {
        Ok(held) => Arc::new(held),
        Err(words) => {
            let mut failed = app.dashboards.failed.lock();
            if failed.len() >= MOST {
                failed.clear();
            }
            failed.insert(key.to_owned(), (Made::now(app), words.clone()));
            return Err(words);
        }
    };
    app.dashboards.failed.lock().remove(key);
    if copies::generation(app) == held.generation {
        hold(app, key, &held);
    }
    if keeps {
        // The answer is there; that it could not be kept costs the next start a query, not the reader their page.
        if let Err(error) = keep(app, key, &held).await {
            tracing::warn!(error = %format!("{error:#}"), "an answer could not be kept");
        }
    }
    Ok(held)
}

async fn keep(app: &App, key: &str, held: &Held) -> anyhow::Result<()> {
    let copied = Copied {
        key: key.to_owned(),
        basis: serde_json::to_string(&held.basis)?,
        computed_at: held.made.at,
        body: packed::write(&held.answer)?,
    };
    copies::put(app, held.generation, &copied).await?;
    Ok(())
}

async fn run_query(app: &App, definitions: &Definitions, ask: &Ask, keeps: bool) -> Result<Held, String> {
    let unread = |error: anyhow::Error| {
        tracing::error!(error = %format!("{error:#}"), "the tables of a tile could not be built");
        "The tables could not be read; the fault is in the server's log.".to_owned()
    };
    let said =
        |error: tenure_lake::QueryError| format!("{}. {}", error.message.trim_end_matches('.'), error.remedy);
    // What it is computed from is noted before anything is read: what happens in between makes it old, never newer than it is.
    let generation = copies::generation(app);
    let day = ask.day.unwrap_or_else(|| date_of(metrics::today(app)));
    let guard = Guard::new(LIMITS);
    // Tables are built when it is the query's turn: what waits should hold nothing.
    let turn = guard.turn(&app.lake).await.map_err(said)?;
    let before = standing(app, ask).await.map_err(unread)?;
    let (made, start) = (Made::now(app), Instant::now());
    let text = ask.text(day);
    let context = tables::context(app, definitions, &[&text])
        .await
        .map_err(unread)?;
    let answer = guard.run_in(turn, &context, &text).await.map_err(said)?;
    #[cfg(test)]
    app.dashboards
        .ran
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let after = standing(app, ask).await.map_err(unread)?;
    Ok(Held {
        answer: Arc::new(answer),
        basis: Basis {
            print: tables_print(definitions),
            day,
            stand: before.0.filter(|_| before == after),
            contacts: before.1,
            cost: i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX),
        },
        made,
        generation,
        kept: keeps,
    })
}

/// Computes what a tile shows if nothing is kept of it, or if what is kept has been behind for long.
pub async fn make_ready(app: &App, definitions: &Definitions, ask: &Ask) {
    let key = ask.key();
    if let Some(held) = recall(app, &key, &tables_print(definitions)).await {
        let pause = held.basis.cost.saturating_mul(UNSEEN).max(PAUSES.0);
        let another_day = ask.day.is_none() && held.basis.day != date_of(metrics::today(app));
        let rested = another_day || held.made.age(app) >= pause;
        if !rested || is_current(app, ask, &held).await {
            return;
        }
    }
    let failed = app
        .dashboards
        .failed
        .lock()
        .get(&key)
        .map(|(tried, _)| tried.age(app));
    if failed.is_some_and(|age| age < FAILED) {
        return;
    }
    if let Err(words) = compute(app, definitions, ask, &key, true).await {
        tracing::debug!(%words, "a tile's query could not be made ready");
    }
}

/// Runs until the server stops: brings answers up to date that somebody was shown behind.
pub async fn run(app: App) {
    loop {
        app.dashboards.woken.notified().await;
        refresh(&app).await;
    }
}

/// Brings up to date what somebody was shown behind. Tells how many queries were run.
pub async fn refresh(app: &App) -> usize {
    let mut done = 0;
    while let Some(definitions) = app.definitions() {
        let next = app
            .dashboards
            .wanted
            .lock()
            .first_key_value()
            .map(|(key, ask)| (key.clone(), ask.clone()));
        let Some((key, ask)) = next else { break };
        // Why it could not be is noted beside the answer that is shown.
        let _ = compute(app, &definitions, &ask, &key, true).await;
        app.dashboards.wanted.lock().remove(&key);
        done += 1;
    }
    done
}
