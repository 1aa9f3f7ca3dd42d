//! Dashboards that people make: made, copied, changed, shared, removed and brought back; seen only by those who may.

use serde_json::{Value as Json, json};

use super::{company, list, text, tiles};
use crate::auth::Role::{self, Admin, Csm, Manager, Viewer};
use crate::definitions::Definitions;
use crate::kpis::tests::{apply, medtrainer};
use crate::testing::{Answer, TestApp};

const DASHBOARDS: &str = "/api/v1/dashboards";

async fn empty() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    app
}

async fn made(app: &TestApp, role: Role, body: Json) -> Json {
    app.post(DASHBOARDS).as_role(role).json(&body).await.ok()
}

fn at(page: &Json) -> String {
    format!("{DASHBOARDS}/{}", text(page, "id"))
}

async fn put(app: &TestApp, role: Role, page: &Json, body: Json) -> Answer {
    let tag = format!("\"{}\"", page["version"]);
    app.put(&at(page))
        .as_role(role)
        .header("if-match", &tag)
        .json(&body)
        .await
}

async fn share(app: &TestApp, role: Role, page: &Json, sharing: &str) -> Answer {
    let tag = format!("\"{}\"", page["version"]);
    app.put(&format!("{}/sharing", at(page)))
        .as_role(role)
        .header("if-match", &tag)
        .json(&json!({ "sharing": sharing }))
        .await
}

async fn seen(app: &TestApp, role: Role, page: &Json) -> u16 {
    app.get(&at(page)).as_role(role).await.status.as_u16()
}

/// The fields of a page as a form sends them.
fn form(page: &Json) -> Json {
    json!({
        "title": page["title"], "group": page["group"], "description": page["description"], "source": page["source"],
        "segment": page["segment"], "tiles": page["tiles"],
    })
}

#[tokio::test]
async fn one_is_made_filled_shown_and_its_text_is_a_file_of_a_program() {
    let (app, _) = company().await;
    let page = made(&app, Csm, json!({ "title": "Mine" })).await;
    assert_eq!(
        (page["tiles"].clone(), page["sharing"].clone()),
        (json!([]), json!("private"))
    );
    let mut changed = form(&page);
    changed["tiles"] = json!([
        { "id": "rate", "kind": "figure", "kpis": ["engagement_rate"] },
        { "id": "words", "kind": "text", "text": "Line one: a, b\n\nline # two", "width": 4 },
        { "id": "q", "kind": "bar", "title": "By segment", "sql": "SELECT segment, count(*) AS n\nFROM accounts GROUP BY 1" },
    ]);
    let answer = put(&app, Csm, &page, json!({ "definition": changed })).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let page = answer.ok();
    // Its text, put into the folder of a program, is the same dashboard there.
    let mut files = medtrainer();
    files.insert("dashboards/mine.yaml".to_owned(), text(&page, "yaml").to_owned());
    let program = Definitions::parse(&files).expect("a program");
    let there = program.dashboard(text(&page, "id")).expect("the dashboard");
    assert_eq!(serde_json::to_value(&there.tiles).expect("tiles"), page["tiles"]);
    assert!(text(&page, "yaml").contains("- {id: rate, kind: figure, kpis: [engagement_rate]}"));
    // Its figures are those of the shipped dashboard.
    let data = app.get(&format!("{}/data", at(&page))).as_role(Csm).await.ok();
    let shipped = app
        .get("/api/v1/dashboards/engagement/data?segment=all")
        .as_role(Csm)
        .await
        .ok();
    assert_eq!(
        tiles(&data)["rate"]["figure"]["value"],
        tiles(&shipped)["rate"]["figure"]["value"]
    );
    assert!(!list(tiles(&data)["q"], "series").is_empty());
    assert_eq!(
        app.audited()
            .await
            .iter()
            .filter(|it| it.starts_with("dashboard."))
            .count(),
        2
    );
}

#[tokio::test]
async fn every_shipped_one_can_be_copied_and_reads_back_as_itself() {
    let app = empty().await;
    let all = app.get(DASHBOARDS).as_role(Csm).await.ok();
    assert_eq!(list(&all, "dashboards").len(), 15);
    for line in list(&all, "dashboards") {
        let id = text(line, "id");
        let shipped = app.get(&format!("{DASHBOARDS}/{id}")).as_role(Csm).await.ok();
        let copy = made(&app, Csm, json!({ "copy_of": id })).await;
        assert_eq!(copy["tiles"], shipped["tiles"], "{id}");
        assert_eq!(
            text(&copy, "title"),
            format!("Copy of {}", text(&shipped, "title"))
        );
        let read = Definitions::read_dashboard(text(&shipped, "yaml")).expect("a dashboard");
        assert_eq!(
            serde_json::to_value(read.tiles).expect("tiles"),
            shipped["tiles"],
            "{id}"
        );
    }
    let again = app.get(DASHBOARDS).as_role(Csm).await.ok();
    assert_eq!(list(&again, "dashboards").len(), 30);
}

#[tokio::test]
async fn a_private_one_does_not_exist_for_anybody_else() {
    let app = empty().await;
    let page = made(&app, Csm, json!({ "title": "A secret of mine" })).await;
    for other in [Viewer, Manager, Admin] {
        assert_eq!(seen(&app, other, &page).await, 404);
        let lists = app.get(DASHBOARDS).as_role(other).await;
        assert!(!lists.text().contains("A secret of mine"));
        for path in ["data", "export/csv", "export/xlsx", "tiles/x/export/csv"] {
            app.get(&format!("{}/{path}", at(&page)))
                .as_role(other)
                .await
                .problem(404);
        }
    }
    for other in [Manager, Admin] {
        put(&app, other, &page, json!({ "definition": form(&page) }))
            .await
            .problem(404);
        share(&app, other, &page, "edit").await.problem(404);
        app.delete(&at(&page))
            .as_role(other)
            .header("if-match", "\"1\"")
            .await
            .problem(404);
        app.post(&format!("{}/restoration", at(&page)))
            .as_role(other)
            .await
            .problem(404);
        app.post(DASHBOARDS)
            .as_role(other)
            .json(&json!({ "copy_of": page["id"] }))
            .await
            .problem(404);
    }
    app.get(&at(&page)).as_operator().await.problem(404);
    // The audit tells that there is something, not what.
    let audit = app.get("/api/v1/audit").as_role(Admin).await;
    assert!(audit.text().contains("dashboard.add") && !audit.text().contains("A secret of mine"));
}

#[tokio::test]
async fn sharing_lets_others_see_then_change() {
    let app = empty().await;
    let page = made(&app, Csm, json!({ "title": "Team" })).await;
    let page = share(&app, Csm, &page, "view").await.ok();
    assert_eq!(seen(&app, Viewer, &page).await, 200);
    let theirs = app.get(&at(&page)).as_role(Viewer).await.ok();
    assert_eq!(
        (theirs["may_edit"].clone(), theirs["mine"].clone()),
        (json!(false), json!(false))
    );
    // Another person of the same role only looks at it; a key of that role writes as somebody else.
    let other = |request: crate::testing::TestRequest| request.as_role(Viewer);
    other(app.put(&at(&page)))
        .header("if-match", "\"2\"")
        .json(&json!({ "definition": form(&page) }))
        .await
        .problem(403);
    let page = share(&app, Csm, &page, "edit").await.ok();
    // A manager keeps what a colleague left behind in order, but cannot hide it.
    let page = put(
        &app,
        Manager,
        &page,
        json!({ "definition": { "title": "Team 2", "tiles": [] } }),
    )
    .await
    .ok();
    assert_eq!(text(&page, "title"), "Team 2");
    share(&app, Manager, &page, "private").await.problem(403);
    let page = share(&app, Csm, &page, "private").await.ok();
    assert_eq!(seen(&app, Manager, &page).await, 404);
}

#[tokio::test]
async fn the_second_of_two_editors_is_shown_the_difference() {
    let app = empty().await;
    let tiles =
        json!([{ "id": "a", "kind": "text", "text": "one" }, { "id": "b", "kind": "text", "text": "two" }]);
    let page = made(
        &app,
        Csm,
        json!({ "definition": { "title": "Two", "tiles": tiles }, "sharing": "edit" }),
    )
    .await;
    let mut first = form(&page);
    first["tiles"][0]["text"] = json!("first");
    let now = put(&app, Manager, &page, json!({ "definition": first }))
        .await
        .ok();
    let mut second = form(&page);
    second["title"] = json!("Renamed");
    let answer = put(&app, Csm, &page, json!({ "definition": second })).await;
    let conflict = answer.problem(412);
    assert_eq!(text(&conflict, "code"), "dashboard_changed");
    assert_eq!(conflict["current"]["version"], now["version"]);
    assert!(conflict["theirs"].to_string().contains("text: first"));
    assert!(conflict["yours"].to_string().contains("title: Renamed"));
    // Both changes together are offered, and can be sent from the version that is there now.
    let merged = text(&conflict, "merged").to_owned();
    assert!(
        merged.contains("text: first") && merged.contains("title: Renamed"),
        "{merged}"
    );
    let kept = app.get(&at(&page)).as_role(Csm).await.ok();
    assert_eq!(kept["tiles"], now["tiles"]);
    let both = put(&app, Csm, &now, json!({ "yaml": merged })).await.ok();
    assert_eq!(
        (text(&both, "title"), &both["tiles"][0]["text"]),
        ("Renamed", &json!("first"))
    );
    // Without the version that was seen nothing is changed.
    let bare = app
        .put(&at(&page))
        .as_role(Csm)
        .json(&json!({ "definition": form(&page) }))
        .await;
    assert_eq!(bare.problem(428)["code"], "if_match_needed");
    let stale = app
        .delete(&at(&page))
        .as_role(Csm)
        .header("if-match", "\"1\"")
        .await;
    stale.problem(412);
}

#[tokio::test]
async fn a_removed_one_comes_back_until_it_is_forgotten() {
    let app = empty().await;
    let page = made(&app, Csm, json!({ "title": "Gone" })).await;
    app.delete(&at(&page))
        .as_role(Csm)
        .header("if-match", "\"1\"")
        .await
        .ok();
    assert_eq!(seen(&app, Csm, &page).await, 404);
    let all = app.get(DASHBOARDS).as_role(Csm).await.ok();
    assert_eq!(list(&all, "removed").len(), 1);
    let back = app
        .post(&format!("{}/restoration", at(&page)))
        .as_role(Csm)
        .await
        .ok();
    assert_eq!((text(&back, "title"), &back["version"]), ("Gone", &json!(3)));
    assert_eq!(seen(&app, Csm, &page).await, 200);
    app.delete(&at(&page))
        .as_role(Csm)
        .header("if-match", "\"3\"")
        .await
        .ok();
    app.advance(jiff::SignedDuration::from_hours(31 * 24));
    let other = made(&app, Csm, json!({ "title": "Other" })).await;
    app.delete(&at(&other))
        .as_role(Csm)
        .header("if-match", "\"1\"")
        .await
        .ok();
    app.post(&format!("{}/restoration", at(&page)))
        .as_role(Csm)
        .await
        .problem(404);
    assert_eq!(app.count("dashboards").await, 1);
}

#[tokio::test]
async fn what_does_not_hold_together_is_refused_with_its_field() {
    let app = empty().await;
    let page = made(&app, Csm, json!({ "title": "P" })).await;
    let tile = |tile: Json| json!({ "definition": { "title": "P", "tiles": [tile] } });
    for (body, field) in [
        (
            tile(json!({ "id": "a", "kind": "figure", "kpis": ["engagment_rate"] })),
            "tiles[0].kpis[0]",
        ),
        (tile(json!({ "id": "a", "kind": "figure" })), "tiles[0].kind"),
        (
            tile(json!({ "id": "a", "kind": "table", "sql": "DELETE FROM accounts" })),
            "tiles[0].sql",
        ),
        (
            tile(json!({ "id": "a", "kind": "table", "sql": "SELECT nothing FROM accounts" })),
            "tiles[0].sql",
        ),
        (json!({ "definition": { "title": " ", "tiles": [] } }), "title"),
        (json!({ "yaml": "id: other\ntitle: P\ntiles: []\n" }), "id"),
        (json!({}), "definition"),
    ] {
        let problem = put(&app, Csm, &page, body.clone()).await.problem(422);
        let fields: Vec<&str> = list(&problem, "errors")
            .iter()
            .map(|it| text(it, "field"))
            .collect();
        assert!(fields.iter().any(|it| it.starts_with(field)), "{body}: {problem}");
    }
    let yaml = "id: x\ntitle: [\n";
    put(&app, Csm, &page, json!({ "yaml": yaml })).await.problem(422);
    put(&app, Viewer, &page, json!({ "definition": form(&page) }))
        .await
        .problem(403);
    assert_eq!(app.get(&at(&page)).as_role(Csm).await.ok()["version"], 1);
}

#[tokio::test]
async fn one_sent_twice_is_there_once_and_tiles_are_tried_without_keeping() {
    let app = empty().await;
    let body = json!({ "id": "own-0192-abcdef", "title": "Once" });
    made(&app, Csm, body.clone()).await;
    app.post(DASHBOARDS)
        .as_role(Csm)
        .json(&body)
        .changes_nothing()
        .await
        .ok();
    app.post(DASHBOARDS)
        .as_role(Manager)
        .json(&body)
        .await
        .problem(409);
    assert_eq!(app.count("dashboards").await, 1);
    let tried = json!({ "definition": { "title": "x", "tiles": [{ "id": "t", "kind": "table", "sql": "SELECT 1 AS one" }] }, "filters": { "segment": "core" } });
    let data = app
        .post("/api/v1/dashboards/preview")
        .as_role(Viewer)
        .json(&tried)
        .await
        .ok();
    assert_eq!(data["tiles"][0]["rows"][0]["cells"], json!([1]));
    assert_eq!(app.count("dashboards").await, 1);
    let help = app.get("/api/v1/sql/tables").as_role(Viewer).await.ok();
    let accounts = &list(&help, "tables")[0];
    assert!(
        list(accounts, "columns")
            .iter()
            .any(|it| text(it, "name") == "days_since_login")
    );
    for table in list(&help, "tables") {
        assert!(!list(table, "columns").is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_tile_that_the_program_no_longer_allows_says_why_and_leaves_the_others() {
    let app = empty().await;
    let tiles = json!([
        { "id": "gone", "kind": "bar", "metric": "days_since_login" },
        { "id": "here", "kind": "text", "text": "still here" },
    ]);
    let page = made(
        &app,
        Csm,
        json!({ "definition": { "title": "P", "segment": "digital", "tiles": tiles } }),
    )
    .await;
    let mut files = medtrainer();
    files.retain(|name, _| !name.starts_with("dashboards/"));
    for text in files.values_mut() {
        *text = text.replace("days_since_login", "days_since_sign_in");
    }
    apply(&app, &files).await;
    let data = app.get(&format!("{}/data", at(&page))).as_role(Csm).await.ok();
    assert_eq!(text(&data["tiles"][0], "state"), "failed");
    assert!(
        text(&data["tiles"][0], "note").contains("days_since_login"),
        "{data}"
    );
    assert_eq!(text(&data["tiles"][1], "text"), "still here");
}
