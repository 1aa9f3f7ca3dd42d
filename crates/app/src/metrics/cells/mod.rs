//! Accounts on past month ends as they were known then, kept.
//!
//! What was not known at the end of a month nobody will have known then: a *cell* (an account at the end of a month) stays as it is, however
//! much arrives later. So cells are computed once and read from then on. They are computed anew for an account of which something is told
//! that is dated, or is said to have arrived, before the newest of these month ends, and for one of which history was imported, rewritten,
//! merged or parted: such accounts are noted with the step of the log ([`mark`]), in the transaction that works the step in.
//!
//! Cells are kept in blocks of neighbouring numbers, each with the step of the log up to which it is right, by *set*: the names that were
//! asked for, under one plan. Sets that nobody asked for lately give way.

mod store;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tenure_lake::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, UInt32Array,
};
use tenure_lake::arrow::array::{RecordBatchOptions, new_null_array};
use tenure_lake::arrow::compute::{concat_batches, take};
use tenure_lake::arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};
use tenure_lake::{EventRow, RecordBatch, pack, unpack};
use tenure_store::{StoreResult, Tx};
use tokio::sync::OnceCell;

use super::facts::date_of;
use super::known::{self, Ask, Cutoff, Part};
use super::work::CURSOR;
use crate::{App, events};

/// Neighbouring numbers whose cells are kept together.
const BLOCK: i64 = 4_096;

/// Changes whenever cells are written otherwise.
const FORMAT: u32 = 1;

/// So many sets are kept.
const SETS: i64 = 4;

/// What is held of cells in memory.
#[derive(Debug, Default)]
pub struct State {
    /// The newest month end of which cells are kept; whatever is told of days up to it is noted.
    newest: OnceCell<Mutex<Option<Cutoff>>>,
    /// By set, the newest day and the step of the log up to which nothing was missing.
    whole: Mutex<HashMap<String, (i32, i64)>>,
    /// By set, the newest day that was announced, and when it was, UTC microseconds.
    announced: Mutex<HashMap<String, (i32, i64)>>,
}

/// A set that is used says so in the records once in so many microseconds.
const SAYS: i64 = 3_600_000_000;

/// The block that an account belongs to.
#[must_use]
pub fn block_of(no: i64) -> i64 {
    no.div_euclid(BLOCK)
}

async fn newest(app: &App) -> Result<&Mutex<Option<Cutoff>>> {
    let read = || async { anyhow::Ok(Mutex::new(store::newest(&app.store).await?)) };
    app.metrics.cells.newest.get_or_try_init(read).await
}

/// The accounts of these events of which something earlier is told than the newest month end that is kept.
///
/// # Errors
/// When the records fail.
pub async fn touched(app: &App, rows: &[EventRow]) -> Result<Vec<i64>> {
    let Some(newest) = *newest(app).await?.lock() else {
        return Ok(Vec::new());
    };
    let earlier = |row: &&EventRow| row.day <= newest.day || row.received_at < newest.end;
    let mut nos: Vec<i64> = rows.iter().filter(earlier).map(|row| row.account_no).collect();
    nos.sort_unstable();
    nos.dedup();
    Ok(nos)
}

/// The newest step of the log that cells of any account may have become others at.
///
/// # Errors
/// When the records fail.
pub async fn newest_change(app: &App) -> Result<Option<i64>> {
    Ok(store::newest_change(&app.store).await?)
}

/// Whether any cells are kept: else nothing need be noted.
///
/// # Errors
/// When the records fail.
pub async fn any(app: &App) -> Result<bool> {
    Ok(newest(app).await?.lock().is_some())
}

/// Notes accounts whose cells may be others from step `seq` of the log on.
///
/// # Errors
/// When the records fail.
pub async fn mark(tx: &Tx, nos: &[i64], seq: i64) -> StoreResult<()> {
    store::mark(tx, nos, seq).await
}

/// Forgets all cells: every account is computed anew from the log.
///
/// # Errors
/// When the records fail.
pub async fn forget(app: &App) -> Result<()> {
    let held = newest(app).await?;
    store::forget(&app.store).await?;
    *held.lock() = None;
    app.metrics.cells.whole.lock().clear();
    app.metrics.cells.announced.lock().clear();
    Ok(())
}

/// What cells are kept of: some names of a plan, and ages of some metrics.
#[derive(Debug)]
pub struct Set {
    version: String,
    /// Places of the names.
    names: Vec<usize>,
    /// Places of the metrics whose ages are kept.
    aged: Vec<usize>,
    /// The step of the log that was worked in when it was opened: what is computed from now on knows it.
    seen: i64,
    /// The newest day that is asked for.
    newest: i32,
    /// By account, the newest step at which its cells may have become others.
    changed: HashMap<i64, i64>,
}

impl Set {
    /// Opens the set of what an ask wants to know; `None` where its cells are not kept: where dates are trusted, where everything is wanted,
    /// where a name is that changes without a day, and where cutoffs are no month ends.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn open(app: &App, ask: &Asked<'_>) -> Result<Option<Self>> {
        let plan = ask.plan;
        let (Some(only), Some(last)) = (ask.only, ask.cutoffs.last()) else {
            return Ok(None);
        };
        let names: Vec<usize> = (0..plan.names.len()).filter(|at| only[*at]).collect();
        let of_now = |at: &usize| ["account_id", "name"].contains(&plan.names[*at].name.as_str());
        let month_end = |day: i32| date_of(day) == date_of(day).last_of_month();
        if ask.trust_dates
            || names.iter().any(of_now)
            || last.day >= super::today(app)
            || !ask.cutoffs.iter().all(|cutoff| month_end(cutoff.day))
        {
            return Ok(None);
        }
        let zone = app.time_zone().iana_name().unwrap_or_default().to_owned();
        let body = serde_json::to_string(&(FORMAT, &plan.hash, &names, ask.aged, zone))?;
        let version = blake3::hash(body.as_bytes()).to_hex().as_str()[..16].to_owned();
        announce(app, &version, *last).await?;
        let seen = events::cursor(app, CURSOR).await?;
        let changed = store::changed(&app.store, &version).await?;
        Ok(Some(Self {
            version,
            names,
            aged: ask.aged.to_vec(),
            seen,
            newest: last.day,
            changed,
        }))
    }

    /// Whether nothing of it was missing ([`Set::note_whole`]) and nothing has changed since.
    #[must_use]
    pub fn is_whole(&self, app: &App) -> bool {
        let whole = app.metrics.cells.whole.lock();
        whole.get(&self.version).is_some_and(|(day, seq)| {
            self.newest <= *day && self.changed.values().all(|changed| changed <= seq)
        })
    }

    /// Notes that nothing of it is missing.
    pub fn note_whole(&self, app: &App) {
        let mut whole = app.metrics.cells.whole.lock();
        whole.insert(self.version.clone(), (self.newest, self.seen));
    }
}

/// What a set is opened for.
pub struct Asked<'a> {
    /// The plan.
    pub plan: &'a super::plan::Plan,
    /// Ascending.
    pub cutoffs: &'a [Cutoff],
    /// Whether events count from the day that they carry.
    pub trust_dates: bool,
    /// The metrics whose ages are wanted.
    pub aged: &'a [usize],
    /// The names that are wanted.
    pub only: Option<&'a [bool]>,
}

/// Says that cells up to a month end are about to be kept. From then on whatever is told of days up to it is noted; a step that is being worked
/// in while this is said is waited for.
async fn announce(app: &App, version: &str, last: Cutoff) -> Result<()> {
    let (held, now) = (newest(app).await?, app.clock.micros());
    let said = app.metrics.cells.announced.lock().get(version).copied();
    if said.is_some_and(|(day, at)| last.day <= day && now - at < SAYS) {
        return Ok(());
    }
    let rises = held.lock().is_none_or(|newest| newest.day < last.day);
    let _turn = if rises {
        Some(app.metrics.turn.lock().await)
    } else {
        None
    };
    let newest = held.lock().filter(|newest| newest.day > last.day).unwrap_or(last);
    store::announce(&app.store, version, newest, now, SETS).await?;
    *held.lock() = Some(newest);
    // Others may have given way.
    let mut announced = app.metrics.cells.announced.lock();
    announced.clear();
    announced.insert(version.to_owned(), (newest.day, now));
    Ok(())
}

/// As [`known::known`], of the accounts of one block: what is kept is read, what is missing is computed and kept.
///
/// # Errors
/// When records or history fail.
pub async fn known(
    app: &App,
    ask: &Arc<Ask>,
    set: &Arc<Set>,
    block: i64,
    wanted: BTreeMap<i64, Vec<usize>>,
) -> Result<Vec<Part>> {
    let kept = store::block(&app.store, &set.version, block).await?;
    let (own, asked) = (Arc::clone(set), Arc::clone(ask));
    let work = move || {
        let Some((seq, bytes)) = kept else {
            return Ok((None, None, wanted));
        };
        let cells = unpack(bytes)?;
        let found = pick(&own, &asked, seq, &cells, &wanted)?;
        let part = (!found.rows.is_empty())
            .then(|| own.part(&asked, &cells, &found))
            .transpose()?;
        // What is out of date does not stay, also where nobody wants it any more.
        let whole = found.missing.is_empty() && found.stay.len() == cells.num_rows();
        anyhow::Ok((part, (!whole).then_some((cells, found.stay)), found.missing))
    };
    let (part, kept, missing) = tokio::task::spawn_blocking(work).await.context("cells")??;
    let mut parts: Vec<Part> = part.into_iter().collect();
    if missing.is_empty() && kept.is_none() {
        return Ok(parts);
    }
    let computed = known::known(app, ask, &missing).await?;
    let (own, asked) = (Arc::clone(set), Arc::clone(ask));
    let work = move || {
        let mut cells = Vec::new();
        if let Some((kept, stay)) = kept {
            cells.push(rows_of(&kept, &UInt32Array::from(stay))?);
        }
        for part in &computed {
            cells.push(own.cells(&asked, part)?);
        }
        anyhow::Ok((packed(&cells)?, computed))
    };
    let (bytes, computed) = tokio::task::spawn_blocking(work).await.context("cells")??;
    store::put(&app.store, &set.version, block, set.seen, bytes).await?;
    parts.extend(computed);
    Ok(parts)
}

/// What a block has of what is wanted.
struct Found {
    /// Its rows that are wanted, and the cell that each is.
    rows: Vec<u32>,
    cells: Vec<(i64, usize)>,
    /// Its rows that stay right, wanted or not.
    stay: Vec<u32>,
    /// What it does not have.
    missing: BTreeMap<i64, Vec<usize>>,
}

fn pick(
    set: &Set,
    ask: &Ask,
    seq: i64,
    cells: &RecordBatch,
    wanted: &BTreeMap<i64, Vec<usize>>,
) -> Result<Found> {
    let nos = cells.column(0).as_primitive::<Int64Type>().values();
    let days = cells.column(1).as_primitive::<Int32Type>().values();
    let right = |no: i64| set.changed.get(&no).is_none_or(|changed| *changed <= seq);
    let stay = (0u32..).zip(nos.iter()).filter(|(_, no)| right(**no));
    let mut found = Found {
        rows: Vec::new(),
        cells: Vec::new(),
        stay: stay.map(|(row, _)| row).collect(),
        missing: BTreeMap::new(),
    };
    let mut at = 0;
    for (no, places) in wanted {
        while at < nos.len() && nos[at] < *no {
            at += 1;
        }
        for place in places {
            let day = ask.cutoffs[*place].day;
            while at < nos.len() && nos[at] == *no && days[at] < day {
                at += 1;
            }
            if right(*no) && at < nos.len() && nos[at] == *no && days[at] == day {
                found.rows.push(u32::try_from(at)?);
                found.cells.push((*no, *place));
            } else {
                found.missing.entry(*no).or_default().push(*place);
            }
        }
    }
    Ok(found)
}

/// Columns before those of names: account, day, segment.
const HEAD: usize = 3;

impl Set {
    /// A part of an ask as cells.
    fn cells(&self, ask: &Ask, part: &Part) -> Result<RecordBatch> {
        let class = |class: &usize| i32::try_from(*class).unwrap_or(i32::MAX);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(part.cells.iter().map(|(no, _)| *no))),
            Arc::new(Int32Array::from_iter_values(
                part.cells.iter().map(|(_, at)| ask.cutoffs[*at].day),
            )),
            Arc::new(Int32Array::from_iter_values(part.classes.iter().map(class))),
        ];
        columns.extend(self.names.iter().map(|at| Arc::clone(part.env.column(*at))));
        for metric in &self.aged {
            let ages = part.ages.get(metric).cloned().unwrap_or_default();
            columns.push(Arc::new(Float64Array::from(ages)));
        }
        let fields: Vec<Field> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), at >= HEAD))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).context("cells")
    }

    /// Rows of cells as a part of an ask.
    fn part(&self, ask: &Ask, cells: &RecordBatch, found: &Found) -> Result<Part> {
        let all = found.rows.len() == cells.num_rows();
        let rows = UInt32Array::from(found.rows.clone());
        let column = |at: usize| -> Result<ArrayRef> {
            let column = cells.columns().get(at).context("cells lack a column")?;
            Ok(if all {
                Arc::clone(column)
            } else {
                take(column, &rows, None)?
            })
        };
        let mut nothing: HashMap<DataType, ArrayRef> = HashMap::new();
        let mut own = self.names.iter().zip(HEAD..).peekable();
        let mut columns = Vec::with_capacity(ask.plan.names.len());
        let mut fields = Vec::with_capacity(ask.plan.names.len());
        for (place, name) in ask.plan.names.iter().enumerate() {
            let values = match own.next_if(|(at, _)| **at == place) {
                Some((_, at)) => column(at)?,
                None => {
                    let kind = name.kind.arrow();
                    let none = || new_null_array(&kind, rows.len());
                    Arc::clone(nothing.entry(kind.clone()).or_insert_with(none))
                }
            };
            fields.push(Field::new(&name.name, values.data_type().clone(), true));
            columns.push(values);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let env = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let ages = self
            .aged
            .iter()
            .zip(HEAD + self.names.len()..)
            .map(|(metric, at)| {
                let ages = column(at)?.as_primitive::<Float64Type>().values().to_vec();
                Ok((*metric, ages))
            });
        let classes = column(2)?;
        let classes = classes.as_primitive::<Int32Type>().values().iter();
        Ok(Part {
            env,
            cells: found.cells.clone(),
            classes: classes
                .map(|class| usize::try_from(*class).unwrap_or(usize::MAX))
                .collect(),
            ages: ages.collect::<Result<_>>()?,
        })
    }
}

fn rows_of(cells: &RecordBatch, rows: &UInt32Array) -> Result<RecordBatch> {
    let columns = cells.columns().iter().map(|column| take(column, rows, None));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(cells.schema(), columns)?)
}

/// Cells in the order of account and day, as they are kept.
fn packed(cells: &[RecordBatch]) -> Result<Vec<u8>> {
    let first = cells.first().context("no cells")?;
    let all = concat_batches(&first.schema(), cells)?;
    let nos = all.column(0).as_primitive::<Int64Type>().values();
    let days = all.column(1).as_primitive::<Int32Type>().values();
    let mut order: Vec<u32> = (0..u32::try_from(all.num_rows())?).collect();
    order.sort_by_key(|at| (nos[*at as usize], days[*at as usize]));
    pack(&rows_of(&all, &UInt32Array::from(order))?)
}
