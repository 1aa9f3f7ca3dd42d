//! Reads the written files back, as anybody else would, and computes what the tests compare.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    path::Path,
    sync::OnceLock,
};

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use jiff::civil::date;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Options, Summary, write};

/// A row of a CSV file by column name.
pub type Row = HashMap<String, String>;

/// An event as read back.
pub struct Seen {
    pub id: String,
    pub account: String,
    pub contact: Option<String>,
    pub name: Option<String>,
    pub at: i64,
    pub received: i64,
    pub properties: String,
}

/// A whole company, read back.
pub struct Data {
    pub summary: Summary,
    pub accounts: Vec<Row>,
    pub contacts: Vec<Row>,
    pub subscriptions: Vec<Row>,
    pub tickets: Vec<Row>,
    pub opportunities: Vec<Row>,
    pub responses: Vec<Row>,
    pub truth: Vec<Row>,
    pub stages: Vec<Row>,
    pub events: Vec<Seen>,
}

pub const UNTIL: jiff::civil::Date = date(2026, 6, 30);

pub fn options(accounts: u32, months: u32, seed: u64) -> Options {
    Options {
        accounts,
        months,
        seed,
        until: UNTIL,
        events_per_account_month: None,
    }
}

pub fn csv(folder: &Path, name: &str) -> Vec<Row> {
    csv::Reader::from_path(folder.join(name))
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

fn events(folder: &Path) -> Vec<Seen> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(folder.join("events.parquet")).unwrap())
        .unwrap()
        .build()
        .unwrap();
    let mut all = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let moment = |name: &str| {
            batch
                .column_by_name(name)
                .unwrap()
                .as_primitive::<TimestampMicrosecondType>()
                .clone()
        };
        let (id, account, contact, name, properties) = (
            text("message_id"),
            text("account_id"),
            text("contact_id"),
            text("name"),
            text("properties"),
        );
        let (at, received) = (moment("occurred_at"), moment("received_at"));
        let some = |column: &arrow::array::StringArray, i: usize| {
            column.is_valid(i).then(|| column.value(i).to_owned())
        };
        all.extend((0..batch.num_rows()).map(|i| Seen {
            id: id.value(i).to_owned(),
            account: account.value(i).to_owned(),
            contact: some(&contact, i),
            name: some(&name, i),
            at: at.value(i),
            received: received.value(i),
            properties: properties.value(i).to_owned(),
        }));
    }
    all
}

pub fn read(options: &Options) -> Data {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(options, folder.path(), &mut |_| {}).unwrap();
    let csv = |name: &str| csv(folder.path(), name);
    Data {
        summary,
        accounts: csv("accounts.csv"),
        contacts: csv("contacts.csv"),
        subscriptions: csv("subscriptions.csv"),
        tickets: csv("tickets.csv"),
        opportunities: csv("opportunities.csv"),
        responses: csv("responses.csv"),
        truth: csv("truth.csv"),
        stages: csv("stages.csv"),
        events: events(folder.path()),
    }
}

/// The company that most tests look at, made once: 1,600 accounts over two years, with less product use than usual to be quick.
pub fn company() -> &'static Data {
    static DATA: OnceLock<Data> = OnceLock::new();
    DATA.get_or_init(|| {
        read(&Options {
            events_per_account_month: Some(24.0),
            ..options(1_600, 24, 7)
        })
    })
}

/// Microseconds of `2026-03-01` or `2026-03-01T10:00:00Z`.
pub fn micros(text: &str) -> i64 {
    if text.len() == 10 {
        let day: jiff::civil::Date = text.parse().unwrap();
        return day
            .to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp()
            .as_microsecond();
    }
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Rows that an importer would take: known account, readable dates, each once.
pub fn good<'a>(data: &Data, rows: &'a [Row], date: &str) -> Vec<&'a Row> {
    let known: HashSet<&str> = data
        .accounts
        .iter()
        .map(|row| row["account_id"].as_str())
        .collect();
    let mut seen = HashSet::new();
    rows.iter()
        .filter(|row| known.contains(row["account_id"].as_str()))
        .filter(|row| row[date].len() == 10 || row[date].parse::<jiff::Timestamp>().is_ok())
        .filter(|row| row[date].len() != 10 || row[date].parse::<jiff::civil::Date>().is_ok())
        .filter(|row| {
            let mut fields: Vec<_> = row.iter().collect();
            fields.sort();
            seen.insert(format!("{fields:?}"))
        })
        .collect()
}

/// The segment by the documents' rule, written out a second time.
pub fn segment(row: &Row) -> &'static str {
    let mrr: f64 = row["mrr"].parse().unwrap();
    match row["employees"].parse::<u32>() {
        _ if mrr > 3500.0 => "strategic",
        Ok(staff) if mrr <= 500.0 && staff <= 50 => "digital",
        _ => "core",
    }
}

/// Accounts with a start and an MRR, by id.
pub fn customers(data: &Data) -> HashMap<&str, &Row> {
    data.accounts
        .iter()
        .filter(|row| {
            !row["account_id"].is_empty()
                && !row["mrr"].is_empty()
                && row["started_on"].parse::<jiff::civil::Date>().is_ok()
        })
        .map(|row| (row["account_id"].as_str(), row))
        .collect()
}

/// Area under the ROC curve by ranks, ties counted half.
pub fn auc(mut scored: Vec<(f64, bool)>) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut positives, mut i) = (0.0, 0.0, 0);
    while i < scored.len() {
        let j = (i..scored.len())
            .take_while(|&j| scored[j].0 == scored[i].0)
            .count()
            + i;
        let rank = (i + 1 + j) as f64 / 2.0;
        let hits = scored[i..j].iter().filter(|(_, hit)| *hit).count() as f64;
        ranks += rank * hits;
        positives += hits;
        i = j;
    }
    let negatives = scored.len() as f64 - positives;
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}
