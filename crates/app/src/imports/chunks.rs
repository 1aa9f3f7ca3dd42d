//! A file's rows in chunks: read and mapped on a thread of their own, a few ahead of the transaction that stores them.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;

use super::context::Context;
use super::join;
use super::plan::Plan;
use super::read::{Columns, ReadError, Record, Source};
use super::rows::{self, Facts, Outcome};

/// Bytes of row text at which a chunk ends, however few rows it has.
const CHUNK_BYTES: usize = 16 << 20;
/// Chunks that wait for their transaction. With the one being stored and the one being read, memory holds at most three.
const AHEAD: usize = 1;

/// A row with what it says.
pub struct Mapped {
    /// The physical line on which it begins.
    pub line: u64,
    /// What it says, or why not.
    pub outcome: Outcome,
    /// The row as read, where it cannot be used or its account has to be known.
    pub raw: String,
}

/// Rows of a file that are stored together.
#[derive(Default)]
pub struct Chunk {
    /// The rows.
    pub rows: Vec<Mapped>,
    /// Where the row after them begins.
    pub position: u64,
    /// Its line.
    pub line: u64,
    /// Bytes of the file taken in so far.
    pub bytes: u64,
    /// Why no more can be read.
    pub error: Option<ReadError>,
}

/// Starts reading `source` from `position` and `line`, `at_once` rows a chunk. The channel closes after the last chunk; dropping it ends the reading.
pub fn start(
    source: Source,
    plan: Plan,
    context: Context,
    (position, line): (u64, u64),
    at_once: usize,
) -> std::io::Result<mpsc::Receiver<Chunk>> {
    let (send, receive) = mpsc::channel(AHEAD);
    thread::Builder::new().name("import".to_owned()).spawn(move || {
        let mut rows = match source.records(position, line) {
            Ok(rows) => rows,
            Err(error) => {
                let _ = send.blocking_send(Chunk {
                    position,
                    line,
                    error: Some(error),
                    ..Chunk::default()
                });
                return;
            }
        };
        let plan = Arc::new(plan);
        loop {
            let mut records = Vec::new();
            let (mut bytes, mut error, mut ended) = (0, None, false);
            while records.len() < at_once && bytes < CHUNK_BYTES {
                let mut record = Record::default();
                match rows.next(&mut record) {
                    Ok(true) => {
                        bytes += record.size();
                        records.push(record);
                    }
                    Ok(false) => ended = true,
                    Err(fault) => error = Some(fault),
                }
                if ended || error.is_some() {
                    break;
                }
            }
            let last = ended || error.is_some();
            let chunk = Chunk {
                rows: map(&plan, &context, rows.columns(), &records),
                position: rows.position(),
                line: rows.line(),
                bytes: rows.bytes(),
                error,
            };
            // A receiver that is gone wants no more.
            if send.blocking_send(chunk).is_err() || last {
                return;
            }
        }
    })?;
    Ok(receive)
}

/// Maps rows that were read together.
pub fn map(plan: &Plan, context: &Context, columns: &Columns, records: &[Record]) -> Vec<Mapped> {
    if !plan.joins.is_empty() {
        return records
            .chunks(join::AT_ONCE)
            .flat_map(|records| joined(plan, context, columns, records))
            .collect();
    }
    let formulas = plan.formulas.evaluate(records);
    records
        .iter()
        .zip(formulas)
        .map(|(record, formulas)| {
            let outcome = rows::read(plan, context, columns, record, &formulas);
            mapped(record, columns, outcome)
        })
        .collect()
}

fn mapped(record: &Record, columns: &Columns, outcome: Outcome) -> Mapped {
    let raw = match &outcome {
        Outcome::Fault(_) | Outcome::Facts(Facts { needs: Some(_), .. }) => raw(record, columns),
        Outcome::Facts(_) | Outcome::Skipped => String::new(),
    };
    Mapped {
        line: record.line,
        outcome,
        raw,
    }
}

/// The same with rows of other files put beside: a row is still one row, all of which is taken or nothing.
fn joined(plan: &Plan, context: &Context, columns: &Columns, records: &[Record]) -> Vec<Mapped> {
    let parts: Vec<Vec<Record>> = records.iter().map(|record| plan.joins.spread(record)).collect();
    let counts: Vec<usize> = parts.iter().map(Vec::len).collect();
    let wide: Vec<Record> = parts.into_iter().flatten().collect();
    let mut values = plan.formulas.evaluate(&wide).into_iter();
    let mut wide = wide.iter();
    records
        .iter()
        .zip(counts)
        .map(|(record, count)| {
            let mut all = Outcome::Skipped;
            for (part, formulas) in wide.by_ref().take(count).zip(values.by_ref().take(count)) {
                let said = rows::read(plan, context, &plan.joins.columns, part, &formulas);
                all = all.and(said);
            }
            mapped(record, columns, all)
        })
        .collect()
}

/// The row as a reject keeps it: an object of its columns, or the text that was not one.
fn raw(record: &Record, columns: &Columns) -> String {
    match &record.fault {
        Some(fault) if record.len() == 0 => fault.value.clone(),
        _ => serde_json::Value::Object(record.raw(columns)).to_string(),
    }
}
