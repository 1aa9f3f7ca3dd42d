//! A KPI's history as it is and as other definitions would make it.

use std::collections::BTreeMap;

use anyhow::Result;
use jiff::civil::Date;

use super::api::kept_or_computed;
use super::engine::{By, figures};
use super::reactor::{kept_days, scopes};
use super::stats::Figure;
use crate::App;
use crate::definitions::{Definitions, Kpi};
use crate::metrics::facts::date_of;

/// The figures of one KPI by scope and day.
pub type History = BTreeMap<(String, Date), Figure>;

/// The days that histories are compared on: the month ends of the last two years, and today.
#[must_use]
pub fn days(app: &App) -> Vec<Date> {
    kept_days(date_of(crate::metrics::today(app)))
}

/// KPIs that one look at the history serves: those of one window, lag and day whose segment counts.
#[must_use]
pub fn groups<'a>(kpis: &[&'a Kpi]) -> Vec<Vec<&'a Kpi>> {
    let mut groups: Vec<Vec<&Kpi>> = Vec::new();
    for kpi in kpis {
        let same = |other: &Kpi| {
            (other.window, other.lag, other.segment_at) == (kpi.window, kpi.lag, kpi.segment_at)
        };
        match groups
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| same(first)))
        {
            Some(group) => group.push(kpi),
            None => groups.push(vec![kpi]),
        }
    }
    groups
}

/// The histories of KPIs of one group under the definitions that `app` holds, computed anew in one pass.
///
/// # Errors
/// When a KPI's SQL fails.
pub async fn computed(
    app: &App,
    definitions: &Definitions,
    kpis: &[&Kpi],
    days: &[Date],
) -> Result<BTreeMap<String, History>> {
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for cell in figures(app, definitions, kpis, days, &By::Segment, &scopes(definitions)).await? {
        histories
            .entry(cell.kpi)
            .or_default()
            .insert((cell.scope, cell.period.day), cell.figure);
    }
    Ok(histories)
}

/// The history of a KPI as it is shown now.
///
/// # Errors
/// When records or history fail.
pub async fn shown(
    app: &App,
    definitions: &Definitions,
    kpi: &Kpi,
    days: &[Date],
) -> crate::web::Result<History> {
    let kept = kept_or_computed(app, definitions, kpi, days, &By::Segment).await?;
    Ok(kept
        .into_iter()
        .map(|kept| ((kept.scope, kept.day), kept.figure))
        .collect())
}
