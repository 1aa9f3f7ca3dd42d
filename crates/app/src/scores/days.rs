//! The scores of an account over all its days, kept as stretches in which a score holds.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// No score: too little is known, or the account is not active.
pub const NONE: i32 = i32::MIN;

/// Points as they are kept: to a thousandth.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "points are within 0–100")]
pub fn thousandths(points: Option<f64>) -> i32 {
    // What lies halfway but for the last bits of a sum goes up, in whatever order the sum was made.
    points.map_or(NONE, |points| (points * 1000.0 + 0.5 + 1e-7).floor() as i32)
}

/// Kept points as a number.
#[must_use]
pub fn points(kept: i32) -> Option<f64> {
    (kept != NONE).then(|| f64::from(kept) / 1000.0)
}

/// The scores of an account from its first day on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: i32,
    /// The day after each stretch, and what holds in it.
    runs: Vec<(i32, i32)>,
}

/// As it is written: how long each stretch is, and how much higher than the one before.
#[derive(Serialize, Deserialize)]
struct Written(i32, Vec<(u32, Option<i32>)>);

impl Days {
    /// The days from `from` on.
    #[must_use]
    pub fn of(from: i32, scores: &[i32]) -> Self {
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for (day, score) in (from..).zip(scores) {
            match runs.last_mut() {
                Some(last) if last.1 == *score => last.0 = day + 1,
                _ => runs.push((day + 1, *score)),
            }
        }
        Self { from, runs }
    }

    /// The score of a day, in thousandths.
    #[must_use]
    pub fn at(&self, day: i32) -> i32 {
        if day < self.from {
            return NONE;
        }
        let at = self.runs.partition_point(|(end, _)| *end <= day);
        self.runs.get(at).map_or(NONE, |(_, score)| *score)
    }

    /// Number of stretches.
    #[must_use]
    pub fn stretches(&self) -> usize {
        self.runs.len()
    }

    /// As bytes.
    ///
    /// # Errors
    /// Never in practice.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let (mut start, mut before) = (self.from, 0);
        let runs = self.runs.iter().map(|(end, score)| {
            let length = u32::try_from(end - start).unwrap_or(0);
            start = *end;
            let step = (*score != NONE).then(|| score - std::mem::replace(&mut before, *score));
            (length, step)
        });
        Ok(postcard::to_stdvec(&Written(self.from, runs.collect()))?)
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are not what [`Days::encode`] gives.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let Written(from, written) = postcard::from_bytes(bytes).context("kept days of a score")?;
        let (mut end, mut before) = (from, 0);
        let runs = written
            .into_iter()
            .map(|(length, step)| {
                end = end.saturating_add(i32::try_from(length).unwrap_or(i32::MAX));
                let score = step.map_or(NONE, |step| {
                    before += step;
                    before
                });
                (end, score)
            })
            .collect();
        Ok(Self { from, runs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hold_until_they_change_and_survive_being_kept() {
        let scores = [NONE, 75_000, 75_000, 12_345, NONE, NONE, 100_000, 0];
        let days = Days::of(100, &scores);
        assert_eq!(days.stretches(), 6);
        for kept in [days.clone(), Days::decode(&days.encode().unwrap()).unwrap()] {
            for (day, score) in (100..).zip(scores) {
                assert_eq!(kept.at(day), score, "{day}");
            }
            assert_eq!((kept.at(99), kept.at(108)), (NONE, NONE));
        }
        assert_eq!(thousandths(Some(49.999_51)), 50_000);
        assert_eq!(points(NONE), None);
    }
}
