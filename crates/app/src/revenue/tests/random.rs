//! A random company: every figure equals plain loops over its days and events, and the retention figures equal the KPIs.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::Value as Json;

use super::{get, list};
use crate::kpis::tests::naive::{Model, number};
use crate::kpis::tests::random::arrive;
use crate::kpis::tests::world::world;
use crate::kpis::tests::{apply, figures, medtrainer, same};
use crate::testing::TestApp;

const TODAY: Date = date(2026, 6, 30);

/// An amount in cents.
fn cents(amount: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "small amounts of a test")]
    let cents = (amount * 100.0).round() as i64;
    cents
}

/// Opening, the seven moves, closing; and Σ min(end, start), Σ end and Σ start of those that are known at both ends.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    opening: i64,
    moves: [i64; 7],
    closing: i64,
    kept: i64,
    net: i64,
    base: i64,
}

fn plain(m: &Model, first: i32, last: i32, segment: Option<&str>) -> Plain {
    let mut sums = Plain::default();
    for account in 0..m.ids.len() {
        let (then, now) = (m.status(account, first - 1), m.status(account, last));
        let counted = if then.active { then.segment } else { now.segment };
        if segment.is_some_and(|wanted| wanted != counted) {
            continue;
        }
        let (start, end) = (then.mrr.map(cents), now.mrr.map(cents));
        match (then.active, now.active) {
            (false, false) => {}
            (false, true) => {
                let before = (number(date(2024, 1, 1))..first).any(|day| m.active(account, day));
                sums.moves[usize::from(before)] += end.unwrap_or(0);
                sums.closing += end.unwrap_or(0);
            }
            (true, false) => {
                sums.opening += start.unwrap_or(0);
                sums.moves[4] -= start.unwrap_or(0);
                sums.base += start.unwrap_or(0);
            }
            (true, true) => {
                sums.opening += start.unwrap_or(0);
                sums.closing += end.unwrap_or(0);
                match (start, end) {
                    (Some(start), Some(end)) => {
                        sums.moves[if end > start { 2 } else { 3 }] += end - start;
                        sums.base += start;
                        sums.net += end;
                        sums.kept += end.min(start);
                    }
                    (None, Some(end)) => sums.moves[5] += end,
                    (Some(start), None) => sums.moves[6] -= start,
                    (None, None) => {}
                }
            }
        }
    }
    sums
}

fn ratio(part: i64, whole: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "small amounts of a test")]
    let share = part as f64 / whole as f64;
    (whole != 0).then_some(share)
}

#[track_caller]
fn compare(line: &Json, want: &Plain, what: &str) {
    let amount = |field: &str| cents(line[field].as_f64().expect("an amount"));
    let moves: Vec<i64> = list(line, "steps")
        .iter()
        .map(|step| cents(step["amount"].as_f64().expect("an amount")))
        .collect();
    assert_eq!(
        (amount("opening"), moves.as_slice(), amount("closing")),
        (want.opening, &want.moves[..], want.closing),
        "{what}"
    );
    assert_eq!(
        amount("opening") + moves.iter().sum::<i64>(),
        amount("closing"),
        "{what}"
    );
    assert!(
        same(line["grr"].as_f64(), ratio(want.kept, want.base)),
        "{what}: {line}"
    );
    assert!(
        same(line["nrr"].as_f64(), ratio(want.net, want.base)),
        "{what}: {line}"
    );
}

#[tokio::test]
async fn revenue_equals_plain_loops_and_the_kpis() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let arrivals = world(47, 70, 5);
    arrive(&app, &arrivals).await;
    app.catch_up().await.expect("caught up");
    let model = Model::new(&arrivals, TODAY);
    bridges(&app, &model).await;
    cohorts(&app, &model).await;
    departures(&app, &model).await;
    saves(&app, &model).await;
}

async fn bridges(app: &TestApp, model: &Model) {
    let mut moved = [0; 7];
    for (grain, n) in [("month", 12), ("quarter", 4), ("12m", 3)] {
        let answer = get(app, &format!("bridge?grain={grain}&periods={n}")).await;
        assert_eq!(list(&answer, "periods").len(), n);
        for period in list(&answer, "periods") {
            let day: Date = period["period"].as_str().expect("a day").parse().expect("a day");
            let first: Date = period["first_day"]
                .as_str()
                .expect("a day")
                .parse()
                .expect("a day");
            let want_first = match grain {
                "month" => day.first_of_month(),
                "quarter" => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
                _ => day.first_of_month().saturating_sub(11.months()),
            };
            assert_eq!(first, want_first);
            let want = plain(model, number(first), number(day), None);
            compare(&period["currencies"][0], &want, &format!("{grain} to {day}"));
            for (sum, step) in moved.iter_mut().zip(want.moves) {
                *sum += i32::from(step != 0);
            }
            // The KPIs of the same window say the same.
            let kpis = figures(app, &day.to_string()).await;
            for (kpi, own) in [("grr", "grr"), ("nrr", "nrr")] {
                let key = (format!("{kpi}_{grain}"), "all".to_owned());
                assert!(
                    same(period["currencies"][0][own].as_f64(), kpis[&key]),
                    "{key:?} on {day}"
                );
            }
        }
        // The newest period by segment: each equals its loop and its KPI, and together they are the whole.
        let day = answer["period"].as_str().expect("a day").to_owned();
        let kpis = figures(app, &day).await;
        let last = list(&answer, "periods").last().expect("a period");
        let first: Date = last["first_day"].as_str().expect("a day").parse().expect("a day");
        let mut opening = 0;
        for part in list(&answer, "parts") {
            let segment = part["value"].as_str().expect("a segment");
            let want = plain(model, number(first), number(TODAY), Some(segment));
            compare(&part["currencies"][0], &want, &format!("{grain}, {segment}"));
            opening += want.opening;
            if segment != "unclassified" {
                let key = (format!("grr_{grain}"), segment.to_owned());
                assert!(same(part["currencies"][0]["grr"].as_f64(), kpis[&key]), "{key:?}");
            }
        }
        assert_eq!(
            opening,
            cents(last["currencies"][0]["opening"].as_f64().expect("an amount"))
        );
    }
    assert!(moved.iter().all(|n| *n > 0), "each step occurs: {moved:?}");

    // A step opens into accounts that add up to it.
    let answer = get(app, "bridge?grain=12m&periods=1").await;
    for step in list(&answer["periods"][0]["currencies"][0], "steps") {
        let name = step["step"].as_str().expect("a step");
        let behind = get(app, &format!("bridge/accounts?grain=12m&step={name}&limit=500")).await;
        let sum: i64 = list(&behind, "items")
            .iter()
            .map(|it| cents(it["change"].as_f64().expect("a change")))
            .sum();
        assert_eq!(sum, cents(step["amount"].as_f64().expect("an amount")), "{name}");
        assert_eq!(behind["total"], step["accounts"], "{name}");
    }
    let closing = get(app, "bridge/accounts?grain=12m&step=closing&limit=1").await;
    let active = (0..model.ids.len())
        .filter(|a| model.active(*a, number(TODAY)))
        .count();
    assert_eq!(closing["total"], active);
}

fn first_day(m: &Model, account: usize) -> Option<i32> {
    (number(date(2024, 1, 2))..=number(TODAY)).find(|day| m.active(account, *day))
}

async fn cohorts(app: &TestApp, m: &Model) {
    for measure in ["logo", "net", "gross"] {
        let answer = get(app, &format!("cohorts?measure={measure}&months=12")).await;
        let mut cells = 0;
        for cohort in list(&answer, "cohorts") {
            let name = cohort["cohort"].as_str().expect("a name");
            // The oldest, of July, is seen twelve times by the end of June, the one of June once.
            let month: Date = format!("{name}-01").parse().expect("a month");
            let ages = (TODAY.first_of_month() - month).get_days() / 28 + 1;
            assert_eq!(
                list(cohort, "cells").len(),
                usize::try_from(ages).expect("small"),
                "{name}"
            );
            for cell in list(cohort, "cells") {
                let day: Date = cell["day"].as_str().expect("a day").parse().expect("a day");
                let (mut numerator, mut denominator) = (0, 0);
                for account in 0..m.ids.len() {
                    let Some(start) = first_day(m, account) else {
                        continue;
                    };
                    let started = date(1970, 1, 1).saturating_add(start.days());
                    if format!("{}-{:02}", started.year(), started.month()) != name {
                        continue;
                    }
                    let on = m.active(account, number(day));
                    let (base, now) = (m.status(account, start).mrr, m.status(account, number(day)).mrr);
                    let known = measure == "logo" || (base.is_some() && (!on || now.is_some()));
                    if known {
                        let (base, now) = (cents(base.unwrap_or(0.0)), cents(now.unwrap_or(0.0)));
                        numerator += match measure {
                            _ if !on => 0,
                            "logo" => 1,
                            "net" => now,
                            _ => now.min(base),
                        };
                        denominator += if measure == "logo" { 1 } else { base };
                    }
                }
                assert!(
                    same(cell["value"].as_f64(), ratio(numerator, denominator)),
                    "{measure} of {name} on {day}: {cell}, but {numerator} of {denominator}"
                );
                cells += 1;
            }
        }
        assert!(cells > 50, "{cells}");
        assert_eq!(list(&answer, "pooled").len(), 12);
    }
}

/// Every end of a time of being active: account, day, reason.
fn ends(m: &Model, first: i32, last: i32) -> Vec<(usize, i32, Option<String>)> {
    let mut found = Vec::new();
    for account in 0..m.ids.len() {
        for day in first..=last {
            if !m.active(account, day - 1) || m.active(account, day) {
                continue;
            }
            let back = (day..=number(TODAY))
                .find(|d| m.active(account, *d))
                .unwrap_or(i32::MAX);
            let mut reason = None;
            for event in &m.events {
                if event.account == Some(account)
                    && event.name == "churned"
                    && (day..back).contains(&event.day)
                    && let Some(said) = event.said.get("reason").and_then(Json::as_str)
                {
                    reason = Some(said.to_owned());
                }
            }
            found.push((account, day, reason));
        }
    }
    found
}

async fn departures(app: &TestApp, m: &Model) {
    let first = number(date(2025, 7, 1));
    let want = ends(m, first, number(TODAY));
    let answer = get(app, "churn?months=12&by=reason").await;
    assert_eq!(answer["departures"], want.len());
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, reason) in &want {
        *by_reason
            .entry(reason.as_deref().unwrap_or("(not recorded)"))
            .or_default() += 1;
    }
    let got: BTreeMap<&str, usize> = list(&answer, "groups")
        .iter()
        .map(|group| {
            let n = group["departures"].as_u64().expect("a count");
            (
                group["value"].as_str().expect("a value"),
                usize::try_from(n).expect("small"),
            )
        })
        .collect();
    assert_eq!(got, by_reason);
    assert!(by_reason.len() == 2 && want.len() > 20, "{by_reason:?}");
    let missing = want.iter().filter(|(_, _, reason)| reason.is_none()).count();
    assert_eq!(answer["without_reason"], missing);
    let still = get(app, "churn/accounts?months=12&missing=true&limit=500").await;
    assert_eq!(still["total"], missing);
    let paid: i64 = want
        .iter()
        .map(|(account, day, _)| m.status(*account, day - 1).mrr.map_or(0, cents))
        .sum();
    assert_eq!(
        cents(answer["mrr"][0]["amount"].as_f64().expect("an amount")),
        paid
    );
    for month in list(&answer, "months") {
        let day = month["month"].as_str().expect("a day").to_owned();
        let kpis = figures(app, &day).await;
        let key = ("logo_churn_month".to_owned(), "all".to_owned());
        assert!(same(month["logo_churn"].as_f64(), kpis[&key]), "{day}");
    }
    let kpis = figures(app, "2026-06-30").await;
    let key = |scope: &str| ("logo_churn_12m".to_owned(), scope.to_owned());
    assert!(same(answer["logo_churn"].as_f64(), kpis[&key("all")]));
    let by_segment = get(app, "churn?months=12&by=segment").await;
    for group in list(&by_segment, "groups") {
        let segment = group["value"].as_str().expect("a segment");
        if segment != "unclassified" {
            assert!(
                same(group["logo_churn"].as_f64(), kpis[&key(segment)]),
                "{segment}: {group}"
            );
        }
    }
}

async fn saves(app: &TestApp, m: &Model) {
    const HELP: [&str; 7] = [
        "meeting_held",
        "call_logged",
        "qbr_held",
        "sponsor_met",
        "task_completed",
        "playbook_step_done",
        "saved",
    ];
    let answer = get(app, "saves?months=12&limit=500").await;
    let (first, today) = (number(date(2025, 7, 1)), number(TODAY));
    let (mut settled, mut proactive, mut kept) = (0, 0, 0);
    let mut notices = 0;
    for account in 0..m.ids.len() {
        let last = m
            .within((first, today))
            .filter(|e| e.account == Some(account) && e.is(&["churn_notice"]))
            .last();
        let Some(day) = last.map(|e| e.day) else { continue };
        notices += 1;
        if day + 90 > today {
            continue;
        }
        settled += 1;
        if !m.active(account, day + 90) {
            continue;
        }
        if let (true, Some(then), Some(now)) = (
            m.active(account, day),
            m.status(account, day).mrr,
            m.status(account, day + 90).mrr,
        ) {
            kept += cents(then.min(now));
        }
        proactive += i64::from(
            m.within((day, day + 90))
                .any(|e| e.account == Some(account) && e.is(&HELP)),
        );
    }
    assert_eq!(answer["all"]["notices"], notices);
    assert_eq!(answer["all"]["settled"], settled);
    assert_eq!(answer["all"]["proactive"], proactive);
    assert!(same(answer["all"]["rate"].as_f64(), ratio(proactive, settled)));
    let saved = answer["all"]["mrr_saved"][0]["amount"].as_f64().unwrap_or(0.0);
    assert_eq!(cents(saved), kept);
    assert!(proactive > 2 && settled > proactive, "{proactive} of {settled}");
}
