//! What a program declares. Every type serialises to the shape that its YAML has, which is also the shape that
//! JSON Schemas describe and that a diff compares.

mod dashboard;
mod kpi;
mod score;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::DateText;
use crate::definitions::Kind;

pub use dashboard::{CohortOf, Dashboard, Grain, MOST_TILES, Step, Tile, TileKind, TileMeasure};
pub use kpi::{Baseline, Goal, Kpi, KpiValue, KpiWindow, SegmentAt, Target};
pub use score::{Bands, CHURN, Outcome, OutcomeKind, Score, ScoreGroup, ScoreMeasure, ScoreModel};

/// `program.yaml`: the program's name and the frame that every figure is counted in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ProgramMeta {
    /// Short name of the program: lower-case letters, digits, `_` and `-`.
    pub program: String,
    /// The name that people read.
    pub title: String,
    /// IANA time zone in which days, months and quarters are counted, e.g. `America/Los_Angeles`.
    #[serde(default)]
    #[schemars(extend("default" = "UTC"))]
    pub time_zone: String,
    /// ISO 4217 code of the one reporting currency, e.g. `USD`.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The day on which the program began; deadlines such as "within 6 months" are counted from it.
    #[schemars(with = "DateText")]
    pub started_on: Date,
    /// The attribute that holds an account's lifecycle stage, such as onboarding, adoption, renewal; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_stage: Option<String>,
}

/// The type of an attribute and of everything that an expression can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// An amount in the program's currency, in its major unit.
    Money,
}

/// Something that is known of an account besides its MRR, segment and owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Attribute {
    /// The name in expressions and imports.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// What it is and where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Whether an account without it counts as incomplete.
    #[serde(default)]
    pub required: bool,
}

/// `events.yaml`: how other vocabularies map onto the native one. Kept in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EventMap {
    /// Foreign event name → name in Tenure.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub names: Names<String>,
    /// Kind of names that Tenure does not know by itself; such a name is `product` when it is not listed.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Kind>")]
    pub kinds: Names<Kind>,
}

/// A small map in alphabetical order.
pub type Names<T> = std::collections::BTreeMap<String, T>;

/// One segment and the rule that puts accounts into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SegmentRule {
    /// The name in data; `all` and `unclassified` are taken.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// A condition over attributes, metrics and built-in names. The first segment whose rule is true takes the account;
    /// a rule that is neither true nor false passes the account on and flags it.
    pub rule: String,
    /// The longest that an account of it may go without a touchpoint before it counts as not actively managed, such as `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::schema::DaysText>")]
    pub cadence: Option<Days>,
    /// Who is in it and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// `segments.yaml`: the segments in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SegmentSet {
    /// Accounts for which this is true are `unclassified`, before any rule is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclassified: Option<String>,
    /// The rules.
    pub segments: Vec<SegmentRule>,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A fraction between 0 and 1, shown as percent.
    Ratio,
    /// A plain number.
    Number,
    /// An amount in the program's currency, in its major unit.
    Money,
    /// Points of a score or of NPS.
    Points,
    /// Days.
    Days,
    /// Hours.
    Hours,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// How a metric condenses the events of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Number of events; 0 when there are none.
    Count,
    /// Sum of `of`; 0 when there are none.
    Sum,
    /// Number of different values of `of`; 0 when there are none.
    Distinct,
    /// `of` of the latest event; null when there is none.
    Latest,
    /// `of` of the earliest event; null when there is none.
    Earliest,
    /// Whole days from the latest event's day to the day asked for; null when there is none.
    DaysSince,
    /// The least `of`; null when there is none.
    Min,
    /// The greatest `of`; null when there is none.
    Max,
    /// The mean of `of`; null when there is none.
    Mean,
}

impl Measure {
    /// Whether the measure reads a value of each event (`of`) and not only that it happened.
    pub fn needs_value(self) -> bool {
        !matches!(self, Self::Count | Self::DaysSince)
    }
}

/// Where a metric's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum MetricSource {
    /// From the account's events.
    Events(EventMeasure),
    /// From other names.
    Expr {
        /// A SQL expression over attributes, built-in names and other metrics that gives a number.
        expr: String,
    },
}

/// A measure over events of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventMeasure {
    /// How the events are condensed.
    pub measure: Measure,
    /// The names that count; empty when `kinds` says which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The kinds that count, besides `events`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Only events for which this is true; over the columns of `events`.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The value of an event; over the columns of `events`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The days that count, the day asked for included; all time when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Days>,
}

/// A number of whole days, written `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(pub u32);

impl Serialize for Days {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}d", self.0))
    }
}

/// A figure of one account on one day. Its value is always a number or null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// The name in expressions and data.
    pub id: String,
    /// The name that people read; the id when left out.
    pub label: String,
    /// What it says about an account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Which way is good, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
    /// Where its value comes from.
    #[serde(flatten)]
    pub source: MetricSource,
}
