//! Accounts as of a day: today's from the book, another day's computed from the kept facts.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use jiff::civil::Date;
use parking_lot::Mutex;
use tenure_lake::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    new_null_array,
};
use tenure_lake::{Expr, RecordBatch, Type};

use super::facts::{Facts, date_of, day_number};
use super::plan::{Name, Plan, environment};
use super::rows::Rows;
use super::{Entry, Span, evaluate, store, tables};
use crate::App;
use crate::ahead::in_order;
use crate::definitions::Definitions;
use crate::web::{Problem, Result};

/// A day, the version of the book that it was computed from, and its accounts.
type Computed = (i32, u64, Arc<Vec<Arc<Entry>>>);

/// The last day that was computed, so that paging through it computes it once.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Option<Computed>>);

/// The day that a request asks for, as a number.
///
/// # Errors
/// The problem with the field.
pub fn day(app: &App, as_of: Option<&str>) -> Result<i32> {
    let today = super::today(app);
    let Some(text) = as_of.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(today);
    };
    let date: Date = text.parse().map_err(|_| {
        Problem::field(
            "as_of",
            text,
            "is not a day",
            "write it as YYYY-MM-DD, for example 2026-06-30",
        )
    })?;
    let day = day_number(date);
    if day > today {
        let remedy = format!("ask for {} or a day before it", date_of(today));
        return Err(Problem::field("as_of", text, "lies in the future", remedy));
    }
    Ok(day)
}

/// An instant as text.
#[must_use]
pub fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// Every account as of a day, with the metrics of that day.
///
/// # Errors
/// When the records fail.
pub async fn entries(app: &App, day: i32) -> Result<Arc<Vec<Arc<Entry>>>> {
    if day == super::today(app) {
        return Ok(Arc::new(app.metrics.book.all()));
    }
    let version = app.metrics.version();
    if let Some(held) = held(app, day, version) {
        return Ok(held);
    }
    let all = app.metrics.book.all();
    let all = Arc::new(many(app, &all, day).await?);
    *app.metrics.past.0.lock() = Some((day, version, Arc::clone(&all)));
    Ok(all)
}

/// The accounts whose span of a day is wanted, as of that day: of others nothing is read.
///
/// # Errors
/// When the records fail.
pub async fn entries_where(app: &App, day: i32, wanted: impl Fn(&Span) -> bool) -> Result<Vec<Arc<Entry>>> {
    let is_wanted = |entry: &Arc<Entry>| entry.head.span_at(day).is_some_and(&wanted);
    let known = if day == super::today(app) {
        Some(Arc::new(app.metrics.book.all()))
    } else {
        held(app, day, app.metrics.version())
    };
    if let Some(known) = known {
        return Ok(known.iter().filter(|entry| is_wanted(entry)).cloned().collect());
    }
    // What held on a day is the same seen from it and seen from today.
    let mut all = app.metrics.book.all();
    all.retain(is_wanted);
    many(app, &all, day).await
}

/// All accounts of a day, if that is the one that was computed last.
fn held(app: &App, day: i32, version: u64) -> Option<Arc<Vec<Arc<Entry>>>> {
    let past = app.metrics.past.0.lock();
    let (of, at, entries) = past.as_ref()?;
    (*of == day && *at == version).then(|| Arc::clone(entries))
}

/// These accounts as of a day.
async fn many(app: &App, all: &[Arc<Entry>], day: i32) -> Result<Vec<Arc<Entry>>> {
    const CHUNK: usize = 2_000;
    let Some(plan) = app.metrics.plan() else {
        return Ok(Vec::new());
    };
    let nos: Vec<i64> = all.iter().map(|entry| entry.no).collect();
    let chunks: Vec<Vec<i64>> = nos.chunks(CHUNK).map(<[i64]>::to_vec).collect();
    let own = app.clone();
    let mut parts = pin!(in_order(chunks, move |nos| {
        let (app, plan) = (own.clone(), Arc::clone(&plan));
        async move {
            let facts = store::facts(&app.store, &nos).await?;
            computed(&app, &plan, &nos, facts, day).await
        }
    }));
    let mut found = Vec::with_capacity(all.len());
    while let Some(part) = parts.next().await {
        found.extend(part?.into_iter().map(Arc::new));
    }
    Ok(found)
}

/// Accounts as another program's rules would see them. Its measures of events are computed from the history, because only those of the
/// program in force are kept.
///
/// # Errors
/// When records or history fail.
pub async fn with_plan(app: &App, plan: &Arc<Plan>, nos: &[i64], day: i32) -> anyhow::Result<Vec<Entry>> {
    let same = app
        .metrics
        .plan()
        .is_some_and(|held| held.measures == plan.measures);
    let facts = if same {
        store::facts(&app.store, nos).await?
    } else {
        let newest = *crate::events::watch(app).borrow();
        super::work::from_log(app, plan, nos, newest).await?
    };
    computed(app, plan, nos, facts, day).await
}

/// Some accounts as of a day.
///
/// # Errors
/// When the records fail.
pub async fn some(app: &App, plan: &Arc<Plan>, nos: &[i64], day: i32) -> Result<Vec<Entry>> {
    let facts = store::facts(&app.store, nos).await?;
    Ok(computed(app, plan, nos, facts, day).await?)
}

/// The metrics of one account on each of these days, in the plan's order; NaN = no data. Nothing is read but its own kept facts.
///
/// # Errors
/// When the records fail.
pub async fn history(app: &App, no: i64, days: Vec<i32>) -> Result<Vec<Vec<f64>>> {
    let Some(plan) = app.metrics.plan() else {
        return Ok(Vec::new());
    };
    let facts = store::facts(&app.store, &[no]).await?;
    let records = store::records(&app.store, &[no], &plan.fields(None)).await?;
    let computed = tokio::task::spawn_blocking(move || {
        let Some(record) = records.get(&no) else {
            return Ok(Vec::new());
        };
        let empty = Facts::default();
        let subject = evaluate::Subject {
            id: &record.id,
            name: &record.name,
            facts: facts.get(&no).unwrap_or(&empty),
            history: &record.history,
        };
        evaluate::metrics_on(&plan, &subject, &days)
    });
    Ok(computed.await.map_err(anyhow::Error::from)??)
}

async fn computed(
    app: &App,
    plan: &Arc<Plan>,
    nos: &[i64],
    facts: HashMap<i64, Facts>,
    day: i32,
) -> anyhow::Result<Vec<Entry>> {
    let records = store::records(&app.store, nos, &plan.fields(None)).await?;
    let now = app.clock.micros();
    let plan = Arc::clone(plan);
    tokio::task::spawn_blocking(move || {
        let empty = Facts::default();
        let subjects: Vec<evaluate::Subject<'_>> = records
            .iter()
            .map(|(no, record)| evaluate::Subject {
                id: &record.id,
                name: &record.name,
                facts: facts.get(no).unwrap_or(&empty),
                history: &record.history,
            })
            .collect();
        let heads = evaluate::evaluate(&plan, &subjects, day)?;
        Ok(records
            .iter()
            .zip(heads)
            .map(|((no, record), head)| super::work::entry(*no, record, head, now))
            .collect())
    })
    .await?
}

/// A filter's truth for each account. Compile errors become a problem of the field `filter`.
///
/// # Errors
/// The problem with the filter.
pub fn evaluate_filter<R: Rows + ?Sized>(
    app: &App,
    definitions: &Definitions,
    entries: &R,
    day: i32,
    filter: &str,
) -> Result<BooleanArray> {
    let truth = evaluate_rule(app, definitions, entries, day, filter)?;
    Ok((0..truth.len())
        .map(|row| Some(truth.is_valid(row) && truth.value(row)))
        .collect())
}

/// As [`evaluate_filter`], with null where a condition is neither true nor false.
///
/// # Errors
/// The problem with the condition.
pub fn evaluate_rule<R: Rows + ?Sized>(
    app: &App,
    definitions: &Definitions,
    entries: &R,
    day: i32,
    filter: &str,
) -> Result<BooleanArray> {
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let mut names: Vec<Name> = plan.names.clone();
    names.push(Name {
        name: "segment".into(),
        kind: Type::Text,
    });
    names.push(Name {
        name: "churned_on".into(),
        kind: Type::Date,
    });
    let expr = Expr::compile_filter(filter, &environment(&names)).map_err(|error| wrong(filter, &error))?;
    let columns: Vec<(&str, ArrayRef)> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| expr.references().contains(&name.name))
        .map(|(at, name)| {
            (
                name.name.as_str(),
                column(definitions, &plan, entries, day, at, name),
            )
        })
        .collect();
    if columns.is_empty() {
        // A condition without names is the same for all.
        let one: ArrayRef = Arc::new(BooleanArray::from(vec![true; entries.len()]));
        let batch = RecordBatch::try_from_iter([("row", one)]).map_err(anyhow::Error::from)?;
        return truth(&expr, &batch, filter);
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .map_err(anyhow::Error::from)?;
    truth(&expr, &batch, filter)
}

fn truth(expr: &Expr, batch: &RecordBatch, filter: &str) -> Result<BooleanArray> {
    let values = expr.eval(batch).map_err(|error| wrong(filter, &error))?;
    Ok(values
        .as_boolean_opt()
        .cloned()
        .unwrap_or_else(|| BooleanArray::new_null(batch.num_rows())))
}

fn wrong(filter: &str, error: &tenure_lake::QueryError) -> Problem {
    Problem::field("filter", filter, error.message.clone(), error.remedy.clone())
}

fn column<R: Rows + ?Sized>(
    definitions: &Definitions,
    plan: &Plan,
    entries: &R,
    day: i32,
    at: usize,
    name: &Name,
) -> ArrayRef {
    let rows = || 0..entries.len();
    if let Some(metric) = at
        .checked_sub(plan.metrics_from)
        .filter(|m| *m < plan.metrics.len())
    {
        return Arc::new(Float64Array::from_iter(
            rows().map(|row| entries.metric(row, metric)),
        ));
    }
    let all = || rows().map(|row| entries.entry(row));
    let now = || rows().map(|row| entries.now(row, day));
    let life = |e: &Entry| e.head.lives().into_iter().rev().find(|life| life.0 <= day);
    match name.name.as_str() {
        "account_id" => Arc::new(StringArray::from_iter_values(all().map(|e| e.id.as_str()))),
        "name" => Arc::new(StringArray::from_iter_values(all().map(|e| e.name.as_str()))),
        "segment" => Arc::new(StringArray::from_iter(now().map(|it| it.map(|it| it.segment)))),
        "owner" => Arc::new(StringArray::from_iter(now().map(|it| it.and_then(|it| it.owner)))),
        "mrr" => Arc::new(Float64Array::from_iter(now().map(|it| it.and_then(|it| it.mrr)))),
        "active" => Arc::new(BooleanArray::from_iter(
            now().map(|it| Some(it.is_some_and(|it| it.active))),
        )),
        "started_on" => Arc::new(Date32Array::from_iter(all().map(|e| life(e).map(|l| l.0)))),
        "churned_on" => Arc::new(Date32Array::from_iter(
            all().map(|e| life(e).map(|l| l.1).filter(|end| *end <= day)),
        )),
        "days_active" => Arc::new(Int64Array::from_iter(
            all().map(|e| life(e).map(|l| i64::from(day - l.0))),
        )),
        attribute => match definitions.attribute(attribute) {
            Some(known) => {
                let values: Vec<_> = all()
                    .map(|e| e.attributes.get(attribute).filter(|v| !v.is_null()))
                    .collect();
                tables::attribute_column(known.kind, &values)
            }
            None => new_null_array(&name.kind.arrow(), entries.len()),
        },
    }
}
