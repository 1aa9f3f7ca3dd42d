//! Programs through HTTP: planned, applied, given back byte for byte, restored; faults with their place.

mod drafts;
mod frozen;

use std::collections::BTreeMap;

use serde_json::json;

use crate::auth::{Principal, Role};
use crate::kpis::tests::{apply, event, medtrainer, store};
use crate::testing::TestApp;

#[tokio::test]
async fn a_program_is_planned_applied_exported_and_restored() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply(&app, &files).await;
    let start = event("a", "2026-01-10", "subscription_started", json!({ "mrr": 3500 }));
    store(&app, vec![start], vec![]).await;
    app.catch_up().await.expect("caught up");

    let mut changed = files.clone();
    let text = changed.get_mut("segments.yaml").expect("the segments");
    *text = text.replace("mrr > 3500", "mrr >= 3500");
    let planned = app
        .post("/api/v1/program/plan")
        .as_role(Role::Viewer)
        .json(&json!({ "files": changed }))
        .await
        .ok();
    assert_eq!(planned["segments"]["moves"][0]["from"], "core");
    assert_eq!(planned["segments"]["moves"][0]["to"], "strategic");
    assert_eq!(planned["segments"]["moves"][0]["accounts"], 1);
    assert!(
        planned["changes"]
            .as_array()
            .is_some_and(|changes| !changes.is_empty()),
        "{planned}"
    );
    let segment = || app.metrics.book.all()[0].now().expect("a span").segment.clone();
    assert_eq!(segment(), "core", "a plan changes nothing");

    apply(&app, &changed).await;
    assert_eq!(segment(), "strategic");
    // The same content again is the same version, and leaves no trace in the audit.
    let definitions = (*app.definitions().expect("a program")).clone();
    let again = super::apply(&app, &Principal::operator(), &changed, definitions, None)
        .await
        .expect("a version");
    assert_eq!(again.version, 2);
    let versions = app
        .get("/api/v1/program/versions")
        .as_role(Role::Viewer)
        .await
        .ok();
    let numbers: Vec<i64> = versions["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .filter_map(|v| v["version"].as_i64())
        .collect();
    assert_eq!(numbers, [2, 1]);

    for (query, want) in [("", &changed), ("?version=1", &files)] {
        let exported = app
            .get(&format!("/api/v1/program/export{query}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        assert_eq!(exported["files"], json!(want), "byte for byte: {query}");
    }
    app.post("/api/v1/program/versions/1/restore")
        .as_role(Role::Manager)
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    assert_eq!(segment(), "core");
    let exported = app.get("/api/v1/program/export").as_role(Role::Viewer).await.ok();
    assert_eq!(
        (&exported["version"]["version"], &exported["files"]),
        (&json!(3), &json!(files))
    );
    app.post("/api/v1/program/versions/9/restore")
        .as_role(Role::Manager)
        .await
        .problem(404);
    app.post("/api/v1/program/apply")
        .as_role(Role::Viewer)
        .json(&json!({ "files": files }))
        .await
        .problem(403);
}

#[tokio::test]
async fn faults_name_their_place_and_the_nearest_name() {
    let app = TestApp::new().await;
    let mut files = medtrainer();
    let text = files.get_mut("segments.yaml").expect("the segments");
    *text = text.replace("mrr > 3500", "mmr > 3500");
    let line = text
        .lines()
        .position(|line| line.contains("mmr > 3500"))
        .expect("the line")
        + 1;
    let column = text
        .lines()
        .find(|line| line.contains("mmr > 3500"))
        .and_then(|line| line.find("mmr"))
        .expect("the column")
        + 1;
    let checked = app
        .post("/api/v1/program/check")
        .as_role(Role::Viewer)
        .json(&json!({ "files": files }))
        .await
        .ok();
    assert_eq!(checked["ok"], false);
    let problem = &checked["problems"][0];
    assert_eq!(
        (
            &problem["file"],
            &problem["line"],
            &problem["column"],
            &problem["nearest"]
        ),
        (
            &json!("segments.yaml"),
            &json!(line),
            &json!(column),
            &json!("mrr")
        ),
        "{checked}"
    );
    let refused = app
        .post("/api/v1/program/apply")
        .as_role(Role::Manager)
        .json(&json!({ "files": files }))
        .await
        .problem(422);
    assert!(
        refused["errors"][0]["field"]
            .as_str()
            .is_some_and(|at| at.starts_with(&format!("segments.yaml:{line}:{column} "))),
        "{refused}"
    );
    assert!(app.definitions().is_none(), "nothing was applied");

    // A name that the history does not have, in a KPI's SQL.
    let mut files = medtrainer();
    let text = files.get_mut("kpis.yaml").expect("the KPIs");
    *text = text.replacen("WHERE c.active_any", "WHERE c.active_anyy", 1);
    let line = text
        .lines()
        .position(|line| line.contains("active_anyy"))
        .expect("the line")
        + 1;
    let checked = app
        .post("/api/v1/program/check")
        .as_role(Role::Viewer)
        .json(&json!({ "files": files }))
        .await
        .ok();
    let problem = &checked["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"]),
        (&json!("kpis.yaml"), &json!(line)),
        "{checked}"
    );
    assert_eq!(problem["nearest"], "active_any", "{checked}");
}

#[tokio::test]
async fn the_zone_stays_once_events_are_counted_into_its_days() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply(&app, &files).await;
    let mut moved = files.clone();
    let text = moved.get_mut("program.yaml").expect("the program");
    *text = text.replace("America/Los_Angeles", "Europe/Berlin");
    apply(&app, &moved).await;
    assert_eq!(
        app.time_zone().iana_name(),
        Some("Europe/Berlin"),
        "without events it may change"
    );
    store(&app, vec![event("a", "2026-01-10", "login", json!({}))], vec![]).await;
    let refused = app
        .post("/api/v1/program/apply")
        .as_role(Role::Manager)
        .json(&json!({ "files": files }))
        .await
        .problem(422);
    assert_eq!(
        refused["errors"][0]["field"], "program.yaml: time_zone",
        "{refused}"
    );
    assert_eq!(app.time_zone().iana_name(), Some("Europe/Berlin"));
}

#[tokio::test]
async fn a_first_program_does_not_move_days_either() {
    let app = TestApp::new().await;
    store(
        &app,
        vec![event("a", "2026-01-10T03:00:00Z", "login", json!({}))],
        vec![],
    )
    .await;
    let files = medtrainer();
    let refused = app
        .post("/api/v1/program/apply")
        .as_role(Role::Manager)
        .json(&json!({ "files": files }))
        .await
        .problem(422);
    assert_eq!(
        refused["errors"][0]["field"], "program.yaml: time_zone",
        "{refused}"
    );
    let mut utc = files.clone();
    let text = utc.get_mut("program.yaml").expect("the program");
    *text = text.replace("America/Los_Angeles", "UTC");
    apply(&app, &utc).await;
}

#[tokio::test]
async fn what_was_sound_is_planned_anew_once_a_column_is_gone() {
    let app = TestApp::new().await;
    let mut files = medtrainer();
    let text = files
        .get_mut("dashboards/s1-01-customer-engagement.yaml")
        .expect("the dashboard");
    let join = "JOIN accounts a ON a.account_no = e.account_no";
    assert!(text.contains(join));
    *text = text.replacen(join, &format!("{join} AND a.locations > 0"), 1);
    let check = async |files: &BTreeMap<String, String>| {
        app.post("/api/v1/program/check")
            .as_role(Role::Viewer)
            .json(&json!({ "files": files }))
            .await
            .ok()
    };
    for _ in 0..2 {
        let checked = check(&files).await;
        assert_eq!(checked["ok"], true, "{checked}");
    }
    let text = files.get_mut("attributes.yaml").expect("the attributes");
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("id: locations"))
        .collect();
    *text = kept.join("\n") + "\n";
    for _ in 0..2 {
        let checked = check(&files).await;
        assert_eq!(checked["ok"], false, "{checked}");
        assert!(
            checked["problems"][0].to_string().contains("locations"),
            "{checked}"
        );
    }
}
