//! Membership over time, flow, overlaps and single rules against naive counts over a random history.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::kpis::tests::random_company;
use crate::metrics::facts::{date_of, parse_day};
use crate::testing::TestApp;

async fn get(app: &TestApp, path: &str) -> Json {
    app.get(path).as_role(Role::Viewer).await.ok()
}

/// Where an account is on a day, by walking its spans: the segment and the MRR, or nothing when it is not active.
fn place(entry: &crate::metrics::Entry, day: i32) -> Option<(String, f64)> {
    let mut found = None;
    for span in &entry.head.spans {
        if span.from <= day && day < span.to && span.active {
            found = Some((span.segment.clone(), span.mrr.unwrap_or(0.0)));
        }
    }
    found
}

fn day(text: &Json) -> i32 {
    parse_day(text.as_str().expect("a day")).expect("a day")
}

#[tokio::test]
async fn history_and_flow_equal_naive_counts() {
    let app = random_company().await;
    let entries = app.metrics.book.all();
    for query in [
        "?from=2025-08-01",
        "?grain=day&from=2026-05-20&to=2026-06-10",
        "?grain=quarter",
    ] {
        let history = get(&app, &format!("/api/v1/segments/history{query}")).await;
        for point in history["points"].as_array().expect("points") {
            let mut counts: BTreeMap<String, (usize, f64)> = BTreeMap::new();
            for (segment, mrr) in entries
                .iter()
                .filter_map(|entry| place(entry, day(&point["day"])))
            {
                let held = counts.entry(segment).or_default();
                (held.0, held.1) = (held.0 + 1, held.1 + mrr);
            }
            let shown = point["segments"].as_array().expect("segments");
            assert_eq!(shown.len(), counts.len(), "{point}");
            for one in shown {
                let (accounts, mrr) = counts[one["segment"].as_str().expect("a segment")];
                assert_eq!(one["accounts"], json!(accounts), "{point}");
                assert!(
                    (one["mrr"].as_f64().expect("an amount") - mrr).abs() < 1e-6,
                    "{point}"
                );
            }
        }
    }
    let flow = get(&app, "/api/v1/segments/flow?from=2025-09-30&grain=month").await;
    let steps = flow["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 9, "{flow}");
    let mut moved = 0;
    for step in steps {
        let (first, second) = (day(&step["from_day"]), day(&step["to_day"]));
        let mut counts: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
        for entry in &entries {
            let way = (
                place(entry, first).map(|p| p.0),
                place(entry, second).map(|p| p.0),
            );
            if way != (None, None) {
                *counts.entry(way).or_default() += 1;
            }
        }
        let text = |value: &Json| value.as_str().map(str::to_owned);
        let shown: BTreeMap<_, usize> = step["links"]
            .as_array()
            .expect("links")
            .iter()
            .map(|link| {
                let n = usize::try_from(link["accounts"].as_u64().expect("a count")).expect("small");
                ((text(&link["from"]), text(&link["to"])), n)
            })
            .collect();
        assert_eq!(shown, counts, "{} to {}", date_of(first), date_of(second));
        for ((from, to), accounts) in &counts {
            moved += usize::from(from != to);
            let side = |name: &str, of: &Option<String>| {
                of.as_ref().map_or(String::new(), |s| format!("&{name}={s}"))
            };
            let path = format!(
                "/api/v1/segments/flow/accounts?from_day={}&to_day={}{}{}&limit=1",
                date_of(first),
                date_of(second),
                side("from", from),
                side("to", to)
            );
            assert_eq!(get(&app, &path).await["total"], json!(accounts), "{path}");
        }
    }
    assert!(moved > 5, "the history has moves to count");
    for wrong in [
        "history?from=2026-06-20&to=2026-06-10",
        "flow?grain=week",
        "history?grain=day&from=2020-01-01",
        "flow?from=2030-01-01",
    ] {
        app.get(&format!("/api/v1/segments/{wrong}"))
            .as_role(Role::Viewer)
            .await
            .problem(422);
    }
}

#[tokio::test]
async fn single_rules_overlaps_and_the_unclassified_equal_naive_counts() {
    let app = random_company().await;
    let entries: Vec<_> = app
        .metrics
        .book
        .all()
        .into_iter()
        .filter(|entry| entry.active())
        .collect();
    let check = async |rule: &str| {
        app.post("/api/v1/segments/rule/check")
            .as_role(Role::Viewer)
            .json(&json!({ "rule": rule }))
            .await
            .ok()
    };
    let mrr = |entry: &crate::metrics::Entry| entry.now().expect("a span").mrr;
    let above = check("mrr > 400").await;
    assert_eq!(
        above["matches"],
        json!(
            entries
                .iter()
                .filter(|e| mrr(e).is_some_and(|m| m > 400.0))
                .count()
        )
    );
    assert_eq!(
        above["unknown"],
        json!(entries.iter().filter(|e| mrr(e).is_none()).count())
    );
    assert_eq!(
        (&above["total"], &above["problem"]),
        (&json!(entries.len()), &Json::Null)
    );
    let segments: u64 = above["by_segment"]
        .as_object()
        .expect("counts")
        .values()
        .filter_map(Json::as_u64)
        .sum();
    assert_eq!(json!(segments), above["matches"]);
    let wrong = check("mrr > 400 AND mmr < 5").await;
    assert_eq!(
        (&wrong["problem"]["nearest"], &wrong["problem"]["column"]),
        (&json!("mrr"), &json!(15)),
        "{wrong}"
    );
    assert!(check("mrr").await["problem"]["problem"].is_string());

    // The shipped rules exclude each other but for the last, which takes the rest.
    let shown = get(&app, "/api/v1/segments/overlaps").await;
    assert_eq!(
        (&shown["overlaps"], &shown["catch_all"]),
        (&json!([]), &json!(["core"]))
    );
    let mut files = crate::kpis::tests::medtrainer();
    let text = files.get_mut("segments.yaml").expect("the segments");
    *text = text
        .replace("mrr > 3500", "mrr > 300")
        .replace("    rule: TRUE", "    rule: mrr >= 100 AND mrr <= 9000");
    crate::kpis::tests::apply_accounts(&app, &files).await;
    let entries: Vec<_> = app
        .metrics
        .book
        .all()
        .into_iter()
        .filter(|entry| entry.active())
        .collect();
    let employees = |entry: &crate::metrics::Entry| entry.attributes.get("employees").and_then(Json::as_f64);
    let mut naive: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for entry in &entries {
        let Some(mrr) = mrr(entry) else { continue };
        let mut claims = Vec::new();
        if mrr > 300.0 {
            claims.push("strategic");
        }
        if (0.0..=500.0).contains(&mrr) && employees(entry).is_some_and(|e| (0.0..=50.0).contains(&e)) {
            claims.push("digital");
        }
        if (100.0..=9000.0).contains(&mrr) {
            claims.push("core");
        }
        if claims.len() > 1 {
            *naive.entry(claims).or_default() += 1;
        }
    }
    let shown = get(&app, "/api/v1/segments/overlaps").await;
    let counted: BTreeMap<Vec<&str>, usize> = shown["overlaps"]
        .as_array()
        .expect("overlaps")
        .iter()
        .map(|o| {
            let segments = o["segments"]
                .as_array()
                .expect("segments")
                .iter()
                .filter_map(Json::as_str)
                .collect();
            (
                segments,
                usize::try_from(o["accounts"].as_u64().expect("a count")).expect("small"),
            )
        })
        .collect();
    assert_eq!(counted, naive);
    assert!(!naive.is_empty());
    let nobody = get(&app, "/api/v1/segments/unclassified?limit=500").await;
    let naive = entries
        .iter()
        .filter(|e| e.now().is_some_and(|s| s.segment == "unclassified"))
        .count();
    assert_eq!(nobody["total"], json!(naive));
    assert!(
        nobody["items"]
            .as_array()
            .expect("items")
            .iter()
            .all(|i| i["why"][0].is_string())
    );
    let unsure = get(&app, "/api/v1/segments/unclassified?kind=undecided").await;
    assert_eq!(
        unsure["total"],
        json!(entries.iter().filter(|e| !e.head.flags.is_empty()).count())
    );
    let names = get(&app, "/api/v1/segments/names").await;
    let known: Vec<&str> = names["names"]
        .as_array()
        .expect("names")
        .iter()
        .filter_map(|n| n["name"].as_str())
        .collect();
    assert!(
        ["mrr", "employees", "logins_30d"]
            .iter()
            .all(|n| known.contains(n)),
        "{known:?}"
    );
}
