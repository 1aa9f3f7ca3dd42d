//! Mapping files and folders.

use serde_json::{Value as Json, json};

use super::{Desk, counts, sums_up};

const EXPORT: &str = "Konto;Firma;Mitarbeiter;Umsatz pro Jahr;Kunde seit;Status;Bereich\n\
                      K-1;Nordlicht;1-50;1.200,50;31.12.2024;aktiv;Nord\n\
                      K-2;Südwind;120;24.000;01.02.2025;aktiv;Süd\n\
                      K-3;Test;5;1;01.01.2025;intern;Süd\n\
                      K-4;Ostsee;viele;1;01.01.2025;aktiv;Ost\n";

const MAP: &str = r#"
decimal: ","
dates: {format: "%d.%m.%Y", zone: Europe/Berlin}
skip_when: "Status = 'intern'"
fields:
  account_id: Konto
  name: Firma
  employees: {column: Mitarbeiter, values: {"1-50": 25}}
  mrr: {formula: '"Umsatz pro Jahr" / 12'}
  currency: {constant: EUR}
  started_on: Kunde seit
  attributes.origin: {formula: "upper(bereich) || '/' || lower(konto)"}
"#;

#[tokio::test]
async fn a_map_translates_a_foreign_export() {
    let desk = Desk::new().await;
    let file = desk.file("konten.csv", EXPORT);
    let done = desk.mapped(&file, "accounts", MAP).await;
    assert_eq!(counts(&done), [4, 2, 0, 1], "{done}");
    assert_eq!(done["skipped"], 1);
    let attributes: Vec<Json> = desk
        .known()
        .await
        .iter()
        .map(|line| serde_json::from_str(line.rsplit('|').next().expect("attributes")).expect("an object"))
        .collect();
    // 1,200.50 a year are 100.0416… a month; 24,000 are 2,000.
    assert_eq!(attributes[0]["employees"], 25);
    let mrr = attributes[0]["mrr"].as_f64().expect("a number");
    assert!((mrr - 100.041_666).abs() < 1e-5, "{mrr}");
    assert_eq!(
        attributes[1],
        json!({"origin": "SÜD/k-2", "employees": 120, "started_on": "2025-02-01", "mrr": 2_000, "currency": "EUR"})
    );
    assert_eq!(
        desk.rejects().await,
        [(5, Some("employees".to_owned()), "it is not a number".to_owned())]
    );
}

#[tokio::test]
async fn mistakes_in_a_map_are_named() {
    let desk = Desk::new().await;
    let file = desk.file("konten.csv", EXPORT);
    for (map, field, said) in [
        (
            "fields: {account_id: Konto, nmae: Firma}",
            "fields.nmae",
            "accounts have no field “nmae”; did you mean “name”?",
        ),
        (
            "fields: {account_id: Konto, name: Frima}",
            "fields.name",
            "has no column “Frima”; did you mean “Firma”?",
        ),
        (
            "feilds: {account_id: Konto}",
            "feilds",
            "there is no key “feilds”; did you mean “fields”?",
        ),
        ("fields: {account_id: Konto}", "fields.name", "accounts need name"),
        (
            "fields: {account_id: Konto, name: {colum: Firma}}",
            "fields.name.colum",
            "did you mean “column”?",
        ),
        (
            "fields: {account_id: Konto, name: {formula: 'upper(frima)'}}",
            "fields.name.formula",
            "frima",
        ),
        (
            "fields: {account_id: Konto, name: {column: Firma, constant: x}}",
            "fields.name",
            "exactly one of column, constant and formula",
        ),
        (
            "fields: {account_id: Konto, name: Firma}\nskip_when: \"Firma\"",
            "skip_when",
            "a condition is needed",
        ),
        (
            "fields: {account_id: Konto, name: Firma}\ndates: {zone: Mars/Olympus}",
            "dates.zone",
            "Mars/Olympus",
        ),
        (
            "fields: {account_id: Konto, name: Firma}\ndates: {known: as_date}",
            "dates.known",
            "did you mean “as_dated”?",
        ),
        (
            "fields: {account_id: Konto, name: Firma}\nencoding: utf9",
            "",
            "no encoding is called “utf9”",
        ),
        ("fields: [a", "map", "not YAML"),
        (
            "fields: {account_id: Konto, name: Firma}\nalso: [{kind: tickets}]",
            "also[0]",
            "it needs `kind` and `fields`",
        ),
        (
            "fields: {account_id: Konto, name: {column: Firma, lookup: {file: other.csv, key: a, value: b}}}",
            "fields.name",
            "other.csv",
        ),
    ] {
        let fault = desk
            .fault(json!({ "path": file, "kind": "accounts", "map": format!("{map}\n") }))
            .await;
        assert!(
            fault["field"].as_str().expect("a field").contains(field),
            "{map}: {fault}"
        );
        assert!(
            fault["problem"].as_str().expect("a problem").contains(said),
            "{map}: {fault}"
        );
    }
    assert_eq!(desk.count("imports").await, 0);
}

#[tokio::test]
async fn a_column_of_figures_is_a_number_only_if_all_of_it_is() {
    let desk = Desk::new().await;
    let file = desk.file(
        "a.csv",
        "id,name,zip,amount\nA-1,One,01234,5\nA-2,Two,99999,6\nA-3,Three,12345,7\n",
    );
    let map = "fields: {account_id: id, name: name, attributes.zip3: {formula: 'substr(zip, 1, 3)'}, mrr: {formula: amount * 2}}";
    assert_eq!(counts(&desk.mapped(&file, "accounts", map).await), [3, 3, 0, 0]);
    assert!(
        desk.known().await[0].contains(r#""zip3":"012","mrr":10"#),
        "{:?}",
        desk.known().await
    );
    // Beyond the first thousand rows a text among the figures is one bad row.
    let rows: String = (0..1_200)
        .map(|n| {
            if n == 1_100 {
                format!("B-{n},x,n/a\n")
            } else {
                format!("B-{n},x,{n}\n")
            }
        })
        .collect();
    let file = desk.file("b.csv", format!("id,name,amount\n{rows}"));
    let done = desk
        .mapped(
            &file,
            "accounts",
            "fields: {account_id: id, name: name, mrr: {formula: amount * 2}}",
        )
        .await;
    assert_eq!(counts(&done), [1_200, 1_199, 0, 1]);
    assert_eq!(
        done["reject_samples"][0]["reason"],
        "the formula takes amount as a number, and it is “n/a”"
    );
}

#[tokio::test]
async fn one_row_may_say_several_things_and_look_others_up() {
    let desk = Desk::new().await;
    desk.file("plans.csv", "plan,owner\ngold,ann@example.com\n");
    let file = desk.file("orders.csv", "no,customer,plan,at,total\n1,C1,gold,2026-01-01T10:00:00Z,5.5\n2,C1,gold,2026-01-02T10:00:00Z,7\n3,C2,tin,2026-01-03T10:00:00Z,9\n");
    let map = r#"
types: {no: text}
fields:
  message_id: {formula: "'order/' || no"}
  account_id: customer
  name: {constant: order_placed}
  occurred_at: at
  properties.amount: total
others: ignore
also:
  - kind: accounts
    fields:
      account_id: customer
      name: customer
      owner: {column: plan, lookup: {file: plans.csv, key: plan, value: owner}}
      updated_at: at
"#;
    let done = desk.mapped(&file, "events", map).await;
    assert_eq!(counts(&done), [3, 2, 0, 1]);
    assert_eq!(
        done["reject_samples"][0]["reason"],
        "plans.csv has no row with this key"
    );
    assert_eq!(desk.known().await, ["C1|C1|ann@example.com||{}"]);
    let events = desk.events();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[1]["id"], &events[1]["properties"]),
        (&json!("order/2"), &json!({"amount": 7}))
    );
}

#[tokio::test]
async fn what_rows_say_is_known_from_the_import_on_or_from_its_own_date_on() {
    let desk = Desk::new().await;
    let accounts = desk.file("accounts.csv", "account_id,name\nA-1,Ann\n");
    desk.one(&accounts, "accounts").await;
    let head = "ticket_id,account_id,opened_at,resolved_at\n";
    let plain = desk.file("plain.csv", format!("{head}T-1,A-1,2026-01-05,2026-01-09\n"));
    desk.one(&plain, "tickets").await;
    let dated = desk.file("dated.csv", format!("{head}T-2,A-1,2026-01-05,2026-01-09\n"));
    desk.mapped(&dated, "tickets", "dates: {known: as_dated}").await;
    let told = desk.file(
        "told.csv",
        "account_id,effective_on,change,mrr,received_at\nA-1,2026-01-01,started,10,2026-01-20\nA-1,2026-02-01,upsell,20,\n",
    );
    desk.mapped(&told, "subscriptions", "dates: {known: as_dated}")
        .await;
    let start = desk.app.clock.now();
    let known: Vec<String> = crate::events::tail_since(&desk.app, 0)
        .iter()
        .flat_map(|(_, rows)| rows.iter())
        .filter(|row| row.kind != "account")
        .map(|row| {
            let at = jiff::Timestamp::from_microsecond(row.received_at).expect("an instant");
            let known = if at == start {
                "the start".to_owned()
            } else {
                at.to_string()
            };
            format!("{} {known}", row.name)
        })
        .collect();
    assert_eq!(
        known,
        [
            "ticket_opened the start",
            "ticket_resolved the start",
            "ticket_opened 2026-01-05T00:00:00Z",
            "ticket_resolved 2026-01-09T00:00:00Z",
            // What the row says of it counts before what the map says of all.
            "subscription_started 2026-01-20T00:00:00Z",
            "mrr_changed 2026-02-01T00:00:00Z",
        ]
    );
}

#[tokio::test]
async fn rows_of_another_file_are_put_beside_each_row_with_the_same_keys() {
    let desk = Desk::new().await;
    desk.file(
        "plan.csv",
        "course,year,milestone,due\nA,1,first,2026-01-10\nA,1,second,2026-02-10\nA,2,first,2026-03-10\n",
    );
    desk.file("days.csv", "milestone,points\nfirst,5\nsecond,7\n");
    let file = desk.file("people.csv", "who,course,year\nP1,A,1\nP2,A,2\nP3,B,1\n,A,1\n");
    let map = r#"
join:
  - {file: plan.csv, on: {course: course, year: year}}
  - {file: days.csv, on: {milestone: milestone}}
skip_when: "due IS NULL"
fields:
  message_id: {formula: "who || '/' || milestone"}
  account_id: who
  name: {constant: milestone_due}
  occurred_at: due
  received_at: due
  properties.points: points
  properties.twice: {formula: "points * 2"}
others: ignore
"#;
    let done = desk.mapped(&file, "events", map).await;
    // Four rows: two with one or two milestones, one without any, one whose account is missing.
    assert_eq!(
        (counts(&done), &done["skipped"]),
        ([4, 2, 0, 1], &json!(1)),
        "{done}"
    );
    let told: Vec<String> = desk
        .events()
        .iter()
        .map(|event| {
            format!(
                "{} {} {}",
                event["id"].as_str().unwrap_or_default(),
                event["properties"]["points"],
                event["properties"]["twice"]
            )
        })
        .collect();
    assert_eq!(told, ["P1/first 5 10", "P1/second 7 14", "P2/first 5 10"]);
    for (join, said) in [
        (
            "{file: ../plan.csv, on: {course: course}}",
            "leads out of the folder",
        ),
        ("{file: plan.csv, on: {curse: course}}", "did you mean"),
        ("{file: plan.csv, on: {course: corse}}", "did you mean"),
        ("{file: plan.csv}", "by which columns"),
        ("{file: none.csv, on: {course: course}}", "cannot be read"),
    ] {
        let body = json!({ "path": file, "kind": "events", "map": format!("join: {join}\nfields: {{account_id: who, name: course, occurred_at: year, message_id: who}}\n") });
        let fault = desk.fault(body).await;
        assert!(fault.to_string().contains(said), "{join}: {fault}");
    }
}

#[tokio::test]
async fn a_folder_is_imported_in_the_order_of_its_description() {
    let desk = Desk::new().await;
    desk.file(
        "tickets.csv",
        "ticket_id,account_id,opened_at\nT-1,A-1,2026-01-01\nT-2,A-7,2026-01-01\n",
    );
    desk.file("accounts.csv", "Nr,Name\nA-1,One\n");
    desk.file("none.csv", "response_id,account_id,survey\n");
    desk.file("accounts.map.yaml", "fields: {account_id: Nr, name: Name}\n");
    desk.file(
        "import.yaml",
        "files:\n  - {path: accounts.csv, kind: accounts, map: accounts.map.yaml}\n  - {path: tickets.csv, kind: tickets}\n  - {path: none.csv, kind: responses}\n",
    );
    let done = desk.import(json!({ "path": desk.folder() })).await;
    sums_up(&done);
    assert_eq!(
        (done["state"].as_str(), done["kind"].as_str(), counts(&done)),
        (Some("done"), Some("folder"), [3, 2, 0, 1])
    );
    assert!(
        done["files"][2]["note"]
            .as_str()
            .expect("a note")
            .contains("has a header but no rows"),
        "{done}"
    );
    let again = desk.import(json!({ "path": desk.folder() })).await;
    assert_eq!(
        (again["state"].as_str(), counts(&again)),
        (Some("done"), [3, 0, 2, 1])
    );
    // Only what is new is read again.
    desk.file("accounts.csv", "Nr,Name\nA-1,One\nA-7,Seven\n");
    let more = desk.import(json!({ "path": desk.folder() })).await;
    assert_eq!(counts(&more), [4, 1, 2, 1]);

    desk.file(
        "import.yaml",
        "files:\n  - {path: ../accounts.csv, kind: accounts}\n",
    );
    let fault = desk.fault(json!({ "path": desk.folder() })).await;
    assert!(
        fault["problem"]
            .as_str()
            .expect("a problem")
            .contains("leads out of the folder"),
        "{fault}"
    );
    desk.file("import.yaml", "files:\n  - {path: accounts.csv, kind: acounts}\n");
    let fault = desk.fault(json!({ "path": desk.folder() })).await;
    assert!(
        fault["problem"]
            .as_str()
            .expect("a problem")
            .contains("did you mean “accounts”?"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_mistake_in_a_map_is_told_with_line_and_column() {
    let desk = Desk::new().await;
    let file = desk.file("a.csv", "Konto,Firma,Zip\nA-1,One,1\n");
    for (map, place) in [
        (
            "fields:\n  account_id: Konto\n  nmae: Firma\n",
            "map:3:3 fields.nmae",
        ),
        (
            "# a remark\nfields:\n  account_id: Konto\n  name:\n    column: Firma\n    defualt: x\n",
            "map:6:5 fields.name.defualt",
        ),
        (
            "fields: {account_id: Konto, name: Firma,\n  attributes.zip: {formula: 'upper(zap)'}}\n",
            "map:2:20 fields.attributes.zip.formula",
        ),
        (
            "fields: {account_id: Konto, name: Firma}\nalso:\n  - kind: tickets\n    fields: {ticket_id: Konto}\n  - kind: tickets\n",
            "map:5:5 also[1]",
        ),
        // What is missing is told at what it is missing in.
        (
            "decimal: '.'\nfields: {account_id: Konto}\n",
            "map:2:1 fields.name",
        ),
    ] {
        let fault = desk
            .fault(json!({ "path": file, "kind": "accounts", "map": map }))
            .await;
        assert_eq!(fault["field"], place, "{map}: {fault}");
    }
    desk.file("import.yaml", "files:\n  - {path: a.csv,\n     kind: acounts}\n");
    let fault = desk.fault(json!({ "path": desk.folder() })).await;
    let field = fault["field"].as_str().expect("a field");
    assert!(field.ends_with("import.yaml:3:6 files[0].kind"), "{fault}");
}
