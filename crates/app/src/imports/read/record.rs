//! One row as it was read.

use serde_json::{Map, Value as Json};

use super::Columns;

/// Why a row cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field or column at fault; empty when it is the row as a whole.
    pub field: String,
    /// Its value as read.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    /// A fault of the row as a whole.
    pub fn row(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            value: String::new(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of one field.
    pub fn field(field: &str, value: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

/// A row: its cells as text, in the order of the file's columns. An empty cell is a missing one.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The physical line on which it begins (for Parquet: its row), counted from 1.
    pub line: u64,
    /// Why it cannot be used at all.
    pub fault: Option<Fault>,
    text: String,
    ends: Vec<usize>,
}

impl Record {
    /// Makes it an empty row that begins at `line`.
    pub fn begin(&mut self, line: u64) {
        self.line = line;
        self.fault = None;
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Takes all cells at once: `ends[i]` is where cell `i` ends in `text`.
    pub fn take(&mut self, text: &str, ends: &[usize]) {
        self.text.clear();
        self.text.push_str(text);
        self.ends.clear();
        self.ends.extend_from_slice(ends);
    }

    /// The cell of a column without the space around it; empty when it is missing.
    pub fn cell(&self, column: usize) -> &str {
        let Some(end) = self.ends.get(column) else {
            return "";
        };
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        self.text[start..*end].trim()
    }

    /// The same row with exactly so many cells; missing ones are empty, those past them are left out.
    pub fn narrow(&self, width: usize) -> Self {
        let mut row = Self {
            line: self.line,
            fault: self.fault.clone(),
            ..Self::default()
        };
        for at in 0..width {
            row.push(self.cell(at));
        }
        row
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of text, for bounding a chunk.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// The row as an object of its columns, as a reject keeps it and a replay reads it. Cells past the header are kept as `column 7`.
    pub fn raw(&self, columns: &Columns) -> Map<String, Json> {
        (0..self.len())
            .filter(|at| !self.cell(*at).is_empty())
            .map(|at| {
                let name = columns
                    .names()
                    .get(at)
                    .cloned()
                    .unwrap_or_else(|| format!("column {}", at + 1));
                (name, Json::String(self.cell(at).to_owned()))
            })
            .collect()
    }
}
