//! Commands and servers on one data folder.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Server, done, run, stderr, tenure};
use tenure_store::Execute;

fn users(data: &Path) -> Vec<String> {
    let text = done(data, &["user", "list", "--format", "csv"]);
    text.lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn commands_work_with_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = done(&data, &["user", "add", "ann@example.com", "--role", "admin"]);
    assert_eq!(made.trim().len(), 20, "a password and nothing else: {made:?}");

    let server = Server::start(&data, &[]);
    assert_eq!(
        std::fs::metadata(data.join("tenure.sock"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    done(&data, &["user", "add", "bea@example.com", "--role", "viewer"]);
    assert_eq!(users(&data), ["ann@example.com", "bea@example.com"]);
    let key = done(&data, &["key", "add", "warehouse", "--scope", "write"]);
    assert!(key.starts_with("tnr_") && key.lines().count() == 1, "{key}");
    // The key is in force at the server at once: the command went through it.
    let answer = server.get(
        "/api/v1/users",
        &format!("authorization: Bearer {}\r\n", key.trim()),
    );
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("bea@example.com"),
        "{answer}"
    );

    let refused = run(&data, &["user", "add", "bea@example.com", "--role", "viewer"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    assert!(
        stderr(&refused)
            .contains("email: a user has this address\n    value:  bea@example.com\n    remedy: "),
        "{}",
        stderr(&refused)
    );

    let second = run(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("another process holds"),
        "{}",
        stderr(&second)
    );

    assert_eq!(server.stop(), Some(0));
    assert!(!data.join("tenure.sock").exists());
    assert_eq!(users(&data), ["ann@example.com", "bea@example.com"]);
}

#[test]
fn a_folder_with_a_long_path_has_its_socket_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d".repeat(120)).join("ü ?#%");
    let server = Server::start(&data, &[]);
    let path = std::fs::read_to_string(data.join("socket")).unwrap();
    assert!(path.len() <= 100, "{path}");
    let private = Path::new(&path).parent().unwrap().to_owned();
    assert_eq!(
        std::fs::metadata(&private).unwrap().permissions().mode() & 0o777,
        0o700
    );
    done(&data, &["user", "add", "ann@example.com", "--role", "admin"]);
    assert_eq!(users(&data), ["ann@example.com"]);
    assert_eq!(server.stop(), Some(0));
    assert!(!private.exists() && !data.join("socket").exists());
    assert_eq!(users(&data), ["ann@example.com"]);
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut wanted = Vec::new();
    for round in 0..3 {
        let server = Server::start(data, &[]);
        for user in 0..3 {
            let email = format!("u{round}{user}@example.com");
            done(data, &["user", "add", &email, "--role", "viewer"]);
            wanted.push(email);
        }
        server.kill();
        assert!(
            data.join("tenure.sock").exists(),
            "a killed server leaves its socket behind"
        );
    }
    assert_eq!(users(data), wanted, "and commands see past it");
    let doctor = run(data, &["doctor"]);
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
}

#[test]
fn the_network_is_never_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    for header in [
        "",
        "x-forwarded-for: 127.0.0.1\r\n",
        "authorization: operator\r\n",
        "x-tenure-operator: 1\r\n",
        "cookie: tenure=operator\r\n",
    ] {
        let answer = server.get("/api/v1/users", header);
        assert!(answer.starts_with("HTTP/1.1 401"), "{header}: {answer}");
    }
    let head = "a".repeat(1_000_000);
    let answer = server.get("/health/live", &format!("x-big: {head}\r\n"));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{}",
        &answer[..answer.len().min(200)]
    );
    // Two lengths, or a length beside chunks: the way to smuggle a second request past a proxy.
    for framing in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: x\r\n",
    ] {
        let answer = server.http(&format!(
            "POST /api/v1/session HTTP/1.1\r\nhost: x\r\n{framing}\r\nabcd"
        ));
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{framing}: {answer}"
        );
    }
    assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn an_older_program_refuses_newer_records() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    done(data, &["user", "list"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = tenure_store::Store::open_embedded(data).await.unwrap();
        let tx = store.begin().await.unwrap();
        let insert =
            "INSERT INTO schema_versions (version, name, hash, applied_at) VALUES (9999, 'later', 'x', 0)";
        tx.run(insert, vec![]).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let refused = run(data, args);
        assert_eq!(refused.status.code(), Some(1));
        let text = stderr(&refused);
        assert!(
            text.contains("schema version 9999") && text.contains("or a newer one"),
            "{text}"
        );
    }
}

#[test]
fn a_folder_whose_records_are_elsewhere_is_not_opened_without_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("records.kind"), "postgres").unwrap();
    let refused = run(folder.path(), &["user", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--database"), "{}", stderr(&refused));
    assert!(!folder.path().join("records.db").exists());

    std::fs::write(
        folder.path().join("records.kind"),
        "embedded 00000000-0000-7000-8000-000000000000",
    )
    .unwrap();
    let refused = run(folder.path(), &["user", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("other records than these"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn exit_codes_tell_wrong_usage_from_failed_work() {
    let missing = tenure(&["kpis", "--data", "/nowhere/at/all"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("there is no data folder /nowhere/at/all"),
        "{}",
        stderr(&missing)
    );
    for wrong in [
        &["kpis"][..],
        &["frobnicate"],
        &["key", "add", "x", "--data", "d"],
        &["serve", "--data", "d", "--listen", "8080"],
    ] {
        let output = tenure(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty());
    }
    let document = tenure(&["openapi"]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn a_disk_that_cannot_be_written_makes_the_server_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start(data, &[]);
    assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
    // The probe's place is taken by a folder: the write fails as it does on a full or read-only disk, also for root.
    std::fs::create_dir(data.join("ready.probe")).unwrap();
    let answer = server.get("/health/ready", "");
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"),
        "{answer}"
    );
    assert!(server.get("/health/live", "").starts_with("HTTP/1.1 200"));
    std::fs::remove_dir(data.join("ready.probe")).unwrap();
    assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
}

/// The newest step of the log, and how far the figures have come.
fn places(data: &Path) -> (i64, i64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = tenure_store::Store::open_embedded(data).await.unwrap();
        let number = async |sql: &str| store.one(sql, vec![]).await.unwrap().unwrap().get("n").unwrap();
        let places = (
            number("SELECT seq AS n FROM event_log").await,
            number("SELECT COALESCE(MIN(seq), 0) AS n FROM cursors").await,
        );
        store.close().await;
        places
    })
}

#[test]
fn only_commands_that_show_figures_work_in_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("accounts.csv");
    std::fs::write(&file, "account_id,name,mrr\na1,One,10\n").unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/starter");
    done(&data, &["program", "apply", program]);
    done(&data, &["import", file.to_str().unwrap(), "--kind", "accounts"]);
    let (newest, worked) = places(&data);
    done(&data, &["user", "list"]);
    assert_eq!(
        places(&data),
        (newest, worked),
        "a list of people needs no figures"
    );
    assert!(worked < newest);
    for command in [
        &["accounts", "--format", "csv"][..],
        &["kpis"],
        &["program", "plan", program],
        &["sql", "SELECT 1 AS one"],
    ] {
        let (newest, _) = places(&data);
        done(&data, command);
        let (after, worked) = places(&data);
        assert!(
            worked >= newest && after >= newest,
            "{command:?}: {worked} of {newest}"
        );
        std::fs::write(&file, format!("account_id,name,mrr\na1,{},10\n", command[0])).unwrap();
        done(&data, &["import", file.to_str().unwrap(), "--kind", "accounts"]);
    }
}
