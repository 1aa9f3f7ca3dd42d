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
    /// The same of what stands in for a score where there is none, for velocity only; empty = nothing does on any day.
    stand_in: Vec<(i32, i32)>,
}

/// Stretches of days from `from` on.
fn runs(from: i32, values: &[i32]) -> Vec<(i32, i32)> {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for (day, value) in (from..).zip(values) {
        match runs.last_mut() {
            Some(last) if last.1 == *value => last.0 = day + 1,
            _ => runs.push((day + 1, *value)),
        }
    }
    runs
}

fn at(runs: &[(i32, i32)], day: i32) -> i32 {
    let at = runs.partition_point(|(end, _)| *end <= day);
    runs.get(at).map_or(NONE, |(_, value)| *value)
}

/// Stretches as they are kept.
fn written(from: i32, runs: &[(i32, i32)]) -> Written {
    let (mut start, mut before) = (from, 0);
    let runs = runs.iter().map(|(end, score)| {
        let length = u32::try_from(end - start).unwrap_or(0);
        start = *end;
        let step = (*score != NONE).then(|| score - std::mem::replace(&mut before, *score));
        (length, step)
    });
    Written(from, runs.collect())
}

fn read(Written(from, written): Written) -> (i32, Vec<(i32, i32)>) {
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
    (from, runs)
}

/// As it is written: how long each stretch is, and how much higher than the one before.
#[derive(Serialize, Deserialize)]
struct Written(i32, Vec<(u32, Option<i32>)>);

impl Days {
    /// The days from `from` on.
    #[must_use]
    pub fn of(from: i32, scores: &[i32]) -> Self {
        Self {
            from,
            runs: runs(from, scores),
            stand_in: Vec::new(),
        }
    }

    /// With what stands in for a score where there is none.
    #[must_use]
    pub fn with_stand_in(mut self, values: &[i32]) -> Self {
        if values.iter().any(|value| *value != NONE) {
            self.stand_in = runs(self.from, values);
        }
        self
    }

    /// The score of a day, in thousandths.
    #[must_use]
    pub fn at(&self, day: i32) -> i32 {
        if day < self.from {
            return NONE;
        }
        at(&self.runs, day)
    }

    /// What velocity looks at: the score of a day, else what stands in for it.
    #[must_use]
    pub fn moving_at(&self, day: i32) -> i32 {
        match self.at(day) {
            NONE if day >= self.from => at(&self.stand_in, day),
            score => score,
        }
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
        let bytes = postcard::to_stdvec(&written(self.from, &self.runs))?;
        if self.stand_in.is_empty() {
            return Ok(bytes);
        }
        Ok(postcard::to_extend(&written(self.from, &self.stand_in), bytes)?)
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are not what [`Days::encode`] gives.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (days, rest) = postcard::take_from_bytes(bytes).context("kept days of a score")?;
        let (from, runs) = read(days);
        let stand_in = if rest.is_empty() {
            Vec::new()
        } else {
            read(postcard::from_bytes(rest).context("kept stand-ins of a score")?).1
        };
        Ok(Self { from, runs, stand_in })
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
        let days = days.with_stand_in(&[5_000, NONE, NONE, NONE, NONE, 7_000, NONE, NONE]);
        for kept in [days.clone(), Days::decode(&days.encode().unwrap()).unwrap()] {
            assert_eq!(kept, days);
            let moving: Vec<i32> = (99..109).map(|day| kept.moving_at(day)).collect();
            let own = [75_000, 75_000, 12_345, NONE, 7_000, 100_000, 0];
            assert_eq!(moving[1], 5_000);
            assert_eq!(moving[2..9], own);
            assert_eq!((moving[0], moving[9], kept.at(100)), (NONE, NONE, NONE));
        }
        assert_eq!(thousandths(Some(49.999_51)), 50_000);
        assert_eq!(points(NONE), None);
    }
}
