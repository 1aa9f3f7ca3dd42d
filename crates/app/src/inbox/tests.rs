//! Who is told what, once.

use serde_json::{Value as Json, json};

use crate::auth::{Principal, Role};
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::{TestApp, TestRequest};

struct Person {
    email: String,
    password: String,
}

async fn person(app: &TestApp, name: &str, role: &str) -> (String, Person) {
    let email = format!("{name}@example.com");
    let made = app
        .post("/api/v1/users")
        .as_role(Role::Admin)
        .json(&json!({ "email": email, "name": name, "role": role }))
        .await
        .ok();
    let password = made["password"].as_str().unwrap_or_default().to_owned();
    let id = made["user"]["id"].as_str().expect("an id").to_owned();
    (id, Person { email, password })
}

fn as_user(request: TestRequest, id: &str, role: Role) -> TestRequest {
    request.as_principal(Principal {
        actor: format!("user:{id}"),
        role,
        request_id: None,
    })
}

#[tokio::test]
async fn mentions_handovers_and_targets_reach_whom_they_concern_once() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let (ann, at_ann) = person(&app, "ann", "csm").await;
    let (bob, _) = person(&app, "bob", "manager").await;
    assert!(at_ann.email.starts_with("ann") && at_ann.password.len() != 1);
    let started = event(
        "acme",
        "2026-01-10",
        "subscription_started",
        json!({ "mrr": 400 }),
    );
    let owned = change(
        "acme",
        "2026-01-10",
        json!({ "employees": 5, "owner": "old@example.com" }),
    );
    store(&app, vec![started], vec![owned]).await;
    app.catch_up().await.expect("caught up");
    super::collect(&app).await.expect("collected");
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .json(&json!({ "body": "@ann@example.com please" }))
        .await
        .ok();
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["acme"], "to": "ann@example.com", "reason": "x" }))
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    let inbox = async |id: &str, query: &str| {
        as_user(app.get(&format!("/api/v1/inbox{query}")), id, Role::Csm)
            .await
            .ok()
    };
    let kinds = |inbox: &Json| -> Vec<String> {
        let items = inbox["items"].as_array().expect("items");
        let mut kinds: Vec<String> = items
            .iter()
            .map(|it| it["kind"].as_str().expect("a kind").to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    let first = inbox(&ann, "").await;
    assert_eq!(kinds(&first), ["handover", "mention"]);
    assert_eq!(first["unread"], 2);
    assert!(
        first["items"][0]["link"]
            .as_str()
            .expect("a link")
            .starts_with("/accounts/acme")
    );
    super::collect(&app).await.expect("collected");
    assert_eq!(inbox(&ann, "").await["unread"], 2);
    assert!(kinds(&inbox(&bob, "").await).iter().all(|kind| kind == "target"));

    let mark = |body: Json| as_user(app.post("/api/v1/inbox/read").json(&body), &ann, Role::Csm);
    let one = first["items"][0]["id"].clone();
    assert_eq!(
        mark(json!({ "ids": [one], "read": true })).await.ok()["unread"],
        1
    );
    assert_eq!(
        inbox(&ann, "?unread=true").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(mark(json!({ "read": true })).await.ok()["unread"], 0);
    assert_eq!(
        mark(json!({ "ids": [one], "read": false })).await.ok()["unread"],
        1
    );
    // Somebody else's are not marked.
    let foreign = as_user(
        app.post("/api/v1/inbox/read")
            .json(&json!({ "ids": [one], "read": true })),
        &bob,
        Role::Csm,
    );
    foreign.await.ok();
    assert_eq!(inbox(&ann, "").await["unread"], 1);

    // What is not wanted is not added.
    let want = as_user(
        app.put("/api/v1/inbox/wanted").json(&json!({ "mention": false })),
        &ann,
        Role::Csm,
    );
    assert_eq!(want.await.ok()["wanted"]["mention"], false);
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .json(&json!({ "body": "@ann@example.com again" }))
        .await
        .ok();
    assert_eq!(inbox(&ann, "").await["unread"], 1);
    let odd = as_user(
        app.put("/api/v1/inbox/wanted").json(&json!({ "no_such": false })),
        &ann,
        Role::Csm,
    );
    odd.await.problem(422);
    app.catch_up().await.expect("caught up");
    super::collect(&app).await.expect("collected");
    // A target that turns is told to managers, with the way to it.
    let held = super::store::setting(&app.store, "inbox.targets")
        .await
        .expect("a setting")
        .expect("statuses");
    let mut statuses: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&held).expect("statuses");
    if let Some((_, status)) = statuses.iter_mut().next() {
        "nonsense".clone_into(status);
        let tx = app.store.begin().await.expect("a transaction");
        let text = serde_json::to_string(&statuses).expect("a text");
        super::store::set_setting(&tx, "inbox.targets", &text)
            .await
            .expect("set");
        tx.commit().await.expect("committed");
        let before = kinds(&inbox(&bob, "").await).len();
        assert!(before > 0, "the turn is told");
        assert_eq!(kinds(&inbox(&bob, "").await).len(), before);
        assert_eq!(inbox(&ann, "").await["unread"], 1);
    }
}

#[tokio::test]
async fn preferences_are_checked_and_the_first_steps_follow_what_is() {
    let app = TestApp::new().await;
    let (ann, _) = person(&app, "ann", "admin").await;
    let put = |body: Json| as_user(app.put("/api/v1/preferences").json(&body), &ann, Role::Admin);
    let good = json!({ "time_zone": "Europe/Berlin", "locale": "de-DE", "first_steps_hidden": false, "dashboard_opened": false });
    assert_eq!(put(good.clone()).await.ok(), good);
    for (field, value) in [("time_zone", "Mars/Olympus"), ("locale", "x y"), ("locale", "1")] {
        let mut bad = good.clone();
        bad[field] = json!(value);
        put(bad).await.problem(422);
    }
    let got = as_user(app.get("/api/v1/preferences"), &ann, Role::Admin)
        .await
        .ok();
    assert_eq!(got, good);
    let steps = async || {
        let answer = as_user(app.get("/api/v1/first-steps"), &ann, Role::Admin)
            .await
            .ok();
        let items = answer["items"].as_array().expect("steps").clone();
        let done = |step: &Json| step["done"].as_bool().expect("a truth");
        items
            .iter()
            .map(|step| (step["step"].as_str().expect("a name").to_owned(), done(step)))
            .collect::<Vec<_>>()
    };
    let at = async |step: &str| steps().await.iter().any(|(name, done)| name == step && *done);
    assert_eq!(steps().await.len(), 5);
    assert!(!at("program").await && !at("source").await && !at("import").await && !at("dashboard").await);
    apply(&app, &medtrainer()).await;
    assert!(at("program").await);
    store(
        &app,
        vec![event("acme", "2026-01-10", "login", json!({}))],
        Vec::new(),
    )
    .await;
    assert!(at("source").await);
    assert!(!at("invite").await);
    person(&app, "bob", "csm").await;
    assert!(at("invite").await);
    let opened =
        json!({ "time_zone": null, "locale": null, "first_steps_hidden": true, "dashboard_opened": true });
    put(opened).await.ok();
    assert!(at("dashboard").await);
}

#[tokio::test]
async fn what_stands_around_a_page_comes_in_one_answer() {
    let app = TestApp::new().await;
    let (ann, _) = person(&app, "ann", "csm").await;
    let now = async || as_user(app.get("/api/v1/now"), &ann, Role::Csm).await.ok();
    let rest = json!({ "unread": 0, "silent_sources": 0, "computed": 0, "to_compute": 0 });
    assert_eq!(now().await, rest);
    apply(&app, &medtrainer()).await;
    let started = event(
        "acme",
        "2026-01-10",
        "subscription_started",
        json!({ "mrr": 400 }),
    );
    store(&app, vec![started], vec![]).await;
    app.catch_up().await.expect("caught up");
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .json(&json!({ "body": "@ann@example.com please" }))
        .await
        .ok();
    super::collect(&app).await.expect("collected");
    assert_eq!(now().await["unread"], 1);
    as_user(app.post("/api/v1/inbox/read"), &ann, Role::Csm)
        .json(&json!({ "read": true }))
        .await
        .ok();
    assert_eq!(now().await, rest);
}
