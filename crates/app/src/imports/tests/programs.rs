//! The programs of real data, on small tables of the same shape; and a simulated company.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::{Desk, counts};

fn program(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../programs")
        .join(name)
}

/// Applies a program of the repository.
async fn apply(desk: &Desk, name: &str) {
    let mut files = serde_json::Map::new();
    for entry in std::fs::read_dir(program(name)).expect("a program") {
        let path = entry.expect("an entry").path();
        let file = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        if file.ends_with(".yaml") && file != "import.yaml" && !file.ends_with(".map.yaml") {
            files.insert(file, std::fs::read_to_string(&path).expect("a text").into());
        }
    }
    desk.app
        .post("/api/v1/program/apply")
        .as_operator()
        .json(&json!({ "files": files }))
        .await
        .ok();
}

async fn ravenstack() -> Desk {
    let desk = Desk::new().await;
    apply(&desk, "ravenstack").await;
    desk.file(
        "accounts.csv",
        "account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag\n\
         A-1,Company_0,EdTech,US,2024-01-01,partner,Basic,9,False,False\nA-2,Company_1,FinTech,IN,2023-12-01,other,Pro,60,True,True\n",
    );
    desk.file(
        "subscriptions.csv",
        "subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,upgrade_flag,downgrade_flag,churn_flag,billing_frequency,auto_renew_flag\n\
         S-1,A-1,2024-01-10,2024-05-10,Basic,9,100,1200,False,False,False,True,monthly,True\n\
         S-2,A-1,2024-02-01,,Pro,9,250,3000,False,True,False,False,annual,True\n\
         S-3,A-1,2024-04-01,,Pro,9,70,840,False,False,False,False,monthly,True\n\
         S-4,A-2,2024-01-01,,Pro,60,0,0,True,False,False,False,monthly,False\n",
    );
    desk.file(
        "churn_events.csv",
        "churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,preceding_upgrade_flag,preceding_downgrade_flag,is_reactivation,feedback_text\n\
         C-1,A-1,2024-03-01,budget,4.03,False,False,False,switched to competitor\nC-2,A-2,2024-06-01,features,0.0,True,False,True,\n",
    );
    desk.file(
        "feature_usage.csv",
        "usage_id,subscription_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count,is_beta_feature\n\
         U-1,S-1,2024-02-02,feature_20,9,5004,0,False\nU-2,S-4,2023-07-01,feature_5,3,30,1,True\nU-1,S-2,2024-02-09,feature_1,1,10,0,False\n",
    );
    desk.file(
        "support_tickets.csv",
        "ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,satisfaction_score,escalation_flag\n\
         T-1,A-1,2024-02-27,2024-02-28T03:00:00,27,high,74,,True\nT-2,A-2,2024-02-08,2024-02-09T03:00:00,27,urgent,144,4.0,False\n",
    );
    desk
}

#[tokio::test]
async fn ravenstack_is_imported_without_an_unexplained_row() {
    let desk = ravenstack().await;
    let done = desk
        .import(json!({ "path": desk.folder(), "map": program("ravenstack") }))
        .await;
    assert_eq!(
        (done["state"].as_str(), counts(&done)),
        (Some("done"), [13, 12, 1, 0]),
        "{done}"
    );
    let events = desk.events();
    let of = |id: &str| {
        events
            .iter()
            .find(|event| event["id"] == id)
            .unwrap_or_else(|| panic!("no {id} in {events:?}"))
            .clone()
    };
    assert_eq!(
        of("churn/C-1")["properties"],
        json!({
            "feedback": "switched to competitor", "refund": 4.03, "after_upgrade": false, "after_downgrade": false, "came_back": false,
            "reason": "company_change", "secondary_reasons": ["competitor"],
        })
    );
    assert_eq!(of("churn/C-2")["properties"]["reason"], "feature_gaps");
    assert_eq!(
        (&of("U-1")["account"], &of("U-1")["properties"]["feature"]),
        (&json!("A-1"), &json!("feature_20"))
    );
    assert_eq!(
        (
            &of("U-2")["account"],
            &of("U-2")["properties"]["subscription_start"]
        ),
        (&json!("A-2"), &json!("2024-01-01"))
    );
    assert_eq!(of("ticket/T-1/escalated")["at"], "2024-02-27T00:00:00Z");
    assert_eq!(
        (
            &of("ticket/T-2/satisfaction")["at"],
            &of("ticket/T-2/satisfaction")["properties"]["score"]
        ),
        (&json!("2024-02-09T03:00:00Z"), &json!(4))
    );
    assert!(events.iter().all(|event| event["id"] != "ticket/T-2/escalated"));
}

/// From the table above by hand: A-1 pays 100 from 10 January and 350 from 1 February until it churns on 1 March; S-3 brings it back on
/// 1 April with 70, and the end of S-1 in May, long gone, changes nothing. A-2 is on trial until it churns on 1 June.
#[tokio::test]
async fn ravenstack_accounts_churn_by_event_and_come_back() {
    let desk = ravenstack().await;
    desk.import(json!({ "path": desk.folder(), "map": program("ravenstack") }))
        .await;
    desk.app.catch_up().await.expect("measured");
    for (day, first, second) in [
        ("2024-01-31", (true, Some(100.0)), (true, Some(0.0))),
        ("2024-02-29", (true, Some(350.0)), (true, Some(0.0))),
        ("2024-03-15", (false, None), (true, Some(0.0))),
        ("2024-04-01", (true, Some(70.0)), (true, Some(0.0))),
        ("2024-05-31", (true, Some(70.0)), (true, Some(0.0))),
        ("2024-06-02", (true, Some(70.0)), (false, None)),
    ] {
        for (id, segment, (active, mrr)) in [("A-1", "small", first), ("A-2", "large", second)] {
            let account = desk
                .app
                .get(&format!("/api/v1/accounts/{id}?as_of={day}"))
                .as_operator()
                .await
                .ok();
            assert_eq!(
                (&account["active"], &account["segment"]),
                (&json!(active), &json!(segment)),
                "{id} on {day}: {account}"
            );
            if let Some(mrr) = mrr {
                assert_eq!(account["mrr"].as_f64(), Some(mrr), "{id} on {day}: {account}");
            }
        }
    }
}

#[tokio::test]
async fn invoices_become_orders_customers_and_their_beginning() {
    let desk = Desk::new().await;
    apply(&desk, "retail").await;
    desk.file(
        "invoices.csv",
        "customer_id,invoice_no,invoiced_at,country,n_lines,n_products,quantity,amount_gbp,is_cancellation\n\
         17850,536365,2010-12-01T08:26:00,United Kingdom,7,7,40,139.12,False\n\
         17850,536366,2011-06-01T08:28:00,France,2,2,12,22.2,False\n\
         13047,C53636,2010-12-01T08:34:00,United Kingdom,1,1,-3,-27.5,True\n",
    );
    let done = desk
        .import(json!({ "path": desk.folder(), "map": program("retail") }))
        .await;
    assert_eq!(
        (done["state"].as_str(), counts(&done)),
        (Some("done"), [3, 3, 0, 0]),
        "{done}"
    );
    assert_eq!(
        desk.known().await,
        [
            r#"13047|Customer 13047|||{"country":"United Kingdom"}"#,
            r#"17850|Customer 17850|||{"country":"France"}"#
        ]
    );
    let told: Vec<String> = desk
        .events()
        .iter()
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {} {}",
                text("id"),
                text("name"),
                text("at"),
                it["properties"]["amount"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "customer/13047/started subscription_started 2010-12-01T00:00:00Z null",
            "customer/17850/started subscription_started 2010-12-01T00:00:00Z null",
            "invoice/536365 order_placed 2010-12-01T08:26:00Z 139.12",
            // London is an hour ahead in June.
            "invoice/536366 order_placed 2011-06-01T07:28:00Z 22.2",
            "invoice/C53636 order_cancelled 2010-12-01T08:34:00Z -27.5",
        ]
    );
}

/// The simulation counts what it does wrong on purpose; the import finds exactly that.
#[tokio::test]
async fn a_simulated_company_is_imported_but_for_its_dirt() {
    let desk = Desk::new().await;
    apply(&desk, "medtrainer").await;
    let options = tenure_simulate::Options {
        accounts: 30,
        months: 3,
        seed: 7,
        until: jiff::civil::date(2026, 6, 29),
        events_per_account_month: Some(20.0),
    };
    let summary = tenure_simulate::write(&options, desk.folder(), &mut |_| {}).expect("a company");
    let done = desk.import(json!({ "path": desk.folder() })).await;
    assert_eq!(done["state"], "done", "{done}");
    for file in done["files"].as_array().expect("files") {
        let name = file["path"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
            .expect("a name");
        let told = summary.file(name).unwrap_or_else(|| panic!("{name} is told of"));
        let expected = [
            told.rows,
            told.rows - told.duplicates - told.bad_rows,
            told.duplicates,
            told.bad_rows,
        ];
        assert_eq!(counts(file), expected, "{name}: {}", samples(&done));
    }
}

fn samples(import: &Json) -> String {
    import["reject_samples"].to_string()
}
