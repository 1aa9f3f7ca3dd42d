use axum::http::Method;
use serde_json::{Value, json};

use super::{Browser, PASSWORD, add_user};
use crate::auth::Role;
use crate::testing::TestApp;

#[tokio::test]
async fn a_user_without_password_gets_one_that_is_shown_once() {
    let app = TestApp::new().await;
    let body = json!({ "email": "Bea@Example.com", "name": "Bea", "role": "csm" });
    let added = app
        .post("/api/v1/users")
        .as_role(Role::Admin)
        .json(&body)
        .await
        .ok();
    let password = added["password"].as_str().expect("a password");
    Browser::sign_in(&app, "bea@example.com", password)
        .await
        .expect("signed in");
    let list = app.get("/api/v1/users").as_role(Role::Manager).await;
    assert!(!list.text().contains(password) && !list.text().contains("argon2"));
    let user = &list.ok()["users"][0];
    assert_eq!(
        (&user["email"], &user["role"], &user["disabled_at"]),
        (&json!("bea@example.com"), &json!("csm"), &Value::Null)
    );
}

#[tokio::test]
async fn refuses_what_is_no_user() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let long = format!("{}@example.com", "x".repeat(65));
    for (email, status) in [
        ("ANN@example.com", 409),
        ("ann", 422),
        ("@example.com", 422),
        ("a@b", 422),
        ("a b@example.com", 422),
        ("a\r\nBcc:x@example.com", 422),
        ("\"a b\"@example.com", 422),
        (long.as_str(), 422),
        ("", 422),
    ] {
        let body = json!({ "email": email, "role": "viewer", "password": PASSWORD });
        let problem = app
            .post("/api/v1/users")
            .as_role(Role::Admin)
            .json(&body)
            .await
            .problem(status);
        assert_eq!(problem["errors"][0]["field"], "email", "{email}");
    }
    for body in [
        json!({ "email": "x@example.com", "role": "owner" }),
        json!({ "email": "x@example.com" }),
        json!({ "email": "x@example.com", "role": "viewer", "is_admin": true }),
    ] {
        app.post("/api/v1/users")
            .as_role(Role::Admin)
            .json(&body)
            .await
            .problem(422);
    }
    assert_eq!(app.count("users").await, 1);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::new().await;
    let ann = add_user(&app, "ann@example.com", "admin").await;
    let change = |id: &str, body: Value| {
        app.patch(&format!("/api/v1/users/{id}"))
            .as_operator()
            .json(&body)
    };
    change(&ann, json!({ "role": "manager" })).await.problem(409);
    change(&ann, json!({ "disabled": true })).await.problem(409);
    let bea = add_user(&app, "bea@example.com", "admin").await;
    change(&bea, json!({ "disabled": true })).await.ok();
    change(&ann, json!({ "role": "viewer" })).await.problem(409);
    change(&bea, json!({ "disabled": false })).await.ok();
    assert_eq!(
        change(&ann, json!({ "role": "viewer" })).await.ok()["role"],
        "viewer"
    );
}

#[tokio::test]
async fn a_role_counts_at_once_and_disabling_locks_out() {
    let app = TestApp::new().await;
    add_user(&app, "root@example.com", "admin").await;
    let id = add_user(&app, "ann@example.com", "admin").await;
    let ann = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let path = format!("/api/v1/users/{id}");
    ann.send(&app, Method::GET, "/api/v1/keys").await.ok();
    app.patch(&path)
        .as_operator()
        .json(&json!({ "role": "csm" }))
        .await
        .ok();
    ann.send(&app, Method::GET, "/api/v1/keys").await.problem(403);
    app.patch(&path)
        .as_operator()
        .json(&json!({ "disabled": true }))
        .await
        .ok();
    ann.send(&app, Method::GET, "/api/v1/session").await.problem(401);
    let refused = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .err()
        .expect("refused");
    assert_eq!(refused.problem(401)["code"], "wrong_credentials");
    app.patch(&path)
        .as_operator()
        .json(&json!({ "disabled": false }))
        .await
        .ok();
    ann.send(&app, Method::GET, "/api/v1/session").await.problem(401);
}

#[tokio::test]
async fn a_reset_password_ends_sessions() {
    let app = TestApp::new().await;
    let id = add_user(&app, "ann@example.com", "viewer").await;
    let ann = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let reset = app
        .post(&format!("/api/v1/users/{id}/password"))
        .as_operator()
        .json(&json!({}))
        .await
        .ok();
    ann.send(&app, Method::GET, "/api/v1/session").await.problem(401);
    assert!(Browser::sign_in(&app, "ann@example.com", PASSWORD).await.is_err());
    Browser::sign_in(&app, "ann@example.com", reset["password"].as_str().expect("made"))
        .await
        .expect("signed in");
    app.post("/api/v1/users/nobody/password")
        .as_operator()
        .json(&json!({}))
        .await
        .problem(404);
}

#[tokio::test]
async fn two_administrators_who_demote_each_other_leave_one() {
    let app = TestApp::new().await;
    let ids = [
        add_user(&app, "ann@example.com", "admin").await,
        add_user(&app, "bea@example.com", "admin").await,
    ];
    let demote = |id: &str| {
        app.patch(&format!("/api/v1/users/{id}"))
            .as_operator()
            .json(&json!({ "role": "viewer" }))
    };
    let (one, two) = tokio::join!(demote(&ids[0]), demote(&ids[1]));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
