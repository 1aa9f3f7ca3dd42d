//! What other rules would do: the same evaluation, with another plan, compared account by account.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::definitions::Definitions;
use crate::metrics::plan::Plan;
use crate::metrics::{self, Entry, as_of};

/// Accounts that would move from one segment to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Move {
    /// The segment now.
    pub from: String,
    /// The segment then.
    pub to: String,
    /// How many active accounts.
    pub accounts: usize,
    /// Their MRR.
    pub mrr: f64,
    /// Some of them, greatest MRR first.
    pub sample: Vec<Sample>,
}

/// An account that would move.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MoveSample)]
pub struct Sample {
    /// Its id.
    pub account_id: String,
    /// Its name.
    pub name: String,
    /// Its MRR.
    pub mrr: Option<f64>,
    /// Why it would be there.
    pub why: String,
}

/// The consequence of other rules for the active accounts.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Preview {
    /// Who moves.
    pub moves: Vec<Move>,
    /// Active accounts by segment then.
    pub counts: BTreeMap<String, usize>,
    /// Active accounts that no rule would take.
    pub unclassified: usize,
    /// Active accounts for which some rule could not be decided.
    pub undecided: usize,
    /// Active accounts in all.
    pub total: usize,
}

/// Compares the present segments with those that `changed` would give.
///
/// # Errors
/// When an expression does not compile or the records fail.
pub async fn preview(app: &App, changed: &Definitions) -> Result<Preview> {
    let plan = Arc::new(Plan::new(changed)?);
    let day = metrics::today(app);
    let active: Vec<Arc<Entry>> = app
        .metrics
        .book
        .all()
        .into_iter()
        .filter(|entry| entry.active())
        .collect();
    let mut preview = Preview {
        total: active.len(),
        ..Preview::default()
    };
    let mut moves: BTreeMap<(String, String), Move> = BTreeMap::new();
    for chunk in active.chunks(4_000) {
        let nos: Vec<i64> = chunk.iter().map(|entry| entry.no).collect();
        let then = as_of::with_plan(app, &plan, &nos, day).await?;
        for (entry, then) in chunk.iter().zip(then) {
            let (Some(now), Some(span)) = (entry.now(), then.head.span_at(day)) else {
                continue;
            };
            *preview.counts.entry(span.segment.clone()).or_default() += 1;
            preview.unclassified += usize::from(span.segment == metrics::evaluate::UNCLASSIFIED);
            preview.undecided += usize::from(!then.head.flags.is_empty());
            if now.segment == span.segment {
                continue;
            }
            let key = (now.segment.clone(), span.segment.clone());
            let one = moves.entry(key.clone()).or_insert_with(|| Move {
                from: key.0,
                to: key.1,
                accounts: 0,
                mrr: 0.0,
                sample: Vec::new(),
            });
            one.accounts += 1;
            one.mrr += now.mrr.unwrap_or(0.0);
            one.sample.push(Sample {
                account_id: entry.id.clone(),
                name: entry.name.clone(),
                mrr: now.mrr,
                why: then.head.why.clone(),
            });
        }
    }
    preview.moves = moves
        .into_values()
        .map(|mut one| {
            one.sample
                .sort_by(|a, b| b.mrr.unwrap_or(0.0).total_cmp(&a.mrr.unwrap_or(0.0)));
            one.sample.truncate(10);
            one
        })
        .collect();
    preview.moves.sort_by_key(|one| std::cmp::Reverse(one.accounts));
    Ok(preview)
}
