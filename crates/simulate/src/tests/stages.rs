//! Lifecycle stages as the files tell them: of which account, from which day, and whether a person could have entered them.

use std::collections::{BTreeMap, HashMap};

use super::DAY;
use super::data::{Data, company, customers, good, micros};

const FIRST: &str = "2024-07-01";
/// An account's stages with their days, in the order of the file.
type Told<'a> = BTreeMap<&'a str, Vec<(i64, &'a str)>>;

fn day(text: &str) -> i64 {
    micros(text) / DAY
}

fn told(data: &Data) -> Told<'_> {
    let mut told = Told::new();
    for row in &data.stages {
        told.entry(row["account_id"].as_str())
            .or_default()
            .push((day(&row["updated_at"]), row["lifecycle_stage"].as_str()));
    }
    told
}

#[test]
fn every_customer_has_stages_that_follow_one_another_within_its_time() {
    let data = company();
    let told = told(data);
    let customers = customers(data);
    for (id, row) in &customers {
        assert!(told.contains_key(id), "{id} has no stage");
        let (began, first) = (day(&row["started_on"]), told[id][0]);
        assert_eq!(first.0, began, "{id}");
        if began >= day(FIRST) {
            assert_eq!(first.1, "land", "{id}");
        }
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, stages) in &told {
        for pair in stages.windows(2) {
            let ((from, before), (on, after)) = (pair[0], pair[1]);
            assert!(from < on, "{id}: {pair:?}");
            assert!(before != after, "{id}: {pair:?}");
            assert!(after != "land", "{id} lands twice: {pair:?}");
        }
        for (on, stage) in stages {
            *seen.entry(stage).or_default() += 1;
            assert!(*on < day("2026-07-01"), "{id}: {stage} on {on}");
            if let Some(row) = customers.get(id).filter(|row| !row["churned_on"].is_empty()) {
                assert!(*on <= day(&row["churned_on"]), "{id}: {stage} after it left");
            }
        }
    }
    let names: Vec<&str> = seen.keys().copied().collect();
    assert_eq!(names, ["adopt", "expand", "land", "renew"]);
    assert!(seen.values().all(|&n| n > 50), "{seen:?}");
}

#[test]
fn an_account_is_up_for_renewal_in_the_ninety_days_before_a_yearly_one() {
    let data = company();
    let customers = customers(data);
    let mut renewed: HashMap<&str, Vec<i64>> = HashMap::new();
    for row in good(data, &data.subscriptions, "effective_on") {
        if row["change"] != "renewed" {
            continue;
        }
        renewed
            .entry(row["account_id"].as_str())
            .or_default()
            .push(day(&row["effective_on"]));
    }
    let (mut checked, mut reached) = (0, 0);
    for (id, stages) in told(data) {
        let Some(began) = customers.get(id).map(|row| day(&row["started_on"])) else {
            continue;
        };
        let renewals = renewed.get(id).map_or(&[][..], Vec::as_slice);
        for (at, (on, stage)) in stages.iter().enumerate() {
            // What an account was in when the data began is entered with its start.
            if *stage != "renew" || *on == began {
                continue;
            }
            checked += 1;
            let next = began + (on - began + 364) / 365 * 365;
            assert!(
                (0..=90).contains(&(next - on)),
                "{id}: renew on {on}, renews on {next}"
            );
            // It is over within a week of the renewal, and not before it.
            if let Some((over, _)) = stages.get(at + 1) {
                assert!(
                    (next - 6..=next + 7).contains(over),
                    "{id}: {over}, renews on {next}"
                );
                reached += usize::from(renewals.contains(&next));
            }
            // A contract by the month has no such stage.
            assert!(
                renewals.windows(2).all(|two| two[1] - two[0] >= 300),
                "{id}: {renewals:?}"
            );
        }
    }
    assert!(
        checked > 200 && reached > 100,
        "{checked} checked, {reached} with a renewal"
    );
}
