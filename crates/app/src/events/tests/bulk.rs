use tenure_store::{Execute, StoreError, args};

use super::world::{NOON, NOW, World, event, ids, import};
use crate::events::{Appended, Changed, Event, append, append_bulk, changes_since, cursor, seal, watch};

fn numbered(range: std::ops::Range<u32>) -> Vec<Event> {
    range
        .map(|n| Event {
            account: Some(format!("a{}", n % 3)),
            ..event(format!("m{n}"))
        })
        .collect()
}

#[tokio::test]
async fn a_chunk_is_visible_at_once_and_announced() {
    let mut world = World::new().await;
    cursor(world.app(), "metrics").await.unwrap();
    append(world.app(), numbered(0..2)).await.unwrap();
    let mut chunk = numbered(1..50);
    chunk.push(Event {
        occurred_at: NOON - 40 * 86_400_000_000,
        ..event("m7")
    });
    chunk.push(Event {
        occurred_at: NOON - 40 * 86_400_000_000,
        account: None,
        ..event("other")
    });
    let mut wake = watch(world.app());
    wake.mark_unchanged();
    assert_eq!(
        import(world.app(), chunk).await,
        Appended {
            accepted: 49,
            duplicates: 2
        }
    );
    assert!(wake.has_changed().unwrap());
    for _ in 0..2 {
        assert_eq!(ids(&world.all().await).len(), 51);
        assert_eq!(world.tail().len(), 2);
        let changes = changes_since(world.app(), 1);
        assert_eq!(changes.len(), 1);
        let Changed::Bulk { accounts, months } = &changes[0].what else {
            panic!("not bulk")
        };
        assert_eq!(
            (accounts.as_slice(), months.as_slice()),
            ([0, 1, 2, 3].as_slice(), [202_601, 202_603].as_slice())
        );
        assert_eq!(changes[0].seq, *watch(world.app()).borrow());
        world.reopen().await;
    }
    assert_eq!(
        import(world.app(), numbered(0..50)).await,
        Appended {
            accepted: 0,
            duplicates: 50
        }
    );
    assert_eq!(
        append(world.app(), numbered(49..51)).await.unwrap(),
        Appended {
            accepted: 1,
            duplicates: 1
        }
    );
}

#[tokio::test]
async fn the_importers_rows_and_the_chunk_stand_or_fall_together() {
    let mut world = World::new().await;
    let refuse = append_bulk(world.app(), numbered(0..5), |_, appended| {
        Box::pin(async move {
            assert_eq!(
                appended,
                Appended {
                    accepted: 5,
                    duplicates: 0
                }
            );
            Err(StoreError::Other("the importer has second thoughts".to_owned()))
        })
    });
    let error = refuse.await.unwrap_err().to_string();
    assert!(error.contains("second thoughts"), "{error}");
    assert_eq!((world.all().await.len(), world.files().len()), (0, 0));
    let done = append_bulk(world.app(), numbered(0..5), |tx, appended| {
        Box::pin(async move {
            let n = i64::try_from(appended.accepted).unwrap();
            tx.run(
                "INSERT INTO cursors (name, seq) VALUES ('position', $1)",
                args![n],
            )
            .await
            .map(|_| ())
        })
    });
    done.await.unwrap();
    world.reopen().await;
    let row = world
        .app()
        .store
        .one("SELECT seq FROM cursors WHERE name = 'position'", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.get::<i64>("seq").unwrap(), world.all().await.len()), (5, 5));
}

#[tokio::test]
async fn a_chunk_of_known_events_only_moves_the_importer_on() {
    let world = World::new().await;
    import(world.app(), numbered(0..5)).await;
    let files = world.files();
    assert_eq!(
        import(world.app(), numbered(0..5)).await,
        Appended {
            accepted: 0,
            duplicates: 5
        }
    );
    assert_eq!(import(world.app(), Vec::new()).await, Appended::default());
    assert_eq!(world.files(), files);
}

#[tokio::test]
async fn live_events_that_overtake_a_chunk_are_not_stored_twice() {
    let world = World::new().await;
    let app = world.app().clone();
    // The chunk's files are written, its commit waits for ours: whichever comes first, each event is stored once.
    for round in 0..6 {
        let from = round * 40;
        let (live, bulk) = tokio::join!(
            async {
                let mut sum = 0;
                for n in from..from + 40 {
                    sum += append(&app, numbered(n..n + 1)).await.unwrap().accepted;
                }
                sum
            },
            import(&app, numbered(from..from + 40)),
        );
        assert_eq!(live + bulk.accepted, 40);
        assert_eq!(bulk.accepted + bulk.duplicates, 40);
    }
    assert_eq!(ids(&world.all().await).len(), 240);
    seal(&app, NOW).await.unwrap();
    assert_eq!(ids(&world.all().await).len(), 240);
}

#[tokio::test]
async fn a_large_chunk_is_known_through_its_filter() {
    let mut world = World::new().await;
    import(world.app(), numbered(0..20_000)).await;
    world.reopen().await;
    assert_eq!(
        world
            .app()
            .log
            .core
            .seen
            .read()
            .runs()
            .iter()
            .filter(|run| run.settled)
            .count(),
        1
    );
    assert_eq!(
        append(world.app(), numbered(19_990..20_010)).await.unwrap(),
        Appended {
            accepted: 10,
            duplicates: 10
        }
    );
    assert_eq!(
        import(world.app(), numbered(0..20_100)).await,
        Appended {
            accepted: 90,
            duplicates: 20_010
        }
    );
}
