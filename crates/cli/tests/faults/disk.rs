//! A disk that is full, that fails, that cannot sync, that is read-only: at the n-th call, under the real program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::common::{Server, done, stderr, tenure};
use super::rows::{counted, events, import, prepare, stored};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
/// Until the fault is taken away.
const ALWAYS: u32 = 1_000_000_000;

/// The library that makes the disk fail, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/disk.c");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&path)
            .args([source, "-ldl", "-lpthread"])
            .status()
            .expect("a C compiler, which building Tenure needs anyway");
        assert!(done.success());
        path
    })
}

struct Disk {
    folder: tempfile::TempDir,
    faults: u32,
}

impl Disk {
    fn new() -> Self {
        let disk = Self {
            folder: tempfile::tempdir().unwrap(),
            faults: 0,
        };
        prepare(&disk.data());
        disk
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn order(&self) -> PathBuf {
        self.folder.path().join("fault")
    }

    fn on(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("TENURE_FAULT", self.order());
    }

    /// From now on call number `from` (and those after it, `count` in all) on files whose path holds `needle` fails.
    fn fail(&mut self, call: &str, needle: &str, code: i32, from: u32, count: u32) {
        self.faults += 1;
        let line = format!("{} {call} {needle} {code} {from} {count}\n", self.faults);
        // As a whole or not at all: the library may be reading.
        let next = self.folder.path().join("fault.next");
        std::fs::write(&next, line).unwrap();
        std::fs::rename(next, self.order()).unwrap();
    }

    fn mend(&self) {
        let _ = std::fs::remove_file(self.order());
    }

    fn server(&self) -> Server {
        Server::start_as(&self.data(), &[], |command| self.on(command))
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = tenure(args);
        self.on(command.arg("--data").arg(self.data()));
        command.output().unwrap()
    }
}

/// Sends one event; `Some(true)` = stored, `Some(false)` = to be sent again, `None` = no answer.
fn send(server: &Server, key: &str, id: &str) -> Option<bool> {
    let body =
        format!(r#"{{"writeKey":"{key}","userId":"u","groupId":"g","event":"login","messageId":"{id}"}}"#);
    let answer = server.http(&format!(
        "POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    if answer.is_empty() {
        return None;
    }
    if answer.starts_with("HTTP/1.1 200") {
        return Some(true);
    }
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: "),
        "a client would drop its event for ever: {answer}"
    );
    Some(false)
}

#[test]
fn a_commit_that_fails_is_not_acknowledged_and_what_was_acknowledged_stays() {
    let mut disk = Disk::new();
    let key = done(&disk.data(), &["key", "add", "web", "--scope", "ingest"]);
    let key = key.trim();
    let mut acknowledged = BTreeSet::new();
    let (mut n, mut refused) = (0, 0);
    let mut server = disk.server();
    for (call, code) in [("write", ENOSPC), ("write", EIO), ("sync", EIO)] {
        for from in [1, 2, 5] {
            for count in [1, ALWAYS] {
                disk.fail(call, "records.db-wal", code, from, count);
                for _ in 0..8 {
                    n += 1;
                    let id = format!("m{n}");
                    match send(&server, key, &id) {
                        Some(true) => drop(acknowledged.insert(id)),
                        Some(false) => refused += 1,
                        None => {
                            refused += 1;
                            disk.mend();
                            server.kill();
                            server = disk.server();
                        }
                    }
                }
                if count == ALWAYS {
                    let ready = server.get("/health/ready", "");
                    assert!(ready.starts_with("HTTP/1.1 503"), "{call} {code} {from}: {ready}");
                }
                disk.mend();
                // It mends itself, without a restart.
                n += 1;
                let id = format!("m{n}");
                assert_eq!(
                    send(&server, key, &id),
                    Some(true),
                    "{call} {code} from {from}, {count} times"
                );
                acknowledged.insert(id);
                assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
            }
        }
        server.kill();
        let there = stored(&disk.data());
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{call} {code}: lost {lost:?}");
        server = disk.server();
    }
    assert!(refused > 20, "the disk hardly failed: {refused} of {n}");
}

#[test]
fn a_history_that_cannot_be_written_fails_the_import_and_the_next_one_is_whole() {
    const ROWS: usize = 12_000;
    let mut disk = Disk::new();
    let mut rows = 0;
    let mut failed = 0;
    for (call, code, needle) in [
        ("write", ENOSPC, "/lake/"),
        ("write", EIO, "/lake/"),
        ("sync", EIO, ".tmp"),
        // The folder that names the new file.
        ("sync", EIO, "/lake/"),
        ("open", EROFS, "/lake/"),
        ("sync", EIO, "records.db"),
    ] {
        for from in [1, 4] {
            disk.fail(call, needle, code, from, 1);
            let file = events(disk.folder.path(), rows, rows + ROWS);
            let file = file.to_str().unwrap();
            let first = disk.run(&["import", file, "--kind", "events"]);
            disk.mend();
            if !first.status.success() {
                failed += 1;
                assert_eq!(first.status.code(), Some(1), "{}", stderr(&first));
                assert!(stderr(&first).contains("tenure: "), "{}", stderr(&first));
            }
            let again = import(&done(&disk.data(), &["import", file, "--kind", "events"]));
            assert_eq!(again["state"], "done", "{again}");
            rows += ROWS;
            assert_eq!(
                counted(&disk.data()),
                (rows as u64, rows as u64),
                "{call} {needle} {from}"
            );
        }
    }
    assert!(failed > 2, "the disk hardly failed: {failed} times");
    let doctor = disk.run(&["doctor"]);
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_refuses_until_it_is_mended() {
    let mut disk = Disk::new();
    disk.fail("open", "/data/", EROFS, 1, ALWAYS);
    let begun = Instant::now();
    let refused = disk.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    let text = stderr(&refused).to_lowercase();
    assert!(text.contains("read-only") && text.contains("data"), "{text}");

    disk.mend();
    let key = done(&disk.data(), &["key", "add", "web", "--scope", "ingest"]);
    let server = disk.server();
    assert_eq!(send(&server, key.trim(), "before"), Some(true));
    disk.fail("write", "/data/", EROFS, 1, ALWAYS);
    assert_eq!(send(&server, key.trim(), "during"), Some(false));
    assert!(server.get("/health/ready", "").starts_with("HTTP/1.1 503"));
    assert!(server.get("/health/live", "").starts_with("HTTP/1.1 200"));
    disk.mend();
    assert_eq!(send(&server, key.trim(), "during"), Some(true));
    server.kill();
    let there = stored(&disk.data());
    assert!(there.contains("before") && there.contains("during"), "{there:?}");
}
