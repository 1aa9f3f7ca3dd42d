//! What a program declares. Every type serialises to the shape that its YAML has, which is also the shape that
//! JSON Schemas describe and that a diff compares.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::schema::{DateText, DaysText, KpiWindowText};
use crate::events::Kind;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
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

/// The days that a KPI's figure for day D looks at. All end with D (less the KPI's `lag`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KpiWindow {
    /// D alone: a state at the end of the day.
    Day,
    /// The calendar month of D, up to D.
    Month,
    /// The calendar quarter of D, up to D.
    Quarter,
    /// This many months up to D, e.g. `12m`: from the day after the same day that many months ago.
    Months(u32),
    /// This many days up to D, e.g. `90d`.
    Days(u32),
}

impl std::fmt::Display for KpiWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day => f.write_str("day"),
            Self::Month => f.write_str("month"),
            Self::Quarter => f.write_str("quarter"),
            Self::Months(n) => write!(f, "{n}m"),
            Self::Days(n) => write!(f, "{n}d"),
        }
    }
}

impl Serialize for KpiWindow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How the facts of a period become one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KpiValue {
    /// Σ numerator ÷ Σ denominator; null when the denominator is 0.
    Ratio,
    /// Σ numerator; null when there are no facts.
    Sum,
    /// Mean of the rows' numerators, with median and 90th percentile; null when there are no facts.
    Mean,
    /// 100 × (promoters − detractors) ÷ answers, with its own interval.
    Nps,
}

/// The day of the window whose segment an account counts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentAt {
    /// The first day.
    Start,
    /// The last day.
    #[default]
    End,
}

/// A figure of the whole company, of a segment or of any group of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Kpi {
    /// The name in data and in the API.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The name that people read; the id when left out.
    #[serde(default)]
    pub label: String,
    /// The heading that it stands under.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The definition in words: what is counted, over what, and the edge cases.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where the definition comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Which way is good.
    pub better: Better,
    /// The days that it looks at.
    #[schemars(with = "KpiWindowText")]
    pub window: KpiWindow,
    /// How facts become a figure.
    pub value: KpiValue,
    /// Whether it is a share of counted things, the numerator being some of the denominator, so that a Wilson 95 %
    /// interval is shown with it.
    #[serde(default)]
    pub proportion: bool,
    /// The day whose segment counts.
    #[serde(default)]
    pub segment_at: SegmentAt,
    /// How long after a window its outcome is known, e.g. `30d`: the window for day D then ends that much before D,
    /// and the facts may look that far past the window's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DaysText>")]
    pub lag: Option<Days>,
    /// What the facts' column `item` holds, where they have one, e.g. `Reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_label: Option<String>,
    /// The part of the product that has to exist first; until then the figure is "no data".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The SQL that gives one row for each account, or item, and period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
}

/// What a target starts from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Baseline {
    /// A stated figure.
    Stated {
        /// The figure, in the KPI's unit.
        value: f64,
        /// The day that it is said to hold on.
        on: Date,
    },
    /// The figure that is measured for this day when the program is applied, and frozen then.
    Measured {
        /// The day.
        on: Date,
    },
}

impl Baseline {
    /// The day that the baseline stands for.
    pub fn on(&self) -> Date {
        match self {
            Self::Stated { on, .. } | Self::Measured { on } => *on,
        }
    }
}

/// What a target wants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// This figure, in the KPI's unit.
    Value(f64),
    /// This much above (or, negative, below) the baseline, in the KPI's unit.
    Points(f64),
    /// This fraction above (or, negative, below) the baseline: −0.25 is a quarter less.
    Relative(f64),
}

impl Goal {
    /// The figure to reach from a baseline; `None` when it needs a baseline and there is none.
    pub fn reach(&self, baseline: Option<f64>) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Points(points) => baseline.map(|from| from + points),
            Self::Relative(share) => baseline.map(|from| from * (1.0 + share)),
        }
    }
}

/// A goal for a KPI, in a scope, by a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The name in data.
    pub id: String,
    /// The name that people read; the KPI's label when left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// How the source's words were read, where they leave a choice.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The KPI.
    pub kpi: String,
    /// `all`, or a segment.
    pub scope: String,
    /// The program that the target belongs to: `company`, or the name of a program within it.
    pub program: String,
    /// What it starts from.
    pub baseline: Baseline,
    /// What it wants.
    pub goal: Goal,
    /// The day by which.
    pub deadline: Date,
    /// Which document says so, and where in it. The text before the first comma names the document.
    pub source: String,
}

impl Target {
    /// The document that the target comes from: its source up to the first comma.
    pub fn document(&self) -> &str {
        self.source.split(',').next().unwrap_or_default().trim()
    }
}
