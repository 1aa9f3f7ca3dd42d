//! The plan: a program's metrics and segment rules, compiled once and used alike for live events and for all history.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use tenure_lake::arrow::array::{ArrayRef, BooleanArray};
use tenure_lake::{Expr, Names, RecordBatch, Type};

use super::series::{Fold, Keep};
use crate::definitions::{AttributeType, Definitions, EventMeasure, Measure, MetricSource};

/// One thing that is kept of events, shared by all metrics that differ only in their window.
#[derive(Debug)]
pub struct SeriesPlan {
    /// What is kept.
    pub keep: Keep,
    names: Vec<String>,
    kinds: Vec<String>,
    /// The kinds of the events that it may hold, those of its names too.
    pub counted_kinds: Vec<String>,
    filter: Option<Expr>,
    of: Option<Expr>,
    /// Entries older than this many days are never asked for; `None` = all time is.
    pub horizon: Option<i32>,
}

/// How a metric is computed.
#[derive(Debug)]
pub enum MetricPlan {
    /// A window over a series.
    Series {
        /// Its place in [`Plan::series`].
        series: usize,
        /// How.
        fold: Fold,
        /// Days; `None` = all time.
        window: Option<i32>,
    },
    /// An expression over the environment.
    Expr(Expr),
}

/// One segment's compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// The segment's id.
    pub id: String,
    /// The rule as written.
    pub text: String,
    /// The rule.
    pub expr: Expr,
}

/// A name that expressions may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Its type.
    pub kind: Type,
}

/// A program's metrics and segment rules, compiled.
#[derive(Debug)]
pub struct Plan {
    /// Changes whenever a computed value could; kept state of another hash is computed again.
    pub hash: String,
    /// Changes whenever what is kept of events does.
    pub measures: String,
    /// What is kept of events.
    pub series: Vec<SeriesPlan>,
    /// The metrics' ids, in the program's order.
    pub metric_ids: Vec<String>,
    /// How each is computed.
    pub metrics: Vec<MetricPlan>,
    /// Places of expression metrics, each after those that it reads.
    pub order: Vec<usize>,
    /// The environment of expressions: built-in names, attributes, metrics. Columns stand in this order.
    pub names: Vec<Name>,
    /// Number of names before the first metric.
    pub metrics_from: usize,
    /// The rule of unclassified accounts.
    pub unclassified: Option<Rule>,
    /// The segments, in order.
    pub rules: Vec<Rule>,
    /// For each name of the environment, whether the rules read it, directly or through metrics.
    pub rule_reads: Vec<bool>,
    by_event: HashMap<String, Vec<usize>>,
    by_kind: HashMap<String, Vec<usize>>,
}

impl Plan {
    /// Compiles a checked program.
    ///
    /// # Errors
    /// When an expression does not compile, which a checked program's do.
    pub fn new(definitions: &Definitions) -> Result<Self> {
        let names: Vec<Name> = definitions
            .names()
            .into_iter()
            .map(|(name, kind)| Name {
                name,
                kind: name_type(kind),
            })
            .collect();
        let scope = environment(&names);
        let metrics_from = names.len() - definitions.metrics.len();
        let mut series: Vec<SeriesPlan> = Vec::new();
        let mut keys: Vec<(Keep, EventMeasure)> = Vec::new();
        let mut metrics = Vec::new();
        for metric in &definitions.metrics {
            metrics.push(match &metric.source {
                MetricSource::Expr { expr } => MetricPlan::Expr(
                    Expr::compile(expr, &scope).with_context(|| format!("metric {}", metric.id))?,
                ),
                MetricSource::Events(measure) => {
                    let (keep, fold) = keep_and_fold(measure.measure);
                    let window = measure
                        .window
                        .map(|days| i32::try_from(days.0).unwrap_or(i32::MAX));
                    let key = (
                        keep,
                        EventMeasure {
                            window: None,
                            measure: Measure::Count,
                            ..measure.clone()
                        },
                    );
                    let at = match keys.iter().position(|known| *known == key) {
                        Some(at) => at,
                        None => {
                            series.push(
                                SeriesPlan::new(keep, measure, definitions)
                                    .with_context(|| format!("metric {}", metric.id))?,
                            );
                            keys.push(key);
                            series.len() - 1
                        }
                    };
                    series[at].widen(window);
                    MetricPlan::Series {
                        series: at,
                        fold,
                        window,
                    }
                }
            });
        }
        let rule = |id: &str, text: &str| -> Result<Rule> {
            let expr = Expr::compile_filter(text, &scope).with_context(|| format!("segment {id}"))?;
            Ok(Rule {
                id: id.to_owned(),
                text: text.to_owned(),
                expr,
            })
        };
        let set = &definitions.segments;
        let mut plan = Self {
            hash: hash(definitions),
            measures: short_hash(&format!("{keys:?}")),
            metric_ids: definitions
                .metrics
                .iter()
                .map(|metric| metric.id.clone())
                .collect(),
            metrics,
            order: definitions.expression_order(),
            metrics_from,
            unclassified: set
                .unclassified
                .as_deref()
                .map(|text| rule("unclassified", text))
                .transpose()?,
            rules: set
                .segments
                .iter()
                .map(|s| rule(&s.id, &s.rule))
                .collect::<Result<_>>()?,
            rule_reads: vec![false; names.len()],
            by_event: HashMap::new(),
            by_kind: HashMap::new(),
            series,
            names,
        };
        plan.index();
        Ok(plan)
    }

    /// Fills what is looked up by event and what the rules read.
    fn index(&mut self) {
        for (at, series) in self.series.iter().enumerate() {
            for name in &series.names {
                self.by_event.entry(name.clone()).or_default().push(at);
            }
            for kind in &series.kinds {
                self.by_kind.entry(kind.clone()).or_default().push(at);
            }
        }
        let rules = self.unclassified.iter().chain(&self.rules);
        self.rule_reads = self.needed_by(rules.flat_map(|rule| rule.expr.references()).map(String::as_str));
    }

    /// By name of the plan, whether it is one of these or is read by a metric that is.
    #[must_use]
    pub fn needed_by<'a>(&'a self, names: impl Iterator<Item = &'a str>) -> Vec<bool> {
        let mut reads = vec![false; self.names.len()];
        let mut queue: Vec<&str> = names.collect();
        while let Some(name) = queue.pop() {
            let Some(at) = self.names.iter().position(|known| known.name == name) else {
                continue;
            };
            if std::mem::replace(&mut reads[at], true) {
                continue;
            }
            if let Some(MetricPlan::Expr(expr)) = at
                .checked_sub(self.metrics_from)
                .and_then(|m| self.metrics.get(m))
            {
                queue.extend(expr.references().iter().map(String::as_str));
            }
        }
        reads
    }

    /// The fields of a record whose past is needed: the attributes among the names that are wanted (`None` = all), what says when an account
    /// is active, and its owner.
    #[must_use]
    pub fn fields(&self, only: Option<&[bool]>) -> Vec<String> {
        let wanted = |at: usize| only.is_none_or(|only| only[at]);
        let names = self.names.iter().take(self.metrics_from).enumerate();
        let mut fields: Vec<String> = names
            .filter(|(at, name)| {
                wanted(*at) && !["account_id", "name", "active", "days_active"].contains(&name.name.as_str())
            })
            .map(|(_, name)| name.name.clone())
            .collect();
        fields.extend(["mrr", "started_on", "churned_on", "owner"].map(str::to_owned));
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// By series, whether one of these names of the plan is made of it.
    #[must_use]
    pub fn series_of_names(&self, names: &[bool]) -> Vec<bool> {
        let mut read = vec![false; self.series.len()];
        let metrics = names.iter().skip(self.metrics_from).zip(&self.metrics);
        for (_, metric) in metrics.filter(|(wanted, _)| **wanted) {
            if let MetricPlan::Series { series, .. } = metric {
                read[*series] = true;
            }
        }
        read
    }

    /// Whether a segment can change from one day to the next although nothing is known to have happened:
    /// a rule reads a metric, or a name that counts days.
    #[must_use]
    pub fn moves_daily(&self) -> bool {
        self.names
            .iter()
            .zip(&self.rule_reads)
            .enumerate()
            .any(|(at, (name, read))| *read && (at >= self.metrics_from || name.name == "days_active"))
    }

    /// The series that events with this name or kind may belong to.
    pub fn series_of(&self, name: &str, kind: &str) -> impl Iterator<Item = usize> {
        // An event that a series reads by its name and by its kind is one event all the same.
        let by_name = self.by_event.get(name).map_or(&[][..], Vec::as_slice);
        let by_kind = self.by_kind.get(kind).into_iter().flatten();
        by_name
            .iter()
            .chain(by_kind.filter(|series| !by_name.contains(series)))
            .copied()
    }

    /// The columns of events that facts are made of, separated by commas.
    #[must_use]
    pub fn event_columns(&self) -> String {
        let mut columns: Vec<&str> = super::collect::COLUMNS.to_vec();
        let exprs = self
            .series
            .iter()
            .flat_map(|series| series.filter.iter().chain(&series.of));
        for name in exprs.flat_map(Expr::references) {
            if !columns.contains(&name.as_str()) {
                columns.push(name);
            }
        }
        columns.join(", ")
    }

    /// Every event name and kind that one of these series reads (`None` = all); empty when none is.
    #[must_use]
    pub fn reads(&self, series: Option<&[bool]>) -> (Vec<&str>, Vec<&str>) {
        let wanted = |of: &&Vec<usize>| series.is_none_or(|series| of.iter().any(|at| series[*at]));
        let names = self.by_event.iter().filter(|(_, of)| wanted(of));
        let kinds = self.by_kind.iter().filter(|(_, of)| wanted(of));
        (
            names.map(|(name, _)| name.as_str()).collect(),
            kinds.map(|(kind, _)| kind.as_str()).collect(),
        )
    }
}

impl SeriesPlan {
    fn new(keep: Keep, measure: &EventMeasure, definitions: &Definitions) -> Result<Self> {
        let of_name = |name: &String| definitions.events.kind(name);
        let counted = measure.events.iter().map(of_name);
        let counted: BTreeSet<&str> = counted
            .chain(measure.kinds.iter().copied())
            .map(|kind| kind.name())
            .collect();
        Ok(Self {
            keep,
            counted_kinds: counted.into_iter().map(str::to_owned).collect(),
            names: measure.events.clone(),
            kinds: measure.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            filter: measure
                .filter
                .as_deref()
                .map(|text| Expr::compile_filter(text, Names::events()))
                .transpose()?,
            of: measure
                .of
                .as_deref()
                .map(|text| Expr::compile(text, Names::events()))
                .transpose()?,
            horizon: Some(0),
        })
    }

    fn widen(&mut self, window: Option<i32>) {
        self.horizon = match (self.horizon, window) {
            (Some(held), Some(days)) => Some(held.max(days)),
            _ => None,
        };
    }

    /// Which rows of a batch of events belong to it; `None` = all.
    pub fn matches(&self, batch: &RecordBatch) -> Result<Option<BooleanArray>> {
        Ok(self
            .filter
            .as_ref()
            .map(|filter| filter.matches(batch))
            .transpose()?)
    }

    /// The value of each row of a batch of events; `None` = the measure reads none.
    pub fn values(&self, batch: &RecordBatch) -> Result<Option<ArrayRef>> {
        Ok(self.of.as_ref().map(|of| of.eval(batch)).transpose()?)
    }

    /// Whether it evaluates anything of an event besides its name, kind and time.
    #[must_use]
    pub fn reads_properties(&self) -> bool {
        self.filter.is_some() || self.of.is_some()
    }
}

fn keep_and_fold(measure: Measure) -> (Keep, Fold) {
    match measure {
        Measure::Count => (Keep::Count, Fold::Count),
        Measure::DaysSince => (Keep::Count, Fold::DaysSince),
        Measure::Sum => (Keep::Sum, Fold::Sum),
        Measure::Mean => (Keep::Sum, Fold::Mean),
        Measure::Distinct => (Keep::Distinct, Fold::Distinct),
        Measure::Latest => (Keep::Latest, Fold::Value),
        Measure::Earliest => (Keep::Earliest, Fold::Value),
        Measure::Min => (Keep::Min, Fold::Value),
        Measure::Max => (Keep::Max, Fold::Value),
    }
}

/// The names as the expression compiler wants them.
#[must_use]
pub fn environment(names: &[Name]) -> Names {
    Names::new(names.iter().map(|name| (name.name.clone(), name.kind)))
}

fn name_type(kind: AttributeType) -> Type {
    match kind {
        AttributeType::Integer => Type::Integer,
        AttributeType::Number | AttributeType::Money => Type::Number,
        AttributeType::Text => Type::Text,
        AttributeType::Boolean => Type::Boolean,
        AttributeType::Date => Type::Date,
    }
}

/// Counts what is kept of accounts: a program's accounts are computed again when it rises.
const KEPT: u32 = 3;

/// A name for everything that computed values depend on.
fn hash(definitions: &Definitions) -> String {
    let parts = (
        KEPT,
        &definitions.attributes,
        &definitions.segments,
        &definitions.metrics,
        &definitions.program.time_zone,
    );
    let text = serde_json::to_string(&parts).unwrap_or_default();
    short_hash(&text)
}

fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().as_str()[..16].to_owned()
}

/// A plan that is shared.
pub type SharedPlan = Arc<Plan>;
