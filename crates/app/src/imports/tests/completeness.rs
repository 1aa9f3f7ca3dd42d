//! Completeness against plain counting over the rows that were imported.

use serde_json::{Value as Json, json};

use super::Desk;
use crate::auth::Role;

#[tokio::test]
async fn shares_are_what_counting_the_rows_gives() {
    let desk = Desk::new().await;
    let program = json!({ "files": {
        "program.yaml": "program: t\ntitle: T\ncurrency: USD\nstarted_on: 2025-01-01\n",
        "attributes.yaml": "attributes:\n  - {id: industry, label: Industry, type: text, required: true}\n  - {id: seats, label: Seats, type: integer}\n",
        "segments.yaml": "segments:\n  - {id: big, label: Big, rule: mrr > 100}\n  - {id: small, label: Small, rule: 'TRUE'}\n",
    } });
    desk.app
        .post("/api/v1/program/apply")
        .as_role(Role::Admin)
        .json(&program)
        .await
        .ok();
    // id, name, mrr, industry, seats, owner, a field that no program declares.
    let rows: Vec<[&str; 7]> = vec![
        ["A-1", "Ash", "500", "clinic", "5", "ann@example.com", "x"],
        ["A-2", "Birch", "50", "", "7", "", ""],
        ["A-3", "Cedar", "200", "dental", "", "", "y"],
        ["A-4", "Dogwood", "10", "", "", "ann@example.com", ""],
        ["A-5", "Elm", "20", "clinic", "3", "", ""],
    ];
    let mut csv = "account_id,name,mrr,industry,seats,owner,zone,started_on\n".to_owned();
    for row in &rows {
        csv.push_str(&format!("{},2025-02-01\n", row.join(",")));
    }
    desk.one(&desk.file("accounts.csv", csv), "accounts").await;
    let contacts =
        "contact_id,account_id,email,title\nc1,A-1,a@x.example,Nurse\nc2,A-1,,\nc3,A-2,b@x.example,\n";
    desk.one(&desk.file("contacts.csv", contacts), "contacts").await;
    desk.app.catch_up().await.expect("caught up");
    let it = desk
        .app
        .get("/api/v1/completeness")
        .as_role(Role::Viewer)
        .await
        .ok();
    let of = |it: &Json, list: &str, field: &str| {
        let all = it[list].as_array().expect("fields");
        all.iter()
            .find(|it| it["field"] == field)
            .cloned()
            .unwrap_or_default()
    };
    for (at, field) in [
        (1, "name"),
        (2, "mrr"),
        (3, "industry"),
        (4, "seats"),
        (5, "owner"),
        (6, "zone"),
    ] {
        let line = of(&it, "account_fields", field);
        let filled = |big: Option<bool>| {
            let wanted = |row: &&[&str; 7]| {
                big.is_none_or(|big| (row[2].parse::<f64>().expect("a number") > 100.0) == big)
            };
            (
                rows.iter()
                    .filter(wanted)
                    .filter(|row| !row[at].is_empty())
                    .count(),
                rows.iter().filter(wanted).count(),
            )
        };
        let (all, total) = filled(None);
        assert_eq!(
            (&line["filled"], &line["total"]),
            (&json!(all), &json!(total)),
            "{field}"
        );
        let ((big, bigs), (small, smalls)) = (filled(Some(true)), filled(Some(false)));
        let expected = json!([{ "segment": "big", "filled": big, "total": bigs }, { "segment": "small", "filled": small, "total": smalls }]);
        assert_eq!(line["by_segment"], expected, "{field}");
    }
    let industry = of(&it, "account_fields", "industry");
    assert_eq!(
        (&industry["required"], &industry["label"]),
        (&json!(true), &json!("Industry"))
    );
    assert_eq!(
        (
            &industry["sources"][0]["source"],
            &industry["sources"][0]["values"]
        ),
        (&json!("import"), &json!(3))
    );
    assert_eq!(of(&it, "contact_fields", "email")["filled"], 2);
    assert_eq!(of(&it, "contact_fields", "title")["filled"], 1);
    // Who lacks it, by MRR.
    let lacking = desk
        .app
        .get("/api/v1/completeness/accounts/industry")
        .as_role(Role::Viewer)
        .await
        .ok();
    let ids: Vec<&str> = lacking["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| it["account_id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, ["A-2", "A-4"]);
    let page = desk
        .app
        .get("/api/v1/completeness/accounts/seats?limit=1")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (
            &page["items"][0]["account_id"],
            &page["next_cursor"],
            &page["total"]
        ),
        (&json!("A-3"), &json!(1), &json!(2))
    );
    let of_big = desk
        .app
        .get("/api/v1/completeness/contacts/email?segment=big")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        (&of_big["total"], &of_big["items"][0]["contact_id"]),
        (&json!(1), &json!("c2"))
    );
    desk.app
        .get("/api/v1/completeness/accounts/nothing")
        .as_role(Role::Viewer)
        .await
        .problem(404);
}
