//! Every account's scores over all days, kept by version of the score and brought up to date for the accounts that changed.
//!
//! A version is what a score is computed by: its models in force and the program's metrics and segments. Days of older versions stay as they
//! were. In memory are the weeks that velocity looks at; everything else is read where it is asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt as _;
use parking_lot::{Mutex, RwLock};
use tenure_learn::velocity::Season;

use super::days::{Days, NONE};
use super::form::Form;
use super::known::Known;
use super::pass::{Member, Rules, pass};
use super::{models, store, velocity};
use crate::App;
use crate::ahead::in_order;
use crate::definitions::Score;
use crate::metrics::evaluate::Subject;
use crate::metrics::facts::Facts;
use crate::metrics::plan::SharedPlan;
use crate::metrics::{self, Entry, Head};

/// So many versions before the one in force keep the days that they gave; of older ones it stays known what they were and since when.
pub const KEPT_VERSIONS: usize = 2;

/// Weekly scores that velocity looks at.
pub const WEEKS: usize = 13;

/// Accounts that are computed together: their facts fit in memory.
const CHUNK: usize = 4_000;

/// The newest scores of an account.
#[derive(Clone, Debug)]
pub struct Recent {
    /// What they were computed from; `None` = something older than what is in the book. A clock may stand still, so instants do not tell.
    pub from: Option<Arc<Head>>,
    /// The day of `score` and of the first of `weeks`.
    pub day: i32,
    /// The score of that day, in thousandths.
    pub score: i32,
    /// What velocity looks at: the scores of that day, of a week before, and so on, or what stands in for them; in thousandths.
    pub weeks: [i32; WEEKS],
    /// The score of 30 days before.
    pub month: i32,
}

/// For each model, for each of its measures, the first day on which it tells something.
type Since = Vec<Vec<Option<i32>>>;

/// The newest scores by one version of a score.
#[derive(Debug)]
pub struct Version {
    /// Names what the score is computed by.
    pub hash: String,
    /// From which day on each measure of each model tells something.
    since: Since,
    /// By account number.
    pub recent: RwLock<HashMap<i64, Recent>>,
    /// Where nothing may be kept: all days, by account number.
    all: RwLock<BTreeMap<i64, Days>>,
}

/// What the history holds in memory, by score.
#[derive(Debug, Default)]
pub struct Held {
    turn: tokio::sync::Mutex<()>,
    versions: RwLock<HashMap<String, Arc<Version>>>,
    seasons: Mutex<HashMap<(String, i32), Arc<Seasons>>>,
    known: RwLock<Known>,
    woken: tokio::sync::Notify,
}

/// The season of each segment.
pub type Seasons = HashMap<String, Season>;

impl Held {
    /// From which day on the log tells what.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known.read().clone()
    }

    /// The version of a score that is in force, once it was computed.
    #[must_use]
    pub fn version(&self, score: &str) -> Option<Arc<Version>> {
        self.versions.read().get(score).cloned()
    }
}

/// What velocity looks at in the weeks that end with `day`.
#[must_use]
pub fn weeks(days: &Days, day: i32) -> [i32; WEEKS] {
    let mut found = [NONE; WEEKS];
    for (score, back) in found.iter_mut().zip(0..) {
        *score = days.moving_at(day - 7 * back);
    }
    found
}

fn recent(days: &Days, from: Option<Arc<Head>>, day: i32) -> Recent {
    Recent {
        from,
        day,
        score: days.at(day),
        weeks: weeks(days, day),
        month: days.at(day - 30),
    }
}

/// Lets the history be looked at without waiting for the clock.
pub fn wake(app: &App) {
    app.scores.history.woken.notify_one();
}

/// Names what a score is computed by.
#[must_use]
pub fn version_of(plan: &SharedPlan, score: &Score, forms: &[Form]) -> (String, String) {
    let segments: Vec<&[String]> = score
        .models
        .iter()
        .map(|model| model.segments.as_slice())
        .collect();
    let keys: Vec<_> = score.models.iter().map(|model| &model.key_metrics).collect();
    let body = if keys.iter().all(|keys| keys.is_empty()) {
        serde_json::to_string(&(forms, segments, &plan.hash))
    } else {
        serde_json::to_string(&(forms, segments, &plan.hash, keys))
    };
    let body = body.unwrap_or_default();
    let hash = blake3::hash(body.as_bytes()).to_hex().as_str()[..16].to_owned();
    (hash, body)
}

/// Computes what is not up to date. Tells whether anything was not.
///
/// # Errors
/// When the records fail.
pub async fn refresh(app: &App) -> Result<bool> {
    let _turn = app.scores.history.turn.lock().await;
    let (Some(definitions), Some(plan)) = (app.definitions(), app.metrics.plan()) else {
        return Ok(false);
    };
    if definitions.scores.is_empty() || (!app.scores.imagined && !metrics::is_current(app).await?) {
        return Ok(false);
    }
    let known = app.scores.history.known().again(app).await?;
    *app.scores.history.known.write() = known.clone();
    let mut turns: Vec<Turn> = Vec::new();
    for score in &definitions.scores {
        let forms = models::forms(app, score).await?;
        let version = version(app, &plan, score, &forms, &known).await?;
        let entries = app.metrics.book.all();
        // A merged account is shown in another from now on.
        if version.recent.read().len() > entries.len() {
            version
                .recent
                .write()
                .retain(|no, _| app.metrics.book.get(*no).is_some());
        }
        let dirty: BTreeMap<i64, Arc<Entry>> = {
            let held = version.recent.read();
            let fresh = |entry: &Arc<Entry>| {
                held.get(&entry.no)
                    .and_then(|recent| recent.from.as_ref())
                    .is_some_and(|from| Arc::ptr_eq(from, &entry.head))
            };
            let dirty = entries.iter().filter(|entry| !fresh(entry));
            dirty.map(|entry| (entry.no, Arc::clone(entry))).collect()
        };
        if dirty.is_empty() {
            continue;
        }
        // A few accounts among many do not change how a segment moves.
        if dirty.len() * 50 >= entries.len() {
            app.scores.history.seasons.lock().clear();
        }
        turns.push(Turn {
            score: score.clone(),
            version,
            forms,
            overrides: store::overrides(&app.store, &score.id).await?,
            dirty,
        });
    }
    if turns.is_empty() {
        return Ok(false);
    }
    compute(app, plan, turns).await?;
    app.scores.changed();
    Ok(true)
}

/// A score, what it is computed by, and the accounts for which it is not up to date.
struct Turn {
    score: Score,
    version: Arc<Version>,
    forms: Vec<Form>,
    overrides: Vec<store::Override>,
    dirty: BTreeMap<i64, Arc<Entry>>,
}

/// Computes and keeps what is not up to date: what an account is known by is read once for all its scores.
async fn compute(app: &App, plan: SharedPlan, turns: Vec<Turn>) -> Result<()> {
    let mut read = vec![false; plan.names.len()];
    for turn in &turns {
        let own = super::pass::names_read(&plan, &turn.score, &turn.forms);
        read.iter_mut().zip(own).for_each(|(read, own)| *read |= own);
    }
    let nos: BTreeSet<i64> = turns.iter().flat_map(|turn| turn.dirty.keys().copied()).collect();
    let nos: Vec<i64> = nos.into_iter().collect();
    let turns = Arc::new(turns);
    let own = (app.clone(), plan, Arc::new(read), Arc::clone(&turns));
    let mut parts = pin!(in_order(nos.chunks(CHUNK).map(<[_]>::to_vec), move |chunk| {
        let (app, plan, read, turns) = own.clone();
        async move { days(&app, plan, &read, turns, chunk).await }
    }));
    while let Some(part) = parts.next().await {
        for (turn, (entries, computed)) in turns.iter().zip(part?) {
            if !entries.is_empty() {
                keep(app, &turn.score, &turn.version, &entries, computed).await?;
            }
        }
    }
    Ok(())
}

/// The version in force, read from the records when it is not held yet.
async fn version(
    app: &App,
    plan: &SharedPlan,
    score: &Score,
    forms: &[Form],
    known: &Known,
) -> Result<Arc<Version>> {
    let (hash, body) = version_of(plan, score, forms);
    let since = known.of_forms(plan, forms);
    if let Some(held) = app
        .scores
        .history
        .version(&score.id)
        .filter(|held| held.hash == hash && held.since == since)
    {
        return Ok(held);
    }
    let version = Version {
        hash,
        since,
        recent: RwLock::default(),
        all: RwLock::default(),
    };
    if !app.scores.imagined {
        let tx = app.store.begin().await?;
        store::add_version(&tx, &score.id, &version.hash, &body, app.clock.micros()).await?;
        // What is in force again counts from now on; what was in force long ago lets its days go.
        store::in_force(&tx, &score.id, &version.hash, app.clock.micros(), KEPT_VERSIONS).await?;
        // Events of days before all others make other days tell something: all of them are computed again.
        let since = serde_json::to_string(&version.since)?;
        if store::known_since(&tx, &score.id, &version.hash, &since).await? {
            store::distrust_all(&tx, &score.id, &version.hash).await?;
        }
        tx.commit().await?;
        each_kept(app, (&score.id, &version.hash), |no, at, days| {
            if let Some(entry) = app.metrics.book.get(no) {
                let same = (entry.computed_at == at).then(|| Arc::clone(&entry.head));
                let newest = recent(&days, same, entry.head.day);
                version.recent.write().insert(no, newest);
            }
        })
        .await?;
    }
    let version = Arc::new(version);
    app.scores.history.seasons.lock().clear();
    app.scores
        .history
        .versions
        .write()
        .insert(score.id.clone(), Arc::clone(&version));
    app.scores.changed();
    Ok(version)
}

/// Goes through the kept days of all accounts of the book, ascending by number.
async fn each_kept(app: &App, which: (&str, &str), mut each: impl FnMut(i64, i64, Days)) -> Result<()> {
    const PAGE: usize = 4_000;
    let nos: Vec<i64> = app.metrics.book.all().iter().map(|entry| entry.no).collect();
    let pages: Vec<(i64, i64)> = nos
        .chunks(PAGE)
        .filter_map(|page| page.first().copied().zip(page.last().copied()))
        .collect();
    let own = (app.store.clone(), which.0.to_owned(), which.1.to_owned());
    let mut pages = pin!(in_order(pages, move |page| {
        let (records, score, hash) = own.clone();
        async move {
            let kept = store::days(&records, (&score, &hash), page).await?;
            let read = |(no, at, bytes): (i64, i64, Vec<u8>)| Ok((no, at, Days::decode(&bytes)?));
            kept.into_iter().map(read).collect::<Result<Vec<_>>>()
        }
    }));
    while let Some(page) = pages.next().await {
        for (no, at, days) in page? {
            each(no, at, days);
        }
    }
    Ok(())
}

/// By turn, those of some accounts for which its score is not up to date, and their days.
async fn days(
    app: &App,
    plan: SharedPlan,
    read: &[bool],
    turns: Arc<Vec<Turn>>,
    nos: Vec<i64>,
) -> Result<Vec<(Vec<Arc<Entry>>, Vec<Days>)>> {
    let (records, facts) = metrics::kept(app, &plan, &nos, read, app.scores.from_log).await?;
    tokio::task::spawn_blocking(move || {
        let (empty, unknown) = (Facts::default(), metrics::Record::default());
        let mut found = Vec::with_capacity(turns.len());
        for turn in turns.iter() {
            let entries: Vec<Arc<Entry>> = nos.iter().filter_map(|no| turn.dirty.get(no)).cloned().collect();
            let members: Vec<Member<'_>> = entries
                .iter()
                .map(|entry| Member {
                    no: entry.no,
                    head: &entry.head,
                    subject: Subject {
                        id: &entry.id,
                        name: &entry.name,
                        facts: facts.get(&entry.no).unwrap_or(&empty),
                        history: &records.get(&entry.no).unwrap_or(&unknown).history,
                    },
                })
                .collect();
            let rules = Rules {
                plan: &plan,
                score: &turn.score,
                forms: &turn.forms,
                overrides: &turn.overrides,
                since: &turn.version.since,
            };
            let days = pass(&rules, &members, tenure_learn::threads::available())?;
            found.push((entries, days));
        }
        Ok(found)
    })
    .await?
}

async fn keep(
    app: &App,
    score: &Score,
    version: &Version,
    entries: &[Arc<Entry>],
    computed: Vec<Days>,
) -> Result<()> {
    if app.scores.imagined {
        let mut all = version.all.write();
        all.extend(entries.iter().map(|entry| entry.no).zip(computed.iter().cloned()));
    } else {
        let rows = entries
            .iter()
            .zip(&computed)
            .map(|(entry, days)| Ok((entry.no, entry.computed_at, days.encode()?)))
            .collect::<Result<Vec<_>>>()?;
        let tx = app.store.begin().await?;
        store::put_days(&tx, (&score.id, &version.hash), &rows).await?;
        tx.commit().await?;
    }
    let mut held = version.recent.write();
    for (entry, days) in entries.iter().zip(&computed) {
        held.insert(
            entry.no,
            recent(days, Some(Arc::clone(&entry.head)), entry.head.day),
        );
    }
    Ok(())
}

/// The name of the version in force, once it was computed.
#[must_use]
pub fn of_score(app: &App, score: &str) -> Option<String> {
    Some(app.scores.history.version(score)?.hash.clone())
}

/// The days of some accounts by the version in force.
///
/// # Errors
/// When the records fail.
pub async fn of(app: &App, score: &str, nos: &[i64]) -> Result<HashMap<i64, Days>> {
    let Some(version) = app.scores.history.version(score) else {
        return Ok(HashMap::new());
    };
    if app.scores.imagined {
        let all = version.all.read();
        return Ok(nos
            .iter()
            .filter_map(|no| Some((*no, all.get(no)?.clone())))
            .collect());
    }
    store::days_of(&app.store, (score, &version.hash), nos)
        .await?
        .into_iter()
        .map(|(no, bytes)| Ok((no, Days::decode(&bytes)?)))
        .collect()
}

/// Goes through the days of every account by the version in force.
///
/// # Errors
/// When the records fail.
pub async fn each(app: &App, score: &str, mut each: impl FnMut(i64, &Days)) -> Result<()> {
    let Some(version) = app.scores.history.version(score) else {
        return Ok(());
    };
    if app.scores.imagined {
        version.all.read().iter().for_each(|(no, days)| each(*no, days));
        return Ok(());
    }
    each_kept(app, (score, &version.hash), |no, _, days| each(no, &days)).await
}

/// How the segments moved in the weeks that end with `day`.
///
/// # Errors
/// When the records fail.
pub async fn seasons(app: &App, score: &Score, day: i32) -> Result<Arc<Seasons>> {
    const HELD: usize = 64;
    let key = (score.id.clone(), day);
    if let Some(held) = app.scores.history.seasons.lock().get(&key) {
        return Ok(Arc::clone(held));
    }
    // The season is that of the accounts that have a score on the day.
    let mut all: Vec<(i64, [i32; WEEKS])> = Vec::new();
    match app.scores.history.version(&score.id) {
        Some(version) if day == metrics::today(app) => {
            let recent = version.recent.read();
            all.extend(
                recent
                    .iter()
                    .filter(|(_, r)| r.day == day && r.score != NONE)
                    .map(|(no, r)| (*no, r.weeks)),
            );
        }
        _ => {
            each(app, &score.id, |no, days| {
                if days.at(day) != NONE {
                    all.push((no, weeks(days, day)));
                }
            })
            .await?;
        }
    }
    let entries: HashMap<i64, Arc<Entry>> = app.metrics.book.all().into_iter().map(|e| (e.no, e)).collect();
    let moving = all.iter().filter_map(|(no, weeks)| {
        let span = entries.get(no)?.head.span_at(day)?;
        Some((span.segment.as_str(), velocity::of_weeks(weeks)))
    });
    let seasons: Seasons = velocity::seasons(moving)
        .into_iter()
        .map(|(segment, season)| (segment.to_owned(), season))
        .collect();
    let seasons = Arc::new(seasons);
    let mut held = app.scores.history.seasons.lock();
    if held.len() >= HELD {
        held.clear();
    }
    held.insert(key, Arc::clone(&seasons));
    Ok(seasons)
}

/// Runs until the server stops: shortly after accounts changed, and by the clock.
pub async fn run(app: App) {
    let mut changes = app.metrics.watch();
    let mut first = true;
    loop {
        if let Err(error) = refresh(&app).await {
            tracing::error!(error = %format!("{error:#}"), "scores could not be brought up to date; trying again");
        }
        // Whoever looks first after a start finds today's board made.
        if std::mem::take(&mut first)
            && let Err(error) = super::marks(&app, metrics::today(&app)).await
        {
            tracing::warn!(error = %format!("{error:#}"), "the scores of today could not be laid out; they are when somebody looks");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = app.scores.history.woken.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}
