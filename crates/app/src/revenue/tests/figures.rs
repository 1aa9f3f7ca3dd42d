//! Small worlds whose every figure is worked out by hand.

use serde_json::json;

use super::{get, list, texts};
use crate::auth::Role;
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

/// Two currencies; the program counts in dollars.
async fn company() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = |account: &str, day: &str, mrr: f64, currency: &str| {
        event(
            account,
            day,
            "subscription_started",
            json!({ "mrr": mrr, "currency": currency }),
        )
    };
    let moved = |account: &str, day: &str, to: f64| {
        event(
            account,
            day,
            "mrr_changed",
            json!({ "to": to, "reason": "upsell" }),
        )
    };
    let events = vec![
        start("a", "2026-01-10", 4_000.0, "USD"),
        start("b", "2026-01-10", 100.1, "USD"),
        moved("b", "2026-06-05", 100.3),
        start("c", "2026-02-10", 900.0, "EUR"),
        event(
            "c",
            "2026-06-20",
            "churned",
            json!({ "reason": "competitor", "secondary_reasons": ["pricing"] }),
        ),
        start("d", "2026-06-02", 50.25, "EUR"),
        start("e", "2026-03-01", 70.0, "USD"),
        event("e", "2026-05-15", "churned", json!({})),
        event("a", "2026-06-01", "churn_notice", json!({ "reason": "pricing" })),
        event("a", "2026-06-10", "meeting_held", json!({})),
        event("b", "2026-06-25", "payment_failed", json!({})),
        event("e", "2026-05-01", "churn_notice", json!({})),
        event("a", "2026-06-29", "email_opened", json!({ "machine": true })),
    ];
    let changes = vec![
        change(
            "a",
            "2026-01-01",
            json!({ "owner": "ann@example.com", "renews_on": "2026-07-15", "plan": "=Pro", "employees": 900 }),
        ),
        change(
            "b",
            "2026-01-01",
            json!({ "plan": "Basic", "employees": 10, "renews_on": "2026-06-20" }),
        ),
        change("c", "2026-01-01", json!({ "plan": "=Pro", "employees": 20 })),
    ];
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

#[tokio::test]
async fn currencies_are_never_added() {
    let app = company().await;
    let answer = get(&app, "bridge?grain=month&periods=1").await;
    assert_eq!(answer["currencies"], json!(["USD", "EUR"]));
    let lines = list(&answer["periods"][0], "currencies");
    assert_eq!(texts(lines, "currency"), ["USD", "EUR"]);
    // June, dollars: 4,000 + 100.10 → + 0.20; euros: 900 → − 900 + 50.25.
    let amounts = |at: usize| {
        let steps: Vec<f64> = list(&lines[at], "steps")
            .iter()
            .map(|step| step["amount"].as_f64().expect("an amount"))
            .collect();
        (
            lines[at]["opening"].as_f64(),
            steps,
            lines[at]["closing"].as_f64(),
        )
    };
    assert_eq!(
        amounts(0),
        (
            Some(4_100.1),
            vec![0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0],
            Some(4_100.3)
        )
    );
    assert_eq!(
        amounts(1),
        (
            Some(900.0),
            vec![50.25, 0.0, 0.0, 0.0, -900.0, 0.0, 0.0],
            Some(50.25)
        )
    );
    assert_eq!(
        (&lines[1]["grr"], &lines[1]["active_start"]),
        (&json!(0.0), &json!(1))
    );
    // One currency alone; an unknown one is refused with those that there are.
    let euros = get(&app, "bridge?grain=month&periods=1&currency=EUR").await;
    assert_eq!(list(&euros["periods"][0], "currencies")[1], lines[1]);
    let refused = app
        .get("/api/v1/revenue/bridge?currency=GBP")
        .as_role(Role::Viewer)
        .await
        .problem(422);
    assert_eq!(refused["errors"][0]["field"], "currency");
    assert!(
        refused["errors"][0]["remedy"]
            .as_str()
            .expect("a remedy")
            .contains("USD, EUR")
    );

    let churn = get(&app, "churn?months=2&by=plan").await;
    assert_eq!(
        churn["mrr"],
        json!([{ "currency": "USD", "amount": 70.0 }, { "currency": "EUR", "amount": 900.0 }])
    );
    // c had plan =Pro, e has none; of a b c e at the start of May.
    let groups: Vec<_> = list(&churn, "groups")
        .iter()
        .map(|g| {
            (
                g["value"].clone(),
                g["departures"].clone(),
                g["active_start"].clone(),
            )
        })
        .collect();
    assert_eq!(
        groups,
        [
            (json!("=Pro"), json!(1), json!(2)),
            (json!("(none)"), json!(1), json!(1)),
            (json!("Basic"), json!(0), json!(1)),
        ]
    );
}

#[tokio::test]
async fn filters_narrow_every_figure_and_files_are_safe_to_open() {
    let app = company().await;
    let strategic = get(&app, "bridge?grain=month&periods=1&segment=strategic").await;
    assert_eq!(strategic["periods"][0]["currencies"][0]["opening"], 4_000.0);
    let owned = get(&app, "bridge?grain=month&periods=1&owner=ann%40example.com").await;
    assert_eq!(owned["periods"][0]["currencies"][0]["active_end"], 1);
    let small = get(&app, "bridge?grain=month&periods=1&filter=employees%20%3C%2050").await;
    assert_eq!(small["periods"][0]["currencies"][0]["opening"], 100.1);
    let past = get(
        &app,
        "bridge?grain=month&periods=1&as_of=2026-05-31&filter=employees%20%3C%2050",
    )
    .await;
    assert_eq!(past["periods"][0]["currencies"][0]["closing"], 100.1);

    let file = app
        .get("/api/v1/revenue/bridge?grain=month&periods=1&by=plan&format=csv")
        .as_role(Role::Viewer)
        .await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"bridge.csv\"")
    );
    let text = file.text();
    assert!(
        text.starts_with("first_day,last_day,part,currency,opening,new,"),
        "{text}"
    );
    assert!(
        text.contains("2026-06-01,2026-06-30,\"'=Pro\",USD,4000,0,0,0,0,0,0,0,4000,1,1,1,1,0"),
        "{text}"
    );
    let people = app
        .get("/api/v1/revenue/churn/accounts?months=12&format=csv")
        .as_role(Role::Viewer)
        .await
        .text();
    assert_eq!(people.lines().count(), 3, "{people}");

    for (path, field) in [
        ("bridge?grain=week", "grain"),
        ("bridge?periods=0", "periods"),
        ("bridge?by=nothing", "by"),
        ("bridge?period=2026-06-29", "period"),
        ("bridge?format=xls", "format"),
        ("bridge?filter=nothing%20%3E%201", "filter"),
        ("bridge?as_of=2027-01-01", "as_of"),
        ("bridge/accounts?step=up", "step"),
        ("churn?basis=x", "basis"),
        ("churn?by=x", "by"),
        ("cohorts?measure=x", "measure"),
        ("cohorts/accounts?cohort=x&age=1", "cohort"),
        ("cohorts/accounts?cohort=2026-06&age=1", "age"),
        ("saves?outcome=x", "outcome"),
        ("top?limit=0", "limit"),
    ] {
        let refused = app
            .get(&format!("/api/v1/revenue/{path}"))
            .as_role(Role::Viewer)
            .await
            .problem(422);
        assert_eq!(refused["errors"][0]["field"], field, "{path}");
    }
}

#[tokio::test]
async fn the_top_customers_with_what_to_look_at() {
    let app = company().await;
    let answer = get(&app, "top").await;
    assert_eq!(answer["renewal_attribute"], "renews_on");
    let items = list(&answer, "items");
    assert_eq!(texts(items, "account_id"), ["a", "b", "d"]);
    let a = &items[0];
    assert_eq!(
        (&a["renews_in"], &a["last_touch"]),
        (&json!(15), &json!("2026-06-10"))
    );
    assert_eq!(a["share"], 4_000.0 / 4_100.3);
    assert_eq!(list(a, "trend").len(), 13);
    assert_eq!(a["trend"][12], 4_000.0);
    assert_eq!(a["trend"][0], json!(null));
    assert_eq!(texts(list(a, "flags"), "code"), ["notice", "renewal_soon"]);
    let b = texts(list(&items[1], "flags"), "code");
    assert_eq!(b, ["payment_failed", "renewal_passed", "no_touch"]);
    assert_eq!(items[2]["currency"], "EUR");

    let before = get(&app, "top?as_of=2026-05-10&limit=2").await;
    assert_eq!(texts(list(&before, "items"), "account_id"), ["a", "b"]);
    assert_eq!(before["total"], 4);
}

#[tokio::test]
async fn notices_and_effects_are_told_apart() {
    let app = company().await;
    let effect = get(&app, "churn?months=2").await;
    let counts = |answer: &serde_json::Value| -> Vec<(i64, i64)> {
        list(answer, "months")
            .iter()
            .map(|m| {
                (
                    m["departures"].as_i64().unwrap_or(-1),
                    m["notices"].as_i64().unwrap_or(-1),
                )
            })
            .collect()
    };
    assert_eq!(counts(&effect), [(1, 1), (1, 1)]);
    // e gave notice on 1 May and left on 15 May: two weeks. c gave none.
    assert_eq!(effect["months"][0]["notice_days"], 14.0);
    assert_eq!(effect["months"][1]["notice_days"], json!(null));
    let listed = get(&app, "churn/accounts?months=2").await;
    assert_eq!(texts(list(&listed, "items"), "account_id"), ["c", "e"]);
    assert_eq!(listed["items"][0]["reason"], "competitor");
    assert_eq!(listed["items"][0]["secondary"], json!(["pricing"]));
    assert_eq!(listed["items"][1]["reason"], json!(null));
    // Seen from a day before it left, e is a customer that gave notice.
    let earlier = get(&app, "churn?months=2&as_of=2026-05-14").await;
    assert_eq!(earlier["departures"], 0);
    let saves = get(&app, "saves?months=2&by=reason").await;
    let items: Vec<_> = list(&saves, "items")
        .iter()
        .map(|it| {
            (
                it["account_id"].clone(),
                it["outcome"].clone(),
                it["done"].as_array().map_or(0, Vec::len),
            )
        })
        .collect();
    assert_eq!(
        items,
        [(json!("a"), json!("open"), 1), (json!("e"), json!("lost"), 0)]
    );
    assert_eq!(saves["all"]["rate"], json!(null));
    assert_eq!(
        saves["all"]["mrr_open"],
        json!([{ "currency": "USD", "amount": 4_000.0 }])
    );
    let cohorts = get(&app, "cohorts?months=6").await;
    let first = &cohorts["cohorts"][0];
    assert_eq!(
        (&first["cohort"], &first["accounts"]),
        (&json!("2026-01"), &json!(2))
    );
    assert_eq!(list(first, "cells").len(), 6);
    let quarters = get(&app, "cohorts?months=6&grain=quarter&measure=net").await;
    // a b e started in dollars in the first quarter; e is gone by the end of May, two months after it.
    let cells = list(&quarters["cohorts"][0], "cells");
    assert_eq!(quarters["cohorts"][0]["cohort"], "2026-Q1");
    assert_eq!(quarters["left_out"], 2);
    let values: Vec<f64> = cells.iter().filter_map(|cell| cell["value"].as_f64()).collect();
    let base = 4_170.1;
    let want = [1.0, 1.0, 4_100.1 / base, 4_100.3 / base];
    assert!(
        values.len() == 4 && values.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12),
        "{values:?}"
    );
    let behind = get(
        &app,
        "cohorts/accounts?cohort=2026-Q1&age=2&side=left&measure=net",
    )
    .await;
    assert_eq!(texts(list(&behind, "items"), "account_id"), ["e"]);
}
