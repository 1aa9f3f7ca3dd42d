//! Merging and parting, proved against Tenures that were told of one account, or of two, from the beginning.

mod contacts;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::accounts::{AccountChange, Change, ContactChange};
use crate::auth::Role;
use crate::events::{self, Limits};
use crate::kpis::tests::random::{accounts, arrive, told};
use crate::kpis::tests::world::{Arrival, world};
use crate::kpis::tests::{apply, change, event, medtrainer, store};
use crate::testing::TestApp;

const DAYS: [&str; 4] = ["2026-06-30", "2026-05-31", "2026-02-28", "2025-10-15"];

async fn merge(app: &TestApp, survivor: &str, merged: &str, choices: Json) -> crate::testing::Answer {
    app.post("/api/v1/account-merges")
        .as_role(Role::Manager)
        .json(&json!({ "survivor": survivor, "merged": merged, "choices": choices }))
        .await
}

async fn part(app: &TestApp, id: &str) -> crate::testing::Answer {
    app.post(&format!("/api/v1/account-merges/{id}/parting"))
        .as_role(Role::Manager)
        .await
}

fn account_of(arrival: &Arrival) -> Option<&str> {
    match arrival {
        Arrival::Event(event) => event.account.as_deref(),
        Arrival::Change(Change::Account(change)) => Some(&change.id),
        Arrival::Change(_) => None,
    }
}

/// The fields that changes of an account speak of.
fn fields_of(arrivals: &[Arrival], account: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for arrival in arrivals {
        if let Arrival::Change(Change::Account(change)) = arrival
            && change.id == account
        {
            fields.extend(change.attributes.keys().cloned());
            fields.extend(change.owner.iter().map(|_| "owner".to_owned()));
        }
    }
    fields
}

/// The same history, had both always been one account. Of fields that the survivor speaks of, the other's word does not count.
fn as_one(arrivals: &[Arrival], survivor: &str, merged: &str, held: &BTreeSet<String>) -> Vec<Arrival> {
    let mut told = Vec::new();
    for arrival in arrivals {
        let mut arrival = arrival.clone();
        if account_of(&arrival) == Some(merged) {
            match &mut arrival {
                Arrival::Event(event) => event.account = Some(survivor.to_owned()),
                Arrival::Change(Change::Account(change)) => {
                    survivor.clone_into(&mut change.id);
                    change.attributes.retain(|field, _| !held.contains(field));
                    change.owner = change.owner.take().filter(|_| !held.contains("owner"));
                    if change.attributes.is_empty() && change.owner.is_none() {
                        continue;
                    }
                }
                Arrival::Change(_) => {}
            }
        }
        told.push(arrival);
    }
    told
}

pub(crate) async fn seal(app: &TestApp) {
    let now = Limits {
        events: 1,
        age: 0,
        ..Limits::default()
    };
    events::seal(app, now).await.expect("sealed");
}

/// Whether two figures are the same up to the order in which their parts, one for each account, were added.
fn alike(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-12 * one.abs().max(1.0),
        _ => one == other,
    }
}

pub(super) async fn like(one: &TestApp, other: &TestApp, what: &str) {
    let (got, want) = (accounts(one), accounts(other));
    assert_eq!(
        got.keys().collect::<Vec<_>>(),
        want.keys().collect::<Vec<_>>(),
        "{what}"
    );
    for (id, known) in &want {
        assert_eq!(&got[id], known, "{what}: {id}");
    }
    for day in DAYS {
        let (got, want) = (told(one, day).await, told(other, day).await);
        let wrong: Vec<_> = want
            .iter()
            .map(|(key, value)| (key, value, got.get(key)))
            .filter(|(_, value, other)| other.is_none_or(|other| !alike(**value, *other)))
            .collect();
        assert!(wrong.is_empty(), "{what} as of {day}: wanted and got {wrong:?}");
    }
    for sql in [
        "SELECT account_id, name, count(*) AS n, min(occurred_at) AS a FROM events WHERE account_no <> 0 AND name NOT IN ('account_updated', 'owner_changed', 'segment_changed') AND source <> 'tenure' GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT e.account_id, a.name, count(*) AS n FROM events e JOIN accounts a ON a.account_no = e.account_no AND a.account_id = e.account_id WHERE e.kind = 'product' GROUP BY 1, 2 ORDER BY 1",
    ] {
        let ask = |app: &TestApp| {
            app.post("/api/v1/sql")
                .as_role(Role::Manager)
                .json(&json!({ "query": sql }))
        };
        assert_eq!(
            ask(one).await.ok()["rows"],
            ask(other).await.ok()["rows"],
            "{what}: {sql}"
        );
    }
}

pub(super) async fn exact(app: &TestApp, what: &str) {
    let again = crate::reactors::recompute(app).await.expect("recomputed");
    assert_eq!(
        (again.accounts_differing, again.figures_differing),
        (0, 0),
        "{what}: {:?}",
        again.differences
    );
}

pub(super) async fn company(arrivals: &[Arrival]) -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    arrive(&app, arrivals).await;
    app.catch_up().await.expect("caught up");
    app
}

/// What arrives while the two are one: for each of them, and for nobody else.
fn meanwhile(survivor: &str, merged: &str) -> Vec<Arrival> {
    let mut told = Vec::new();
    for (n, id) in [survivor, merged, merged].into_iter().enumerate() {
        let when = format!("2026-06-2{n}");
        told.push(Arrival::Event(event(id, &when, "login", json!({ "n": n }))));
        told.push(Arrival::Event(event(
            id,
            &when,
            "meeting_held",
            json!({ "n": n }),
        )));
        told.push(Arrival::Event(event(
            id,
            "2026-01-05",
            "email_clicked",
            json!({ "n": n }),
        )));
    }
    told
}

#[tokio::test]
async fn merged_is_as_if_one_and_parted_as_if_never_merged() {
    let arrivals = world(11, 16, 10);
    let ids: Vec<String> = arrivals
        .iter()
        .filter_map(account_of)
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    for (survivor, merged) in [(&ids[9], &ids[1])] {
        let app = company(&arrivals).await;
        seal(&app).await;
        let held = fields_of(&arrivals, survivor);
        let choices: Map<String, Json> = held
            .iter()
            .map(|field| (field.clone(), json!("survivor")))
            .collect();
        let made = merge(&app, survivor, merged, Json::Object(choices)).await.ok();
        app.catch_up().await.expect("caught up");
        let one = company(&as_one(&arrivals, survivor, merged, &held)).await;
        like(&app, &one, "merged").await;
        let page = app
            .get(&format!("/api/v1/accounts/{merged}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        assert_eq!(page["account_id"], json!(survivor));

        let later = meanwhile(survivor, merged);
        arrive(&app, &later).await;
        app.catch_up().await.expect("caught up");
        arrive(&one, &as_one(&later, survivor, merged, &held)).await;
        one.catch_up().await.expect("caught up");
        like(&app, &one, "merged, and more arrived").await;
        exact(&app, "merged").await;
        // A restart reads the merge from the records.
        let app = app.reopen().await;
        app.catch_up().await.expect("caught up");
        like(&app, &one, "merged, after a restart").await;

        let id = made["id"].as_str().expect("an id");
        part(&app, id).await.ok();
        part(&app, id).await.problem(409);
        app.catch_up().await.expect("caught up");
        let two = company(&arrivals).await;
        arrive(&two, &later).await;
        two.catch_up().await.expect("caught up");
        like(&app, &two, "parted").await;
        exact(&app, "parted").await;
    }
}

/// Two accounts with everything that can belong to one.
async fn pair() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut happened = Vec::new();
    for (id, mrr) in [("acme", 400), ("acme-old", 300)] {
        let subscription = format!("s-{id}");
        happened.push(event(
            id,
            "2026-01-10",
            "subscription_started",
            json!({ "mrr": mrr, "subscription_id": subscription, "currency": "USD" }),
        ));
        happened.push(event(id, "2026-06-10", "login", json!({})));
        happened.push(event(
            id,
            "2026-06-11",
            "ticket_opened",
            json!({ "ticket_id": format!("T-{id}"), "priority": "high" }),
        ));
    }
    let person = |id: &str, account: &str, email: &str, name: &str| {
        Change::Contact(ContactChange {
            id: id.to_owned(),
            account: Some(account.to_owned()),
            email: Some(email.to_owned()),
            name: Some(name.to_owned()),
            at: 5,
            ..ContactChange::default()
        })
    };
    let named = |id: &str, name: &str| {
        Change::Account(AccountChange {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            at: crate::kpis::tests::at("2026-01-01"),
            ..AccountChange::default()
        })
    };
    let changes = vec![
        named("acme", "Acme, Inc."),
        named("acme-old", "ACME"),
        change(
            "acme",
            "2026-01-10",
            json!({ "employees": 10, "owner": "a@example.com", "website": "https://acme.org" }),
        ),
        change(
            "acme-old",
            "2026-01-11",
            json!({ "employees": 80, "owner": "b@example.com", "domain": "acme.org", "vat": "X1234" }),
        ),
        change(
            "other",
            "2026-01-11",
            json!({ "employees": 8, "website": "other.org" }),
        ),
        person("ann", "acme", "ann@acme.org", "Ann"),
        person("ann-2", "acme-old", "Ann@acme.org", "Ann B"),
        person("ben", "acme-old", "ben@acme.org", "Ben"),
    ];
    store(&app, happened, changes).await;
    app.catch_up().await.expect("caught up");
    for id in ["acme", "acme-old"] {
        app.post(&format!("/api/v1/accounts/{id}/notes"))
            .as_role(Role::Csm)
            .json(&json!({ "body": format!("of {id}") }))
            .await
            .ok();
        let to = format!("{id}@example.com");
        app.post("/api/v1/reassignments")
            .as_role(Role::Manager)
            .json(&json!({ "accounts": [id], "to": to, "reason": "split" }))
            .await
            .ok();
    }
    app.catch_up().await.expect("caught up");
    app
}

/// Everything that is shown of accounts and contacts, times of computation aside.
async fn everything(app: &TestApp) -> BTreeMap<String, Json> {
    fn strip(value: &mut Json) {
        match value {
            Json::Object(map) => {
                map.remove("computed_at");
                map.values_mut().for_each(strip);
            }
            Json::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    for path in [
        "/api/v1/accounts",
        "/api/v1/accounts/acme/profile",
        "/api/v1/accounts/acme-old/profile",
        "/api/v1/accounts/acme-old/profile?as_of=2026-03-31",
        "/api/v1/contacts",
        "/api/v1/contacts/ann",
        "/api/v1/contacts/ann-2",
        "/api/v1/handovers",
        "/api/v1/kpis?by=segment",
        "/api/v1/kpis?by=segment&as_of=2026-03-31",
        "/api/v1/segments",
    ] {
        let mut shown = app.get(path).as_role(Role::Viewer).await.ok();
        strip(&mut shown);
        all.insert(path.to_owned(), shown);
    }
    all
}

#[tokio::test]
async fn everything_follows_the_merge_and_comes_back_with_the_parting() {
    let app = pair().await;
    let before = everything(&app).await;
    let made = merge(
        &app,
        "acme",
        "acme-old",
        json!({ "employees": "merged", "owner": "survivor" }),
    )
    .await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!(made["merged_name"], "ACME");
    let remembered: Vec<&str> = made["remembered"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| field["field"].as_str().expect("a field"))
        .collect();
    assert_eq!(remembered, ["employees", "name", "owner"]);
    app.catch_up().await.expect("caught up");

    let profile = app
        .get("/api/v1/accounts/acme/profile")
        .as_role(Role::Viewer)
        .await
        .ok();
    let count = |what: &str| profile[what].as_array().map(Vec::len);
    assert_eq!(profile["account"]["mrr"], json!(700.0));
    assert_eq!(profile["account"]["name"], "Acme, Inc.");
    assert_eq!(profile["account"]["attributes"]["employees"], 80);
    assert_eq!(profile["account"]["attributes"]["vat"], "X1234");
    assert_eq!(profile["account"]["owner"], "acme@example.com");
    assert_eq!(
        (
            count("contacts"),
            count("tickets"),
            count("notes"),
            count("owner_moves"),
            count("handovers")
        ),
        (Some(3), Some(2), Some(2), Some(2), Some(2))
    );
    // The old address leads to the one that stayed.
    let old = app
        .get("/api/v1/accounts/acme-old/profile")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(old["account"]["account_id"], "acme");
    let all = app.get("/api/v1/accounts").as_role(Role::Viewer).await.ok();
    assert!(!all.to_string().contains("\"acme-old\""), "{all}");
    let list = app
        .get("/api/v1/account-merges?account=acme")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert!(app.audited().await.contains(&"account.merge".to_owned()));

    part(&app, made["id"].as_str().expect("an id")).await.ok();
    app.catch_up().await.expect("caught up");
    let after = everything(&app).await;
    for (path, shown) in &before {
        assert_eq!(&after[path], shown, "{path}");
    }
    assert!(app.audited().await.contains(&"account.part".to_owned()));
}

#[tokio::test]
async fn what_a_person_sets_on_the_one_account_is_shown_and_stays_with_it() {
    let app = pair().await;
    let made = merge(&app, "acme", "acme-old", json!({ "owner": "merged" }))
        .await
        .ok();
    let owner = async || {
        app.catch_up().await.expect("caught up");
        let page = app.get("/api/v1/accounts/acme").as_role(Role::Viewer).await.ok();
        page["owner"].as_str().map(str::to_owned)
    };
    assert_eq!(owner().await.as_deref(), Some("acme-old@example.com"));
    // The survivor's own record holds this owner already; what is shown is another.
    app.advance(jiff::SignedDuration::from_secs(5));
    app.post("/api/v1/reassignments")
        .as_role(Role::Manager)
        .json(&json!({ "accounts": ["acme"], "to": "acme@example.com", "reason": "one now" }))
        .await
        .ok();
    assert_eq!(owner().await.as_deref(), Some("acme@example.com"));
    part(&app, made["id"].as_str().expect("an id")).await.ok();
    assert_eq!(owner().await.as_deref(), Some("acme@example.com"));
    let old = app
        .get("/api/v1/accounts/acme-old")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(old["owner"], "acme-old@example.com");
}

#[tokio::test]
async fn what_cannot_be_merged_says_why() {
    let app = pair().await;
    merge(&app, "acme", "acme", json!({})).await.problem(422);
    merge(&app, "acme", "nobody", json!({})).await.problem(422);
    merge(&app, "acme", "acme-old", json!({ "no_such_field": "merged" }))
        .await
        .problem(422);
    let by = app.post("/api/v1/account-merges").as_role(Role::Csm);
    by.json(&json!({ "survivor": "acme", "merged": "acme-old" }))
        .await
        .problem(403);
    let euro = vec![event(
        "other",
        "2026-02-01",
        "subscription_started",
        json!({ "mrr": 5, "currency": "EUR" }),
    )];
    store(&app, euro, Vec::new()).await;
    app.catch_up().await.expect("caught up");
    let problem = merge(&app, "acme", "other", json!({})).await.problem(409);
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("EUR") && detail.contains("USD"), "{detail}");

    let first = merge(&app, "acme", "acme-old", json!({})).await.ok();
    let again = merge(&app, "other", "acme-old", json!({})).await.problem(409);
    assert!(
        again["detail"]
            .as_str()
            .expect("a detail")
            .contains("already merged into acme")
    );
    let circle = merge(&app, "acme-old", "acme", json!({})).await.problem(409);
    assert!(circle["detail"].as_str().expect("a detail").contains("circle"));
    part(&app, "no-such-merge").await.problem(404);

    // A chain: what was merged into an account goes along with it, and comes out alone.
    store(
        &app,
        Vec::new(),
        vec![change("third", "2026-03-01", json!({ "website": "acme.org" }))],
    )
    .await;
    app.catch_up().await.expect("caught up");
    merge(&app, "third", "acme", json!({})).await.ok();
    let page = app
        .get("/api/v1/accounts/acme-old")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&page["account_id"], &page["mrr"]),
        (&json!("third"), &json!(700.0))
    );
    part(&app, first["id"].as_str().expect("an id")).await.ok();
    app.catch_up().await.expect("caught up");
    let page = app.get("/api/v1/accounts/third").as_role(Role::Viewer).await.ok();
    assert_eq!(page["mrr"], json!(400.0));
    let page = app
        .get("/api/v1/accounts/acme-old")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&page["account_id"], &page["mrr"]),
        (&json!("acme-old"), &json!(300.0))
    );
    exact(&app, "a chain").await;
}

#[tokio::test]
async fn pairs_show_their_evidence_and_what_is_said_to_be_two_stays_two() {
    let app = pair().await;
    let list = async |query: &str| {
        let path = format!("/api/v1/duplicates?{query}");
        app.get(&path).as_role(Role::Viewer).await.ok()
    };
    let found = list("kind=accounts").await;
    assert_eq!(found["total"], 1, "{found}");
    let signs: Vec<&str> = found["items"][0]["evidence"]
        .as_array()
        .expect("evidence")
        .iter()
        .map(|it| it["sign"].as_str().expect("a sign"))
        .collect();
    assert_eq!(signs, ["domain", "name", "email_domain"]);
    assert_eq!(found["items"][0]["score"], json!(0.97));
    let people = list("kind=contacts").await;
    assert_eq!(people["total"], 1, "{people}");
    assert_eq!(
        people["items"][0]["evidence"][0],
        json!({ "sign": "email", "value": "ann@acme.org" })
    );
    let form = json!({ "kind": "accounts", "one": "acme-old", "other": "acme" });
    app.post("/api/v1/duplicates/dismissals")
        .as_role(Role::Viewer)
        .json(&form)
        .await
        .problem(403);
    app.post("/api/v1/duplicates/dismissals")
        .as_role(Role::Csm)
        .json(&form)
        .await
        .ok();
    assert_eq!(list("kind=accounts").await["total"], 0);
    assert_eq!(list("kind=accounts&dismissed=true").await["total"], 1);
    app.delete("/api/v1/duplicates/dismissals")
        .as_role(Role::Csm)
        .json(&form)
        .await
        .ok();
    assert_eq!(list("kind=accounts").await["total"], 1);
    let path = "/api/v1/duplicates/comparison?survivor=acme&merged=acme-old";
    let side = app.get(path).as_role(Role::Viewer).await.ok();
    assert_eq!(side["obstacle"], Json::Null);
    assert_eq!(
        (&side["survivor"]["contacts"], &side["merged"]["contacts"]),
        (&json!(1), &json!(2))
    );
    merge(&app, "acme", "acme-old", json!({})).await.ok();
    assert_eq!(list("kind=accounts").await["total"], 0);
}

#[tokio::test]
async fn merged_contacts_are_one_with_all_consents_and_part_as_they_were() {
    let app = pair().await;
    let before = everything(&app).await;
    let consent = |id: &str, granted: bool| {
        app.put(&format!("/api/v1/contacts/{id}/consents/news"))
            .as_role(Role::Csm)
            .json(&json!({ "granted": granted, "source": "call" }))
    };
    let post = |path: String, body: Json| app.post(&path).as_role(Role::Csm).json(&body);
    let form = json!({ "survivor": "ann", "merged": "ann-2" });
    assert_eq!(
        post("/api/v1/contact-merges".into(), form.clone()).await.status,
        201
    );
    post("/api/v1/contact-merges".into(), form).await.problem(409);
    post(
        "/api/v1/contact-merges".into(),
        json!({ "survivor": "ann-2", "merged": "ann" }),
    )
    .await
    .problem(409);
    post(
        "/api/v1/contact-merges".into(),
        json!({ "survivor": "ben", "merged": "ann" }),
    )
    .await
    .problem(409);
    post(
        "/api/v1/contact-merges".into(),
        json!({ "survivor": "ann", "merged": "ann" }),
    )
    .await
    .problem(422);
    let all = app.get("/api/v1/contacts").as_role(Role::Viewer).await.ok();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    let page = app.get("/api/v1/contacts/ann-2").as_role(Role::Viewer).await.ok();
    assert_eq!(page["contact"]["contact_id"], "ann");
    let merges = app.get("/api/v1/contact-merges").as_role(Role::Viewer).await.ok();
    let id = merges["items"][0]["id"].as_str().expect("an id").to_owned();
    post(format!("/api/v1/contact-merges/{id}/parting"), json!({}))
        .await
        .ok();
    post(format!("/api/v1/contact-merges/{id}/parting"), json!({}))
        .await
        .problem(409);
    assert_eq!(everything(&app).await, before);
    // A refusal given under either id counts for the one person.
    consent("ann", true).await.ok();
    app.advance(jiff::SignedDuration::from_secs(5));
    consent("ann-2", false).await.ok();
    post(
        "/api/v1/contact-merges".into(),
        json!({ "survivor": "ann", "merged": "ann-2" }),
    )
    .await;
    let page = app.get("/api/v1/contacts/ann").as_role(Role::Viewer).await.ok();
    assert_eq!(page["contact"]["consents"]["news"], false);
}
