//! Erasure: every file and unsealed group that holds a person's or an account's events is rewritten without them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::datatypes::{Int32Type, Int64Type};
use tenure_lake::{Erase, EventRow, FileMeta};
use tenure_store::{StoreError, StoreResult};

use super::attribute::{attribute, device_of_row, rows_of};
use super::files::{discard, lake_fault};
use super::log::{Blob, Bulk, Core, State};
use super::{Subject, copies, row, store};
use crate::accounts::AccountNo;

/// Erases; tells how many events went. Their message ids stay known (as hashes), so that nobody brings the events back by sending them again.
pub(super) async fn erase(core: &Core, subject: &Subject) -> StoreResult<u64> {
    // What is known to be theirs has to carry their name first.
    while attribute(core).await? > 0 {}
    let _maintenance = core.maintenance.lock().await;
    let mut erase = whose(core, subject);
    erase.message_ids = of_devices(core, &erase.contact_ids).await?;
    let manifest = Arc::clone(&core.state.read().files);
    let mut told = sealed_summary(core, &erase).await?;
    let (mut old, mut new, mut removed) = (Vec::new(), Vec::new(), 0);
    // Contacts are not in the manifest's bounds, but the accounts and months that they were met in are.
    let holds = |file: &&FileMeta| {
        told.1.contains(&file.month)
            && told
                .0
                .range(file.min_account_no..=file.max_account_no)
                .next()
                .is_some()
    };
    for file in manifest.iter().filter(holds) {
        match core.lake.rewrite_without(file, &erase).await {
            Ok(it) if it.removed > 0 => {
                old.push(file.clone());
                new.extend(it.file);
                removed += it.removed;
            }
            Ok(_) => {}
            Err(error) => {
                discard(&core.lake, &new);
                return Err(lake_fault(error));
            }
        }
    }
    drop(manifest);
    core.point("erase.files_written").await;
    let outcome = commit(core, &erase, &old, new, &mut told).await?;
    // The housekeeping does both again.
    if let Err(error) = core.sweep().await.and(core.store.checkpoint().await) {
        tracing::warn!(%error, "replaced files or the records' log will be emptied later");
    }
    Ok(removed + outcome)
}

fn whose(core: &Core, subject: &Subject) -> Erase {
    let mut erase = Erase::default();
    match subject {
        // Those that are read as one person are one person.
        Subject::Contact(ids) => {
            let renames = core.accounts.renames();
            erase.contact_ids.extend(ids.iter().cloned());
            erase
                .contact_ids
                .extend(ids.iter().flat_map(|id| renames.contacts_of(id)));
        }
        Subject::Account(no) => {
            for no in core.accounts.group(AccountNo::new(*no)) {
                erase.account_nos.insert(no);
                erase
                    .account_ids
                    .extend(core.accounts.account_id(AccountNo::new(no)));
            }
        }
    }
    erase
}

/// Events of nobody from the person's devices: sealed ones; those of the tail are met when it is rewritten.
async fn of_devices(core: &Core, ids: &HashSet<String>) -> StoreResult<HashSet<String>> {
    let mut found = HashSet::new();
    if !ids.is_empty() {
        let rows = rows_of(core, &core.own_snapshot().await?.1, &store::device_query(ids)).await?;
        found.extend(rows.into_iter().map(|row| row.message_id));
    }
    Ok(found)
}

fn touches(erase: &Erase, row: &EventRow) -> bool {
    let named = |set: &HashSet<String>, id: &Option<String>| id.as_ref().is_some_and(|id| set.contains(id));
    (row.account_no != 0 && erase.account_nos.contains(&row.account_no))
        || named(&erase.account_ids, &row.account_id)
        || named(&erase.contact_ids, &row.contact_id)
        || erase.message_ids.contains(&row.message_id)
        || (!erase.contact_ids.is_empty() && named(&erase.contact_ids, &device_of_row(row)))
}

/// Accounts and months that lose events.
type Told = (BTreeSet<i64>, BTreeSet<i32>);

/// Whom the erased events of files concern.
async fn sealed_summary(core: &Core, erase: &Erase) -> StoreResult<Told> {
    let list = |set: &HashSet<String>| {
        set.iter()
            .map(|id| store::quoted(id))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut any = Vec::new();
    if !erase.account_nos.is_empty() {
        let numbers: Vec<String> = erase.account_nos.iter().map(i64::to_string).collect();
        any.push(format!("account_no IN ({})", numbers.join(", ")));
    }
    for (column, set) in [
        ("account_id", &erase.account_ids),
        ("contact_id", &erase.contact_ids),
    ] {
        if !set.is_empty() {
            any.push(format!("{column} IN ({})", list(set)));
        }
    }
    if !erase.message_ids.is_empty() {
        any.push(store::of_devices(&erase.contact_ids));
    }
    let mut told = Told::default();
    if any.is_empty() {
        return Ok(told);
    }
    let context = core.lake.context(&core.own_snapshot().await?.1);
    let batches = context
        .query(&store::months_query(&any))
        .await
        .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
    for batch in batches {
        told.0
            .extend(batch.column(0).as_primitive::<Int64Type>().values().iter());
        told.1
            .extend(batch.column(1).as_primitive::<Int32Type>().values().iter());
    }
    Ok(told)
}

/// The unsealed groups that hold events to erase, and what is left of each.
fn rewritten_tail(state: &State, erase: &Erase) -> BTreeMap<i64, (Vec<EventRow>, usize)> {
    let hit = state
        .tail
        .values()
        .filter(|blob| blob.rows.iter().any(|row| touches(erase, row)));
    hit.map(|blob| {
        let left: Vec<EventRow> = blob
            .rows
            .iter()
            .filter(|row| !touches(erase, row))
            .cloned()
            .collect();
        let removed = blob.rows.len() - left.len();
        (blob.seq, (left, removed))
    })
    .collect()
}

async fn commit(
    core: &Core,
    erase: &Erase,
    old: &[FileMeta],
    new: Vec<FileMeta>,
    told: &mut Told,
) -> StoreResult<u64> {
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let (before, tail) = {
        let state = core.state.read();
        for row in state
            .tail
            .values()
            .flat_map(|blob| blob.rows.iter())
            .filter(|row| touches(erase, row))
        {
            told.0.insert(row.account_no);
            told.1.insert(row.month);
        }
        (state.seq, rewritten_tail(&state, erase))
    };
    if old.is_empty() && tail.is_empty() {
        let tx = core.store.begin().await?;
        store::forget_people(&tx, erase.contact_ids.iter()).await?;
        copies::forget_all(&tx).await?;
        tx.commit().await?;
        core.erasures.fetch_add(1, Ordering::SeqCst);
        return Ok(0);
    }
    let seq = before + 1;
    let bulk = Bulk {
        accounts: Arc::new(told.0.iter().copied().collect()),
        months: Arc::new(told.1.iter().copied().collect()),
    };
    let change = async {
        let tx = core.store.begin().await?;
        store::advance(&tx, before, seq)
            .await
            .inspect_err(|_| core.distrust())?;
        store::retire_files(&tx, core.clock.micros(), old).await?;
        store::insert_files(&tx, core.clock.micros(), &new).await?;
        for (seq, (left, _)) in &tail {
            if left.is_empty() {
                store::delete_tail(&tx, &[*seq]).await?;
            } else {
                store::update_tail(&tx, *seq, left.len(), row::encode(left)?).await?;
            }
        }
        store::insert_bulk(&tx, seq, &bulk.accounts, &bulk.months).await?;
        store::forget_people(&tx, erase.contact_ids.iter()).await?;
        // Copies of what queries read may hold them too; which do is not known.
        copies::forget_all(&tx).await?;
        Ok(tx)
    };
    let tx = match change.await {
        Ok(tx) => tx,
        Err(error) => {
            discard(&core.lake, &new);
            return Err(error);
        }
    };
    core.point("erase.before_commit").await;
    core.commit(tx).await?;
    core.point("erase.committed").await;
    let removed = tail.values().map(|(_, removed)| *removed as u64).sum();
    {
        let mut state = core.state.write();
        for (seq, (left, _)) in tail {
            if left.is_empty() {
                state.tail.remove(&seq);
            } else if let Some(blob) = state.tail.get_mut(&seq) {
                *blob = Arc::new(Blob {
                    seq,
                    received_at: blob.received_at,
                    rows: Arc::new(left),
                });
            }
        }
        state.epoch += 1;
        state.seq = seq;
        state.bulks.insert(seq, bulk);
        core.replace_files(&mut state, new, old.to_vec());
    }
    // Not before: what was read until now may hold what is gone.
    core.erasures.fetch_add(1, Ordering::SeqCst);
    *core.packed.lock().await = super::files::Packed::default();
    core.announce(seq);
    Ok(removed)
}
