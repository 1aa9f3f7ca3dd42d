//! The panel: accounts on cutoff days, with what was known of them then and what became of them. Pure; [`super::gather`] fills it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tenure_learn::table::MISSING;
use tenure_learn::{Column, Table, Values};
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
    /// Accounts that were asked but whose horizon has not passed: left out.
    pub censored: usize,
}

/// Accounts on cutoff days. Rows are ordered by cutoff, then by account.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Ascending.
    pub cutoffs: Vec<Cutoff>,
    /// What was known: metrics, then attributes, all by name.
    pub columns: Vec<Column>,
    /// How many of the columns are metrics.
    pub metrics: usize,
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

    /// The columns to learn from, as a table of all rows.
    ///
    /// # Errors
    /// Never for columns that the panel was filled with.
    pub fn table(&self) -> tenure_learn::Result<Table> {
        let mut columns = self.columns.clone();
        columns.push(Column::number(MRR, self.mrr.clone()));
        columns.push(Column::number(TENURE, self.tenure.clone()));
        Table::new(columns)
    }
}

/// The column of MRR in tables to learn from.
pub const MRR: &str = "mrr";
/// The column of days active in tables to learn from.
pub const TENURE: &str = "days_active";

/// Different texts of an attribute beyond which it is a name and not learnt from.
const MOST_TEXTS: usize = 100;

/// A column being filled.
enum Filling {
    Number(Vec<f64>),
    Text {
        codes: Vec<u32>,
        known: HashMap<String, u32>,
        names: Vec<String>,
    },
}

/// What is pushed into a column.
pub enum Cell<'a> {
    /// A number; NaN is missing.
    Number(f64),
    /// A text.
    Text(Option<&'a str>),
}

/// Row by row into columns, in any order; [`Filler::finish`] puts them in order.
pub struct Filler {
    names: Vec<String>,
    columns: Vec<Filling>,
    /// Cutoff, account, segment, MRR, days active, days since the last login, label, day.
    rows: Vec<Row>,
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
}

impl Filler {
    /// Columns by name; `true` = a text.
    #[must_use]
    pub fn new(columns: &[(String, bool)]) -> Self {
        Self {
            names: columns.iter().map(|(name, _)| name.clone()).collect(),
            columns: columns
                .iter()
                .map(|(_, text)| match text {
                    true => Filling::Text {
                        codes: Vec::new(),
                        known: HashMap::new(),
                        names: Vec::new(),
                    },
                    false => Filling::Number(Vec::new()),
                })
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a value to a column.
    pub fn push(&mut self, column: usize, cell: Cell<'_>) {
        match (self.columns.get_mut(column), cell) {
            (Some(Filling::Number(values)), Cell::Number(value)) => {
                values.push(if value.is_finite() { value } else { f64::NAN });
            }
            (Some(Filling::Text { codes, known, names }), Cell::Text(text)) => {
                let code = match text.filter(|text| !text.is_empty()) {
                    None => MISSING,
                    Some(text) => match known.get(text) {
                        Some(code) => *code,
                        None => {
                            let code = u32::try_from(names.len()).unwrap_or(MISSING);
                            names.push(text.to_owned());
                            known.insert(text.to_owned(), code);
                            code
                        }
                    },
                };
                codes.push(code);
            }
            (Some(Filling::Number(values)), Cell::Text(_)) => values.push(f64::NAN),
            (Some(Filling::Text { codes, .. }), Cell::Number(_)) => codes.push(MISSING),
            (None, _) => {}
        }
    }

    /// Adds what a row has besides.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The rows in order. Texts with too many different values are left out.
    #[must_use]
    pub fn finish(self, metrics: usize) -> Panel {
        let mut order: Vec<u32> = (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by_key(|at| {
            let row = &self.rows[*at as usize];
            (row.cutoff, row.account)
        });
        let pick = |of: &dyn Fn(&Row) -> f64| {
            order
                .iter()
                .map(|at| of(&self.rows[*at as usize]))
                .collect::<Vec<f64>>()
        };
        let columns = self
            .names
            .into_iter()
            .zip(self.columns)
            .filter_map(|(name, filling)| {
                let values = match filling {
                    Filling::Number(values) => Values::Number(values),
                    Filling::Text { names, .. } if names.len() > MOST_TEXTS => return None,
                    Filling::Text { codes, names, .. } => ordered(codes, names),
                };
                Some(Column {
                    name,
                    values: values.take(&order),
                })
            })
            .collect();
        Panel {
            cutoffs: Vec::new(),
            columns,
            metrics,
            accounts: order.iter().map(|at| self.rows[*at as usize].account).collect(),
            at: order.iter().map(|at| self.rows[*at as usize].cutoff).collect(),
            segment: order.iter().map(|at| self.rows[*at as usize].segment).collect(),
            segments: Vec::new(),
            mrr: pick(&|row| row.mrr),
            tenure: pick(&|row| row.tenure),
            quiet: pick(&|row| row.quiet),
            labels: order.iter().map(|at| self.rows[*at as usize].label).collect(),
            when: order.iter().map(|at| self.rows[*at as usize].when).collect(),
            knowledge: Knowledge::default(),
            newest: 0,
        }
    }
}

/// Codes by the names' order, so that they do not hang on the order in which rows came.
fn ordered(codes: Vec<u32>, names: Vec<String>) -> Values {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| names[*a].cmp(&names[*b]));
    let mut place = vec![MISSING; names.len()];
    for (at, old) in order.iter().enumerate() {
        place[*old] = u32::try_from(at).unwrap_or(MISSING);
    }
    Values::Category {
        codes: codes
            .into_iter()
            .map(|code| place.get(code as usize).copied().unwrap_or(MISSING))
            .collect(),
        names: order.into_iter().map(|at| names[at].clone()).collect(),
    }
}
