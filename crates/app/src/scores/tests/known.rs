//! Days of which little is known: they have no score, and velocity looks at the key metrics.

use super::*;

/// The first day of each kind, by a look at every event.
async fn firsts(app: &TestApp) -> std::collections::BTreeMap<String, i32> {
    let mut first = std::collections::BTreeMap::new();
    let (_, snapshot) = crate::events::snapshot_at(app).await.expect("a snapshot");
    for batch in snapshot.tail.iter() {
        for row in tenure_lake::from_batch(batch).expect("events") {
            let held = first.entry(row.kind.clone()).or_insert(row.day);
            *held = row.day.min(*held);
        }
    }
    first
}

#[tokio::test]
async fn a_day_before_the_first_event_of_its_kind_tells_nothing() {
    let app = one_account().await;
    // A customer since February, of whom nothing is known before the first login of April: its thirty quiet days had passed in March.
    let on = async |day: &str| {
        let path = format!("/api/v1/accounts/acme/scores?as_of={day}");
        app.get(&path).as_role(Role::Viewer).await.ok()
    };
    let before = on("2026-03-25").await;
    assert_eq!(before["points"], Json::Null, "{before}");
    let remark = before["remark"].as_str().unwrap_or_default();
    assert!(remark.starts_with("Too little data"), "{remark}");
    let features = before["lines"].as_array().expect("lines").iter();
    let mut features = features.filter(|line| line["measure"] == "features_30d");
    assert_eq!(features.next().expect("a line")["value"], Json::Null);
    assert!(on("2026-04-01").await["points"].is_f64());
    // The history, the list and the figure of the months agree.
    let no = app.metrics.book.all()[0].no;
    let held = history::of(&app, HEALTH, &[no]).await.expect("days").remove(&no);
    let held = held.expect("kept days");
    let day = |text: &str| crate::metrics::facts::parse_day(text).expect("a day");
    assert_eq!(held.at(day("2026-03-31")), days::NONE);
    assert_ne!(held.at(day("2026-04-01")), days::NONE);
    let march = app
        .get("/api/v1/kpis?as_of=2026-03-31")
        .as_role(Role::Viewer)
        .await
        .ok();
    let lines = march["kpis"].as_array().expect("figures");
    let average = lines
        .iter()
        .find(|line| line["kpi"] == "average_health" && line["scope"] == "all");
    assert!(average.is_none_or(|line| line["value"].is_null()), "{average:?}");
    // An event that arrives late with an earlier day makes March tell something.
    give(
        &app,
        vec![event("acme", "2026-02-20", "login", json!({ "late": true }))],
        Vec::new(),
    )
    .await;
    app.catch_up().await.expect("caught up");
    assert!(on("2026-03-25").await["points"].is_f64());
    let held = history::of(&app, HEALTH, &[no]).await.expect("days").remove(&no);
    assert_ne!(held.expect("kept days").at(day("2026-03-31")), days::NONE);
}

#[tokio::test]
async fn what_is_known_since_when_is_read_from_the_log() {
    let app = random(44).await;
    let plan = app.metrics.plan().expect("a plan");
    let known = app.scores.history.known();
    let first = firsts(&app).await;
    let place = |id: &str| {
        plan.metric_ids
            .iter()
            .position(|own| own == id)
            .expect("a metric")
    };
    for (metric, kind) in [
        ("logins_30d", "product"),
        ("tickets_30d", "support"),
        ("meetings_90d", "meeting"),
        // Of an expression, that of what it reads.
        ("login_trend", "product"),
    ] {
        assert_eq!(
            known.since(&plan, place(metric)),
            first.get(kind).copied(),
            "{metric}"
        );
    }
    // Learnt from is what looks back on days of which the log tells at least half.
    for (metric, days) in [
        ("logins_30d", 14),
        ("tickets_30d", 14),
        ("meetings_90d", 44),
        ("days_since_login", 0),
        ("login_trend", 44),
    ] {
        let since = known.since(&plan, place(metric)).expect("events");
        assert_eq!(
            known.learns_from(&plan, place(metric)),
            Some(since + days),
            "{metric}"
        );
    }
    // On the day from which on it tells of half of all metrics it does so, and the day before it does not.
    let told: Vec<i32> = (0..plan.metrics.len())
        .filter_map(|metric| known.since(&plan, metric))
        .collect();
    let from = known.tells_from(&plan).expect("events");
    let on = |day: i32| told.iter().filter(|since| **since <= day).count() * 2;
    assert!(
        on(from) >= told.len() && on(from - 1) < told.len(),
        "{told:?} {from}"
    );
    // Sealed, the files say the same.
    let limits = crate::events::Limits {
        events: 1,
        age: 0,
        most: usize::MAX,
    };
    crate::events::seal(&app, limits).await.expect("sealed");
    let again = crate::scores::known::Known::default()
        .again(&app)
        .await
        .expect("known");
    for metric in 0..plan.metrics.len() {
        assert_eq!(again.since(&plan, metric), known.since(&plan, metric));
    }
    // A file that comes last is looked at whatever numbers its events have: a bulk's are taken before its files are there.
    let (paths, all) = crate::events::first_days(&app, &std::collections::BTreeSet::new())
        .await
        .expect("days");
    let mut found = std::collections::BTreeMap::new();
    for path in &paths {
        let others = paths.iter().filter(|other| *other != path).cloned().collect();
        let (_, days) = crate::events::first_days(&app, &others).await.expect("days");
        for (kind, day) in days {
            let held = found.entry(kind).or_insert(day);
            *held = day.min(*held);
        }
    }
    assert!(paths.len() > 1 && found == all, "{found:?} is not {all:?}");
}

#[tokio::test]
async fn velocity_looks_at_key_metrics_where_there_is_no_score() {
    let app = random(45).await;
    let definitions = app.definitions().expect("definitions");
    let score = definitions.score(HEALTH).expect("health");
    let plan = app.metrics.plan().expect("a plan");
    let known = app.scores.history.known();
    let today = crate::metrics::today(&app);
    let (mut stood_in, mut scored) = (0, 0);
    for entry in app.metrics.book.all() {
        let held = history::of(&app, HEALTH, &[entry.no]).await.expect("days");
        let Some(held) = held.get(&entry.no) else { continue };
        for back in 0..40 {
            let day = today - 11 * back;
            let span = entry.head.span_at(day).filter(|span| span.active);
            let Some(model) = span.and_then(|span| score.model_of(&span.segment)) else {
                assert_eq!(held.moving_at(day), days::NONE);
                continue;
            };
            if held.at(day) != days::NONE {
                assert_eq!(held.moving_at(day), held.at(day));
                scored += 1;
                continue;
            }
            let values = as_of::history(&app, entry.no, vec![day]).await.expect("metrics");
            let (mut sum, mut weight) = (0.0, 0.0);
            for key in &score.models[model].key_metrics {
                let at = plan
                    .metric_ids
                    .iter()
                    .position(|id| *id == key.metric)
                    .expect("a metric");
                let value = values[0][at];
                if value.is_nan() || known.since(&plan, at).is_some_and(|since| day < since) {
                    continue;
                }
                sum += key.weight * key.curve.points(value);
                weight += key.weight;
            }
            let wanted = thousandths((weight > 0.0).then(|| sum / weight));
            assert_eq!(held.moving_at(day), wanted, "{} on {day}", entry.id);
            stood_in += usize::from(wanted != days::NONE);
        }
    }
    assert!(
        stood_in > 10 && scored > 10,
        "{stood_in} stand-ins, {scored} scores"
    );
}

#[tokio::test]
async fn versions_tell_since_when_and_old_ones_let_their_days_go() {
    let app = one_account().await;
    let versions = async |app: &TestApp| {
        let seen = app
            .get("/api/v1/scores/health/versions")
            .as_role(Role::Viewer)
            .await
            .ok();
        seen["items"].as_array().expect("versions").clone()
    };
    let first = versions(&app).await;
    assert_eq!(first.len(), 1);
    assert_eq!(
        (&first[0]["in_force"], &first[0]["accounts"], &first[0]["methods"]),
        (
            &json!(true),
            &json!(1),
            &json!(["hand_set", "hand_set", "hand_set"])
        )
    );
    let mut files = medtrainer();
    let text = files["scores.yaml"].clone();
    for weight in ["0.45", "0.4", "0.35"] {
        app.advance(jiff::SignedDuration::from_hours(1));
        let changed = text.replacen("weight: 0.5\n", &format!("weight: {weight}\n"), 1);
        assert_ne!(changed, text);
        files.insert("scores.yaml".to_owned(), changed);
        apply(&app, &files).await;
        app.catch_up().await.expect("caught up");
    }
    let four = versions(&app).await;
    let kept: Vec<i64> = four
        .iter()
        .map(|it| it["accounts"].as_i64().expect("a count"))
        .collect();
    assert_eq!(kept, [1, 1, 1, 0], "{four:?}");
    assert_eq!(
        (&four[0]["in_force"], &four[3]["hash"]),
        (&json!(true), &first[0]["hash"])
    );
    assert!(
        four.windows(2)
            .all(|pair| pair[0]["since"].as_str() > pair[1]["since"].as_str())
    );
    // The first one again: in force since now, its days computed anew.
    files.insert("scores.yaml".to_owned(), text);
    app.advance(jiff::SignedDuration::from_hours(1));
    apply(&app, &files).await;
    app.catch_up().await.expect("caught up");
    let again = versions(&app).await;
    assert_eq!(again.len(), 4);
    assert_eq!(
        (&again[0]["hash"], &again[0]["accounts"], &again[0]["in_force"]),
        (&first[0]["hash"], &json!(1), &json!(true))
    );
    assert_eq!(again[3]["accounts"], 0);
    // A restart brings nothing into force.
    let app = app.reopen().await;
    app.catch_up().await.expect("caught up");
    let seen = app
        .get("/api/v1/scores/health/versions")
        .as_role(Role::Viewer)
        .await
        .ok();
    assert_eq!(seen["items"], json!(again));
}
