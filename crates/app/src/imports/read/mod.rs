//! Reading rows out of whatever was exported: CSV, JSON lines, a JSON array or Parquet, plain or gzipped.
//!
//! [`Source::open`] finds out what a file is, [`Source::records`] streams its rows from any place that an earlier run reached.
//! Memory does not grow with the file: one buffer of the stream and one record.

mod columns;
mod csv;
mod decode;
mod json;
mod parquet;
mod record;
mod sniff;

use std::path::Path;

pub use columns::{Columns, nearest, normal};
pub use json::cells;
pub use record::{Fault, Record};
pub use sniff::{Hints, Source};

/// The largest record that is read, in bytes. A longer one is nearly always a quote that nobody closed.
pub const RECORD_LIMIT: usize = 8 << 20;

/// Why a file cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The physical line at fault, counted from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl ReadError {
    /// An error of the file as a whole.
    pub fn file(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            line: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// An error at a line.
    pub fn at(line: u64, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// The operating system's error about `path`.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path; it is read on the machine that holds the data folder"
            }
            std::io::ErrorKind::PermissionDenied => "let the user that Tenure runs as read it",
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                "the file is damaged or cut off: copy or export it again"
            }
            _ => "check the disk or network folder, then start the import again; it goes on where it stopped",
        };
        Self::file(format!("{} cannot be read: {error}", path.display()), remedy)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}. {}", self.problem, self.remedy)
    }
}

impl std::error::Error for ReadError {}

/// A stream of rows.
pub trait Rows: Send {
    /// Reads the next row into `record`; false at the end. A row that cannot be used is still a row: it carries its fault.
    fn next(&mut self, record: &mut Record) -> Result<bool, ReadError>;
    /// The columns known so far; JSON may add some as it goes.
    fn columns(&self) -> &Columns;
    /// Where the next row begins, as [`Source::records`] takes it: bytes of decoded text, or rows of Parquet.
    fn position(&self) -> u64;
    /// The physical line (or, for Parquet, row) of the next row, counted from 1.
    fn line(&self) -> u64;
    /// How many bytes of the file have been taken in, for the progress bar.
    fn bytes(&self) -> u64;
}
