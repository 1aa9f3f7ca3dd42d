//! Handlers of the explorer.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_lake::arrow::array::{Array, AsArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Int32Type, Int64Type};
use tenure_lake::{EventRow, RecordBatch, from_batch};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::profile::{PropertyProfile, profile};
use super::store::{self, Wanted};
use crate::App;
use crate::accounts::normalise;
use crate::auth::Viewer;
use crate::events::{day_and_month, snapshot, snapshot_at};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of the explorer.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live_events))
        .routes(routes!(list_names))
        .routes(routes!(show_name))
}

/// Events whose properties are looked at.
const SAMPLE: usize = 5_000;

fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

#[derive(Debug, Deserialize, IntoParams)]
struct LiveQuery {
    /// The `cursor` of the answer before: only what arrived since.
    after: Option<i64>,
    /// Only events of this name.
    name: Option<String>,
    /// Only events of this source.
    source: Option<String>,
    /// Only events of the account with this id.
    account: Option<String>,
    /// How many at most, 1–200; 50 when not given.
    limit: Option<usize>,
}

/// An event as it arrived.
#[derive(Debug, Serialize, ToSchema)]
struct LiveEvent {
    message_id: String,
    name: String,
    kind: String,
    account_id: Option<String>,
    contact_id: Option<String>,
    source: String,
    occurred_at: String,
    received_at: String,
    #[schema(value_type = HashMap<String, Value>)]
    properties: serde_json::Value,
}

/// What arrived.
#[derive(Debug, Serialize, ToSchema)]
struct LiveEvents {
    /// The newest first.
    items: Vec<LiveEvent>,
    /// Whether more arrived than are shown.
    more: bool,
    /// Give it as `after` for what arrives next.
    cursor: i64,
}

impl From<EventRow> for LiveEvent {
    fn from(row: EventRow) -> Self {
        Self {
            properties: serde_json::from_str(&row.properties).unwrap_or_default(),
            occurred_at: instant(row.occurred_at),
            received_at: instant(row.received_at),
            message_id: row.message_id,
            name: row.name,
            kind: row.kind,
            account_id: row.account_id,
            contact_id: row.contact_id,
            source: row.source,
        }
    }
}

fn date(day: i32) -> String {
    let first = jiff::civil::date(1970, 1, 1);
    first.saturating_add(jiff::Span::new().days(day)).to_string()
}

fn text(given: Option<&String>) -> Option<&str> {
    given.map(|text| text.trim()).filter(|text| !text.is_empty())
}

async fn ask(app: &App, snapshot: &tenure_lake::Snapshot, sql: &str) -> Result<Vec<RecordBatch>> {
    let context = app.lake.context(snapshot);
    Ok(context
        .query(sql)
        .await
        .map_err(|error| anyhow::anyhow!("history: {}", error.message))?)
}

/// What arrived last, or since the last time. Asked again and again it is a live view.
#[utoipa::path(get, path = "/api/v1/events/live", tag = "events", params(LiveQuery), responses((status = 200, body = LiveEvents)))]
async fn live_events(
    _viewer: Viewer,
    State(app): State<App>,
    Query(query): Query<LiveQuery>,
) -> Result<Json<LiveEvents>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let account_no = match text(query.account.as_ref()) {
        None => None,
        Some(raw) => {
            let id = normalise(raw).ok().flatten();
            let known = id.and_then(|id| app.accounts.number(&id));
            let no = known.ok_or_else(|| Problem::not_found(format!("no account has the id “{raw}”")))?;
            Some(no.get())
        }
    };
    let (cursor, snapshot) = snapshot_at(&app).await?;
    if query.after.is_some_and(|after| after >= cursor) {
        return Ok(Json(LiveEvents {
            items: Vec::new(),
            more: false,
            cursor,
        }));
    }
    let wanted = Wanted {
        name: text(query.name.as_ref()),
        source: text(query.source.as_ref()),
        account_no,
        after: query.after,
    };
    let mut rows = Vec::new();
    for batch in ask(&app, &snapshot, &store::newest(&wanted, limit + 1)).await? {
        rows.extend(from_batch(&batch)?);
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Json(LiveEvents {
        items: rows.into_iter().map(LiveEvent::from).collect(),
        more,
        cursor,
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
struct NamesQuery {
    /// Days of the volume by day, 1–90; 30 when not given.
    days: Option<i32>,
}

/// A name of events.
#[derive(Debug, Serialize, ToSchema)]
struct EventName {
    name: String,
    kind: String,
    /// Events ever stored.
    events: i64,
    /// Accounts that have one.
    accounts: i64,
    first_seen: String,
    last_seen: String,
    /// Events on each of the last days, today last.
    per_day: Vec<i64>,
}

/// All names of events.
#[derive(Debug, Serialize, ToSchema)]
struct EventNames {
    names: Vec<EventName>,
    /// The last of the days.
    today: String,
}

/// A column of an answer as whole numbers.
fn numbers(batch: &RecordBatch, column: &str) -> Result<Vec<i64>> {
    let found = batch
        .column_by_name(column)
        .ok_or_else(|| anyhow::anyhow!("the answer has no column {column}"))?;
    let whole = match found.data_type() {
        DataType::Int32 => {
            return Ok(found
                .as_primitive::<Int32Type>()
                .values()
                .iter()
                .map(|it| i64::from(*it))
                .collect());
        }
        DataType::Int64 => found.clone(),
        _ => cast(found, &DataType::Int64).map_err(anyhow::Error::from)?,
    };
    Ok(whole.as_primitive::<Int64Type>().values().to_vec())
}

fn words(batch: &RecordBatch, column: &str) -> Result<Vec<String>> {
    let found = batch
        .column_by_name(column)
        .ok_or_else(|| anyhow::anyhow!("the answer has no column {column}"))?;
    let text = cast(found, &DataType::Utf8).map_err(anyhow::Error::from)?;
    let text = text.as_string::<i32>();
    Ok((0..text.len()).map(|row| text.value(row).to_owned()).collect())
}

/// Every name of events, with its volume by day.
#[utoipa::path(get, path = "/api/v1/events/names", tag = "events", params(NamesQuery), responses((status = 200, body = EventNames)))]
async fn list_names(
    _viewer: Viewer,
    State(app): State<App>,
    Query(query): Query<NamesQuery>,
) -> Result<Json<EventNames>> {
    let days = query.days.unwrap_or(30).clamp(1, 90);
    let (today, _) = day_and_month(app.clock.micros(), &app.time_zone());
    let from = today - days + 1;
    let snapshot = snapshot(&app).await?;
    let mut per_day: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for batch in ask(&app, &snapshot, &store::days(&date(from))).await? {
        let (names, kinds) = (words(&batch, "name")?, words(&batch, "kind")?);
        let (on, counts) = (numbers(&batch, "on_day")?, numbers(&batch, "events")?);
        for (((name, kind), day), events) in names.into_iter().zip(kinds).zip(on).zip(counts) {
            let line = per_day
                .entry((name, kind))
                .or_insert_with(|| vec![0; usize::try_from(days).unwrap_or(0)]);
            let at = usize::try_from(day - i64::from(from)).unwrap_or(usize::MAX);
            if let Some(count) = line.get_mut(at) {
                *count += events;
            }
        }
    }
    let mut found = Vec::new();
    for batch in ask(&app, &snapshot, store::names()).await? {
        let (names, kinds) = (words(&batch, "name")?, words(&batch, "kind")?);
        let (events, accounts) = (numbers(&batch, "events")?, numbers(&batch, "accounts")?);
        let (first, last) = (numbers(&batch, "first_at")?, numbers(&batch, "last_at")?);
        for (row, (name, kind)) in names.into_iter().zip(kinds).enumerate() {
            found.push(EventName {
                per_day: per_day
                    .remove(&(name.clone(), kind.clone()))
                    .unwrap_or_else(|| vec![0; usize::try_from(days).unwrap_or(0)]),
                name,
                kind,
                events: events[row],
                accounts: accounts[row],
                first_seen: instant(first[row]),
                last_seen: instant(last[row]),
            });
        }
    }
    Ok(Json(EventNames {
        names: found,
        today: date(today),
    }))
}

/// What the events of a name carry.
#[derive(Debug, Serialize, ToSchema)]
struct NameProfile {
    name: String,
    /// How many of its latest events were looked at.
    sample: usize,
    properties: Vec<PropertyProfile>,
    /// Its latest events.
    latest: Vec<LiveEvent>,
}

/// The properties of a name's latest events: types, how often they are filled, the most frequent values.
#[utoipa::path(get, path = "/api/v1/events/names/{name}", tag = "events", params(("name" = String, Path)), responses((status = 200, body = NameProfile)))]
async fn show_name(
    _viewer: Viewer,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<NameProfile>> {
    let wanted = Wanted {
        name: Some(&name),
        ..Wanted::default()
    };
    let mut rows: Vec<EventRow> = Vec::new();
    for batch in ask(&app, &snapshot(&app).await?, &store::latest(&wanted, SAMPLE)).await? {
        rows.extend(from_batch(&batch)?);
    }
    if rows.is_empty() {
        return Err(Problem::not_found(format!(
            "no event is called “{name}”: see GET /api/v1/events/names"
        )));
    }
    let (sample, properties) = profile(rows.iter().map(|row| row.properties.as_str()));
    rows.truncate(10);
    Ok(Json(NameProfile {
        name,
        sample,
        properties,
        latest: rows.into_iter().map(LiveEvent::from).collect(),
    }))
}
