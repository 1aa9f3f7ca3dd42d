//! Tests of the tracking API, through HTTP and the log.

mod bad_input;
mod calls;
mod limits;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::events::{self, EventRow};
use crate::testing::{Answer, TestApp, TestRequest};

/// The instant of [`crate::testing::NOON`] in microseconds.
const NOON: i64 = 1_782_820_800_000_000;

/// A Tenure with a write key.
struct Source {
    app: TestApp,
    key: String,
}

impl Source {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(app: TestApp) -> Self {
        let body = json!({"name": "shop", "scope": "ingest"});
        let answer = app
            .post("/api/v1/keys")
            .as_role(Role::Admin)
            .json(&body)
            .await
            .ok();
        let key = answer["secret"].as_str().unwrap().to_owned();
        Self { app, key }
    }

    fn request(&self, path: &str) -> TestRequest {
        use base64::Engine;
        let credentials = base64::prelude::BASE64_STANDARD.encode(format!("{}:", self.key));
        self.app
            .post(path)
            .header("authorization", &format!("Basic {credentials}"))
    }

    async fn send(&self, path: &str, body: &Json) -> Answer {
        self.request(path).json(body).await
    }

    async fn raw(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.request(path)
            .header("content-type", "application/json")
            .body(body.into())
            .await
    }

    async fn batch(&self, messages: Json) -> Answer {
        self.send("/v1/batch", &json!({ "batch": messages })).await
    }

    /// All stored events but those that Tenure itself notes of accounts.
    fn events(&self) -> Vec<EventRow> {
        let steps = events::tail_since(&self.app, 0);
        steps
            .iter()
            .flat_map(|(_, rows)| Arc::clone(rows).as_ref().clone())
            .filter(|row| row.kind != "account")
            .collect()
    }

    fn event(&self, message_id: &str) -> EventRow {
        self.events()
            .into_iter()
            .find(|row| row.message_id == message_id)
            .unwrap_or_else(|| panic!("no event {message_id}"))
    }

    async fn rejects(&self) -> Vec<Json> {
        let page = self
            .app
            .get("/api/v1/rejects?limit=500")
            .as_role(Role::Viewer)
            .await
            .ok();
        page["items"].as_array().unwrap().clone()
    }
}

fn track(message_id: &str) -> Json {
    json!({"type": "track", "messageId": message_id, "userId": "u", "event": "login"})
}

fn properties(row: &EventRow) -> Json {
    serde_json::from_str(&row.properties).unwrap()
}

/// `(accepted, duplicates, rejected)` of a receipt.
fn counts(answer: &Answer) -> (i64, i64, i64) {
    let receipt = answer.ok();
    assert_eq!(receipt["success"], true);
    let count = |name: &str| receipt[name].as_i64().unwrap();
    (count("accepted"), count("duplicates"), count("rejected"))
}
