//! What a contact plays and agreed to: kept with history, found by it, and followed through a merge.

use serde_json::{Value as Json, json};

use crate::accounts::{Change, ContactChange};
use crate::auth::Role;
use crate::kpis::tests::{apply, event, medtrainer, store};
use crate::testing::TestApp;

async fn world() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let contact = |id: &str, name: &str| {
        Change::Contact(ContactChange {
            id: id.to_owned(),
            account: Some("acme".to_owned()),
            name: Some(name.to_owned()),
            email: Some(format!("{id}@acme.example")),
            at: 1,
            ..ContactChange::default()
        })
    };
    let start = event(
        "acme",
        "2026-01-10",
        "subscription_started",
        json!({ "mrr": 100 }),
    );
    let mut login = event("acme", "2026-06-10", "login", json!({}));
    login.contact = Some("ann".to_owned());
    let names = vec![
        contact("ann", "<img src=x onerror=alert(1)>"),
        contact("bob", "100%_\\'"),
        contact("old", "Ann before"),
    ];
    store(&app, vec![start, login], names).await;
    app.catch_up().await.expect("caught up");
    app
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let page = app
        .get(&format!("/api/v1/contacts?{query}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    let items = page["items"].as_array().expect("contacts").clone();
    items
        .iter()
        .map(|it| it["contact_id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn parts_and_consents_are_kept_with_their_history_and_found() {
    let app = world().await;
    let put = |path: &str, body: Json| app.put(&format!("/api/v1/contacts/{path}")).json(&body);
    put("ann/flags/champion", json!({}))
        .as_role(Role::Viewer)
        .await
        .problem(403);
    put("ann/flags/champion", json!({})).as_role(Role::Csm).await.ok();
    put("ann/flags/sponsor", json!({})).as_role(Role::Csm).await.ok();
    let again = put("ann/flags/champion", json!({})).as_role(Role::Csm).await.ok();
    assert_eq!(again["contact"]["flags"], json!(["champion", "sponsor"]));
    app.advance(jiff::SignedDuration::from_secs(1));
    app.delete("/api/v1/contacts/ann/flags/sponsor")
        .as_role(Role::Csm)
        .await
        .ok();
    let yes = json!({ "granted": true, "source": "form", "note": "webinar sign-up" });
    put("ann/consents/product_news", yes)
        .as_role(Role::Csm)
        .await
        .ok();
    app.advance(jiff::SignedDuration::from_hours(24));
    let no = json!({ "granted": false, "source": "call" });
    let page = put("ann/consents/product_news", no).as_role(Role::Csm).await.ok();
    assert_eq!(page["contact"]["consents"], json!({ "product_news": false }));
    assert_eq!(page["contact"]["flags"], json!(["champion"]));
    let history: Vec<(&Json, &Json)> = page["consent_history"]
        .as_array()
        .expect("history")
        .iter()
        .map(|it| (&it["granted"], &it["source"]))
        .collect();
    assert_eq!(
        history,
        [(&json!(false), &json!("call")), (&json!(true), &json!("form"))]
    );
    // What was already so left no second event.
    let names: Vec<&str> = page["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let changed = names
        .iter()
        .filter(|name| **name == "contact_flag_changed")
        .count();
    assert_eq!((changed, names.contains(&"login")), (3, true));
    assert_eq!(names.iter().filter(|name| **name == "consent_changed").count(), 2);

    assert_eq!(ids(&app, "flag=champion").await, ["ann"]);
    assert_eq!(ids(&app, "flag=sponsor").await, Vec::<String>::new());
    assert_eq!(ids(&app, "consent=!product_news").await, ["ann"]);
    assert_eq!(ids(&app, "consent=product_news").await, Vec::<String>::new());
    assert_eq!(ids(&app, "q=%25_").await, ["bob"]);
    assert_eq!(ids(&app, "q=onerror&account=acme").await, ["ann"]);
    assert_eq!(ids(&app, "limit=1&cursor=ann").await, ["bob"]);
    // As of the day before, the consent still held.
    let before = super::of_account(
        &app.store,
        app.accounts.number("acme").expect("a number").get(),
        crate::kpis::tests::at("2026-07-01T00:00:00Z"),
        10,
    )
    .await
    .expect("contacts");
    let ann = before.iter().find(|it| it.contact_id == "ann").expect("ann");
    assert_eq!(ann.consents.get("product_news"), Some(&true));
}

#[tokio::test]
async fn a_merged_contact_brings_its_part_along() {
    let app = world().await;
    app.put("/api/v1/contacts/old/flags/decision_maker")
        .as_role(Role::Csm)
        .json(&json!({}))
        .await
        .ok();
    let merge = Change::Alias {
        previous: "old".to_owned(),
        id: "ann".to_owned(),
        at: 2,
    };
    store(&app, vec![], vec![merge]).await;
    let page = app.get("/api/v1/contacts/old").as_role(Role::Viewer).await.ok();
    assert_eq!(page["contact"]["contact_id"], "ann");
    assert_eq!(page["contact"]["flags"], json!(["decision_maker"]));
    assert_eq!(ids(&app, "flag=decision_maker").await, ["ann"]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let app = world().await;
    for id in ["nobody", "null", "%20", "undefined"] {
        app.get(&format!("/api/v1/contacts/{id}"))
            .as_role(Role::Viewer)
            .await
            .problem(404);
    }
    app.put("/api/v1/contacts/ann/flags/boss")
        .as_role(Role::Csm)
        .json(&json!({}))
        .await
        .problem(422);
    let yes = json!({ "granted": true, "source": "form" });
    app.put("/api/v1/contacts/ann/consents/No%20topic")
        .as_role(Role::Csm)
        .json(&yes)
        .await
        .problem(422);
    for wrong in [
        json!({ "granted": true, "source": "" }),
        json!({ "granted": true, "source": "form", "note": "a\u{0}b" }),
        json!({ "granted": true, "source": "form", "role": "admin" }),
    ] {
        app.put("/api/v1/contacts/ann/consents/news")
            .as_role(Role::Csm)
            .json(&wrong)
            .await
            .problem(422);
    }
    app.get("/api/v1/contacts?flag=x")
        .as_role(Role::Viewer)
        .await
        .problem(422);
    app.get("/api/v1/contacts?account=nope")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}
