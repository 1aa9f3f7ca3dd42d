//! A frozen score is kept as it is, so that others can be measured against it.

use anyhow::Result;

use super::{Files, store};
use crate::App;
use crate::definitions::{Definitions, Problem, Score, Severity, position_of};

const FILE: &str = "scores.yaml";

/// What a program would change of scores that are or once were frozen. Their names and descriptions may change, and a score may be taken out
/// as a whole; what it computes, and that it is frozen, may not, not even by taking it out and adding another under its id.
pub fn broken<'a>(
    held: impl IntoIterator<Item = &'a Score>,
    new: &Definitions,
    files: &Files,
) -> Vec<Problem> {
    held.into_iter()
        .filter_map(|held| {
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
                    "'{}' is frozen, because other scores are or were measured against it: its {what} cannot change.",
                    held.id
                ),
                nearest: None,
                remedy: format!(
                    "Leave '{}' as it is or was, and copy it under a new id to change it.",
                    held.id
                ),
            })
        })
        .collect()
}

/// The frozen scores of the version in force, and those of earlier versions whose id comes back.
///
/// # Errors
/// When the records fail.
pub async fn held(app: &App, in_force: &Definitions, new: &Definitions) -> Result<Vec<Score>> {
    let mut held: Vec<Score> = in_force
        .scores
        .iter()
        .filter(|score| score.frozen)
        .cloned()
        .collect();
    let mut back: Vec<&str> = new
        .scores
        .iter()
        .map(|score| score.id.as_str())
        .filter(|id| in_force.score(id).is_none())
        .collect();
    if back.is_empty() {
        return Ok(held);
    }
    let mut versions = store::all(&app.store).await?;
    versions.sort_by_key(|version| std::cmp::Reverse(version.version));
    for version in versions {
        let Some((_, files)) = store::get(&app.store, version.version).await? else {
            continue;
        };
        // An id that no document of that version holds needs no reading; what this release cannot read was never measured by it.
        let named = |id: &&str| files.get(FILE).is_some_and(|text| text.contains(id));
        if !back.iter().any(named) {
            continue;
        }
        let Ok(then) = Definitions::parse(&files) else {
            continue;
        };
        for score in then.scores.iter().filter(|score| score.frozen) {
            if let Some(at) = back.iter().position(|id| *id == score.id) {
                back.swap_remove(at);
                held.push(score.clone());
            }
        }
        if back.is_empty() {
            break;
        }
    }
    Ok(held)
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
