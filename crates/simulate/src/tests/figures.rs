//! The company's figures against the documents' baselines. Every figure is computed here from the files, by its definition.

use std::collections::{HashMap, HashSet};

use super::DAY;
use super::data::{Data, Row, company, customers, good, micros, segment};

const SEGMENTS: [&str; 3] = ["strategic", "core", "digital"];

/// Good rows without their duplicates, by id.
fn once<'a>(data: &Data, rows: &'a [Row], id: &str, date: &str) -> Vec<&'a Row> {
    let mut seen = HashSet::new();
    good(data, rows, date)
        .into_iter()
        .filter(|row| seen.insert(row[id].as_str()))
        .collect()
}

fn check(what: &str, found: f64, low: f64, high: f64) {
    println!("{what}: {found:.3} ({low}..{high})");
    assert!(
        (low..high).contains(&found),
        "{what} is {found:.3}, expected {low} to {high}"
    );
}

/// Share of the customers active at the start of each of the two years that churned within it, pooled.
fn yearly_churn(segment_wanted: Option<&str>) -> f64 {
    let customers = customers(company());
    let (mut left, mut all) = (0.0, 0.0);
    for start in ["2024-07-01", "2025-07-01"].map(micros) {
        for row in customers
            .values()
            .filter(|row| segment_wanted.is_none_or(|wanted| segment(row) == wanted))
        {
            let churned = if row["churned_on"].is_empty() {
                i64::MAX
            } else {
                micros(&row["churned_on"])
            };
            if micros(&row["started_on"]) < start && churned > start {
                all += 1.0;
                left += f64::from(u8::from(churned <= start + 365 * DAY));
            }
        }
    }
    left / all
}

#[test]
fn segments_have_their_shares() {
    let customers = customers(company());
    let share = |wanted: &str| {
        customers.values().filter(|row| segment(row) == wanted).count() as f64 / customers.len() as f64
    };
    check("strategic share", share("strategic"), 0.06, 0.11);
    check("core share", share("core"), 0.32, 0.43);
    check("digital share", share("digital"), 0.49, 0.60);
    let edges: Vec<_> = (13..=21)
        .map(|n| {
            company()
                .accounts
                .iter()
                .find(|row| row["account_id"] == format!("A-{n:05}"))
                .unwrap()
        })
        .collect();
    let facts: Vec<_> = edges
        .iter()
        .map(|row| (row["mrr"].as_str(), row["employees"].as_str()))
        .collect();
    let expected = [
        ("3500.00", "300"),
        ("3501.00", "280"),
        ("500.00", "50"),
        ("400.00", "51"),
        ("400.00", ""),
        ("501.00", "10"),
        ("0.00", "12"),
        ("", "18"),
        ("", "18"),
    ];
    assert_eq!(facts, expected);
    assert_eq!(
        edges[..7].iter().map(|row| segment(row)).collect::<Vec<_>>(),
        ["core", "strategic", "digital", "core", "core", "core", "digital"]
    );
    assert!(!edges[7]["started_on"].is_empty() && edges[8]["started_on"].is_empty());
}

#[test]
fn churn_is_near_the_baselines() {
    check("yearly churn, all", yearly_churn(None), 0.09, 0.15);
    check(
        "yearly churn, strategic",
        yearly_churn(Some("strategic")),
        0.03,
        0.14,
    );
    check("yearly churn, core", yearly_churn(Some("core")), 0.07, 0.135);
    check("yearly churn, digital", yearly_churn(Some("digital")), 0.10, 0.17);
    let summary = &company().summary;
    let churned = company()
        .accounts
        .iter()
        .filter(|row| !row["churned_on"].is_empty())
        .count() as u64;
    assert_eq!(summary.churned, churned);
    assert_eq!(summary.active + summary.churned + summary.prospects, 1_600);
    let reasons: HashSet<_> = company()
        .accounts
        .iter()
        .map(|row| row["churn_reason"].as_str())
        .collect();
    assert_eq!(
        reasons.len(),
        7,
        "six reasons, and none for those who stay: {reasons:?}"
    );
}

#[test]
fn engagement_is_near_the_baselines() {
    let data = company();
    let customers = customers(data);
    let engaging = [
        "email_clicked",
        "email_replied",
        "meeting_held",
        "call_logged",
        "webinar_attended",
        "qbr_held",
        "event_attended",
        "in_app_clicked",
    ];
    let month = |at: i64| jiff::Timestamp::from_microsecond(at).unwrap().to_string()[..7].to_owned();
    let mut engaged: HashSet<(&str, String)> = HashSet::new();
    for event in &data.events {
        let name = event.name.as_deref().unwrap_or_default();
        if engaging.contains(&name)
            || name == "content_viewed" && event.properties.contains(r#""from_message":true"#)
        {
            engaged.insert((&event.account, month(event.at)));
        }
    }
    for row in once(data, &data.responses, "response_id", "sent_at")
        .iter()
        .filter(|row| !row["answered_at"].is_empty())
    {
        engaged.insert((&row["account_id"], row["answered_at"][..7].to_owned()));
    }
    let months: Vec<String> = (7..=12)
        .map(|m| format!("2025-{m:02}"))
        .chain((1..=6).map(|m| format!("2026-{m:02}")))
        .collect();
    let rate = |wanted: &str| {
        let (mut hit, mut all) = (0, 0);
        for (id, row) in customers.iter().filter(|(_, row)| segment(row) == wanted) {
            for month in &months {
                let gone = !row["churned_on"].is_empty() && row["churned_on"][..7] < month[..];
                if row["started_on"][..7] <= month[..] && !gone {
                    all += 1;
                    hit += u32::from(engaged.contains(&(*id, month.clone())));
                }
            }
        }
        f64::from(hit) / f64::from(all)
    };
    check("engagement, strategic", rate("strategic"), 0.37, 0.50);
    check("engagement, core", rate("core"), 0.30, 0.40);
    check("engagement, digital", rate("digital"), 0.19, 0.28);
}

#[test]
fn onboarding_is_near_the_baselines() {
    let data = company();
    let customers = customers(data);
    let first = |name: &str| -> HashMap<&str, i64> {
        data.events
            .iter()
            .filter(|event| event.name.as_deref() == Some(name))
            .map(|event| (event.account.as_str(), event.at))
            .collect()
    };
    let (started, completed, value) = (
        first("onboarding_started"),
        first("onboarding_completed"),
        first("first_value"),
    );
    for (wanted, (low, high)) in SEGMENTS
        .into_iter()
        .zip([(0.74, 1.0), (0.73, 0.91), (0.54, 0.72)])
    {
        let due: Vec<_> = started
            .iter()
            .filter(|(id, at)| {
                customers.get(*id).is_some_and(|row| segment(row) == wanted) && **at < micros("2026-06-01")
            })
            .collect();
        let done = due
            .iter()
            .filter(|(id, at)| completed.get(*id).is_some_and(|done| done - **at <= 30 * DAY))
            .count();
        check(
            &format!("onboarding, {wanted}, {} accounts", due.len()),
            done as f64 / due.len() as f64,
            low,
            high,
        );
    }
    let days: Vec<f64> = value
        .iter()
        .filter_map(|(id, at)| Some((at - micros(&customers.get(id)?["started_on"])) as f64 / DAY as f64))
        .collect();
    check(
        "days to first value",
        days.iter().sum::<f64>() / days.len() as f64,
        20.0,
        31.0,
    );
}

#[test]
fn voices_are_near_the_baselines() {
    let data = company();
    let customers = customers(data);
    let rows = once(data, &data.responses, "response_id", "sent_at");
    let scores = |survey: &str, wanted: Option<&str>| -> Vec<f64> {
        let of = |row: &&&Row| {
            row["survey"] == survey
                && wanted.is_none_or(|wanted| {
                    customers
                        .get(row["account_id"].as_str())
                        .is_some_and(|row| segment(row) == wanted)
                })
        };
        rows.iter()
            .filter(of)
            .filter(|row| !row["answered_at"].is_empty())
            .filter_map(|row| row["score"].parse().ok())
            .collect()
    };
    let share = |scores: &[f64], from: f64| {
        scores.iter().filter(|score| **score >= from).count() as f64 / scores.len() as f64
    };
    let nps = scores("nps", None);
    check(
        "NPS",
        (share(&nps, 9.0) - 1.0 + share(&nps, 7.0)) * 100.0,
        22.0,
        38.0,
    );
    for (wanted, (low, high)) in SEGMENTS
        .into_iter()
        .zip([(0.81, 0.92), (0.79, 0.90), (0.75, 0.88)])
    {
        check(
            &format!("CSAT, {wanted}"),
            share(&scores("csat", Some(wanted)), 4.0),
            low,
            high,
        );
    }
    check("CES", share(&scores("ces", None), 5.0), 0.6, 0.9);
    let answered = rows.iter().filter(|row| !row["answered_at"].is_empty()).count() as f64;
    check("response rate", answered / rows.len() as f64, 0.18, 0.42);
    let comments: HashSet<&str> = rows.iter().map(|row| row["comment"].as_str()).collect();
    assert!(comments.len() > 300, "only {} different comments", comments.len());
    assert!(comments.iter().all(|text| !text.contains('{')));
}

#[test]
fn sales_are_near_the_baselines() {
    let data = company();
    let customers = customers(data);
    let changes = good(data, &data.subscriptions, "effective_on");
    let start = micros("2025-07-01");
    let active: HashSet<&str> = customers
        .iter()
        .filter(|(_, row)| {
            micros(&row["started_on"]) < start
                && (row["churned_on"].is_empty() || micros(&row["churned_on"]) > start)
        })
        .map(|(id, _)| *id)
        .collect();
    let grown: HashSet<&str> = changes
        .iter()
        .filter(|row| {
            matches!(row["change"].as_str(), "upsell" | "cross_sell") && micros(&row["effective_on"]) >= start
        })
        .map(|row| row["account_id"].as_str())
        .filter(|id| active.contains(id))
        .collect();
    check(
        "upsell and cross-sell rate",
        grown.len() as f64 / active.len() as f64,
        0.07,
        0.125,
    );
    let deals = once(data, &data.opportunities, "opportunity_id", "opened_on");
    let count = |outcome: &str| {
        deals
            .iter()
            .filter(|row| row["type"] != "renewal" && row["outcome"] == outcome)
            .count() as f64
    };
    check(
        "conversion",
        count("won") / (count("won") + count("lost")),
        0.25,
        0.45,
    );
    let changes = |kind: &str| changes.iter().filter(|row| row["change"] == kind).count() as f64;
    check(
        "notices that were withdrawn",
        changes("saved") / changes("churn_notice"),
        0.15,
        0.45,
    );
    for kind in [
        "started",
        "renewed",
        "price",
        "contraction",
        "payment_failed",
        "churned",
    ] {
        assert!(changes(kind) > 20.0, "{kind} hardly happens");
    }
}

#[test]
fn weekends_and_the_end_of_the_year_are_quiet() {
    let per_day = |from: &str, to: &str| {
        let span = micros(from)..micros(to);
        let count = company()
            .events
            .iter()
            .filter(|event| event.name.as_deref() == Some("login") && span.contains(&event.at))
            .count();
        count as f64 / ((span.end - span.start) / DAY) as f64
    };
    assert!(per_day("2025-12-22", "2026-01-02") < 0.5 * per_day("2025-12-01", "2025-12-15"));
    let weekend = per_day("2026-03-07", "2026-03-09");
    assert!(
        weekend < 0.3 * per_day("2026-03-09", "2026-03-14"),
        "{weekend} log-ins a day on a weekend"
    );
}
