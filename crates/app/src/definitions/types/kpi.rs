//! KPIs and targets.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Better, Days, Unit};
use crate::definitions::schema::{DaysText, KpiWindowText};

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

impl Kpi {
    /// The relations that the facts read (`cohort`, `events`, …), each once; empty while the KPI waits.
    pub fn relations(&self) -> Vec<String> {
        let used = crate::definitions::sql::relations(self.facts.as_deref().unwrap_or_default());
        let mut names: Vec<String> = used.into_iter().map(|used| used.name).collect();
        names.sort();
        names.dedup();
        names
    }
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
