//! Finding out what a file is: packing, encoding, format, delimiter, header.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;

use super::csv::Csv;
use super::json::JsonRows;
use super::parquet::ParquetRows;
use super::{Columns, ReadError, Record, Rows, decode, nearest};

/// How much of a file is looked at to find out its encoding.
const HEAD: u64 = 8 << 20;
/// Rows from which delimiter, JSON columns and the types of formula columns are found out.
pub const SAMPLE_ROWS: usize = 1000;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What a file's rows are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv {
        /// Between cells.
        delimiter: u8,
    },
    /// One JSON object on each line.
    JsonLines,
    /// One array of JSON objects.
    JsonArray,
    /// Apache Parquet.
    Parquet,
}

/// What the map says about the file, so that it need not be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The name of an encoding, such as `windows-1252`.
    pub encoding: Option<String>,
    /// The delimiter of a CSV file.
    pub delimiter: Option<u8>,
    /// The column names of a CSV file that has no header.
    pub header: Option<Vec<String>>,
}

/// A file whose shape is known.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What its rows are written in.
    pub format: Format,
    /// Whether it is packed with gzip.
    pub gzip: bool,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Bytes of the file as it lies on disk.
    pub bytes_total: u64,
    /// Its columns; for JSON those of the first rows.
    pub columns: Columns,
    /// Where the first row begins: position and line.
    pub start: (u64, u64),
    /// The file's first rows, at most [`SAMPLE_ROWS`].
    pub sample: Vec<Record>,
    bom: usize,
}

impl Source {
    /// Finds out what `path` is.
    pub fn open(path: &Path, hints: &Hints) -> Result<Self, ReadError> {
        let io = |error: std::io::Error| ReadError::io(path, &error);
        let mut file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() {
            return Err(ReadError::file(
                format!("{} is not a file", path.display()),
                "name the file itself",
            ));
        }
        let (gzip, head) = head_of(&mut file).map_err(io)?;
        refuse_foreign(path, &head, gzip)?;
        let mut source = Self {
            format: Format::Parquet,
            gzip,
            bytes_total: meta.len(),
            ..Self::of_rows(path)
        };
        if head.starts_with(b"PAR1") {
            source.columns = ParquetRows::open(path, 0)?.columns().clone();
        } else {
            source.find_text(&head, hints)?;
        }
        source.read_sample()?;
        Ok(source)
    }

    /// A table whose rows come from elsewhere.
    pub fn of_rows(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            format: Format::JsonLines,
            gzip: false,
            encoding: UTF_8,
            bytes_total: 0,
            columns: Columns::default(),
            start: (0, 1),
            sample: Vec::new(),
            bom: 0,
        }
    }

    /// The rows from `position` (as [`Rows::position`] told it), whose first one is on `line`.
    pub fn records(&self, position: u64, line: u64) -> Result<Box<dyn Rows>, ReadError> {
        if self.format == Format::Parquet {
            return Ok(Box::new(ParquetRows::open(&self.path, position)?));
        }
        let io = |error: std::io::Error| ReadError::io(&self.path, &error);
        let file = File::open(&self.path).map_err(io)?;
        let input = decode::text(file, self.gzip, self.encoding, self.bom, position).map_err(io)?;
        Ok(self.rows(input, position, line))
    }

    fn rows(&self, input: (Box<dyn Read + Send>, Arc<AtomicU64>), position: u64, line: u64) -> Box<dyn Rows> {
        let (path, columns, at) = (self.path.clone(), self.columns.clone(), (position, line));
        match self.format {
            Format::Csv { delimiter } => Box::new(Csv::new(
                path,
                input,
                delimiter,
                columns,
                at,
                self.encoding != UTF_8,
            )),
            format => Box::new(JsonRows::new(
                path,
                input,
                format == Format::JsonArray,
                columns,
                at,
            )),
        }
    }

    fn find_text(&mut self, head: &[u8], hints: &Hints) -> Result<(), ReadError> {
        (self.encoding, self.bom) = encoding(head, hints.encoding.as_deref())?;
        let text = self.encoding.decode_without_bom_handling(&head[self.bom..]).0;
        if text.trim().is_empty() {
            return Err(ReadError::file(
                format!("{} is empty", self.path.display()),
                "export it again with its rows",
            ));
        }
        let first = text.find(|c: char| !c.is_whitespace()).unwrap_or(0);
        self.format = match text[first..].chars().next() {
            Some('{') => Format::JsonLines,
            Some('[') => Format::JsonArray,
            _ => Format::Csv {
                delimiter: hints.delimiter.unwrap_or_else(|| delimiter(&text)),
            },
        };
        match self.format {
            Format::JsonArray => {
                let lines = text[..first].matches('\n').count() as u64;
                self.start = (first as u64 + 1, 1 + lines);
            }
            Format::Csv { .. } => match &hints.header {
                Some(names) => self.columns = Columns::new(names.iter().cloned()),
                None => self.read_header()?,
            },
            Format::JsonLines | Format::Parquet => {}
        }
        Ok(())
    }

    /// Reads a CSV file's first record as its header.
    fn read_header(&mut self) -> Result<(), ReadError> {
        let mut rows = self.records(0, 1)?;
        let mut record = Record::default();
        if !rows.next(&mut record)? {
            return Err(ReadError::file(
                format!("{} is empty", self.path.display()),
                "export it again with its rows",
            ));
        }
        if record.fault.is_some() {
            return Err(ReadError::at(
                record.line,
                "the header is not text in the file's encoding",
                "say `encoding:` in the map",
            ));
        }
        self.start = (rows.position(), rows.line());
        let mut columns = Columns::default();
        for at in 0..record.len() {
            let name = match record.cell(at) {
                "" => format!("column {}", at + 1),
                name => name.to_owned(),
            };
            if let Some(before) = columns.find(&name) {
                let problem = format!(
                    "the header names “{name}” twice, in columns {} and {}",
                    before + 1,
                    at + 1
                );
                return Err(ReadError::at(
                    record.line,
                    problem,
                    "rename one of them in the file",
                ));
            }
            columns.add(&name);
        }
        self.columns = columns;
        Ok(())
    }

    fn read_sample(&mut self) -> Result<(), ReadError> {
        let mut rows = self.records(self.start.0, self.start.1)?;
        let mut record = Record::default();
        while self.sample.len() < SAMPLE_ROWS {
            match rows.next(&mut record) {
                Ok(true) => self.sample.push(record.clone()),
                Ok(false) => break,
                // The run meets the same error at the same place, after it has kept the rows before it.
                Err(_) if !self.sample.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        self.columns = rows.columns().clone();
        Ok(())
    }
}

/// Unpacks the head of a file if it is packed.
fn head_of(file: &mut File) -> std::io::Result<(bool, Vec<u8>)> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    if !head.starts_with(&[0x1f, 0x8b]) {
        return Ok((false, head));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(std::io::BufReader::new(file))
        .take(HEAD)
        .read_to_end(&mut unpacked)?;
    Ok((true, unpacked))
}

fn refuse_foreign(path: &Path, head: &[u8], gzip: bool) -> Result<(), ReadError> {
    let kinds: [(&[u8], &str, &str); 7] = [
        (
            b"PK\x03\x04",
            "a zip archive or an Excel workbook",
            "unpack it, or save the sheet as “CSV UTF-8”",
        ),
        (b"PK\x05\x06", "an empty zip archive", "export the rows as CSV"),
        (
            b"\xD0\xCF\x11\xE0",
            "an old Excel workbook",
            "save the sheet as “CSV UTF-8”",
        ),
        (b"%PDF", "a PDF document", "export the rows as CSV"),
        (
            b"\x28\xB5\x2F\xFD",
            "packed with zstd",
            "unpack it, or pack it with gzip",
        ),
        (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip"),
        (b"\x1f\x8b", "packed with gzip twice", "unpack it once"),
    ];
    for (magic, what, remedy) in kinds {
        if head.starts_with(magic) {
            return Err(ReadError::file(
                format!("{} is {what}, whatever its name says", path.display()),
                remedy,
            ));
        }
    }
    if gzip && head.starts_with(b"PAR1") {
        return Err(ReadError::file(
            format!("{} is Parquet inside gzip", path.display()),
            "unpack it: Parquet is packed within",
        ));
    }
    Ok(())
}

/// The encoding of a text file and the length of its byte order mark.
fn encoding(head: &[u8], said: Option<&str>) -> Result<(&'static Encoding, usize), ReadError> {
    let marked = Encoding::for_bom(head);
    if let Some(name) = said {
        let Some(encoding) = Encoding::for_label(name.as_bytes()) else {
            let known = [
                "utf-8",
                "utf-16le",
                "utf-16be",
                "windows-1252",
                "windows-1250",
                "windows-1251",
                "iso-8859-15",
                "shift_jis",
                "gbk",
            ];
            return Err(ReadError::file(
                format!("no encoding is called “{name}”{}", nearest(name, known)),
                "use a name of the WHATWG encoding standard, such as utf-8 or windows-1252",
            ));
        };
        return Ok((
            encoding,
            marked
                .filter(|(found, _)| *found == encoding)
                .map_or(0, |(_, bom)| bom),
        ));
    }
    if let Some(marked) = marked {
        return Ok(marked);
    }
    let nuls = |odd: usize| {
        head.iter()
            .take(4096)
            .skip(odd)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
            * 8
            > head.len().min(4096)
    };
    match (nuls(0), nuls(1)) {
        (false, true) => return Ok((UTF_16LE, 0)),
        (true, false) => return Ok((UTF_16BE, 0)),
        (true, true) => {
            return Err(ReadError::file(
                "the file is not text",
                "export the rows as CSV, JSON lines or Parquet",
            ));
        }
        (false, false) => {}
    }
    let looks_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end within a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() + 4 > head.len(),
    };
    if looks_utf8 || mostly_utf8(head) {
        return Ok((UTF_8, 0));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    Ok((detector.guess(None, Utf8Detection::Deny), 0))
}

/// Whether a file is UTF-8 but for a few rows: many whole characters, few bytes that are not. Those rows are refused one by one,
/// where taking the file for another encoding would garble all the others.
fn mostly_utf8(head: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in head.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > 2 * broken
}

/// The delimiter with which the first lines fall most evenly into the most columns.
fn delimiter(text: &str) -> u8 {
    let head: String = text.chars().take(256 << 10).collect();
    let mut best = (b',', 0usize);
    for candidate in DELIMITERS {
        let input: (Box<dyn Read + Send>, Arc<AtomicU64>) =
            (Box::new(Cursor::new(head.clone().into_bytes())), Arc::default());
        let mut rows = Csv::new(
            PathBuf::new(),
            input,
            candidate,
            Columns::default(),
            (0, 1),
            false,
        );
        let (mut record, mut widths) = (Record::default(), Vec::new());
        // The text may be cut within a quote; what was read before counts.
        while widths.len() < 100 && rows.next(&mut record).unwrap_or(false) {
            widths.push(record.len());
        }
        let Some(width) = widths.first().copied().filter(|width| *width > 1) else {
            continue;
        };
        let even = widths.iter().filter(|w| **w == width).count();
        // Evenness first: text in cells may hold any of the candidates, but not the same number of them on each line.
        let score = (even * 1000 / widths.len()) * 1000 + width.min(999);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
}
