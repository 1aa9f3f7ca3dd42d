//! A flat table: columns of numbers or categories, nothing else.

use crate::error::{Error, Result, nearest};

/// The code of a category that is not known.
pub const MISSING: u32 = u32::MAX;

/// The values of a column, one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; NaN is missing.
    Number(Vec<f64>),
    /// Codes into `names`; [`MISSING`] is missing.
    Category {
        /// One code per row.
        codes: Vec<u32>,
        /// What the codes stand for.
        names: Vec<String>,
    },
}

impl Values {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of these indices.
    pub fn take(&self, rows: &[u32]) -> Self {
        match self {
            Self::Number(values) => Self::Number(rows.iter().map(|row| values[*row as usize]).collect()),
            Self::Category { codes, names } => Self::Category {
                codes: rows.iter().map(|row| codes[*row as usize]).collect(),
                names: names.clone(),
            },
        }
    }
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
}

impl Column {
    /// A column of numbers.
    pub fn number(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            values: Values::Number(values),
        }
    }

    /// A column of categories from texts; an empty text is missing. Codes follow first appearance.
    pub fn category<'a>(name: impl Into<String>, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known = std::collections::HashMap::new();
        let mut names = Vec::new();
        let codes = texts
            .into_iter()
            .map(|text| {
                if text.is_empty() {
                    return MISSING;
                }
                *known.entry(text).or_insert_with(|| {
                    names.push(text.to_owned());
                    names.len() as u32 - 1
                })
            })
            .collect();
        Self {
            name: name.into(),
            values: Values::Category { codes, names },
        }
    }
}

/// Columns of equal length without infinities.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// [`Error::Length`] when a column is longer or shorter than the first, [`Error::Infinite`] for infinite numbers.
    pub fn new(columns: Vec<Column>) -> Result<Self> {
        let rows = columns.first().map_or(0, |column| column.values.len());
        for column in &columns {
            if column.values.len() != rows {
                return Err(Error::Length {
                    column: column.name.clone(),
                    found: column.values.len(),
                    wanted: rows,
                });
            }
            if let Values::Number(values) = &column.values
                && let Some(row) = values.iter().position(|value| value.is_infinite())
            {
                return Err(Error::Infinite {
                    column: column.name.clone(),
                    row: row + 1,
                });
            }
        }
        Ok(Self { columns, rows })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The index of the column of that name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] with the most similar name.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| Error::UnknownColumn {
                column: name.to_owned(),
                nearest: nearest(name, self.columns.iter().map(|column| column.name.as_str())),
            })
    }

    /// The rows of these indices, all columns.
    pub fn take(&self, rows: &[u32]) -> Self {
        Self {
            columns: self
                .columns
                .iter()
                .map(|column| Column {
                    name: column.name.clone(),
                    values: column.values.take(rows),
                })
                .collect(),
            rows: rows.len(),
        }
    }

    /// Only the columns of these indices, in that order.
    pub fn only(&self, columns: &[usize]) -> Self {
        Self {
            columns: columns.iter().map(|at| self.columns[*at].clone()).collect(),
            rows: self.rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_columns_are_named() {
        let long = Table::new(vec![
            Column::number("a", vec![1.0]),
            Column::number("b", vec![1.0, 2.0]),
        ]);
        assert!(matches!(long, Err(Error::Length { column, found: 2, wanted: 1 }) if column == "b"));
        let infinite = Table::new(vec![Column::number("a", vec![1.0, f64::NEG_INFINITY])]);
        assert_eq!(
            infinite.unwrap_err(),
            Error::Infinite {
                column: "a".into(),
                row: 2
            }
        );
    }

    #[test]
    fn categories_are_coded_by_first_appearance() {
        let column = Column::category("plan", ["b", "", "a", "b"]);
        assert_eq!(
            column.values,
            Values::Category {
                codes: vec![0, MISSING, 1, 0],
                names: vec!["b".into(), "a".into()]
            }
        );
    }
}
