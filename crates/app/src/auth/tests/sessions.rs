use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{Browser, PASSWORD, add_user};
use crate::testing::{NOON, TestApp};

#[tokio::test]
async fn set_up_works_once_and_signs_in() {
    let app = TestApp::new().await;
    let form = json!({ "email": " Ann@Example.com ", "name": "Ann", "password": PASSWORD });
    assert_eq!(
        app.get("/api/v1/setup").from_address("127.0.0.1").await.ok(),
        json!({ "needed": true, "code_needed": false })
    );

    let weak = json!({ "email": "ann@example.com", "name": "Ann", "password": "short" });
    let refused = app
        .post("/api/v1/setup")
        .from_address("127.0.0.1")
        .json(&weak)
        .await
        .problem(422);
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["value"]),
        (&json!("password"), &json!("(not shown)"))
    );

    let answer = app
        .post("/api/v1/setup")
        .from_address("127.0.0.1")
        .json(&form)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let browser = Browser::of(&answer);
    let me = browser.send(&app, Method::GET, "/api/v1/session").await.ok();
    assert_eq!(
        (&me["user"]["email"], &me["user"]["role"]),
        (&json!("ann@example.com"), &json!("admin"))
    );

    app.post("/api/v1/setup")
        .from_address("127.0.0.1")
        .json(&form)
        .await
        .problem(409);
    assert_eq!(app.get("/api/v1/setup").await.ok()["needed"], false);
    assert_eq!(app.audited().await, ["setup"]);
}

#[tokio::test]
async fn set_up_from_elsewhere_needs_the_code() {
    let app = TestApp::new().await;
    let mut form = json!({ "email": "ann@example.com", "name": "Ann", "password": PASSWORD });
    let elsewhere = || app.post("/api/v1/setup").from_address("203.0.113.9");
    elsewhere().json(&form).await.problem(403);
    app.post("/api/v1/setup")
        .from_address("127.0.0.1")
        .header("x-forwarded-for", "203.0.113.9")
        .json(&form)
        .await
        .problem(403);
    form["code"] = json!("wrong");
    elsewhere().json(&form).await.problem(403);
    form["code"] = json!(app.auth.setup_code());
    assert_eq!(elsewhere().json(&form).await.status, 201);
}

#[tokio::test]
async fn a_cookie_carries_what_keeps_it_safe() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let form = json!({ "email": "ann@example.com", "password": PASSWORD });
    let plain = app.post("/api/v1/session").json(&form).await;
    let cookie = plain.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("tenure=")
            && cookie.ends_with("; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );

    let app = TestApp::with(NOON, |config| {
        config.web.public_url = Some("https://cs.example.com".to_owned())
    })
    .await;
    add_user(&app, "ann@example.com", "viewer").await;
    let secure = app.post("/api/v1/session").json(&form).await;
    let cookie = secure.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("__Host-tenure=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert!(secure.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn wrong_and_unknown_look_the_same() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ann@example.com", "not the password"),
        ("nobody@example.com", PASSWORD),
        ("ann@example.com", "\0"),
    ] {
        let answer = app
            .post("/api/v1/session")
            .json(&json!({ "email": email, "password": password }))
            .await;
        let mut problem = answer.problem(401);
        problem["request_id"] = json!(null);
        answers.push(problem);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let long = "x".repeat(1_000_000);
    app.post("/api/v1/session")
        .json(&json!({ "email": "ann@example.com", "password": long }))
        .await
        .problem(401);
}

#[tokio::test]
async fn sign_in_is_limited_per_address_and_account() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let wrong = json!({ "email": "ann@example.com", "password": "not the password" });
    for _ in 0..10 {
        app.post("/api/v1/session")
            .from_address("203.0.113.9")
            .json(&wrong)
            .await
            .problem(401);
    }
    let right = json!({ "email": "ann@example.com", "password": PASSWORD });
    let refused = app
        .post("/api/v1/session")
        .from_address("203.0.113.9")
        .json(&right)
        .await;
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), Some("900"));
    // A header that anybody can send is no other address.
    app.post("/api/v1/session")
        .from_address("203.0.113.9")
        .header("x-forwarded-for", "198.51.100.1")
        .json(&right)
        .await
        .problem(429);
    app.post("/api/v1/session")
        .from_address("198.51.100.1")
        .json(&right)
        .await
        .ok();
    app.advance(SignedDuration::from_mins(15));
    app.post("/api/v1/session")
        .from_address("203.0.113.9")
        .json(&right)
        .await
        .ok();
}

#[tokio::test]
async fn changes_need_the_token_and_the_own_origin() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "admin").await;
    let browser = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let body = json!({ "name": "n", "scope": "read" });
    let bare = || {
        app.post("/api/v1/keys")
            .header("cookie", &browser.cookie)
            .json(&body)
    };
    assert_eq!(bare().await.problem(403)["code"], "csrf");
    assert_eq!(
        bare().header("x-csrf-token", "guess").await.problem(403)["code"],
        "csrf"
    );
    let proven = || {
        bare()
            .header("x-csrf-token", &browser.csrf)
            .header("host", "cs.example.com")
    };
    proven()
        .header("origin", "https://evil.example")
        .await
        .problem(403);
    proven().header("origin", "null").await.problem(403);
    proven().header("sec-fetch-site", "cross-site").await.problem(403);
    assert_eq!(app.count("api_keys").await, 0);
    assert_eq!(
        proven().header("origin", "https://cs.example.com").await.status,
        201
    );
    // A form of another page can neither send JSON's type nor sign somebody in.
    let form = app
        .post("/api/v1/session")
        .header("content-type", "text/plain")
        .body(r#"{"email":"a","password":"b"}"#)
        .await;
    assert_eq!(form.problem(415)["code"], "unsupported_media_type");
    let foreign = app
        .post("/api/v1/session")
        .header("origin", "https://evil.example")
        .header("host", "cs.example.com");
    foreign
        .json(&json!({ "email": "ann@example.com", "password": PASSWORD }))
        .await
        .problem(403);
}

#[tokio::test]
async fn a_session_ends_with_sign_out_idleness_and_age() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let show = |browser: &Browser| browser.send(&app, Method::GET, "/api/v1/session");

    let browser = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    assert_eq!(
        browser.send(&app, Method::DELETE, "/api/v1/session").await.status,
        204
    );
    show(&browser).await.problem(401);

    let idle = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    app.advance(SignedDuration::from_hours(12) - SignedDuration::from_secs(1));
    show(&idle).await.ok();
    app.advance(SignedDuration::from_hours(12));
    show(&idle).await.problem(401);

    let used = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    for _ in 0..33 {
        app.advance(SignedDuration::from_hours(10));
        show(&used).await.ok();
    }
    app.advance(SignedDuration::from_hours(6));
    show(&used).await.problem(401);
}

#[tokio::test]
async fn a_password_change_ends_every_session() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let first = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let second = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let change = |current: &str, new: &str| json!({ "current": current, "password": new });
    let send = |body| {
        first
            .send(&app, Method::PUT, "/api/v1/session/password")
            .json(&body)
    };
    send(change("wrong", "another lantern far away"))
        .await
        .problem(422);
    let answer = send(change(PASSWORD, "another lantern far away")).await;
    let fresh = Browser::of(&answer);
    for ended in [&first, &second] {
        ended
            .send(&app, Method::GET, "/api/v1/session")
            .await
            .problem(401);
    }
    fresh.send(&app, Method::GET, "/api/v1/session").await.ok();
    assert!(Browser::sign_in(&app, "ann@example.com", PASSWORD).await.is_err());
    assert_eq!(
        app.audited().await.last().map(String::as_str),
        Some("password.change")
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    add_user(&app, "bob@example.com", "viewer").await;
    let ann = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let other = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let bob = Browser::sign_in(&app, "bob@example.com", PASSWORD)
        .await
        .expect("signed in");
    let list = ann.send(&app, Method::GET, "/api/v1/sessions").await.ok();
    let sessions = list["sessions"].as_array().expect("a list");
    assert_eq!(sessions.len(), 2);
    let id = sessions
        .iter()
        .find(|session| session["current"] == false)
        .expect("the other")["id"]
        .as_str()
        .expect("an id");
    let path = format!("/api/v1/sessions/{id}");
    bob.send(&app, Method::DELETE, &path).await.problem(404);
    assert_eq!(ann.send(&app, Method::DELETE, &path).await.status, 204);
    other
        .send(&app, Method::GET, "/api/v1/session")
        .await
        .problem(401);
}

#[tokio::test]
async fn sign_in_gives_a_new_session_and_ends_the_one_before() {
    let app = TestApp::new().await;
    add_user(&app, "ann@example.com", "viewer").await;
    let before = Browser::sign_in(&app, "ann@example.com", PASSWORD)
        .await
        .expect("signed in");
    let form = json!({ "email": "ann@example.com", "password": PASSWORD });
    let again = app
        .post("/api/v1/session")
        .header("cookie", &before.cookie)
        .json(&form)
        .await;
    let after = Browser::of(&again);
    assert_ne!(before.cookie, after.cookie);
    before
        .send(&app, Method::GET, "/api/v1/session")
        .await
        .problem(401);
    after.send(&app, Method::GET, "/api/v1/session").await.ok();
}
