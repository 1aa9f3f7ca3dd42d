//! Figures of some accounts are those that a split of all gives them, whether the others are looked at or not.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use serde_json::json;

use super::super::engine::{self, By, Only, Part};
use super::super::looked;
use super::super::reading::{Readings, Want};
use super::random::arrive;
use super::world::world;
use super::{apply, medtrainer, same};
use crate::auth::Role;
use crate::definitions::{Definitions, Kpi};
use crate::duplicates::tests::seal;
use crate::testing::TestApp;

const DAYS: [Date; 2] = [date(2026, 6, 30), date(2026, 3, 31)];

/// A KPI whose facts about an account hang on all others: who pays more than the mean.
const ABOVE: &str = "
  - id: above_mean
    label: Above the mean
    unit: ratio
    value: ratio
    better: up
    window: month
    facts: |
      SELECT period, account_no, CASE WHEN mrr_end > m.mean THEN 1 ELSE 0 END AS numerator, 1 AS denominator
      FROM cohort CROSS JOIN (SELECT avg(mrr_end) AS mean FROM cohort WHERE active_end) AS m
      WHERE active_end
";

async fn company() -> TestApp {
    let app = TestApp::new().await;
    let mut files = medtrainer();
    files.get_mut("kpis.yaml").expect("the KPIs").push_str(ABOVE);
    apply(&app, &files).await;
    arrive(&app, &world(31, 40, 14)).await;
    app.catch_up().await.expect("caught up");
    // In files as in memory, and under the number of another account.
    seal(&app).await;
    for (survivor, merged) in [("a001", "a002"), ("a010", "a003")] {
        let asked = json!({ "survivor": survivor, "merged": merged, "choices": {} });
        let merge = app
            .post("/api/v1/account-merges")
            .as_role(Role::Manager)
            .json(&asked);
        merge.await.ok();
    }
    app.catch_up().await.expect("caught up");
    app
}

fn with_facts(definitions: &Definitions) -> Vec<&Kpi> {
    let kpis = definitions.kpis.iter();
    kpis.filter(|kpi| kpi.facts.is_some()).collect()
}

fn owners(app: &TestApp) -> BTreeSet<Option<String>> {
    let entries = app.metrics.book.all();
    let spans = entries.iter().flat_map(|entry| entry.head.spans.iter());
    spans.map(|span| span.owner.clone()).collect()
}

fn of_owner(owner: Option<&str>, segment: Option<&str>) -> Only {
    Only {
        segment: segment.map(str::to_owned),
        owner: Some(owner.unwrap_or(engine::NONE).to_owned()),
    }
}

#[tokio::test]
async fn figures_of_one_owner_are_those_of_the_split_by_owner() {
    let app = company().await;
    let definitions = app.definitions().expect("a program");
    let kpis = with_facts(&definitions);
    let split = engine::figures(&app, &definitions, &kpis, &DAYS, &By::Owner, &[])
        .await
        .expect("figures");
    let mut told = 0;
    for owner in owners(&app) {
        let only = of_owner(owner.as_deref(), None);
        let name = only.owner.clone().expect("an owner");
        let some = engine::figures_of(&app, &definitions, &kpis, &DAYS, &By::Nothing, &[], &only)
            .await
            .expect("figures");
        assert_eq!(some.len(), kpis.len() * DAYS.len());
        for cell in &some {
            let whole = split
                .iter()
                .find(|it| (&it.kpi, it.period, &it.scope) == (&cell.kpi, cell.period, &name));
            let what = format!("{} of {name} on {}", cell.kpi, cell.period.day);
            // A scope that no fact touches is not in the split.
            let (one, other) = (&cell.figure, whole.map(|it| &it.figure));
            assert!(
                same(one.value, other.and_then(|it| it.value)),
                "{what}: {one:?}, but {other:?}"
            );
            let below = |it: Option<f64>| it.unwrap_or(0.0);
            let sides = |it: &super::super::stats::Figure| (below(it.numerator), below(it.denominator));
            let (one, other) = (sides(one), other.map(sides).unwrap_or_default());
            assert!(
                same(Some(one.0), Some(other.0)) && same(Some(one.1), Some(other.1)),
                "{what}: {one:?}, but {other:?}"
            );
            told += usize::from(cell.figure.value.is_some());
        }
    }
    assert!(told > 200, "only {told} figures had data");
}

#[tokio::test]
async fn facts_that_hang_on_others_are_worked_out_of_all() {
    let app = company().await;
    let definitions = app.definitions().expect("a program");
    let kpis = with_facts(&definitions);
    let mut hang = Vec::new();
    for kpi in &kpis {
        let alone = looked::treats_each_alone(&app, &definitions, kpi)
            .await
            .expect("a plan");
        if !alone {
            hang.push(kpi.id.as_str());
        }
    }
    assert_eq!(hang, ["health_accuracy", "health_skill", "above_mean"]);
}

#[tokio::test]
async fn who_is_behind_a_part_is_who_is_in_it_of_all() {
    let app = company().await;
    let definitions = app.definitions().expect("a program");
    let numbers = |parts: &[Part]| -> Vec<(i64, String, u64, u64)> {
        let bits = |it: &Part| {
            (
                it.account_no,
                it.scope.clone(),
                it.numerator.to_bits(),
                it.denominator.to_bits(),
            )
        };
        parts.iter().map(bits).collect()
    };
    let mut seen = 0;
    for id in [
        "engagement_rate",
        "logo_churn_month",
        "ticket_resolution_time",
        "above_mean",
    ] {
        let kpi = definitions.kpi(id).expect(id);
        let whole = engine::parts_of(
            &app,
            &definitions,
            kpi,
            DAYS[1],
            (&By::Nothing, None),
            &Only::default(),
        )
        .await
        .expect("parts");
        for segment in ["strategic", "core", "digital"] {
            let some = engine::parts_of(
                &app,
                &definitions,
                kpi,
                DAYS[1],
                (&By::Segment, Some(segment)),
                &Only::default(),
            )
            .await
            .expect("parts");
            let of_whole: Vec<Part> = whole
                .iter()
                .filter(|part| part.scope == segment)
                .cloned()
                .collect();
            assert_eq!(numbers(&some), numbers(&of_whole), "{id} of {segment}");
            seen += some.len();
        }
    }
    assert!(seen > 30, "only {seen}");
}

#[tokio::test]
async fn what_hangs_on_all_is_worked_out_once_for_every_owner() {
    let app = company().await;
    let definitions = app.definitions().expect("a program");
    let days = DAYS.to_vec();
    let mut told = 0;
    let cases = ["velocity_average", "above_mean", "engagement_rate"]
        .into_iter()
        .flat_map(|kpi| [None, Some("core")].map(|segment| (kpi, segment)));
    for (kpi, segment) in cases {
        let want = |by: By, only: Only| Want {
            kpi: kpi.to_owned(),
            days: days.clone(),
            by,
            only,
        };
        let every = Only {
            segment: segment.map(str::to_owned),
            owner: None,
        };
        let split = Readings::load(&app, &definitions, &[want(By::Owner, every.clone())])
            .await
            .expect("read");
        for owner in owners(&app) {
            let only = of_owner(owner.as_deref(), segment);
            let own = Readings::load(&app, &definitions, &[want(By::Nothing, only.clone())])
                .await
                .expect("read");
            for day in DAYS {
                let scope = only.owner.as_deref().expect("an owner");
                let all = split
                    .get(kpi, day, &By::Owner, &every)
                    .and_then(|cells| cells.figure(scope));
                let (one, _) = own.one(kpi, day, &only).expect("a figure");
                assert!(
                    same(one.value, all.and_then(|it| it.value)),
                    "{kpi} of {scope} in {segment:?} on {day}: {one:?}, but {all:?}"
                );
                told += usize::from(one.value.is_some());
            }
            // An owner's figures by segment are their own, not the split's.
            let both = [want(By::Nothing, only.clone()), want(By::Segment, only.clone())];
            let both = Readings::load(&app, &definitions, &both).await.expect("read");
            let cells = both.get(kpi, days[0], &By::Segment, &only).expect("figures");
            let no_data = cells.figures.iter().all(|(_, figure)| figure.value.is_none());
            assert!(
                no_data || cells.figures.iter().any(|(scope, _)| scope != engine::ALL),
                "{kpi}: {cells:?}"
            );
        }
    }
    assert!(told > 20, "only {told}");
}
