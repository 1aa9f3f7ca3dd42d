//! What is looked at before anything is learnt, and what looks too good afterwards.

use serde::Serialize;

use super::{Method, Task};
use crate::error::{Error, Result};
use crate::screen;
use crate::threads;

/// A column whose AUC alone is above this knows the answer.
pub const LEAK: f64 = 0.99;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What is the matter, and what to do.
    pub message: String,
    /// Whether the outcome seems to be known from it.
    #[serde(skip)]
    pub leak: bool,
}

impl Warning {
    /// About a column, or about the whole table.
    pub fn new(column: Option<&str>, message: String) -> Self {
        Self {
            column: column.map(str::to_owned),
            message,
            leak: false,
        }
    }
}

/// The columns to learn from, and warnings about the others.
pub(super) fn columns(task: &Task<'_>) -> Result<(Vec<usize>, Vec<Warning>)> {
    let table = task.table;
    if table.rows() == 0 || task.labels.is_empty() {
        return Err(Error::Empty);
    }
    for (column, found) in [
        (task.target, task.labels.len()),
        ("the groups", task.groups.map_or(table.rows(), <[u64]>::len)),
    ] {
        if found != table.rows() {
            return Err(Error::Length {
                column: column.into(),
                found,
                wanted: table.rows(),
            });
        }
    }
    let positives = task.labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == task.labels.len() {
        return Err(Error::OneClass {
            column: task.target.to_owned(),
            positives,
            rows: task.labels.len(),
            remedy: "check the value that counts as positive, or take rows over a longer time".into(),
        });
    }
    if let Some(name) = task.hand_set {
        table.find(name)?;
    }
    let mut warnings = Vec::new();
    let (mut missing, mut constant, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (at, column) in table.columns().iter().enumerate() {
        if screen::all_missing(&column.values) {
            missing.push(column.name.as_str());
        } else if screen::constant(&column.values) {
            constant.push(column.name.as_str());
        } else {
            kept.push(at);
        }
    }
    list(
        &missing,
        "holds no value in any row; it is left out",
        &mut warnings,
    );
    list(
        &constant,
        "holds the same value in every row; it is left out",
        &mut warnings,
    );
    let learnt = kept
        .iter()
        .filter(|at| Some(table.columns()[**at].name.as_str()) != task.hand_set)
        .count();
    if learnt == 0 {
        return Err(Error::NoColumns {
            reason: format!("{} are constant and {} are empty", constant.len(), missing.len()),
        });
    }
    let alone = threads::map(task.threads, kept.len(), |at| {
        screen::alone(&table.columns()[kept[at]].values, task.labels)
    });
    for (at, auc) in kept.iter().zip(alone) {
        if let Some(auc) = auc.filter(|auc| *auc > LEAK) {
            let name = &table.columns()[*at].name;
            warnings.push(Warning {
                column: Some(name.clone()),
                message: format!(
                    "column \"{name}\" alone tells the outcome with an AUC of {auc:.4}: it probably became known only afterwards; \
                     leave it out with --ignore \"{name}\""
                ),
                leak: true,
            });
        }
    }
    Ok((kept, warnings))
}

/// One warning per column, or one for all where there are many.
fn list(names: &[&str], what: &str, warnings: &mut Vec<Warning>) {
    if names.len() > 20 {
        warnings.push(Warning::new(
            None,
            format!("{} columns, such as \"{}\": each {what}", names.len(), names[0]),
        ));
        return;
    }
    for name in names {
        warnings.push(Warning::new(Some(name), format!("column \"{name}\" {what}")));
    }
}

/// Warns of methods that are too good to be true.
pub(super) fn after(methods: &[Method], warnings: &mut Vec<Warning>) {
    let named = warnings.iter().any(|warning| warning.leak);
    if let Some(best) = methods.iter().find(|method| method.auc > LEAK).filter(|_| !named) {
        warnings.push(Warning {
            column: None,
            message: format!(
                "the method \"{}\" reaches an AUC of {:.4}: columns together tell the outcome, which usually means that some became known \
                 only afterwards",
                best.method, best.auc
            ),
            leak: true,
        });
    }
}
