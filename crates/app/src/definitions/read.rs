//! From YAML trees to definitions: one function for each document, each listing the keys that it takes.

mod dashboard;
mod kpi;
mod metric;
mod score;
mod target;
mod words;

use std::collections::BTreeMap;

use super::decode::{Fields, Note, Notes};
use super::problem::Problem;
use super::types::*;
use super::yaml::{Node, Places, Value, join, read};
use super::{Definitions, FILES, is_dashboard_file};
use crate::definitions::Kind;

use kpi::kpi;
use metric::metric;
use target::target;
use words::ATTRIBUTE_TYPES;

/// Keys of each document and of each entry, for reading and for the test that compares them with the schemas.
pub(super) mod keys {
    pub const PROGRAM: &[&str] = &[
        "program",
        "title",
        "time_zone",
        "currency",
        "started_on",
        "lifecycle_stage",
    ];
    pub const ATTRIBUTE: &[&str] = &["id", "label", "description", "type", "required"];
    pub const EVENTS: &[&str] = &["names", "kinds"];
    pub const SEGMENTS: &[&str] = &["unclassified", "segments"];
    pub const SEGMENT: &[&str] = &["id", "label", "rule", "cadence", "description"];
    pub const METRIC: &[&str] = &[
        "id",
        "label",
        "description",
        "unit",
        "better",
        "measure",
        "events",
        "kinds",
        "where",
        "of",
        "window",
        "expr",
    ];
    pub const SCORES: &[&str] = &["outcomes", "scores"];
    pub const OUTCOME: &[&str] = &[
        "id",
        "label",
        "description",
        "kind",
        "events",
        "segment",
        "horizon",
        "among",
    ];
    pub const SCORE: &[&str] = &[
        "id",
        "label",
        "description",
        "outcome",
        "frozen",
        "bands",
        "models",
    ];
    pub const BANDS: &[&str] = &["green", "yellow"];
    pub const SCORE_MODEL: &[&str] = &[
        "id",
        "label",
        "segments",
        "min_coverage",
        "quiet_days",
        "key_metrics",
        "groups",
    ];
    pub const SCORE_GROUP: &[&str] = &["id", "label", "weight", "measures"];
    pub const SCORE_MEASURE: &[&str] = &["metric", "weight", "curve", "stale_after"];
    pub const CURVE: &[&str] = &["linear", "steps"];
    pub const LINEAR: &[&str] = &["knots", "direction"];
    pub const STEPS: &[&str] = &["cuts", "points", "direction"];
    pub const KPI: &[&str] = &[
        "id",
        "label",
        "group",
        "description",
        "source",
        "unit",
        "better",
        "window",
        "value",
        "proportion",
        "segment_at",
        "lag",
        "item_label",
        "waits_for",
        "facts",
    ];
    pub const TARGET: &[&str] = &[
        "id",
        "label",
        "description",
        "kpi",
        "scope",
        "program",
        "baseline",
        "goal",
        "deadline",
        "source",
    ];
    pub const DASHBOARD: &[&str] = &[
        "id",
        "title",
        "group",
        "description",
        "source",
        "segment",
        "tiles",
    ];
    pub const TILE: &[&str] = &[
        "id",
        "title",
        "kind",
        "description",
        "width",
        "height",
        "kpis",
        "metric",
        "sql",
        "text",
        "by",
        "measure",
        "scope",
        "grain",
        "points",
        "x",
        "y",
        "size",
        "filter",
        "columns",
        "sort",
        "limit",
        "steps",
        "of",
        "unit",
        "waits_for",
    ];
    pub const STEP: &[&str] = &["label", "filter"];
    pub const BASELINE: &[&str] = &["value", "measure", "on"];
    pub const GOAL: &[&str] = &["value", "points", "relative"];
}

/// The kinds of events by name.
fn kind_words() -> Vec<(&'static str, Kind)> {
    let mut kinds: Vec<_> = Kind::vocabulary().map(|(_, kind)| (kind.name(), kind)).collect();
    kinds.dedup();
    kinds
}
/// Reads every file. The definitions are there when each file could be read far enough to check it as a whole.
pub(super) fn program(files: &BTreeMap<String, String>) -> (Option<Definitions>, Vec<Problem>, Places) {
    let mut notes = Notes::default();
    for name in files
        .keys()
        .filter(|name| !FILES.contains(&name.as_str()) && !is_dashboard_file(name))
    {
        let note = Note::error(
            name,
            format!("'{name}' is not a file of a program."),
            format!(
                "The files are {}, and dashboards as dashboards/NAME.yaml.",
                super::decode::list(&FILES)
            ),
        )
        .near(FILES)
        .warning();
        notes
            .problems
            .push(note.place(name, super::yaml::Position::START, ""));
    }
    let mut trees: BTreeMap<&str, Node> = BTreeMap::new();
    let mut readable = true;
    let pages = files
        .keys()
        .map(String::as_str)
        .filter(|name| is_dashboard_file(name));
    for file in FILES.into_iter().chain(pages) {
        let Some(text) = files.get(file) else {
            if matches!(file, "program.yaml" | "segments.yaml") {
                let note = Note::error(
                    file,
                    format!("The file {file} is missing."),
                    format!("Add {file}; docs/program.md shows one."),
                );
                notes
                    .problems
                    .push(note.place(file, super::yaml::Position::START, ""));
                readable = false;
            }
            continue;
        };
        match read(text) {
            Ok(tree) => {
                notes.places.remember(file, text, &tree);
                trees.insert(file, tree);
            }
            Err(unreadable) => {
                let note = Note::error(
                    file,
                    format!("This is not YAML: {}.", unreadable.problem.trim_end_matches('.')),
                    "Check indentation, quotes and colons here and in the line above.",
                );
                notes.problems.push(note.place(file, unreadable.at, ""));
                readable = false;
            }
        }
    }
    let tree = |file| trees.get(file);
    let program = tree("program.yaml").map(|node| program_meta(&mut notes, node));
    let attributes = entries(
        &mut notes,
        "attributes.yaml",
        "attributes",
        tree("attributes.yaml"),
        attribute,
    );
    let events = tree("events.yaml")
        .map(|node| event_map(&mut notes, node))
        .unwrap_or_default();
    let segments = tree("segments.yaml").map(|node| segment_set(&mut notes, node));
    let metrics = entries(
        &mut notes,
        "metrics.yaml",
        "metrics",
        tree("metrics.yaml"),
        metric,
    );
    let (outcomes, scores) = tree("scores.yaml")
        .map(|node| score::scores(&mut notes, node))
        .unwrap_or_default();
    let kpis = entries(&mut notes, "kpis.yaml", "kpis", tree("kpis.yaml"), kpi);
    let targets = entries(
        &mut notes,
        "targets.yaml",
        "targets",
        tree("targets.yaml"),
        target,
    );
    let mut dashboards = Vec::new();
    for (file, node) in trees.iter().filter(|(file, _)| is_dashboard_file(file)) {
        if dashboard::is_there(node) {
            dashboards.push(dashboard::dashboard(&mut notes, file, node));
        } else {
            let note = Note::error(
                *file,
                "The file holds no dashboard.",
                "Write one, or remove the file; docs/dashboards.md shows how.",
            );
            notes.problems.push(note.place(file, node.at, ""));
        }
    }
    let definitions = match (program, segments) {
        (Some(program), Some(segments)) if readable => Some(Definitions {
            program,
            attributes,
            events,
            segments,
            metrics,
            outcomes,
            scores,
            kpis,
            targets,
            dashboards,
        }),
        _ => None,
    };
    (definitions, notes.problems, notes.places)
}

/// Reads the text of one dashboard that is no file of a program: JSON, which is YAML too.
pub(super) fn one_dashboard(text: &str) -> (Option<Dashboard>, Vec<Problem>, Places) {
    let mut notes = Notes::default();
    let read = match read(text) {
        Ok(node) => {
            notes.places.remember(OWN, text, &node);
            Some(dashboard::dashboard(&mut notes, OWN, &node))
        }
        Err(unreadable) => {
            let note = Note::error(OWN, unreadable.problem, "Send a dashboard as JSON.");
            notes.problems.push(note.place(OWN, unreadable.at, ""));
            None
        }
    };
    (read, notes.problems, notes.places)
}

/// Reads the text of one score.
pub(super) fn one_score(text: &str) -> (Option<Score>, Vec<Problem>, Places) {
    let mut notes = Notes::default();
    let read = match read(text) {
        Ok(node) => {
            notes.places.remember("scores.yaml", text, &node);
            Some(score::one(&mut notes, &node))
        }
        Err(unreadable) => {
            let note = Note::error("score", unreadable.problem, "Send a score as JSON.");
            notes.problems.push(note.place("scores.yaml", unreadable.at, ""));
            None
        }
    };
    (read, notes.problems, notes.places)
}

/// The name under which problems of a person's own dashboard are told.
pub(super) const OWN: &str = "dashboard";

/// The entries of a document that is one list. An entry with problems is still there, with stand-in values where it
/// could not be read, so that positions in the list stay those of the file and other entries may name it.
fn entries<T: Entry>(
    notes: &mut Notes,
    file: &'static str,
    key: &str,
    tree: Option<&Node>,
    one: fn(&mut Notes, &Fields<'_>) -> T,
) -> Vec<T> {
    let Some(node) = tree.filter(|node| !matches!(node.value, Value::Null)) else {
        return Vec::new();
    };
    let document = Fields::open(notes, file, String::new(), node, &[key]);
    list_entries(notes, &document, key, one)
}

fn list_entries<T: Entry>(
    notes: &mut Notes,
    document: &Fields<'_>,
    key: &str,
    one: fn(&mut Notes, &Fields<'_>) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for (index, node) in document.list(notes, key).iter().enumerate() {
        let fields = Fields::open(notes, document.file, format!("{key}[{index}]"), node, T::KEYS);
        found.push(one(notes, &fields));
    }
    found
}

/// What is read as one entry of a list.
trait Entry {
    const KEYS: &'static [&'static str];
}
impl Entry for Attribute {
    const KEYS: &'static [&'static str] = keys::ATTRIBUTE;
}
impl Entry for SegmentRule {
    const KEYS: &'static [&'static str] = keys::SEGMENT;
}
impl Entry for Metric {
    const KEYS: &'static [&'static str] = keys::METRIC;
}
impl Entry for Kpi {
    const KEYS: &'static [&'static str] = keys::KPI;
}
impl Entry for Target {
    const KEYS: &'static [&'static str] = keys::TARGET;
}

/// Stands for a day that could not be read; its problem has been noted.
const NO_DAY: jiff::civil::Date = jiff::civil::Date::ZERO;

fn program_meta(notes: &mut Notes, node: &Node) -> ProgramMeta {
    let fields = Fields::open(notes, "program.yaml", String::new(), node, keys::PROGRAM);
    let program = id(notes, &fields, "program");
    let title = fields.text(notes, "title").unwrap_or_else(|| program.clone());
    let time_zone = fields.text(notes, "time_zone").unwrap_or_else(|| "UTC".into());
    let currency = fields
        .need_text(notes, "currency", "Write the ISO 4217 code, e.g. USD.")
        .unwrap_or_default();
    let started_on = fields.date(notes, "started_on").unwrap_or(NO_DAY);
    let lifecycle_stage = fields.text(notes, "lifecycle_stage");
    ProgramMeta {
        program,
        title,
        time_zone,
        currency,
        started_on,
        lifecycle_stage,
    }
}

/// An id: what data, expressions and other entries call the thing.
fn id(notes: &mut Notes, fields: &Fields<'_>, key: &str) -> String {
    const REMEDY: &str = "Write lower-case letters, digits and '_', a letter first, at most 63.";
    let found = fields.need_text(notes, key, REMEDY).unwrap_or_default();
    let hyphen = matches!(key, "program")
        || fields.path.starts_with("targets")
        || is_dashboard_file(fields.file)
        || fields.file == OWN;
    let fits = found.len() <= 63
        && found.starts_with(|c: char| c.is_ascii_lowercase())
        && found
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || (hyphen && c == '-'));
    if !found.is_empty() && !fits {
        fields.note(
            notes,
            key,
            Note::error(&found, format!("'{found}' cannot be an id."), REMEDY),
        );
    }
    found
}

/// `label`, or the id as words.
fn label(notes: &mut Notes, fields: &Fields<'_>, id: &str) -> String {
    fields.text(notes, "label").unwrap_or_else(|| id.to_owned())
}

fn attribute(notes: &mut Notes, fields: &Fields<'_>) -> Attribute {
    let id = id(notes, fields, "id");
    Attribute {
        label: label(notes, fields, &id),
        description: fields.text(notes, "description").unwrap_or_default(),
        kind: fields
            .need_choice(notes, "type", ATTRIBUTE_TYPES)
            .unwrap_or(AttributeType::Text),
        required: fields.boolean(notes, "required"),
        id,
    }
}

fn event_map(notes: &mut Notes, node: &Node) -> EventMap {
    let mut map = EventMap::default();
    if matches!(node.value, Value::Null) {
        return map;
    }
    let fields = Fields::open(notes, "events.yaml", String::new(), node, keys::EVENTS);
    for (key, value) in fields.map(notes, "names") {
        let path = join("names", &key.name);
        match &value.value {
            Value::Text(native) if !native.trim().is_empty() => {
                if map.names.insert(key.name.clone(), native.clone()).is_some() {
                    let note = Note::error(
                        &key.name,
                        format!("'{}' is mapped twice.", key.name),
                        "Keep one of the two.",
                    );
                    notes.problems.push(note.place(fields.file, key.at, &path));
                }
            }
            other => {
                let note = Note::error(
                    other.noun(),
                    format!(
                        "'{}' is mapped to {}, not to an event name.",
                        key.name,
                        other.noun()
                    ),
                    "Write the event name that Tenure uses, e.g. login.",
                );
                notes.problems.push(note.place(fields.file, value.at, &path));
            }
        }
    }
    let kinds = fields.map(notes, "kinds");
    if !kinds.is_empty()
        && let Some(node) = fields.node("kinds")
    {
        let allowed: Vec<&str> = kinds.iter().map(|(key, _)| key.name.as_str()).collect();
        let listed = Fields::open(notes, fields.file, "kinds".into(), node, &allowed);
        for name in allowed {
            if let Some(kind) = listed.need_choice(notes, name, &kind_words()) {
                map.kinds.insert(name.to_owned(), kind);
            }
        }
    }
    map
}

fn segment_set(notes: &mut Notes, node: &Node) -> SegmentSet {
    let fields = Fields::open(notes, "segments.yaml", String::new(), node, keys::SEGMENTS);
    if !fields.has("segments") {
        fields.missing(notes, "segments", "List at least one segment.");
    }
    SegmentSet {
        unclassified: fields.expression(notes, "unclassified"),
        segments: list_entries(notes, &fields, "segments", |notes, fields| {
            let id = id(notes, fields, "id");
            if !fields.has("rule") {
                fields.missing(
                    notes,
                    "rule",
                    "Write a condition, e.g. mrr > 3500, or TRUE for everything else.",
                );
            }
            SegmentRule {
                label: label(notes, fields, &id),
                rule: fields.expression(notes, "rule").unwrap_or_default(),
                cadence: days(
                    notes,
                    fields,
                    "cadence",
                    "Write the longest time without a touchpoint as days, e.g. 30d.",
                ),
                description: fields.text(notes, "description").unwrap_or_default(),
                id,
            }
        }),
    }
}

/// A number of days such as `30d`, where it is there; at most ten years.
fn days(notes: &mut Notes, fields: &Fields<'_>, key: &str, remedy: &str) -> Option<Days> {
    let text = fields.text(notes, key)?;
    let found = text
        .strip_suffix('d')
        .and_then(whole)
        .filter(|n| (1..=3660).contains(n))
        .map(Days);
    if found.is_none() {
        fields.note(
            notes,
            key,
            Note::error(
                &text,
                format!("'{text}' is not a number of days from 1d to 3660d."),
                remedy,
            ),
        );
    }
    found
}

fn whole(text: &str) -> Option<u32> {
    (!text.starts_with('0') && text.chars().all(|c| c.is_ascii_digit())).then(|| text.parse().ok())?
}
