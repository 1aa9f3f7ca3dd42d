//! KPIs and targets: figures of the company and of its segments, where they stand against what was promised, and who is behind them.
//!
//! A KPI is data: its `facts` is a SQL query that gives one row for each account (or item) and period; [`engine`] runs it over the relations
//! `periods`, `cohort` and `period_events`, and [`stats`] adds the rows up by scope. [`status`] compares with the line from baseline to goal.
//! The figures of the last months and of today are kept (`kpi_values`) and brought up to date by the [`reactor`] when something that they
//! look at changed; any other day is computed when asked for. [`reading`] gives many figures at once, kept ones first, and remembers
//! the others until a change touches them.
//!
//! Listens to: marks that `metrics` sets (`kpi_dirty`). Emits: nothing.

mod api;
pub mod cohort;
pub mod engine;
mod looked;
pub mod overview;
pub mod reactor;
pub mod reading;
mod reads;
pub mod stats;
pub mod status;
mod store;
pub mod targets;
#[cfg(test)]
pub(crate) mod tests;
pub mod trial;
pub mod window;

use std::collections::BTreeMap;

use jiff::civil::Date;

pub use api::routes;
pub use reading::Memo;

/// Every kept figure by KPI, day and scope.
///
/// # Errors
/// When the records fail.
pub async fn kept(app: &crate::App) -> anyhow::Result<BTreeMap<(String, Date, String), stats::Figure>> {
    let kept = store::all(&app.store).await?;
    Ok(kept
        .into_iter()
        .map(|kept| ((kept.kpi, kept.day, kept.scope), kept.figure))
        .collect())
}

/// Whether two figures are the same up to the order in which their parts were added.
#[must_use]
pub fn same(a: &stats::Figure, b: &stats::Figure) -> bool {
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        _ => false,
    };
    close(a.value, b.value)
        && close(a.numerator, b.numerator)
        && close(a.denominator, b.denominator)
        && close(a.median, b.median)
        && close(a.p90, b.p90)
        && close(a.interval.map(|i| i.0), b.interval.map(|i| i.0))
        && close(a.interval.map(|i| i.1), b.interval.map(|i| i.1))
}
