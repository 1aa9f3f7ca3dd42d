//! Pages, tiles and lists as files: the same figures as on the page, numbers as numbers, and nothing that a spreadsheet would run.

use std::io::Read;

use serde_json::{Value as Json, json};

use super::{company, list, text, tiles};
use crate::auth::Role::{Csm, Viewer};
use crate::testing::TestApp;

/// The files of a zip by name, read along its own headers.
fn unpacked(bytes: &[u8]) -> Vec<(String, String)> {
    let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let long = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let mut found = Vec::new();
    let mut at = 0;
    while long(at) == 0x0403_4b50 {
        let (crc, packed, name) = (long(at + 14), long(at + 18) as usize, short(at + 26));
        let start = at + 30 + name + short(at + 28);
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(&bytes[start..start + packed])
            .read_to_string(&mut text)
            .expect("a deflated text");
        let mut sum = flate2::Crc::new();
        sum.update(text.as_bytes());
        assert_eq!((sum.sum(), text.len()), (crc, long(at + 22) as usize));
        found.push((
            String::from_utf8_lossy(&bytes[at + 30..at + 30 + name]).into_owned(),
            text,
        ));
        at = start + packed;
    }
    assert_eq!(long(bytes.len() - 22), 0x0605_4b50);
    assert_eq!(short(bytes.len() - 12), found.len());
    found
}

async fn bytes(app: &TestApp, path: &str) -> Vec<u8> {
    let answer = app.get(&format!("/api/v1{path}")).as_role(Viewer).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text());
    assert!(
        answer
            .header("content-disposition")
            .is_some_and(|it| it.starts_with("attachment"))
    );
    answer.body.clone()
}

fn records(csv: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes())
        .records()
        .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn a_page_is_a_sheet_for_each_tile_with_the_figures_of_the_page() {
    let (app, _) = company().await;
    let page = app
        .get("/api/v1/dashboards/engagement/data?segment=core")
        .as_role(Viewer)
        .await
        .ok();
    let files = unpacked(&bytes(&app, "/dashboards/engagement/export/csv?segment=core").await);
    assert_eq!(files.len(), list(&page, "tiles").len() + 1);
    for (_, csv) in &files {
        let rows = records(csv);
        let said = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1].clone());
        assert_eq!(said("Figures up to").as_deref(), page["as_of"].as_str());
        assert!(
            said("Filters").is_some_and(|it| it.contains("segment: Core")),
            "{csv}"
        );
        assert!(said("Program").is_some());
    }
    let rate = tiles(&page)["rate"];
    let (_, csv) = files
        .iter()
        .find(|(_, csv)| {
            records(csv)
                .iter()
                .any(|row| row[0] == "Tile" && row[1] == text(rate, "title"))
        })
        .expect("the tile");
    let rows = records(csv);
    let head = rows.iter().position(|row| row[0] == "From").expect("a head");
    let value: f64 = rows[head + 1][2].parse().expect("a number");
    assert_eq!(Some(value), rate["figure"]["value"].as_f64());
    // A workbook is a zip of XML: a sheet for each, numbers as numbers, no formula.
    let book = unpacked(&bytes(&app, "/dashboards/engagement/export/xlsx?segment=core").await);
    let sheets: Vec<&(String, String)> = book
        .iter()
        .filter(|(name, _)| name.starts_with("xl/worksheets/sheet"))
        .collect();
    assert_eq!(sheets.len(), files.len());
    assert!(sheets.iter().all(|(_, xml)| !xml.contains("<f>")));
    assert!(
        sheets
            .iter()
            .any(|(_, xml)| xml.contains(&format!("<v>{value}</v>")))
    );
    app.get("/api/v1/dashboards/engagement/export/pdf")
        .as_role(Viewer)
        .await
        .problem(422);
    app.get("/api/v1/dashboards/engagement/tiles/nothing/export/csv")
        .as_role(Viewer)
        .await
        .problem(404);
}

#[tokio::test]
async fn names_that_look_like_formulas_are_texts_in_every_file() {
    let (app, _) = company().await;
    let evil = "=HYPERLINK(\"http://x\",\"y\")";
    let body = json!({ "definition": { "title": "@page", "tiles": [
        { "id": "t", "kind": "table", "title": "+tile", "sql": format!("SELECT '{evil}' AS \"-name\", -2.5 AS n") },
    ] } });
    let made = app.post("/api/v1/dashboards").as_role(Csm).json(&body).await.ok();
    let path = format!("/api/v1/dashboards/{}", text(&made, "id"));
    let csv = app.get(&format!("{path}/tiles/t/export/csv")).as_role(Csm).await;
    let rows = records(&csv.text());
    assert!(
        rows.iter()
            .flatten()
            .all(|cell| !cell.starts_with(['=', '+', '@'])),
        "{rows:?}"
    );
    let last = rows.last().expect("a row");
    assert_eq!(last, &vec![format!("'{evil}"), "-2.5".to_owned()]);
    let book = unpacked(&app.get(&format!("{path}/export/xlsx")).as_role(Csm).await.body);
    assert!(
        book.iter()
            .all(|(_, xml)| !xml.contains("<f>") && !xml.contains("<hyperlink"))
    );
    let styles = book
        .iter()
        .find(|(name, _)| name == "xl/styles.xml")
        .expect("styles");
    assert!(styles.1.contains("quotePrefix=\"1\""));
}

#[tokio::test]
async fn the_accounts_behind_a_point_are_a_file_too() {
    let (app, _) = company().await;
    let shown = app
        .get("/api/v1/kpis/engagement_rate/accounts?side=numerator&limit=500")
        .as_role(Viewer)
        .await
        .ok();
    let csv = bytes(&app, "/exports/kpis/engagement_rate/accounts/csv?side=numerator").await;
    let rows = records(std::str::from_utf8(&csv).expect("text"));
    let head = rows
        .iter()
        .position(|row| row[0] == "Account id")
        .expect("a head");
    let ids: Vec<&str> = rows[head + 1..].iter().map(|row| row[0].as_str()).collect();
    let wanted: Vec<&str> = list(&shown, "items")
        .iter()
        .map(|it| text(it, "account_id"))
        .collect();
    assert!(!ids.is_empty());
    assert_eq!(ids, wanted);
    let filter = "mrr%20%3E%20100";
    let all: Json = app
        .get(&format!("/api/v1/accounts?filter={filter}&limit=500"))
        .as_role(Viewer)
        .await
        .ok();
    let csv = bytes(
        &app,
        &format!("/exports/accounts/csv?filter={filter}&columns=days_since_login"),
    )
    .await;
    let rows = records(std::str::from_utf8(&csv).expect("text"));
    let head = rows
        .iter()
        .position(|row| row[0] == "Account id")
        .expect("a head");
    assert_eq!(rows.len() - head - 1, list(&all, "items").len());
    assert_eq!(rows[head].last().map(String::as_str), Some("days_since_login"));
    bytes(
        &app,
        "/exports/kpis/engagement_rate/accounts/xlsx?by=segment&scope=core",
    )
    .await;
    bytes(&app, &format!("/exports/accounts/xlsx?filter={filter}")).await;
}
