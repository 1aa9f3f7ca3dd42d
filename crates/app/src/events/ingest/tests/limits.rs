//! Sizes, packing and quotas.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value as Json, json};

use super::{Source, counts, track};
use crate::auth::Role;
use crate::events::ingest::{BATCH_LIMIT, MESSAGE_LIMIT, Quota};
use crate::testing::{Answer, NOON as NOON_TEXT, TestApp};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A message of exactly this many bytes.
fn sized(message_id: &str, bytes: usize) -> String {
    let mut message = track(message_id);
    message["properties"] = json!({"pad": ""});
    let short = message.to_string().len();
    message["properties"] = json!({"pad": "x".repeat(bytes - short)});
    message.to_string()
}

#[tokio::test]
async fn a_message_of_32_kb_passes_and_one_byte_more_does_not() {
    let source = Source::new().await;
    assert_eq!(MESSAGE_LIMIT, 32_768);
    assert_eq!(
        counts(&source.raw("/v1/track", sized("a", 32_768)).await),
        (1, 0, 0)
    );
    source.raw("/v1/track", sized("b", 32_769)).await.problem(413);
    let batch = format!(
        r#"{{"batch":[{}, {} ,{}]}}"#,
        sized("c", 32_768),
        sized("d", 32_769),
        track("e")
    );
    assert_eq!(counts(&source.raw("/v1/batch", batch).await), (2, 0, 1));
    let ids: Vec<String> = source.events().into_iter().map(|row| row.message_id).collect();
    assert_eq!(ids, ["a", "c", "e"]);
    let rejects = source.rejects().await;
    assert_eq!(rejects.len(), 2);
    assert!(
        rejects
            .iter()
            .all(|reject| reject["reason"].as_str().unwrap().contains("32769 bytes"))
    );
}

#[tokio::test]
async fn a_request_of_500_kb_passes_and_one_byte_more_does_not() {
    let source = Source::new().await;
    assert_eq!(BATCH_LIMIT, 512_000);
    let of = |bytes: usize| {
        let mut body = format!(r#"{{"batch":[{}"#, sized("first", 1_000));
        let mut n = 0;
        while body.len() + 30_000 < bytes {
            body.push(',');
            body.push_str(&sized(&format!("m{n}"), 20_000));
            n += 1;
        }
        body.push_str("]}");
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    assert_eq!(of(BATCH_LIMIT).len(), 512_000);
    counts(&source.raw("/v1/batch", of(BATCH_LIMIT)).await);
    source.raw("/v1/batch", of(BATCH_LIMIT + 1)).await.problem(413);
    let packed = source
        .request("/v1/batch")
        .header("content-encoding", "gzip")
        .body(gzip(of(BATCH_LIMIT).as_bytes()))
        .await;
    counts(&packed);
    let packed = source
        .request("/v1/batch")
        .header("content-encoding", "gzip")
        .body(gzip(of(BATCH_LIMIT + 1).as_bytes()))
        .await;
    packed.problem(413);
}

#[tokio::test]
async fn packed_bodies() {
    let source = Source::new().await;
    let body = |id: &str| json!({"batch": [track(id)]}).to_string().into_bytes();
    let send = |encodings: &'static [&'static str], bytes: Vec<u8>| {
        let mut request = source.request("/v1/batch");
        for encoding in encodings {
            request = request.header("content-encoding", encoding);
        }
        request.body(bytes)
    };
    assert_eq!(counts(&send(&["gzip"], gzip(&body("named"))).await), (1, 0, 0));
    assert_eq!(counts(&send(&[], gzip(&body("unnamed"))).await), (1, 0, 0));
    assert_eq!(
        counts(&send(&["gzip, gzip"], gzip(&gzip(&body("list")))).await),
        (1, 0, 0)
    );
    assert_eq!(
        counts(&send(&["gzip", "x-gzip"], gzip(&gzip(&body("two")))).await),
        (1, 0, 0)
    );
    assert_eq!(
        counts(&send(&["gzip"], gzip(&gzip(&body("more")))).await),
        (1, 0, 0)
    );
    assert_eq!(counts(&send(&["identity"], body("identity")).await), (1, 0, 0));
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&body("zlib")).unwrap();
    assert_eq!(
        counts(&send(&["deflate"], zlib.finish().unwrap()).await),
        (1, 0, 0)
    );
    // Two members one after the other are one text.
    let whole = body("members");
    let (first, second) = whole.split_at(whole.len() / 2);
    assert_eq!(
        counts(&send(&["gzip"], [gzip(first), gzip(second)].concat()).await),
        (1, 0, 0)
    );

    let packed = gzip(&body("cut"));
    send(&["gzip"], packed[..packed.len() - 9].to_vec())
        .await
        .problem(400);
    send(&["gzip"], body("not packed at all")).await.problem(400);
    send(&["gzip, gzip, gzip"], gzip(&gzip(&gzip(&body("three")))))
        .await
        .problem(400);
    send(&["br"], body("br")).await.problem(415);
    assert_eq!(source.events().len(), 8);
}

#[tokio::test]
async fn a_gzip_bomb_is_unpacked_no_further_than_a_request_may_be() {
    let source = Source::new().await;
    // 400 MB of zeros, twice packed to some hundred bytes.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..400 {
        packed.write_all(&zeros).unwrap();
    }
    let once = packed.finish().unwrap();
    assert!(once.len() < BATCH_LIMIT);
    let twice = gzip(&once);
    let started = std::time::Instant::now();
    source
        .request("/v1/batch")
        .header("content-encoding", "gzip")
        .body(once)
        .await
        .problem(413);
    source
        .request("/v1/batch")
        .header("content-encoding", "gzip")
        .body(twice)
        .await
        .problem(413);
    assert!(
        started.elapsed().as_secs() < 5,
        "only the first 500 KB are unpacked"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_may_be_sent_again() {
    let source = Source::new().await;
    let parts = futures::stream::iter([
        Ok(r#"{"batch":["#.to_owned()),
        Err(std::io::Error::other("connection reset")),
    ]);
    let answer = source
        .request("/v1/batch")
        .body(axum::body::Body::from_stream(parts))
        .await;
    answer.problem(503);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_key_over_its_quota_waits_and_others_do_not() {
    let app = TestApp::with(NOON_TEXT, |config| {
        config.quota = Quota {
            events_per_second: 1,
            burst: 5,
        }
    })
    .await;
    let source = Source::of(app).await;
    let batch = |from: usize| Json::Array((0..90).map(|n| track(&format!("m{}", from + n))).collect());
    // More than the burst is let in once, and then paid off.
    assert_eq!(counts(&source.batch(batch(0)).await), (90, 0, 0));
    let refused: Answer = source.batch(batch(90)).await;
    assert_eq!(refused.problem(429)["code"], "over_quota");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    let other = source
        .app
        .post("/api/v1/keys")
        .as_role(Role::Admin)
        .json(&json!({"name": "other", "scope": "ingest"}))
        .await
        .ok();
    let answer = source
        .app
        .post("/v1/batch")
        .with_key(other["secret"].as_str().unwrap())
        .json(&json!({"batch": batch(180)}))
        .await;
    assert_eq!(counts(&answer), (90, 0, 0));
}

#[tokio::test]
async fn when_the_records_are_away_the_client_comes_again() {
    let source = Source::new().await;
    // The key is in memory; the records are not to be had any more.
    source.batch(json!([track("before")])).await.ok();
    source.app.log.shutdown().await;
    let answer = source.batch(json!([track("after")])).await;
    answer.problem(503);
    assert!(answer.header("retry-after").is_some());
}
