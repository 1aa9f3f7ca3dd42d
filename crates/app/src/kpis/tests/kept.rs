//! What was computed stays until something touches it: over a new start, a new day, and a program in which something else changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use serde_json::json;

use super::{apply, change, event, medtrainer, store};
use crate::kpis::engine::{By, Only};
use crate::kpis::reading::{Readings, Want};
use crate::kpis::store::{all, kept_places};
use crate::testing::TestApp;

const MAY: Date = date(2026, 5, 31);

/// Two customers of one owner each, both met in May.
async fn company() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut events = Vec::new();
    let mut changes = Vec::new();
    for account in ["a", "b"] {
        let owner = format!("{account}@example.com");
        events.push(event(
            account,
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": 400 }),
        ));
        events.push(event(account, "2026-05-12", "meeting_held", json!({})));
        changes.push(change(
            account,
            "2026-01-10",
            json!({ "employees": 10, "owner": owner }),
        ));
    }
    store(&app, events, changes).await;
    app.catch_up().await.expect("caught up");
    app
}

/// Engagement in May by owner: when it was computed, and the figures.
async fn by_owner(app: &TestApp) -> (i64, BTreeMap<String, Option<f64>>) {
    let definitions = app.definitions().expect("a program");
    let want = Want {
        kpi: "engagement_rate".into(),
        days: vec![MAY],
        by: By::Owner,
        only: Only::default(),
    };
    let readings = Readings::load(app, &definitions, &[want]).await.expect("read");
    let cells = readings
        .get("engagement_rate", MAY, &By::Owner, &Only::default())
        .expect("figures");
    let figures = cells
        .figures
        .iter()
        .map(|(scope, figure)| (scope.clone(), figure.value));
    (cells.computed_at, figures.collect())
}

#[tokio::test]
async fn a_split_by_attribute_follows_what_accounts_are_now() {
    let app = company().await;
    let by_industry = async |app: &TestApp| {
        let definitions = app.definitions().expect("a program");
        let by = By::Attribute("industry".into());
        let want = Want {
            kpi: "engagement_rate".into(),
            days: vec![MAY],
            by: by.clone(),
            only: Only::default(),
        };
        let readings = Readings::load(app, &definitions, &[want]).await.expect("read");
        let cells = readings.get("engagement_rate", MAY, &by, &Only::default());
        let figures = cells.expect("figures").figures.iter();
        figures
            .map(|(scope, figure)| (scope.clone(), figure.denominator))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(by_industry(&app).await.get("Dental"), None);
    // What an account is today says where it counts in every month, kept figures or not.
    store(
        &app,
        vec![],
        vec![change("a", "2026-06-20", json!({ "industry": "Dental" }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(by_industry(&app).await["Dental"], Some(1.0));
    let app = app.reopen().await;
    assert_eq!(by_industry(&app).await["Dental"], Some(1.0));
}

/// When the kept figures of a KPI were computed, by day.
async fn computed(app: &TestApp, kpi: &str) -> BTreeMap<Date, i64> {
    let kept = all(&app.store).await.expect("kept figures");
    let of_kpi = kept.into_iter().filter(|kept| kept.kpi == kpi);
    of_kpi.map(|kept| (kept.day, kept.computed_at)).collect()
}

fn with(mut files: BTreeMap<String, String>, file: &str, old: &str, new: &str) -> BTreeMap<String, String> {
    let text = files.get_mut(file).expect("the file");
    assert!(text.contains(old), "{file} has no {old}");
    *text = text.replacen(old, new, 1);
    files
}

#[tokio::test]
async fn a_split_is_computed_once_and_again_when_something_touches_it() {
    let app = company().await;
    let (first, figures) = by_owner(&app).await;
    assert_eq!(figures["a@example.com"], Some(1.0));

    // A new start finds what was computed before it.
    app.advance(SignedDuration::from_mins(5));
    let app = app.reopen().await;
    assert_eq!(by_owner(&app).await, (first, figures.clone()));

    // What happens in June leaves May alone.
    store(
        &app,
        vec![event("a", "2026-06-03", "meeting_held", json!({}))],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(by_owner(&app).await.0, first);

    // A third customer that turns out to have been there in May is in May's figures, after a new start too.
    let late = vec![event(
        "c",
        "2026-02-01",
        "subscription_started",
        json!({ "mrr": 400 }),
    )];
    let known = vec![change(
        "c",
        "2026-02-01",
        json!({ "employees": 10, "owner": "c@example.com" }),
    )];
    store(&app, late, known).await;
    app.catch_up().await.expect("caught up");
    let (again, figures) = by_owner(&app).await;
    assert!(again > first);
    assert_eq!(figures["c@example.com"], Some(0.0));
    let app = app.reopen().await;
    assert_eq!(by_owner(&app).await, (again, figures));
}

#[tokio::test]
async fn a_change_of_one_kpi_computes_that_one_again_and_no_other() {
    let app = company().await;
    let (csat, engagement) = (
        computed(&app, "csat").await,
        computed(&app, "engagement_rate").await,
    );
    let (split, _) = by_owner(&app).await;
    app.advance(SignedDuration::from_mins(5));

    // A title is no change of a figure.
    let named = with(medtrainer(), "kpis.yaml", "label: ", "label: New ");
    apply(&app, &named).await;
    assert_eq!(computed(&app, "engagement_rate").await, engagement);

    let changed = with(named, "kpis.yaml", "SELECT", "SELECT /* as before */");
    let first = Arc::clone(&app.definitions().expect("a program"));
    apply(&app, &changed).await;
    let now = app.definitions().expect("a program");
    let differs: Vec<&str> = now
        .kpis
        .iter()
        .filter(|kpi| first.kpi(&kpi.id) != Some(kpi))
        .map(|kpi| kpi.id.as_str())
        .collect();
    assert_eq!(differs, ["engagement_rate"]);
    let again = computed(&app, "engagement_rate").await;
    assert!(again.iter().all(|(day, at)| at > &engagement[day]), "{again:?}");
    assert_eq!(computed(&app, "csat").await, csat);
    assert!(by_owner(&app).await.0 > split);

    // A KPI that is gone leaves no figures behind.
    let mut fewer = changed;
    let text = fewer.get_mut("kpis.yaml").expect("the file");
    *text = text.replacen("id: grr_quarter\n", "id: grr_of_the_quarter\n", 1);
    apply(&app, &fewer).await;
    let places = kept_places(&app.store).await.expect("places");
    assert!(places.iter().any(|(kpi, _)| kpi == "grr_of_the_quarter"));
    assert!(places.iter().all(|(kpi, _)| kpi != "grr_quarter"));
}

#[tokio::test]
async fn a_new_day_computes_itself_and_leaves_the_months_that_are_over() {
    let app = company().await;
    let before = computed(&app, "csat").await;
    let today = *before.keys().next_back().expect("a day");
    app.advance(SignedDuration::from_hours(24));
    app.catch_up().await.expect("caught up");
    let after = computed(&app, "csat").await;
    let tomorrow = today.tomorrow().expect("a day");
    assert!(after.contains_key(&tomorrow));
    // With a new month the oldest leaves; the others stay as they were computed.
    let over: Vec<Date> = after
        .keys()
        .copied()
        .filter(|day| *day < date(2026, 5, 1))
        .collect();
    assert!(over.len() > 20, "{over:?}");
    for day in over {
        assert_eq!(before[&day], after[&day], "{day}");
    }
}
