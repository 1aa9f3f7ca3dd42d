//! What a batch of accounts has produced: columns of events and CSV rows, with the dirt that real exports have, counted as it is put in.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
};

use crate::{
    event::{Event, NOBODY, render},
    random::Random,
};

/// Rows of one CSV file, and what is wrong with some of them on purpose.
pub struct Table {
    writer: csv::Writer<Vec<u8>>,
    /// Rows, with duplicates and bad ones.
    pub rows: u64,
    /// Rows that repeat the one before, letter for letter.
    pub duplicates: u64,
    /// Rows that an importer must reject, by fault.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Table {
    fn new() -> Self {
        Self {
            writer: csv::Writer::from_writer(Vec::new()),
            rows: 0,
            duplicates: 0,
            faults: BTreeMap::new(),
        }
    }

    /// Writes a row once.
    pub fn clean(&mut self, fields: &[&str]) {
        // Writing to a Vec cannot fail, and all rows of a file are built with the same number of fields.
        let _ = self.writer.write_record(fields);
        self.rows += 1;
    }

    /// Writes a row; one in 400 is written twice.
    pub fn row(&mut self, random: &mut Random, fields: &[&str]) {
        self.clean(fields);
        if random.chance(0.0025) {
            self.clean(fields);
            self.duplicates += 1;
        }
    }

    /// Writes a row that stands beside the good ones and must be rejected.
    pub fn bad(&mut self, fault: &'static str, fields: &[&str]) {
        self.clean(fields);
        *self.faults.entry(fault).or_default() += 1;
    }

    /// The rows as bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }
}

/// Columns of the events file.
pub fn event_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let moment = |name: &str| {
        Field::new(
            name,
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            false,
        )
    };
    Arc::new(Schema::new(vec![
        text("message_id", false),
        text("account_id", true),
        text("contact_id", true),
        text("name", true),
        moment("occurred_at"),
        moment("received_at"),
        text("properties", true),
    ]))
}

/// Events as columns.
struct Columns {
    message: StringBuilder,
    account: StringBuilder,
    contact: StringBuilder,
    name: StringBuilder,
    occurred: TimestampMicrosecondBuilder,
    received: TimestampMicrosecondBuilder,
    properties: StringBuilder,
}

/// All that one batch of accounts produced in one stretch of time.
pub struct Chunk {
    columns: Columns,
    fresh: Vec<Event>,
    end: i64,
    text: String,
    /// Event rows, with duplicates and bad ones.
    pub events: u64,
    /// Event rows that repeat an earlier one.
    pub duplicates: u64,
    /// Event rows received more than a day after they happened, duplicates not counted.
    pub late: u64,
    /// Event rows without a name.
    pub nameless: u64,
    /// `subscriptions.csv`.
    pub subscriptions: Table,
    /// `tickets.csv`.
    pub tickets: Table,
    /// `opportunities.csv`.
    pub opportunities: Table,
    /// `responses.csv`.
    pub responses: Table,
    /// `truth.csv`.
    pub truth: Table,
}

impl Chunk {
    /// An empty batch; what arrives at or after `end` (microseconds) is not in the data yet.
    pub fn new(end: i64) -> Self {
        let text = || StringBuilder::new();
        let moment = || TimestampMicrosecondBuilder::new().with_timezone("UTC");
        let columns = Columns {
            message: text(),
            account: text(),
            contact: text(),
            name: text(),
            occurred: moment(),
            received: moment(),
            properties: text(),
        };
        Self {
            columns,
            fresh: Vec::new(),
            end,
            text: String::new(),
            events: 0,
            duplicates: 0,
            late: 0,
            nameless: 0,
            subscriptions: Table::new(),
            tickets: Table::new(),
            opportunities: Table::new(),
            responses: Table::new(),
            truth: Table::new(),
        }
    }

    /// Takes an event of the account at hand.
    pub fn take(&mut self, event: Event) {
        if event.received < self.end {
            self.fresh.push(event);
        }
    }

    /// Writes the events taken since the last call as those of account `number`, by time, and repeats some of them.
    pub fn settle(&mut self, number: u32, random: &mut Random) {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable_by_key(|event| (event.at, event.no));
        let account = format!("A-{number:05}");
        let mut contact = String::new();
        let mut repeated = Vec::new();
        for event in &fresh {
            let draw = random.unit();
            self.write(event, number, &account, &mut contact, draw > 0.9998);
            self.late += u64::from(event.received - event.at > crate::calendar::DAY);
            if draw < 0.003 {
                repeated.push(*event);
            }
        }
        for event in &repeated {
            self.write(event, number, &account, &mut contact, false);
            self.duplicates += 1;
        }
        fresh.clear();
        self.fresh = fresh;
    }

    fn write(&mut self, event: &Event, number: u32, account: &str, contact: &mut String, nameless: bool) {
        use std::fmt::Write;
        let columns = &mut self.columns;
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{number:06x}-{:06x}", event.no);
        columns.message.append_value(&self.text);
        columns.account.append_value(account);
        if event.contact == NOBODY {
            columns.contact.append_null();
        } else {
            contact.clear();
            let _ = write!(contact, "C-{number:05}-{}", event.contact + 1);
            columns.contact.append_value(&contact);
        }
        if nameless {
            columns.name.append_null();
            self.nameless += 1;
        } else {
            columns.name.append_value(event.name.text());
        }
        columns.occurred.append_value(event.at);
        columns.received.append_value(event.received);
        render(event.props, number, &mut self.text);
        columns.properties.append_value(&self.text);
        self.events += 1;
    }

    /// First moment after the data.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The events as one record batch, taken out.
    pub fn batch(&mut self) -> arrow::error::Result<RecordBatch> {
        let c = &mut self.columns;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(c.message.finish()),
            Arc::new(c.account.finish()),
            Arc::new(c.contact.finish()),
            Arc::new(c.name.finish()),
            Arc::new(c.occurred.finish()),
            Arc::new(c.received.finish()),
            Arc::new(c.properties.finish()),
        ];
        RecordBatch::try_new(event_schema(), columns)
    }
}

/// A table of its own, for the files that are written at the end.
pub fn table() -> Table {
    Table::new()
}
