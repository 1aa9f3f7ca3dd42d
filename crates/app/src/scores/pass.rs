//! The scores of accounts on every day in one pass: columns of metrics by day, taken through the curves column by column.

use std::collections::HashMap;

use anyhow::Result;
use tenure_learn::handset::{Curve, Model, Reading};
use tenure_learn::threads;

use super::days::{Days, NONE, points, thousandths};
use super::form::{Form, overruled};
use super::store::Override;
use crate::definitions::{Score, ScoreMeasure};
use crate::metrics::daily::{Daily, Stretch, daily};
use crate::metrics::evaluate::Subject;
use crate::metrics::plan::Plan;
use crate::metrics::{Head, Span};
use tenure_learn::handset::Amount;

/// Accounts whose days are columns at a time: few enough that the columns stay in the cache.
const PIECE: usize = 4;

/// One account of the pass.
pub struct Member<'a> {
    /// Its number.
    pub no: i64,
    /// Its spans, up to the day of the head.
    pub head: &'a Head,
    /// What its metrics are made of.
    pub subject: Subject<'a>,
}

/// What is in force.
pub struct Rules<'a> {
    /// The metrics.
    pub plan: &'a Plan,
    /// The score.
    pub score: &'a Score,
    /// Its models, in its order.
    pub forms: &'a [Form],
    /// Its overrides.
    pub overrides: &'a [Override],
    /// From which day on each measure of each model tells something ([`super::known`]).
    pub since: &'a [Vec<Option<i32>>],
}

/// By name of the plan, whether a measure of a model or a key metric is made of it.
#[must_use]
pub fn names_read(plan: &Plan, score: &Score, forms: &[Form]) -> Vec<bool> {
    let measures = forms.iter().flat_map(|form| form.measures());
    let measures = measures.map(|(name, _)| name);
    let keys = score.models.iter().flat_map(|model| &model.key_metrics);
    let names = measures.chain(keys.map(|key| key.metric.as_str()));
    plan.needed_by(names)
}

/// The scores of each account from its first active day to the day of its head.
///
/// # Errors
/// When an expression fails.
pub fn pass(rules: &Rules<'_>, members: &[Member<'_>], threads: usize) -> Result<Vec<Days>> {
    let pieces: Vec<&[Member<'_>]> = members.chunks(PIECE).collect();
    let done = threads::map(threads, pieces.len(), |at| piece(rules, pieces[at]));
    let mut all = Vec::with_capacity(members.len());
    for days in done {
        all.extend(days?);
    }
    Ok(all)
}

/// The last day of a span that counts for a head.
fn last_day(span: &Span, head: &Head) -> i32 {
    span.to.saturating_sub(1).min(head.day)
}

fn piece(rules: &Rules<'_>, members: &[Member<'_>]) -> Result<Vec<Days>> {
    let mut stretches: Vec<Vec<Stretch>> = vec![Vec::new(); rules.forms.len()];
    let mut firsts = Vec::with_capacity(members.len());
    for (at, member) in members.iter().enumerate() {
        let head = member.head;
        let lives = head.lives();
        let mut first = None;
        for span in head
            .spans
            .iter()
            .filter(|span| span.active && span.from <= head.day)
        {
            first = first.or(Some(span.from));
            let Some(model) = rules
                .score
                .model_of(&span.segment)
                .filter(|at| *at < stretches.len())
            else {
                continue;
            };
            let started = lives
                .iter()
                .find(|life| life.0 <= span.from && span.from < life.1)
                .map_or(span.from, |life| life.0);
            stretches[model].push(Stretch {
                subject: at,
                from: span.from,
                to: last_day(span, head),
                started,
                mrr: span.mrr,
            });
        }
        firsts.push(first);
    }
    let mut scores: Vec<Vec<i32>> = members
        .iter()
        .zip(&firsts)
        .map(|(member, first)| {
            let length = first.map_or(0, |first| member.head.day - first + 1);
            vec![NONE; usize::try_from(length).unwrap_or(0)]
        })
        .collect();
    let mut stand_ins = scores.clone();
    let subjects: Vec<Subject<'_>> = members.iter().map(|member| member.subject.clone()).collect();
    for (model, (form, stretches)) in rules.forms.iter().zip(&stretches).enumerate() {
        if stretches.is_empty() {
            continue;
        }
        let measures = form.measures();
        let place = |name: &str| {
            let at = rules.plan.metric_ids.iter().position(|id| id == name);
            at.unwrap_or(usize::MAX)
        };
        let mut places: Vec<usize> = measures.iter().map(|(name, _)| place(name)).collect();
        let mut aged: Vec<bool> = measures
            .iter()
            .map(|(_, stale_after)| stale_after.is_some())
            .collect();
        // A key metric that is a measure of the model too is not computed twice.
        let keys = rules
            .score
            .models
            .get(model)
            .map_or(&[][..], |model| &model.key_metrics[..]);
        let mut key_columns = Vec::with_capacity(keys.len());
        for key in keys {
            let (at, own) = (place(&key.metric), key.stale_after.is_some());
            let found = places.iter().zip(&aged).position(|held| held == (&at, &own));
            key_columns.push(found.unwrap_or(places.len()));
            if found.is_none() {
                places.push(at);
                aged.push(own);
            }
        }
        let mut columns = daily(rules.plan, &subjects, stretches, &places, &aged)?;
        if let Some(since) = rules.since.get(model) {
            hide(&mut columns, since, stretches);
        }
        let found = column(form, &columns, stretches);
        let standing = stand_in(keys, &key_columns, &columns, &found);
        let mut row = 0;
        for stretch in stretches {
            let first = firsts[stretch.subject].unwrap_or(stretch.from);
            let start = usize::try_from(stretch.from - first).unwrap_or(0);
            let length = usize::try_from(stretch.to - stretch.from + 1).unwrap_or(0);
            if let Some(into) = scores[stretch.subject].get_mut(start..start + length) {
                into.copy_from_slice(&found[row..row + length]);
            }
            if let Some(into) = stand_ins[stretch.subject].get_mut(start..start + length)
                && !keys.is_empty()
            {
                into.copy_from_slice(&standing[row..row + length]);
            }
            row += length;
        }
    }
    let mut of_account: HashMap<i64, Vec<Override>> = HashMap::new();
    for it in rules.overrides {
        of_account.entry(it.account_no).or_default().push(it.clone());
    }
    Ok(members
        .iter()
        .zip(firsts)
        .zip(scores.into_iter().zip(stand_ins))
        .map(|((member, first), (mut scores, stand_ins))| {
            let first = first.unwrap_or(member.head.day);
            if let Some(kept) = of_account.get(&member.no) {
                overrule(kept, member, first, &mut scores);
            }
            Days::of(first, &scores).with_stand_in(&stand_ins)
        })
        .collect())
}

/// Takes out what tells nothing yet: days before the first event of its kind.
fn hide(columns: &mut Daily, since: &[Option<i32>], stretches: &[Stretch]) {
    for (values, since) in columns.values.iter_mut().zip(since) {
        let Some(since) = since else { continue };
        let mut row = 0;
        for stretch in stretches {
            let length = stretch.days();
            let before = usize::try_from(since - stretch.from).unwrap_or(0).min(length);
            values[row..row + before].fill(f64::NAN);
            row += length;
        }
    }
}

/// The weighted mean of the points of the key metrics that have a value, on the rows without a score (DEFINITIONS §6).
fn stand_in(keys: &[ScoreMeasure], places: &[usize], columns: &Daily, scores: &[i32]) -> Vec<i32> {
    if keys.is_empty() {
        return Vec::new();
    }
    scores
        .iter()
        .enumerate()
        .map(|(row, score)| {
            if *score != NONE {
                return NONE;
            }
            let (mut sum, mut weight) = (0.0, 0.0);
            for (key, place) in keys.iter().zip(places) {
                let value = columns.values[*place][row];
                let age = columns.ages[*place].as_ref().map_or(0.0, |ages| ages[row]);
                let fresh = key.stale_after.is_none_or(|most| age <= f64::from(most.0));
                if !value.is_nan() && fresh {
                    sum += key.weight * key.curve.points(value);
                    weight += key.weight;
                }
            }
            thousandths((weight > 0.0).then(|| sum / weight))
        })
        .collect()
}

/// Lays the overrides of an account over its days.
fn overrule(kept: &[Override], member: &Member<'_>, first: i32, scores: &mut [i32]) {
    for (day, score) in (first..).zip(scores) {
        if !member.head.span_at(day).is_some_and(|span| span.active) {
            continue;
        }
        let rules = super::overrides_on(kept, member.no, day);
        if !rules.is_empty() {
            let own = points(*score).map(Amount::of);
            *score = thousandths(overruled(own, rules.iter()).0.map(Amount::points));
        }
    }
}

/// The scores of a model on every row.
fn column(form: &Form, columns: &Daily, stretches: &[Stretch]) -> Vec<i32> {
    let ages = stretches
        .iter()
        .flat_map(|stretch| (stretch.from..=stretch.to).map(|day| f64::from(day - stretch.started)));
    match form {
        Form::HandSet(model) => hand_set(model, columns, ages),
        Form::Transparent(_) => {
            let days = stretches.iter().flat_map(|stretch| stretch.from..=stretch.to);
            let mut last: Option<(Vec<[u64; 2]>, bool, i32)> = None;
            ages.zip(days)
                .enumerate()
                .map(|(row, (age, day))| {
                    let readings: Vec<Reading> = columns
                        .values
                        .iter()
                        .zip(&columns.ages)
                        .map(|(values, ages)| Reading {
                            value: values[row],
                            age: ages.as_ref().map_or(0.0, |ages| ages[row]),
                        })
                        .collect();
                    let key = readings
                        .iter()
                        .map(|r| [r.value.to_bits(), r.age.to_bits()])
                        .collect();
                    let quiet = age < form.quiet_days();
                    match &last {
                        Some((held, was, score)) if *held == key && *was == quiet => *score,
                        _ => {
                            let score =
                                thousandths(form.score(&readings, age, &[], day).score.map(Amount::points));
                            last = Some((key, quiet, score));
                            score
                        }
                    }
                })
                .collect()
        }
    }
}

/// What [`Model::score`] computes for one row, for all rows: group by group, measure by measure.
fn hand_set(model: &Model, columns: &Daily, row_ages: impl Iterator<Item = f64>) -> Vec<i32> {
    let rows = columns.values.first().map_or(0, Vec::len);
    let all: f64 = model.groups.iter().map(|group| group.weight).sum();
    let (mut top, mut present, mut coverage) = (vec![0.0; rows], vec![0.0; rows], vec![0.0; rows]);
    let (mut sum, mut weight) = (vec![0.0; rows], vec![0.0; rows]);
    let mut at = 0;
    for group in &model.groups {
        sum.fill(0.0);
        weight.fill(0.0);
        for measure in &group.measures {
            let stale = measure.stale_after.zip(columns.ages[at].as_deref());
            add(
                &measure.curve,
                measure.weight,
                &columns.values[at],
                stale,
                (&mut sum, &mut weight),
            );
            at += 1;
        }
        let declared: f64 = group.measures.iter().map(|measure| measure.weight).sum();
        let share = group.weight / all / declared;
        for row in 0..rows {
            if weight[row] > 0.0 {
                top[row] += group.weight * sum[row] / weight[row];
                present[row] += group.weight;
                coverage[row] += share * weight[row];
            }
        }
    }
    row_ages
        .enumerate()
        .map(|(row, age)| {
            let enough = coverage[row] > 0.0
                && present[row] > 0.0
                && coverage[row] + 1e-12 >= model.min_coverage
                && age >= model.quiet_days;
            thousandths(enough.then(|| top[row] / present[row]))
        })
        .collect()
}

/// Adds a measure's weighted points and its weight where it counts. Values repeat from day to day, so the curve is asked when they change.
fn add(
    curve: &Curve,
    own: f64,
    values: &[f64],
    stale: Option<(f64, &[f64])>,
    (sum, weight): (&mut [f64], &mut [f64]),
) {
    let (mut last, mut given) = (f64::NAN, 0.0);
    for (row, value) in values.iter().enumerate() {
        let counts = !value.is_nan() && stale.is_none_or(|(most, ages)| ages[row] <= most);
        if !counts {
            continue;
        }
        if *value != last {
            last = *value;
            given = own * curve.points(last);
        }
        sum[row] += given;
        weight[row] += own;
    }
}
