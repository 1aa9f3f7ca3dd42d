//! SQL that readers type.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use std::time::{Duration, Instant};

use serde_json::json;
use tenure_lake::{Context, EventRow, Guard, Lake, Limits, Options, Problem, Snapshot, to_batch};

fn events(count: i64) -> Vec<EventRow> {
    (0..count)
        .map(|seq| EventRow {
            seq,
            message_id: format!("m-{seq}"),
            account_no: seq % 50,
            account_id: Some(format!("acc-{}", seq % 50)),
            contact_id: None,
            kind: "product".into(),
            name: if seq % 2 == 0 { "login" } else { "feature_used" }.into(),
            occurred_at: seq * 1_000_000,
            received_at: seq * 1_000_000,
            day: i32::try_from(seq / 86_400).unwrap(),
            month: 197_001,
            source: "test".into(),
            properties: format!(r#"{{"feature":"f{}"}}"#, seq % 7),
        })
        .collect()
}

fn context(count: i64) -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open(dir.path(), Options::default()).unwrap();
    let snapshot = Snapshot::new(vec![], vec![to_batch(&events(count)).unwrap()]).unwrap();
    let context = lake.context(&snapshot);
    (dir, context)
}

#[tokio::test]
async fn queries_that_read_are_answered() {
    let (_dir, context) = context(100);
    let guard = Guard::default();
    let answer = guard
        .run(
            &context,
            "SELECT name, count(*) AS n, max(occurred_at) AS last FROM events GROUP BY name ORDER BY name;",
        )
        .await
        .unwrap();
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({
            "columns": [
                {"name": "name", "type": "text"},
                {"name": "n", "type": "integer"},
                {"name": "last", "type": "timestamp"},
            ],
            "rows": [
                {"name": "feature_used", "n": 50, "last": "1970-01-01T00:01:39Z"},
                {"name": "login", "n": 50, "last": "1970-01-01T00:01:38Z"},
            ],
            "truncated": false,
        })
    );
    let allowed = [
        "WITH logins AS (SELECT * FROM events WHERE name = 'login') SELECT count(*) FROM logins",
        "EXPLAIN SELECT 1",
        "(SELECT 1)",
        "-- a comment\nSELECT 1",
        "VALUES (1), (2)",
        "SELECT * FROM information_schema.columns WHERE table_name = 'events'",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT row_number() OVER (ORDER BY seq) FROM events",
        "SELECT e.name FROM events e JOIN events f ON e.seq = f.seq",
        "SELECT prop(properties, 'feature') FROM \"events\"",
        "SELECT round(1.5), abs(-1), 'a;b'",
        "WITH RECURSIVE n AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM n WHERE v < 5) SELECT * FROM n",
        "SELECT 1 UNION ALL SELECT 2",
    ];
    for sql in allowed {
        guard
            .run(&context, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        guard
            .check(&context, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn queries_that_do_more_are_refused() {
    let (dir, context) = context(10);
    let guard = Guard::default();
    let target = dir.path().join("out.parquet");
    let target = target.display();
    let refused = [
        format!("COPY events TO '{target}'"),
        format!("COPY (SELECT 1) TO '{target}' STORED AS PARQUET"),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{target}'"),
        "CREATE TABLE t AS SELECT 1".into(),
        "CREATE VIEW v AS SELECT 1".into(),
        "SELECT * INTO t FROM events".into(),
        "INSERT INTO events SELECT * FROM events".into(),
        "DELETE FROM events".into(),
        "UPDATE events SET name = 'x'".into(),
        "DROP TABLE events".into(),
        "TRUNCATE TABLE events".into(),
        "SET datafusion.execution.batch_size = 1".into(),
        "RESET datafusion.execution.batch_size".into(),
        "PREPARE p AS SELECT 1".into(),
        "BEGIN".into(),
        "SHOW ALL".into(),
        "EXPLAIN ANALYZE DELETE FROM events".into(),
        "EXPLAIN CREATE TABLE t AS SELECT 1".into(),
        "SELECT 1; DROP TABLE events".into(),
        "SELECT 1; SELECT 2".into(),
        "; drop table x".into(),
        "ATTACH 'x'".into(),
    ];
    let mut wrong = Vec::new();
    for sql in refused {
        match guard.run(&context, &sql).await {
            Err(error) if error.problem == Problem::Forbidden => {}
            other => wrong.push(format!("{sql}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files = [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd.csv\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/x')",
        "SELECT * FROM parquet_metadata('/x')",
        "SELECT * FROM TABLE(read_csv('x'))",
    ];
    for sql in files {
        assert!(guard.run(&context, sql).await.is_err(), "{sql}");
    }
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing but the spill folder"
    );
    assert!(guard.run(&context, "SELECT count(*) FROM events").await.is_ok());
}

#[tokio::test]
async fn mistakes_have_places_and_nearest_names() {
    let (_dir, context) = context(10);
    let guard = Guard::default();
    let cases = [
        (
            "SELECT nam FROM events",
            Problem::UnknownName,
            Some((1, 8)),
            Some("name"),
        ),
        (
            "SELECT name\nFROM event",
            Problem::UnknownName,
            Some((2, 6)),
            Some("events"),
        ),
        (
            "SELECT cuont(*) FROM events",
            Problem::UnknownName,
            Some((1, 8)),
            Some("count"),
        ),
        (
            "SELECT e.nme FROM events e",
            Problem::UnknownName,
            Some((1, 8)),
            Some("name"),
        ),
        ("SELECT seq FORM events", Problem::Syntax, Some((1, 17)), None),
        ("SELEC 1", Problem::Forbidden, Some((1, 1)), None),
        ("SELECT 'open", Problem::Syntax, Some((1, 8)), None),
        ("SELECT 1 +", Problem::Syntax, Some((1, 11)), None),
        ("", Problem::Syntax, None, None),
        ("SELECT CAST('x' AS INT)", Problem::Data, None, None),
        ("SELECT 1 / 0", Problem::Data, None, None),
        ("SELECT seq + name FROM events", Problem::Type, None, None),
    ];
    let mut wrong = Vec::new();
    for (sql, problem, place, nearest) in cases {
        let Err(error) = guard.run(&context, sql).await else {
            wrong.push(format!("{sql}: answered"));
            continue;
        };
        let placed =
            place.is_none_or(|(line, column)| (error.line, error.column) == (Some(line), Some(column)));
        let leaks = ["DataFusion", "datafusion", "sqlparser", "backtrace"];
        let ours = !leaks.iter().any(|word| error.to_string().contains(word));
        if error.problem != problem || !placed || error.nearest.as_deref() != nearest || !ours {
            wrong.push(format!("{sql}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn limits_of_rows_time_and_memory_hold() {
    let (_dir, context) = context(5_000);
    let few = Guard::new(Limits {
        rows: 10,
        ..Limits::default()
    });
    let answer = few.run(&context, "SELECT seq FROM events").await.unwrap();
    assert_eq!((answer.rows.len(), answer.truncated), (10, true));
    let answer = few
        .run(&context, "SELECT seq FROM events LIMIT 10")
        .await
        .unwrap();
    assert_eq!((answer.rows.len(), answer.truncated), (10, false));

    let hasty = Guard::new(Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    });
    let start = Instant::now();
    let error = hasty
        .run(
            &context,
            "SELECT count(*) FROM events a, events b, events c WHERE a.seq * b.seq * c.seq = -1",
        )
        .await
        .unwrap_err();
    assert_eq!(error.problem, Problem::Timeout);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

    let small = Guard::new(Limits {
        memory: 2 << 20,
        ..Limits::default()
    });
    let error = small
        .run(
            &context,
            "SELECT array_agg(message_id || b.value) FROM events, generate_series(1, 200) b",
        )
        .await
        .unwrap_err();
    assert_eq!(error.problem, Problem::Memory, "{error}");
    let error = small
        .run(&context, "SELECT repeat('x', 4000000)")
        .await
        .unwrap_err();
    assert_eq!(error.problem, Problem::Memory, "{error}");
    assert!(small.run(&context, "SELECT 1").await.is_ok());
}

#[tokio::test]
async fn hostile_texts_are_refused() {
    let (_dir, context) = context(10);
    let guard = Guard::default();
    let cases = [
        format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("SELECT 1{}", " + 1".repeat(9_000)),
        format!("SELECT '{}'", "x".repeat(1 << 20)),
        format!("{}SELECT 1{}", "SELECT * FROM (".repeat(3_000), ")".repeat(3_000)),
        format!("SELECT 1 WHERE 1 = 1{}", " OR 1 = 1".repeat(8_000)),
        "\0".into(),
    ];
    for sql in &cases {
        let shown: String = sql.chars().take(30).collect();
        assert!(guard.run(&context, sql).await.is_err(), "{shown}");
    }
    // Wide is fine, also when it is long.
    let sql = format!(
        "SELECT count(*) FROM events WHERE seq = 1{}",
        " OR seq = 1".repeat(1_000)
    );
    assert_eq!(guard.run(&context, &sql).await.unwrap().rows[0]["count(*)"], 1);
}

#[tokio::test]
async fn distinct_texts_are_counted_exactly_and_in_little_memory() {
    let (_dir, context) = context(60_000);
    let guard = Guard::new(Limits {
        memory: 64 << 20,
        rows: 100_000,
        ..Limits::default()
    });
    // Mixed with count(*), the engine's own rewriting does not apply: 60,000 groups with a hash table each.
    let sql = "SELECT seq, count(DISTINCT name) AS names, count(*) AS n, count(DISTINCT message_id) AS ids
               FROM events GROUP BY seq";
    let plan = context.explain(sql).await.unwrap();
    assert!(plan.contains("count_distinct_text"), "{plan}");
    let answer = guard.run(&context, sql).await.unwrap();
    assert_eq!(answer.rows.len(), 60_000);
    assert!(
        answer
            .rows
            .iter()
            .all(|row| row["names"] == 1 && row["n"] == 1 && row["ids"] == 1)
    );
    let sql = "SELECT account_no, count(DISTINCT name) AS names, count(*) AS n,
                      count(DISTINCT prop(properties, 'feature')) FILTER (WHERE seq % 7 < 3) AS features,
                      count(DISTINCT contact_id) AS none
               FROM events GROUP BY account_no ORDER BY account_no";
    let answer = guard.run(&context, sql).await.unwrap();
    assert_eq!(answer.rows.len(), 50);
    for row in &answer.rows {
        // 50 is even, so an account number says which of the two names; 7 and 50 share no factor.
        assert_eq!(
            serde_json::Value::Object(row.clone()),
            json!({"account_no": row["account_no"], "names": 1, "n": 1200, "features": 3, "none": 0})
        );
    }
}
