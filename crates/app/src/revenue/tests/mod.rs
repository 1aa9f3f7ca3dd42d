//! Revenue, proved against plain loops over a random history, against the KPIs, and by hand.

mod dialogue;
mod figures;
mod random;
mod speed;

use serde_json::Value as Json;

use crate::auth::Role;
use crate::testing::TestApp;

/// What the API answers to a reader.
async fn get(app: &TestApp, path: &str) -> Json {
    app.get(&format!("/api/v1/revenue/{path}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

/// The list in a field.
#[track_caller]
fn list<'a>(of: &'a Json, field: &str) -> &'a [Json] {
    of[field]
        .as_array()
        .unwrap_or_else(|| panic!("no list {field} in {of}"))
}

/// The texts of a field of each item of a list.
#[track_caller]
fn texts(of: &[Json], field: &str) -> Vec<String> {
    of.iter()
        .map(|it| it[field].as_str().unwrap_or_default().to_owned())
        .collect()
}
