//! Sealing: settled events leave the record store for files. The files are durable before the one transaction that puts them into the
//! manifest and takes the events out of the tail, so at every moment each event stands in exactly one of the two.

use std::collections::BTreeSet;
use std::sync::Arc;

use tenure_lake::EventRow;
use tenure_store::StoreResult;

use super::bulk::write_rows;
use super::files::discard;
use super::log::{Blob, Bulk, Core, blocking};
use super::store;

/// When events are sealed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sealed when so many are waiting,
    pub events: usize,
    /// or when the oldest has waited so long (microseconds).
    pub age: i64,
    /// Above this number a reactor that lags behind is not waited for: it is told instead to rebuild the accounts.
    pub most: usize,
}

impl Default for Limits {
    /// 20,000 events or an hour; 300,000 at most.
    fn default() -> Self {
        Self {
            events: 20_000,
            age: 3_600_000_000,
            most: 300_000,
        }
    }
}

/// Seals what is settled; tells how many events.
pub(super) async fn seal(core: &Core, limits: Limits) -> StoreResult<usize> {
    let _maintenance = core.maintenance.lock().await;
    let slowest = store::slowest_cursor(&core.store).await?.unwrap_or(i64::MAX);
    let (settled, announced) = {
        let state = core.state.read();
        (
            settled(state.tail.values(), slowest, core.clock.micros(), limits),
            state.bulks.range(..=slowest).next().is_some(),
        )
    };
    if settled.is_empty() && !announced {
        return Ok(0);
    }
    // Copying and dropping so many rows would hold up the requests that share the thread.
    let (settled, rows) = blocking(move || {
        let rows: Vec<EventRow> = settled
            .iter()
            .flat_map(|blob| blob.rows.iter().cloned())
            .collect();
        Ok((settled, rows))
    })
    .await?;
    let sealed = rows.len();
    let files = write_rows(core, Arc::new(rows)).await?;
    core.point("seal.files_written").await;

    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let seq = core.state.read().seq;
    let seqs: Vec<i64> = settled.iter().map(|blob| blob.seq).collect();
    let told: Vec<(i64, Bulk)> = settled
        .iter()
        .filter(|blob| blob.seq > slowest && !core.state.read().bulks.contains_key(&blob.seq))
        .map(|blob| (blob.seq, summary(&blob.rows)))
        .collect();
    let change = async {
        let tx = core.store.begin().await?;
        store::advance(&tx, seq, seq)
            .await
            .inspect_err(|_| core.distrust())?;
        store::insert_files(&tx, core.clock.micros(), &files).await?;
        store::delete_tail(&tx, &seqs).await?;
        store::delete_bulks_until(&tx, slowest).await?;
        for (seq, bulk) in &told {
            store::insert_bulk(&tx, *seq, &bulk.accounts, &bulk.months).await?;
        }
        Ok(tx)
    };
    let tx = match change.await {
        Ok(tx) => tx,
        Err(error) => {
            discard(&core.lake, &files);
            return Err(error);
        }
    };
    core.point("seal.before_commit").await;
    core.commit(tx).await?;
    core.point("seal.committed").await;
    let mut state = core.state.write();
    for seq in &seqs {
        state.tail.remove(seq);
    }
    state.bulks.retain(|seq, _| *seq > slowest);
    state.bulks.extend(told);
    state.epoch += 1;
    core.replace_files(&mut state, files, Vec::new());
    drop(state);
    tokio::task::spawn_blocking(move || drop(settled));
    Ok(sealed)
}

/// The oldest groups that are to be sealed now.
fn settled<'a>(
    tail: impl Iterator<Item = &'a Arc<Blob>> + Clone,
    slowest: i64,
    now: i64,
    limits: Limits,
) -> Vec<Arc<Blob>> {
    let mut waiting: usize = tail.clone().map(|blob| blob.rows.len()).sum();
    let old = |blob: &Arc<Blob>| now.saturating_sub(blob.received_at) >= limits.age;
    if waiting < limits.events.max(1) && !tail.clone().next().is_some_and(old) {
        return Vec::new();
    }
    tail.take_while(|blob| {
        let take = blob.seq <= slowest || waiting > limits.most;
        waiting -= blob.rows.len();
        take
    })
    .cloned()
    .collect()
}

/// Whom rows concern.
pub(super) fn summary(rows: &[EventRow]) -> Bulk {
    let accounts: BTreeSet<i64> = rows.iter().map(|row| row.account_no).collect();
    let months: BTreeSet<i32> = rows.iter().map(|row| row.month).collect();
    Bulk {
        accounts: Arc::new(accounts.into_iter().collect()),
        months: Arc::new(months.into_iter().collect()),
    }
}
