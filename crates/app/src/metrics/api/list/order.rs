//! Which accounts a list shows, and in which order; kept for the pages that follow.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value as Json;

use super::{Asked, FIXED, fixed, unknown_column};
use crate::App;
use crate::definitions::Definitions;
use crate::metrics::marks::Marks;
use crate::metrics::plan::Plan;
use crate::metrics::rows::{Now, Picked, Rows};
use crate::metrics::{Entry, as_of};
use crate::web::{Problem, Result};

/// Lists that are kept: enough for several people who page at once.
const MOST: usize = 8;

/// Today's lists that were asked for since the book last changed.
#[derive(Debug, Default)]
pub struct Lists(Mutex<VecDeque<(Asking, Arc<Order>)>>);

/// Everything that a list follows from.
#[derive(Debug)]
struct Asking {
    version: u64,
    day: i32,
    plan: Option<Arc<Plan>>,
    definitions: Arc<Definitions>,
    marks: Option<Arc<dyn Marks>>,
    words: [Option<String>; 7],
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        let plan = match (&self.plan, &other.plan) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        let marks = match (&self.marks, &other.marks) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        plan && marks
            && (self.version, self.day, &self.words) == (other.version, other.day, &other.words)
            && Arc::ptr_eq(&self.definitions, &other.definitions)
    }
}

/// The accounts' numbers in order, and the Σ MRR of the active ones.
#[derive(Debug)]
pub(super) struct Order {
    pub nos: Vec<i64>,
    pub mrr: f64,
}

/// Today's list in order: the kept one, or made anew.
///
/// # Errors
/// The problem with a field.
pub(super) fn today(
    app: &App,
    definitions: &Arc<Definitions>,
    day: i32,
    asked: &Asked,
    marks: Option<&Arc<dyn Marks>>,
) -> Result<Arc<Order>> {
    let words = [
        &asked.q,
        &asked.segment,
        &asked.owner,
        &asked.active,
        &asked.band,
        &asked.filter,
        &asked.sort,
    ];
    let asking = Asking {
        // Read first: what changes meanwhile makes this list one of an earlier version.
        version: app.metrics.version(),
        day,
        plan: app.metrics.plan(),
        definitions: Arc::clone(definitions),
        marks: marks.map(Arc::clone),
        words: words.map(Clone::clone),
    };
    let held = |lists: &VecDeque<(Asking, Arc<Order>)>| {
        let found = lists.iter().find(|(known, _)| *known == asking);
        found.map(|(_, order)| Arc::clone(order))
    };
    if let Some(order) = held(&app.metrics.lists.0.lock()) {
        return Ok(order);
    }
    let view = app.metrics.book.view();
    let (places, mrr) = choose(app, definitions, &view, day, asked, marks.map(Arc::as_ref))?;
    let order = Arc::new(Order {
        nos: places.into_iter().map(|row| view.no(row)).collect(),
        mrr,
    });
    drop(view);
    let mut lists = app.metrics.lists.0.lock();
    lists.retain(|(known, _)| known.version == asking.version);
    lists.truncate(MOST - 1);
    lists.push_front((asking, Arc::clone(&order)));
    Ok(order)
}

/// The rows of the accounts that pass search and filters, in order, and the Σ MRR of the active ones.
///
/// # Errors
/// The problem with a field.
pub(super) fn choose<R: Rows + ?Sized>(
    app: &App,
    definitions: &Definitions,
    rows: &R,
    day: i32,
    asked: &Asked,
    marks: Option<&dyn Marks>,
) -> Result<(Vec<usize>, f64)> {
    let found = select(app, definitions, rows, day, asked, marks)?;
    let active = found
        .iter()
        .filter_map(|row| rows.now(*row, day))
        .filter(|now| now.active);
    // A sum of nothing is −0 in floating point, and would be shown so.
    let mrr = active.filter_map(|now| now.mrr).fold(0.0, |sum, mrr| sum + mrr);
    let name = asked.sort.as_deref().unwrap_or("-mrr");
    let places = sort(definitions, rows, found, day, name, marks)?;
    Ok((places, mrr))
}

fn select<R: Rows + ?Sized>(
    app: &App,
    definitions: &Definitions,
    rows: &R,
    day: i32,
    asked: &Asked,
    marks: Option<&dyn Marks>,
) -> Result<Vec<usize>> {
    let q = asked.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let segments: Vec<&str> = asked
        .segment
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect();
    let active = match asked.active.as_deref() {
        None | Some("" | "true") => Some(true),
        Some("false") => Some(false),
        Some("any") => None,
        Some(other) => {
            return Err(Problem::field(
                "active",
                other,
                "is not known",
                "ask for true, false or any",
            ));
        }
    };
    let owner = asked.owner.as_deref().filter(|owner| !owner.is_empty());
    let bands = bands(asked.band.as_deref(), marks)?;
    let pass = |row: usize, now: Option<Now<'_>>| {
        active.is_none_or(|wanted| now.is_some_and(|now| now.active) == wanted)
            && (segments.is_empty() || now.is_some_and(|now| segments.contains(&now.segment)))
            && owner.is_none_or(|wanted| now.and_then(|now| now.owner).unwrap_or("(none)") == wanted)
            && (bands.is_empty()
                || marks.is_some_and(|marks| bands.contains(&marks.band(rows.no(row)).unwrap_or("none"))))
            && (q.is_empty() || rows.contains(row, &q))
    };
    let mut found: Vec<usize> = (0..rows.len())
        .filter(|row| pass(*row, rows.now(*row, day)))
        .collect();
    let Some(filter) = asked.filter.as_deref().map(str::trim).filter(|f| !f.is_empty()) else {
        return Ok(found);
    };
    let chosen = Picked { rows, at: &found };
    let truth = as_of::evaluate_filter(app, definitions, &chosen, day, filter)?;
    let mut row = 0;
    found.retain(|_| {
        row += 1;
        truth.value(row - 1)
    });
    Ok(found)
}

/// The bands that are asked for; none = any.
fn bands<'a>(asked: Option<&'a str>, marks: Option<&dyn Marks>) -> Result<Vec<&'a str>> {
    let wanted = asked.unwrap_or_default().split(',').map(str::trim);
    let wanted: Vec<&str> = wanted.filter(|band| !band.is_empty()).collect();
    for band in &wanted {
        if !["green", "yellow", "red", "none"].contains(band) {
            return Err(Problem::field(
                "band",
                *band,
                "is no band",
                "name green, yellow, red or none, with commas between",
            ));
        }
        if marks.is_none() {
            return Err(no_score("band", band));
        }
    }
    Ok(wanted)
}

fn no_score(field: &str, value: &str) -> Problem {
    Problem::field(
        field,
        value,
        "needs a score, and the program declares none",
        "declare one in scores.yaml, or leave it out",
    )
}

/// What accounts are sorted by, where it is not a number for all.
enum Key {
    Number(f64),
    Text(String),
}

/// What has no value stands last in either direction; ties are broken by number, so that pages do not overlap.
fn sort<R: Rows + ?Sized>(
    definitions: &Definitions,
    rows: &R,
    found: Vec<usize>,
    day: i32,
    sort: &str,
    marks: Option<&dyn Marks>,
) -> Result<Vec<usize>> {
    let (name, down) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    // What the program declares itself comes before what is there anyway.
    let declared = definitions.attribute(name).is_some() || definitions.metric(name).is_some();
    let marked = !declared && ["score", "velocity"].contains(&name);
    if !declared && !marked && !FIXED.contains(&name) {
        return Err(unknown_column("sort", definitions, name));
    }
    let numbers = |value: &dyn Fn(usize) -> Option<f64>| {
        let key = |row: &usize| match value(*row) {
            Some(number) if down => (false, !in_order(number), rows.no(*row), *row),
            Some(number) => (false, in_order(number), rows.no(*row), *row),
            None => (true, 0, rows.no(*row), *row),
        };
        let mut keys: Vec<_> = found.iter().map(key).collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| key.3).collect()
    };
    if let Some(metric) = definitions.metrics.iter().position(|m| m.id == name) {
        return Ok(numbers(&|row| rows.metric(row, metric)));
    }
    if marked {
        let Some(marks) = marks else {
            return Err(no_score("sort", name));
        };
        return Ok(match name {
            "score" => numbers(&|row| marks.points(rows.no(row))),
            _ => numbers(&|row| marks.velocity(rows.no(row))),
        });
    }
    Ok(match name {
        "mrr" => numbers(&|row| rows.now(row, day).and_then(|now| now.mrr)),
        "active" => numbers(&|row| {
            Some(f64::from(u8::from(
                rows.now(row, day).is_some_and(|now| now.active),
            )))
        }),
        "name" if !declared => by_name(rows, &found, down),
        _ => {
            let mut keyed: Vec<_> = found
                .iter()
                .map(|row| (key(rows.entry(*row), name, day), rows.no(*row), *row))
                .collect();
            keyed.sort_unstable_by(|(a, x, _), (b, y, _)| {
                let order = match (a, b) {
                    (Some(a), Some(b)) if down => compare(b, a),
                    (Some(a), Some(b)) => compare(a, b),
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (None, None) => Ordering::Equal,
                };
                order.then(x.cmp(y))
            });
            keyed.into_iter().map(|(_, _, at)| at).collect()
        }
    })
}

/// By name in small letters: the first letters are compared as one number, and names only where these are the same.
fn by_name<R: Rows + ?Sized>(rows: &R, found: &[usize], down: bool) -> Vec<usize> {
    let beginning = |row: usize| {
        let name = rows.small_name(row);
        let mut first = [0; 16];
        for (to, from) in first.iter_mut().zip(name.as_bytes()) {
            *to = *from;
        }
        u128::from_be_bytes(first)
    };
    let mut keys: Vec<(u128, usize)> = found.iter().map(|row| (beginning(*row), *row)).collect();
    keys.sort_unstable_by(|(a, x), (b, y)| {
        let order = a
            .cmp(b)
            .then_with(|| rows.small_name(*x).cmp(&rows.small_name(*y)));
        let order = if down { order.reverse() } else { order };
        order.then_with(|| rows.no(*x).cmp(&rows.no(*y)))
    });
    keys.into_iter().map(|(_, row)| row).collect()
}

/// A whole number that compares as the number does (`f64::total_cmp`).
fn in_order(number: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = number.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn compare(a: &Key, b: &Key) -> Ordering {
    match (a, b) {
        (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Number(_), Key::Text(_)) => Ordering::Less,
        (Key::Text(_), Key::Number(_)) => Ordering::Greater,
    }
}

fn key(entry: &Entry, name: &str, day: i32) -> Option<Key> {
    match fixed(entry, name, day)? {
        Json::String(text) => Some(Key::Text(text.to_lowercase())),
        Json::Bool(flag) => Some(Key::Number(f64::from(u8::from(flag)))),
        other => other.as_f64().map(Key::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn whole_numbers_compare_as_the_numbers_do() {
        let mut numbers = vec![
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            1e300,
            -1e300,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            f64::NEG_INFINITY,
            3.25,
            -3.25,
        ];
        let mut other = numbers.clone();
        numbers.sort_by(f64::total_cmp);
        other.sort_by_key(|number| in_order(*number));
        assert_eq!(
            numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>(),
            other.iter().map(|n| n.to_bits()).collect::<Vec<_>>()
        );
    }
}
