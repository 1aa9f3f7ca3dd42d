//! Dashboards through HTTP: every figure of every page equals that of the KPI API and of plain loops, every point opens into the accounts
//! that it counts, and odd pages are refused in words.

mod answers;
mod export;
mod own;
mod shipped;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::auth::Role;
use crate::kpis::tests::random::arrive;
use crate::kpis::tests::world::{Arrival, world};
use crate::kpis::tests::{apply, medtrainer};
use crate::testing::{Answer, TestApp};

/// A company of sixty accounts and fourteen months, as the random tests of KPIs have it.
async fn company() -> (TestApp, Vec<Arrival>) {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let arrivals = world(11, 60, 22);
    arrive(&app, &arrivals).await;
    app.catch_up().await.expect("caught up");
    (app, arrivals)
}

async fn get(app: &TestApp, path: &str) -> Json {
    app.get(&format!("/api/v1{path}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

async fn refused(app: &TestApp, path: &str) -> Answer {
    app.get(&format!("/api/v1{path}")).as_role(Role::Viewer).await
}

fn list<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json[key].as_str().unwrap_or_default()
}

/// A text for an address.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn tiles(page: &Json) -> BTreeMap<&str, &Json> {
    list(page, "tiles")
        .iter()
        .map(|tile| (text(tile, "id"), tile))
        .collect()
}
