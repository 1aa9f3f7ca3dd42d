use serde_json::{Value, json};
use tenure_store::args;

use super::add_key;
use crate::auth::Role;
use crate::testing::TestApp;

async fn verified(app: &TestApp) -> Value {
    app.get("/api/v1/audit/verification")
        .as_role(Role::Admin)
        .await
        .ok()
}

async fn tamper(app: &TestApp, sql: &str) {
    let tx = app.store.begin().await.expect("a transaction");
    assert_eq!(tx.run(sql, args![]).await.expect("a change"), 1);
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn pages_through_changes_newest_first() {
    let app = TestApp::new().await;
    for at in 0..5 {
        add_key(&app, &format!("k{at}"), "read").await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/audit?limit=2".to_owned();
    loop {
        let page = app.get(&path).as_role(Role::Admin).await.ok();
        seen.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|item| item["detail"]["name"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/audit?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["k4", "k3", "k2", "k1", "k0"]);
    let one = app
        .get("/api/v1/audit?limit=1&action=key.add&actor=operator")
        .as_role(Role::Admin)
        .await
        .ok();
    assert_eq!(one["items"][0]["seq"], 5);
    assert!(one["items"][0]["request_id"].is_string());
    assert_eq!(
        app.get("/api/v1/audit?actor=nobody")
            .as_role(Role::Admin)
            .await
            .ok()["items"],
        json!([])
    );
    for wrong in ["cursor=-1", "cursor=0", "cursor=x", "limit=0", "limit=501"] {
        app.get(&format!("/api/v1/audit?{wrong}"))
            .as_role(Role::Admin)
            .await
            .problem(422);
    }
    for wrong in [
        "limit=1&limit=2",
        "limit=ten",
        "seq=1",
        "cursor=99999999999999999999&limit=x",
    ] {
        app.get(&format!("/api/v1/audit?{wrong}"))
            .as_role(Role::Admin)
            .await
            .problem(400);
    }
}

#[tokio::test]
async fn a_changed_row_shows() {
    let app = TestApp::new().await;
    for at in 0..4 {
        add_key(&app, &format!("k{at}"), "read").await;
    }
    assert_eq!(
        verified(&app).await,
        json!({ "ok": true, "rows": 4, "broken_at": null, "problem": null })
    );
    tamper(&app, "UPDATE audit SET actor = 'user:somebody' WHERE seq = 3").await;
    assert_eq!(verified(&app).await["broken_at"], 3);
    tamper(&app, "UPDATE audit SET actor = 'operator' WHERE seq = 3").await;
    assert_eq!(verified(&app).await["ok"], true);
    tamper(&app, "UPDATE audit SET request_id = 'other' WHERE seq = 2").await;
    assert_eq!(verified(&app).await["broken_at"], 2);
}

#[tokio::test]
async fn a_missing_row_shows_in_the_middle_and_at_the_end() {
    for (gone, broken) in [(2, 2), (4, 4)] {
        let app = TestApp::new().await;
        for at in 0..4 {
            add_key(&app, &format!("k{at}"), "read").await;
        }
        tamper(&app, &format!("DELETE FROM audit WHERE seq = {gone}")).await;
        let found = verified(&app).await;
        assert_eq!(
            (&found["ok"], &found["broken_at"]),
            (&json!(false), &json!(broken)),
            "{found}"
        );
    }
}

#[tokio::test]
async fn changes_at_the_same_time_form_one_chain() {
    let app = TestApp::new().await;
    let names: Vec<String> = (0..12).map(|at| format!("k{at}")).collect();
    futures::future::join_all(names.iter().map(|name| add_key(&app, name, "read"))).await;
    assert_eq!(
        verified(&app).await,
        json!({ "ok": true, "rows": 12, "broken_at": null, "problem": null })
    );
}
