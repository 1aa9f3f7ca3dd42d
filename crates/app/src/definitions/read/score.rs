//! Outcomes and scores.

use tenure_learn::Direction;
use tenure_learn::handset::Curve;

use super::{days, id, keys, label};
use crate::definitions::decode::{Fields, Note, Notes};
use crate::definitions::types::*;
use crate::definitions::yaml::{Node, Value};

const FILE: &str = "scores.yaml";

const KINDS: &[(&str, OutcomeKind)] = &[
    ("churned", OutcomeKind::Churned),
    ("contracted", OutcomeKind::Contracted),
    ("event", OutcomeKind::Event),
    ("no_event", OutcomeKind::NoEvent),
    ("segment", OutcomeKind::Segment),
];
const DIRECTIONS: &[(&str, Direction)] = &[("rising", Direction::Rising), ("falling", Direction::Falling)];

/// The document's outcomes and scores.
pub(super) fn scores(notes: &mut Notes, node: &Node) -> (Vec<Outcome>, Vec<Score>) {
    if matches!(node.value, Value::Null) {
        return Default::default();
    }
    let fields = Fields::open(notes, FILE, String::new(), node, keys::SCORES);
    let outcomes = each(notes, &fields, "outcomes", keys::OUTCOME, outcome);
    let scores = each(notes, &fields, "scores", keys::SCORE, score);
    (outcomes, scores)
}

/// A score by itself.
pub(super) fn one(notes: &mut Notes, node: &Node) -> Score {
    let fields = Fields::open(notes, FILE, String::new(), node, keys::SCORE);
    score(notes, &fields)
}

/// The entries of a list.
fn each<T>(
    notes: &mut Notes,
    around: &Fields<'_>,
    key: &str,
    allowed: &[&str],
    one: fn(&mut Notes, &Fields<'_>) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for (index, node) in around.list(notes, key).iter().enumerate() {
        let path = format!("{}[{index}]", around.path_of(key));
        let fields = Fields::open(notes, around.file, path, node, allowed);
        found.push(one(notes, &fields));
    }
    found
}

fn needed<T>(
    notes: &mut Notes,
    around: &Fields<'_>,
    key: &str,
    allowed: &[&str],
    one: fn(&mut Notes, &Fields<'_>) -> T,
) -> Vec<T> {
    let found = each(notes, around, key, allowed, one);
    if found.is_empty() {
        around.missing(notes, key, "List at least one.");
    }
    found
}

fn outcome(notes: &mut Notes, fields: &Fields<'_>) -> Outcome {
    let id = id(notes, fields, "id");
    let kind = fields.need_choice(notes, "kind", KINDS).unwrap_or_default();
    let (events, segment) = (fields.texts(notes, "events"), fields.text(notes, "segment"));
    let wanted = match kind {
        OutcomeKind::Event | OutcomeKind::NoEvent => Some("events"),
        OutcomeKind::Segment => Some("segment"),
        _ => None,
    };
    for key in ["events", "segment"] {
        if wanted == Some(key) && !fields.has(key) {
            fields.missing(notes, key, "Say which it is.");
        } else if wanted != Some(key) && fields.has(key) {
            let note = Note::error(
                key,
                format!("'{key}' does not go with this kind."),
                "Remove it, or choose the kind that reads it.",
            );
            fields.note(notes, key, note);
        }
    }
    Outcome {
        label: label(notes, fields, &id),
        description: fields.text(notes, "description").unwrap_or_default(),
        kind,
        events,
        segment,
        horizon: days(notes, fields, "horizon", "Write a number of days such as 90d.").unwrap_or(Days(90)),
        among: fields.expression(notes, "among"),
        id,
    }
}

fn score(notes: &mut Notes, fields: &Fields<'_>) -> Score {
    let id = id(notes, fields, "id");
    Score {
        label: label(notes, fields, &id),
        description: fields.text(notes, "description").unwrap_or_default(),
        outcome: fields.text(notes, "outcome").unwrap_or_else(|| CHURN.into()),
        frozen: fields.boolean(notes, "frozen"),
        bands: bands(notes, fields),
        models: needed(notes, fields, "models", keys::SCORE_MODEL, model),
        id,
    }
}

fn bands(notes: &mut Notes, score: &Fields<'_>) -> Bands {
    let usual = Bands::default();
    let Some(node) = score.node("bands") else {
        return usual;
    };
    let fields = Fields::open(notes, score.file, score.path_of("bands"), node, keys::BANDS);
    Bands {
        green: fields.number(notes, "green").unwrap_or(usual.green),
        yellow: fields.number(notes, "yellow").unwrap_or(usual.yellow),
    }
}

fn model(notes: &mut Notes, fields: &Fields<'_>) -> ScoreModel {
    let id = id(notes, fields, "id");
    ScoreModel {
        label: label(notes, fields, &id),
        segments: fields.texts(notes, "segments"),
        min_coverage: fields.number(notes, "min_coverage").unwrap_or(0.5),
        quiet_days: fields.number(notes, "quiet_days").unwrap_or(30.0),
        key_metrics: each(notes, fields, "key_metrics", keys::SCORE_MEASURE, measure),
        groups: needed(notes, fields, "groups", keys::SCORE_GROUP, group),
        id,
    }
}

fn group(notes: &mut Notes, fields: &Fields<'_>) -> ScoreGroup {
    let id = id(notes, fields, "id");
    ScoreGroup {
        label: label(notes, fields, &id),
        weight: weight(notes, fields),
        measures: needed(notes, fields, "measures", keys::SCORE_MEASURE, measure),
        id,
    }
}

/// A weight that has to be there; what cannot be read counts as 1, so that nothing else seems wrong.
fn weight(notes: &mut Notes, fields: &Fields<'_>) -> f64 {
    if !fields.has("weight") {
        fields.missing(
            notes,
            "weight",
            "Write a number, e.g. 0.4; weights need not sum to 1.",
        );
    }
    fields.number(notes, "weight").unwrap_or(1.0)
}

fn measure(notes: &mut Notes, fields: &Fields<'_>) -> ScoreMeasure {
    let metric = fields
        .need_text(notes, "metric", "Write the id of a metric.")
        .unwrap_or_default();
    ScoreMeasure {
        metric,
        weight: weight(notes, fields),
        curve: curve(notes, fields),
        stale_after: days(
            notes,
            fields,
            "stale_after",
            "Write a number of days such as 180d.",
        ),
    }
}

/// Stands for a curve that could not be read.
fn no_curve() -> Curve {
    Curve::Linear {
        knots: vec![(0.0, 0.0)],
        direction: None,
    }
}

fn curve(notes: &mut Notes, measure: &Fields<'_>) -> Curve {
    const REMEDY: &str =
        "Write {linear: {knots: [[0, 0], [40, 100]]}} or {steps: {cuts: [1, 5], points: [0, 50, 100]}}.";
    let Some(node) = measure.node("curve") else {
        measure.missing(notes, "curve", REMEDY);
        return no_curve();
    };
    let fields = Fields::open(notes, measure.file, measure.path_of("curve"), node, keys::CURVE);
    match (fields.node("linear"), fields.node("steps")) {
        (Some(node), None) => {
            let fields = Fields::open(notes, measure.file, fields.path_of("linear"), node, keys::LINEAR);
            let mut knots = Vec::new();
            for (index, node) in fields.list(notes, "knots").iter().enumerate() {
                let path = format!("{}[{index}]", fields.path_of("knots"));
                match numbers_of(notes, &fields, node, &path).as_slice() {
                    [value, points] => knots.push((*value, *points)),
                    _ => {
                        let note = Note::error(
                            "knots",
                            "A knot is not a value with its points.",
                            "Write it as [10, 60].",
                        );
                        notes.problems.push(note.place(fields.file, node.at, &path));
                    }
                }
            }
            Curve::Linear {
                knots,
                direction: fields.choice(notes, "direction", DIRECTIONS),
            }
        }
        (None, Some(node)) => {
            let fields = Fields::open(notes, measure.file, fields.path_of("steps"), node, keys::STEPS);
            let mut list = |key: &str| match fields.node(key) {
                Some(node) => numbers_of(notes, &fields, node, &fields.path_of(key)),
                None => {
                    fields.missing(notes, key, REMEDY);
                    Vec::new()
                }
            };
            let (cuts, points) = (list("cuts"), list("points"));
            Curve::Steps {
                cuts,
                points,
                direction: fields.choice(notes, "direction", DIRECTIONS),
            }
        }
        (both, _) => {
            let problem = if both.is_some() {
                "A curve has one form."
            } else {
                "The curve has no form."
            };
            measure.note(notes, "curve", Note::error("curve", problem, REMEDY));
            no_curve()
        }
    }
}

/// The numbers of a list; what is none is noted.
fn numbers_of(notes: &mut Notes, fields: &Fields<'_>, node: &Node, path: &str) -> Vec<f64> {
    let Value::List(items) = &node.value else {
        let note = Note::error(
            node.value.noun(),
            "There stands no list of numbers.",
            "Write numbers as [1, 5].",
        );
        notes.problems.push(note.place(fields.file, node.at, path));
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item.value {
            Value::Number(value) if value.is_finite() => found.push(value),
            _ => {
                let note = Note::error(
                    item.value.noun(),
                    format!("There stands {}, not a number.", item.value.noun()),
                    "Write a plain number.",
                );
                let path = format!("{path}[{index}]");
                notes.problems.push(note.place(fields.file, item.at, &path));
            }
        }
    }
    found
}
