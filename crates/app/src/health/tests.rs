use serde_json::json;

use crate::auth::Role;
use crate::testing::{NOON, TestApp};

#[tokio::test]
async fn lives_and_is_ready() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/health/live").await.ok(), json!({ "status": "ok" }));
    assert_eq!(app.get("/health/ready").await.ok(), json!({ "status": "ok" }));
}

#[tokio::test]
async fn is_not_ready_when_the_records_are_gone() {
    let app = TestApp::new().await;
    app.store.clone().close().await;
    let answer = app.get("/health/ready").await;
    assert_eq!(answer.problem(503)["code"], "unavailable");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(
        app.get("/health/live").await.status,
        200,
        "a restart would not help"
    );
}

#[tokio::test]
async fn figures_are_for_viewers_and_the_machine_itself() {
    // As the server does before it counts anything.
    super::record_metrics();
    let app = TestApp::new().await;
    app.get("/metrics").await.problem(401);
    app.get("/metrics").from_address("203.0.113.9").await.problem(401);
    app.get("/metrics")
        .from_address("127.0.0.1")
        .header("x-forwarded-for", "203.0.113.9")
        .await
        .problem(401);
    for allowed in [
        app.get("/metrics").from_address("::1"),
        app.get("/metrics").as_role(Role::Viewer),
    ] {
        let answer = allowed.await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.text().contains("tenure_http_requests_total{"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn the_sandbox_alone_has_a_clock_that_moves() {
    let app = TestApp::new().await;
    app.post("/api/v1/sandbox/clock")
        .as_role(Role::Admin)
        .json(&json!({ "advance": "1d" }))
        .await
        .problem(404);
    let app = TestApp::with(NOON, |config| config.sandbox = true).await;
    let advance = |by: &str| {
        app.post("/api/v1/sandbox/clock")
            .as_role(Role::Admin)
            .json(&json!({ "advance": by }))
    };
    assert_eq!(advance("1d").await.ok(), json!({ "now": "2026-07-01T12:00:00Z" }));
    assert_eq!(
        advance("1 month").await.ok(),
        json!({ "now": "2026-08-01T12:00:00Z" })
    );
    for wrong in ["-1d", "0s", "soon", "99999 years", ""] {
        assert_eq!(advance(wrong).await.problem(422)["errors"][0]["value"], wrong);
    }
    assert_eq!(
        app.get("/api/v1/sandbox/clock").as_role(Role::Viewer).await.ok(),
        json!({ "now": "2026-08-01T12:00:00Z" })
    );
    app.post("/api/v1/sandbox/clock")
        .as_role(Role::Manager)
        .json(&json!({ "advance": "1d" }))
        .await
        .problem(403);
}

#[tokio::test]
async fn the_diagnosis_finds_a_sound_database() {
    let app = TestApp::new().await;
    let found = app.get("/api/v1/diagnosis").as_role(Role::Admin).await.ok();
    let checks = found["checks"].as_array().expect("checks");
    assert!(checks.len() >= 4, "{found}");
    assert!(
        checks
            .iter()
            .all(|check| check["state"] == "ok" && check["remedy"].is_null()),
        "{found}"
    );
}
