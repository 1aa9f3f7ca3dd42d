//! What clients do wrong on the wire, against the real server (RELIABILITY §11, items 3 and 16).
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Server, done, run, stderr, tenure};

struct Desk {
    folder: tempfile::TempDir,
    server: Server,
    key: String,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/starter");
        done(folder.path(), &["program", "apply", program]);
        let key = done(folder.path(), &["key", "add", "web", "--scope", "ingest"]);
        let server = Server::start(folder.path(), &[]);
        let key = key.trim().to_owned();
        Self { folder, server, key }
    }

    fn event(&self, id: &str) -> String {
        format!(
            r#"{{"writeKey":"{}","batch":[{{"type":"track","userId":"u","event":"x","messageId":"{id}"}}]}}"#,
            self.key
        )
    }

    /// Message ids that are stored.
    fn stored(&self) -> Vec<String> {
        let sql = "SELECT message_id FROM events WHERE kind <> 'account' ORDER BY 1";
        let text = done(self.folder.path(), &["sql", sql, "--format", "csv"]);
        text.lines().skip(1).map(str::to_owned).collect()
    }

    /// Sends bytes, says that no more come if asked to, and gives what comes back within a few seconds.
    fn send(&self, bytes: &[u8], end: bool) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        // The server may close before it has all.
        let _ = stream.write_all(bytes);
        if end {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn batch(&self, headers: &str, body: &[u8], end: bool) -> String {
        let head =
            format!("POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n");
        self.send(&[head.as_bytes(), body].concat(), end)
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Status lines of all answers on a connection.
fn statuses(answers: &str) -> Vec<&str> {
    let lines = answers.split("\r\n").filter(|line| line.contains("HTTP/1.1 "));
    lines
        .map(|line| &line[line.find("HTTP/1.1 ").unwrap() + 9..][..3])
        .collect()
}

#[test]
fn a_wrong_length_stores_nothing_and_hides_nothing() {
    let desk = Desk::new();
    let body = desk.event("short");
    // More is announced than comes: the client went away, and will send again.
    let answer = desk.batch(
        &format!("content-length: {}\r\n", body.len() + 10),
        body.as_bytes(),
        true,
    );
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 503") || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(desk.stored(), [""; 0]);
    // Less is announced: the body is cut, and the rest is no request.
    let answer = desk.batch(
        &format!("content-length: {}\r\n", body.len() - 10),
        body.as_bytes(),
        true,
    );
    assert!(
        statuses(&answer).iter().all(|status| status.starts_with('4')),
        "{answer}"
    );
    for length in ["-1", "+5", "0x10", "5 5", "99999999999999999999999", "5, 6"] {
        let answer = desk.batch(&format!("content-length: {length}\r\n"), body.as_bytes(), true);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{length}: {answer}"
        );
    }
    assert_eq!(desk.stored(), [""; 0]);
    let answer = desk.batch(
        &format!("content-length: {}\r\nconnection: close\r\n", body.len()),
        body.as_bytes(),
        false,
    );
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(desk.stored(), ["short"]);
}

#[test]
fn chunks_with_trailers_are_one_body_and_broken_ones_are_none() {
    let desk = Desk::new();
    let body = desk.event("chunked");
    let (first, second) = body.split_at(20);
    let whole = format!(
        "{}{}0\r\nx-checksum: 5\r\nauthorization: Basic Zm9vOg==\r\ncontent-length: 3\r\n\r\n",
        chunk(first),
        chunk(second)
    );
    let answer = desk.batch(
        "transfer-encoding: chunked\r\ntrailer: x-checksum\r\nconnection: close\r\n",
        whole.as_bytes(),
        false,
    );
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(desk.stored(), ["chunked"]);
    let other = desk.event("broken");
    for broken in [
        format!("{}\r\n", chunk(&other)),
        format!("fffffffffffffffff\r\n{other}\r\n0\r\n\r\n"),
        format!("-5\r\n{other}\r\n0\r\n\r\n"),
        format!("{:x}\r\n{other}0\r\n\r\n", other.len()),
        format!("{}0\r\n{}: 1\r\n\r\n", chunk(&other[..30]), "x".repeat(100_000)),
    ] {
        let answer = desk.batch(
            "transfer-encoding: chunked\r\nconnection: close\r\n",
            broken.as_bytes(),
            true,
        );
        assert!(!answer.starts_with("HTTP/1.1 200"), "{broken:.60}: {answer}");
    }
    assert_eq!(desk.stored(), ["chunked"]);
}

#[test]
fn a_length_beside_chunks_is_refused_and_smuggles_nothing() {
    let desk = Desk::new();
    let hidden = desk.event("hidden");
    let hidden = format!(
        "POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let shown = desk.event("shown");
    // A proxy that goes by the length takes all of it for one body; one that goes by the chunks sees two requests.
    let body = format!("{}0\r\n\r\n{hidden}", chunk(&shown));
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", body.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", body.len()),
        format!(
            "content-length: {}\r\ntransfer-encoding: identity, chunked\r\n",
            body.len()
        ),
        format!(
            "content-length: {}\r\ntransfer-encoding: xchunked\r\n",
            body.len()
        ),
        format!(
            "content-length: {}\r\ntransfer-encoding : chunked\r\n",
            body.len()
        ),
        format!(
            "content-length: {}\r\n transfer-encoding: chunked\r\n",
            body.len()
        ),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
    ] {
        let answer = desk.batch(&framing, body.as_bytes(), true);
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400");
        // The parser drops a length that stands behind the encoding; the chunks alone count then, and nothing after them.
        let encoding_first = framing.starts_with("transfer-encoding: chunked\r\n");
        assert!(refused || encoding_first, "{framing}: {answer}");
        assert!(statuses(&answer).len() <= 1, "{framing}: {answer}");
    }
    assert_eq!(desk.stored(), ["shown"]);
}

#[test]
fn odd_heads_are_refused_and_nothing_stands_still() {
    let desk = Desk::new();
    let big = "a".repeat(1_000_000);
    let body = desk.event("m");
    let length = format!("content-length: {}\r\nconnection: close\r\n", body.len());
    for header in [
        format!("x-big: {big}\r\n"),
        format!("cookie: {big}\r\n"),
        "x: y\r\n".repeat(5_000),
        "no colon\r\n".to_owned(),
        "x\0y: z\r\n".to_owned(),
    ] {
        let answer = desk.batch(&format!("{header}{length}"), body.as_bytes(), false);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 400"),
            "{header:.40}: {answer}"
        );
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1_000_000));
    let answer = desk.send(long.as_bytes(), false);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer:.200}"
    );
    assert_eq!(desk.stored(), [""; 0]);

    // A method that a header names is not the method.
    for header in [
        "x-http-method-override: DELETE",
        "x-method-override: PUT",
        "x-http-method: PATCH",
    ] {
        let answer = desk.send(
            format!("GET /health/live HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\n\r\n")
                .as_bytes(),
            false,
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{header}: {answer}");
    }

    // Clients that never finish their head cost nobody else anything.
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", desk.server.port)).unwrap();
            stream
                .write_all(b"POST /v1/batch HTTP/1.1\r\nhost: x\r\nx-slow: ")
                .unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    assert!(
        desk.batch(&length, body.as_bytes(), false)
            .starts_with("HTTP/1.1 200")
    );
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    drop(slow);
    assert!(desk.server.get("/health/ready", "").starts_with("HTTP/1.1 200"));
    assert_eq!(desk.server.stop(), Some(0));
}

#[test]
fn ten_megabytes_that_would_be_ten_gigabytes_are_refused_before_they_are_read() {
    let desk = Desk::new();
    // A gzip bomb of 10 MB: zeros, as gzip itself packs them.
    let made = Command::new("sh")
        .args(["-c", "head -c 1000000000 /dev/zero | gzip -1 | head -c 10000000"])
        .output()
        .unwrap();
    let bomb = made.stdout;
    assert!(bomb.len() > 4_000_000, "{}", bomb.len());
    let begun = Instant::now();
    let answer = desk.batch(
        &format!(
            "content-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n",
            bomb.len()
        ),
        &bomb,
        false,
    );
    // The server may have closed while the client was still sending.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer}"
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", desk.server.child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 700_000, "{peak} kB");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let body = desk.event("after");
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(body.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let headers = format!("content-length: {}\r\nconnection: close\r\n", utf16.len());
    assert!(desk.batch(&headers, &utf16, false).starts_with("HTTP/1.1 200"));
    assert_eq!(desk.stored(), ["after"]);
}

#[test]
fn a_folder_that_others_can_look_into_is_told_and_one_that_we_make_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Server::start(&data, &[]).kill();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let state = |data: &Path| {
        let text = String::from_utf8(run(data, &["doctor", "--format", "json"]).stdout).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let checks = whole["checks"].as_array().unwrap().clone();
        checks.iter().find(|it| it["check"] == "folder privacy").unwrap()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(state(&data), "ok");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(state(&data), "warning");
}

#[test]
fn what_an_operator_mistypes_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let text = data.to_str().unwrap();
    for (wrong, named) in [
        (
            &["serve", "--data", text, "--lisen", "127.0.0.1:0"][..],
            "--lisen",
        ),
        (&["serve", "--data", text, "--clock", "noon", "--sandbox"], "noon"),
        (&["kpis", "--data", text, "--as-of", "31/12/2025"], "31/12/2025"),
    ] {
        let output = tenure(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{wrong:?}: {}", stderr(&output));
    }
    let program = folder.path().join("program");
    std::fs::create_dir(&program).unwrap();
    std::fs::write(
        program.join("program.yaml"),
        "program: x\ntitle: X\ntime_zone: UTC\ncurrencie: USD\n",
    )
    .unwrap();
    std::fs::write(
        program.join("segments.yaml"),
        "segments:\n  - {id: all, label: All, rule: 5}\n",
    )
    .unwrap();
    let refused = run(&data, &["program", "apply", program.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = stderr(&refused);
    assert!(
        told.contains("program.yaml:4:1") && told.contains("currency"),
        "{told}"
    );
    assert!(told.contains("segments.yaml:2:"), "a number is no rule: {told}");
    assert!(!data.join("lake").join("202601").exists());
}
