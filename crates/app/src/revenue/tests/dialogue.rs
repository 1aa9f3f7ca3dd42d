//! The reason dialogue: who may record what, what is kept, and what happens to two who do it at once.

use serde_json::{Value as Json, json};

use super::{get, list, texts};
use crate::auth::Role;
use crate::kpis::tests::{apply, event, figures, medtrainer, store};
use crate::testing::TestApp;

async fn company() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = |account: &str| {
        event(
            account,
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": 500, "subscription_id": "s1" }),
        )
    };
    let events = vec![
        start("gone"),
        event(
            "gone",
            "2026-06-10",
            "churned",
            json!({ "subscription_id": "s1" }),
        ),
        start("told"),
        event(
            "told",
            "2026-06-12",
            "churned",
            json!({ "subscription_id": "s1", "reason": "pricing" }),
        ),
        start("stays"),
    ];
    store(&app, events, Vec::new()).await;
    app.catch_up().await.expect("caught up");
    app
}

fn reason(on: &str, primary: &str, version: i64) -> Json {
    json!({ "about": "cancellation", "on": on, "primary": primary, "secondary": ["competitor"], "comment": "They said so.", "version": version })
}

fn path(account: &str, what: &str) -> String {
    format!("/api/v1/revenue/accounts/{account}/{what}")
}

#[tokio::test]
async fn a_reason_is_recorded_once_corrected_by_managers_and_its_history_kept() {
    let app = company().await;
    let missing = get(&app, "churn/accounts?missing=true").await;
    assert_eq!(texts(list(&missing, "items"), "account_id"), ["gone"]);
    let key = ("churn_reasons".to_owned(), "all".to_owned());
    assert_eq!(figures(&app, "2026-06-30").await[&key], Some(0.5));

    let form = reason("2026-06-10", "feature_gaps", 0);
    app.post(&path("gone", "reasons"))
        .as_role(Role::Viewer)
        .json(&form)
        .await
        .problem(403);
    let answer = app
        .post(&path("gone", "reasons"))
        .as_role(Role::Csm)
        .json(&form)
        .await
        .ok();
    let fact = &answer["facts"][0];
    assert_eq!((&fact["version"], &fact["has_reason"]), (&json!(1), &json!(true)));
    assert_eq!(fact["now"]["author"], "user:test-csm");
    assert_eq!(
        app.audited().await.last().map(String::as_str),
        Some("churn.reason")
    );
    // Sent again, nothing happens.
    app.post(&path("gone", "reasons"))
        .as_role(Role::Csm)
        .json(&form)
        .changes_nothing()
        .await
        .ok();
    // The KPI counts it, in the month of the end; the list is empty.
    app.catch_up().await.expect("caught up");
    assert_eq!(figures(&app, "2026-06-30").await[&key], Some(1.0));
    assert_eq!(get(&app, "churn/accounts?missing=true").await["total"], 0);
    let by_reason = get(&app, "churn?months=1&by=secondary").await;
    assert_eq!(
        texts(list(&by_reason, "groups"), "value"),
        ["(none)", "competitor"]
    );

    // Another one, who still sees version 0, is told what stands there.
    let late = app
        .post(&path("gone", "reasons"))
        .as_role(Role::Manager)
        .json(&reason("2026-06-10", "pricing", 0))
        .await
        .problem(409);
    let detail = late["detail"].as_str().expect("a detail");
    assert!(
        detail.contains("feature_gaps") && detail.contains("version 1"),
        "{detail}"
    );
    // A correction is for managers.
    let correction = reason("2026-06-10", "support_issues", 1);
    app.post(&path("gone", "reasons"))
        .as_role(Role::Csm)
        .json(&correction)
        .await
        .problem(403);
    let corrected = app
        .post(&path("gone", "reasons"))
        .as_role(Role::Manager)
        .json(&correction)
        .await
        .ok();
    let history = list(&corrected["facts"][0], "history");
    assert_eq!(texts(history, "reason"), ["", "feature_gaps", "support_issues"]);
    assert_eq!(corrected["facts"][0]["now"]["reason"], "support_issues");
    // What a source named is a reason too, and only a manager corrects it.
    app.post(&path("told", "reasons"))
        .as_role(Role::Csm)
        .json(&reason("2026-06-12", "competitor", 0))
        .await
        .problem(403);
    // The account itself is where it was: recording a reason ends nothing and starts nothing.
    app.catch_up().await.expect("caught up");
    let after = get(&app, "bridge?grain=month&periods=1").await;
    assert_eq!(after["periods"][0]["currencies"][0]["active_end"], 1);
    // All of it is there again after a restart, from sealed files too.
    crate::events::seal(&app, crate::events::Limits::default())
        .await
        .expect("sealed");
    let app = app.reopen().await;
    let again = get(&app, "accounts/gone").await;
    assert_eq!(
        texts(list(&again["facts"][0], "history"), "reason"),
        ["", "feature_gaps", "support_issues"]
    );
}

#[tokio::test]
async fn notice_save_and_cancellation_by_hand() {
    let app = company().await;
    let notice = json!({ "on": "2026-06-20", "primary": "pricing", "secondary": [], "comment": null });
    let answer = app
        .post(&path("stays", "notices"))
        .as_role(Role::Csm)
        .json(&notice)
        .await
        .ok();
    assert_eq!(
        (&answer["facts"][0]["about"], &answer["facts"][0]["mrr"]),
        (&json!("notice"), &json!(500.0))
    );
    app.post(&path("stays", "notices"))
        .as_role(Role::Csm)
        .json(&notice)
        .changes_nothing()
        .await
        .ok();
    let other = json!({ "on": "2026-06-20", "primary": "competitor" });
    app.post(&path("stays", "notices"))
        .as_role(Role::Csm)
        .json(&other)
        .await
        .problem(409);
    let save = json!({ "notice_on": "2026-06-20", "how": "A smaller plan for a year." });
    let saved = app
        .post(&path("stays", "saves"))
        .as_role(Role::Csm)
        .json(&save)
        .await
        .ok();
    assert_eq!(saved["facts"][0]["saved_how"], "A smaller plan for a year.");
    app.post(&path("stays", "saves"))
        .as_role(Role::Csm)
        .json(&save)
        .changes_nothing()
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    let list_of = get(&app, "saves?months=1&by=author").await;
    assert_eq!(list_of["groups"][0]["value"], "user:test-csm");
    assert_eq!(list_of["items"][0]["saved_on"], "2026-06-30");
    assert_eq!(texts(list(&list_of["items"][0], "done"), "name"), ["saved"]);

    let cancel = json!({ "on": "2026-06-29", "primary": "company_change", "secondary": ["pricing"] });
    let answer = app
        .post(&path("stays", "cancellations"))
        .as_role(Role::Csm)
        .json(&cancel)
        .await
        .ok();
    assert_eq!(answer["account_id"], "stays");
    app.catch_up().await.expect("caught up");
    let state = get(&app, "accounts/stays").await;
    assert_eq!(
        (&state["active"], &state["subscriptions"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(state["facts"][0]["on"], "2026-06-29");
    assert_eq!(state["facts"][0]["now"]["reason"], "company_change");
    app.post(&path("stays", "cancellations"))
        .as_role(Role::Csm)
        .json(&cancel)
        .changes_nothing()
        .await
        .ok();
    assert_eq!(
        app.audited()
            .await
            .iter()
            .filter(|it| it.starts_with("churn."))
            .count(),
        3
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_field_and_remedy() {
    let app = company().await;
    let cases = [
        ("gone", "reasons", reason("2026-06-11", "pricing", 0), 422, "on"),
        ("gone", "reasons", reason("June", "pricing", 0), 422, "on"),
        (
            "gone",
            "reasons",
            reason("2026-06-10", "weather", 0),
            422,
            "primary",
        ),
        (
            "gone",
            "reasons",
            json!({ "about": "cancellation", "on": "2026-06-10", "primary": "unknown" }),
            422,
            "comment",
        ),
        (
            "gone",
            "notices",
            json!({ "on": "2026-06-20", "primary": "pricing" }),
            422,
            "on",
        ),
        (
            "stays",
            "notices",
            json!({ "on": "2026-07-20", "primary": "pricing" }),
            422,
            "on",
        ),
        (
            "stays",
            "cancellations",
            json!({ "on": "2026-01-10", "primary": "pricing" }),
            422,
            "on",
        ),
        (
            "stays",
            "saves",
            json!({ "notice_on": "2026-06-20", "how": "x" }),
            422,
            "notice_on",
        ),
        (
            "stays",
            "saves",
            json!({ "notice_on": "2026-06-20", "how": " " }),
            422,
            "how",
        ),
    ];
    for (account, what, form, status, field) in cases {
        let refused = app
            .post(&path(account, what))
            .as_role(Role::Manager)
            .json(&form)
            .await
            .problem(status);
        assert_eq!(refused["errors"][0]["field"], field, "{what} {form}");
        let remedy = refused["errors"][0]["remedy"].as_str().expect("a remedy");
        assert!(!remedy.is_empty());
    }
    app.post(&path("nobody", "reasons"))
        .as_role(Role::Manager)
        .json(&reason("2026-06-10", "pricing", 0))
        .await
        .problem(404);
    assert!(!app.audited().await.iter().any(|it| it.starts_with("churn.")));
}
