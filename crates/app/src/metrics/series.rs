//! Series: an account's events condensed to one entry a day, and windows over them.
//!
//! A series holds what every window of one measure needs, and no more: counts per day, sums per day, the values seen per day, or the
//! latest value per day. `logins_7d` and `logins_90d` share one. An event is worked in once, at its own day, whenever it arrives;
//! a window as of day `D` of `N` days is `[D-N+1, D]` (DEFINITIONS §0).

use serde::{Deserialize, Serialize};

/// What a series keeps of each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Keep {
    /// How many events.
    Count,
    /// How many values and their sum.
    Sum,
    /// Which values.
    Distinct,
    /// The latest value.
    Latest,
    /// The earliest value.
    Earliest,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
}

/// One event as a series sees it.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Days since 1970 of the event.
    pub day: i32,
    /// When it happened, UTC microseconds.
    pub at: i64,
    /// Its value; the event itself when the measure reads none.
    pub value: f64,
    /// Hash of the value where different values are counted.
    pub hash: u64,
}

/// One day of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Days since 1970.
    pub day: i32,
    /// Number of events; for [`Keep::Latest`] and [`Keep::Earliest`] the instant of the value.
    pub n: i64,
    /// Sum, value, least or greatest value; for [`Keep::Distinct`] the bits of the value's hash.
    pub value: f64,
}

/// A series of one account, ordered by day (and by hash within a day, for [`Keep::Distinct`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(Vec<Day>);

/// A series as it is kept: column by column, small numbers in few bytes, and nothing of what all entries have alike.
#[derive(Serialize, Deserialize)]
struct Columns {
    /// How many days each entry lies after the one before; the first one after 1970.
    days: Vec<i32>,
    /// [`Day::n`]; none = all are 1.
    n: Vec<i64>,
    values: Values,
}

/// The values of entries.
#[derive(Serialize, Deserialize)]
enum Values {
    /// All are 0.
    None,
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Others, or hashes.
    Any(Vec<f64>),
}

/// A number without a fraction, if it is spelt the same when it comes back.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what does not come back is not taken"
)]
fn whole(value: f64) -> Option<i64> {
    let whole = value as i64;
    ((whole as f64).to_bits() == value.to_bits()).then_some(whole)
}

impl Columns {
    fn of(entries: &[Day]) -> Self {
        let mut before = 0;
        let days = entries.iter().map(|entry| {
            let after = entry.day.wrapping_sub(before);
            before = entry.day;
            after
        });
        let values = || entries.iter().map(|entry| entry.value);
        Self {
            days: days.collect(),
            n: match entries.iter().all(|entry| entry.n == 1) {
                true => Vec::new(),
                false => entries.iter().map(|entry| entry.n).collect(),
            },
            values: if values().all(|value| value.to_bits() == 0) {
                Values::None
            } else {
                let all = values().map(whole).collect::<Option<_>>();
                all.map_or_else(|| Values::Any(values().collect()), Values::Whole)
            },
        }
    }

    /// The entries; `None` = the columns are not of one length.
    #[expect(clippy::cast_precision_loss, reason = "they were made of such numbers")]
    fn entries(self) -> Option<Vec<Day>> {
        let mut day = 0_i32;
        let mut entries: Vec<Day> = Vec::with_capacity(self.days.len());
        entries.extend(self.days.iter().map(|after| {
            day = day.wrapping_add(*after);
            Day {
                day,
                n: 1,
                value: 0.0,
            }
        }));
        let fits = |length: usize| length == entries.len();
        if !(self.n.is_empty() || fits(self.n.len())) {
            return None;
        }
        for (entry, n) in entries.iter_mut().zip(&self.n) {
            entry.n = *n;
        }
        match self.values {
            Values::None => {}
            Values::Whole(values) if values.len() == entries.len() => {
                entries
                    .iter_mut()
                    .zip(values)
                    .for_each(|(entry, value)| entry.value = value as f64);
            }
            Values::Any(values) if values.len() == entries.len() => {
                entries
                    .iter_mut()
                    .zip(values)
                    .for_each(|(entry, value)| entry.value = value);
            }
            Values::Whole(_) | Values::Any(_) => return None,
        }
        Some(entries)
    }
}

impl Series {
    /// Works one event in.
    pub fn add(&mut self, keep: Keep, point: Point) {
        let key = |entry: &Day| {
            (
                entry.day,
                if keep == Keep::Distinct {
                    entry.value.to_bits()
                } else {
                    0
                },
            )
        };
        let wanted = (point.day, if keep == Keep::Distinct { point.hash } else { 0 });
        // Events arrive nearly in order, so the place is nearly always the end.
        let place = match self.0.last() {
            Some(last) if key(last) < wanted => Err(self.0.len()),
            _ => self.0.binary_search_by(|entry| key(entry).cmp(&wanted)),
        };
        match place {
            Ok(at) => merge(&mut self.0[at], keep, point),
            Err(at) => self.0.insert(at, first(keep, point)),
        }
    }

    /// Forgets what lies before `day`.
    pub fn forget_before(&mut self, day: i32) {
        let keep = self.0.partition_point(|entry| entry.day < day);
        self.0.drain(..keep);
    }

    /// The days in `[from, to]`.
    #[must_use]
    pub fn between(&self, from: i32, to: i32) -> &[Day] {
        let start = self.0.partition_point(|entry| entry.day < from);
        let end = self.0.partition_point(|entry| entry.day <= to);
        &self.0[start..end.max(start)]
    }

    /// As bytes.
    ///
    /// # Errors
    /// Never in practice.
    pub fn encode(&self) -> anyhow::Result<Vec<u8>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        Ok(postcard::to_stdvec(&Columns::of(&self.0))?)
    }

    /// From bytes; `None` = they are not what [`Series::encode`] gives.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        postcard::from_bytes::<Columns>(bytes).ok()?.entries().map(Self)
    }

    /// Number of entries held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn first(keep: Keep, point: Point) -> Day {
    match keep {
        Keep::Count => Day {
            day: point.day,
            n: 1,
            value: 0.0,
        },
        Keep::Distinct => Day {
            day: point.day,
            n: 1,
            value: f64::from_bits(point.hash),
        },
        Keep::Sum | Keep::Min | Keep::Max => Day {
            day: point.day,
            n: 1,
            value: point.value,
        },
        Keep::Latest | Keep::Earliest => Day {
            day: point.day,
            n: point.at,
            value: point.value,
        },
    }
}

fn merge(entry: &mut Day, keep: Keep, point: Point) {
    match keep {
        Keep::Count | Keep::Distinct => entry.n += 1,
        Keep::Sum => {
            entry.n += 1;
            entry.value += point.value;
        }
        Keep::Min => {
            entry.n += 1;
            entry.value = entry.value.min(point.value);
        }
        Keep::Max => {
            entry.n += 1;
            entry.value = entry.value.max(point.value);
        }
        // Of two values at the same instant the greater one counts, so that the order of arrival does not matter.
        Keep::Latest if (point.at, point.value) > (entry.n, entry.value) => {
            (entry.n, entry.value) = (point.at, point.value)
        }
        Keep::Earliest if (point.at, point.value) < (entry.n, entry.value) => {
            (entry.n, entry.value) = (point.at, point.value)
        }
        Keep::Latest | Keep::Earliest => {}
    }
}

/// How a window over a series becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Number of events.
    Count,
    /// Sum of values; 0 when there are none.
    Sum,
    /// Mean of values.
    Mean,
    /// Number of different values.
    Distinct,
    /// The value of the latest, earliest, least or greatest entry, as the series keeps it.
    Value,
    /// Whole days since the latest entry.
    DaysSince,
}

/// The figure of a window of `window` days (all time when `None`) as of `day`; `None` = no data.
#[must_use]
pub fn fold(series: &Series, keep: Keep, fold: Fold, window: Option<i32>, day: i32) -> Option<f64> {
    let from = window.map_or(i32::MIN, |days| day.saturating_sub(days - 1));
    let days = series.between(from, day);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let count = || days.iter().map(|entry| entry.n).sum::<i64>() as f64;
    let sum = || days.iter().map(|entry| entry.value).sum::<f64>();
    match fold {
        Fold::Count => Some(count()),
        Fold::Sum => Some(sum()),
        Fold::Mean => (!days.is_empty()).then(|| sum() / count()),
        Fold::Distinct => {
            let mut seen: Vec<u64> = days.iter().map(|entry| entry.value.to_bits()).collect();
            seen.sort_unstable();
            seen.dedup();
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            Some(seen.len() as f64)
        }
        Fold::Value => match keep {
            Keep::Earliest => days.first().map(|entry| entry.value),
            Keep::Min => days.iter().map(|entry| entry.value).min_by(f64::total_cmp),
            Keep::Max => days.iter().map(|entry| entry.value).max_by(f64::total_cmp),
            _ => days.last().map(|entry| entry.value),
        },
        Fold::DaysSince => days.last().map(|entry| f64::from(day - entry.day)),
    }
}

/// The day of the entry that [`Fold::Value`] gives of a series of latest or earliest values; `None` = there is none in the window.
#[must_use]
pub fn day_of_value(series: &Series, keep: Keep, window: Option<i32>, day: i32) -> Option<i32> {
    let from = window.map_or(i32::MIN, |days| day.saturating_sub(days - 1));
    let days = series.between(from, day);
    match keep {
        Keep::Earliest => days.first(),
        Keep::Latest => days.last(),
        _ => None,
    }
    .map(|entry| entry.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same figure from the plain list of points.
    fn naive(points: &[Point], keep: Keep, how: Fold, window: Option<i32>, day: i32) -> Option<f64> {
        let mut inside: Vec<&Point> = points
            .iter()
            .filter(|p| p.day <= day && window.is_none_or(|n| p.day > day - n))
            .collect();
        inside.sort_by(|a, b| a.at.cmp(&b.at).then(a.value.total_cmp(&b.value)));
        let sum: f64 = inside.iter().map(|p| p.value).sum();
        match how {
            Fold::Count => Some(inside.len() as f64),
            Fold::Sum => Some(sum),
            Fold::Mean => (!inside.is_empty()).then(|| sum / inside.len() as f64),
            Fold::Distinct => Some(
                inside
                    .iter()
                    .map(|p| p.hash)
                    .collect::<std::collections::HashSet<_>>()
                    .len() as f64,
            ),
            Fold::DaysSince => inside
                .iter()
                .map(|p| p.day)
                .max()
                .map(|last| f64::from(day - last)),
            Fold::Value => match keep {
                Keep::Earliest => inside.first().map(|p| p.value),
                Keep::Min => inside.iter().map(|p| p.value).reduce(f64::min),
                Keep::Max => inside.iter().map(|p| p.value).reduce(f64::max),
                _ => inside.last().map(|p| p.value),
            },
        }
    }

    #[test]
    fn series_come_back_as_they_were_kept() {
        let entry = |day, n, value| Day { day, n, value };
        let instant = 1_790_000_000_000_000;
        for entries in [
            vec![],
            vec![entry(-3, 1, 0.0), entry(0, 1, 0.0), entry(20_000, 1, 0.0)],
            vec![entry(20_000, 4, 0.0), entry(20_001, 1, 0.0)],
            vec![entry(20_000, 2, 7.0), entry(20_003, 1, -1e15)],
            vec![entry(20_000, 1, 0.5), entry(20_003, 3, f64::INFINITY)],
            vec![entry(20_000, 1, -0.0), entry(20_003, 1, 1.0)],
            vec![entry(20_000, instant, 9.0), entry(20_001, i64::MAX, 1e300)],
            vec![
                entry(20_000, 1, f64::from_bits(0)),
                entry(20_000, 1, f64::from_bits(u64::MAX >> 13)),
            ],
            vec![entry(i32::MIN, 1, 1.0), entry(i32::MAX, 1, 2.0)],
        ] {
            let series = Series(entries);
            let bytes = series.encode().unwrap();
            let back = Series::decode(&bytes).unwrap();
            let bits = |series: &Series| -> Vec<(i32, i64, u64)> {
                series
                    .0
                    .iter()
                    .map(|it| (it.day, it.n, it.value.to_bits()))
                    .collect()
            };
            assert_eq!(bits(&back), bits(&series));
            for cut in 1..bytes.len() {
                // What is cut off is refused, never a fault.
                let _ = Series::decode(&bytes[..cut]);
            }
        }
        // A year of days on each of which there were a few events takes two bytes a day.
        let year = Series((0..365).map(|day| entry(20_000 + day, 3, 0.0)).collect());
        assert!(year.encode().unwrap().len() < 750);
    }

    #[test]
    fn windows_equal_a_plain_count_in_any_order_of_arrival() {
        use rand::{Rng, SeedableRng};
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        for round in 0..200 {
            let points: Vec<Point> = (0..random.random_range(0..60))
                .map(|_| {
                    let day = random.random_range(100..140);
                    let value = f64::from(random.random_range(0..5));
                    Point {
                        day,
                        at: i64::from(day) * 86_400_000_000 + random.random_range(0..1000),
                        value,
                        hash: value.to_bits(),
                    }
                })
                .collect();
            for (keep, how) in [
                (Keep::Count, Fold::Count),
                (Keep::Count, Fold::DaysSince),
                (Keep::Sum, Fold::Sum),
                (Keep::Sum, Fold::Mean),
                (Keep::Distinct, Fold::Distinct),
                (Keep::Latest, Fold::Value),
                (Keep::Earliest, Fold::Value),
                (Keep::Min, Fold::Value),
                (Keep::Max, Fold::Value),
            ] {
                let mut series = Series::default();
                points.iter().for_each(|point| series.add(keep, *point));
                for day in 95..145 {
                    for window in [None, Some(1), Some(7), Some(30)] {
                        let (got, want) = (
                            fold(&series, keep, how, window, day),
                            naive(&points, keep, how, window, day),
                        );
                        assert_eq!(
                            got, want,
                            "round {round}, {keep:?} {how:?}, window {window:?}, day {day}"
                        );
                    }
                }
            }
        }
    }
}
