//! What only PostgreSQL does. Needs `TENURE_TEST_POSTGRES`; the server's own safety refusals need a user who may set them for a session.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

use tenure_store::migrate::{Migration, migrate};
use tenure_store::{Clock, Execute, Store, StoreError, TestDatabase, args};

const SCHEMA: &[Migration] = &[Migration {
    version: 1,
    name: "things",
    script: "CREATE TABLE things (id BIGINT PRIMARY KEY, size BIGINT NOT NULL);\n",
}];

async fn open() -> Option<(Store, TestDatabase)> {
    let database = TestDatabase::create().await.unwrap()?;
    let store = Store::open_postgres(&database.url, Some(&database.schema))
        .await
        .unwrap();
    migrate(
        &store,
        &Clock::manual("2026-06-30T12:00:00Z".parse().unwrap()),
        SCHEMA,
    )
    .await
    .unwrap();
    Some((store, database))
}

#[tokio::test]
async fn a_server_that_may_lose_commits_is_refused() {
    let Some((_, database)) = open().await else { return };
    let url = &database.url;
    let joined = if url.contains('?') { "&" } else { "?" };
    for setting in ["synchronous_commit%3Doff"] {
        let error = Store::open_postgres(&format!("{url}{joined}options=-c%20{setting}"), None)
            .await
            .expect_err("refused");
        assert!(matches!(error, StoreError::Unsafe(_)), "{error:?}");
        assert!(error.to_string().contains("synchronous_commit = off"), "{error}");
    }
}

#[tokio::test]
async fn a_terminated_connection_is_a_passing_fault_and_the_next_call_works() {
    let Some((store, _database)) = open().await else {
        return;
    };
    let tx = store.begin().await.unwrap();
    let pid: i32 = tx
        .one("SELECT pg_backend_pid() AS pid", vec![])
        .await
        .unwrap()
        .unwrap()
        .get("pid")
        .unwrap();
    store
        .one(&format!("SELECT pg_terminate_backend({pid}) AS done"), vec![])
        .await
        .unwrap();
    let error = loop {
        match tx
            .run("INSERT INTO things (id, size) VALUES (1, 1)", vec![])
            .await
        {
            Err(error) => break error,
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    drop(tx);
    store.ready().await.unwrap();
    assert!(
        store
            .one("SELECT id FROM things", vec![])
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn two_processes_never_claim_one_database() {
    let Some((store, database)) = open().await else {
        return;
    };
    let (url, schema) = (&database.url, &database.schema);
    let first = Store::claim_postgres(url, Some(schema)).await.unwrap();
    let error = Store::claim_postgres(url, Some(schema))
        .await
        .expect_err("claimed");
    assert!(
        matches!(error, StoreError::Unsafe(_))
            && error.to_string().contains("another process holds this database"),
        "{error:?}"
    );
    // The server ends every connection, as at a restart. Nothing is written until the claim is taken again.
    let kill = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1 || '/claim', 0)";
    let killed: i64 = store
        .one(kill, args![schema.clone()])
        .await
        .unwrap()
        .unwrap()
        .get("n")
        .unwrap();
    assert_eq!(killed, 1);
    let second = Store::claim_postgres(url, Some(schema)).await.expect("free now");
    let mut refused = None;
    for _ in 0..100 {
        if let Err(error) = first.begin().await {
            refused = Some(error);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    second.close().await;
    for _ in 0..100 {
        if first.begin().await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the claim was not taken again");
}

#[tokio::test]
async fn a_deadlock_is_a_passing_fault() {
    let Some((store, _database)) = open().await else {
        return;
    };
    let tx = store.begin().await.unwrap();
    tx.run("INSERT INTO things (id, size) VALUES (1, 0), (2, 0)", vec![])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (one, two) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    let touch = "UPDATE things SET size = size + 1 WHERE id = $1";
    one.run(touch, args![1_i64]).await.unwrap();
    two.run(touch, args![2_i64]).await.unwrap();
    let (first, second) = tokio::join!(one.run(touch, args![2_i64]), async {
        let answer = two.run(touch, args![1_i64]).await;
        drop(two);
        answer
    });
    let errors: Vec<StoreError> = [first.err(), second.err()].into_iter().flatten().collect();
    assert!(
        matches!(errors.as_slice(), [StoreError::Unavailable(_)]),
        "{errors:?}"
    );
}

#[tokio::test]
async fn a_serialization_failure_and_a_full_disk_are_passing_faults() {
    let Some((store, _database)) = open().await else {
        return;
    };
    for state in [
        "40001", "40P01", "57P01", "57P03", "53100", "53300", "25006", "08006",
    ] {
        let tx = store.begin().await.unwrap();
        let raise =
            format!("DO $$ BEGIN RAISE EXCEPTION 'made for a test' USING ERRCODE = '{state}'; END $$");
        let error = tx.script(&raise).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{state}: {error:?}");
    }
    for (state, conflict) in [
        ("23505", true),
        ("23503", true),
        ("22P02", false),
        ("42601", false),
    ] {
        let tx = store.begin().await.unwrap();
        let raise =
            format!("DO $$ BEGIN RAISE EXCEPTION 'made for a test' USING ERRCODE = '{state}'; END $$");
        let error = tx.script(&raise).await.unwrap_err();
        assert_eq!(
            matches!(error, StoreError::Conflict(_)),
            conflict,
            "{state}: {error:?}"
        );
        assert!(!matches!(error, StoreError::Unavailable(_)), "{state}: {error:?}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_a_passing_fault() {
    let error = Store::open_postgres("postgres://nobody@127.0.0.1:9/nothing", None)
        .await
        .expect_err("nobody listens there");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(
        !error.to_string().contains("nobody@"),
        "credentials are not repeated: {error}"
    );
}
