//! Models that are trained, put in force by a person, and taken out again.

use std::collections::BTreeSet;

use serde_json::json;

use super::train;
use super::world::{app, company, end_of, number, program};
use crate::auth::Role;
use crate::models::store;
use crate::scores::form::Form;
use crate::scores::models as kept;

#[tokio::test]
async fn a_person_puts_a_model_in_force_and_takes_it_out_again() {
    let app = app(&program(), company(7, 320, 1.0)).await;
    let empty = app.get("/api/v1/risk").as_role(Role::Viewer).await.ok();
    assert!(
        empty["model_id"].is_null()
            && empty["reason"]
                .as_str()
                .expect("a reason")
                .contains("tenure model train")
    );
    let trained = train(
        &app,
        json!({ "outcome": "churn", "note": "first", "backtest": { "from": "2025-11-30" } }),
    )
    .await;
    let model = &trained["model"];
    assert_eq!(
        (&model["state"], &model["proven"]),
        (&json!("done"), &json!(true)),
        "{model}"
    );
    assert!(model["rows"].as_i64() > Some(1_000) && model["auc"]["value"].as_f64() > Some(0.65));
    assert!(!trained["measures"].as_array().expect("measures").is_empty());
    assert_eq!(trained["horizons"], json!([30, 90, 180]));
    let id = model["id"].as_str().expect("an id");
    let promotion = format!("/api/v1/models/{id}/promotion");

    // Nobody is scored by it yet; people without the right cannot change that, nor can an old version.
    let definitions = app.definitions().expect("definitions");
    let health = definitions.score("health").expect("the score");
    let learned = |forms: Vec<Form>| forms.iter().all(|form| matches!(form, Form::Transparent(_)));
    assert!(!learned(kept::forms(&app, health).await.expect("forms")));
    let form = json!({ "version": model["version"] });
    assert_eq!(
        app.post(&promotion).as_role(Role::Csm).json(&form).await.status,
        403
    );
    assert_eq!(
        app.post(&promotion)
            .as_role(Role::Manager)
            .json(&json!({ "version": 9 }))
            .await
            .status,
        409
    );

    let promoted = app.post(&promotion).as_role(Role::Manager).json(&form).await.ok();
    assert!(promoted["promoted_at"].is_string());
    let forms = kept::forms(&app, health).await.expect("forms");
    assert!(learned(forms.clone()));
    let line = app
        .get("/api/v1/scores/health/accuracy")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&line["method"], &line["auc"]),
        (&json!("transparent"), &model["auc"])
    );
    // Contributions and base add up to the score, exactly.
    let plan = app.metrics.plan().expect("a plan");
    let mut scored = 0;
    for entry in app.metrics.book.all().iter().filter(|entry| entry.active()) {
        let Some((_, ledger)) = crate::scores::score(&plan, health, &forms, &entry.head, &[]) else {
            continue;
        };
        let Some(score) = ledger.score else { continue };
        let sum: tenure_learn::handset::Amount = ledger.lines.iter().map(|line| line.contribution).sum();
        assert_eq!(sum + ledger.base + ledger.clipped, score);
        scored += 1;
    }
    assert!(scored > 50, "{scored}");

    // Risk: the probability is that of the score's own odds.
    let risk = app.get("/api/v1/risk?limit=500").as_role(Role::Viewer).await.ok();
    assert_eq!((&risk["in_force"], &risk["proven"]), (&json!(true), &json!(true)));
    let items = risk["items"].as_array().expect("accounts");
    let stakes: Vec<f64> = items
        .iter()
        .map(|it| it["mrr_at_risk"].as_f64().unwrap_or(0.0))
        .collect();
    assert!(stakes.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!((risk["mrr_at_risk"].as_f64().expect("a sum") - stakes.iter().sum::<f64>()).abs() < 1e-6);
    for it in items {
        let within: Vec<f64> = it["within"]
            .as_array()
            .expect("horizons")
            .iter()
            .map(|of| of["probability"].as_f64().expect("a share"))
            .collect();
        assert!(within.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{it}");
    }
    let scale = forms
        .iter()
        .find_map(|form| match form {
            Form::Transparent(learned) => Some(learned.scale),
            Form::HandSet(_) => None,
        })
        .expect("a scale");
    let mut same = 0;
    for it in items {
        let entry = app
            .metrics
            .book
            .all()
            .into_iter()
            .find(|entry| it["account_id"] == entry.id.as_str())
            .expect("it");
        let (_, ledger) = crate::scores::score(&plan, health, &forms, &entry.head, &[]).expect("a ledger");
        let p = it["probability"].as_f64().expect("a share");
        if let Some(score) = ledger
            .score
            .map(|score| score.points())
            .filter(|score| (0.1..99.9).contains(score))
        {
            let told = scale.health((p / (1.0 - p)).ln());
            assert!((told - score).abs() < 1e-6, "{told} {score}");
            same += 1;
        }
    }
    assert!(same > 50, "{same} of {}", items.len());

    // What is in force is held against the period before's, which is no baseline.
    let line = app
        .get("/api/v1/scores/health/accuracy")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(line["method"], "transparent");
    assert_eq!(line["before"]["id"], "last_period", "{line}");
    let against = line["against"].as_array().expect("baselines");
    assert!(against.iter().all(|it| it["id"] != "last_period"));

    // A month's predictions are kept once.
    assert!(crate::models::operation::refresh(&app).await.expect("kept"));
    assert!(
        !crate::models::operation::refresh(&app)
            .await
            .expect("nothing more")
    );
    let watched = app.get("/api/v1/predictions").as_role(Role::Viewer).await.ok();
    assert_eq!(watched["months"][0]["day"], "2026-05-31");
    assert!(watched["months"][0]["checked_at"].is_null());
    assert!(
        !watched["months"][0]["drift"]
            .as_array()
            .expect("drift")
            .is_empty()
    );

    let version = app
        .get(&format!("/api/v1/models/{id}"))
        .as_role(Role::Viewer)
        .await
        .ok()["model"]["version"]
        .clone();
    let back = app
        .delete(&format!("{promotion}?version={version}"))
        .as_role(Role::Manager)
        .await
        .ok();
    assert!(back["promoted_at"].is_null());
    assert!(!learned(kept::forms(&app, health).await.expect("forms")));
    let audited = app.audited().await;
    for action in ["model.train", "model.promote", "model.withdraw"] {
        assert!(audited.iter().any(|held| held == action), "{action}");
    }
}

#[tokio::test]
async fn predictions_are_held_against_what_happened_and_worse_than_promised_is_an_alarm() {
    let mut events = company(7, 320, 1.0);
    let now = end_of(number("2025-12-31"));
    let later: Vec<_> = events
        .iter()
        .filter(|event| event.received_at >= now)
        .cloned()
        .collect();
    events.retain(|event| event.received_at < now);
    let app = crate::testing::TestApp::at("2026-01-01T06:00:00Z").await;
    crate::kpis::tests::apply_accounts(&app, &program()).await;
    crate::kpis::tests::store(&app, events, vec![]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    let trained = train(
        &app,
        json!({ "outcome": "churn", "backtest": { "from": "2025-07-31" } }),
    )
    .await;
    let id = trained["model"]["id"].as_str().expect("an id").to_owned();
    let form = json!({ "version": 1, "despite": true, "note": "For the test" });
    app.post(&format!("/api/v1/models/{id}/promotion"))
        .as_role(Role::Manager)
        .json(&form)
        .await
        .ok();
    assert!(crate::models::operation::refresh(&app).await.expect("kept"));
    let day = number("2025-12-31");
    let kept = store::predictions(&app, "churn", &id, day).await.expect("rows");
    assert!(kept.len() > 100 && kept.iter().all(|row| row.happened.is_none()));

    // Half a year later: everything else has arrived.
    app.advance(jiff::SignedDuration::from_hours(24 * 180));
    crate::kpis::tests::store(&app, later.clone(), vec![]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    crate::models::operation::refresh(&app).await.expect("checked");
    let watched = app
        .get("/api/v1/predictions?outcome=churn")
        .as_role(Role::Viewer)
        .await
        .ok();
    let months = watched["months"].as_array().expect("months");
    let month = months
        .iter()
        .find(|month| month["day"] == "2025-12-31")
        .expect("the month");
    // Whoever had left before that day, and it was told only now, was predicted for like the others: that end came too.
    let left: BTreeSet<String> = later
        .iter()
        .filter(|event| event.name == "churned" && event.occurred_at < end_of(number("2026-03-31")))
        .filter_map(|event| event.account.clone())
        .collect();
    let rows = store::predictions(&app, "churn", &id, day).await.expect("rows");
    let happened: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.happened == Some(true))
        .map(|row| {
            app.metrics
                .book
                .get(row.account_no)
                .expect("an account")
                .id
                .clone()
        })
        .collect();
    assert!(happened.is_subset(&left) && !happened.is_empty());
    assert_eq!(month["accuracy"]["positives"], happened.len());
    // The alarm stands exactly where the figure is below the interval.
    let promised = trained["model"]["auc"]["low"].as_f64().expect("an interval");
    let reached = month["accuracy"]["auc"]["value"].as_f64().expect("an AUC");
    assert_eq!(month["alarm"].is_string(), reached < promised);
    let alarms = crate::models::operation::alarms(&app, 0).await.expect("alarms");
    assert_eq!(alarms.len(), usize::from(reached < promised));
}

#[tokio::test]
async fn what_is_not_proven_needs_a_word_and_the_challenger_is_never_the_score() {
    let app = app(&program(), company(8, 150, 0.0)).await;
    let trained = train(
        &app,
        json!({ "outcome": "churn", "backtest": { "from": "2025-11-30" } }),
    )
    .await;
    let id = trained["model"]["id"].as_str().expect("an id").to_owned();
    let promotion = format!("/api/v1/models/{id}/promotion");
    let refused = app
        .post(&promotion)
        .as_role(Role::Manager)
        .json(&json!({ "version": 1 }))
        .await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.json()["detail"]
            .as_str()
            .expect("a text")
            .contains("does not prove it")
    );
    // A word without a reason is none; with one it comes into force, and the reason stays in the audit.
    let force = |note: &str| json!({ "version": trained["model"]["version"], "despite": true, "note": note });
    let silent = app
        .post(&promotion)
        .as_role(Role::Manager)
        .json(&force("  "))
        .await
        .problem(422);
    assert_eq!(silent["errors"][0]["field"], "note", "{silent}");
    let meddling = app
        .post(&promotion)
        .as_role(Role::Csm)
        .json(&force("I like it"))
        .await;
    assert_eq!(meddling.status, 403);
    let forced = app
        .post(&promotion)
        .as_role(Role::Manager)
        .json(&force("Agreed with the board on 3 June"))
        .await
        .ok();
    assert_eq!(
        (&forced["promoted_at"].is_string(), &forced["proven"]),
        (&true, &json!(false)),
        "{forced}"
    );
    let kept = app
        .get("/api/v1/audit?action=model.promote")
        .as_role(Role::Admin)
        .await
        .ok();
    let detail = kept["items"][0]["detail"].to_string();
    assert!(
        detail.contains("Agreed with the board on 3 June") && detail.contains("despite"),
        "{kept}"
    );
    // What was looked at is no longer so: the second of two people is told.
    let late = app
        .post(&promotion)
        .as_role(Role::Manager)
        .json(&force("Me too"))
        .await;
    assert_eq!(late.status, 409);
    let boosting = train(
        &app,
        json!({ "outcome": "churn", "method": "boosting", "backtest": { "from": "2025-11-30" } }),
    )
    .await;
    let other = boosting["model"]["id"].as_str().expect("an id").to_owned();
    let refused = app
        .post(&format!("/api/v1/models/{other}/promotion"))
        .as_role(Role::Manager)
        .json(&json!({ "version": 1, "despite": true, "note": "For the test" }))
        .await;
    assert_eq!(refused.status, 409);
    let both = app
        .get(&format!("/api/v1/models/comparison?first={id}&second={other}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(both["same_days"], true);
    assert_eq!(both["paired"]["first"], "transparent");
    let bad = app
        .post("/api/v1/models/train")
        .as_role(Role::Manager)
        .json(&json!({ "outcome": "chrun" }))
        .await;
    assert_eq!(bad.status, 404);
    assert!(
        bad.json()["detail"]
            .as_str()
            .expect("a text")
            .contains("did you mean churn?")
    );
}

#[tokio::test]
async fn a_model_of_a_young_log_keeps_near_what_it_learnt_from() {
    // Eight months of history: the company's own, moved to end today.
    let mut events = company(7, 400, 1.0);
    let later = 300 * 86_400_000_000;
    let now = i64::from(number("2026-06-30")) * 86_400_000_000;
    for event in &mut events {
        event.occurred_at += later;
        event.received_at += later;
        event.message_id.push_str("/later");
    }
    events.retain(|event| event.received_at < now);
    let app = app(&program(), events).await;
    let trained = train(
        &app,
        json!({ "outcome": "churn", "backtest": { "from": "2026-02-28" } }),
    )
    .await;
    let model = &trained["model"];
    assert_eq!(model["state"], "done", "{model}");
    let id = model["id"].as_str().expect("an id");
    app.post(&format!("/api/v1/models/{id}/promotion"))
        .as_role(Role::Manager)
        .json(&json!({ "version": model["version"], "despite": true, "note": "to look at" }))
        .await
        .ok();
    let (rows, positives) = (
        model["rows"].as_f64().expect("rows"),
        model["positives"].as_f64().expect("rows"),
    );
    let share = positives / rows;
    let said = app.get("/api/v1/risk?limit=500").as_role(Role::Viewer).await.ok();
    let said: Vec<f64> = said["items"]
        .as_array()
        .expect("accounts")
        .iter()
        .filter_map(|it| it["probability"].as_f64())
        .collect();
    let mean = said.iter().sum::<f64>() / said.len() as f64;
    assert!(
        said.len() > 50 && mean > share / 2.0 && mean < share * 2.0,
        "{mean} of {share}"
    );
}
