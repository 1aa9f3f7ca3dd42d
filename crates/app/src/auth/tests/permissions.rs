//! Every operation of the API against every kind of caller, and every change against the audit.
//!
//! The table is made from the document of the API, whose `x-permission` comes from the types of the handlers' parameters. So a new
//! route is tested the moment it is in the list; one without a permission, or one that answers somebody it should not, fails here.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};

use super::add_key;
use crate::auth::Role;
use crate::testing::{TestApp, TestRequest};

struct Operation {
    method: Method,
    path: String,
    permission: String,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(crate::routes::document()).expect("a document");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let permission = operation["x-permission"].as_str().unwrap_or("none").to_owned();
            let path = path.split('/').map(fill).collect::<Vec<_>>().join("/");
            all.push(Operation {
                method,
                path,
                permission,
            });
        }
    }
    all
}

/// Names in paths are filled with something that does not exist, but for the calls of the tracking API, which are part of its address.
fn fill(part: &str) -> &str {
    match part {
        "{call}" => "track",
        part if part.starts_with('{') => "0",
        part => part,
    }
}

/// The roles in order; a caller may do what stands at its own place or before.
const LADDER: [&str; 4] = ["viewer", "csm", "manager", "admin"];

/// What a caller must get: `None` = past the door (anything but 401 and 403).
fn wanted(permission: &str, caller: &str) -> Option<u16> {
    match (permission, caller) {
        ("anyone", _) => None,
        ("ingest", "ingest key") => None,
        ("ingest", _) => Some(401),
        (_, "nobody") => Some(401),
        (_, "ingest key") => Some(403),
        (permission, caller) => {
            let role = match caller {
                "read key" => "viewer",
                "write key" => "manager",
                role => role,
            };
            let place = |name: &str| LADDER.iter().position(|known| *known == name);
            (place(role) < place(permission)).then_some(403)
        }
    }
}

fn send(app: &TestApp, operation: &Operation, caller: &str, keys: &BTreeMap<&str, String>) -> TestRequest {
    let request = app.request(operation.method.clone(), &operation.path);
    let request = if operation.method == Method::GET {
        request
    } else {
        request.json(&json!({}))
    };
    // Nobody has typed anything, so there is no draft to give up.
    let request = match (operation.method.as_str(), operation.path.as_str()) {
        ("DELETE", "/api/v1/program/draft") => request.changes_nothing(),
        _ => request,
    };
    match caller {
        "nobody" => request,
        "ingest key" | "read key" | "write key" => {
            let key = &keys[caller];
            // Event SDKs send their key as the user name of Basic authentication.
            if operation.permission == "ingest" {
                request.header("authorization", &basic(key))
            } else {
                request.with_key(key)
            }
        }
        role => request.as_role(Role::parse(role).expect("a role")),
    }
}

fn basic(key: &str) -> String {
    use base64::Engine;
    format!(
        "Basic {}",
        base64::prelude::BASE64_STANDARD.encode(format!("{key}:"))
    )
}

#[tokio::test]
async fn every_route_lets_in_whom_its_signature_names() {
    let app = TestApp::new().await;
    let mut keys = BTreeMap::new();
    for (caller, scope) in [
        ("ingest key", "ingest"),
        ("read key", "read"),
        ("write key", "write"),
    ] {
        keys.insert(caller, add_key(&app, caller, scope).await.0);
    }
    let callers = [
        "nobody",
        "viewer",
        "csm",
        "manager",
        "admin",
        "read key",
        "write key",
        "ingest key",
    ];
    let operations = operations();
    assert!(
        operations.len() >= 18,
        "the list of routes is empty or short: {}",
        operations.len()
    );
    let mut wrong = Vec::new();
    for operation in &operations {
        if operation.permission == "none" {
            wrong.push(format!(
                "{} {}: no x-permission; collect it with web::routes!",
                operation.method, operation.path
            ));
            continue;
        }
        for caller in callers {
            let status = send(&app, operation, caller, &keys).await.status.as_u16();
            let fits = match wanted(&operation.permission, caller) {
                Some(refusal) => status == refusal,
                None => !matches!(status, 401 | 403) || is_wrong_credential(operation, status),
            };
            if !fits {
                wrong.push(format!(
                    "{} {} ({}) answered {caller} with {status}",
                    operation.method, operation.path, operation.permission
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Public routes that say 401 or 403 of their own: signing in with nothing, setting up without the code, and the settings of a write key
/// that stands in the address and is not known.
fn is_wrong_credential(operation: &Operation, status: u16) -> bool {
    matches!(
        (operation.method.as_str(), operation.path.as_str(), status),
        ("POST", "/api/v1/session", 401)
            | ("POST", "/api/v1/setup", 403)
            | ("GET", "/v1/projects/0/settings", 401)
    )
}

#[test]
fn operation_ids_are_unique_and_answers_described() {
    let document = serde_json::to_value(crate::routes::document()).expect("a document");
    assert_eq!(document["openapi"], "3.1.0");
    let mut seen = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty(), "{method} {path} has no operationId");
            if let Some(other) = seen.insert(id.clone(), path.clone()) {
                panic!("{id} names both {other} and {path}");
            }
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path} does not describe its problems"
            );
        }
    }
    let text = document.to_string();
    for reference in text
        .match_indices("\"$ref\":\"#/")
        .map(|(at, found)| &text[at + found.len() - 1..])
    {
        let pointer = &reference[..reference.find('"').expect("an end")];
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} is referred to, but not there"
        );
    }
}

/// What each change writes. That there is a row at all is checked by the harness for every slice's requests.
#[tokio::test]
async fn each_change_leaves_one_row_that_names_it() {
    let app = TestApp::new().await;
    let add = json!({ "email": "ann@example.com", "role": "viewer", "password": super::PASSWORD });
    let added = assert_audited(
        app.post("/api/v1/users").as_operator().json(&add),
        &app,
        "user.add",
    )
    .await;
    let id = added["user"]["id"].as_str().expect("an id").to_owned();
    let user = format!("/api/v1/users/{id}");
    assert_audited(
        app.patch(&user).as_operator().json(&json!({ "name": "Ann" })),
        &app,
        "user.change",
    )
    .await;
    assert_audited(
        app.post(&format!("{user}/password"))
            .as_operator()
            .json(&json!({})),
        &app,
        "password.reset",
    )
    .await;
    let key = json!({ "name": "k", "scope": "read" });
    let key = assert_audited(app.post("/api/v1/keys").as_operator().json(&key), &app, "key.add").await;
    let key = format!("/api/v1/keys/{}", key["key"]["id"].as_str().expect("an id"));
    assert_audited(app.delete(&key).as_operator(), &app, "key.revoke").await;
    // What is refused changes nothing and leaves no row.
    let before = app.count("audit").await;
    app.post("/api/v1/users")
        .as_operator()
        .json(&add)
        .await
        .problem(409);
    assert_eq!(app.count("audit").await, before);
}

/// Sends a change and checks that it left exactly one audit row of this action; gives the answer.
async fn assert_audited(request: TestRequest, app: &TestApp, action: &str) -> Value {
    let before = app.audited().await;
    let answer = request.await.ok();
    let after = app.audited().await;
    assert_eq!(after[before.len()..], [action.to_owned()]);
    answer
}
