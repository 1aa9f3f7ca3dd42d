//! How long a source may be silent, and how late its events come. Pure.

use std::collections::BTreeMap;

/// Seconds of an hour.
const HOUR: i64 = 3_600;
/// Hours of the past from which an expectation is learned.
const PAST: i64 = 14 * 24;
/// Hours with events that are needed before anything is learned.
const ENOUGH: usize = 24;
/// Hours between the first and the last of them.
const SPAN: i64 = 72;

/// How long the source may be silent, in seconds: half as long again as the second longest silence of the last 14 days, at least two hours.
/// The second longest, because weekends come twice in that time and an outage once. `hours` are events by hour of arrival, `now` this hour.
pub fn learned(hours: &BTreeMap<i64, i64>, now: i64) -> Option<i64> {
    let active: Vec<i64> = hours
        .range(now - PAST..=now)
        .filter(|(_, events)| **events > 0)
        .map(|(hour, _)| *hour)
        .collect();
    let (first, last) = (active.first()?, active.last()?);
    if active.len() < ENOUGH || last - first < SPAN {
        return None;
    }
    let mut gaps: Vec<i64> = active.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    let usual = gaps.get(1).or(gaps.first()).copied()?;
    Some((usual * HOUR * 3 / 2).max(2 * HOUR))
}

/// The middle of the class that holds the event at this share of all, in seconds. Classes double: class n holds delays below 2^n microseconds.
pub fn lag(lags: &BTreeMap<i64, i64>, share: f64) -> Option<f64> {
    let total: i64 = lags.values().sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a count of events"
    )]
    let wanted = (total as f64 * share).ceil() as i64;
    let mut below = 0;
    let (class, _) = lags.iter().find(|(_, events)| {
        below += **events;
        below >= wanted
    })?;
    let upper = 2f64.powi(i32::try_from(*class).unwrap_or(63));
    Some(if *class == 0 { 0.0 } else { upper * 0.75 / 1e6 })
}

/// Events in each of `buckets` stretches of `width` hours, the last one ending with the hour `now`.
pub fn buckets(hours: &BTreeMap<i64, i64>, now: i64, buckets: i64, width: i64) -> Vec<i64> {
    (0..buckets)
        .map(|at| {
            let last = now - (buckets - 1 - at) * width;
            hours
                .range(last - width + 1..=last)
                .map(|(_, events)| events)
                .sum()
        })
        .collect()
}
