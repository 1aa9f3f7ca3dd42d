//! Rows of another file put beside each row that has the same keys: once for each of them, or once with nothing where there is none.

use std::collections::HashMap;
use std::path::{Component, Path};

use super::map::{Join, MapError, wrong};
use super::read::{Columns, Hints, Record, Source, nearest};

/// How many rows a joined file may have.
const LIMIT: usize = 5_000_000;
/// Rows of the file that are spread at once: one may stand for many.
pub const AT_ONCE: usize = 2_000;

/// The joined files of a map, in order.
#[derive(Default)]
pub struct Joins {
    files: Vec<Joined>,
    /// The file's own columns, then those of the joined files.
    pub columns: Columns,
    /// How many are the file's own.
    own: usize,
}

struct Joined {
    /// Places of the key in the row as it is before this join.
    keys: Vec<usize>,
    /// Rows by key.
    found: HashMap<String, Vec<u32>>,
    rows: Vec<Vec<String>>,
    /// Columns that it adds.
    width: usize,
}

/// Keys as one text, of parts that cannot run into each other.
fn key<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.fold(String::new(), |mut all, part| {
        all.push_str(&part.len().to_string());
        all.push(':');
        all.push_str(part);
        all
    })
}

fn place(columns: &Columns, name: &str, file: &Path, at: &str) -> Result<usize, MapError> {
    match columns.find(name) {
        Some(found) => Ok(found),
        None => wrong(
            at,
            format!(
                "{} has no column “{name}”{}",
                file.display(),
                nearest(name, columns.names().iter().map(String::as_str))
            ),
            format!("its columns are {}", columns.names().join(", ")),
        ),
    }
}

impl Joins {
    /// Reads the files that `joins` name, in the folder `beside`, for rows of `source`.
    pub fn read(joins: &[Join], source: &Source, beside: &Path) -> Result<Self, MapError> {
        let mut all = Self {
            files: Vec::new(),
            columns: source.columns.clone(),
            own: source.columns.names().len(),
        };
        for (at, join) in joins.iter().enumerate() {
            all.add(join, source, beside, &format!("join[{at}]"))?;
        }
        Ok(all)
    }

    fn add(&mut self, join: &Join, source: &Source, beside: &Path, at: &str) -> Result<(), MapError> {
        let name = Path::new(&join.file);
        let inside = name
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside {
            return wrong(
                &format!("{at}.file"),
                format!("“{}” leads out of the folder", join.file),
                "name a file beside the imported one",
            );
        }
        let unreadable = |error: super::read::ReadError| MapError {
            at: format!("{at}.file"),
            problem: error.to_string(),
            remedy: "name a file beside the imported one".to_owned(),
        };
        let other = Source::open(&beside.join(name), &Hints::default()).map_err(unreadable)?;
        let (mut keys, mut theirs) = (Vec::new(), Vec::new());
        for (own, its) in &join.on {
            let path = format!("{at}.on.{own}");
            keys.push(place(&self.columns, own, &source.path, &path)?);
            theirs.push(place(&other.columns, its, &other.path, &path)?);
        }
        // A name that is taken already is led by the file's.
        let stem = name
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("joined");
        for column in other.columns.names() {
            let before = self.columns.names().len();
            self.columns.add(column);
            if self.columns.names().len() == before {
                let mut led = format!("{stem}.{column}");
                while self.columns.find(&led).is_some() {
                    led.insert(0, '_');
                }
                self.columns.add(&led);
            }
        }
        let width = other.columns.names().len();
        let mut joined = Joined {
            keys,
            found: HashMap::new(),
            rows: Vec::new(),
            width,
        };
        let mut rows = other.records(other.start.0, other.start.1).map_err(unreadable)?;
        let mut record = Record::default();
        while rows.next(&mut record).map_err(unreadable)? {
            if record.fault.is_some() || theirs.iter().any(|place| record.cell(*place).is_empty()) {
                continue;
            }
            if joined.rows.len() >= LIMIT {
                return wrong(
                    &format!("{at}.file"),
                    format!("{} has more than {LIMIT} rows", join.file),
                    "join the files before the import",
                );
            }
            let at = u32::try_from(joined.rows.len()).unwrap_or(u32::MAX);
            let key = key(theirs.iter().map(|place| record.cell(*place)));
            joined.found.entry(key).or_default().push(at);
            joined
                .rows
                .push((0..width).map(|place| record.cell(place).to_owned()).collect());
        }
        self.files.push(joined);
        Ok(())
    }

    /// Whether nothing is joined.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What a row becomes: at least one.
    pub fn spread(&self, record: &Record) -> Vec<Record> {
        let mut rows = vec![record.narrow(self.own)];
        for file in &self.files {
            rows = rows.iter().flat_map(|row| file.beside(row)).collect();
        }
        rows
    }
}

impl Joined {
    fn beside(&self, row: &Record) -> Vec<Record> {
        let parts = self.keys.iter().map(|place| row.cell(*place));
        let known = self.found.get(&key(parts)).map(Vec::as_slice).unwrap_or_default();
        let with = |cells: Option<&Vec<String>>| {
            let mut wide = row.clone();
            for place in 0..self.width {
                wide.push(cells.map_or("", |cells| cells[place].as_str()));
            }
            wide
        };
        if known.is_empty() {
            return vec![with(None)];
        }
        known.iter().map(|at| with(self.rows.get(*at as usize))).collect()
    }
}
