//! The rows of a back-test as files, one CSV for each cutoff: what was known of every account, what became of it and what each method said.
//! With them anybody can check the figures, or hold another learner against them.
//!
//! They lie in `DIR/backtests/ID/DAY.csv`; those of the newest back-tests are kept. They are a copy: nothing reads them but who asks for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::panel::Panel;
use super::rolling::Scored;
use crate::App;
use crate::metrics::facts::date_of;
use crate::web::sheet::harmless;

/// Back-tests whose rows are kept.
pub const KEPT: usize = 3;

/// The rows and what is written beside them.
pub struct Rows<'a> {
    /// The panel.
    pub panel: &'a Panel,
    /// The id of each account number.
    pub id_of: &'a dyn Fn(i64) -> Option<String>,
    /// The score set by hand that learning is shrunk towards.
    pub hand: Option<&'a [f64]>,
    /// Methods by id.
    pub methods: &'a [(String, Scored)],
    /// The first cutoff that is tested.
    pub from: i32,
}

fn root(app: &App) -> PathBuf {
    app.config.data.join("backtests")
}

/// The folder of a back-test's rows.
#[must_use]
pub fn folder(app: &App, id: &str) -> PathBuf {
    root(app).join(id)
}

/// Removes the rows of all but the newest back-tests. Ids rise with time.
///
/// # Errors
/// When the folder cannot be read or changed.
pub fn tidy(app: &App) -> Result<()> {
    let root = root(app);
    if !root.is_dir() {
        return Ok(());
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir(&root)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    found.sort();
    for old in &found[..found.len().saturating_sub(KEPT)] {
        std::fs::remove_dir_all(old)?;
    }
    Ok(())
}

/// A figure, exactly; nothing where there is none.
fn number(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else {
        value.to_string()
    }
}

impl Rows<'_> {
    fn head(&self) -> Vec<String> {
        let mut head: Vec<String> = [
            "account_id",
            "cutoff",
            "tested",
            "segment",
            "mrr",
            "days_active",
            "days_since_login",
            "outcome",
            "outcome_on",
        ]
        .map(str::to_owned)
        .to_vec();
        head.extend(self.panel.columns.iter().map(|it| format!("measure.{}", it.name)));
        head.extend(self.hand.map(|_| "hand_set".to_owned()));
        for (id, method) in self.methods {
            head.push(format!("risk.{id}"));
            head.push(format!("probability.{id}"));
            head.extend(method.health.as_ref().map(|_| format!("health.{id}")));
            head.extend(method.raw.as_ref().map(|_| format!("raw.{id}")));
        }
        head
    }

    fn line(&self, row: usize, day: i32) -> Vec<String> {
        let panel = self.panel;
        let label = panel.labels[row];
        let mut line = vec![
            harmless(&(self.id_of)(panel.accounts[row]).unwrap_or_default()),
            date_of(day).to_string(),
            u8::from(label.is_some() && day >= self.from).to_string(),
            panel
                .segments
                .get(panel.segment[row] as usize)
                .cloned()
                .unwrap_or_default(),
            number(panel.mrr[row]),
            number(panel.tenure[row]),
            number(panel.quiet[row]),
            label.map_or_else(String::new, |came| u8::from(came).to_string()),
            panel.when[row].map_or_else(String::new, |on| date_of(on).to_string()),
        ];
        line.extend(panel.columns.iter().map(|column| match &column.values {
            tenure_learn::Values::Number(values) => number(values[row]),
            tenure_learn::Values::Category { codes, names } => {
                names.get(codes[row] as usize).cloned().unwrap_or_default()
            }
        }));
        line.extend(self.hand.map(|hand| number(hand[row])));
        for (_, method) in self.methods {
            line.push(number(method.risk[row]));
            line.push(number(method.probability[row]));
            line.extend(method.health.as_ref().map(|health| number(health[row])));
            line.extend(method.raw.as_ref().map(|raw| number(raw[row])));
        }
        line
    }

    /// Writes a file for each cutoff that has rows.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let why = || format!("the rows cannot be written to {}", folder.display());
        std::fs::create_dir_all(folder).with_context(why)?;
        for (at, cutoff) in self.panel.cutoffs.iter().enumerate() {
            let rows = self.panel.of(at);
            if rows.is_empty() {
                continue;
            }
            let path = folder.join(format!("{}.csv", date_of(cutoff.day)));
            let mut out = csv::Writer::from_path(&path).with_context(why)?;
            out.write_record(self.head()).with_context(why)?;
            for row in rows {
                out.write_record(self.line(row, cutoff.day)).with_context(why)?;
            }
            out.flush().with_context(why)?;
        }
        Ok(())
    }
}

/// The days of which rows of a back-test are kept, ascending.
///
/// # Errors
/// When the folder cannot be read.
pub fn days(app: &App, id: &str) -> Result<Vec<String>> {
    let folder = folder(app, id);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut days = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        days.extend(
            name.to_str()
                .and_then(|name| name.strip_suffix(".csv"))
                .map(str::to_owned),
        );
    }
    days.sort();
    Ok(days)
}
