//! All accounts with their scores on a day, for lists and pages.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tenure_learn::handset::Amount;
use tenure_learn::velocity::{Movement, State as Moving, Velocity};

use super::days::{Days, NONE, points, thousandths};
use super::history::{self, WEEKS, weeks};
use super::{HEALTH, band, models, name_of, store, velocity};
use crate::App;
use crate::definitions::Score;
use crate::metrics::marks::{Mark, Marked, Marks, VelocityLine};
use crate::metrics::{self, Entry, Head, Span};

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
    /// The score.
    pub score: Score,
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

impl Board {
    /// The line of an account.
    fn line(&self, no: i64) -> Option<&Line> {
        let at = self.lines.binary_search_by_key(&no, |line| line.entry.no).ok()?;
        self.lines.get(at)
    }
}

impl Marks for Board {
    fn head(&self) -> Marked {
        Marked {
            score: self.score.id.clone(),
            label: self.score.label.clone(),
            ready: self.ready,
        }
    }

    fn of(&self, no: i64) -> Option<Mark> {
        let line = self.line(no)?;
        Some(Mark {
            points: line.points,
            band: self.band(no),
            velocity: line.velocity.as_ref().map(velocity_line),
        })
    }

    fn points(&self, no: i64) -> Option<f64> {
        self.line(no)?.points
    }

    fn velocity(&self, no: i64) -> Option<f64> {
        Some(self.line(no)?.velocity?.value)
    }

    fn band(&self, no: i64) -> Option<&'static str> {
        Some(name_of(Some(band(&self.score, self.points(no)?))))
    }
}

/// A velocity as it is shown.
#[must_use]
pub fn velocity_line(velocity: &Velocity) -> VelocityLine {
    VelocityLine {
        value: velocity.value,
        slope: velocity.slope,
        low: velocity.low,
        high: velocity.high,
        state: moving(velocity.state),
    }
}

/// The name of a way to move.
#[must_use]
pub fn moving(state: Moving) -> &'static str {
    match state {
        Moving::Falling => "falling",
        Moving::Rising => "rising",
        Moving::Steady => "steady",
        Moving::Unsure => "unsure",
    }
}

/// The scores that the list of accounts shows: health, else the program's first.
#[must_use]
pub fn marks(app: &App, day: i32) -> BoxFuture<'_, Result<Option<Arc<dyn Marks>>>> {
    async move {
        let Some(definitions) = app.definitions() else {
            return Ok(None);
        };
        let Some(score) = definitions.score(HEALTH).or_else(|| definitions.scores.first()) else {
            return Ok(None);
        };
        let board: Arc<dyn Marks> = board(app, score, day, day - 30).await?;
        Ok(Some(board))
    }
    .boxed()
}

/// The boards that were made last, so that paging makes none, and what today's were made of, so that only what changed is computed anew.
#[derive(Debug, Default)]
pub struct Boards {
    made: Mutex<Vec<(Key, Arc<Board>)>>,
    live: Mutex<HashMap<String, Live>>,
    turn: tokio::sync::Mutex<()>,
}

/// What was computed of accounts for today's board of a score.
#[derive(Debug, Default)]
struct Live {
    /// Names the models and the overrides in force.
    by: String,
    of: HashMap<i64, Computed>,
}

/// What was computed of one account.
#[derive(Clone, Debug)]
struct Computed {
    /// From which state.
    head: Arc<Head>,
    points: Option<f64>,
    /// The weeks whose movement it is.
    weeks: [i32; WEEKS],
    movement: Option<Movement>,
}

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
    let held = |app: &App| {
        let made = app.scores.boards.made.lock();
        made.iter()
            .find(|(held, _)| *held == key)
            .map(|(_, board)| Arc::clone(board))
    };
    if let Some(board) = held(app) {
        return Ok(board);
    }
    // Many who ask at once wait for one board.
    let _turn = app.scores.boards.turn.lock().await;
    if let Some(board) = held(app) {
        return Ok(board);
    }
    let board = Arc::new(make(app, score, day, against).await?);
    let mut made = app.scores.boards.made.lock();
    made.truncate(HELD - 1);
    made.insert(0, (key, Arc::clone(&board)));
    Ok(board)
}

/// What velocity looks at in the weeks that end with the day, the score of the day, and that of the other day.
type Past = HashMap<i64, ([i32; WEEKS], i32, i32)>;

async fn make(app: &App, score: &Score, day: i32, against: i32) -> Result<Board> {
    let today = metrics::today(app);
    let past = past(app, score, day, against).await?;
    let entries = app.metrics.book.all();
    let mut live = if day == today {
        live(app, score, &entries).await?
    } else {
        Live::default()
    };
    let seasons = history::seasons(app, score, day).await?;
    let mut lines: Vec<Line> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let Some(span) = entry.head.span_at(day).filter(|span| span.active) else {
            continue;
        };
        let (mut weeks, mut now, before) =
            past.get(&entry.no)
                .copied()
                .unwrap_or(([NONE; WEEKS], NONE, NONE));
        let computed = live.of.get_mut(&entry.no);
        if day == today {
            let was = std::mem::replace(
                &mut now,
                thousandths(computed.as_ref().and_then(|computed| computed.points)),
            );
            // Where there is no score any more, what stands in for it follows with the history.
            if now != NONE {
                weeks[0] = now;
            } else if was != NONE {
                weeks[0] = NONE;
            }
        }
        let movement = match computed {
            Some(computed) if computed.weeks == weeks => computed.movement,
            Some(computed) => {
                computed.weeks = weeks;
                computed.movement = velocity::of_weeks(&weeks);
                computed.movement
            }
            None => velocity::of_weeks(&weeks),
        };
        lines.push(Line {
            entry: Arc::clone(entry),
            span: span.clone(),
            points: points(now),
            before: points(before),
            velocity: movement
                .zip(seasons.get(&span.segment))
                .map(|(movement, season)| tenure_learn::velocity::velocity(&movement, season)),
        });
    }
    if day == today {
        app.scores.boards.live.lock().insert(score.id.clone(), live);
    }
    let oldest = entries.iter().map(|entry| entry.computed_at).min();
    Ok(Board {
        score: score.clone(),
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
                    .map(|(no, recent)| (*no, (recent.weeks, recent.score, recent.month))),
            );
            return Ok(past);
        }
    }
    history::each(app, &score.id, |no, days: &Days| {
        past.insert(no, (weeks(days, day), days.at(day), days.at(against)));
    })
    .await?;
    Ok(past)
}

/// The scores of this moment, from the book: those of accounts that changed are computed, the others are as they were. It is taken out of
/// what is held; who makes the board puts it back.
async fn live(app: &App, score: &Score, entries: &[Arc<Entry>]) -> Result<Live> {
    let Some(plan) = app.metrics.plan() else {
        return Ok(Live::default());
    };
    let forms = models::forms(app, score).await?;
    let overrides = store::overrides(&app.store, &score.id).await?;
    let by = format!("{} {overrides:?}", history::version_of(&plan, score, &forms).0);
    let held = app.scores.boards.live.lock().remove(&score.id);
    let mut live = held.filter(|held| held.by == by).unwrap_or_default();
    live.by = by;
    let (score, entries) = (score.clone(), entries.to_vec());
    let mut of_account: HashMap<i64, Vec<store::Override>> = HashMap::new();
    for it in overrides {
        of_account.entry(it.account_no).or_default().push(it);
    }
    let computed = tokio::task::spawn_blocking(move || {
        // Accounts that were merged away or erased are no longer in the book.
        if live.of.len() > entries.len() {
            let known: HashSet<i64> = entries.iter().map(|entry| entry.no).collect();
            live.of.retain(|no, _| known.contains(no));
        }
        for entry in &entries {
            let same = |held: &Computed| Arc::ptr_eq(&held.head, &entry.head);
            if live.of.get(&entry.no).is_some_and(same) {
                continue;
            }
            let rules = of_account
                .get(&entry.no)
                .map(|kept| super::overrides_on(kept, entry.no, entry.head.day))
                .unwrap_or_default();
            let ledger = super::score(&plan, &score, &forms, &entry.head, &rules);
            let computed = Computed {
                head: Arc::clone(&entry.head),
                points: ledger.and_then(|(_, ledger)| ledger.score).map(Amount::points),
                weeks: [NONE; WEEKS],
                movement: None,
            };
            live.of.insert(entry.no, computed);
        }
        live
    });
    Ok(computed.await?)
}
