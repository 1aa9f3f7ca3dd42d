//! What the rows of each kind become.

use serde_json::{Value as Json, json};

use super::{Desk, counts};

/// Message id, name and time of all events, and the properties of one.
fn told(events: &[Json]) -> Vec<String> {
    events
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it["id"].as_str().unwrap_or(""),
                it["name"].as_str().unwrap_or(""),
                it["at"].as_str().unwrap_or("")
            )
        })
        .collect()
}

async fn desk() -> Desk {
    let desk = Desk::new().await;
    let file = desk.file("accounts.csv", "account_id,name\nA-1,One\nA-2,Two\n");
    desk.one(&file, "accounts").await;
    desk
}

#[tokio::test]
async fn accounts_by_the_names_of_a_crm() {
    let desk = Desk::new().await;
    let file = desk.file(
        "crm.csv",
        "Account Id;Account Name;Website;Number Of Employees;Account Owner;Customer Since;MRR;Region;Parent Account ID\n\
         A-1;Northwind;northwind.example;1,200;Ann@Example.com;2024-02-29;$1,250.50;EMEA;\n\
         A-2;Süd GmbH;;unknown;;2025-01-01;80;DACH;A-1\n\
         A-3;Later;;5;;2027-01-01;80;DACH;\n\
         ;Nameless;;5;;;80;DACH;\n\
         undefined;Odd;;5;;;80;DACH;\n",
    );
    assert_eq!(counts(&desk.one(&file, "accounts").await), [5, 1, 0, 4]);
    assert_eq!(
        desk.known().await,
        [concat!(
            r#"A-1|Northwind|ann@example.com||{"region":"EMEA","domain":"northwind.example","employees":1200,"#,
            r#""started_on":"2024-02-29","mrr":1250.5,"currency":"USD"}"#
        )]
    );
    let rejects = desk.rejects().await;
    let shown: Vec<(i64, &str, &str)> = rejects
        .iter()
        .map(|(line, field, reason)| (*line, field.as_deref().unwrap_or(""), reason.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (3, "employees", "it is not a number"),
            (4, "started_on", "it lies in the future"),
            (5, "account_id", "account_id is missing"),
            (
                6,
                "account_id",
                "“undefined” is what a program writes when it has no id"
            ),
        ]
    );
}

#[tokio::test]
async fn tickets_become_their_steps_and_an_answer() {
    let desk = desk().await;
    let file = desk.file(
        "tickets.csv",
        "ticket_id,account_id,contact_id,opened_at,escalated_at,resolved_at,priority,subject,satisfaction\n\
         T-1,A-1,C-1,2026-01-05T08:00:00Z,2026-01-05T10:00:00+02:00,2026-01-06 08:00:00,high,Cannot log in,4\n\
         T-2,A-2,,2026-01-05,,,low,,\n\
         T-3,A-2,,2026-01-05,,2026-01-04,low,,\n\
         T-4,A-2,,2026-01-05,,,low,,6\n\
         T-5,A-9,,2026-01-05,,,low,,\n",
    );
    assert_eq!(counts(&desk.one(&file, "tickets").await), [5, 2, 0, 3]);
    let events = desk.events();
    assert_eq!(
        told(&events),
        [
            "ticket/T-1/escalated ticket_escalated 2026-01-05T08:00:00Z",
            "ticket/T-1/opened ticket_opened 2026-01-05T08:00:00Z",
            "ticket/T-1/resolved ticket_resolved 2026-01-06T08:00:00Z",
            "ticket/T-1/satisfaction survey_answered 2026-01-06T08:00:00Z",
            "ticket/T-2/opened ticket_opened 2026-01-05T00:00:00Z",
        ]
    );
    assert_eq!(
        events[1]["properties"],
        json!({"ticket_id": "T-1", "priority": "high", "subject": "Cannot log in"})
    );
    assert_eq!(events[1]["contact"], "C-1");
    assert_eq!(
        events[3]["properties"],
        json!({"ticket_id": "T-1", "response_id": "ticket/T-1", "survey": "csat", "interaction": "support", "score": 4})
    );
    let reasons: Vec<String> = desk
        .rejects()
        .await
        .into_iter()
        .map(|(_, field, reason)| format!("{}: {reason}", field.unwrap_or_default()))
        .collect();
    assert_eq!(
        reasons,
        [
            "resolved_at: it is before opened_at",
            "satisfaction: it is outside the scale of csat",
            "account_id: no account has this id"
        ]
    );
}

#[tokio::test]
async fn subscriptions_as_changes() {
    let desk = desk().await;
    let file = desk.file(
        "changes.csv",
        "account_id,subscription_id,effective_on,change,mrr,currency,reason,secondary_reasons\n\
         A-1,S-1,2025-01-01,started,100,EUR,,\n\
         A-1,S-1,2025-06-01,upsell,150.25,EUR,,\n\
         A-1,S-1,2026-01-01,churned,,,pricing,feature_gaps; competitor\n\
         A-2,,2025-01-01,started,,,,\n\
         A-2,,2025-01-01,sideways,5,,,\n\
         A-1,S-1,2025-06-01,upsell,150.25,EUR,,\n",
    );
    assert_eq!(counts(&desk.one(&file, "subscriptions").await), [6, 3, 1, 2]);
    let events = desk.events();
    assert_eq!(
        told(&events),
        [
            "subscription/S-1/churned/2026-01-01 churned 2026-01-01T00:00:00Z",
            "subscription/S-1/started/2025-01-01 subscription_started 2025-01-01T00:00:00Z",
            "subscription/S-1/upsell/2025-06-01 mrr_changed 2025-06-01T00:00:00Z",
        ]
    );
    assert_eq!(
        events[0]["properties"],
        json!({"subscription_id": "S-1", "reason": "pricing", "secondary_reasons": ["feature_gaps", "competitor"]})
    );
    assert_eq!(
        events[2]["properties"],
        json!({"subscription_id": "S-1", "mrr": 150.25, "currency": "EUR", "reason": "upsell"})
    );
}

#[tokio::test]
async fn subscriptions_as_intervals() {
    let desk = desk().await;
    let file = desk.file(
        "intervals.csv",
        "id,account,start_date,end_date,mrr_amount\nS-1,A-1,2025-01-01,2025-12-31,99\nS-2,A-1,2025-01-01,2030-12-31,50\nS-3,A-2,2025-01-02,2025-01-01,1\n",
    );
    assert_eq!(counts(&desk.one(&file, "subscriptions").await), [3, 2, 0, 1]);
    assert_eq!(
        told(&desk.events()),
        [
            "subscription/S-1/ended churned 2025-12-31T00:00:00Z",
            "subscription/S-1/started subscription_started 2025-01-01T00:00:00Z",
            "subscription/S-2/started subscription_started 2025-01-01T00:00:00Z",
        ]
    );
}

#[tokio::test]
async fn opportunities_and_responses() {
    let desk = desk().await;
    let file = desk.file(
        "opportunities.csv",
        "opportunity_id,account_id,type,opened_on,stage,value,closed_on,outcome\n\
         O-1,A-1,Upsell,2026-01-05,Proposal,\"12,000\",2026-02-01,Won\n\
         O-2,A-1,Cross-Sell,2026-01-05,Discovery,500,2027-01-01,\n\
         O-3,A-1,renewal,2026-01-05,Closed,500,,lost\n",
    );
    assert_eq!(counts(&desk.one(&file, "opportunities").await), [3, 2, 0, 1]);
    let file = desk.file(
        "responses.csv",
        "response_id,account_id,contact_id,survey,sent_at,answered_at,score,comment,interaction,declined\n\
         R-1,A-1,C-1,NPS,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,9,\"=1+1, nice\",,\n\
         R-2,A-1,C-1,csat,2026-01-01,2026-01-02,9,,support,\n\
         R-3,A-1,C-1,ces,2026-01-01,,,,,yes\n\
         R-4,A-1,C-1,nps,2026-01-01,,,,,\n",
    );
    assert_eq!(counts(&desk.one(&file, "responses").await), [4, 3, 0, 1]);
    let events = desk.events();
    assert_eq!(
        told(&events),
        [
            "opportunity/O-1/opened opportunity_opened 2026-01-05T00:00:00Z",
            "opportunity/O-1/won opportunity_won 2026-02-01T00:00:00Z",
            "opportunity/O-2/opened opportunity_opened 2026-01-05T00:00:00Z",
            "response/R-1/answered survey_answered 2026-01-02T00:00:00Z",
            "response/R-1/sent survey_sent 2026-01-01T00:00:00Z",
            "response/R-3/declined survey_declined 2026-01-01T00:00:00Z",
            "response/R-3/sent survey_sent 2026-01-01T00:00:00Z",
            "response/R-4/sent survey_sent 2026-01-01T00:00:00Z",
        ]
    );
    assert_eq!(
        events[1]["properties"],
        json!({"opportunity_id": "O-1", "type": "upsell", "value": 12_000, "currency": "USD", "stage": "Proposal"})
    );
    assert_eq!(
        events[3]["properties"],
        json!({"response_id": "R-1", "survey": "nps", "score": 9, "comment": "=1+1, nice"})
    );
}

#[tokio::test]
async fn events_make_their_accounts() {
    let desk = Desk::new().await;
    let file = desk.file(
        "events.csv",
        "event_id,account_id,event,timestamp,properties,properties.feature,minutes\n\
         e-1,N-1,feature_used,1767225600,\"{\"\"feature\"\":\"\"old\"\",\"\"beta\"\":true}\",export,5\n\
         e-2,N-1,login,1767225600123,,,\n\
         e-3,,login,03/04/2026,,,\n",
    );
    assert_eq!(counts(&desk.one(&file, "events").await), [3, 2, 0, 1]);
    let events = desk.events();
    assert_eq!(
        told(&events),
        [
            "e-1 feature_used 2026-01-01T00:00:00Z",
            "e-2 login 2026-01-01T00:00:00.123Z"
        ]
    );
    assert_eq!(
        events[0]["properties"],
        json!({"feature": "export", "beta": true, "minutes": 5})
    );
    assert_eq!(desk.known().await, ["N-1|N-1|||{}"]);
    let remedy = desk.app.get("/api/v1/imports").as_operator().await.ok();
    let remedy = remedy["items"][0]["reject_samples"][0]["remedy"]
        .as_str()
        .expect("a remedy")
        .to_owned();
    assert!(remedy.contains("format: \"%d/%m/%Y\""), "{remedy}");
}
