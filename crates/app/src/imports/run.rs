//! The job: file after file, chunk after chunk, each chunk one transaction.

use std::sync::atomic::Ordering;

use futures::FutureExt;
use tenure_store::{StoreError, StoreResult};

use super::chunks;
use super::context::Context;
use super::fields::Kind;
use super::job::{Import, Job, Progress, State};
use super::keep::keep;
use super::rehearsal::Rehearsal;
use super::{request, store};
use crate::App;

/// Rows of a transaction that changes accounts or contacts: it holds up live events, so it is short.
const CHANGES_AT_ONCE: usize = 5_000;

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
        Self::Failed(format!(
            "{error}. Start the import again; it goes on where it stopped"
        ))
    }
}

/// Starts the job of an import unless it is running already.
pub fn start(app: &App, import: Import) {
    let Some(job) = app.imports.begin(&import.id) else {
        return;
    };
    let app = app.clone();
    tokio::spawn(async move {
        let id = import.id.clone();
        let outcome = std::panic::AssertUnwindSafe(work(&app, import, &job))
            .catch_unwind()
            .await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(import = %id, %error, "the state of an import could not be written")
            }
            Err(_) => {
                tracing::error!(import = %id, "an import ended in a panic; starting it again goes on where it stopped")
            }
        }
        app.imports.end(&id);
    });
}

async fn work(app: &App, mut import: Import, job: &Job) -> StoreResult<()> {
    let context = super::context(app, import.started_at);
    let mut outcome = Ok(());
    let mut met = Rehearsal::default();
    if import.dry_run {
        // What it had met before a restart is not kept, so it begins again.
        import.samples.clear();
        for file in &mut import.files {
            (file.state, file.progress) = (State::Running, Progress::default());
        }
    }
    for at in 0..import.files.len() {
        if import.files[at].state == State::Done {
            continue;
        }
        outcome = file(app, &mut import, at, &context, job, &mut met).await;
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

async fn file(
    app: &App,
    import: &mut Import,
    at: usize,
    context: &Context,
    job: &Job,
    met: &mut Rehearsal,
) -> Result<(), Stop> {
    let it = import.files[at].clone();
    let name = it.path.display().to_string();
    let context = Context {
        as_of: it.as_of,
        ..context.clone()
    };
    let opened = {
        let (it, context) = (it.clone(), context.clone());
        tokio::task::spawn_blocking(move || {
            request::open(&it.path, it.kind, it.map.as_deref(), &it.beside, &context)
        })
        .await
    };
    let (source, plan) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return Err(Stop::Failed(error.to_string())),
        Err(error) => return Err(Stop::Failed(format!("{name} cannot be opened: {error}"))),
    };
    if !plan.ignored.is_empty() {
        import.files[at].note = Some(format!("columns that nothing takes: {}", plan.ignored.join(", ")));
    }
    let changes = plan
        .entries
        .iter()
        .any(|entry| matches!(entry.form.kind, Kind::Accounts | Kind::Contacts));
    let most = app.imports.rows_at_once.load(Ordering::Relaxed);
    let at_once = if changes { most.min(CHANGES_AT_ONCE) } else { most };
    let from = if it.progress.position == 0 {
        source.start
    } else {
        (it.progress.position, it.progress.line)
    };
    let mut chunks = chunks::start(source, plan, context, from, at_once).map_err(|error| {
        Stop::Failed(format!(
            "no thread for reading {name}: {error}. Try again when the machine has room"
        ))
    })?;
    let mut done = 0;
    while let Some(chunk) = chunks.recv().await {
        if job.cancelled() {
            return Err(Stop::Cancelled);
        }
        let before = import.files[at].progress;
        let error = chunk.error.clone();
        if !chunk.rows.is_empty() {
            keep(app, import, at, chunk, met).await?;
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

/// At the start of a server: imports that were under way when the process ended go on.
pub async fn go_on(app: App) {
    match resume(&app).await {
        Ok(0) => {}
        Ok(resumed) => tracing::info!(resumed, "imports that were cut off go on"),
        Err(error) => {
            tracing::error!(%error, "imports that were cut off could not be found; starting them again goes on with them")
        }
    }
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
