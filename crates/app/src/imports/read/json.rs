//! JSON lines, and an array of objects.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value as Json};

use super::csv::undecodable;
use super::{Columns, Fault, RECORD_LIMIT, ReadError, Record, Rows};

/// A stream of JSON objects: one on each line, or the elements of one array.
pub struct JsonRows {
    path: PathBuf,
    input: BufReader<Box<dyn Read + Send>>,
    count: Arc<AtomicU64>,
    array: bool,
    buffer: Vec<u8>,
    position: u64,
    line: u64,
    columns: Columns,
}

impl JsonRows {
    /// Reads `input`, whose next byte is at `position` and on `line`. In an array, `position` is after its `[` or after an element.
    pub fn new(
        path: PathBuf,
        (input, count): (Box<dyn Read + Send>, Arc<AtomicU64>),
        array: bool,
        columns: Columns,
        (position, line): (u64, u64),
    ) -> Self {
        Self {
            path,
            input: BufReader::with_capacity(256 << 10, input),
            count,
            array,
            buffer: Vec::new(),
            position,
            line,
            columns,
        }
    }

    /// Fills the buffer with the next non-empty line; returns the line on which it begins.
    fn next_line(&mut self) -> Result<Option<u64>, ReadError> {
        loop {
            self.buffer.clear();
            let mut limited = (&mut self.input).take(RECORD_LIMIT as u64 + 1);
            let n = limited
                .read_until(b'\n', &mut self.buffer)
                .map_err(|e| ReadError::io(&self.path, &e))?;
            if n > RECORD_LIMIT {
                return Err(ReadError::at(
                    self.line,
                    format!("the line is longer than {} MB", RECORD_LIMIT >> 20),
                    "write one JSON object on each line",
                ));
            }
            if n == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.position += n as u64;
            self.line += 1;
            if !self.buffer.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line));
            }
        }
    }

    /// Fills the buffer with the array's next element; returns the line on which it begins.
    fn next_element(&mut self) -> Result<Option<u64>, ReadError> {
        self.buffer.clear();
        let mut begun = None;
        let (mut depth, mut in_text, mut escaped) = (0u32, false, false);
        loop {
            let bytes = self.input.fill_buf().map_err(|e| ReadError::io(&self.path, &e))?;
            if bytes.is_empty() {
                let line = begun.unwrap_or(self.line);
                return Err(ReadError::at(
                    line,
                    "the JSON array ends without its `]`",
                    "the file is cut off: export it again",
                ));
            }
            let mut used = 0;
            let mut done = None;
            for byte in bytes {
                let byte = *byte;
                let outside = depth == 0 && !in_text;
                if outside && matches!(byte, b',' | b']') && (begun.is_some() || byte == b']') {
                    // The `]` stays where it is, so that the next call ends as well.
                    used += usize::from(byte == b',');
                    done = Some(begun);
                    break;
                }
                used += 1;
                if begun.is_none() && (byte.is_ascii_whitespace() || byte == b',') {
                    self.line += u64::from(byte == b'\n');
                    continue;
                }
                begun.get_or_insert(self.line);
                self.line += u64::from(byte == b'\n');
                self.buffer.push(byte);
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_text => escaped = true,
                    b'"' => in_text = !in_text,
                    b'{' | b'[' if !in_text => depth += 1,
                    b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            self.input.consume(used);
            self.position += used as u64;
            if let Some(begun) = done {
                return Ok(begun);
            }
            if self.buffer.len() > RECORD_LIMIT {
                let problem = format!("an element of the array is larger than {} MB", RECORD_LIMIT >> 20);
                return Err(ReadError::at(
                    begun.unwrap_or(self.line),
                    problem,
                    "check that its braces and quotes are closed",
                ));
            }
        }
    }

    fn shape(&mut self, record: &mut Record) {
        let text = match std::str::from_utf8(&self.buffer) {
            Ok(text) => text.trim(),
            Err(_) => {
                record.fault = Some(Fault {
                    value: String::from_utf8_lossy(&self.buffer).trim().to_owned(),
                    ..undecodable()
                });
                return;
            }
        };
        match serde_json::from_str::<Map<String, Json>>(text) {
            Ok(object) => cells(&object, &mut self.columns, record),
            Err(error) => {
                record.fault = Some(Fault {
                    value: text.to_owned(),
                    ..Fault::row(
                        format!("not a JSON object: {error}"),
                        "write one JSON object for each row, with each name once",
                    )
                });
            }
        }
    }
}

/// Lays an object out over the columns; names not seen before become columns.
pub fn cells(object: &Map<String, Json>, columns: &mut Columns, record: &mut Record) {
    let mut by_column: Vec<(usize, &Json)> = object
        .iter()
        .map(|(name, value)| (columns.add(name), value))
        .collect();
    by_column.sort_by_key(|(column, _)| *column);
    for (column, value) in by_column {
        while record.len() < column {
            record.push("");
        }
        match value {
            Json::Null => record.push(""),
            Json::String(text) => record.push(text),
            other => record.push(&other.to_string()),
        }
    }
    if record.len() == 0 {
        record.fault = Some(Fault::row("the row is empty", "nothing to do: it holds no data"));
    }
}

impl Rows for JsonRows {
    fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        let begun = if self.array {
            self.next_element()?
        } else {
            self.next_line()?
        };
        let Some(line) = begun else { return Ok(false) };
        record.begin(line);
        self.shape(record);
        Ok(true)
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn bytes(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
