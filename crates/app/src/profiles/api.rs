//! `GET /api/v1/accounts/{id}/profile`.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::ToSpan;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::tickets::{self, Ticket};
use crate::App;
use crate::auth::Viewer;
use crate::contacts::{self, ContactItem};
use crate::events::{self, Kind, TimelineFilter, TimelineItem};
use crate::metrics::facts::date_of;
use crate::metrics::{AccountPage, Entry, account_on, as_of, today};
use crate::notes::{self, Line as Note};
use crate::owners::book::{Renewal, renewal};
use crate::owners::handover::{self, Line as Handover};
use crate::owners::settings::OwnerSettings;
use crate::owners::{self, MoveRow};
use crate::scores::stages::{self, Line as Stage};
use crate::web::{Json, Path, Query, Result, routes};

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(profile))
}

/// Events of the first page of the timeline.
const EVENTS: usize = 50;
/// Support events that tickets are made of.
const SUPPORT: usize = 500;
/// Weeks of the small histories of metrics.
const WEEKS: i32 = 26;

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The day; today when left out.
    as_of: Option<String>,
}

/// Metrics week by week, the last day being the one that the page stands for.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricHistory)]
struct History {
    /// The days.
    days: Vec<String>,
    /// MRR on them; null = unknown, 0 = not active.
    mrr: Vec<Option<f64>>,
    /// Metrics on them, by id; null = no data.
    metrics: BTreeMap<String, Vec<Option<f64>>>,
}

/// A stretch of days with one owner.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnerStretch)]
struct OwnerStretch {
    from: String,
    /// First day after it; null = still.
    to: Option<String>,
    owner: Option<String>,
}

/// Everything about an account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountProfile)]
struct Profile {
    account: AccountPage,
    /// What people read as the owner.
    owner_name: Option<String>,
    /// When it renews next.
    renewal: Option<Renewal>,
    /// Where in its life it is; null = the program names no lifecycle stage, or nobody told the account's.
    stage: Option<Stage>,
    history: History,
    /// The newest events; more with `GET /accounts/{id}/timeline?before=`.
    timeline: Vec<TimelineItem>,
    /// Where the timeline goes on; null = that is all.
    timeline_next: Option<String>,
    contacts: Vec<ContactItem>,
    /// The latest first.
    tickets: Vec<Ticket>,
    notes: Vec<Note>,
    owner_history: Vec<OwnerStretch>,
    /// Changes of the owner that were made here, with who and why; the latest first.
    owner_moves: Vec<MoveRow>,
    handovers: Vec<Handover>,
    /// The first day of which anything is known.
    first_day: String,
    /// Today where the program lives: the last day that can be asked for.
    today: String,
}

/// Everything known of an account, as it is or as it was on a day, with figures as they are known now.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/profile", tag = "accounts", params(("id" = String, Path), Asked), responses((status = 200, body = Profile)))]
async fn profile(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Profile>> {
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let now = today(&app);
    let (entry, account) = account_on(&app, &id, day).await?;
    let until = if day == now { i64::MAX } else { end_of(&app, day) };
    let before = (day != now).then(|| (until, String::new()));
    let filter = TimelineFilter {
        before: before.clone(),
        limit: EVENTS + 1,
        ..TimelineFilter::default()
    };
    let support = TimelineFilter {
        kind: Some(Kind::Support),
        before,
        limit: SUPPORT,
        ..TimelineFilter::default()
    };
    let (mut rows, support) = tokio::try_join!(
        events::timeline(&app, entry.no, &filter),
        events::timeline(&app, entry.no, &support),
    )?;
    let more = rows.len() > EVENTS;
    rows.truncate(EVENTS);
    let timeline_next = rows
        .last()
        .filter(|_| more)
        .map(|row| format!("{}~{}", row.occurred_at, row.message_id));
    let settings = owners::settings(&app).await?;
    let mut handovers = handover::of_account(&app, entry.no, 20).await?;
    if day != now {
        let end = as_of::instant(until);
        handovers.retain(|it| it.started_at < end);
    }
    Ok(Json(Profile {
        owner_name: owner_name(&app, &settings, account_owner(&entry, day)).await?,
        renewal: renewal(&entry, day).map(|it| it.1),
        stage: stage(&app, entry.no, day).await?,
        history: history(&app, &entry, day).await?,
        timeline: rows.into_iter().map(events::timeline_item).collect(),
        timeline_next,
        contacts: contacts::of_account(&app.store, entry.no, until, 500).await?,
        tickets: tickets::fold(support),
        notes: notes::of_account(&app, entry.no, until, 100).await?,
        owner_history: stretches(&entry, day),
        owner_moves: owners::moves_of(&app.store, entry.no, until).await?,
        handovers,
        first_day: date_of(entry.head.spans.first().map_or(day, |span| span.from).min(day)).to_string(),
        today: date_of(now).to_string(),
        account,
    }))
}

/// The instant at which a day ends where the program lives.
fn end_of(app: &App, day: i32) -> i64 {
    let next = date_of(day).saturating_add(1.day());
    next.to_zoned(app.time_zone())
        .map_or(i64::MAX, |at| at.timestamp().as_microsecond())
}

fn account_owner(entry: &Entry, day: i32) -> Option<&str> {
    entry.head.span_at(day).and_then(|span| span.owner.as_deref())
}

async fn owner_name(app: &App, settings: &OwnerSettings, owner: Option<&str>) -> Result<Option<String>> {
    let Some(owner) = owner else { return Ok(None) };
    if let Some(name) = settings.name_of(owner) {
        return Ok(Some(name.to_owned()));
    }
    let people = crate::auth::people(app).await?;
    Ok(Some(
        people
            .into_iter()
            .find(|person| person.email == owner)
            .map_or_else(|| owner.to_owned(), |person| person.name),
    ))
}

async fn stage(app: &App, no: i64, day: i32) -> Result<Option<Stage>> {
    let definitions = app.definitions();
    let field = definitions
        .as_ref()
        .and_then(|it| it.program.lifecycle_stage.as_deref());
    match field {
        Some(field) => Ok(stages::of(app, field, no, day).await?),
        None => Ok(None),
    }
}

async fn history(app: &App, entry: &Entry, day: i32) -> Result<History> {
    let days: Vec<i32> = (0..WEEKS).rev().map(|back| day - 7 * back).collect();
    let rows = as_of::history(app, entry.no, days.clone()).await?;
    let definitions = app.definitions();
    let metrics = definitions.iter().flat_map(|d| d.metrics.iter().enumerate());
    let metrics = metrics
        .map(|(at, metric)| {
            let value = |row: &Vec<f64>| row.get(at).copied().filter(|value| value.is_finite());
            (metric.id.clone(), rows.iter().map(value).collect())
        })
        .collect();
    let mrr = |day: &i32| match entry.head.span_at(*day) {
        Some(span) if span.active => span.mrr,
        _ => Some(0.0),
    };
    Ok(History {
        mrr: days.iter().map(mrr).collect(),
        days: days.iter().map(|day| date_of(*day).to_string()).collect(),
        metrics,
    })
}

/// The owners so far, the latest last.
fn stretches(entry: &Entry, day: i32) -> Vec<OwnerStretch> {
    let mut lines: Vec<OwnerStretch> = Vec::new();
    for span in entry.head.spans.iter().filter(|span| span.from <= day) {
        match lines.last_mut() {
            Some(last) if last.owner == span.owner => {}
            last => {
                let from = date_of(span.from).to_string();
                if let Some(last) = last {
                    last.to = Some(from.clone());
                }
                lines.push(OwnerStretch {
                    from,
                    to: None,
                    owner: span.owner.clone(),
                });
            }
        }
    }
    lines
}
