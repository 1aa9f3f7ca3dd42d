//! A company that is made here: what its accounts do, and when it becomes known.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use tenure_learn::random::Random;

use crate::events::{Event, Kind};
use crate::kpis::tests::{apply_accounts, store};
use crate::metrics::facts::day_number;
use crate::testing::TestApp;

/// The zone's end of a day, in microseconds; the program counts in UTC.
pub(super) fn end_of(day: i32) -> i64 {
    i64::from(day + 1) * 86_400_000_000
}

pub(super) fn number(text: &str) -> i32 {
    day_number(text.parse().expect("a day"))
}

/// The program of these tests.
pub(super) fn program() -> BTreeMap<String, String> {
    let files = [
        (
            "program.yaml",
            "program: small\ntitle: Small\ntime_zone: UTC\ncurrency: USD\nstarted_on: 2025-01-01\n",
        ),
        (
            "attributes.yaml",
            "attributes:\n  - {id: tier, label: Tier, type: integer, description: \"A number that somebody notes.\"}\n",
        ),
        (
            "segments.yaml",
            "segments:\n  - {id: large, label: Large, rule: mrr > 500}\n  - {id: small, label: Small, rule: \"TRUE\"}\n",
        ),
        (
            "metrics.yaml",
            "metrics:\n  - {id: logins_30d, label: Logins, measure: count, events: [login], window: 30d}\n  \
             - {id: days_since_login, label: Quiet, measure: days_since, events: [login]}\n  \
             - {id: tickets_90d, label: Tickets, measure: count, events: [ticket_opened], window: 90d}\n",
        ),
        ("scores.yaml", SCORES),
    ];
    files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

const SCORES: &str = "outcomes:
  - {id: churn, label: Churn, kind: churned, horizon: 90d}
  - {id: ticket, label: Ticket, kind: event, events: [ticket_opened], horizon: 30d}
scores:
  - id: health
    label: Health
    outcome: churn
    models:
      - id: all
        label: All
        min_coverage: 0.3
        quiet_days: 30
        groups:
          - id: product_use
            label: Use
            weight: 3
            measures:
              - {metric: logins_30d, weight: 1, curve: {linear: {knots: [[0, 0], [10, 100]], direction: rising}}}
              - {metric: days_since_login, weight: 1, curve: {linear: {knots: [[0, 100], [30, 0]], direction: falling}}}
          - id: support
            label: Support
            weight: 1
            measures:
              - {metric: tickets_90d, weight: 1, curve: {steps: {cuts: [1, 3], points: [100, 60, 10], direction: falling}}}
  - id: health_baseline
    label: Simple
    frozen: true
    outcome: churn
    models:
      - id: all
        label: All
        min_coverage: 0.3
        quiet_days: 30
        groups:
          - id: support
            label: Support
            weight: 1
            measures:
              - {metric: tickets_90d, weight: 1, curve: {linear: {knots: [[0, 100], [4, 0]], direction: falling}}}
";

/// An event at a second of a day that arrives `late` days after.
pub(super) fn event(
    account: usize,
    day: i32,
    second: usize,
    late: i32,
    name: &str,
    properties: Json,
) -> Event {
    let occurred_at = i64::from(day) * 86_400_000_000 + (second as i64 % 86_400) * 1_000_000;
    let properties: Map<String, Json> = properties.as_object().cloned().unwrap_or_default();
    Event {
        message_id: format!("{account}/{day}/{second}/{name}"),
        account: Some(format!("account-{account:04}")),
        contact: None,
        name: name.to_owned(),
        kind: Kind::of(name),
        occurred_at,
        received_at: occurred_at + i64::from(late) * 86_400_000_000,
        source: "test".into(),
        properties,
    }
}

/// A random company: accounts that grow quiet before they leave, the more so the greater `signal` (0–1).
pub(super) fn company(seed: u64, accounts: usize, signal: f64) -> Vec<Event> {
    let mut random = Random::new(seed, 0);
    let (first, last) = (number("2025-01-05"), number("2026-06-29"));
    let mut events = Vec::new();
    for account in 0..accounts {
        let start = first + random.below(150) as i32;
        let gone = (random.unit() < 0.45)
            .then(|| start + 60 + random.below(420) as i32)
            .filter(|gone| *gone < last);
        let late = |random: &mut Random| {
            if random.unit() < 0.2 {
                random.below(45) as i32
            } else {
                0
            }
        };
        let mrr = 100.0 + 900.0 * random.unit();
        let delay = late(&mut random);
        events.push(event(
            account,
            start,
            1,
            delay,
            "subscription_started",
            json!({ "mrr": mrr }),
        ));
        for day in start..gone.unwrap_or(last + 1) {
            let fading = gone.map_or(0.0, |gone| (1.0 - f64::from(gone - day) / 120.0).clamp(0.0, 1.0));
            if random.unit() < 0.25 * (1.0 - signal * fading) {
                let second = 100 + random.below(80_000);
                let delay = late(&mut random);
                events.push(event(account, day, second, delay, "login", json!({})));
            }
            if random.unit() < 0.01 + 0.02 * signal * fading {
                let second = 100 + random.below(80_000);
                let delay = late(&mut random);
                events.push(event(
                    account,
                    day,
                    second,
                    delay,
                    "ticket_opened",
                    json!({ "ticket_id": format!("{account}-{day}") }),
                ));
            }
        }
        if let Some(gone) = gone {
            let delay = late(&mut random);
            events.push(event(
                account,
                gone,
                90,
                delay,
                "churned",
                json!({ "reason": "pricing" }),
            ));
        }
    }
    // What has not arrived by the test's clock is not there yet.
    let now = i64::from(number("2026-06-30")) * 86_400_000_000;
    events.retain(|event| event.received_at < now);
    events
}

/// An app that holds these events under a program.
pub(super) async fn app(program: &BTreeMap<String, String>, events: Vec<Event>) -> TestApp {
    let app = TestApp::new().await;
    apply_accounts(&app, program).await;
    store(&app, events, vec![]).await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    app
}
