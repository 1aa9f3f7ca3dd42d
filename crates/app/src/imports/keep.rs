//! Storing a chunk: what its rows say, its rejects and the file's new position, in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tenure_store::{StoreError, StoreResult, Tx};

use super::chunks::{Chunk, Mapped};
use super::job::{File, Import, Progress, Sample};
use super::read::Fault;
use super::rehearsal::{Rehearsal, Repeated};
use super::rows::{Facts, Outcome, SOURCE};
use super::{rejects, store};
use crate::App;
use crate::accounts::Change;
use crate::events::{self, Stored};

/// Events from which on a chunk that changes no accounts or contacts goes straight into files.
const BULK: usize = 10_000;
/// Rejects that the import's own page shows.
const SAMPLES: usize = 20;
/// How often a chunk is tried again while the records are not available.
const TRIES: u32 = 60;

/// What a chunk's rows say, and whose it is: row by row, how many events and which change.
struct Sorted {
    events: Vec<events::Event>,
    changes: Vec<Change>,
    /// For each row with facts: how many events and changes are its own.
    owned: Vec<(usize, usize)>,
    rejects: Vec<rejects::Refused>,
    skipped: u64,
}

fn sort(known: impl Fn(&str) -> bool, rows: Vec<Mapped>) -> Sorted {
    let mut sorted = Sorted {
        events: Vec::new(),
        changes: Vec::new(),
        owned: Vec::new(),
        rejects: Vec::new(),
        skipped: 0,
    };
    for row in rows {
        match row.outcome {
            Outcome::Skipped => sorted.skipped += 1,
            Outcome::Fault(fault) => {
                sorted.rejects.push(rejects::Refused {
                    line: row.line,
                    fault,
                    raw: row.raw,
                });
            }
            Outcome::Facts(Facts {
                needs: Some(account), ..
            }) if !known(&account) => {
                sorted.rejects.push(rejects::Refused {
                    line: row.line,
                    fault: unknown_account(&account),
                    raw: row.raw,
                });
            }
            Outcome::Facts(Facts { changes, events, .. }) => {
                sorted.owned.push((events.len(), changes.len()));
                sorted.events.extend(events);
                sorted.changes.extend(changes);
            }
        }
    }
    sorted
}

/// Why a row about an account that nobody knows is refused.
pub fn unknown_account(id: &str) -> Fault {
    let remedy = "import the account first, or correct the id; then replay the reject";
    Fault::field("account_id", id, "no account has this id", remedy)
}

/// For each row with facts whether it said something new. `repeated` are the places of events and changes that a dry run has met before.
pub fn news(owned: &[(usize, usize)], changes: &[Change], stored: &Stored, repeated: &Repeated) -> Vec<bool> {
    let mut said: HashMap<(bool, &str), Vec<&Change>> = HashMap::new();
    let (mut event, mut change) = (0, 0);
    owned
        .iter()
        .map(|(events, of)| {
            let mut new =
                (event..event + events).any(|at| stored.fresh[at] && !repeated.events.contains(&at));
            for (at, it) in changes.iter().enumerate().skip(change).take(*of) {
                let (contact, id, changed) = match it {
                    Change::Account(account) => {
                        (false, account.id.as_str(), stored.accounts.contains(&account.id))
                    }
                    Change::Contact(contact) => {
                        (true, contact.id.as_str(), stored.contacts.contains(&contact.id))
                    }
                    Change::Alias { id, .. } | Change::Device { id, .. } => (true, id.as_str(), true),
                    Change::DeviceAccount { anonymous, .. } => (true, anonymous.as_str(), true),
                };
                // A row that says the same as one before it in the chunk says nothing new.
                let before = said.entry((contact, id)).or_default();
                new |= changed && !before.contains(&it) && !repeated.changes.contains(&at);
                before.push(it);
            }
            event += events;
            change += of;
            new
        })
        .collect()
}

/// What a chunk adds to the importer's own rows.
#[derive(Clone)]
struct OwnRows {
    import: String,
    started_at: i64,
    /// The file as it was before the chunk.
    file: File,
    /// Rows of the chunk, and where the file stands after them (position, line, bytes).
    rows: u64,
    reached: (u64, u64, u64),
    sorted: Arc<Sorted>,
    repeated: Arc<Repeated>,
    samples: Vec<Sample>,
}

impl OwnRows {
    /// The file after the chunk.
    fn after(&self, stored: &Stored) -> File {
        let sorted = &self.sorted;
        let new = news(&sorted.owned, &sorted.changes, stored, &self.repeated)
            .into_iter()
            .filter(|new| *new)
            .count() as u64;
        let mut file = self.file.clone();
        file.progress.add(&Progress {
            rows: self.rows,
            imported: new,
            duplicates: sorted.owned.len() as u64 - new,
            rejected: sorted.rejects.len() as u64,
            skipped: sorted.skipped,
            ..Progress::default()
        });
        (file.progress.position, file.progress.line, file.progress.bytes) = self.reached;
        file
    }

    /// Writes them into the chunk's transaction.
    fn write<'a>(self, tx: &'a Tx, stored: &Stored) -> BoxFuture<'a, StoreResult<()>> {
        let file = self.after(stored);
        async move {
            rejects::keep(tx, &self.import, self.started_at, &file, &self.sorted.rejects).await?;
            store::set_samples(tx, &self.import, &self.samples).await?;
            store::advance(tx, &self.import, &file).await
        }
        .boxed()
    }
}

/// Stores a chunk, again and again while the records are not available. A dry run stores nothing: it holds what the chunk says against what
/// is stored and against what it has met itself.
pub async fn keep(
    app: &App,
    import: &mut Import,
    at: usize,
    chunk: Chunk,
    met: &mut Rehearsal,
) -> StoreResult<()> {
    let (rows, reached) = (chunk.rows.len() as u64, (chunk.position, chunk.line, chunk.bytes));
    let sorted = Arc::new(sort(
        |id| app.accounts.number(id).is_some() || met.makes(id),
        chunk.rows,
    ));
    let repeated = if import.dry_run {
        met.note(&sorted.events, &sorted.changes)
    } else {
        Repeated::default()
    };
    let samples = samples(import, &import.files[at], &sorted.rejects);
    let file = import.files[at].clone();
    let own = OwnRows {
        import: import.id.clone(),
        started_at: import.started_at,
        file,
        rows,
        reached,
        sorted,
        repeated: Arc::new(repeated),
        samples,
    };
    for attempt in 1.. {
        match store_chunk(app, own.clone(), !import.dry_run).await {
            Ok(stored) => {
                import.files[at] = own.after(&stored);
                import.samples = own.samples;
                break;
            }
            Err(StoreError::Unavailable(error)) if attempt < TRIES => {
                tracing::warn!(import = %import.id, %error, "a chunk of an import is tried again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt.min(10)))).await;
                // It may have been stored although nobody said so.
                if let Some(known) = stored_file(app, &import.id, at).await
                    && known.progress != own.file.progress
                {
                    import.files[at] = known;
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    if import.dry_run {
        note_dry(app, import, at).await
    } else {
        Ok(())
    }
}

/// Stores what a chunk says with the importer's own rows: many events as files, anything else through the log's tail.
async fn store_chunk(app: &App, own: OwnRows, keep: bool) -> StoreResult<Stored> {
    let sorted = own.sorted.clone();
    if !keep || !sorted.changes.is_empty() || sorted.events.len() < BULK {
        let chunk = events::Chunk {
            source: SOURCE.to_owned(),
            events: sorted.events.clone(),
            changes: sorted.changes.clone(),
        };
        return events::append_chunk(app, chunk, keep, move |tx, stored| own.write(tx, stored)).await;
    }
    let ids: Vec<&str> = sorted
        .events
        .iter()
        .map(|event| event.message_id.as_str())
        .collect();
    let known = events::known(app, &ids).await?;
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = ids
        .iter()
        .zip(known)
        .map(|(id, known)| !known && seen.insert(*id))
        .collect();
    let expected = fresh.iter().filter(|fresh| **fresh).count();
    let stored = Stored {
        fresh,
        ..Stored::default()
    };
    let told = stored.clone();
    events::append_bulk(app, sorted.events.clone(), move |tx, appended| {
        if appended.accepted == expected {
            return own.write(tx, &told);
        }
        // A live event with the same id came in between: which ones are new is found out again.
        async {
            Err(StoreError::Unavailable(
                "a live event overtook the import".to_owned(),
            ))
        }
        .boxed()
    })
    .await?;
    Ok(stored)
}

async fn stored_file(app: &App, id: &str, at: usize) -> Option<File> {
    let import = store::import(&app.store, id).await.ok().flatten()?;
    import.files.into_iter().nth(at)
}

/// A dry run keeps only its own counters.
async fn note_dry(app: &App, import: &Import, at: usize) -> StoreResult<()> {
    let tx = app.store.begin().await?;
    store::advance(&tx, &import.id, &import.files[at]).await?;
    store::set_samples(&tx, &import.id, &import.samples).await?;
    tx.commit().await
}

fn samples(import: &Import, file: &File, refused: &[rejects::Refused]) -> Vec<Sample> {
    let name = rejects::file_name(file);
    let more = refused.iter().map(|it| Sample {
        file: name.clone(),
        line: it.line,
        field: it.fault.field.clone(),
        value: it.fault.value.chars().take(200).collect(),
        reason: it.fault.reason.clone(),
        remedy: it.fault.remedy.clone(),
    });
    import.samples.iter().cloned().chain(more).take(SAMPLES).collect()
}
