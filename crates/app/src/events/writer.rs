//! Group commit: one task takes everything that waits and makes it durable in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tenure_lake::EventRow;
use tenure_store::{StoreError, StoreResult, Tx};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::accounts::{self, Context, Person, Stage};

use super::attribute::{self, Unattributed};
use super::ids::{self, Built, Hashes};
use super::log::{Blob, Core};
use super::rejects::{self, Reject};
use super::row;
use super::store::{self, SourceCounts, TailBody};
use super::{Appended, Event, Incoming, Kind};

/// Requests that may wait; more are refused with 503, so that memory and waiting times stay bounded.
const WAITING: usize = 4_096;
/// Kilobytes of events that may wait.
const WAITING_KB: usize = 32 * 1_024;
/// A group closes at this many events or bytes.
const GROUP_EVENTS: usize = 2_000;
const GROUP_BYTES: usize = 1 << 20;

/// Microseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000_000;
/// Hours for which arrivals are counted by the hour.
pub(super) const HOURS_KEPT: i64 = 15 * 24;

/// An event with what can be worked out before its turn.
pub(super) struct Prepared {
    pub(super) event: Event,
    pub(super) properties: String,
    pub(super) hash: u128,
    /// The device of an event that names no contact.
    pub(super) anonymous: Option<String>,
    /// Not sent by anybody: it tells of a change.
    made: bool,
}

impl Prepared {
    pub(super) fn new(mut event: Event) -> Self {
        let anonymous = attribute::device_of(&event);
        let properties = serde_json::Value::Object(std::mem::take(&mut event.properties)).to_string();
        Self {
            hash: ids::hash(&event.message_id),
            properties,
            event,
            anonymous,
            made: false,
        }
    }

    fn bytes(&self) -> usize {
        200 + self.properties.len() + self.event.message_id.len()
    }
}

struct Request {
    source: String,
    events: Vec<Prepared>,
    changes: Vec<accounts::Change>,
    rejects: Vec<Reject>,
    bytes: usize,
    answer: oneshot::Sender<StoreResult<Appended>>,
    _room: OwnedSemaphorePermit,
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Queue {
    requests: mpsc::Sender<Request>,
    room: Arc<Semaphore>,
}

impl Queue {
    pub(super) async fn append(&self, incoming: Incoming) -> StoreResult<Appended> {
        let Incoming {
            source,
            events,
            changes,
            rejects,
        } = incoming;
        if events.is_empty() && changes.is_empty() && rejects.is_empty() {
            return Ok(Appended::default());
        }
        let events: Vec<Prepared> = events.into_iter().map(Prepared::new).collect();
        let bytes = events.iter().map(Prepared::bytes).sum::<usize>()
            + changes.len() * 500
            + rejects
                .iter()
                .map(|reject| 500 + reject.record.len())
                .sum::<usize>();
        let full = || StoreError::Unavailable("too many events are waiting to be stored".to_owned());
        let kilobytes = u32::try_from((bytes / 1_024 + 1).min(WAITING_KB)).unwrap_or(1);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(kilobytes)
            .map_err(|_| full())?;
        let (answer, outcome) = oneshot::channel();
        self.requests
            .try_send(Request {
                source,
                events,
                changes,
                rejects,
                bytes,
                answer,
                _room: room,
            })
            .map_err(|_| full())?;
        outcome
            .await
            .map_err(|_| StoreError::Unavailable("the log's writer ended before the answer".to_owned()))?
    }
}

/// Starts the writer. It ends when every [`Queue`] is gone and what they sent is answered.
pub(super) fn start(core: Arc<Core>) -> (Queue, JoinHandle<()>) {
    let (requests, mut waiting) = mpsc::channel::<Request>(WAITING);
    let task = tokio::spawn(async move {
        while let Some(first) = waiting.recv().await {
            let mut group = vec![first];
            // Whoever is ready to send gets the chance to join this group; nobody is waited for.
            tokio::task::yield_now().await;
            let (mut events, mut bytes) = (group[0].events.len(), group[0].bytes);
            while events < GROUP_EVENTS
                && bytes < GROUP_BYTES
                && let Ok(next) = waiting.try_recv()
            {
                events += next.events.len();
                bytes += next.bytes;
                group.push(next);
            }
            flush(&core, group).await;
        }
    });
    (
        Queue {
            requests,
            room: Arc::new(Semaphore::new(WAITING_KB)),
        },
        task,
    )
}

async fn flush(core: &Core, group: Vec<Request>) {
    let outcome = store_group(core, &group).await;
    // One request that the database refuses must not take its neighbours down.
    if group.len() > 1 && matches!(outcome, Err(StoreError::Conflict(_) | StoreError::Other(_))) {
        for request in group {
            let alone = vec![request];
            let outcome = store_group(core, &alone).await;
            answer(alone, outcome);
        }
        return;
    }
    answer(group, outcome);
}

fn answer(group: Vec<Request>, outcome: StoreResult<Vec<Appended>>) {
    match outcome {
        Ok(each) => {
            for (request, appended) in group.into_iter().zip(each) {
                // A caller that has gone away needs no answer.
                let _ = request.answer.send(Ok(appended));
            }
        }
        Err(error) => {
            tracing::warn!(%error, requests = group.len(), "a group of events was not stored");
            for request in group {
                let _ = request.answer.send(Err(same(&error)));
            }
        }
    }
}

fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(text) => StoreError::Unavailable(text.clone()),
        StoreError::Conflict(text) => StoreError::Conflict(text.clone()),
        StoreError::Unsafe(text) => StoreError::Unsafe(text.clone()),
        StoreError::Other(text) => StoreError::Other(text.clone()),
    }
}

async fn store_group(core: &Core, group: &[Request]) -> StoreResult<Vec<Appended>> {
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let hashes: Vec<u128> = group
        .iter()
        .flat_map(|request| request.events.iter().map(|it| it.hash))
        .collect();
    let mut known = ids::known(&core.seen, &core.store, &hashes).await?;
    let (new, each) = sort_out(group, &mut known);
    let zone = core.zone.read().clone();
    let now = core.clock.micros();
    let mut stage = core.accounts.stage(Context {
        source: "",
        now,
        zone: &zone,
    });
    let tx = core.store.begin().await?;
    let seq = core.state.read().seq + 1;
    let made = apply_changes(&tx, &mut stage, group, seq, now).await?;
    let new: Vec<&Prepared> = new.into_iter().chain(&made).collect();
    store::add_counts(&tx, &count(group, &new, now)).await?;
    keep_rejects(&tx, group).await?;
    let rows = write(core, &tx, &mut stage, &new, seq).await?;
    core.commit(tx).await?;
    stage.publish();
    publish(core, rows, new.iter().map(|it| it.hash).collect());
    Ok(each)
}

async fn keep_rejects(tx: &Tx, group: &[Request]) -> StoreResult<()> {
    for request in group.iter().filter(|request| !request.rejects.is_empty()) {
        rejects::keep(tx, &request.rejects).await?;
    }
    Ok(())
}

/// Applies what became known about accounts and contacts, and gives the events that tell of it.
async fn apply_changes<'g>(
    tx: &Tx,
    stage: &mut Stage<'g>,
    group: &'g [Request],
    seq: i64,
    now: i64,
) -> StoreResult<Vec<Prepared>> {
    let mut by_source: BTreeMap<&str, Vec<accounts::Change>> = BTreeMap::new();
    for request in group.iter().filter(|request| !request.changes.is_empty()) {
        by_source
            .entry(&request.source)
            .or_default()
            .extend(request.changes.iter().cloned());
    }
    let mut made = Vec::new();
    for (source, changes) in by_source {
        stage.set_source(source);
        let applied = stage.apply(tx, &changes).await?;
        store::mark_known(tx, &applied.became_known).await?;
        made.extend(tell(&applied.accounts, source, seq, now, made.len()));
    }
    Ok(made)
}

/// The events that tell of changed accounts, numbered from `first` within the step `seq`.
pub(super) fn tell(
    accounts: &[accounts::Changed],
    source: &str,
    seq: i64,
    now: i64,
    first: usize,
) -> Vec<Prepared> {
    let mut made = Vec::new();
    for changed in accounts {
        for (name, properties) in told_by(&changed.fields) {
            let it = Prepared::new(Event {
                message_id: format!("tenure/account/{seq}/{}", first + made.len()),
                account: Some(changed.id.clone()),
                contact: None,
                name: name.to_owned(),
                kind: Kind::Account,
                occurred_at: changed.at,
                received_at: now,
                source: source.to_owned(),
                properties,
            });
            made.push(Prepared { made: true, ..it });
        }
    }
    made
}

/// The events that tell of changed fields: one for the owner, one for all others.
fn told_by(fields: &[(String, Json, Json)]) -> Vec<(&'static str, Map<String, Json>)> {
    let mut told = Vec::new();
    let mut changes = Map::new();
    for (field, old, new) in fields {
        if field == "owner" {
            told.push((
                "owner_changed",
                Map::from_iter([("from".to_owned(), old.clone()), ("to".to_owned(), new.clone())]),
            ));
        } else {
            changes.insert(field.clone(), Json::Array(vec![old.clone(), new.clone()]));
        }
    }
    if !changes.is_empty() {
        told.push((
            "account_updated",
            Map::from_iter([("changes".to_owned(), Json::Object(changes))]),
        ));
    }
    told
}

/// The events that are new, each once, and what becomes of each request.
fn sort_out<'a>(group: &'a [Request], known: &mut Hashes) -> (Vec<&'a Prepared>, Vec<Appended>) {
    let mut new = Vec::new();
    let mut each = Vec::with_capacity(group.len());
    for request in group {
        let mut appended = Appended::default();
        for it in &request.events {
            if known.insert(it.hash) {
                appended.accepted += 1;
                new.push(it);
            } else {
                appended.duplicates += 1;
            }
        }
        each.push(appended);
    }
    (new, each)
}

fn count(group: &[Request], new: &[&Prepared], now: i64) -> BTreeMap<String, SourceCounts> {
    let mut counts = counts_of(new.iter().map(|it| &it.event), now);
    // Everything sent is a duplicate, except what is new.
    let sent = group
        .iter()
        .flat_map(|request| &request.events)
        .map(|it| (&it.event, 1));
    for (event, n) in sent.chain(new.iter().filter(|it| !it.made).map(|it| (&it.event, -1))) {
        let it = match counts.get_mut(&event.source) {
            Some(it) => it,
            None => counts.entry(event.source.clone()).or_insert(SourceCounts {
                first_at: event.received_at,
                last_at: event.received_at,
                ..SourceCounts::default()
            }),
        };
        it.duplicates += n;
    }
    counts
}

/// The counters that stored events add to.
pub(super) fn counts_of<'a>(
    events: impl Iterator<Item = &'a Event>,
    now: i64,
) -> BTreeMap<String, SourceCounts> {
    let oldest = now.div_euclid(HOUR) - HOURS_KEPT;
    let mut counts: BTreeMap<String, SourceCounts> = BTreeMap::new();
    for event in events {
        let at = event.received_at;
        let it = match counts.get_mut(&event.source) {
            Some(it) => it,
            None => counts.entry(event.source.clone()).or_insert(SourceCounts {
                first_at: at,
                last_at: at,
                ..SourceCounts::default()
            }),
        };
        it.first_at = it.first_at.min(at);
        it.last_at = it.last_at.max(at);
        it.events += 1;
        let hour = at.div_euclid(HOUR);
        if hour >= oldest {
            *it.hours.entry(hour).or_default() += 1;
        }
        let lag = u64::try_from(at.saturating_sub(event.occurred_at)).unwrap_or(0);
        *it.lags
            .entry(i64::from(u64::BITS - lag.leading_zeros()))
            .or_default() += 1;
    }
    counts
}

pub(super) async fn write(
    core: &Core,
    tx: &Tx,
    stage: &mut Stage<'_>,
    new: &[&Prepared],
    seq: i64,
) -> StoreResult<Vec<EventRow>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    store::advance(tx, seq - 1, seq)
        .await
        .inspect_err(|_| core.distrust())?;
    // Who came to be known between a request's arrival and its turn is known here.
    let events: Vec<Event> = new
        .iter()
        .map(|it| {
            let named = Person {
                contact: it.event.contact.clone(),
                account: it.event.account.clone(),
            };
            let Person { contact, account } = stage.person(&named, it.anonymous.as_deref()).unwrap_or(named);
            Event {
                contact,
                account,
                ..it.event.clone()
            }
        })
        .collect();
    let numbers = stage
        .numbers(tx, events.iter().filter_map(|event| event.account.as_deref()))
        .await?;
    let zone = core.zone.read().clone();
    let mut unattributed = Unattributed::default();
    let mut rows: Vec<EventRow> = Vec::with_capacity(new.len());
    for (it, event) in new.iter().zip(events) {
        let account = event.account.as_ref().and_then(|id| numbers.get(id));
        let no = account.map_or(0, |no| no.get());
        let row = row::row_of(seq, event, it.properties.clone(), no, &zone);
        unattributed.note(&row, it.anonymous.as_deref());
        rows.push(row);
    }
    store::note_unattributed(tx, &unattributed, |_, _| false).await?;
    let times = rows.iter().map(|row| row.occurred_at);
    let tail = TailBody {
        seq,
        events: rows.len(),
        min_at: times.clone().min().unwrap_or(0),
        max_at: times.max().unwrap_or(0),
        received_at: core.clock.micros(),
        body: row::encode(&rows)?,
    };
    store::insert_tail(tx, &tail).await?;
    let mut hashes: Vec<u128> = new.iter().map(|it| it.hash).collect();
    hashes.sort_unstable();
    store::insert_run(tx, seq, &mut Built::small(&hashes)).await?;
    Ok(rows)
}

pub(super) fn publish(core: &Core, rows: Vec<EventRow>, hashes: Vec<u128>) {
    let Some(first) = rows.first() else { return };
    let seq = first.seq;
    core.seen.write().add_small(seq, &hashes);
    {
        let mut state = core.state.write();
        state.seq = seq;
        let blob = Blob {
            seq,
            received_at: core.clock.micros(),
            rows: Arc::new(rows),
        };
        state.tail.insert(seq, Arc::new(blob));
    }
    core.announce(seq);
}
