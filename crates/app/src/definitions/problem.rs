//! What is wrong with a program, where, and what would be right.

use std::fmt;

use serde::Serialize;

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The program cannot be applied.
    Error,
    /// The program can be applied, but something in it probably does not mean what its author thinks.
    Warning,
}

/// One thing that is wrong in a program's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The file, as it was named when it was handed in, e.g. `kpis.yaml`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The path of the field, e.g. `kpis[3].window`.
    pub path: String,
    /// The offending name or value as it stands in the file.
    pub name: String,
    /// What is wrong, one sentence.
    pub problem: String,
    /// The nearest name that would have been right, if one is near.
    pub nearest: Option<String>,
    /// What to do about it, one sentence.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}: {}",
            self.file, self.line, self.column, self.path, self.problem
        )?;
        if let Some(nearest) = &self.nearest {
            write!(f, " Did you mean '{nearest}'?")?;
        }
        write!(f, " {}", self.remedy)
    }
}

/// The candidate that is nearest to `name` and near enough to be what was meant. A name that is another's beginning or
/// end counts as near (`tickets` for `tickets_30d`); otherwise about a third of the letters may differ.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            let part = wanted.len() >= 4 && (lower.starts_with(&wanted) || lower.ends_with(&wanted));
            (distance <= allowed || part).then_some((distance > allowed, distance, candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate.to_owned())
}
