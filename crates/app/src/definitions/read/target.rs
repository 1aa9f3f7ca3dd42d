//! Targets, with their baselines and goals.

use super::{NO_DAY, id, keys};
use crate::definitions::decode::{Fields, Note, Notes};
use crate::definitions::types::*;

pub(super) fn target(notes: &mut Notes, fields: &Fields<'_>) -> Target {
    Target {
        id: id(notes, fields, "id"),
        label: fields.text(notes, "label").unwrap_or_default(),
        description: fields.text(notes, "description").unwrap_or_default(),
        kpi: fields
            .need_text(notes, "kpi", "Write the id of a KPI.")
            .unwrap_or_default(),
        scope: fields.text(notes, "scope").unwrap_or_else(|| "all".into()),
        program: fields.text(notes, "program").unwrap_or_else(|| "company".into()),
        baseline: baseline(notes, fields),
        goal: goal(notes, fields),
        deadline: fields.date(notes, "deadline").unwrap_or(NO_DAY),
        source: fields
            .need_text(
                notes,
                "source",
                "Write which document says so, e.g. \"S2, Key Metrics\".",
            )
            .unwrap_or_default(),
    }
}

fn baseline(notes: &mut Notes, target: &Fields<'_>) -> Baseline {
    const REMEDY: &str =
        "Write {value: 0.12, on: 2026-06-30}, or {measure: true, on: 2026-06-30} to have it measured.";
    let Some(node) = target.node("baseline") else {
        target.missing(notes, "baseline", REMEDY);
        return Baseline::Measured { on: NO_DAY };
    };
    let fields = Fields::open(
        notes,
        target.file,
        target.path_of("baseline"),
        node,
        keys::BASELINE,
    );
    let on = fields.date(notes, "on").unwrap_or(NO_DAY);
    match (fields.number(notes, "value"), fields.boolean(notes, "measure")) {
        (Some(value), false) => Baseline::Stated { value, on },
        (None, true) => Baseline::Measured { on },
        (Some(_), true) => {
            fields.note(
                notes,
                "measure",
                Note::error(
                    "measure",
                    "A stated baseline is not measured.",
                    "Keep one of 'value' and 'measure'.",
                ),
            );
            Baseline::Measured { on }
        }
        (None, false) => {
            if !fields.has("value") {
                fields.missing(notes, "value", REMEDY);
            }
            Baseline::Measured { on }
        }
    }
}

fn goal(notes: &mut Notes, target: &Fields<'_>) -> Goal {
    const REMEDY: &str = "Write {value: 0.09}, {points: 10} or {relative: -0.25}.";
    let Some(node) = target.node("goal") else {
        target.missing(notes, "goal", REMEDY);
        return Goal::Value(0.0);
    };
    let fields = Fields::open(notes, target.file, target.path_of("goal"), node, keys::GOAL);
    type Form = fn(f64) -> Goal;
    let forms: [(&str, Form); 3] = [
        ("value", Goal::Value),
        ("points", Goal::Points),
        ("relative", Goal::Relative),
    ];
    let given: Vec<_> = forms.into_iter().filter(|(key, _)| fields.has(key)).collect();
    if let [_, second, ..] = given.as_slice() {
        fields.note(
            notes,
            second.0,
            Note::error(second.0, "A goal is said in one way.", REMEDY),
        );
    }
    match given.first() {
        Some((key, form)) => fields.number(notes, key).map_or(Goal::Value(0.0), form),
        None => {
            fields.missing(notes, "value", REMEDY);
            Goal::Value(0.0)
        }
    }
}
