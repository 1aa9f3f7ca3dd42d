//! Events that come before it is known who somebody is end where they would have been, had it been known first.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::random::accounts;
use super::{apply, figures, medtrainer};
use crate::auth::Role;
use crate::events::{self, EventRow, Limits, Subject};
use crate::testing::TestApp;

const NOW: Limits = Limits {
    events: 1,
    age: 0,
    most: usize::MAX,
};
const DAYS: [&str; 2] = ["2026-06-30", "2026-04-30"];

/// A Tenure with the shipped program and a write key.
struct Source {
    app: TestApp,
    key: String,
}

impl Source {
    async fn new() -> Self {
        let app = TestApp::new().await;
        apply(&app, &medtrainer()).await;
        let body = json!({"name": "shop", "scope": "ingest"});
        let key = app.post("/api/v1/keys").as_role(Role::Admin).json(&body);
        let key = key.await.ok()["secret"].as_str().expect("a key").to_owned();
        Self { app, key }
    }

    async fn send(&self, messages: &[Json]) -> Json {
        let body = json!({"writeKey": self.key, "batch": messages});
        self.app.post("/v1/batch").json(&body).await.ok()
    }

    /// Every event without what differs by nature: its place in the log, and the trace of the device that it came from.
    async fn rows(&self) -> BTreeMap<String, EventRow> {
        let snapshot = events::snapshot(&self.app).await.expect("a snapshot");
        let context = self.app.lake.context(&snapshot);
        let mut rows = BTreeMap::new();
        let sql = "SELECT * FROM events WHERE kind <> 'account'";
        for batch in context.query(sql).await.expect("rows") {
            for mut row in tenure_lake::from_batch(&batch).expect("rows") {
                let mut properties: Json = serde_json::from_str(&row.properties).expect("JSON");
                if properties["$context"]["anonymous_id"].is_string() {
                    properties.as_object_mut().expect("an object").remove("$context");
                }
                (row.seq, row.properties) = (0, properties.to_string());
                // Numbers are given in the order of arrival.
                row.account_no = i64::from(row.account_no != 0);
                let id = row.message_id.clone();
                assert!(rows.insert(id.clone(), row).is_none(), "{id} stands there twice");
            }
        }
        rows
    }

    async fn all_figures(&self) -> Vec<BTreeMap<(String, String), Option<f64>>> {
        let mut all = Vec::new();
        for day in DAYS {
            all.push(figures(&self.app, day).await);
        }
        all
    }
}

fn track(id: &str, who: Json, event: &str, day: &str, properties: Json) -> Json {
    let mut message = json!({"type": "track", "messageId": id, "event": event,
        "timestamp": format!("{day}T10:00:00Z"), "properties": properties});
    for (field, value) in who.as_object().expect("an object") {
        message[field] = value.clone();
    }
    message
}

fn said(mut message: Json) -> Json {
    message["timestamp"] = json!("2025-12-01T08:00:00Z");
    message
}

/// What makes people known, each by another call.
fn introductions() -> Vec<Json> {
    vec![
        said(json!({"type": "group", "groupId": "acme", "userId": "ann", "traits": {"employees": 30}})),
        said(json!({"type": "identify", "userId": "ann", "anonymousId": "dev-ann"})),
        // An alias of a device to somebody whose account is told by the identify.
        said(json!({"type": "alias", "previousId": "dev-bob", "userId": "bob"})),
        said(json!({"type": "identify", "userId": "bob", "traits": {"company": {"id": "bolt"}}})),
        // A device of which only the account is known.
        said(json!({"type": "group", "groupId": "acme", "anonymousId": "dev-hall"})),
        // A user whose account comes late.
        said(json!({"type": "group", "groupId": "coil", "userId": "cat"})),
    ]
}

fn visits() -> Vec<Json> {
    let mut visits = Vec::new();
    for (who, id) in [
        (json!({"anonymousId": "dev-ann"}), "ann"),
        (json!({"anonymousId": "dev-bob"}), "bob"),
        (json!({"anonymousId": "dev-hall"}), "hall"),
        (json!({"userId": "cat"}), "cat"),
        (json!({"anonymousId": "dev-nobody"}), "nobody"),
        // The account is named; who it was comes later.
        (json!({"anonymousId": "dev-ann", "groupId": "acme"}), "ann-named"),
    ] {
        for (n, day) in [
            "2025-12-20",
            "2026-04-10",
            "2026-05-10",
            "2026-06-28",
            "2026-06-29",
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("{id}-{n}");
            visits.push(track(
                &format!("{id}-login"),
                who.clone(),
                "login",
                day,
                json!({}),
            ));
            visits.push(track(
                &format!("{id}-click"),
                who.clone(),
                "email_clicked",
                day,
                json!({}),
            ));
            let score = json!({"survey": "nps", "score": 9, "response_id": id});
            visits.push(track(
                &format!("{id}-nps"),
                who.clone(),
                "survey_answered",
                day,
                score,
            ));
        }
    }
    visits
}

fn money() -> Vec<Json> {
    ["acme", "bolt", "coil"]
        .iter()
        .map(|account| {
            let who = json!({"groupId": account, "anonymousId": "billing"});
            let said = json!({"mrr": 400, "subscription_id": "s"});
            track(
                &format!("{account}-start"),
                who,
                "subscription_started",
                "2025-12-02",
                said,
            )
        })
        .collect()
}

async fn identified_first() -> Source {
    let source = Source::new().await;
    source.send(&money()).await;
    for introduction in introductions() {
        source.send(&[introduction]).await;
    }
    for part in visits().chunks(30) {
        source.send(part).await;
    }
    source.app.catch_up().await.expect("caught up");
    source
}

/// What must hold however late people became known.
async fn same_as(late: &Source, first: &Source, what: &str) {
    assert_eq!(late.rows().await, first.rows().await, "{what}");
    assert_eq!(accounts(&late.app), accounts(&first.app), "{what}");
    assert_eq!(late.all_figures().await, first.all_figures().await, "{what}");
}

#[tokio::test]
async fn whoever_becomes_known_late_has_the_figures_of_one_who_was_known_first() {
    let first = identified_first().await;
    let rows = first.rows().await;
    let whose = |id: &str| (rows[id].contact_id.as_deref(), rows[id].account_id.as_deref());
    assert_eq!(whose("ann-0-login"), (Some("ann"), Some("acme")));
    assert_eq!(whose("bob-1-nps"), (Some("bob"), Some("bolt")));
    assert_eq!(whose("hall-0-click"), (None, Some("acme")));
    assert_eq!(whose("cat-3-login"), (Some("cat"), Some("coil")));
    assert_eq!(whose("nobody-3-login"), (None, None));

    // Sealed, partly sealed, and unsealed; figures computed before, and not.
    for (sealed, computed) in [(2, true), (1, false)] {
        let late = Source::new().await;
        late.send(&money()).await;
        let visits = visits();
        for (n, part) in visits.chunks(30).enumerate() {
            late.send(part).await;
            if n < sealed {
                if computed {
                    late.app.catch_up().await.expect("caught up");
                }
                events::seal(&late.app, NOW).await.expect("sealed");
            }
        }
        if computed {
            late.app.catch_up().await.expect("caught up");
            assert_ne!(late.all_figures().await, first.all_figures().await);
        }
        for (n, introduction) in introductions().into_iter().enumerate() {
            late.send(&[introduction]).await;
            if computed && n == 2 {
                late.app.catch_up().await.expect("caught up");
            }
        }
        late.app.catch_up().await.expect("caught up");
        let what = format!("{sealed} sealed, computed before: {computed}");
        same_as(&late, &first, &what).await;

        // The ids stay known, and a restart changes nothing.
        assert_eq!(late.send(&visits).await["duplicates"], visits.len(), "{what}");
        let late = Source {
            app: late.app.reopen().await,
            key: late.key,
        };
        late.app.catch_up().await.expect("caught up");
        same_as(&late, &first, &what).await;
        if sealed == 2 {
            events::seal(&late.app, NOW).await.expect("sealed");
            same_as(&late, &first, "sealed again").await;
        }
    }
}

#[tokio::test]
async fn an_event_and_its_introduction_in_one_request_find_each_other() {
    let first = identified_first().await;
    let together = Source::new().await;
    together.send(&money()).await;
    let mut messages = visits();
    messages.extend(introductions());
    together.send(&messages).await;
    together.app.catch_up().await.expect("caught up");
    same_as(&together, &first, "in one request").await;
}

#[tokio::test]
async fn a_device_that_changes_hands_keeps_what_happened_before_with_the_first() {
    let source = Source::new().await;
    let on_it = |id: &str| {
        track(
            id,
            json!({"anonymousId": "shared"}),
            "login",
            "2026-06-01",
            json!({}),
        )
    };
    let is = |user: &str| json!({"type": "identify", "userId": user, "anonymousId": "shared"});
    source.send(&[on_it("before")]).await;
    source.send(&[is("ann")]).await;
    source.send(&[on_it("anns")]).await;
    source.send(&[is("bob")]).await;
    source.send(&[on_it("bobs")]).await;
    source.app.catch_up().await.expect("caught up");
    let rows = source.rows().await;
    // The first to say who they are had been the visitor, although the device is somebody else's when that is worked off.
    for (id, whose) in [("before", "ann"), ("anns", "ann"), ("bobs", "bob")] {
        assert_eq!(rows[id].contact_id.as_deref(), Some(whose), "{id}");
    }
}

#[tokio::test]
async fn erasure_finds_what_a_person_did_before_they_were_known() {
    let source = Source::new().await;
    let on = |id: &str, device: &str| {
        track(
            id,
            json!({"anonymousId": device}),
            "login",
            "2026-06-01",
            json!({}),
        )
    };
    source
        .send(&[
            on("sealed", "dev-ann"),
            on("other", "dev-bob"),
            on("visitor", "dev-gone"),
        ])
        .await;
    events::seal(&source.app, NOW).await.expect("sealed");
    source
        .send(&[on("tail", "dev-ann"), on("visitor-tail", "dev-gone")])
        .await;
    // Nobody has worked the identify off when the erasure comes.
    source
        .send(&[json!({"type": "identify", "userId": "ann", "anonymousId": "dev-ann"})])
        .await;
    let ann = Subject::Contact(vec!["ann".to_owned()]);
    assert_eq!(events::erase(&source.app, &ann).await.expect("erased"), 2);
    // A visitor who never said who they are is erased by the device.
    let visitor = Subject::Contact(vec!["dev-gone".to_owned()]);
    assert_eq!(events::erase(&source.app, &visitor).await.expect("erased"), 2);
    assert_eq!(source.rows().await.into_keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(source.app.count("event_unattributed").await, 1);
    assert_eq!(source.send(&[on("sealed", "dev-ann")]).await["duplicates"], 1);
}
