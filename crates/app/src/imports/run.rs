//! The job: file after file, chunk after chunk, each chunk one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use tenure_store::{StoreError, StoreResult};

use super::chunks::{self, Chunk, Mapped};
use super::context::Context;
use super::fields::Kind;
use super::read::Fault;
use super::job::{File, Import, Job, Progress, Sample, State};
use super::rows::{Facts, Outcome, SOURCE};
use super::{rejects, request, store};
use crate::accounts::Change;
use crate::events::{self, Stored};
use crate::{App, accounts};

/// Rows of a transaction that changes accounts or contacts: it holds up live events, so it is short.
const CHANGES_AT_ONCE: usize = 5_000;
/// Rejects that the import's own page shows.
const SAMPLES: usize = 20;
/// How often a chunk is tried again while the records are not available.
const TRIES: u32 = 60;

/// Why a job ended early.
enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// As if the process had been killed (tests).
    Died,
    /// It cannot go on.
    Failed(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(format!("{error}. Start the import again; it goes on where it stopped"))
    }
}

/// Starts the job of an import unless it is running already.
pub fn start(app: &App, import: Import) {
    let Some(job) = app.imports.begin(&import.id) else { return };
    let app = app.clone();
    tokio::spawn(async move {
        let id = import.id.clone();
        let outcome = std::panic::AssertUnwindSafe(work(&app, import, &job)).catch_unwind().await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(import = %id, %error, "the state of an import could not be written"),
            Err(_) => tracing::error!(import = %id, "an import ended in a panic; starting it again goes on where it stopped"),
        }
        app.imports.end(&id);
    });
}

async fn work(app: &App, mut import: Import, job: &Job) -> StoreResult<()> {
    let context = super::context(app, import.started_at);
    let mut outcome = Ok(());
    for at in 0..import.files.len() {
        if import.files[at].state == State::Done {
            continue;
        }
        outcome = file(app, &mut import, at, &context, job).await;
        if outcome.is_err() {
            break;
        }
    }
    (import.state, import.error) = match outcome {
        Ok(()) => (State::Done, None),
        Err(Stop::Died) => return Ok(()),
        Err(Stop::Cancelled) => (State::Cancelled, None),
        Err(Stop::Failed(error)) => (State::Failed, Some(error)),
    };
    import.finished_at = Some(app.clock.micros());
    let tx = app.store.begin().await?;
    store::set_state(&tx, &import).await?;
    tx.commit().await?;
    if import.state == State::Done && !import.dry_run {
        app.store.analyze().await?;
    }
    Ok(())
}

async fn file(app: &App, import: &mut Import, at: usize, context: &Context, job: &Job) -> Result<(), Stop> {
    let it = import.files[at].clone();
    let name = it.path.display().to_string();
    let context = Context { as_of: it.as_of, ..context.clone() };
    let opened = {
        let (it, context) = (it.clone(), context.clone());
        tokio::task::spawn_blocking(move || request::open(&it.path, it.kind, it.map.as_deref(), &it.beside, &context)).await
    };
    let (source, plan) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return Err(Stop::Failed(error.to_string())),
        Err(error) => return Err(Stop::Failed(format!("{name} cannot be opened: {error}"))),
    };
    if !plan.ignored.is_empty() {
        import.files[at].note = Some(format!("columns that nothing takes: {}", plan.ignored.join(", ")));
    }
    let changes = plan.entries.iter().any(|entry| matches!(entry.form.kind, Kind::Accounts | Kind::Contacts));
    let most = app.imports.rows_at_once.load(Ordering::Relaxed);
    let at_once = if changes { most.min(CHANGES_AT_ONCE) } else { most };
    let from = if it.progress.position == 0 { source.start } else { (it.progress.position, it.progress.line) };
    let mut chunks = chunks::start(source, plan, context, from, at_once)
        .map_err(|error| Stop::Failed(format!("no thread for reading {name}: {error}. Try again when the machine has room")))?;
    let mut done = 0;
    while let Some(chunk) = chunks.recv().await {
        if job.cancelled() {
            return Err(Stop::Cancelled);
        }
        let before = import.files[at].progress;
        let error = chunk.error.clone();
        if !chunk.rows.is_empty() {
            keep(app, import, at, chunk).await?;
        }
        let after = import.files[at].progress;
        job.done(after.rows - before.rows, after.bytes.saturating_sub(before.bytes));
        if let Some(error) = error {
            return Err(Stop::Failed(format!("{name}: {error}")));
        }
        done += 1;
        if app.imports.die_after.load(Ordering::Relaxed) == done {
            return Err(Stop::Died);
        }
    }
    finish(app, import, at).await
}

async fn finish(app: &App, import: &mut Import, at: usize) -> Result<(), Stop> {
    let several = import.kind == super::FOLDER;
    let file = &mut import.files[at];
    if file.progress.rows == 0 {
        let text = format!("{} has a header but no rows", file.path.display());
        if !several {
            return Err(Stop::Failed(format!("{text}. Export it again with its rows")));
        }
        file.note = Some(text);
    }
    file.state = State::Done;
    file.progress.bytes = file.bytes_total;
    let tx = app.store.begin().await?;
    store::advance(&tx, &import.id, &import.files[at]).await?;
    tx.commit().await?;
    Ok(())
}

/// What a chunk's rows say, and whose it is: row by row, how many events and which change.
struct Sorted {
    events: Vec<events::Event>,
    changes: Vec<Change>,
    /// For each row with facts: how many events and changes are its own.
    owned: Vec<(usize, usize)>,
    rejects: Vec<rejects::Refused>,
    skipped: u64,
}

fn sort(known: &accounts::Directory, rows: Vec<Mapped>) -> Sorted {
    let mut sorted = Sorted { events: Vec::new(), changes: Vec::new(), owned: Vec::new(), rejects: Vec::new(), skipped: 0 };
    for row in rows {
        match row.outcome {
            Outcome::Skipped => sorted.skipped += 1,
            Outcome::Fault(fault) => {
                sorted.rejects.push(rejects::Refused { line: row.line, fault, raw: row.raw });
            }
            Outcome::Facts(Facts { needs: Some(account), .. }) if known.number(&account).is_none() => {
                sorted.rejects.push(rejects::Refused { line: row.line, fault: unknown_account(&account), raw: row.raw });
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

/// For each row with facts whether it said something new.
pub fn news(owned: &[(usize, usize)], changes: &[Change], stored: &Stored) -> Vec<bool> {
    let mut said: HashMap<(bool, &str), Vec<&Change>> = HashMap::new();
    let (mut event, mut change) = (0, 0);
    owned
        .iter()
        .map(|(events, of)| {
            let mut new = stored.fresh[event..event + events].iter().any(|fresh| *fresh);
            for it in &changes[change..change + of] {
                let (contact, id, changed) = match it {
                    Change::Account(account) => (false, account.id.as_str(), stored.accounts.contains(&account.id)),
                    Change::Contact(contact) => (true, contact.id.as_str(), stored.contacts.contains(&contact.id)),
                    Change::Alias { id, .. } | Change::Device { id, .. } => (true, id.as_str(), true),
                };
                // A row that says the same as one before it in the chunk says nothing new.
                let before = said.entry((contact, id)).or_default();
                new |= changed && !before.contains(&it);
                before.push(it);
            }
            event += events;
            change += of;
            new
        })
        .collect()
}

/// Stores a chunk with its rejects and the file's new position in one transaction.
async fn keep(app: &App, import: &mut Import, at: usize, chunk: Chunk) -> Result<(), Stop> {
    let rows = chunk.rows.len() as u64;
    let (position, line, bytes) = (chunk.position, chunk.line, chunk.bytes);
    let sorted = Arc::new(sort(&app.accounts, chunk.rows));
    let started = import.files[at].progress;
    for attempt in 0..TRIES {
        let chunk = events::Chunk { source: SOURCE.to_owned(), events: sorted.events.clone(), changes: sorted.changes.clone() };
        let after = {
            let (file, sorted) = (import.files[at].clone(), sorted.clone());
            move |stored: &Stored| {
                let new = news(&sorted.owned, &sorted.changes, stored).iter().filter(|new| **new).count() as u64;
                let mut file = file.clone();
                file.progress.add(&Progress {
                    rows,
                    imported: new,
                    duplicates: sorted.owned.len() as u64 - new,
                    rejected: sorted.rejects.len() as u64,
                    skipped: sorted.skipped,
                    ..Progress::default()
                });
                (file.progress.position, file.progress.line, file.progress.bytes) = (position, line, bytes);
                file
            }
        };
        let samples = samples(import, &import.files[at], &sorted.rejects);
        let (id, dry, at_time, rejects_of, first) = (import.id.clone(), import.dry_run, import.started_at, sorted.clone(), samples.clone());
        let written = after.clone();
        let outcome = events::append_chunk(app, chunk, !dry, move |tx, stored| {
            let file = written(stored);
            async move {
                rejects::keep(tx, &id, at_time, &file, &rejects_of.rejects).await?;
                store::set_samples(tx, &id, &first).await?;
                store::advance(tx, &id, &file).await
            }
            .boxed()
        })
        .await;
        match outcome {
            Ok(stored) => {
                import.files[at] = after(&stored);
                import.samples = samples;
                if dry {
                    note_dry(app, import, at).await?;
                }
                return Ok(());
            }
            Err(StoreError::Unavailable(error)) if attempt + 1 < TRIES => {
                tracing::warn!(import = %import.id, %error, "a chunk of an import is tried again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt.min(10)) + 50)).await;
                // It may have been stored although nobody said so.
                if let Some(known) = stored_file(app, &import.id, at).await
                    && known.progress != started
                {
                    import.files[at] = known;
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Stop::Failed("the records stayed unavailable. Start the import again; it goes on where it stopped".to_owned()))
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

/// Imports that were under way when the process ended go on.
pub async fn resume(app: &App) -> StoreResult<usize> {
    let mut resumed = 0;
    for id in store::unfinished(&app.store).await? {
        if let Some(import) = store::import(&app.store, &id).await? {
            start(app, import);
            resumed += 1;
        }
    }
    Ok(resumed)
}
