//! What the calls do.

use serde_json::json;

use super::{NOON, Source, counts, properties, track};
use crate::auth::Role;
use crate::testing::TestApp;

#[tokio::test]
async fn every_call_has_its_names() {
    let source = Source::new().await;
    for (n, (path, body)) in [
        ("/v1/track", json!({"event": "Signed In"})),
        ("/v1/t", json!({"event": "Signed In"})),
        (
            "/v1/page",
            json!({"name": "Pricing", "category": "Docs", "properties": {"url": "https://a.example"}}),
        ),
        ("/v1/p", json!({})),
        (
            "/v1/screen",
            json!({"name": "Home", "properties": {"name": "own"}}),
        ),
        ("/v1/s", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = body;
        body["messageId"] = json!(format!("m{n}"));
        body["userId"] = json!("u");
        assert_eq!(counts(&source.send(path, &body).await), (1, 0, 0), "{path}");
    }
    let names: Vec<String> = (0..6).map(|n| source.event(&format!("m{n}")).name).collect();
    assert_eq!(
        names,
        [
            "Signed In",
            "Signed In",
            "page_viewed",
            "page_viewed",
            "screen_viewed",
            "screen_viewed"
        ]
    );
    assert_eq!(
        properties(&source.event("m2")),
        json!({"url": "https://a.example", "name": "Pricing", "category": "Docs"})
    );
    assert_eq!(properties(&source.event("m4")), json!({"name": "own"}));
    for row in source.events() {
        assert_eq!(
            (row.source.as_str(), row.kind.as_str(), row.contact_id.as_deref()),
            ("shop", "product", Some("u"))
        );
    }
    source.send("/v1/nothing", &json!({})).await.problem(404);
    for path in ["/v1/identify", "/v1/i"] {
        assert_eq!(
            counts(&source.send(path, &json!({"userId": "u"})).await),
            (1, 0, 0)
        );
    }
    for path in ["/v1/group", "/v1/g"] {
        assert_eq!(
            counts(&source.send(path, &json!({"userId": "u", "groupId": "a"})).await),
            (1, 0, 0)
        );
    }
    for path in ["/v1/alias", "/v1/a"] {
        assert_eq!(
            counts(
                &source
                    .send(path, &json!({"userId": "u", "previousId": "before"}))
                    .await
            ),
            (1, 0, 0)
        );
    }
    for path in ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"] {
        assert_eq!(
            counts(&source.send(path, &json!({"batch": [track(path)]})).await),
            (1, 0, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn identify_and_group_describe_and_link() {
    let source = Source::new().await;
    let identify = json!({
        "userId": "u1", "anonymousId": "anon-1",
        "traits": {"email": "ann@acme.example", "firstName": "Ann", "lastName": "Lee", "title": "Nurse", "role": "admin", "city": "Lyon"}
    });
    source.send("/v1/identify", &identify).await.ok();
    let group = json!({"userId": "u1", "groupId": " acme ", "traits": {"name": "Acme", "owner": "o@us.example", "employees": 40}});
    source.send("/v1/group", &group).await.ok();
    let page = source
        .app
        .get("/api/v1/contacts?account=acme")
        .as_role(Role::Viewer)
        .await
        .ok();
    let contact = &page["items"][0];
    assert_eq!(contact["contact_id"], "u1");
    assert_eq!(contact["name"], "Ann Lee");
    assert_eq!(contact["email"], "ann@acme.example");
    assert_eq!(
        (&contact["title"], &contact["role"]),
        (&json!("Nurse"), &json!("admin"))
    );
    assert_eq!(contact["attributes"], json!({"city": "Lyon"}));

    // From now on the anonymous id, and the user without a group, are the account's.
    for (id, body) in [
        ("m1", json!({"anonymousId": "anon-1"})),
        ("m2", json!({"userId": "u1"})),
    ] {
        let mut body = body;
        (body["event"], body["messageId"]) = (json!("x"), json!(id));
        source.send("/v1/track", &body).await.ok();
        let row = source.event(id);
        assert_eq!(
            (row.contact_id.as_deref(), row.account_id.as_deref()),
            (Some("u1"), Some("acme")),
            "{id}"
        );
        assert!(row.account_no > 0);
    }
}

#[tokio::test]
async fn the_account_of_an_event_is_named_or_known() {
    let source = Source::new().await;
    let messages = json!([
        {"type": "track", "messageId": "none", "anonymousId": "stranger", "event": "x"},
        {"type": "track", "messageId": "context", "userId": "u", "event": "x", "context": {"groupId": "a1"}},
        {"type": "track", "messageId": "kept", "userId": "u", "event": "x"},
        {"type": "track", "messageId": "top", "userId": "u", "event": "x", "groupId": "a2", "context": {"groupId": "a1"}},
        {"type": "identify", "userId": "v", "traits": {"company": {"id": 77}}},
        {"type": "track", "messageId": "company", "userId": "v", "event": "x"},
        {"type": "alias", "userId": "w", "previousId": "v"},
        {"type": "track", "messageId": "alias", "userId": "w", "event": "x"},
        {"type": "track", "messageId": "alias2", "userId": "v", "event": "x"},
    ]);
    assert_eq!(counts(&source.batch(messages).await), (9, 0, 0));
    let who = |id: &str| {
        let row = source.event(id);
        (row.account_id, row.contact_id)
    };
    let pair = |account: &str, contact: &str| (Some(account.to_owned()), Some(contact.to_owned()));
    assert_eq!(who("none"), (None, None));
    assert_eq!(
        properties(&source.event("none")),
        json!({"$context": {"anonymous_id": "stranger"}})
    );
    assert_eq!(source.event("none").account_no, 0);
    assert_eq!(who("context"), pair("a1", "u"));
    assert_eq!(who("kept"), pair("a1", "u"));
    assert_eq!(who("top"), pair("a2", "u"));
    assert_eq!(who("company"), pair("77", "v"));
    assert_eq!(who("alias2").1.as_deref(), Some("w"));
    // The alias itself is known at once; the account follows with it.
    source
        .send(
            "/v1/track",
            &json!({"messageId": "later", "userId": "w", "event": "x"}),
        )
        .await
        .ok();
    assert_eq!(who("later"), pair("77", "w"));
}

#[tokio::test]
async fn the_clock_of_the_client_is_corrected() {
    let source = Source::new().await;
    let hour = 3_600_000_000;
    let at = |offset: i64| {
        jiff::Timestamp::from_microsecond(NOON + offset)
            .unwrap()
            .to_string()
    };
    // The client is an hour ahead; it sends ten minutes after the event.
    let wrong = json!({"batch": [
        {"type": "track", "messageId": "m1", "userId": "u", "event": "x", "timestamp": at(hour - hour / 6)},
        {"type": "track", "messageId": "m2", "userId": "u", "event": "x", "originalTimestamp": at(hour - hour / 6), "timestamp": at(5)},
        {"type": "track", "messageId": "m3", "userId": "u", "event": "x", "timestamp": at(-hour), "sentAt": at(0)},
        {"type": "track", "messageId": "m4", "userId": "u", "event": "x"},
    ], "sentAt": at(hour)});
    source.send("/v1/batch", &wrong).await.ok();
    let occurred: Vec<i64> = ["m1", "m2", "m3", "m4"]
        .iter()
        .map(|id| source.event(id).occurred_at - NOON)
        .collect();
    assert_eq!(occurred, [-hour / 6, -hour / 6, -hour, 0]);
    // Without sentAt an instant is taken as it stands.
    source
        .send(
            "/v1/track",
            &json!({"messageId": "m5", "userId": "u", "event": "x", "timestamp": at(-40 * 24 * hour)}),
        )
        .await
        .ok();
    assert_eq!(source.event("m5").occurred_at - NOON, -40 * 24 * hour);
    assert_eq!(source.event("m5").received_at, NOON);
}

#[tokio::test]
async fn of_the_context_only_what_is_needed_is_kept() {
    let source = Source::new().await;
    let body = json!({"messageId": "m", "userId": "u", "event": "x", "properties": {"a": 1}, "integrations": {"All": true}, "context": {
        "ip": "192.0.2.1", "userAgent": "Mozilla", "library": {"name": "js", "version": "1"}, "page": {"url": "https://a.example/x"},
        "device": {"id": "d", "advertisingId": "ad"}, "app": {"name": "App", "version": "2", "build": "9"}, "os": {}, "locale": "fr",
        "location": {"city": "Lyon"}, "traits": {"email": "u@a.example"}, "groupId": "acme"
    }});
    source.send("/v1/track", &body).await.ok();
    let kept = json!({"a": 1, "$context": {
        "page": {"url": "https://a.example/x"}, "library": {"name": "js", "version": "1"}, "locale": "fr", "app": {"name": "App", "version": "2"}
    }});
    assert_eq!(properties(&source.event("m")), kept);
    let page = source
        .app
        .get("/api/v1/contacts?account=acme")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(page["items"][0]["email"], "u@a.example");
}

#[tokio::test]
async fn the_same_message_counts_once() {
    let source = Source::new().await;
    assert_eq!(
        counts(&source.batch(json!([track("m"), track("m"), track("n")])).await),
        (2, 1, 0)
    );
    assert_eq!(
        counts(&source.batch(json!([track("m"), track("o")])).await),
        (1, 1, 0)
    );
    let other = json!({"messageId": "m", "userId": "u", "event": "another"});
    assert_eq!(counts(&source.send("/v1/track", &other).await), (0, 1, 0));
    assert_eq!(source.event("m").name, "login");
    // Without an id the bytes are the id.
    let nameless = r#"{"userId":"u","event":"x","timestamp":"2026-06-30T11:00:00Z"}"#;
    assert_eq!(counts(&source.raw("/v1/track", nameless).await), (1, 0, 0));
    assert_eq!(counts(&source.raw("/v1/track", nameless).await), (0, 1, 0));
    assert_eq!(
        counts(&source.raw("/v1/track", nameless.replace("11:", "10:")).await),
        (1, 0, 0)
    );
    let app = source.app.reopen().await;
    let again = app
        .post("/v1/track")
        .as_operator()
        .json(&json!({"messageId": "m", "userId": "u", "event": "x"}))
        .await;
    assert_eq!(counts(&again), (0, 1, 0));
}

#[tokio::test]
async fn the_key_comes_in_every_way_that_sdks_send_it() {
    let source = Source::new().await;
    let key = &source.key;
    let body = |id: &str| json!({"batch": [track(id)]});
    let mut with_key = body("body");
    with_key["writeKey"] = json!(key);
    let plain = source
        .app
        .post("/v1/batch")
        .header("content-type", "text/plain")
        .body(with_key.to_string())
        .await;
    assert_eq!(counts(&plain), (1, 0, 0));
    let single = json!({"writeKey": key, "userId": "u", "event": "x", "messageId": "single"});
    assert_eq!(
        counts(
            &source
                .app
                .post("/v1/t")
                .header("content-type", "text/plain")
                .body(single.to_string())
                .await
        ),
        (1, 0, 0)
    );
    let beacon = source
        .app
        .post(&format!("/beacon/v1/batch?writeKey={key}"))
        .body(body("beacon").to_string())
        .await;
    assert_eq!(counts(&beacon), (1, 0, 0));
    assert_eq!(
        counts(
            &source
                .app
                .post("/v1/batch")
                .with_key(key)
                .json(&body("bearer"))
                .await
        ),
        (1, 0, 0)
    );

    source
        .app
        .post("/v1/batch")
        .json(&body("none"))
        .await
        .problem(401);
    source
        .app
        .post("/v1/batch")
        .with_key("tnr_wrong")
        .json(&body("none"))
        .await
        .problem(401);
    let mut wrong = body("none");
    wrong["writeKey"] = json!("tnr_wrong");
    source.app.post("/v1/batch").json(&wrong).await.problem(401);
    let read = source
        .app
        .post("/api/v1/keys")
        .as_role(Role::Admin)
        .json(&json!({"name": "r", "scope": "read"}))
        .await
        .ok();
    source
        .app
        .post("/v1/batch")
        .with_key(read["secret"].as_str().unwrap())
        .json(&body("none"))
        .await
        .problem(401);
    assert_eq!(source.events().len(), 4);
}

#[tokio::test]
async fn browsers_load_their_settings_and_may_send_from_anywhere() {
    let source = Source::new().await;
    let key = &source.key;
    let settings = source
        .app
        .get(&format!("/v1/projects/{key}/settings"))
        .header("host", "tenure.example:8080")
        .await;
    assert_eq!(settings.header("access-control-allow-origin"), Some("*"));
    let settings = settings.ok();
    assert_eq!(
        settings["integrations"]["Segment.io"]["apiHost"],
        "tenure.example:8080/v1"
    );
    assert_eq!(settings["integrations"]["Segment.io"]["apiKey"], *key);
    for path in ["/sourceConfig", "/sourceConfig/"] {
        let config = source
            .app
            .get(&format!("{path}?p=npm&v=3.0.0&writeKey={key}"))
            .await
            .ok();
        assert_eq!(
            (&config["source"]["enabled"], &config["source"]["name"]),
            (&json!(true), &json!("shop"))
        );
        source
            .app
            .get(&format!("{path}?writeKey=tnr_wrong"))
            .await
            .problem(401);
        source.app.get(path).await.problem(401);
    }
    source
        .app
        .get("/v1/projects/tnr_wrong/settings")
        .await
        .problem(404);

    let preflight = source
        .app
        .request(axum::http::Method::OPTIONS, "/v1/batch")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "anonymousid,authorization,content-type",
        )
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("anonymousid,authorization,content-type")
    );
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    let refused = source
        .app
        .post("/v1/batch")
        .header("origin", "https://shop.example")
        .json(&json!({}))
        .await;
    refused.problem(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    let api = source
        .app
        .get("/api/v1/contacts")
        .as_role(Role::Viewer)
        .header("origin", "https://shop.example")
        .await;
    assert_eq!(api.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn an_event_that_overtakes_its_identify_keeps_its_account() {
    let source = Source::new().await;
    // The three requests of a page load are under way together.
    let group = json!({"userId": "u", "anonymousId": "anon", "groupId": "acme"});
    let event = json!({"messageId": "m", "anonymousId": "anon", "event": "x"});
    let (group, event) = tokio::join!(source.send("/v1/group", &group), source.send("/v1/track", &event));
    group.ok();
    event.ok();
    let row = source.event("m");
    assert_eq!(
        (row.account_id.as_deref(), row.contact_id.as_deref()),
        (Some("acme"), Some("u"))
    );
}

#[tokio::test]
async fn what_changes_an_account_is_an_event_of_it() {
    let source = Source::of(TestApp::new().await).await;
    source
        .send(
            "/v1/group",
            &json!({"userId": "u", "groupId": "a", "traits": {"plan": "pro"}}),
        )
        .await
        .ok();
    let steps = crate::events::tail_since(&source.app, 0);
    let rows: Vec<_> = steps.iter().flat_map(|(_, rows)| rows.iter().cloned()).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].name.as_str(), rows[0].account_id.as_deref()),
        ("account_updated", Some("a"))
    );
    assert_eq!(properties(&rows[0])["changes"], json!({"plan": [null, "pro"]}));
}
