//! The back-test of a score set by hand, once more: plain loops over the list of events, every pair of rows compared.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::world::{app, company, end_of, number, program};
use super::{backtest, method};
use crate::events::Event;
use crate::metrics::facts::date_of;

struct Row {
    account: String,
    day: i32,
    health: Option<f64>,
    mrr: Option<f64>,
    label: bool,
    gone: Option<i32>,
}

fn day_of(event: &Event) -> i32 {
    i32::try_from(event.occurred_at.div_euclid(86_400_000_000)).expect("a day")
}

fn linear(value: f64, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> f64 {
    y0 + (y1 - y0) * ((value - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

/// Rows of every month end whose 90 days have passed, and how many were left out because theirs have not.
fn rows(events: &[Event], trust: bool) -> (Vec<Row>, usize) {
    let newest = events
        .iter()
        .map(day_of)
        .max()
        .expect("events")
        .min(number("2026-06-29"));
    let mut accounts: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        accounts
            .entry(event.account.as_deref().expect("an account"))
            .or_default()
            .push(event);
    }
    let (mut rows, mut censored) = (Vec::new(), 0);
    for month in 0..18 {
        let first = jiff::civil::date(2025, 1, 1).saturating_add(jiff::Span::new().months(month));
        let day = crate::metrics::facts::day_number(first.last_of_month());
        if day < number("2025-06-30") || day > newest {
            continue;
        }
        for (account, all) in &accounts {
            let start = all.iter().find(|event| event.name == "subscription_started");
            let gone = all
                .iter()
                .find(|event| event.name == "churned")
                .map(|event| day_of(event));
            let Some(start) = start else { continue };
            let known = |event: &&&Event| day_of(event) <= day && (trust || event.received_at < end_of(day));
            // Who counted as active on that evening: its start was known, and no end.
            if !known(&start) || all.iter().filter(known).any(|event| event.name == "churned") {
                continue;
            }
            if day + 90 > newest {
                censored += 1;
                continue;
            }
            let count = |name: &str, window: i32| {
                all.iter()
                    .filter(known)
                    .filter(|event| event.name == name && day_of(event) > day - window)
                    .count() as f64
            };
            let quiet = all
                .iter()
                .filter(known)
                .filter(|event| event.name == "login")
                .map(|event| day - day_of(event))
                .min();
            let begun = Some(start).filter(known).map(|event| day - day_of(event));
            let mut product = vec![linear(count("login", 30), (0.0, 0.0), (10.0, 100.0))];
            product.extend(quiet.map(|days| linear(f64::from(days), (0.0, 100.0), (30.0, 0.0))));
            let tickets = count("ticket_opened", 90);
            let support = if tickets < 1.0 {
                100.0
            } else if tickets < 3.0 {
                60.0
            } else {
                10.0
            };
            let health = 0.75 * product.iter().sum::<f64>() / product.len() as f64 + 0.25 * support;
            // What is equal in exact numbers is equal here too, whatever the order of the sums.
            let health = (health * 1e9).round() / 1e9;
            rows.push(Row {
                account: (*account).to_owned(),
                day,
                health: begun.is_some_and(|days| days >= 30).then_some(health),
                mrr: begun.and_then(|_| start.properties["mrr"].as_f64()),
                label: gone.is_some_and(|gone| gone <= day + 90),
                gone,
            });
        }
    }
    (rows, censored)
}

fn auc(rows: &[&Row]) -> f64 {
    let (mut won, mut pairs) = (0.0, 0.0);
    for hit in rows.iter().filter(|row| row.label) {
        for rest in rows.iter().filter(|row| !row.label) {
            let (a, b) = (hit.health.expect("health"), rest.health.expect("health"));
            pairs += 1.0;
            won += if a < b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
        }
    }
    won / pairs
}

/// The top `count` of each month, of equal scores a part: share of outcomes held, and of their MRR.
fn capture(rows: &[&Row], count: usize) -> (f64, f64) {
    let (mut hits, mut all, mut money, mut all_money) = (0.0, 0.0, 0.0, 0.0);
    let mut months: BTreeMap<i32, Vec<&Row>> = BTreeMap::new();
    rows.iter()
        .for_each(|row| months.entry(row.day).or_default().push(row));
    for month in months.values() {
        for row in month {
            let below = month.iter().filter(|other| other.health < row.health).count();
            let equal = month.iter().filter(|other| other.health == row.health).count();
            let part = ((count as f64 - below as f64) / equal as f64).clamp(0.0, 1.0);
            let mrr = row.mrr.unwrap_or(0.0);
            if row.label {
                hits += part;
                money += part * mrr;
                all += 1.0;
                all_money += mrr;
            }
        }
    }
    (hits / all, money / all_money)
}

fn near(found: &Json, wanted: f64, what: &str) {
    let found = found
        .as_f64()
        .unwrap_or_else(|| panic!("{what} is no number: {found}"));
    assert!((found - wanted).abs() < 1e-9, "{what}: {found} is not {wanted}");
}

#[tokio::test]
async fn figures_of_random_histories_are_those_of_plain_loops() {
    for (seed, trust) in [(1, false), (2, true), (3, false)] {
        let events = company(seed, 60, 0.8);
        let (rows, censored) = rows(&events, trust);
        let app = app(&program(), events).await;
        let params =
            json!({ "from": "2025-06-30", "only_hand_set": true, "capacity": 7, "trust_dates": trust });
        let found = backtest(&app, "health", params).await;
        assert_eq!(found["state"], "done", "{found}");
        let report = &found["report"];
        assert_eq!(report["rows"], rows.len(), "rows");
        assert_eq!(report["censored"], censored, "censored");
        assert_eq!(report["positives"], rows.iter().filter(|row| row.label).count());
        let scored: Vec<&Row> = rows.iter().filter(|row| row.health.is_some()).collect();
        let own = method(report, "score");
        assert_eq!(own["rows"], scored.len(), "rows with a score");
        near(&own["auc"]["value"], auc(&scored), "AUC");
        let (held, money) = capture(&scored, 7);
        near(&own["lift_capacity"]["capture"], held, "capture");
        near(&own["lift_capacity_mrr"]["capture"], money, "capture of MRR");
        let red: Vec<&&Row> = scored
            .iter()
            .filter(|row| row.health.expect("health") < 50.0)
            .collect();
        let hits = red.iter().filter(|row| row.label).count() as f64;
        near(&own["red"]["precision"], hits / red.len() as f64, "precision");
        near(
            &own["red"]["recall"],
            hits / scored.iter().filter(|row| row.label).count() as f64,
            "recall",
        );
        for month in report["months"].as_array().expect("months") {
            let of: Vec<&Row> = scored
                .iter()
                .copied()
                .filter(|row| date_of(row.day).to_string() == month["name"].as_str().expect("a day"))
                .collect();
            let Some(shown) = month["auc"]
                .as_array()
                .expect("figures")
                .iter()
                .find(|it| it["method"] == "score")
            else {
                continue;
            };
            near(&shown["auc"]["value"], auc(&of), "AUC of a month");
        }
        near(&own["lead"]["median_days"], lead(&rows), "lead");
        let late = report["knowledge"]["late_events"].as_u64().expect("a count");
        assert!(late > 0 && report["knowledge"]["trust_dates"] == trust);
    }
}

/// The median of days from the first of the unbroken red month ends before a loss to the loss.
fn lead(rows: &[Row]) -> f64 {
    let mut leads: Vec<i32> = Vec::new();
    let mut accounts: Vec<&str> = rows.iter().map(|row| row.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    for account in accounts {
        let own: Vec<&Row> = rows.iter().filter(|row| row.account == account).collect();
        let Some(lost) = own.iter().find(|row| row.label).and_then(|row| row.gone) else {
            continue;
        };
        let mut first = None;
        for row in own.iter().rev().filter(|row| row.day < lost) {
            if row.health.is_some_and(|health| health < 50.0) {
                first = Some(row.day);
            } else {
                break;
            }
        }
        leads.extend(first.map(|day| lost - day));
    }
    leads.sort_unstable();
    let middle = leads.len() / 2;
    if leads.len() % 2 == 1 {
        f64::from(leads[middle])
    } else {
        f64::from(leads[middle - 1] + leads[middle]) / 2.0
    }
}
