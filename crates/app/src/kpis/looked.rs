//! Which accounts are looked at for a figure of some: those alone, or all, because a fact about one may hang on others.

use std::sync::Arc;

use anyhow::Result;
use tenure_lake::Context;

use super::engine::prepare;
use super::reads::Reads;
use super::window::period;
use crate::App;
use crate::definitions::{Definitions, Kpi};
use crate::metrics::facts::date_of;
use crate::metrics::{Entry, tables};

/// The accounts that a computation looks at.
pub(super) enum Looked<'a> {
    /// Everybody.
    All(&'a [Arc<Entry>]),
    /// Those that count, for facts that do not depend on the others.
    Some(Vec<Arc<Entry>>),
}

impl Looked<'_> {
    /// In the order of their numbers.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        match self {
            Self::All(entries) => entries,
            Self::Some(entries) => entries,
        }
    }

    /// The tables that these texts read, over these accounts.
    ///
    /// # Errors
    /// When a table cannot be built.
    pub(super) async fn context(
        &self,
        app: &App,
        definitions: &Definitions,
        texts: &[&str],
    ) -> Result<Context> {
        match self {
            Self::All(entries) => tables::context_over(app, definitions, texts, entries).await,
            Self::Some(entries) => tables::context_of_some(app, definitions, texts, entries).await,
        }
    }
}

/// A group of KPIs with the accounts that are looked at for them: where only some count (`counts` tells which; `None` = all), those, for KPIs
/// whose facts about an account do not depend on others.
pub(super) async fn parted<'k, 'a>(
    app: &App,
    definitions: &Definitions,
    group: Vec<&'k Kpi>,
    all: &'a [Arc<Entry>],
    counts: Option<impl Fn(&Arc<Entry>) -> bool>,
) -> Result<Vec<(Vec<&'k Kpi>, Looked<'a>)>> {
    let Some(counts) = counts else {
        return Ok(vec![(group, Looked::All(all))]);
    };
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for kpi in group {
        if treats_each_alone(app, definitions, kpi).await? {
            alone.push(kpi);
        } else {
            together.push(kpi);
        }
    }
    let those: Vec<Arc<Entry>> = all.iter().filter(|entry| counts(entry)).cloned().collect();
    let mut parts = vec![(alone, Looked::Some(those)), (together, Looked::All(all))];
    parts.retain(|(kpis, _)| !kpis.is_empty());
    Ok(parts)
}

/// Whether a KPI's facts about an account are the same whichever other accounts there are.
pub(super) async fn treats_each_alone(app: &App, definitions: &Definitions, kpi: &Kpi) -> Result<bool> {
    let Some(sql) = &kpi.facts else { return Ok(true) };
    if let Some(known) = app.kpis.alone.lock().get(sql) {
        return Ok(*known);
    }
    let days = [period(kpi.window, kpi.lag, date_of(crate::metrics::today(app)))];
    let context = prepare(app, definitions, None, &[kpi], &days).await?;
    // What cannot be planned says why when it is run.
    let found = context
        .treats_each_alone(sql, "account_no")
        .await
        .unwrap_or(false);
    app.kpis.alone.lock().insert(sql.clone(), found);
    Ok(found)
}

/// Whether a figure of some accounts costs as much as one of all, because a part of it can only be told by looking at every account.
///
/// # Errors
/// When a relation cannot be made.
pub(super) async fn hangs_on_all(app: &App, definitions: &Definitions, kpi: &Kpi) -> Result<bool> {
    Ok(Reads::of(app, kpi).velocity || !treats_each_alone(app, definitions, kpi).await?)
}
