//! Work cut off at every point where a crash could leave it.

use std::collections::BTreeSet;

use super::world::{NOW, World, event, ids, import};
use crate::accounts::{Change, ContactChange};
use crate::events::{Event, Subject, append, append_bulk, append_with, attribute, compact, erase, seal};

fn numbered(range: std::ops::Range<u32>) -> Vec<Event> {
    range.map(|n| event(format!("m{n}"))).collect()
}

fn names(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(|n| format!("m{n}")).collect()
}

/// What must hold after any crash.
async fn sound(world: &World, expected: &BTreeSet<String>) {
    assert_eq!(&ids(&world.all().await), expected);
    assert_eq!(
        world.files(),
        world.manifest().await,
        "no file is left over and none is missing"
    );
    let again = append(world.app(), expected.iter().map(event).collect())
        .await
        .unwrap();
    assert_eq!((again.accepted, again.duplicates), (0, expected.len()));
}

#[tokio::test]
async fn sealing_cut_off_anywhere_keeps_every_event_once() {
    for point in ["seal.files_written", "seal.before_commit", "seal.committed"] {
        let mut world = World::new().await;
        append(world.app(), numbered(0..7)).await.unwrap();
        append(world.app(), numbered(7..11)).await.unwrap();
        world
            .crash_at(point, async |app| drop(seal(&app, NOW).await))
            .await;
        assert_eq!(world.tail().is_empty(), point == "seal.committed", "{point}");
        sound(&world, &names(0..11)).await;
        seal(world.app(), NOW).await.unwrap();
        sound(&world, &names(0..11)).await;
    }
}

#[tokio::test]
async fn an_import_cut_off_anywhere_is_there_wholly_or_not_at_all() {
    for (point, there) in [
        ("bulk.files_written", false),
        ("bulk.before_commit", false),
        ("bulk.committed", true),
    ] {
        let mut world = World::new().await;
        append(world.app(), numbered(0..3)).await.unwrap();
        let work =
            async |app| drop(append_bulk(&app, numbered(0..20), |_, _| Box::pin(async { Ok(()) })).await);
        world.crash_at(point, work).await;
        sound(&world, &names(0..if there { 20 } else { 3 })).await;
        import(world.app(), numbered(0..20)).await;
        sound(&world, &names(0..20)).await;
    }
}

#[tokio::test]
async fn compaction_cut_off_anywhere_keeps_every_event_once() {
    for point in [
        "compact.file_written",
        "compact.before_commit",
        "compact.committed",
    ] {
        let mut world = World::new().await;
        for n in 0..4 {
            append(world.app(), numbered(n..n + 1)).await.unwrap();
            seal(world.app(), NOW).await.unwrap();
        }
        world.crash_at(point, async |app| drop(compact(&app).await)).await;
        sound(&world, &names(0..4)).await;
        compact(world.app()).await.unwrap();
        sound(&world, &names(0..4)).await;
        assert_eq!(world.files().len(), 1);
    }
}

#[tokio::test]
async fn erasure_cut_off_anywhere_is_done_wholly_or_not_at_all() {
    for (point, done) in [
        ("erase.files_written", false),
        ("erase.before_commit", false),
        ("erase.committed", true),
    ] {
        let mut world = World::new().await;
        let theirs = |from: u32, to: u32| {
            (from..to).map(|n| Event {
                contact: Some("gone".to_owned()),
                ..event(format!("m{n}"))
            })
        };
        append(
            world.app(),
            numbered(0..5).into_iter().chain(theirs(5, 8)).collect(),
        )
        .await
        .unwrap();
        seal(world.app(), NOW).await.unwrap();
        append(
            world.app(),
            numbered(8..9).into_iter().chain(theirs(9, 10)).collect(),
        )
        .await
        .unwrap();
        let subject = Subject::Contact(vec!["gone".to_owned()]);
        world
            .crash_at(point, async |app| {
                drop(erase(&app, &Subject::Contact(vec!["gone".to_owned()])).await)
            })
            .await;
        let left: BTreeSet<String> = names(0..5).into_iter().chain(names(8..9)).collect();
        let there = ids(&world.all().await);
        assert_eq!(there, if done { left.clone() } else { names(0..10) }, "{point}");
        assert_eq!(world.files(), world.manifest().await);
        assert_eq!(
            erase(world.app(), &subject).await.unwrap(),
            if done { 0 } else { 4 }
        );
        assert_eq!(ids(&world.all().await), left);
    }
}

#[tokio::test]
async fn attribution_cut_off_anywhere_keeps_every_event_once_and_is_finished() {
    use serde_json::json;
    let on_device = |n: u32| {
        let mut event = event(format!("m{n}"));
        (event.account, event.contact) = (None, None);
        event
            .properties
            .insert("$context".to_owned(), json!({"anonymous_id": "dev"}));
        event
    };
    for point in [
        "attribute.files_written",
        "attribute.before_commit",
        "attribute.committed",
    ] {
        let mut world = World::new().await;
        append(world.app(), (0..6).map(on_device).collect())
            .await
            .unwrap();
        seal(world.app(), NOW).await.unwrap();
        append(
            world.app(),
            (6..9).map(on_device).chain(numbered(9..11)).collect(),
        )
        .await
        .unwrap();
        let changes = vec![
            Change::Contact(ContactChange {
                id: "ann".to_owned(),
                account: Some("acme".to_owned()),
                ..ContactChange::default()
            }),
            Change::Device {
                anonymous: "dev".to_owned(),
                id: "ann".to_owned(),
            },
        ];
        append_with(world.app(), "web", Vec::new(), changes)
            .await
            .unwrap();
        world
            .crash_at(point, async |app| drop(attribute(&app).await))
            .await;
        sound(&world, &names(0..11)).await;
        attribute(world.app()).await.unwrap();
        assert_eq!(attribute(world.app()).await.unwrap(), 0);
        sound(&world, &names(0..11)).await;
        let theirs = world.all().await;
        let theirs = theirs
            .iter()
            .filter(|row| row.account_id.as_deref() == Some("acme"));
        assert_eq!(theirs.count(), 9, "{point}");
    }
}
