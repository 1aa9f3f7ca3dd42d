//! Imports through the API and the database, from files written by the tests themselves.

mod completeness;
mod dirty;
mod docs;
mod formats;
mod kinds;
mod maps;
mod programs;
mod proposals;
mod resume;
mod sniffing;
mod uploads;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tenure_store::Execute;

use crate::testing::{Answer, TestApp};

/// An open Tenure with a folder for files to import.
pub(super) struct Desk {
    pub(super) app: TestApp,
    files: TempDir,
}

impl Desk {
    pub(super) async fn new() -> Self {
        Self {
            app: TestApp::new().await,
            files: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Writes a file and returns its path.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub(super) fn folder(&self) -> &Path {
        self.files.path()
    }

    pub(super) async fn start(&self, body: Json) -> Answer {
        self.app.post("/api/v1/imports").as_operator().json(&body).await
    }

    /// Waits until an import's job has ended.
    pub(super) async fn ended(&self, id: &str) -> Json {
        for _ in 0..6_000 {
            if self.app.imports.job(id).is_none() {
                return self
                    .app
                    .get(&format!("/api/v1/imports/{id}"))
                    .as_operator()
                    .await
                    .ok();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the import {id} did not end within a minute");
    }

    /// Imports and waits for the end.
    pub(super) async fn import(&self, body: Json) -> Json {
        let answer = self.start(body).await.ok();
        let done = self.ended(answer["id"].as_str().expect("an id")).await;
        sums_up(&done);
        done
    }

    /// Imports one file of a kind.
    pub(super) async fn one(&self, path: &Path, kind: &str) -> Json {
        self.import(json!({ "path": path, "kind": kind })).await
    }

    /// Imports one file of a kind with a map.
    pub(super) async fn mapped(&self, path: &Path, kind: &str, map: &str) -> Json {
        self.import(json!({ "path": path, "kind": kind, "map": format!("{map}\n") }))
            .await
    }

    /// The single fault that starting an import ends in.
    pub(super) async fn fault(&self, body: Json) -> Json {
        let answer = self.start(body).await.problem(422);
        let fault = answer["errors"][0].clone();
        assert!(!fault["remedy"].as_str().expect("a remedy").is_empty(), "{fault}");
        fault
    }

    pub(super) fn rows_at_once(&self, rows: usize) {
        self.app.imports.rows_at_once.store(rows, Ordering::Relaxed);
    }

    pub(super) async fn count(&self, table: &str) -> i64 {
        self.app.count(table).await
    }

    /// Every stored event without what depends on when it was stored, in the order of message ids.
    pub(super) fn events(&self) -> Vec<Json> {
        let mut all: Vec<Json> = crate::events::tail_since(&self.app, 0)
            .iter()
            .flat_map(|(_, rows)| rows.iter())
            .filter(|row| row.kind != "account")
            .map(|row| {
                json!({
                    "id": row.message_id, "account": row.account_id, "contact": row.contact_id, "name": row.name, "kind": row.kind,
                    "at": jiff::Timestamp::from_microsecond(row.occurred_at).expect("an instant").to_string(),
                    "properties": serde_json::from_str::<Json>(&row.properties).expect("an object"),
                })
            })
            .collect();
        all.sort_by_key(|event| event["id"].as_str().map(str::to_owned));
        all
    }

    /// Every account and contact as the records hold them, without when.
    pub(super) async fn known(&self) -> Vec<String> {
        let sql = "SELECT id || '|' || name || '|' || COALESCE(owner, '') || '|' || COALESCE(parent_id, '') || '|' || attributes AS line \
                   FROM accounts UNION ALL SELECT id || '|' || account_no || '|' || COALESCE(email, '') || '|' || COALESCE(name, '') || '|' \
                   || attributes FROM contacts ORDER BY line";
        let rows = self.app.store.all(sql, vec![]).await.expect("rows");
        rows.iter().map(|row| row.get("line").expect("a line")).collect()
    }

    /// Line, field and reason of every kept reject, by line.
    pub(super) async fn rejects(&self) -> Vec<(i64, Option<String>, String)> {
        let rows = self
            .app
            .store
            .all(
                "SELECT line, field, reason FROM rejects ORDER BY file, line",
                vec![],
            )
            .await
            .expect("rows");
        rows.iter()
            .map(|row| {
                (
                    row.get("line").expect("line"),
                    row.get("field").expect("field"),
                    row.get("reason").expect("reason"),
                )
            })
            .collect()
    }
}

/// Every row is accounted for.
pub(super) fn sums_up(import: &Json) {
    let of = |it: &Json, name: &str| it[name].as_u64().unwrap_or_else(|| panic!("{name} in {it}"));
    let files = import["files"].as_array().expect("files");
    for it in files.iter().chain([import]) {
        assert_eq!(
            of(it, "rows"),
            of(it, "imported") + of(it, "duplicates") + of(it, "rejected") + of(it, "skipped"),
            "{it}"
        );
    }
    assert_eq!(
        of(import, "rows"),
        files.iter().map(|file| of(file, "rows")).sum::<u64>()
    );
}

/// `rows`, `imported`, `duplicates`, `rejected`.
pub(super) fn counts(import: &Json) -> [u64; 4] {
    ["rows", "imported", "duplicates", "rejected"].map(|name| import[name].as_u64().expect("a count"))
}
