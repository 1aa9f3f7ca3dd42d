//! Stage velocity (DEFINITIONS §6): how long an account has been in its lifecycle stage, against the median of its segment.
//!
//! The stage is the attribute that the program names (`lifecycle_stage` of `program.yaml`); its history is kept with that of all fields. The
//! first known stage holds from the account's start, later ones from their own day. The median is that of all stays of the segment's accounts in
//! the stage: those that have ended with their whole length, those that last with what they have reached.
//!
//! Figures that are split by stage ask [`Stages`] in which one an account was on a day.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::App;
use crate::accounts::merges;
use crate::metrics::facts::date_of;
use crate::metrics::{self, Head};

/// The stage of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StageLine)]
pub struct Line {
    /// Its name.
    pub stage: String,
    /// The first day in it.
    pub since: String,
    /// Days in it.
    pub days: i32,
    /// The median of the segment's accounts in this stage; null = none was ever in it.
    pub median: Option<f64>,
    /// Days ÷ median; above 1 it is slower than its segment.
    pub ratio: Option<f64>,
    /// Stays that the median is made of.
    pub stays: usize,
}

/// What is held in memory: the changes of stage, and the stays of a day.
#[derive(Debug, Default)]
pub struct Held {
    changes: Mutex<Option<(String, u64, Stages)>>,
    stays: Mutex<Option<(Key, Arc<Stays>)>>,
}

type Key = (String, i32, u64);

/// An account's changes of stage: the day and the new one, ascending; `None` = in no stage.
type Changes = Vec<(i32, Option<String>)>;

/// In which lifecycle stage every account was when. Two are equal when they tell the same.
#[derive(Clone)]
pub struct Stages(Arc<Known>);

impl std::fmt::Debug for Stages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stages").field(&self.0.print).finish()
    }
}

struct Known {
    /// A name for what is told, so that figures made by it are known by it.
    print: String,
    changes: BTreeMap<i64, Changes>,
}

impl PartialEq for Stages {
    fn eq(&self, other: &Self) -> bool {
        self.0.print == other.0.print
    }
}

impl Eq for Stages {}

impl PartialOrd for Stages {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stages {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.print.cmp(&other.0.print)
    }
}

impl Hash for Stages {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.print.hash(state);
    }
}

impl Stages {
    fn of(changes: BTreeMap<i64, Changes>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for (no, changes) in &changes {
            hasher.update(&no.to_le_bytes());
            for (day, stage) in changes {
                // No stage and a stage without letters are two things; 0xff is in no text.
                hasher.update(&day.to_le_bytes());
                hasher.update(stage.as_deref().map_or(&[0xfe][..], str::as_bytes));
                hasher.update(&[0xff]);
            }
        }
        let print = hasher.finalize().to_hex().as_str()[..32].to_owned();
        Self(Arc::new(Known { print, changes }))
    }

    /// A name that differs where anything that is told differs.
    #[must_use]
    pub fn print(&self) -> &str {
        &self.0.print
    }

    /// The stage that an account was in on a day. The first known one holds from its start; whoever has left keeps the last.
    #[must_use]
    pub fn on(&self, no: i64, head: &Head, day: i32) -> Option<&str> {
        let changes = self.0.changes.get(&no)?;
        let day = lived(head, day)?;
        let known = changes.partition_point(|(from, _)| *from <= day);
        changes.get(known.saturating_sub(1))?.1.as_deref()
    }
}

/// The last day up to `day` on which an account was active; its first one, where that is still to come.
fn lived(head: &Head, day: i32) -> Option<i32> {
    let mut first = None;
    for span in head.spans.iter().rev().filter(|span| span.active) {
        if span.from <= day {
            return Some(day.min(span.to - 1));
        }
        first = Some(span.from);
    }
    first
}

/// In which stage every account was when, by the attribute `field`.
///
/// # Errors
/// When the records fail.
pub async fn all(app: &App, field: &str) -> Result<Stages> {
    let version = app.metrics.version();
    if let Some((of, at, stages)) = &*app.scores.stages.changes.lock()
        && of == field
        && *at == version
    {
        return Ok(stages.clone());
    }
    let mut changes: BTreeMap<i64, Changes> = BTreeMap::new();
    for (no, day, value) in store::field_history(&app.store, field).await? {
        let value = value.as_deref().and_then(|text| {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            value.as_str().map(str::to_owned)
        });
        changes.entry(no).or_default().push((day, value));
    }
    // Of accounts that are one, what is shown of them together counts.
    let merges = merges::standing(&app.store).await?;
    let roots: BTreeSet<i64> = merges
        .iter()
        .map(|merge| app.accounts.root(merge.survivor).get())
        .collect();
    for merge in &merges {
        changes.remove(&merge.merged.get());
    }
    let roots: Vec<i64> = roots.into_iter().collect();
    for some in roots.chunks(200) {
        for (no, told) in merges::told(&app.store, some).await? {
            let rows = told.history.get(field).into_iter().flatten();
            let shown: Changes = rows
                .map(|(day, row)| {
                    let day = i32::try_from(*day).unwrap_or(i32::MIN);
                    (day, row.value.as_str().map(str::to_owned))
                })
                .collect();
            changes.insert(no, shown);
        }
    }
    let stages = Stages::of(changes);
    *app.scores.stages.changes.lock() = Some((field.to_owned(), version, stages.clone()));
    Ok(stages)
}

/// A stay: the stage, its first day, the day after its last; `None` = it lasts.
type Stay = (String, i32, Option<i32>);

#[derive(Debug, Default)]
struct Stays {
    of: HashMap<i64, Stay>,
    /// Sorted lengths by segment and stage.
    lengths: HashMap<(String, String), Vec<i32>>,
}

/// The stays of one account up to `day`.
fn stays(changes: &[(i32, Option<String>)], head: &Head, day: i32) -> Vec<Stay> {
    let lives = head.lives();
    let Some(start) = lives.first().map(|life| life.0).filter(|start| *start <= day) else {
        return Vec::new();
    };
    // Whoever is gone is in no stage any more.
    let gone = lives.last().map(|life| life.1).filter(|end| *end <= day);
    let end = gone.unwrap_or(day + 1);
    let mut found: Vec<Stay> = Vec::new();
    for (at, (changed, stage)) in changes.iter().enumerate() {
        let from = if at == 0 { start } else { (*changed).max(start) };
        if from >= end {
            break;
        }
        if let Some(last) = found.last_mut()
            && last.2.is_none()
        {
            if Some(&last.0) == stage.as_ref() {
                continue;
            }
            last.2 = Some(from);
        }
        // A stay of no day is none.
        found.retain(|stay| stay.2 != Some(stay.1));
        if let Some(stage) = stage {
            found.push((stage.clone(), from, None));
        }
    }
    if let (Some(last), Some(gone)) = (found.last_mut(), gone)
        && last.2.is_none()
    {
        last.2 = Some(gone);
    }
    found
}

async fn on(app: &App, field: &str, day: i32) -> Result<Arc<Stays>> {
    let key = (field.to_owned(), day, app.metrics.version());
    if let Some((held, stays)) = &*app.scores.stages.stays.lock()
        && *held == key
    {
        return Ok(Arc::clone(stays));
    }
    let stages = self::all(app, field).await?;
    let mut all = Stays::default();
    for entry in app.metrics.book.all() {
        let Some(changes) = stages.0.changes.get(&entry.no) else {
            continue;
        };
        let Some(segment) = entry.head.span_at(day).map(|span| span.segment.clone()) else {
            continue;
        };
        for stay in stays(changes, &entry.head, day) {
            let length = stay.2.unwrap_or(day) - stay.1;
            all.lengths
                .entry((segment.clone(), stay.0.clone()))
                .or_default()
                .push(length);
            if stay.2.is_none() {
                all.of.insert(entry.no, stay);
            }
        }
    }
    all.lengths
        .values_mut()
        .for_each(|lengths| lengths.sort_unstable());
    let all = Arc::new(all);
    *app.scores.stages.stays.lock() = Some((key, Arc::clone(&all)));
    Ok(all)
}

/// The stage of an account on a day, by the attribute `field`; nothing when none is known.
///
/// # Errors
/// When the records fail.
pub async fn of(app: &App, field: &str, no: i64, day: i32) -> Result<Option<Line>> {
    let stays = on(app, field, day.min(metrics::today(app))).await?;
    let Some((stage, since, _)) = stays.of.get(&no) else {
        return Ok(None);
    };
    let segment = app
        .metrics
        .book
        .get(no)
        .and_then(|entry| entry.head.span_at(day).map(|span| span.segment.clone()))
        .unwrap_or_default();
    let lengths = stays
        .lengths
        .get(&(segment, stage.clone()))
        .map_or(&[][..], Vec::as_slice);
    let median = median(lengths);
    let days = day - since;
    Ok(Some(Line {
        stage: stage.clone(),
        since: date_of(*since).to_string(),
        days,
        median,
        ratio: median
            .filter(|median| *median > 0.0)
            .map(|median| f64::from(days) / median),
        stays: lengths.len(),
    }))
}

fn median(sorted: &[i32]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(f64::from(lower), f64::from(upper)))
}
