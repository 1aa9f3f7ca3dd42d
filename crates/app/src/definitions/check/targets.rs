//! Targets: that their KPI and scope exist, and that their numbers can be meant.

use super::Checker;
use crate::definitions::decode::Note;
use crate::definitions::{Baseline, Better, Goal, Kpi, Target, Unit};

pub(super) fn all(checker: &mut Checker<'_>) {
    let definitions = checker.definitions;
    for (index, target) in definitions.targets.iter().enumerate() {
        let path = format!("targets[{index}]");
        let segments = definitions
            .segments
            .segments
            .iter()
            .map(|segment| segment.id.as_str());
        if target.scope != "all" && definitions.segment(&target.scope).is_none() {
            let note = Note::error(
                &target.scope,
                format!("There is no segment '{}'.", target.scope),
                "Write all, or the id of a segment.",
            )
            .near(segments.chain(["all"]));
            checker.note("targets.yaml", &format!("{path}.scope"), note);
        }
        if target.deadline != jiff::civil::Date::ZERO && target.deadline < target.baseline.on() {
            let name = target.deadline.to_string();
            let note = Note::error(
                &name,
                format!(
                    "The deadline {name} lies before the day of the baseline, {}.",
                    target.baseline.on()
                ),
                "Move one of the two.",
            );
            checker.note("targets.yaml", &format!("{path}.deadline"), note);
        }
        match definitions.kpi(&target.kpi) {
            Some(kpi) if checker.sound => numbers(checker, &path, target, kpi),
            Some(_) => {}
            None if target.kpi.is_empty() => {}
            None => {
                let note = Note::error(
                    &target.kpi,
                    format!("There is no KPI '{}'.", target.kpi),
                    "Declare it in kpis.yaml, or correct the name.",
                )
                .near(definitions.kpis.iter().map(|kpi| kpi.id.as_str()));
                checker.note("targets.yaml", &format!("{path}.kpi"), note);
            }
        }
    }
}

fn numbers(checker: &mut Checker<'_>, path: &str, target: &Target, kpi: &Kpi) {
    let stated = match target.baseline {
        Baseline::Stated { value, .. } => Some(value),
        Baseline::Measured { .. } => None,
    };
    let goal = match target.goal {
        Goal::Value(value) => Some(("value", value)),
        Goal::Points(points) => Some(("points", points)),
        Goal::Relative(_) => None,
    };
    let fields = [
        stated.map(|value| ("baseline.value".to_owned(), value)),
        goal.map(|(key, value)| (format!("goal.{key}"), value)),
    ];
    for (field, value) in fields.into_iter().flatten() {
        // A net retention above 100 % is possible, three times the revenue is a percentage that was not divided.
        if kpi.unit == Unit::Ratio && value.abs() > 3.0 {
            let note = Note::error(
                value.to_string(),
                format!(
                    "'{}' is a ratio, and {value} would be {} %.",
                    kpi.id,
                    value * 100.0
                ),
                format!("Write a fraction: {}.", value / 100.0),
            );
            checker.note("targets.yaml", &format!("{path}.{field}"), note);
            return;
        }
    }
    let change = match target.goal {
        Goal::Value(value) => stated.map_or(0.0, |from| value - from),
        Goal::Points(change) | Goal::Relative(change) => change,
    };
    let wrong = match kpi.better {
        Better::Up => change < 0.0,
        Better::Down => change > 0.0,
    };
    if wrong {
        let better = if kpi.better == Better::Up { "more" } else { "less" };
        let note = Note::error(
            &target.id,
            format!("The goal moves '{}' the wrong way: {better} is better.", kpi.id),
            "Check the sign of the goal, or 'better' of the KPI.",
        )
        .warning();
        checker.note("targets.yaml", &format!("{path}.goal"), note);
    }
}
