//! Through HTTP and the database.

mod audit;
mod keys;
mod permissions;
mod sessions;
mod users;

use axum::http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, TestRequest};

/// A password that every rule accepts.
const PASSWORD: &str = "lantern orbit pebble";

/// A signed-in browser: cookie and token.
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    /// Signs in, or gives the refusal.
    async fn sign_in(app: &TestApp, email: &str, password: &str) -> Result<Self, Answer> {
        let answer = app
            .post("/api/v1/session")
            .json(&json!({ "email": email, "password": password }))
            .await;
        if answer.status != 200 {
            Err(answer)
        } else {
            Ok(Self::of(&answer))
        }
    }

    /// The session that an answer brought.
    fn of(answer: &Answer) -> Self {
        let cookie = answer
            .header("set-cookie")
            .expect("a cookie")
            .split(';')
            .next()
            .expect("its value")
            .to_owned();
        Self {
            cookie,
            csrf: answer.json()["csrf"].as_str().expect("a token").to_owned(),
        }
    }

    /// A request of this browser, with its token where it changes something.
    fn send(&self, app: &TestApp, method: Method, path: &str) -> TestRequest {
        let request = app.request(method.clone(), path).header("cookie", &self.cookie);
        if method == Method::GET {
            request
        } else {
            request.header("x-csrf-token", &self.csrf)
        }
    }
}

/// Adds a user with [`PASSWORD`] and gives the id.
async fn add_user(app: &TestApp, email: &str, role: &str) -> String {
    let body = json!({ "email": email, "role": role, "password": PASSWORD });
    let answer = app.post("/api/v1/users").as_operator().json(&body).await.ok();
    answer["user"]["id"].as_str().expect("an id").to_owned()
}

/// Makes a key and gives its secret and id.
async fn add_key(app: &TestApp, name: &str, scope: &str) -> (String, String) {
    let answer = app
        .post("/api/v1/keys")
        .as_operator()
        .json(&json!({ "name": name, "scope": scope }))
        .await
        .ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&answer["secret"]), text(&answer["key"]["id"]))
}
