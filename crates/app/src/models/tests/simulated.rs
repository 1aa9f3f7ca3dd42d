//! A simulated company under the shipped program: what is learnt there is worth more than every baseline.

use serde_json::json;

use super::{backtest, method};
use crate::auth::Role;
use crate::kpis::tests::{apply_accounts, medtrainer};
use crate::testing::TestApp;

#[tokio::test]
async fn on_a_simulated_company_the_transparent_score_is_above_every_baseline() {
    let app = TestApp::new().await;
    apply_accounts(&app, &medtrainer()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let options = tenure_simulate::Options {
        accounts: 900,
        months: 22,
        seed: 3,
        until: jiff::civil::date(2026, 6, 30),
        events_per_account_month: Some(14.0),
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
        json!({ "every": "45d", "from": "2025-07-15", "to": "2026-03-31" }),
    )
    .await;
    assert_eq!(found["state"], "done", "{found}");
    let report = &found["report"];
    let auc = |id: &str| method(report, id)["auc"]["value"].as_f64().expect("an AUC");
    for id in ["prior", "mrr", "tenure", "last_login", "baseline"] {
        assert!(
            auc("transparent") > auc(id),
            "{id}: {} {}",
            auc("transparent"),
            auc(id)
        );
    }
    // What was entered of accounts when they began is known on every day: the rows lie in all segments.
    let segments: Vec<&str> = report["segments"]
        .as_array()
        .expect("segments")
        .iter()
        .filter(|part| part["rows"].as_u64() > Some(100))
        .filter_map(|part| part["name"].as_str())
        .collect();
    for id in ["strategic", "core", "digital"] {
        assert!(segments.contains(&id), "{segments:?}");
    }
}
