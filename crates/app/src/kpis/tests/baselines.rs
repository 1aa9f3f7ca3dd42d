//! A measured baseline follows its data until these have been left alone for a day, and is frozen then.

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::{apply, change, event, figures, medtrainer, same, store};
use crate::auth::Role;
use crate::testing::TestApp;

/// The target "engagement of digital customers", whose baseline is to be measured on 30 June 2026.
async fn target(app: &TestApp) -> Json {
    let answer = app.get("/api/v1/targets").as_role(Role::Viewer).await.ok();
    let targets = answer["targets"].as_array().expect("targets");
    targets
        .iter()
        .find(|target| target["id"] == "s1-engagement-digital")
        .expect("the target")
        .clone()
}

async fn meeting(app: &TestApp, account: &str, day: &str) {
    store(app, vec![event(account, day, "meeting_held", json!({}))], vec![]).await;
    app.catch_up().await.expect("caught up");
}

#[tokio::test]
async fn a_baseline_follows_its_data_for_a_day_and_is_frozen_then() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let accounts = ["a", "b", "c", "d"];
    store(
        &app,
        accounts
            .map(|account| {
                event(
                    account,
                    "2026-01-10",
                    "subscription_started",
                    json!({ "mrr": 400 }),
                )
            })
            .into(),
        accounts
            .map(|account| change(account, "2026-01-10", json!({ "employees": 10 })))
            .into(),
    )
    .await;
    meeting(&app, "a", "2026-06-10").await;
    let first = target(&app).await;
    assert_eq!(
        (first["baseline"].as_f64(), &first["frozen_at"]),
        (Some(0.25), &Json::Null)
    );
    assert_eq!(first["baseline_on"], "2026-06-30");

    meeting(&app, "b", "2026-06-12").await;
    let followed = target(&app).await;
    assert_eq!(
        (followed["baseline"].as_f64(), &followed["frozen_at"]),
        (Some(0.5), &Json::Null)
    );

    // The first midnight ends June itself, which is a change of its figures; after the second a day has passed in peace.
    for _ in 0..2 {
        app.advance(SignedDuration::from_hours(25));
        app.catch_up().await.expect("caught up");
    }
    let frozen = target(&app).await;
    assert_eq!(frozen["baseline"].as_f64(), Some(0.5));
    assert!(frozen["frozen_at"].is_string(), "{frozen}");

    // What arrives later moves the figure, not the promise.
    meeting(&app, "c", "2026-06-20").await;
    let june = figures(&app, "2026-06-30").await;
    assert!(
        same(
            june[&("engagement_rate".to_owned(), "digital".to_owned())],
            Some(0.75)
        ),
        "{june:?}"
    );
    let later = target(&app).await;
    assert_eq!(
        (later["baseline"].as_f64(), &later["frozen_at"]),
        (Some(0.5), &frozen["frozen_at"])
    );
}
