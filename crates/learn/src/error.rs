//! What can be wrong with the data of a model. Each message names the column and the remedy.

/// Why nothing could be learnt or measured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No rows at all.
    #[error("there are no rows; send at least some with each outcome")]
    Empty,
    /// Two columns of different length.
    #[error(
        "column \"{column}\" has {found} values but there are {wanted} rows; give every row a value or leave it empty"
    )]
    Length {
        /// The column.
        column: String,
        /// Its length.
        found: usize,
        /// The table's.
        wanted: usize,
    },
    /// An infinite number.
    #[error("column \"{column}\" holds an infinite number in row {row}; leave the value empty or correct it")]
    Infinite {
        /// The column.
        column: String,
        /// The first such row, counted from 1.
        row: usize,
    },
    /// The outcome is the same everywhere.
    #[error(
        "the outcome \"{column}\" has one class only ({positives} of {rows} rows are positive); a model needs both: {remedy}"
    )]
    OneClass {
        /// The outcome's column.
        column: String,
        /// Rows with the outcome.
        positives: usize,
        /// All rows.
        rows: usize,
        /// What to do.
        remedy: String,
    },
    /// Nothing to learn from.
    #[error("no column is left to learn from: {reason}; add columns that differ between rows")]
    NoColumns {
        /// Why the others fell out.
        reason: String,
    },
    /// A name that the table does not have.
    #[error("there is no column \"{column}\"{}", nearest.as_ref().map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default())]
    UnknownColumn {
        /// What was asked for.
        column: String,
        /// The most similar name that exists.
        nearest: Option<String>,
    },
    /// A setting outside its range.
    #[error("{setting} is {value}; {remedy}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// A fold or side of a split that cannot be used.
    #[error("{part}: {problem}; {remedy}")]
    Split {
        /// Which part.
        part: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A definition that means nothing.
    #[error("{part}: {problem}; {remedy}")]
    Definition {
        /// Which part.
        part: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Numbers that did not settle.
    #[error("the fit of {what} did not settle; standardise or drop columns that say the same")]
    Unsettled {
        /// Which fit.
        what: &'static str,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The existing name that is most like `wanted`, if any is like it.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(like, _)| *like > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_nothing_far_fetched() {
        assert_eq!(nearest("Chrun", ["tenure", "Churn"]), Some("Churn".to_owned()));
        assert_eq!(nearest("zzz", ["tenure", "Churn"]), None);
    }
}
