//! The fifteen dashboards that ship.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{company, escaped, get, list, refused, text, tiles};
use crate::kpis::tests::naive::Model;
use crate::kpis::tests::{event, naive_kpis, same, store};
use crate::testing::TestApp;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 6, 30);

/// The names that the two documents give their dashboards.
const NAMED: [&str; 15] = [
    "Customer Engagement Overview",
    "Content Consumption",
    "Churn Rate Analysis",
    "Customer Retention Rate",
    "Onboarding Completion",
    "Time to First Value (TTFV)",
    "Customer Satisfaction (CSAT)",
    "Net Promoter Score (NPS)",
    "Support Ticket Resolution Time",
    "Upsell and Cross-sell Rates",
    "Customer Health Score",
    "Engagement Dashboard",
    "Health Score Dashboard",
    "Churn Rate Dashboard",
    "Upsell and Expansion Dashboard",
];

/// What the KPI API says of a KPI's months, by scope and period.
async fn series(app: &TestApp, kpi: &str, by: &str) -> BTreeMap<(String, String), Json> {
    let path = format!("/kpis/{kpi}/series?grain=month&from=2025-06-01&to={TODAY}&by={by}");
    let answer = get(app, &path).await;
    let mut found = BTreeMap::new();
    for scope in list(&answer, "series") {
        for point in list(scope, "points") {
            let key = (text(scope, "scope").to_owned(), text(point, "period").to_owned());
            found.insert(key, point.clone());
        }
    }
    found
}

/// A chart's values against the KPI API's. Gives how many were compared.
async fn chart(app: &TestApp, tile: &Json, segment: &str) -> usize {
    let by = tile["by"].as_str().unwrap_or("segment");
    if by == "item" {
        return 0;
    }
    let mut compared = 0;
    for row in list(tile, "series") {
        let (Some(kpi), Some(scope)) = (row["kpi"].as_str(), row["scope"].as_str()) else {
            continue;
        };
        // Restricted to a segment and split by something else, a part has no like in the API.
        if by != "segment" && segment != "all" {
            continue;
        }
        let known = series(app, kpi, by).await;
        for (place, tick) in list(tile, "axis").iter().enumerate() {
            let Some(point) = known.get(&(scope.to_owned(), text(tick, "key").to_owned())) else {
                assert!(row["denominators"][place].is_null(), "{kpi} {scope} {tick}");
                continue;
            };
            for (key, of) in [("denominators", "denominator"), ("numerators", "numerator")] {
                assert!(
                    same(row[key][place].as_f64(), point[of].as_f64()),
                    "{} {kpi} {scope} {tick}: {row} and {point}",
                    text(tile, "id")
                );
            }
            compared += 1;
        }
    }
    compared
}

#[tokio::test]
async fn every_figure_of_the_fifteen_equals_the_kpi_api_and_plain_loops() {
    let (app, arrivals) = company().await;
    let model = Model::new(&arrivals, TODAY);
    let all = get(&app, "/dashboards").await;
    let titles: Vec<&str> = list(&all, "dashboards")
        .iter()
        .map(|d| text(d, "title"))
        .collect();
    assert_eq!(titles, NAMED);
    let (mut figures, mut points) = (0, 0);
    for dashboard in list(&all, "dashboards") {
        let id = text(dashboard, "id");
        for segment in ["all", "digital"] {
            let page = get(
                &app,
                &format!("/dashboards/{id}/data?segment={segment}&compare=year"),
            )
            .await;
            assert_eq!(
                list(&page, "tiles").len() as u64,
                dashboard["tiles"].as_u64().unwrap_or(0)
            );
            for tile in list(&page, "tiles") {
                assert_ne!(text(tile, "state"), "failed", "{id}: {tile}");
                // Scores have loops of their own (scores::tests).
                let definitions = app.definitions().expect("definitions");
                let scored = |kpi: &str| definitions.kpi(kpi).is_some_and(crate::kpis::tests::of_scores);
                if tile["figure"].is_object() && tile["kpi"].as_str().is_some_and(|kpi| !scored(kpi)) {
                    let kpi = text(tile, "kpi");
                    let scope = tile["segment"].as_str().unwrap_or("all");
                    let want = naive_kpis::value(&model, kpi, TODAY, scope).expect("a loop recomputes it");
                    assert!(
                        same(tile["figure"]["value"].as_f64(), want),
                        "{id} {kpi} of {scope}: {tile}"
                    );
                    let earlier = jiff::civil::date(2025, 6, 30);
                    let want = naive_kpis::value(&model, kpi, earlier, scope).expect("a loop recomputes it");
                    assert!(
                        same(tile["figure"]["before"]["value"].as_f64(), want),
                        "{id} {kpi} of {scope} a year before: {tile}"
                    );
                    figures += 1;
                }
                if tile["over_time"].as_bool() == Some(true) {
                    points += chart(&app, tile, segment).await;
                }
            }
        }
    }
    assert!(figures > 80 && points > 500, "{figures} figures, {points} points");
}

/// How many accounts a condition chooses, and whether they are those that the KPI counts.
async fn chosen(app: &TestApp, filter: &str) -> f64 {
    let path = format!("/accounts?active=any&limit=1&filter={}", escaped(filter));
    get(app, &path).await["total"].as_f64().unwrap_or(-1.0)
}

#[tokio::test]
async fn every_point_opens_into_the_accounts_that_it_counts() {
    let (app, _) = company().await;
    let all = get(&app, "/dashboards").await;
    let (mut conditions, mut parts) = (0, 0);
    for dashboard in list(&all, "dashboards") {
        let page = get(&app, &format!("/dashboards/{}/data", text(dashboard, "id"))).await;
        for tile in list(&page, "tiles") {
            for row in list(tile, "series") {
                for (place, filter) in list(row, "filters").iter().enumerate() {
                    let Some(filter) = filter.as_str() else { continue };
                    // A cohort counts what is left; MRR and means are no numbers of accounts.
                    let counted = match text(tile, "kind") {
                        "cohort" if row["denominators"][place].as_f64().is_some_and(|n| n > 60.0) => continue,
                        "cohort" => row["numerators"][place].as_f64(),
                        "heatmap" => continue,
                        _ => row["values"][place].as_f64(),
                    };
                    let Some(counted) = counted else { continue };
                    // Distributions and funnels count active accounts.
                    let filter = if text(tile, "kind") == "cohort" {
                        filter.to_owned()
                    } else {
                        format!("({filter}) AND active")
                    };
                    assert_eq!(chosen(&app, &filter).await, counted, "{} {filter}", tile["id"]);
                    conditions += 1;
                }
                let (Some(kpi), Some(day)) = (row["kpi"].as_str(), list(row, "days").last()) else {
                    continue;
                };
                let last = list(row, "days").len() - 1;
                let scope = match text(tile, "kind") {
                    "bar" if tile["by"].is_string() => text(&tile["axis"][last], "key"),
                    _ => text(row, "scope"),
                };
                let by = tile["by"].as_str().unwrap_or("segment");
                let segment = tile["segment"].as_str().unwrap_or("all");
                let path = format!(
                    "/kpis/{kpi}/accounts?limit=500&as_of={}&by={by}&scope={}&segment={segment}",
                    day.as_str().unwrap_or_default(),
                    escaped(scope)
                );
                let accounts = get(&app, &path).await;
                for (side, of) in [("numerator", "numerators"), ("denominator", "denominators")] {
                    let sum: f64 = list(&accounts, "items")
                        .iter()
                        .filter_map(|i| i[side].as_f64())
                        .sum();
                    let want = row[of][last].as_f64().unwrap_or(0.0);
                    assert!(
                        same(Some(sum), Some(want)),
                        "{} {path}: {sum} and {want}",
                        tile["id"]
                    );
                }
                parts += 1;
            }
        }
    }
    assert!(
        conditions > 90 && parts > 60,
        "{conditions} conditions, {parts} parts"
    );
}

#[tokio::test]
async fn filters_hold_for_the_whole_page_and_a_change_reaches_what_was_remembered() {
    let (app, _) = company().await;
    let owner = app
        .metrics
        .book
        .all()
        .iter()
        .find_map(|e| e.now().filter(|s| s.active).and_then(|s| s.owner.clone()))
        .expect("an owner");
    let path = format!(
        "/dashboards/engagement/data?owner={}&compare=previous",
        escaped(&owner)
    );
    let by_owner = |answer: &Json| -> Option<f64> {
        list(answer, "series")
            .iter()
            .find(|s| text(s, "scope") == owner)
            .and_then(|s| list(s, "points").last().and_then(|p| p["value"].as_f64()))
    };
    let of_kpi = format!("/kpis/engagement_rate/series?from={TODAY}&by=owner");
    let page = get(&app, &path).await;
    let rate = |page: &Json| tiles(page)["rate"]["figure"]["value"].as_f64();
    assert!(same(rate(&page), by_owner(&get(&app, &of_kpi).await)), "{page}");
    assert!(
        tiles(&page)["rate"]["figure"]["targets"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
    let again = get(&app, &path).await;
    assert_eq!(rate(&again), rate(&page));
    // Something happens to accounts of that owner that were not engaged: the figure follows.
    let quiet: Vec<_> = app.metrics.book.all().iter().map(|e| e.id.clone()).collect();
    let met = quiet
        .iter()
        .map(|id| event(id, "2026-06-29", "meeting_held", serde_json::json!({})))
        .collect();
    store(&app, met, vec![]).await;
    app.catch_up().await.expect("caught up");
    let page = get(&app, &path).await;
    assert_eq!(rate(&page), Some(1.0), "everybody was met");
    assert!(same(rate(&page), by_owner(&get(&app, &of_kpi).await)));
    // Nobody's page has no figures, and no fault.
    for id in [
        "engagement",
        "onboarding_completion",
        "customer_retention_rate",
        "upsell_expansion",
    ] {
        let page = get(&app, &format!("/dashboards/{id}/data?owner=nobody%40example.com")).await;
        for tile in list(&page, "tiles") {
            assert_ne!(text(tile, "state"), "failed", "{tile}");
            assert!(tile["figure"]["value"].as_f64().unwrap_or(0.0) == 0.0, "{tile}");
        }
    }
    // Nothing of health waits for anything any more.
    let page = get(&app, "/dashboards/customer_health_score/data").await;
    for tile in list(&page, "tiles") {
        assert_ne!(text(tile, "state"), "waiting", "{tile}");
    }
    // Another day.
    let page = get(&app, "/dashboards/churn_rate/data?as_of=2026-02-28&segment=all").await;
    let known = series(&app, "logo_churn_month", "segment").await;
    let want = known[&("all".to_owned(), "2026-02-28".to_owned())]["value"].as_f64();
    assert!(
        same(tiles(&page)["month"]["figure"]["value"].as_f64(), want),
        "{page}"
    );
}

#[tokio::test]
async fn odd_pages_are_refused_in_words() {
    let (app, _) = company().await;
    for (query, field) in [
        ("period=36500d", "period"),
        ("period=100y", "period"),
        ("period=0m", "period"),
        ("compare=tomorrow", "compare"),
        ("segment=nowhere", "segment"),
        ("as_of=2126-01-01", "as_of"),
        ("as_of=yesterday", "as_of"),
    ] {
        let problem = refused(&app, &format!("/dashboards/engagement/data?{query}"))
            .await
            .problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
        assert!(
            problem["errors"][0]["remedy"]
                .as_str()
                .is_some_and(|r| !r.is_empty())
        );
    }
    let problem = refused(&app, "/dashboards/engagment/data").await.problem(404);
    assert!(text(&problem, "detail").contains("engagement"), "{problem}");
    refused(&app, "/dashboards/engagement/data?perriod=3m")
        .await
        .problem(400);
    for period in ["92d", "26w", "8q", "25m"] {
        let page = get(&app, &format!("/dashboards/engagement/data?period={period}")).await;
        let count = tiles(&page)["rate_by_segment"]["axis"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(count.to_string(), period[..period.len() - 1], "{period}");
    }
    let empty = TestApp::new().await;
    refused(&empty, "/dashboards").await.problem(409);
    crate::kpis::tests::apply(&empty, &crate::kpis::tests::medtrainer()).await;
    for id in [
        "engagement",
        "onboarding_completion",
        "customer_retention_rate",
        "ticket_resolution_time",
    ] {
        let page = get(&empty, &format!("/dashboards/{id}/data")).await;
        for tile in list(&page, "tiles") {
            assert_ne!(text(tile, "state"), "failed", "{tile}");
        }
    }
}
