//! All accounts with their scores on a day, for lists and pages.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use tenure_learn::handset::Amount;
use tenure_learn::velocity::Velocity;

use super::days::{Days, points, thousandths};
use super::history::{self, WEEKS, weeks};
use super::{models, store, velocity};
use crate::App;
use crate::definitions::Score;
use crate::metrics::{self, Entry, Span};

/// An account that is active on the day.
#[derive(Clone, Debug)]
pub struct Line {
    /// The account, as it is now.
    pub entry: Arc<Entry>,
    /// Its span of the day.
    pub span: Span,
    /// Its score, to a thousandth.
    pub points: Option<f64>,
    /// Its score on the day that is compared with.
    pub before: Option<f64>,
    /// Which way it moves.
    pub velocity: Option<Velocity>,
}

/// All accounts that are active on a day.
#[derive(Debug)]
pub struct Board {
    /// The day.
    pub day: i32,
    /// The day that it is compared with.
    pub against: i32,
    /// The accounts, by number.
    pub lines: Vec<Line>,
    /// Whether the days before are computed; else what is compared with is missing.
    pub ready: bool,
    /// When the oldest account's state was computed, UTC microseconds.
    pub computed_at: i64,
}

/// The boards that were made last, so that paging makes none.
#[derive(Debug, Default)]
pub struct Boards(Mutex<Vec<(Key, Arc<Board>)>>);

type Key = (String, i32, i32, u64, u64);

/// The accounts of a day, compared with those of another.
///
/// # Errors
/// When the records fail.
pub async fn board(app: &App, score: &Score, day: i32, against: i32) -> Result<Arc<Board>> {
    const HELD: usize = 4;
    let key = (
        score.id.clone(),
        day,
        against,
        app.metrics.version(),
        app.scores.version(),
    );
    if let Some((_, board)) = app.scores.boards.0.lock().iter().find(|(held, _)| *held == key) {
        return Ok(Arc::clone(board));
    }
    let board = Arc::new(make(app, score, day, against).await?);
    let mut held = app.scores.boards.0.lock();
    held.truncate(HELD - 1);
    held.insert(0, (key, Arc::clone(&board)));
    Ok(board)
}

/// The weeks that end with the day, and the score of the other day.
type Past = HashMap<i64, ([i32; WEEKS], i32)>;

async fn make(app: &App, score: &Score, day: i32, against: i32) -> Result<Board> {
    let today = metrics::today(app);
    let past = past(app, score, day, against).await?;
    let entries = app.metrics.book.all();
    let live = if day == today {
        Some(live(app, score, &entries).await?)
    } else {
        None
    };
    let mut rows: Vec<(Arc<Entry>, Span, [i32; WEEKS], i32)> = Vec::new();
    for entry in &entries {
        let Some(span) = entry.head.span_at(day).filter(|span| span.active) else {
            continue;
        };
        let (mut weeks, before) = past
            .get(&entry.no)
            .copied()
            .unwrap_or(([super::days::NONE; WEEKS], super::days::NONE));
        if let Some(live) = &live {
            weeks[0] = thousandths(live.get(&entry.no).copied());
        }
        rows.push((Arc::clone(entry), span.clone(), weeks, before));
    }
    let seasons = history::seasons(app, score, day).await?;
    let velocity = |span: &Span, weeks: &[i32; WEEKS]| {
        let season = seasons.get(&span.segment)?;
        velocity::of_weeks(weeks).map(|movement| tenure_learn::velocity::velocity(&movement, season))
    };
    let lines = rows
        .iter()
        .map(|(entry, span, weeks, before)| Line {
            entry: Arc::clone(entry),
            span: span.clone(),
            points: points(weeks[0]),
            before: points(*before),
            velocity: velocity(span, weeks),
        })
        .collect();
    let oldest = entries.iter().map(|entry| entry.computed_at).min();
    Ok(Board {
        day,
        against,
        lines,
        ready: app.scores.history.version(&score.id).is_some() && (!past.is_empty() || entries.is_empty()),
        computed_at: oldest.unwrap_or_else(|| app.clock.micros()),
    })
}

/// What is kept of the days before.
async fn past(app: &App, score: &Score, day: i32, against: i32) -> Result<Past> {
    let mut past = Past::new();
    if against == day - 30
        && let Some(version) = app.scores.history.version(&score.id)
    {
        let recent = version.recent.read();
        if recent.values().all(|recent| recent.day == day) {
            past.extend(
                recent
                    .iter()
                    .map(|(no, recent)| (*no, (recent.weeks, recent.month))),
            );
            return Ok(past);
        }
    }
    history::each(app, &score.id, |no, days: &Days| {
        past.insert(no, (weeks(days, day), days.at(against)));
    })
    .await?;
    Ok(past)
}

/// The scores of this moment, from the book.
async fn live(app: &App, score: &Score, entries: &[Arc<Entry>]) -> Result<HashMap<i64, f64>> {
    let Some(plan) = app.metrics.plan() else {
        return Ok(HashMap::new());
    };
    let forms = models::forms(app, score).await?;
    let overrides = store::overrides(&app.store, &score.id).await?;
    let (score, entries) = (score.clone(), entries.to_vec());
    let mut of_account: HashMap<i64, Vec<store::Override>> = HashMap::new();
    for it in overrides {
        of_account.entry(it.account_no).or_default().push(it);
    }
    let computed = tokio::task::spawn_blocking(move || {
        let mut found = HashMap::with_capacity(entries.len());
        for entry in &entries {
            let rules = of_account
                .get(&entry.no)
                .map(|kept| super::overrides_on(kept, entry.no, entry.head.day))
                .unwrap_or_default();
            let ledger = super::score(&plan, &score, &forms, &entry.head, &rules);
            if let Some(points) = ledger.and_then(|(_, ledger)| ledger.score).map(Amount::points) {
                found.insert(entry.no, points);
            }
        }
        found
    });
    Ok(computed.await?)
}
