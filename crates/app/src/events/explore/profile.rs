//! What the properties of some events hold: how often each is filled, with what. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

/// Values of a property that are counted one by one.
const DISTINCT: usize = 2_000;
/// Values that are shown.
const SHOWN: usize = 8;
/// Properties that are shown.
const PROPERTIES: usize = 200;

/// A value and how often it came.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct TopValue {
    /// As text.
    pub value: String,
    pub events: usize,
}

/// A property of events.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct PropertyProfile {
    pub name: String,
    /// Events that have it, neither null nor empty.
    pub events: usize,
    /// Share of the events looked at that have it.
    pub filled: f64,
    /// The types of its values, the most frequent first: text, number, boolean, list, object.
    pub types: Vec<String>,
    /// Different values; at the limit: at least so many.
    pub distinct: usize,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The most frequent values.
    pub top: Vec<TopValue>,
}

#[derive(Default)]
struct Tally {
    events: usize,
    types: BTreeMap<&'static str, usize>,
    values: BTreeMap<String, usize>,
    min: Option<f64>,
    max: Option<f64>,
}

/// Looks at the properties of events.
pub fn profile<'a>(events: impl Iterator<Item = &'a str>) -> (usize, Vec<PropertyProfile>) {
    let (mut total, mut tallies): (usize, BTreeMap<String, Tally>) = (0, BTreeMap::new());
    for text in events {
        total += 1;
        let object: Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
        for (name, value) in object {
            if !tallies.contains_key(&name) && tallies.len() >= PROPERTIES {
                continue;
            }
            tallies.entry(name).or_default().add(&value);
        }
    }
    let mut found: Vec<PropertyProfile> = tallies
        .into_iter()
        .filter(|(_, tally)| tally.events > 0)
        .map(|(name, tally)| tally.finish(name, total))
        .collect();
    found.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
    (total, found)
}

impl Tally {
    fn add(&mut self, value: &Json) {
        let (kind, text) = match value {
            Json::Null => return,
            Json::String(text) if text.is_empty() => return,
            Json::String(text) => ("text", text.chars().take(120).collect()),
            Json::Number(number) => ("number", number.to_string()),
            Json::Bool(truth) => ("boolean", truth.to_string()),
            Json::Array(_) => ("list", value.to_string().chars().take(120).collect()),
            Json::Object(_) => ("object", value.to_string().chars().take(120).collect::<String>()),
        };
        self.events += 1;
        *self.types.entry(kind).or_default() += 1;
        if let Some(number) = value.as_f64() {
            self.min = Some(self.min.map_or(number, |min| min.min(number)));
            self.max = Some(self.max.map_or(number, |max| max.max(number)));
        }
        if self.values.len() < DISTINCT || self.values.contains_key(&text) {
            *self.values.entry(text).or_default() += 1;
        }
    }

    fn finish(self, name: String, total: usize) -> PropertyProfile {
        let mut types: Vec<(&str, usize)> = self.types.into_iter().collect();
        types.sort_by_key(|it| std::cmp::Reverse(it.1));
        let distinct = self.values.len();
        let mut top: Vec<TopValue> = self
            .values
            .into_iter()
            .map(|(value, events)| TopValue { value, events })
            .collect();
        top.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
        top.truncate(SHOWN);
        #[expect(clippy::cast_precision_loss, reason = "some thousand events")]
        let filled = self.events as f64 / total.max(1) as f64;
        PropertyProfile {
            name,
            events: self.events,
            filled,
            types: types.into_iter().map(|(kind, _)| kind.to_owned()).collect(),
            distinct,
            min: self.min,
            max: self.max,
            top,
        }
    }
}
