//! Handlers: the sources, what is expected of them, and alarms.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::store::{self, Alarm, Expectation};
use super::{reactor, rules};
use crate::App;
use crate::auth::{Manager, Viewer, audit};
use crate::events::store::{SourceCounts, sources};
use crate::web::{Json, Path, Problem, Result, routes};

/// The routes of sources.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_sources))
        .routes(routes!(list_alarms))
        .routes(routes!(set_expectation))
}

const HOUR: i64 = 3_600_000_000;
/// The longest silence that can be expected, in seconds.
const LONGEST: i64 = 90 * 86_400;

fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// How a source's silence is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SourceState {
    /// Its last event is as recent as is expected.
    Heard,
    /// It has been silent for longer than expected.
    Silent,
    /// Too little is known of it to expect anything.
    Unknown,
    /// Its silence means nothing.
    Muted,
}

/// What is expected of a source.
#[derive(Debug, Serialize, ToSchema)]
struct SourceExpectation {
    /// Seconds that it may be silent; null = no limit.
    every_s: Option<i64>,
    /// What its own past teaches; null = too little is known.
    learned_s: Option<i64>,
    /// Whether the limit was set by hand.
    set: bool,
    /// Whether its silence means nothing.
    muted: bool,
    /// Give it with a change.
    version: i64,
}

/// One source of events.
#[derive(Debug, Serialize, ToSchema)]
struct SourceItem {
    source: String,
    /// When its first event arrived.
    first_event_at: String,
    /// When its last event arrived.
    last_event_at: String,
    /// Events ever stored.
    events: i64,
    /// Events that arrived in the last 24 hours, to the hour.
    events_24h: i64,
    /// Records refused and kept for replay.
    rejected: i64,
    /// Share of what it sent that was refused.
    rejected_share: f64,
    /// Events dropped because their message id had been seen.
    duplicates: i64,
    /// Median delay between happening and arrival, in seconds, of all events; accurate to a factor of two.
    lag_p50_s: Option<f64>,
    /// The delay that 95 % of its events stay below, with the same accuracy.
    lag_p95_s: Option<f64>,
    /// Events in each of the last 24 hours.
    per_hour: Vec<i64>,
    /// Events in each of the last 14 times 24 hours.
    per_day: Vec<i64>,
    state: SourceState,
    expectation: SourceExpectation,
}

/// All sources.
#[derive(Debug, Serialize, ToSchema)]
struct SourcesList {
    sources: Vec<SourceItem>,
    /// The instant that they are shown for.
    at: String,
}

/// Where events come from, how many, how late, and whether they still come.
#[utoipa::path(get, path = "/api/v1/sources", tag = "events", responses((status = 200, body = SourcesList)))]
async fn list_sources(State(app): State<App>, _viewer: Viewer) -> Result<Json<SourcesList>> {
    let now = app.clock.micros();
    let said: BTreeMap<String, Expectation> = store::expectations(&app.store).await?;
    let sources = sources(&app.store)
        .await?
        .into_iter()
        .map(|(source, counts)| {
            let said = said.get(&source).cloned().unwrap_or_default();
            item(source, &counts, &said, now)
        })
        .collect();
    Ok(Json(SourcesList {
        sources,
        at: instant(now),
    }))
}

fn item(source: String, counts: &SourceCounts, said: &Expectation, now: i64) -> SourceItem {
    let hour = now.div_euclid(HOUR);
    let every_s = reactor::allowed(&source, said, counts, now);
    let state = match every_s {
        _ if said.muted => SourceState::Muted,
        None => SourceState::Unknown,
        Some(every) if now - counts.last_at > every * 1_000_000 => SourceState::Silent,
        Some(_) => SourceState::Heard,
    };
    let sent = counts.events + counts.rejected;
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let rejected_share = if sent == 0 {
        0.0
    } else {
        counts.rejected as f64 / sent as f64
    };
    let per_hour = rules::buckets(&counts.hours, hour, 24, 1);
    SourceItem {
        first_event_at: instant(counts.first_at),
        last_event_at: instant(counts.last_at),
        events: counts.events,
        events_24h: per_hour.iter().sum(),
        rejected: counts.rejected,
        rejected_share,
        duplicates: counts.duplicates,
        lag_p50_s: rules::lag(&counts.lags, 0.5),
        lag_p95_s: rules::lag(&counts.lags, 0.95),
        per_day: rules::buckets(&counts.hours, hour, 14, 24),
        per_hour,
        state,
        expectation: SourceExpectation {
            every_s,
            learned_s: rules::learned(&counts.hours, hour),
            set: said.every_s.is_some(),
            muted: said.muted,
            version: said.version,
        },
        source,
    }
}

/// A source that fell silent.
#[derive(Debug, Serialize, ToSchema)]
struct AlarmItem {
    source: String,
    raised_at: String,
    /// When its last event before had come.
    last_event_at: String,
    /// Seconds that it could be silent.
    every_s: i64,
    /// When it was over; null = it is silent still.
    cleared_at: Option<String>,
    /// `event`: it was heard again; `setting`: somebody expects less of it.
    cleared_by: Option<String>,
}

/// Alarms.
#[derive(Debug, Serialize, ToSchema)]
struct AlarmsList {
    /// How many are open.
    open: usize,
    /// The open ones, then the latest of the others.
    alarms: Vec<AlarmItem>,
}

/// Sources that are silent, and that were.
#[utoipa::path(get, path = "/api/v1/sources/alarms", tag = "events", responses((status = 200, body = AlarmsList)))]
async fn list_alarms(_viewer: Viewer, State(app): State<App>) -> Result<Json<AlarmsList>> {
    let alarms: Vec<Alarm> = store::alarms(&app.store, 50).await?;
    Ok(Json(AlarmsList {
        open: alarms.iter().filter(|it| it.cleared_at.is_none()).count(),
        alarms: alarms
            .into_iter()
            .map(|it| AlarmItem {
                raised_at: instant(it.raised_at),
                last_event_at: instant(it.last_at),
                every_s: it.every_s,
                cleared_at: it.cleared_at.map(instant),
                cleared_by: it.cleared_by,
                source: it.source,
            })
            .collect(),
    }))
}

/// What is to be expected of a source.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExpectationForm {
    /// The version that the change was made to; 0 = nothing was set before.
    version: i64,
    /// Seconds that it may be silent; null = what its own past teaches.
    every_s: Option<i64>,
    /// Its silence means nothing.
    #[serde(default)]
    muted: bool,
}

/// Says how long a source may be silent before an alarm is raised.
#[utoipa::path(put, path = "/api/v1/sources/{source}/expectation", tag = "events", params(("source" = String, Path)), request_body = ExpectationForm,
    responses((status = 200, body = SourceItem)))]
async fn set_expectation(
    manager: Manager,
    State(app): State<App>,
    Path(source): Path<String>,
    Json(form): Json<ExpectationForm>,
) -> Result<Json<SourceItem>> {
    let known = sources(&app.store).await?;
    let Some((_, counts)) = known.into_iter().find(|(name, _)| *name == source) else {
        return Err(Problem::not_found(format!(
            "no source is called “{source}”: see GET /api/v1/sources"
        )));
    };
    if let Some(every) = form.every_s.filter(|every| !(60..=LONGEST).contains(every)) {
        return Err(Problem::field(
            "every_s",
            every,
            "is not between a minute and 90 days",
            "give seconds, such as 86400 for a day",
        ));
    }
    let it = Expectation {
        every_s: form.every_s,
        muted: form.muted,
        version: form.version + 1,
    };
    let now = app.clock.micros();
    let tx = app.store.begin().await?;
    if !store::expect(&tx, &source, &it, &manager.0.actor, now).await? {
        return Err(Problem::conflict(
            "somebody else changed what is expected of this source meanwhile: load it again",
        ));
    }
    let detail = json!({ "every_s": it.every_s, "muted": it.muted });
    audit(&tx, &app.clock, &manager.0, "source.expect", &source, &detail).await?;
    tx.commit().await?;
    reactor::check(&app).await?;
    Ok(Json(item(source, &counts, &it, now)))
}
