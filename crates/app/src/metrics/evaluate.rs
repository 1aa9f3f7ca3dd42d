//! From facts to figures: the segment of every day and the metrics of one day, for many accounts at a time.
//!
//! The same function serves one account after an event and all accounts over all history: expressions are evaluated over columns,
//! one row for each account and day that could differ from the day before.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value as Json;
use tenure_lake::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
};
use tenure_lake::arrow::array::{RecordBatchOptions, new_null_array};
use tenure_lake::arrow::datatypes::{Field, Schema};
use tenure_lake::{RecordBatch, Type};

use super::facts::{Facts, Flag, Head, History, Span, parse_day, recorded, states};
use super::lifecycle::{State, subscriptions};
use super::plan::{MetricPlan, Plan};
use super::series::{Fold, Keep, Series, day_of_value, fold};

/// The segment of accounts that no rule takes.
pub const UNCLASSIFIED: &str = "unclassified";

/// One account to evaluate.
#[derive(Clone)]
pub struct Subject<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What its events tell.
    pub facts: &'a Facts,
    /// What its record says, over time.
    pub history: &'a History,
}

/// One account on one day.
pub(super) struct Row {
    pub subject: usize,
    pub day: i32,
    pub active: bool,
    pub mrr: Option<f64>,
    pub started_on: Option<i32>,
}

/// Computes spans, segment and metrics of each account as of `today`. Nothing after `today` is looked at.
pub fn evaluate(plan: &Plan, subjects: &[Subject<'_>], today: i32) -> Result<Vec<Head>> {
    let lines: Vec<Vec<State>> = subjects.iter().map(|s| states(s.facts, s.history)).collect();
    let mut rows = Vec::new();
    let mut ends = Vec::with_capacity(subjects.len());
    for (at, subject) in subjects.iter().enumerate() {
        push_rows(plan, &mut rows, at, subject, &lines[at], today);
        ends.push(rows.len());
    }
    let classes = classify(plan, subjects, &rows)?;
    let last: Vec<Row> = subjects
        .iter()
        .enumerate()
        .map(|(at, _)| row_on(at, &lines[at], today))
        .collect();
    let env = environment(plan, subjects, &last, None)?;
    let reasons = explain(plan, &env)?;
    let mut start = 0;
    let mut heads = Vec::with_capacity(subjects.len());
    for ((at, subject), end) in subjects.iter().enumerate().zip(ends) {
        let spans = spans(plan, subject, &rows[start..end], &classes[start..end], today);
        let metrics = (plan.metrics_from..plan.names.len())
            .map(|c| number(env.column(c), at))
            .collect();
        let (why, flags) = reasons[at].clone();
        // A churned account keeps its last segment, whatever the rules would say today.
        let gone = spans.last().is_some_and(|span| !span.active) && spans.iter().any(|span| span.active);
        let why = if gone {
            "churned; keeps the last segment that it had".to_owned()
        } else {
            why
        };
        let revenue = &subject.facts.revenue;
        let currency = revenue.iter().rev().find_map(|event| event.currency.clone());
        let flags = if gone { Vec::new() } else { flags };
        heads.push(Head {
            day: today,
            spans,
            metrics,
            flags,
            why,
            currency,
            subscriptions: subscriptions(revenue),
            dated: dated(plan, subject.facts, today),
        });
        start = end;
    }
    Ok(heads)
}

/// The days of the values of metrics that are the value of one event.
fn dated(plan: &Plan, facts: &Facts, day: i32) -> Vec<(u32, i32)> {
    let day_of = |at: usize, metric: &MetricPlan| {
        let MetricPlan::Series {
            series,
            fold: Fold::Value,
            window,
        } = metric
        else {
            return None;
        };
        let keep = plan.series[*series].keep;
        if !matches!(keep, Keep::Latest | Keep::Earliest) {
            return None;
        }
        let day = day_of_value(facts.series.get(*series)?, keep, *window, day)?;
        Some((u32::try_from(at).ok()?, day))
    };
    plan.metrics
        .iter()
        .enumerate()
        .filter_map(|(at, metric)| day_of(at, metric))
        .collect()
}

/// The metrics of one account on each of `days`.
pub fn metrics_on(plan: &Plan, subject: &Subject<'_>, days: &[i32]) -> Result<Vec<Vec<f64>>> {
    let line = states(subject.facts, subject.history);
    let rows: Vec<Row> = days.iter().map(|day| row_on(0, &line, *day)).collect();
    let env = environment(plan, std::slice::from_ref(subject), &rows, None)?;
    Ok((0..rows.len())
        .map(|row| {
            (plan.metrics_from..plan.names.len())
                .map(|c| number(env.column(c), row))
                .collect()
        })
        .collect())
}

/// Accounts on days as expressions see them: one row for each pair of a subject's place and a day, the columns in the order of the plan's
/// names; and for each row the place of its segment among the rules (their number = unclassified). With `only` ([`Plan::needed_by`], which must
/// hold what the rules read) all other columns are null. With `as_known` an account counts by its record until its first revenue event, for
/// nobody knew then that there would be one.
pub fn grid(
    plan: &Plan,
    subjects: &[Subject<'_>],
    cells: &[(usize, i32)],
    only: Option<&[bool]>,
    as_known: bool,
) -> Result<(RecordBatch, Vec<usize>)> {
    let mut lines: Vec<Option<[Vec<State>; 2]>> = vec![None; subjects.len()];
    let rows: Vec<Row> = cells
        .iter()
        .map(|(at, day)| {
            let Subject { facts, history, .. } = subjects[*at];
            let [told, recorded] = lines[*at].get_or_insert_with(|| {
                let first = if as_known { recorded(history) } else { Vec::new() };
                [states(facts, history), first]
            });
            let later = facts.revenue.first().is_some_and(|first| first.day > *day);
            let line = if later && !recorded.is_empty() {
                recorded
            } else {
                told
            };
            row_on(*at, line, *day)
        })
        .collect();
    let env = environment(plan, subjects, &rows, only)?;
    let classes = first_true(plan, &env)?;
    Ok((whole(plan, env)?, classes))
}

/// An environment with every column of the plan: those that it does not have are null.
fn whole(plan: &Plan, env: RecordBatch) -> Result<RecordBatch> {
    if env.num_columns() == plan.names.len() {
        return Ok(env);
    }
    let columns: Vec<(&str, ArrayRef)> = plan
        .names
        .iter()
        .map(|name| {
            let there = env.column_by_name(&name.name).map(Arc::clone);
            let column = there.unwrap_or_else(|| new_null_array(&name.kind.arrow(), env.num_rows()));
            (name.name.as_str(), column)
        })
        .collect();
    assemble(&columns, env.num_rows())
}

/// Columns by name as one relation.
fn assemble(columns: &[(&str, ArrayRef)], rows: usize) -> Result<RecordBatch> {
    let schema: Vec<Field> = columns
        .iter()
        .map(|(name, c)| Field::new(*name, c.data_type().clone(), true))
        .collect();
    let arrays = columns.iter().map(|(_, c)| Arc::clone(c)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(schema)), arrays, &options).context("environment")
}

fn row_on(subject: usize, line: &[State], day: i32) -> Row {
    let next = line.partition_point(|state| state.from <= day);
    let state = next.checked_sub(1).map(|at| line[at]);
    let mut started_on = None;
    let mut running = false;
    for state in &line[..next] {
        if state.active && !running {
            started_on = Some(state.from);
        }
        running = state.active;
    }
    Row {
        subject,
        day,
        active: state.is_some_and(|s| s.active),
        mrr: state.map_or_else(|| first_mrr(line), |s| s.mrr),
        started_on,
    }
}

/// Before its start an account counts with the MRR that it will start with.
fn first_mrr(line: &[State]) -> Option<f64> {
    line.first().and_then(|state| state.mrr)
}

/// Adds a row for each day on which the account's span may begin.
fn push_rows(plan: &Plan, rows: &mut Vec<Row>, at: usize, subject: &Subject<'_>, line: &[State], today: i32) {
    let known = [
        line.first().map(|s| s.from),
        subject.history.first_day(),
        subject.facts.first_day,
    ];
    let Some(first) = known.into_iter().flatten().min().filter(|first| *first <= today) else {
        rows.push(row_on(at, line, today));
        return;
    };
    let mut days = vec![first];
    days.extend(line.iter().map(|state| state.from));
    for (name, read) in plan.names.iter().zip(&plan.rule_reads).take(plan.metrics_from) {
        if *read {
            days.extend(subject.history.changes(&name.name));
        }
    }
    if plan.moves_daily() {
        for (from, to) in active_stretches(line, today) {
            days.extend(from..=to);
        }
    }
    days.retain(|day| (first..=today).contains(day));
    days.sort_unstable();
    days.dedup();
    rows.extend(days.into_iter().map(|day| row_on(at, line, day)));
}

/// Active stretches up to `today`, both ends included.
fn active_stretches(line: &[State], today: i32) -> Vec<(i32, i32)> {
    let ends = line.iter().skip(1).map(|state| state.from - 1).chain([today]);
    line.iter()
        .zip(ends)
        .filter(|(state, _)| state.active)
        .map(|(state, end)| (state.from, end.min(today)))
        .collect()
}

/// The spans of one account from its rows.
fn spans(plan: &Plan, subject: &Subject<'_>, rows: &[Row], classes: &[usize], today: i32) -> Vec<Span> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let mut days: Vec<i32> = subject
        .history
        .changes("owner")
        .filter(|day| (first.day..=today).contains(day))
        .collect();
    days.extend(rows.iter().map(|row| row.day));
    days.sort_unstable();
    days.dedup();
    let mut spans: Vec<Span> = Vec::with_capacity(days.len());
    let mut at = 0;
    let (mut class, mut was_active) = (None, false);
    for day in days {
        while at + 1 < rows.len() && rows[at + 1].day <= day {
            at += 1;
        }
        let row = &rows[at];
        if row.active || !was_active {
            class = Some(classes[at]);
        }
        was_active |= row.active;
        let owner = subject
            .history
            .at("owner", day)
            .and_then(Json::as_str)
            .map(str::to_owned);
        let segment = class
            .and_then(|class: usize| plan.rules.get(class))
            .map_or(UNCLASSIFIED, |rule| rule.id.as_str());
        let span = Span {
            from: day,
            to: i32::MAX,
            active: row.active,
            mrr: row.mrr,
            segment: segment.to_owned(),
            owner,
        };
        match spans.last_mut() {
            Some(last) if same(last, &span) => {}
            Some(last) => {
                last.to = day;
                spans.push(span);
            }
            None => spans.push(span),
        }
    }
    spans
}

fn same(a: &Span, b: &Span) -> bool {
    a.active == b.active && a.mrr == b.mrr && a.segment == b.segment && a.owner == b.owner
}

/// The place of each row's segment among the rules; their number = unclassified.
fn classify(plan: &Plan, subjects: &[Subject<'_>], rows: &[Row]) -> Result<Vec<usize>> {
    const CHUNK: usize = 16_384;
    let mut classes = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(CHUNK) {
        let env = environment(plan, subjects, chunk, Some(&plan.rule_reads))?;
        classes.extend(first_true(plan, &env)?);
    }
    Ok(classes)
}

/// For each row the first rule that is true.
pub(crate) fn first_true(plan: &Plan, env: &RecordBatch) -> Result<Vec<usize>> {
    let none = plan.rules.len();
    let mut classes = vec![usize::MAX; env.num_rows()];
    if let Some(rule) = &plan.unclassified {
        take(&mut classes, &rule.expr.eval(env)?, none);
    }
    for (at, rule) in plan.rules.iter().enumerate() {
        take(&mut classes, &rule.expr.eval(env)?, at);
    }
    classes
        .iter_mut()
        .filter(|class| **class == usize::MAX)
        .for_each(|class| *class = none);
    Ok(classes)
}

fn take(classes: &mut [usize], truth: &ArrayRef, class: usize) {
    let Some(truth) = truth.as_boolean_opt() else {
        return;
    };
    for (row, held) in classes.iter_mut().enumerate() {
        if *held == usize::MAX && truth.is_valid(row) && truth.value(row) {
            *held = class;
        }
    }
}

/// Why each row is in its segment, and which rules before it could not be decided.
fn explain(plan: &Plan, env: &RecordBatch) -> Result<Vec<(String, Vec<Flag>)>> {
    let classes = first_true(plan, env)?;
    let truths = plan
        .rules
        .iter()
        .map(|rule| rule.expr.eval(env))
        .collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
    Ok(classes
        .iter()
        .enumerate()
        .map(|(row, class)| {
            let rule = plan.rules.get(*class).or(plan.unclassified.as_ref());
            let why = rule.map_or_else(|| "no rule is true".to_owned(), |rule| reason(plan, env, rule, row));
            let mut flags = Vec::new();
            for (rule, truth) in plan.rules.iter().zip(&truths).take(*class) {
                if truth.is_null(row) {
                    let missing = missing(plan, env, rule.expr.references(), row);
                    let message = format!(
                        "whether the account belongs to {} is not known because {} is missing; fill it in, its segment may change",
                        rule.id,
                        missing.join(", ")
                    );
                    flags.push(Flag { code: format!("segment_undecided:{}", rule.id), message });
                }
            }
            (why, flags)
        })
        .collect())
}

fn missing<'a>(plan: &Plan, env: &RecordBatch, names: &'a [String], row: usize) -> Vec<&'a str> {
    names
        .iter()
        .filter(|name| {
            plan.names
                .iter()
                .position(|n| n.name == **name)
                .is_some_and(|c| env.column(c).is_null(row))
        })
        .map(String::as_str)
        .collect()
}

fn reason(plan: &Plan, env: &RecordBatch, rule: &super::plan::Rule, row: usize) -> String {
    let mut text = rule.text.clone();
    for (place, name) in rule.expr.references().iter().enumerate() {
        let Some(column) = plan.names.iter().position(|n| n.name == *name) else {
            continue;
        };
        text.push_str(if place == 0 { ", with " } else { ", " });
        text.push_str(name);
        text.push_str(" = ");
        text.push_str(&shown(env.column(column), row));
    }
    text
}

fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "unknown".to_owned();
    }
    tenure_lake::arrow::util::display::array_value_to_string(column, row).unwrap_or_default()
}

/// The environment of expressions for these rows: built-in names, attributes, metrics; expression metrics in their order.
/// With `only`, other columns are left out.
fn environment(
    plan: &Plan,
    subjects: &[Subject<'_>],
    rows: &[Row],
    only: Option<&[bool]>,
) -> Result<RecordBatch> {
    let wanted = |at: usize| only.is_none_or(|only| only[at]);
    let mut columns: Vec<(&str, ArrayRef)> = Vec::with_capacity(plan.names.len());
    for (at, name) in plan.names.iter().enumerate().filter(|(at, _)| wanted(*at)) {
        let metric = at.checked_sub(plan.metrics_from).map(|m| &plan.metrics[m]);
        let column: ArrayRef = match metric {
            Some(MetricPlan::Series {
                series,
                fold: how,
                window,
            }) => {
                let keep = plan.series[*series].keep;
                let empty = Series::default();
                Arc::new(Float64Array::from_iter(rows.iter().map(|row| {
                    let series = subjects[row.subject].facts.series.get(*series).unwrap_or(&empty);
                    fold(series, keep, *how, *window, row.day)
                })))
            }
            Some(MetricPlan::Expr(_)) => new_null_array(&Type::Number.arrow(), rows.len()),
            None => named(&name.name, name.kind, subjects, rows),
        };
        columns.push((&name.name, column));
    }
    let mut batch = assemble(&columns, rows.len())?;
    for metric in plan
        .order
        .iter()
        .copied()
        .filter(|m| wanted(plan.metrics_from + m))
    {
        let name = plan.names[plan.metrics_from + metric].name.as_str();
        if let (MetricPlan::Expr(expr), Some(held)) = (
            &plan.metrics[metric],
            columns.iter_mut().find(|(n, _)| *n == name),
        ) {
            held.1 = tenure_lake::arrow::compute::cast(&expr.eval(&batch)?, &Type::Number.arrow())?;
            batch = assemble(&columns, rows.len())?;
        }
    }
    Ok(batch)
}

/// A built-in name or an attribute as a column.
pub(super) fn named(name: &str, kind: Type, subjects: &[Subject<'_>], rows: &[Row]) -> ArrayRef {
    let field = |row: &Row| subjects[row.subject].history.at(name, row.day).cloned();
    match (name, kind) {
        ("account_id", _) => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|r| subjects[r.subject].id),
        )),
        ("name", _) => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|r| subjects[r.subject].name),
        )),
        ("mrr", _) => Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.mrr))),
        ("active", _) => Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(r.active)))),
        ("started_on", _) => Arc::new(Date32Array::from_iter(rows.iter().map(|r| r.started_on))),
        ("days_active", _) => Arc::new(Int64Array::from_iter(
            rows.iter()
                .map(|r| r.started_on.map(|start| i64::from(r.day - start))),
        )),
        (_, Type::Integer) => Arc::new(Int64Array::from_iter(
            rows.iter().map(|r| field(r).as_ref().and_then(integer)),
        )),
        (_, Type::Number) => Arc::new(Float64Array::from_iter(
            rows.iter().map(|r| field(r).as_ref().and_then(decimal)),
        )),
        (_, Type::Boolean) => Arc::new(BooleanArray::from_iter(
            rows.iter().map(|r| field(r).and_then(|v| v.as_bool())),
        )),
        (_, Type::Date) => Arc::new(Date32Array::from_iter(
            rows.iter()
                .map(|r| field(r).as_ref().and_then(Json::as_str).and_then(parse_day)),
        )),
        (_, _) => Arc::new(StringArray::from_iter(
            rows.iter().map(|r| field(r).map(|v| text(&v))),
        )),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "attributes are checked on the way in; a float with a whole value is meant as one"
)]
fn integer(value: &Json) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|v| v.fract() == 0.0).map(|v| v as i64))
        .or_else(|| value.as_str()?.trim().parse().ok())
}

fn decimal(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A metric's value at a row; NaN = no data.
fn number(column: &ArrayRef, row: usize) -> f64 {
    match column.as_primitive_opt::<tenure_lake::arrow::datatypes::Float64Type>() {
        Some(values) if values.is_valid(row) => values.value(row),
        _ => f64::NAN,
    }
}
