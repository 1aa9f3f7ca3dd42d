//! Working accounts in: from what changed in the log to committed state. The reactor, the full pass and the day's slide all end here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Map, json};
use tenure_lake::{EventRow, to_batch};

use super::book::Entry;
use super::cells;
use super::collect::Collector;
use super::evaluate::{Subject, evaluate};
use super::facts::{Facts, Head, Span, encode};
use super::plan::{Plan, SharedPlan};
use super::reactor::month_of;
use super::store::{self, Edge, Record};
use crate::ahead::in_order;
use crate::{App, events};

/// Name of the cursor of this slice in the log.
pub const CURSOR: &str = "metrics";

/// Accounts that are worked in together: their facts and columns fit comfortably in memory.
const CHUNK: usize = 4_000;

/// Which part of a piece of work this is.
pub struct Step<'a> {
    /// The plan to compute by.
    pub plan: &'a SharedPlan,
    /// The day to compute for.
    pub today: i32,
    /// The log's place up to which everything is worked in once this is committed; `None` = it stays.
    pub cursor: Option<i64>,
    /// Months (yyyymm; 0 = all) whose KPIs the events touch.
    pub months: Vec<i32>,
    /// Whether changes are edges that somebody may react to; not so when history is computed again.
    pub edges: bool,
}

/// Live events: works rows into the kept facts of their accounts. Accounts whose facts are not kept are built from the log.
pub async fn live(app: &App, step: &Step<'_>, rows: &[EventRow], upto: i64) -> Result<()> {
    let nos: Vec<i64> = rows
        .iter()
        .map(|row| row.account_no)
        .filter(|no| *no != 0)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let kept = store::facts(&app.store, &nos).await?;
    let (known, fresh): (Vec<i64>, Vec<i64>) = nos.into_iter().partition(|no| kept.contains_key(no));
    let mut collector = Collector::new(step.plan, kept);
    collector.add(&to_batch(rows)?)?;
    let mut facts = collector.finish();
    if !fresh.is_empty() {
        facts.extend(from_log(app, step.plan, &fresh, upto).await?);
    }
    let all: Vec<i64> = known.into_iter().chain(fresh).collect();
    let told = Told {
        nos: cells::touched(app, rows).await?,
        seq: upto,
    };
    commit(
        app,
        step,
        measure(app, step.plan, step.today, all, facts).await?,
        told,
    )
    .await
}

/// Builds these accounts from the log as it stood at `upto`.
pub async fn rebuild(
    app: &App,
    step: &Step<'_>,
    nos: &[i64],
    upto: i64,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<()> {
    if nos.is_empty() {
        return commit(app, step, Measured::default(), Told::default()).await;
    }
    let noted = cells::any(app).await?;
    let mut done = 0;
    let chunks = nos.chunks(CHUNK).count();
    let own = (app.clone(), Arc::clone(step.plan), step.today);
    let mut parts = pin!(
        in_order(nos.chunks(CHUNK).map(<[i64]>::to_vec), move |chunk| {
            let (app, plan, today) = own.clone();
            async move {
                let facts = from_log(&app, &plan, &chunk, upto).await?;
                measure(&app, &plan, today, chunk, facts).await
            }
        })
        .enumerate()
    );
    while let Some((at, measured)) = parts.next().await {
        let (measured, last) = (measured?, at + 1 == chunks);
        let part = Step {
            cursor: step.cursor.filter(|_| last),
            months: if last { step.months.clone() } else { Vec::new() },
            plan: step.plan,
            ..*step
        };
        done += measured.nos.len();
        let told = Told {
            nos: if noted { measured.nos.clone() } else { Vec::new() },
            seq: upto,
        };
        commit(app, &part, measured, told).await?;
        progress(done);
    }
    Ok(())
}

/// Moves all kept accounts to another day: windows slide, nothing is read from the log.
pub async fn slide(app: &App, step: &Step<'_>, nos: &[i64]) -> Result<()> {
    let own = (app.clone(), Arc::clone(step.plan), step.today);
    let mut parts = pin!(in_order(nos.chunks(CHUNK).map(<[i64]>::to_vec), move |chunk| {
        let (app, plan, today) = own.clone();
        async move {
            let facts = store::facts(&app.store, &chunk).await?;
            measure(&app, &plan, today, chunk, facts).await
        }
    }));
    while let Some(measured) = parts.next().await {
        let part = Step {
            months: step.months.clone(),
            ..*step
        };
        commit(app, &part, measured?, Told::default()).await?;
    }
    Ok(())
}

/// What the records and the log hold of accounts as far as the names that are wanted ([`Plan::needed_by`]) are made of it. The kept facts are
/// those of the plan in force; with `whole` they are read from the log, for another one.
///
/// # Errors
/// When records or log fail.
pub async fn kept(
    app: &App,
    plan: &Plan,
    nos: &[i64],
    wanted: &[bool],
    whole: bool,
) -> Result<(BTreeMap<i64, Record>, HashMap<i64, Facts>)> {
    let facts = if whole {
        let newest = *events::watch(app).borrow();
        from_log(app, plan, nos, newest).await?
    } else {
        store::some_facts(&app.store, nos, &plan.series_of_names(wanted)).await?
    };
    let fields = plan.fields(Some(wanted));
    Ok((store::records(&app.store, nos, &fields).await?, facts))
}

/// The facts of accounts from one scan of the log, up to and including step `upto`.
pub async fn from_log(app: &App, plan: &Plan, nos: &[i64], upto: i64) -> Result<HashMap<i64, Facts>> {
    if nos.is_empty() {
        return Ok(HashMap::new());
    }
    let mut collector = Collector::new(plan, nos.iter().map(|no| (*no, Facts::default())).collect());
    let context = app.lake.context(&events::snapshot(app).await?);
    let sql = format!(
        "SELECT {} FROM events WHERE {} AND seq <= {upto}{}",
        plan.event_columns(),
        store::whose(nos),
        relevant(plan, None)
    );
    let mut batches = context
        .stream(&sql)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?
    {
        collector.add(&batch)?;
    }
    Ok(collector.finish())
}

/// Events that none of these series reads (`None` = all) need not be read at all, the revenue events aside.
pub(super) fn relevant(plan: &Plan, series: Option<&[bool]>) -> String {
    let (names, kinds) = plan.reads(series);
    let list = |items: Vec<&str>| {
        items
            .iter()
            .map(|item| format!("'{}'", item.replace('\'', "''")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut conditions = vec!["kind = 'revenue'".to_owned()];
    if !names.is_empty() {
        conditions.push(format!("name IN ({})", list(names)));
    }
    if !kinds.is_empty() {
        conditions.push(format!("kind IN ({})", list(kinds)));
    }
    format!(" AND ({})", conditions.join(" OR "))
}

/// Accounts as they were asked for, and what was computed of those that stand for themselves.
#[derive(Default)]
struct Measured {
    nos: Vec<i64>,
    records: BTreeMap<i64, Record>,
    computed: Vec<Computed>,
}

/// Evaluates accounts as of a day.
async fn measure(
    app: &App,
    plan: &SharedPlan,
    today: i32,
    nos: Vec<i64>,
    facts: HashMap<i64, Facts>,
) -> Result<Measured> {
    let records = store::records(&app.store, &nos, &plan.fields(None)).await?;
    let plan = Arc::clone(plan);
    tokio::task::spawn_blocking(move || {
        let computed = compute(&plan, &records, &facts, today)?;
        Ok(Measured {
            nos,
            records,
            computed,
        })
    })
    .await
    .context("evaluation")?
}

/// Accounts of whose past something else is told, and by which step of the log.
#[derive(Default)]
struct Told {
    nos: Vec<i64>,
    seq: i64,
}

/// Commits the state of accounts together with cursor, edges and marks; then the book takes it over.
async fn commit(app: &App, step: &Step<'_>, measured: Measured, told: Told) -> Result<()> {
    let Measured {
        nos,
        records,
        computed,
    } = measured;
    let now = app.clock.micros();
    let mut edges = Vec::new();
    let mut months = step.months.clone();
    let mut moved: Option<i32> = None;
    let mut described = false;
    let mut states = Vec::with_capacity(computed.len());
    let mut entries = Vec::with_capacity(computed.len());
    for (no, head, encoded_head, encoded_facts) in computed {
        let Some(record) = records.get(&no) else { continue };
        let before = app.metrics.book.get(no);
        described |= before
            .as_ref()
            .is_none_or(|before| before.attributes != record.attributes);
        let from = first_difference(
            before.as_ref().map_or(&[], |before| &before.head.spans),
            &head.spans,
        );
        moved = moved.into_iter().chain(from).min();
        if step.edges
            && let Some(changes) = before.and_then(|before| changed(&before.head, &head))
        {
            edges.push(Edge {
                account_no: no,
                at: now,
                changes,
            });
        }
        states.push((no, encoded_head, encoded_facts));
        entries.push(entry(no, record, head, now));
    }
    // A merged account is shown in another from now on; what it was counted in is counted anew.
    let gone: Vec<i64> = nos
        .iter()
        .copied()
        .filter(|no| !records.contains_key(no))
        .collect();
    for before in gone.iter().filter_map(|no| app.metrics.book.get(*no)) {
        moved = moved
            .into_iter()
            .chain(first_difference(&before.head.spans, &[]))
            .min();
    }
    if let Some(day) = moved.filter(|_| !months.contains(&0)) {
        months.push(-month_of(day));
    }
    if described {
        months.push(store::NO_MONTH);
    }
    let tx = app.store.begin().await?;
    store::put_states(&tx, now, states).await?;
    store::drop_states(&tx, &gone).await?;
    store::put_edges(&tx, &edges).await?;
    store::mark_months(&tx, &months, now).await?;
    cells::mark(&tx, &told.nos, told.seq).await?;
    if let Some(seq) = step.cursor {
        events::set_cursor(&tx, CURSOR, seq).await?;
    }
    tx.commit().await?;
    app.metrics.book.put(entries);
    gone.iter().for_each(|no| app.metrics.book.remove(*no));
    app.metrics.announce();
    Ok(())
}

/// The first day on which two lines of spans tell different things: from it on every figure may be another, because who was active,
/// what they paid and where they belonged is carried into all later windows.
fn first_difference(before: &[Span], after: &[Span]) -> Option<i32> {
    if before == after {
        return None;
    }
    let equal = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let starts = [before.get(equal), after.get(equal)]
        .into_iter()
        .flatten()
        .map(|span| span.from);
    let differs_within = match (before.get(equal), after.get(equal)) {
        // The same stretch that only ends on another day differs from the earlier end on.
        (Some(a), Some(b))
            if a.from == b.from
                && Span {
                    to: b.to,
                    ..a.clone()
                } == *b =>
        {
            Some(a.to.min(b.to))
        }
        _ => None,
    };
    differs_within.or_else(|| starts.min())
}

type Computed = (i64, Head, Vec<u8>, Vec<u8>);

fn compute(
    plan: &Plan,
    records: &BTreeMap<i64, Record>,
    facts: &HashMap<i64, Facts>,
    today: i32,
) -> Result<Vec<Computed>> {
    let empty = Facts::default();
    let nos: Vec<i64> = records.keys().copied().collect();
    let subjects: Vec<Subject<'_>> = records
        .iter()
        .map(|(no, record)| Subject {
            id: &record.id,
            name: &record.name,
            facts: facts.get(no).unwrap_or(&empty),
            history: &record.history,
        })
        .collect();
    let heads = evaluate(plan, &subjects, today)?;
    nos.into_iter()
        .zip(heads)
        .map(|(no, head)| {
            let encoded = encode(&head)?;
            Ok((no, head, encoded, facts.get(&no).unwrap_or(&empty).encode()?))
        })
        .collect()
}

/// An account as the book shows it.
pub fn entry(no: i64, record: &Record, head: Head, computed_at: i64) -> Entry {
    Entry {
        no,
        id: record.id.clone(),
        name: record.name.clone(),
        owner: record.owner.clone(),
        stub: record.stub,
        attributes: record.attributes.clone(),
        head: Arc::new(head),
        computed_at,
    }
}

/// What changed between two states, as `{"segment": [before, after], "why": …}`; `None` = nothing that anybody reacts to.
fn changed(before: &Head, after: &Head) -> Option<serde_json::Value> {
    let (was, is) = (before.span_at(before.day)?, after.span_at(after.day)?);
    let mut changes = Map::new();
    // What was not active before was only being described: its first segment is no move.
    if was.active && was.segment != is.segment {
        changes.insert("segment".into(), json!([was.segment, is.segment]));
        changes.insert("why".into(), json!(after.why));
    }
    if was.active != is.active {
        changes.insert("active".into(), json!([was.active, is.active]));
    }
    if was.owner != is.owner {
        changes.insert("owner".into(), json!([was.owner, is.owner]));
    }
    (!changes.is_empty()).then(|| changes.into())
}
