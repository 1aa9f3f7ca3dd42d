//! The same rows in CSV, JSON lines, a JSON array and Parquet give the same result.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;

use super::{Desk, counts};

const MINUTE: i64 = 60_000_000;
const MAY: i64 = 1_777_593_600_000_000;

fn instant(n: i64) -> String {
    jiff::Timestamp::from_microsecond(MAY + n * MINUTE)
        .expect("an instant")
        .to_string()
}

fn csv(rows: i64) -> String {
    let lines: String = (0..rows)
        .map(|n| {
            format!(
                "m-{n},A-{},feature_used,{},{},{},\"say \"\"{n}\"\", é\"\n",
                n % 9,
                instant(n),
                n * 3,
                n as f64 / 4.0
            )
        })
        .collect();
    format!(
        "message_id,account_id,name,occurred_at,properties.count,properties.share,properties.text\n{lines}"
    )
}

fn json(rows: i64, array: bool) -> String {
    let objects: Vec<String> = (0..rows)
        .map(|n| {
            serde_json::json!({
                "message_id": format!("m-{n}"), "account_id": format!("A-{}", n % 9), "name": "feature_used", "occurred_at": instant(n),
                "properties.count": n * 3, "properties.share": n as f64 / 4.0, "properties.text": format!("say \"{n}\", é"),
            })
            .to_string()
        })
        .collect();
    if array {
        format!("[{}]", objects.join(",\n "))
    } else {
        objects.join("\n")
    }
}

fn parquet(rows: i64) -> Vec<u8> {
    let text = |of: &dyn Fn(i64) -> String| {
        Arc::new((0..rows).map(|n| Some(of(n))).collect::<StringArray>()) as ArrayRef
    };
    let batch = RecordBatch::try_from_iter([
        ("message_id", text(&|n| format!("m-{n}"))),
        ("account_id", text(&|n| format!("A-{}", n % 9))),
        ("name", text(&|_| "feature_used".to_owned())),
        (
            "occurred_at",
            Arc::new(
                (0..rows)
                    .map(|n| Some(MAY + n * MINUTE))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ) as ArrayRef,
        ),
        (
            "properties.count",
            Arc::new((0..rows).map(|n| n * 3).collect::<Int64Array>()) as ArrayRef,
        ),
        (
            "properties.share",
            Arc::new((0..rows).map(|n| Some(n as f64 / 4.0)).collect::<Float64Array>()) as ArrayRef,
        ),
        ("properties.text", text(&|n| format!("say \"{n}\", é"))),
    ])
    .expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("bytes")
}

#[tokio::test]
async fn the_format_does_not_matter() {
    let rows = 5_000;
    let reference = Desk::new().await;
    let file = reference.file("events.csv", csv(rows));
    assert_eq!(
        counts(&reference.one(&file, "events").await),
        [5_000, 5_000, 0, 0]
    );
    let expected = reference.events();
    assert_eq!(expected.len(), 5_000);
    assert_eq!(
        expected.iter().find(|event| event["id"] == "m-4998"),
        Some(&serde_json::json!({
            "id": "m-4998", "account": "A-3", "contact": null, "name": "feature_used", "kind": "product", "at": "2026-05-04T11:18:00Z",
            "properties": {"count": 14_994, "share": 1_249.5, "text": "say \"4998\", é"},
        }))
    );
    for (name, bytes) in [
        ("events.jsonl", json(rows, false).into_bytes()),
        ("events.json", json(rows, true).into_bytes()),
        ("events.parquet", parquet(rows)),
    ] {
        let desk = Desk::new().await;
        desk.rows_at_once(777);
        let file = desk.file(name, bytes);
        assert_eq!(
            counts(&desk.one(&file, "events").await),
            [5_000, 5_000, 0, 0],
            "{name}"
        );
        assert!(desk.events() == expected, "{name} gives other events");
    }
    // The same rows again in another format are the same events.
    let other = reference.file("events.parquet", parquet(rows));
    assert_eq!(
        counts(&reference.one(&other, "events").await),
        [5_000, 0, 5_000, 0]
    );
}

#[tokio::test]
async fn many_events_go_straight_into_files() {
    let rows = 25_000;
    let desk = Desk::new().await;
    desk.rows_at_once(11_000);
    let file = desk.file("events.csv", csv(rows));
    desk.app
        .imports
        .die_after
        .store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(counts(&desk.one(&file, "events").await), [11_000, 11_000, 0, 0]);
    desk.app
        .imports
        .die_after
        .store(0, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(counts(&desk.one(&file, "events").await), [25_000, 25_000, 0, 0]);
    assert!(
        desk.count("event_files").await > 0,
        "the first chunks lie in files"
    );
    // In another format and with some rows of its own: what is known stays known, in files as in the tail.
    let more = desk.file("events.jsonl", json(rows + 500, false));
    assert_eq!(counts(&desk.one(&more, "events").await), [25_500, 500, 25_000, 0]);
    let sources = desk.app.get("/api/v1/sources").as_operator().await.ok();
    assert_eq!(
        (&sources["sources"][0]["source"], &sources["sources"][0]["events"]),
        (&serde_json::json!("import"), &serde_json::json!(25_500))
    );
}
