//! The figures, proved: against values worked out by hand, against plain loops over a random history, and against themselves
//! when the same history arrives in another way.

mod attribution;
mod bad_questions;
mod baselines;
#[expect(clippy::eq_op, reason = "all of all is written as it was counted by hand")]
mod hand;
mod kept;
pub(crate) mod naive;
pub(crate) mod naive_kpis;
pub(crate) mod random;
mod some;
mod stages;
pub(crate) mod world;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::accounts::{AccountChange, Change};
use crate::auth::Role;
use crate::events::{self, Event, Kind};
use crate::testing::TestApp;

/// Whether a KPI is of scores, which are held against loops of their own (`scores::tests`).
pub(crate) fn of_scores(kpi: &crate::definitions::Kpi) -> bool {
    kpi.relations().iter().any(|relation| relation == "score_days")
}

/// The files of the shipped program.
pub(crate) fn medtrainer() -> BTreeMap<String, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/medtrainer");
    let mut files = BTreeMap::new();
    for below in ["", "dashboards/"] {
        let folder = format!("{folder}/{below}");
        for entry in std::fs::read_dir(folder).expect("the program's folder") {
            let path = entry.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            if name.ends_with(".yaml") {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                files.insert(format!("{below}{name}"), text);
            }
        }
    }
    files
}

/// Applies files and lets everything be computed.
pub(crate) async fn apply(app: &TestApp, files: &BTreeMap<String, String>) {
    app.post("/api/v1/program/apply")
        .as_role(Role::Manager)
        .json(&json!({ "files": files }))
        .await
        .ok();
    app.catch_up().await.expect("caught up");
}

/// Applies files and lets the accounts be computed, without the figures over them.
pub(crate) async fn apply_accounts(app: &TestApp, files: &BTreeMap<String, String>) {
    app.post("/api/v1/program/apply")
        .as_role(Role::Manager)
        .json(&json!({ "files": files }))
        .await
        .ok();
    while crate::metrics::catch_up(app).await.expect("caught up") {}
}

/// A random company under the shipped program, its accounts computed.
pub(crate) async fn random_company() -> TestApp {
    let app = TestApp::new().await;
    let mut events = Vec::new();
    let mut changes = Vec::new();
    for arrival in world::world(11, 40, 12) {
        match arrival {
            world::Arrival::Event(event) => events.push(event),
            world::Arrival::Change(change) => changes.push(change),
        }
    }
    apply_accounts(&app, &medtrainer()).await;
    store(&app, events, changes).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    app
}

/// Microseconds of an instant; a day alone means noon of that day in the program's zone.
pub(crate) fn at(text: &str) -> i64 {
    let text = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T19:00:00Z")
    };
    text.parse::<jiff::Timestamp>()
        .expect("an instant")
        .as_microsecond()
}

/// An event of an account, unique by all that it says.
pub(crate) fn event(account: &str, when: &str, name: &str, properties: Json) -> Event {
    let properties: Map<String, Json> = properties.as_object().cloned().unwrap_or_default();
    let contact = properties
        .get("contact")
        .and_then(Json::as_str)
        .map(str::to_owned);
    Event {
        message_id: format!("{account}/{when}/{name}/{}", Json::Object(properties.clone())),
        account: (!account.is_empty()).then(|| account.to_owned()),
        contact,
        name: name.to_owned(),
        kind: Kind::of(name),
        occurred_at: at(when),
        received_at: at(when),
        source: "test".into(),
        properties,
    }
}

/// What became known of an account.
pub(crate) fn change(account: &str, when: &str, attributes: Json) -> Change {
    let mut attributes = attributes.as_object().cloned().unwrap_or_default();
    let owner = attributes
        .remove("owner")
        .and_then(|owner| owner.as_str().map(str::to_owned));
    Change::Account(AccountChange {
        id: account.to_owned(),
        owner,
        attributes,
        at: at(when),
        ..AccountChange::default()
    })
}

/// Stores events and changes.
pub(crate) async fn store(app: &TestApp, events: Vec<Event>, changes: Vec<Change>) {
    events::append_with(app, "test", events, changes)
        .await
        .expect("stored");
}

/// The figures of a day by KPI and scope.
pub(crate) async fn figures(app: &TestApp, day: &str) -> BTreeMap<(String, String), Option<f64>> {
    let answer = app
        .get(&format!("/api/v1/kpis?by=segment&as_of={day}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    let text = |line: &Json, field: &str| line[field].as_str().expect("a text").to_owned();
    let lines = answer["kpis"].as_array().expect("lines");
    lines
        .iter()
        .map(|line| ((text(line, "kpi"), text(line, "scope")), line["value"].as_f64()))
        .collect()
}

/// Whether two figures are one.
pub(crate) fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + b.abs()),
        _ => false,
    }
}
