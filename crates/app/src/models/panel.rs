//! The panel: accounts on cutoff days, with what was known of them then and what became of them. Pure; [`super::gather`] fills it.

use serde::{Deserialize, Serialize};
use tenure_learn::{Column, Table, threads};
use utoipa::ToSchema;

/// What was known on the cutoffs, and what became known only later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestKnowledge)]
pub struct Knowledge {
    /// Whether events count from the day that they carry, whenever they arrived.
    pub trust_dates: bool,
    /// Events dated on or before a cutoff that arrived after it; each event once.
    pub late_events: u64,
    /// Accounts that have such events.
    pub late_accounts: u64,
    /// Accounts of which nothing at all had arrived by the newest cutoff although their events are dated before it.
    pub unknown_accounts: u64,
    /// What that means, in words.
    pub note: String,
}

impl Knowledge {
    /// Says in words what the counts mean.
    pub fn tell(&mut self, accounts: usize) {
        self.note = if self.trust_dates {
            "Events count from the day that they carry, not from the day on which they arrived: if they were entered afterwards, \
             the score did not know them then, and this figure is too good."
                .into()
        } else if self.late_events == 0 {
            "Every event had arrived by the day that it counts from.".into()
        } else if self.unknown_accounts * 2 > accounts as u64 {
            format!(
                "{} events of {} accounts carry a day before a cutoff but arrived after it, so the score could not know them; of {} accounts \
                 nothing was known. Files without a column received_at count as received when they were imported. Give that column, or \
                 run the back-test with dates as known, which the result then states.",
                self.late_events, self.late_accounts, self.unknown_accounts
            )
        } else {
            format!(
                "{} events of {} accounts arrived after a cutoff that they are dated before; at that cutoff they do not count.",
                self.late_events, self.late_accounts
            )
        };
    }
}

/// One cutoff day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cutoff {
    /// The day, whose end the score knows.
    pub day: i32,
    /// The first instant after it, UTC microseconds.
    pub end: i64,
    /// Accounts that were asked but whose horizon has not passed: left out.
    pub censored: usize,
}

/// Accounts on cutoff days. Rows are ordered by cutoff, then by account.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Ascending.
    pub cutoffs: Vec<Cutoff>,
    /// The program's metrics as known, by id.
    pub columns: Vec<Column>,
    /// The account of each row.
    pub accounts: Vec<i64>,
    /// The cutoff of each row.
    pub at: Vec<u32>,
    /// The segment of each row, into `segments`.
    pub segment: Vec<u32>,
    /// The segments' ids.
    pub segments: Vec<String>,
    /// MRR as known; NaN = unknown.
    pub mrr: Vec<f64>,
    /// Days active as known.
    pub tenure: Vec<f64>,
    /// Days since the last login; NaN = never.
    pub quiet: Vec<f64>,
    /// Whether the outcome came; `None` while the horizon has not passed.
    pub labels: Vec<Option<bool>>,
    /// The outcome's day.
    pub when: Vec<Option<i32>>,
    /// The instant from which on the outcome was known, UTC microseconds; `i64::MIN` = from its day on.
    pub told: Vec<i64>,
    /// Whether the outcome came within other horizons.
    pub also: Vec<(i32, Vec<Option<bool>>)>,
    /// What was known when.
    pub knowledge: Knowledge,
    /// The newest day of which everything is known.
    pub newest: i32,
}

impl Panel {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.accounts.len()
    }

    /// The rows of a cutoff.
    #[must_use]
    pub fn of(&self, cutoff: usize) -> std::ops::Range<usize> {
        let at = u32::try_from(cutoff).unwrap_or(u32::MAX);
        self.at.partition_point(|held| *held < at)..self.at.partition_point(|held| *held <= at)
    }

    /// What was known before an instant of whether the outcome of a row came; an outcome of which nobody had told by then had not come.
    #[must_use]
    pub fn label_at(&self, row: usize, end: i64) -> Option<bool> {
        self.labels[row].map(|came| came && self.told[row] < end)
    }

    /// The columns to learn from, as a table of all rows.
    ///
    /// # Errors
    /// Never for columns that the panel was filled with.
    pub fn table(&self) -> tenure_learn::Result<Table> {
        Table::new(self.columns.clone())
    }
}

/// Row by row into columns, in any order; [`Filler::finish`] puts them in order.
pub struct Filler {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    rows: Vec<Row>,
    also: Vec<(i32, Vec<Option<bool>>)>,
}

/// What a row has besides its columns.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The cutoff's place.
    pub cutoff: u32,
    /// The account.
    pub account: i64,
    /// The segment's place.
    pub segment: u32,
    /// MRR.
    pub mrr: f64,
    /// Days active.
    pub tenure: f64,
    /// Days since the last login.
    pub quiet: f64,
    /// Whether the outcome came.
    pub label: Option<bool>,
    /// When.
    pub when: Option<i32>,
    /// From which instant on it was known.
    pub told: i64,
}

impl Filler {
    /// Columns by name; other horizons than the outcome's own.
    #[must_use]
    pub fn new(names: Vec<String>, horizons: &[i32]) -> Self {
        Self {
            columns: vec![Vec::new(); names.len()],
            names,
            rows: Vec::new(),
            also: horizons.iter().map(|days| (*days, Vec::new())).collect(),
        }
    }

    /// Adds a row with its value of each column and its outcome within each other horizon.
    pub fn push(
        &mut self,
        row: Row,
        values: impl Iterator<Item = f64>,
        also: impl Iterator<Item = Option<bool>>,
    ) {
        self.rows.push(row);
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(if value.is_finite() { value } else { f64::NAN });
        }
        for ((_, labels), label) in self.also.iter_mut().zip(also) {
            labels.push(label);
        }
    }

    /// Adds the rows of another one for the same columns and horizons.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.extend(more);
        }
        for ((_, labels), (_, more)) in self.also.iter_mut().zip(other.also) {
            labels.extend(more);
        }
    }

    /// The rows in order.
    #[must_use]
    pub fn finish(self) -> Panel {
        let order = self.order();
        let columns = threads::map(threads::available(), self.columns.len(), |column| {
            let values = &self.columns[column];
            order.iter().map(|at| values[*at as usize]).collect::<Vec<f64>>()
        });
        let mut panel = Panel {
            columns: self
                .names
                .into_iter()
                .zip(columns)
                .map(|(name, values)| Column::number(name, values))
                .collect(),
            also: self
                .also
                .into_iter()
                .map(|(days, labels)| (days, order.iter().map(|at| labels[*at as usize]).collect()))
                .collect(),
            ..Panel::default()
        };
        let count = order.len();
        panel.accounts.reserve_exact(count);
        panel.at.reserve_exact(count);
        panel.segment.reserve_exact(count);
        panel.mrr.reserve_exact(count);
        panel.tenure.reserve_exact(count);
        panel.quiet.reserve_exact(count);
        panel.labels.reserve_exact(count);
        panel.when.reserve_exact(count);
        panel.told.reserve_exact(count);
        for row in order.iter().map(|at| &self.rows[*at as usize]) {
            panel.accounts.push(row.account);
            panel.at.push(row.cutoff);
            panel.segment.push(row.segment);
            panel.mrr.push(row.mrr);
            panel.tenure.push(row.tenure);
            panel.quiet.push(row.quiet);
            panel.labels.push(row.label);
            panel.when.push(row.when);
            panel.told.push(row.told);
        }
        panel
    }

    /// The places of the rows by cutoff and account. Rows mostly come by account already, so that putting each into its cutoff is all.
    fn order(&self) -> Vec<u32> {
        let mut cutoffs: Vec<Vec<u32>> = Vec::new();
        for (place, row) in (0u32..).zip(&self.rows) {
            let cutoff = row.cutoff as usize;
            if cutoffs.len() <= cutoff {
                cutoffs.resize_with(cutoff + 1, Vec::new);
            }
            cutoffs[cutoff].push(place);
        }
        let account = |place: &u32| self.rows[*place as usize].account;
        for of in &mut cutoffs {
            if !of.is_sorted_by_key(account) {
                of.sort_by_key(account);
            }
        }
        cutoffs.concat()
    }
}
