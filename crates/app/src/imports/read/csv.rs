//! CSV as people really export it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{Columns, Fault, RECORD_LIMIT, ReadError, Record, Rows};

/// A CSV stream of UTF-8 text.
pub struct Csv {
    path: PathBuf,
    input: BufReader<Box<dyn Read + Send>>,
    count: Arc<AtomicU64>,
    core: Reader,
    out: Vec<u8>,
    ends: Vec<usize>,
    position: u64,
    columns: Columns,
    /// Whether a replacement character stands for bytes that could not be decoded (any encoding but UTF-8).
    replaced_is_fault: bool,
}

impl Csv {
    /// Reads `input`, whose next byte is at `position` and on `line`.
    pub fn new(
        path: PathBuf,
        (input, count): (Box<dyn Read + Send>, Arc<AtomicU64>),
        delimiter: u8,
        columns: Columns,
        (position, line): (u64, u64),
        replaced_is_fault: bool,
    ) -> Self {
        let mut core = ReaderBuilder::new().delimiter(delimiter).build();
        core.set_line(line);
        Self {
            path,
            input: BufReader::with_capacity(256 << 10, input),
            count,
            core,
            out: vec![0; 4096],
            ends: vec![0; 64],
            position,
            columns,
            replaced_is_fault,
        }
    }

    /// Goes past empty lines; false at the end of the text.
    fn skip_empty_lines(&mut self) -> Result<bool, ReadError> {
        loop {
            let buffer = self.input.fill_buf().map_err(|e| ReadError::io(&self.path, &e))?;
            let whole = buffer.len();
            let skipped = buffer.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let lines = buffer[..skipped].iter().filter(|b| **b == b'\n').count() as u64;
            self.core.set_line(self.core.line() + lines);
            self.input.consume(skipped);
            self.position += skipped as u64;
            if skipped < whole || whole == 0 {
                return Ok(whole > 0);
            }
        }
    }

    /// Reads one record into the buffers and returns how much of `out` and `ends` it takes.
    fn read_record(&mut self, line: u64) -> Result<(usize, usize), ReadError> {
        let (mut out, mut ends) = (0, 0);
        loop {
            let buffer = self.input.fill_buf().map_err(|e| ReadError::io(&self.path, &e))?;
            let at_end = buffer.is_empty();
            // At the end one more line break is offered: outside quotes it ends the record, inside an open quote it does not.
            let text = if at_end { &b"\n"[..] } else { buffer };
            let (result, read, written, ended) =
                self.core
                    .read_record(text, &mut self.out[out..], &mut self.ends[ends..]);
            if !at_end {
                self.input.consume(read);
                self.position += read as u64;
            }
            out += written;
            ends += ended;
            match result {
                ReadRecordResult::Record => return Ok((out, ends)),
                ReadRecordResult::InputEmpty if at_end => {
                    return Err(self.open_quote(line, out, ends, "until the end of the file"));
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.out.len() >= RECORD_LIMIT => {
                    let within = format!("within {} MB", RECORD_LIMIT >> 20);
                    return Err(self.open_quote(line, out, ends, &within));
                }
                ReadRecordResult::OutputFull => self.out.resize(self.out.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= 1 << 16 => {
                    return Err(ReadError::at(
                        line,
                        "the row has more than 65,536 cells",
                        "say the right `delimiter:` in the map",
                    ));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok((out, ends)),
            }
        }
    }

    fn open_quote(&self, line: u64, out: usize, ends: usize, how_long: &str) -> ReadError {
        let cell = if ends == 0 { 0 } else { self.ends[ends - 1] };
        let opened = line + self.out[..cell.min(out)].iter().filter(|b| **b == b'\n').count() as u64;
        ReadError::at(
            opened,
            format!(
                "a quote opens here in cell {} and is not closed {how_long}",
                ends + 1
            ),
            "close it, or double it if it belongs to the text; rows before this line are kept and the import goes on from the corrected file",
        )
    }

    fn fault(&self, record: &Record) -> Option<Fault> {
        let width = self.columns.names().len();
        if width == 0 {
            return None;
        }
        if record.len() == width && (0..width).all(|at| record.cell(at) == self.columns.names()[at]) {
            return Some(Fault::row(
                "the line repeats the header",
                "nothing to do: it holds no data",
            ));
        }
        if (0..record.len()).all(|at| record.cell(at).is_empty()) {
            return Some(Fault::row("the row is empty", "nothing to do: it holds no data"));
        }
        if record.len() < width || (width..record.len()).any(|at| !record.cell(at).is_empty()) {
            return Some(Fault::row(
                format!(
                    "the row has {} cells, the header names {width} columns",
                    record.len()
                ),
                "quote cells that hold the delimiter or a line break",
            ));
        }
        None
    }
}

impl Rows for Csv {
    fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        if !self.skip_empty_lines()? {
            return Ok(false);
        }
        let line = self.core.line();
        record.begin(line);
        let (out, ends) = self.read_record(line)?;
        match std::str::from_utf8(&self.out[..out]) {
            Ok(text) if cut_at_characters(text, &self.ends[..ends]) => {
                record.take(text, &self.ends[..ends]);
                record.fault = if self.replaced_is_fault && text.contains('\u{FFFD}') {
                    Some(undecodable())
                } else {
                    self.fault(record)
                };
            }
            _ => {
                let mut start = 0;
                for end in &self.ends[..ends] {
                    record.push(&String::from_utf8_lossy(&self.out[start..*end]));
                    start = *end;
                }
                record.fault = Some(undecodable());
            }
        }
        Ok(true)
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn line(&self) -> u64 {
        self.core.line()
    }

    fn bytes(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Bytes that are UTF-8 only across a cell's border are not UTF-8.
fn cut_at_characters(text: &str, ends: &[usize]) -> bool {
    ends.iter().all(|end| text.is_char_boundary(*end))
}

/// The fault of a row whose bytes are not text in the file's encoding.
pub fn undecodable() -> Fault {
    Fault::row(
        "the row holds bytes that are not text in the file's encoding",
        "the file mixes encodings: export it again as UTF-8, or say `encoding: windows-1252` in the map",
    )
}
