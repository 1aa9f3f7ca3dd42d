//! The words that fields choose from, as they are written in YAML.

use crate::definitions::types::*;

pub(super) const ATTRIBUTE_TYPES: &[(&str, AttributeType)] = &[
    ("integer", AttributeType::Integer),
    ("number", AttributeType::Number),
    ("text", AttributeType::Text),
    ("boolean", AttributeType::Boolean),
    ("date", AttributeType::Date),
    ("money", AttributeType::Money),
];
pub(super) const UNITS: &[(&str, Unit)] = &[
    ("ratio", Unit::Ratio),
    ("number", Unit::Number),
    ("money", Unit::Money),
    ("points", Unit::Points),
    ("days", Unit::Days),
    ("hours", Unit::Hours),
];
pub(super) const BETTER: &[(&str, Better)] = &[("up", Better::Up), ("down", Better::Down)];
pub(super) const MEASURES: &[(&str, Measure)] = &[
    ("count", Measure::Count),
    ("sum", Measure::Sum),
    ("distinct", Measure::Distinct),
    ("latest", Measure::Latest),
    ("earliest", Measure::Earliest),
    ("days_since", Measure::DaysSince),
    ("min", Measure::Min),
    ("max", Measure::Max),
    ("mean", Measure::Mean),
];
pub(super) const VALUES: &[(&str, KpiValue)] = &[
    ("ratio", KpiValue::Ratio),
    ("sum", KpiValue::Sum),
    ("mean", KpiValue::Mean),
    ("nps", KpiValue::Nps),
];
pub(super) const SEGMENT_AT: &[(&str, SegmentAt)] = &[("start", SegmentAt::Start), ("end", SegmentAt::End)];
