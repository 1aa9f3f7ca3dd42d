use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::tz::TimeZone;
use serde_json::json;
use tenure_store::Execute;

use super::world::{NOON, World, event, ids};
use crate::accounts::{AccountChange, Change as Known};
use crate::events::{
    Appended, Changed, append, append_with, changes_since, cursor, day_and_month, set_cursor, watch,
};

fn numbered(range: std::ops::Range<u32>) -> Vec<crate::events::Event> {
    range.map(|n| event(format!("m{n}"))).collect()
}

fn names(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(|n| format!("m{n}")).collect()
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_sent_also_after_a_restart() {
    let mut world = World::new().await;
    let mut sent = event("m1");
    sent.properties.insert("big".to_owned(), json!(1e300));
    append(world.app(), vec![sent.clone()]).await.unwrap();
    for _ in 0..2 {
        let rows = world.tail();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!(
            (row.seq, row.account_no, row.day, row.month),
            (1, 1, 20_513, 202_603)
        );
        assert_eq!(
            (row.account_id.as_deref(), row.contact_id.as_deref()),
            (Some("a1"), Some("c1"))
        );
        assert_eq!(
            (row.kind.as_str(), row.name.as_str(), row.source.as_str()),
            ("product", "login", "web")
        );
        assert_eq!((row.occurred_at, row.received_at), (NOON - 3_600_000_000, NOON));
        assert_eq!(
            row.properties,
            serde_json::Value::Object(sent.properties.clone()).to_string()
        );
        world.reopen().await;
    }
}

#[tokio::test]
async fn an_id_is_taken_once_within_a_batch_across_batches_and_across_restarts() {
    let mut world = World::new().await;
    let twice = vec![event("m0"), event("m0"), event("m1")];
    assert_eq!(
        append(world.app(), twice).await.unwrap(),
        Appended {
            accepted: 2,
            duplicates: 1
        }
    );
    assert_eq!(
        append(world.app(), numbered(0..4)).await.unwrap(),
        Appended {
            accepted: 2,
            duplicates: 2
        }
    );
    world.reopen().await;
    assert_eq!(
        append(world.app(), numbered(0..5)).await.unwrap(),
        Appended {
            accepted: 1,
            duplicates: 4
        }
    );
    assert_eq!(ids(&world.tail()), names(0..5));
}

#[tokio::test]
async fn many_callers_share_commits_and_each_gets_its_own_answer() {
    let mut world = World::new().await;
    let app = world.app().clone();
    // Every id is sent by two callers.
    let answers = join_all(
        (0..300u32).map(|n| append(&app, vec![event(format!("m{}", n / 2)), event(format!("own{n}"))])),
    )
    .await;
    let total = answers
        .into_iter()
        .map(Result::unwrap)
        .fold((0, 0), |sum, it| (sum.0 + it.accepted, sum.1 + it.duplicates));
    assert_eq!(total, (450, 150));
    let newest = *watch(&app).borrow();
    assert!(newest < 150, "{newest} commits for 300 requests");
    drop(app);
    world.reopen().await;
    assert_eq!(ids(&world.tail()).len(), 450);
    assert_eq!(*watch(world.app()).borrow(), newest);
}

#[tokio::test]
async fn what_is_known_of_accounts_is_committed_with_the_events_and_told_as_events() {
    let world = World::new().await;
    let change = AccountChange {
        id: "a1".to_owned(),
        name: Some("Acme".to_owned()),
        owner: Some("kim@example.com".to_owned()),
        at: NOON,
        ..AccountChange::default()
    };
    let appended = append_with(
        world.app(),
        "crm",
        vec![event("m1")],
        vec![Known::Account(change.clone())],
    )
    .await
    .unwrap();
    assert_eq!(
        appended,
        Appended {
            accepted: 1,
            duplicates: 0
        }
    );
    append_with(world.app(), "crm", Vec::new(), vec![Known::Account(change)])
        .await
        .unwrap();
    let told: Vec<(String, String, i64, String)> = world
        .tail()
        .into_iter()
        .map(|row| (row.name, row.source, row.account_no, row.properties))
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|it| it.2 == 1));
    assert!(
        told.iter()
            .any(|it| it.0 == "owner_changed" && it.1 == "crm" && it.3.contains("kim@example.com"))
    );
    assert!(
        told.iter()
            .any(|it| it.0 == "account_updated" && it.3.contains("Acme") && !it.3.contains("kim@"))
    );
    assert_eq!(world.app().accounts.number("a1").map(|no| no.get()), Some(1));
}

#[tokio::test]
async fn a_refused_commit_leaves_nothing_and_the_next_one_works() {
    let mut world = World::new().await;
    append(world.app(), numbered(0..3)).await.unwrap();
    // Another writer takes the next number.
    let store = world.app().store.clone();
    let tx = store.begin().await.unwrap();
    tx.run("UPDATE event_log SET seq = 7 WHERE id = 1", vec![])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drop(store);
    let error = append(world.app(), numbered(3..5)).await.unwrap_err();
    assert!(
        matches!(error, tenure_store::StoreError::Unavailable(_)),
        "{error}"
    );
    assert_eq!(ids(&world.tail()), names(0..3));
    assert_eq!(append(world.app(), numbered(3..5)).await.unwrap().accepted, 2);
    assert_eq!(*watch(world.app()).borrow(), 8);
    world.reopen().await;
    assert_eq!(ids(&world.tail()), names(0..5));
}

#[tokio::test]
async fn a_reactor_sees_every_step_after_its_cursor_once() {
    let mut world = World::new().await;
    append(world.app(), numbered(0..2)).await.unwrap();
    assert_eq!(
        cursor(world.app(), "metrics").await.unwrap(),
        1,
        "a new reactor starts at what is there"
    );
    let mut wake = watch(world.app());
    wake.mark_unchanged();
    append(world.app(), numbered(2..5)).await.unwrap();
    assert!(wake.has_changed().unwrap());
    world.reopen().await;
    let changes = changes_since(world.app(), cursor(world.app(), "metrics").await.unwrap());
    assert_eq!(changes.len(), 1);
    let Changed::Live(rows) = &changes[0].what else {
        panic!("not live")
    };
    assert_eq!((changes[0].seq, ids(rows)), (2, names(2..5)));
    let tx = world.app().store.begin().await.unwrap();
    set_cursor(&tx, "metrics", 2).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        changes_since(world.app(), cursor(world.app(), "metrics").await.unwrap()).len(),
        0
    );
}

#[tokio::test]
async fn sources_are_counted_with_the_events() {
    let world = World::new().await;
    append(world.app(), vec![event("a"), event("b"), event("a")])
        .await
        .unwrap();
    let mut late = event("c");
    late.source = "crm".to_owned();
    late.received_at = NOON + 5;
    append(world.app(), vec![late, event("b")]).await.unwrap();
    let sql = "SELECT source, events, duplicates, first_at, last_at FROM event_sources ORDER BY source";
    let rows = world.app().store.all(sql, vec![]).await.unwrap();
    let of = |row: &tenure_store::Row| {
        let n = |column| row.get::<i64>(column).unwrap();
        (
            row.get::<String>("source").unwrap(),
            n("events"),
            n("duplicates"),
            n("first_at"),
            n("last_at"),
        )
    };
    let found: Vec<_> = rows.iter().map(of).collect();
    assert_eq!(
        found,
        [
            ("crm".to_owned(), 1, 0, NOON + 5, NOON + 5),
            ("web".to_owned(), 2, 2, NOON, NOON)
        ]
    );
}

#[tokio::test]
async fn after_shutdown_events_are_refused_not_lost() {
    let world = World::new().await;
    append(world.app(), numbered(0..1)).await.unwrap();
    world.app().log.shutdown().await;
    assert!(matches!(
        append(world.app(), numbered(1..2)).await,
        Err(tenure_store::StoreError::Unavailable(_))
    ));
}

#[test]
fn days_are_counted_in_the_zone_and_never_panic() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let late = 1_767_221_999_999_999; // 2025-12-31T22:59:59.999999Z
    assert_eq!(day_and_month(late, &berlin), (20_453, 202_512));
    assert_eq!(day_and_month(late + 1, &berlin), (20_454, 202_601));
    assert_eq!(day_and_month(late + 1, &TimeZone::UTC), (20_453, 202_512));
    assert_eq!(day_and_month(-1, &TimeZone::UTC), (-1, 196_912));
    for edge in [i64::MIN, i64::MAX, 0] {
        let _ = day_and_month(edge, &berlin);
    }
}
