//! Keeps what pages show at first ready: after every change of the figures, and after a start, what a dashboard reads without a filter is
//! computed before somebody asks for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::filters::{Filters, Said};
use super::{page, store};
use crate::App;
use crate::definitions::{Dashboard, Definitions};
use crate::web::Result;

/// Longest pause between two rounds, and shortest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut figures = app.kpis.watch();
    loop {
        let start = Instant::now();
        figures.mark_unchanged();
        if let Err(problem) = warm(&app).await {
            tracing::error!(error = %problem.detail, "dashboards could not be made ready; trying again");
        }
        // Being ready is worth a third of the time at most.
        tokio::time::sleep((start.elapsed() * 2).clamp(PAUSES.0, PAUSES.1)).await;
        tokio::select! {
            changed = figures.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}

/// Computes what the dashboards of the program, and those that people made, show at first, as far as it is not kept. Gives up where figures
/// are being brought up to date: what would be computed now would be forgotten at once.
///
/// # Errors
/// When the records fail. A dashboard that cannot be shown is passed over; whoever opens it is told.
pub async fn warm(app: &App) -> Result<usize> {
    let Some(definitions) = app.definitions() else {
        return Ok(0);
    };
    let own = store::all(&app.store).await?;
    let own: Vec<Dashboard> = own.iter().filter_map(|kept| kept.read().ok()).collect();
    let mut ready = 0;
    for dashboard in definitions.dashboards.iter().chain(&own) {
        if crate::metrics::marked_months(app).await? > 0 {
            break;
        }
        if one(app, &definitions, dashboard).await.is_ok() {
            ready += 1;
        }
    }
    Ok(ready)
}

async fn one(app: &App, definitions: &Arc<Definitions>, dashboard: &Dashboard) -> Result<()> {
    let said = Said {
        period: None,
        compare: None,
        segment: None,
        owner: None,
        as_of: None,
    };
    let filters = Filters::read(app, definitions, &said, dashboard.segment.as_deref())?;
    page::warm(app, definitions, &dashboard.tiles, &filters).await
}
