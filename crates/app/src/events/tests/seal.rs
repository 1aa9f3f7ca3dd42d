use tenure_lake::{Class, FileMeta};

use super::world::{NOON, NOW, World, event, ids, import};
use crate::events::compact::replace;
use crate::events::{
    Changed, Event, Kind, Limits, append, changes_since, compact, cursor, seal, set_cursor, snapshot,
};

const DAY: i64 = 86_400_000_000;

/// Events over three months and both classes, one of them of long ago.
fn spread(from: u32, to: u32) -> Vec<Event> {
    (from..to)
        .map(|n| {
            let mut it = event(format!("m{n}"));
            it.account = (n % 7 != 0).then(|| format!("a{}", n % 5));
            it.occurred_at = NOON - i64::from(n % 70) * DAY;
            if n % 3 == 0 {
                (it.name, it.kind) = ("ticket_opened".to_owned(), Kind::Support);
            }
            if n == 1 {
                it.occurred_at = NOON - 4_000 * DAY;
            }
            it
        })
        .collect()
}

#[tokio::test]
async fn sealing_moves_events_and_changes_nothing_that_is_read() {
    let mut world = World::new().await;
    append(world.app(), spread(0, 40)).await.unwrap();
    append(world.app(), spread(40, 90)).await.unwrap();
    let before = world.all().await;
    assert_eq!(ids(&before).len(), 90);
    let held = snapshot(world.app()).await.unwrap();
    assert_eq!(seal(world.app(), NOW).await.unwrap(), 90);
    assert_eq!(world.tail(), []);
    assert_eq!(world.all().await, before);
    assert_eq!(held.rows(), 90, "a snapshot stays as it was");
    // December to March in two classes, and the one of 2015.
    assert_eq!(world.manifest().await.len(), 9, "{:?}", world.manifest().await);
    assert_eq!(world.files(), world.manifest().await);
    drop(held);
    world.reopen().await;
    assert_eq!(world.all().await, before);
    assert_eq!(
        append(world.app(), spread(0, 91)).await.unwrap().accepted,
        1,
        "sealed ids are still known"
    );
    assert_eq!(seal(world.app(), NOW).await.unwrap(), 1);
    assert_eq!(seal(world.app(), NOW).await.unwrap(), 0);
}

#[tokio::test]
async fn files_of_before_there_were_cases_are_divided_one_a_round() {
    let mut world = World::new().await;
    let mut all = spread(2, 92);
    for it in all.iter_mut().filter(|it| it.message_id.ends_with('4')) {
        (it.name, it.kind) = ("meeting_held".to_owned(), Kind::Meeting);
    }
    append(world.app(), all).await.unwrap();
    seal(world.app(), NOW).await.unwrap();
    let before = world.all().await;
    // As an earlier version wrote them.
    let (app, core) = (world.app().clone(), std::sync::Arc::clone(&world.app().log.core));
    for month in [202_601, 202_602] {
        let snapshot = snapshot(&app).await.unwrap();
        let sql = format!("SELECT * FROM events WHERE month = {month} AND kind <> 'product'");
        let batches = app.lake.context(&snapshot).query(&sql).await.unwrap();
        let new = tenure_lake::write_month(app.lake.dir(), month, Class::Other, &batches).unwrap();
        let of = |file: &&FileMeta| file.month == month && file.class != Class::Product;
        let old: Vec<FileMeta> = snapshot.files.iter().filter(of).cloned().collect();
        assert_eq!(old.len(), 2, "cases and the rest");
        replace(&core, &old, vec![new]).await.unwrap();
    }
    drop((app, core));
    world.reopen().await;
    let old = async |world: &World| {
        let files = world.manifest().await;
        files.iter().filter(|path| path.contains("other-")).count()
    };
    for left in [2, 1, 0, 0] {
        assert_eq!((old(&world).await, world.all().await), (left, before.clone()));
        assert_eq!(compact(world.app()).await.unwrap(), usize::from(left > 0));
    }
    assert_eq!(world.files(), world.manifest().await, "nothing is left behind");
    world.reopen().await;
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn only_what_is_many_or_old_is_sealed() {
    let world = World::new().await;
    let limits = Limits {
        events: 10,
        age: 1_000_000,
        most: 100,
    };
    append(world.app(), spread(0, 9)).await.unwrap();
    assert_eq!(seal(world.app(), limits).await.unwrap(), 0);
    append(world.app(), spread(9, 10)).await.unwrap();
    assert_eq!(seal(world.app(), limits).await.unwrap(), 10);
    append(world.app(), spread(10, 11)).await.unwrap();
    assert_eq!(seal(world.app(), limits).await.unwrap(), 0);
    assert!(world.clock.advance(1_000_000));
    assert_eq!(seal(world.app(), limits).await.unwrap(), 1);
}

#[tokio::test]
async fn sealing_waits_for_the_slowest_reactor_until_too_much_waits_and_then_tells_it() {
    let mut world = World::new().await;
    assert_eq!(cursor(world.app(), "metrics").await.unwrap(), 0);
    for n in 0..4 {
        append(world.app(), spread(n * 10, n * 10 + 10)).await.unwrap();
    }
    let tx = world.app().store.begin().await.unwrap();
    set_cursor(&tx, "metrics", 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        seal(world.app(), NOW).await.unwrap(),
        10,
        "the one group that was read"
    );
    assert_eq!(seal(world.app(), NOW).await.unwrap(), 0);
    assert_eq!(
        seal(world.app(), Limits { most: 15, ..NOW }).await.unwrap(),
        20,
        "30 wait, until no more than 15 do"
    );
    for _ in 0..2 {
        let changes = changes_since(world.app(), 1);
        let seqs: Vec<i64> = changes.iter().map(|it| it.seq).collect();
        assert_eq!(seqs, [2, 3, 4]);
        let Changed::Bulk { accounts, months } = &changes[0].what else {
            panic!("sealed away unannounced")
        };
        // Accounts a0 to a4 and the unattributed; days 10 to 19 back lie in February.
        assert_eq!(
            (accounts.as_slice(), months.as_slice()),
            ([0, 1, 2, 3, 4, 5].as_slice(), [202_602].as_slice())
        );
        assert!(matches!(&changes[2].what, Changed::Live(rows) if rows.len() == 10));
        world.reopen().await;
    }
    let tx = world.app().store.begin().await.unwrap();
    set_cursor(&tx, "metrics", 4).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(seal(world.app(), NOW).await.unwrap(), 10);
    assert_eq!(
        changes_since(world.app(), 0).len(),
        0,
        "what all have read is forgotten"
    );
    assert_eq!(world.all().await.len(), 40);
}

#[tokio::test]
async fn compaction_merges_files_and_keeps_those_that_somebody_reads() {
    let mut world = World::new().await;
    for n in 0..5 {
        append(world.app(), spread(n * 20, n * 20 + 20)).await.unwrap();
        seal(world.app(), NOW).await.unwrap();
    }
    import(world.app(), spread(100, 120)).await;
    let before = world.all().await;
    let held = snapshot(world.app()).await.unwrap();
    let many = world.manifest().await;
    let merged = compact(world.app()).await.unwrap();
    assert!(merged >= 4, "{merged}");
    assert!(world.manifest().await.len() < many.len());
    assert_eq!(world.all().await, before);
    assert!(
        many.iter().all(|path| world.files().contains(path)),
        "the snapshot still reads them"
    );
    let context = world.app().lake.context(&held);
    assert_eq!(
        context.query("SELECT count(*) FROM events").await.unwrap().len(),
        1
    );
    drop((held, context));
    compact(world.app()).await.unwrap();
    assert_eq!(world.files(), world.manifest().await, "then they are deleted");
    assert_eq!(world.app().store.count("event_files_gone").await, 0);
    world.reopen().await;
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn replaced_files_that_a_crash_left_are_deleted_at_the_next_start() {
    let mut world = World::new().await;
    for n in 0..4 {
        append(world.app(), vec![event(format!("m{n}"))]).await.unwrap();
        seal(world.app(), NOW).await.unwrap();
    }
    let held = snapshot(world.app()).await.unwrap();
    assert_eq!(compact(world.app()).await.unwrap(), 4);
    assert_eq!((world.files().len(), world.manifest().await.len()), (5, 1));
    world.reopen().await;
    drop(held);
    assert_eq!(world.files(), world.manifest().await);
    assert_eq!(world.app().store.count("event_files_gone").await, 0);
    assert_eq!(ids(&world.all().await).len(), 4);
}

#[tokio::test]
async fn a_missing_file_is_said_at_the_start() {
    let world = World::new().await;
    append(world.app(), spread(0, 3)).await.unwrap();
    seal(world.app(), NOW).await.unwrap();
    let path = world.app().lake.dir().join(&world.manifest().await[0]);
    std::fs::remove_file(&path).unwrap();
    let error = world.reopen_fails().await;
    assert!(
        error.contains("restore it from a backup") && error.contains(".parquet"),
        "{error}"
    );
}

/// Rows of a table.
trait Count {
    async fn count(&self, table: &str) -> i64;
}

impl Count for tenure_store::Store {
    async fn count(&self, table: &str) -> i64 {
        use tenure_store::Execute;
        let row = self
            .one(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![])
            .await
            .unwrap()
            .unwrap();
        row.get("n").unwrap()
    }
}
