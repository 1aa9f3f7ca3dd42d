//! Attempts to let a measure see the future, or the outcome itself.

use serde_json::json;
use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::datatypes::Float64Type;

use super::world::{app, company, end_of, event, number, program};
use super::{backtest, method};
use crate::kpis::tests::store;
use crate::metrics::known::{self, Cutoff};
use crate::models::gather::{Ask, gather};
use crate::models::outcome::Outcome;

fn ask(days: &[&str], trust_dates: bool) -> Ask {
    Ask {
        outcome: Outcome::churn(),
        cutoffs: days.iter().map(|day| number(day)).collect(),
        trust_dates,
        horizons: vec![],
        hand: vec![],
        keep_open: true,
        all_metrics: true,
    }
}

#[tokio::test]
async fn what_arrives_after_a_cutoff_changes_nothing_at_it() {
    let days = ["2025-09-30", "2025-12-31"];
    let events = company(21, 40, 0.9);
    let by_then: Vec<_> = events
        .iter()
        .filter(|event| event.received_at < end_of(number(days[1])))
        .cloned()
        .collect();
    let all_events = events.clone();
    let whole = app(&program(), events).await;
    let cut = app(&program(), by_then).await;
    let (all, some) = (
        gather(&whole, &ask(&days, false), &|_| {})
            .await
            .expect("a panel")
            .panel,
        gather(&cut, &ask(&days, false), &|_| {})
            .await
            .expect("a panel")
            .panel,
    );
    // The accounts of which anything had arrived by the last cutoff, by id: numbers differ between the two.
    let of = |app: &crate::App, panel: &crate::models::panel::Panel| {
        let mut rows = std::collections::BTreeMap::new();
        for row in 0..panel.rows() {
            let id = app
                .metrics
                .book
                .get(panel.accounts[row])
                .expect("an account")
                .id
                .clone();
            let values: Vec<String> = panel
                .columns
                .iter()
                .map(|column| format!("{:?}", column.values.take(&[u32::try_from(row).expect("a row")])))
                .collect();
            rows.insert(
                (id, panel.at[row]),
                (values, panel.mrr[row].to_bits(), panel.tenure[row].to_bits()),
            );
        }
        rows
    };
    let (all, some) = (of(&whole, &all), of(&cut, &some));
    // The same accounts are asked, also those whose end was dated before and arrived afterwards.
    assert!(some.keys().eq(all.keys()), "{:?} {:?}", some.keys(), all.keys());
    for (key, values) in &some {
        assert_eq!(Some(values), all.get(key), "{key:?}");
    }
    let late_ends = all_events
        .iter()
        .filter(|event| event.name == "churned")
        .filter(|event| {
            days.iter().any(|day| {
                event.occurred_at < end_of(number(day)) && event.received_at >= end_of(number(day))
            })
        })
        .count();
    assert!(some.len() > 40 && late_ends > 0, "{} {late_ends}", some.len());
}

#[tokio::test]
async fn an_exit_survey_that_is_entered_backwards_is_not_seen_and_with_trusted_dates_it_is_named() {
    let mut files = program();
    let metrics = files.get_mut("metrics.yaml").expect("metrics");
    metrics.push_str(
        "  - {id: exit_talks, label: Exit talks, measure: count, events: [call_logged], window: 365d}\n",
    );
    let mut events = company(22, 260, 0.3);
    // Whoever leaves gets a call on record that is dated long before, entered when they had gone.
    let ends: Vec<(String, i64)> = events
        .iter()
        .filter(|event| event.name == "churned")
        .map(|event| (event.account.clone().expect("an account"), event.occurred_at))
        .collect();
    for (account, at) in ends {
        let no: usize = account.trim_start_matches("account-").parse().expect("a number");
        let day = i32::try_from(at / 86_400_000_000).expect("a day");
        for before in [5, 95] {
            let mut call = event(
                no,
                day - before,
                50 + before as usize,
                0,
                "call_logged",
                json!({}),
            );
            call.received_at = at + 86_400_000_000;
            events.push(call);
        }
    }
    events.retain(|event| event.received_at < end_of(number("2026-06-29")));
    let app = app(&files, events).await;
    let params = |trust: bool| json!({ "from": "2025-11-30", "trust_dates": trust });
    let honest = backtest(&app, "health", params(false)).await;
    assert!(
        honest["report"]["warnings"]
            .as_array()
            .expect("warnings")
            .is_empty(),
        "{}",
        honest["report"]["warnings"]
    );
    let honest = method(&honest["report"], "transparent")["auc"]["value"]
        .as_f64()
        .expect("an AUC");
    let trusting = backtest(&app, "health", params(true)).await;
    let report = &trusting["report"];
    let too_good = method(report, "transparent");
    assert!(
        too_good["auc"]["value"].as_f64().expect("an AUC") > honest + 0.1,
        "{honest} {too_good}"
    );
    assert!(
        report["knowledge"]["note"]
            .as_str()
            .expect("a note")
            .contains("too good")
    );
}

#[tokio::test]
async fn a_measure_of_the_outcome_itself_is_named_and_proves_nothing() {
    let mut files = program();
    let metrics = files.get_mut("metrics.yaml").expect("metrics");
    metrics
        .push_str("  - {id: leaving, label: Leaving, measure: count, events: [churn_notice], window: 90d}\n");
    let mut events = company(23, 260, 0.2);
    let ends: Vec<(String, i64)> = events
        .iter()
        .filter(|event| event.name == "churned")
        .map(|event| (event.account.clone().expect("an account"), event.occurred_at))
        .collect();
    for (account, at) in ends {
        let no: usize = account.trim_start_matches("account-").parse().expect("a number");
        let day = i32::try_from(at / 86_400_000_000).expect("a day");
        // Told on every day of the 90 before the end: the measure is the outcome under another name.
        for before in 1..=90 {
            events.push(event(no, day - before, 7, 0, "churn_notice", json!({})));
        }
    }
    let app = app(&files, events).await;
    let found = backtest(&app, "health", json!({ "from": "2025-11-30" })).await;
    let warnings = found["report"]["warnings"].as_array().expect("warnings");
    assert!(
        warnings
            .iter()
            .any(|it| it["column"] == "leaving" && it["leak"] == true),
        "{warnings:?}"
    );
    assert_eq!(method(&found["report"], "transparent")["proven"], false);
}

#[tokio::test]
async fn imports_without_arrival_times_say_that_nothing_was_known() {
    let mut events = company(24, 80, 1.0);
    let now = crate::kpis::tests::at("2026-06-30T08:00:00Z");
    events.iter_mut().for_each(|event| event.received_at = now);
    let app = app(&program(), events).await;
    let found = backtest(&app, "health", json!({ "from": "2025-11-30" })).await;
    let note = found["report"]["knowledge"]["note"]
        .as_str()
        .or(found["error"].as_str())
        .expect("a note")
        .to_owned();
    assert!(note.contains("received_at"), "{found}");
    let trusting = backtest(
        &app,
        "health",
        json!({ "from": "2025-11-30", "trust_dates": true }),
    )
    .await;
    assert!(
        method(&trusting["report"], "score")["auc"]["value"]
            .as_f64()
            .expect("an AUC")
            > 0.6
    );
}

#[tokio::test]
async fn a_field_that_is_filled_afterwards_is_not_known_before() {
    let app = app(&program(), company(25, 5, 1.0)).await;
    let told = crate::kpis::tests::change("account-0001", "2026-03-01", json!({ "tier": 3 }));
    store(&app, vec![], vec![told]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    let entry = app
        .metrics
        .book
        .all()
        .into_iter()
        .find(|entry| entry.id == "account-0001")
        .expect("the account");
    let plan = app.metrics.plan().expect("a plan");
    let place = plan
        .names
        .iter()
        .position(|name| name.name == "tier")
        .expect("the field");
    let cutoffs = [
        Cutoff::of(&app, number("2026-02-28")),
        Cutoff::of(&app, number("2026-03-31")),
    ];
    for (trust_dates, before) in [(false, true), (true, false)] {
        let ask = known::Ask {
            plan: std::sync::Arc::clone(&plan),
            cutoffs: cutoffs.to_vec(),
            late: Default::default(),
            trust_dates,
            aged: Vec::new(),
            only: None,
        }
        .into();
        let wanted = std::collections::BTreeMap::from([(entry.no, vec![0, 1])]);
        let parts = known::known(&app, &ask, &wanted).await.expect("known");
        let column = parts[0].env.column(place);
        assert_eq!((column.is_null(0), column.is_null(1)), (before, false));
    }
}

#[tokio::test]
async fn a_subscription_that_begins_later_does_not_take_away_what_the_record_said_before() {
    let day = |text: &str| number(text);
    let events = vec![
        event(1, day("2025-09-10"), 1, 35, "login", json!({})),
        event(
            1,
            day("2025-11-01"),
            1,
            0,
            "subscription_started",
            json!({ "mrr": 400.0 }),
        ),
    ];
    let app = app(&program(), events).await;
    let told = crate::kpis::tests::change("account-0001", "2025-02-01", json!({ "mrr": 250.0 }));
    store(&app, vec![], vec![told]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    let plan = app.metrics.plan().expect("a plan");
    let place = |name: &str| {
        plan.names
            .iter()
            .position(|known| known.name == name)
            .expect("a name")
    };
    let cutoffs = ["2025-09-30", "2025-10-31", "2025-12-31"].map(|day| Cutoff::of(&app, number(day)));
    let late = known::arrivals(&app, &plan, &cutoffs, false)
        .await
        .expect("late ones")
        .0;
    assert_eq!((late.events, late.accounts.len()), (1, 1));
    let ask = known::Ask {
        plan: std::sync::Arc::clone(&plan),
        cutoffs: cutoffs.to_vec(),
        late: late.accounts.clone(),
        trust_dates: false,
        aged: Vec::new(),
        only: None,
    }
    .into();
    let wanted = late.accounts.keys().map(|no| (*no, vec![0, 1, 2])).collect();
    let parts = known::known(&app, &ask, &wanted).await.expect("known");
    let rows = parts.iter().flat_map(|part| {
        let number = move |name: &str, row| {
            let column = part.env.column(place(name));
            column.as_primitive::<Float64Type>().value(row)
        };
        part.cells.iter().enumerate().map(move |(row, (_, cutoff))| {
            let active = part.env.column(place("active")).as_boolean().value(row);
            (*cutoff, (active, number("mrr", row), number("logins_30d", row)))
        })
    });
    let told: std::collections::BTreeMap<usize, (bool, f64, f64)> = rows.collect();
    // The login of September is known from October on; the subscription from November on.
    let wanted = [(true, 250.0, 0.0), (true, 250.0, 0.0), (true, 400.0, 0.0)];
    assert_eq!(told.into_values().collect::<Vec<_>>(), wanted);
}

/// Column of a panel by name.
fn column<'a>(panel: &'a crate::models::panel::Panel, name: &str) -> &'a [f64] {
    let column = panel.columns.iter().find(|column| column.name == name);
    match &column.expect("the column").values {
        tenure_learn::Values::Number(values) => values,
        tenure_learn::Values::Category { .. } => panic!("{name} is a category"),
    }
}

#[tokio::test]
async fn a_measure_counts_from_the_day_on_which_its_events_were_first_known() {
    let (begin, entered) = (number("2025-10-10"), end_of(number("2025-12-05")));
    let mut events = company(23, 40, 0.5);
    // The support desk was switched on in October, and its first weeks were entered in December.
    events.retain(|event| event.name != "ticket_opened" || event.occurred_at >= end_of(begin));
    for event in events.iter_mut().filter(|event| event.name == "ticket_opened") {
        event.received_at = event.received_at.max(entered);
    }
    let app = app(&program(), events).await;
    // By the end of October it had told of 22 days of the 90 that its metric looks back on; by the end of November of more than half of them.
    let days = ["2025-08-31", "2025-10-31", "2025-11-30", "2025-12-31"];
    for (trust, told) in [
        (false, [false, false, false, true]),
        (true, [false, false, true, true]),
    ] {
        let panel = gather(&app, &ask(&days, trust), &|_| {})
            .await
            .expect("a panel")
            .panel;
        let (tickets, logins) = (column(&panel, "tickets_90d"), column(&panel, "logins_30d"));
        for row in 0..panel.rows() {
            let at = panel.at[row] as usize;
            assert_eq!(!tickets[row].is_nan(), told[at], "{} {trust}", days[at]);
            assert!(!logins[row].is_nan() || !trust);
        }
        assert!((0..days.len()).all(|at| !panel.of(at).is_empty()));
    }
}

#[tokio::test]
async fn an_end_that_nobody_had_told_of_is_not_learnt_from() {
    let (cutoff, later) = (number("2025-09-30"), number("2026-03-31"));
    let mut events = company(24, 120, 0.5);
    let known = end_of(number("2026-02-15"));
    for event in events.iter_mut().filter(|event| event.name == "churned") {
        event.received_at = event.received_at.max(known);
    }
    let app = app(&program(), events).await;
    let found = gather(
        &app,
        &ask(&["2025-09-30", "2025-12-31", "2026-03-31"], false),
        &|_| {},
    )
    .await
    .expect("a panel");
    let panel = found.panel;
    assert_eq!((panel.cutoffs[0].day, panel.cutoffs[2].day), (cutoff, later));
    let came: Vec<usize> = panel
        .of(0)
        .filter(|row| panel.labels[*row] == Some(true))
        .collect();
    assert!(came.len() > 3, "{came:?}");
    for row in panel.of(0) {
        let truth = panel.labels[row];
        // The horizon has passed by the end of December, but of no end anybody had told.
        assert_eq!(panel.label_at(row, panel.cutoffs[1].end), truth.map(|_| false));
        assert_eq!(panel.label_at(row, panel.cutoffs[2].end), truth);
    }
    // With dates as known an end counts from its day on.
    let trusting = gather(&app, &ask(&["2025-09-30", "2025-12-31"], true), &|_| {})
        .await
        .expect("a panel")
        .panel;
    for row in trusting.of(0) {
        assert_eq!(
            trusting.label_at(row, trusting.cutoffs[1].end),
            trusting.labels[row]
        );
    }
}
