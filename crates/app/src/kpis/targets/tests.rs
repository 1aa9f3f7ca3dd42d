//! Baselines frozen by hand, forecasts and histories, through the API.

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::{apply, event, medtrainer, store};
use crate::testing::TestApp;

const ID: &str = "s2-churn-digital";

/// Forty digital customers that started long ago; two leave in each month of 2026 but for June.
async fn company() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut events = Vec::new();
    let mut changes = Vec::new();
    for no in 0..40 {
        let account = format!("a{no:02}");
        events.push(event(
            &account,
            "2024-01-10",
            "subscription_started",
            json!({ "mrr": 300 }),
        ));
        changes.push(crate::kpis::tests::change(
            &account,
            "2024-01-01",
            json!({ "employees": 10 }),
        ));
        if no < 10 {
            let day = format!("2026-{:02}-15", no / 2 + 1);
            events.push(event(&account, &day, "churned", json!({})));
        }
    }
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

async fn detail(app: &TestApp) -> Json {
    app.get(&format!("/api/v1/targets/{ID}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

fn close(got: &Json, want: f64) -> bool {
    got.as_f64().is_some_and(|got| (got - want).abs() < 1e-9)
}

#[tokio::test]
async fn a_baseline_is_frozen_by_a_manager_once_and_given_back() {
    let app = company().await;
    let before = detail(&app).await;
    assert_eq!(before["target"]["baseline_source"], "stated");
    assert_eq!(
        (&before["target"]["baseline"], &before["version"]),
        (&json!(0.12), &json!(0))
    );
    let path = format!("/api/v1/targets/{ID}/baseline");
    // Up to the end of March six of forty left within twelve months.
    let form = json!({ "on": "2026-03-31", "reason": "The plan was late.", "version": 0 });
    app.post(&path).as_role(Role::Csm).json(&form).await.problem(403);
    let frozen = app.post(&path).as_role(Role::Manager).json(&form).await.ok();
    assert!(close(&frozen["target"]["baseline"], 0.15), "{frozen}");
    assert_eq!(frozen["target"]["baseline_on"], "2026-03-31");
    assert_eq!(frozen["target"]["baseline_source"], "by_hand");
    assert_eq!(
        (&frozen["version"], &frozen["program_baseline"]),
        (&json!(1), &json!(0.12))
    );
    assert_eq!(
        app.audited().await.last().map(String::as_str),
        Some("target.baseline.freeze")
    );
    // From 15 % on 31 March to 9 % on 30 June 2027, 456 days: after 91 of them 15 − 6 × 91 / 456 points.
    assert!(
        close(&frozen["target"]["expected"], 0.15 - 0.06 * 91.0 / 456.0),
        "{}",
        frozen["target"]
    );
    assert_eq!(frozen["changes"][0]["reason"], "The plan was late.");
    // Sent twice it is done once; another who saw version 0 is told.
    app.post(&path)
        .as_role(Role::Manager)
        .json(&form)
        .changes_nothing()
        .await
        .ok();
    let other = json!({ "on": "2026-05-31", "reason": "Another.", "version": 0 });
    app.post(&path)
        .as_role(Role::Admin)
        .json(&other)
        .await
        .problem(409);
    // The registry and the overview say the same, also after a restart and another look at the history.
    let app = app.reopen().await;
    app.catch_up().await.expect("caught up");
    let registry = app.get("/api/v1/targets").as_role(Role::Viewer).await.ok();
    let line = registry["targets"]
        .as_array()
        .and_then(|all| all.iter().find(|line| line["id"] == ID))
        .cloned()
        .expect("the target");
    assert!(close(&line["baseline"], 0.15));
    let release = json!({ "reason": "The document holds.", "version": 1 });
    let path = format!("{path}/release");
    let back = app.post(&path).as_role(Role::Manager).json(&release).await.ok();
    assert_eq!(
        (&back["target"]["baseline"], &back["version"]),
        (&json!(0.12), &json!(2))
    );
    assert_eq!(back["changes"].as_array().map(Vec::len), Some(2));
    app.post(&path)
        .as_role(Role::Manager)
        .json(&json!({ "reason": "Once more.", "version": 2 }))
        .await
        .problem(409);
}

#[tokio::test]
async fn the_way_so_far_and_where_it_leads() {
    let app = company().await;
    let got = detail(&app).await;
    // 25 months' ends up to 30 June 2026; only the baseline's day has a status.
    let history = got["history"].as_array().expect("a history");
    assert_eq!(history.len(), 25);
    let with_status = history.iter().filter(|point| !point["status"].is_null()).count();
    assert_eq!(with_status, 1);
    assert!(
        close(&history[24]["value"], 0.25) && history[24]["status"] == "behind",
        "{}",
        history[24]
    );
    // The accounts are there from 10 January 2024 on, so the first twelve months that can be looked back over end in January 2025: twelve
    // months of 0, then 5, 10, 15, 20, 25 and 25 points. Of the 153 pairs 67 do not differ; the 77th slope is 10 points in 11 months. What
    // is left of it is in the middle (10 × 5 ÷ 11 and 10 × 2 ÷ 11 points below 0), so the line stands at −35 ÷ 11 points at the first.
    let forecast = &got["forecast"];
    assert_eq!(forecast["months"], 18);
    assert!(close(&forecast["slope"], 0.1 / 11.0), "{forecast}");
    assert!(
        close(&forecast["value"], (0.1 * 29.0 - 0.35) / 11.0),
        "{forecast}"
    );
    assert_eq!(got["fan"].as_array().map(Vec::len), Some(12));
    assert_eq!(got["fan"][11]["period"], "2027-06-30");
    let outlook = app
        .get("/api/v1/targets/outlook")
        .as_role(Role::Viewer)
        .await
        .ok();
    let mine = outlook["targets"]
        .as_array()
        .and_then(|all| all.iter().find(|it| it["id"] == ID))
        .cloned()
        .expect("the target");
    assert_eq!(mine["forecast"], got["forecast"]);
    // Of a figure that waits for its data nothing is said.
    let nps = outlook["targets"]
        .as_array()
        .and_then(|all| {
            all.iter()
                .find(|it| it["id"].as_str().is_some_and(|id| id.contains("nps")))
        })
        .cloned()
        .expect("a target of NPS");
    assert_eq!(nps["forecast"], Json::Null);
    assert!(nps["why"].as_str().expect("a reason").contains("0 of 6"), "{nps}");
}

#[tokio::test]
async fn what_cannot_be_frozen_is_refused() {
    let app = company().await;
    let path = format!("/api/v1/targets/{ID}/baseline");
    for (form, field) in [
        (json!({ "reason": " ", "version": 0 }), "reason"),
        (json!({ "on": "tomorrow", "reason": "x", "version": 0 }), "on"),
        (json!({ "on": "2026-07-01", "reason": "x", "version": 0 }), "on"),
        (json!({ "on": "2001-01-01", "reason": "x", "version": 0 }), "on"),
    ] {
        let refused = app
            .post(&path)
            .as_role(Role::Manager)
            .json(&form)
            .await
            .problem(422);
        assert_eq!(refused["errors"][0]["field"], field, "{form}");
    }
    let missing = app
        .post("/api/v1/targets/s2-churn-digitals/baseline")
        .as_role(Role::Manager)
        .json(&json!({ "reason": "x", "version": 0 }))
        .await
        .problem(404);
    assert!(missing["detail"].as_str().expect("a detail").contains(ID));
    assert_eq!(app.count("target_freezes").await, 0);
}
