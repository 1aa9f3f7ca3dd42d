//! Handlers: the list of rejects, and taking them in again.

use axum::extract::State as FromState;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{Filter, Reject, State, Verdict, store};
use crate::App;
use crate::auth::{Csm, Principal, Viewer, audit};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// Rejects that one replay takes on at most; the answer says how many are left.
const AT_ONCE: i64 = 10_000;
/// Ids that one request may name.
const MOST_IDS: usize = 1_000;
/// Rejects that are replayed in one transaction.
const CHUNK: i64 = 500;

/// The routes of rejects.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(replay))
        .routes(routes!(correct))
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    /// Only of the import with this id.
    import: Option<String>,
    /// Only of this source.
    source: Option<String>,
    /// Only in this state: `open` or `replayed`.
    state: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1–500; 100 when not given.
    limit: Option<u32>,
}

/// A refused record.
#[derive(Debug, Serialize, ToSchema)]
struct RejectItem {
    id: String,
    /// When it arrived.
    at: String,
    /// Where it came from.
    source: String,
    /// The import that it belongs to.
    import: Option<String>,
    /// The file that it stands in.
    file: Option<String>,
    /// The line of that file, or the place in the batch.
    line: Option<i64>,
    /// What it was to become.
    kind: String,
    /// The field at fault.
    field: Option<String>,
    /// The field's value.
    value: Option<String>,
    /// Why it was refused.
    reason: String,
    /// What to do.
    remedy: String,
    /// The record as it came.
    record: String,
    state: State,
}

impl From<Reject> for RejectItem {
    fn from(it: Reject) -> Self {
        Self {
            at: Timestamp::from_microsecond(it.at).unwrap_or_default().to_string(),
            id: it.id,
            source: it.source,
            import: it.import_id,
            file: it.file,
            line: it.line,
            kind: it.kind,
            field: it.field,
            value: it.value,
            reason: it.reason,
            remedy: it.remedy,
            record: it.record,
            state: it.state,
        }
    }
}

/// A page of rejects.
#[derive(Debug, Serialize, ToSchema)]
struct RejectsPage {
    items: Vec<RejectItem>,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
    /// How many there are in all.
    total: i64,
}

fn state(name: Option<&str>) -> Result<Option<State>> {
    let Some(name) = name else { return Ok(None) };
    State::parse(name).map(Some).ok_or_else(|| {
        Problem::field(
            "state",
            name,
            "there is no such state",
            "ask for open or replayed",
        )
    })
}

/// Records that were refused, oldest first.
#[utoipa::path(get, path = "/api/v1/rejects", tag = "events", params(ListQuery), responses((status = 200, body = RejectsPage)))]
async fn list(
    _viewer: Viewer,
    FromState(app): FromState<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<RejectsPage>> {
    let after = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let parts = cursor
                .split_once('.')
                .and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
            Some(parts.ok_or_else(|| {
                Problem::field(
                    "cursor",
                    cursor,
                    "this is no cursor",
                    "give the next_cursor of the page before",
                )
            })?)
        }
    };
    let filter = Filter {
        import: query.import.as_deref(),
        source: query.source.as_deref(),
        state: state(query.state.as_deref())?,
        after,
        ids: &[],
    };
    let limit = i64::from(query.limit.unwrap_or(100).clamp(1, 500));
    let mut found = store::page(&app.store, &filter, limit + 1).await?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or(500));
    let next_cursor = if more {
        found.last().map(|last| format!("{}.{}", last.at, last.id))
    } else {
        None
    };
    let total = store::total(&app.store, &filter).await?;
    Ok(Json(RejectsPage {
        items: found.into_iter().map(RejectItem::from).collect(),
        next_cursor,
        total,
    }))
}

/// Which rejects to take in again: those named, those of an import, or all that are open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayRequest {
    /// Ids of rejects.
    #[serde(default)]
    ids: Vec<String>,
    /// The id of an import.
    import: Option<String>,
    /// Another mapping (YAML) for rejects of an import.
    map: Option<String>,
}

/// What a replay did.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Replayed {
    /// Rejects that are taken in now.
    replayed: usize,
    /// Rejects that are still refused; their reasons are up to date.
    still_rejected: usize,
    /// Open rejects that this request did not get to: send it again.
    left: i64,
}

/// Takes rejects in again, after their cause was repaired.
#[utoipa::path(post, path = "/api/v1/rejects/replay", tag = "events", request_body = ReplayRequest, responses((status = 200, body = Replayed)))]
async fn replay(
    csm: Csm,
    FromState(app): FromState<App>,
    Json(request): Json<ReplayRequest>,
) -> Result<Json<Replayed>> {
    if request.ids.len() > MOST_IDS {
        let problem = format!("at most {MOST_IDS} ids are taken at once");
        return Err(Problem::field(
            "ids",
            request.ids.len(),
            problem,
            "send several requests, or name the import",
        ));
    }
    let all = Filter {
        import: request.import.as_deref(),
        state: Some(State::Open),
        ids: &request.ids,
        ..Filter::default()
    };
    let mut done = Replayed::default();
    let mut last: Option<(i64, String)> = None;
    let mut seen = 0;
    while seen < AT_ONCE {
        let filter = Filter {
            after: last.as_ref().map(|(at, id)| (*at, id.as_str())),
            ..all
        };
        let chunk = store::page(&app.store, &filter, CHUNK).await?;
        let Some(end) = chunk.last() else { break };
        last = Some((end.at, end.id.clone()));
        seen += chunk.len() as i64;
        let counts = replay_chunk(&app, chunk, request.map.as_deref()).await?;
        done.replayed += counts.0;
        done.still_rejected += counts.1;
    }
    let open = store::total(&app.store, &all).await?;
    done.left = (open - done.still_rejected as i64).max(0);
    let tx = app.store.begin().await?;
    let detail = json!({ "replayed": done.replayed, "still_rejected": done.still_rejected });
    audit(
        &tx,
        &app.clock,
        &csm.0,
        "rejects.replay",
        request.import.as_deref().unwrap_or("rejects"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(done))
}

/// A record with its mistakes mended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Correction {
    /// The record as it is meant: for a row of a file its columns with their texts.
    #[schema(value_type = HashMap<String, Value>)]
    record: Map<String, Value>,
    /// The record as it was shown to whoever mended it.
    was: String,
}

/// Mends a refused record and takes it in. It stays refused, with the new reason, while something else is wrong. What came is kept.
#[utoipa::path(post, path = "/api/v1/rejects/{id}/corrections", tag = "events", params(("id" = String, Path)), request_body = Correction,
    responses((status = 200, body = RejectItem)))]
async fn correct(
    csm: Csm,
    FromState(app): FromState<App>,
    Path(id): Path<String>,
    Json(form): Json<Correction>,
) -> Result<Json<RejectItem>> {
    let before = store::one(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no reject {id}")))?;
    let record = Value::Object(form.record).to_string();
    if record.len() > super::LONGEST_RECORD {
        let problem = format!(
            "it has {} bytes, at most {} are kept",
            record.len(),
            super::LONGEST_RECORD
        );
        return Err(Problem::field(
            "record",
            record.len(),
            problem,
            "shorten its texts",
        ));
    }
    if before.state == State::Replayed && before.record == record {
        return note_correction(&app, &csm.0, &id, None).await.map(Json);
    }
    if before.state == State::Replayed || before.record != form.was {
        return Err(Problem::conflict(
            "somebody else mended or replayed this record meanwhile: load it again",
        ));
    }
    note_correction(&app, &csm.0, &id, Some((&before.record, &record))).await?;
    let mended = Reject { record, ..before };
    replay_chunk(&app, vec![mended], None).await?;
    let after = store::one(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no reject {id}")))?;
    Ok(Json(after.into()))
}

/// Keeps the mended record, and the one before it.
async fn note_correction(
    app: &App,
    who: &Principal,
    id: &str,
    change: Option<(&str, &str)>,
) -> Result<RejectItem> {
    let tx = app.store.begin().await?;
    if let Some((old, new)) = change
        && !store::rewrite(&tx, id, old, new, &who.actor, app.clock.micros()).await?
    {
        return Err(Problem::conflict(
            "somebody else mended or replayed this record meanwhile: load it again",
        ));
    }
    audit(
        &tx,
        &app.clock,
        who,
        "reject.correct",
        id,
        &json!({ "changed": change.is_some() }),
    )
    .await?;
    tx.commit().await?;
    let it = store::one(&app.store, id).await?;
    it.map(RejectItem::from)
        .ok_or_else(|| Problem::not_found(format!("there is no reject {id}")))
}

/// Gives each reject to the one who wrote it; returns how many were taken in, and how many not.
async fn replay_chunk(app: &App, chunk: Vec<Reject>, map: Option<&str>) -> Result<(usize, usize)> {
    let mut counts = (0, 0);
    let mut rest = chunk;
    for replayer in crate::replayers::all() {
        let (own, others): (Vec<Reject>, Vec<Reject>) =
            rest.into_iter().partition(|reject| replayer.owns(reject));
        rest = others;
        if own.is_empty() {
            continue;
        }
        let verdicts = replayer.replay(app, &own, map).await?;
        let tx = app.store.begin().await?;
        super::settle(&tx, &own, &verdicts).await?;
        tx.commit().await?;
        let taken = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Taken))
            .count();
        counts.0 += taken;
        counts.1 += own.len() - taken;
    }
    counts.1 += rest.len();
    Ok(counts)
}
