//! Whatever is in a file, every row of it is accounted for.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use tenure_store::{Execute, args};

use super::{Desk, counts};
use crate::imports::context::Context;
use crate::imports::fields::Kind;
use crate::imports::rows::Outcome;
use crate::imports::{chunks, request};

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// A cell that fits the column.
fn fitting(random: &mut StdRng, column: &str) -> String {
    match column {
        "account_id" => pick(random, &["A-1", "A-2"]).to_owned(),
        "mrr" | "value" | "employees" => random.random_range(0..5_000).to_string(),
        "score" | "satisfaction" => pick(random, &["1", "4", "5"]).to_owned(),
        "change" => pick(random, &["started", "upsell", "renewed", "churned"]).to_owned(),
        "churn_reason" | "reason" | "secondary_reasons" => {
            pick(random, &["pricing", "competitor", ""]).to_owned()
        }
        "type" => pick(random, &["upsell", "renewal"]).to_owned(),
        "survey" => pick(random, &["nps", "csat"]).to_owned(),
        "currency" => "USD".to_owned(),
        "outcome" => pick(random, &["won", ""]).to_owned(),
        "declined" => pick(random, &["no", ""]).to_owned(),
        "email" => pick(random, &["a@b.example", "c@d.example"]).to_owned(),
        "properties" => pick(random, &["", "{}"]).to_owned(),
        "started_on" | "start_on" | "opened_at" | "opened_on" | "sent_at" => "2025-03-01".to_owned(),
        name if name.ends_with("_on") || name.ends_with("_at") => {
            pick(random, &["2025-06-01", "2025-06-30T10:00:00Z"]).to_owned()
        }
        name if name.ends_with("_id") => format!("{name}-{}", random.random_range(0..40)),
        _ => pick(random, &["text", "\"with, comma\"", "\"two\nlines\"", "5"]).to_owned(),
    }
}

/// A CSV file of good and bad rows, and how many records a reader of RFC 4180 finds below its header.
fn anything(random: &mut StdRng, header: &str, rows: usize) -> (String, u64) {
    let cells = [
        "",
        " ",
        "A-1",
        "A-9",
        "31.12.2025",
        "2026-13-45",
        "1e400",
        "-3",
        "1,5",
        "=1+2",
        "null",
        "\u{0}",
        "\"quoted \"\"text\"\"\"",
        "\"two\nlines\"",
        "\"a,b;c|d\"",
        "won",
        "é",
        "{\"a\":",
        "🦀",
        "9999-12-31",
        "0001-01-01",
        "1700000000",
        "99999999999999999999",
    ];
    let columns: Vec<&str> = header.split(',').collect();
    let mut text = format!("{header}\n");
    let mut records = 0;
    for _ in 0..rows {
        let bad = random.random_bool(0.4);
        let mut row: Vec<String> = columns.iter().map(|column| fitting(random, column)).collect();
        if bad {
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..row.len());
                row[at] = pick(random, &cells).to_owned();
            }
            row.truncate(random.random_range(1..=row.len() * 3));
        }
        let row = if random.random_bool(0.02) {
            header.to_owned()
        } else {
            row.join(",")
        };
        // A line of nothing is no record.
        records += u64::from(!row.is_empty());
        text.push_str(&row);
        text.push_str(pick(random, &["\n", "\r\n", "\n\n"]));
    }
    (text, records)
}

#[tokio::test]
async fn totals_agree_on_any_file() {
    let kinds = [
        (
            "accounts",
            "account_id,name,domain,employees,owner,started_on,churned_on,churn_reason,mrr,currency,updated_at,extra",
        ),
        ("contacts", "contact_id,account_id,email,name,phone,updated_at"),
        (
            "subscriptions",
            "account_id,subscription_id,effective_on,change,mrr,currency,reason,secondary_reasons",
        ),
        (
            "subscriptions",
            "account_id,subscription_id,start_on,end_on,mrr,currency,reason",
        ),
        (
            "events",
            "message_id,account_id,contact_id,name,occurred_at,received_at,properties,properties.x,y",
        ),
        (
            "tickets",
            "ticket_id,account_id,opened_at,escalated_at,resolved_at,priority,satisfaction",
        ),
        (
            "opportunities",
            "opportunity_id,account_id,type,opened_on,stage,value,closed_on,outcome",
        ),
        (
            "responses",
            "response_id,account_id,survey,sent_at,answered_at,score,comment,declined",
        ),
    ];
    let desk = Desk::new().await;
    let accounts = desk.file("base.csv", "account_id,name\nA-1,One\nA-2,Two\n");
    desk.one(&accounts, "accounts").await;
    let mut random = StdRng::seed_from_u64(20_260_630);
    let mut sums = [0; 4];
    for round in 0..40 {
        let (kind, header) = kinds[round % kinds.len()];
        desk.rows_at_once(random.random_range(1..60));
        let (text, records) = anything(&mut random, header, 120);
        let file = desk.file(&format!("{round}-{kind}.csv"), &text);
        let done = desk.one(&file, kind).await;
        assert_eq!(done["state"], "done", "{done}");
        let [rows, imported, duplicates, rejected] = counts(&done);
        assert_eq!(rows, records, "round {round}: {kind}");
        let kept = kept_of(&desk, &done).await;
        assert_eq!(kept, rejected, "every reject is kept");
        sums.iter_mut()
            .zip([rows, imported, duplicates, rejected])
            .for_each(|(sum, more)| *sum += more);
    }
    assert!(
        sums.iter().all(|sum| *sum > 300),
        "the files hold rows of every fate: {sums:?}"
    );
}

/// Rejects that are kept of an import.
async fn kept_of(desk: &Desk, import: &serde_json::Value) -> u64 {
    let sql = "SELECT COUNT(*) AS n FROM rejects WHERE import_id = $1";
    let row = desk
        .app
        .store
        .one(sql, args![import["id"].as_str().expect("an id")])
        .await
        .expect("a count")
        .expect("a row");
    u64::try_from(row.get::<i64>("n").expect("a number")).expect("a count")
}

#[tokio::test]
async fn what_spreadsheets_do_to_cells_stays_text() {
    let desk = Desk::new().await;
    let file = desk.file(
        "accounts.csv",
        "account_id,name,note,code,level\nA-1,\"=HYPERLINK(\"\"http://x\"\")\",+cmd|x,007,5\nA-2,@SUM(A1),-1+1,0,5.5\n",
    );
    assert_eq!(counts(&desk.one(&file, "accounts").await), [2, 2, 0, 0]);
    assert_eq!(
        desk.known().await,
        [
            r#"A-1|=HYPERLINK("http://x")|||{"note":"+cmd|x","code":"007","level":5}"#,
            r#"A-2|@SUM(A1)|||{"note":"-1+1","code":0,"level":5.5}"#
        ]
    );
}

#[tokio::test]
async fn a_million_times_the_same_address_is_no_matter() {
    // Many contacts share an address: each is a contact of its own, because the id tells them apart.
    let desk = Desk::new().await;
    desk.one(
        &desk.file("accounts.csv", "account_id,name\nA-1,One\n"),
        "accounts",
    )
    .await;
    let rows: String = (0..6_000)
        .map(|n| format!("C-{n},A-1,info@example.com\n"))
        .collect();
    let file = desk.file("contacts.csv", format!("contact_id,account_id,email\n{rows}"));
    assert_eq!(counts(&desk.one(&file, "contacts").await), [6_000, 6_000, 0, 0]);
    assert_eq!(desk.count("contacts").await, 6_000);
}

/// Peak memory of a process of its own that reads and maps a file of so many rows.
fn peak_of(rows: usize) -> usize {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "imports::tests::dirty::reads_a_large_file",
            "--ignored",
            "--nocapture",
        ])
        .env("ROWS", rows.to_string())
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.split("peak ").nth(1))
        .unwrap_or_else(|| panic!("no peak in {text}"));
    line.trim().parse().expect("kilobytes")
}

#[test]
fn a_large_file_takes_bounded_memory() {
    let (small, large) = (peak_of(2_000), peak_of(200_000));
    assert!(
        large < small + 40_000,
        "2,000 rows took {small} kB, 200,000 rows (90 MB) took {large} kB"
    );
}

/// Not a test of its own: it runs in the process that [`peak_of`] starts.
#[test]
#[ignore = "started by a_large_file_takes_bounded_memory"]
fn reads_a_large_file() {
    use std::io::Write;
    let rows: usize = std::env::var("ROWS").map_or(2_000, |rows| rows.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("events.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    writeln!(file, "message_id,account_id,name,occurred_at,properties.text").expect("written");
    for n in 0..rows {
        writeln!(
            file,
            "m-{n},A-{},page_viewed,2026-05-01T00:00:00Z,{n:0>400}",
            n % 500
        )
        .expect("written");
    }
    drop(file);
    let context = Context {
        zone: jiff::tz::TimeZone::UTC,
        started_at: 1_782_820_800_000_000,
        as_of: 1_782_820_800_000_000,
        currency: "USD".to_owned(),
        attributes: Default::default(),
        events: Default::default(),
    };
    let (source, plan) = request::open(&path, Kind::Events, None, dir.path(), &context).expect("a source");
    let start = source.start;
    let mut chunks = chunks::start(source, plan, context, start, 2_000).expect("a thread");
    let mut good = 0;
    while let Some(chunk) = chunks.blocking_recv() {
        good += chunk
            .rows
            .iter()
            .filter(|row| matches!(row.outcome, Outcome::Facts(_)))
            .count();
    }
    assert_eq!(good, rows);
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    println!("peak {}", peak.trim().trim_end_matches(" kB"));
}
