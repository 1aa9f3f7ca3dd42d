//! Tables as files for spreadsheets: CSV, and XLSX with a sheet for each table.
//!
//! What came from outside may be a name such as `=HYPERLINK(…)`. In CSV a cell that a spreadsheet would take for a formula begins with an
//! apostrophe; in XLSX every text is written as text and marked as such, so that it stays one when it is edited.

mod pack;
mod xlsx;

use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Problem, Result};
use pack::Pack;
pub use xlsx::xlsx;

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A number and its unit (`ratio` is shown as percent).
    Number(f64, Option<&'static str>),
    /// True or false.
    Flag(bool),
    /// A day as `YYYY-MM-DD`.
    Day(String),
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number, where it is known.
    #[must_use]
    pub fn number(value: Option<f64>, unit: Option<&'static str>) -> Self {
        value
            .filter(|value| value.is_finite())
            .map_or(Self::Empty, |value| Self::Number(value, unit))
    }
}

/// One table with what has to be known about it.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// What stands above it: title, program, filters, date, freshness.
    pub about: Vec<(String, String)>,
    /// The names of its columns.
    pub head: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Comma-separated values, UTF-8.
    Csv,
    /// Office Open XML.
    Xlsx,
}

impl Kind {
    /// The kind that an address names.
    ///
    /// # Errors
    /// When it is another.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            other => Err(Problem::field(
                "format",
                other,
                "is not known",
                "ask for csv or xlsx",
            )),
        }
    }
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        return format!("'{text}");
    }
    text.to_owned()
}

/// A table as CSV: what is known about it, an empty line, the head, the rows.
///
/// # Errors
/// Never in practice: it is written into memory.
pub fn csv(sheet: &Sheet) -> anyhow::Result<Vec<u8>> {
    let mut out = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for (name, value) in &sheet.about {
        out.write_record([harmless(name), harmless(value)])?;
    }
    if !sheet.about.is_empty() {
        out.write_record([""])?;
    }
    out.write_record(sheet.head.iter().map(|name| harmless(name)))?;
    for row in &sheet.rows {
        out.write_record(row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => harmless(text),
            Cell::Number(value, _) => value.to_string(),
            Cell::Flag(value) => value.to_string(),
            Cell::Day(day) => day.clone(),
        }))?;
    }
    Ok(out.into_inner().map_err(|error| error.into_error())?)
}

/// A name for a file, without what file systems refuse.
#[must_use]
pub fn file_name(parts: &[&str], kind: &str) -> String {
    let plain = |part: &&str| -> String {
        part.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect()
    };
    let parts: Vec<String> = parts.iter().map(plain).collect();
    format!("{}.{kind}", parts.join("-"))
}

/// Tables as a download: one as CSV, several as CSV files in a zip, or all as one workbook.
///
/// # Errors
/// When a table is larger than the format can hold.
pub fn download(name: &[&str], kind: Kind, sheets: &[Sheet]) -> Result<Response> {
    let (bytes, media, ending) = match (kind, sheets) {
        (Kind::Csv, [one]) => (csv(one)?, "text/csv; charset=utf-8", "csv"),
        (Kind::Csv, all) => (zipped(all)?, "application/zip", "zip"),
        (Kind::Xlsx, all) => (
            xlsx(all)?,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
        ),
    };
    let file = format!("attachment; filename=\"{}\"", file_name(name, ending));
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, file),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

fn zipped(sheets: &[Sheet]) -> anyhow::Result<Vec<u8>> {
    let mut out = Pack::default();
    for (at, sheet) in sheets.iter().enumerate() {
        let number = format!("{:02}", at + 1);
        out.add(&file_name(&[&number, &sheet.name], "csv"), &csv(sheet)?)?;
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::xlsx::sheet_name;
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text() {
        let odd = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "＝1"];
        let sheet = Sheet {
            name: "=x".to_owned(),
            about: vec![("Title".to_owned(), "=cmd()".to_owned())],
            head: vec!["@a".to_owned()],
            rows: odd.iter().map(|text| vec![Cell::text(*text)]).collect(),
        };
        let text = String::from_utf8(csv(&sheet).expect("csv")).expect("UTF-8");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let cells: Vec<String> = reader
            .records()
            .flat_map(|row| row.expect("a row").iter().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert!(
            cells
                .iter()
                .all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝'])),
            "{cells:?}"
        );
        assert!(cells.contains(&"'=1+1".to_owned()));
        // Negative numbers stay numbers.
        let numbers = Sheet {
            rows: vec![vec![Cell::Number(-3.5, None)]],
            head: vec!["n".to_owned()],
            ..Sheet::default()
        };
        assert_eq!(csv(&numbers).expect("csv"), b"n\r\n-3.5\r\n");
    }

    #[test]
    fn sheets_have_names_that_are_allowed_and_differ() {
        let long = "Churn of 12 months by segment, against its goals";
        let first = sheet_name(long, &[]);
        assert!(first.chars().count() <= 31);
        let second = sheet_name(long, &[first.to_lowercase()]);
        assert!(second != first && second.ends_with(" 2"), "{second}");
        assert_eq!(sheet_name("a/b:[c]", &[]), "a b c");
        assert_eq!(sheet_name("  ", &[]), "Sheet");
    }
}
