//! Outcomes and scores: `scores.yaml`.

use schemars::JsonSchema;
use serde::Serialize;
use tenure_learn::handset;

use super::Days;
use crate::definitions::schema::{CurveShape, DaysText};

/// The outcome that is there although no program lists it: the account churns within 90 days.
pub const CHURN: &str = "churn";

/// What an outcome looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The account churns.
    #[default]
    Churned,
    /// The account pays less at the end than at the beginning, or churns.
    Contracted,
    /// One of `events` happens.
    Event,
    /// None of `events` happens: how customers without a contract leave.
    NoEvent,
    /// The account is in `segment` on one of the days.
    Segment,
}

/// Something that may happen to an account within a number of days: what a score is proven against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Outcome {
    /// The name in data.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// What counts and what does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is looked for.
    pub kind: OutcomeKind,
    /// The event names, for kinds `event` and `no_event`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The segment, for kind `segment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Within how many days; `90d` when left out.
    #[serde(default = "ninety")]
    #[schemars(with = "DaysText")]
    pub horizon: Days,
    /// Which accounts are asked: a condition over attributes, built-in names and metrics; all active ones when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
}

fn ninety() -> Days {
    Days(90)
}

impl Outcome {
    /// The outcome that is there although no program lists it.
    #[must_use]
    pub fn churn() -> Self {
        Self {
            id: CHURN.into(),
            label: "Churn".into(),
            description: String::new(),
            kind: OutcomeKind::Churned,
            events: Vec::new(),
            segment: None,
            horizon: ninety(),
            among: None,
        }
    }
}

/// From which points on a score is green, and yellow; below it is red.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Bands {
    /// From here on green.
    pub green: f64,
    /// From here on yellow.
    pub yellow: f64,
}

impl Default for Bands {
    fn default() -> Self {
        Self {
            green: 75.0,
            yellow: 50.0,
        }
    }
}

/// A score of accounts, 0–100, with one model for each segment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Score {
    /// The name in data; `health` is the one that figures, lists and account pages show.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// What it says of an account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The outcome that a high score makes unlikely; `churn` when left out.
    #[serde(default = "churn")]
    pub outcome: String,
    /// Kept as it is, so that other scores can be measured against it.
    #[serde(default)]
    pub frozen: bool,
    /// Where its colours begin; green from 75, yellow from 50 when left out.
    #[serde(default)]
    pub bands: Bands,
    /// The models; the first that names an account's segment, or names none, is its own.
    pub models: Vec<ScoreModel>,
}

fn churn() -> String {
    CHURN.into()
}

impl Score {
    /// The place of the model of a segment among [`Score::models`].
    #[must_use]
    pub fn model_of(&self, segment: &str) -> Option<usize> {
        self.models
            .iter()
            .position(|model| model.segments.is_empty() || model.segments.iter().any(|own| own == segment))
    }
}

/// The model of some segments.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScoreModel {
    /// The name in data.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// The segments whose accounts it scores; all others when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// The least share of the weight whose measures must have a value; else there is no score. 0.5 when left out.
    #[serde(default = "half")]
    pub min_coverage: f64,
    /// Days after the start in which there is no score; 30 when left out.
    #[serde(default = "thirty")]
    pub quiet_days: f64,
    /// What velocity looks at on days without a score, such as the first ones: metrics with weights and curves as in a group; none = nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_metrics: Vec<ScoreMeasure>,
    /// The groups of measures.
    pub groups: Vec<ScoreGroup>,
}

fn half() -> f64 {
    0.5
}

fn thirty() -> f64 {
    30.0
}

/// Measures that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScoreGroup {
    /// The name in data.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// Its weight among the groups; any unit.
    pub weight: f64,
    /// Its measures.
    pub measures: Vec<ScoreMeasure>,
}

/// A metric and what its values are worth.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScoreMeasure {
    /// The metric; each at most once in a model.
    pub metric: String,
    /// Its weight within the group; any unit.
    pub weight: f64,
    /// From its value to points, 0–100.
    #[schemars(with = "CurveShape")]
    pub curve: handset::Curve,
    /// How old a value may be and still count, such as `180d`; any age when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DaysText>")]
    pub stale_after: Option<Days>,
}

impl ScoreModel {
    /// The model as arithmetic; its measures have the names of their metrics.
    #[must_use]
    pub fn arithmetic(&self) -> handset::Model {
        let measure = |measure: &ScoreMeasure| handset::Measure {
            name: measure.metric.clone(),
            weight: measure.weight,
            curve: measure.curve.clone(),
            stale_after: measure.stale_after.map(|days| f64::from(days.0)),
        };
        handset::Model {
            groups: self
                .groups
                .iter()
                .map(|group| handset::Group {
                    name: group.id.clone(),
                    weight: group.weight,
                    measures: group.measures.iter().map(measure).collect(),
                })
                .collect(),
            min_coverage: self.min_coverage,
            quiet_days: self.quiet_days,
        }
    }

    /// Its measures, in the order of the ledger.
    pub fn measures(&self) -> impl Iterator<Item = &ScoreMeasure> {
        self.groups.iter().flat_map(|group| &group.measures)
    }
}
