//! Answers of queries: they outlive a start, are shown with their date when something happened since, and go with what is erased.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::{list, text, tiles};
use crate::auth::Role::Csm;
use crate::dashboards::{answers, warm};
use crate::events::{Subject, erase};
use crate::kpis::tests::{apply, event, medtrainer, store};
use crate::testing::TestApp;

/// Three accounts and four views of content.
async fn small() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    for account in ["A", "B", "C"] {
        let from = event(
            account,
            "2026-01-02",
            "subscription_started",
            json!({ "mrr": 100.5, "currency": "USD" }),
        );
        store(&app, vec![from], Vec::new()).await;
    }
    for (account, when, contact) in [
        ("A", "2026-06-01", "kim"),
        ("A", "2026-06-02", "lee"),
        ("B", "2026-06-03", "mo"),
        ("C", "2026-05-31", "pat"),
    ] {
        view(&app, account, when, contact).await;
    }
    app.catch_up().await.expect("caught up");
    app
}

async fn view(app: &TestApp, account: &str, when: &str, contact: &str) {
    let properties = json!({ "contact": contact, "asset_id": "guide", "asset_type": "guide" });
    store(
        app,
        vec![event(account, when, "content_viewed", properties)],
        Vec::new(),
    )
    .await;
}

const BY_CONTACT: &str = "SELECT contact_id AS who, count(*) AS n, 0.1 * count(*) AS tenth FROM events \
                          WHERE kind = 'content' AND day BETWEEN :from AND :to GROUP BY 1 ORDER BY 1";

fn table(sql: &str) -> Json {
    json!({ "id": "q", "kind": "table", "title": "Q", "sql": sql })
}

/// A dashboard with one tile.
async fn own(app: &TestApp, tile: Json) -> String {
    let body = json!({ "definition": { "title": "Mine", "tiles": [tile] } });
    let made = app.post("/api/v1/dashboards").as_role(Csm).json(&body).await.ok();
    format!("/api/v1/dashboards/{}", text(&made, "id"))
}

async fn tile(app: &TestApp, at: &str, asked: &str) -> Json {
    let page = app.get(&format!("{at}/data?{asked}")).as_role(Csm).await.ok();
    tiles(&page)["q"].clone()
}

/// The tiles of a page that show a query.
async fn queries(app: &TestApp, at: &str) -> Vec<Json> {
    let made = app.get(at).as_role(Csm).await.ok();
    let asks = |it: &&Json| it["sql"].is_string();
    let ids: Vec<&str> = list(&made, "tiles")
        .iter()
        .filter(asks)
        .map(|it| text(it, "id"))
        .collect();
    let page = app.get(&format!("{at}/data")).as_role(Csm).await.ok();
    let shown = tiles(&page);
    ids.iter().map(|id| shown[id].clone()).collect()
}

fn cells(tile: &Json) -> Vec<Json> {
    list(tile, "rows")
        .iter()
        .map(|row| row["cells"].clone())
        .collect()
}

fn ran(app: &TestApp) -> usize {
    app.dashboards.ran.load(Ordering::SeqCst)
}

fn wait(app: &TestApp, seconds: i64) {
    app.advance(SignedDuration::from_secs(seconds));
}

#[tokio::test]
async fn after_a_start_the_answers_are_the_same_and_no_query_runs() {
    let app = small().await;
    let at = own(&app, table(BY_CONTACT)).await;
    let known = app.get("/api/v1/dashboards").as_role(Csm).await.ok();
    let mut pages = vec![at];
    for it in list(&known, "dashboards")
        .iter()
        .filter(|it| it["shipped"] == true)
    {
        pages.push(format!("/api/v1/dashboards/{}", text(it, "id")));
    }
    let mut before = Vec::new();
    for at in &pages {
        before.push(queries(&app, at).await);
    }
    // Two tiles of usage, two of satisfaction, one each of engagement and tickets, two of expansion, and the own one.
    assert_eq!(ran(&app), 9);
    assert_eq!(before.iter().map(Vec::len).sum::<usize>(), 9);
    let first = &before[0][0];
    assert_eq!(
        cells(first),
        [
            json!(["kim", 1, 0.1]),
            json!(["lee", 1, 0.1]),
            json!(["mo", 1, 0.1]),
            json!(["pat", 1, 0.1])
        ]
    );
    wait(&app, 3_600);
    let app = app.reopen().await;
    for (at, before) in pages.iter().zip(&before) {
        assert_eq!(&queries(&app, at).await, before, "{at}");
    }
    assert_eq!(warm::warm(&app).await.expect("warm"), 16);
    assert_eq!((ran(&app), answers::refresh(&app).await), (0, 0));
}

#[tokio::test]
async fn after_an_event_the_old_answer_is_shown_with_its_date_until_the_new_one_is_there() {
    let app = small().await;
    let at = own(&app, table(BY_CONTACT)).await;
    let before = tile(&app, &at, "").await;
    assert_eq!(before["freshness"], "current");
    wait(&app, 120);
    view(&app, "B", "2026-06-30", "kim").await;
    // Whether or not accounts have been measured since.
    for _ in 0..2 {
        let behind = tile(&app, &at, "").await;
        assert_eq!(behind["freshness"], "updating");
        assert_eq!(
            (cells(&behind), &behind["computed_at"]),
            (cells(&before), &before["computed_at"])
        );
        app.catch_up().await.expect("caught up");
    }
    // Also when the server was stopped in between.
    let app = app.reopen().await;
    let behind = tile(&app, &at, "").await;
    assert_eq!((&behind["freshness"], ran(&app)), (&json!("updating"), 0));
    assert_eq!(cells(&behind), cells(&before));
    assert_eq!(answers::refresh(&app).await, 1);
    let after = tile(&app, &at, "").await;
    assert_eq!(after["freshness"], "current");
    assert_eq!(cells(&after)[0], json!(["kim", 2, 0.2]));
    assert_ne!(after["computed_at"], before["computed_at"]);
    assert_eq!((ran(&app), answers::refresh(&app).await), (1, 0));
    // Under steady ingest a query rests between two runs.
    view(&app, "B", "2026-06-30", "lee").await;
    app.catch_up().await.expect("caught up");
    let behind = tile(&app, &at, "").await;
    assert_eq!(
        (&behind["freshness"], cells(&behind)),
        (&json!("behind"), cells(&after))
    );
    assert_eq!(answers::refresh(&app).await, 0);
    wait(&app, 61);
    assert_eq!(tile(&app, &at, "").await["freshness"], "updating");
    assert_eq!(answers::refresh(&app).await, 1);
    assert_eq!(cells(&tile(&app, &at, "").await)[1], json!(["lee", 2, 0.2]));
}

#[tokio::test]
async fn on_another_day_the_answer_of_the_day_before_is_shown_as_that() {
    let app = small().await;
    let sql = "SELECT count(*) AS value FROM events WHERE kind = 'content' AND day BETWEEN :from AND :to";
    let it = json!({ "id": "q", "kind": "figure", "title": "Q", "sql": sql, "points": 1 });
    let at = own(&app, it).await;
    let before = tile(&app, &at, "").await;
    assert_eq!(
        (before["figure"]["value"].as_f64(), text(&before["figure"], "day")),
        (Some(3.0), "2026-06-30")
    );
    wait(&app, 86_400);
    app.catch_up().await.expect("caught up");
    let behind = tile(&app, &at, "").await;
    assert_eq!(behind["freshness"], "updating");
    assert_eq!(
        (&behind["figure"], &behind["computed_at"]),
        (&before["figure"], &before["computed_at"])
    );
    answers::refresh(&app).await;
    let after = tile(&app, &at, "").await;
    // In July nobody has looked at anything yet.
    assert_eq!(after["figure"]["value"].as_f64(), Some(0.0));
    assert_eq!(
        (text(&after["figure"], "first_day"), text(&after["figure"], "day")),
        ("2026-07-01", "2026-07-01")
    );
    // The day that has passed is asked for by itself, and stays.
    let past = tile(&app, &at, "as_of=2026-06-30").await;
    assert_eq!(
        (past["figure"]["value"].as_f64(), text(&past, "freshness")),
        (Some(3.0), "current")
    );
    // Without anybody looking, the next round makes the new day ready.
    wait(&app, 86_400);
    app.catch_up().await.expect("caught up");
    warm::warm(&app).await.expect("warm");
    let count = ran(&app);
    let next = tile(&app, &at, "").await;
    assert_eq!(
        (text(&next, "freshness"), text(&next["figure"], "day"), ran(&app)),
        ("current", "2026-07-02", count)
    );
}

#[tokio::test]
async fn an_erasure_takes_the_answers_with_it() {
    let app = small().await;
    let at = own(&app, table(BY_CONTACT)).await;
    let before = tile(&app, &at, "").await;
    assert_eq!((cells(&before).len(), app.count("event_copies").await), (4, 1));
    erase(&app, &Subject::Contact(vec!["mo".to_owned()]))
        .await
        .expect("erased");
    assert_eq!(app.count("event_copies").await, 0);
    app.catch_up().await.expect("caught up");
    // Nothing was left to show while it is computed.
    let after = tile(&app, &at, "").await;
    assert_eq!((text(&after, "freshness"), ran(&app)), ("current", 2));
    let who: Vec<Json> = cells(&after).iter().map(|row| row[0].clone()).collect();
    assert_eq!(who, ["kim", "lee", "pat"]);
    let app = app.reopen().await;
    assert_eq!(cells(&tile(&app, &at, "").await), cells(&after));
    assert_eq!(ran(&app), 0);
}

#[tokio::test]
async fn no_query_gets_the_answer_of_another() {
    let app = small().await;
    let by = |column: &str| {
        format!(
            "SELECT {column} AS what, count(*) AS n FROM events e WHERE e.kind = 'content' \
             AND (:segment IS NULL OR e.account_id = :segment) AND (:owner IS NULL OR e.contact_id = :owner) GROUP BY 1 ORDER BY 1"
        )
    };
    let at = own(&app, table(&by("contact_id"))).await;
    let first = cells(&tile(&app, &at, "").await);
    assert_eq!(first.len(), 4);
    // Other filters.
    assert_eq!(cells(&tile(&app, &at, "owner=kim").await), [json!(["kim", 1])]);
    assert_eq!(cells(&tile(&app, &at, "owner=lee").await), [json!(["lee", 1])]);
    assert_eq!(
        cells(&tile(&app, &at, "segment=digital").await),
        Vec::<Json>::new()
    );
    // Filters that it does not follow: the same answer, from the same run.
    assert_eq!(ran(&app), 4);
    assert_eq!(cells(&tile(&app, &at, "period=3m").await), first);
    assert_eq!(ran(&app), 4);
    // Another query in the same tile.
    let page = app.get(&at).as_role(Csm).await.ok();
    let body = json!({ "definition": { "title": "Mine", "tiles": [table(&by("account_id"))] } });
    app.put(&at)
        .as_role(Csm)
        .header("if-match", &format!("\"{}\"", page["version"]))
        .json(&body)
        .await
        .ok();
    assert_eq!(
        cells(&tile(&app, &at, "").await),
        [json!(["A", 2]), json!(["B", 1]), json!(["C", 1])]
    );
    // Another definition of what it reads, the same text.
    let metric = own(
        &app,
        table("SELECT account_id, content_views_30d AS n FROM accounts ORDER BY 1"),
    )
    .await;
    let views = |n: [f64; 3]| vec![json!(["A", n[0]]), json!(["B", n[1]]), json!(["C", n[2]])];
    assert_eq!(cells(&tile(&app, &metric, "").await), views([2.0, 1.0, 0.0]));
    let mut files = medtrainer();
    let metrics = files.get_mut("metrics.yaml").expect("metrics");
    let found = metrics.find("id: content_views_30d").expect("the metric");
    let place = found + metrics[found..].find("window: 30d").expect("its window");
    metrics.replace_range(place..place + "window: 30d".len(), "window: 90d");
    apply(&app, &files).await;
    let now = tile(&app, &metric, "").await;
    assert_eq!(
        (cells(&now), text(&now, "freshness")),
        (views([2.0, 1.0, 1.0]), "current")
    );
}

#[tokio::test]
async fn what_is_tried_out_is_not_kept_and_what_fails_leaves_the_old_answer_with_the_reason() {
    let app = small().await;
    let sql = "SELECT 12 / (5 - count(*)) AS n FROM events WHERE kind = 'content'";
    let preview = json!({ "definition": { "title": "Preview", "tiles": [table(sql)] }, "filters": {} });
    let tried = app
        .post("/api/v1/dashboards/preview")
        .as_role(Csm)
        .json(&preview)
        .await
        .ok();
    assert_eq!(cells(tiles(&tried)["q"]), [json!([12])]);
    assert_eq!(app.count("event_copies").await, 0);
    // Once it is a dashboard's, it is kept, from the same run.
    let at = own(&app, table(sql)).await;
    let before = tile(&app, &at, "").await;
    assert_eq!((app.count("event_copies").await, ran(&app)), (1, 1));
    wait(&app, 120);
    view(&app, "A", "2026-06-30", "kim").await;
    app.catch_up().await.expect("caught up");
    assert_eq!(tile(&app, &at, "").await["freshness"], "updating");
    assert_eq!(answers::refresh(&app).await, 1);
    let after = tile(&app, &at, "").await;
    assert_eq!(cells(&after), cells(&before));
    assert_eq!(text(&after, "freshness"), "behind");
    assert!(
        text(&after, "note").contains("could not be brought up to date"),
        "{after}"
    );
    assert!(text(&after, "note").contains("zero"), "{after}");
}
