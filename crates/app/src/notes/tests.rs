//! Notes: kept as typed, changed by one at a time, mentioned users told, files handed out safely, all of it gone when erased.

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::{apply, event, medtrainer, store};
use crate::testing::{Answer, TestApp};

async fn world() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = event(
        "acme",
        "2026-01-10",
        "subscription_started",
        json!({ "mrr": 100 }),
    );
    store(&app, vec![start], vec![]).await;
    app.catch_up().await.expect("caught up");
    app
}

async fn add(app: &TestApp, note: Json) -> Answer {
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .json(&note)
        .await
}

/// Texts that have run in careless pages; a note gives each back as it was typed, and nothing in it is ever markup here.
const CORPUS: &[&str] = &[
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<svg/onload=alert(1)>",
    "{{7*7}}",
    "![x](x\" onerror=\"alert(1))",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "\u{202e}txt.exe",
];

#[tokio::test]
async fn a_note_is_kept_as_typed_and_sent_twice_is_added_once() {
    let app = world().await;
    for text in CORPUS {
        let note = add(&app, json!({ "body": text })).await.ok();
        assert_eq!(note["body"], *text);
    }
    let once = json!({ "id": "made-by-me-1", "body": "Same" });
    assert_eq!(add(&app, once.clone()).await.status, 201);
    let again = app
        .post("/api/v1/accounts/acme/notes")
        .as_role(Role::Csm)
        .changes_nothing()
        .json(&once)
        .await;
    assert_eq!(again.status, 200);
    add(&app, json!({ "id": "made-by-me-1", "body": "Other" }))
        .await
        .problem(409);
    let list = app
        .get("/api/v1/accounts/acme/notes")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(CORPUS.len() + 1));
    let told = app
        .get("/api/v1/accounts/acme/timeline?kind=work&q=note_added")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(told["items"].as_array().map(Vec::len), Some(CORPUS.len() + 1));
    // The log outlives the note, so it must not hold its text.
    assert!(!told.to_string().contains("alert"));
    for wrong in [
        json!({ "body": "" }),
        json!({ "body": " \n " }),
        json!({ "body": "a\u{0}b" }),
        json!({ "body": "x".repeat(20_001) }),
        json!({ "body": "x", "contact_id": "nobody" }),
        json!({ "body": "x", "id": "../x" }),
    ] {
        let problem = add(&app, wrong).await.problem(422);
        assert!(problem["errors"][0]["remedy"].is_string(), "{problem}");
    }
    app.post("/api/v1/accounts/acme/notes")
        .as_role(Role::Viewer)
        .json(&once)
        .await
        .problem(403);
    app.post("/api/v1/accounts/undefined/notes")
        .as_role(Role::Csm)
        .json(&once)
        .await
        .problem(404);
}

#[tokio::test]
async fn the_second_editor_sees_the_difference_and_overwrites_nothing() {
    let app = world().await;
    let note = add(&app, json!({ "body": "one\ntwo\nthree" })).await.ok();
    let path = format!("/api/v1/notes/{}", note["id"].as_str().expect("an id"));
    let change = |body: &str| json!({ "version": 1, "body": body, "pinned": true });
    let first = app
        .put(&path)
        .as_role(Role::Manager)
        .json(&change("one\n2\nthree"))
        .await
        .ok();
    assert_eq!(
        (&first["version"], &first["updated_by"]["actor"]),
        (&json!(2), &json!("user:test-manager"))
    );
    let second = app
        .put(&path)
        .as_role(Role::Csm)
        .json(&change("one\ntwo\nthree\nfour"))
        .await
        .problem(409);
    assert_eq!(second["current"]["body"], "one\n2\nthree");
    let sides: Vec<(&Json, &Json)> = second["difference"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (&line["side"], &line["text"]))
        .collect();
    let expected = [
        ("same", "one"),
        ("theirs", "2"),
        ("yours", "two"),
        ("same", "three"),
        ("yours", "four"),
    ]
    .map(|(side, text)| (json!(side), json!(text)));
    assert_eq!(sides, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    let kept = app
        .get("/api/v1/accounts/acme/notes")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(kept["items"][0]["body"], "one\n2\nthree");
    // Somebody else's note is removed by a manager, not by another CSM.
    let other = app
        .post("/api/v1/accounts/acme/notes")
        .as_role(Role::Admin)
        .json(&json!({ "body": "mine" }))
        .await
        .ok();
    let other = format!("/api/v1/notes/{}", other["id"].as_str().expect("an id"));
    app.delete(&other).as_role(Role::Csm).await.problem(403);
    assert_eq!(app.delete(&other).as_role(Role::Manager).await.status, 204);
    app.delete(&other).as_role(Role::Manager).await.problem(404);
}

#[tokio::test]
async fn who_is_mentioned_finds_it_until_they_have_seen_it() {
    let app = world().await;
    let user = app
        .post("/api/v1/users")
        .as_role(Role::Admin)
        .json(&json!({ "email": "ann@example.com", "name": "Ann", "role": "csm" }))
        .await
        .ok();
    let actor = format!("user:{}", user["user"]["id"].as_str().expect("an id"));
    let note = add(
        &app,
        json!({ "body": "Ask @Ann@Example.com, not @bob@example.com" }),
    )
    .await
    .ok();
    assert_eq!(note["mentions"], json!([{ "actor": actor, "name": "Ann" }]));
    let ann = crate::auth::Principal {
        actor,
        role: Role::Csm,
        request_id: None,
    };
    let mentions = async || {
        super::store::mentions(&app.store, ann.user().expect("a user"), 10)
            .await
            .expect("mentions")
    };
    let (found, unseen) = mentions().await;
    assert_eq!((found.len(), unseen), (1, 1));
    let tx = app.store.begin().await.expect("a transaction");
    let ids = vec![note["id"].as_str().expect("an id").to_owned()];
    assert_eq!(
        super::store::seen(&tx, ann.user().expect("a user"), &ids, 5)
            .await
            .expect("seen"),
        1
    );
    assert_eq!(
        super::store::seen(&tx, ann.user().expect("a user"), &ids, 6)
            .await
            .expect("seen"),
        0
    );
    tx.commit().await.expect("committed");
    assert_eq!(mentions().await.1, 0);
    // Nobody else has it among theirs.
    let mine = app.get("/api/v1/mentions").as_role(Role::Csm).await.ok();
    assert_eq!((&mine["unseen"], &mine["items"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn files_are_only_ever_downloads_and_go_with_the_account() {
    let app = world().await;
    let note = add(&app, json!({ "body": "With a file" })).await.ok();
    let id = note["id"].as_str().expect("an id").to_owned();
    let attach = |name: &str, bytes: Vec<u8>| {
        app.post(&format!("/api/v1/notes/{id}/attachments?name={name}"))
            .header("content-type", "text/html")
            .body(bytes)
    };
    attach("a.html", b"x".to_vec())
        .as_role(Role::Viewer)
        .await
        .problem(403);
    let page = b"<script>alert(1)</script>".to_vec();
    let with = attach("..%2F..%2Fp%22age.html", page.clone())
        .as_role(Role::Csm)
        .await
        .ok();
    let file = with["attachments"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(with["attachments"][0]["name"], "p\"age.html");
    // Sent again, it is the same file.
    let again = attach("..%2F..%2Fp%22age.html", page.clone())
        .as_role(Role::Csm)
        .await
        .ok();
    assert_eq!(again["attachments"].as_array().map(Vec::len), Some(1));
    let got = app
        .get(&format!("/api/v1/attachments/{file}"))
        .as_role(Role::Viewer)
        .await;
    assert_eq!(got.body, page);
    assert_eq!(got.header("content-type"), Some("application/octet-stream"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    let named = got.header("content-disposition").unwrap_or_default();
    assert!(
        named.starts_with("attachment; filename=\"p_age.html\""),
        "{named}"
    );
    assert!(
        got.header("content-security-policy")
            .is_some_and(|policy| policy.contains("sandbox"))
    );
    attach("empty", Vec::new()).as_role(Role::Csm).await.problem(422);
    let large = attach("large", vec![0; super::LARGEST + 1])
        .as_role(Role::Csm)
        .await;
    assert!(matches!(large.status.as_u16(), 413 | 422), "{}", large.status);
    let whole = attach("whole", vec![0; super::LARGEST])
        .as_role(Role::Csm)
        .await
        .ok();
    assert_eq!(whole["attachments"].as_array().map(Vec::len), Some(2));
    let on_disk = || {
        std::fs::read_dir(app.config.data.join("attachments"))
            .expect("the folder")
            .count()
    };
    assert_eq!(on_disk(), 2);
    let no = app.accounts.number("acme").expect("a number").get();
    assert_eq!(super::erase_account(&app, no).await.expect("erased"), 1);
    assert_eq!(on_disk(), 0);
    for table in ["notes", "note_attachments", "note_mentions"] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
    app.get(&format!("/api/v1/attachments/{file}"))
        .as_role(Role::Viewer)
        .await
        .problem(404);
}
