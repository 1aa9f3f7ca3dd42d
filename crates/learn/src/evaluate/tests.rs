//! The evaluation on small tables whose truth is known.

use super::*;
use crate::boost::probability;
use crate::random::Random;
use crate::table::Column;

/// Rows of `accounts` accounts, four each; the first column moves the outcome, the second says nothing.
fn data(accounts: usize, strength: f64, seed: u64) -> (Table, Vec<bool>, Vec<u64>) {
    let mut random = Random::new(seed, 0);
    let n = accounts * 4;
    let signal: Vec<f64> = (0..n).map(|_| random.unit() * 2.0 - 1.0).collect();
    let labels = signal
        .iter()
        .map(|x| random.unit() < probability(strength * x - 1.0))
        .collect();
    let groups = (0..n).map(|row| row as u64 / 4).collect();
    let noise = (0..n).map(|_| random.unit()).collect();
    let hand = signal
        .iter()
        .map(|x| if *x > 0.3 { 0.0 } else { 100.0 })
        .collect();
    let columns = vec![
        Column::number("signal", signal),
        Column::number("noise", noise),
        Column::number("hand", hand),
    ];
    (Table::new(columns).unwrap(), labels, groups)
}

fn evaluate(
    table: &Table,
    labels: &[bool],
    groups: Option<&[u64]>,
    hand_set: Option<&str>,
    threads: usize,
) -> Result<Report> {
    let plan = Plan::folds(&seeded(labels, groups, 3, 1)?, groups)?;
    run(
        &Task {
            table,
            labels,
            target: "churn",
            groups,
            plan: &plan,
            hand_set,
            seed: 1,
            threads,
        },
        &|_| {},
    )
}

fn method<'a>(report: &'a Report, name: &str) -> &'a Method {
    report
        .methods
        .iter()
        .find(|method| method.method == name)
        .unwrap()
}

#[test]
fn every_method_is_measured_and_a_signal_is_proven() {
    let (table, labels, groups) = data(250, 3.0, 1);
    let report = evaluate(&table, &labels, Some(&groups), Some("hand"), 1).unwrap();
    let names: Vec<&str> = report
        .methods
        .iter()
        .map(|method| method.method.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "prior",
            "baseline signal",
            "baseline noise",
            "hand_set",
            "logistic",
            "transparent",
            "challenger"
        ]
    );
    assert_eq!(report.verdict, "proven");
    assert_eq!(report.interval, "bootstrap over accounts, 500 draws");
    assert_eq!(method(&report, "prior").auc, 0.5);
    assert!(method(&report, "transparent").auc > 0.75);
    assert!(method(&report, "transparent").log_loss < method(&report, "prior").log_loss - 0.05);
    assert!(report.paired.iter().all(|pair| pair.first == "transparent"));
    let ratio = report.skill_ratio.unwrap();
    assert!(ratio.value > 1.15 && ratio.low < ratio.value && ratio.value < ratio.high);
    assert!(report.warnings.is_empty());
}

#[test]
fn figures_do_not_depend_on_threads() {
    let (table, labels, groups) = data(80, 2.0, 2);
    let bare = |mut report: Report| {
        report.methods.iter_mut().for_each(|method| method.seconds = 0.0);
        report
    };
    let one = bare(evaluate(&table, &labels, Some(&groups), None, 1).unwrap());
    assert_eq!(
        one,
        bare(evaluate(&table, &labels, Some(&groups), None, 3).unwrap())
    );
}

#[test]
fn noise_is_not_proven() {
    let (table, labels, groups) = data(150, 0.0, 3);
    let report = evaluate(&table, &labels, Some(&groups), None, 2).unwrap();
    assert_eq!(report.verdict, "not proven");
    assert!(report.reason.contains("0.55"), "{}", report.reason);
    let (table, labels, groups) = data(30, 3.0, 3);
    let report = evaluate(&table, &labels, Some(&groups), None, 2).unwrap();
    assert!(report.reason.contains("50 are the least"), "{}", report.reason);
}

#[test]
fn leaks_constants_and_empty_columns_are_named() {
    let (table, labels, _) = data(60, 1.0, 4);
    let n = labels.len();
    let mut columns = table.columns().to_vec();
    columns.push(Column::number(
        "left_on",
        labels.iter().map(|l| if *l { 5.0 } else { f64::NAN }).collect(),
    ));
    columns.push(Column::number("same", vec![1.0; n]));
    columns.push(Column::number("empty", vec![f64::NAN; n]));
    let table = Table::new(columns).unwrap();
    let report = evaluate(&table, &labels, None, None, 2).unwrap();
    let about = |name: &str| {
        report
            .warnings
            .iter()
            .find(|warning| warning.column.as_deref() == Some(name))
            .unwrap()
            .message
            .clone()
    };
    assert!(about("left_on").contains("--ignore \"left_on\""));
    assert!(about("same").contains("same value"));
    assert!(about("empty").contains("no value"));
    assert_eq!(report.columns, 4);
    assert_eq!(report.verdict, "not proven");
    assert!(report.reason.contains("left_on"), "{}", report.reason);
}

#[test]
fn what_cannot_be_evaluated_says_why() {
    let (table, labels, groups) = data(30, 1.0, 5);
    let one = evaluate(&table, &vec![true; labels.len()], None, None, 1).unwrap_err();
    assert!(
        matches!(one, Error::OneClass { ref column, .. } if column == "churn"),
        "{one}"
    );
    let unknown = evaluate(&table, &labels, None, Some("hnad"), 1).unwrap_err();
    assert!(unknown.to_string().contains("did you mean \"hand\""), "{unknown}");
    let folds: Vec<u64> = (0..labels.len() as u64).map(|row| row % 2).collect();
    assert!(Plan::folds(&folds, Some(&groups)).is_err());
    assert!(Plan::time(vec![1.0, 2.0], 5.0).is_err());
}

#[test]
fn a_split_by_time_trains_on_the_past_only() {
    let (table, labels, _) = data(300, 3.0, 6);
    let times: Vec<f64> = (0..labels.len()).map(|row| (row / 100) as f64).collect();
    let plan = Plan::time(times, 8.0).unwrap();
    assert_eq!((plan.parts[0].train.len(), plan.parts[0].test.len()), (800, 400));
    let task = Task {
        table: &table,
        labels: &labels,
        target: "churn",
        groups: None,
        plan: &plan,
        hand_set: None,
        seed: 1,
        threads: 2,
    };
    let report = run(&task, &|_| {}).unwrap();
    assert_eq!(report.test_rows, 400);
    assert!(method(&report, "transparent").ece < 0.1);
}

#[test]
fn folds_hold_whole_groups_and_both_classes() {
    let mut random = Random::new(9, 0);
    let groups: Vec<u64> = (0..600).map(|_| random.below(200) as u64).collect();
    let labels: Vec<bool> = (0..600).map(|_| random.unit() < 0.1).collect();
    let folds = seeded(&labels, Some(&groups), 5, 1).unwrap();
    for row in 0..600 {
        for other in 0..row {
            assert!(groups[row] != groups[other] || folds[row] == folds[other]);
        }
    }
    for fold in 0..5 {
        let hits = (0..600).filter(|row| folds[*row] == fold && labels[*row]).count();
        assert!((6..=20).contains(&hits), "{hits}");
    }
}
