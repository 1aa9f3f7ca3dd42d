//! What changed between two versions of a program, and what has to be computed again because of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use super::check::{reads, reads_of_metric};
use super::{Definitions, Kpi, sql};

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The program itself (`program.yaml`); its id is the name of the program.
    Program,
    /// An attribute.
    Attribute,
    /// The mapped name of a foreign event; its id is the foreign name.
    EventName,
    /// The kind of an event; its id is the event's name.
    EventKind,
    /// The condition for unclassified accounts; its id is `unclassified`.
    Unclassified,
    /// A segment.
    Segment,
    /// The order of the segments; its id is `order`.
    SegmentOrder,
    /// A metric.
    Metric,
    /// An outcome.
    Outcome,
    /// A score.
    Score,
    /// A KPI.
    Kpi,
    /// A target.
    Target,
    /// A dashboard.
    Dashboard,
}

/// How it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Some of its fields differ.
    Changed,
}

/// A field before and after; null where it is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The key, as in the YAML.
    pub field: String,
    /// The value before.
    pub old: Json,
    /// The value after.
    pub new: Json,
}

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// How it changed.
    pub kind: ChangeKind,
    /// What it is.
    pub what: What,
    /// Which one.
    pub id: String,
    /// Its fields that differ; for an added or removed thing, all of them.
    pub fields: Vec<FieldChange>,
}

/// Every difference between two versions, by kind of thing, each in the order of the newer file, removed ones last.
pub fn diff(old: &Definitions, new: &Definitions) -> Vec<Change> {
    let mut changes = Vec::new();
    let program = |d: &Definitions| vec![("program".to_owned(), json(&d.program))];
    compare(&mut changes, What::Program, program(old), program(new));
    let by_id = |entries: Vec<Json>| -> Vec<(String, Json)> {
        entries
            .into_iter()
            .map(|entry| (entry["id"].as_str().unwrap_or_default().to_owned(), entry))
            .collect()
    };
    let attributes = |d: &Definitions| by_id(d.attributes.iter().map(json).collect());
    compare(&mut changes, What::Attribute, attributes(old), attributes(new));
    let names = |d: &Definitions| {
        d.events
            .names
            .iter()
            .map(|(name, to)| (name.clone(), one("name", to)))
            .collect()
    };
    compare(&mut changes, What::EventName, names(old), names(new));
    let kinds = |d: &Definitions| {
        d.events
            .kinds
            .iter()
            .map(|(name, kind)| (name.clone(), one("kind", kind)))
            .collect()
    };
    compare(&mut changes, What::EventKind, kinds(old), kinds(new));
    let unclassified = |d: &Definitions| {
        d.segments
            .unclassified
            .iter()
            .map(|rule| ("unclassified".to_owned(), one("rule", rule)))
            .collect()
    };
    compare(
        &mut changes,
        What::Unclassified,
        unclassified(old),
        unclassified(new),
    );
    let segments = |d: &Definitions| by_id(d.segments.segments.iter().map(json).collect());
    compare(&mut changes, What::Segment, segments(old), segments(new));
    segment_order(&mut changes, old, new);
    let metrics = |d: &Definitions| by_id(d.metrics.iter().map(json).collect());
    compare(&mut changes, What::Metric, metrics(old), metrics(new));
    let outcomes = |d: &Definitions| by_id(d.outcomes.iter().map(json).collect());
    compare(&mut changes, What::Outcome, outcomes(old), outcomes(new));
    let scores = |d: &Definitions| by_id(d.scores.iter().map(json).collect());
    compare(&mut changes, What::Score, scores(old), scores(new));
    let kpis = |d: &Definitions| by_id(d.kpis.iter().map(json).collect());
    compare(&mut changes, What::Kpi, kpis(old), kpis(new));
    let targets = |d: &Definitions| by_id(d.targets.iter().map(json).collect());
    compare(&mut changes, What::Target, targets(old), targets(new));
    let dashboards = |d: &Definitions| by_id(d.dashboards.iter().map(json).collect());
    compare(&mut changes, What::Dashboard, dashboards(old), dashboards(new));
    changes
}

fn json<T: Serialize>(entry: &T) -> Json {
    // Serialising plain structs with text keys cannot fail; were it to, the entry would compare as empty.
    serde_json::to_value(entry).unwrap_or_default()
}

fn one<T: Serialize>(key: &str, value: &T) -> Json {
    Json::Object([(key.to_owned(), json(value))].into_iter().collect())
}

/// The order matters among the segments that both versions have.
fn segment_order(changes: &mut Vec<Change>, old: &Definitions, new: &Definitions) {
    let order = |d: &Definitions, other: &Definitions| -> Vec<String> {
        d.segments
            .segments
            .iter()
            .map(|s| s.id.clone())
            .filter(|id| other.segment(id).is_some())
            .collect()
    };
    let (before, after) = (order(old, new), order(new, old));
    if before != after {
        let field = FieldChange {
            field: "order".into(),
            old: json(&before),
            new: json(&after),
        };
        changes.push(Change {
            kind: ChangeKind::Changed,
            what: What::SegmentOrder,
            id: "order".into(),
            fields: vec![field],
        });
    }
}

fn compare(changes: &mut Vec<Change>, what: What, old: Vec<(String, Json)>, new: Vec<(String, Json)>) {
    let empty = Json::Null;
    for (id, after) in &new {
        let before = old.iter().find(|(other, _)| other == id).map(|(_, value)| value);
        let kind = if before.is_some() {
            ChangeKind::Changed
        } else {
            ChangeKind::Added
        };
        let fields = fields(before.unwrap_or(&empty), after);
        if !fields.is_empty() {
            changes.push(Change {
                kind,
                what,
                id: id.clone(),
                fields,
            });
        }
    }
    for (id, before) in old
        .iter()
        .filter(|(id, _)| !new.iter().any(|(other, _)| other == id))
    {
        changes.push(Change {
            kind: ChangeKind::Removed,
            what,
            id: id.clone(),
            fields: fields(before, &empty),
        });
    }
}

fn fields(old: &Json, new: &Json) -> Vec<FieldChange> {
    let keys = |json: &Json| -> Vec<String> {
        json.as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect()
    };
    let mut all = keys(new);
    all.extend(keys(old).into_iter().filter(|key| new.get(key).is_none()));
    all.into_iter()
        .map(|field| {
            let value = |json: &Json| json.get(&field).cloned().unwrap_or_default();
            FieldChange {
                old: value(old),
                new: value(new),
                field: field.clone(),
            }
        })
        .filter(|change| change.old != change.new)
        .collect()
}

/// What has to be computed again after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Everything: days, months or the currency mean something else now.
    pub everything: bool,
    /// The metrics whose values can differ, in alphabetical order.
    pub metrics: BTreeSet<String>,
    /// Whether an account's segment can differ.
    pub segments: bool,
    /// The KPIs whose figures can differ.
    pub kpis: BTreeSet<String>,
    /// The targets whose baseline or status can differ.
    pub targets: BTreeSet<String>,
}

impl Affected {
    /// Whether nothing has to be computed again.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the changes from `diff` touch in the newer version, through every reference: an attribute or metric touches the
/// expressions that read it, and so on; segments touch every KPI, because figures are shown by segment. Labels,
/// descriptions and sources touch nothing.
pub fn affected(new: &Definitions, changes: &[Change]) -> Affected {
    let mut found = Affected::default();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut scores = false;
    for change in changes
        .iter()
        .filter(|change| change.fields.iter().any(|field| matters(&field.field)))
    {
        match change.what {
            What::Program => {
                found.everything |= change
                    .fields
                    .iter()
                    .any(|f| matches!(f.field.as_str(), "time_zone" | "currency"))
            }
            What::Attribute => {
                // `required` says what counts as complete, not what the value is.
                names.insert(change.id.clone());
            }
            What::Metric => {
                names.insert(change.id.clone());
            }
            // Events of the past keep the name and kind under which they were stored; a new mapping changes what comes.
            What::EventName | What::EventKind | What::Dashboard | What::Outcome => {}
            What::Score => scores = true,
            What::Unclassified | What::Segment | What::SegmentOrder => found.segments = true,
            What::Kpi => {
                found.kpis.insert(change.id.clone());
            }
            What::Target => {
                found.targets.insert(change.id.clone());
            }
        }
    }
    spread(new, &mut names);
    let rules = new
        .segments
        .segments
        .iter()
        .map(|segment| &segment.rule)
        .chain(&new.segments.unclassified);
    found.segments |= rules
        .into_iter()
        .any(|rule| reads(rule).iter().any(|name| names.contains(name)));
    if found.everything {
        names.extend(new.metrics.iter().map(|metric| metric.id.clone()));
        found.segments = true;
    }
    found.metrics = new
        .metrics
        .iter()
        .map(|metric| metric.id.clone())
        .filter(|id| names.contains(id))
        .collect();
    scores |= new
        .scores
        .iter()
        .flat_map(|score| &score.models)
        .any(|model| model.measures().any(|measure| names.contains(&measure.metric)));
    for kpi in new.kpis.iter().filter(|kpi| kpi.facts.is_some()) {
        let facts = kpi.facts.as_deref().unwrap_or_default();
        if found.segments
            || (scores && sql::mentions(facts, "score_days"))
            || names.iter().any(|name| sql::mentions(facts, name))
        {
            found.kpis.insert(kpi.id.clone());
        }
    }
    found.kpis.retain(|id| new.kpi(id).is_some());
    found.targets.extend(
        new.targets
            .iter()
            .filter(|target| found.kpis.contains(&target.kpi))
            .map(|target| target.id.clone()),
    );
    found
        .targets
        .retain(|id| new.targets.iter().any(|target| target.id == *id));
    found
}

fn matters(field: &str) -> bool {
    !matches!(
        field,
        "label" | "description" | "source" | "title" | "group" | "item_label" | "better" | "id" | "unit"
    )
}

/// An entry without what is only words.
fn plain(mut entry: Json) -> Json {
    if let Json::Object(fields) = &mut entry {
        fields.retain(|name, _| matters(name));
    }
    entry
}

/// What decides which accounts there are and how they are measured: everything that SQL sees besides what happened.
fn tables(definitions: &Definitions) -> String {
    let all = |entries: Vec<Json>| Json::Array(entries.into_iter().map(plain).collect());
    let ids = |ids: Vec<&str>| json(&ids);
    Json::Array(vec![
        json(&definitions.program.time_zone),
        json(&definitions.program.currency),
        ids(definitions.attributes.iter().map(|it| it.id.as_str()).collect()),
        all(definitions.attributes.iter().map(json).collect()),
        ids(definitions.metrics.iter().map(|it| it.id.as_str()).collect()),
        all(definitions.metrics.iter().map(json).collect()),
        ids(definitions
            .segments
            .segments
            .iter()
            .map(|it| it.id.as_str())
            .collect()),
        all(definitions.segments.segments.iter().map(json).collect()),
        json(&definitions.segments.unclassified),
    ])
    .to_string()
}

/// A print of what answers of queries are computed by besides what happened: as long as it stays the same, the same query over the same
/// accounts and events has the same answer.
#[must_use]
pub fn tables_print(definitions: &Definitions) -> String {
    blake3::hash(tables(definitions).as_bytes()).to_hex()[..32].to_owned()
}

/// Of each KPI a print of everything that its figures are computed by, besides what happened: as long as it stays the same, figures that
/// were computed hold until something happens that touches them. Labels, descriptions and sources are not in it.
#[must_use]
pub fn kpi_prints(definitions: &Definitions) -> BTreeMap<String, String> {
    let scores = json(&definitions.scores);
    let shared = tables(definitions);
    let print = |kpi: &Kpi| {
        let mut hash = blake3::Hasher::new();
        hash.update(shared.as_bytes());
        hash.update(plain(json(kpi)).to_string().as_bytes());
        if sql::mentions(kpi.facts.as_deref().unwrap_or_default(), "score_days") {
            hash.update(scores.to_string().as_bytes());
        }
        hash.finalize().to_hex()[..32].to_owned()
    };
    definitions
        .kpis
        .iter()
        .map(|kpi| (kpi.id.clone(), print(kpi)))
        .collect()
}

/// Adds every metric that reads one of the names, again and again.
fn spread(definitions: &Definitions, names: &mut BTreeSet<String>) {
    loop {
        let more: Vec<String> = definitions
            .metrics
            .iter()
            .filter(|metric| !names.contains(&metric.id))
            .filter(|metric| reads_of_metric(metric).iter().any(|name| names.contains(name)))
            .map(|metric| metric.id.clone())
            .collect();
        if more.is_empty() {
            return;
        }
        names.extend(more);
    }
}
