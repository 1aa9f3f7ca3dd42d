//! A model as it is in force: from what is known of an account to a score with its ledger.

use serde::{Deserialize, Serialize};
use tenure_learn::handset::{self, Amount, Override, Reading, Rule, State};
use tenure_learn::points::PointTable;
use tenure_learn::scale::Scale;

/// A learned score as points that people read: log-odds of the outcome by measure, on the scale where 75 points are the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The points; a measure has the name of its metric.
    pub table: PointTable,
    /// What 75 points stand for.
    pub scale: Scale,
    /// The hand-set model whose score the table reads, where it reads one ([`PointTable::hand_set`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<handset::Model>,
    /// The least share of the measures that must have a value.
    pub min_coverage: f64,
    /// Days after the start in which there is no score.
    pub quiet_days: f64,
}

/// A model in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Set by hand.
    HandSet(handset::Model),
    /// Learned from what happened.
    Transparent(Learned),
}

/// What one measure gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The metric; of a pair, both; `hand_set` = the hand-set score within a learned one.
    pub measure: String,
    /// Whether it counted.
    pub state: State,
    /// Its raw value.
    pub value: Option<f64>,
    /// Days since it was measured.
    pub age: Option<f64>,
    /// Points on its curve, 0–100; a learned form has none.
    pub points: Option<f64>,
    /// Its weight after hand-over; a learned form has none.
    pub weight: Option<f64>,
    /// What it gives to the score.
    pub contribution: Amount,
}

/// A score with everything that it is made of: base, lines, what clipping to 0–100 took and what overrides added sum to the score, exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// The score, 0–100; nothing when too little is known.
    pub score: Option<Amount>,
    /// Share of the weight that is present.
    pub coverage: f64,
    /// What the score begins with; 0 for a hand-set form.
    pub base: Amount,
    /// By measure.
    pub lines: Vec<Line>,
    /// What keeping the score within 0–100 added.
    pub clipped: Amount,
    /// What overrides added.
    pub overridden: Amount,
    /// The override that decided.
    pub by: Option<Override>,
}

/// What one measure did to the score between two days.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The measure.
    pub measure: String,
    /// Its value before and after.
    pub values: [Option<f64>; 2],
    /// Because its own value changed.
    pub by_value: Amount,
    /// Because its weight changed: something became missing, stale or known again, or another model counts.
    pub by_weight: Amount,
}

/// Why a score is another than before: all changes, `base`, `clipped` and `overridden` sum to `total`, exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Later minus earlier score.
    pub total: Amount,
    /// By measure, greatest first.
    pub changes: Vec<Change>,
    /// Of what the score begins with.
    pub base: Amount,
    /// Of what keeping it within 0–100 added.
    pub clipped: Amount,
    /// Of overrides.
    pub overridden: Amount,
}

/// The name of the line of a hand-set score within a learned one.
pub const HAND_SET: &str = "hand_set";

impl Form {
    /// The metrics that it reads, each with the age after which a value no longer counts. Readings are given in this order.
    #[must_use]
    pub fn measures(&self) -> Vec<(&str, Option<f64>)> {
        match self {
            Self::HandSet(model) => model
                .measures()
                .map(|m| (m.name.as_str(), m.stale_after))
                .collect(),
            Self::Transparent(learned) => {
                let own = learned.table.measures.iter().map(|m| (m.name.as_str(), None));
                let hand = learned.hand.iter().flat_map(|model| model.measures());
                own.chain(hand.map(|m| (m.name.as_str(), m.stale_after)))
                    .collect()
            }
        }
    }

    /// How many of its measures, the first ones, are read by points that were learnt.
    #[must_use]
    pub fn learnt(&self) -> usize {
        match self {
            Self::HandSet(_) => 0,
            Self::Transparent(learned) => learned.table.measures.len(),
        }
    }

    /// Days after the start in which there is no score.
    #[must_use]
    pub fn quiet_days(&self) -> f64 {
        match self {
            Self::HandSet(model) => model.quiet_days,
            Self::Transparent(learned) => learned.quiet_days,
        }
    }

    /// The ledger of an account `age` days after its start, on `day`.
    #[must_use]
    pub fn score(&self, readings: &[Reading], age: f64, overrides: &[Override], day: i32) -> Ledger {
        let rules = || overrides.iter().filter(|rule| i64::from(day) <= rule.until);
        match self {
            Self::HandSet(model) => {
                let found = model.score(readings, age, &[], i64::from(day));
                let lines: Vec<Line> = found.lines.into_iter().map(Line::of_hand_set).collect();
                let own: Amount = lines.iter().map(|line| line.contribution).sum();
                let enough = found.score.is_some();
                Ledger::new(found.coverage, Amount::default(), lines, own, enough, rules())
            }
            Self::Transparent(learned) => learned.score(readings, age, day, rules()),
        }
    }
}

impl Line {
    fn of_hand_set(line: handset::Line) -> Self {
        Self {
            measure: line.measure,
            state: line.state,
            value: line.value,
            age: line.age,
            points: line.points,
            weight: Some(line.weight),
            contribution: line.contribution,
        }
    }
}

impl Learned {
    /// Log-odds by line: the hand-set score where it is read, each measure, each pair; and the share of measures that have a value.
    fn parts(&self, readings: &[Reading], age: f64, day: i32) -> (Vec<(usize, f64)>, f64, Option<f64>) {
        let own = self.table.measures.len();
        let value = |at: usize| readings.get(at).map_or(f64::NAN, |reading| reading.value);
        let mut parts = Vec::with_capacity(own + self.table.pairs.len() + 1);
        let mut hand_score = None;
        if let (Some(hand), Some(model)) = (&self.table.hand_set, &self.hand) {
            // The quiet days are this form's own; the hand-set score within it is read as soon as there is one.
            let ledger = model.score(
                readings.get(own..).unwrap_or_default(),
                age.max(model.quiet_days),
                &[],
                day.into(),
            );
            hand_score = ledger.score.map(Amount::points);
            let part = hand_score.map_or(0.0, |score| hand.weight * (score - hand.centre));
            parts.push((usize::MAX, part));
        }
        let bins: Vec<usize> = (0..own)
            .map(|at| usize::from(self.table.measures[at].cuts.bin(value(at))))
            .collect();
        for (at, measure) in self.table.measures.iter().enumerate() {
            parts.push((at, measure.points.get(bins[at]).copied().unwrap_or(0.0)));
        }
        for (at, pair) in self.table.pairs.iter().enumerate() {
            let coarse = |side: usize| {
                let bin = bins.get(pair.measures[side])?;
                pair.coarse[side].get(*bin).map(|bin| usize::from(*bin))
            };
            let points = coarse(0)
                .zip(coarse(1))
                .and_then(|(a, b)| pair.points.get(a)?.get(b).copied());
            parts.push((own + at, points.unwrap_or(0.0)));
        }
        #[expect(clippy::cast_precision_loss, reason = "a table has few measures")]
        let coverage = (0..own).filter(|at| !value(*at).is_nan()).count() as f64 / own.max(1) as f64;
        (parts, coverage, hand_score)
    }

    fn score<'a>(
        &self,
        readings: &[Reading],
        age: f64,
        day: i32,
        overrides: impl Iterator<Item = &'a Override>,
    ) -> Ledger {
        let (parts, coverage, hand_score) = self.parts(readings, age, day);
        let own = self.table.measures.len();
        let lines: Vec<Line> = parts
            .iter()
            .map(|(at, part)| {
                let contribution = Amount::of(self.scale.points(*part));
                let reading = readings.get(*at).filter(|_| *at < own);
                let value = match *at {
                    usize::MAX => hand_score,
                    _ => reading
                        .map(|reading| reading.value)
                        .filter(|value| !value.is_nan()),
                };
                let measure = match *at {
                    usize::MAX => HAND_SET.to_owned(),
                    at if at < own => self.table.measures[at].name.clone(),
                    at => {
                        let [a, b] = self.table.pairs[at - own].measures;
                        let name = |at: usize| self.table.measures.get(at).map_or("", |m| m.name.as_str());
                        format!("{} × {}", name(a), name(b))
                    }
                };
                let missing = *at < own && value.is_none();
                Line {
                    measure,
                    state: if missing { State::Missing } else { State::Counted },
                    value,
                    age: reading.map(|reading| reading.age),
                    points: None,
                    weight: None,
                    contribution,
                }
            })
            .collect();
        let base = Amount::of(self.scale.raw(self.table.base));
        let sum = base + lines.iter().map(|line| line.contribution).sum();
        let enough = coverage + 1e-12 >= self.min_coverage && age >= self.quiet_days;
        Ledger::new(coverage, base, lines, sum, enough, overrides)
    }
}

impl Ledger {
    fn new<'a>(
        coverage: f64,
        base: Amount,
        lines: Vec<Line>,
        sum: Amount,
        enough: bool,
        overrides: impl Iterator<Item = &'a Override>,
    ) -> Self {
        let within = sum.clamp(Amount::default(), Amount::of(100.0));
        let own = enough.then_some(within);
        let (now, by) = overruled(own, overrides);
        Self {
            score: now,
            coverage,
            base,
            lines,
            clipped: within - sum,
            overridden: now.map_or(Amount::default(), |now| now - within),
            by: by.cloned(),
        }
    }

    /// What made the score differ from `before`; nothing when either day has no score.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Difference> {
        let total = self.score? - before.score?;
        let old_of = |name: &str| before.lines.iter().find(|old| old.measure == name);
        let mut changes: Vec<Change> = self
            .lines
            .iter()
            .map(|line| Change::between(old_of(&line.measure), Some(line)))
            .collect();
        let gone = before
            .lines
            .iter()
            .filter(|old| self.lines.iter().all(|line| line.measure != old.measure));
        changes.extend(gone.map(|old| Change::between(Some(old), None)));
        changes.sort_by(|a, b| {
            let size = |c: &Change| (c.by_value + c.by_weight).points().abs();
            size(b).total_cmp(&size(a))
        });
        Some(Difference {
            total,
            changes,
            base: self.base - before.base,
            clipped: self.clipped - before.clipped,
            overridden: self.overridden - before.overridden,
        })
    }
}

/// What overrides make of a score, and the one that decided: later ones have the last word, and a cap without a score caps nothing.
pub fn overruled<'a>(
    own: Option<Amount>,
    overrides: impl Iterator<Item = &'a Override>,
) -> (Option<Amount>, Option<&'a Override>) {
    let (mut now, mut by) = (own, None);
    for rule in overrides {
        let next = match (rule.rule, now) {
            (Rule::Set(points), _) => Some(Amount::of(points.clamp(0.0, 100.0))),
            (Rule::Cap(most), Some(now)) => Some(now.min(Amount::of(most.clamp(0.0, 100.0)))),
            (Rule::Cap(_), None) => None,
        };
        if next != now {
            (now, by) = (next, Some(rule));
        }
    }
    (now, by)
}

impl Change {
    fn between(before: Option<&Line>, after: Option<&Line>) -> Self {
        let given = |line: Option<&Line>| line.map_or(Amount::default(), |line| line.contribution);
        let by_value = match (before, after) {
            // Of a hand-set form: the points' own step, at the weight of the earlier day.
            (
                Some(Line {
                    points: Some(old),
                    weight: Some(weight),
                    ..
                }),
                Some(Line {
                    points: Some(new), ..
                }),
            ) => Amount::of((new - old) * weight),
            // Of a learned one there is nothing but the value.
            (Some(Line { weight: None, .. }), Some(Line { weight: None, .. })) => {
                given(after) - given(before)
            }
            _ => Amount::default(),
        };
        Self {
            measure: after
                .or(before)
                .map(|line| line.measure.clone())
                .unwrap_or_default(),
            values: [
                before.and_then(|line| line.value),
                after.and_then(|line| line.value),
            ],
            by_value,
            by_weight: given(after) - given(before) - by_value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_learn::binning::Cuts;
    use tenure_learn::points::{Measure, Pair};
    use tenure_learn::{Column, Table};

    fn learned() -> Learned {
        let measure = |name: &str| Measure {
            name: name.into(),
            cuts: Cuts::Number(vec![1.0, 2.0]),
            points: vec![0.7, 0.4, -1.1, 0.3],
            shares: vec![0.25; 4],
            direction: None,
            frozen: false,
        };
        Learned {
            table: PointTable {
                base: -2.0,
                hand_set: None,
                measures: vec![measure("a"), measure("b")],
                pairs: vec![Pair {
                    measures: [0, 1],
                    coarse: [vec![0, 0, 1, 2], vec![0, 1, 1, 2]],
                    points: vec![vec![0.1, -0.2, 0.0], vec![-0.3, 0.15, 0.0], vec![0.0; 3]],
                }],
            },
            scale: Scale::of_share(0.1),
            hand: None,
            min_coverage: 0.5,
            quiet_days: 30.0,
        }
    }

    #[test]
    fn a_learned_ledger_adds_up_to_the_points_of_its_table() {
        let (a, b) = ([0.5, 1.5, 9.0, f64::NAN, 3.0], [f64::NAN, 0.0, 1.5, 7.0, 3.0]);
        let table = Table::new(vec![
            Column::number("a", a.to_vec()),
            Column::number("b", b.to_vec()),
        ])
        .expect("a table");
        let form = Form::Transparent(learned());
        let wanted = learned().table.score(&table, 1).expect("scores");
        let mut before: Option<Ledger> = None;
        for (row, log_odds) in wanted.iter().enumerate() {
            let reading = |value: f64| Reading { value, age: 0.0 };
            let ledger = form.score(&[reading(a[row]), reading(b[row])], 90.0, &[], 0);
            let score = ledger.score.expect("half of it is known");
            assert!(
                (score.points() - learned().scale.health(*log_odds)).abs() < 1e-9,
                "row {row}"
            );
            let sum: Amount = ledger.lines.iter().map(|line| line.contribution).sum();
            assert_eq!(ledger.base + sum + ledger.clipped + ledger.overridden, score);
            if let Some(before) = &before {
                let difference = ledger.since(before).expect("both have a score");
                let parts: Amount = difference
                    .changes
                    .iter()
                    .map(|change| change.by_value + change.by_weight)
                    .sum();
                assert_eq!(
                    parts + difference.base + difference.clipped + difference.overridden,
                    difference.total
                );
            }
            before = Some(ledger);
        }
        let none = form.score(&[], 90.0, &[], 0);
        assert_eq!((none.score, none.coverage), (None, 0.0));
        assert_eq!(
            form.score(&[Reading { value: 1.0, age: 0.0 }; 2], 29.0, &[], 0)
                .score,
            None
        );
        let kept = serde_json::to_string(&form).expect("JSON");
        assert_eq!(serde_json::from_str::<Form>(&kept).expect("a form"), form);
    }
}
