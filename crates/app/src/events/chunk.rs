//! A chunk of an import: its events, what it says about accounts and contacts, and the importer's own rows, in one transaction.

use std::collections::{BTreeMap, HashSet};

use futures::future::BoxFuture;
use tenure_store::{StoreResult, Tx};

use crate::accounts::{self, Context};

use super::ids;
use super::log::Core;
use super::store::SourceCounts;
use super::writer::{self, Prepared};
use super::{Event, store};

/// A chunk of an import.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Where it comes from; its events carry the same source.
    pub source: String,
    /// What happened.
    pub events: Vec<Event>,
    /// What became known about accounts and contacts.
    pub changes: Vec<accounts::Change>,
}

/// What became of a chunk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// For each event whether it is new.
    pub fresh: Vec<bool>,
    /// Ids of accounts about which something new was said.
    pub accounts: HashSet<String>,
    /// Ids of contacts about which something new was said.
    pub contacts: HashSet<String>,
}

/// Stores a chunk. `in_tx` writes the importer's own rows (its position) into the same transaction and is told what became of the chunk.
/// With `keep` false nothing is stored, and the answer is what would have become of it.
pub(super) async fn append<F>(core: &Core, chunk: Chunk, keep: bool, in_tx: F) -> StoreResult<Stored>
where
    F: for<'a> FnOnce(&'a Tx, &'a Stored) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    let Chunk {
        source,
        events,
        changes,
    } = chunk;
    let events: Vec<Prepared> = events.into_iter().map(Prepared::new).collect();
    let hashes: Vec<u128> = events.iter().map(|it| it.hash).collect();
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let mut known = ids::known(&core.seen, &core.store, &hashes).await?;
    let mut stored = Stored {
        fresh: hashes.iter().map(|hash| known.insert(*hash)).collect(),
        ..Stored::default()
    };
    let zone = core.zone.read().clone();
    let now = core.clock.micros();
    let mut stage = core.accounts.stage(Context {
        source: &source,
        now,
        zone: &zone,
    });
    let tx = core.store.begin().await?;
    let seq = core.state.read().seq + 1;
    let applied = stage.apply(&tx, &changes).await?;
    store::mark_known(&tx, &applied.became_known).await?;
    stored.accounts = applied
        .accounts
        .iter()
        .filter(|it| it.first || !it.fields.is_empty())
        .map(|it| it.id.clone())
        .collect();
    stored.contacts = applied.contact_ids.into_iter().collect();
    let made = writer::tell(&applied.accounts, &source, seq, now, 0);
    let new: Vec<&Prepared> = events
        .iter()
        .zip(&stored.fresh)
        .filter(|(_, fresh)| **fresh)
        .map(|(it, _)| it)
        .chain(&made)
        .collect();
    store::add_counts(&tx, &counts(&source, &events, &new, made.len(), now)).await?;
    let rows = writer::write(core, &tx, &mut stage, &new, seq).await?;
    in_tx(&tx, &stored).await?;
    if !keep {
        tx.rollback().await?;
        return Ok(stored);
    }
    core.commit(tx).await?;
    stage.publish();
    writer::publish(core, rows, new.iter().map(|it| it.hash).collect());
    Ok(stored)
}

fn counts(
    source: &str,
    events: &[Prepared],
    new: &[&Prepared],
    made: usize,
    now: i64,
) -> BTreeMap<String, SourceCounts> {
    let mut counts = writer::counts_of(new.iter().map(|it| &it.event), now);
    let duplicates = events.len() - (new.len() - made);
    if duplicates > 0 {
        let at = events.iter().map(|it| it.event.received_at).max().unwrap_or(0);
        let it = counts.entry(source.to_owned()).or_insert(SourceCounts {
            first_at: at,
            last_at: at,
            ..SourceCounts::default()
        });
        it.duplicates += i64::try_from(duplicates).unwrap_or(i64::MAX);
    }
    counts
}

/// Whether events with these message ids are stored.
pub(super) async fn known(core: &Core, message_ids: &[&str]) -> StoreResult<Vec<bool>> {
    let hashes: Vec<u128> = message_ids.iter().map(|id| ids::hash(id)).collect();
    // No merge of ids may commit while they are looked up.
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let known = ids::known(&core.seen, &core.store, &hashes).await?;
    Ok(hashes.iter().map(|hash| known.contains(hash)).collect())
}
