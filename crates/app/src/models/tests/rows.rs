//! The rows of a back-test, read back: the report's figures follow from them alone.

use std::collections::HashMap;

use serde_json::json;

use super::world::{app, company, program};
use super::{backtest, method};
use crate::auth::Role;

/// AUC by comparing every pair.
pub(super) fn auc(risk: &[f64], labels: &[bool]) -> f64 {
    let (mut won, mut pairs) = (0.0, 0.0);
    for (a, hit) in risk.iter().zip(labels) {
        for (b, other) in risk.iter().zip(labels) {
            if *hit && !*other {
                pairs += 1.0;
                won += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
            }
        }
    }
    won / pairs
}

#[tokio::test]
async fn the_figures_follow_from_the_rows() {
    let app = app(&program(), company(31, 60, 1.0)).await;
    let none = backtest(
        &app,
        "health",
        json!({ "from": "2026-01-31", "only_hand_set": true }),
    )
    .await;
    assert_eq!(none["rows"], json!([]));
    let nothing = format!(
        "/api/v1/backtests/{}/rows?cutoff=2026-01-31",
        none["id"].as_str().expect("an id")
    );
    assert_eq!(app.get(&nothing).as_role(Role::Csm).await.status, 404);

    let found = backtest(&app, "health", json!({ "from": "2025-12-31", "rows": true })).await;
    assert_eq!(found["state"], "done", "{found}");
    let path = format!("/api/v1/backtests/{}/rows", found["id"].as_str().expect("an id"));
    let days: Vec<&str> = found["rows"]
        .as_array()
        .expect("days")
        .iter()
        .filter_map(|day| day.as_str())
        .collect();
    let mut lines: Vec<HashMap<String, String>> = Vec::new();
    for day in &days {
        let text = app
            .get(&format!("{path}?cutoff={day}"))
            .as_role(Role::Csm)
            .await
            .text();
        let mut read = csv::Reader::from_reader(text.as_bytes());
        let head = read.headers().expect("a header").clone();
        for record in read.records() {
            let record = record.expect("a row");
            lines.push(
                head.iter()
                    .zip(&record)
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .collect(),
            );
        }
    }
    let tested: Vec<&HashMap<String, String>> = lines.iter().filter(|line| line["tested"] == "1").collect();
    assert_eq!(found["report"]["rows"], tested.len());
    assert!(lines.len() > tested.len(), "earlier cutoffs only train");
    assert!(tested.iter().all(|line| line["cutoff"].as_str() >= "2025-12-31"));
    for id in [
        "score",
        "baseline",
        "transparent",
        "challenger",
        "last_login",
        "mrr",
    ] {
        let own: Vec<(f64, bool)> = tested
            .iter()
            .filter_map(|line| Some((line[&format!("risk.{id}")].parse().ok()?, line["outcome"] == "1")))
            .collect();
        let (risk, labels): (Vec<f64>, Vec<bool>) = own.into_iter().unzip();
        let told = method(&found["report"], id)["auc"]["value"]
            .as_f64()
            .expect("an AUC");
        assert!((auc(&risk, &labels) - told).abs() < 1e-9, "{id}: {told}");
    }
    // Only those who may start a back-test may take its rows, and a day that is no cutoff is told of.
    let day = days.last().expect("a day");
    let viewer = app
        .get(&format!("{path}?cutoff={day}"))
        .as_role(Role::Viewer)
        .await;
    assert_eq!(viewer.status, 403);
    let wrong = app
        .get(&format!("{path}?cutoff=../../x"))
        .as_role(Role::Csm)
        .await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.json()["detail"]
            .as_str()
            .expect("a text")
            .contains("cutoff")
    );
}
