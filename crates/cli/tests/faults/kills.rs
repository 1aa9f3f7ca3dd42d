//! kill -9, again and again.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tenure_store::{Clock, Execute, Store, args, migrate};

use super::common::{Server, done, run, tenure};
use super::rows::{counted, events, import, prepare};

const ROWS: usize = 150_000;

/// Starts a command on a folder without waiting for it.
fn begin(data: &Path, args: &[&str]) -> Child {
    tenure(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[track_caller]
fn healthy(data: &Path) {
    let doctor = run(data, &["doctor"]);
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
}

#[test]
fn an_import_that_is_killed_anywhere_goes_on_and_has_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    prepare(&data);
    let file = events(folder.path(), 0, ROWS);
    let file = file.to_str().unwrap();
    let mut random = StdRng::seed_from_u64(11);
    let (mut kills, mut partly) = (0, 0);
    while kills < 8 {
        let mut command = begin(&data, &["import", file, "--kind", "events"]);
        std::thread::sleep(Duration::from_millis(random.random_range(50..2_500)));
        if command.try_wait().unwrap().is_some() {
            break;
        }
        kill(command);
        kills += 1;
        if kills % 3 == 0 {
            let (rows, ids) = counted(&data);
            assert_eq!(rows, ids, "after {kills} kills");
            partly += usize::from(rows > 0 && rows < ROWS as u64);
        }
    }
    assert!(kills > 1, "the import was never cut off");
    let last = import(&done(&data, &["import", file, "--kind", "events"]));
    assert_eq!(last["state"], "done", "{last}");
    assert_eq!(
        (last["rows"].as_u64(), last["rejected"].as_u64()),
        (Some(ROWS as u64), Some(0)),
        "{last}"
    );
    assert_eq!(
        counted(&data),
        (ROWS as u64, ROWS as u64),
        "{kills} kills, {partly} times partly there"
    );
    healthy(&data);
}

#[test]
fn an_import_goes_on_by_itself_when_a_killed_server_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    prepare(&data);
    let file = events(folder.path(), 0, ROWS);
    let server = Server::start(&data, &[]);
    let command = begin(&data, &["import", file.to_str().unwrap(), "--kind", "events"]);
    // It has begun when the server knows of it.
    let begun = Instant::now();
    while counted(&data).0 == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the import never began"
        );
    }
    server.kill();
    kill(command);
    let server = Server::start(&data, &[]);
    let begun = Instant::now();
    while counted(&data).0 < ROWS as u64 {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "the import never ended"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(counted(&data), (ROWS as u64, ROWS as u64));
    server.kill();
    healthy(&data);
}

/// Makes the records of the first release, with a row in them.
fn records_of_before(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_embedded(data).await.unwrap();
        migrate::migrate(&store, &Clock::system(), &tenure_app::schema::MIGRATIONS[..1])
            .await
            .unwrap();
        let tx = store.begin().await.unwrap();
        tx.run(
            "INSERT INTO settings (key, value) VALUES ('kept', $1)",
            args!["yes"],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

/// Versions that were applied, and whether the row of before is there.
fn migrated(data: &Path) -> (Vec<i64>, bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_embedded(data).await.unwrap();
        let rows = store
            .all("SELECT version FROM schema_versions ORDER BY version", vec![])
            .await
            .unwrap();
        let versions = rows.iter().map(|row| row.get("version").unwrap()).collect();
        let kept = store
            .one("SELECT value FROM settings WHERE key = 'kept'", vec![])
            .await
            .unwrap();
        store.close().await;
        (versions, kept.is_some())
    })
}

#[test]
fn a_start_that_is_killed_anywhere_also_while_it_migrates_leaves_a_folder_that_starts() {
    let all: Vec<i64> = tenure_app::schema::MIGRATIONS
        .iter()
        .map(|it| it.version)
        .collect();
    let mut random = StdRng::seed_from_u64(5);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let old = round % 2 == 0;
        if old {
            records_of_before(&data);
        }
        for _ in 0..4 {
            let server = begin(&data, &["serve", "--listen", "127.0.0.1:0"]);
            // The first tenth of a second is when the records are opened and migrated.
            let most = if random.random_bool(0.7) { 120_000 } else { 900_000 };
            std::thread::sleep(Duration::from_micros(random.random_range(2_000..most)));
            kill(server);
            if data.join("records.db").exists() {
                let versions = done_versions(&data);
                assert!(all.starts_with(&versions), "half a schema: {versions:?}");
                seen.insert(versions.len());
            }
        }
        let server = Server::start(&data, &[]);
        assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
        assert_eq!(server.stop(), Some(0));
        assert_eq!(migrated(&data), (all.clone(), old));
        healthy(&data);
    }
    assert!(seen.len() > 1, "every kill came at the same place: {seen:?}");
}

/// As [`migrated`], where there may be no schema yet.
fn done_versions(data: &Path) -> Vec<i64> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_embedded(data).await.unwrap();
        let rows = store
            .all("SELECT version FROM schema_versions ORDER BY version", vec![])
            .await;
        store.close().await;
        rows.map(|rows| rows.iter().map(|row| row.get("version").unwrap()).collect())
            .unwrap_or_default()
    })
}

#[test]
fn twenty_restarts_in_a_row_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut users = Vec::new();
    let begun = Instant::now();
    for round in 0..20 {
        let server = Server::start(&data, &[]);
        if round % 5 == 0 {
            let email = format!("u{round}@example.com");
            done(&data, &["user", "add", &email, "--role", "viewer"]);
            users.push(email);
        }
        server.kill();
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(60), "20 restarts took {took:?}");
    let text = done(&data, &["user", "list", "--format", "csv"]);
    let mut there: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    there.sort_unstable();
    users.sort_unstable();
    assert_eq!(there, users);
    healthy(&data);
}
