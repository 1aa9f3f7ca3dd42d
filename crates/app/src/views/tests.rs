//! Whose views are seen, changed and started with.

use serde_json::json;

use crate::auth::Role;
use crate::testing::TestApp;

#[tokio::test]
async fn views_are_private_or_shared_and_a_second_editor_is_shown_the_first() {
    let app = TestApp::new().await;
    let add = |role, shared: bool| {
        let form = json!({ "page": "accounts", "name": "Large", "state": { "filter": "mrr > 3500", "sort": "-mrr" }, "shared": shared });
        app.post("/api/v1/views").as_role(role).json(&form)
    };
    add(Role::Viewer, true).await.problem(403);
    let own = add(Role::Viewer, false).await.ok();
    let team = add(Role::Csm, true).await.ok();
    let list = async |role| {
        let answer = app.get("/api/v1/views?page=accounts").as_role(role).await.ok();
        let items = answer["items"].as_array().expect("items").clone();
        (items, answer["default_id"].clone())
    };
    assert_eq!(list(Role::Viewer).await.0.len(), 2);
    let (seen, _) = list(Role::Manager).await;
    assert_eq!(
        (seen.len(), &seen[0]["may_change"], &seen[0]["own"]),
        (1, &json!(true), &json!(false))
    );
    assert_eq!(
        seen[0]["state"],
        json!({ "filter": "mrr > 3500", "sort": "-mrr" })
    );

    let path = format!("/api/v1/views/{}", team["id"].as_str().expect("an id"));
    let form = |version: i64, name: &str, shared: bool| json!({ "version": version, "name": name, "state": {}, "shared": shared });
    app.put(&path)
        .as_role(Role::Viewer)
        .json(&form(1, "Mine", true))
        .await
        .problem(403);
    app.put(&path)
        .as_role(Role::Manager)
        .json(&form(1, "Big", true))
        .await
        .ok();
    let second = app
        .put(&path)
        .as_role(Role::Csm)
        .json(&form(1, "Huge", true))
        .await
        .problem(409);
    assert_eq!(
        (&second["current"]["name"], &second["current"]["version"]),
        (&json!("Big"), &json!(2))
    );

    app.put(&format!("{path}/default"))
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(list(Role::Viewer).await.1, team["id"]);
    assert_eq!(list(Role::Csm).await.1, json!(null));
    // No longer shared, it is nobody else's default.
    app.put(&path)
        .as_role(Role::Csm)
        .json(&form(2, "Mine", false))
        .await
        .ok();
    let (seen, default) = list(Role::Viewer).await;
    assert_eq!((seen.len(), default), (1, json!(null)));
    app.get("/api/v1/views?page=no_such")
        .as_role(Role::Viewer)
        .await
        .problem(422);
    let foreign = format!("/api/v1/views/{}", own["id"].as_str().expect("an id"));
    app.delete(&foreign).as_role(Role::Admin).await.problem(404);
    app.delete(&foreign).as_role(Role::Viewer).await.ok();
    assert_eq!(list(Role::Viewer).await.0.len(), 0);
}

#[tokio::test]
async fn what_is_no_view_is_refused_with_the_remedy() {
    let app = TestApp::new().await;
    for form in [
        json!({ "page": "accounts", "name": " ", "state": {} }),
        json!({ "page": "accounts", "name": "a\u{7}b", "state": {} }),
        json!({ "page": "accounts", "name": "x".repeat(81), "state": {} }),
        json!({ "page": "accounts", "name": "x", "state": { "q": "x".repeat(17_000) } }),
        json!({ "page": "accounts", "name": "x", "state": { "a b": "c" } }),
        json!({ "page": "accounts", "name": "x", "state": { "q": 5 } }),
    ] {
        app.post("/api/v1/views")
            .as_role(Role::Csm)
            .json(&form)
            .await
            .problem(422);
    }
}

#[tokio::test]
async fn a_dashboard_has_views_of_its_own() {
    let app = TestApp::new().await;
    let add = |page: &str| {
        let form = json!({ "page": page, "name": "Core", "state": { "segment": "core" }, "shared": false });
        app.post("/api/v1/views").as_role(Role::Viewer).json(&form)
    };
    add("dashboards/churn_rate").await.ok();
    let of = async |page: &str| {
        let answer = app
            .get(&format!("/api/v1/views?page={page}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        answer["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(of("dashboards/churn_rate").await, 1);
    assert_eq!(of("dashboards/engagement").await, 0);
    assert_eq!(of("dashboards").await, 0);
    for wrong in ["dashboards/", "dashboards/../x", "dashboards/a/b", "elsewhere"] {
        let problem = add(wrong).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], "page", "{wrong}: {problem}");
    }
}
