//! What became of accounts by band and direction, and how long they are in their stage.

use std::collections::BTreeMap;

use super::*;
use crate::metrics::facts::date_of;

#[tokio::test]
async fn churn_by_band_and_direction_is_counted_account_by_account() {
    let app = random(46).await;
    let definitions = app.definitions().expect("definitions");
    let score = definitions.score(HEALTH).expect("health");
    let today = crate::metrics::today(&app);
    let proof = app
        .get("/api/v1/scores/movement")
        .as_role(Role::Viewer)
        .await
        .ok();
    // By hand: on each cutoff every active account with a score, by its own page's velocity, and whether it left in the 90 days after.
    let mut wanted: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut cutoffs = Vec::new();
    for back in (1..=6).rev() {
        let day = today - 90 * back;
        let list = app
            .get(&format!("/api/v1/scores?limit=500&as_of={}", date_of(day)))
            .as_role(Role::Viewer)
            .await
            .ok();
        let mut any = false;
        for line in list["items"].as_array().expect("lines") {
            let Some(points) = line["points"].as_f64() else {
                continue;
            };
            any = true;
            let band = name_of(Some(band(score, points))).to_owned();
            let state = line["velocity"]["state"].as_str().unwrap_or("unknown").to_owned();
            let id = line["account_id"].as_str().expect("an id");
            let no = app.accounts.number(id).expect("a number");
            let lives = app.metrics.book.get(no.get()).expect("an account").head.lives();
            let gone = lives.iter().any(|life| life.1 > day && life.1 <= day + 90);
            let count = wanted.entry((band, state)).or_default();
            count.0 += 1;
            count.1 += u64::from(gone);
        }
        if any {
            cutoffs.push(date_of(day).to_string());
        }
    }
    assert_eq!(proof["cutoffs"], json!(cutoffs));
    let mut found = BTreeMap::new();
    for cell in proof["cells"].as_array().expect("cells") {
        let text = |field: &str| cell[field].as_str().expect("a text").to_owned();
        let (n, gone) = (
            cell["accounts"].as_u64().expect("n"),
            cell["churned"].as_u64().expect("n"),
        );
        assert!((number(&cell["rate"]) - gone as f64 / n as f64).abs() < 1e-12);
        assert!(
            number(&cell["low"]) <= number(&cell["rate"]) && number(&cell["rate"]) <= number(&cell["high"])
        );
        found.insert((text("band"), text("state")), (n, gone));
    }
    assert_eq!(found, wanted);
    assert!(wanted.values().map(|count| count.0).sum::<u64>() > 10);
}

#[tokio::test]
async fn a_stage_is_held_against_the_median_of_its_segment() {
    let app = TestApp::new().await;
    let mut files = medtrainer();
    let show = async |app: &TestApp, path: &str| app.get(path).as_role(Role::Viewer).await.ok();
    let (there, missing) = ("lifecycle_stage: lifecycle_stage", "lifecycle_stage: where_it_is");
    let program = files.get_mut("program.yaml").expect("a program");
    *program = program.replace(there, missing);
    let refused = app
        .post("/api/v1/program/check")
        .as_role(Role::Manager)
        .changes_nothing()
        .json(&json!({ "files": files }))
        .await
        .ok();
    assert_eq!(refused["ok"], false, "{refused}");
    let program = files.get_mut("program.yaml").expect("a program");
    *program = program.replace(missing, there);
    apply(&app, &files).await;
    let start = |id: &str, day: &str| event(id, day, "subscription_started", json!({ "mrr": 300 }));
    let stage = |id: &str, day: &str, stage: &str| {
        change(id, day, json!({ "employees": 10, "lifecycle_stage": stage }))
    };
    // Onboarding: a for 20 days, b for 40, c since 1 May: 60 days by 30 June.
    give(
        &app,
        vec![
            start("a", "2026-01-01"),
            start("b", "2026-01-01"),
            start("c", "2026-05-01"),
        ],
        vec![
            stage("a", "2026-01-10", "onboarding"),
            stage("a", "2026-01-21", "adoption"),
            stage("b", "2026-01-01", "onboarding"),
            stage("b", "2026-02-10", "adoption"),
            stage("c", "2026-05-01", "onboarding"),
        ],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let path = |id: &str, day: &str| format!("/api/v1/accounts/{id}/scores?as_of={day}");
    let c = show(&app, &path("c", "2026-06-30")).await;
    let line = &c["stage"];
    // The first known stage holds from the start: a's 20 days begin on 1 January.
    assert_eq!(
        (&line["stage"], &line["since"], &line["days"], &line["stays"]),
        (&json!("onboarding"), &json!("2026-05-01"), &json!(60), &json!(3)),
        "{c}"
    );
    assert_eq!((number(&line["median"]), number(&line["ratio"])), (40.0, 1.5));
    let a = show(&app, &path("a", "2026-06-30")).await;
    assert_eq!(
        (&a["stage"]["stage"], &a["stage"]["since"]),
        (&json!("adoption"), &json!("2026-01-21"))
    );
    // On an earlier day only what was so by then counts.
    let b = show(&app, &path("b", "2026-01-31")).await;
    assert_eq!(
        (&b["stage"]["days"], number(&b["stage"]["median"])),
        (&json!(30), 25.0),
        "{b}"
    );
}

#[tokio::test]
async fn a_changed_score_says_how_well_it_would_have_told() {
    let app = random(47).await;
    let definitions = app.definitions().expect("definitions");
    let held = serde_json::to_value(definitions.score(HEALTH).expect("health")).expect("JSON");
    let ask = async |score: &Json| {
        app.post("/api/v1/scores/preview/accuracy")
            .as_role(Role::Viewer)
            .changes_nothing()
            .json(&json!({ "score": score }))
            .await
    };
    let same = ask(&held).await.ok();
    assert_eq!(same["cutoffs"].as_array().map(Vec::len), Some(3));
    assert_eq!(same["now"], same["then"], "{same}");
    assert_eq!(same["few"], true);
    if same["difference"].is_object() {
        assert_eq!(number(&same["difference"]["value"]), 0.0);
    }
    let mut wrong = held.clone();
    wrong["models"][0]["groups"][0]["measures"][0]["metric"] = json!("logns_30d");
    assert!(
        ask(&wrong).await.problem(422)["errors"][0]["remedy"].is_string(),
        "a remedy is told"
    );
}
