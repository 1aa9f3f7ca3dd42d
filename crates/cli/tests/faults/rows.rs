//! Files to import, and what of them is there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::common::done;

/// Makes a folder with the smallest program, without which nothing can be asked.
pub fn prepare(data: &Path) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/starter");
    done(data, &["program", "apply", program]);
}

/// Writes events `FROM…TO` of a few accounts over a few months; gives the file.
pub fn events(folder: &Path, from: usize, to: usize) -> PathBuf {
    let mut text = "message_id,account_id,contact_id,name,occurred_at,properties.n\n".to_owned();
    for n in from..to {
        let (month, day) = (n % 5 + 1, n % 28 + 1);
        writeln!(
            text,
            "m{n},a{},c{},login,2026-{month:02}-{day:02}T10:00:00Z,{n}",
            n % 40,
            n % 90
        )
        .unwrap();
    }
    let path = folder.join(format!("events-{from}-{to}.csv"));
    std::fs::write(&path, text).unwrap();
    path
}

/// The message ids that are stored; fails when one is there twice.
pub fn stored(data: &Path) -> BTreeSet<String> {
    let text = done(
        data,
        &[
            "sql",
            "SELECT message_id FROM events",
            "--format",
            "csv",
            "--limit",
            "1000000",
        ],
    );
    let ids: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "an event is there twice");
    set
}

/// Counts and distinct ids of all events, by the history's own reader.
pub fn counted(data: &Path) -> (u64, u64) {
    let sql = "SELECT count(*) AS n, count(DISTINCT message_id) AS ids FROM events WHERE kind <> 'account'";
    let text = done(data, &["sql", sql, "--format", "csv"]);
    let line = text.lines().nth(1).unwrap();
    let (n, ids) = line.split_once(',').unwrap();
    (n.parse().unwrap(), ids.parse().unwrap())
}

/// The import that a command printed.
pub fn import(output: &str) -> Value {
    serde_json::from_str(output).unwrap()
}
