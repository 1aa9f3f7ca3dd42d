//! The records on whichever database the run asks for (`TENURE_TEST_POSTGRES`, else embedded).
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

use tenure_store::migrate::{Migration, migrate};
use tenure_store::{Batch, Clock, Conflict, Execute, Store, StoreError, TestStore, args};

const FIRST: &[Migration] = &[Migration {
    version: 1,
    name: "things",
    script: "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT UNIQUE, flag BOOLEAN, size DOUBLE PRECISION, raw {blob});\nCREATE TABLE parts (id BIGINT PRIMARY KEY, thing BIGINT NOT NULL REFERENCES things (id));\n",
}];

fn clock() -> Clock {
    Clock::manual("2026-06-30T12:00:00Z".parse().unwrap())
}

async fn open(folder: &tempfile::TempDir) -> TestStore {
    let test = TestStore::open(folder.path()).await.unwrap();
    migrate(&test.store, &clock(), FIRST).await.unwrap();
    test
}

#[tokio::test]
async fn values_come_back_as_they_went() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let tx = test.store.begin().await.unwrap();
    let insert = "INSERT INTO things (id, name, flag, size, raw) VALUES ($1, $2, $3, $4, $5)";
    let raw: Vec<u8> = (0..=255).collect();
    tx.run(
        insert,
        args![i64::MIN, "é\u{1F600}'\"%", true, 0.1 + 0.2, raw.clone()],
    )
    .await
    .unwrap();
    tx.run(
        insert,
        args![
            i64::MAX,
            None::<String>,
            None::<bool>,
            None::<f64>,
            None::<Vec<u8>>
        ],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let rows = test
        .store
        .all("SELECT * FROM things ORDER BY id", vec![])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("id").unwrap(), i64::MIN);
    assert_eq!(rows[0].get::<String>("name").unwrap(), "é\u{1F600}'\"%");
    assert!(rows[0].get::<bool>("flag").unwrap());
    assert_eq!(rows[0].get::<f64>("size").unwrap(), 0.1 + 0.2);
    assert_eq!(rows[0].get::<Vec<u8>>("raw").unwrap(), raw);
    assert_eq!(rows[1].get::<i64>("id").unwrap(), i64::MAX);
    assert_eq!(rows[1].get::<Option<String>>("name").unwrap(), None);
    assert_eq!(rows[1].get::<Option<bool>>("flag").unwrap(), None);
    assert_eq!(rows[1].get::<Option<f64>>("size").unwrap(), None);
    assert_eq!(rows[1].get::<Option<Vec<u8>>>("raw").unwrap(), None);
    assert!(
        rows[0]
            .get::<i64>("missing")
            .unwrap_err()
            .to_string()
            .contains("column missing")
    );
    // A boolean as a condition, and a parameter used twice.
    let found = test
        .store
        .all(
            "SELECT id FROM things WHERE flag = $1 OR (flag IS NULL AND $1)",
            args![true],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_batch_may_be_larger_than_any_statement() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let columns = &["id", "name", "flag", "size", "raw"];
    let fill = |name: &str| {
        let mut batch = Batch::new("things", columns);
        for id in 0..7_003_i64 {
            batch.row(args![
                id,
                format!("{name}{id}"),
                id % 2 == 0,
                id as f64,
                vec![0u8; 3]
            ]);
        }
        batch
    };
    let tx = test.store.begin().await.unwrap();
    assert_eq!(tx.insert(fill("a"), Conflict::Fail).await.unwrap(), 7_003);
    assert_eq!(tx.insert(fill("b"), Conflict::Ignore("id")).await.unwrap(), 0);
    assert_eq!(
        tx.insert(fill("c"), Conflict::Update("id", &["name"]))
            .await
            .unwrap(),
        7_003
    );
    assert_eq!(
        tx.insert(Batch::new("things", columns), Conflict::Fail)
            .await
            .unwrap(),
        0
    );
    tx.commit().await.unwrap();
    assert_eq!(test.count("things").await.unwrap(), 7_003);
    let row = test
        .store
        .one("SELECT name FROM things WHERE id = $1", args![7_002_i64])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<String>("name").unwrap(), "c7002");
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    for round in 0..40_i64 {
        let tx = test.store.begin().await.unwrap();
        tx.run("INSERT INTO things (id) VALUES ($1)", args![round])
            .await
            .unwrap();
        if round % 2 == 0 {
            drop(tx)
        } else {
            tx.rollback().await.unwrap()
        }
    }
    assert_eq!(test.count("things").await.unwrap(), 0);
    // A caller that goes away in mid-statement leaves nothing either.
    let store = test.store.clone();
    let task = tokio::spawn(async move {
        let tx = store.begin().await.unwrap();
        tx.run("INSERT INTO things (id) VALUES ($1)", args![99_i64])
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    task.abort();
    let tx = test.store.begin().await.unwrap();
    tx.run("INSERT INTO things (id) VALUES ($1)", args![99_i64])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(test.count("things").await.unwrap(), 1);
}

#[tokio::test]
async fn readers_see_only_what_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let tx = test.store.begin().await.unwrap();
    tx.run("INSERT INTO things (id) VALUES (1)", vec![])
        .await
        .unwrap();
    assert_eq!(test.count("things").await.unwrap(), 0);
    assert_eq!(tx.all("SELECT id FROM things", vec![]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    assert_eq!(test.count("things").await.unwrap(), 1);
}

#[tokio::test]
async fn errors_say_what_to_do_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let tx = test.store.begin().await.unwrap();
    tx.run("INSERT INTO things (id, name) VALUES (1, 'a')", vec![])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for sql in [
        "INSERT INTO things (id) VALUES (1)",
        "INSERT INTO things (id, name) VALUES (2, 'a')",
        "INSERT INTO parts (id, thing) VALUES (1, 7)",
    ] {
        let tx = test.store.begin().await.unwrap();
        let error = tx.run(sql, vec![]).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{sql}: {error:?}");
    }
    let tx = test.store.begin().await.unwrap();
    let error = tx
        .run("INSERT INTO nowhere (id) VALUES (1)", vec![])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Other(_)), "{error:?}");
}

#[tokio::test]
async fn counters_of_many_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let tx = test.store.begin().await.unwrap();
    tx.run("INSERT INTO things (id, size) VALUES (1, 0)", vec![])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let writers = (0..20).map(|_| {
        let store = test.store.clone();
        tokio::spawn(async move {
            let tx = store.begin().await.unwrap();
            tx.exclusive("counter").await.unwrap();
            let row = tx
                .one("SELECT size FROM things WHERE id = 1", vec![])
                .await
                .unwrap()
                .unwrap();
            let next = row.get::<f64>("size").unwrap() + 1.0;
            tx.run("UPDATE things SET size = $1 WHERE id = 1", args![next])
                .await
                .unwrap();
            tx.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let row = test
        .store
        .one("SELECT size FROM things WHERE id = 1", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<f64>("size").unwrap(), 20.0);
}

#[tokio::test]
async fn migrations_run_once_and_a_broken_one_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    assert_eq!(migrate(&test.store, &clock(), FIRST).await.unwrap(), 1);
    let mut both = FIRST.to_vec();
    both.push(Migration {
        version: 2,
        name: "broken",
        script: "CREATE TABLE more (id BIGINT);\nINSERT INTO nowhere (id) VALUES (1);\n",
    });
    let error = migrate(&test.store, &clock(), &both).await.unwrap_err();
    assert!(error.to_string().contains("migration 2 (broken)"), "{error}");
    assert!(
        test.store.all("SELECT id FROM more", vec![]).await.is_err(),
        "the half of a migration is undone"
    );
    assert_eq!(test.count("schema_versions").await.unwrap(), 1);
    both[1].script = "CREATE TABLE more (id BIGINT);\n";
    assert_eq!(migrate(&test.store, &clock(), &both).await.unwrap(), 2);
    assert_eq!(test.count("more").await.unwrap(), 0);

    let error = migrate(&test.store, &clock(), FIRST).await.unwrap_err();
    assert!(matches!(error, StoreError::Unsafe(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("schema version 2") && text.contains("knows only 1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_ran_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    let edited = [Migration {
        script: "CREATE TABLE things (id BIGINT PRIMARY KEY);\n",
        ..FIRST[0]
    }];
    let error = migrate(&test.store, &clock(), &edited).await.unwrap_err();
    assert!(error.to_string().contains("migration 1 (things)"), "{error}");
}

#[tokio::test]
async fn migrations_of_several_starters_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestStore::open(folder.path()).await.unwrap();
    let starters = (0..4).map(|_| {
        let store = test.store.clone();
        tokio::spawn(async move { migrate(&store, &clock(), FIRST).await })
    });
    for starter in starters.collect::<Vec<_>>() {
        assert_eq!(starter.await.unwrap().unwrap(), 1);
    }
    assert_eq!(test.count("schema_versions").await.unwrap(), 1);
}

#[tokio::test]
async fn is_ready_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let test = open(&folder).await;
    // It is a write that changes something: what changes nothing would be answered without the disk.
    for tick in 1..=2_i64 {
        test.store.ready().await.unwrap();
        let row = test
            .store
            .one("SELECT tick FROM readiness", vec![])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get::<i64>("tick").unwrap(), tick);
    }
    let report = test.store.report().await.unwrap();
    assert_eq!(report.damage, None);
    assert!(
        report
            .settings
            .iter()
            .any(|(name, _)| name == "sqlite version" || name == "postgres server_version")
    );
    let store: Store = test.store.clone();
    store.close().await;
    let error = test.store.ready().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}
