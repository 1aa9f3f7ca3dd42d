//! The score as a column of the list of accounts.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::*;

/// The score of every active account, as the page of scores tells it.
async fn told(app: &TestApp) -> BTreeMap<String, (Option<f64>, String, Option<f64>)> {
    let list = app
        .get("/api/v1/scores?limit=500")
        .as_role(Role::Viewer)
        .await
        .ok();
    let lines = list["items"].as_array().expect("lines");
    lines
        .iter()
        .map(|line| {
            let band = line["band"].as_str().unwrap_or("none");
            (
                line["account_id"].as_str().expect("an id").to_owned(),
                (
                    line["points"].as_f64(),
                    band.to_owned(),
                    line["velocity"]["value"].as_f64(),
                ),
            )
        })
        .collect()
}

async fn rows(app: &TestApp, query: &str) -> Vec<Json> {
    let path = format!("/api/v1/accounts?limit=500&{query}");
    let page = app.get(&path).as_role(Role::Viewer).await.ok();
    page["items"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn the_list_of_accounts_shows_sorts_and_filters_by_score() {
    let app = random(43).await;
    let told = told(&app).await;
    let shown = rows(&app, "").await;
    assert_eq!(shown.len(), told.len());
    for row in &shown {
        let (points, band, velocity) = &told[row["account_id"].as_str().expect("an id")];
        assert_eq!(row["score"]["points"].as_f64(), *points, "{row}");
        assert_eq!(row["score"]["band"].as_str().unwrap_or("none"), band, "{row}");
        assert_eq!(row["score"]["velocity"]["value"].as_f64(), *velocity, "{row}");
    }
    // Churned accounts have none.
    for row in rows(&app, "active=false").await {
        assert_eq!(row["score"], Json::Null, "{row}");
    }
    let counted = |wanted: &[&str]| {
        let is = |line: &&(Option<f64>, String, Option<f64>)| wanted.contains(&line.1.as_str());
        told.values().filter(is).count()
    };
    assert!(counted(&["red"]) + counted(&["yellow"]) + counted(&["green"]) > 2);
    for bands in ["red", "yellow", "green", "none", "red,yellow"] {
        let wanted: Vec<&str> = bands.split(',').collect();
        let kept = rows(&app, &format!("band={bands}")).await;
        assert_eq!(kept.len(), counted(&wanted), "{bands}");
        for row in kept {
            let band = row["score"]["band"].as_str().unwrap_or("none");
            assert!(wanted.contains(&band), "{bands}: {row}");
        }
    }
    for (sort, field, sign) in [
        ("score", "/score/points", 1.0),
        ("-score", "/score/points", -1.0),
        ("velocity", "/score/velocity/value", 1.0),
        ("-velocity", "/score/velocity/value", -1.0),
    ] {
        let sorted = rows(&app, &format!("sort={sort}")).await;
        assert_eq!(sorted.len(), told.len());
        let values: Vec<Option<f64>> = sorted
            .iter()
            .map(|row| row.pointer(field).and_then(Json::as_f64))
            .collect();
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        assert!(
            known.windows(2).all(|pair| sign * pair[0] <= sign * pair[1]),
            "{sort}"
        );
        // What has none stands at the end, whichever way.
        assert!(values[known.len()..].iter().all(Option::is_none), "{sort}");
    }
    // The same in a file.
    let csv = app
        .get("/api/v1/exports/accounts/csv?band=red&sort=score")
        .as_role(Role::Viewer)
        .await
        .text();
    let heads = csv
        .lines()
        .any(|line| line.contains("MRR,Currency,Health,Band,Velocity,Moves"));
    assert!(heads, "{csv}");
    assert_eq!(
        csv.lines().filter(|line| line.contains(",red,")).count(),
        counted(&["red"])
    );
    // A day of the past has its own scores, which are those that the page of scores tells of it.
    let before = crate::metrics::facts::date_of(crate::metrics::today(&app) - 60);
    let past = app
        .get(&format!("/api/v1/scores?limit=500&as_of={before}"))
        .as_role(Role::Viewer)
        .await
        .ok();
    let past: BTreeMap<&str, &Json> = past["items"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| Some((line["account_id"].as_str()?, &line["points"])))
        .collect();
    for row in rows(&app, &format!("as_of={before}")).await {
        assert_eq!(
            row["score"]["points"],
            *past[row["account_id"].as_str().expect("an id")]
        );
    }
    for (query, field) in [("band=purple", "band"), ("sort=scores", "sort")] {
        let answer = app
            .get(&format!("/api/v1/accounts?{query}"))
            .as_role(Role::Viewer)
            .await;
        let problem = answer.problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
}

#[tokio::test]
async fn the_list_follows_what_happens_and_who_overrules() {
    let app = one_account().await;
    let shown = async |app: &TestApp| rows(app, "").await[0]["score"]["points"].as_f64();
    let before = shown(&app).await.expect("a score");
    let day = crate::metrics::facts::date_of(crate::metrics::today(&app)).to_string();
    let events = (0..20)
        .map(|n| event("acme", &day, "login", json!({ "n": n })))
        .collect();
    give(&app, events, Vec::new()).await;
    app.catch_up().await.expect("caught up");
    let after = shown(&app).await.expect("a score");
    assert!(after > before, "{after} after {before}");
    app.post("/api/v1/accounts/acme/score-overrides")
        .as_role(Role::Csm)
        .json(&json!({ "id": "list-override", "rule": "set", "points": 12, "reason": "Told us so", "until": "2026-07-31" }))
        .await
        .ok();
    assert_eq!(shown(&app).await, Some(12.0));
    assert_eq!(rows(&app, "band=red").await.len(), 1);
}

#[tokio::test]
async fn a_program_without_scores_has_no_such_column() {
    let app = one_account().await;
    let mut files = medtrainer();
    files.remove("scores.yaml");
    files.retain(|name, _| !name.starts_with("dashboards/"));
    apply(&app, &files).await;
    let page = app.get("/api/v1/accounts").as_role(Role::Viewer).await.ok();
    assert_eq!(
        (&page["score"], &page["items"][0]["score"]),
        (&Json::Null, &Json::Null)
    );
    for (query, field) in [("band=red", "band"), ("sort=-score", "sort")] {
        let answer = app
            .get(&format!("/api/v1/accounts?{query}"))
            .as_role(Role::Viewer)
            .await;
        assert_eq!(answer.problem(422)["errors"][0]["field"], field);
    }
}
