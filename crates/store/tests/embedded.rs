//! What only the embedded database does: locks, read-only folders, full disks, damaged files.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tenure_store::migrate::{Migration, migrate};
use tenure_store::{Clock, DataLock, Execute, Store, StoreError, args};

const SCHEMA: &[Migration] = &[Migration {
    version: 1,
    name: "things",
    script: "CREATE TABLE things (id BIGINT PRIMARY KEY, raw {blob});\n",
}];

async fn open(folder: &Path) -> Store {
    let store = Store::open_embedded(folder).await.unwrap();
    let clock = Clock::manual("2026-06-30T12:00:00Z".parse().unwrap());
    migrate(&store, &clock, SCHEMA).await.unwrap();
    store
}

/// Runs this test binary again for one test, as another process.
fn other_process(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("TENURE_STORE_TEST_FOLDER", folder);
    command
}

fn folder_of_the_other() -> std::path::PathBuf {
    std::env::var_os("TENURE_STORE_TEST_FOLDER")
        .expect("started by another test")
        .into()
}

#[test]
fn two_processes_never_hold_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let lock = DataLock::take(folder.path()).unwrap().expect("free");
    assert!(
        DataLock::take(folder.path()).unwrap().is_none(),
        "not even twice in one process"
    );
    let refused = other_process("takes_the_lock", folder.path()).output().unwrap();
    assert!(
        String::from_utf8_lossy(&refused.stdout).contains("lock: held"),
        "{refused:?}"
    );
    drop(lock);
    let given = other_process("takes_the_lock", folder.path()).output().unwrap();
    assert!(
        String::from_utf8_lossy(&given.stdout).contains("lock: taken"),
        "{given:?}"
    );
}

#[test]
#[ignore = "run by two_processes_never_hold_one_folder"]
fn takes_the_lock() {
    let state = if DataLock::take(&folder_of_the_other()).unwrap().is_some() {
        "taken"
    } else {
        "held"
    };
    println!("lock: {state}");
}

#[test]
fn a_folder_made_by_us_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a").join("data");
    let _lock = DataLock::take(&folder).unwrap().expect("free");
    assert_eq!(
        std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn a_process_killed_in_a_transaction_leaves_the_rows_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = other_process("writes_for_ever", folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    // The last number that the child says was committed.
    let mut said = 0;
    while said < 25 {
        let line = lines.next().expect("the child writes").unwrap();
        said = line
            .strip_prefix("committed ")
            .and_then(|n| n.parse().ok())
            .unwrap_or(said);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        said = line
            .strip_prefix("committed ")
            .and_then(|n| n.parse().ok())
            .unwrap_or(said);
    }
    let store = open(folder.path()).await;
    let row = store
        .one("SELECT COUNT(*) AS n, MAX(id) AS last FROM things", vec![])
        .await
        .unwrap()
        .unwrap();
    let (count, last): (i64, i64) = (row.get("n").unwrap(), row.get("last").unwrap());
    assert_eq!(count, last, "whole transactions only");
    assert!(last == said || last == said + 1, "said {said}, found {last}");
    assert_eq!(store.report().await.unwrap().damage, None);
}

#[tokio::test]
#[ignore = "run by a_process_killed_in_a_transaction_leaves_the_rows_before_it"]
async fn writes_for_ever() {
    use std::io::Write;
    let store = open(&folder_of_the_other()).await;
    for id in 1.. {
        let tx = store.begin().await.unwrap();
        tx.run(
            "INSERT INTO things (id, raw) VALUES ($1, $2)",
            args![id, vec![1u8; 20_000]],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "committed {id}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_a_passing_fault() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    // As full as a disk gets: the database may not take one more page.
    let tx = store.begin().await.unwrap();
    tx.one("SELECT * FROM pragma_page_count", vec![]).await.unwrap();
    tx.script("PRAGMA max_page_count = 1").await.unwrap();
    let error = tx
        .run(
            "INSERT INTO things (id, raw) VALUES (1, $1)",
            args![vec![1u8; 1_000_000]],
        )
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_locked_database_is_a_passing_fault() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let other = Store::open_embedded(folder.path()).await.unwrap();
    let held = other.begin().await.unwrap();
    let error = store.begin().await.err().expect("the write lock is held");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    held.rollback().await.unwrap();
    store.begin().await.unwrap().rollback().await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let tx = store.begin().await.unwrap();
    for id in 0..200_i64 {
        tx.run(
            "INSERT INTO things (id, raw) VALUES ($1, $2)",
            args![id, vec![7u8; 500]],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    store.close().await;
    let path = folder.path().join("records.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // The table's pages lie at the end; overwrite the head of one.
    let page = bytes.len() - 8 * 4_096;
    bytes[page..page + 64].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let found = match Store::open_embedded(folder.path()).await {
        Ok(store) => store.report().await.map(|report| report.damage.is_some()),
        Err(error) => Err(error),
    };
    match found {
        Ok(told) => assert!(told, "the damage is seen"),
        Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
    }
}

#[tokio::test]
async fn something_else_in_place_of_the_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("records.db"),
        "this is no database, but it is long enough to look like a header of one",
    )
    .unwrap();
    let error = Store::open_embedded(folder.path()).await.expect_err("refused");
    assert!(error.to_string().contains("not a database"), "{error}");
    assert_eq!(
        std::fs::read(folder.path().join("records.db")).unwrap().len(),
        71,
        "and left as it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_merged_beside_the_commits_and_starts_again() {
    const ROWS: i64 = 48;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let length = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len() >> 20);
    let write = async |from: i64| {
        for id in from..from + ROWS {
            let tx = store.begin().await.unwrap();
            let megabyte = vec![u8::try_from(id).unwrap(); 1 << 20];
            tx.run(
                "INSERT INTO things (id, raw) VALUES ($1, $2)",
                args![id, megabyte],
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
        }
    };
    write(0).await;
    let unmerged = async || {
        let row = store
            .one("PRAGMA wal_checkpoint(NOOP)", vec![])
            .await
            .unwrap()
            .unwrap();
        row.get::<i32>("log").unwrap() - row.get::<i32>("checkpointed").unwrap()
    };
    for _ in 0..200 {
        if length("records.db") >= 32 && unmerged().await < 8_192 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(
        length("records.db") >= 32,
        "{} MB are in the file",
        length("records.db")
    );
    write(ROWS).await;
    assert!(
        length("records.db-wal") < 80,
        "the log has {} MB",
        length("records.db-wal")
    );
    let row = store
        .one(
            "SELECT COUNT(*) AS n, SUM(LENGTH(raw)) AS bytes FROM things",
            vec![],
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.get::<i64>("n").unwrap(), row.get::<i64>("bytes").unwrap()),
        (2 * ROWS, (2 * ROWS) << 20)
    );
    store.close().await;
    let again = Store::open_embedded(folder.path()).await.unwrap();
    let row = again
        .one("SELECT COUNT(*) AS n FROM things", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<i64>("n").unwrap(), 2 * ROWS);
    assert_eq!(length("records.db-wal"), 0, "closing merges all of it");
}
