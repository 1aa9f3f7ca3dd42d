//! The score as a whole on small tables whose truth is known.

use super::*;
use crate::boost::probability;
use crate::measure;
use crate::random::Random;
use crate::table::Column;

/// `n` rows of uniform columns a, b, c and a hand-set score that follows a; the outcome's log-odds come from `truth`.
fn data(n: usize, seed: u64, truth: impl Fn(&[f64; 3]) -> f64) -> (Table, Vec<bool>) {
    let mut random = Random::new(seed, 0);
    let rows: Vec<[f64; 3]> = (0..n)
        .map(|_| [random.unit(), random.unit(), random.unit()])
        .collect();
    let labels = rows
        .iter()
        .map(|row| random.unit() < probability(truth(row)))
        .collect();
    let column = |name: &str, at: usize| Column::number(name, rows.iter().map(|row| row[at]).collect());
    let hand = rows.iter().map(|row| 100.0 * (1.0 - row[0])).collect();
    let columns = vec![
        column("a", 0),
        column("b", 1),
        column("c", 2),
        Column::number("hand", hand),
    ];
    (Table::new(columns).unwrap(), labels)
}

fn settings() -> Settings {
    Settings {
        additive: additive::Settings {
            rounds: 150,
            ..Default::default()
        },
        hand_set: Some("hand".into()),
        ..Default::default()
    }
}

fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    measure::auc(scores, labels).unwrap().value
}

#[test]
fn pairs_stay_only_where_they_pay() {
    let (table, labels) = data(
        3_000,
        1,
        |[a, b, _]| {
            if (*a < 0.5) == (*b < 0.5) { 1.0 } else { -1.5 }
        },
    );
    let own = Settings {
        hand_set: None,
        ..settings()
    };
    let model = train(&table.only(&[0, 1, 2]), &labels, None, None, None, &own).unwrap();
    assert!(model.decision.pair_gain[1] > 0.0 && model.decision.pair_rounds > 0);
    assert!(model.table.pairs.iter().any(|pair| pair.measures == [0, 1]));
    assert!(auc(&model.table.score(&table, 1).unwrap(), &labels) > 0.7);
    let (table, labels) = data(3_000, 2, |[a, b, _]| 3.0 * a - 2.0 * b - 1.0);
    let model = train(&table.only(&[0, 1, 2]), &labels, None, None, None, &own).unwrap();
    assert_eq!((model.decision.pair_rounds, model.table.pairs.len()), (0, 0));
}

#[test]
fn contributions_add_up_and_threads_change_nothing() {
    let (table, labels) = data(1_500, 3, |[a, b, _]| 2.0 * a * b - 1.0);
    let one = train(&table, &labels, None, None, None, &settings()).unwrap();
    let many = Settings {
        threads: 3,
        ..settings()
    };
    assert_eq!(one, train(&table, &labels, None, None, None, &many).unwrap());
    let found = one.table.explain(&table, 2).unwrap();
    assert_eq!(found.columns.len(), 1 + 3 + one.table.pairs.len());
    for row in (0..1_500).step_by(100) {
        let sum: f64 = found.columns.iter().map(|column| column[row]).sum();
        assert!((found.mean + sum - found.scores[row]).abs() < 1e-9);
    }
    // The base is the mean score, against which contributions are told; only pairs and single rounds of centring blur it.
    let mean = found.scores.iter().sum::<f64>() / 1_500.0;
    assert!((mean - found.mean).abs() < 0.02, "{mean} {}", found.mean);
}

#[test]
fn few_rows_start_at_the_hand_set_score_and_many_leave_it() {
    let truth = |[a, _, _]: &[f64; 3]| 3.0 * a - 2.0;
    let weight = |n| {
        let (table, labels) = data(n, 4, truth);
        let model = train(&table, &labels, None, None, None, &settings()).unwrap();
        model.table.hand_set.unwrap().weight
    };
    // 3 log-odds per 100 points, all of which the score says.
    assert!(weight(120) < -0.01, "{}", weight(120));
    assert!(weight(3_000) > -0.005, "{}", weight(3_000));
}

#[test]
fn a_declared_direction_holds_in_the_whole_score() {
    let (table, labels) = data(1_500, 5, |[a, b, _]| 2.0 * (6.0 * a).sin() + b);
    let own = Settings {
        hand_set: None,
        directions: vec![Some(Direction::Rising), Some(Direction::Falling)],
        ..settings()
    };
    let model = train(&table.only(&[0, 1, 2]), &labels, None, None, None, &own).unwrap();
    let steps: Vec<f64> = (0..=100).map(|at| f64::from(at) / 100.0).collect();
    for other in [0.1, 0.5, 0.9] {
        let line = |moving: usize| {
            let columns = ["a", "b", "c"].iter().enumerate().map(|(at, name)| {
                let values = if at == moving {
                    steps.clone()
                } else {
                    vec![other; steps.len()]
                };
                Column::number(*name, values)
            });
            model
                .table
                .score(&Table::new(columns.collect()).unwrap(), 1)
                .unwrap()
        };
        assert!(line(0).windows(2).all(|pair| pair[0] <= pair[1] + 1e-12));
        assert!(line(1).windows(2).all(|pair| pair[0] >= pair[1] - 1e-12));
    }
}

#[test]
fn frozen_points_stay_and_the_others_learn_around_them() {
    let (table, labels) = data(1_500, 6, |[a, b, _]| 3.0 * a + 2.0 * b - 2.5);
    let mut first = train(&table, &labels, None, None, None, &settings())
        .unwrap()
        .table;
    first.set_points("a", 0, 0.125).unwrap();
    first.freeze("a", true).unwrap();
    let second = train(&table, &labels, None, None, Some(&first), &settings())
        .unwrap()
        .table;
    assert_eq!(second.measures[0].points, first.measures[0].points);
    assert!(second.measures[0].frozen);
    assert!(auc(&second.score(&table, 1).unwrap(), &labels) > 0.7);
}

#[test]
fn groups_and_unknown_columns() {
    let (table, labels) = data(300, 7, |[a, _, _]| 3.0 * a - 1.5);
    let groups: Vec<u64> = (0..300).map(|row| row / 10).collect();
    assert!(train(&table, &labels, None, Some(&groups), None, &settings()).is_ok());
    let wrong = Settings {
        hand_set: Some("hnad".into()),
        ..settings()
    };
    let error = train(&table, &labels, None, None, None, &wrong).unwrap_err();
    assert!(error.to_string().contains("did you mean \"hand\""), "{error}");
    let one = train(&table, &[true; 300], None, None, None, &settings()).unwrap_err();
    assert!(matches!(one, crate::Error::OneClass { .. }));
}
