//! A program's definitions: what its YAML files say, checked.
//!
//! A program is a folder of eight files (see [`FILES`]) and its dashboards, one file each. [`Definitions::parse`] takes their texts, reads every one with
//! the place of every value, collects every problem, and gives back types that the slices work with. Nothing here does
//! I/O or knows the record store, so the same code serves `tenure program check`, the API and tests.
//!
//! - [`Definitions`] holds the result; [`Definitions::expression_order`] is the order in which expression metrics are computed.
//! - [`diff`] and [`affected`] say what changed between two versions and what has to be computed again.
//! - [`conflicts`] finds targets of different documents that want different things of the same figure.
//! - [`schemas`] gives the JSON Schemas that editors use.
//! - [`content_hash`] names a version by its content.

mod check;
mod conflict;
mod decode;
mod diff;
pub mod edit;
mod kind;
pub mod lines;
mod problem;
mod read;
mod schema;
mod sql;
#[cfg(test)]
mod tests;
mod types;
mod vocabulary;
mod yaml;

use std::collections::BTreeMap;

pub use check::SqlProblem;
pub use conflict::conflicts;
pub use diff::{Affected, Change, ChangeKind, FieldChange, What, affected, diff, kpi_prints};
pub use kind::Kind;
pub use problem::{Problem, Severity};
pub use schema::schemas;
pub use types::*;
pub use vocabulary::{BUILTINS, Builtin, RELATIONS};

/// The files of a program folder. `program.yaml` and `segments.yaml` must be there; the others may be left out.
pub const FILES: [&str; 8] = [
    "program.yaml",
    "attributes.yaml",
    "events.yaml",
    "segments.yaml",
    "metrics.yaml",
    "scores.yaml",
    "kpis.yaml",
    "targets.yaml",
];

/// Whether a file of a program holds a dashboard: `dashboards/NAME.yaml`, one dashboard in each, shown in the order of their names.
#[must_use]
pub fn is_dashboard_file(name: &str) -> bool {
    name.strip_prefix("dashboards/")
        .and_then(|rest| rest.strip_suffix(".yaml"))
        .is_some_and(|stem| {
            !stem.is_empty()
                && stem.len() <= 80
                && stem
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        })
}

/// Everything that a program declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Definitions {
    /// Name, zone, currency, start.
    pub program: ProgramMeta,
    /// What is known of an account.
    pub attributes: Vec<Attribute>,
    /// How foreign event names map onto native ones.
    pub events: EventMap,
    /// The segments, in order.
    pub segments: SegmentSet,
    /// The metrics, in the order of the file.
    pub metrics: Vec<Metric>,
    /// The outcomes that are listed, in the order of the file.
    pub outcomes: Vec<Outcome>,
    /// The scores, in the order of the file.
    pub scores: Vec<Score>,
    /// The KPIs, in the order of the file.
    pub kpis: Vec<Kpi>,
    /// The targets, in the order of the file.
    pub targets: Vec<Target>,
    /// The dashboards, in the order of their files' names.
    pub dashboards: Vec<Dashboard>,
}

/// Definitions that may be used, with what may be odd about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The definitions.
    pub definitions: Definitions,
    /// Problems of severity warning, in the order of files and lines.
    pub warnings: Vec<Problem>,
}

impl Definitions {
    /// Reads and checks a program from its files' texts (name → text). Warnings are dropped; see [`Definitions::check`].
    ///
    /// # Errors
    /// Every problem of severity error, in the order of files and lines.
    pub fn parse(files: &BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        Self::check(files, &|_| Ok(())).map(|checked| checked.definitions)
    }

    /// Reads and checks a program, asking `check_sql` to plan each KPI's facts against the lake.
    ///
    /// # Errors
    /// Every problem, errors and warnings, in the order of files and lines, when at least one is an error.
    pub fn check(
        files: &BTreeMap<String, String>,
        check_sql: &dyn Fn(&Kpi) -> Result<(), SqlProblem>,
    ) -> Result<Checked, Vec<Problem>> {
        Self::check_all(files, check_sql, &|_| Ok(()))
    }

    /// Like [`Definitions::check`], asking `check_tile` to plan the query of each tile that has one.
    ///
    /// # Errors
    /// Every problem, errors and warnings, in the order of files and lines, when at least one is an error.
    pub fn check_all(
        files: &BTreeMap<String, String>,
        check_sql: &dyn Fn(&Kpi) -> Result<(), SqlProblem>,
        check_tile: &dyn Fn(&str) -> Result<(), SqlProblem>,
    ) -> Result<Checked, Vec<Problem>> {
        let (definitions, mut problems, places) = read::program(files);
        if let Some(definitions) = &definitions {
            let sound = problems
                .iter()
                .all(|problem| problem.severity == Severity::Warning);
            problems.extend(check::all(definitions, &places, sound, check_sql));
            problems.extend(check::dashboards::of_program(
                definitions,
                files,
                &places,
                sound,
                check_tile,
            ));
        }
        problems.sort_by(|a, b| {
            let rank = |p: &Problem| {
                FILES
                    .iter()
                    .position(|file| *file == p.file)
                    .unwrap_or(FILES.len())
            };
            (rank(a), &a.file, a.line, a.column, &a.path).cmp(&(rank(b), &b.file, b.line, b.column, &b.path))
        });
        match definitions {
            Some(definitions)
                if problems
                    .iter()
                    .all(|problem| problem.severity == Severity::Warning) =>
            {
                Ok(Checked {
                    definitions,
                    warnings: problems,
                })
            }
            _ => Err(problems),
        }
    }

    /// The attribute with this id.
    pub fn attribute(&self, id: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.id == id)
    }

    /// The attribute that holds the lifecycle stage, where the name `stage` means it: in a program that names none it may be an attribute's id.
    pub fn stage_named(&self, name: &str) -> Option<&str> {
        (name == "stage").then_some(self.program.lifecycle_stage.as_deref())?
    }

    /// The segment with this id.
    pub fn segment(&self, id: &str) -> Option<&SegmentRule> {
        self.segments.segments.iter().find(|segment| segment.id == id)
    }

    /// The metric with this id.
    pub fn metric(&self, id: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }

    /// The outcome with this id; [`CHURN`] is there although no program lists it.
    pub fn outcome(&self, id: &str) -> Option<Outcome> {
        let listed = self.outcomes.iter().find(|outcome| outcome.id == id).cloned();
        listed.or_else(|| (id == CHURN).then(Outcome::churn))
    }

    /// The score with this id.
    pub fn score(&self, id: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.id == id)
    }

    /// The KPI with this id.
    pub fn kpi(&self, id: &str) -> Option<&Kpi> {
        self.kpis.iter().find(|kpi| kpi.id == id)
    }

    /// The dashboard with this id.
    pub fn dashboard(&self, id: &str) -> Option<&Dashboard> {
        self.dashboards.iter().find(|dashboard| dashboard.id == id)
    }

    /// Reads and checks the text (JSON or YAML) of a dashboard that a person made, against these definitions.
    ///
    /// # Errors
    /// Every problem; their file is `dashboard`.
    pub fn own_dashboard(
        &self,
        text: &str,
        check_tile: &dyn Fn(&str) -> Result<(), SqlProblem>,
    ) -> Result<Dashboard, Vec<Problem>> {
        let (read, mut problems, places) = read::one_dashboard(text);
        if let Some(dashboard) = &read {
            let sound = problems.is_empty();
            problems.extend(check::dashboards::own(
                self, dashboard, &places, sound, check_tile,
            ));
        }
        problems.retain(|problem| problem.severity == Severity::Error);
        match read {
            Some(dashboard) if problems.is_empty() => Ok(dashboard),
            _ => Err(problems),
        }
    }

    /// Reads and checks the text (JSON or YAML) of one score against these definitions, in place of the one of its id.
    ///
    /// # Errors
    /// Every problem; their file is `scores.yaml`, their paths begin within the score.
    pub fn try_score(&self, text: &str) -> Result<Score, Vec<Problem>> {
        let (read, mut problems, places) = read::one_score(text);
        if let Some(score) = &read {
            let mut changed = self.clone();
            changed.scores = vec![score.clone()];
            let sound = problems.is_empty();
            problems.extend(check::score(&changed, &places, sound));
        }
        problems.retain(|problem| problem.severity == Severity::Error);
        match read {
            Some(score) if problems.is_empty() => Ok(score),
            _ => Err(problems),
        }
    }

    /// The text (JSON or YAML) of a dashboard, read but not checked; `None` = it is none.
    #[must_use]
    pub fn read_dashboard(text: &str) -> Option<Dashboard> {
        let (read, problems, _) = read::one_dashboard(text);
        read.filter(|_| problems.iter().all(|problem| problem.severity != Severity::Error))
    }

    /// Positions in `metrics` of the expression metrics, each after every metric that it reads.
    pub fn expression_order(&self) -> Vec<usize> {
        check::expression_order(self)
    }

    /// The names that an expression over an account may use, with their types: built-in names, attributes, metrics.
    pub fn names(&self) -> Vec<(String, AttributeType)> {
        let builtins = BUILTINS
            .iter()
            .map(|builtin| (builtin.name.to_owned(), builtin.kind));
        let attributes = self
            .attributes
            .iter()
            .map(|attribute| (attribute.id.clone(), attribute.kind));
        let metrics = self
            .metrics
            .iter()
            .map(|metric| (metric.id.clone(), AttributeType::Number));
        builtins.chain(attributes).chain(metrics).collect()
    }
}

impl EventMap {
    /// The native name of an event as its source calls it.
    pub fn native<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }

    /// The kind of an event by its native name.
    pub fn kind(&self, native: &str) -> Kind {
        let known = Kind::vocabulary()
            .find(|(name, _)| *name == native)
            .map(|(_, kind)| kind);
        known
            .or_else(|| self.kinds.get(native).copied())
            .unwrap_or(Kind::Product)
    }
}

/// The line and column, both from 1, at which a YAML text says what stands under a path such as `files[2].kind`; where nothing stands there,
/// those of the nearest thing around it. `None` = the text is no YAML.
#[must_use]
pub fn position_of(text: &str, path: &str) -> Option<(usize, usize)> {
    yaml::position_of(text, path)
}

/// The name of a version by its content: BLAKE3 over every file's name and text, in the order of names.
/// Two versions with the same hash have the same files, byte for byte.
pub fn content_hash(files: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, text) in files {
        for part in [name, text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}
