//! What other rules would do: the same evaluation, with another plan, compared account by account.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::definitions::Definitions;
use crate::metrics::evaluate::UNCLASSIFIED;
use crate::metrics::plan::Plan;
use crate::metrics::{self, Entry, as_of};

/// Accounts of a move that are named.
const NAMED: usize = 10;

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
    /// Active accounts by segment now.
    pub before: BTreeMap<String, usize>,
    /// Active accounts by segment then.
    pub counts: BTreeMap<String, usize>,
    /// MRR of the active accounts by segment then.
    pub mrr: BTreeMap<String, f64>,
    /// Active accounts that no rule would take.
    pub unclassified: usize,
    /// Active accounts for which some rule could not be decided.
    pub undecided: usize,
    /// Active accounts in all.
    pub total: usize,
}

/// Accounts now and then, compared as they come.
#[derive(Debug, Default)]
pub struct Comparison {
    preview: Preview,
    moves: BTreeMap<(String, String), Move>,
}

impl Comparison {
    /// Takes an account as it is and as it would be on `day`; one that is not active does not count.
    pub fn add(&mut self, now: &Entry, then: &Entry, day: i32) {
        let (Some(is), Some(would)) = (now.now().filter(|span| span.active), then.head.span_at(day)) else {
            return;
        };
        let preview = &mut self.preview;
        preview.total += 1;
        *preview.before.entry(is.segment.clone()).or_default() += 1;
        *preview.counts.entry(would.segment.clone()).or_default() += 1;
        *preview.mrr.entry(would.segment.clone()).or_default() += would.mrr.unwrap_or(0.0);
        preview.unclassified += usize::from(would.segment == UNCLASSIFIED);
        preview.undecided += usize::from(!then.head.flags.is_empty());
        if is.segment == would.segment {
            return;
        }
        let key = (is.segment.clone(), would.segment.clone());
        let one = self.moves.entry(key.clone()).or_insert_with(|| Move {
            from: key.0,
            to: key.1,
            accounts: 0,
            mrr: 0.0,
            sample: Vec::new(),
        });
        one.accounts += 1;
        one.mrr += is.mrr.unwrap_or(0.0);
        one.sample.push(Sample {
            account_id: now.id.clone(),
            name: now.name.clone(),
            mrr: is.mrr,
            why: then.head.why.clone(),
        });
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Preview {
        let mut preview = self.preview;
        preview.moves = self
            .moves
            .into_values()
            .map(|mut one| {
                one.sample
                    .sort_by(|a, b| b.mrr.unwrap_or(0.0).total_cmp(&a.mrr.unwrap_or(0.0)));
                one.sample.truncate(NAMED);
                one
            })
            .collect();
        preview.moves.sort_by_key(|one| std::cmp::Reverse(one.accounts));
        preview
    }
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
    let mut comparison = Comparison::default();
    for chunk in active.chunks(4_000) {
        let nos: Vec<i64> = chunk.iter().map(|entry| entry.no).collect();
        let then = as_of::with_plan(app, &plan, &nos, day).await?;
        for (now, then) in chunk.iter().zip(&then) {
            comparison.add(now, then, day);
        }
    }
    Ok(comparison.finish())
}
