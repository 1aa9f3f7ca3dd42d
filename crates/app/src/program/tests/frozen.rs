//! A frozen score cannot be edited, in whichever way a program comes.

use serde_json::json;

use super::drafts::{apply_draft, with, working, write};
use crate::auth::Role;
use crate::kpis::tests::{apply_accounts, medtrainer};
use crate::testing::TestApp;

const FILE: &str = "scores.yaml";

#[tokio::test]
async fn a_frozen_score_stays_as_it_is() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply_accounts(&app, &files).await;
    let measure = "{metric: logins_30d, weight: 1, curve: {steps: {cuts: [1, 5, 15], points: [0, 40, 75, 100], direction: rising}}}";
    let apply = async |text: String| {
        let mut files = files.clone();
        files.insert(FILE.to_owned(), text);
        app.post("/api/v1/program/apply")
            .as_role(Role::Manager)
            .json(&json!({ "files": files }))
            .await
    };
    for (from, to, field) in [
        (measure, measure.replace("weight: 1,", "weight: 2,"), "models"),
        (measure, measure.replace("40, 75", "45, 75"), "models"),
        ("    frozen: true\n", String::new(), "frozen"),
        (
            "    frozen: true\n",
            "    frozen: true\n    bands: {green: 80, yellow: 50}\n".to_owned(),
            "bands",
        ),
        (
            "    frozen: true\n    outcome: churn\n",
            "    frozen: true\n    outcome: contraction\n".to_owned(),
            "outcome",
        ),
    ] {
        let changed = with(&files[FILE], from, &to);
        let refused = apply(changed.clone()).await.problem(422);
        let error = &refused["errors"][0];
        let place = error["field"].as_str().unwrap_or_default();
        assert!(
            place.starts_with("scores.yaml:") && place.ends_with(&format!("scores[1].{field}")),
            "{refused}"
        );
        assert!(
            error["remedy"]
                .as_str()
                .is_some_and(|remedy| remedy.contains("copy it under a new id")),
            "{refused}"
        );
        // A draft tells it before anybody applies it, and cannot be applied.
        let held = working(&app, Role::Manager, FILE).await;
        write(
            &app,
            Role::Manager,
            FILE,
            &changed,
            held["version"].as_i64().expect("a version"),
            1,
        )
        .await
        .ok();
        let told = app
            .post("/api/v1/program/draft/check")
            .as_role(Role::Manager)
            .changes_nothing()
            .json(&json!({}))
            .await
            .ok();
        assert_eq!(told["ok"], false, "{told}");
        apply_draft(&app, Role::Manager, 1).await.problem(422);
    }
    // Its name may change, and a copy of it may be what it likes.
    let i = files[FILE]
        .find("  - id: health_baseline")
        .expect("the frozen score");
    let copy = files[FILE][i..]
        .replace("health_baseline", "health_simple")
        .replace("    frozen: true\n", "")
        .replace("weight: 1,", "weight: 3,");
    let renamed = with(
        &files[FILE],
        "label: Health, simple form",
        "label: The simple form",
    );
    apply(format!("{renamed}{copy}")).await.ok();
}

#[tokio::test]
async fn a_frozen_score_that_was_taken_out_comes_back_only_as_it_was() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply_accounts(&app, &files).await;
    let apply = async |text: &str| {
        let mut files = files.clone();
        // What shows the score goes with it.
        files.retain(|name, _| {
            !name.starts_with("dashboards/") && name != "kpis.yaml" && name != "targets.yaml"
        });
        files.insert(FILE.to_owned(), text.to_owned());
        app.post("/api/v1/program/apply")
            .as_role(Role::Manager)
            .json(&json!({ "files": files }))
            .await
    };
    let i = files[FILE]
        .find("  # The simple form, kept")
        .expect("the frozen score");
    apply(&files[FILE][..i]).await.ok();
    // Another version in between changes nothing of it.
    let without = files[FILE][..i].replace("label: Renewal,", "label: Renewals,");
    apply(&without).await.ok();
    for other in [
        files[FILE].replace("    frozen: true\n", ""),
        files[FILE].replace("points: [100, 70, 20]", "points: [100, 60, 20]"),
    ] {
        assert_ne!(other, files[FILE]);
        let refused = apply(&other).await.problem(422);
        assert!(
            refused["errors"][0]["remedy"]
                .as_str()
                .is_some_and(|remedy| remedy.contains("copy it under a new id")),
            "{refused}"
        );
    }
    apply(&files[FILE]).await.ok();
}
