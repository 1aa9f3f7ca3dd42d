//! Handlers of targets in depth.

use std::collections::HashMap;

use axum::extract::State;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::baseline::{Action, BaselineSource, Baselines, Freeze};
use super::forecast::{FEWEST, Forecast, Limits, MOST, forecast};
use super::store;
use crate::App;
use crate::auth::{Manager, Principal, Viewer, audit, names};
use crate::definitions::{Baseline, Better, Definitions, Kpi, KpiValue, Target, Unit};
use crate::kpis::api::{definitions, kept_or_computed};
use crate::kpis::engine::{ALL, By, figures};
use crate::kpis::overview::{self, TargetLine, day_of, instant};
use crate::kpis::status::Status;
use crate::kpis::window::month_ends;
use crate::metrics::facts::day_number;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of targets in depth.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(outlook))
        .routes(routes!(show))
        .routes(routes!(freeze))
        .routes(routes!(release))
}

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DayAsked {
    /// The day; today when left out.
    as_of: Option<String>,
}

/// Where a target stood on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct TargetPoint {
    /// The month's last day, or the day asked for.
    period: String,
    /// The figure; null = no data.
    value: Option<f64>,
    /// What the line asks for; null before the baseline's day.
    expected: Option<f64>,
    /// Where it stood; null before the baseline's day.
    status: Option<Status>,
}

/// What is expected at the deadline.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct TargetForecast {
    /// The trend's value at the deadline.
    value: f64,
    /// Nine of ten outcomes lie within.
    interval: [f64; 2],
    /// Half of them lie within.
    half: [f64; 2],
    /// The share of outcomes that meet the goal.
    probability: f64,
    /// The trend's change a month.
    slope: f64,
    /// Months that it was fitted by.
    months: usize,
}

/// One target's way and where it leads.
#[derive(Serialize, ToSchema)]
struct TargetOutlook {
    id: String,
    /// The months since the baseline, at most thirteen, and the day asked for; oldest first.
    history: Vec<TargetPoint>,
    /// Null = nothing can be said; `why` says why.
    forecast: Option<TargetForecast>,
    /// Why there is no forecast.
    why: Option<String>,
}

/// Every target's way and where it leads.
#[derive(Serialize, ToSchema)]
#[schema(as = TargetOutlooks)]
pub struct Outlooks {
    as_of: String,
    targets: Vec<TargetOutlook>,
}

/// The place of a day on the scale of months: a whole number at the end of each.
fn month_of(day: Date) -> f64 {
    f64::from(i32::from(day.year()) * 12 + i32::from(day.month()) - 1)
        + f64::from(day.day()) / f64::from(day.days_in_month())
}

fn limits(kpi: &Kpi) -> Limits {
    let (least, most) = match (kpi.value, kpi.unit) {
        (KpiValue::Nps, _) => (-100.0, 100.0),
        (_, Unit::Ratio) if kpi.proportion => (0.0, 1.0),
        (_, Unit::Points) => (f64::NEG_INFINITY, f64::INFINITY),
        _ => (0.0, f64::INFINITY),
    };
    Limits { least, most }
}

/// The figures of a target's scope at the ends of the last months and on the day asked for.
type Points = Vec<(Date, Option<f64>)>;

/// How many months are looked at.
fn months() -> i32 {
    i32::try_from(MOST).unwrap_or(24)
}

async fn points_of(
    app: &App,
    definitions: &Definitions,
    kpi: &Kpi,
    day: Date,
) -> Result<HashMap<String, Points>> {
    let from = day
        .first_of_month()
        .saturating_sub(jiff::Span::new().months(months()));
    let days = month_ends(from, day);
    let mut found: HashMap<String, Points> = HashMap::new();
    for kept in kept_or_computed(app, definitions, kpi, &days, &By::Segment).await? {
        found
            .entry(kept.scope)
            .or_default()
            .push((kept.day, kept.figure.value));
    }
    Ok(found)
}

fn history(baselines: &Baselines, kpi: &Kpi, target: &Target, points: &Points) -> Vec<TargetPoint> {
    let path = baselines.path(kpi, target);
    let from = baselines.in_force(target).on;
    points
        .iter()
        .map(|(day, value)| {
            let path = path.filter(|_| *day >= from);
            TargetPoint {
                period: day.to_string(),
                value: *value,
                expected: path.map(|path| path.expected(day_number(*day))),
                status: (*day >= from)
                    .then(|| path.map_or(Status::NoData, |path| path.status(*value, day_number(*day)))),
            }
        })
        .collect()
}

/// The ends of the months after `day` up to the deadline, and the deadline.
fn moments(day: Date, deadline: Date) -> Vec<Date> {
    let next = day.saturating_add(jiff::Span::new().days(1));
    let mut days = month_ends(next, deadline);
    // A deadline that is far away needs no month of its own for each.
    if days.len() > 60 {
        days.drain(..days.len() - 60);
    }
    days
}

/// The forecast of a target, with the days that it speaks of, or why there is none.
fn lead(
    baselines: &Baselines,
    kpi: &Kpi,
    target: &Target,
    points: &Points,
    day: Date,
) -> std::result::Result<(Forecast, Vec<Date>), String> {
    if target.deadline <= day {
        return Err("the deadline has passed".to_owned());
    }
    let goal = baselines
        .path(kpi, target)
        .map(|path| path.to)
        .ok_or("the goal waits for its baseline")?;
    // A month that still runs is not to be held against whole ones.
    let whole: Vec<(f64, f64)> = points
        .iter()
        .filter(|(on, _)| *on == on.last_of_month())
        .filter_map(|(on, value)| Some((month_of(*on), (*value)?)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    let days = moments(day, target.deadline);
    let at: Vec<f64> = days.iter().map(|day| month_of(*day)).collect();
    forecast(&whole, &at, goal, kpi.better == Better::Up, limits(kpi))
        .map(|found| (found, days))
        .ok_or_else(|| {
            format!(
                "not enough data: {} of {FEWEST} months have a figure",
                whole.len()
            )
        })
}

fn summary(found: &Forecast) -> Option<TargetForecast> {
    let last = found.expected.last()?;
    Some(TargetForecast {
        value: last.middle,
        interval: [last.most.0, last.most.1],
        half: [last.half.0, last.half.1],
        probability: found.probability,
        slope: found.line.slope,
        months: found.months,
    })
}

/// Every target's status month by month, and a forecast of its figure at the deadline.
#[utoipa::path(get, path = "/api/v1/targets/outlook", tag = "kpis", params(DayAsked), responses((status = 200, body = Outlooks)))]
async fn outlook(_: Viewer, State(app): State<App>, Query(asked): Query<DayAsked>) -> Result<Json<Outlooks>> {
    let definitions = definitions(&app)?;
    let day = day_of(&app, asked.as_of.as_deref())?;
    let baselines = Baselines::load(&app).await?;
    let mut by_kpi: HashMap<&str, HashMap<String, Points>> = HashMap::new();
    let mut targets = Vec::new();
    for target in &definitions.targets {
        let Some(kpi) = definitions.kpi(&target.kpi) else {
            continue;
        };
        if !by_kpi.contains_key(kpi.id.as_str()) {
            by_kpi.insert(&kpi.id, points_of(&app, &definitions, kpi, day).await?);
        }
        let none = Points::new();
        let points = by_kpi
            .get(kpi.id.as_str())
            .and_then(|scopes| scopes.get(&target.scope))
            .unwrap_or(&none);
        let mut history = history(&baselines, kpi, target, points);
        history.retain(|point| point.status.is_some());
        history.drain(..history.len().saturating_sub(14));
        let (forecast, why) = match lead(&baselines, kpi, target, points, day) {
            Ok((found, _)) => (summary(&found), None),
            Err(why) => (None, Some(why)),
        };
        targets.push(TargetOutlook {
            id: target.id.clone(),
            history,
            forecast,
            why,
        });
    }
    Ok(Json(Outlooks {
        as_of: day.to_string(),
        targets,
    }))
}

/// What is expected of a day.
#[derive(Serialize, ToSchema)]
pub struct FanPoint {
    period: String,
    /// The trend's value.
    value: f64,
    /// Half of the outcomes lie within.
    half: [f64; 2],
    /// Nine of ten lie within.
    interval: [f64; 2],
    /// What the line from baseline to goal asks for.
    expected: Option<f64>,
}

/// What a person did to a baseline.
#[derive(Serialize, ToSchema)]
struct BaselineChange {
    version: i64,
    action: Action,
    /// The figure that was frozen.
    value: Option<f64>,
    /// The day that it stands for.
    on: Option<String>,
    reason: String,
    /// The name of who did it.
    author: String,
    at: String,
}

/// A target in depth.
#[derive(Serialize, ToSchema)]
#[schema(as = TargetDetail)]
pub struct Detail {
    as_of: String,
    target: TargetLine,
    /// What the program states; null = it is to be measured.
    program_baseline: Option<f64>,
    /// The day that the program names.
    program_baseline_on: String,
    /// The last 25 months and the day asked for, oldest first.
    history: Vec<TargetPoint>,
    /// The months to come, up to the deadline; empty = nothing can be said.
    fan: Vec<FanPoint>,
    forecast: Option<TargetForecast>,
    /// Why there is no forecast.
    why: Option<String>,
    /// Number of things that people did to the baseline; a change names it.
    version: i64,
    /// What they did, oldest first.
    changes: Vec<BaselineChange>,
}

fn find<'a>(definitions: &'a Definitions, id: &str) -> Result<(&'a Target, &'a Kpi)> {
    definitions
        .targets
        .iter()
        .find(|target| target.id == id)
        .and_then(|target| Some((target, definitions.kpi(&target.kpi)?)))
        .ok_or_else(|| {
            let nearest = definitions
                .targets
                .iter()
                .min_by_key(|target| strsim::levenshtein(&target.id, id));
            let hint = nearest
                .map(|target| format!("; the nearest id is {}", target.id))
                .unwrap_or_default();
            Problem::not_found(format!("there is no target {id}{hint}"))
        })
}

async fn detail(app: &App, definitions: &Definitions, id: &str, day: Date) -> Result<Detail> {
    let (target, kpi) = find(definitions, id)?;
    let baselines = Baselines::load(app).await?;
    let line = overview::targets(app, definitions, day)
        .await?
        .into_iter()
        .find(|line| line.id == id)
        .ok_or_else(|| Problem::not_found(format!("there is no target {id}")))?;
    let points = points_of(app, definitions, kpi, day)
        .await?
        .remove(&target.scope)
        .unwrap_or_default();
    let path = baselines.path(kpi, target);
    let lead = lead(&baselines, kpi, target, &points, day);
    let (fan, forecast, why) = match lead {
        Ok((found, days)) => {
            let fan = days.iter().zip(&found.expected).map(|(day, it)| FanPoint {
                period: day.to_string(),
                value: it.middle,
                half: [it.half.0, it.half.1],
                interval: [it.most.0, it.most.1],
                expected: path.map(|path| path.expected(day_number(*day))),
            });
            (fan.collect(), summary(&found), None)
        }
        Err(why) => (Vec::new(), None, Some(why)),
    };
    let names = names(app).await?;
    let changes: Vec<BaselineChange> = store::freezes(&app.store, Some(id))
        .await?
        .into_iter()
        .map(|it| BaselineChange {
            version: it.version,
            action: it.action,
            value: it.value,
            on: it.day.map(|day| day.to_string()),
            reason: it.reason,
            author: names.get(&it.actor).cloned().unwrap_or(it.actor),
            at: instant(it.at),
        })
        .collect();
    Ok(Detail {
        as_of: day.to_string(),
        target: line,
        program_baseline: match target.baseline {
            Baseline::Stated { value, .. } => Some(value),
            Baseline::Measured { .. } => None,
        },
        program_baseline_on: target.baseline.on().to_string(),
        history: history(&baselines, kpi, target, &points),
        fan,
        forecast,
        why,
        version: changes.last().map_or(0, |change| change.version),
        changes,
    })
}

/// A target in depth: its way month by month, where it leads, and its baseline's history.
#[utoipa::path(get, path = "/api/v1/targets/{id}", tag = "kpis", params(("id" = String, Path), DayAsked), responses((status = 200, body = Detail)))]
async fn show(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<DayAsked>,
) -> Result<Json<Detail>> {
    let definitions = definitions(&app)?;
    let day = day_of(&app, asked.as_of.as_deref())?;
    Ok(Json(detail(&app, &definitions, &id, day).await?))
}

/// Freezes a baseline.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreezeForm {
    /// The day to measure; the day of the present baseline when left out.
    on: Option<String>,
    /// Why.
    reason: String,
    /// `version` of the target as it was shown; 0 = nobody had changed its baseline yet.
    #[serde(default)]
    version: i64,
}

/// Gives a baseline back to the program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseForm {
    /// Why.
    reason: String,
    /// `version` of the target as it was shown.
    version: i64,
}

const LONGEST_REASON: usize = 1_000;

fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_REASON {
        return Err(Problem::field(
            "reason",
            text.chars().take(40).collect::<String>(),
            format!("is empty or longer than {LONGEST_REASON} characters"),
            "say in a sentence why the baseline is changed",
        ));
    }
    Ok(text.to_owned())
}

/// Keeps a change with its audit row, unless somebody was faster; the same change sent twice is one. Tells whether it was new.
async fn keep(app: &App, who: &Principal, version: i64, mut it: Freeze) -> Result<bool> {
    let tx = app.store.begin().await?;
    tx.exclusive("target_freezes").await?;
    let held = store::freezes(&tx, Some(&it.target)).await?;
    let newest = held.last();
    let at = newest.map_or(0, |held| held.version);
    if version != at {
        let same = newest.is_some_and(|held| {
            held.version == version + 1
                && held.actor == it.actor
                && (held.action, held.day, &held.reason) == (it.action, it.day, &it.reason)
        });
        if same {
            return Ok(false);
        }
        return Err(Problem::conflict(match newest {
            Some(held) => format!(
                "since you opened this, {} {} the baseline ({}): look at it, then decide again with version {at}",
                held.actor,
                held.action.name(),
                held.value
                    .map_or_else(|| "the program's".to_owned(), |value| value.to_string()),
            ),
            None => format!("the baseline is at version {at}: send that"),
        }));
    }
    it.version = at + 1;
    let detail = json!({ "version": it.version, "value": it.value, "on": it.day.map(|day| day.to_string()), "reason": it.reason });
    let action = match it.action {
        Action::Frozen => "target.baseline.freeze",
        Action::Released => "target.baseline.release",
    };
    store::put_freeze(&tx, &it).await?;
    audit(
        &tx,
        &app.clock,
        who,
        action,
        &format!("target:{}", it.target),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Measures a target's baseline, on its day or on another, and freezes it: from then on the way and the goal start there.
#[utoipa::path(post, path = "/api/v1/targets/{id}/baseline", tag = "kpis", params(("id" = String, Path)), request_body = FreezeForm, responses((status = 200, body = Detail)))]
async fn freeze(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<FreezeForm>,
) -> Result<Json<Detail>> {
    let definitions = definitions(&app)?;
    let (target, kpi) = find(&definitions, &id)?;
    let reason = reason(&form.reason)?;
    let on = match form.on.as_deref().map(str::trim).filter(|on| !on.is_empty()) {
        None => Baselines::load(&app).await?.in_force(target).on,
        Some(text) => text.parse().map_err(|_| {
            Problem::field(
                "on",
                text,
                "is not a day",
                "write it as YYYY-MM-DD, for example 2026-06-30",
            )
        })?,
    };
    let today = day_of(&app, None)?;
    if on > today || on.year() < 1970 || on >= target.deadline {
        return Err(Problem::field(
            "on",
            on,
            "lies in the future, before 1970, or not before the target's deadline",
            format!(
                "give {today} or a day before it, earlier than {}",
                target.deadline
            ),
        ));
    }
    let wanted = if target.scope == ALL {
        By::Nothing
    } else {
        By::Segment
    };
    let cells = figures(
        &app,
        &definitions,
        &[kpi],
        &[on],
        &wanted,
        std::slice::from_ref(&target.scope),
    )
    .await?;
    let value = cells
        .iter()
        .find(|cell| cell.scope == target.scope)
        .and_then(|cell| cell.figure.value)
        .ok_or_else(|| {
            Problem::field(
                "on",
                on,
                format!("has no figure of {}", kpi.label),
                "choose a day on which there is data",
            )
        })?;
    let it = Freeze {
        target: id.clone(),
        version: 0,
        action: Action::Frozen,
        value: Some(value),
        day: Some(on),
        reason,
        actor: who.actor.clone(),
        at: app.clock.micros(),
    };
    keep(&app, &who, form.version, it).await?;
    Ok(Json(detail(&app, &definitions, &id, today).await?))
}

/// Gives a baseline that was frozen by hand back to the program: what it states, or what is measured on its day.
#[utoipa::path(post, path = "/api/v1/targets/{id}/baseline/release", tag = "kpis", params(("id" = String, Path)), request_body = ReleaseForm, responses((status = 200, body = Detail)))]
async fn release(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<ReleaseForm>,
) -> Result<Json<Detail>> {
    let definitions = definitions(&app)?;
    let (target, _) = find(&definitions, &id)?;
    let reason = reason(&form.reason)?;
    let today = day_of(&app, None)?;
    let held = store::freezes(&app.store, Some(&id)).await?;
    let by_hand = Baselines::load(&app).await?.in_force(target).source == BaselineSource::ByHand;
    if !by_hand && held.last().is_none_or(|it| it.version == form.version) {
        return Err(Problem::conflict(
            "the baseline is the program's already: there is nothing to give back",
        ));
    }
    let it = Freeze {
        target: id.clone(),
        version: 0,
        action: Action::Released,
        value: None,
        day: None,
        reason,
        actor: who.actor.clone(),
        at: app.clock.micros(),
    };
    keep(&app, &who, form.version, it).await?;
    Ok(Json(detail(&app, &definitions, &id, today).await?))
}
