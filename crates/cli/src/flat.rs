//! Reading a flat CSV table whose types are found out: numbers, days, or categories.
//!
//! The file is read twice, first for the types and then for the values, so that a table of ten thousand columns needs room for its numbers
//! and not for its text.

use std::collections::HashMap;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};
use jiff::civil::{Date, DateTime};
use tenure_learn::table::MISSING;
use tenure_learn::{Column, Values, nearest};

use crate::client::{Failure, Result};

/// What all cells of a column that are not empty can be read as.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Day,
    Text,
}

/// A table as read.
pub struct Flat {
    /// Its columns, all of equal length.
    pub columns: Vec<Column>,
    /// Columns that hold text of which nearly every row has its own: names and numbers of things, not measures.
    pub names: Vec<String>,
    /// Rows.
    pub rows: usize,
}

/// Cells that mean nothing.
fn empty(cell: &str) -> bool {
    matches!(cell, "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL" | "None")
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

/// A day or a moment as days since 1970.
pub fn day(cell: &str) -> Option<f64> {
    let epoch = Date::constant(1970, 1, 1);
    // A date begins with its year; this keeps plain words from the parser.
    if !cell.as_bytes().first().is_some_and(u8::is_ascii_digit) || cell.len() < 10 {
        return None;
    }
    let moment = match cell.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        Err(_) => cell
            .parse::<DateTime>()
            .ok()
            .or_else(|| cell.parse::<Date>().ok().map(DateTime::from))?,
    };
    let days = epoch.until(moment.date()).ok()?.get_days();
    let time = moment.time();
    let seconds = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
    Some(f64::from(days) + f64::from(seconds) / 86_400.0)
}

fn open(path: &Path) -> Result<Reader<std::fs::File>> {
    let file = std::fs::File::open(path).map_err(|error| {
        Failure::Usage(format!(
            "{}: {error}; name a CSV file that can be read",
            path.display()
        ))
    })?;
    Ok(ReaderBuilder::new().delimiter(separator(path)?).from_reader(file))
}

/// The separator that the header has most of: comma, semicolon or tab.
fn separator(path: &Path) -> Result<u8> {
    use std::io::{BufRead, BufReader};
    let mut header = Vec::new();
    BufReader::new(std::fs::File::open(path)?).read_until(b'\n', &mut header)?;
    let count = |wanted: u8| header.iter().filter(|byte| **byte == wanted).count();
    Ok([b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|wanted| count(*wanted))
        .unwrap_or(b','))
}

/// Reads a file. Columns in `text` stay text whatever they hold.
pub fn read(path: &Path, text: &[&str]) -> Result<Flat> {
    let mut reader = open(path)?;
    let header: Vec<String> = reader
        .byte_headers()?
        .iter()
        .map(|name| {
            String::from_utf8_lossy(name)
                .trim()
                .trim_start_matches('\u{feff}')
                .to_owned()
        })
        .collect();
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = header.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(Failure::Usage(format!(
            "{}: the column \"{twice}\" is there twice; give each column a name of its own",
            path.display()
        )));
    }
    let mut kinds: Vec<Kind> = header
        .iter()
        .map(|name| {
            if text.contains(&name.as_str()) {
                Kind::Text
            } else {
                Kind::Number
            }
        })
        .collect();
    let mut rows = 0;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        rows += 1;
        for (kind, cell) in kinds.iter_mut().zip(&record) {
            if *kind == Kind::Text {
                continue;
            }
            let cell = String::from_utf8_lossy(cell);
            let cell = cell.trim();
            if empty(cell) || (*kind == Kind::Number && number(cell).is_some()) {
                continue;
            }
            // A column may turn from numbers to days on its first full cell only; later it is a mixture, which is text.
            *kind = if day(cell).is_some() {
                Kind::Day
            } else {
                Kind::Text
            };
        }
    }
    fill(path, header, &kinds, rows)
}

enum Filling {
    Numbers(Vec<f64>),
    Texts {
        codes: Vec<u32>,
        names: Vec<String>,
        known: HashMap<String, u32>,
    },
}

fn fill(path: &Path, header: Vec<String>, kinds: &[Kind], rows: usize) -> Result<Flat> {
    let mut columns: Vec<Filling> = kinds
        .iter()
        .map(|kind| match kind {
            Kind::Text => Filling::Texts {
                codes: Vec::with_capacity(rows),
                names: Vec::new(),
                known: HashMap::new(),
            },
            _ => Filling::Numbers(Vec::with_capacity(rows)),
        })
        .collect();
    let mut reader = open(path)?;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        for ((column, kind), cell) in columns.iter_mut().zip(kinds).zip(&record) {
            let cell = String::from_utf8_lossy(cell);
            let cell = cell.trim();
            match column {
                // A number among days says nothing as a day.
                Filling::Numbers(values) if empty(cell) => values.push(f64::NAN),
                Filling::Numbers(values) if *kind == Kind::Day => values.push(day(cell).unwrap_or(f64::NAN)),
                Filling::Numbers(values) => values.push(number(cell).unwrap_or(f64::NAN)),
                Filling::Texts { codes, .. } if empty(cell) => codes.push(MISSING),
                Filling::Texts { codes, names, known } => {
                    let code = match known.get(cell) {
                        Some(code) => *code,
                        None => {
                            let code = names.len() as u32;
                            names.push(cell.to_owned());
                            known.insert(cell.to_owned(), code);
                            code
                        }
                    };
                    codes.push(code);
                }
            }
        }
    }
    let mut identifiers = Vec::new();
    let columns = header
        .into_iter()
        .zip(columns)
        .map(|(name, column)| Column {
            values: match column {
                Filling::Numbers(values) => Values::Number(values),
                Filling::Texts { codes, names, .. } => {
                    if names.len() > 50 && names.len() * 2 > codes.len() {
                        identifiers.push(name.clone());
                    }
                    Values::Category { codes, names }
                }
            },
            name,
        })
        .collect();
    Ok(Flat {
        columns,
        names: identifiers,
        rows,
    })
}

impl Flat {
    /// Where the column of that name stands.
    pub fn find(&self, name: &str, option: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                let like = nearest(name, self.columns.iter().map(|column| column.name.as_str()))
                    .map(|name| format!("; did you mean \"{name}\"?"))
                    .unwrap_or_default();
                Failure::Usage(format!("{option}: there is no column \"{name}\"{like}"))
            })
    }

    /// A column as numbers that are equal where its cells are; empty cells are each their own.
    pub fn groups(&self, at: usize) -> Vec<u64> {
        match &self.columns[at].values {
            Values::Category { codes, names } => codes
                .iter()
                .enumerate()
                .map(|(row, code)| {
                    if *code == MISSING {
                        (names.len() + row) as u64
                    } else {
                        u64::from(*code)
                    }
                })
                .collect(),
            Values::Number(values) => {
                let mut known = HashMap::new();
                values
                    .iter()
                    .enumerate()
                    .map(|(row, value)| {
                        let next = known.len() as u64;
                        let key = if value.is_nan() {
                            (1u8, row as u64)
                        } else {
                            (0, value.to_bits())
                        };
                        *known.entry(key).or_insert(next)
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn types_are_found_out() {
        let file = file(
            "\u{feff}n;d;t;mixed;code\n1.5;1970-01-11;a;1;7\n NA ;;;x;8\n-2;1970-01-02T12:00:00Z;b;2;7\n",
        );
        let flat = read(file.path(), &["code"]).unwrap();
        let number = |at: usize| match &flat.columns[at].values {
            Values::Number(values) => values.clone(),
            Values::Category { .. } => panic!("column {at} is text"),
        };
        assert_eq!(flat.columns[0].name, "n");
        assert_eq!((number(0)[0], number(0)[2]), (1.5, -2.0));
        assert!(number(0)[1].is_nan() && number(1)[1].is_nan());
        assert_eq!((number(1)[0], number(1)[2]), (10.0, 1.5));
        for (at, codes) in [(2, vec![0, MISSING, 1]), (3, vec![0, 1, 2]), (4, vec![0, 1, 0])] {
            let Values::Category { codes: found, .. } = &flat.columns[at].values else {
                panic!()
            };
            assert_eq!(*found, codes);
        }
        assert_eq!(flat.groups(4), vec![0, 1, 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let twice = file("a,b,a\n1,2,3\n");
        assert!(
            read(twice.path(), &[])
                .err()
                .unwrap()
                .to_string()
                .contains("\"a\" is there twice")
        );
        let short = file("a,b\n1,2\n3\n");
        assert!(
            read(short.path(), &[])
                .err()
                .unwrap()
                .to_string()
                .contains("line: 3")
        );
        let flat = read(file("tenure,churn\n1,2\n").path(), &[]).unwrap();
        let error = flat.find("Chrun", "--target").unwrap_err().to_string();
        assert!(error.contains("did you mean \"churn\""), "{error}");
    }
}
