//! Account 360: the whole page of a day, against what was done by hand.

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

async fn profile(app: &TestApp, query: &str) -> Json {
    app.get(&format!("/api/v1/accounts/acme/profile{query}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

#[tokio::test]
async fn the_page_of_a_day_holds_what_was_known_of_it_and_nothing_later() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let ticket = |when: &str, name: &str, id: &str| {
        event("acme", when, name, json!({ "ticket_id": id, "priority": "high" }))
    };
    let events = vec![
        event(
            "acme",
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": 100 }),
        ),
        event(
            "acme",
            "2026-06-20",
            "mrr_changed",
            json!({ "to": 4000, "reason": "upsell" }),
        ),
        event("acme", "2026-05-02", "login", json!({})),
        event("acme", "2026-06-02", "login", json!({})),
        event("acme", "2026-06-10", "login", json!({ "n": 2 })),
        ticket("2026-05-01T10:00:00Z", "ticket_opened", "T-1"),
        ticket("2026-05-02T16:00:00Z", "ticket_resolved", "T-1"),
        ticket("2026-06-01T10:00:00Z", "ticket_opened", "T-2"),
        ticket("2026-06-02T10:00:00Z", "ticket_escalated", "T-2"),
        ticket("2026-06-25T10:00:00Z", "ticket_reopened", "T-1"),
    ];
    let changes = vec![
        change(
            "acme",
            "2026-01-10",
            json!({ "employees": 10, "owner": "a@example.com" }),
        ),
        change("acme", "2026-06-15", json!({ "owner": "b@example.com" })),
        change("acme", "2026-01-10", json!({ "lifecycle_stage": "land" })),
        change("acme", "2026-06-20", json!({ "lifecycle_stage": "expand" })),
    ];
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .json(&json!({ "body": "today" }))
        .await
        .ok();

    let now = profile(&app, "").await;
    assert_eq!(now["account"]["segment"], "strategic");
    assert_eq!(now["account"]["owner"], "b@example.com");
    assert_eq!(now["notes"][0]["body"], "today");
    let tickets: Vec<(&Json, &Json, &Json)> = now["tickets"]
        .as_array()
        .expect("tickets")
        .iter()
        .map(|it| (&it["ticket_id"], &it["state"], &it["reopened"]))
        .collect();
    assert_eq!(
        tickets,
        [
            (&json!("T-2"), &json!("escalated"), &json!(0)),
            (&json!("T-1"), &json!("open"), &json!(1))
        ]
    );
    let owners: Vec<&Json> = now["owner_history"]
        .as_array()
        .expect("owners")
        .iter()
        .map(|it| &it["owner"])
        .collect();
    assert_eq!(owners, [&json!("a@example.com"), &json!("b@example.com")]);
    assert_eq!(now["owner_history"][0]["to"], "2026-06-15");
    // Ten days in its stage on 30 June, counted by hand.
    assert_eq!(now["stage"]["stage"], "expand");
    assert_eq!(now["stage"]["since"], "2026-06-20");
    assert_eq!(now["stage"]["days"], 10);
    assert_eq!(profile(&app, "?as_of=2026-06-19").await["stage"]["stage"], "land");
    // The day without a source is counted from the start, and says so.
    assert_eq!(now["renewal"], json!({ "on": "2027-01-10", "estimated": true }));
    // Logins of the 30 days that end with each week: by hand, 2 and 10 June count on 30 June and on 16 June; on 9 June only 2 June.
    let days: Vec<&str> = now["history"]["days"]
        .as_array()
        .expect("days")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    let logins = now["history"]["metrics"]["logins_30d"]
        .as_array()
        .expect("values");
    assert_eq!(days.len(), 26);
    for (day, expected) in [
        ("2026-06-30", 2.0),
        ("2026-06-16", 2.0),
        ("2026-06-09", 1.0),
        ("2026-05-05", 1.0),
        ("2026-04-28", 0.0),
    ] {
        let at = days.iter().position(|it| *it == day).expect(day);
        assert_eq!(logins[at], json!(expected), "{day}");
    }
    assert_eq!(now["history"]["mrr"][25], json!(4000.0));
    assert_eq!(now["history"]["mrr"][0], json!(0.0));

    let then = profile(&app, "?as_of=2026-06-03").await;
    assert_eq!(then["account"]["segment"], "digital");
    assert_eq!(then["account"]["owner"], "a@example.com");
    assert_eq!(then["account"]["mrr"], json!(100.0));
    assert_eq!(then["notes"], json!([]));
    assert_eq!(then["tickets"][1]["state"], "resolved");
    assert_eq!(then["tickets"][1]["hours"], json!(30.0));
    let latest = then["timeline"][0]["occurred_at"].as_str().expect("an instant");
    assert!(latest < "2026-06-04T08:00:00Z", "{latest}");
    let names = then["timeline"].as_array().expect("events");
    assert!(names.iter().all(|it| it["name"] != "mrr_changed"));

    let page = app
        .get("/api/v1/accounts/acme?as_of=2026-06-03")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(then["account"]["metrics"], page["metrics"]);
    app.get("/api/v1/accounts/acme/profile?as_of=2026-07-01")
        .as_role(Role::Viewer)
        .await
        .problem(422);
    for id in ["null", "undefined", "%20", "nope", &"x".repeat(10_240)] {
        app.get(&format!("/api/v1/accounts/{id}/profile"))
            .as_role(Role::Viewer)
            .await
            .problem(404);
    }
    app.get("/api/v1/accounts/%20acme%20/profile")
        .as_role(Role::Viewer)
        .await
        .ok();
}
