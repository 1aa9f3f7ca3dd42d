//! Functions within limits give what they give without; those that would not are refused.

use std::time::{Duration, Instant};

use crate::growth_names::GROWING;
use crate::testing::event_at;
use crate::{Context, Guard, Lake, Limits, Options, Problem, Snapshot, json_rows, to_batch};

fn context(count: i64) -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open(dir.path(), Options::default()).unwrap();
    let names = ["login", "feature_used", "survey_answered"];
    let rows: Vec<_> = (0..count)
        .map(|seq| {
            event_at(
                seq,
                seq % 50,
                names[usize::try_from(seq % 3).unwrap()],
                seq * 1_000_000,
            )
        })
        .collect();
    let batches: Vec<_> = rows.chunks(8_192).map(|rows| to_batch(rows).unwrap()).collect();
    let context = lake.context(&Snapshot::new(vec![], batches).unwrap());
    (dir, context)
}

/// A use of every function that grows, over columns, over constants and over null.
const USES: &[&str] = &[
    "array_append(make_array(seq, 1), account_no)",
    "array_concat(make_array(seq), make_array(account_no, 2))",
    "make_array(seq) || make_array(account_no)",
    "make_array(seq) || account_no",
    "array_except(make_array(seq, 1, 2), make_array(1))",
    "array_has_all(make_array(seq, 1), make_array(1))",
    "array_has_any(make_array(seq, 1), make_array(2, 3))",
    "make_array(seq, 1) @> make_array(1)",
    "array_intersect(make_array(seq, 1, 2), make_array(1, 5))",
    "array_prepend(account_no, make_array(seq, 1))",
    "array_repeat(name, 3)",
    "array_repeat(seq, seq % 4)",
    "array_replace(make_array(seq, 1, 1), 1, 7)",
    "array_replace_all(make_array(seq, 1, 1), 1, 7)",
    "array_replace_n(make_array(seq, 1, 1, 1), 1, 7, 2)",
    "array_resize(make_array(seq, 1), 4, 9)",
    "array_to_string(make_array(name, contact_id), ', ', 'none')",
    "array_to_string(make_array(seq, account_no), '-')",
    "array_union(make_array(seq, 1), make_array(1, 2))",
    "arrays_zip(make_array(seq), make_array(name))",
    "concat(name, '/', contact_id, '/', seq)",
    "concat_ws(', ', name, contact_id, account_id)",
    "find_in_set(name, 'a,login,feature_used')",
    "generate_series(1, seq % 5)",
    "levenshtein(name, 'login')",
    "lpad(name, 12, '*')",
    "lpad(name, seq % 9)",
    "[name, account_id]",
    "map(make_array('a', 'b'), make_array(seq, account_no))",
    "named_struct('n', name, 's', seq)",
    "overlay(name placing 'XX' from 2 for 1)",
    "range(seq % 3, 10, 2)",
    "range(DATE '2026-01-01', DATE '2026-03-01', INTERVAL '1 month')",
    "generate_series(TIMESTAMP '2026-01-01T00:00:00', TIMESTAMP '2026-01-02T00:00:00', INTERVAL '6 hours')",
    "regexp_count(name, substr(name, 1, 1))",
    "regexp_instr(name, substr(name, 2, 1))",
    "regexp_like(name, substr(name, 2, 2))",
    "regexp_like(name, '^l.g')",
    "regexp_match(name, substr(name, 1, 2))",
    "regexp_replace(name, '([a-z])_', '\\1-', 'g')",
    "regexp_replace(name, substr(name, 1, 1), 'x')",
    "repeat(name, 3)",
    "repeat(name, seq % 3)",
    "replace(name, 'e', 'EE')",
    "rpad(name, 14, 'ab')",
    "string_to_array(name, '_')",
    "struct(name, seq)",
    "to_char(occurred_at, '%Y-%m')",
    "to_char(occurred_at, CASE WHEN seq % 2 = 0 THEN '%Y' ELSE '%d' END)",
    "name || '-' || contact_id || seq",
    "'a' || name",
    "CASE WHEN seq % 2 = 0 THEN NULL ELSE name END || NULL",
    "upper(concat(name, repeat('x', 2)))",
];

#[tokio::test]
async fn within_limits_every_function_gives_what_it_gives_without() {
    let (_dir, context) = context(3_000);
    let guard = Guard::default();
    for (name, _) in GROWING {
        assert!(
            USES.iter().any(|text| text.contains(&format!("{name}("))),
            "no use of {name}"
        );
    }
    let mut wrong = Vec::new();
    for text in USES {
        for sql in [
            format!("SELECT seq, {text} FROM events ORDER BY seq"),
            format!("SELECT count(*) AS n, {text} AS value FROM events GROUP BY 2, seq ORDER BY seq"),
        ] {
            let plain = context.query(&sql).await;
            let limited = guard.run(&context, &sql).await;
            let (plain, limited) = match (plain, limited) {
                (Ok(plain), Ok(limited)) => (plain, limited),
                (Err(plain), Err(limited)) if plain.message == limited.message && text.starts_with("map") => {
                    continue;
                }
                (plain, limited) => {
                    let plain = plain.err();
                    wrong.push(format!(
                        "{sql}: {plain:?} without limits, {:?} within",
                        limited.err()
                    ));
                    continue;
                }
            };
            let rows: Vec<_> = plain.iter().flat_map(json_rows).collect();
            if rows != limited.rows {
                wrong.push(format!(
                    "{sql}: {:?} is not {:?}",
                    limited.rows.first(),
                    rows.first()
                ));
            }
        }
        // Written out, the engine computes it while it plans.
        let constant = text
            .replace("seq", "7")
            .replace("account_no", "3")
            .replace("account_id", "'acc-1'")
            .replace("contact_id", "NULL")
            .replace("occurred_at", "TIMESTAMP '2026-02-03T04:05:06'")
            .replace("name", "'feature_used'")
            .replace("''feature_used'd_struct", "named_struct");
        let sql = format!("SELECT {constant} AS value");
        if let Ok(plain) = context.query(&sql).await {
            let rows: Vec<_> = plain.iter().flat_map(json_rows).collect();
            match guard.run(&context, &sql).await {
                Ok(limited) if limited.rows == rows => {}
                limited => wrong.push(format!("{sql}: {limited:?} is not {rows:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_made_in_slices_is_whole() {
    let (_dir, context) = context(5_000);
    let guard = Guard::default();
    // 2048 rows of 24 KB and more are several slices.
    let cases = [
        ("SELECT sum(length(repeat(name, 3000))) AS n FROM events", 3_000),
        (
            "SELECT sum(length(replace(repeat('ab', 1500), 'a', name))) - 5000 * 1500 AS n FROM events",
            1_500,
        ),
        (
            "SELECT sum(length(repeat(name, 1000) || repeat(name, 500))) AS n FROM events",
            1_500,
        ),
    ];
    let letters: i64 = (0..5_000i64)
        .map(|seq| [5, 12, 15][usize::try_from(seq % 3).unwrap()])
        .sum();
    for (sql, times) in cases {
        let answer = guard
            .run(&context, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(answer.rows[0]["n"], letters * times, "{sql}");
    }
}

#[tokio::test]
async fn what_would_be_too_large_is_refused_by_name() {
    let (_dir, context) = context(5_000);
    let guard = Guard::default();
    let chain = |first: &str, next: &str, times: usize| {
        let steps: Vec<String> = (1..=times)
            .map(|n| format!("t{n} AS (SELECT {next} FROM t{})", n - 1))
            .collect();
        format!(
            "WITH t0 AS ({first}), {} SELECT max(length(x)) FROM t{times}",
            steps.join(", ")
        )
    };
    let cases = [
        ("SELECT repeat('x', 4000000)".to_owned(), "repeat"),
        ("SELECT length(repeat(repeat('x', 1000000), 1000000))".to_owned(), "repeat"),
        ("SELECT length(repeat(repeat(repeat('x', 1000), 1000), 1000)) FROM events".to_owned(), "repeat"),
        ("SELECT repeat(properties, 900000000) FROM events".to_owned(), "repeat"),
        ("SELECT sum(length(repeat('x', 500000 + seq % 2))) FROM events".to_owned(), "repeat"),
        ("SELECT lpad(name, 2000000000) FROM events".to_owned(), "lpad"),
        ("SELECT rpad('x', 2000000000, name) FROM events".to_owned(), "rpad"),
        (format!("SELECT replace(repeat('x', 1000), 'x', '{}') FROM events", "y".repeat(2_000)), "replace"),
        ("SELECT regexp_replace(repeat('x', 100000), '', repeat('y', 1000), 'g')".to_owned(), "regexp_replace"),
        (
            "SELECT regexp_replace(regexp_replace(repeat(name, 1000), '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1', 'g'), '(.)', \
             '\\1\\1\\1\\1\\1\\1\\1\\1', 'g') FROM events WHERE seq < 20"
                .to_owned(),
            "regexp_replace",
        ),
        ("SELECT array_repeat(1, 2000000000)".to_owned(), "array_repeat"),
        ("SELECT array_repeat(array_repeat(seq, 10000), 10000) FROM events".to_owned(), "array_repeat"),
        ("SELECT array_resize(make_array(seq), 1000000000, 0) FROM events".to_owned(), "array_resize"),
        ("SELECT range(0, 1000000000000)".to_owned(), "range"),
        ("SELECT generate_series(seq, 100000000000) FROM events".to_owned(), "generate_series"),
        (
            "SELECT range(TIMESTAMP '1970-01-01T00:00:00', TIMESTAMP '2100-01-01T00:00:00', INTERVAL '1 microsecond')"
                .to_owned(),
            "range",
        ),
        (
            "SELECT array_to_string(range(0, 10000), repeat('x', 10000))".to_owned(),
            "array_to_string",
        ),
        (format!("SELECT concat_ws(repeat('x', 100000), {}) FROM events", vec!["name"; 50].join(", ")), "concat_ws"),
        ("SELECT to_char(occurred_at, repeat('%c', 100000)) FROM events".to_owned(), "to_char"),
        (
            "SELECT levenshtein(repeat(name, 3000), repeat(contact_id, 3000)) FROM events WHERE seq < 100".to_owned(),
            "levenshtein",
        ),
        (chain("SELECT name AS x FROM events", "x || x AS x", 12), "||"),
        (chain("SELECT name AS x FROM events", "concat(x, x) AS x", 12), "concat"),
        (
            "WITH RECURSIVE r AS (SELECT 'ab' AS x UNION ALL SELECT x || x FROM r) SELECT max(length(x)) FROM r".to_owned(),
            "||",
        ),
        (
            "SELECT * FROM (SELECT repeat(t.name, 100000000) AS x FROM (SELECT name FROM events WHERE seq > 5) t) u"
                .to_owned(),
            "repeat",
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, name) in &cases {
        let shown: String = sql.chars().take(120).collect();
        let start = Instant::now();
        match guard.run(&context, sql).await {
            Err(error)
                if matches!(error.problem, Problem::Memory | Problem::TooLarge)
                    && error.message.starts_with(&format!("{name} would"))
                    && error.remedy.contains("Shorten") => {}
            other => wrong.push(format!("{shown}: {other:?}")),
        }
        if start.elapsed() > Duration::from_secs(20) {
            wrong.push(format!("{shown}: {:?}", start.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn operators_that_keep_what_they_see_are_counted() {
    let (_dir, context) = context(60_000);
    let small = Guard::new(Limits {
        memory: 24 << 20,
        ..Limits::default()
    });
    let long = "(SELECT *, repeat(message_id, 20) AS text FROM events) e";
    let refused = [
        (
            "SELECT sum(n) FROM (SELECT count(text) OVER (PARTITION BY name) AS n FROM @)",
            Problem::Memory,
        ),
        (
            "SELECT max(x) FROM (SELECT max(text) OVER (ORDER BY seq) AS x FROM @)",
            Problem::Memory,
        ),
        (
            "SELECT string_agg(text, ',') OVER (ORDER BY occurred_at) FROM @",
            Problem::Forbidden,
        ),
        ("SELECT array_agg(seq) OVER () FROM @", Problem::Forbidden),
        (
            "SELECT median(seq) OVER (ORDER BY seq) FROM @",
            Problem::Forbidden,
        ),
        ("SELECT count(DISTINCT name) OVER () FROM @", Problem::Forbidden),
        (
            "SELECT count(*) FROM @ WHERE name ~ message_id",
            Problem::Forbidden,
        ),
        ("SELECT array_agg(text) FROM @", Problem::Memory),
        ("SELECT string_agg(text, ',') FROM @", Problem::Memory),
        (
            "SELECT account_no, array_agg(text) FROM @ GROUP BY 1",
            Problem::Memory,
        ),
        (
            "SELECT median(seq * 1.5), median(seq), median(seq * 3) FROM @, generate_series(1, 20)",
            Problem::Memory,
        ),
        (
            "SELECT text, count(*) FROM @, generate_series(1, 2) GROUP BY text, value ORDER BY 1",
            Problem::Memory,
        ),
        (
            "SELECT count(e.text < f.text) FROM @ JOIN (SELECT seq, repeat(name, 40) AS text FROM events) f ON e.seq = f.seq",
            Problem::Memory,
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, problem) in refused {
        match small.run(&context, &sql.replace('@', long)).await {
            Err(error) if error.problem == problem => {}
            other => wrong.push(format!("{sql}: {:?}", other.map(|answer| answer.rows.len()))),
        }
    }
    // What needs little is answered in little memory.
    for sql in [
        "SELECT message_id, count(*) FROM events GROUP BY 1 ORDER BY 2, 1",
        "SELECT count(*) FROM (SELECT message_id AS id, count(*) AS n FROM events GROUP BY 1) a JOIN (SELECT message_id AS id, max(seq) AS m FROM events GROUP BY 1) b USING (id)",
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY seq) AS n FROM events)",
        "SELECT max(n) FROM (SELECT rank() OVER (PARTITION BY account_no ORDER BY seq) AS n FROM (SELECT * FROM events LIMIT 2000))",
        "SELECT max(n) FROM (SELECT sum(seq) OVER (ORDER BY seq ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS n FROM events)",
        "SELECT max(n) FROM (SELECT lag(seq) OVER (ORDER BY seq) AS n FROM events)",
    ] {
        if let Err(error) = small.run(&context, sql).await {
            wrong.push(format!("{sql}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn one_long_row_is_not_copied_to_many() {
    let (_dir, context) = context(20_000);
    let guard = Guard::default();
    let long = "(SELECT string_agg(properties, ',') AS t FROM events) a";
    let refused = [
        format!("SELECT sum(length(upper(t))) FROM {long} CROSS JOIN events b"),
        format!("SELECT sum(length(t || b.name)) FROM {long} JOIN events b ON length(a.t) > b.seq"),
        "SELECT sum(length(upper((SELECT string_agg(properties, ',') FROM events)) || name)) FROM events"
            .to_owned(),
    ];
    let mut wrong = Vec::new();
    for sql in &refused {
        match guard.run(&context, sql).await {
            Err(error) if error.problem == Problem::Memory => {}
            other => wrong.push(format!("{sql}: {:?}", other.map(|answer| answer.rows))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What is computed of long rows is computed of a few at a time.
    let columns: Vec<String> = (0..300)
        .map(|n| format!("CASE WHEN n > {n} THEN t END AS c{n}"))
        .collect();
    let used: Vec<String> = (0..300).map(|n| format!("max(length(c{n}))")).collect();
    let sql = format!(
        "SELECT {} FROM (SELECT {} FROM (SELECT repeat('x', 20000 + seq % 2) AS t, seq AS n FROM events WHERE seq < 4000) u) v",
        used.join(", "),
        columns.join(", ")
    );
    let answer = guard.run(&context, &sql).await.unwrap();
    assert_eq!(answer.rows[0]["max(length(v.c7))"], 20_001);
}

#[tokio::test]
async fn plans_that_multiply_are_refused_before_they_do() {
    let (_dir, context) = context(100);
    let guard = Guard::default();
    let twice = |with: &str, times: usize| {
        let steps: Vec<String> = (1..=times)
            .map(|n| format!("t{n} AS (SELECT {})", with.replace('@', &format!("t{}", n - 1))))
            .collect();
        format!(
            "WITH t0 AS (SELECT seq AS x FROM events), {} SELECT count(*) FROM t{times} WHERE x > 3",
            steps.join(", ")
        )
    };
    let refused = [
        twice("a.x FROM @ a JOIN @ b ON a.x = b.x", 30),
        twice("x FROM @ WHERE x IN (SELECT x FROM @)", 30),
        format!("SELECT 1 FROM events {}", ", events ".repeat(400)),
        format!(
            "SELECT 1 FROM {}",
            vec!["events"; 2_000]
                .iter()
                .enumerate()
                .map(|(n, t)| format!("{t} e{n}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        twice("x + x + x AS x FROM @", 60),
        twice("CASE WHEN x > 1 THEN x ELSE x + 1 END AS x FROM @", 60),
    ];
    let mut wrong = Vec::new();
    for sql in &refused {
        let shown: String = sql.chars().take(120).collect();
        let start = Instant::now();
        let answer = tokio::time::timeout(Duration::from_secs(20), guard.run(&context, sql)).await;
        match answer {
            Ok(Err(error)) if error.problem == Problem::TooLarge => {}
            Ok(other) => wrong.push(format!("{shown}: {other:?} after {:?}", start.elapsed())),
            Err(_) => wrong.push(format!("{shown}: not refused in time")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A chain of ordinary length is fine.
    let answer = guard
        .run(&context, &twice("a.x FROM @ a JOIN @ b ON a.x = b.x", 4))
        .await
        .unwrap();
    assert_eq!(answer.rows[0]["count(*)"], 96);
    let answer = guard.run(&context, &twice("x + x AS x FROM @", 4)).await.unwrap();
    assert_eq!(answer.rows[0]["count(*)"], 99);
}

#[tokio::test]
async fn nesting_is_bounded_where_planning_would_take_for_ever() {
    let (_dir, context) = context(100);
    let guard = Guard::default();
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!(
            "SELECT {}{inner}{} AS x FROM events",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    let refused = [
        nested("(SELECT ", "1", ")", 9),
        nested("(SELECT ", "1", ")", 40),
        nested("NOT (", "seq > 1", ")", 17),
        nested("1 + (", "1", ")", 50),
        nested("(", "1", ")", 40),
        nested("NOT (EXISTS (SELECT 1 WHERE ", "seq > 1", "))", 6),
        nested("abs(", "1", ")", 41),
    ];
    let answered = [
        nested("(SELECT ", "1", ")", 8),
        nested("NOT (", "seq > 1", ")", 16),
        nested("1 + (", "1", ")", 16),
        nested("abs(", "seq", ")", 40),
        nested("concat(name, ", "name", ")", 40),
        nested("CAST(", "seq", " AS BIGINT)", 16),
        nested("CASE WHEN seq > 1 THEN ", "seq", " END", 20),
        nested("coalesce(name, ", "name", ")", 40),
        format!("SELECT x FROM ({}) e", nested("NOT (", "seq > 1", ")", 14)),
        nested("(SELECT NOT (NOT (", "1 > 0", ")))", 4),
    ];
    let mut wrong = Vec::new();
    for (sql, fine) in refused
        .iter()
        .map(|sql| (sql, false))
        .chain(answered.iter().map(|sql| (sql, true)))
    {
        let start = Instant::now();
        let answer = guard.run(&context, sql).await;
        let as_wanted = match &answer {
            Ok(_) => fine,
            Err(error) => !fine && error.problem == Problem::TooLarge,
        };
        if !as_wanted || start.elapsed() > Duration::from_secs(5) {
            wrong.push(format!("{sql:.60}: {:?} {:?}", start.elapsed(), answer.err()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
