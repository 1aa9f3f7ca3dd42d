//! `GET /api/v1/scores`: all accounts with their scores, and what they look like together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_learn::velocity::State as Moving;
use utoipa::{IntoParams, ToSchema};

use super::super::board::{Line, board};
use super::super::board::{moving, velocity_line};
use super::super::{Band, band, explain, models, name_of, overrides_on, score_when, store};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Definitions, Score};
use crate::metrics::facts::date_of;
use crate::metrics::marks::VelocityLine;
use crate::metrics::{self, as_of};
use crate::web::{Json, Problem, Query, Result};

/// Which accounts, as of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The score; `health` when left out.
    score: Option<String>,
    /// The day; today when left out.
    as_of: Option<String>,
    /// The day that it is compared with; 30 days before when left out.
    compare_to: Option<String>,
    /// Only accounts that are in this segment on the day.
    segment: Option<String>,
    /// Only accounts that this person has on the day; `(none)` = nobody.
    owner: Option<String>,
    /// Only accounts in this band: `green`, `yellow`, `red` or `none`.
    band: Option<String>,
    /// Only accounts that were in this band on the day that is compared with; `none` = had no score.
    was: Option<String>,
    /// Only accounts that move so: `falling`, `rising`, `steady` or `unsure`.
    state: Option<String>,
    /// Only accounts whose name or id holds this.
    q: Option<String>,
    /// `points` (when left out), `change`, `velocity`, `mrr` or `name`; with a leading `-` the greatest first.
    sort: Option<String>,
    /// From which place on.
    cursor: Option<usize>,
    /// How many, at most 500; 50 when left out.
    limit: Option<usize>,
}

/// The score itself.
#[derive(Serialize, ToSchema)]
pub struct ScoreHead {
    id: String,
    label: String,
    description: String,
    /// From which points on it is green.
    green: f64,
    /// From which points on it is yellow.
    yellow: f64,
    /// The outcome that a high score makes unlikely.
    outcome: String,
    /// Kept as it is, for others to be measured against.
    frozen: bool,
}

impl ScoreHead {
    pub(super) fn of(score: &Score) -> Self {
        Self {
            id: score.id.clone(),
            label: score.label.clone(),
            description: score.description.clone(),
            green: score.bands.green,
            yellow: score.bands.yellow,
            outcome: score.outcome.clone(),
            frozen: score.frozen,
        }
    }
}

/// One account.
#[derive(Serialize, ToSchema)]
pub struct ScoreLine {
    account_id: String,
    name: String,
    segment: String,
    owner: Option<String>,
    mrr: Option<f64>,
    /// 0–100; null = too little is known.
    points: Option<f64>,
    band: Option<Band>,
    /// The score of the day that is compared with.
    before: Option<f64>,
    velocity: Option<VelocityLine>,
    /// What takes most of the score, in words.
    reasons: Vec<String>,
}

/// How many accounts are in which band.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct BandCounts {
    green: usize,
    yellow: usize,
    red: usize,
    /// Without a score.
    none: usize,
}

/// A part of the accounts.
#[derive(Serialize, ToSchema)]
pub struct ScoreGroup {
    /// The segment's id or the owner's address; `(none)` = nobody.
    id: String,
    label: String,
    accounts: usize,
    bands: BandCounts,
    /// The mean score of those that have one.
    average: Option<f64>,
    /// The same on the day that is compared with.
    average_before: Option<f64>,
    /// The mean velocity of those that have one.
    velocity: Option<f64>,
    falling: usize,
    rising: usize,
}

/// Accounts that went from one band to another.
#[derive(Serialize, ToSchema)]
pub struct BandMove {
    /// green, yellow, red or none.
    from: &'static str,
    to: &'static str,
    accounts: usize,
    mrr: f64,
}

/// All of it.
#[derive(Serialize, ToSchema)]
pub struct ScoreList {
    /// null = the program declares no score; then nothing else says anything.
    score: Option<ScoreHead>,
    /// Every score of the program.
    scores: Vec<ScoreHead>,
    as_of: String,
    compare_to: String,
    computed_at: String,
    /// Whether the days before are computed; else what is compared with and velocities are missing.
    ready: bool,
    currency: String,
    /// Of all accounts that the segment and owner let through.
    bands: BandCounts,
    average: Option<f64>,
    average_before: Option<f64>,
    /// Accounts by steps of five points: 0–5, …, 95–100.
    distribution: Vec<usize>,
    moves: Vec<BandMove>,
    segments: Vec<ScoreGroup>,
    owners: Vec<ScoreGroup>,
    items: Vec<ScoreLine>,
    total: usize,
    /// null = that was all.
    next_cursor: Option<usize>,
}

fn choice(field: &'static str, value: Option<&str>, words: &[&str]) -> Result<()> {
    match value {
        Some(value) if !words.contains(&value) => Err(Problem::field(
            field,
            value,
            "is not one of its words",
            format!("write one of {}", words.join(", ")),
        )),
        _ => Ok(()),
    }
}

/// The order that is asked for, after a look at every word of the question.
fn checked(asked: &Asked) -> Result<&str> {
    const BANDS: &[&str] = &["green", "yellow", "red", "none"];
    choice("band", asked.band.as_deref(), BANDS)?;
    choice("was", asked.was.as_deref(), BANDS)?;
    choice(
        "state",
        asked.state.as_deref(),
        &["falling", "rising", "steady", "unsure"],
    )?;
    let sort = asked.sort.as_deref().unwrap_or("points");
    let known = &["points", "change", "velocity", "mrr", "name"];
    choice("sort", Some(sort.trim_start_matches('-')), known)?;
    Ok(sort)
}

/// The accounts of the scope that the rest of the question chooses, in its order.
fn chosen<'a>(kept: &[&'a Line], asked: &Asked, band_of: &BandOf<'_>, sort: &str) -> Vec<&'a Line> {
    let q = asked.q.as_deref().unwrap_or("").trim().to_lowercase();
    let wants = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
    let mut chosen: Vec<&Line> = kept
        .iter()
        .copied()
        .filter(|line| wants(&asked.band, name_of(band_of(line.points))))
        .filter(|line| wants(&asked.was, name_of(band_of(line.before))))
        .filter(|line| {
            wants(
                &asked.state,
                line.velocity.as_ref().map_or("", |v| moving(v.state)),
            )
        })
        .filter(|line| {
            q.is_empty()
                || line.entry.name.to_lowercase().contains(&q)
                || line.entry.id.to_lowercase().contains(&q)
        })
        .collect();
    order(&mut chosen, sort);
    chosen
}

/// All accounts that are active on a day with their scores, and the figures of bands, segments and owners.
#[utoipa::path(get, path = "/api/v1/scores", tag = "scores", params(Asked), responses((status = 200, body = ScoreList)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<ScoreList>> {
    let definitions = super::definitions(&app)?;
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let against = match asked.compare_to.as_deref().filter(|text| !text.is_empty()) {
        None => day - 30,
        Some(text) => compared(text, day)?,
    };
    let sort = checked(&asked)?;
    let Some(score) = super::score(&definitions, asked.score.as_deref())? else {
        return Ok(Json(nothing(&app, &definitions, day, against)));
    };
    let board = board(&app, score, day, against).await?;
    let kept: Vec<&Line> = board.lines.iter().filter(|line| in_scope(line, &asked)).collect();
    let band_of = |points: Option<f64>| points.map(|points| band(score, points));
    let chosen = chosen(&kept, &asked, &band_of, sort);
    let (from, limit) = (asked.cursor.unwrap_or(0), asked.limit.unwrap_or(50).clamp(1, 500));
    let page: Vec<&Line> = chosen.iter().copied().skip(from).take(limit).collect();
    let mut reasons = reasons(&app, &definitions, score, &page, day).await?;
    let (bands, average, average_before) = summary(&kept, &band_of);
    let owner = |line: &Line| line.span.owner.clone().unwrap_or_else(|| "(none)".into());
    let segment = |id: &str| {
        definitions
            .segment(id)
            .map_or_else(|| id.to_owned(), |segment| segment.label.clone())
    };
    Ok(Json(ScoreList {
        score: Some(ScoreHead::of(score)),
        computed_at: as_of::instant(board.computed_at),
        ready: board.ready,
        bands,
        average,
        average_before,
        distribution: distribution(&kept),
        moves: moves(&kept, &band_of),
        segments: groups(&kept, &band_of, |line| line.span.segment.clone(), segment),
        owners: groups(&kept, &band_of, owner, str::to_owned),
        items: page
            .iter()
            .map(|line| item(line, &band_of, &mut reasons))
            .collect(),
        total: chosen.len(),
        next_cursor: (from + page.len() < chosen.len()).then_some(from + page.len()),
        ..nothing(&app, &definitions, day, against)
    }))
}

fn item(line: &Line, band_of: &BandOf<'_>, reasons: &mut HashMap<i64, Vec<String>>) -> ScoreLine {
    ScoreLine {
        account_id: line.entry.id.clone(),
        name: line.entry.name.clone(),
        segment: line.span.segment.clone(),
        owner: line.span.owner.clone(),
        mrr: line.span.mrr,
        points: line.points,
        band: band_of(line.points),
        before: line.before,
        velocity: line.velocity.as_ref().map(velocity_line),
        reasons: reasons.remove(&line.entry.no).unwrap_or_default(),
    }
}

/// The day that another is compared with.
pub(super) fn compared(text: &str, day: i32) -> Result<i32> {
    let found = metrics::facts::parse_day(text)
        .filter(|_| text.len() == 10)
        .ok_or_else(|| {
            Problem::field(
                "compare_to",
                text,
                "is not a day",
                "write it as YYYY-MM-DD, for example 2026-06-30",
            )
        })?;
    if found >= day {
        return Err(Problem::field(
            "compare_to",
            text,
            "does not lie before the day that is asked for",
            format!("name a day before {}", date_of(day)),
        ));
    }
    Ok(found)
}

fn in_scope(line: &Line, asked: &Asked) -> bool {
    asked
        .segment
        .as_ref()
        .is_none_or(|segment| *segment == line.span.segment)
        && asked
            .owner
            .as_deref()
            .is_none_or(|owner| owner == line.span.owner.as_deref().unwrap_or("(none)"))
}

fn nothing(app: &App, definitions: &Arc<Definitions>, day: i32, against: i32) -> ScoreList {
    ScoreList {
        score: None,
        scores: definitions.scores.iter().map(ScoreHead::of).collect(),
        as_of: date_of(day).to_string(),
        compare_to: date_of(against).to_string(),
        computed_at: as_of::instant(app.clock.micros()),
        ready: true,
        currency: definitions.program.currency.clone(),
        bands: BandCounts::default(),
        average: None,
        average_before: None,
        distribution: vec![0; 20],
        moves: Vec::new(),
        segments: Vec::new(),
        owners: Vec::new(),
        items: Vec::new(),
        total: 0,
        next_cursor: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0_usize);
    for value in values {
        sum += value;
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

type BandOf<'a> = dyn Fn(Option<f64>) -> Option<Band> + 'a;

fn summary(lines: &[&Line], band_of: &BandOf<'_>) -> (BandCounts, Option<f64>, Option<f64>) {
    let mut bands = BandCounts::default();
    for line in lines {
        match band_of(line.points) {
            Some(Band::Green) => bands.green += 1,
            Some(Band::Yellow) => bands.yellow += 1,
            Some(Band::Red) => bands.red += 1,
            None => bands.none += 1,
        }
    }
    (
        bands,
        mean(lines.iter().filter_map(|line| line.points)),
        mean(lines.iter().filter_map(|line| line.before)),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "points are within 0–100"
)]
fn distribution(lines: &[&Line]) -> Vec<usize> {
    let mut bins = vec![0; 20];
    for points in lines.iter().filter_map(|line| line.points) {
        bins[((points / 5.0) as usize).min(19)] += 1;
    }
    bins
}

fn moves(lines: &[&Line], band_of: &BandOf<'_>) -> Vec<BandMove> {
    let mut found: BTreeMap<(&'static str, &'static str), (usize, f64)> = BTreeMap::new();
    for line in lines {
        let way = (name_of(band_of(line.before)), name_of(band_of(line.points)));
        let held = found.entry(way).or_default();
        held.0 += 1;
        held.1 += line.span.mrr.unwrap_or(0.0);
    }
    found
        .into_iter()
        .map(|((from, to), (accounts, mrr))| BandMove {
            from,
            to,
            accounts,
            mrr,
        })
        .collect()
}

fn groups(
    lines: &[&Line],
    band_of: &BandOf<'_>,
    of: impl Fn(&Line) -> String,
    label: impl Fn(&str) -> String,
) -> Vec<ScoreGroup> {
    let mut parts: BTreeMap<String, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        parts.entry(of(line)).or_default().push(line);
    }
    let mut groups: Vec<ScoreGroup> = parts
        .into_iter()
        .map(|(id, lines)| {
            let (bands, average, average_before) = summary(&lines, band_of);
            let going = |state| {
                lines
                    .iter()
                    .filter(|line| line.velocity.is_some_and(|v| v.state == state))
                    .count()
            };
            ScoreGroup {
                label: label(&id),
                id,
                accounts: lines.len(),
                bands,
                average,
                average_before,
                velocity: mean(lines.iter().filter_map(|line| line.velocity.map(|v| v.value))),
                falling: going(Moving::Falling),
                rising: going(Moving::Rising),
            }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.accounts));
    groups
}

fn order(lines: &mut [&Line], sort: &str) {
    let (key, down) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
    let value = |line: &Line| match key {
        "change" => line.points.zip(line.before).map(|(now, before)| now - before),
        "velocity" => line.velocity.map(|velocity| velocity.value),
        "mrr" => line.span.mrr,
        _ => line.points,
    };
    lines.sort_by(|a, b| {
        let ways = if key == "name" {
            a.entry.name.to_lowercase().cmp(&b.entry.name.to_lowercase())
        } else {
            match (value(a), value(b)) {
                (Some(x), Some(y)) => x.total_cmp(&y),
                // What has no figure stands at the end, whichever way.
                (None, Some(_)) => return std::cmp::Ordering::Greater,
                (Some(_), None) => return std::cmp::Ordering::Less,
                (None, None) => std::cmp::Ordering::Equal,
            }
        };
        (if down { ways.reverse() } else { ways }).then(a.entry.no.cmp(&b.entry.no))
    });
}

/// What takes most of the scores of a page.
async fn reasons(
    app: &App,
    definitions: &Definitions,
    score: &Score,
    page: &[&Line],
    day: i32,
) -> Result<HashMap<i64, Vec<String>>> {
    let Some(plan) = app.metrics.plan() else {
        return Ok(HashMap::new());
    };
    let forms = models::forms(app, score).await?;
    let overrides = store::overrides(&app.store, &score.id).await?;
    let known = app.scores.history.known();
    let heads: Vec<(i64, Arc<metrics::Head>)> = if day == metrics::today(app) {
        page.iter()
            .map(|line| (line.entry.no, Arc::clone(&line.entry.head)))
            .collect()
    } else {
        let nos: Vec<i64> = page.iter().map(|line| line.entry.no).collect();
        let entries = as_of::some(app, &plan, &nos, day).await?;
        entries.into_iter().map(|entry| (entry.no, entry.head)).collect()
    };
    Ok(heads
        .into_iter()
        .map(|(no, head)| {
            let rules = overrides_on(&overrides, no, day);
            let ledger = score_when(&plan, score, &forms, &head, &rules, Some(&known));
            let words = ledger.map_or_else(Vec::new, |(_, ledger)| match &ledger.by {
                Some(by) => vec![format!("Set by {}: {}", by.author, by.reason)],
                None => explain::pulls_down(definitions, &ledger, 2),
            });
            (no, words)
        })
        .collect())
}
