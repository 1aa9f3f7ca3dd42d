//! Who gets what, proved against plain loops; what follows a change of owner; what is refused.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

/// Accounts with MRR, some of them owned.
async fn world(accounts: &[(&str, i64, Option<&str>)]) -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut events = Vec::new();
    let mut changes = Vec::new();
    for (id, mrr, owner) in accounts {
        events.push(event(
            id,
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": mrr }),
        ));
        changes.push(change(
            id,
            "2026-01-10",
            json!({ "employees": 10, "owner": owner }),
        ));
    }
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

async fn configure(app: &TestApp, version: i64, settings: Json) -> Json {
    app.put("/api/v1/owner-settings")
        .as_role(Role::Manager)
        .json(&json!({ "version": version, "settings": settings }))
        .await
        .ok()
}

fn owner(app: &TestApp, id: &str) -> Option<String> {
    let no = app.accounts.number(id).expect("a number");
    app.metrics.book.get(no.get()).expect("an account").owner.clone()
}

fn pools() -> Json {
    json!({
        "people": [{ "email": "Away@Example.com", "away": true }, { "email": "small@example.com", "capacity": 3 }],
        "pools": [{ "id": "digital", "name": "Digital", "members": ["away@example.com", "a@example.com", "b@example.com", "small@example.com"] }],
        "rules": [
            { "name": "Key accounts", "when": "mrr > 3500", "to": "key@example.com" },
            { "name": "The rest of the small", "when": "segment = 'digital'", "to": "pool:digital", "spread": "mrr" },
        ],
        "checklist": [{ "title": "Brief", "due_days": 2 }, { "title": "Introduce", "due_days": 5 }],
    })
}

/// The same by plain loops: every load is counted anew from all that is given so far.
fn naive(accounts: &[(&str, i64, Option<&str>)]) -> BTreeMap<String, String> {
    let mut given: Vec<(String, i64, String)> = accounts
        .iter()
        .filter_map(|(id, mrr, owner)| Some(((*id).to_owned(), *mrr, (*owner)?.to_owned())))
        .collect();
    let mut waiting: Vec<(usize, &str, i64)> = accounts
        .iter()
        .enumerate()
        .filter(|(_, account)| account.2.is_none())
        .map(|(at, account)| (at, account.0, account.1))
        .collect();
    waiting.sort_by_key(|(at, _, mrr)| (-mrr, *at));
    let mut result = BTreeMap::new();
    for (_, id, mrr) in waiting {
        let to = if mrr > 3500 {
            "key@example.com".to_owned()
        } else if mrr <= 500 {
            let members = ["a@example.com", "b@example.com", "small@example.com"];
            let load = |who: &str| {
                let mine = given.iter().filter(|(_, _, owner)| owner == who);
                mine.fold((0, 0), |(mrr, n), it| (mrr + it.1, n + 1))
            };
            let mut free: Vec<_> = members
                .into_iter()
                .filter(|who| *who != "small@example.com" || load(who).1 < 3)
                .map(|who| (load(who), who))
                .collect();
            free.sort_unstable();
            free[0].1.to_owned()
        } else {
            continue;
        };
        given.push((id.to_owned(), mrr, to.clone()));
        result.insert(id.to_owned(), to);
    }
    result
}

#[tokio::test]
async fn rules_assign_in_order_and_balance_a_pool_as_a_plain_loop_would() {
    let names: Vec<String> = (0..40).map(|n| format!("acc-{n:02}")).collect();
    let accounts: Vec<(&str, i64, Option<&str>)> = names
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let n = i64::try_from(n).expect("small");
            let mrr = match n % 8 {
                0 => 4_000 + n,
                1 => 1_000 + n,
                _ => (n * 37) % 500,
            };
            let owner = (n % 5 == 2).then_some(if n % 2 == 0 {
                "a@example.com"
            } else {
                "b@example.com"
            });
            (id.as_str(), mrr, owner)
        })
        .collect();
    let app = world(&accounts).await;
    let kept = configure(&app, 0, pools()).await;
    assert_eq!(kept["version"], 1);
    assert_eq!(kept["settings"]["people"][0]["email"], "away@example.com");

    let preview = app
        .post("/api/v1/owner-assignments/preview")
        .as_role(Role::Viewer)
        .json(&json!({ "scope": "unassigned" }))
        .await
        .ok();
    let expected = naive(&accounts);
    let shown: BTreeMap<String, String> = preview["moves"]
        .as_array()
        .expect("moves")
        .iter()
        .map(|it| (text(&it["account_id"]), text(&it["to"])))
        .collect();
    assert_eq!(shown, expected);
    assert_eq!(preview["moved"], expected.len());
    let unmatched = accounts
        .iter()
        .filter(|(_, mrr, owner)| owner.is_none() && (501..=3500).contains(mrr))
        .count();
    assert_eq!(preview["left"], unmatched);
    // Nothing moved by looking.
    assert!(expected.keys().all(|id| owner(&app, id).is_none()));

    let run = json!({ "scope": "unassigned", "version": 1 });
    let done = app
        .post("/api/v1/owner-assignments")
        .as_role(Role::Manager)
        .json(&run)
        .await
        .ok();
    assert_eq!(done["accounts"], expected.len());
    for (id, to) in &expected {
        assert_eq!(owner(&app, id).as_deref(), Some(to.as_str()), "{id}");
    }
    for load in preview["loads"].as_array().expect("loads") {
        let who = text(&load["owner"]);
        let mine = accounts
            .iter()
            .filter(|it| owner(&app, it.0).as_deref() == Some(&who));
        assert_eq!(load["accounts_after"], mine.count(), "{who}");
    }
    // The first owner of an account is no change of hands.
    assert_eq!(app.count("handovers").await, 0);
    // Again: nothing is left to move.
    let again = app
        .post("/api/v1/owner-assignments")
        .as_role(Role::Manager)
        .changes_nothing()
        .json(&run)
        .await
        .ok();
    assert_eq!((&again["id"], &again["accounts"]), (&Json::Null, &json!(0)));
}

fn text(value: &Json) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_bulk_change_starts_hand_overs_that_are_ticked_off_and_can_be_taken_back() {
    let app = world(&[
        ("one", 100, Some("a@example.com")),
        ("two", 200, Some("a@example.com")),
        ("three", 300, Some("c@example.com")),
    ])
    .await;
    configure(&app, 0, pools()).await;
    let moved = app
        .post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["one", "two", "three", "one"], "to": "b@example.com", "reason": "leave of absence" }))
        .await
        .ok();
    assert_eq!(moved["accounts"], 3);
    let open = app
        .get("/api/v1/handovers?owner=b@example.com")
        .as_role(Role::Viewer)
        .await
        .ok();
    let open = open["items"].as_array().expect("hand-overs").clone();
    assert_eq!(open.len(), 3);
    let first = open
        .iter()
        .find(|it| it["account_id"] == "one")
        .expect("one for each");
    assert_eq!(first["from"], "a@example.com");
    assert_eq!(first["items"][0]["title"], "Brief");
    assert_eq!(first["items"][1]["due_on"], "2026-07-05");
    let id = text(&first["id"]);
    let tick = |no: u8| format!("/api/v1/handovers/{id}/items/{no}/tick");
    app.put(&tick(1)).as_role(Role::Viewer).await.problem(403);
    let half = app.put(&tick(1)).as_role(Role::Csm).await.ok();
    assert_eq!(half["items"][0]["done_by"], "user:test-csm");
    assert_eq!(half["closed_at"], Json::Null);
    let whole = app.put(&tick(2)).as_role(Role::Csm).await.ok();
    assert_eq!(whole["closed_as"], "done");
    let reopened = app.delete(&tick(2)).as_role(Role::Csm).await.ok();
    assert_eq!(reopened["closed_as"], Json::Null);
    app.put(&tick(9)).as_role(Role::Csm).await.problem(404);
    let told = app
        .get("/api/v1/accounts/one/timeline?kind=work")
        .as_role(Role::Viewer)
        .await
        .ok();
    let names: Vec<String> = told["items"]
        .as_array()
        .expect("events")
        .iter()
        .map(|it| text(&it["name"]))
        .collect();
    assert_eq!(names.iter().filter(|name| *name == "task_completed").count(), 2);
    assert_eq!(names.iter().filter(|name| *name == "task_created").count(), 1);

    // One goes elsewhere meanwhile; taking the change back leaves it where it is.
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["three"], "to": "d@example.com" }))
        .await
        .ok();
    let undo = format!("/api/v1/reassignments/{}/undo", text(&moved["id"]));
    app.post(&undo).as_role(Role::Csm).await.problem(403);
    let back = app.post(&undo).as_role(Role::Manager).await.ok();
    assert_eq!((&back["accounts"], &back["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(owner(&app, "one").as_deref(), Some("a@example.com"));
    assert_eq!(owner(&app, "three").as_deref(), Some("d@example.com"));
    app.post(&undo).as_role(Role::Manager).await.problem(409);
    // The untouched checklist of “two” is closed with the change that it came from; that of “one” had a tick and stays.
    let two: Vec<Json> = super::handover::of_account(&app, app.accounts.number("two").expect("no").get(), 9)
        .await
        .expect("hand-overs")
        .iter()
        .map(|it| json!(it.closed_as))
        .collect();
    assert_eq!(two, [json!("taken_back")]);
    let audited = app.audited().await;
    assert_eq!(audited.iter().filter(|it| *it == "owner.reassign").count(), 3);
}

#[tokio::test]
async fn an_owner_counts_from_the_day_of_the_change() {
    let app = world(&[("one", 100, Some("a@example.com"))]).await;
    app.advance(jiff::SignedDuration::from_hours(48));
    app.catch_up().await.expect("caught up");
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["one"], "to": null }))
        .await
        .ok();
    for (day, held) in [("2026-07-01", json!("a@example.com")), ("2026-07-02", Json::Null)] {
        let page = app
            .get(&format!("/api/v1/accounts/one?as_of={day}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        assert_eq!(page["owner"], held, "{day}");
    }
    let nobody = app
        .get("/api/v1/owners/attention?view=unassigned")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&nobody["total"], &nobody["items"][0]["account_id"]),
        (&json!(1), &json!("one"))
    );
}

#[tokio::test]
async fn live_rules_take_what_is_new_and_leave_what_was_let_go_by_hand() {
    let app = world(&[("held", 100, Some("a@example.com"))]).await;
    let mut settings = pools();
    settings["live"] = json!(true);
    configure(&app, 0, settings).await;
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["held"], "to": null }))
        .await
        .ok();
    app.advance(jiff::SignedDuration::from_secs(1));
    store(
        &app,
        vec![event(
            "new",
            "2026-06-20",
            "subscription_started",
            json!({ "mrr": 9_000 }),
        )],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(owner(&app, "new").as_deref(), Some("key@example.com"));
    assert_eq!(owner(&app, "held"), None);
    let list = app
        .get("/api/v1/reassignments?limit=1")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(list["items"][0]["cause"], "live");
    assert_eq!(list["items"][0]["actor"], "rules");
    let next = text(&list["next_cursor"]);
    let rest = app
        .get(&format!("/api/v1/reassignments?cursor={next}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_segment_that_the_owner_does_not_serve_asks_for_another() {
    let app = world(&[("grows", 100, Some("small@example.com"))]).await;
    let mut settings = pools();
    settings["people"] = json!([{ "email": "small@example.com", "segments": ["digital"] }]);
    configure(&app, 0, settings).await;
    let up = event(
        "grows",
        "2026-06-29",
        "mrr_changed",
        json!({ "to": 5000, "reason": "upsell" }),
    );
    store(&app, vec![up], vec![]).await;
    app.catch_up().await.expect("caught up");
    let unserved = app
        .get("/api/v1/owners/attention?view=unserved")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(unserved["items"][0]["account_id"], "grows");
    let open = app.get("/api/v1/handovers").as_role(Role::Viewer).await.ok();
    assert_eq!(open["items"][0]["cause"], "segment");
    assert_eq!(open["items"][0]["items"].as_array().map(Vec::len), Some(3));
    let trial = json!({ "scope": "unserved" });
    let preview = app
        .post("/api/v1/owner-assignments/preview")
        .as_role(Role::Viewer)
        .json(&trial)
        .await
        .ok();
    assert_eq!(preview["moves"][0]["to"], "key@example.com");
}

#[tokio::test]
async fn who_was_not_touched_in_time_is_found_as_by_hand() {
    let app = world(&[
        ("quiet", 100, Some("a@example.com")),
        ("touched", 100, Some("a@example.com")),
        ("edge", 100, None),
        ("key", 9_000, None),
    ])
    .await;
    // The cadence of digital is 90 days, of strategic 30; today is 30 June 2026.
    let events = vec![
        event("quiet", "2026-03-31", "call_logged", json!({})),
        event("touched", "2026-06-01", "call_logged", json!({})),
        event("edge", "2026-04-01", "call_logged", json!({})),
        event("key", "2026-05-30", "call_logged", json!({})),
    ];
    store(&app, events, vec![]).await;
    app.catch_up().await.expect("caught up");
    let found = app
        .get("/api/v1/owners/attention?view=not_managed")
        .as_role(Role::Viewer)
        .await
        .ok();
    let lines: Vec<(String, i64)> = found["items"]
        .as_array()
        .expect("accounts")
        .iter()
        .map(|it| {
            (
                text(&it["account_id"]),
                it["days_since_touch"].as_i64().expect("days"),
            )
        })
        .collect();
    assert_eq!(lines, [("key".to_owned(), 31), ("quiet".to_owned(), 91)]);
    let owners = app.get("/api/v1/owners").as_role(Role::Viewer).await.ok();
    let line = |who: &str| {
        let all = owners["owners"].as_array().expect("owners");
        all.iter().find(|it| it["owner"] == who).cloned().expect("a line")
    };
    let ann = line("a@example.com");
    assert_eq!(
        (
            &ann["accounts"],
            &ann["mrr"],
            &ann["not_managed"],
            &ann["renewals"]
        ),
        (&json!(2), &json!(200.0), &json!(1), &json!(0))
    );
    assert_eq!(line("(none)")["accounts"], 2);
    let book = app
        .get("/api/v1/owners/a@example.com/book")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(book["not_managed"][0]["account_id"], "quiet");
    app.get("/api/v1/owners/nobody@example.com/book")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_a_remedy() {
    let app = world(&[("one", 100, None)]).await;
    let refused = async |field: &str, value: Json| {
        let mut settings = pools();
        settings[field] = value;
        app.put("/api/v1/owner-settings")
            .as_role(Role::Manager)
            .json(&json!({ "version": 0, "settings": settings }))
            .await
            .problem(422)
    };
    for (field, value, at) in [
        ("people", json!([{ "email": "nobody" }]), "people[0].email"),
        (
            "people",
            json!([{ "email": "a@b.c" }, { "email": "A@b.c" }]),
            "people[1].email",
        ),
        (
            "people",
            json!([{ "email": "a@b.c", "segments": ["gold"] }]),
            "people[0].segments",
        ),
        (
            "pools",
            json!([{ "id": "Not an id", "name": "x", "members": [] }]),
            "pools[0].id",
        ),
        (
            "rules",
            json!([{ "name": "r", "when": "mmr > 1", "to": "a@b.c" }]),
            "rules[0].when",
        ),
        (
            "rules",
            json!([{ "name": "r", "when": "mrr > 1", "to": "pool:none" }]),
            "rules[0].to",
        ),
        (
            "rules",
            json!([{ "name": "r", "when": "mrr > 1", "to": "a@b.c", "spread": "mrr" }]),
            "rules[0].spread",
        ),
        (
            "checklist",
            json!([{ "title": "", "due_days": 1 }]),
            "checklist[0].title",
        ),
    ] {
        let problem = refused(field, value).await;
        assert_eq!(problem["errors"][0]["field"], at, "{problem}");
        assert!(
            problem["errors"][0]["remedy"]
                .as_str()
                .is_some_and(|it| !it.is_empty())
        );
    }
    configure(&app, 0, pools()).await;
    // The second editor is not let over the first.
    app.put("/api/v1/owner-settings")
        .as_role(Role::Manager)
        .json(&json!({ "version": 0, "settings": pools() }))
        .await
        .problem(409);
    for ids in [
        json!(["null"]),
        json!(["undefined"]),
        json!([" "]),
        json!(["x".repeat(10_240)]),
        json!([]),
    ] {
        app.post("/api/v1/reassignments")
            .as_role(Role::Manager)
            .json(&json!({ "accounts": ids, "to": "a@example.com" }))
            .await
            .problem(422);
    }
    // The id with white space around it is the id.
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": [" one "], "to": "a@example.com" }))
        .await
        .ok();
    for cursor in ["-1", "9~", "x", "99999999999999999999~a", "%27--"] {
        let list = format!("/api/v1/owners/attention?view=unassigned&cursor={cursor}");
        app.get(&list).as_role(Role::Viewer).await.problem(422);
    }
    app.get("/api/v1/reassignments?cursor=%27%20OR%201=1")
        .as_role(Role::Viewer)
        .await
        .problem(422);
    app.get("/api/v1/owners/attention?view=other")
        .as_role(Role::Viewer)
        .await
        .problem(400);
}
