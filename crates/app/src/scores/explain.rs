//! A score in words: what pulls it down or up, what made it change, what is missing, and the least that would make it green.

use tenure_learn::handset::{Amount, Curve, Override, Reading, State};

use super::form::{Form, HAND_SET, Ledger, Line};
use super::{Difference, band};
use crate::definitions::{Definitions, Score, Unit};
use crate::metrics::facts::date_of;

/// What a measure is called.
#[must_use]
pub fn label(definitions: &Definitions, measure: &str) -> String {
    if measure == HAND_SET {
        return "The hand-set score".into();
    }
    let one = |id: &str| {
        definitions
            .metric(id)
            .map_or_else(|| id.to_owned(), |metric| metric.label.clone())
    };
    measure.split(" × ").map(one).collect::<Vec<_>>().join(" with ")
}

/// A number with at most two decimals.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 100.0 || value.fract() == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".into()
    } else {
        text.replace('-', "−")
    }
}

/// A measure's value in its unit.
#[must_use]
pub fn value(definitions: &Definitions, measure: &str, value: f64) -> String {
    match definitions.metric(measure).map(|metric| metric.unit) {
        Some(Unit::Ratio) => format!("{} %", number(value * 100.0)),
        Some(Unit::Money) => format!("{} {}", number(value), definitions.program.currency),
        _ => number(value),
    }
}

/// Points with their sign: `+3`, `−11`.
#[must_use]
pub fn signed(points: f64) -> String {
    let text = number((points * 10.0).round() / 10.0);
    if points > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

fn noun(points: f64) -> &'static str {
    if (points.abs() - 1.0).abs() < 0.05 {
        "point"
    } else {
        "points"
    }
}

/// What takes most of a score, at most `most`: sentences, the greatest loss first.
#[must_use]
pub fn pulls_down(definitions: &Definitions, ledger: &Ledger, most: usize) -> Vec<String> {
    let lost = |line: &Line| match (line.points, line.weight) {
        (Some(points), Some(weight)) => (100.0 - points) * weight,
        _ => -line.contribution.points(),
    };
    sentences(definitions, ledger, most, &lost, |words, lost| {
        format!(
            "{words}: −{} {}",
            number((lost * 10.0).round() / 10.0),
            noun(lost)
        )
    })
}

/// What gives most to a score, at most `most`.
#[must_use]
pub fn pulls_up(definitions: &Definitions, ledger: &Ledger, most: usize) -> Vec<String> {
    sentences(
        definitions,
        ledger,
        most,
        &|line| line.contribution.points(),
        |words, given| format!("{words}: {} {}", signed(given), noun(given)),
    )
}

fn sentences(
    definitions: &Definitions,
    ledger: &Ledger,
    most: usize,
    size: &dyn Fn(&Line) -> f64,
    write: impl Fn(String, f64) -> String,
) -> Vec<String> {
    let mut lines: Vec<(&Line, f64)> = ledger
        .lines
        .iter()
        .filter(|line| line.state == State::Counted)
        .map(|line| (line, size(line)))
        .filter(|(_, size)| *size >= 0.5)
        .collect();
    lines.sort_by(|a, b| b.1.total_cmp(&a.1));
    lines
        .into_iter()
        .take(most)
        .map(|(line, size)| {
            let held = line
                .value
                .map(|v| format!(" is {}", value(definitions, &line.measure, v)));
            write(
                format!(
                    "{}{}",
                    label(definitions, &line.measure),
                    held.unwrap_or_default()
                ),
                size,
            )
        })
        .collect()
}

/// What made a score change, the greatest first: “Logins, 30 days fell from 42 to 9: −11 points”.
#[must_use]
pub fn changes(definitions: &Definitions, difference: &Difference) -> Vec<String> {
    let mut told: Vec<(f64, String)> = Vec::new();
    for change in &difference.changes {
        let name = label(definitions, &change.measure);
        let shown = |v: f64| value(definitions, &change.measure, v);
        let all = (change.by_value + change.by_weight).points();
        let words = match change.values {
            [Some(old), Some(new)] if new != old => {
                let verb = if new < old { "fell" } else { "rose" };
                format!("{name} {verb} from {} to {}", shown(old), shown(new))
            }
            [Some(old), Some(_)] => format!("{name} stayed at {} and weighs otherwise", shown(old)),
            [None, Some(new)] => format!("{name} became known: {}", shown(new)),
            [Some(old), None] => format!("{name} is no longer known (it was {})", shown(old)),
            [None, None] => continue,
        };
        told.push((all, words));
    }
    for (amount, words) in [
        (difference.overridden, "A person's word on the score"),
        (difference.base, "Another model counts"),
        (difference.clipped, "The score is kept within 0 and 100"),
    ] {
        told.push((amount.points(), words.to_owned()));
    }
    told.retain(|(points, _)| points.abs() >= 0.05);
    told.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    told.into_iter()
        .map(|(points, words)| format!("{words}: {} {}", signed(points), noun(points)))
        .collect()
}

/// What is missing or too old, in words.
#[must_use]
pub fn missing(definitions: &Definitions, ledger: &Ledger) -> Vec<String> {
    ledger
        .lines
        .iter()
        .filter_map(|line| {
            let name = label(definitions, &line.measure);
            match line.state {
                State::Counted => None,
                State::Missing => Some(format!("{name}: nothing is known; its weight went to the others")),
                State::Stale => Some(format!(
                    "{name}: the value is {} days old and no longer counts; its weight went to the others",
                    number(line.age.unwrap_or(0.0))
                )),
            }
        })
        .collect()
}

/// Why there is no score, or what a person's word does to it.
#[must_use]
pub fn remark(form: &Form, ledger: &Ledger, age: f64, min_coverage: f64) -> Option<String> {
    if let Some(by) = &ledger.by {
        let until = i32::try_from(by.until)
            .map(|day| date_of(day).to_string())
            .unwrap_or_default();
        return Some(format!("Set by {} until {until}: {}", by.author, by.reason));
    }
    if ledger.score.is_some() {
        return None;
    }
    if age < form.quiet_days() {
        return Some(format!(
            "No score yet: it begins {} days after the start, {} have passed.",
            number(form.quiet_days()),
            number(age)
        ));
    }
    Some(format!(
        "Too little data: measures with {} % of the weight are known, {} % are needed.",
        number((ledger.coverage * 100.0).floor()),
        number(min_coverage * 100.0)
    ))
}

/// A change that would make a score green.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The measures that change, each with its value now and then.
    pub measures: Vec<(String, f64, f64)>,
    /// The score that comes of it.
    pub points: f64,
}

/// The least changes that would make a score green: each measure that can alone, the one with the smallest step along its curve first; where
/// none can, the few that can together.
#[must_use]
pub fn to_green(
    score: &Score,
    form: &Form,
    readings: &[Reading],
    ledger: &Ledger,
    age: f64,
    overrides: &[Override],
    day: i32,
) -> Vec<Step> {
    const MOST: usize = 3;
    let (Form::HandSet(model), Some(now)) = (form, ledger.score.map(Amount::points)) else {
        return Vec::new();
    };
    if super::Band::Green == band(score, now) {
        return Vec::new();
    }
    let own = (ledger.score.unwrap_or_default() - ledger.overridden).points();
    let wanted = score.bands.green - own;
    let after = |values: &[(usize, f64)]| {
        let mut changed = readings.to_vec();
        for (at, value) in values {
            if let Some(reading) = changed.get_mut(*at) {
                reading.value = *value;
            }
        }
        form.score(&changed, age, overrides, day)
            .score
            .map_or(0.0, Amount::points)
    };
    // For each measure that counts: what it could still give.
    let mut room: Vec<(usize, &Curve, f64, f64, f64)> = Vec::new();
    for (at, (measure, line)) in model.measures().zip(&ledger.lines).enumerate() {
        if let (Some(points), Some(weight), Some(value)) = (line.points, line.weight, line.value)
            && line.state == State::Counted
            && weight > 0.0
        {
            room.push((at, &measure.curve, points, weight, value));
        }
    }
    let name = |at: usize| {
        ledger
            .lines
            .get(at)
            .map(|line| line.measure.clone())
            .unwrap_or_default()
    };
    let mut alone: Vec<(f64, Step)> = Vec::new();
    for (at, curve, points, weight, value) in &room {
        let Some(target) = nearest(curve, *value, points + wanted / weight) else {
            continue;
        };
        let reached = after(&[(*at, target)]);
        if band(score, reached) == super::Band::Green {
            let step = Step {
                measures: vec![(name(*at), *value, target)],
                points: reached,
            };
            alone.push((wanted / weight, step));
        }
    }
    alone.sort_by(|a, b| a.0.total_cmp(&b.0));
    if !alone.is_empty() {
        return alone.into_iter().take(MOST).map(|(_, step)| step).collect();
    }
    // Together: those that could give most, each to its best, the last only as far as needed.
    room.sort_by(|a, b| ((100.0 - b.2) * b.3).total_cmp(&((100.0 - a.2) * a.3)));
    let (mut values, mut measures, mut left) = (Vec::new(), Vec::new(), wanted);
    for (at, curve, points, weight, value) in room {
        let best = best(curve);
        let goal = (points + left / weight).min(best);
        let Some(target) = nearest(curve, value, goal).filter(|target| *target != value) else {
            continue;
        };
        left -= (curve.points(target) - points) * weight;
        values.push((at, target));
        measures.push((name(at), value, target));
        let reached = after(&values);
        if band(score, reached) == super::Band::Green {
            return vec![Step {
                measures,
                points: reached,
            }];
        }
    }
    Vec::new()
}

/// A step in words: “Logins, 30 days from 2 to 9, and Tickets, 30 days from 4 to 1: 76 points”.
#[must_use]
pub fn step_words(definitions: &Definitions, step: &Step) -> String {
    let parts: Vec<String> = step
        .measures
        .iter()
        .map(|(measure, now, then)| {
            let shown = |v: f64| value(definitions, measure, v);
            format!(
                "{} from {} to {}",
                label(definitions, measure),
                shown(*now),
                shown(*then)
            )
        })
        .collect();
    format!(
        "{}: {} points",
        parts.join(", and "),
        number((step.points * 10.0).round() / 10.0)
    )
}

/// The most points that a curve gives.
fn best(curve: &Curve) -> f64 {
    match curve {
        Curve::Steps { points, .. } => points.iter().copied().fold(0.0, f64::max),
        Curve::Linear { knots, .. } => knots.iter().map(|knot| knot.1).fold(0.0, f64::max),
    }
}

/// The value nearest to `from` that a curve gives at least `points` for; whole where `from` and all of the curve are.
fn nearest(curve: &Curve, from: f64, points: f64) -> Option<f64> {
    let ends: Vec<f64> = match curve {
        Curve::Steps { cuts, .. } => cuts.clone(),
        Curve::Linear { knots, .. } => knots.iter().map(|knot| knot.0).collect(),
    };
    let whole = ends.iter().chain([&from]).all(|x| x.fract() == 0.0);
    // A hair more than asked for, so that rounding does not fall short.
    let points = points + 1e-9;
    let mut candidates: Vec<f64> = match curve {
        Curve::Steps { cuts, .. } => cuts
            .iter()
            .flat_map(|cut| [*cut, if whole { cut.ceil() - 1.0 } else { cut - 1e-6 }])
            .collect(),
        Curve::Linear { knots, .. } => {
            let crossing = |pair: &[(f64, f64)]| {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                (y0 != y1)
                    .then(|| x0 + (x1 - x0) * (points - y0) / (y1 - y0))
                    .filter(|x| (x0..=x1).contains(x))
            };
            let crossings = knots.windows(2).filter_map(crossing);
            knots.iter().map(|knot| knot.0).chain(crossings).collect()
        }
    };
    if whole {
        candidates = candidates
            .into_iter()
            .flat_map(|x| [x.floor(), x.ceil()])
            .collect();
    }
    candidates
        .into_iter()
        .filter(|x| curve.points(*x) + 2e-9 >= points)
        .min_by(|a, b| (a - from).abs().total_cmp(&(b - from).abs()))
        // Not the zero with a sign.
        .map(|x| x + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let written = [9.0, 12.54, 0.25, -3.0, 1234.6].map(number);
        assert_eq!(written, ["9", "12.5", "0.25", "−3", "1235"]);
        assert_eq!([signed(11.04), signed(-3.0), signed(0.01)], ["+11", "−3", "0"]);
    }

    #[test]
    fn the_nearest_value_is_the_least_step() {
        let rising = Curve::Linear {
            knots: vec![(0.0, 0.0), (10.0, 50.0), (20.0, 100.0)],
            direction: None,
        };
        assert_eq!(nearest(&rising, 4.0, 50.0), Some(10.0));
        assert_eq!(
            nearest(&rising, 4.5, 60.0).map(|x| (x * 10.0).round()),
            Some(120.0)
        );
        assert_eq!(nearest(&rising, 4.0, 101.0), None);
        let falling = Curve::Steps {
            cuts: vec![1.0, 4.0],
            points: vec![100.0, 70.0, 20.0],
            direction: None,
        };
        assert_eq!(nearest(&falling, 9.0, 60.0), Some(3.0));
        assert_eq!(nearest(&falling, 9.0, 90.0), Some(0.0));
    }
}
