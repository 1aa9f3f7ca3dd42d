//! All reactors and jobs: what works by itself after a commit or by the clock. Each takes no input, is idempotent,
//! wakes by signal and by clock, and keeps its place in the records.

use std::future::Future;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use utoipa::ToSchema;

use crate::{
    App, contacts, dashboards, duplicates, events, imports, inbox, kpis, metrics, models, notes, owners,
    scores, segments,
};

/// Starts all of them. Each ends when `stop` turns true or its sender is gone: the housekeeping after the step that it is in, the others at
/// once, because what they had not committed is done again at the next start.
#[must_use]
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(events::housekeeping(app.clone(), stop.clone()));
    tasks.spawn(until(stop.clone(), metrics::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), segments::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), owners::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), duplicates::follow::run(app.clone())));
    tasks.spawn(until(stop.clone(), scores::history::run(app.clone())));
    tasks.spawn(until(stop.clone(), kpis::reactor::run(app.clone())));
    tasks.spawn(until(stop.clone(), dashboards::warm::run(app.clone())));
    tasks.spawn(until(stop.clone(), dashboards::answers::run(app.clone())));
    tasks.spawn(until(stop.clone(), events::sources::run(app.clone())));
    tasks.spawn(until(stop.clone(), inbox::run(app.clone())));
    tasks.spawn(until(stop.clone(), models::operation::run(app.clone())));
    tasks.spawn(until(stop.clone(), models::ready::run(app.clone())));
    tasks.spawn(until(stop.clone(), notes::housekeeping(app.clone())));
    tasks.spawn(contacts::index::warm(app.clone()));
    tasks.spawn(imports::go_on(app.clone()));
    tasks.spawn(until(stop.clone(), imports::look_after(app.clone())));
    tasks
}

async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}

/// Lets every reactor do what is due, until none has anything left.
///
/// # Errors
/// The first fault.
pub async fn catch_up(app: &App) -> Result<()> {
    while events::attribute(app).await? > 0 {}
    loop {
        let mut worked = duplicates::follow::follow(app).await?;
        worked |= metrics::catch_up(app).await?;
        worked |= segments::reactor::emit(app).await?;
        worked |= owners::reactor::emit(app).await?;
        worked |= owners::reactor::assign(app).await?;
        if !worked {
            break;
        }
    }
    scores::history::refresh(app).await?;
    while kpis::reactor::refresh(app).await? {}
    events::sources::check(app).await?;
    Ok(())
}

/// What computing everything anew took, and whether it gave what was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recomputed {
    /// Accounts computed from the log.
    pub accounts: usize,
    /// Accounts whose state came out otherwise than it was kept.
    pub accounts_differing: usize,
    /// Figures of KPIs computed: KPI × day × scope.
    pub figures: usize,
    /// Figures that came out otherwise than they were kept.
    pub figures_differing: usize,
    /// The first few of both, in words.
    pub differences: Vec<String>,
    /// Seconds that metrics, segments and histories of all accounts took.
    pub accounts_s: f64,
    /// Seconds that the scores of all accounts on all days took.
    pub scores_s: f64,
    /// Seconds that the figures took.
    pub figures_s: f64,
}

/// A print of what was computed of each account.
fn prints(app: &App) -> Result<Vec<(i64, [u8; 16])>> {
    let all = app.metrics.book.all();
    all.iter()
        .map(|entry| Ok((entry.no, entry.head.print()?)))
        .collect()
}

/// Computes every account and every kept figure anew from the log, and compares with what had been kept by following events one by one.
///
/// # Errors
/// The first fault; what is not done is done by the reactors later.
pub async fn recompute(app: &App) -> Result<Recomputed> {
    const SHOWN: usize = 20;
    catch_up(app).await?;
    // What waits to be sealed is sealed first, so that everything is read from files.
    let now = events::Limits {
        events: 1,
        age: 0,
        ..events::Limits::default()
    };
    events::seal(app, now).await?;
    events::compact(app).await?;
    // Of each account a print is held: a second copy of all of them would not fit beside the first.
    let accounts = prints(app)?;
    let figures = kpis::kept(app).await?;
    metrics::distrust(app).await?;
    let start = Instant::now();
    metrics::catch_up(app).await?;
    let accounts_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    scores::history::refresh(app).await?;
    let scores_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    while kpis::reactor::refresh(app).await? {}
    let figures_s = start.elapsed().as_secs_f64();

    let mut differences = Vec::new();
    let mut accounts_differing = 0;
    let again: std::collections::HashMap<i64, [u8; 16]> = prints(app)?.into_iter().collect();
    for (no, before) in &accounts {
        if again.get(no) == Some(before) {
            continue;
        }
        accounts_differing += 1;
        if differences.len() < SHOWN {
            let id = app.metrics.book.get(*no).map(|entry| entry.id.clone());
            differences.push(format!("account {}", id.unwrap_or_else(|| no.to_string())));
        }
    }
    let now = kpis::kept(app).await?;
    let mut figures_differing = 0;
    for (which, value) in &now {
        let same = figures.get(which).is_some_and(|before| kpis::same(before, value));
        if !same {
            figures_differing += 1;
            if differences.len() < SHOWN {
                let (kpi, day, scope) = which;
                let before = figures.get(which).and_then(|figure| figure.value);
                differences.push(format!(
                    "{kpi} of {scope} on {day}: kept {before:?}, computed {:?}",
                    value.value
                ));
            }
        }
    }
    Ok(Recomputed {
        accounts: accounts.len(),
        accounts_differing,
        figures: now.len(),
        figures_differing,
        differences,
        accounts_s,
        scores_s,
        figures_s,
    })
}
