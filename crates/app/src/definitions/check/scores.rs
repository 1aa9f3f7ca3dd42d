//! Outcomes and scores: that what they name exists, and that their numbers mean something.

use std::collections::HashMap;

use tenure_learn::handset;

use super::compile::Wanted;
use super::{Checker, known_events, names, unknown_event};
use crate::definitions::decode::Note;
use crate::definitions::{CHURN, Definitions, Score, ScoreMeasure, ScoreModel};

const FILE: &str = "scores.yaml";

pub(super) fn all(checker: &mut Checker<'_>) {
    let d = checker.definitions;
    checker.unique(FILE, "outcomes", d.outcomes.iter().map(|o| o.id.as_str()));
    checker.unique(FILE, "scores", d.scores.iter().map(|s| s.id.as_str()));
    for (index, outcome) in d.outcomes.iter().enumerate() {
        let path = format!("outcomes[{index}]");
        let known = known_events(d);
        for (at, name) in outcome.events.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                checker.note(FILE, &format!("{path}.events[{at}]"), unknown_event(d, name));
            }
        }
        if let Some(segment) = &outcome.segment {
            segment_there(checker, &format!("{path}.segment"), segment);
        }
        if let Some(among) = &outcome.among {
            names::account_expression(checker, FILE, &format!("{path}.among"), among, Wanted::Condition);
        }
    }
    for (index, score) in d.scores.iter().enumerate() {
        one(checker, &format!("scores[{index}]."), score);
    }
}

fn segment_there(checker: &mut Checker<'_>, path: &str, segment: &str) {
    let d = checker.definitions;
    if d.segment(segment).is_none() {
        let note = Note::error(
            segment,
            format!("There is no segment '{segment}'."),
            "Write the id of a segment of segments.yaml.",
        )
        .near(d.segments.segments.iter().map(|s| s.id.as_str()));
        checker.note(FILE, path, note);
    }
}

/// Checks a score whose fields have paths that begin with `path`.
pub(super) fn one(checker: &mut Checker<'_>, path: &str, score: &Score) {
    let d = checker.definitions;
    if d.outcome(&score.outcome).is_none() {
        let known = d.outcomes.iter().map(|o| o.id.as_str()).chain([CHURN]);
        let note = Note::error(
            &score.outcome,
            format!("There is no outcome '{}'.", score.outcome),
            "List it under 'outcomes', or correct the name.",
        )
        .near(known);
        checker.note(FILE, &format!("{path}outcome"), note);
    }
    let bands = score.bands;
    if !(0.0 < bands.yellow && bands.yellow < bands.green && bands.green <= 100.0) {
        let note = Note::error(
            format!("{}, {}", bands.green, bands.yellow),
            "The bands are not in order.",
            "Write green above yellow, both above 0 and at most 100.",
        );
        checker.note(FILE, &format!("{path}bands"), note);
    }
    checker.unique(
        FILE,
        &format!("{path}models"),
        score.models.iter().map(|m| m.id.as_str()),
    );
    let mut taken: HashMap<&str, &str> = HashMap::new();
    let mut rest: Option<&str> = None;
    for (index, model) in score.models.iter().enumerate() {
        let path = format!("{path}models[{index}]");
        if let Some(earlier) = rest {
            let note = Note::error(
                &model.id,
                format!(
                    "No account can reach '{}': '{earlier}' takes every account before it.",
                    model.id
                ),
                "Move the model without 'segments' to the end.",
            );
            checker.note(FILE, &path, note);
        }
        for (at, segment) in model.segments.iter().enumerate() {
            let path = format!("{path}.segments[{at}]");
            segment_there(checker, &path, segment);
            if let Some(earlier) = taken.insert(segment, &model.id) {
                let note = Note::error(
                    segment,
                    format!("'{segment}' belongs to the model '{earlier}' already."),
                    "Name each segment once in a score.",
                );
                checker.note(FILE, &path, note);
            }
        }
        if model.segments.is_empty() {
            rest = Some(&model.id);
        }
        arithmetic(checker, &path, model);
    }
}

/// Weights, curves and metrics of a model.
fn arithmetic(checker: &mut Checker<'_>, path: &str, model: &ScoreModel) {
    let mut problem = |at: &str, name: String, text: String, remedy: &str| {
        checker.note(FILE, &format!("{path}{at}"), Note::error(name, text, remedy));
    };
    if !(0.0..=1.0).contains(&model.min_coverage) {
        problem(
            ".min_coverage",
            model.min_coverage.to_string(),
            "The coverage is no share.".into(),
            "Write a number from 0 to 1.",
        );
    }
    if !(0.0..=3660.0).contains(&model.quiet_days) {
        problem(
            ".quiet_days",
            model.quiet_days.to_string(),
            "'quiet_days' is no number of days.".into(),
            "Write 0 to 3660.",
        );
    }
    let mut weights = |at: &str, weights: Vec<f64>| {
        if weights.iter().any(|weight| *weight < 0.0) {
            problem(
                at,
                "weight".into(),
                "A weight is negative.".into(),
                "Write 0 or more.",
            );
        } else if !weights.is_empty() && weights.iter().sum::<f64>() <= 0.0 {
            problem(
                at,
                "weight".into(),
                "The weights sum to nothing.".into(),
                "Give at least one a weight above 0.",
            );
        }
    };
    weights(".groups", model.groups.iter().map(|g| g.weight).collect());
    for (at, group) in model.groups.iter().enumerate() {
        weights(
            &format!(".groups[{at}].measures"),
            group.measures.iter().map(|m| m.weight).collect(),
        );
    }
    weights(
        ".key_metrics",
        model.key_metrics.iter().map(|m| m.weight).collect(),
    );
    checker.unique(
        FILE,
        &format!("{path}.groups"),
        model.groups.iter().map(|g| g.id.as_str()),
    );
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (g, group) in model.groups.iter().enumerate() {
        for (m, measure) in group.measures.iter().enumerate() {
            let path = format!("{path}.groups[{g}].measures[{m}]");
            self::measure(checker, &path, measure, &mut first);
        }
    }
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, key) in model.key_metrics.iter().enumerate() {
        measure(checker, &format!("{path}.key_metrics[{at}]"), key, &mut first);
    }
}

/// A measure that stands at `path`, in a list of which `first` names those before it with their lines.
fn measure<'m>(
    checker: &mut Checker<'_>,
    path: &str,
    measure: &'m ScoreMeasure,
    first: &mut HashMap<&'m str, usize>,
) {
    let d: &Definitions = checker.definitions;
    let metric = measure.metric.as_str();
    if d.metric(metric).is_none() && !metric.is_empty() {
        let note = Note::error(
            metric,
            format!("There is no metric '{metric}'."),
            "Declare it in metrics.yaml, or correct the name.",
        )
        .near(d.metrics.iter().map(|m| m.id.as_str()));
        checker.note(FILE, &format!("{path}.metric"), note);
    }
    let line = checker.places.find(FILE, path).line;
    if let Some(earlier) = first.insert(metric, line) {
        let note = Note::error(
            metric,
            format!("'{metric}' is measured twice in this model, first in line {earlier}."),
            "Keep one of the two.",
        );
        checker.note(FILE, &format!("{path}.metric"), note);
    }
    if let Some(problem) = curve_problem(measure.curve.clone()) {
        let note = Note::error("curve", problem, "Correct the curve.");
        checker.note(FILE, &format!("{path}.curve"), note);
    }
}

/// What the arithmetic has against a curve.
fn curve_problem(curve: handset::Curve) -> Option<String> {
    let measure = handset::Measure {
        name: "measure".into(),
        weight: 1.0,
        curve,
        stale_after: None,
    };
    let alone = handset::Model {
        groups: vec![handset::Group {
            name: "group".into(),
            weight: 1.0,
            measures: vec![measure],
        }],
        min_coverage: 0.0,
        quiet_days: 0.0,
    };
    match alone.check() {
        Err(tenure_learn::Error::Definition { problem, .. }) => {
            let mut letters = problem.chars();
            letters
                .next()
                .map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
        }
        Err(other) => Some(other.to_string()),
        Ok(()) => None,
    }
}
