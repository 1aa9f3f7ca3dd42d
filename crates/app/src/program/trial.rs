//! A trial: what a change of the program would do, computed over all history before it is applied, while the person watches.
//!
//! The accounts are evaluated by the changed definitions, then the affected KPIs are computed over the changed accounts, all into a look at
//! the data that nothing else sees ([`App::imagined`]). A trial lives in memory, one for each person; it survives leaving the page, not the
//! end of the server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use futures::FutureExt;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::Files;
use super::doubts::{Doubt, of_kpis, of_metrics, of_segments};
use crate::App;
use crate::definitions::{Affected, Definitions, Kpi, affected, content_hash, diff};
use crate::kpis::overview::unit_name;
use crate::kpis::trial::{self as kpis, History};
use crate::metrics::plan::Plan;
use crate::metrics::{self, Entry, as_of};
use crate::segments::preview::{Comparison, Preview};

/// Accounts that are evaluated together.
const CHUNK: usize = 4_000;

/// How far a trial is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TrialState)]
pub enum Stage {
    /// It works.
    #[default]
    Running,
    /// It is complete.
    Done,
    /// It was stopped.
    Cancelled,
    /// It could not go on.
    Failed,
}

/// A figure of one period, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrialPoint)]
pub struct Point {
    /// The day that the figure stands for.
    pub period: String,
    /// As it is; null = no data.
    pub before: Option<f64>,
    /// As it would be; null = no data.
    pub after: Option<f64>,
}

/// The history of one scope, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrialScope)]
pub struct ScopeHistory {
    /// `all`, or a segment.
    pub scope: String,
    /// Oldest first.
    pub points: Vec<Point>,
}

/// A KPI's history, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrialKpi)]
pub struct KpiHistory {
    /// The KPI.
    pub kpi: String,
    /// Its label.
    pub label: String,
    /// Its unit.
    pub unit: &'static str,
    /// added, removed or changed.
    pub kind: &'static str,
    /// Whether any figure differs.
    pub differs: bool,
    /// All accounts first, then the segments.
    pub scopes: Vec<ScopeHistory>,
}

/// What a trial has found so far.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Trial)]
pub struct Found {
    /// Which trial.
    pub id: String,
    /// How far it is.
    pub state: Stage,
    /// The hash of the files that it tries.
    pub hash: String,
    /// The version in force that it compares with; 0 = none.
    pub against: i64,
    /// Steps done: chunks of accounts and KPIs.
    pub done: usize,
    /// Of how many.
    pub total: usize,
    /// What is being worked on.
    pub step: String,
    /// What differs in the definitions.
    #[schema(value_type = Vec<Object>)]
    pub changes: Json,
    /// Which accounts move; null = not known yet, or segments stay as they are.
    pub segments: Option<Preview>,
    /// The affected KPIs, as they come.
    pub kpis: Vec<KpiHistory>,
    /// What is probably not meant.
    pub doubts: Vec<Doubt>,
    /// Milliseconds so far.
    pub took_ms: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// One trial.
#[derive(Debug, Default)]
pub struct Trial {
    cancelled: AtomicBool,
    found: Mutex<Found>,
}

impl Trial {
    /// What it has found so far.
    #[must_use]
    pub fn found(&self) -> Found {
        self.found.lock().clone()
    }

    /// Stops it at its next step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn go_on(&self, step: &str) -> Result<(), Stopped> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Stopped::Cancelled);
        }
        step.clone_into(&mut self.found.lock().step);
        Ok(())
    }
}

enum Stopped {
    Cancelled,
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<crate::web::Problem> for Stopped {
    fn from(problem: crate::web::Problem) -> Self {
        Self::Failed(anyhow!("{}: {}", problem.title, problem.detail))
    }
}

/// The newest trial of each person.
#[derive(Debug, Default)]
pub struct Trials(Mutex<HashMap<String, Arc<Trial>>>);

impl Trials {
    /// A person's newest trial.
    #[must_use]
    pub fn of(&self, author: &str) -> Option<Arc<Trial>> {
        self.0.lock().get(author).cloned()
    }
}

/// Starts a trial of files for a person; one of theirs that is still running is stopped. The same files against the same version are not
/// computed twice.
pub fn start(app: &App, author: &str, against: i64, files: &Files, new: Definitions) -> Arc<Trial> {
    let hash = content_hash(files);
    let mut trials = app.trials.0.lock();
    if let Some(held) = trials.get(author) {
        let found = held.found();
        let same = found.hash == hash && found.against == against;
        if same && found.state == Stage::Running {
            return Arc::clone(held);
        }
        held.cancel();
    }
    let trial = Arc::new(Trial::default());
    *trial.found.lock() = Found {
        id: tenure_store::new_id(&app.clock),
        hash,
        against,
        changes: Json::Array(Vec::new()),
        ..Found::default()
    };
    trials.insert(author.to_owned(), Arc::clone(&trial));
    drop(trials);
    let (app, job) = (app.clone(), Arc::clone(&trial));
    tokio::spawn(async move {
        let begun = app.clock.micros();
        let outcome = std::panic::AssertUnwindSafe(work(&app, &job, new))
            .catch_unwind()
            .await;
        let mut found = job.found.lock();
        found.took_ms = (app.clock.micros() - begun) / 1_000;
        found.state = match outcome {
            Ok(Ok(())) => Stage::Done,
            Ok(Err(Stopped::Cancelled)) => Stage::Cancelled,
            Ok(Err(Stopped::Failed(error))) => {
                found.error = Some(format!("{error:#}"));
                Stage::Failed
            }
            Err(_) => {
                found.error = Some("it ended in a fault of the program, which the server's log holds".into());
                Stage::Failed
            }
        };
    });
    trial
}

async fn work(app: &App, trial: &Trial, new: Definitions) -> Result<(), Stopped> {
    let old = app.definitions();
    let changes = old.as_ref().map(|old| diff(old, &new)).unwrap_or_default();
    let touched = match &old {
        Some(_) => affected(&new, &changes),
        None => Affected {
            everything: true,
            segments: true,
            metrics: new.metrics.iter().map(|metric| metric.id.clone()).collect(),
            kpis: new.kpis.iter().map(|kpi| kpi.id.clone()).collect(),
            ..Affected::default()
        },
    };
    let accounts = touched.everything || touched.segments || !touched.metrics.is_empty();
    let live: Vec<&Kpi> = new
        .kpis
        .iter()
        .filter(|kpi| touched.kpis.contains(&kpi.id))
        .collect();
    let chunks = if accounts {
        app.metrics.book.len().div_ceil(CHUNK)
    } else {
        0
    };
    {
        let mut found = trial.found.lock();
        found.changes = serde_json::to_value(&changes).unwrap_or_default();
        found.total = chunks + live.len();
    }
    let imagined = if accounts {
        let entries = evaluate(app, trial, &new).await?;
        let mut found = trial.found.lock();
        found
            .doubts
            .extend(of_metrics(&new, touched.metrics.iter(), &entries));
        if let Some(preview) = found.segments.clone() {
            found.doubts.extend(of_segments(&new, &preview));
        }
        drop(found);
        app.imagined(new.clone(), entries)?
    } else {
        app.clone()
    };
    let days = kpis::days(app);
    let mut histories = BTreeMap::new();
    for group in kpis::groups(&live) {
        let names: Vec<&str> = group.iter().map(|kpi| kpi.label.as_str()).collect();
        trial.go_on(&names.join(", "))?;
        let mut after = kpis::computed(&imagined, &new, &group, &days).await?;
        for kpi in group {
            trial.go_on(&kpi.label)?;
            let then = after.remove(&kpi.id).unwrap_or_default();
            let held = old.as_ref().and_then(|old| Some((old, old.kpi(&kpi.id)?)));
            let before = match held {
                Some((old, held)) => Some(kpis::shown(app, old, held, &days).await?),
                None => None,
            };
            let history = history(kpi, before.as_ref(), &then);
            histories.insert(kpi.id.clone(), then);
            let mut found = trial.found.lock();
            found.kpis.push(history);
            found.done += 1;
        }
    }
    let gone = old
        .iter()
        .flat_map(|old| &old.kpis)
        .filter(|kpi| new.kpi(&kpi.id).is_none());
    let mut found = trial.found.lock();
    found.doubts.extend(of_kpis(&new, &histories));
    found.kpis.extend(gone.map(|kpi| KpiHistory {
        kind: "removed",
        differs: true,
        scopes: Vec::new(),
        ..history(kpi, None, &History::new())
    }));
    // What differs comes first.
    found.kpis.sort_by_key(|kpi| !kpi.differs);
    found.step.clear();
    Ok(())
}

/// Every account as the changed definitions see it, and who moves.
async fn evaluate(app: &App, trial: &Trial, new: &Definitions) -> Result<Vec<Entry>, Stopped> {
    let plan = Arc::new(Plan::new(new)?);
    let day = metrics::today(app);
    let all = app.metrics.book.all();
    let mut entries = Vec::with_capacity(all.len());
    let mut comparison = Comparison::default();
    for chunk in all.chunks(CHUNK) {
        trial.go_on("accounts")?;
        let nos: Vec<i64> = chunk.iter().map(|entry| entry.no).collect();
        let then = as_of::with_plan(app, &plan, &nos, day).await?;
        let by_no: HashMap<i64, &Entry> = then.iter().map(|entry| (entry.no, entry)).collect();
        for now in chunk {
            if let Some(then) = by_no.get(&now.no) {
                comparison.add(now, then, day);
            }
        }
        entries.extend(then);
        trial.found.lock().done += 1;
    }
    if app.definitions().is_some() {
        trial.found.lock().segments = Some(comparison.finish());
    }
    Ok(entries)
}

fn history(kpi: &Kpi, before: Option<&History>, after: &History) -> KpiHistory {
    let empty = History::new();
    let was = before.unwrap_or(&empty);
    let mut scopes: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    let mut keys: Vec<&(String, jiff::civil::Date)> = was.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let value = |of: &History| of.get(key).and_then(|figure| figure.value);
        scopes.entry(&key.0).or_default().push(Point {
            period: key.1.to_string(),
            before: value(was),
            after: value(after),
        });
    }
    let mut scopes: Vec<ScopeHistory> = scopes
        .into_iter()
        .map(|(scope, points)| ScopeHistory {
            scope: scope.to_owned(),
            points,
        })
        .collect();
    scopes.sort_by_key(|scope| scope.scope != crate::kpis::engine::ALL);
    let other = |point: &Point| match (point.before, point.after) {
        (Some(a), Some(b)) => (a - b).abs() > 1e-9 * (1.0 + a.abs()),
        (a, b) => a.is_some() != b.is_some(),
    };
    KpiHistory {
        kpi: kpi.id.clone(),
        label: kpi.label.clone(),
        unit: unit_name(kpi.unit),
        kind: if before.is_some() { "changed" } else { "added" },
        differs: scopes.iter().flat_map(|scope| &scope.points).any(other),
        scopes,
    }
}

/// Waits until a trial ends.
///
/// # Errors
/// When it does not end within a minute.
#[cfg(test)]
pub async fn ended(trial: &Trial) -> Result<Found> {
    for _ in 0..6_000 {
        let found = trial.found();
        if found.state != Stage::Running {
            return Ok(found);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Err(anyhow!("the trial does not end"))
}
