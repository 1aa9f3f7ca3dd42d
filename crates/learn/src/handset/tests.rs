//! Ledgers against a computation of their own, and by hand.

use proptest::prelude::*;

use super::*;

fn measure(name: &str, weight: f64) -> Measure {
    let curve = Curve::Linear {
        knots: vec![(0.0, 0.0), (100.0, 100.0)],
        direction: None,
    };
    Measure {
        name: name.into(),
        weight,
        curve,
        stale_after: Some(30.0),
    }
}

fn model() -> Model {
    let group = |name: &str, weight, measures| Group {
        name: name.into(),
        weight,
        measures,
    };
    Model {
        groups: vec![
            group("use", 0.5, vec![measure("logins", 3.0), measure("seats", 1.0)]),
            group("support", 0.3, vec![measure("tickets", 1.0)]),
            group("voice", 0.2, vec![measure("nps", 1.0), measure("csat", 1.0)]),
        ],
        min_coverage: 0.5,
        quiet_days: 30.0,
    }
}

fn reading(value: f64) -> Reading {
    Reading { value, age: 1.0 }
}

fn rule(rule: Rule, until: i64) -> Override {
    Override {
        rule,
        author: "ann".into(),
        reason: "sponsor left".into(),
        until,
    }
}

const NONE: f64 = f64::NAN;

#[test]
fn a_missing_measure_hands_its_weight_on() {
    let readings = [80.0, NONE, 40.0, NONE, NONE].map(reading);
    let ledger = model().score(&readings, 100.0, &[], 0);
    // Logins take all of 0.5, support 0.3, the voice group hands its 0.2 to both: 5/8 and 3/8.
    assert!((ledger.score.unwrap().points() - (80.0 * 0.625 + 40.0 * 0.375)).abs() < 1e-9);
    assert!((ledger.coverage - (0.5 * 0.75 + 0.3)).abs() < 1e-12);
    assert_eq!(ledger.lines[1].state, State::Missing);
}

#[test]
fn too_little_or_too_new_is_no_score() {
    let little = [80.0, NONE, NONE, NONE, 10.0].map(reading);
    assert_eq!(model().score(&little, 100.0, &[], 0).score, None);
    let all = [80.0; 5].map(reading);
    assert_eq!(model().score(&all, 29.0, &[], 0).score, None);
    assert!(model().score(&all, 30.0, &[], 0).score.is_some());
    assert_eq!(model().score(&[], 100.0, &[], 0).score, None);
}

#[test]
fn old_values_are_stale() {
    let mut readings = [50.0; 5].map(reading);
    readings[2].age = 31.0;
    let ledger = model().score(&readings, 100.0, &[], 0);
    assert_eq!(
        (ledger.lines[2].state, ledger.lines[2].weight),
        (State::Stale, 0.0)
    );
    assert!((ledger.coverage - 0.7).abs() < 1e-12);
}

#[test]
fn a_cap_has_an_author_and_ends() {
    let readings = [90.0; 5].map(reading);
    let rules = [rule(Rule::Cap(49.0), 10)];
    let capped = model().score(&readings, 100.0, &rules, 10);
    assert_eq!(capped.score.unwrap().points(), 49.0);
    assert_eq!(capped.by.as_ref().unwrap().author, "ann");
    let free = model().score(&readings, 100.0, &rules, 11);
    assert_eq!(free.score.unwrap().points(), 90.0);
    let difference = free.since(&capped).unwrap();
    assert_eq!(
        (difference.total.points(), difference.overridden.points()),
        (41.0, 41.0)
    );
}

#[test]
fn curves_step_and_bend() {
    let steps = Curve::Steps {
        cuts: vec![1.0, 5.0],
        points: vec![0.0, 50.0, 100.0],
        direction: None,
    };
    assert_eq!(
        [0.9, 1.0, 4.9, 5.0].map(|value| steps.points(value)),
        [0.0, 50.0, 50.0, 100.0]
    );
    let line = Curve::Linear {
        knots: vec![(10.0, 100.0), (20.0, 0.0)],
        direction: None,
    };
    assert_eq!(
        [5.0, 12.5, 30.0].map(|value| line.points(value)),
        [100.0, 75.0, 0.0]
    );
}

#[test]
fn a_model_that_means_nothing_says_so() {
    let problem = |change: &dyn Fn(&mut Model)| {
        let mut model = model();
        change(&mut model);
        model.check().unwrap_err().to_string()
    };
    assert!(model().check().is_ok());
    assert!(
        problem(&|m| m.groups[1].measures[0].weight = 0.0)
            .contains("group \"support\": the weights sum to nothing")
    );
    assert!(problem(&|m| m.groups[0].measures[1].name = "logins".into()).contains("stands twice"));
    let falling = Curve::Linear {
        knots: vec![(0.0, 9.0), (1.0, 3.0)],
        direction: Some(crate::Direction::Rising),
    };
    assert!(problem(&|m| m.groups[0].measures[1].curve = falling.clone()).contains("against the direction"));
    assert!(problem(&|m| m.min_coverage = 2.0).contains("take 0 to 1"));
}

fn value() -> impl Strategy<Value = Reading> {
    (prop::option::weighted(0.8, -20.0..120.0f64), 0.0..60.0f64).prop_map(|(value, age)| Reading {
        value: value.unwrap_or(f64::NAN),
        age,
    })
}

proptest! {
    #[test]
    fn ledgers_and_their_differences_add_up_exactly(
        first in prop::collection::vec(value(), 5), second in prop::collection::vec(value(), 5),
        cap in prop::option::of(0.0..100.0f64),
    ) {
        let model = model();
        let rules: Vec<Override> = cap.map(|cap| rule(Rule::Cap(cap), 5)).into_iter().collect();
        let (a, b) = (model.score(&first, 99.0, &[], 0), model.score(&second, 99.0, &rules, 0));
        for ledger in [&a, &b] {
            if let Some(score) = ledger.score {
                let sum: Amount = ledger.lines.iter().map(|line| line.contribution).sum();
                prop_assert_eq!(sum + ledger.overridden, score);
                prop_assert!((ledger.lines.iter().map(|line| line.weight).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        // The score anew: mean of groups that have something of means of what they have.
        let (mut top, mut all) = (0.0, 0.0);
        for (group, at) in [(0.5, vec![(0, 3.0), (1, 1.0)]), (0.3, vec![(2, 1.0)]), (0.2, vec![(3, 1.0), (4, 1.0)])] {
            let known: Vec<(f64, f64)> = at.into_iter()
                .filter(|(at, _): &(usize, f64)| !first[*at].value.is_nan() && first[*at].age <= 30.0)
                .map(|(at, weight)| (first[at].value.clamp(0.0, 100.0), weight)).collect();
            let weight: f64 = known.iter().map(|k| k.1).sum();
            if weight > 0.0 {
                top += group * known.iter().map(|k| k.0 * k.1).sum::<f64>() / weight;
                all += group;
            }
        }
        if let Some(score) = a.score {
            prop_assert!((score.points() - top / all).abs() < 1e-9);
        }
        if let Some(difference) = b.since(&a) {
            let sum: Amount = difference.changes.iter().map(|c| c.by_points + c.by_weight).sum();
            prop_assert_eq!(sum + difference.overridden, difference.total);
            prop_assert_eq!(difference.total, b.score.unwrap() - a.score.unwrap());
        }
    }
}

#[test]
fn the_total_is_the_score_of_the_ledger() {
    let mut random = crate::random::Random::new(11, 0);
    let measure = |name: &str, weight: f64, stale_after: Option<f64>| Measure {
        name: name.to_owned(),
        weight,
        curve: Curve::Linear {
            knots: vec![(0.0, 10.0), (50.0, 90.0)],
            direction: None,
        },
        stale_after,
    };
    let group = |name: &str, weight: f64, measures: Vec<Measure>| Group {
        name: name.to_owned(),
        weight,
        measures,
    };
    let model = Model {
        groups: vec![
            group(
                "use",
                3.0,
                vec![measure("a", 2.0, None), measure("b", 1.0, Some(30.0))],
            ),
            group("support", 1.0, vec![measure("c", 1.0, Some(10.0))]),
            group("nothing", 0.0, vec![measure("d", 1.0, None)]),
        ],
        min_coverage: 0.5,
        quiet_days: 14.0,
    };
    let (mut some, mut none) = (0, 0);
    for _ in 0..500 {
        let readings: Vec<Reading> = (0..random.below(6))
            .map(|_| Reading {
                value: if random.unit() < 0.3 {
                    f64::NAN
                } else {
                    random.unit() * 60.0
                },
                age: random.unit() * 60.0,
            })
            .collect();
        let age = random.unit() * 40.0;
        let total = model.total(&readings, age);
        assert_eq!(total, model.score(&readings, age, &[], 0).score);
        *if total.is_some() { &mut some } else { &mut none } += 1;
    }
    assert!(some > 50 && none > 50, "{some} {none}");
}
