//! Alarms over a clock that is moved by hand, and figures of sources against plain counting.

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::events::{Event, Kind, append};
use crate::testing::TestApp;

const HOUR: i64 = 3_600_000_000;

async fn arrive(app: &TestApp, n: usize, late: i64) {
    let now = app.clock.micros();
    let events = (0..n)
        .map(|at| Event {
            message_id: format!("{now}/{at}"),
            account: Some("A-1".to_owned()),
            contact: None,
            name: "login".to_owned(),
            kind: Kind::Product,
            occurred_at: now - late,
            received_at: now,
            source: "web".to_owned(),
            properties: serde_json::Map::new(),
        })
        .collect();
    append(app, events).await.expect("stored");
}

async fn web(app: &TestApp) -> Json {
    let it = app.get("/api/v1/sources").as_role(Role::Viewer).await.ok();
    let list = it["sources"].as_array().expect("sources").clone();
    list.into_iter().find(|it| it["source"] == "web").expect("web")
}

async fn open(app: &TestApp) -> Json {
    app.get("/api/v1/sources/alarms").as_role(Role::Viewer).await.ok()
}

fn hours(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(n)
}

#[tokio::test]
async fn silence_is_noticed_from_the_sources_own_past_and_over_with_the_next_event() {
    // Mondays to Fridays from 9 to 17 o'clock, two weeks long: nights of 16 hours, weekends of 64.
    let app = TestApp::at("2026-06-01T09:30:00Z").await;
    for day in 0..12 {
        if day % 7 < 5 {
            for _ in 0..8 {
                arrive(&app, 3, HOUR).await;
                app.advance(hours(1));
            }
            app.advance(hours(16));
        } else {
            app.advance(hours(24));
        }
    }
    // It is Saturday, 13 June, 9:30; the last event came on Friday at 16:30.
    let it = web(&app).await;
    // The longest silences: 65 hours over the weekend, 17 each night. The second longest decides, half as long again.
    assert_eq!(it["expectation"]["learned_s"], json!(17 * 3_600 * 3 / 2));
    assert_eq!(it["state"], "heard");
    assert!(!super::check(&app).await.expect("records"));
    app.advance(hours(9));
    assert!(super::check(&app).await.expect("records"));
    // Looking again raises nothing twice.
    assert!(!super::check(&app).await.expect("records"));
    let alarms = open(&app).await;
    assert_eq!(alarms["open"], 1);
    assert_eq!(alarms["alarms"][0]["last_event_at"], "2026-06-12T16:30:00Z");
    assert_eq!(web(&app).await["state"], "silent");
    app.advance(hours(1));
    arrive(&app, 1, 0).await;
    assert!(super::check(&app).await.expect("records"));
    let alarms = open(&app).await;
    assert_eq!(
        (&alarms["open"], &alarms["alarms"][0]["cleared_by"]),
        (&json!(0), &json!("event"))
    );
    let audited: Vec<String> = app
        .audited()
        .await
        .into_iter()
        .filter(|it| it.starts_with("source."))
        .collect();
    assert_eq!(audited, ["source.silent", "source.heard"]);
}

#[tokio::test]
async fn an_expectation_is_set_by_hand_with_a_version() {
    let app = TestApp::new().await;
    arrive(&app, 1, 0).await;
    assert_eq!(
        (
            &web(&app).await["state"],
            &web(&app).await["expectation"]["every_s"]
        ),
        (&json!("unknown"), &Json::Null)
    );
    app.advance(hours(3));
    let put = |body: Json| {
        app.put("/api/v1/sources/web/expectation")
            .as_role(Role::Manager)
            .json(&body)
    };
    let it = put(json!({ "version": 0, "every_s": 7_200 })).await.ok();
    assert_eq!(
        (&it["state"], &it["expectation"]["set"]),
        (&json!("silent"), &json!(true))
    );
    assert_eq!(open(&app).await["open"], 1);
    // Whoever saw the source as it was before is told.
    put(json!({ "version": 0, "every_s": 60 })).await.problem(409);
    put(json!({ "version": 1, "every_s": 5 })).await.problem(422);
    app.put("/api/v1/sources/nobody/expectation")
        .as_role(Role::Manager)
        .json(&json!({ "version": 0 }))
        .await
        .problem(404);
    let it = put(json!({ "version": 1, "muted": true })).await.ok();
    assert_eq!(it["state"], "muted");
    let alarms = open(&app).await;
    assert_eq!(
        (&alarms["open"], &alarms["alarms"][0]["cleared_by"]),
        (&json!(0), &json!("setting"))
    );
}

#[tokio::test]
async fn rates_lags_and_shares_are_what_plain_counting_gives() {
    let app = TestApp::new().await;
    // 95 events an hour late and 5 a day late, spread over two days.
    for round in 0..5 {
        arrive(&app, 19, HOUR).await;
        arrive_late(&app, round).await;
        app.advance(hours(10));
    }
    let it = web(&app).await;
    assert_eq!(it["events"], 100);
    let (p50, p95) = (
        it["lag_p50_s"].as_f64().expect("a lag"),
        it["lag_p95_s"].as_f64().expect("a lag"),
    );
    // To a factor of two: an hour, and an hour (the 95th of a hundred is the last of the quick ones).
    assert!(
        (1_800.0..7_200.0).contains(&p50) && (1_800.0..7_200.0).contains(&p95),
        "{p50} {p95}"
    );
    // 20 events each 0, 10, 20, 30 and 40 hours after noon; it is 50 hours after noon.
    let per_hour: Vec<i64> = serde_json::from_value(it["per_hour"].clone()).expect("numbers");
    assert_eq!(per_hour.len(), 24);
    assert_eq!(per_hour.iter().sum::<i64>(), 40);
    assert_eq!((per_hour[13], per_hour[3]), (20, 20));
    let per_day: Vec<i64> = serde_json::from_value(it["per_day"].clone()).expect("numbers");
    assert_eq!((per_day[13], per_day[12], per_day[11]), (40, 40, 20));
    assert_eq!(it["rejected_share"], 0.0);
}

async fn arrive_late(app: &TestApp, round: i64) {
    let now = app.clock.micros();
    let event = Event {
        message_id: format!("late/{round}"),
        account: None,
        contact: None,
        name: "login".to_owned(),
        kind: Kind::Product,
        occurred_at: now - 24 * HOUR,
        received_at: now,
        source: "web".to_owned(),
        properties: serde_json::Map::new(),
    };
    append(app, vec![event]).await.expect("stored");
}
