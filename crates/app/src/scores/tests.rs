//! Scores against a fold of every day anew, and what the routes promise.

mod known;
mod lists;
mod moving;

use serde_json::{Value as Json, json};
use tenure_learn::handset::Amount;

use super::days::{points, thousandths};
use super::*;
use crate::auth::Role;
use crate::kpis::tests::random::arrive;
use crate::kpis::tests::world::world;
use crate::kpis::tests::{apply, change, event, medtrainer, store as give};
use crate::metrics::as_of;
use crate::testing::TestApp;

/// Days of the random history on which everything is computed anew.
const SAMPLED: i32 = 12;

async fn random(seed: u64) -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    arrive(&app, &world(seed, 14, 90)).await;
    app.catch_up().await.expect("caught up");
    app
}

/// Every account's score on a day, from its events folded for that day alone.
async fn naive(app: &TestApp, score: &crate::definitions::Score, day: i32) -> Vec<(i64, Option<f64>)> {
    let plan = app.metrics.plan().expect("a plan");
    let nos: Vec<i64> = app.metrics.book.all().iter().map(|entry| entry.no).collect();
    let forms = models::forms(app, score).await.expect("forms");
    let known = app.scores.history.known();
    let entries = as_of::some(app, &plan, &nos, day).await.expect("entries");
    entries
        .iter()
        .map(|entry| {
            let ledger = score_when(&plan, score, &forms, &entry.head, &[], Some(&known));
            let points = ledger.map(|(_, ledger)| {
                let sum: Amount = ledger.lines.iter().map(|line| line.contribution).sum();
                let all = ledger.base + sum + ledger.clipped + ledger.overridden;
                if let Some(score) = ledger.score {
                    assert_eq!(all, score, "a ledger adds up exactly");
                }
                ledger.score.map(Amount::points)
            });
            (entry.no, points.flatten())
        })
        .collect()
}

#[tokio::test]
async fn the_pass_over_all_days_is_a_fold_of_every_day() {
    let app = random(41).await;
    let definitions = app.definitions().expect("definitions");
    let today = crate::metrics::today(&app);
    let (mut known, mut compared) = (0, 0);
    for score in &definitions.scores {
        for back in 0..SAMPLED {
            let day = today - back * 29;
            for (no, wanted) in naive(&app, score, day).await {
                let held = history::of(&app, &score.id, &[no]).await.expect("days");
                let found = held.get(&no).map_or(days::NONE, |days| days.at(day));
                assert_eq!(found, thousandths(wanted), "{} of {no} on {day}", score.id);
                known += usize::from(wanted.is_some());
                compared += 1;
            }
        }
    }
    assert!(
        compared >= 300 && known * 5 >= compared,
        "{known} of {compared} have a score"
    );
    // What KPIs show is the mean of the same scores.
    let wanted: Vec<f64> = naive(&app, definitions.score(HEALTH).expect("health"), today)
        .await
        .into_iter()
        .filter_map(|(_, points)| super::days::points(thousandths(points)))
        .collect();
    let mean = wanted.iter().sum::<f64>() / wanted.len() as f64;
    let kpis = app.get("/api/v1/kpis").as_role(Role::Viewer).await.ok();
    let shown = |kpi: &str, side: &str| {
        let lines = kpis["kpis"].as_array().expect("figures");
        let line = lines
            .iter()
            .find(|line| line["kpi"] == kpi && line["scope"] == "all");
        line.and_then(|line| line[side].as_f64())
    };
    let average = shown("average_health", "value").expect("average health has a figure");
    assert!((average - mean).abs() < 1e-9, "{average} is not {mean}");
    // Declines and churn by band, by loops over the scores of both days.
    let on = async |day: i32| -> std::collections::BTreeMap<i64, f64> {
        let found = naive(&app, definitions.score(HEALTH).expect("health"), day).await;
        found
            .into_iter()
            .filter_map(|(no, points)| Some((no, points?)))
            .collect()
    };
    let (now, month, quarter) = (on(today).await, on(today - 30).await, on(today - 90).await);
    let both: Vec<f64> = now
        .iter()
        .filter_map(|(no, points)| Some(month.get(no)? - points))
        .collect();
    let fell = both.iter().filter(|fall| **fall >= 10.0).count();
    assert_eq!(shown("health_declines", "denominator"), Some(both.len() as f64));
    assert_eq!(shown("health_declines", "numerator").unwrap_or(0.0), fell as f64);
    let left = |no: &i64| {
        let head = app.metrics.book.get(*no).expect("an account").head.clone();
        head.lives()
            .iter()
            .any(|life| life.1 > today - 90 && life.1 <= today)
    };
    assert_eq!(shown("churn_by_band", "denominator"), Some(quarter.len() as f64));
    let gone = quarter.keys().filter(|no| left(no)).count();
    assert_eq!(shown("churn_by_band", "numerator").unwrap_or(0.0), gone as f64);
    // After a restart the same days are held, and nothing has to be computed again.
    let app = app.reopen().await;
    assert!(
        !history::refresh(&app).await.expect("refreshed"),
        "everything was kept"
    );
    let list = app.get("/api/v1/scores").as_role(Role::Viewer).await.ok();
    assert_eq!(list["ready"], true);
    let average = list["average"].as_f64().expect("an average");
    assert!((average - mean).abs() < 1e-9);
    let bands = &list["bands"];
    let of = |name: &str| bands[name].as_u64().expect("a count");
    let all: u64 = list["distribution"]
        .as_array()
        .expect("bins")
        .iter()
        .filter_map(Json::as_u64)
        .sum();
    assert_eq!(of("green") + of("yellow") + of("red"), all);
    assert_eq!(all as usize, wanted.len());
}

/// An account of the digital segment that is a customer since February.
async fn one_account() -> TestApp {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let mut events = vec![event(
        "acme",
        "2026-02-01",
        "subscription_started",
        json!({ "mrr": 300 }),
    )];
    // Busy in April and May, silent since.
    for day in 1..=30 {
        for month in ["04", "05"] {
            events.push(event(
                "acme",
                &format!("2026-{month}-{day:02}"),
                "login",
                json!({}),
            ));
        }
    }
    events.push(event(
        "acme",
        "2026-05-20",
        "survey_answered",
        json!({ "survey": "nps", "score": 9 }),
    ));
    let known = change("acme", "2026-02-01", json!({ "employees": 10 }));
    give(&app, events, vec![known]).await;
    app.catch_up().await.expect("caught up");
    app
}

fn number(value: &Json) -> f64 {
    value.as_f64().expect("a number")
}

#[tokio::test]
async fn an_account_says_why_it_has_its_score_and_what_changed_it() {
    let app = one_account().await;
    let path = "/api/v1/accounts/acme/scores?as_of=2026-06-30&compare_to=2026-05-31";
    let seen = app.get(path).as_role(Role::Viewer).await.ok();
    assert_eq!(
        (&seen["model"], &seen["segment"]),
        (&json!("digital"), &json!("digital"))
    );
    // By hand. Product use: seats are unknown, so that logins for its size hand their weight over; the trend of half a year is 0 + 1 logins
    // against 60 in 119 days, below −0.8: 0 points; 31 days since the login 29.0 points; no feature 10. Weights .15 .1 .1 of .35.
    let product = (0.1 * 29.0 + 0.1 * 10.0) / 0.35;
    // Engagement: 41 days since the survey 74 points, no content 40; weights .8 .2.
    let engagement = 0.8 * 74.0 + 0.2 * 40.0;
    // Commercial: no failed payment 95, no export 90: weights .6 .4.
    let commercial = 0.6 * 95.0 + 0.4 * 90.0;
    // Support: 95 thrice. Satisfaction: NPS 9 gives 100, CSAT is missing. Relationship: nobody left, 90. There was no notice: its weight is handed on.
    let sum = 0.5 * product + 0.06 * 95.0 + 0.04 * 100.0 + 0.12 * engagement + 0.1 * 90.0 + 0.08 * commercial;
    let wanted = sum / (0.5 + 0.06 + 0.04 + 0.12 + 0.1 + 0.08);
    assert!(
        (number(&seen["points"]) - wanted).abs() < 1e-9,
        "{} is not {wanted}",
        seen["points"]
    );
    let sum: f64 = seen["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| number(&line["contribution"]))
        .sum();
    assert!((sum - wanted).abs() < 1e-9);
    let difference = &seen["difference"];
    let parts: f64 = difference["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| number(&change["by_value"]) + number(&change["by_weight"]))
        .sum();
    assert!((parts - number(&difference["total"])).abs() < 1e-9);
    assert!((number(&seen["points"]) - number(&seen["before"]) - number(&difference["total"])).abs() < 1e-9);
    let sentences: Vec<&str> = difference["sentences"]
        .as_array()
        .expect("words")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    assert!(
        sentences.contains(&"Days since last login rose from 1 to 31: −11 points"),
        "{sentences:?}"
    );
    assert!(
        seen["missing"]
            .as_array()
            .expect("missing")
            .iter()
            .any(|line| line.as_str().is_some_and(|l| l.starts_with("CSAT")))
    );
    // The steps to green do reach green: the ledger with those values says so.
    let steps = seen["to_green"].as_array().expect("steps");
    assert!(
        !steps.is_empty() && steps.iter().all(|step| number(&step["points"]) >= 75.0),
        "{steps:?}"
    );
    // An event is in the score at once.
    give(
        &app,
        vec![event("acme", "2026-06-30", "login", json!({}))],
        vec![],
    )
    .await;
    app.catch_up().await.expect("caught up");
    let now = app
        .get("/api/v1/accounts/acme/scores")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert!(number(&now["points"]) > wanted + 5.0);
    let line = now["history"]
        .as_array()
        .and_then(|days| days.last())
        .expect("a last day");
    assert_eq!(line["day"], "2026-06-30");
    assert!((number(&line["points"]) - number(&now["points"])).abs() <= 0.000_5 + 1e-9);
}

#[tokio::test]
async fn a_new_account_has_no_score_and_a_program_without_scores_says_so() {
    let app = one_account().await;
    let young = app
        .get("/api/v1/accounts/acme/scores?as_of=2026-02-20")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(young["points"], Json::Null);
    assert!(
        young["remark"]
            .as_str()
            .is_some_and(|words| words.starts_with("No score yet")),
        "{}",
        young["remark"]
    );
    assert_eq!(young["difference"], Json::Null);
    let mut files = medtrainer();
    files.remove("scores.yaml");
    files.retain(|name, _| !name.starts_with("dashboards/"));
    apply(&app, &files).await;
    app.catch_up().await.expect("caught up");
    for path in ["/api/v1/scores", "/api/v1/accounts/acme/scores"] {
        let seen = app.get(path).as_role(Role::Viewer).await.ok();
        assert_eq!(
            (&seen["score"], &seen["scores"]),
            (&Json::Null, &json!([])),
            "{path}"
        );
    }
}

#[tokio::test]
async fn overrides_have_an_author_a_reason_and_an_end() {
    let app = one_account().await;
    let form = json!({ "id": "same-override-1", "rule": "cap", "points": 20, "reason": "The sponsor left", "until": "2026-07-31" });
    let path = "/api/v1/accounts/acme/score-overrides";
    app.post(path)
        .as_role(Role::Viewer)
        .json(&form)
        .await
        .problem(403);
    let wrong = |field: &str, value: Json| {
        let mut form = form.clone();
        form[field] = value;
        form
    };
    for (field, value) in [
        ("rule", json!("raise")),
        ("points", json!(101)),
        ("points", json!(-1)),
        ("reason", json!("  ")),
        ("until", json!("2026-06-29")),
        ("until", json!("2029-01-01")),
        ("until", json!("soon")),
        ("score", json!("helth")),
    ] {
        let told = app
            .post(path)
            .as_role(Role::Csm)
            .json(&wrong(field, value))
            .await
            .problem(422);
        assert_eq!(told["errors"][0]["field"], field, "{told}");
        assert!(
            !told["errors"][0]["remedy"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        );
    }
    let before = number(
        &app.get("/api/v1/accounts/acme/scores")
            .as_role(Role::Viewer)
            .await
            .ok()["points"],
    );
    let made = app.post(path).as_role(Role::Csm).json(&form).await.ok();
    // Sent again it is the same one.
    app.post(path)
        .as_role(Role::Csm)
        .json(&form)
        .changes_nothing()
        .await
        .ok();
    let seen = app
        .get("/api/v1/accounts/acme/scores")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!((number(&seen["points"]), &seen["band"]), (20.0, &json!("red")));
    assert!((number(&seen["overridden"]) - (20.0 - before)).abs() < 1e-9);
    assert!(
        seen["remark"]
            .as_str()
            .is_some_and(|words| words.contains("The sponsor left"))
    );
    // The day before is as it was, and the kept days follow.
    app.catch_up().await.expect("caught up");
    let no = app.accounts.number("acme").expect("a number").get();
    let today = crate::metrics::today(&app);
    let kept = history::of(&app, HEALTH, &[no])
        .await
        .expect("days")
        .remove(&no)
        .expect("kept");
    assert_eq!(points(kept.at(today)), Some(20.0));
    assert!(points(kept.at(today - 1)).is_some_and(|points| points > 20.0));
    let list = app
        .get("/api/v1/scores?band=red")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(
        list["items"][0]["reasons"][0]
            .as_str()
            .map(|words| words.contains("The sponsor left")),
        Some(true)
    );
    let gone = format!("/api/v1/score-overrides/{}", made["id"].as_str().expect("an id"));
    app.delete(&format!("{gone}?version=7"))
        .as_role(Role::Csm)
        .await
        .problem(409);
    app.delete(&format!("{gone}?version=1"))
        .as_role(Role::Viewer)
        .await
        .problem(403);
    app.delete(&format!("{gone}?version=1"))
        .as_role(Role::Csm)
        .await
        .ok();
    let free = app
        .get("/api/v1/accounts/acme/scores")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert!((number(&free["points"]) - before).abs() < 1e-9);
    assert!(free["overrides"][0]["removed_at"].is_string());
}

#[tokio::test]
async fn lists_filter_and_sort_and_bad_questions_are_told() {
    let app = random(43).await;
    for (query, field) in [
        ("band=blue", "band"),
        ("sort=size", "sort"),
        ("state=gone", "state"),
        ("compare_to=2027-01-01", "compare_to"),
        ("as_of=2031-01-01", "as_of"),
        ("score=helth", "score"),
    ] {
        let told = app
            .get(&format!("/api/v1/scores?{query}"))
            .as_role(Role::Viewer)
            .await
            .problem(422);
        assert_eq!(told["errors"][0]["field"], field);
    }
    let all = app
        .get("/api/v1/scores?limit=500&sort=-points")
        .as_role(Role::Viewer)
        .await
        .ok();
    let items = all["items"].as_array().expect("items");
    let known: Vec<f64> = items.iter().filter_map(|item| item["points"].as_f64()).collect();
    assert!(known.windows(2).all(|pair| pair[0] >= pair[1]), "{known:?}");
    for band in ["green", "yellow", "red", "none"] {
        let some = app
            .get(&format!("/api/v1/scores?limit=500&band={band}"))
            .as_role(Role::Viewer)
            .await
            .ok();
        assert_eq!(some["total"], all["bands"][band], "{band}");
    }
    let moved: u64 = all["moves"]
        .as_array()
        .expect("moves")
        .iter()
        .filter_map(|m| m["accounts"].as_u64())
        .sum();
    assert_eq!(json!(moved), all["total"]);
    // A past day: the list says what the account says.
    let past = app
        .get("/api/v1/scores?as_of=2026-05-15&limit=500")
        .as_role(Role::Viewer)
        .await
        .ok();
    let mut looked = 0;
    for item in past["items"].as_array().expect("items") {
        let id = item["account_id"].as_str().expect("an id");
        let one = app
            .get(&format!("/api/v1/accounts/{id}/scores?as_of=2026-05-15"))
            .as_role(Role::Viewer)
            .await
            .ok();
        match (item["points"].as_f64(), one["points"].as_f64()) {
            (Some(a), Some(b)) => {
                assert!((a - b).abs() <= 0.000_5 + 1e-9, "{id}: {a} and {b}");
                looked += 1;
            }
            (a, b) => assert_eq!(a, b, "{id}"),
        }
        let value = |velocity: &Json| velocity["value"].as_f64().map(|value| (value * 10.0).round());
        assert_eq!(value(&item["velocity"]), value(&one["velocity"]), "{id}");
    }
    assert!(looked > 3, "{looked} accounts had a score");
}

#[tokio::test]
async fn a_changed_score_is_tried_before_it_is_applied() {
    let app = random(47).await;
    let definitions = app.definitions().expect("definitions");
    let same = serde_json::to_value(definitions.score(HEALTH).expect("health")).expect("JSON");
    let ask = |score: Json| {
        app.post("/api/v1/scores/preview")
            .as_role(Role::Viewer)
            .json(&json!({ "score": score }))
    };
    let nothing = ask(same.clone()).await.ok();
    assert_eq!((&nothing["changed"], &nothing["moves"]), (&json!(0), &json!([])));
    let mut strict = same.clone();
    strict["bands"] = json!({ "green": 99, "yellow": 98 });
    let strict = ask(strict).await.ok();
    assert_eq!(strict["changed"], 0, "bands change no points");
    let red = strict["then"]["red"].as_u64().expect("a count");
    assert!(red >= strict["now"]["red"].as_u64().expect("a count") && red > 0);
    for (change, path) in [
        (json!({ "metric": "logins_3d" }), "metric"),
        (
            json!({ "curve": { "linear": { "knots": [[0, 5], [1, 3]], "direction": "rising" } } }),
            "curve",
        ),
    ] {
        let mut broken = same.clone();
        for (key, value) in change.as_object().expect("a map") {
            broken["models"][0]["groups"][0]["measures"][0][key] = value.clone();
        }
        let told = ask(broken).await.problem(422);
        let field = told["errors"][0]["field"].as_str().expect("a field").to_owned();
        assert_eq!(field, format!("score.models[0].groups[0].measures[0].{path}"));
    }
    let spread = app
        .get("/api/v1/scores/health/distribution?metric=logins_30d&model=core")
        .as_role(Role::Viewer)
        .await
        .ok();
    let quantiles = spread["quantiles"].as_array().expect("quantiles");
    assert!(quantiles.is_empty() || quantiles.len() == 21);
    app.get("/api/v1/scores/health/distribution?metric=nothing")
        .as_role(Role::Viewer)
        .await
        .problem(422);
}

/// An account with two years of a login on most days, and surveys and tickets now and then.
fn busy(
    random: &mut rand::rngs::StdRng,
    plan: &Plan,
    (from, to): (i32, i32),
) -> (Head, crate::metrics::facts::Facts) {
    use crate::metrics::series::{Point, Series};
    use rand::Rng;
    let mut facts = crate::metrics::facts::Facts {
        series: vec![Series::default(); plan.series.len()],
        ..Default::default()
    };
    for (series, how) in facts.series.iter_mut().zip(&plan.series) {
        let rate = random.random_range(0.01..0.7);
        for day in from..=to {
            if random.random_bool(rate) {
                let value = f64::from(random.random_range(1..10));
                let point = Point {
                    day,
                    at: i64::from(day) * 86_400_000_000,
                    value,
                    hash: value.to_bits(),
                };
                series.add(how.keep, point);
            }
        }
    }
    let segment = ["strategic", "core", "digital"][random.random_range(0..3)];
    let head = Head {
        day: to,
        spans: vec![Span {
            from,
            to: i32::MAX,
            active: true,
            mrr: Some(400.0),
            segment: segment.into(),
            owner: None,
        }],
        metrics: vec![],
        flags: vec![],
        why: String::new(),
        currency: None,
        subscriptions: vec![],
        dated: vec![],
    };
    (head, facts)
}

/// Every day of every account in one pass; `TENURE_SCORES_ACCOUNTS` sets how many accounts, for measuring.
#[test]
fn two_years_of_all_accounts_are_one_pass() {
    use crate::metrics::evaluate::Subject;
    use rand::SeedableRng;
    const DIFFERENT: usize = 200;
    let wanted = std::env::var("TENURE_SCORES_ACCOUNTS").ok();
    let accounts: usize = wanted.and_then(|n| n.parse().ok()).unwrap_or(DIFFERENT);
    let definitions = crate::definitions::Definitions::parse(&medtrainer()).expect("the program");
    let plan = Plan::new(&definitions).expect("a plan");
    let score = definitions.score(HEALTH).expect("health");
    let forms: Vec<Form> = score
        .models
        .iter()
        .map(|m| Form::HandSet(m.arithmetic()))
        .collect();
    let mut random = rand::rngs::StdRng::seed_from_u64(5);
    let (from, to) = (20_000, 20_729);
    let different: Vec<_> = (0..DIFFERENT)
        .map(|_| busy(&mut random, &plan, (from, to)))
        .collect();
    let history = crate::metrics::facts::History::default();
    let members: Vec<pass::Member<'_>> = (0..accounts)
        .map(|no| {
            let (head, facts) = &different[no % DIFFERENT];
            pass::Member {
                no: i64::try_from(no).expect("a number"),
                head,
                subject: Subject {
                    id: "a",
                    name: "A",
                    facts,
                    history: &history,
                },
            }
        })
        .collect();
    let rules = pass::Rules {
        plan: &plan,
        score,
        forms: &forms,
        overrides: &[],
        since: &[],
    };
    let start = std::time::Instant::now();
    let days = pass::pass(&rules, &members, tenure_learn::threads::available()).expect("a pass");
    let seconds = start.elapsed().as_secs_f64();
    let bytes: usize = days.iter().map(|days| days.encode().expect("bytes").len()).sum();
    eprintln!("{accounts} accounts x 730 days: {seconds:.3} s, {bytes} bytes kept");
    let scored = |days: &days::Days| (from..=to).filter(|day| days.at(*day) != days::NONE).count();
    assert!(
        days.iter().all(|days| scored(days) >= 690),
        "all but the quiet days have a score"
    );
}
