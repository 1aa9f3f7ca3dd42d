//! Tests of the slice, through the database and HTTP.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value as Json, json};
use tenure_store::{Execute, StoreResult, args};

use super::{AccountChange, AccountNo, Applied, Change, ContactChange, Context, Directory, load, normalise};
use crate::App;
use crate::auth::Role;
use crate::testing::TestApp;

const DAY: i64 = 86_400_000_000;

async fn apply(app: &App, changes: &[Change]) -> Applied {
    let zone = TimeZone::UTC;
    let mut stage = app.accounts.stage(Context {
        source: "test",
        now: app.clock.micros(),
        zone: &zone,
    });
    let tx = app.store.begin().await.unwrap();
    let applied = stage.apply(&tx, changes).await.unwrap();
    tx.commit().await.unwrap();
    stage.publish();
    applied
}

fn account(id: &str, at: i64, attributes: Json) -> Change {
    let Json::Object(attributes) = attributes else {
        panic!("an object")
    };
    Change::Account(AccountChange {
        id: id.to_owned(),
        at,
        attributes,
        ..AccountChange::default()
    })
}

fn contact(id: &str, account: Option<&str>, at: i64) -> ContactChange {
    ContactChange {
        id: id.to_owned(),
        account: account.map(str::to_owned),
        at,
        ..ContactChange::default()
    }
}

fn alias(previous: &str, id: &str) -> Change {
    Change::Alias {
        previous: previous.to_owned(),
        id: id.to_owned(),
        at: DAY,
    }
}

fn device(anonymous: &str, id: &str) -> Change {
    Change::Device {
        anonymous: anonymous.to_owned(),
        id: id.to_owned(),
    }
}

async fn attributes(app: &App, id: &str) -> Map<String, Json> {
    let row = app
        .store
        .one("SELECT attributes FROM accounts WHERE id = $1", args![id])
        .await
        .unwrap()
        .unwrap();
    serde_json::from_str(&row.get::<String>("attributes").unwrap()).unwrap()
}

/// day → value of one field of one account.
async fn history(app: &App, id: &str, field: &str) -> BTreeMap<i64, Json> {
    let sql = "SELECT c.day, c.value FROM account_changes c JOIN accounts a ON a.no = c.account_no WHERE a.id = $1 AND c.field = $2";
    let rows = app.store.all(sql, args![id, field]).await.unwrap();
    let value = |text: Option<String>| text.map_or(Json::Null, |text| serde_json::from_str(&text).unwrap());
    rows.iter()
        .map(|row| (row.get("day").unwrap(), value(row.get("value").unwrap())))
        .collect()
}

#[tokio::test]
async fn a_stub_keeps_its_number_and_becomes_an_account() {
    let app = TestApp::new().await;
    let zone = TimeZone::UTC;
    let context = Context {
        source: "test",
        now: 5,
        zone: &zone,
    };
    let mut stage = app.accounts.stage(context);
    let tx = app.store.begin().await.unwrap();
    let numbers = stage.numbers(&tx, ["a", "b", "a"]).await.unwrap();
    assert_eq!(stage.numbers(&tx, ["a"]).await.unwrap()["a"], numbers["a"]);
    assert_ne!(numbers["a"], numbers["b"]);
    assert_eq!(
        app.accounts.number("a"),
        None,
        "nothing is known before the commit"
    );
    tx.commit().await.unwrap();
    stage.publish();
    assert_eq!(app.accounts.number("a"), Some(numbers["a"]));
    assert_eq!(app.accounts.account_id(numbers["b"]).as_deref(), Some("b"));

    let change = AccountChange {
        id: "a".to_owned(),
        name: Some("Alpha".to_owned()),
        at: DAY,
        ..AccountChange::default()
    };
    let applied = apply(&app, &[Change::Account(change)]).await;
    assert_eq!(applied.accounts.len(), 1);
    assert!(applied.accounts[0].first);
    assert_eq!(applied.accounts[0].no, numbers["a"]);
    assert_eq!(
        applied.accounts[0].fields,
        [("name".to_owned(), Json::Null, json!("Alpha"))]
    );
    let row = app
        .store
        .one("SELECT name, stub FROM accounts WHERE id = 'a'", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            row.get::<String>("name").unwrap().as_str(),
            row.get::<bool>("stub").unwrap()
        ),
        ("Alpha", false)
    );
}

#[tokio::test]
async fn what_is_rolled_back_is_not_known() {
    let app = TestApp::new().await;
    let zone = TimeZone::UTC;
    let mut stage = app.accounts.stage(Context {
        source: "test",
        now: 5,
        zone: &zone,
    });
    let tx = app.store.begin().await.unwrap();
    stage.numbers(&tx, ["a"]).await.unwrap();
    tx.rollback().await.unwrap();
    drop(stage);
    assert_eq!(app.accounts.number("a"), None);
    apply(&app, &[account("b", 1, json!({}))]).await;
    assert_eq!(app.accounts.number("b"), Some(AccountNo::new(1)));
}

#[tokio::test]
async fn a_change_leaves_a_row_and_a_repetition_does_not() {
    let app = TestApp::new().await;
    let first = apply(
        &app,
        &[account("a", 10 * DAY, json!({"employees": 20, "plan": "pro"}))],
    )
    .await;
    assert_eq!(first.accounts[0].fields.len(), 2);
    let again = apply(
        &app,
        &[account("a", 12 * DAY, json!({"employees": 20, "plan": "pro"}))],
    )
    .await;
    assert_eq!(again.accounts, []);
    let changed = apply(
        &app,
        &[account("a", 14 * DAY + 5, json!({"employees": 30, "plan": null}))],
    )
    .await;
    assert_eq!(
        changed.accounts[0].fields,
        [
            ("employees".to_owned(), json!(20), json!(30)),
            ("plan".to_owned(), json!("pro"), Json::Null)
        ]
    );
    assert_eq!(changed.accounts[0].from_day, 14);
    assert_eq!(
        history(&app, "a", "employees").await,
        BTreeMap::from([(10, json!(20)), (14, json!(30))])
    );
    assert_eq!(
        history(&app, "a", "plan").await,
        BTreeMap::from([(10, json!("pro")), (14, Json::Null)])
    );
    assert_eq!(
        Json::Object(attributes(&app, "a").await),
        json!({"employees": 30})
    );
}

#[tokio::test]
async fn an_older_change_takes_its_place_in_the_past() {
    let app = TestApp::new().await;
    apply(&app, &[account("a", 20 * DAY, json!({"employees": 50}))]).await;
    let late = apply(
        &app,
        &[account(
            "a",
            10 * DAY,
            json!({"employees": 20, "industry": "dental"}),
        )],
    )
    .await;
    assert_eq!(
        late.accounts[0].fields,
        [("industry".to_owned(), Json::Null, json!("dental"))]
    );
    assert_eq!(late.accounts[0].from_day, 10);
    assert_eq!(
        Json::Object(attributes(&app, "a").await),
        json!({"employees": 50, "industry": "dental"})
    );
    assert_eq!(
        history(&app, "a", "employees").await,
        BTreeMap::from([(10, json!(20)), (20, json!(50))])
    );
    // Earlier on the day whose end is known: the day keeps its end.
    apply(
        &app,
        &[
            account("a", 20 * DAY - 5 + DAY, json!({"employees": 60})),
            account("a", 20 * DAY + 7, json!({"employees": 55})),
        ],
    )
    .await;
    assert_eq!(
        history(&app, "a", "employees").await,
        BTreeMap::from([(10, json!(20)), (20, json!(60))])
    );
}

/// Random changes in random order and random batches end in the same history as when all are laid out by time.
#[tokio::test]
async fn the_order_of_arrival_does_not_matter() {
    for seed in 0..8 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut changes: Vec<(usize, i64, i64)> = Vec::new();
        for value in 0..60_i64 {
            // Instants are unique, so that “the newest” is always one.
            changes.push((
                random.random_range(0..3),
                random.random_range(0..30) * DAY + value,
                value,
            ));
        }
        let mut expected: BTreeMap<usize, BTreeMap<i64, (i64, i64)>> = BTreeMap::new();
        for (who, at, value) in &changes {
            let entry = expected
                .entry(*who)
                .or_default()
                .entry(at.div_euclid(DAY))
                .or_insert((*at, *value));
            *entry = (*entry).max((*at, *value));
        }
        let app = TestApp::new().await;
        changes.shuffle(&mut random);
        let mut rest = changes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.random_range(1..=rest.len().min(9)));
            rest = later;
            let batch: Vec<Change> = now
                .iter()
                .map(|(who, at, value)| account(&format!("a{who}"), *at, json!({ "n": value })))
                .collect();
            apply(&app, &batch).await;
        }
        for (who, days) in expected {
            let id = format!("a{who}");
            let ends: BTreeMap<i64, Json> = days
                .iter()
                .map(|(day, (_, value))| (*day, json!(value)))
                .collect();
            assert_eq!(history(&app, &id, "n").await, ends, "seed {seed}");
            let newest = days.values().max().unwrap().1;
            assert_eq!(attributes(&app, &id).await["n"], json!(newest), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn days_are_counted_in_the_zone_of_the_program() {
    let app = TestApp::new().await;
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let mut stage = app.accounts.stage(Context {
        source: "test",
        now: 0,
        zone: &zone,
    });
    let tx = app.store.begin().await.unwrap();
    // 2026-07-01T06:59:59Z is still the 30th of June there.
    let at = "2026-07-01T06:59:59Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_microsecond();
    stage
        .apply(
            &tx,
            &[
                account("a", at, json!({"x": 1})),
                account("a", at + 1_000_000, json!({"x": 2})),
            ],
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // 2026-06-30 is day 20,634 after 1970-01-01.
    assert_eq!(
        history(&app, "a", "x").await,
        BTreeMap::from([(20_634, json!(1)), (20_635, json!(2))])
    );
}

#[tokio::test]
async fn contacts_are_merged_by_time() {
    let app = TestApp::new().await;
    let mut described = contact("u", Some("acme"), 10);
    described.email = Some("u@acme.example".to_owned());
    described.attributes = Map::from_iter([("phone".to_owned(), json!("1"))]);
    let mut older = contact("u", Some("other"), 5);
    older.email = Some("old@acme.example".to_owned());
    older.title = Some("Nurse".to_owned());
    older.attributes = Map::from_iter([
        ("phone".to_owned(), json!("0")),
        ("city".to_owned(), json!("Lyon")),
    ]);
    apply(&app, &[Change::Contact(described), Change::Contact(older)]).await;
    let page = app
        .get("/api/v1/contacts?account=acme")
        .as_role(Role::Viewer)
        .await
        .ok();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["email"], "u@acme.example");
    assert_eq!(items[0]["title"], "Nurse");
    assert_eq!(items[0]["attributes"], json!({"phone": "1", "city": "Lyon"}));
    let known = app.accounts.contact("u").unwrap();
    assert_eq!(known.account_id.as_deref(), Some("acme"));
    // The account that only the contact named is a stub.
    assert_eq!(
        app.get("/api/v1/contacts?account=other")
            .as_role(Role::Viewer)
            .await
            .ok()["items"],
        json!([])
    );
}

fn id_of(directory: &Directory, id: &str) -> Option<String> {
    directory.contact(id).map(|known| known.id)
}

#[tokio::test]
async fn aliases_end_in_one_contact_and_never_in_a_ring() {
    let app = TestApp::new().await;
    let mut first = contact("a", Some("acme"), 1);
    first.name = Some("Ann".to_owned());
    apply(
        &app,
        &[
            Change::Contact(first),
            Change::Contact(contact("b", None, 2)),
            Change::Contact(contact("c", None, 2)),
        ],
    )
    .await;
    // a → b → c, then back to a, and into itself.
    apply(&app, &[device("anon", "a"), alias("a", "b"), alias("b", "c")]).await;
    apply(
        &app,
        &[
            alias("c", "a"),
            alias("c", "c"),
            alias("a", "a"),
            alias("anon", "c"),
        ],
    )
    .await;
    for id in ["a", "b", "c", "anon"] {
        assert_eq!(id_of(&app.accounts, id).as_deref(), Some("c"), "{id}");
    }
    assert_eq!(app.count("contacts").await, 1);
    let page = app.get("/api/v1/contacts").as_role(Role::Viewer).await.ok();
    assert_eq!(
        (&page["items"][0]["contact_id"], &page["items"][0]["name"]),
        (&json!("c"), &json!("Ann"))
    );
    assert_eq!(page["items"][0]["account_id"], "acme");
}

#[tokio::test]
async fn a_shared_device_joins_nobody() {
    let app = TestApp::new().await;
    apply(
        &app,
        &[
            device("kiosk", "ann"),
            device("kiosk", "bob"),
            alias("kiosk", "cid"),
        ],
    )
    .await;
    for id in ["ann", "bob", "cid"] {
        assert_eq!(id_of(&app.accounts, id).as_deref(), Some(id));
    }
    assert_eq!(id_of(&app.accounts, "kiosk").as_deref(), Some("cid"));
    // An id that is somebody's own is never taken for a device.
    apply(&app, &[device("ann", "bob")]).await;
    assert_eq!(id_of(&app.accounts, "ann").as_deref(), Some("ann"));
}

#[tokio::test]
async fn the_directory_is_the_same_after_a_restart() {
    let app = TestApp::new().await;
    let mut random = StdRng::seed_from_u64(7);
    let name = |n: usize| {
        if n.is_multiple_of(7) {
            format!("ü-{n} é")
        } else {
            format!("u{n}")
        }
    };
    for _ in 0..30 {
        let changes: Vec<Change> = (0..20)
            .map(|_| {
                let (a, b) = (random.random_range(0..60), random.random_range(0..60));
                match random.random_range(0..4) {
                    0 => alias(&name(a), &name(b)),
                    1 => device(&format!("d{a}"), &name(b)),
                    _ => Change::Contact(contact(
                        &name(a),
                        Some(&format!("acc{}", b % 9)),
                        random.random_range(0..1000),
                    )),
                }
            })
            .collect();
        apply(&app, &changes).await;
    }
    let fresh = Directory::default();
    load(&app.store, &fresh).await.unwrap();
    for n in 0..60 {
        for id in [name(n), format!("d{n}")] {
            assert_eq!(fresh.contact(&id), app.accounts.contact(&id), "{id}");
        }
        let id = format!("acc{n}");
        assert_eq!(fresh.number(&id), app.accounts.number(&id));
    }
    // No contact is an alias at the same time, and every alias ends in a contact.
    let rows = app
        .store
        .all("SELECT alias, contact_id FROM contact_aliases", vec![])
        .await
        .unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let (alias, to): (String, String) = (row.get("alias").unwrap(), row.get("contact_id").unwrap());
        let is_contact = |id: String| async { exists(&app, id).await.unwrap() };
        assert!(!is_contact(alias.clone()).await, "{alias} is both");
        assert!(
            is_contact(to.clone()).await,
            "{alias} ends in {to}, which is no contact"
        );
    }
}

async fn exists(app: &App, id: String) -> StoreResult<bool> {
    Ok(app
        .store
        .one("SELECT id FROM contacts WHERE id = $1", args![id])
        .await?
        .is_some())
}

#[tokio::test]
async fn contacts_come_in_pages_and_are_found_by_text() {
    let app = TestApp::new().await;
    let changes: Vec<Change> = (0..25)
        .map(|n| {
            let mut change = contact(&format!("c{n:02}"), Some("acme"), 1);
            change.email = Some(format!("person_{n}%@acme.example"));
            Change::Contact(change)
        })
        .collect();
    apply(&app, &changes).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app
            .get(&format!("/api/v1/contacts?limit=10{cursor}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["contact_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, (0..25).map(|n| format!("c{n:02}")).collect::<Vec<_>>());
    for (q, found) in [
        ("PERSON_7%25", 1),
        ("_7%25%40", 1),
        ("personx7", 0),
        ("c1", 10),
        ("%5C", 0),
    ] {
        let page = app
            .get(&format!("/api/v1/contacts?q={q}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{q}");
    }
    app.get("/api/v1/contacts?account=nobody")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}

#[tokio::test]
async fn text_that_a_database_cannot_hold_is_cleaned() {
    let app = TestApp::new().await;
    let mut change = contact("c", None, 1);
    change.name = Some("A\0nn".to_owned());
    let mut described = AccountChange {
        id: "a".to_owned(),
        name: Some("Al\0pha".to_owned()),
        at: 1,
        ..AccountChange::default()
    };
    described.attributes = Map::from_iter([("no\0te".to_owned(), json!("x\0y"))]);
    apply(&app, &[Change::Contact(change), Change::Account(described)]).await;
    assert_eq!(attributes(&app, "a").await["no\0te"], json!("x\0y"));
    assert_eq!(history(&app, "a", "note").await.len(), 1);
}

#[test]
fn ids_have_one_form() {
    let same = |raw: &str| normalise(raw).unwrap().unwrap().into_owned();
    assert_eq!(same("  acme\u{a0}\n"), "acme");
    assert_eq!(same("caf\u{65}\u{301}"), "caf\u{e9}");
    assert_eq!(same("İ"), "İ");
    assert_ne!(same("ID"), same("id"));
    for kept in ["0", "🦷", "null1", "a b", "O'Brien; DROP TABLE"] {
        assert_eq!(same(kept), kept);
    }
    for none in ["", "  ", "\t", "\u{feff}", "\u{200b} "] {
        assert_eq!(normalise(none), Ok(None), "{none:?}");
    }
    for wrong in [
        "null",
        "undefined",
        " NaN ",
        "[object Object]",
        "None",
        "a\0b",
        "a\nb",
        &"x".repeat(513),
        &"é".repeat(257),
    ] {
        assert!(normalise(wrong).is_err(), "{wrong:?}");
    }
    assert!(normalise(&"x".repeat(512)).is_ok());
}

#[tokio::test]
async fn accounts_that_lie_close_together_are_read_as_those_that_do_not() {
    let app = TestApp::new().await;
    let ids: Vec<String> = (1..=9).map(|at| format!("A-{at}")).collect();
    let all: Vec<Change> = ids
        .iter()
        .map(|id| account(id, DAY, json!({ "x": id })))
        .collect();
    apply(&app, &all).await;
    let nos: Vec<i64> = ids
        .iter()
        .map(|id| app.accounts.number(id).expect("an account").get())
        .collect();
    // A-5 is shown in A-4 and not by itself.
    let tx = app.store.begin().await.unwrap();
    let merge = super::merges::Merge {
        id: "m-1".to_owned(),
        merged: AccountNo::new(nos[4]),
        survivor: AccountNo::new(nos[3]),
        choices: BTreeMap::new(),
        at: DAY,
        actor: "test".to_owned(),
        parted_at: None,
        parted_by: None,
    };
    super::merges::merge(&tx, &merge, 1).await.unwrap();
    tx.commit().await.unwrap();
    let shown = |at: &[usize]| {
        let nos: Vec<i64> = at.iter().map(|at| nos[*at - 1]).collect();
        let app = &app;
        async move {
            let told = super::merges::told_now(&app.store, &nos).await.unwrap();
            told.into_values().map(|it| it.id).collect::<Vec<_>>()
        }
    };
    // Close together in any order, far apart, one alone, none.
    assert_eq!(shown(&[7, 4, 5, 8]).await, ["A-4", "A-7", "A-8"]);
    assert_eq!(shown(&[1, 4, 9]).await, ["A-1", "A-4", "A-9"]);
    assert_eq!(shown(&[2, 3, 5]).await, ["A-2", "A-3"]);
    assert_eq!(shown(&[6]).await, ["A-6"]);
    assert_eq!(shown(&[]).await, [""; 0]);
}

#[tokio::test]
async fn some_fields_tell_what_all_of_them_tell_and_when_the_account_was_first_heard_of() {
    let app = TestApp::new().await;
    let day = |n: i64| DAY + n * 86_400_000_000;
    let all: Vec<Change> = [
        account("A-1", day(3), json!({ "seats": 5, "plan": "basic" })),
        account("A-1", day(7), json!({ "seats": 9 })),
        account("A-2", day(2), json!({ "plan": "plus" })),
        account("A-4", day(5), json!({ "seats": 1 })),
        account("A-9", day(1), json!({ "seats": 2, "plan": "basic" })),
    ]
    .into();
    apply(&app, &all).await;
    let nos: Vec<i64> = ["A-1", "A-2", "A-4", "A-9"]
        .map(|id| app.accounts.number(id).expect("an account").get())
        .into();
    let fields = ["seats".to_owned(), "colour".to_owned()];
    // Close together, and far apart.
    for nos in [&nos[..], &[nos[0], nos[3]]] {
        let whole = super::merges::told(&app.store, nos).await.unwrap();
        let some = super::merges::told_of(&app.store, nos, &fields).await.unwrap();
        assert_eq!(some.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        for (no, whole) in whole {
            let some = &some[&no];
            assert_eq!(some.attributes, whole.attributes);
            assert_eq!(some.history.get("seats"), whole.history.get("seats"));
            assert!(!some.history.contains_key("plan"));
            let first = whole.history.values().filter_map(|rows| rows.keys().next()).min();
            let kept = some
                .history
                .get(super::merges::FIRST)
                .and_then(|rows| rows.keys().next());
            assert_eq!(kept, first, "{}", whole.id);
        }
        let none = super::merges::told_of(&app.store, nos, &[]).await.unwrap();
        assert!(
            none.values()
                .all(|told| told.history.keys().all(|field| field == super::merges::FIRST))
        );
    }
}
