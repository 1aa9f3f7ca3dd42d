//! Twice, cut off, cancelled, dry: what is stored is the same as after one undisturbed run.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::{Desk, counts};
use crate::auth::Role;

/// Tickets with a bad row and a repeated one now and then; returns the file and its counts (rows, imported, duplicates, rejected).
fn tickets(rows: usize) -> (String, [u64; 4]) {
    let mut text = "ticket_id,account_id,opened_at,resolved_at,priority,satisfaction\n".to_owned();
    let mut expected = [0; 4];
    for n in 0..rows {
        let account = n % 7;
        let opened = format!("2026-05-{:02}T08:00:00Z", n % 28 + 1);
        if n % 11 == 3 {
            text.push_str(&format!("T-{n},A-{account},31/31/2026,,high,\n"));
            expected[3] += 1;
        } else {
            text.push_str(&format!(
                "T-{n},A-{account},{opened},2026-06-01T00:00:00Z,low,{}\n",
                n % 5 + 1
            ));
            expected[1] += 1;
        }
        if n % 13 == 5 && n % 11 != 3 {
            text.push_str(&format!(
                "T-{n},A-{account},{opened},2026-06-01T00:00:00Z,low,{}\n",
                n % 5 + 1
            ));
            expected[2] += 1;
        }
    }
    expected[0] = expected[1] + expected[2] + expected[3];
    (text, expected)
}

const ACCOUNTS: &str = "account_id,name,employees\nA-0,Zero,1\nA-1,One,2\nA-2,Two,3\nA-3,Three,4\nA-4,Four,5\nA-5,Five,6\nA-6,Six,7\n";

async fn desk_with_accounts() -> Desk {
    let desk = Desk::new().await;
    let accounts = desk.file("accounts.csv", ACCOUNTS);
    assert_eq!(counts(&desk.one(&accounts, "accounts").await), [7, 7, 0, 0]);
    desk
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing() {
    let desk = desk_with_accounts().await;
    let (text, [rows, imported, duplicates, rejected]) = tickets(100);
    let file = desk.file("tickets.csv", &text);
    let first = desk.one(&file, "tickets").await;
    assert_eq!(counts(&first), [rows, imported, duplicates, rejected]);
    let (events, known, rejects) = (desk.events(), desk.known().await, desk.count("rejects").await);
    assert_eq!(u64::try_from(rejects).expect("a count"), rejected);

    let again = desk.one(&file, "tickets").await;
    assert!(
        again["note"]
            .as_str()
            .expect("a note")
            .starts_with("already imported"),
        "{again}"
    );
    assert_eq!(counts(&again), [rows, 0, imported + duplicates, rejected]);
    assert_eq!(
        (desk.events(), desk.known().await),
        (events.clone(), known.clone())
    );

    let forced = desk
        .import(json!({ "path": file, "kind": "tickets", "force": true }))
        .await;
    assert_eq!(counts(&forced), [rows, 0, imported + duplicates, rejected]);
    assert_eq!((desk.events(), desk.known().await), (events, known));

    let changes = desk.count("account_changes").await;
    let accounts = desk
        .import(json!({ "path": desk.folder().join("accounts.csv"), "kind": "accounts", "force": true }))
        .await;
    assert_eq!(counts(&accounts), [7, 0, 7, 0]);
    assert_eq!(desk.count("account_changes").await, changes);
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_and_ends_as_an_undisturbed_one() {
    let (text, expected) = tickets(100);
    let whole = desk_with_accounts().await;
    let undisturbed = whole.one(&whole.file("tickets.csv", &text), "tickets").await;
    assert_eq!(counts(&undisturbed), expected);

    for die_after in 1..=8 {
        let desk = desk_with_accounts().await;
        desk.rows_at_once(13);
        let file = desk.file("tickets.csv", &text);
        desk.app.imports.die_after.store(die_after, Ordering::Relaxed);
        let cut = desk.one(&file, "tickets").await;
        assert_eq!(cut["state"], "running");
        assert_eq!(cut["rows"], 13 * die_after);
        desk.app.imports.die_after.store(0, Ordering::Relaxed);
        let going_on = desk.start(json!({ "path": file, "kind": "tickets" })).await.ok();
        assert_eq!(going_on["id"], cut["id"], "it is the same import that goes on");
        let done = desk.ended(cut["id"].as_str().expect("an id")).await;
        assert_eq!(done["state"], "done");
        assert_eq!(counts(&done), expected, "cut off after chunk {die_after}");
        assert_eq!(desk.events(), whole.events());
        assert_eq!(desk.rejects().await, whole.rejects().await);
        assert_eq!(desk.known().await, whole.known().await);
    }
}

#[tokio::test]
async fn what_was_under_way_goes_on_after_a_restart() {
    let desk = desk_with_accounts().await;
    desk.rows_at_once(10);
    let (text, expected) = tickets(60);
    let file = desk.file("tickets.csv", &text);
    desk.app.imports.die_after.store(2, Ordering::Relaxed);
    let cut = desk.one(&file, "tickets").await;
    desk.app.imports.die_after.store(0, Ordering::Relaxed);
    assert_eq!(crate::imports::resume(&desk.app).await.expect("resumed"), 1);
    let done = desk.ended(cut["id"].as_str().expect("an id")).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), expected));
}

#[tokio::test]
async fn a_cancelled_import_keeps_what_it_has_and_goes_on_when_asked() {
    let desk = desk_with_accounts().await;
    desk.rows_at_once(5);
    let (text, expected) = tickets(2_000);
    let file = desk.file("tickets.csv", &text);
    let started = desk.start(json!({ "path": file, "kind": "tickets" })).await.ok();
    let id = started["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/imports/{id}/cancellation");
    // Whoever may start one may stop it.
    desk.app.post(&path).as_role(Role::Csm).await.problem(403);
    desk.app.post(&path).as_role(Role::Manager).await.ok();
    let stopped = desk.ended(&id).await;
    assert_eq!(stopped["state"], "cancelled");
    assert!(stopped["rows"].as_u64() < Some(expected[0]), "{stopped}");
    desk.app.post(&path).as_operator().await.problem(409);
    assert_eq!(counts(&desk.one(&file, "tickets").await), expected);
}

#[tokio::test]
async fn a_dry_run_counts_and_stores_nothing() {
    let desk = desk_with_accounts().await;
    let (text, expected) = tickets(100);
    let file = desk.file("tickets.csv", &text);
    let before = (desk.events(), desk.known().await);
    let dry = desk
        .import(json!({ "path": file, "kind": "tickets", "dry_run": true }))
        .await;
    assert_eq!((dry["state"].as_str(), counts(&dry)), (Some("done"), expected));
    assert_eq!(
        dry["reject_samples"].as_array().map(Vec::len),
        Some(usize::try_from(expected[3]).expect("a count"))
    );
    assert_eq!(dry["reject_samples"][0]["line"], 5);
    assert_eq!(dry["reject_samples"][0]["field"], "opened_at");
    assert_eq!(dry["reject_samples"][0]["value"], "31/31/2026");
    assert_eq!((desk.events(), desk.known().await), before);
    assert_eq!(desk.count("rejects").await, 0);
    assert_eq!(counts(&desk.one(&file, "tickets").await), expected);
}

#[tokio::test]
async fn over_the_network_only_the_inbox_can_be_imported() {
    let desk = Desk::new().await;
    let file = desk.file("accounts.csv", ACCOUNTS);
    let send = |role: Role, path: &std::path::Path| {
        desk.app
            .post("/api/v1/imports")
            .as_role(role)
            .json(&json!({ "path": path, "kind": "accounts" }))
    };
    let answer = send(Role::Admin, &file).await.problem(422);
    assert!(
        answer["errors"][0]["problem"]
            .as_str()
            .expect("a problem")
            .contains("inbox"),
        "{answer}"
    );
    let inbox = desk.app.config.data.join("inbox");
    std::fs::create_dir_all(&inbox).expect("an inbox");
    std::os::unix::fs::symlink(&file, inbox.join("link.csv")).expect("a link");
    send(Role::Admin, &inbox.join("link.csv")).await.problem(422);
    let inside = inbox.join("accounts.csv");
    std::fs::copy(&file, &inside).expect("a copy");
    send(Role::Manager, &inside).await.problem(403);
    send(Role::Admin, &inside).await.ok();
}

#[tokio::test]
async fn rejects_are_taken_in_after_a_repair() {
    let desk = desk_with_accounts().await;
    let file = desk.file(
        "tickets.csv",
        "ticket_id,account_id,opened_at,priority\nT-1,A-1,2026-01-01,high\nT-2,A-77,2026-01-01,high\nT-3,A-2,05/01/2026,low\nT-4,A-2,never,low\n",
    );
    let done = desk.one(&file, "tickets").await;
    assert_eq!(counts(&done), [4, 1, 0, 3]);
    let id = done["id"].as_str().expect("an id").to_owned();
    let replay = |map: Option<&str>| {
        desk.app
            .post("/api/v1/rejects/replay")
            .as_operator()
            .json(&json!({ "import": id, "map": map }))
    };
    let answer = replay(None).await.ok();
    assert_eq!(
        (&answer["replayed"], &answer["still_rejected"]),
        (&json!(0), &json!(3))
    );

    // The account arrives, and its ticket can be taken in.
    desk.one(&desk.file("more.csv", "account_id,name\nA-77,Late\n"), "accounts")
        .await;
    let answer = replay(None).await.ok();
    assert_eq!(
        (&answer["replayed"], &answer["still_rejected"]),
        (&json!(1), &json!(2))
    );

    // A map says how the dates are meant.
    let map = "dates: {format: \"%d/%m/%Y\"}\nfields: {ticket_id: ticket_id, account_id: account_id, opened_at: opened_at, priority: priority}\n";
    let answer = replay(Some(map)).await.ok();
    assert_eq!(
        (&answer["replayed"], &answer["still_rejected"]),
        (&json!(1), &json!(1))
    );
    let told: Vec<String> = desk
        .events()
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                it["id"].as_str().expect("an id"),
                it["at"].as_str().expect("a time")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "ticket/T-1/opened 2026-01-01T00:00:00Z",
            "ticket/T-2/opened 2026-01-01T00:00:00Z",
            "ticket/T-3/opened 2026-01-05T00:00:00Z"
        ]
    );
    let open = desk
        .app
        .get(&format!("/api/v1/rejects?import={id}&state=open"))
        .as_operator()
        .await
        .ok();
    assert_eq!(open["total"], 1);
    assert_eq!(
        (&open["items"][0]["line"], &open["items"][0]["field"]),
        (&json!(5), &json!("opened_at"))
    );
    assert!(
        open["items"][0]["reason"]
            .as_str()
            .expect("a reason")
            .contains("does not follow the format"),
        "{open}"
    );
}

#[tokio::test]
async fn a_dry_run_finds_what_is_there_twice_however_far_apart() {
    let desk = Desk::new().await;
    // Rows of one chunk, so that every repetition lies in another one.
    desk.app.imports.rows_at_once.store(4, Ordering::Relaxed);
    let accounts = desk.file(
        "accounts.csv",
        "account_id,name\nA-0,Zero\nA-1,One\nA-2,Two\nA-3,Three\nA-4,Four\nA-0,Zero\nA-1,Uno\nA-2,Two\nA-4,Four\nA-1,One\n",
    );
    let mut tickets = "ticket_id,account_id,opened_at\n".to_owned();
    for n in (0..20).chain(0..7).chain(3..12) {
        tickets.push_str(&format!("T-{n},A-{},2026-05-01T08:00:00Z\n", n % 6));
    }
    let tickets = desk.file("tickets.csv", &tickets);
    desk.file(
        "import.yaml",
        "files: [{path: accounts.csv, kind: accounts}, {path: tickets.csv, kind: tickets}]\n",
    );
    assert!(accounts.exists() && tickets.exists());
    let dry = desk
        .import(json!({ "path": desk.folder(), "dry_run": true }))
        .await;
    let real = desk.import(json!({ "path": desk.folder() })).await;
    let files = |import: &serde_json::Value| {
        let files = import["files"].as_array().expect("files").clone();
        files.iter().map(counts).collect::<Vec<_>>()
    };
    // By hand: three of five repeated accounts say nothing new; A-5 is unknown, so tickets 5, 11 and 17 (once or more) are refused.
    assert_eq!(files(&real), [[10, 7, 3, 0], [36, 17, 13, 6]]);
    assert_eq!(files(&dry), files(&real));
}
