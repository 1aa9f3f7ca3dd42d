//! Rows refer to rows that exist, nothing happens outside a customer's time, and the deliberate faults are exactly those counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::DAY;
use super::data::{Row, company, customers, micros};

/// The vocabulary of events, copied from the definitions by hand.
const VOCABULARY: &str = "login feature_used course_completed page_viewed content_viewed content_completed webinar_watched \
    email_sent email_delivered email_opened email_clicked email_replied email_bounced email_complained unsubscribed in_app_shown in_app_clicked \
    meeting_held call_logged webinar_attended qbr_held event_attended ticket_opened ticket_replied ticket_escalated ticket_resolved ticket_reopened \
    survey_sent survey_answered survey_declined onboarding_started onboarding_step_completed onboarding_completed first_value \
    subscription_started mrr_changed renewed churned churn_notice saved payment_failed opportunity_opened opportunity_stage_changed opportunity_won \
    opportunity_lost advocate_nominated advocate_agreed reference_requested reference_given testimonial_published \
    task_created task_completed task_skipped playbook_entered playbook_step_done playbook_exited sponsor_met data_exported contact_left contact_joined";

/// Names that importers make from the rows of the other files: in the events file they would count twice.
const FROM_ROWS: [&str; 17] = [
    "ticket_opened",
    "ticket_escalated",
    "ticket_resolved",
    "ticket_reopened",
    "survey_sent",
    "survey_answered",
    "survey_declined",
    "subscription_started",
    "mrr_changed",
    "renewed",
    "churned",
    "churn_notice",
    "saved",
    "payment_failed",
    "opportunity_opened",
    "opportunity_won",
    "opportunity_lost",
];

fn end_of(row: &Row) -> i64 {
    if row["churned_on"].is_empty() {
        micros("2026-07-01")
    } else {
        micros(&row["churned_on"])
    }
}

#[test]
fn names_belong_to_the_vocabulary() {
    let words: HashSet<&str> = VOCABULARY.split_whitespace().collect();
    let names: HashSet<&str> = company()
        .events
        .iter()
        .filter_map(|event| event.name.as_deref())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| words.contains(name) && !FROM_ROWS.contains(name)),
        "{names:?}"
    );
    assert!(
        names.len() >= 32,
        "only {} different events: {names:?}",
        names.len()
    );
}

#[test]
fn properties_are_json_objects_and_ids_refer() {
    let data = company();
    let tickets: HashSet<&str> = data.tickets.iter().map(|row| row["ticket_id"].as_str()).collect();
    let deals: HashSet<&str> = data
        .opportunities
        .iter()
        .map(|row| row["opportunity_id"].as_str())
        .collect();
    let contacts: HashMap<&str, &str> = data
        .contacts
        .iter()
        .map(|row| (row["contact_id"].as_str(), row["account_id"].as_str()))
        .collect();
    for event in &data.events {
        let properties: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&event.properties).unwrap();
        if let Some(id) = properties.get("ticket_id") {
            assert!(tickets.contains(id.as_str().unwrap()), "{id}");
        }
        if let Some(id) = properties.get("opportunity_id") {
            assert!(deals.contains(id.as_str().unwrap()), "{id}");
            assert!(properties["value"].as_f64().unwrap() > 0.0);
        }
        if let Some(contact) = &event.contact {
            assert_eq!(
                contacts.get(contact.as_str()),
                Some(&event.account.as_str()),
                "{contact}"
            );
        }
    }
}

#[test]
fn nothing_happens_outside_a_customers_time() {
    let data = company();
    let customers = customers(data);
    for event in &data.events {
        assert!(
            event.received >= event.at && event.received < micros("2026-07-01"),
            "{}",
            event.id
        );
        assert!(event.at >= micros("2024-07-01"), "{}", event.id);
        if let Some(row) = customers.get(event.account.as_str()) {
            assert!(
                event.at < end_of(row) && event.at >= micros(&row["started_on"]),
                "{} at {}",
                event.id,
                event.at
            );
        }
    }
    let late = data
        .events
        .iter()
        .filter(|event| event.received - event.at > DAY)
        .count() as f64
        / data.events.len() as f64;
    assert!((0.007..0.013).contains(&late), "{late} of events are late");
}

#[test]
fn rows_of_the_other_files_end_with_the_customer() {
    let data = company();
    let customers = customers(data);
    let mut checked = 0;
    let files = [
        (
            &data.tickets,
            "ticket_id",
            &["opened_at", "escalated_at", "reopened_at", "resolved_at"][..],
        ),
        (&data.responses, "response_id", &["sent_at", "answered_at"][..]),
        (
            &data.opportunities,
            "opportunity_id",
            &["opened_on", "closed_on"][..],
        ),
        (&data.subscriptions, "subscription_id", &["effective_on"][..]),
    ];
    for (rows, id, columns) in files {
        for row in rows {
            let Some(customer) = customers.get(row["account_id"].as_str()) else {
                continue;
            };
            for column in columns.iter().filter(|column| !row[**column].is_empty()) {
                let text = &row[*column];
                let sideways = row.get("change").is_some_and(|change| change == "sideways");
                if sideways || text.starts_with("31.02") || text == "2025-02-30" {
                    continue;
                }
                let last = end_of(customer)
                    + if row.get("change").is_some_and(|change| change == "churned") {
                        1
                    } else {
                        0
                    };
                assert!(
                    micros(text) < last,
                    "{} {column} {text}, customer until {}",
                    row[id],
                    customer["churned_on"]
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 10_000);
}

#[test]
fn the_faults_are_those_that_the_summary_counts() {
    let data = company();
    let known: HashSet<&str> = data
        .accounts
        .iter()
        .map(|row| row["account_id"].as_str())
        .collect();
    let tables: [(&str, &Vec<Row>, &str); 6] = [
        ("accounts.csv", &data.accounts, "account_id"),
        ("contacts.csv", &data.contacts, "contact_id"),
        ("subscriptions.csv", &data.subscriptions, ""),
        ("tickets.csv", &data.tickets, "ticket_id"),
        ("opportunities.csv", &data.opportunities, "opportunity_id"),
        ("responses.csv", &data.responses, "response_id"),
    ];
    for (file, rows, id) in tables {
        let summary = data.summary.file(file).unwrap();
        assert_eq!(summary.rows, rows.len() as u64, "{file}");
        let mut faults: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut duplicates = 0;
        for row in rows {
            let mut fields: Vec<_> = row.iter().collect();
            fields.sort();
            duplicates += u64::from(!seen.insert(format!("{fields:?}")));
            if let Some(fault) = fault(row, &known, id) {
                *faults.entry(fault.to_owned()).or_default() += 1;
            }
        }
        assert_eq!(summary.faults, faults, "{file}");
        assert_eq!(summary.duplicates, duplicates, "{file}");
        assert_eq!(summary.bad_rows, faults.values().sum::<u64>(), "{file}");
    }
    let events = data.summary.file("events.parquet").unwrap();
    let mut ids = HashSet::new();
    let repeated = data.events.iter().filter(|event| !ids.insert(&event.id)).count() as u64;
    let nameless = data.events.iter().filter(|event| event.name.is_none()).count() as u64;
    assert_eq!(
        (events.rows, events.duplicates, events.bad_rows),
        (data.events.len() as u64, repeated, nameless)
    );
    assert!(nameless > 20 && (0.002..0.004).contains(&(repeated as f64 / events.rows as f64)));
    assert_eq!(
        data.summary.missing_employees,
        data.accounts
            .iter()
            .filter(|row| row["employees"].is_empty())
            .count() as u64
    );
    assert_eq!(
        data.summary.missing_mrr,
        data.accounts.iter().filter(|row| row["mrr"].is_empty()).count() as u64
    );
}

/// What is wrong with a row, told by looking at it.
fn fault(row: &Row, known: &HashSet<&str>, id: &str) -> Option<&'static str> {
    let dates = ["opened_at", "effective_on", "started_on"];
    let readable = |text: &str| {
        text.is_empty()
            || text.parse::<jiff::civil::Date>().is_ok()
            || text.parse::<jiff::Timestamp>().is_ok()
    };
    if id == "account_id" && row[id].is_empty() {
        Some("no_account_id")
    } else if id == "contact_id" && row[id].is_empty() {
        Some("no_contact_id")
    } else if dates
        .iter()
        .filter_map(|column| row.get(*column))
        .any(|text| !readable(text))
    {
        Some("bad_date")
    } else if !known.contains(row["account_id"].as_str()) {
        Some("unknown_account")
    } else if row.get("change").is_some_and(|change| change == "sideways") {
        Some("unknown_change")
    } else if row
        .get("value")
        .is_some_and(|value| value.parse::<f64>().is_err())
    {
        Some("bad_value")
    } else if row
        .get("survey")
        .is_some_and(|survey| !["nps", "csat", "ces"].contains(&survey.as_str()))
    {
        Some("unknown_survey")
    } else if row
        .get("score")
        .is_some_and(|score| !score.is_empty() && score.parse::<f64>().is_err())
    {
        Some("bad_score")
    } else {
        None
    }
}

/// The MRR that changes lead to is the one in the account's record, and growth says so.
#[test]
fn subscriptions_add_up() {
    let data = company();
    let customers = customers(data);
    let mut last: HashMap<&str, (&str, f64)> = HashMap::new();
    for row in data
        .subscriptions
        .iter()
        .filter(|row| row["effective_on"] != "2025-02-30" && row["change"] != "sideways")
    {
        let mrr: f64 = row["mrr"].parse().unwrap();
        let before = last.insert(&row["account_id"], (&row["effective_on"], mrr));
        let Some((day, from)) = before else {
            assert_eq!(row["change"], "started");
            continue;
        };
        assert!(day <= row["effective_on"].as_str(), "{row:?} after {day}");
        match row["change"].as_str() {
            "upsell" | "cross_sell" | "price" => assert!(mrr >= from, "{row:?}"),
            "contraction" => assert!(mrr <= from, "{row:?}"),
            _ => assert_eq!(mrr, from, "{row:?}"),
        }
    }
    assert_eq!(last.len(), customers.len());
    for (id, (_, mrr)) in last {
        assert_eq!(customers[id]["mrr"].parse::<f64>().unwrap(), mrr, "{id}");
    }
}
