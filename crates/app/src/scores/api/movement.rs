//! `GET /api/v1/scores/movement`: what became of accounts by the band that they were in and the way that they moved: the back-test of velocity.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tenure_learn::measure::wilson;
use utoipa::{IntoParams, ToSchema};

use super::super::board::moving;
use super::super::days::{Days, NONE, points};
use super::super::history::{WEEKS, weeks};
use super::super::{band, history, name_of, velocity};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::Score;
use crate::metrics;
use crate::metrics::facts::date_of;
use crate::web::{Json, Query, Result};

/// Days after a cutoff in which churn is looked for; cutoffs lie as far apart, so that each churn counts once.
const HORIZON: i32 = 90;
/// How many cutoffs are looked at, the newest whose horizon has passed first.
const CUTOFFS: i32 = 6;

/// Which score.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The score; `health` when left out.
    score: Option<String>,
    /// Only accounts that were in this segment on the cutoff.
    segment: Option<String>,
}

/// Accounts that were in one band and moved one way.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = MovementCell)]
pub struct Cell {
    /// green, yellow or red.
    pub band: &'static str,
    /// falling, steady, rising, unsure, or unknown: too few weeks were known.
    pub state: &'static str,
    /// Accounts on cutoffs; one account counts once on each.
    pub accounts: usize,
    /// Those that churned within the horizon.
    pub churned: usize,
    /// Churned ÷ accounts.
    pub rate: f64,
    /// The lower end of its 95 % interval (Wilson).
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What became of accounts by band and direction.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MovementProof {
    score: String,
    /// The days looked at, the oldest first; empty = no horizon has passed yet.
    cutoffs: Vec<String>,
    horizon_days: i32,
    cells: Vec<Cell>,
    /// What the figures rest on, in words.
    note: String,
}

/// The answers given last.
#[derive(Debug, Default)]
pub struct Held(Mutex<Vec<(Key, Arc<MovementProof>)>>);

type Key = (String, Option<String>, i32, Option<String>);

/// Churn in the 90 days after a cutoff, by the band and the direction on it.
#[utoipa::path(get, path = "/api/v1/scores/movement", tag = "scores", params(Asked), responses((status = 200, body = MovementProof)))]
pub async fn movement(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<MovementProof>> {
    const KEPT: usize = 16;
    let definitions = super::definitions(&app)?;
    let Some(score) = super::score(&definitions, asked.score.as_deref())? else {
        return Ok(Json(proof("", asked.segment.as_deref(), &[], Vec::new())));
    };
    history::refresh(&app).await?;
    // Days long past hardly change: what was computed for this day's cutoffs and this version of the score serves the day.
    let version = app.scores.history.version(&score.id).map(|it| it.hash.clone());
    let key = (
        score.id.clone(),
        asked.segment.clone(),
        metrics::today(&app),
        version,
    );
    let held = |app: &App| {
        let held = app.scores.movements.0.lock();
        held.iter()
            .find(|(of, _)| *of == key)
            .map(|(_, proof)| Arc::clone(proof))
    };
    if let Some(proof) = held(&app) {
        return Ok(Json(MovementProof::clone(&proof)));
    }
    let made = Arc::new(make(&app, score, asked.segment.as_deref()).await?);
    let mut held = app.scores.movements.0.lock();
    held.truncate(KEPT - 1);
    held.insert(0, (key, Arc::clone(&made)));
    Ok(Json(MovementProof::clone(&made)))
}

fn proof(score: &str, segment: Option<&str>, cutoffs: &[i32], cells: Vec<Cell>) -> MovementProof {
    let among = segment.map_or(String::new(), |segment| format!(" of the segment {segment}"));
    MovementProof {
        score: score.to_owned(),
        cutoffs: cutoffs.iter().map(|day| date_of(*day).to_string()).collect(),
        horizon_days: HORIZON,
        cells,
        note: format!(
            "Active accounts{among} on each cutoff, with the score in force computed for that day; events count from the day that they carry. \
             Velocity is an alert: what it adds is how these rates differ within a band."
        ),
    }
}

/// One account on a cutoff: its weeks, segment, and whether it left.
struct Row {
    segment: String,
    score: i32,
    weeks: [i32; WEEKS],
    churned: bool,
}

async fn make(app: &App, score: &Score, segment: Option<&str>) -> anyhow::Result<MovementProof> {
    let newest = metrics::today(app) - HORIZON;
    let cutoffs: Vec<i32> = (0..CUTOFFS).rev().map(|back| newest - HORIZON * back).collect();
    let mut rows: Vec<Vec<Row>> = cutoffs.iter().map(|_| Vec::new()).collect();
    history::each(app, &score.id, |no, days: &Days| {
        let Some(entry) = app.metrics.book.get(no) else {
            return;
        };
        let lives = entry.head.lives();
        for (at, day) in cutoffs.iter().enumerate() {
            let held = days.at(*day);
            let Some(span) = entry
                .head
                .span_at(*day)
                .filter(|span| span.active && held != NONE)
            else {
                continue;
            };
            rows[at].push(Row {
                segment: span.segment.clone(),
                score: held,
                weeks: weeks(days, *day),
                churned: lives.iter().any(|life| life.1 > *day && life.1 <= day + HORIZON),
            });
        }
    })
    .await?;
    let id = score.id.clone();
    let (score, wanted) = (score.clone(), segment.map(str::to_owned));
    let (used, cells) = tokio::task::spawn_blocking(move || {
        let mut counts: BTreeMap<(&'static str, &'static str), (usize, usize)> = BTreeMap::new();
        let mut used = Vec::new();
        for (day, rows) in cutoffs.iter().zip(&rows) {
            if rows.is_empty() {
                continue;
            }
            used.push(*day);
            // The season is that of the whole segment on that day.
            let moved = rows
                .iter()
                .map(|row| (row.segment.as_str(), velocity::of_weeks(&row.weeks)));
            let (_, velocities) = velocity::all(moved);
            for (row, velocity) in rows.iter().zip(velocities) {
                if wanted.as_ref().is_some_and(|wanted| *wanted != row.segment) {
                    continue;
                }
                let held = name_of(points(row.score).map(|points| band(&score, points)));
                let state = velocity.map_or("unknown", |velocity| moving(velocity.state));
                let count = counts.entry((held, state)).or_default();
                count.0 += 1;
                count.1 += usize::from(row.churned);
            }
        }
        (used, cells(&counts))
    })
    .await?;
    Ok(proof(&id, segment, &used, cells))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn cells(counts: &BTreeMap<(&'static str, &'static str), (usize, usize)>) -> Vec<Cell> {
    let cell = |(key, count): (&(&'static str, &'static str), &(usize, usize))| {
        let (accounts, churned) = *count;
        let (n, hits) = (accounts as f64, churned as f64);
        let (low, high) = wilson(hits, n)?;
        Some(Cell {
            band: key.0,
            state: key.1,
            accounts,
            churned,
            rate: hits / n,
            low,
            high,
        })
    };
    counts.iter().filter_map(cell).collect()
}
