//! The history as its callers see it: seal, read, prune, compact, erase.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng};
use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::datatypes::Int64Type;
use tenure_lake::{
    Class, Erase, EventRow, FileMeta, Lake, Options, RecordBatch, Snapshot, orphans, to_batch,
};

const DAY: i64 = 86_400_000_000;
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;

fn event(seq: i64, account_no: i64, name: &str, micros: i64) -> EventRow {
    let date = jiff::Timestamp::from_microsecond(micros)
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC);
    EventRow {
        seq,
        message_id: format!("m-{seq}"),
        account_no,
        account_id: (account_no != 0).then(|| format!("acc-{account_no}")),
        contact_id: (seq % 3 == 0).then(|| format!("contact-{}", seq % 7)),
        kind: match name {
            "login" | "feature_used" => "product",
            "email_opened" => "communication",
            _ => "survey",
        }
        .into(),
        name: name.into(),
        occurred_at: micros,
        received_at: micros + 5_000_000,
        day: i32::try_from(micros.div_euclid(DAY)).unwrap(),
        month: i32::from(date.year()) * 100 + i32::from(date.month()),
        source: "test".into(),
        properties: format!(r#"{{"feature":"f{}","score":{}}}"#, seq % 5, seq % 11),
    }
}

fn random_events(seed: u64, count: i64) -> Vec<EventRow> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let names = ["login", "feature_used", "survey_answered", "email_opened"];
    (0..count)
        .map(|seq| {
            let at = START + random.random_range(0..120 * DAY);
            event(
                seq,
                random.random_range(0..20),
                names[random.random_range(0..names.len())],
                at,
            )
        })
        .collect()
}

fn open() -> (tempfile::TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open(dir.path(), Options::default()).unwrap();
    (dir, lake)
}

fn number(batches: &[RecordBatch]) -> i64 {
    let values: Vec<i64> = batches
        .iter()
        .flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(values.len(), 1);
    values[0]
}

async fn ids(lake: &Lake, snapshot: &Snapshot) -> Vec<String> {
    let batches = lake
        .context(snapshot)
        .query("SELECT message_id FROM events")
        .await
        .unwrap();
    let all = batches.iter().flat_map(|batch| {
        batch
            .column(0)
            .as_string_view()
            .iter()
            .flatten()
            .map(str::to_owned)
    });
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

fn expected_ids(rows: &[EventRow]) -> Vec<String> {
    let mut all: Vec<String> = rows.iter().map(|row| row.message_id.clone()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn sealed_and_tail_are_seen_once_together() {
    let (_dir, lake) = open();
    let rows = random_events(1, 5_000);
    let (sealed, tail) = rows.split_at(3_500);
    let files = lake.seal(vec![to_batch(sealed).unwrap()]).await.unwrap();
    assert_eq!(
        files.len(),
        12 + usize::from(files.len() > 12) * 3,
        "four or five months, three classes each"
    );
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 3_500);
    let snapshot = Snapshot::new(files, vec![to_batch(tail).unwrap()]).unwrap();
    assert_eq!(ids(&lake, &snapshot).await, expected_ids(&rows));
    assert_eq!(snapshot.rows(), 5_000);
}

#[tokio::test]
async fn aggregates_equal_a_plain_loop() {
    let (_dir, lake) = open();
    let rows = random_events(2, 20_000);
    let (sealed, tail) = rows.split_at(15_000);
    let mut files = Vec::new();
    for chunk in sealed.chunks(4_000) {
        files.extend(lake.seal(vec![to_batch(chunk).unwrap()]).await.unwrap());
    }
    let snapshot = Snapshot::new(files, vec![to_batch(tail).unwrap()]).unwrap();
    // Number, last time, features, sum of scores.
    type Cell = (i64, i64, BTreeSet<String>, i64);
    let mut want: BTreeMap<(i32, String), Cell> = BTreeMap::new();
    for row in &rows {
        let properties: serde_json::Value = serde_json::from_str(&row.properties).unwrap();
        let cell = want
            .entry((row.month, row.name.clone()))
            .or_insert((0, i64::MIN, BTreeSet::new(), 0));
        cell.0 += 1;
        cell.1 = cell.1.max(row.occurred_at);
        cell.2.insert(properties["feature"].as_str().unwrap().to_owned());
        cell.3 += properties["score"].as_i64().unwrap();
    }
    let batches = lake
        .context(&snapshot)
        .query(
            "SELECT CAST(month AS BIGINT), name, count(*), CAST(max(occurred_at) AS BIGINT),
                    count(DISTINCT prop(properties, 'feature')), CAST(sum(prop_num(properties, 'score')) AS BIGINT)
             FROM events GROUP BY month, name",
        )
        .await
        .unwrap();
    let mut got = BTreeMap::new();
    for batch in &batches {
        let long = |i: usize| batch.column(i).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let key = (
                i32::try_from(long(0).value(row)).unwrap(),
                batch.column(1).as_string_view().value(row).to_owned(),
            );
            got.insert(
                key,
                (
                    long(2).value(row),
                    long(3).value(row),
                    long(4).value(row),
                    long(5).value(row),
                ),
            );
        }
    }
    let want: BTreeMap<_, _> = want
        .into_iter()
        .map(|(key, (n, last, features, score))| (key, (n, last, features.len() as i64, score)))
        .collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn files_of_before_there_were_cases_are_read_and_can_be_divided() {
    let (dir, lake) = open();
    let mut rows = random_events(4, 6_000);
    rows.retain(|row| row.month == 202_602);
    let batch = to_batch(&rows).unwrap();
    let product =
        tenure_lake::write_month(dir.path(), 202_602, Class::Product, std::slice::from_ref(&batch)).unwrap();
    let other =
        tenure_lake::write_month(dir.path(), 202_602, Class::Other, std::slice::from_ref(&batch)).unwrap();
    assert_eq!(product.rows + other.rows, rows.len() as u64);
    let counts = async |files: Vec<FileMeta>| {
        let snapshot = Snapshot::new(files, vec![]).unwrap();
        let mut counts = Vec::new();
        for kind in ["product", "survey", "communication", "support"] {
            let sql = format!("SELECT count(*) FROM events WHERE kind = '{kind}'");
            counts.push(number(&lake.context(&snapshot).query(&sql).await.unwrap()));
        }
        (counts, ids(&lake, &snapshot).await)
    };
    let want: Vec<i64> = ["product", "survey", "communication", "support"]
        .map(|kind| rows.iter().filter(|row| row.kind == kind).count() as i64)
        .to_vec();
    let old = counts(vec![product.clone(), other.clone()]).await;
    assert_eq!(old, (want, expected_ids(&rows)));
    let parts = lake.divide(&other).await.unwrap();
    let classes: Vec<Class> = parts.iter().map(|file| file.class).collect();
    assert_eq!(classes, [Class::Case, Class::Rest]);
    for file in &parts {
        lake.verify(file).await.unwrap();
    }
    let new = [vec![product], parts].concat();
    assert_eq!(counts(new).await, old);
    assert!(
        orphans(dir.path(), &[])
            .unwrap()
            .iter()
            .all(|path| path.extension().is_some_and(|it| it == "parquet"))
    );
}

#[tokio::test]
async fn only_files_that_can_match_are_read() {
    let (_dir, lake) = open();
    let files = lake
        .seal(vec![to_batch(&random_events(3, 4_000)).unwrap()])
        .await
        .unwrap();
    let snapshot = Snapshot::new(files.clone(), vec![]).unwrap();
    let context = lake.context(&snapshot);
    let read = async |filter: &str| -> BTreeSet<String> {
        let plan = context
            .explain(&format!("SELECT count(message_id) FROM events WHERE {filter}"))
            .await
            .unwrap();
        files
            .iter()
            .map(|file| file.path.clone())
            .filter(|path| plan.contains(path.as_str()))
            .collect()
    };
    let matching = |keep: &dyn Fn(&FileMeta) -> bool| -> BTreeSet<String> {
        files
            .iter()
            .filter(|file| keep(file))
            .map(|file| file.path.clone())
            .collect()
    };
    let feb = matching(&|f| f.month == 202_602);
    assert_eq!(feb.len(), 3);
    assert_eq!(read("month = 202602").await, feb);
    assert_eq!(
        read("day BETWEEN DATE '2026-02-03' AND DATE '2026-02-20'").await,
        feb
    );
    assert_eq!(
        read("occurred_at >= TIMESTAMP '2026-02-01' AND occurred_at < TIMESTAMP '2026-03-01'").await,
        feb
    );
    let product = matching(&|f| f.class == Class::Product);
    assert_eq!(read("kind = 'product'").await, product);
    let of = |class: Class| matching(&|f| f.class == class);
    assert_eq!(read("kind = 'survey'").await, of(Class::Case));
    assert_eq!(
        read("kind IN ('support', 'survey', 'revenue', 'opportunity')").await,
        of(Class::Case)
    );
    assert_eq!(read("kind = 'communication'").await, of(Class::Rest));
    assert_eq!(
        read("kind IN ('survey', 'meeting')").await,
        matching(&|f| f.class != Class::Product)
    );
    assert_eq!(
        read("kind IN ('survey', 'product')").await,
        matching(&|f| f.class != Class::Rest)
    );
    assert_eq!(
        read("kind <> 'product'").await,
        matching(&|f| f.class != Class::Product)
    );
    assert_eq!(read("kind <> 'survey'").await.len(), files.len());
    assert_eq!(read("account_no = 7777").await.len(), 0);
    assert_eq!(read("month = 202602 AND name IN ('login')").await, feb);
    assert_eq!(
        read("month = 202602 OR prop(properties, 'x') = '1'").await.len(),
        files.len()
    );
    let plan = context
        .explain("SELECT name FROM events WHERE kind = 'product' AND account_no = 3")
        .await
        .unwrap();
    assert!(
        plan.contains("projection=[name]"),
        "only what is asked for is decoded:\n{plan}"
    );
    assert!(
        plan.contains("predicate="),
        "the filter runs inside the scan:\n{plan}"
    );
    assert!(!plan.contains("FilterExec"), "and nowhere else:\n{plan}");
}

#[tokio::test]
async fn compaction_keeps_every_event_and_the_order() {
    let (_dir, lake) = open();
    let rows: Vec<EventRow> = random_events(4, 9_000)
        .into_iter()
        .filter(|r| r.month == 202_601 && r.kind == "product")
        .collect();
    let mut files = Vec::new();
    for chunk in rows.chunks(300) {
        files.extend(lake.seal(vec![to_batch(chunk).unwrap()]).await.unwrap());
    }
    assert!(files.len() > 2);
    let one = lake.compact(&files).await.unwrap();
    lake.verify(&one).await.unwrap();
    assert_eq!(one.rows, rows.len() as u64);
    let snapshot = Snapshot::new(vec![one.clone()], vec![]).unwrap();
    assert_eq!(ids(&lake, &snapshot).await, expected_ids(&rows));
    let mut keys = Vec::new();
    for batch in tenure_lake::read_parquet(&lake.dir().join(&one.path)).unwrap() {
        keys.extend(
            tenure_lake::from_batch(&batch.unwrap())
                .unwrap()
                .into_iter()
                .map(|r| (r.account_no, r.occurred_at)),
        );
    }
    assert!(keys.is_sorted());
    // A query that started before still finds its files; afterwards they are gone.
    let old = Snapshot::new(files.clone(), vec![]).unwrap();
    let context = lake.context(&old);
    drop(old);
    assert_eq!(lake.retire(files.clone()), files.len());
    assert_eq!(
        number(
            &context
                .query("SELECT count(message_id) FROM events")
                .await
                .unwrap()
        ),
        rows.len() as i64
    );
    drop(context);
    assert_eq!(lake.sweep(), 0);
    assert_eq!(
        orphans(lake.dir(), &[one]).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
}

#[tokio::test]
async fn erasure_leaves_no_byte() {
    let (_dir, lake) = open();
    let rows = random_events(5, 6_000);
    let sealed = lake.seal(vec![to_batch(&rows).unwrap()]).await.unwrap();
    let erase = Erase {
        account_nos: [7].into(),
        contact_ids: ["contact-3".to_owned()].into(),
        ..Erase::default()
    };
    let mut kept = Vec::new();
    let mut removed = 0;
    for file in &sealed {
        let done = lake.rewrite_without(file, &erase).await.unwrap();
        removed += done.removed;
        kept.extend(done.file);
    }
    lake.retire(sealed.into_iter().filter(|file| !kept.contains(file)).collect());
    let left: Vec<EventRow> = rows
        .iter()
        .filter(|row| row.account_no != 7 && row.contact_id.as_deref() != Some("contact-3"))
        .cloned()
        .collect();
    assert!(removed > 0);
    assert_eq!(removed, (rows.len() - left.len()) as u64);
    let snapshot = Snapshot::new(kept.clone(), vec![]).unwrap();
    assert_eq!(ids(&lake, &snapshot).await, expected_ids(&left));
    assert_eq!(
        orphans(lake.dir(), &kept).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
    let again = lake.rewrite_without(&kept[0], &erase).await.unwrap();
    assert_eq!((again.file.as_ref(), again.removed), (Some(&kept[0]), 0));
    let all = Erase {
        account_nos: (1..20).collect(),
        ..Erase::default()
    };
    let unattributed = rows
        .iter()
        .filter(|row| row.account_no == 0 && row.contact_id.as_deref() != Some("contact-3"));
    let mut rest = 0;
    for file in &kept {
        rest += lake
            .rewrite_without(file, &all)
            .await
            .unwrap()
            .file
            .map_or(0, |file| file.rows);
    }
    assert_eq!(
        rest,
        unattributed.count() as u64,
        "events of no account are nobody's"
    );
}

#[tokio::test]
async fn sealing_twice_gives_the_same_file_and_damage_is_found() {
    let (_dir, lake) = open();
    let batch = to_batch(&random_events(6, 2_000)).unwrap();
    let first = lake.seal(vec![batch.clone()]).await.unwrap();
    let half = batch.slice(1_000, 1_000);
    let second = lake.seal(vec![half, batch.slice(0, 1_000)]).await.unwrap();
    assert_eq!(
        first, second,
        "neither the order nor the cut of the batches matters"
    );
    let path = lake.dir().join(&first[0].path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = lake.verify(&first[0]).await.unwrap_err().to_string();
    assert!(
        error.contains("was changed") && error.contains(&first[0].path),
        "{error}"
    );
    std::fs::write(&path, &bytes[..middle]).unwrap();
    let error = lake.verify(&first[0]).await.unwrap_err().to_string();
    assert!(error.contains("bytes"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(
        lake.verify(&first[0])
            .await
            .unwrap_err()
            .to_string()
            .contains("cannot be opened")
    );
}

#[tokio::test]
async fn an_empty_history_answers() {
    let (_dir, lake) = open();
    let context = lake.context(&Snapshot::default());
    assert_eq!(
        number(&context.query("SELECT count(*) FROM events").await.unwrap()),
        0
    );
    assert!(lake.seal(vec![]).await.unwrap().is_empty());
    assert!(lake.compact(&[]).await.is_err());
}

#[tokio::test]
async fn the_clock_of_a_context_is_the_callers() {
    let (_dir, lake) = open();
    let context = lake.context(&Snapshot::default());
    context.set_now(START + 1);
    let sql =
        "SELECT CASE WHEN now() = TIMESTAMP '2026-01-01T00:00:00.000001' AND current_date = DATE '2026-01-01'
               AND current_timestamp = now() AND today() = current_date THEN 1 ELSE 0 END";
    assert_eq!(number(&context.query(sql).await.unwrap()), 1);
}

#[tokio::test]
async fn tables_and_views_of_the_caller_are_read() {
    let (_dir, lake) = open();
    let context = lake.context(&Snapshot::default());
    let batch = to_batch(&random_events(7, 100)).unwrap();
    context.add_table("more", batch.schema(), vec![batch]).unwrap();
    context
        .add_view("logins", "SELECT * FROM more WHERE name = 'login'")
        .await
        .unwrap();
    context
        .add_view("twice", "SELECT * FROM logins UNION ALL SELECT * FROM logins")
        .await
        .unwrap();
    let want = 2 * random_events(7, 100)
        .iter()
        .filter(|row| row.name == "login")
        .count() as i64;
    assert_eq!(
        number(&context.query("SELECT count(*) FROM twice").await.unwrap()),
        want
    );
    let error = context.query("SELECT count(*)\nFROM login").await.unwrap_err();
    assert_eq!((error.line, error.column), (Some(2), Some(6)));
    assert_eq!(
        (error.name.as_deref(), error.nearest.as_deref()),
        (Some("login"), Some("logins"))
    );
    assert!(
        context
            .add_table("more", to_batch(&[]).unwrap().schema(), vec![])
            .is_err()
    );
}

#[tokio::test]
async fn a_context_costs_little() {
    let (_dir, lake) = open();
    let files = lake
        .seal(vec![to_batch(&random_events(8, 2_000)).unwrap()])
        .await
        .unwrap();
    let snapshot = Snapshot::new(files, vec![]).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..100 {
        std::hint::black_box(lake.context(&snapshot));
    }
    // The aim is 1 ms; the bound leaves room for a busy machine and a build without optimisation.
    let each = start.elapsed() / 100;
    assert!(each < std::time::Duration::from_millis(5), "{each:?}");
    println!("a context: {each:?}");
}

#[tokio::test]
async fn a_stream_gives_every_row_and_stops_when_dropped() {
    use futures::StreamExt;
    let (_dir, lake) = open();
    let rows = random_events(9, 30_000);
    let snapshot = Snapshot::new(
        vec![],
        rows.chunks(1_000).map(|rows| to_batch(rows).unwrap()).collect(),
    )
    .unwrap();
    let context = lake.context(&snapshot);
    let mut stream = context.stream("SELECT message_id FROM events").await.unwrap();
    assert_eq!(stream.schema().fields().len(), 1);
    let mut seen = 0;
    while let Some(batch) = stream.next().await {
        seen += batch.unwrap().num_rows();
    }
    assert_eq!(seen, rows.len());
    let mut endless = context
        .stream("SELECT * FROM generate_series(1, 1000000000000)")
        .await
        .unwrap();
    assert!(endless.next().await.unwrap().is_ok());
    drop(endless);
    assert_eq!(
        number(&context.query("SELECT count(*) FROM events").await.unwrap()),
        30_000
    );
}
