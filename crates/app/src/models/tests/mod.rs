//! Back-tests and models over small companies whose history is made here, with values worked out by plain loops.

mod backtests;
mod cells;
mod figures;
mod leaks;
mod naive;
mod rows;
mod simulated;
mod trained;
mod world;

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::testing::TestApp;

/// Waits until a piece of background work at this path is no longer running, and gives it.
async fn settled(app: &TestApp, path: &str) -> Json {
    for _ in 0..6_000 {
        let found = app.get(path).as_role(Role::Viewer).await.ok();
        let state = found.pointer("/model/state").unwrap_or(&found["state"]).clone();
        if state != "running" {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} does not end");
}

/// Runs a back-test and gives it with its report.
async fn backtest(app: &TestApp, id: &str, params: Json) -> Json {
    let begun = app
        .post(&format!("/api/v1/scores/{id}/backtests"))
        .as_role(Role::Csm)
        .json(&params)
        .await
        .ok();
    settled(
        app,
        &format!("/api/v1/backtests/{}", begun["id"].as_str().expect("an id")),
    )
    .await
}

/// The figures of a method of a report.
fn method<'a>(report: &'a Json, id: &str) -> &'a Json {
    report["methods"]
        .as_array()
        .expect("methods")
        .iter()
        .find(|method| method["id"] == id)
        .unwrap_or_else(|| panic!("no method {id} in {report}"))
}

/// Trains a model and gives it with its back-test.
async fn train(app: &TestApp, form: Json) -> Json {
    let begun = app
        .post("/api/v1/models/train")
        .as_role(Role::Manager)
        .json(&form)
        .await
        .ok();
    settled(
        app,
        &format!("/api/v1/models/{}", begun["id"].as_str().expect("an id")),
    )
    .await
}

fn quick() -> Json {
    json!({ "only_hand_set": true })
}
