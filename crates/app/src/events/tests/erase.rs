use serde_json::json;

use super::world::{NOON, NOW, World, event, ids, import};
use crate::events::{Changed, Event, Subject, append, changes_since, cursor, erase, seal, snapshot};

/// Whether these bytes stand in any file of the data folder.
fn found_in(folder: &std::path::Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(found_in(&entry.path(), text));
        } else if std::fs::read(entry.path())
            .unwrap()
            .windows(text.len())
            .any(|window| window == text.as_bytes())
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

fn of(n: u32, account: &str, contact: &str, months_ago: i64) -> Event {
    Event {
        account: Some(account.to_owned()),
        contact: Some(contact.to_owned()),
        occurred_at: NOON - months_ago * 31 * 86_400_000_000,
        ..event(format!("m{n}"))
    }
}

#[tokio::test]
async fn a_person_is_gone_from_files_and_tail_and_everybody_else_stays() {
    let world = World::new().await;
    // A value that does not compress away.
    let mut secret = of(0, "a1", "kim-7f3a9c41b2", 2);
    secret
        .properties
        .insert("mail".to_owned(), json!("kim-7f3a9c41b2@example.com"));
    append(
        world.app(),
        vec![secret, of(1, "a1", "lee", 2), of(2, "a2", "lee", 0)],
    )
    .await
    .unwrap();
    import(world.app(), (3..20).map(|n| of(n, "a3", "lee", 5)).collect()).await;
    seal(world.app(), NOW).await.unwrap();
    append(
        world.app(),
        vec![of(20, "a2", "kim-alias", 0), of(21, "a2", "lee", 0)],
    )
    .await
    .unwrap();
    append(world.app(), vec![of(22, "a2", "kim-alias", 0)])
        .await
        .unwrap();
    cursor(world.app(), "metrics").await.unwrap();
    let mut expected = world.all().await;
    expected.retain(|row| !row.contact_id.as_deref().unwrap().starts_with("kim"));
    let kept = snapshot(world.app())
        .await
        .unwrap()
        .files
        .iter()
        .find(|file| file.rows == 17)
        .unwrap()
        .path
        .clone();

    let subject = Subject::Contact(vec!["kim-7f3a9c41b2".to_owned(), "kim-alias".to_owned()]);
    assert_eq!(erase(world.app(), &subject).await.unwrap(), 3);
    assert_eq!(world.all().await, expected);
    assert_eq!(world.files(), world.manifest().await);
    assert!(
        world.manifest().await.contains(&kept),
        "a file without them is not rewritten"
    );
    let changes = changes_since(world.app(), cursor(world.app(), "metrics").await.unwrap());
    let Some(Changed::Bulk { accounts, months }) = changes.last().map(|it| &it.what) else {
        panic!("not announced")
    };
    assert_eq!(
        (accounts.as_slice(), months.as_slice()),
        ([1, 2].as_slice(), [202_512, 202_603].as_slice())
    );
    assert_eq!(erase(world.app(), &subject).await.unwrap(), 0);
    assert_eq!(
        append(world.app(), vec![of(20, "a2", "kim-alias", 0)])
            .await
            .unwrap()
            .accepted,
        0,
        "nobody brings them back"
    );

    let mut world = world;
    world.reopen().await;
    assert_eq!(world.all().await, expected);
    if !world.app().store.is_postgres() {
        let left = found_in(world.folder.path(), "kim-7f3a9c41b2");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn an_account_is_gone_also_where_its_events_were_never_attributed() {
    let mut world = World::new().await;
    append(
        world.app(),
        vec![of(0, "a1", "x", 0), of(1, "a2", "x", 0), of(2, "a1", "y", 1)],
    )
    .await
    .unwrap();
    seal(world.app(), NOW).await.unwrap();
    append(world.app(), vec![of(3, "a1", "x", 0)]).await.unwrap();
    let no = world.app().accounts.number("a1").unwrap().get();
    assert_eq!(erase(world.app(), &Subject::Account(no)).await.unwrap(), 3);
    assert_eq!(ids(&world.all().await).into_iter().collect::<Vec<_>>(), ["m1"]);
    world.reopen().await;
    assert_eq!(ids(&world.all().await).len(), 1);
}

#[tokio::test]
async fn a_reader_of_before_the_erasure_finishes_and_then_the_files_go() {
    let world = World::new().await;
    append(world.app(), vec![of(0, "a1", "kim", 0), of(1, "a1", "lee", 0)])
        .await
        .unwrap();
    seal(world.app(), NOW).await.unwrap();
    let held = snapshot(world.app()).await.unwrap();
    assert_eq!(
        erase(world.app(), &Subject::Contact(vec!["kim".to_owned()]))
            .await
            .unwrap(),
        1
    );
    assert_eq!(world.files().len(), 2);
    let batches = world
        .app()
        .lake
        .context(&held)
        .query("SELECT message_id FROM events")
        .await
        .unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
    drop(held);
    world.app().log.core.sweep().await.unwrap();
    assert_eq!(world.files(), world.manifest().await);
}
