//! The health score that a team sets by hand: groups of measures, each on a curve to 0–100, weighted.
//!
//! A missing or stale measure hands its weight to the others of its group, an empty group hands its own to the other groups. When too little of
//! the weight is present there is no score. The ledger says what every measure gave; its lines add up to the score, and the lines of the
//! difference of two ledgers to the difference of the scores, exactly: sums are of whole [`Amount`]s, not of rounded numbers.

mod curve;
mod ledger;

use serde::{Deserialize, Serialize};

pub use curve::Curve;
pub use ledger::{Amount, Change, Difference, Ledger, Line, State};

use crate::error::{Error, Result};

/// One measure of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// Its weight within the group; any unit.
    pub weight: f64,
    /// From its value to points, 0–100.
    pub curve: Curve,
    /// Days after which a value no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<f64>,
}

/// Measures that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its weight among the groups; any unit.
    pub weight: f64,
    /// Its measures.
    pub measures: Vec<Measure>,
}

/// A model of a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The groups.
    pub groups: Vec<Group>,
    /// The least share of the weight that must be present, 0–1.
    pub min_coverage: f64,
    /// Days after the start in which there is no score yet.
    #[serde(default = "thirty")]
    pub quiet_days: f64,
}

fn thirty() -> f64 {
    30.0
}

/// What is known of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Its value; NaN is missing.
    pub value: f64,
    /// Days since it was measured.
    pub age: f64,
}

/// A person's word against the model's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// What it does.
    pub rule: Rule,
    /// Who set it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts, in days of any calendar that the caller uses throughout.
    pub until: i64,
}

/// What an override does to the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// At most so many points, as red sentiment demands.
    Cap(f64),
    /// Exactly so many points.
    Set(f64),
}

impl Model {
    /// Whether the model means something.
    ///
    /// # Errors
    /// [`Error::Definition`] for weights that are negative or sum to nothing, curves without order, names that stand twice, and a coverage
    /// outside 0–1; each names the group and measure.
    pub fn check(&self) -> Result<()> {
        let wrong = |part: String, problem: String, remedy| {
            Err(Error::Definition {
                part,
                problem,
                remedy,
            })
        };
        let weights = |part: &str, weights: Vec<f64>| {
            if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
                return wrong(
                    part.into(),
                    "a weight is negative or no number".into(),
                    "take 0 or more",
                );
            }
            if weights.iter().sum::<f64>() <= 0.0 {
                return wrong(
                    part.into(),
                    "the weights sum to nothing".into(),
                    "give at least one a weight above 0",
                );
            }
            Ok(())
        };
        if !(0.0..=1.0).contains(&self.min_coverage) {
            return wrong(
                "min_coverage".into(),
                format!("it is {}", self.min_coverage),
                "take 0 to 1",
            );
        }
        weights(
            "the groups",
            self.groups.iter().map(|group| group.weight).collect(),
        )?;
        let mut names = std::collections::HashSet::new();
        for group in &self.groups {
            weights(
                &format!("group \"{}\"", group.name),
                group.measures.iter().map(|m| m.weight).collect(),
            )?;
            for measure in &group.measures {
                let part = format!("measure \"{}\" of group \"{}\"", measure.name, group.name);
                if !names.insert(measure.name.as_str()) {
                    return wrong(
                        part,
                        "the name stands twice".into(),
                        "give each measure a name of its own",
                    );
                }
                if let Some(problem) = measure.curve.problem() {
                    return wrong(part, problem, "correct the curve");
                }
                if measure
                    .stale_after
                    .is_some_and(|days| days.is_nan() || days <= 0.0)
                {
                    return wrong(
                        part,
                        "stale_after is not above 0".into(),
                        "take days above 0, or leave it out",
                    );
                }
            }
        }
        Ok(())
    }

    /// The names of the measures, in the order in which [`Model::score`] wants their readings.
    pub fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.groups.iter().flat_map(|group| &group.measures)
    }

    /// The ledger of an account on `day`: one reading per measure in the order of [`Model::measures`], `age` days after the account's start.
    /// Readings that are not given count as missing.
    pub fn score(&self, readings: &[Reading], age: f64, overrides: &[Override], day: i64) -> Ledger {
        let states = self.states(readings);
        let (weights, coverage) = self.weights(&states);
        let lines = self
            .measures()
            .enumerate()
            .map(|(at, measure)| {
                let reading = readings.get(at);
                let counted = states[at] == State::Counted;
                let points = reading
                    .filter(|_| counted)
                    .map(|reading| measure.curve.points(reading.value));
                Line {
                    measure: measure.name.clone(),
                    state: states[at],
                    value: reading
                        .map(|reading| reading.value)
                        .filter(|value| !value.is_nan()),
                    age: reading.map(|reading| reading.age),
                    points,
                    weight: weights[at],
                    contribution: Amount::of(points.unwrap_or(0.0) * weights[at]),
                }
            })
            .collect();
        let enough = self.enough(coverage, age);
        Ledger::new(
            lines,
            coverage,
            enough,
            overrides.iter().filter(|rule| day <= rule.until),
        )
    }

    /// The score of [`Model::score`] without its ledger and without overrides, for those who ask of many rows.
    pub fn total(&self, readings: &[Reading], age: f64) -> Option<Amount> {
        self.counts(age).then(|| self.told(readings)).flatten()
    }

    /// Whether an account of this age has a score at all.
    #[must_use]
    pub fn counts(&self, age: f64) -> bool {
        age >= self.quiet_days
    }

    /// As [`Model::total`], of an account that is old enough.
    #[must_use]
    pub fn told(&self, readings: &[Reading]) -> Option<Amount> {
        let (weights, coverage) = self.weights(&self.states(readings));
        let given = self.measures().zip(readings).zip(&weights);
        let total = given
            // What is missing or stale has no weight, and what has no weight gives nothing.
            .filter(|(_, weight)| **weight != 0.0)
            .map(|((measure, reading), weight)| Amount::of(measure.curve.points(reading.value) * weight))
            .sum();
        self.covers(coverage).then_some(total)
    }

    fn enough(&self, coverage: f64, age: f64) -> bool {
        self.covers(coverage) && self.counts(age)
    }

    fn covers(&self, coverage: f64) -> bool {
        coverage > 0.0 && coverage + 1e-12 >= self.min_coverage
    }

    fn states(&self, readings: &[Reading]) -> Vec<State> {
        self.measures()
            .enumerate()
            .map(|(at, measure)| match readings.get(at) {
                Some(reading) if reading.value.is_nan() => State::Missing,
                Some(reading) if measure.stale_after.is_some_and(|days| reading.age > days) => State::Stale,
                Some(_) => State::Counted,
                None => State::Missing,
            })
            .collect()
    }

    /// The weight of each measure after hand-over, and the share of the declared weight that is present.
    fn weights(&self, states: &[State]) -> (Vec<f64>, f64) {
        let all: f64 = self.groups.iter().map(|group| group.weight).sum();
        let mut weights = Vec::with_capacity(states.len());
        let (mut coverage, mut present_groups, mut at) = (0.0, 0.0, 0);
        for group in &self.groups {
            let own = &states[at..at + group.measures.len()];
            let sum = |only_counted: bool| -> f64 {
                group
                    .measures
                    .iter()
                    .zip(own)
                    .filter(|(_, state)| !only_counted || **state == State::Counted)
                    .map(|(measure, _)| measure.weight)
                    .sum()
            };
            let (declared, present) = (sum(false), sum(true));
            for (measure, state) in group.measures.iter().zip(own) {
                let counts = *state == State::Counted && present > 0.0;
                weights.push(if counts {
                    group.weight * measure.weight / present
                } else {
                    0.0
                });
            }
            if present > 0.0 {
                present_groups += group.weight;
                coverage += group.weight / all * present / declared;
            }
            at += group.measures.len();
        }
        if present_groups > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= present_groups);
        }
        (weights, if coverage.is_finite() { coverage } else { 0.0 })
    }
}

#[cfg(test)]
mod tests;
