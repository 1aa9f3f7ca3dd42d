//! A believable company, written as files that Tenure imports.
//!
//! [`write()`] makes a folder with `import.yaml` and one file per import kind, as `docs/shape.md` defines them. The company sells compliance
//! training to healthcare providers. Nothing in it is real: company names are coined, every address ends in `.test` or `example.com`.
//!
//! # What happens in it
//!
//! Each account has a size (employees, MRR, so a segment: some 8 % strategic, 37 % core, 55 % digital), a contract (yearly or monthly), people, and a
//! **latent health** that nobody in the data can see: an Ornstein–Uhlenbeck process in weekly steps around the account's own level. Shocks
//! strike it: the champion leaves (and some weeks later has a successor), tickets pile up, the price rises, the company itself gets into trouble, a
//! competitor calls, use slides for no visible reason, a roll-out succeeds. And some accounts took to the product better than others of their size.
//!
//! Health and shocks leave traces:
//! - *product use* (sessions with log-ins, pages, features, courses) follows seats, health, the weekday and the season, and grows over a new account's first weeks;
//! - *mail, notices, webinars and meetings* go out by the segment's cadence, responses depend on health and on whether there is a champion; mail to one who left bounces;
//! - *tickets* come more often and stay open longer when things go badly;
//! - *surveys* are answered by some, with scores around health and comments that fit score and situation;
//! - *people*: that a champion has left, and who came instead, is noted some days later (`contact_left`, `contact_joined`);
//! - *looks elsewhere*: who talks to competitors takes records out (`data_exported`), which others rarely do; who is in trouble pays late;
//! - *money*: renewals, price rises, upsell, cross-sell, contraction, failed payments;
//! - *stage*: the company enters where in its life each account is (land, adopt, expand, renew), once a week.
//!
//! **Leaving.** Every week each account has a risk of deciding to leave. It is computed from what leaves traces in the data, not from latent health: how low
//! use is for the account's size and how far it fell over the last months, tickets left open, a missing champion, silence, few features in use, failed onboarding,
//! an approaching yearly renewal, a recent rise in price, trouble, competitors. Some terms multiply: a decline during silence, open tickets without a
//! champion, low use after a rise in price. None can be perfect: traces are few and late, and what strikes an account tomorrow shows nowhere today.
//! Having decided, an account gives notice (and can be saved, more often when somebody steps in) or just leaves. The reason it gives fits what happened.
//! During the last four months the company does its work a little better each week.
//!
//! `truth.csv` holds what only the simulation knows: `account_id, month, hazard, health, notice, decided`: the probability of deciding to leave
//! within a month of that month's mean risk (0 while a notice runs), the mean latent health, whether a notice was running at the month's start,
//! and whether the decision fell in the month. It is not imported: it is there to judge scores by.
//!
//! # Dirt
//!
//! Real exports are not clean, so some 3 % of accounts lack employees, a few lack an MRR (prospects, and new customers whose contract is not entered),
//! 1 % of events arrive days or weeks late, 0.3 % are repeated letter for letter, and some rows must be rejected (bad dates, unknown accounts, …).
//! Bad rows stand beside good ones and never replace them. [`Summary`] counts all of this. Accounts 13 to 21 stand on the edges of the segments' rules.
//!
//! # Determinism and scale
//!
//! The same options give the same bytes. Each account has its own random stream and lives by itself; time goes by in steps of four weeks, and in
//! each step batches of accounts are spread over the machine's cores and written in order. So the events file is ordered by step, account and
//! time, as a real history is, and memory is bounded by the accounts' states (some 2 kB each) and one row group.

mod calendar;
mod env;
mod event;
mod health;
mod life;
mod names;
mod output;
mod outreach;
mod product;
mod profile;
mod random;
mod revenue;
mod roster;
mod run;
mod sales;
mod stage;
mod support;
mod truth;
mod voice;
mod words;

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of accounts that ever appear, 1 to 5,000,000.
    pub accounts: u32,
    /// Months of history, 1 to 120. Accounts of the existing base began before.
    pub months: u32,
    /// The seed: other seeds give other companies.
    pub seed: u64,
    /// Last day of data. Events fall anywhere within it (UTC), so give yesterday where nothing may lie in the future.
    pub until: Date,
    /// About how many events an account has per month, instead of the model's own 44 or so; only product use is scaled.
    pub events_per_account_month: Option<f64>,
}

impl Options {
    /// The demo's company: 560 accounts, 18 months, seed 1, up to `until`.
    pub fn new(until: Date) -> Self {
        Self {
            accounts: 560,
            months: 18,
            seed: 1,
            until,
            events_per_account_month: None,
        }
    }
}

/// How far the work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being done: `living` or `writing accounts`.
    pub phase: &'static str,
    /// Account-steps done.
    pub done: u64,
    /// Account-steps in all.
    pub total: u64,
    /// Events written so far.
    pub events: u64,
}

/// One file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FileSummary {
    /// Name within the folder.
    pub file: String,
    /// Import kind; none for a file that is not imported.
    pub kind: Option<String>,
    /// Rows of data, with duplicates and bad ones.
    pub rows: u64,
    /// Rows that repeat an earlier row letter for letter.
    pub duplicates: u64,
    /// Rows that an importer must reject.
    pub bad_rows: u64,
    /// Bad rows by fault.
    pub faults: BTreeMap<String, u64>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// First day of events.
    pub from: Date,
    /// Last day of events.
    pub until: Date,
    /// Accounts, prospects included.
    pub accounts: u64,
    /// Accounts that are customers at the end.
    pub active: u64,
    /// Accounts that churned.
    pub churned: u64,
    /// Accounts whose record lacks employees.
    pub missing_employees: u64,
    /// Accounts without an MRR: prospects and those whose contract is not entered.
    pub missing_mrr: u64,
    /// Of these, the prospects, who have no start either.
    pub prospects: u64,
    /// Distinct good events in the events file.
    pub events: u64,
    /// Of these, received more than a day after they happened.
    pub late_events: u64,
    /// The files.
    pub files: Vec<FileSummary>,
}

impl Summary {
    /// The summary of a file by its name.
    pub fn file(&self, name: &str) -> Option<&FileSummary> {
        self.files.iter().find(|file| file.file == name)
    }
}

/// Writes the company's files into `out_dir`, which is made if need be; files of an earlier run there are replaced.
///
/// # Errors
/// Options out of range, or a folder that cannot be written; the message names the value or the file.
pub fn write(
    options: &Options,
    out_dir: &Path,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<Summary> {
    run::write(options, out_dir, progress)
}

#[cfg(test)]
mod tests;
