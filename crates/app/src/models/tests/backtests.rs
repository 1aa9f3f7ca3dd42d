//! What a back-test proves and what it does not.

use serde_json::json;

use super::world::{app, company, program};
use super::{backtest, method, quick};
use crate::auth::Role;

#[tokio::test]
async fn a_signal_is_proven_against_every_baseline_and_the_answer_is_the_same_twice() {
    let app = app(&program(), company(7, 320, 1.0)).await;
    let nothing = app
        .get("/api/v1/scores/health/accuracy")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert!(nothing["backtest_id"].is_null() && nothing["auc"].is_null());
    let params = json!({ "from": "2025-11-30" });
    let found = backtest(&app, "health", params.clone()).await;
    assert_eq!(found["state"], "done", "{found}");
    let report = &found["report"];
    assert_eq!(
        (&report["main"], &report["proven"]),
        (&json!("score"), &json!(true)),
        "{}",
        report["reason"]
    );
    for id in [
        "score",
        "baseline",
        "transparent",
        "challenger",
        "last_period",
        "last_login",
        "tenure",
        "mrr",
        "prior",
    ] {
        let auc = method(report, id)["auc"]["value"].as_f64().expect("an AUC");
        assert!((0.0..=1.0).contains(&auc), "{id}");
        if ["score", "transparent", "challenger"].contains(&id) {
            assert!(auc > 0.65, "{id}: {auc}");
        }
    }
    assert_eq!(method(report, "prior")["auc"]["value"], 0.5);
    let auc = |id: &str| method(report, id)["auc"]["value"].as_f64();
    for id in ["prior", "mrr", "tenure", "last_login", "baseline"] {
        assert!(auc("transparent") > auc(id), "{id}");
    }
    assert_eq!(method(report, "transparent")["proven"], true);
    let skill = report["skill"].as_array().expect("skills");
    let own = skill.iter().find(|it| it["method"] == "transparent");
    let own = own.expect("the transparent score's");
    // The frozen baseline hardly ranks: its skill may be next to none, and then no ratio to it is told.
    let hardly = method(report, "baseline")["auc"]["low"].as_f64() < Some(0.55);
    assert_eq!(own["ratio"].is_null(), hardly, "{own}");
    assert!(hardly || own["ratio"]["value"].as_f64() > Some(1.0), "{own}");
    assert_eq!(own["reason"].is_string(), hardly, "{own}");
    assert!(report["warnings"].as_array().expect("warnings").is_empty());
    // In one answer, for the page of the score: what it must beat, and what it beats.
    let line = app
        .get("/api/v1/scores/health/accuracy")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&line["method"], &line["proven"], &line["auc"]),
        (&json!("score"), &json!(true), &method(report, "score")["auc"])
    );
    let against = line["against"].as_array().expect("baselines");
    let ids: Vec<&str> = against.iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(ids, ["prior", "mrr", "tenure", "last_login", "baseline"]);
    // There is no period before's of what nobody changed.
    assert!(line["before"].is_null(), "{line}");
    for it in against {
        let pair = report["paired"]
            .as_array()
            .expect("pairs")
            .iter()
            .find(|pair| pair["first"] == "score" && pair["second"] == it["id"])
            .expect("the pair");
        assert_eq!(it["difference"], pair["difference"]);
        assert_eq!(it["beaten"], pair["difference"]["low"].as_f64() > Some(0.0));
    }
    // The same question again, and as a list.
    let again = backtest(&app, "health", params).await;
    assert_eq!(again["report"], *report);
    let list = app
        .get("/api/v1/scores/health/backtests")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(list["items"][0]["auc"], method(report, "score")["auc"]);
}

#[tokio::test]
async fn noise_and_few_outcomes_prove_nothing() {
    let noise = app(&program(), company(8, 250, 0.0)).await;
    let found = backtest(&noise, "health", json!({ "from": "2025-11-30" })).await;
    for id in ["score", "transparent", "challenger"] {
        let own = method(&found["report"], id);
        assert_eq!(own["proven"], false, "{id}: {own}");
    }
    let few = app(&program(), company(9, 25, 1.0)).await;
    let found = backtest(&few, "health", quick()).await;
    let own = method(&found["report"], "score");
    // A ratio of skills of so few outcomes is not told, and the answer says why.
    let skills = found["report"]["skill"].as_array().expect("skills");
    assert!(!skills.is_empty());
    for skill in skills {
        assert_eq!(
            (&skill["against"], &skill["ratio"]),
            (&json!("baseline"), &json!(null))
        );
        assert!(
            skill["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("outcomes; 50 are the least")),
            "{skill}"
        );
        assert_eq!(skill["reached"], false);
    }
    assert_eq!(own["proven"], false);
    assert!(
        own["reason"]
            .as_str()
            .expect("a reason")
            .contains("are the least"),
        "{own}"
    );
}

#[tokio::test]
async fn an_outcome_of_events_is_tested_without_a_score_of_its_own() {
    let app = app(&program(), company(10, 120, 1.0)).await;
    let found = backtest(&app, "ticket", json!({ "from": "2026-01-31" })).await;
    assert_eq!(found["state"], "done", "{found}");
    assert_eq!(found["report"]["main"], "transparent");
    assert_eq!(found["report"]["horizon_days"], 30);
    let outcomes = app.get("/api/v1/outcomes").as_role(Role::Viewer).await.ok();
    assert_eq!(outcomes["items"][0]["score"], "health");
    assert_eq!(outcomes["items"][1]["kind"], "event");
}

#[tokio::test]
async fn bad_questions_are_told_what_to_do() {
    let app = app(&program(), company(11, 10, 1.0)).await;
    let ask = |id: &str, form: serde_json::Value| {
        app.post(&format!("/api/v1/scores/{id}/backtests"))
            .as_role(Role::Csm)
            .json(&form)
    };
    let missing = ask("helth", json!({})).await;
    assert_eq!(missing.status, 404);
    assert!(
        missing.json()["detail"]
            .as_str()
            .expect("a text")
            .contains("did you mean health?")
    );
    assert_eq!(ask("health", json!({ "horizon": "0d" })).await.status, 422);
    assert_eq!(ask("health", json!({ "to": "2030-01-01" })).await.status, 422);
    let viewer = app
        .post("/api/v1/scores/health/backtests")
        .as_role(Role::Viewer)
        .json(&json!({}))
        .await;
    assert_eq!(viewer.status, 403);
    // Two accounts cannot be told apart: the reason is kept with the back-test.
    let found = backtest(
        &app,
        "ticket",
        json!({ "from": "2025-01-31", "to": "2025-01-31" }),
    )
    .await;
    assert_eq!(found["state"], "failed", "{found}");
    assert!(!found["error"].as_str().expect("a reason").is_empty());
}

#[tokio::test]
async fn without_a_frozen_baseline_skill_is_held_against_the_score_set_by_hand() {
    let mut files = program();
    let scores = files.get_mut("scores.yaml").expect("scores");
    let frozen = scores.find("  - id: health_baseline").expect("the frozen one");
    scores.truncate(frozen);
    let app = app(&files, company(7, 320, 1.0)).await;
    let found = backtest(&app, "health", json!({ "from": "2025-11-30" })).await;
    let report = &found["report"];
    let skills = report["skill"].as_array().expect("skills");
    let ids: Vec<&str> = skills.iter().filter_map(|it| it["method"].as_str()).collect();
    assert_eq!(ids, ["transparent", "challenger"], "{skills:?}");
    for skill in skills {
        assert_eq!(skill["against"], "score");
        let auc = |id: &str| method(report, id)["auc"]["value"].as_f64().expect("an AUC");
        let own = auc(skill["method"].as_str().expect("a method"));
        let expected = (2.0 * own - 1.0) / (2.0 * auc("score") - 1.0);
        let ratio = &skill["ratio"];
        // The score has no value in the first weeks of an account: the ratio is of the rows that both tell of.
        let told = ratio["value"].as_f64().expect("a ratio");
        assert!((told - expected).abs() < 0.1, "{told} {expected}");
        assert!(
            ratio["low"].as_f64() < ratio["value"].as_f64()
                && ratio["value"].as_f64() < ratio["high"].as_f64()
        );
        assert!(skill["reason"].is_null());
    }
}
