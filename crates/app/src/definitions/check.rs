//! Checks over the whole program: every name that is used exists, and everything that can be known to be wrong is said.

mod compile;
pub(super) mod dashboards;
mod names;
mod order;
mod scores;
mod targets;

use std::collections::HashMap;

use super::Definitions;
use super::decode::{Note, list};
use super::problem::Problem;
use super::sql::{self, Used};
use super::types::*;
use super::vocabulary::{CURRENCIES, RELATIONS};
use super::yaml::{Places, shorten};
use crate::definitions::Kind;

use compile::Wanted;
pub(super) use names::reads;
pub(super) use order::{expression_order, reads_of_metric};

/// What the lake's planner says against the SQL of a KPI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlProblem {
    /// What is wrong, one sentence.
    pub problem: String,
    /// Line and column in the SQL text, from 1, when they are known.
    pub at: Option<(usize, usize)>,
    /// The offending name, when there is one.
    pub name: Option<String>,
    /// The nearest right name, when there is one.
    pub nearest: Option<String>,
}

/// Notes problems by path.
pub(super) struct Checker<'a> {
    pub definitions: &'a Definitions,
    places: &'a Places,
    problems: Vec<Problem>,
    /// Every value could be read. Else stand-ins are among them, whose meaning must not be judged.
    sound: bool,
}

impl Checker<'_> {
    fn note(&mut self, file: &str, path: &str, note: Note) {
        let at = self.places.find(file, path);
        self.problems.push(note.place(file, at, path));
    }

    /// Notes a problem inside a text that holds SQL.
    fn note_inside(&mut self, file: &str, path: &str, line: usize, column: usize, note: Note) {
        let at = self.places.inside(file, path, line, column);
        self.problems.push(note.place(file, at, path));
    }

    /// Notes every id that is given twice, naming the line of the first.
    fn unique<'i>(&mut self, file: &str, key: &str, ids: impl Iterator<Item = &'i str>) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (index, id) in ids.enumerate().filter(|(_, id)| !id.is_empty()) {
            let Some(first) = seen.get(id) else {
                seen.insert(id, index);
                continue;
            };
            let line = self.places.find(file, &format!("{key}[{first}].id")).line;
            let note = Note::error(
                id,
                format!("'{id}' is declared twice, first in line {line}."),
                "Give one of the two another id.",
            );
            self.note(file, &format!("{key}[{index}].id"), note);
        }
    }
}

/// Every problem of definitions that could be read; `sound` says whether each single value could.
pub(super) fn all(
    definitions: &Definitions,
    places: &Places,
    sound: bool,
    check_sql: &dyn Fn(&Kpi) -> Result<(), SqlProblem>,
) -> Vec<Problem> {
    let mut checker = Checker {
        definitions,
        places,
        problems: Vec::new(),
        sound,
    };
    let d = definitions;
    checker.unique(
        "attributes.yaml",
        "attributes",
        d.attributes.iter().map(|a| a.id.as_str()),
    );
    checker.unique(
        "segments.yaml",
        "segments",
        d.segments.segments.iter().map(|s| s.id.as_str()),
    );
    checker.unique("metrics.yaml", "metrics", d.metrics.iter().map(|m| m.id.as_str()));
    checker.unique("kpis.yaml", "kpis", d.kpis.iter().map(|k| k.id.as_str()));
    checker.unique("targets.yaml", "targets", d.targets.iter().map(|t| t.id.as_str()));
    program(&mut checker);
    names::taken(&mut checker);
    events(&mut checker);
    segments(&mut checker);
    metrics(&mut checker);
    order::cycles(&mut checker);
    scores::all(&mut checker);
    for (index, kpi) in d.kpis.iter().enumerate() {
        facts(&mut checker, index, kpi, check_sql);
    }
    targets::all(&mut checker);
    checker.problems
}

/// Every problem of the one score of definitions; its paths begin within it.
pub(super) fn score(definitions: &Definitions, places: &Places, sound: bool) -> Vec<Problem> {
    let mut checker = Checker {
        definitions,
        places,
        problems: Vec::new(),
        sound,
    };
    for score in &definitions.scores {
        scores::one(&mut checker, "", score);
    }
    checker.problems
}

fn program(checker: &mut Checker<'_>) {
    let meta = &checker.definitions.program;
    if jiff::tz::TimeZone::get(&meta.time_zone).is_err() {
        let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let note = Note::error(
            &meta.time_zone,
            format!("'{}' is not a time zone.", meta.time_zone),
            "Write an IANA name, e.g. America/Los_Angeles or UTC.",
        )
        .near(zones.iter().map(String::as_str));
        checker.note("program.yaml", "time_zone", note);
    }
    if let Some(stage) = &meta.lifecycle_stage {
        let d = checker.definitions;
        let held = d.attribute(stage);
        if held.is_none_or(|held| held.kind != super::AttributeType::Text) {
            let problem = if held.is_some() {
                format!("The attribute '{stage}' is no text.")
            } else {
                format!("There is no attribute '{stage}'.")
            };
            let texts = d
                .attributes
                .iter()
                .filter(|a| a.kind == super::AttributeType::Text);
            let note = Note::error(stage, problem, "Write the id of an attribute of type text.")
                .near(texts.map(|a| a.id.as_str()));
            checker.note("program.yaml", "lifecycle_stage", note);
        }
    }
    if !meta.currency.is_empty() && !CURRENCIES.contains(&meta.currency.as_str()) {
        let note = Note::error(
            &meta.currency,
            format!("'{}' is not an ISO 4217 currency.", meta.currency),
            "Write its three capital letters, e.g. USD.",
        )
        .near(CURRENCIES.iter().copied());
        checker.note("program.yaml", "currency", note);
    }
}

/// The event names that the program can meet: native ones, those given a kind, and those mapped to.
fn known_events(definitions: &Definitions) -> Vec<&str> {
    let native = Kind::vocabulary().map(|(name, _)| name);
    native
        .chain(definitions.events.kinds.keys().map(String::as_str))
        .collect()
}

fn unknown_event(definitions: &Definitions, name: &str) -> Note {
    let mut note = Note::error(
        name,
        format!("No event is called '{name}' in Tenure's vocabulary or in events.yaml."),
        "If your sources send it under this name, list it in events.yaml under 'kinds'.",
    )
    .near(known_events(definitions))
    .warning();
    if let Some(native) = definitions.events.names.get(name) {
        note.nearest = Some(native.clone());
        note.remedy = format!("events.yaml maps it to '{native}', the name that it has here.");
    }
    note
}

fn events(checker: &mut Checker<'_>) {
    let definitions = checker.definitions;
    let known = known_events(definitions);
    for (foreign, native) in &definitions.events.names {
        if !known.contains(&native.as_str()) {
            checker.note(
                "events.yaml",
                &format!("names.{foreign}"),
                unknown_event(definitions, native),
            );
        }
    }
    for name in definitions.events.kinds.keys() {
        if let Some((_, kind)) = Kind::vocabulary().find(|(native, _)| native == name) {
            let note = Note::error(
                name,
                format!("'{name}' is a native event and always of kind {}.", kind.name()),
                "Remove the line.",
            );
            checker.note("events.yaml", &format!("kinds.{name}"), note);
        }
    }
}

fn segments(checker: &mut Checker<'_>) {
    let set = &checker.definitions.segments;
    if let Some(condition) = &set.unclassified {
        names::account_expression(
            checker,
            "segments.yaml",
            "unclassified",
            condition,
            Wanted::Condition,
        );
    }
    let mut caught: Option<&str> = None;
    for (index, segment) in set.segments.iter().enumerate() {
        let path = format!("segments[{index}]");
        if matches!(segment.id.as_str(), "all" | "unclassified") {
            let note = Note::error(
                &segment.id,
                format!("'{}' has a meaning of its own.", segment.id),
                "Give the segment another id.",
            );
            checker.note("segments.yaml", &format!("{path}.id"), note);
        }
        if !segment.rule.is_empty() {
            names::account_expression(
                checker,
                "segments.yaml",
                &format!("{path}.rule"),
                &segment.rule,
                Wanted::Condition,
            );
        }
        if let Some(earlier) = caught {
            let note = Note::error(
                &segment.id,
                format!(
                    "No account can reach '{}': '{earlier}' takes every account before it.",
                    segment.id
                ),
                "Move the segment that takes everything to the end.",
            )
            .warning();
            checker.note("segments.yaml", &path, note);
        } else if segment.rule.trim().eq_ignore_ascii_case("true") {
            caught = Some(&segment.id);
        }
    }
    if set.segments.is_empty() {
        let note = Note::error(
            "segments",
            "There is no segment.",
            "List at least one, e.g. {id: customers, rule: TRUE}.",
        );
        checker.note("segments.yaml", "segments", note);
    }
}

fn metrics(checker: &mut Checker<'_>) {
    let definitions = checker.definitions;
    let known = known_events(definitions);
    for (index, metric) in definitions.metrics.iter().enumerate() {
        let path = format!("metrics[{index}]");
        match &metric.source {
            MetricSource::Expr { expr } => {
                names::account_expression(
                    checker,
                    "metrics.yaml",
                    &format!("{path}.expr"),
                    expr,
                    Wanted::Number,
                );
            }
            MetricSource::Events(measure) => {
                for (position, name) in measure.events.iter().enumerate() {
                    if !known.contains(&name.as_str()) {
                        let path = format!("{path}.events[{position}]");
                        checker.note("metrics.yaml", &path, unknown_event(definitions, name));
                    }
                }
                if let Some(filter) = &measure.filter {
                    names::event_expression(checker, &format!("{path}.where"), filter, Wanted::Condition);
                }
                if let Some(of) = &measure.of {
                    let wanted = if measure.measure == Measure::Distinct {
                        Wanted::Anything
                    } else {
                        Wanted::Number
                    };
                    names::event_expression(checker, &format!("{path}.of"), of, wanted);
                }
            }
        }
    }
}

fn facts(
    checker: &mut Checker<'_>,
    index: usize,
    kpi: &Kpi,
    check_sql: &dyn Fn(&Kpi) -> Result<(), SqlProblem>,
) {
    if kpi.proportion && kpi.value != KpiValue::Ratio {
        let note = Note::error(
            "proportion",
            "Only a KPI of value 'ratio' can be a proportion.",
            "Remove 'proportion', or make 'value' ratio.",
        );
        checker.note("kpis.yaml", &format!("kpis[{index}].proportion"), note);
    }
    let Some(facts) = &kpi.facts else { return };
    let path = format!("kpis[{index}].facts");
    let before = checker.problems.len();
    one_select(checker, &path, facts);
    let columns: &[&str] = match kpi.value {
        KpiValue::Ratio | KpiValue::Sum | KpiValue::Mean => {
            &["period", "account_no", "numerator", "denominator"]
        }
        KpiValue::Nps => &[
            "period",
            "account_no",
            "promoters",
            "detractors",
            "numerator",
            "denominator",
        ],
    };
    let item = kpi.item_label.is_some().then_some("item");
    for column in columns
        .iter()
        .copied()
        .chain(item)
        .filter(|column| !sql::mentions(facts, column))
    {
        let note = Note::error(
            column,
            format!("The facts do not give the column '{column}'."),
            format!("They have to give {}.", list(columns)),
        );
        checker.note("kpis.yaml", &path, note);
    }
    for Used { name, line, column } in sql::relations(facts) {
        if !RELATIONS.iter().any(|(relation, _)| *relation == name) {
            let known: Vec<&str> = RELATIONS.iter().map(|(relation, _)| *relation).collect();
            let note = Note::error(
                &name,
                format!("There is no relation '{name}'."),
                format!("Facts may read {}.", list(&known)),
            )
            .near(known.iter().copied());
            checker.note_inside("kpis.yaml", &path, line, column, note);
        }
    }
    if checker.problems.len() == before
        && let Err(found) = check_sql(kpi)
    {
        let (line, column) = found.at.unwrap_or((1, 1));
        let mut note = Note::error(
            found.name.unwrap_or_else(|| shorten(facts)),
            found.problem,
            "Correct the SQL of the facts.",
        );
        note.nearest = found.nearest;
        checker.note_inside("kpis.yaml", &path, line, column, note);
    }
}

/// One statement, and one that only reads.
fn one_select(checker: &mut Checker<'_>, path: &str, facts: &str) {
    const REMEDY: &str = "Write one SELECT, with WITH before it where that helps.";
    let tokens = sql::tokens(facts);
    let first = match tokens.first().map(|placed| &placed.token) {
        Some(sql::Token::Name { text, quoted: false }) => text.as_str(),
        _ => "",
    };
    if !matches!(first, "select" | "with") {
        let note = Note::error(
            facts.split_whitespace().next().unwrap_or_default(),
            "The facts are not a SELECT.",
            REMEDY,
        );
        checker.note("kpis.yaml", path, note);
    }
    let end = tokens
        .iter()
        .position(|placed| placed.token == sql::Token::Mark(';'));
    if let Some(next) = end.and_then(|end| tokens.get(end + 1)) {
        let note = Note::error(";", "The facts are more than one statement.", REMEDY);
        checker.note_inside("kpis.yaml", path, next.line, next.column, note);
    }
}
