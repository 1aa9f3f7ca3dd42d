//! A simulated company under the shipped program: what was entered of accounts is known on every day of the past. What scores are worth on a
//! larger one is in `bench/hazard.py`.

use serde_json::json;

use super::backtest;
use crate::auth::Role;
use crate::kpis::tests::{apply_accounts, medtrainer};
use crate::testing::TestApp;

#[tokio::test]
async fn past_rows_of_a_simulated_company_lie_in_their_segments() {
    let app = TestApp::new().await;
    apply_accounts(&app, &medtrainer()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let options = tenure_simulate::Options {
        accounts: 150,
        months: 9,
        seed: 3,
        until: jiff::civil::date(2026, 6, 30),
        events_per_account_month: Some(12.0),
    };
    tenure_simulate::write(&options, folder.path(), &mut |_| {}).expect("a company");
    let begun = app
        .post("/api/v1/imports")
        .as_operator()
        .json(&json!({ "path": folder.path() }))
        .await
        .ok();
    let path = format!("/api/v1/imports/{}", begun["id"].as_str().expect("an id"));
    while app.get(&path).as_role(Role::Viewer).await.ok()["state"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    let found = backtest(
        &app,
        "health",
        json!({ "from": "2026-01-31", "to": "2026-03-31", "only_hand_set": true }),
    )
    .await;
    assert_eq!(found["state"], "done", "{found}");
    let report = &found["report"];
    // What was entered of accounts when they began is known on every day: the rows lie in all segments.
    let segments: Vec<&str> = report["segments"]
        .as_array()
        .expect("segments")
        .iter()
        .filter(|part| part["rows"].as_u64() > Some(10))
        .filter_map(|part| part["name"].as_str())
        .collect();
    for id in ["strategic", "core", "digital"] {
        assert!(segments.contains(&id), "{segments:?}");
    }
}
