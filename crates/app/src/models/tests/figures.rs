//! The KPIs of a score's accuracy, and the alarm about it, against values worked out by plain loops.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use tenure_store::Execute;

use super::train;
use super::world::{app, company, end_of, number, program};
use crate::auth::{Principal, Role};
use crate::kpis::tests::{figures, medtrainer};
use crate::testing::TestApp;

/// The shipped definitions of these KPIs, as they stand in the program's file.
fn with_kpis(ids: &[&str]) -> BTreeMap<String, String> {
    let mut files = program();
    let all = &medtrainer()["kpis.yaml"];
    let mut text = "kpis:\n".to_owned();
    for part in all.split("\n  - id: ").skip(1) {
        if ids.contains(&part.lines().next().unwrap_or_default()) {
            text.push_str("  - id: ");
            text.push_str(part.trim_end());
            text.push('\n');
        }
    }
    files.insert("kpis.yaml".into(), text);
    files
}

/// The points of every account on a day.
async fn points(app: &TestApp, day: &str) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app
            .get(&format!(
                "/api/v1/scores?score=health&as_of={day}&limit=500{cursor}"
            ))
            .as_role(Role::Viewer)
            .await
            .ok();
        for item in page["items"].as_array().expect("items") {
            let id = item["account_id"].as_str().expect("an id").to_owned();
            found.extend(item["points"].as_f64().map(|points| (id, points)));
        }
        if page["next_cursor"].is_null() {
            return found;
        }
        cursor = format!("&cursor={}", page["next_cursor"].to_string().trim_matches('"'));
    }
}

#[tokio::test]
async fn accuracy_and_skill_are_what_counting_pairs_gives() {
    let events = company(41, 240, 0.8);
    let day = "2026-03-31";
    let window = end_of(number(day))..end_of(number("2026-06-29"));
    let gone: BTreeSet<String> = events
        .iter()
        .filter(|event| event.name == "churned" && window.contains(&event.occurred_at))
        .filter_map(|event| event.account.clone())
        .collect();
    let app = app(&with_kpis(&["health_accuracy", "health_skill"]), events).await;
    app.catch_up().await.expect("caught up");
    let scored = points(&app, day).await;
    let (mut sum, mut lost) = (0.0, 0.0);
    for (_, own) in scored.iter().filter(|(id, _)| gone.contains(id)) {
        let stayed: Vec<f64> = scored
            .iter()
            .filter(|(id, _)| !gone.contains(id))
            .map(|(_, points)| *points)
            .collect();
        let above = stayed.iter().filter(|points| *points > own).count() as f64;
        let equal = stayed.iter().filter(|points| *points == own).count() as f64;
        sum += (above + equal / 2.0) / stayed.len() as f64;
        lost += 1.0;
    }
    assert!(lost >= 5.0 && scored.len() > 30, "{lost} of {}", scored.len());
    let accuracy = sum / lost;
    let told = figures(&app, "2026-06-29").await;
    let figure = |kpi: &str| told[&(kpi.to_owned(), "all".to_owned())].expect("a figure");
    assert!(
        (figure("health_accuracy") - accuracy).abs() < 1e-9,
        "{} {accuracy}",
        figure("health_accuracy")
    );
    assert!((figure("health_skill") - (2.0 * accuracy - 1.0)).abs() < 1e-9);
}

async fn person(app: &TestApp, name: &str, role: &str) -> String {
    let form = json!({ "email": format!("{name}@example.com"), "name": name, "role": role });
    let made = app
        .post("/api/v1/users")
        .as_role(Role::Admin)
        .json(&form)
        .await
        .ok();
    made["user"]["id"].as_str().expect("an id").to_owned()
}

async fn told(app: &TestApp, id: &str, role: Role) -> Vec<Json> {
    let found = app
        .get("/api/v1/inbox")
        .as_principal(Principal {
            actor: format!("user:{id}"),
            role,
            request_id: None,
        })
        .await
        .ok();
    let items = found["items"].as_array().expect("items");
    items
        .iter()
        .filter(|it| it["kind"] == "accuracy")
        .cloned()
        .collect()
}

#[tokio::test]
async fn an_accuracy_below_what_was_promised_is_told_to_managers_once() {
    let (seed, now) = (7, end_of(number("2025-12-31")));
    let (late, known): (Vec<_>, Vec<_>) = company(seed, 320, 1.0)
        .into_iter()
        .partition(|event| event.received_at >= now);
    let app = TestApp::at("2026-01-01T06:00:00Z").await;
    crate::kpis::tests::apply_accounts(&app, &program()).await;
    let (mia, cem) = (
        person(&app, "mia", "manager").await,
        person(&app, "cem", "csm").await,
    );
    crate::kpis::tests::store(&app, known, vec![]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    let trained = train(
        &app,
        json!({ "outcome": "churn", "backtest": { "from": "2025-07-31" } }),
    )
    .await;
    let id = trained["model"]["id"].as_str().expect("an id").to_owned();
    let form = json!({ "version": 1, "despite": true, "note": "the test wants it in force" });
    app.post(&format!("/api/v1/models/{id}/promotion"))
        .as_role(Role::Manager)
        .json(&form)
        .await
        .ok();
    assert!(crate::models::operation::refresh(&app).await.expect("kept"));
    // The back-test beside it promises more than anything reaches.
    let beside = trained["model"]["backtest_id"].as_str().expect("an id");
    let row = app
        .store
        .one(
            "SELECT result FROM backtests WHERE id = $1",
            tenure_store::args![beside],
        )
        .await
        .expect("a row")
        .expect("the back-test");
    let mut report: Json =
        serde_json::from_str(&row.get::<String>("result").expect("a text")).expect("a report");
    for method in report["methods"].as_array_mut().expect("methods") {
        method["auc"] = json!({ "value": 0.9995, "low": 0.999, "high": 1.0 });
    }
    let tx = app.store.begin().await.expect("a transaction");
    tx.run(
        "UPDATE backtests SET result = $1 WHERE id = $2",
        tenure_store::args![report.to_string(), beside],
    )
    .await
    .expect("changed");
    tx.commit().await.expect("committed");

    assert!(told(&app, &mia, Role::Manager).await.is_empty());
    app.advance(jiff::SignedDuration::from_hours(24 * 180));
    crate::kpis::tests::store(&app, late, vec![]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    crate::models::operation::refresh(&app).await.expect("checked");
    let first = told(&app, &mia, Role::Manager).await;
    let december: Vec<&Json> = first
        .iter()
        .filter(|it| {
            it["title"]
                .as_str()
                .is_some_and(|title| title.contains("2025-12-31"))
        })
        .collect();
    assert_eq!(december.len(), 1, "{first:?}");
    let title = december[0]["title"].as_str().expect("a title");
    assert!(
        title.contains("Churn") && title.contains("below the 0.999 to 1.000"),
        "{title}"
    );
    assert_eq!(december[0]["link"], "/accuracy");
    // Looked at again it is still one, and whoever only looks after accounts is not told.
    crate::models::operation::refresh(&app)
        .await
        .expect("nothing more");
    assert_eq!(told(&app, &mia, Role::Manager).await.len(), first.len());
    assert!(told(&app, &cem, Role::Csm).await.is_empty());
}
