//! Attribution after the fact: a visitor's events come before anybody knows who the visitor is, and a user's before it is known whose user
//! that is. When it becomes known (identify, alias, group, an import), those events become the person's and the account's.
//!
//! Each transaction that stores such events notes of whom there are some, and in which months (`event_unattributed`); the transaction in
//! which somebody becomes known marks the notes of that id. [`attribute`] works marked notes off: it takes the events out of their files and
//! groups and appends them again, attributed, in one transaction. Reactors meet them as live events of their account. Message ids stay
//! as they are, so nothing is counted twice. An event that is stored later finds its person in its own transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;
use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Int32Type, Int64Type};
use tenure_lake::{Erase, EventRow, FileMeta, Snapshot, from_batch};
use tenure_store::{StoreError, StoreResult};

use super::files::{Packed, discard, lake_fault};
use super::log::{Blob, Core};
use super::seal::summary;
use super::store::{self, TailBody};
use super::{Event, Kind, row};
use crate::accounts::{Directory, Person};

/// People that are worked off together.
const PEOPLE: i64 = 500;
/// Sealed events that are worked off together.
const EVENTS: usize = 50_000;
/// Events of an appended group.
const GROUP: usize = 2_000;

/// Of whom (device or contact), with which account (0 = none) and in which months there are events that are not wholly attributed.
#[derive(Clone, Debug, Default)]
pub(super) struct Unattributed(BTreeSet<(String, i64, i32)>);

impl Unattributed {
    /// Notes a row, if more can become known of it; `anonymous` is its device.
    pub(super) fn note(&mut self, row: &EventRow, anonymous: Option<&str>) {
        match (&row.contact_id, anonymous) {
            (Some(contact), _) if row.account_no == 0 => {
                self.insert(contact.clone(), row.account_no, row.month);
            }
            (None, Some(anonymous)) => self.insert(anonymous.to_owned(), row.account_no, row.month),
            _ => {}
        }
    }

    pub(super) fn insert(&mut self, id: String, account: i64, month: i32) {
        self.0.insert((id, account, month));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, i64, i32)> {
        self.0.iter()
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(id, _, _)| id.as_str()).collect()
    }
}

/// The device of an event that names no contact.
pub(super) fn device_of(event: &Event) -> Option<String> {
    if event.contact.is_some() || event.kind == Kind::Account {
        return None;
    }
    let device = event.properties.get("$context")?.get("anonymous_id")?;
    device.as_str().map(str::to_owned)
}

/// As [`device_of`], of a stored event.
pub(super) fn device_of_row(row: &EventRow) -> Option<String> {
    if row.contact_id.is_some() || !row.properties.contains("anonymous_id") {
        return None;
    }
    let properties: Json = serde_json::from_str(&row.properties).ok()?;
    let device = properties.get("$context")?.get("anonymous_id")?;
    device.as_str().map(str::to_owned)
}

/// The events that a question to the lake gives.
pub(super) async fn rows_of(core: &Core, snapshot: &Snapshot, sql: &str) -> StoreResult<Vec<EventRow>> {
    let context = core.lake.context(snapshot);
    let batches = context
        .query(sql)
        .await
        .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(from_batch(&batch).map_err(lake_fault)?);
    }
    Ok(rows)
}

/// What is taken out of files and groups, and what is appended instead.
#[derive(Default)]
struct Moves {
    /// Whom devices turned out to belong to.
    people: HashMap<String, String>,
    old: Vec<FileMeta>,
    new: Vec<FileMeta>,
    /// What is left of unsealed groups.
    tail: BTreeMap<i64, Vec<EventRow>>,
    /// Events that had no account: they are new to the one that they get.
    rows: Vec<EventRow>,
    /// Events whose account had them already, without their contact.
    had: Vec<EventRow>,
    /// Of whom nothing more was known in spite of the note.
    stays: Unattributed,
}

impl Moves {
    /// A row as it is with what is known now; `None` = nothing more is known of it.
    fn attributed(&self, core: &Core, row: &EventRow, device: Option<&str>) -> Option<EventRow> {
        let named = Person {
            contact: row.contact_id.clone(),
            account: row.account_id.clone(),
        };
        let person = device.and_then(|device| self.people.get(device).map(String::as_str));
        let known = core
            .accounts
            .person(&named, person)
            .filter(|_| person.is_some())
            .or_else(|| core.accounts.person(&named, device))?;
        let no = known.account.as_deref().and_then(|id| core.accounts.number(id));
        Some(EventRow {
            account_no: no.map_or(row.account_no, |no| no.get()),
            account_id: known.account,
            contact_id: known.contact,
            ..row.clone()
        })
    }

    fn take(&mut self, before: &EventRow, after: EventRow) {
        if before.account_no == 0 {
            self.rows.push(after);
        } else {
            self.had.push(after);
        }
    }

    fn len(&self) -> usize {
        self.rows.len() + self.had.len()
    }

    /// The groups to append after `seq`, and whether their accounts are to be built anew: an event that an account has already is not new to it.
    fn groups(&self, seq: i64) -> Vec<(i64, bool, Arc<Vec<EventRow>>)> {
        let new = self.rows.chunks(GROUP).map(|rows| (false, rows));
        let had = self.had.chunks(GROUP).map(|rows| (true, rows));
        (seq + 1..)
            .zip(new.chain(had))
            .map(|(seq, (had, rows))| {
                let rows = rows.iter().map(|row| EventRow { seq, ..row.clone() });
                (seq, had, Arc::new(rows.collect()))
            })
            .collect()
    }
}

/// Works a batch of people off; tells how many events were attributed. 0 = nobody waits.
pub(super) async fn attribute(core: &Core) -> StoreResult<usize> {
    let _maintenance = core.maintenance.lock().await;
    note_old(core).await?;
    loop {
        let (notes, people) = store::known_unattributed(&core.store, PEOPLE).await?;
        if notes.0.is_empty() {
            return Ok(0);
        }
        let mut moves = Moves {
            people,
            ..Moves::default()
        };
        let outcome = match from_files(core, &notes, &mut moves).await {
            Ok(whole) => {
                core.point("attribute.files_written").await;
                commit(core, &notes, &mut moves, whole).await
            }
            Err(error) => Err(Outcome::Not(error)),
        };
        match outcome {
            Ok(()) => {}
            Err(Outcome::Not(error)) => {
                discard(&core.lake, &moves.new);
                return Err(error);
            }
            Err(Outcome::Unknown(error)) => return Err(error),
        }
        if let Err(error) = core.sweep().await {
            tracing::warn!(%error, "replaced files will be deleted later");
        }
        // Notes may be all there was; then the next ones are looked at.
        if moves.len() > 0 {
            return Ok(moves.len());
        }
    }
}

/// Whether something that failed can have happened all the same.
enum Outcome {
    Not(StoreError),
    Unknown(StoreError),
}

impl From<StoreError> for Outcome {
    fn from(error: StoreError) -> Self {
        Self::Not(error)
    }
}

/// Whether something is known of a device or contact that an event with this account (0 = none) lacks.
pub(super) fn is_known(directory: &Directory, id: &str, account: i64) -> bool {
    let contact = directory.contact(id);
    if account != 0 {
        return contact.is_some();
    }
    contact.is_some_and(|known| known.id != id || !known.account.is_none())
        || directory.device_account(id).is_some()
}

/// Writes the files anew that hold events of these people; tells whether it came to the end of them.
async fn from_files(core: &Core, notes: &Unattributed, moves: &mut Moves) -> StoreResult<bool> {
    let manifest = Arc::clone(&core.state.read().files);
    let accounts: BTreeSet<i64> = notes.iter().map(|(_, account, _)| *account).collect();
    let months: BTreeSet<i32> = notes.iter().map(|(_, _, month)| *month).collect();
    let holds = |file: &&FileMeta| {
        let range = file.min_account_no..=file.max_account_no;
        months.contains(&file.month) && accounts.range(range).next().is_some()
    };
    for file in manifest.iter().filter(holds) {
        let room = EVENTS - moves.len().min(EVENTS);
        if room == 0 {
            return Ok(false);
        }
        let only = Snapshot {
            files: Arc::new(vec![file.clone()]),
            ..Snapshot::default()
        };
        let found = rows_of(
            core,
            &only,
            &store::unattributed_query(&accounts, &notes.ids(), room),
        )
        .await?;
        let full = found.len() == room;
        let mut gone = Erase::default();
        for row in found {
            let device = device_of_row(&row);
            match moves.attributed(core, &row, device.as_deref()) {
                Some(after) => {
                    gone.message_ids.insert(row.message_id.clone());
                    moves.take(&row, after);
                }
                None => moves.stays.note(&row, device.as_deref()),
            }
        }
        if !gone.message_ids.is_empty() {
            let rewritten = core.lake.rewrite_without(file, &gone).await.map_err(lake_fault)?;
            moves.old.push(file.clone());
            moves.new.extend(rewritten.file);
        }
        if full && !gone.message_ids.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// As [`from_files`], of the unsealed groups. The caller holds `commit`.
fn from_tail(core: &Core, notes: &Unattributed, moves: &mut Moves) {
    let ids: HashSet<&str> = notes.ids().into_iter().collect();
    for (seq, blob) in &core.state.read().tail {
        let mut left = Vec::new();
        let before = moves.len();
        for row in blob.rows.iter() {
            let device = device_of_row(row);
            let waits = match &row.contact_id {
                Some(contact) => row.account_no == 0 && ids.contains(contact.as_str()),
                None => device.as_deref().is_some_and(|device| ids.contains(device)),
            };
            let after = if waits {
                moves.attributed(core, row, device.as_deref())
            } else {
                None
            };
            if let Some(after) = after {
                moves.take(row, after);
                continue;
            }
            if waits {
                moves.stays.note(row, device.as_deref());
            }
            left.push(row.clone());
        }
        if moves.len() > before {
            moves.tail.insert(*seq, left);
        }
    }
}

async fn commit(core: &Core, notes: &Unattributed, moves: &mut Moves, whole: bool) -> Result<(), Outcome> {
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    from_tail(core, notes, moves);
    let before = core.state.read().seq;
    let mut again = std::mem::take(&mut moves.stays);
    let (mut rows, mut had) = (std::mem::take(&mut moves.rows), std::mem::take(&mut moves.had));
    for row in rows.iter_mut().chain(&mut had) {
        let device = device_of_row(row);
        // More may have become known while the files were written.
        if let Some(more) = moves.attributed(core, row, device.as_deref()) {
            *row = more;
        }
        again.note(row, device.as_deref());
    }
    let now = core.clock.micros();
    (moves.rows, moves.had) = (rows, had);
    let groups = moves.groups(before);
    let last = groups.last().map_or(before, |(seq, _, _)| *seq);
    let tx = core.store.begin().await?;
    store::advance(&tx, before, last)
        .await
        .inspect_err(|_| core.distrust())?;
    store::retire_files(&tx, now, &moves.old).await?;
    store::insert_files(&tx, now, &moves.new).await?;
    for (seq, left) in &moves.tail {
        if left.is_empty() {
            store::delete_tail(&tx, &[*seq]).await?;
        } else {
            store::update_tail(&tx, *seq, left.len(), row::encode(left)?).await?;
        }
    }
    for (seq, had, rows) in &groups {
        if *had {
            let told = summary(rows);
            store::insert_bulk(&tx, *seq, &told.accounts, &told.months).await?;
        }
        let times = rows.iter().map(|row| row.occurred_at);
        let body = TailBody {
            seq: *seq,
            events: rows.len(),
            min_at: times.clone().min().unwrap_or(0),
            max_at: times.max().unwrap_or(0),
            received_at: now,
            body: row::encode(rows)?,
        };
        store::insert_tail(&tx, &body).await?;
    }
    if whole {
        store::forget_unattributed(&tx, notes).await?;
    }
    store::note_unattributed(&tx, &again, |id, account| is_known(&core.accounts, id, account)).await?;
    core.point("attribute.before_commit").await;
    core.commit(tx).await.map_err(Outcome::Unknown)?;
    core.point("attribute.committed").await;
    publish(core, moves, groups, last).await;
    Ok(())
}

/// Shows what was committed.
async fn publish(core: &Core, moves: &Moves, groups: Vec<(i64, bool, Arc<Vec<EventRow>>)>, last: i64) {
    let now = core.clock.micros();
    {
        let mut state = core.state.write();
        for (seq, left) in &moves.tail {
            if left.is_empty() {
                state.tail.remove(seq);
            } else if let Some(blob) = state.tail.get_mut(seq) {
                *blob = Arc::new(Blob {
                    seq: *seq,
                    received_at: blob.received_at,
                    rows: Arc::new(left.clone()),
                });
            }
        }
        for (seq, had, rows) in groups {
            if had {
                state.bulks.insert(seq, summary(&rows));
            }
            let blob = Blob {
                seq,
                received_at: now,
                rows,
            };
            state.tail.insert(seq, Arc::new(blob));
        }
        state.epoch += 1;
        state.seq = last;
        core.replace_files(&mut state, moves.new.clone(), moves.old.clone());
    }
    *core.packed.lock().await = Packed::default();
    core.announce(last);
}

/// Notes the events that were stored before there were notes. Once for a folder.
async fn note_old(core: &Core) -> StoreResult<()> {
    if store::is_noted(&core.store).await? {
        return Ok(());
    }
    let context = core.lake.context(&core.own_snapshot().await?.1);
    let batches = context
        .query(store::UNATTRIBUTED_QUERY)
        .await
        .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
    let mut notes = Unattributed::default();
    for batch in batches {
        let text = cast(batch.column(0), &DataType::Utf8).map_err(|error| lake_fault(error.into()))?;
        let accounts = batch.column(1).as_primitive::<Int64Type>().values();
        let months = batch.column(2).as_primitive::<Int32Type>().values();
        for ((id, account), month) in text.as_string::<i32>().iter().zip(accounts).zip(months) {
            if let Some(id) = id {
                notes.insert(id.to_owned(), *account, *month);
            }
        }
    }
    let _commit = core.commit.lock().await;
    let tx = core.store.begin().await?;
    store::note_unattributed(&tx, &notes, |id, account| is_known(&core.accounts, id, account)).await?;
    store::set_noted(&tx).await?;
    tx.commit().await
}
