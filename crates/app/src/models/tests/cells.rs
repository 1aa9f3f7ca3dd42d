//! What was known at month ends is kept: read where nothing else can be known, computed anew where something else is.

use serde_json::json;
use tenure_store::args;

use super::world::{app, company, event, number, program};
use super::{backtest, method, quick};
use crate::auth::Role;
use crate::events::{self, Subject};
use crate::kpis::tests::{change, store};
use crate::metrics::cells;
use crate::models::gather::{Ask, gather};
use crate::models::outcome::Outcome;
use crate::models::run::hand;
use crate::testing::TestApp;

const DAYS: [&str; 4] = ["2025-08-31", "2025-10-31", "2026-01-31", "2026-05-31"];

fn ask(app: &TestApp, days: &[&str]) -> Ask {
    let definitions = app.definitions().expect("a program");
    Ask {
        outcome: Outcome::churn(),
        cutoffs: days.iter().map(|day| number(day)).collect(),
        trust_dates: false,
        horizons: vec![30],
        hand: definitions
            .scores
            .iter()
            .map(|score| hand(score, &score.id, true))
            .collect(),
        keep_open: true,
        all_metrics: false,
    }
}

/// Everything that is gathered, in words.
async fn gathered(app: &TestApp, days: &[&str]) -> String {
    while crate::metrics::catch_up(app).await.expect("caught up") {}
    let found = gather(app, &ask(app, days), &|_| {}).await.expect("a panel");
    assert!(found.panel.rows() > 10, "{}", found.panel.rows());
    format!("{:?} {:?}", found.panel, found.scores)
}

/// As it is with what is kept, and with nothing kept.
async fn both(app: &TestApp, days: &[&str], what: &str) -> String {
    let kept = gathered(app, days).await;
    cells::forget(app).await.expect("forgotten");
    let anew = gathered(app, days).await;
    assert!(kept == anew, "{what}:\n{kept}\n{anew}");
    anew
}

#[tokio::test]
async fn cells_are_read_and_not_computed_again() {
    let app = app(&program(), company(51, 60, 0.8)).await;
    let first = gathered(&app, &DAYS[1..]).await;
    assert_eq!(
        (app.count("known_sets").await, app.count("known_cells").await),
        (1, 1)
    );
    // What they would be computed from is taken away.
    let tx = app.store.begin().await.expect("a transaction");
    tx.run("UPDATE account_state SET activity = $1", args![Vec::<u8>::new()])
        .await
        .expect("emptied");
    tx.commit().await.expect("committed");
    assert!(first == gathered(&app, &DAYS[1..]).await);
    // Another day is not kept: of accounts without late events nothing is known on it any more.
    let more = gathered(&app, &DAYS).await;
    assert!(more != first);
    // Days in between can be left out.
    assert!(gathered(&app, &DAYS[1..]).await == first);
}

#[tokio::test]
async fn whatever_is_told_afterwards_gives_the_same_rows_as_with_nothing_kept() {
    let app = app(&program(), company(52, 50, 0.8)).await;
    let mut before = both(&app, &DAYS, "a company").await;
    let changed = |before: &mut String, after: String, what: &str| {
        assert!(*before != after, "{what} changes nothing");
        *before = after;
    };
    let now = number("2026-06-30");
    // Dated early, arriving now: nobody knew it then, but it is counted as late.
    let late = |no: usize, name: &str| {
        event(
            no,
            number("2025-10-20"),
            77,
            now - number("2025-10-20") - 1,
            name,
            json!({}),
        )
    };
    store(&app, vec![late(3, "login"), late(4, "ticket_opened")], vec![]).await;
    changed(
        &mut before,
        both(&app, &DAYS, "a late event").await,
        "a late event",
    );
    // Said to have arrived then.
    let timely = |no: usize| event(no, number("2025-10-21"), 78, 0, "login", json!({}));
    store(&app, (0..20).map(timely).collect(), vec![]).await;
    changed(
        &mut before,
        both(&app, &DAYS, "an event of then").await,
        "an event of then",
    );
    // The same as one piece of history.
    let chunk = (10..40)
        .map(|no| event(no, number("2026-01-15"), 79, 0, "ticket_opened", json!({})))
        .collect();
    events::append_bulk(&app, chunk, |_, _| Box::pin(async { Ok(()) }))
        .await
        .expect("stored");
    changed(&mut before, both(&app, &DAYS, "a bulk").await, "a bulk");
    // What a record said then.
    let told = (0..20).map(|no| change(&format!("account-{no:04}"), "2025-06-01", json!({ "mrr": 5.0 })));
    store(&app, vec![], told.collect()).await;
    both(&app, &DAYS, "a field of then").await;
    // An account that nobody had heard of.
    let start = event(
        900,
        number("2025-06-01"),
        80,
        0,
        "subscription_started",
        json!({ "mrr": 9.0 }),
    );
    store(&app, vec![start], vec![]).await;
    before = both(&app, &DAYS, "a new account").await;
    // Today's events change nothing of then, but whether the outcome came.
    store(&app, vec![event(5, now - 1, 81, 0, "login", json!({}))], vec![]).await;
    let same = both(&app, &DAYS, "an event of today").await;
    assert!(before == same);
    // Two accounts are one, and are two again.
    let merge = app
        .post("/api/v1/account-merges")
        .as_role(Role::Manager)
        .json(&json!({ "survivor": "account-0001", "merged": "account-0002", "choices": {} }))
        .await
        .ok();
    changed(&mut before, both(&app, &DAYS, "a merge").await, "a merge");
    let parting = format!(
        "/api/v1/account-merges/{}/parting",
        merge["id"].as_str().expect("an id")
    );
    app.post(&parting).as_role(Role::Manager).await.ok();
    assert!(both(&app, &DAYS, "a parting").await == same);
    // Everything of a person is erased.
    let theirs = |no: usize| {
        let mut it = event(no, number("2026-01-20"), 82, 0, "login", json!({}));
        it.contact = Some("ann".into());
        it
    };
    store(&app, (0..20).map(theirs).collect(), vec![]).await;
    changed(
        &mut before,
        both(&app, &DAYS, "a person's events").await,
        "a person's events",
    );
    events::erase(&app, &Subject::Contact(vec!["ann".into()]))
        .await
        .expect("erased");
    changed(&mut before, both(&app, &DAYS, "erasing").await, "erasing");
}

#[tokio::test]
async fn only_accounts_of_which_something_earlier_is_told_are_noted() {
    let app = app(&program(), company(53, 40, 0.8)).await;
    store(
        &app,
        vec![event(1, number("2025-09-01"), 70, 0, "login", json!({}))],
        vec![],
    )
    .await;
    gathered(&app, &DAYS).await;
    assert_eq!(app.count("known_changed").await, 0);
    let today = number("2026-06-29");
    let events = vec![
        event(1, today, 71, 0, "login", json!({})),
        event(2, number("2026-05-31"), 71, 5, "login", json!({})),
    ];
    store(&app, events, vec![]).await;
    gathered(&app, &DAYS).await;
    assert_eq!(app.count("known_changed").await, 1);
    // Days that are no month ends are not kept.
    gathered(&app, &["2026-03-15"]).await;
    assert_eq!(app.count("known_sets").await, 1);
    // What everything is computed by changed: nothing that was kept holds.
    let app = app.reopen().await;
    store(
        &app,
        vec![event(3, number("2026-05-30"), 71, 6, "login", json!({}))],
        vec![],
    )
    .await;
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    assert_eq!(app.count("known_changed").await, 2);
    crate::metrics::distrust(&app).await.expect("distrusted");
    while crate::metrics::catch_up(&app).await.expect("caught up") {}
    assert_eq!(
        (app.count("known_sets").await, app.count("known_changed").await),
        (0, 0)
    );
}

#[tokio::test]
async fn what_back_tests_begin_with_is_made_ready_once_and_again_where_something_earlier_is_told() {
    let app = app(&program(), company(54, 40, 0.8)).await;
    crate::reactors::catch_up(&app).await.expect("caught up");
    assert!(crate::models::ready::refresh(&app).await.expect("made ready"));
    assert!(!crate::models::ready::refresh(&app).await.expect("nothing to do"));
    let sets = app.count("known_sets").await;
    // A back-test of them computes nothing: what it would be computed from is away.
    let tx = app.store.begin().await.expect("a transaction");
    let sql = "UPDATE account_state SET activity = $1";
    tx.run(sql, args![Vec::<u8>::new()]).await.expect("emptied");
    tx.commit().await.expect("committed");
    let tested = backtest(&app, "health", quick()).await;
    assert_eq!(tested["state"], "done", "{tested}");
    assert!(
        method(&tested["report"], "score")["auc"]["value"]
            .as_f64()
            .expect("an AUC")
            > 0.6
    );
    assert_eq!(app.count("known_sets").await, sets);
    store(
        &app,
        vec![event(1, number("2026-06-29"), 90, 0, "login", json!({}))],
        vec![],
    )
    .await;
    crate::reactors::catch_up(&app).await.expect("caught up");
    assert!(!crate::models::ready::refresh(&app).await.expect("nothing to do"));
    store(
        &app,
        vec![event(1, number("2025-12-29"), 90, 0, "login", json!({}))],
        vec![],
    )
    .await;
    crate::reactors::catch_up(&app).await.expect("caught up");
    assert!(
        crate::models::ready::refresh(&app)
            .await
            .expect("made ready again")
    );
}
