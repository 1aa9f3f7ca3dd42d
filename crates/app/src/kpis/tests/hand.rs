//! A small world whose every figure is worked out by hand, as of 30 June 2026.

use serde_json::{Value as Json, json};

use super::{apply, change, event, figures, medtrainer, same, store};
use crate::accounts::Change;
use crate::events::Event;
use crate::testing::TestApp;

/// Twelve accounts. In June 2026 `a`–`f`, `h`, `j` are there at the start, `a`–`g` and `j` at the end.
fn world() -> (Vec<Event>, Vec<Change>) {
    let start = |account: &str, day: &str, mrr: f64| {
        event(account, day, "subscription_started", json!({ "mrr": mrr }))
    };
    let survey = |account: &str, day: &str, kind: &str, score: i32, contact: &str, id: &str, after: &str| {
        let said = json!({ "survey": kind, "score": score, "contact": contact, "response_id": id, "interaction": after });
        event(account, day, "survey_answered", said)
    };
    let sent = |account: &str, day: &str, id: &str| {
        event(
            account,
            day,
            "survey_sent",
            json!({ "survey": "nps", "response_id": id }),
        )
    };
    let ticket = |account: &str, when: &str, id: &str, what: &str| {
        event(
            account,
            when,
            &format!("ticket_{what}"),
            json!({ "ticket_id": id }),
        )
    };
    let deal = |account: &str, day: &str, id: &str, what: &str, value: Option<i32>| {
        let mut said = json!({ "opportunity_id": id, "type": "upsell" });
        if let Some(value) = value {
            said["value"] = json!(value);
        }
        event(account, day, &format!("opportunity_{what}"), said)
    };
    let plain = |account: &str, day: &str, name: &str| event(account, day, name, json!({}));
    let person = |account: &str, day: &str, name: &str| {
        event(account, day, name, json!({ "contact": format!("{account}-1") }))
    };
    let moved = |account: &str, day: &str, to: i32, reason: &str| {
        event(account, day, "mrr_changed", json!({ "to": to, "reason": reason }))
    };
    let events = vec![
        start("a", "2025-01-10", 3_500.0),
        start("b", "2025-01-10", 3_600.0),
        moved("b", "2026-03-05", 4_000, "upsell"),
        start("c", "2025-02-01", 400.0),
        moved("c", "2026-06-10", 300, "contraction"),
        start("d", "2025-02-01", 400.0),
        moved("d", "2025-12-01", 450, "cross_sell"),
        start("e", "2025-03-01", 400.0),
        event("f", "2025-03-01", "subscription_started", json!({})),
        start("g", "2026-06-01", 200.0),
        start("h", "2025-01-05", 450.0),
        event("h", "2026-06-01", "churned", json!({ "reason": "pricing" })),
        start("i", "2025-01-05", 1_000.0),
        plain("i", "2026-02-10", "churned"),
        start("j", "2025-09-01", 5_000.0),
        start("k", "2026-06-05", 100.0),
        plain("k", "2026-06-20", "churned"),
        // l never bought anything.
        plain("l", "2026-06-02", "login"),
        // Communication, meetings, content.
        plain("a", "2026-06-02", "email_sent"),
        plain("a", "2026-06-02", "email_delivered"),
        event("a", "2026-06-02", "email_opened", json!({ "machine": true })),
        plain("b", "2026-06-03", "meeting_held"),
        plain("b", "2026-06-04", "email_clicked"),
        plain("c", "2026-06-05", "email_opened"),
        event(
            "d",
            "2026-06-06",
            "content_viewed",
            json!({ "from_message": false }),
        ),
        event(
            "g",
            "2026-06-07",
            "content_viewed",
            json!({ "from_message": true }),
        ),
        plain("", "2026-06-08", "content_viewed"),
        plain("h", "2026-06-03", "email_clicked"),
        // Surveys. Of a-1 the later answer counts; c's lies the day before the 90 days.
        sent("a", "2026-06-09", "r1"),
        sent("b", "2026-06-11", "r2"),
        sent("j", "2026-06-12", "r3"),
        survey("a", "2026-05-01", "nps", 9, "a-1", "r0", ""),
        survey("a", "2026-06-10", "nps", 3, "a-1", "r1", ""),
        survey("a", "2026-04-02", "nps", 10, "a-2", "r00", ""),
        survey("b", "2026-06-11", "nps", 8, "b-1", "r2", ""),
        survey("c", "2026-04-01", "nps", 9, "c-1", "r000", ""),
        survey("j", "2026-06-15", "nps", 9, "j-1", "never sent", ""),
        survey("b", "2026-06-12", "csat", 5, "b-1", "never sent 2", "qbr"),
        survey("d", "2026-06-13", "csat", 3, "d-1", "never sent 3", "support"),
        survey(
            "e",
            "2026-06-14",
            "csat",
            5,
            "e-1",
            "never sent 4",
            "relationship",
        ),
        // Tickets: 48 hours to the last resolution, 12 days, two still open.
        ticket("d", "2026-06-01T19:00:00Z", "t1", "opened"),
        ticket("d", "2026-06-02T07:00:00Z", "t1", "resolved"),
        ticket("d", "2026-06-03T01:00:00Z", "t1", "reopened"),
        ticket("d", "2026-06-03T19:00:00Z", "t1", "resolved"),
        ticket("e", "2026-06-10", "t2", "opened"),
        ticket("e", "2026-06-11", "t2", "escalated"),
        ticket("e", "2026-06-12", "t2", "resolved"),
        ticket("e", "2026-06-13", "t2", "reopened"),
        ticket("c", "2026-05-20", "t3", "opened"),
        ticket("c", "2026-06-01", "t3", "resolved"),
        ticket("j", "2026-06-25", "t4", "opened"),
        // Onboarding: on the 30th day, on the 31st, and one whose 30 days have not passed.
        plain("f", "2026-05-01", "onboarding_started"),
        plain("f", "2026-05-31", "onboarding_completed"),
        plain("d", "2026-05-10", "onboarding_started"),
        plain("d", "2026-06-10", "onboarding_completed"),
        plain("g", "2026-06-02", "onboarding_started"),
        plain("g", "2026-06-11", "first_value"),
        plain("k", "2026-06-09", "first_value"),
        plain("a", "2025-02-01", "first_value"),
        plain("b", "2025-02-01", "first_value"),
        // Notices: the window holds 2 January to 1 April, whose 90 days have passed.
        plain("a", "2026-01-01", "churn_notice"),
        plain("i", "2026-01-20", "churn_notice"),
        plain("b", "2026-03-01", "churn_notice"),
        plain("b", "2026-03-10", "meeting_held"),
        plain("d", "2026-04-01", "churn_notice"),
        // Opportunities.
        deal("b", "2026-05-05", "o1", "opened", Some(1_000)),
        deal("b", "2026-06-20", "o1", "stage_changed", Some(1_500)),
        deal("c", "2026-06-08", "o2", "opened", Some(300)),
        deal("c", "2026-06-28", "o2", "won", None),
        deal("d", "2026-06-01", "o3", "opened", Some(500)),
        deal("e", "2026-05-01", "o4", "opened", Some(200)),
        deal("e", "2026-06-15", "o4", "lost", None),
        // Advocates: b rests until 1 July, j has rested, c took it back.
        person("a", "2025-08-01", "advocate_agreed"),
        person("b", "2025-08-01", "advocate_agreed"),
        person("b", "2026-04-02", "reference_given"),
        person("j", "2025-10-01", "advocate_agreed"),
        person("j", "2026-04-01", "reference_given"),
        person("c", "2025-08-01", "advocate_agreed"),
        person("c", "2026-06-01", "advocate_revoked"),
    ];
    let changes = vec![
        change(
            "a",
            "2025-01-01",
            json!({ "employees": 500, "plan": "Pro", "owner": "ann@example.com" }),
        ),
        change("b", "2025-01-01", json!({ "owner": "ann@example.com" })),
        change(
            "c",
            "2025-01-01",
            json!({ "employees": 50, "owner": "bob@example.com" }),
        ),
        change("d", "2025-01-01", json!({ "employees": 51 })),
        change("g", "2026-06-01", json!({ "employees": 10 })),
        change("h", "2025-01-01", json!({ "employees": 20 })),
        change("i", "2025-01-01", json!({ "employees": 100 })),
        change("j", "2025-01-01", json!({ "owner": "bob@example.com" })),
        change("k", "2026-06-05", json!({ "employees": 5 })),
    ];
    (events, changes)
}

const NONE: f64 = f64::NAN;

/// KPI; all, strategic, core, digital. NaN stands for "no data".
/// Active at the end: all 8; strategic b j; core a d e; digital c g; f is unclassified. At the start of June: g is not there yet, h is.
/// On a day of June: k too, but not h, which left on its first day. At the start of the 12 months: a–f, h, i.
fn expected() -> Vec<(&'static str, [f64; 4])> {
    vec![
        // b g met or read from a message; a d e j and b answered a survey. c only opened; a's opening was a machine's. 9 = a–g j k.
        ("engagement_rate", [6.0 / 9.0, 2.0 / 2.0, 3.0 / 3.0, 1.0 / 3.0]),
        ("engagement_rate_with_opens", [7.0 / 9.0, 1.0, 1.0, 2.0 / 3.0]),
        // a 1 sent; b 1 meeting + 1 click; c 1 opened; h's click is nobody's of June.
        (
            "engagement_frequency",
            [4.0 / 9.0, 2.0 / 2.0, 1.0 / 3.0, 1.0 / 3.0],
        ),
        // d, g and one that belongs to no account.
        ("content_consumption", [3.0, 0.0, 1.0, 1.0]),
        // h, of a–f h j; by the segment of 31 May.
        ("logo_churn_month", [1.0 / 8.0, 0.0, 0.0, 1.0 / 2.0]),
        ("retention_month", [7.0 / 8.0, 1.0, 1.0, 1.0 / 2.0]),
        ("retention_quarter", [7.0 / 8.0, 1.0, 1.0, 1.0 / 2.0]),
        // h and i, of a–f h i; on 30 June 2025 strategic is b, core a d e i, digital c h.
        ("logo_churn_12m", [2.0 / 8.0, 0.0, 1.0 / 4.0, 1.0 / 2.0]),
        ("retention_year", [6.0 / 8.0, 1.0, 3.0 / 4.0, 1.0 / 2.0]),
        // Start 3500 4000 400 450 400 450 5000 = 14200 (f unknown); c loses 100, h 450; nobody gains in the quarter.
        ("grr_month", [13_650.0 / 14_200.0, 1.0, 1.0, 300.0 / 850.0]),
        ("nrr_month", [13_650.0 / 14_200.0, 1.0, 1.0, 300.0 / 850.0]),
        ("grr_quarter", [13_650.0 / 14_200.0, 1.0, 1.0, 300.0 / 850.0]),
        ("nrr_quarter", [13_650.0 / 14_200.0, 1.0, 1.0, 300.0 / 850.0]),
        // Start 3500 3600 400 400 400 450 1000 = 9750; kept 3500 3600 300 400 400 0 0 = 8200; with b +400 and d +50: 8650.
        (
            "grr_12m",
            [8_200.0 / 9_750.0, 1.0, 4_300.0 / 5_300.0, 300.0 / 850.0],
        ),
        (
            "nrr_12m",
            [
                8_650.0 / 9_750.0,
                4_000.0 / 3_600.0,
                4_350.0 / 5_300.0,
                300.0 / 850.0,
            ],
        ),
        (
            "revenue_churn_12m",
            [1_550.0 / 9_750.0, 0.0, 1_000.0 / 5_300.0, 550.0 / 850.0],
        ),
        // 12 × (3500 + 4000 + 300 + 450 + 400 + 200 + 5000).
        ("arr", [166_200.0, 108_000.0, 52_200.0, 6_000.0]),
        ("active_customers", [8.0, 2.0, 3.0, 2.0]),
        // h said why, k did not.
        ("churn_reasons", [1.0 / 2.0, NONE, NONE, 1.0 / 2.0]),
        // b: met on 10 March, still there. i left, d nobody helped. a's notice was a day too early.
        ("proactive_saves", [1.0 / 3.0, 1.0, 0.0, NONE]),
        // f on the 30th day, d on the 31st; g's month is not over.
        ("onboarding_completion", [1.0 / 2.0, NONE, 0.0, NONE]),
        // g 10 days, k 4.
        ("time_to_first_value", [7.0, NONE, NONE, 7.0]),
        // c d e f j.
        ("awaiting_first_value", [5.0, 1.0, 2.0, 1.0]),
        // b 5, d 3; e's was a relationship survey.
        ("csat", [1.0 / 2.0, 1.0, 0.0, NONE]),
        // a-1: 3, a-2: 10, b-1: 8, j-1: 9.
        ("nps", [25.0, 50.0, 0.0, NONE]),
        ("ces", [NONE, NONE, NONE, NONE]),
        // r1 and r2 of r1 r2 r3.
        ("survey_response_rate", [2.0 / 3.0, 1.0 / 2.0, 1.0, NONE]),
        ("survey_coverage", [5.0 / 8.0, 1.0, 1.0, 0.0]),
        ("survey_coverage_asked", [1.0, 1.0, 1.0, NONE]),
        // (48 + 288) ÷ 2.
        ("ticket_resolution_time", [168.0, NONE, 48.0, 288.0]),
        // (20 + 5) ÷ 2.
        ("open_ticket_age", [12.5, 5.0, 20.0, NONE]),
        ("tickets_opened_month", [3.0, 1.0, 2.0, 0.0]),
        ("escalation_rate", [1.0 / 3.0, 0.0, 1.0 / 2.0, NONE]),
        // b and d, of a–f h i.
        ("upsell_rate_12m", [2.0 / 8.0, 1.0, 1.0 / 4.0, 0.0]),
        // o1 at 1500 and o3 at 500; at the month's start o1 at 1000 and o4 at 200.
        ("pipeline_value", [2_000.0, 1_500.0, 500.0, 0.0]),
        (
            "pipeline_growth",
            [800.0 / 1_200.0, 500.0 / 1_000.0, 300.0 / 200.0, NONE],
        ),
        ("conversion_rate", [1.0 / 2.0, NONE, 0.0, 1.0]),
        ("referenceable_customers", [2.0, 1.0, 1.0, 0.0]),
        // a: employees and plan; c d g: employees; 5 fields each.
        ("field_completeness", [5.0 / 40.0, 0.0, 3.0 / 15.0, 2.0 / 10.0]),
        ("categorized_rate", [7.0 / 8.0, 1.0, 1.0, 1.0]),
        // a b c j have an owner; of them j was not touched in 90 days.
        ("assigned_rate", [4.0 / 8.0, 1.0, 1.0 / 3.0, 1.0 / 2.0]),
        ("managed_rate", [3.0 / 8.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 2.0]),
    ]
}

#[tokio::test]
async fn every_figure_by_hand() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let (events, changes) = world();
    let june = |event: &&Event| event.occurred_at >= super::at("2026-06-01") - 43_200_000_000;
    let points = events.iter().filter(june).count();
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    let got = figures(&app, "2026-06-30").await;
    let mut wrong = Vec::new();
    for (kpi, values) in &expected() {
        for (scope, want) in ["all", "strategic", "core", "digital"].into_iter().zip(values) {
            let want = (!want.is_nan()).then_some(*want);
            let held = got.get(&((*kpi).to_owned(), scope.to_owned())).copied().flatten();
            if !same(held, want) {
                wrong.push(format!("{kpi} of {scope}: {held:?}, by hand {want:?}"));
            }
        }
    }
    // Every event of June, and the employees of g and k, which were not known before.
    let data = got[&("data_points".to_owned(), "all".to_owned())];
    if !same(data, Some(points as f64 + 2.0)) {
        wrong.push(format!("data_points: {data:?}, by hand {points} + 2"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // No KPI that can be computed is left out of the table.
    let definitions = app.definitions().expect("a program");
    for kpi in definitions
        .kpis
        .iter()
        .filter(|kpi| kpi.facts.is_some() && kpi.id != "data_points" && !super::of_scores(kpi))
    {
        assert!(
            expected().iter().any(|(id, _)| *id == kpi.id),
            "{} is not worked out by hand",
            kpi.id
        );
    }
}

#[tokio::test]
async fn late_events_change_the_past_and_a_past_day_keeps_its_segment() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let events = vec![
        event("x", "2025-01-10", "subscription_started", json!({ "mrr": 400 })),
        event("y", "2025-01-10", "subscription_started", json!({ "mrr": 1000 })),
        event(
            "x",
            "2026-06-10",
            "mrr_changed",
            json!({ "to": 4000, "reason": "upsell" }),
        ),
    ];
    store(
        &app,
        events,
        vec![change("x", "2025-01-01", json!({ "employees": 9 }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let figure = async |day: &str, kpi: &str, scope: &str| {
        figures(&app, day).await[&(kpi.to_owned(), scope.to_owned())]
    };
    assert_eq!(
        figure("2026-05-31", "active_customers", "digital").await,
        Some(1.0)
    );
    assert_eq!(figure("2026-05-31", "active_customers", "strategic").await, None);
    assert_eq!(figure("2026-06-09", "arr", "digital").await, Some(4_800.0));
    assert_eq!(figure("2026-06-10", "arr", "strategic").await, Some(48_000.0));
    assert_eq!(figure("2026-06-30", "active_customers", "digital").await, None);
    assert_eq!(figure("2026-04-30", "engagement_rate", "all").await, Some(0.0));
    assert_eq!(figure("2026-04-30", "grr_month", "all").await, Some(1.0));
    assert_eq!(
        figure("2026-04-30", "engagement_frequency", "core").await,
        Some(0.0)
    );

    // Late: a meeting of April, and a contraction of February, which April's and June's money have to carry.
    store(
        &app,
        vec![event("y", "2026-04-20", "meeting_held", json!({}))],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(figure("2026-04-30", "engagement_rate", "all").await, Some(0.5));
    assert_eq!(figure("2026-03-31", "engagement_rate", "all").await, Some(0.0));
    store(
        &app,
        vec![event(
            "y",
            "2026-02-15",
            "mrr_changed",
            json!({ "to": 500, "reason": "contraction" }),
        )],
        vec![],
    )
    .await;
    store(
        &app,
        vec![event(
            "x",
            "2026-04-10",
            "mrr_changed",
            json!({ "to": 300, "reason": "contraction" }),
        )],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(
        figure("2026-02-28", "grr_month", "all").await,
        Some(900.0 / 1_400.0)
    );
    assert_eq!(
        figure("2026-04-30", "grr_month", "all").await,
        Some(800.0 / 900.0)
    );
    assert_eq!(
        figure("2026-06-30", "nrr_month", "digital").await,
        Some(4_000.0 / 300.0)
    );
    // Known late, true from the beginning: y is digital in every past month.
    store(
        &app,
        vec![],
        vec![change("y", "2026-06-29", json!({ "employees": 30 }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(figure("2026-04-30", "engagement_frequency", "core").await, None);
    assert_eq!(
        figure("2026-04-30", "engagement_frequency", "digital").await,
        Some(0.5)
    );
    assert_eq!(figure("2025-12-31", "field_completeness", "all").await, Some(0.2));
}

#[tokio::test]
async fn the_end_of_one_subscription_does_not_hide_why_the_account_left() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = |id: &str, subscription: &str| {
        event(
            id,
            "2026-01-05",
            "subscription_started",
            json!({ "mrr": 100, "subscription_id": subscription }),
        )
    };
    let end = |id: &str, day: &str, said: Json| event(id, day, "churned", said);
    store(
        &app,
        vec![
            start("told", "s1"),
            start("told", "s2"),
            // The last of its subscriptions ends after the account has said why; that end says nothing.
            end("told", "2026-05-10", json!({ "reason": "pricing" })),
            end("told", "2026-05-20", json!({ "subscription_id": "s2" })),
            start("silent", "s1"),
            end("silent", "2026-05-20", json!({ "subscription_id": "s1" })),
        ],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let figures = figures(&app, "2026-05-31").await;
    let figure = figures[&("churn_reasons".to_owned(), "all".to_owned())];
    assert_eq!(figure, Some(1.0 / 2.0), "one of the two said why");
}
