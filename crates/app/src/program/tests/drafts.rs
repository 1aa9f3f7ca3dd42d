//! Drafts and trials: nothing is overwritten, nothing but what was meant is written, and what is shown before is what comes.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::auth::Role;
use crate::definitions::edit::{Edit, content, edit};
use crate::definitions::lines::{LineKind, compare};
use crate::kpis::tests::{apply_accounts, medtrainer, random_company, same};
use crate::program::trial::{Stage, ended};
use crate::testing::{Answer, TestApp};

async fn get(app: &TestApp, role: Role, path: &str) -> Json {
    app.get(path).as_role(role).await.ok()
}

pub(super) async fn working(app: &TestApp, role: Role, file: &str) -> Json {
    let all = get(app, role, "/api/v1/program/draft").await;
    let documents = all["documents"].as_array().expect("documents");
    documents.iter().find(|d| d["file"] == file).expect(file).clone()
}

pub(super) async fn write(
    app: &TestApp,
    role: Role,
    file: &str,
    text: &str,
    version: i64,
    base: i64,
) -> Answer {
    app.put("/api/v1/program/draft")
        .as_role(role)
        .json(&json!({ "file": file, "text": text, "version": version, "base_version": base }))
        .await
}

pub(super) async fn apply_draft(app: &TestApp, role: Role, base: i64) -> Answer {
    app.post("/api/v1/program/draft/apply")
        .as_role(role)
        .json(&json!({ "base_version": base, "note": "tried" }))
        .await
}

pub(super) fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[tokio::test]
async fn two_people_and_two_windows_overwrite_nothing() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply_accounts(&app, &files).await;
    let (ann, ben) = (Role::Manager, Role::Admin);
    let file = "segments.yaml";
    let anns = with(&files[file], "label: Digital", "label: Digital accounts");
    let first = write(&app, ann, file, &anns, 0, 1).await.ok();
    assert_eq!(
        (&first["version"], &first["content"]["segments"][1]["label"]),
        (&json!(1), &json!("Digital accounts"))
    );
    // The same write again changes nothing; one that saw another version is refused with what is held.
    let again = app
        .put("/api/v1/program/draft")
        .as_role(ann)
        .changes_nothing()
        .json(&json!({ "file": file, "text": anns, "version": 1, "base_version": 1 }))
        .await
        .ok();
    assert_eq!(again["version"], 1);
    let stale = write(&app, ann, file, "segments: []\n", 0, 1).await.problem(409);
    assert_eq!(stale["code"], "draft_changed");
    assert_eq!(working(&app, ann, file).await["text"], json!(anns));
    // It outlives the server, and is nobody else's.
    let app = app.reopen().await;
    assert_eq!(working(&app, ann, file).await["text"], json!(anns));
    assert_eq!(working(&app, ben, file).await["text"], json!(files[file]));
    let others = get(&app, ben, "/api/v1/program/draft").await;
    assert_eq!(others["others"][0]["file"], file);
    // Ben is faster.
    let bens = with(&files[file], "mrr > 3500", "mrr > 4000");
    write(&app, ben, file, &bens, 0, 1).await.ok();
    assert_eq!(apply_draft(&app, ben, 1).await.ok()["version"], 2);
    assert_eq!(
        working(&app, ben, file).await["version"],
        0,
        "his draft ended with it"
    );
    let refused = apply_draft(&app, ann, 2).await.problem(409);
    assert_eq!(refused["code"], "draft_overtaken");
    assert_eq!(
        get(&app, ann, "/api/v1/program/export").await["files"][file],
        json!(bens)
    );
    let mine = working(&app, ann, file).await;
    let conflict = &mine["conflict"];
    assert_eq!(
        (&mine["text"], &conflict["in_force"]),
        (&json!(anns), &json!(bens))
    );
    let shown = |lines: &Json, kind: &str| -> Vec<String> {
        let lines = lines.as_array().expect("lines").iter();
        lines
            .filter(|l| l["kind"] == kind)
            .map(|l| l["text"].as_str().expect("a text").trim().to_owned())
            .collect()
    };
    assert_eq!(shown(&conflict["theirs"], "added"), ["rule: mrr > 4000"]);
    assert_eq!(
        shown(&conflict["yours"], "added"),
        ["rule: mrr > 3500", "label: Digital accounts"]
    );
    let both = with(&bens, "label: Digital", "label: Digital accounts");
    assert_eq!(conflict["merged"], json!(both));
    write(&app, ann, file, &both, 1, 2).await.ok();
    assert_eq!(working(&app, ann, file).await["conflict"], Json::Null);
    assert_eq!(
        apply_draft(&app, ann, 1).await.problem(409)["code"],
        "draft_overtaken"
    );
    assert_eq!(apply_draft(&app, ann, 2).await.ok()["version"], 3);
    assert_eq!(
        get(&app, ann, "/api/v1/program/export").await["files"][file],
        json!(both)
    );
    // The same lines: nothing is guessed.
    write(&app, ann, file, &with(&both, "mrr > 4000", "mrr > 5000"), 0, 3)
        .await
        .ok();
    write(&app, ben, file, &with(&both, "mrr > 4000", "mrr > 6000"), 0, 3)
        .await
        .ok();
    apply_draft(&app, ben, 3).await.ok();
    assert_eq!(working(&app, ann, file).await["conflict"]["merged"], Json::Null);
    app.delete("/api/v1/program/draft?file=segments.yaml")
        .as_role(ann)
        .await
        .ok();
    assert_eq!(working(&app, ann, file).await["version"], 0);
    // Who may only read writes nothing.
    assert_eq!(write(&app, Role::Csm, file, &both, 0, 4).await.status, 403);
    assert_eq!(write(&app, ann, "../secrets.yaml", &both, 0, 4).await.status, 422);
    assert_eq!(
        write(&app, ann, file, &"# x\n".repeat(400_000), 0, 4)
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn a_form_changes_its_entry_and_every_other_byte_comes_back() {
    let app = TestApp::new().await;
    let files = medtrainer();
    apply_accounts(&app, &files).await;
    let asked = json!({ "file": "kpis.yaml", "version": 0, "base_version": 1,
        "edits": [{ "list": "kpis", "id": "nps", "set": { "label": "Net promoter score" } }] });
    let known = files["kpis.yaml"].contains("  - id: nps\n");
    assert!(known, "the shipped program has an NPS");
    app.post("/api/v1/program/draft/edits")
        .as_role(Role::Manager)
        .json(&asked)
        .await
        .ok();
    apply_draft(&app, Role::Manager, 1).await.ok();
    let exported = get(&app, Role::Viewer, "/api/v1/program/export").await;
    for (file, text) in &files {
        let now = exported["files"][file].as_str().expect("a text");
        if file != "kpis.yaml" {
            assert_eq!(now, text, "{file}");
            continue;
        }
        let differ: Vec<_> = compare(text, now)
            .into_iter()
            .filter(|l| l.kind != LineKind::Same && l.kind != LineKind::Gap)
            .collect();
        assert!(
            differ.len() <= 2
                && differ
                    .iter()
                    .any(|l| l.text.trim() == "label: Net promoter score"),
            "{differ:?}"
        );
    }
    let diff = get(&app, Role::Viewer, "/api/v1/program/diff?from=1&to=2").await;
    assert_eq!(
        (&diff["changes"][0]["id"], &diff["files"][0]["file"]),
        (&json!("nps"), &json!("kpis.yaml"))
    );
    assert_eq!(diff["files"].as_array().map(Vec::len), Some(1));
    // A mistake is told with its place, and nothing is kept of it but the draft.
    let broken = with(
        &files["metrics.yaml"],
        "logins_30d / nullif(seats, 0)",
        "logins_per_seat + 1",
    );
    let checked = app
        .post("/api/v1/program/draft/check")
        .as_role(Role::Manager)
        .json(&json!({ "files": { "metrics.yaml": broken } }))
        .await
        .ok();
    assert_eq!(
        (&checked["ok"], &checked["problems"][0]["file"]),
        (&json!(false), &json!("metrics.yaml")),
        "{checked}"
    );
    assert_eq!(working(&app, Role::Manager, "metrics.yaml").await["version"], 0);
}

/// Every account's segment.
fn segments(app: &TestApp) -> BTreeMap<String, (bool, String, Option<f64>)> {
    let all = app.metrics.book.all();
    all.iter()
        .filter_map(|e| {
            e.now()
                .map(|s| (e.id.clone(), (s.active, s.segment.clone(), s.mrr)))
        })
        .collect()
}

/// Keeps three of the KPIs: enough to compare, few enough to compute thrice.
fn few_figures(files: &mut BTreeMap<String, String>) {
    let text = files.get_mut("kpis.yaml").expect("the KPIs");
    let all = content(text).expect("YAML");
    let others = all["kpis"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|kpi| kpi["id"].as_str());
    let edits: Vec<Edit> = others
        .filter(|id| !["nps", "logo_churn_12m", "engagement_rate"].contains(id))
        .map(|id| Edit {
            list: Some("kpis".into()),
            id: Some(id.into()),
            remove: true,
            ..Edit::default()
        })
        .collect();
    *text = edit(text, &edits).expect("fewer KPIs");
    files.insert("targets.yaml".into(), "targets: []\n".into());
    files.retain(|name, _| !name.contains('/'));
}

#[tokio::test]
async fn what_a_trial_shows_is_what_comes() {
    let app = random_company().await;
    let mut files = medtrainer();
    few_figures(&mut files);
    apply_accounts(&app, &files).await;
    let rules = with(
        &with(
            &files["segments.yaml"],
            "mrr > 3500",
            "mrr >= 3500 OR logins_30d > 2",
        ),
        "mrr <= 500",
        "mrr <= 400",
    );
    write(&app, Role::Manager, "segments.yaml", &rules, 0, 2)
        .await
        .ok();
    let kpi = json!({ "label": "Logins", "unit": "number", "better": "up", "window": "month", "value": "sum",
        "facts": "SELECT period, account_no, 1 AS numerator, 1 AS denominator\nFROM period_events\nWHERE kind = 'product' AND name = 'login'\n" });
    let nothing = json!({ "label": "Nothing", "unit": "ratio", "better": "up", "window": "month", "value": "ratio",
        "facts": "SELECT c.period, c.account_no, 1 AS numerator, 0 AS denominator\nFROM cohort c\n" });
    let asked = json!({ "file": "kpis.yaml", "version": 0, "base_version": 2, "edits": [
        { "list": "kpis", "id": "logins", "set": kpi }, { "list": "kpis", "id": "nothing", "set": nothing } ] });
    app.post("/api/v1/program/draft/edits")
        .as_role(Role::Manager)
        .json(&asked)
        .await
        .ok();
    let metric = json!({ "file": "metrics.yaml", "version": 0, "base_version": 2, "edits": [
        { "list": "metrics", "id": "void", "set": { "expr": "logins_30d / (seats - seats)" } } ] });
    app.post("/api/v1/program/draft/edits")
        .as_role(Role::Manager)
        .json(&metric)
        .await
        .ok();
    let before = segments(&app);
    app.post("/api/v1/program/preview")
        .as_role(Role::Manager)
        .json(&json!({}))
        .await
        .ok();
    let trial = app.trials.of("user:test-manager").expect("a trial");
    let found = ended(&trial).await.expect("an end");
    assert_eq!((found.state, &found.error), (Stage::Done, &None));
    assert_eq!(found.done, found.total);
    assert_eq!(segments(&app), before, "a trial changes nothing");
    let doubts: Vec<(&str, &str)> = found.doubts.iter().map(|d| (d.what, d.id.as_str())).collect();
    assert!(
        doubts.contains(&("metric", "void")) && doubts.contains(&("kpi", "nothing")),
        "{doubts:?}"
    );

    apply_draft(&app, Role::Manager, 2).await.ok();
    app.catch_up().await.expect("caught up");
    let after = segments(&app);
    let mut moved: BTreeMap<(String, String), (usize, f64)> = BTreeMap::new();
    for (id, (active, from, mrr)) in &before {
        let to = &after[id].1;
        if *active && from != to {
            let held = moved.entry((from.clone(), to.clone())).or_default();
            (held.0, held.1) = (held.0 + 1, held.1 + mrr.unwrap_or(0.0));
        }
    }
    let preview = found.segments.expect("segments");
    let shown: BTreeMap<(String, String), (usize, f64)> = preview
        .moves
        .iter()
        .map(|m| ((m.from.clone(), m.to.clone()), (m.accounts, m.mrr)))
        .collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), moved.keys().collect::<Vec<_>>());
    for (way, (accounts, mrr)) in &moved {
        assert_eq!(shown[way].0, *accounts, "{way:?}");
        assert!((shown[way].1 - mrr).abs() < 1e-6, "{way:?}");
    }
    assert!(!moved.is_empty(), "the rules move somebody");

    for id in ["logins", "logo_churn_12m", "engagement_rate"] {
        let held = found
            .kpis
            .iter()
            .find(|k| k.kpi == id)
            .unwrap_or_else(|| panic!("{id} was tried"));
        let points = &held.scopes[0].points;
        assert_eq!(points.len(), 25);
        let (from, to) = (&points[0].period, &points[24].period);
        let series = get(
            &app,
            Role::Viewer,
            &format!("/api/v1/kpis/{id}/series?by=segment&from={from}&to={to}"),
        )
        .await;
        let shown: BTreeMap<(&str, &str), Option<f64>> = series["series"]
            .as_array()
            .expect("series")
            .iter()
            .flat_map(|s| {
                let points = s["points"].as_array().expect("points").iter();
                points.map(|p| {
                    (
                        (
                            s["scope"].as_str().expect("a scope"),
                            p["period"].as_str().expect("a day"),
                        ),
                        p["value"].as_f64(),
                    )
                })
            })
            .collect();
        let mut compared = 0;
        for scope in &held.scopes {
            for point in &scope.points {
                let Some(value) = shown.get(&(scope.scope.as_str(), point.period.as_str())) else {
                    assert!(point.after.is_none(), "{id} {} {point:?}", scope.scope);
                    continue;
                };
                assert!(
                    same(*value, point.after),
                    "{id} {} {point:?} {value:?}",
                    scope.scope
                );
                compared += usize::from(value.is_some());
            }
        }
        assert!(compared > 5, "{id} has a history to compare");
    }
    // And the way back, by version.
    app.post("/api/v1/program/preview")
        .as_role(Role::Manager)
        .json(&json!({ "version": 2 }))
        .await
        .ok();
    let back = ended(&app.trials.of("user:test-manager").expect("a trial"))
        .await
        .expect("an end");
    let ways: BTreeMap<(String, String), usize> = back
        .segments
        .expect("segments")
        .moves
        .iter()
        .map(|m| ((m.to.clone(), m.from.clone()), m.accounts))
        .collect();
    let there: BTreeMap<(String, String), usize> = moved.into_iter().map(|(way, (n, _))| (way, n)).collect();
    assert_eq!(ways, there);
    let gone: Vec<&str> = back
        .kpis
        .iter()
        .filter(|k| k.kind == "removed")
        .map(|k| k.kpi.as_str())
        .collect();
    assert_eq!(gone, ["logins", "nothing"]);
}
