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
    for table in ["notes", "note_attachments", "note_mentions", "note_versions"] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
    app.get(&format!("/api/v1/attachments/{file}"))
        .as_role(Role::Viewer)
        .await
        .problem(404);
}

async fn shown(app: &TestApp) -> Json {
    let list = app.get("/api/v1/accounts/acme/notes").as_role(Role::Viewer).await;
    list.ok()["items"].clone()
}

#[tokio::test]
async fn a_removed_note_comes_back_with_its_files_until_it_is_forgotten() {
    let app = world().await;
    let note = add(&app, json!({ "body": "Agreed", "pinned": true })).await.ok();
    let id = note["id"].as_str().expect("an id").to_owned();
    let held = app
        .post(&format!("/api/v1/notes/{id}/attachments?name=plan.txt"))
        .as_role(Role::Csm)
        .body("the plan")
        .await
        .ok();
    let file = held["attachments"][0]["id"].as_str().expect("a file").to_owned();
    let before = shown(&app).await;
    let remove = || app.delete(&format!("/api/v1/notes/{id}")).as_role(Role::Csm);
    let restore = |role: Role| app.post(&format!("/api/v1/notes/{id}/restoration")).as_role(role);
    let counts = async |sort: &str| {
        let path = format!("/api/v1/accounts/acme/timeline?kind=work&q={sort}");
        let told = app.get(&path).as_role(Role::Viewer).await.ok();
        told["items"].as_array().map_or(0, Vec::len)
    };
    restore(Role::Csm).await.problem(409);
    for times in 1..=2 {
        remove().await.ok();
        assert_eq!(shown(&app).await, json!([]));
        remove().await.problem(404);
        app.get(&format!("/api/v1/attachments/{file}"))
            .as_role(Role::Viewer)
            .await
            .problem(404);
        app.put(&format!("/api/v1/notes/{id}"))
            .as_role(Role::Csm)
            .json(&json!({ "version": times, "body": "x" }))
            .await
            .problem(404);
        restore(Role::Viewer).await.problem(403);
        restore(if times == 1 { Role::Csm } else { Role::Manager })
            .await
            .ok();
        restore(Role::Csm).await.problem(409);
        assert_eq!(counts("note_removed").await, times);
        assert_eq!(counts("note_restored").await, times);
        let mut now = shown(&app).await;
        assert_eq!(now[0]["version"], 1 + times);
        now[0]["version"] = json!(1);
        assert_eq!(now, before);
    }
    let got = app
        .get(&format!("/api/v1/attachments/{file}"))
        .as_role(Role::Viewer)
        .await;
    assert_eq!(got.text(), "the plan");
    let audit = app
        .get(&format!("/api/v1/audit?subject=note:{id}"))
        .as_role(Role::Admin)
        .await
        .text();
    for action in ["note.remove", "note.restore"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }

    // Twenty-nine days later it is still there, on the thirty-first it is gone with its file.
    remove().await.ok();
    app.advance(jiff::SignedDuration::from_hours(24 * 29));
    assert_eq!(super::forget(&app).await.expect("forgotten"), 0);
    assert_eq!(app.count("notes").await, 1);
    app.advance(jiff::SignedDuration::from_hours(24 * 2));
    assert_eq!(super::forget(&app).await.expect("forgotten"), 1);
    for table in ["notes", "note_attachments", "note_mentions", "note_versions"] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
    let folder = app.config.data.join("attachments");
    assert_eq!(std::fs::read_dir(folder).expect("the folder").count(), 0);
    restore(Role::Csm).await.problem(404);
}

#[tokio::test]
async fn a_change_is_taken_back_and_nobody_elses_with_it() {
    let app = world().await;
    let note = add(&app, json!({ "body": "one", "pinned": true })).await.ok();
    let id = note["id"].as_str().expect("an id").to_owned();
    let change = |version: i64, body: &str| {
        app.put(&format!("/api/v1/notes/{id}"))
            .as_role(Role::Csm)
            .json(&json!({ "version": version, "body": body }))
    };
    let back = |to: i64, version: i64| {
        app.post(&format!("/api/v1/notes/{id}/versions/{to}/restoration"))
            .as_role(Role::Csm)
            .json(&json!({ "version": version }))
    };
    change(1, "two").await.ok();
    let now = back(1, 2).await.ok();
    assert_eq!(
        (&now["body"], &now["pinned"], &now["version"]),
        (&json!("one"), &json!(true), &json!(3))
    );
    // Taken back once more, the change is there again.
    assert_eq!(back(2, 3).await.ok()["body"], "two");
    // Somebody wrote in between: their words stay, and the difference is shown.
    change(4, "theirs").await.ok();
    let refused = back(1, 4).await;
    assert_eq!(refused.status, 409);
    let told = refused.json();
    assert_eq!(told["current"]["body"], "theirs");
    assert_eq!(told["difference"][0]["text"], "theirs");
    back(77, 5).await.problem(404);
    let versions = app
        .get(&format!("/api/v1/notes/{id}/versions"))
        .as_role(Role::Csm)
        .await
        .ok();
    let bodies: Vec<&str> = versions["items"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|it| it["body"].as_str().expect("a text"))
        .collect();
    assert_eq!(bodies, ["two", "one", "two", "one"]);
    // The last twenty are kept.
    for version in 5..30 {
        change(version, &format!("word {version}")).await.ok();
    }
    let versions = app
        .get(&format!("/api/v1/notes/{id}/versions"))
        .as_role(Role::Csm)
        .await
        .ok();
    assert_eq!(versions["items"].as_array().map(Vec::len), Some(20));
    assert_eq!(versions["items"][0]["version"], 29);
}
