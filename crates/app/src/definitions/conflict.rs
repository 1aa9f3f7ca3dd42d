//! Where two documents want different things of the same figure.

use super::{Definitions, Target};

/// Pairs of targets that disagree: the same KPI, scopes that overlap (the same one, or one of them `all`), different
/// source documents, and a different baseline, goal or deadline. Two documents that ask for the same do not disagree.
/// Each pair is given once, in the order of the file.
pub fn conflicts(definitions: &Definitions) -> Vec<(String, String)> {
    let targets = &definitions.targets;
    let mut pairs = Vec::new();
    for (index, one) in targets.iter().enumerate() {
        for other in &targets[index + 1..] {
            if disagree(one, other) {
                pairs.push((one.id.clone(), other.id.clone()));
            }
        }
    }
    pairs
}

fn disagree(one: &Target, other: &Target) -> bool {
    let overlap = one.scope == other.scope || one.scope == "all" || other.scope == "all";
    let differ = one.goal != other.goal || one.deadline != other.deadline || one.baseline != other.baseline;
    one.kpi == other.kpi && overlap && differ && one.document() != other.document()
}
