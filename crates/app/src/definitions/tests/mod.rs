//! Programs in, definitions or problems out.

mod broken;
mod editing;
mod shipped;
mod versions;

use std::collections::BTreeMap;

use super::*;

/// The files of a shipped program.
fn shipped_files(name: &str) -> BTreeMap<String, String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../programs")
        .join(name);
    let mut files = BTreeMap::new();
    for file in FILES {
        match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => files.insert(file.to_owned(), text),
            Err(_) if file == "scores.yaml" => None,
            Err(error) => panic!("{file}: {error}"),
        };
    }
    for entry in std::fs::read_dir(folder.join("dashboards")).into_iter().flatten() {
        let path = entry.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let text = std::fs::read_to_string(&path).expect(name);
        files.insert(format!("dashboards/{name}"), text);
    }
    files
}

/// A small sound program, to break in one place.
fn sound() -> BTreeMap<String, String> {
    let texts = [
        (
            "program.yaml",
            "program: small\ntitle: Small\ntime_zone: Europe/Berlin\ncurrency: EUR\nstarted_on: 2026-01-01\n",
        ),
        (
            "attributes.yaml",
            "attributes:\n  - {id: seats, type: integer, required: true}\n  - {id: plan, type: text}\n",
        ),
        (
            "events.yaml",
            "names:\n  Signed In: login\nkinds:\n  exported: product\n",
        ),
        (
            "segments.yaml",
            "unclassified: mrr IS NULL\nsegments:\n  - {id: large, rule: mrr > 1000}\n  - id: small\n    rule: TRUE\n",
        ),
        (
            "metrics.yaml",
            "metrics:\n  - {id: logins_30d, measure: count, events: [login], window: 30d}\n  - id: per_seat\n    expr: \"logins_30d / nullif(seats, 0)\"\n",
        ),
        (
            "scores.yaml",
            "outcomes:\n  - {id: moves, kind: segment, segment: large, horizon: 60d}\nscores:\n  - id: health\n    models:\n      - id: all\n        groups:\n          - id: product\n            weight: 1\n            measures:\n              - {metric: logins_30d, weight: 2, curve: {linear: {knots: [[0, 0], [9, 100]], direction: rising}}}\n",
        ),
        (
            "kpis.yaml",
            "kpis:\n  - id: churn\n    unit: ratio\n    better: down\n    window: 12m\n    value: ratio\n    facts: |\n      SELECT period, account_no, 1 AS numerator,\n             1 AS denominator\n      FROM cohort\n",
        ),
        (
            "targets.yaml",
            "targets:\n  - id: less\n    kpi: churn\n    scope: large\n    baseline: {value: 0.12, on: 2026-01-31}\n    goal: {value: 0.09}\n    deadline: 2026-12-31\n    source: plan\n",
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// Reads a program that must be sound.
fn read_sound(files: &BTreeMap<String, String>) -> Definitions {
    match Definitions::check(files, &|_| Ok(())) {
        Ok(checked) => {
            assert_eq!(checked.warnings, [], "a sound program has no warnings");
            checked.definitions
        }
        Err(problems) => panic!(
            "{}",
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}
