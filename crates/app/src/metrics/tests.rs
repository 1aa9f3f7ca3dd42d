//! Accounts' states: what arrives live equals what a scan of the history gives, ties and unread events too.

use serde_json::json;

use super::Span;
use super::facts::date_of;
use crate::auth::Role;
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

fn spans(app: &TestApp, id: &str) -> Vec<Span> {
    app.metrics
        .book
        .all()
        .into_iter()
        .find(|e| e.id == id)
        .expect(id)
        .head
        .spans
        .clone()
}

/// The program under another label, so that everything is computed again.
fn relabelled() -> std::collections::BTreeMap<String, String> {
    let mut files = medtrainer();
    let text = files.get_mut("segments.yaml").expect("the segments");
    *text = text.replace("label: Core", "label: The core");
    files
}

#[tokio::test]
async fn two_changes_of_one_instant_count_alike_in_any_order_of_arrival() {
    let start = event("a", "2026-01-10", "subscription_started", json!({ "mrr": 100 }));
    let one = event(
        "a",
        "2026-02-10",
        "mrr_changed",
        json!({ "to": 4000, "reason": "upsell" }),
    );
    let other = event(
        "a",
        "2026-02-10",
        "mrr_changed",
        json!({ "to": 700, "reason": "price" }),
    );
    let mut seen = Vec::new();
    for order in [[&one, &other], [&other, &one]] {
        let app = TestApp::new().await;
        apply(&app, &medtrainer()).await;
        store(&app, vec![start.clone()], vec![]).await;
        for event in order {
            store(&app, vec![event.clone()], vec![]).await;
            app.catch_up().await.expect("caught up");
        }
        seen.push(spans(&app, "a"));
        apply(&app, &relabelled()).await;
        seen.push(spans(&app, "a"));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[tokio::test]
async fn events_that_nothing_reads_leave_no_trace() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    store(
        &app,
        vec![event("a", "2025-11-01", "survey_declined", json!({}))],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    store(
        &app,
        vec![event(
            "a",
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": 100 }),
        )],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let live = spans(&app, "a");
    assert_eq!(date_of(live[0].from).to_string(), "2026-01-10");
    apply(&app, &relabelled()).await;
    assert_eq!(spans(&app, "a"), live);
}

#[tokio::test]
async fn an_event_read_by_name_and_by_kind_counts_once() {
    let app = TestApp::new().await;
    let mut files = medtrainer();
    let text = files.get_mut("metrics.yaml").expect("the metrics");
    text.push_str("\n  - {id: twice_read, label: Twice read, measure: count, events: [login], kinds: [product], description: \"Use.\"}\n");
    apply(&app, &files).await;
    store(
        &app,
        vec![
            event("a", "2026-06-10", "login", json!({})),
            event("a", "2026-06-11", "page_viewed", json!({})),
        ],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let plan = app.metrics.plan().expect("a plan");
    let at = plan
        .metric_ids
        .iter()
        .position(|id| id == "twice_read")
        .expect("the metric");
    let held = app.metrics.book.all()[0].head.metrics[at];
    assert!((held - 2.0).abs() < f64::EPSILON, "{held}");
}

#[tokio::test]
async fn a_window_slides_over_midnight_in_the_zone_of_the_program() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let metric = |id: &str| {
        let plan = app.metrics.plan().expect("a plan");
        let at = plan
            .metric_ids
            .iter()
            .position(|known| known == id)
            .expect("the metric");
        app.metrics.book.all()[0].head.metrics[at]
    };
    // 23:30 on 24 June in Los Angeles: the first of the seven days up to 30 June.
    let login = event("a", "2026-06-25T06:30:00Z", "login", json!({}));
    store(
        &app,
        vec![login],
        vec![change("a", "2026-06-01", json!({ "seats": 4 }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(
        (
            metric("logins_7d"),
            metric("days_since_login"),
            metric("logins_per_seat")
        ),
        (1.0, 6.0, 0.25)
    );
    // 06:59 on 1 July in UTC is still 30 June in Los Angeles.
    app.advance(jiff::SignedDuration::from_mins(18 * 60 + 59));
    app.catch_up().await.expect("caught up");
    assert_eq!(metric("logins_7d"), 1.0);
    app.advance(jiff::SignedDuration::from_mins(1));
    app.catch_up().await.expect("caught up");
    assert_eq!(
        (
            metric("logins_7d"),
            metric("days_since_login"),
            metric("logins_30d")
        ),
        (0.0, 7.0, 1.0)
    );
}

#[tokio::test]
async fn queries_beyond_their_limits_say_what_to_do() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    store(
        &app,
        vec![event(
            "a",
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": 100 }),
        )],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let ask = |sql: &str| {
        app.post("/api/v1/sql")
            .as_role(Role::Viewer)
            .changes_nothing()
            .json(&json!({ "query": sql }))
    };
    let cases = [
        (
            "SELECT repeat(account_id, 90000000) FROM accounts",
            "repeat would make 90.0 MB out of one row; at most 1.0 MB are allowed",
        ),
        (
            "SELECT string_agg(account_id, ',') OVER (ORDER BY mrr) FROM accounts",
            "string_agg cannot stand before OVER: it would begin anew for every row",
        ),
        (
            "SELECT a.mrr || ",
            "the text ends where an expression was expected",
        ),
    ];
    for (sql, said) in cases {
        let problem = ask(sql).await.problem(422);
        let error = &problem["errors"][0];
        assert_eq!(error["field"], "query", "{problem}");
        assert_eq!(error["problem"], said, "{problem}");
        assert!(
            error["remedy"].as_str().is_some_and(|words| words.len() > 20),
            "{problem}"
        );
    }
    let answer = ask("SELECT account_id, mrr, account_id || '!' AS loud, 1 AS n, 2 AS n2 FROM accounts")
        .await
        .ok();
    assert_eq!(answer["rows"], json!([["a", 100.0, "a!", 1, 2]]));
    assert_eq!(answer["columns"][2], json!({ "name": "loud", "type": "text" }));
}

/// The ids of a page, in order, and where the next begins.
async fn page(app: &TestApp, query: &str) -> (Vec<String>, serde_json::Value) {
    let answer = app
        .get(&format!("/api/v1/accounts?{query}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    let items = answer["items"].as_array().expect("items").iter();
    let ids = items.map(|item| item["account_id"].as_str().expect("an id").to_owned());
    (ids.collect(), answer)
}

#[tokio::test]
async fn lists_are_in_order_and_follow_what_changes() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let started = |id: &str, mrr: f64| event(id, "2026-01-10", "subscription_started", json!({ "mrr": mrr }));
    let all = [
        ("a", 100.0),
        ("b", 300.0),
        ("c", 300.0),
        ("d", 0.5),
        ("e", 2_000.0),
    ];
    store(
        &app,
        all.iter().map(|(id, mrr)| started(id, *mrr)).collect(),
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let (ids, first) = page(&app, "limit=2").await;
    // The largest first; of two alike, the one that came first.
    assert_eq!(
        (ids, &first["total"], &first["mrr_total"]),
        (vec!["e".into(), "b".into()], &json!(5), &json!(2700.5))
    );
    assert_eq!(page(&app, "limit=2&cursor=2").await.0, ["c", "a"]);
    assert_eq!(page(&app, "limit=2&cursor=4").await.0, ["d"]);
    assert_eq!(page(&app, "sort=mrr").await.0, ["d", "a", "b", "c", "e"]);
    assert_eq!(page(&app, "sort=-account_id").await.0, ["e", "d", "c", "b", "a"]);
    assert_eq!(page(&app, "sort=active").await.0, ["a", "b", "c", "d", "e"]);
    let filtered = "filter=mrr%20%3E%20200%20AND%20logins_30d%20%3C%205";
    let (ids, answer) = page(&app, filtered).await;
    assert_eq!(
        (ids, &answer["mrr_total"]),
        (vec!["e".into(), "b".into(), "c".into()], &json!(2600.0))
    );
    assert_eq!(page(&app, filtered).await.1, answer, "kept, it is the same");
    assert_eq!(page(&app, &format!("{filtered}&q=B")).await.0, ["b"]);
    assert_eq!(
        page(&app, &format!("{filtered}&as_of=2026-01-01")).await.0,
        Vec::<String>::new()
    );
    // What was kept is forgotten with the next change.
    let change = event(
        "c",
        "2026-02-01",
        "mrr_changed",
        json!({ "to": 9000, "reason": "upsell" }),
    );
    store(&app, vec![change, started("f", 250.0)], vec![]).await;
    app.catch_up().await.expect("caught up");
    assert_eq!(page(&app, "limit=2").await.0, ["c", "e"]);
    let (ids, answer) = page(&app, filtered).await;
    assert_eq!(
        (ids, &answer["total"]),
        (vec!["c".into(), "e".into(), "b".into(), "f".into()], &json!(4))
    );
    let logins: Vec<_> = (0..6)
        .map(|_| event("e", "2026-06-20", "login", json!({})))
        .collect();
    store(&app, logins, vec![]).await;
    app.catch_up().await.expect("caught up");
    let (sorted, _) = page(&app, "sort=-logins_30d&columns=logins_30d").await;
    assert_eq!(
        sorted[1..],
        ["a", "b", "c", "d", "f"].map(str::to_owned),
        "ties by number"
    );
    assert_eq!(sorted[0], "e");
}
