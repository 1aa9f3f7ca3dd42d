//! Split by lifecycle stage: everybody counts in the stage of the day, whatever became of them since.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Value as Json, json};

use super::naive::Model;
use super::random::{Proved, arrive, split_equals_plain_loops};
use super::world::{Arrival, END, world};
use super::{apply, change, event, medtrainer, same, store};
use crate::accounts::{AccountChange, Change};
use crate::auth::Role;
use crate::kpis::engine::By;
use crate::testing::TestApp;

const TODAY: Date = date(2026, 6, 30);
const STAGES: [&str; 4] = ["onboarding", "adoption", "value", "renewal"];

/// The shipped program as it would be without stages.
fn unstaged() -> BTreeMap<String, String> {
    let mut files = medtrainer();
    let program = files.get_mut("program.yaml").expect("a program");
    *program = program.replace("lifecycle_stage: lifecycle_stage\n", "");
    files
}

/// A random company in which most accounts go through stages; some of the changes are told late.
fn company() -> Vec<Arrival> {
    let mut arrivals = world(29, 36, 12);
    let mut late = Vec::new();
    for account in 0..36_i64 {
        for step in 0..account % 4 {
            let day = (account * 37 + step * 61) % 400;
            let stage = STAGES.get(usize::try_from(step + account % 2).expect("a place"));
            let value = stage.map_or(json!("renewal"), |stage| json!(stage));
            let told = Arrival::Change(Change::Account(AccountChange {
                id: format!("a{account:03}"),
                at: END - day * 86_400_000_000 - account * 1_000_000 - 1,
                attributes: [("lifecycle_stage".to_owned(), value)].into_iter().collect(),
                ..AccountChange::default()
            }));
            if (account + step) % 3 == 0 {
                late.push(told);
            } else {
                arrivals.push(told);
            }
        }
    }
    arrivals.extend(late);
    arrivals
}

async fn get(app: &TestApp, path: &str) -> Json {
    app.get(&format!("/api/v1/{path}"))
        .as_role(Role::Viewer)
        .await
        .ok()
}

/// Figures of a day by KPI and stage, as `tenure kpis --by stage` shows them.
async fn listed(app: &TestApp, day: &str) -> BTreeMap<(String, String), Json> {
    let answer = get(app, &format!("kpis?as_of={day}&by=stage")).await;
    let lines = answer["kpis"].as_array().expect("lines").iter();
    lines
        .map(|line| {
            let text = |key: &str| line[key].as_str().expect("a text").to_owned();
            ((text("kpi"), text("scope")), line.clone())
        })
        .collect()
}

#[tokio::test]
async fn figures_by_stage_equal_plain_loops_wherever_they_are_shown() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let arrivals = company();
    arrive(&app, &arrivals).await;
    app.catch_up().await.expect("caught up");
    let model = Model::new(&arrivals, TODAY);
    let stage = |account: usize, day: i32| {
        model
            .lived(account, "lifecycle_stage", day)
            .unwrap_or("(none)")
            .to_owned()
    };
    let definitions = app.definitions().expect("a program");
    let by = By::named(&app, &definitions, "stage").await.expect("read");
    let by = by.expect("the program names a stage");
    let mut proved = Proved::default();
    // Several changes of an account that are told at once are one event of its newest day; the loops count each on its own.
    let without = "data_points";
    for day in [TODAY, date(2026, 5, 31), date(2025, 12, 31)] {
        proved += split_equals_plain_loops(&app, &model, day, &by, &stage, without).await;
    }
    assert!(proved.values > 300, "{proved:?}");

    // The list, the series, the accounts behind and a tile of a dashboard say the same.
    let lines = listed(&app, "2026-05-31").await;
    let points = get(
        &app,
        "kpis/active_customers/series?from=2026-05-01&to=2026-05-31&by=stage",
    )
    .await;
    let tile = json!({ "id": "t", "kind": "bar", "kpis": ["active_customers"], "by": "stage", "limit": 50 });
    let tried =
        json!({ "definition": { "title": "x", "tiles": [tile] }, "filters": { "as_of": "2026-05-31" } });
    let page = app
        .post("/api/v1/dashboards/preview")
        .as_role(Role::Viewer)
        .json(&tried)
        .await
        .ok();
    let tile = &page["tiles"][0];
    let axis = tile["axis"].as_array().expect("an axis");
    let mut seen = 0;
    for one in points["series"].as_array().expect("series") {
        let scope = one["scope"].as_str().expect("a scope");
        let value = one["points"][0]["value"].as_f64();
        if scope == "all" {
            continue;
        }
        let line = &lines[&("active_customers".to_owned(), scope.to_owned())];
        assert!(same(line["value"].as_f64(), value), "{line} {one}");
        let place = axis.iter().position(|tick| tick["key"] == scope).expect("a bar");
        assert!(same(tile["series"][0]["values"][place].as_f64(), value), "{tile}");
        let behind = get(
            &app,
            &format!("kpis/active_customers/accounts?as_of=2026-05-31&by=stage&scope={scope}"),
        )
        .await;
        assert!(same(behind["total"].as_f64(), value), "{scope}: {behind}");
        seen += 1;
    }
    assert!(seen >= 4 && axis.len() == seen, "{points}");
    revenue(&app, &model, &stage).await;
}

/// The bridge's parts: what the accounts of each stage paid at the start of May.
async fn revenue(app: &TestApp, model: &Model, stage: &dyn Fn(usize, i32) -> String) {
    let before = super::naive::number(date(2026, 4, 30));
    let mut opening: BTreeMap<String, f64> = BTreeMap::new();
    for account in (0..model.ids.len()).filter(|account| model.active(*account, before)) {
        let mrr = model.status(account, before).mrr.unwrap_or_default();
        *opening.entry(stage(account, before)).or_default() += mrr;
    }
    let bridge = get(
        app,
        "revenue/bridge?as_of=2026-05-31&periods=1&period=2026-05-31&by=stage",
    )
    .await;
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    for part in bridge["parts"].as_array().expect("parts") {
        let value = part["value"].as_str().expect("a value").to_owned();
        let opening = part["currencies"][0]["opening"].as_f64().unwrap_or_default();
        parts.insert(value, opening);
    }
    parts.retain(|_, opening| *opening != 0.0);
    opening.retain(|_, opening| *opening != 0.0);
    assert_eq!(
        parts.keys().collect::<Vec<_>>(),
        opening.keys().collect::<Vec<_>>()
    );
    for (value, opening) in &opening {
        assert!(same(Some(parts[value]), Some(*opening)), "{value}: {bridge}");
    }
}

/// How many customers are in a stage, by the list of KPIs; 0 where it is not listed.
async fn customers(app: &TestApp, day: &str, stage: &str) -> f64 {
    let lines = listed(app, day).await;
    lines
        .get(&("active_customers".to_owned(), stage.to_owned()))
        .map_or(0.0, |line| line["value"].as_f64().expect("a number"))
}

#[tokio::test]
async fn a_stage_that_is_told_late_moves_what_was_kept_and_merged_accounts_are_in_one() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let start = |id: &str| event(id, "2026-01-10", "subscription_started", json!({ "mrr": 300 }));
    let phase = |id: &str, day: &str, phase: &str| change(id, day, json!({ "lifecycle_stage": phase }));
    store(
        &app,
        vec![start("a"), start("b"), start("c")],
        vec![
            phase("a", "2026-01-10", "onboarding"),
            phase("a", "2026-06-01", "renewal"),
            phase("c", "2026-01-10", "adoption"),
            change("b", "2026-01-10", json!({ "employees": 10 })),
        ],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let may = "2026-05-31";
    assert_eq!(customers(&app, may, "onboarding").await, 1.0);
    assert_eq!(customers(&app, may, "(none)").await, 1.0);
    assert_eq!(customers(&app, "2026-06-30", "renewal").await, 1.0);
    // Taken away, it is no stage from that day on.
    store(
        &app,
        vec![],
        vec![change("c", "2026-06-10", json!({ "lifecycle_stage": null }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert_eq!(customers(&app, "2026-06-30", "(none)").await, 2.0);
    assert_eq!(customers(&app, may, "adoption").await, 1.0);

    // What was true in March is told in June: what accounts are now stays as it was, and May is another.
    store(&app, vec![], vec![phase("a", "2026-03-01", "adoption")]).await;
    app.catch_up().await.expect("caught up");
    let app = app.reopen().await;
    assert_eq!(customers(&app, may, "onboarding").await, 0.0);
    assert_eq!(customers(&app, may, "adoption").await, 2.0);
    assert_eq!(customers(&app, "2026-06-30", "renewal").await, 1.0);

    // b knows no stage of its own: merged with c they are one customer, in c's.
    let merge = json!({ "survivor": "b", "merged": "c", "choices": {} });
    let made = app
        .post("/api/v1/account-merges")
        .as_role(Role::Manager)
        .json(&merge)
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    assert_eq!(customers(&app, may, "adoption").await, 2.0);
    assert_eq!(customers(&app, may, "(none)").await, 0.0);
    let id = made["id"].as_str().expect("an id");
    app.post(&format!("/api/v1/account-merges/{id}/parting"))
        .as_role(Role::Manager)
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    assert_eq!(customers(&app, may, "(none)").await, 1.0);
}

#[tokio::test]
async fn a_program_without_a_stage_says_what_is_missing() {
    let app = TestApp::new().await;
    apply(&app, &unstaged()).await;
    for path in [
        "kpis?by=stage",
        "kpis/arr/series?by=stage",
        "revenue/bridge?by=stage",
    ] {
        let refused = app.get(&format!("/api/v1/{path}")).as_role(Role::Viewer).await;
        assert_eq!(refused.status, 422, "{path}");
        let told = refused.json().to_string();
        assert!(told.contains("lifecycle"), "{path}: {told}");
    }
    let mut files = unstaged();
    let (name, text) = files
        .iter_mut()
        .find(|(_, text)| text.contains("by: segment"))
        .expect("a split");
    *text = text.replacen("by: segment", "by: stage", 1);
    let name = name.clone();
    let check = async |files: &BTreeMap<String, String>| {
        app.post("/api/v1/program/check")
            .as_role(Role::Manager)
            .changes_nothing()
            .json(&json!({ "files": files }))
            .await
            .ok()
    };
    let refused = check(&files).await;
    assert_eq!(refused["ok"], false);
    assert!(
        refused.to_string().contains("names no lifecycle stage"),
        "{refused}"
    );
    // With a stage it is a program like any other.
    let text = files[&name].clone();
    let mut staged = medtrainer();
    staged.insert(name, text);
    let taken = check(&staged).await;
    assert_eq!(taken["ok"], true, "{taken}");
}
