//! `tenure doctor`: is this machine, and is this data folder sound?

use std::path::Path;
use std::process::{Command, ExitCode};

use jiff::Timestamp;
use serde_json::{Value, json};
use tenure_store::Clock;

use crate::args::{Data, Doctor};
use crate::client::{Client, Failure, Result};
use crate::output::print;

/// Runs every check; exit code 1 when one failed.
pub async fn run(args: Doctor) -> Result<ExitCode> {
    let mut checks = vec![version(), clock(), open_files()];
    if let Some(folder) = &args.data {
        checks.extend(folder_checks(folder));
        checks.push(disk(folder));
        let data = Data {
            data: folder.clone(),
            database: args.database.clone(),
        };
        checks.extend(inside(&data).await);
    }
    let whole = json!({ "checks": checks });
    print(
        args.format,
        &whole,
        &checks,
        &[
            ("Check", "check"),
            ("State", "state"),
            ("Found", "detail"),
            ("Remedy", "remedy"),
        ],
    )?;
    let failed = checks.iter().filter(|check| check["state"] == "failed").count();
    if failed > 0 {
        eprintln!("{failed} checks failed");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn check(name: &str, state: &str, detail: impl Into<String>, remedy: &str) -> Value {
    let remedy = if state == "ok" { Value::Null } else { remedy.into() };
    json!({ "check": name, "state": state, "detail": detail.into(), "remedy": remedy })
}

fn version() -> Value {
    check("version", "ok", env!("CARGO_PKG_VERSION"), "")
}

/// A clock that is years off would date every event wrongly.
fn clock() -> Value {
    let now = Clock::system().now();
    let built = "2026-01-01T00:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let state = if now < built { "failed" } else { "ok" };
    check("clock", state, now.to_string(), "set the system's clock (NTP)")
}

fn open_files() -> Value {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let Some(most) = line
        .and_then(|line| line.split_whitespace().nth(3))
        .map(|text| text.parse::<u64>().unwrap_or(u64::MAX))
    else {
        return check("open files", "ok", "the limit is not known on this system", "");
    };
    let state = if most < 4_096 { "warning" } else { "ok" };
    check(
        "open files",
        state,
        most.to_string(),
        "raise the limit to 4096 or more (`ulimit -n`, or LimitNOFILE in the service's unit)",
    )
}

fn folder_checks(folder: &Path) -> Vec<Value> {
    if !folder.is_dir() {
        return vec![check(
            "data folder",
            "failed",
            format!("{} does not exist", folder.display()),
            "`tenure serve --data DIR` makes it",
        )];
    }
    let probe = folder.join("doctor.probe");
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    let writable = match written {
        Ok(()) => check("data folder", "ok", folder.display().to_string(), ""),
        Err(error) => check(
            "data folder",
            "failed",
            error.to_string(),
            "make the folder writable for this user, or free the disk",
        ),
    };
    vec![writable, privacy(folder)]
}

fn privacy(folder: &Path) -> Value {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder).map_or(0, |meta| meta.permissions().mode() & 0o777);
    let state = if mode & 0o077 == 0 { "ok" } else { "warning" };
    check(
        "folder privacy",
        state,
        format!("mode {mode:o}"),
        "other users of this machine can look into it: chmod 700",
    )
}

/// Free space as `df` sees it, so that quotas and reserved blocks count.
fn disk(folder: &Path) -> Value {
    let output = Command::new("df").args(["-Pk", "--"]).arg(folder).output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let free = text
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(3))
        .and_then(|kib| kib.parse::<u64>().ok());
    let Some(free) = free else {
        return check("disk space", "warning", "not known", "look with `df`");
    };
    let gib = free as f64 / 1_048_576.0;
    let state = if gib < 0.5 {
        "failed"
    } else if gib < 5.0 {
        "warning"
    } else {
        "ok"
    };
    check(
        "disk space",
        state,
        format!("{gib:.1} GiB free"),
        "free or add disk space: events are refused when the disk is full",
    )
}

/// What only the process that holds the folder can see.
async fn inside(data: &Data) -> Vec<Value> {
    if !data.data.is_dir() {
        return Vec::new();
    }
    let client = match Client::open(data).await {
        Ok(client) => client,
        Err(failure) => return vec![check("opening", "failed", one_line(&failure), "see the text")],
    };
    let holder = if client.is_served() {
        "a server, reached through its socket"
    } else {
        "nobody; opened for this check"
    };
    let mut checks = vec![check("held by", "ok", holder, "")];
    match client.get("/health/ready").await {
        Ok(_) => checks.push(check("ready", "ok", "the storage accepts writes", "")),
        Err(failure) => checks.push(check(
            "ready",
            "failed",
            one_line(&failure),
            "see the server's log",
        )),
    }
    match client.get("/api/v1/diagnosis").await {
        Ok(answer) => checks.extend(answer["checks"].as_array().cloned().unwrap_or_default()),
        Err(failure) => checks.push(check(
            "diagnosis",
            "failed",
            one_line(&failure),
            "see the server's log",
        )),
    }
    client.close().await;
    checks
}

fn one_line(failure: &Failure) -> String {
    failure
        .to_string()
        .trim()
        .trim_start_matches("tenure: ")
        .replace('\n', " ")
}
