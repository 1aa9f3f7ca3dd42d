//! Contacts that are merged: everything that counts people counts one, until they are parted.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{company, exact, like, seal};
use crate::accounts::{Change, ContactChange};
use crate::auth::Role;
use crate::kpis::tests::random::arrive;
use crate::kpis::tests::world::{Arrival, world};
use crate::kpis::tests::{at, event};
use crate::testing::TestApp;

/// The same history, had they always been one person.
fn as_one(arrivals: &[Arrival], survivor: &str, merged: &[&str]) -> Vec<Arrival> {
    let mut told = arrivals.to_vec();
    told.retain(
        |it| !matches!(it, Arrival::Change(Change::Contact(change)) if merged.contains(&change.id.as_str())),
    );
    for arrival in &mut told {
        if let Arrival::Event(event) = arrival
            && event.contact.as_deref().is_some_and(|id| merged.contains(&id))
        {
            event.contact = Some(survivor.to_owned());
        }
    }
    told
}

/// A contact of an account.
fn person(id: &str, account: &str) -> Arrival {
    Arrival::Change(Change::Contact(ContactChange {
        id: id.to_owned(),
        account: Some(account.to_owned()),
        name: Some(format!("Name of {id}")),
        at: at("2025-01-01"),
        ..ContactChange::default()
    }))
}

async fn sql(app: &TestApp, query: &str) -> Json {
    let answer = app
        .post("/api/v1/sql")
        .as_role(Role::Manager)
        .json(&json!({ "query": query, "limit": 500 }))
        .await
        .ok();
    answer["rows"].clone()
}

/// What is shown of people: their events and answers, and the timelines of their accounts.
async fn people(app: &TestApp, contacts: &[&str]) -> BTreeMap<String, Json> {
    let mut shown = BTreeMap::new();
    for query in [
        "SELECT contact_id, account_id, name, count(*) AS n FROM events WHERE contact_id IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        "SELECT contact_id, survey, score FROM responses ORDER BY 1, 2, 3, response_id",
        "SELECT account_id, count(DISTINCT contact_id) AS n FROM events WHERE kind = 'product' GROUP BY 1 ORDER BY 1",
        "SELECT contact_id FROM contacts ORDER BY 1",
    ] {
        shown.insert(query.to_owned(), sql(app, query).await);
    }
    for contact in contacts {
        for condition in [
            format!("contact_id = '{contact}'"),
            format!("contact_id > '{contact}'"),
        ] {
            let query = format!("SELECT message_id FROM events WHERE {condition} ORDER BY 1");
            shown.insert(query.clone(), sql(app, &query).await);
        }
    }
    for account in ["a000", "a001"] {
        let path = format!("/api/v1/accounts/{account}/timeline?limit=200");
        let page = app.get(&path).as_role(Role::Viewer).await.ok();
        let told = page["items"].as_array().cloned().unwrap_or_default();
        let of_people = told.into_iter().filter(|item| item["source"] != "tenure");
        shown.insert(path, of_people.collect());
    }
    shown
}

fn differ(got: &BTreeMap<String, Json>, want: &BTreeMap<String, Json>, what: &str) {
    for (of, want) in want {
        assert_eq!(got.get(of), Some(want), "{what}: {of}");
    }
}

async fn merge(app: &TestApp, survivor: &str, merged: &str) -> String {
    let form = json!({ "survivor": survivor, "merged": merged });
    let made = app
        .post("/api/v1/contact-merges")
        .as_role(Role::Csm)
        .json(&form)
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let merges = app.get("/api/v1/contact-merges").as_role(Role::Viewer).await.ok();
    let items = merges["items"].as_array().expect("merges");
    let made = items
        .iter()
        .find(|it| it["merged"] == merged && it["parted_at"].is_null());
    made.expect("the merge")["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn merged_is_as_if_one_person_and_parted_as_if_never_merged() {
    let mut arrivals = world(31, 8, 40);
    let people_of = |no: i32| (0..4).map(move |n| person(&format!("p{no}-{n}"), &format!("a{no:03}")));
    arrivals.splice(0..0, (0..8).flat_map(people_of));
    // One of the same account, and one of another, whose events stay under that account.
    let (survivor, merged) = ("p0-0", ["p0-1", "p1-2"]);
    for id in [survivor, merged[0], merged[1]] {
        let own = |it: &&Arrival| matches!(it, Arrival::Event(event) if event.contact.as_deref() == Some(id));
        assert!(arrivals.iter().filter(own).count() > 3, "{id}");
    }
    let app = company(&arrivals).await;
    seal(&app).await;
    let mut merges = Vec::new();
    for id in merged {
        merges.push(merge(&app, survivor, id).await);
    }
    let one = company(&as_one(&arrivals, survivor, &merged)).await;
    like(&app, &one, "merged").await;
    differ(
        &people(&app, &[survivor]).await,
        &people(&one, &[survivor]).await,
        "merged",
    );
    for id in [survivor, merged[0], merged[1]] {
        let page = page_of(&app, id).await;
        assert_eq!(page["contact"]["contact_id"], json!(survivor));
        assert_eq!(shown_on(&page), newest(&app, survivor).await, "page of {id}");
    }

    // What is sent for either of them meanwhile is shown as the one's.
    let later: Vec<Arrival> = [survivor, merged[0]]
        .iter()
        .flat_map(|contact| {
            let said = |name: &str, more: Json| {
                let mut said = more;
                said["contact"] = json!(contact);
                Arrival::Event(event("a000", "2026-06-24", name, said))
            };
            [
                said("login", json!({})),
                said(
                    "survey_answered",
                    json!({ "survey": "nps", "score": 3, "response_id": format!("r-{contact}") }),
                ),
            ]
        })
        .collect();
    arrive(&app, &later).await;
    app.catch_up().await.expect("caught up");
    arrive(&one, &as_one(&later, survivor, &merged)).await;
    one.catch_up().await.expect("caught up");
    like(&app, &one, "merged, and more arrived").await;
    exact(&app, "merged").await;
    let app = app.reopen().await;
    app.catch_up().await.expect("caught up");
    like(&app, &one, "merged, after a restart").await;

    for id in &merges {
        let part = async || {
            app.post(&format!("/api/v1/contact-merges/{id}/parting"))
                .as_role(Role::Csm)
                .await
        };
        assert_eq!(part().await.status, 204);
        part().await.problem(409);
    }
    app.catch_up().await.expect("caught up");
    let two = company(&arrivals).await;
    arrive(&two, &later).await;
    two.catch_up().await.expect("caught up");
    like(&app, &two, "parted").await;
    let all = [survivor, merged[0], merged[1]];
    differ(&people(&app, &all).await, &people(&two, &all).await, "parted");
    for id in all {
        assert_eq!(
            page_of(&app, id).await["events"],
            page_of(&two, id).await["events"]
        );
    }
    exact(&app, "parted").await;
}

async fn page_of(app: &TestApp, contact: &str) -> Json {
    let path = format!("/api/v1/contacts/{contact}");
    app.get(&path).as_role(Role::Viewer).await.ok()
}

/// The messages on a contact's page.
fn shown_on(page: &Json) -> Vec<Json> {
    let events = page["events"].as_array().expect("events").iter();
    events.map(|event| event["message_id"].clone()).collect()
}

/// The newest messages of a contact in the log.
async fn newest(app: &TestApp, contact: &str) -> Vec<Json> {
    let query = format!(
        "SELECT message_id FROM events WHERE contact_id = '{contact}' ORDER BY occurred_at DESC, message_id DESC LIMIT 50"
    );
    let rows = sql(app, &query).await;
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row[0].clone()).collect()
}

#[tokio::test]
async fn two_answers_of_one_person_are_one_respondent() {
    let app = company(&[]).await;
    let mut told = vec![event(
        "acme",
        "2026-01-10",
        "subscription_started",
        json!({ "mrr": 400 }),
    )];
    for (contact, day, score) in [
        ("ann", "2026-06-03", 9),
        ("ann-old", "2026-06-05", 2),
        ("ben", "2026-06-04", 10),
    ] {
        let said = json!({ "contact": contact, "survey": "nps", "score": score, "response_id": contact });
        told.push(event("acme", day, "survey_answered", said));
    }
    let mut told: Vec<Arrival> = told.into_iter().map(Arrival::Event).collect();
    told.extend(["ann", "ann-old", "ben"].map(|id| person(id, "acme")));
    arrive(&app, &told).await;
    app.catch_up().await.expect("caught up");
    let nps = async || {
        let answer = app.get("/api/v1/kpis").as_role(Role::Viewer).await.ok();
        let mut lines = answer["kpis"].as_array().expect("lines").iter();
        let line = lines
            .find(|line| line["kpi"] == "nps" && line["scope"] == "all")
            .expect("NPS");
        (line["denominator"].as_f64(), line["value"].as_f64())
    };
    // Two promoters and a detractor: (2 - 1) / 3.
    assert_eq!(nps().await.0, Some(3.0));
    let id = merge(&app, "ann", "ann-old").await;
    app.catch_up().await.expect("caught up");
    // The latest answer of the one person counts: a promoter and a detractor.
    assert_eq!(nps().await, (Some(2.0), Some(0.0)));
    app.post(&format!("/api/v1/contact-merges/{id}/parting"))
        .as_role(Role::Csm)
        .await
        .ok();
    app.catch_up().await.expect("caught up");
    assert_eq!(nps().await.0, Some(3.0));
}
