//! What is found, in which order, whatever is typed.

use serde_json::{Value as Json, json};

use crate::accounts::{AccountChange, Change, ContactChange};
use crate::auth::Role;
use crate::kpis::tests::{apply_accounts, at, event, medtrainer, store};
use crate::testing::TestApp;

async fn world() -> TestApp {
    let app = TestApp::new().await;
    apply_accounts(&app, &medtrainer()).await;
    let named = |id: &str, name: &str| {
        Change::Account(AccountChange {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            at: at("2026-01-01"),
            ..AccountChange::default()
        })
    };
    let person = |id: &str, name: &str, email: &str| {
        Change::Contact(ContactChange {
            id: id.to_owned(),
            account: Some("a1".to_owned()),
            name: Some(name.to_owned()),
            email: Some(email.to_owned()),
            at: 1,
            ..ContactChange::default()
        })
    };
    let changes = vec![
        named("a1", "Northside Clinic"),
        named("a2", "Clinic North"),
        named("a3", "Anorthosite"),
        named("a4", "North Small"),
        person("c1", "Norbert Ö", "n@x.org"),
        person("c2", "Ann", "norma@x.org"),
        person("c3", "50%_off", "z@x.org"),
    ];
    let paid = |id: &str, mrr: i64| event(id, "2026-01-02", "subscription_started", json!({ "mrr": mrr }));
    store(&app, vec![paid("a1", 900), paid("a4", 100)], changes).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    app
}

#[tokio::test]
async fn the_likeliest_come_first_and_nothing_typed_is_a_pattern() {
    let app = world().await;
    let find = async |q: &str| {
        let found = app
            .get(&format!("/api/v1/search?q={q}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        let ids = |list: &str, field: &str| -> Vec<String> {
            let items = found[list].as_array().expect("a list");
            items
                .iter()
                .map(|it| it[field].as_str().expect("an id").to_owned())
                .collect()
        };
        (ids("accounts", "account_id"), ids("contacts", "contact_id"))
    };
    // Begins with it, active and large first; then a word that does; then anywhere.
    assert_eq!(find("NORTH").await.0, ["a1", "a4", "a2", "a3"]);
    assert_eq!(find("nor").await.1, ["c1", "c2"]);
    assert_eq!(find("a3").await.0, ["a3"]);
    assert_eq!(find("50%25_").await.1, ["c3"]);
    assert_eq!(find("%25").await, (vec![], vec!["c3".to_owned()]));
    // Inside a name, an address, and after those that begin with it.
    assert_eq!(find("bert").await.1, ["c1"]);
    assert_eq!(find("x.org").await.1, ["c1", "c2", "c3"]);
    assert_eq!(find("n").await.1, ["c1", "c2"]);
    // What has just become known is found, and what no longer holds is not.
    let renamed = Change::Contact(ContactChange {
        id: "c2".to_owned(),
        name: Some("Ann Lindqvist".to_owned()),
        email: Some("ann@y.org".to_owned()),
        at: 2,
        ..ContactChange::default()
    });
    store(&app, vec![], vec![renamed]).await;
    assert_eq!(find("qvist").await.1, ["c2"]);
    assert_eq!(find("norma").await.1, Vec::<String>::new());
    assert_eq!(find("norbert%20%C3%B6").await.1, ["c1"]);
    for nothing in ["", "%20%20", "%00", "%1E", &"x".repeat(5_000)] {
        assert_eq!(find(nothing).await, (vec![], vec![]), "{nothing:.20}");
    }
    app.get("/api/v1/search").as_role(Role::Viewer).await.problem(400);
    let limited = app
        .get("/api/v1/search?q=n&limit=1")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(limited["accounts"].as_array().map(Vec::len), Some(1));
    let _: Json = limited;
}
