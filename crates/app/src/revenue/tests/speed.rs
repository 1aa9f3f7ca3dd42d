//! Speed at 100,000 accounts, for a person to run: `cargo test --release -p tenure-app revenue::tests::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use super::get;
use crate::kpis::tests::{apply, medtrainer};
use crate::metrics::{Entry, Head, Span};
use crate::testing::TestApp;

/// An account with five spans, started in one of sixty months; every fourth left.
fn account(no: i64, today: i32) -> Entry {
    let start = today - 30 * i32::try_from(no % 60).unwrap_or(0) - 10;
    let leaves = no % 4 == 0 && start + 100 < today;
    let span = |at: i32, from: i32, to: i32| Span {
        from,
        to,
        active: !(leaves && at == 4),
        mrr: Some(f64::from(100 + at * 10)),
        segment: ["strategic", "core", "digital"][usize::try_from(no % 3).unwrap_or(0)].into(),
        owner: Some(format!("csm{}@example.com", no % 40)),
    };
    let ends = [20, 40, 60, 80].map(|n| start + n);
    let mut spans = vec![span(0, start, ends[0])];
    for (at, pair) in ends.windows(2).enumerate() {
        spans.push(span(i32::try_from(at).unwrap_or(0) + 1, pair[0], pair[1]));
    }
    spans.push(span(4, ends[3], i32::MAX));
    Entry {
        no,
        id: format!("a{no}"),
        name: format!("Account {no}"),
        owner: None,
        stub: false,
        attributes: serde_json::Map::new(),
        head: Arc::new(Head {
            day: today,
            spans,
            metrics: vec![],
            flags: vec![],
            why: String::new(),
            currency: None,
            subscriptions: vec![],
            dated: vec![],
        }),
        computed_at: 0,
    }
}

#[tokio::test]
#[ignore = "a measurement for a person to read; its time depends on the machine"]
async fn every_page_of_a_hundred_thousand_accounts() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let today = crate::metrics::today(&app);
    app.metrics
        .book
        .put((1..=100_000).map(|no| account(no, today)).collect());
    for path in [
        "bridge?grain=month",
        "bridge?grain=12m",
        "churn?months=12",
        "churn?months=12&by=segment",
        "cohorts?months=24",
        "cohorts?months=24&measure=net",
        "top",
        "saves",
    ] {
        get(&app, path).await;
        let start = Instant::now();
        get(&app, path).await;
        println!("{path}: {:?}", start.elapsed());
    }
}
