//! The explorer against what was sent.

use serde_json::{Map, Value as Json, json};

use crate::auth::Role;
use crate::events::{Event, Kind, append};
use crate::testing::TestApp;

async fn send(app: &TestApp, id: &str, name: &str, source: &str, account: &str, properties: Json) {
    let now = app.clock.micros();
    let event = Event {
        message_id: id.to_owned(),
        account: Some(account.to_owned()),
        contact: None,
        name: name.to_owned(),
        kind: Kind::of(name),
        occurred_at: now,
        received_at: now,
        source: source.to_owned(),
        properties: properties.as_object().cloned().unwrap_or_else(Map::new),
    };
    append(app, vec![event]).await.expect("stored");
}

async fn live(app: &TestApp, query: &str) -> (Vec<String>, i64) {
    let it = app
        .get(&format!("/api/v1/events/live?{query}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    let ids = it["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|it| it["kind"] != "account")
        .map(|it| it["message_id"].as_str().expect("an id").to_owned())
        .collect();
    (ids, it["cursor"].as_i64().expect("a cursor"))
}

#[tokio::test]
async fn what_arrives_is_seen_once_and_can_be_narrowed() {
    let app = TestApp::new().await;
    send(&app, "m1", "login", "web", "A", json!({})).await;
    send(&app, "m2", "feature_used", "web", "B", json!({})).await;
    let (ids, cursor) = live(&app, "").await;
    assert_eq!(ids, ["m2", "m1"]);
    assert_eq!(
        live(&app, &format!("after={cursor}")).await.0,
        Vec::<String>::new()
    );
    send(&app, "m3", "login", "app", "A", json!({})).await;
    let (ids, next) = live(&app, &format!("after={cursor}")).await;
    assert_eq!(ids, ["m3"]);
    // Sealed or not makes no difference.
    crate::events::seal(&app, crate::events::Limits::default())
        .await
        .expect("sealed");
    assert_eq!(live(&app, &format!("after={cursor}")).await, (ids, next));
    assert_eq!(live(&app, "name=login").await.0, ["m3", "m1"]);
    assert_eq!(live(&app, "source=web").await.0, ["m2", "m1"]);
    assert_eq!(live(&app, "account=B").await.0, ["m2"]);
    app.get("/api/v1/events/live?account=nobody")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}

#[tokio::test]
async fn names_and_their_properties_are_what_was_sent() {
    let app = TestApp::new().await;
    for n in 0..6_i64 {
        let feature = if n < 4 { "export" } else { "share" };
        let mut properties = json!({ "feature": feature, "count": n, "empty": "", "nothing": null });
        if n == 0 {
            properties["beta"] = json!(true);
        }
        send(
            &app,
            &format!("f{n}"),
            "feature_used",
            "web",
            &format!("A{}", n % 2),
            properties,
        )
        .await;
        if n == 2 {
            app.advance(jiff::SignedDuration::from_hours(48));
        }
    }
    let it = app
        .get("/api/v1/events/names?days=3")
        .as_role(Role::Viewer)
        .await
        .ok();
    let names = it["names"].as_array().expect("names");
    let line = names
        .iter()
        .find(|it| it["name"] == "feature_used")
        .expect("the name");
    assert_eq!(
        (&line["events"], &line["accounts"], &line["kind"]),
        (&json!(6), &json!(2), &json!("product"))
    );
    assert_eq!(line["per_day"], json!([3, 0, 3]));
    assert_eq!(line["last_seen"], "2026-07-02T12:00:00Z");
    assert_eq!(it["today"], "2026-07-02");
    let it = app
        .get("/api/v1/events/names/feature_used")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(it["sample"], 6);
    let of = |name: &str| {
        let list = it["properties"].as_array().expect("properties");
        list.iter()
            .find(|it| it["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        of("feature"),
        json!({ "name": "feature", "events": 6, "filled": 1.0, "types": ["text"], "distinct": 2, "min": null, "max": null,
            "top": [{ "value": "export", "events": 4 }, { "value": "share", "events": 2 }] })
    );
    let count = of("count");
    assert_eq!(
        (&count["min"], &count["max"], &count["types"]),
        (&json!(0.0), &json!(5.0), &json!(["number"]))
    );
    assert_eq!(of("beta")["filled"], json!(1.0 / 6.0));
    // What is always empty is no property.
    assert_eq!((of("empty"), of("nothing")), (Json::Null, Json::Null));
    app.get("/api/v1/events/names/no%20such")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}
