//! What is known of one account that figures are made of, and how it is kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::lifecycle::{self, Revenue, State, SubscriptionSpan};
use super::series::Series;

/// Everything of an account that events tell: its revenue events and one series for each thing that is measured.
/// Kept in `account_state.activity`; can always be built again from the history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Revenue events, sorted ([`lifecycle::sort`]).
    pub revenue: Vec<Revenue>,
    /// One series for each entry of the plan, in its order.
    pub series: Vec<Series>,
    /// Day of the earliest event.
    pub first_day: Option<i32>,
}

/// Facts as they are kept: a series is bytes of its own ([`Series::encode`]), so that those that nobody asks for are passed over.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    revenue: Cow<'a, [Revenue]>,
    #[serde(borrow)]
    series: Vec<&'a [u8]>,
    first_day: Option<i32>,
}

impl Facts {
    /// As bytes.
    ///
    /// # Errors
    /// Never in practice.
    pub fn encode(&self) -> anyhow::Result<Vec<u8>> {
        let series: Vec<Vec<u8>> = self
            .series
            .iter()
            .map(Series::encode)
            .collect::<anyhow::Result<_>>()?;
        encode(&Kept {
            revenue: Cow::Borrowed(&self.revenue),
            series: series.iter().map(Vec::as_slice).collect(),
            first_day: self.first_day,
        })
    }

    /// From bytes; `None` = written by another format. With `wanted` (by series of the plan) the other series are empty.
    #[must_use]
    pub fn decode(bytes: &[u8], wanted: Option<&[bool]>) -> Option<Self> {
        let kept: Kept<'_> = decode(bytes)?;
        let is_wanted = |at: usize| wanted.is_none_or(|wanted| wanted.get(at).copied().unwrap_or(false));
        let series = kept
            .series
            .iter()
            .enumerate()
            .map(|(at, bytes)| match is_wanted(at) {
                true => Series::decode(bytes),
                false => Some(Series::default()),
            });
        Some(Self {
            revenue: kept.revenue.into_owned(),
            series: series.collect::<Option<_>>()?,
            first_day: kept.first_day,
        })
    }
}

/// The values of an account's fields over time, each field's days ascending.
/// The first known value holds from the beginning, later ones from their own day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History(BTreeMap<String, Vec<(i32, Json)>>);

impl History {
    /// Adds a value that holds from `day` on. Days are given in ascending order for each field.
    pub fn push(&mut self, field: &str, day: i32, value: Json) {
        match self.0.get_mut(field) {
            Some(values) => values.push((day, value)),
            None => {
                self.0.insert(field.to_owned(), vec![(day, value)]);
            }
        }
    }

    /// The same values, of which none is known before its own day: what a person could have looked up at the time.
    #[must_use]
    pub fn as_known(&self) -> Self {
        let mut known = self.clone();
        for values in known.0.values_mut() {
            values.insert(0, (i32::MIN, Json::Null));
        }
        known
    }

    /// The field's value on `day`.
    #[must_use]
    pub fn at(&self, field: &str, day: i32) -> Option<&Json> {
        let values = self.0.get(field)?;
        let known = values.partition_point(|(from, _)| *from <= day);
        values
            .get(known.saturating_sub(1))
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// The days on which the field changed, the first known value aside.
    pub fn changes(&self, field: &str) -> impl Iterator<Item = i32> {
        self.0
            .get(field)
            .into_iter()
            .flat_map(|values| values.iter().skip(1).map(|(day, _)| *day))
    }

    /// The first day of which anything is known; that nothing was known before ([`History::as_known`]) is none.
    #[must_use]
    pub fn first_day(&self) -> Option<i32> {
        self.0
            .values()
            .filter_map(|values| values.iter().map(|(day, _)| *day).find(|day| *day > i32::MIN))
            .min()
    }
}

/// When an account is active and what it pays: from its revenue events, else from what its record says
/// (`started_on`, `churned_on`, `mrr`), else, when its record gives an MRR, from the day on which that became known.
#[must_use]
pub fn states(facts: &Facts, history: &History) -> Vec<State> {
    if !facts.revenue.is_empty() {
        return lifecycle::states(&facts.revenue);
    }
    recorded(history)
}

/// The same from the record alone.
#[must_use]
pub fn recorded(history: &History) -> Vec<State> {
    let date = |field: &str| {
        history
            .at(field, i32::MAX)
            .and_then(Json::as_str)
            .and_then(parse_day)
    };
    let mrr = |day: i32| history.at("mrr", day).and_then(Json::as_f64);
    let start = match (date("started_on"), history.at("mrr", i32::MAX)) {
        (Some(day), _) => day,
        (None, Some(_)) => match history.first_day() {
            Some(day) => day,
            None => return Vec::new(),
        },
        (None, None) => return Vec::new(),
    };
    let end = date("churned_on").filter(|end| *end > start);
    let mut states = vec![State {
        from: start,
        active: true,
        mrr: mrr(start),
    }];
    for day in history
        .changes("mrr")
        .filter(|day| *day > start && end.is_none_or(|end| *day < end))
    {
        states.push(State {
            from: day,
            active: true,
            mrr: mrr(day),
        });
    }
    if let Some(end) = end {
        let last = states.last().and_then(|state| state.mrr);
        states.push(State {
            from: end,
            active: false,
            mrr: last,
        });
    }
    states
}

/// Days since 1970 of an ISO date.
#[must_use]
pub fn parse_day(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    Some(day_number(date))
}

/// Days since 1970 of a date.
#[must_use]
pub fn day_number(date: jiff::civil::Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    date.since(epoch).map_or(0, |span| span.get_days())
}

/// The date of a day number; days outside the calendar give its nearest end.
#[must_use]
pub fn date_of(day: i32) -> jiff::civil::Date {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.saturating_add(jiff::Span::new().days(day.clamp(-700_000, 2_900_000)))
}

/// One stretch of days in which nothing that figures are grouped by changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First day.
    pub from: i32,
    /// First day after it; `i32::MAX` = still holds.
    pub to: i32,
    /// Active throughout.
    pub active: bool,
    /// MRR in the major unit; `None` = unknown.
    pub mrr: Option<f64>,
    /// The segment.
    pub segment: String,
    /// The owner's e-mail address.
    pub owner: Option<String>,
}

/// A doubt about an account's figures that filling a field would settle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// A stable code.
    pub code: String,
    /// What is in doubt and what would settle it.
    pub message: String,
}

/// What was computed of an account: kept in `account_state.head`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The day that metrics stand for.
    pub day: i32,
    /// Its spans, without gaps, ascending.
    pub spans: Vec<Span>,
    /// The metrics in the plan's order; NaN = no data.
    pub metrics: Vec<f64>,
    /// Doubts.
    pub flags: Vec<Flag>,
    /// Why it is in its segment.
    pub why: String,
    /// Its currency, where a revenue event said it.
    pub currency: Option<String>,
    /// The runs of its subscriptions.
    pub subscriptions: Vec<SubscriptionSpan>,
    /// Of metrics that are the value of one event (latest, earliest): the metric's place and the day of that event.
    pub dated: Vec<(u32, i32)>,
}

impl Head {
    /// Whether two heads tell the same; no data equals no data.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let equal = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
        self.day == other.day
            && self.spans == other.spans
            && self.metrics.len() == other.metrics.len()
            && self.metrics.iter().zip(&other.metrics).all(equal)
            && self.flags == other.flags
            && self.why == other.why
            && self.currency == other.currency
            && self.subscriptions == other.subscriptions
            && self.dated == other.dated
    }

    /// 128 bits that are the same for heads that are [`Head::same`], and differ for others.
    ///
    /// # Errors
    /// When it cannot be written as bytes.
    pub fn print(&self) -> anyhow::Result<[u8; 16]> {
        // One spelling of no data; adding zero leaves one spelling of zero.
        let plain = |value: &f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
        let head = Self {
            metrics: self.metrics.iter().map(plain).collect(),
            ..self.clone()
        };
        let mut print = [0; 16];
        print.copy_from_slice(&blake3::hash(&encode(&head)?).as_bytes()[..16]);
        Ok(print)
    }

    /// The span that holds on `day`.
    #[must_use]
    pub fn span_at(&self, day: i32) -> Option<&Span> {
        let next = self.spans.partition_point(|span| span.from <= day);
        self.spans.get(next.checked_sub(1)?).filter(|span| day < span.to)
    }

    /// The active stretches: first day and first day after.
    #[must_use]
    pub fn lives(&self) -> Vec<(i32, i32)> {
        let mut lives: Vec<(i32, i32)> = Vec::new();
        for span in self.spans.iter().filter(|span| span.active) {
            match lives.last_mut() {
                Some(last) if last.1 == span.from => last.1 = span.to,
                _ => lives.push((span.from, span.to)),
            }
        }
        lives
    }
}

/// The first byte of a kept value: it changes when the format does, and what has another one is computed again.
const FORMAT: u8 = 2;

/// A value as bytes.
pub fn encode<T: Serialize>(value: &T) -> anyhow::Result<Vec<u8>> {
    Ok(postcard::to_extend(value, vec![FORMAT])?)
}

/// A value from its bytes; `None` = written by another format.
#[must_use]
pub fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    let (format, body) = bytes.split_first()?;
    (*format == FORMAT)
        .then(|| postcard::from_bytes(body).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::series::Keep;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_known_value_holds_from_the_beginning() {
        let mut history = History::default();
        history.push("employees", 100, json!(30));
        history.push("employees", 200, json!(60));
        history.push("employees", 300, Json::Null);
        assert_eq!(history.at("employees", -5), Some(&json!(30)));
        assert_eq!(history.at("employees", 199), Some(&json!(30)));
        assert_eq!(history.at("employees", 200), Some(&json!(60)));
        assert_eq!(history.at("employees", 300), None);
        assert_eq!(history.changes("employees").collect::<Vec<_>>(), [200, 300]);
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for day in [-800, 0, 1, 19_000, 20_779] {
            assert_eq!(day_number(date_of(day)), day);
        }
        assert_eq!(day_number(jiff::civil::date(2026, 11, 22)), 20_779);
        assert_eq!(parse_day("2026-11-22T10:00:00Z"), Some(20_779));
        assert_eq!(parse_day("soon"), None);
    }

    #[test]
    fn prints_are_the_same_for_heads_that_tell_the_same() {
        let head = |metrics: Vec<f64>, why: &str| Head {
            day: 5,
            spans: vec![],
            metrics,
            flags: vec![],
            why: why.into(),
            currency: None,
            subscriptions: vec![],
            dated: vec![],
        };
        let one = head(vec![f64::NAN, 0.0, 1.5], "w");
        let same = head(vec![-f64::NAN, -0.0, 1.5], "w");
        assert!(one.same(&same));
        assert_eq!(one.print().unwrap(), same.print().unwrap());
        for other in [
            head(vec![0.0, 0.0, 1.5], "w"),
            head(vec![f64::NAN, 0.0, 1.6], "w"),
            head(vec![f64::NAN, 0.0, 1.5], "v"),
        ] {
            assert!(!one.same(&other));
            assert_ne!(one.print().unwrap(), other.print().unwrap());
        }
    }

    #[test]
    fn facts_survive_encoding_and_only_the_wanted_series_are_read() {
        let mut facts = Facts {
            revenue: Vec::new(),
            series: vec![Series::default(); 3],
            first_day: Some(19_990),
        };
        for (at, series) in facts.series.iter_mut().enumerate() {
            for day in 0..20 {
                let value = f64::from(day) / 4.0;
                let point = crate::metrics::series::Point {
                    day: 20_000 + day,
                    at: 5,
                    value,
                    hash: 7,
                };
                series.add([Keep::Count, Keep::Sum, Keep::Latest][at], point);
            }
        }
        let bytes = facts.encode().unwrap();
        assert_eq!(Facts::decode(&bytes, None), Some(facts.clone()));
        let some = Facts::decode(&bytes, Some(&[false, true, false])).unwrap();
        assert_eq!(some.series[1], facts.series[1]);
        assert!(some.series[0].is_empty() && some.series[2].is_empty());
        assert_eq!(some.first_day, facts.first_day);
        assert_eq!(Facts::decode(&bytes[..bytes.len() - 3], None), None);
    }

    #[test]
    fn heads_survive_encoding_and_foreign_formats_are_refused() {
        let head = Head {
            day: 5,
            spans: vec![],
            metrics: vec![1.5, f64::INFINITY],
            flags: vec![],
            why: "w".into(),
            currency: None,
            subscriptions: vec![],
            dated: vec![],
        };
        let mut bytes = encode(&head).unwrap();
        assert_eq!(decode::<Head>(&bytes), Some(head));
        bytes[0] = 9;
        assert_eq!(decode::<Head>(&bytes), None);
    }
}
