use serde_json::json;

use super::{add_key, add_user};
use crate::auth::{Role, write_key};
use crate::testing::TestApp;

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let app = TestApp::new().await;
    let (secret, id) = add_key(&app, "warehouse", "read").await;
    assert!(secret.starts_with("tnr_") && secret.len() == 47, "{secret}");
    let list = app.get("/api/v1/keys").as_role(Role::Admin).await;
    assert!(!list.text().contains(&secret));
    let key = &list.ok()["keys"][0];
    assert_eq!(
        (&key["id"], &key["name"], &key["scope"]),
        (&json!(id), &json!("warehouse"), &json!("read"))
    );
    assert_eq!(key["prefix"], secret[..10]);
    app.post("/api/v1/keys")
        .as_operator()
        .json(&json!({ "name": "warehouse", "scope": "read" }))
        .await
        .problem(409);
}

#[tokio::test]
async fn scopes_are_roles() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "admin").await;
    let (read, _) = add_key(&app, "r", "read").await;
    let (write, _) = add_key(&app, "w", "write").await;
    let (ingest, _) = add_key(&app, "i", "ingest").await;
    app.get("/api/v1/users").with_key(&write).await.ok();
    app.get("/api/v1/users").with_key(&read).await.problem(403);
    app.get("/api/v1/users").with_key(&ingest).await.problem(403);
    app.get("/api/v1/keys").with_key(&write).await.problem(403);
    app.get("/api/v1/users")
        .with_key("tnr_unknown")
        .await
        .problem(401);
    app.get("/api/v1/users")
        .header("authorization", "Basic dG5yXzo=")
        .await
        .problem(401);
    app.get(&format!(
        "/api/v1/users?key={write}&access_token={write}&api_key={write}"
    ))
    .await
    .problem(401);
    // A key is no cookie: there is no page that could send it for somebody, so it needs no token.
    app.post("/api/v1/keys")
        .with_key(&write)
        .json(&json!({ "name": "x", "scope": "read" }))
        .await
        .problem(403);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let app = TestApp::new().await;
    let (secret, id) = add_key(&app, "w", "write").await;
    app.get("/api/v1/users").with_key(&secret).await.ok();
    assert_eq!(
        app.delete(&format!("/api/v1/keys/{id}"))
            .as_operator()
            .await
            .status,
        204
    );
    app.get("/api/v1/users").with_key(&secret).await.problem(401);
    assert_eq!(
        app.delete(&format!("/api/v1/keys/{id}"))
            .as_operator()
            .changes_nothing()
            .await
            .status,
        204,
        "revoking twice is no mistake"
    );
    assert_eq!(app.audited().await, ["key.add", "key.revoke"]);
    app.delete("/api/v1/keys/none").as_operator().await.problem(404);
    add_key(&app, "w", "write").await;
}

#[tokio::test]
async fn only_ingest_keys_are_write_keys() {
    let app = TestApp::new().await;
    let (ingest, id) = add_key(&app, "website", "ingest").await;
    let (write, _) = add_key(&app, "w", "write").await;
    let found = write_key(&app, &ingest)
        .await
        .expect("the records answer")
        .expect("known");
    assert_eq!((found.key, found.source), (id.clone(), "website".to_owned()));
    for other in [
        write.as_str(),
        "",
        "tnr_",
        "website",
        &ingest[..46],
        &format!("{ingest}x"),
    ] {
        assert!(
            write_key(&app, other)
                .await
                .expect("the records answer")
                .is_none(),
            "{other}"
        );
    }
    app.delete(&format!("/api/v1/keys/{id}")).as_operator().await;
    assert!(
        write_key(&app, &ingest)
            .await
            .expect("the records answer")
            .is_none()
    );
}

#[tokio::test]
async fn the_last_use_is_noted() {
    let app = TestApp::new().await;
    let (secret, _) = add_key(&app, "w", "write").await;
    app.get("/api/v1/users").with_key(&secret).await.ok();
    for _ in 0..100 {
        let used = app.get("/api/v1/keys").as_operator().await.ok()["keys"][0]["used_at"].clone();
        if used == "2026-06-30T12:00:00Z" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the use was not noted");
}
