//! Questions that no page asks (RELIABILITY §11, items 16 and 19): each gets an answer or a problem that names what to change, quickly.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::{apply, at, change, event, figures, medtrainer, store};
use crate::auth::Role;
use crate::testing::{Answer, TestApp};

async fn world() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut events = Vec::new();
    let mut changes = Vec::new();
    for n in 0..12 {
        let id = format!("acc-{n:02}");
        events.push(event(
            &id,
            "2026-01-05",
            "subscription_started",
            json!({ "mrr": 100 * n }),
        ));
        events.push(event(&id, "2026-06-10", "login", json!({})));
        changes.push(change(&id, "2026-01-05", json!({ "employees": n })));
    }
    // Names that mean something in SQL, in LIKE and in a pattern.
    for name in [
        "100%",
        "a_b",
        "O'Brien; DROP TABLE accounts; --",
        "a\\b",
        "(a+)+$",
    ] {
        events.push(event(name, "2026-06-10", "login", json!({})));
    }
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn get(app: &TestApp, path: &str) -> Answer {
    let begun = Instant::now();
    let answer = app.get(path).as_role(Role::Viewer).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{path:.80}: {:?}",
        begun.elapsed()
    );
    assert!(answer.status.as_u16() < 500, "{path:.80}: {}", answer.text());
    answer
}

/// It is refused, and says which field, and what to do.
#[track_caller]
fn refused(answer: &Answer, field: &str) {
    let problem = answer.problem(422);
    let error = &problem["errors"][0];
    assert_eq!(error["field"], field, "{problem}");
    assert!(
        error["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()),
        "{problem}"
    );
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let answer = get(app, &format!("/api/v1/accounts?active=any&{query}"))
        .await
        .ok();
    let items = answer["items"].as_array().expect("items");
    items
        .iter()
        .map(|it| it["account_id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn filters_of_any_size_and_kind() {
    let app = world().await;
    let terms = |n: usize| {
        (0..n)
            .map(|n| format!("mrr={n}"))
            .collect::<Vec<_>>()
            .join(" OR ")
    };
    // As many terms as fit are worked, a long list as one; more are refused with the limit and what to write instead.
    let many = get(&app, &format!("/api/v1/accounts?filter={}", encoded(&terms(150))))
        .await
        .ok();
    assert_eq!(many["total"], 2, "0 and 100");
    let list = format!(
        "mrr IN ({})",
        (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
    );
    let many = get(&app, &format!("/api/v1/accounts?filter={}", encoded(&list)))
        .await
        .ok();
    assert_eq!(many["total"], 10, "0, 100, … up to 900");
    refused(
        &get(
            &app,
            &format!("/api/v1/accounts?filter={}", encoded(&terms(1_000))),
        )
        .await,
        "filter",
    );
    refused(
        &get(
            &app,
            &format!("/api/v1/accounts?filter={}", encoded(&terms(1_500))),
        )
        .await,
        "filter",
    );
    let deep = format!("{}mrr > 1{}", "(".repeat(3_000), ")".repeat(3_000));
    refused(
        &get(&app, &format!("/api/v1/accounts?filter={}", encoded(&deep))).await,
        "filter",
    );
    // A pattern that takes others for ever.
    let hostile = "regexp_like(name, '^(a+)+$') OR regexp_like(name, '(x+x+)+y')";
    assert_eq!(ids(&app, &format!("filter={}", encoded(hostile))).await, [""; 0]);
    for wrong in [
        "regexp_like(name, '(')",
        "mrr > ",
        "mrr",
        "1; DELETE FROM accounts",
        "mrr > (SELECT 1)",
        "mrr > 1 OR sleep(10)",
        "password_hash IS NULL",
        "\u{0}",
    ] {
        refused(
            &get(&app, &format!("/api/v1/accounts?filter={}", encoded(wrong))).await,
            "filter",
        );
    }
    // Nothing fits; dividing by nothing is nothing.
    for none in ["mrr > 1e300", "mrr / 0 > 1", "mrr % 0 = 0", "name = ''", "NULL"] {
        let answer = get(&app, &format!("/api/v1/accounts?filter={}", encoded(none))).await;
        if answer.status.as_u16() == 200 {
            assert_eq!(
                (
                    answer.json()["total"].as_i64(),
                    answer.json()["next_cursor"].is_null()
                ),
                (Some(0), true),
                "{none}"
            );
        } else {
            refused(&answer, "filter");
        }
    }
}

#[tokio::test]
async fn search_takes_every_text_as_it_stands() {
    let app = world().await;
    for (q, found) in [
        ("%", vec!["100%"]),
        ("_", vec!["a_b"]),
        ("'", vec!["O'Brien; DROP TABLE accounts; --"]),
        ("\\", vec!["a\\b"]),
        ("(a+)+$", vec!["(a+)+$"]),
        ("' OR 1=1 --", vec![]),
        ("\u{202e}", vec![]),
    ] {
        assert_eq!(ids(&app, &format!("q={}", encoded(q))).await, found, "{q}");
    }
    assert_eq!(
        get(&app, &format!("/api/v1/accounts?q={}", "x".repeat(20_000)))
            .await
            .status,
        200
    );
    assert_eq!(app.count("accounts").await, 17);
}

#[tokio::test]
async fn pages_sorts_and_cursors() {
    let app = world().await;
    for (query, field) in [
        ("sort=password_hash", "sort"),
        ("sort=mrr%3BDROP", "sort"),
        ("columns=password_hash", "columns"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=100000000", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("cursor=%00", "cursor"),
        ("active=perhaps", "active"),
        ("as_of=31.12.2025", "as_of"),
        ("as_of=2026-02-30", "as_of"),
    ] {
        refused(&get(&app, &format!("/api/v1/accounts?{query}")).await, field);
    }
    // Unknown, repeated and wrongly typed parameters are refused, not passed over.
    for query in ["limt=5", "limit=five", "limit=-1", "limit=5&limit=6"] {
        let answer = get(&app, &format!("/api/v1/accounts?{query}")).await;
        assert!(
            [400, 422].contains(&answer.status.as_u16()),
            "{query}: {}",
            answer.text()
        );
    }
    // A cursor may be used again, and gives the same page.
    let first = get(&app, "/api/v1/accounts?active=any&limit=5").await.ok();
    let cursor = encoded(first["next_cursor"].as_str().expect("a next page"));
    let path = format!("limit=5&cursor={cursor}");
    assert_eq!(ids(&app, &path).await, ids(&app, &path).await);
    assert_eq!(ids(&app, &path).await.len(), 5);
}

#[tokio::test]
async fn ranges_of_a_hundred_years_and_groups_of_everything() {
    let app = world().await;
    let series = |query: &str| format!("/api/v1/kpis/logo_churn_month/series?{query}");
    for (query, field) in [
        ("grain=minute", "grain"),
        ("grain=day&from=1926-01-01&to=2026-01-01", "from"),
        ("grain=month&from=2026-06-30&to=2026-01-01", "from"),
        ("from=0001-01-01", "from"),
        ("to=9999-12-31x", "to"),
        ("by=password_hash", "by"),
        ("by=account_id", "by"),
    ] {
        refused(&get(&app, &series(query)).await, field);
    }
    // By month it is either drawn, or refused with what may be asked.
    for query in [
        "grain=month&from=1926-01-01&to=2026-01-01",
        "grain=month&to=9999-12-31",
        "by=domain",
        "by=employees",
    ] {
        let answer = get(&app, &series(query)).await;
        assert!(
            [200, 422].contains(&answer.status.as_u16()),
            "{query}: {}",
            answer.text()
        );
    }
    for day in ["0001-01-01", "1900-02-28", "9999-12-31"] {
        for path in ["kpis", "accounts", "segments"] {
            let answer = get(&app, &format!("/api/v1/{path}?as_of={day}")).await;
            assert!(
                [200, 422].contains(&answer.status.as_u16()),
                "{path} {day}: {}",
                answer.text()
            );
        }
    }
    for id in ["no_such", "%00", "..%2F..%2Fetc", "arr'%20OR%201=1"] {
        let answer = get(&app, &format!("/api/v1/kpis/{id}/series")).await;
        assert!(
            [404, 422].contains(&answer.status.as_u16()),
            "{id}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn nothing_is_there_and_every_page_says_so() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let answer = get(&app, "/api/v1/kpis?by=segment").await.ok();
    for line in answer["kpis"].as_array().expect("lines") {
        let empty = line["denominator"].as_f64().is_none_or(|n| n == 0.0);
        assert!(
            empty && line["value"].as_f64().is_none_or(|value| value == 0.0),
            "{line}"
        );
        let ratio = line["unit"] == "ratio";
        assert!(
            !ratio || line["value"].is_null(),
            "no data is neither 0 nor 100 %: {line}"
        );
    }
    assert_eq!(get(&app, "/api/v1/accounts").await.ok()["total"], 0);
    assert_eq!(
        get(&app, "/api/v1/kpis/nps/accounts").await.ok()["items"],
        json!([])
    );
    for path in ["segments", "targets", "sources", "rejects", "imports", "contacts"] {
        get(&app, &format!("/api/v1/{path}")).await.ok();
    }
}

#[tokio::test]
async fn nobody_makes_themselves_an_administrator() {
    let app = TestApp::new().await;
    let body = json!({"email": "eve@example.com", "role": "csm"});
    let eve = app
        .post("/api/v1/users")
        .as_role(Role::Admin)
        .json(&body)
        .await
        .ok()["user"]
        .clone();
    let path = format!("/api/v1/users/{}", eve["id"].as_str().expect("an id"));
    for role in [Role::Viewer, Role::Csm, Role::Manager] {
        app.patch(&path)
            .as_role(role)
            .json(&json!({"role": "admin"}))
            .await
            .problem(403);
        // What a header says is not the method, and not the person.
        let answer = app
            .get(&path)
            .as_role(role)
            .header("x-http-method-override", "PATCH")
            .header("x-forwarded-user", "admin")
            .json(&json!({"role": "admin"}))
            .await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
    }
    let users = app.get("/api/v1/users").as_role(Role::Admin).await.ok();
    let listed = users["users"].as_array().expect("users");
    assert!(listed.iter().all(|user: &Json| user["role"] == "csm"), "{users}");
}

#[tokio::test]
async fn days_end_where_the_program_says_also_at_a_quarter_to_the_hour() {
    // Nepal is 5 hours and 45 minutes ahead: its 1 June begins at 18:15 UTC on 31 May.
    let app = TestApp::new().await;
    let mut files = medtrainer();
    let program = files.get_mut("program.yaml").expect("the program");
    let zone = program
        .lines()
        .find(|line| line.starts_with("time_zone:"))
        .expect("a zone")
        .to_owned();
    *program = program.replace(&zone, "time_zone: Asia/Kathmandu");
    apply(&app, &files).await;
    let mut events = vec![event(
        "a",
        "2026-01-05T00:00:00Z",
        "subscription_started",
        json!({ "mrr": 100 }),
    )];
    for (n, when) in [
        "2026-05-31T18:14:59Z",
        "2026-05-31T18:15:00Z",
        "2026-05-31T18:15:01Z",
    ]
    .into_iter()
    .enumerate()
    {
        events.push(event("a", when, "content_viewed", json!({ "asset_id": n })));
    }
    assert_eq!(at("2026-05-31T18:15:00Z") % 900_000_000, 0);
    store(&app, events, vec![]).await;
    app.catch_up().await.expect("caught up");
    for (day, wanted) in [("2026-05-31", 1.0), ("2026-06-01", 2.0), ("2026-06-30", 2.0)] {
        let figures = figures(&app, day).await;
        assert_eq!(
            figures[&("content_consumption".to_owned(), "all".to_owned())],
            Some(wanted),
            "{day}"
        );
    }
}
