//! The driver: steps of four weeks, batches of accounts on all cores, files in a fixed order.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, mpsc},
    thread,
};

use anyhow::Context;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    file::properties::WriterProperties,
    schema::types::ColumnPath,
};

use crate::{
    FileSummary, Options, Progress, Summary,
    calendar::DAY,
    env::Env,
    life::Life,
    output::{Chunk, Table, event_schema},
    roster::{write_accounts, write_contacts, write_entered, write_stages},
};

/// Accounts that one batch holds: small enough to spread over cores, large enough to be worth a batch.
const BATCH: usize = 128;
/// Days that all accounts live through before any goes on.
const STEP: i32 = 28;
const EVENTS: &str = "events.parquet";

const IMPORT: &str = "\
# Simulated data: the kinds of file, in the order in which they are imported. truth.csv is left out on purpose.
files:
  - {path: accounts_entered.csv, kind: accounts}
  - {path: accounts.csv, kind: accounts}
  - {path: stages.csv, kind: accounts}
  - {path: contacts.csv, kind: contacts}
  - {path: subscriptions.csv, kind: subscriptions}
  - {path: events.parquet, kind: events}
  - {path: tickets.csv, kind: tickets, map: kept.map.yaml}
  - {path: opportunities.csv, kind: opportunities, map: kept.map.yaml}
  - {path: responses.csv, kind: responses, map: kept.map.yaml}
";

const KEPT: &str = "\
# Tickets, opportunities and answers are kept on the day by those who work on them: what they say was known on its date.
dates: {known: as_dated}
";

/// A CSV file that grows.
pub struct Sheet {
    file: BufWriter<File>,
    path: PathBuf,
    summary: FileSummary,
}

impl Sheet {
    /// Makes the file with its header.
    pub fn create(folder: &Path, name: &str, kind: Option<&str>, header: &str) -> anyhow::Result<Self> {
        let path = folder.join(name);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        writeln!(file, "{header}")?;
        Ok(Self {
            file,
            path,
            summary: summary_of(name, kind),
        })
    }

    /// Appends rows and counts them.
    pub fn add(&mut self, table: Table) -> anyhow::Result<()> {
        self.summary.rows += table.rows;
        self.summary.duplicates += table.duplicates;
        for (fault, count) in &table.faults {
            *self.summary.faults.entry((*fault).to_owned()).or_default() += count;
            self.summary.bad_rows += count;
        }
        self.file
            .write_all(&table.into_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Ends the file.
    pub fn close(mut self) -> anyhow::Result<FileSummary> {
        self.file
            .flush()
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(self.summary)
    }
}

fn summary_of(name: &str, kind: Option<&str>) -> FileSummary {
    FileSummary {
        file: name.into(),
        kind: kind.map(Into::into),
        rows: 0,
        duplicates: 0,
        bad_rows: 0,
        faults: BTreeMap::new(),
    }
}

/// All files that grow while the accounts live.
struct Files {
    events: ArrowWriter<File>,
    event_summary: FileSummary,
    late: u64,
    subscriptions: Sheet,
    tickets: Sheet,
    opportunities: Sheet,
    responses: Sheet,
    truth: Sheet,
}

impl Files {
    fn create(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(EVENTS);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let id = ColumnPath::from("message_id");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(256 * 1024))
            // Ids share their beginnings with their neighbours and never repeat.
            .set_column_dictionary_enabled(id.clone(), false)
            .set_column_encoding(id, Encoding::DELTA_BYTE_ARRAY)
            .build();
        let sheet = |name: &str, kind, header| Sheet::create(folder, name, kind, header);
        Ok(Self {
            events: ArrowWriter::try_new(file, event_schema(), Some(properties))?,
            event_summary: summary_of(EVENTS, Some("events")),
            late: 0,
            subscriptions: sheet(
                "subscriptions.csv",
                Some("subscriptions"),
                "account_id,subscription_id,effective_on,change,mrr,currency,reason,secondary_reasons,received_at",
            )?,
            tickets: sheet(
                "tickets.csv",
                Some("tickets"),
                "ticket_id,account_id,contact_id,opened_at,escalated_at,reopened_at,resolved_at,priority,subject",
            )?,
            opportunities: sheet(
                "opportunities.csv",
                Some("opportunities"),
                "opportunity_id,account_id,type,opened_on,stage,value,currency,closed_on,outcome",
            )?,
            responses: sheet(
                "responses.csv",
                Some("responses"),
                "response_id,account_id,contact_id,survey,sent_at,answered_at,score,comment,interaction,declined",
            )?,
            truth: sheet("truth.csv", None, "account_id,month,hazard,health,notice,decided")?,
        })
    }

    fn add(&mut self, mut chunk: Chunk) -> anyhow::Result<()> {
        let batch = chunk.batch()?;
        if batch.num_rows() > 0 {
            self.events.write(&batch).context("cannot write events.parquet")?;
        }
        let summary = &mut self.event_summary;
        summary.rows += chunk.events;
        summary.duplicates += chunk.duplicates;
        summary.bad_rows += chunk.nameless;
        if chunk.nameless > 0 {
            *summary.faults.entry("no_name".into()).or_default() += chunk.nameless;
        }
        self.late += chunk.late;
        self.subscriptions.add(chunk.subscriptions)?;
        self.tickets.add(chunk.tickets)?;
        self.opportunities.add(chunk.opportunities)?;
        self.responses.add(chunk.responses)?;
        self.truth.add(chunk.truth)
    }
}

/// See [`crate::write()`].
pub fn write(
    options: &Options,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<Summary> {
    let env = Env::new(options)?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut files = Files::create(folder)?;
    let mut lives: Vec<Life> = (0..env.accounts).map(|index| Life::new(&env, index)).collect();
    let steps = (env.end - env.first + STEP - 1) / STEP;
    let total = steps as u64 * u64::from(env.accounts);
    for step in 0..steps {
        let until = (env.first + (step + 1) * STEP).min(env.end);
        let last = step + 1 == steps;
        let done = step as u64 * u64::from(env.accounts);
        live(&env, &mut lives, until, last, |chunk, accounts| {
            files.add(chunk)?;
            progress(Progress {
                phase: "living",
                done: done + accounts,
                total,
                events: files.event_summary.rows,
            });
            Ok(())
        })?;
    }
    progress(Progress {
        phase: "writing accounts",
        done: total,
        total,
        events: files.event_summary.rows,
    });
    files.events.close().context("cannot write events.parquet")?;
    let (accounts, mut summary) = write_accounts(&env, options, &lives, folder)?;
    let entered = write_entered(&env, &lives, folder)?;
    let stages = write_stages(&env, &lives, folder)?;
    let contacts = write_contacts(&env, &lives, folder)?;
    std::fs::write(folder.join("import.yaml"), IMPORT)
        .with_context(|| format!("cannot write import.yaml in {}", folder.display()))?;
    std::fs::write(folder.join("kept.map.yaml"), KEPT)
        .with_context(|| format!("cannot write kept.map.yaml in {}", folder.display()))?;
    let events = files.event_summary;
    summary.events = events.rows - events.duplicates - events.bad_rows;
    summary.late_events = files.late;
    summary.files = vec![
        entered,
        accounts,
        stages,
        contacts,
        files.subscriptions.close()?,
        events,
        files.tickets.close()?,
        files.opportunities.close()?,
        files.responses.close()?,
        files.truth.close()?,
    ];
    Ok(summary)
}

/// Lets all accounts live until `until`; `take` gets the batches in the accounts' order, whichever thread made them, with the number of accounts done.
fn live(
    env: &Env,
    lives: &mut [Life],
    until: i32,
    last: bool,
    mut take: impl FnMut(Chunk, u64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let workers = thread::available_parallelism().map_or(1, |n| n.get()).min(16);
    let end = i64::from(env.end) * DAY;
    let queue = Mutex::new(lives.chunks_mut(BATCH).enumerate());
    let (sender, receiver) = mpsc::sync_channel::<(usize, usize, Chunk)>(workers);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, queue) = (sender.clone(), &queue);
            scope.spawn(move || {
                // A poisoned queue means that another worker panicked, which the scope reports.
                while let Some((index, batch)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    let mut chunk = Chunk::new(end);
                    for life in batch.iter_mut() {
                        life.advance(env, until, &mut chunk);
                        if last {
                            life.finish(env, &mut chunk);
                        }
                    }
                    if sender.send((index, batch.len(), chunk)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut next, mut accounts) = (BTreeMap::new(), 0, 0);
        for (index, count, chunk) in receiver {
            waiting.insert(index, (count, chunk));
            while let Some((count, chunk)) = waiting.remove(&next) {
                accounts += count as u64;
                take(chunk, accounts)?;
                next += 1;
            }
        }
        Ok(())
    })
}
