//! What must not get in, and what must not do harm (RELIABILITY §11, items 1–6).

use serde_json::{Value as Json, json};

use super::{NOON, Source, counts, properties, track};
use crate::auth::Role;

fn at(offset_seconds: i64) -> String {
    jiff::Timestamp::from_second(NOON / 1_000_000 + offset_seconds)
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn one_bad_message_takes_no_other_with_it() {
    let source = Source::new().await;
    let mut messages: Vec<Json> = (0..100).map(|n| track(&format!("m{n}"))).collect();
    messages[41]["event"] = json!("  ");
    assert_eq!(counts(&source.batch(Json::Array(messages)).await), (99, 0, 1));
    let rejects = source.rejects().await;
    assert_eq!(rejects.len(), 1);
    let reject = &rejects[0];
    assert_eq!(
        (&reject["line"], &reject["kind"], &reject["field"]),
        (&json!(42), &json!("track"), &json!("event"))
    );
    assert_eq!(
        (&reject["source"], &reject["state"]),
        (&json!("shop"), &json!("open"))
    );
    assert!(reject["record"].as_str().unwrap().contains("m41"));
    for text in ["reason", "remedy"] {
        assert!(!reject[text].as_str().unwrap().is_empty());
    }
}

/// What is written into the place of a value, and what becomes of the message. `None` = taken in.
#[tokio::test]
async fn json_that_is_odd() {
    let source = Source::new().await;
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let cases: Vec<(String, Option<&str>)> = vec![
        (deep(10_000), Some("deeper")),
        (deep(100), None),
        ("NaN".to_owned(), Some("NaN")),
        ("-Infinity".to_owned(), Some("NaN")),
        ("1e400".to_owned(), Some("too large")),
        ("-0".to_owned(), None),
        ("9007199254740993".to_owned(), None),
        (r#""\ud83d""#.to_owned(), Some("half of a character")),
        (r#""\ud83d\ude00""#.to_owned(), None),
        (r#""a\u0000b""#.to_owned(), None),
        (r#"{"a":1,"a":2}"#.to_owned(), None),
        (
            r#"{"__proto__":{"x":1},"constructor":2,"":3,"a\u202eb":4}"#.to_owned(),
            None,
        ),
        ("'x'".to_owned(), Some("not valid JSON")),
        ("01".to_owned(), Some("not valid JSON")),
    ];
    for (n, (value, wrong)) in cases.iter().enumerate() {
        let good = format!(r#"{{"type":"track","userId":"u","event":"ok","messageId":"good{n}"}}"#);
        let odd = format!(
            r#"{{"type":"track","userId":"u","event":"x","messageId":"odd{n}","properties":{{"v":{value}}}}}"#
        );
        let answer = source
            .raw("/v1/batch", format!(r#"{{"batch":[{good},{odd}]}}"#))
            .await;
        let shown: String = value.chars().take(40).collect();
        assert_eq!(
            counts(&answer),
            if wrong.is_some() { (1, 0, 1) } else { (2, 0, 0) },
            "{shown}"
        );
        if let Some(wrong) = wrong {
            let rejects = source.rejects().await;
            let all: Vec<&str> = rejects
                .iter()
                .map(|reject| reject["reason"].as_str().unwrap())
                .collect();
            assert!(
                all.iter().any(|reason| reason.contains(wrong)),
                "{shown}: {all:?}"
            );
        }
    }
    assert_eq!(
        properties(&source.event("odd6")),
        json!({"v": 9_007_199_254_740_993_i64})
    );
    assert_eq!(properties(&source.event("odd9")), json!({"v": "a\0b"}));
    assert_eq!(properties(&source.event("odd10")), json!({"v": {"a": 2}}));
    assert_eq!(
        properties(&source.event("odd11"))["v"]["__proto__"],
        json!({"x": 1})
    );
}

#[tokio::test]
async fn bodies_that_are_no_batch() {
    let source = Source::new().await;
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("nonsense", 400),
        (r#"{"batch":[}"#, 400),
        (r#"{"batch":[]} x"#, 400),
        (r#"{"batch":{}}"#, 422),
        ("{}", 422),
    ] {
        source.raw("/v1/batch", body).await.problem(status);
    }
    assert_eq!(counts(&source.batch(json!([])).await), (0, 0, 0));
    assert_eq!(counts(&source.raw("/v1/batch", "[]").await), (0, 0, 0));
    assert_eq!(
        counts(
            &source
                .batch(json!([1, null, "x", [], {}, {"type": "t"}, {"type": "erase"}]))
                .await
        ),
        (0, 0, 7)
    );
    for body in ["", "[]", "5", "{", r#"{"event":"x","event":"y","userId":"u"}"#] {
        let problem = source.raw("/v1/track", body).await.problem(400);
        assert!(
            !problem["errors"][0]["remedy"].as_str().unwrap().is_empty(),
            "{body}"
        );
    }
    // Nothing went by unseen.
    assert!(source.rejects().await.len() >= 12);
}

#[tokio::test]
async fn texts_in_other_encodings() {
    let source = Source::new().await;
    let body = |id: &str| {
        json!({"batch": [{"type": "track", "userId": "ü", "event": "x", "messageId": id}]}).to_string()
    };
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(body("bom").as_bytes());
    assert_eq!(counts(&source.raw("/v1/batch", marked).await), (1, 0, 0));
    for (id, little) in [("le", true), ("be", false)] {
        let units = std::iter::once('\u{feff}')
            .chain(body(id).chars())
            .collect::<String>();
        let bytes: Vec<u8> = units
            .encode_utf16()
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect();
        assert_eq!(counts(&source.raw("/v1/batch", bytes).await), (1, 0, 0), "{id}");
        assert_eq!(source.event(id).contact_id.as_deref(), Some("ü"));
    }
    // Invalid UTF-8 costs its own message only.
    let mut broken = br#"{"batch":[{"type":"track","userId":"u","event":"ok","messageId":"ok"},{"type":"track","userId":"u","event":"a"#.to_vec();
    broken.extend(b"\xff\xfe\"}]}");
    assert_eq!(counts(&source.raw("/v1/batch", broken).await), (1, 0, 1));
}

#[tokio::test]
async fn instants_that_are_odd() {
    let source = Source::new().await;
    for (n, (timestamp, taken)) in [
        (json!("0001-01-01T00:00:00Z"), false),
        (json!("1970-01-01T00:00:00Z"), false),
        (json!(0), false),
        (json!("1970-01-02T00:00:00Z"), true),
        (json!("9999-12-31T23:59:59Z"), false),
        (json!(at(10 * 365 * 86_400)), false),
        (json!(at(48 * 3_600)), true),
        (json!(at(48 * 3_600 + 1)), false),
        (json!(at(-31 * 86_400)), true),
        (json!("2026-07-01T02:00:00+14:00"), true),
        (json!("2016-12-31T23:59:60Z"), true),
        (json!("2026-06-30T12:00:00"), true),
        (json!("30/06/2026"), false),
        (json!(true), false),
        (json!({"seconds": 5}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut message = track(&format!("m{n}"));
        message["timestamp"] = timestamp.clone();
        let wanted = if taken { (1, 0, 0) } else { (0, 0, 1) };
        assert_eq!(
            counts(&source.batch(json!([message])).await),
            wanted,
            "{timestamp}"
        );
    }
    assert_eq!(source.event("m9").occurred_at, NOON);
    assert_eq!(source.event("m11").occurred_at, NOON);
    // A clock that was never set, seen through `sentAt`, is corrected: the event is of today.
    let unset = json!({"batch": [{"type": "track", "messageId": "unset", "userId": "u", "event": "x", "timestamp": "1970-01-01T00:00:10Z"}],
        "sentAt": "1970-01-01T00:00:20Z"});
    assert_eq!(counts(&source.send("/v1/batch", &unset).await), (1, 0, 0));
    assert_eq!(source.event("unset").occurred_at, NOON - 10_000_000);
    for reject in source.rejects().await {
        assert_eq!(reject["field"], "timestamp");
    }
}

#[tokio::test]
async fn ids_that_are_odd() {
    let source = Source::new().await;
    let long = "x".repeat(10_000);
    for (n, (id, kept)) in [
        (json!("null"), None),
        (json!("undefined"), None),
        (json!(long), None),
        (json!("a\0b"), None),
        (json!(1.5), None),
        (json!(true), None),
        (json!({"id": 1}), None),
        (json!("0"), Some("0")),
        (json!(42), Some("42")),
        (json!("🦷"), Some("🦷")),
        (json!("cafe\u{301}"), Some("caf\u{e9}")),
        (json!("caf\u{e9}"), Some("caf\u{e9}")),
        (json!("İ"), Some("İ")),
        (json!("i"), Some("i")),
        (json!(" u "), Some("u")),
    ]
    .into_iter()
    .enumerate()
    {
        for member in ["userId", "groupId"] {
            let message_id = format!("{member}{n}");
            let mut message = json!({"type": "track", "messageId": message_id, "event": "x"});
            message[member] = id.clone();
            let wanted = if kept.is_some() { (1, 0, 0) } else { (0, 0, 1) };
            assert_eq!(
                counts(&source.batch(json!([message])).await),
                wanted,
                "{member} {id}"
            );
            if let Some(kept) = kept {
                let row = source.event(&message_id);
                let found = if member == "userId" {
                    row.contact_id
                } else {
                    row.account_id
                };
                assert_eq!(found.as_deref(), Some(kept));
            }
        }
    }
    // Empty and white: no id at all.
    for (n, id) in ["", "  ", "\t\n"].into_iter().enumerate() {
        let message = json!({"type": "track", "messageId": format!("white{n}"), "event": "x", "userId": id, "anonymousId": "a"});
        assert_eq!(counts(&source.batch(json!([message])).await), (1, 0, 0));
    }
    assert_eq!(source.event("white0").contact_id, None);
    let calls = json!([
        {"type": "identify", "traits": {}}, {"type": "group", "userId": "u"}, {"type": "group", "userId": "u", "groupId": " "},
        {"type": "alias", "userId": "u"}, {"type": "alias", "previousId": "u"}
    ]);
    assert_eq!(counts(&source.batch(calls).await), (0, 0, 5));
}

#[tokio::test]
async fn members_of_the_wrong_type() {
    let source = Source::new().await;
    for (member, value) in [
        ("properties", json!("text")),
        ("properties", json!([1])),
        ("context", json!(5)),
        ("event", json!(5)),
        ("event", json!(null)),
        ("event", json!("a\nb")),
        ("event", json!("x".repeat(201))),
        ("messageId", json!({})),
        ("messageId", json!("x".repeat(256))),
        ("messageId", json!("a\nb")),
    ] {
        let mut message = track("m");
        message[member] = value.clone();
        let problem = source.send("/v1/track", &message).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], member, "{value}");
    }
    let mut many = serde_json::Map::new();
    for n in 0..2_500 {
        many.insert(format!("p{n}"), json!(n));
    }
    let mut message = track("many");
    message["properties"] = Json::Object(many);
    assert_eq!(counts(&source.send("/v1/track", &message).await), (1, 0, 0));
    // Ten thousand properties, or a name of a megabyte, are more than a message holds: it alone is refused.
    let thousands: serde_json::Map<String, Json> = (0..10_000).map(|n| (n.to_string(), json!(n))).collect();
    let named = serde_json::Map::from_iter([("x".repeat(1 << 18), json!(1))]);
    for properties in [thousands, named] {
        let mut large = track("large");
        large["properties"] = Json::Object(properties);
        assert_eq!(counts(&source.batch(json!([large, track("beside")])).await).2, 1);
    }
    // A property may be a number today and a text tomorrow.
    for (id, value) in [("n1", json!(5)), ("n2", json!("five"))] {
        let mut message = track(id);
        message["properties"] = json!({ "p": value });
        assert_eq!(counts(&source.send("/v1/track", &message).await), (1, 0, 0));
    }
}

#[tokio::test]
async fn merges_never_run_in_a_ring() {
    let source = Source::new().await;
    let alias = |from: &str, to: &str| json!({"type": "alias", "previousId": from, "userId": to});
    let messages = json!([
        {"type": "identify", "userId": "a"}, {"type": "identify", "userId": "b"},
        alias("a", "b"), alias("b", "a"), alias("a", "a"), alias("a", "b"),
    ]);
    assert_eq!(counts(&source.batch(messages).await), (6, 0, 0));
    for id in ["a", "b"] {
        source
            .send("/v1/track", &json!({"messageId": id, "userId": id, "event": "x"}))
            .await
            .ok();
    }
    assert_eq!(source.event("a").contact_id, source.event("b").contact_id);
    assert_eq!(source.app.count("contacts").await, 1);
}

#[tokio::test]
async fn a_reject_that_comes_again_is_the_same_and_can_be_taken_in_again() {
    let source = Source::new().await;
    let future = json!({"batch": [{"type": "track", "messageId": "m", "userId": "u", "event": "x", "timestamp": at(5 * 86_400)}],
        "sentAt": at(0)});
    assert_eq!(counts(&source.send("/v1/batch", &future).await), (0, 0, 1));
    assert_eq!(counts(&source.send("/v1/batch", &future).await), (0, 0, 1));
    let rejects = source.rejects().await;
    assert_eq!(rejects.len(), 1);
    assert_eq!(
        replay(&source, json!({})).await,
        json!({"replayed": 0, "still_rejected": 1, "left": 0})
    );

    // The record is repaired by hand, as an operator would: its instant was meant to be today.
    let tx = source.app.store.begin().await.unwrap();
    let record = rejects[0]["record"]
        .as_str()
        .unwrap()
        .replace(&at(5 * 86_400), &at(-60));
    assert!(record.contains("\"sentAt\""));
    tx.run("UPDATE rejects SET record = $1", vec![record.into()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let id = rejects[0]["id"].clone();
    assert_eq!(
        replay(&source, json!({ "ids": [id] })).await,
        json!({"replayed": 1, "still_rejected": 0, "left": 0})
    );
    assert_eq!(source.event("m").occurred_at, NOON - 60_000_000);
    assert_eq!(source.rejects().await[0]["state"], "replayed");
    assert_eq!(
        replay(&source, json!({})).await,
        json!({"replayed": 0, "still_rejected": 0, "left": 0})
    );
    source
        .app
        .post("/api/v1/rejects/replay")
        .as_role(Role::Viewer)
        .json(&json!({}))
        .await
        .problem(403);
    let open = source
        .app
        .get("/api/v1/rejects?state=open")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!((&open["total"], &open["items"]), (&json!(0), &json!([])));
    source
        .app
        .get("/api/v1/rejects?state=shut")
        .as_role(Role::Viewer)
        .await
        .problem(422);
}

async fn replay(source: &Source, body: Json) -> Json {
    source
        .app
        .post("/api/v1/rejects/replay")
        .as_role(Role::Csm)
        .json(&body)
        .await
        .ok()
}
