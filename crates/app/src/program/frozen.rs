//! A frozen score is kept as it is, so that others can be measured against it. Pure.

use super::Files;
use crate::definitions::{Definitions, Problem, Score, Severity, position_of};

const FILE: &str = "scores.yaml";

/// What a program would change of the scores that are frozen in the one in force. Their names and descriptions may change, and a score may
/// be taken out as a whole; what it computes, and that it is frozen, may not.
pub fn broken(in_force: &Definitions, new: &Definitions, files: &Files) -> Vec<Problem> {
    let held = in_force.scores.iter().filter(|score| score.frozen);
    held.filter_map(|held| {
        let at = new.scores.iter().position(|score| score.id == held.id)?;
        let what = difference(held, &new.scores[at])?;
        let path = format!("scores[{at}].{what}");
        let text = files.get(FILE).map_or("", String::as_str);
        let (line, column) = position_of(text, &path).unwrap_or((1, 1));
        Some(Problem {
            severity: Severity::Error,
            file: FILE.to_owned(),
            line,
            column,
            path,
            name: held.id.clone(),
            problem: format!(
                "'{}' is frozen, because other scores are measured against it: its {what} cannot change.",
                held.id
            ),
            nearest: None,
            remedy: format!(
                "Leave '{}' as it is, and copy it under a new id to change it.",
                held.id
            ),
        })
    })
    .collect()
}

/// The field in which a score no longer computes what it did.
fn difference(held: &Score, new: &Score) -> Option<&'static str> {
    // Labels are for people; everything else of a model is arithmetic.
    let plain = |score: &Score| {
        let mut models = score.models.clone();
        for model in &mut models {
            model.label.clear();
            model.groups.iter_mut().for_each(|group| group.label.clear());
        }
        models
    };
    if !new.frozen {
        Some("frozen")
    } else if held.outcome != new.outcome {
        Some("outcome")
    } else if held.bands != new.bands {
        Some("bands")
    } else if plain(held) != plain(new) {
        Some("models")
    } else {
        None
    }
}
