//! Kinds and maps that are proposed from headers and sample values.

use serde_json::{Value as Json, json};

use super::Desk;

impl Desk {
    /// The kind and the map's fields that are proposed for a file.
    async fn proposed(&self, name: &str, text: &str) -> (String, Json, Json) {
        let upload = self.upload().await;
        self.send(&upload, name, text.as_bytes()).await;
        let it = self.detail(&upload, name).await;
        let look = it["look"].clone();
        (
            look["kind"].as_str().expect("a kind").to_owned(),
            look["document"]["fields"].clone(),
            look,
        )
    }
}

#[tokio::test]
async fn ravenstacks_files_are_known_for_what_they_are() {
    let desk = Desk::new().await;
    let (kind, fields, look) = desk
        .proposed(
            "ravenstack_accounts.csv",
            "account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag\n\
             A-2e4581,Company_0,EdTech,US,2024-10-16,partner,Basic,9,False,False\n\
             A-43a9e3,Company_1,FinTech,IN,2023-08-17,other,Basic,18,False,True\n",
        )
        .await;
    assert_eq!(kind, "accounts");
    assert_eq!(look["problem"], Json::Null, "{look}");
    for (field, column) in [
        ("account_id", "account_id"),
        ("name", "account_name"),
        ("industry", "industry"),
        ("plan", "plan_tier"),
        ("seats", "seats"),
        ("attributes.country", "country"),
        ("attributes.churn_flag", "churn_flag"),
    ] {
        assert_eq!(fields[field], column, "{fields}");
    }
    let (kind, fields, look) = desk
        .proposed(
            "ravenstack_subscriptions.csv",
            "subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,upgrade_flag,churn_flag,billing_frequency\n\
             S-8cec59,A-2e4581,2023-12-23,2024-04-12,Enterprise,14,2786,33432,False,False,True,monthly\n\
             S-0f6f44,A-43a9e3,2024-06-11,,Pro,17,833,9996,False,False,False,monthly\n",
        )
        .await;
    assert_eq!(kind, "subscriptions");
    assert_eq!(look["problem"], Json::Null, "{look}");
    assert_eq!(
        fields,
        json!({ "account_id": "account_id", "subscription_id": "subscription_id", "start_on": "start_date", "end_on": "end_date", "mrr": "mrr_amount" })
    );
    let (kind, fields, look) = desk
        .proposed(
            "ravenstack_support_tickets.csv",
            "ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,satisfaction_score,escalation_flag\n\
             T-0024de,A-2e4581,2023-07-27,2023-07-28 03:00:00,27.0,high,53,4.0,False\n\
             T-4d6c41,A-43a9e3,2024-07-07,2024-07-09 01:00:00,49.0,urgent,1,,False\n",
        )
        .await;
    assert_eq!(kind, "tickets");
    assert_eq!(look["problem"], Json::Null, "{look}");
    assert_eq!(
        fields,
        json!({ "ticket_id": "ticket_id", "account_id": "account_id", "opened_at": "submitted_at", "resolved_at": "closed_at", "priority": "priority", "satisfaction": "satisfaction_score" })
    );
    let (kind, fields, look) = desk
        .proposed(
            "ravenstack_churn_events.csv",
            "churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,preceding_upgrade_flag,is_reactivation,feedback_text\n\
             C-816288,A-2e4581,2024-10-27,pricing,9.48,False,False,too expensive\n\
             C-5a81e5,A-43a9e3,2024-06-25,support,0.0,False,False,\n\
             C-b1f2aa,A-43a9e3,2024-09-25,budget,0.0,False,False,missing features\n",
        )
        .await;
    assert_eq!(kind, "subscriptions");
    assert_eq!(look["problem"], Json::Null, "{look}");
    assert_eq!(fields["account_id"], "account_id");
    assert_eq!(fields["effective_on"], "churn_date");
    assert_eq!(fields["change"], json!({ "constant": "churned" }));
    assert_eq!(fields["reason"], "reason_code");
}

#[tokio::test]
async fn an_account_is_looked_up_in_another_file_of_the_upload() {
    let desk = Desk::new().await;
    let upload = desk.upload().await;
    let usage = "usage_id,subscription_id,usage_date,feature_name,usage_count\nU-1,S-1,2023-07-27,feature_20,9\nU-2,S-2,2023-08-07,feature_5,9\n";
    desk.send(
        &upload,
        "subscriptions.csv",
        b"subscription_id,account_id,start_date,mrr_amount\nS-1,A-1,2023-01-01,10\nS-2,A-2,2023-01-01,10\n",
    )
    .await;
    desk.send(&upload, "feature_usage.csv", usage.as_bytes()).await;
    let it = desk.detail(&upload, "feature_usage.csv").await;
    assert_eq!(it["look"]["kind"], "events");
    let fields = &it["look"]["document"]["fields"];
    assert_eq!(fields["message_id"], "usage_id");
    assert_eq!(fields["occurred_at"], "usage_date");
    assert_eq!(fields["name"], json!({ "constant": "feature_used" }));
    assert_eq!(
        fields["account_id"],
        json!({ "column": "subscription_id", "lookup": { "file": "subscriptions.csv", "key": "subscription_id", "value": "account_id" } })
    );
    assert_eq!(it["look"]["problem"], Json::Null, "{it}");
    assert_eq!(it["look"]["rows"][0]["becomes"][0]["account_id"], "A-1");
}

#[tokio::test]
async fn spellings_are_found_from_the_values() {
    let desk = Desk::new().await;
    let (kind, fields, look) = desk
        .proposed(
            "export.csv",
            "Customer Number;Company Name;Team Size;MRR;Customer Since;Owner Email\n\
             7001;Nord;1-50;1.200,50;31.12.2024;ann@example.com\n\
             7002;Süd;120;24,00;01.02.2025;bob@example.com\n",
        )
        .await;
    assert_eq!(kind, "accounts");
    assert_eq!(fields["account_id"], "Customer Number");
    assert_eq!(fields["mrr"], json!({ "column": "MRR", "decimal": "," }));
    assert_eq!(
        fields["started_on"],
        json!({ "column": "Customer Since", "format": "%d.%m.%Y" })
    );
    // The middle of one to fifty.
    assert_eq!(
        fields["employees"],
        json!({ "column": "Team Size", "values": { "1-50": 25 } })
    );
    assert_eq!(fields["owner"], "Owner Email");
    assert_eq!(
        look["sample"],
        json!({ "rows": 2, "good": 2, "rejected": 0, "skipped": 0 })
    );
    assert_eq!(look["rows"][0]["becomes"][0]["mrr"], json!(1200.5));
    // Day and month that could be either are said to be so.
    let (_, fields, look) = desk
        .proposed(
            "accounts.csv",
            "id,name,start_date\n1,A,03/04/2025\n2,B,05/06/2025\n",
        )
        .await;
    assert_eq!(fields["started_on"]["format"], "%m/%d/%Y");
    let note = look["notes"][0]["note"].as_str().expect("a note");
    assert!(note.contains("%m/%d/%Y or %d/%m/%Y"), "{note}");
    // One that cannot be the month decides.
    let (_, fields, _) = desk
        .proposed(
            "accounts.csv",
            "id,name,start_date\n1,A,23/04/2025\n2,B,05/06/2025\n",
        )
        .await;
    assert_eq!(fields["started_on"]["format"], "%d/%m/%Y");
    // Words that mean ours are translated, others are asked for.
    let (kind, fields, look) = desk
        .proposed(
            "deals.csv",
            "deal_id,account_id,deal_type,created_date,close_date,amount,result\nD-1,A,Upgrade,2026-01-01,2026-02-01,10,Closed Won\nD-2,A,renewal,2026-01-01,2026-02-01,10,Closed Lost\nD-3,A,Zebra,2026-01-02,,5,\n",
        )
        .await;
    assert_eq!(kind, "opportunities");
    assert_eq!(
        fields["type"],
        json!({ "column": "deal_type", "values": { "Upgrade": "upsell" } })
    );
    assert_eq!(
        fields["outcome"]["values"],
        json!({ "Closed Lost": "lost", "Closed Won": "won" })
    );
    let texts = look["choices"][0]["texts"].as_array().expect("texts");
    let zebra = texts.iter().find(|it| it["text"] == "Zebra").expect("Zebra");
    assert_eq!(zebra["becomes"], Json::Null);
    assert_eq!(look["sample"]["rejected"], 1);
}
