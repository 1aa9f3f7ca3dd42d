//! Segments: the edges of the definitions, moves, previews and the event that a move leaves.

mod past;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

async fn world() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = |id: &str, mrr: Json| event(id, "2026-01-10", "subscription_started", json!({ "mrr": mrr }));
    let events = vec![
        start("exactly", json!(3500)),
        start("above", json!(3500.01)),
        start("small", json!(500)),
        start("zero", json!(0)),
        start("cent", json!(500.01)),
        start("staff", json!(400)),
        start("unknown", json!(400)),
        start("no-mrr", Json::Null),
        start("left", json!(400)),
        event("left", "2026-03-01", "churned", json!({ "reason": "pricing" })),
    ];
    let said = |id: &str, employees: i32| change(id, "2026-01-01", json!({ "employees": employees }));
    let mut changes = vec![
        said("exactly", 10),
        said("small", 50),
        said("zero", 0),
        said("cent", 50),
        said("staff", 51),
        said("left", 20),
    ];
    // Had it not left, this would make it a core account.
    changes.push(change("left", "2026-05-01", json!({ "employees": 900 })));
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

async fn segments(app: &TestApp, query: &str) -> Json {
    app.get(&format!("/api/v1/segments{query}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

fn now(app: &TestApp, id: &str) -> (String, Vec<String>) {
    let entry = app.metrics.book.all().into_iter().find(|e| e.id == id).expect(id);
    let flags = entry.head.flags.iter().map(|flag| flag.code.clone()).collect();
    (entry.now().expect("a span").segment.clone(), flags)
}

#[tokio::test]
async fn edges_of_the_definitions() {
    let app = world().await;
    for (id, segment, flagged) in [
        ("exactly", "core", false),
        ("above", "strategic", false),
        ("small", "digital", false),
        ("zero", "digital", false),
        ("cent", "core", false),
        ("staff", "core", false),
        ("unknown", "core", true),
        ("no-mrr", "unclassified", true),
        ("left", "digital", false),
    ] {
        let (held, flags) = now(&app, id);
        assert_eq!(
            (held.as_str(), !flags.is_empty()),
            (segment, flagged),
            "{id}: {flags:?}"
        );
    }
    let shown = segments(&app, "").await;
    assert_eq!(shown["total"], 8);
    assert_eq!(shown["unclassified"]["accounts"], 1);
    assert_eq!(shown["categorized"], json!(7.0 / 8.0));
    let active: Vec<(&str, i64, i64)> = shown["segments"]
        .as_array()
        .expect("segments")
        .iter()
        .map(|s| {
            (
                s["id"].as_str().expect("id"),
                s["active"].as_i64().expect("n"),
                s["accounts"].as_i64().expect("n"),
            )
        })
        .collect();
    // The one that left is still an account of its last segment.
    assert_eq!(active, [("strategic", 1, 1), ("digital", 2, 3), ("core", 4, 4)]);
    let before = segments(&app, "?as_of=2026-02-01").await;
    assert_eq!(before["total"], 9);
}

#[tokio::test]
async fn a_preview_shows_exactly_who_moves() {
    let app = world().await;
    let rules = json!({
        "unclassified": "mrr IS NULL",
        "segments": [
            { "id": "strategic", "rule": "mrr >= 3500" },
            { "id": "digital", "rule": "mrr <= 500 AND employees <= 51" },
            { "id": "core", "rule": "TRUE" },
        ],
    });
    let preview = app
        .post("/api/v1/segments/preview")
        .as_role(Role::Viewer)
        .json(&rules)
        .await
        .ok();
    let moves: Vec<(String, String, Vec<String>)> = preview["moves"]
        .as_array()
        .expect("moves")
        .iter()
        .map(|m| {
            let text = |v: &Json| v.as_str().expect("a text").to_owned();
            (
                text(&m["from"]),
                text(&m["to"]),
                m["sample"]
                    .as_array()
                    .expect("sample")
                    .iter()
                    .map(|s| text(&s["account_id"]))
                    .collect(),
            )
        })
        .collect();
    let expected: [(&str, &str, &str); 2] = [("core", "digital", "staff"), ("core", "strategic", "exactly")];
    let expected: Vec<_> = expected
        .iter()
        .map(|(from, to, who)| ((*from).to_owned(), (*to).to_owned(), vec![(*who).to_owned()]))
        .collect();
    assert_eq!(moves, expected);
    assert_eq!(
        (&preview["total"], &preview["unclassified"]),
        (&json!(8), &json!(1))
    );
    // Nothing was moved by looking.
    assert_eq!(now(&app, "exactly").0, "core");
    let wrong = json!({ "segments": [{ "id": "x", "rule": "mmr > 1" }] });
    let problem = app
        .post("/api/v1/segments/preview")
        .as_role(Role::Viewer)
        .json(&wrong)
        .await
        .problem(422);
    assert!(problem.to_string().contains("mrr"), "{problem}");
}

#[tokio::test]
async fn a_move_leaves_one_event_and_a_history() {
    let app = world().await;
    let changed = async || {
        let sql = "SELECT count(*) AS n FROM events WHERE name = 'segment_changed'";
        let context = app
            .lake
            .context(&crate::events::snapshot(&app).await.expect("a snapshot"));
        let batches = context.query(sql).await.expect("a count");
        tenure_lake::arrow::util::pretty::pretty_format_batches(&batches)
            .expect("a table")
            .to_string()
    };
    assert!(changed().await.contains("| 0 |"), "{}", changed().await);
    store(
        &app,
        vec![event(
            "small",
            "2026-06-20",
            "mrr_changed",
            json!({ "to": 4000, "reason": "upsell" }),
        )],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    app.catch_up().await.expect("caught up");
    assert!(changed().await.contains("| 1 |"), "{}", changed().await);
    // A full pass over the same history is no move.
    let mut files = medtrainer();
    let text = files.get_mut("segments.yaml").expect("the segments");
    *text = text.replace("label: Core", "label: The core");
    apply(&app, &files).await;
    assert!(changed().await.contains("| 1 |"), "{}", changed().await);
    let entry = app
        .metrics
        .book
        .all()
        .into_iter()
        .find(|e| e.id == "small")
        .expect("the account");
    let line: Vec<(String, String)> = entry
        .head
        .spans
        .iter()
        .filter(|s| s.active)
        .map(|s| {
            (
                crate::metrics::facts::date_of(s.from).to_string(),
                s.segment.clone(),
            )
        })
        .collect();
    assert_eq!(
        line,
        [
            ("2026-01-10".to_owned(), "digital".to_owned()),
            ("2026-06-20".to_owned(), "strategic".to_owned())
        ]
    );
    let seen = crate::events::timeline(
        &app,
        entry.no,
        &crate::events::TimelineFilter {
            limit: 100,
            ..Default::default()
        },
    )
    .await
    .expect("the timeline");
    let moves: Vec<Json> = seen
        .iter()
        .filter(|row| row.name == "segment_changed")
        .map(|row| serde_json::from_str(&row.properties).expect("properties"))
        .collect();
    assert_eq!(moves.len(), 1);
    assert_eq!(
        (&moves[0]["from"], &moves[0]["to"]),
        (&json!("digital"), &json!("strategic"))
    );
    assert!(
        moves[0]["why"].as_str().is_some_and(|why| why.contains("mrr")),
        "{}",
        moves[0]
    );
}
