//! The names of a file's columns, and finding the one that was meant.

use std::collections::HashMap;

/// Column names with their places.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Columns {
    /// Columns with these names, in order.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut columns = Self::default();
        for name in names {
            columns.add(&name);
        }
        columns
    }

    /// The place of `name`, added at the end when it is new.
    pub fn add(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        let at = self.names.len();
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), at);
        at
    }

    /// The place of the column with exactly this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// All names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// A name without its spelling: lower case, everything that is not a letter or digit as one `_`.
/// `Account Id`, `accountId` and `ACCOUNT-ID` are all `account_id`.
pub fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut lower_before = false;
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && lower_before {
                out.push('_');
            }
            lower_before = c.is_lowercase() || c.is_numeric();
            out.extend(c.to_lowercase());
        } else {
            lower_before = false;
            if !out.ends_with('_') && !out.is_empty() {
                out.push('_');
            }
        }
    }
    out.trim_end_matches('_').to_owned()
}

/// The candidate that `name` most likely stands for, as the end of a sentence: `; did you mean “x”?`, or nothing.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let wanted = normal(name);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &normal(candidate)),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean “{candidate}”?")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        for name in [
            "Account Id",
            "accountId",
            "ACCOUNT-ID",
            " account_id ",
            "Account  ID",
        ] {
            assert_eq!(normal(name), "account_id", "{name}");
        }
        assert_eq!(normal("# Employees (2024)"), "employees_2024");
        assert_eq!(normal("Größe"), "größe");
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(
            nearest("Acount ID", ["name", "account_id"]),
            "; did you mean “account_id”?"
        );
        assert_eq!(nearest("zzz", ["name", "account_id"]), "");
    }
}
