//! The rules of the house, checked: who may name whom, how long a file may be, where queries stand, that both sides use the same nouns.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use walkdir::WalkDir;

use crate::run::root;

/// Slices from the lowest to the highest; those of one row never name each other.
const LAYERS: &[&[&str]] = &[
    &["web"],
    &["auth"],
    &["health", "definitions", "views"],
    &["accounts"],
    &["events"],
    &["metrics"],
    &["scores"],
    &["segments", "kpis"],
    &["models"],
    &["dashboards", "revenue", "owners", "contacts"],
    &["notes"],
    &["profiles", "duplicates", "search"],
    &["imports"],
    &["program", "inbox", "setup"],
];

/// Files that may be longer than their budget. This list only shrinks.
const LONG: &[&str] = &[];

/// Files outside `store.rs` and the lake that may hold queries. This list only shrinks.
const QUERIES: &[&str] = &[
    // Views over the lake, in the lake's language: they are the tables that people query.
    "crates/app/src/metrics/tables.rs",
    "crates/app/src/metrics/work.rs",
    "crates/app/src/kpis/engine.rs",
];

/// Lines of a file after which it fails (without its tests).
const RUST_LIMIT: usize = 800;
const SCRIPT_LIMIT: usize = 350;

/// Checks everything and lists every fault.
pub fn tidy() -> Result<()> {
    let mut faults = Vec::new();
    for path in sources(&["crates", "xtask", "ui/src"]) {
        let text = std::fs::read_to_string(root().join(&path))?;
        budget(&path, &text, &mut faults);
        queries(&path, &text, &mut faults);
        layers(&path, &text, &mut faults);
    }
    features(&mut faults);
    if faults.is_empty() {
        eprintln!("tidy: in order");
        return Ok(());
    }
    faults.iter().for_each(|fault| eprintln!("tidy: {fault}"));
    bail!("{} faults against the rules of ARCHITECTURE.md", faults.len())
}

fn sources(folders: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        for entry in WalkDir::new(root().join(folder)).into_iter().flatten() {
            let path = entry
                .path()
                .strip_prefix(root())
                .unwrap_or(entry.path())
                .to_string_lossy()
                .into_owned();
            if ["rs", "ts", "tsx"]
                .iter()
                .any(|end| path.ends_with(&format!(".{end}")))
                && !path.contains("node_modules")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_test(path: &str) -> bool {
    path.contains("/tests")
        || path.contains(".test.")
        || path.ends_with("testing.rs")
        || path.contains("/stories/")
}

/// The text before its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn budget(path: &str, text: &str, faults: &mut Vec<String>) {
    if is_test(path) || path.ends_with("schema.d.ts") || LONG.contains(&path) {
        return;
    }
    let lines = without_tests(text).lines().count();
    let limit = if path.ends_with(".rs") {
        RUST_LIMIT
    } else {
        SCRIPT_LIMIT
    };
    if lines > limit {
        faults.push(format!(
            "{path} has {lines} lines without its tests; {limit} is the most: split it by what it knows"
        ));
    }
}

fn queries(path: &str, text: &str, faults: &mut Vec<String>) {
    let home = path.ends_with("/store.rs")
        || path.contains("/store/")
        || path.starts_with("crates/lake")
        || path.starts_with("crates/store");
    if home || is_test(path) || QUERIES.contains(&path) || !path.starts_with("crates/app/src") {
        return;
    }
    for (number, line) in without_tests(text).lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "]
            .iter()
            .any(|verb| code.contains(verb))
        {
            faults.push(format!(
                "{path}:{} holds a query; queries stand in the slice's store.rs",
                number + 1
            ));
        }
    }
}

fn layer(slice: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&slice))
}

fn layers(path: &str, text: &str, faults: &mut Vec<String>) {
    let Some(inside) = path.strip_prefix("crates/app/src/") else {
        return;
    };
    let Some((own, _)) = inside.split_once('/') else {
        return;
    };
    let Some(height) = layer(own) else {
        faults.push(format!(
            "{path}: the slice {own} has no place among the layers; give it one in xtask/src/tidy.rs"
        ));
        return;
    };
    if is_test(path) {
        return;
    }
    for (number, line) in without_tests(text).lines().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let named: String = line[at + 7..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let higher =
                layer(&named).is_some_and(|other| other > height || (other == height && named != own));
            if higher && !line.trim_start().starts_with("//") {
                faults.push(format!(
                    "{path}:{}: {own} names {named}, which stands beside or above it",
                    number + 1
                ));
            }
        }
    }
}

/// UI features carry the names of slices (or stand in the list of what only a browser has).
fn features(faults: &mut Vec<String>) {
    const ONLY_IN_THE_BROWSER: &[&str] = &["overview", "data", "settings", "sql"];
    let folders = |path: &Path| -> BTreeSet<String> {
        std::fs::read_dir(path)
            .map(|entries| {
                entries
                    .flatten()
                    .filter(|entry| entry.path().is_dir())
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .collect()
            })
            .unwrap_or_default()
    };
    let slices = folders(&root().join("crates/app/src"));
    let ui: PathBuf = root().join("ui/src/features");
    for feature in folders(&ui) {
        if !slices.contains(&feature) && !ONLY_IN_THE_BROWSER.contains(&feature.as_str()) {
            faults.push(format!(
                "ui/src/features/{feature} has no slice of that name in crates/app/src"
            ));
        }
    }
}
