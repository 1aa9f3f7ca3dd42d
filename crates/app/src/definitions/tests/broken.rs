//! Programs with one mistake each: the problem must name file, line, column, path, the offending name and the nearest
//! right one.

use super::*;

/// File, text to replace, replacement; then line, column, path, name, nearest of the only problem.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    usize,
    usize,
    &'static str,
    &'static str,
    Option<&'static str>,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    // keys
    ("kpis.yaml", "    window: 12m", "    windw: 12m\n    window: 12m", 5, 5, "kpis[0].windw", "windw", Some("window")),
    ("metrics.yaml", "measure: count", "measure: count, windos: 30d", 2, 38, "metrics[0].windos", "windos", Some("window")),
    ("segments.yaml", "unclassified: mrr", "unclasified: mrr", 1, 1, "unclasified", "unclasified", Some("unclassified")),
    ("program.yaml", "title: Small", "title: Small\ntitle: Smaller", 3, 1, "title", "title", None),
    ("targets.yaml", "goal: {value: 0.09}", "goal: {pionts: 0.09, value: 0.09}", 6, 12, "targets[0].goal.pionts", "pionts", Some("points")),
    // missing
    ("segments.yaml", "\n    rule: TRUE", "", 4, 5, "segments[1].rule", "rule", None),
    ("kpis.yaml", "    window: 12m\n", "", 2, 5, "kpis[0].window", "window", None),
    ("targets.yaml", "    source: plan\n", "", 2, 5, "targets[0].source", "source", None),
    ("metrics.yaml", "measure: count", "measure: distinct", 2, 5, "metrics[0].of", "of", None),
    ("targets.yaml", "{value: 0.09}", "{}", 6, 11, "targets[0].goal.value", "value", None),
    // values
    ("attributes.yaml", "type: text", "type: txt", 3, 22, "attributes[1].type", "txt", Some("text")),
    ("attributes.yaml", "required: true", "required: maybe", 2, 42, "attributes[0].required", "maybe", None),
    ("metrics.yaml", "measure: count", "measure: cuont", 2, 31, "metrics[0].measure", "cuont", Some("count")),
    ("metrics.yaml", "window: 30d", "window: 30", 2, 63, "metrics[0].window", "30", None),
    ("metrics.yaml", "window: 30d", "window: 0d", 2, 63, "metrics[0].window", "0d", None),
    ("kpis.yaml", "window: 12m", "window: mont", 5, 13, "kpis[0].window", "mont", Some("month")),
    ("kpis.yaml", "better: down", "better: less", 4, 13, "kpis[0].better", "less", None),
    ("program.yaml", "Europe/Berlin", "Europe/Berln", 3, 12, "time_zone", "Europe/Berln", Some("Europe/Berlin")),
    ("program.yaml", "EUR", "EUE", 4, 11, "currency", "EUE", Some("EUR")),
    ("program.yaml", "2026-01-01", "2026-02-30", 5, 13, "started_on", "2026-02-30", None),
    ("targets.yaml", "deadline: 2026-12-31", "deadline: 31.12.2026", 7, 15, "targets[0].deadline", "31.12.2026", None),
    ("targets.yaml", "deadline: 2026-12-31", "deadline: 2025-12-31", 7, 15, "targets[0].deadline", "2025-12-31", None),
    ("targets.yaml", "value: 0.09", "value: 9", 6, 19, "targets[0].goal.value", "9", None),
    ("targets.yaml", "value: 0.12,", "value: twelve,", 5, 23, "targets[0].baseline.value", "twelve", None),
    ("attributes.yaml", "id: plan", "id: Plan", 3, 10, "attributes[1].id", "Plan", None),
    // names
    ("attributes.yaml", "id: plan", "id: seats", 3, 10, "attributes[1].id", "seats", None),
    ("attributes.yaml", "id: plan", "id: mrr", 3, 10, "attributes[1].id", "mrr", None),
    ("attributes.yaml", "id: plan", "id: order", 3, 10, "attributes[1].id", "order", None),
    ("metrics.yaml", "id: per_seat", "id: plan", 3, 9, "metrics[1].id", "plan", None),
    ("segments.yaml", "id: small", "id: all", 4, 9, "segments[1].id", "all", None),
    ("segments.yaml", "mrr > 1000", "mmr > 1000", 3, 23, "segments[0].rule", "mmr", Some("mrr")),
    ("segments.yaml", "mrr > 1000", "seats > 1 AND segment = 'x'", 3, 37, "segments[0].rule", "segment", None),
    ("segments.yaml", "mrr IS NULL", "mrr IS NULL AND lgins_30d = 0", 1, 31, "unclassified", "lgins_30d", Some("logins_30d")),
    ("segments.yaml", "rule: TRUE", "rule: |\n      mrr > 10\n      AND setas > 3", 7, 11, "segments[1].rule", "setas", Some("seats")),
    ("metrics.yaml", "nullif(seats, 0)", "nullif(setas, 0)", 4, 32, "metrics[1].expr", "setas", Some("seats")),
    ("metrics.yaml", "nullif(seats, 0)", "nullif(seats, 0", 4, 11, "metrics[1].expr", "logins_30d / nullif(seats, 0", None),
    ("metrics.yaml", "window: 30d", "window: 30d, where: nam = 'x'", 2, 75, "metrics[0].where", "nam", Some("name")),
    ("segments.yaml", "rule: TRUE", "rule: >-\n      mrr > 10 AND\n      setas > 3", 7, 7, "segments[1].rule", "setas", Some("seats")),
    ("segments.yaml", "rule: TRUE", "rule: mrr > 10\n      AND setas > 3", 6, 11, "segments[1].rule", "setas", Some("seats")),
    ("scores.yaml", "metric: logins_30d", "metric: logins_3d", 11, 26, "scores[0].models[0].groups[0].measures[0].metric", "logins_3d", Some("logins_30d")),
    ("scores.yaml", "segment: large", "segment: lrge", 2, 41, "outcomes[0].segment", "lrge", Some("large")),
    ("scores.yaml", "weight: 2", "weight: 0", 11, 15, "scores[0].models[0].groups[0].measures", "weight", None),
    ("scores.yaml", "[9, 100]", "[9, -1]", 11, 56, "scores[0].models[0].groups[0].measures[0].curve", "curve", None),
    ("scores.yaml", "[[0, 0], [9, 100]]", "[[0, 9], [9, 3]]", 11, 56, "scores[0].models[0].groups[0].measures[0].curve", "curve", None),
    ("scores.yaml", "- id: health\n", "- id: health\n    outcome: move\n", 5, 14, "scores[0].outcome", "move", Some("moves")),
    ("scores.yaml", "- id: health\n", "- id: health\n    bands: {green: 40}\n", 5, 12, "scores[0].bands", "40, 50", None),
    ("scores.yaml", "horizon: 60d", "horizon: 60d, events: [renewed]", 2, 70, "outcomes[0].events", "events", None),
    // types and functions
    ("segments.yaml", "mrr > 1000", "mrr + 1000", 3, 23, "segments[0].rule", "mrr + 1000", None),
    ("metrics.yaml", "logins_30d / nullif(seats, 0)", "logins_30d > seats", 4, 11, "metrics[1].expr", "logins_30d > seats", None),
    ("metrics.yaml", "nullif(seats, 0)", "nullf(seats, 0)", 4, 25, "metrics[1].expr", "nullf", Some("nullif")),
    ("kpis.yaml", "FROM cohort", "FROM cohrt", 10, 12, "kpis[0].facts", "cohrt", Some("cohort")),
    ("kpis.yaml", "1 AS numerator,", "1 AS num,", 8, 7, "kpis[0].facts", "numerator", None),
    ("kpis.yaml", "FROM cohort", "FROM cohort; DROP TABLE events", 10, 20, "kpis[0].facts", ";", None),
    ("kpis.yaml", "SELECT period", "DELETE period", 8, 7, "kpis[0].facts", "DELETE", None),
    ("kpis.yaml", "value: ratio", "value: sum\n    proportion: true", 7, 17, "kpis[0].proportion", "proportion", None),
    ("kpis.yaml", "value: ratio", "value: ratio\n    waits_for: scores", 7, 16, "kpis[0].waits_for", "waits_for", None),
    ("targets.yaml", "kpi: churn", "kpi: chrun", 3, 10, "targets[0].kpi", "chrun", Some("churn")),
    ("targets.yaml", "scope: large", "scope: lage", 4, 12, "targets[0].scope", "lage", Some("large")),
    ("events.yaml", "exported: product", "login: product", 4, 10, "kinds.login", "login", None),
    ("events.yaml", "exported: product", "exported: products", 4, 13, "kinds.exported", "products", Some("product")),
];

#[test]
fn each_mistake_is_told_with_its_place() {
    for (file, from, to, line, column, path, name, nearest) in CASES {
        let mut files = sound();
        let text = files.get_mut(*file).expect(file);
        assert_eq!(text.matches(from).count(), 1, "{from} stands once in {file}");
        *text = text.replace(from, to);
        let problems = Definitions::parse(&files).expect_err(to);
        let told = problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(problems.len(), 1, "{to}:\n{told}");
        let problem = &problems[0];
        assert_eq!(problem.severity, Severity::Error, "{to}");
        assert_eq!(
            (
                problem.file.as_str(),
                problem.line,
                problem.column,
                problem.path.as_str()
            ),
            (*file, *line, *column, *path),
            "{to}:\n{told}"
        );
        assert_eq!(
            (problem.name.as_str(), problem.nearest.as_deref()),
            (*name, *nearest),
            "{told}"
        );
        assert!(
            problem.problem.ends_with('.') && problem.remedy.ends_with('.'),
            "{told}"
        );
    }
}

/// The warnings of a program that is otherwise sound.
fn warnings(file: &str, from: &str, to: &str) -> Vec<Problem> {
    let mut files = sound();
    let text = files.get_mut(file).expect(file);
    *text = text.replace(from, to);
    Definitions::check(&files, &|_| Ok(()))
        .expect("only warnings")
        .warnings
}

#[test]
fn odd_but_possible_things_are_warnings() {
    let cases = [
        (
            "metrics.yaml",
            "[login]",
            "[logn]",
            "metrics[0].events[0]",
            Some("login"),
        ),
        (
            "metrics.yaml",
            "[login]",
            "[login, Signed In]",
            "metrics[0].events[1]",
            Some("login"),
        ),
        (
            "events.yaml",
            "Signed In: login",
            "Signed In: logn",
            "names.Signed In",
            Some("login"),
        ),
        (
            "targets.yaml",
            "goal: {value: 0.09}",
            "goal: {points: 0.03}",
            "targets[0].goal",
            None,
        ),
        (
            "segments.yaml",
            "rule: TRUE",
            "rule: TRUE\n  - {id: never, rule: mrr > 5}",
            "segments[2]",
            None,
        ),
    ];
    for (file, from, to, path, nearest) in cases {
        let found = warnings(file, from, to);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].path.as_str(), found[0].nearest.as_deref()),
            (path, nearest),
            "{found:?}"
        );
    }
    assert_eq!(
        warnings("metrics.yaml", "[login]", "[exported]"),
        [],
        "a name that events.yaml gives a kind is known"
    );
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_files_and_lines() {
    let mut files = sound();
    files.insert("program.yaml".into(), "program: small\ncurrency: euro\n".into());
    let metrics = files.get_mut("metrics.yaml").expect("there");
    *metrics = metrics.replace("count", "cuont").replace("seats", "setz");
    files.insert("kpis.yaml".into(), "kpis:\n  - 7\n  - {id: other}\n".into());
    let problems = Definitions::parse(&files).expect_err("many");
    let places: Vec<(&str, usize, &str)> = problems
        .iter()
        .map(|problem| (problem.file.as_str(), problem.line, problem.path.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("program.yaml", 1, "started_on"),
            ("program.yaml", 2, "currency"),
            ("metrics.yaml", 2, "metrics[0].measure"),
            ("metrics.yaml", 4, "metrics[1].expr"),
            ("kpis.yaml", 2, "kpis[0]"),
            ("kpis.yaml", 3, "kpis[1].better"),
            ("kpis.yaml", 3, "kpis[1].facts"),
            ("kpis.yaml", 3, "kpis[1].unit"),
            ("kpis.yaml", 3, "kpis[1].value"),
            ("kpis.yaml", 3, "kpis[1].window"),
            ("targets.yaml", 3, "targets[0].kpi"),
        ]
    );
}

#[test]
fn a_circle_of_metrics_is_named() {
    let mut files = sound();
    let text = "metrics:\n  - {id: a, expr: b + 1}\n  - {id: b, expr: c * 2}\n  - {id: c, expr: a - seats}\n  - {id: d, expr: a}\n  - {id: e, expr: e}\n";
    files.remove("scores.yaml");
    files.insert("metrics.yaml".into(), text.into());
    let problems = Definitions::parse(&files).expect_err("circles");
    let told: Vec<(usize, &str)> = problems
        .iter()
        .map(|problem| (problem.line, problem.problem.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (2, "'a' is made of itself: a → b → c → a."),
            (6, "'e' is made of itself: e → e.")
        ]
    );
}

#[test]
fn a_file_that_is_no_yaml_is_told_with_its_place() {
    let mut files = sound();
    files.insert(
        "metrics.yaml".into(),
        "metrics:\n  - {id: a, expr: \"1\"\n  - id: b\n".into(),
    );
    let problems = Definitions::parse(&files).expect_err("no YAML");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].file.as_str(), problems[0].line), ("metrics.yaml", 3));
    assert!(
        problems[0].problem.starts_with("This is not YAML: "),
        "{}",
        problems[0]
    );
    files.remove("metrics.yaml");
    files.remove("segments.yaml");
    files.insert("kpi.yaml".into(), String::new());
    let problems = Definitions::parse(&files).expect_err("no segments");
    let told: Vec<(&str, Severity, Option<&str>)> = problems
        .iter()
        .map(|p| (p.name.as_str(), p.severity, p.nearest.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("segments.yaml", Severity::Error, None),
            ("kpi.yaml", Severity::Warning, Some("kpis.yaml"))
        ]
    );
}

#[test]
fn the_planner_points_into_the_facts() {
    let found = Definitions::check(&sound(), &|kpi| {
        assert_eq!(kpi.id, "churn");
        let (problem, name) = (
            "There is no column 'account'.".to_owned(),
            Some("account".to_owned()),
        );
        Err(SqlProblem {
            problem,
            at: Some((2, 8)),
            name,
            nearest: Some("account_no".into()),
        })
    });
    let problems = found.expect_err("the planner objects");
    assert_eq!(
        (problems[0].line, problems[0].column, problems[0].path.as_str()),
        (9, 14, "kpis[0].facts")
    );
    assert_eq!(problems[0].nearest.as_deref(), Some("account_no"));
}

#[test]
fn no_text_stops_the_reader() {
    let sound = sound();
    let odd = [
        "",
        "\u{0}",
        "{",
        "- ",
        "a: &x [*x]",
        "? : ?",
        "%YAML 9",
        "\t- a",
        "a: !!binary zz",
        "1: 2",
        "---\na: 1\n---\nb: 2",
        "\u{feff}program: x",
        "metrics: [[[[[]]]]]",
        "kpis: {a: {b: {}}}",
        "'",
    ];
    for file in FILES {
        for text in odd {
            let mut files = sound.clone();
            files.insert(file.to_owned(), text.to_owned());
            let _ = Definitions::parse(&files);
        }
        // Every beginning of a sound file is read or refused, never more.
        let text = sound[file].clone();
        for (cut, _) in text.char_indices() {
            let mut files = sound.clone();
            files.insert(file.to_owned(), text[..cut].to_owned());
            let _ = Definitions::parse(&files);
        }
    }
}

const PAGE: &str = "id: page
title: Page
segment: large
tiles:
  - {id: churn, kind: figure, kpis: [churn]}
  - {id: use, kind: bar, metric: logins_30d, filter: seats > 3}
  - id: words
    kind: text
    text: Read me.
";

#[test]
fn a_mistake_in_a_dashboard_is_told_with_its_place() {
    let files = |text: &str| {
        let mut files = sound();
        files.insert("dashboards/page.yaml".into(), text.to_owned());
        files
    };
    assert_eq!(read_sound(&files(PAGE)).dashboards[0].tiles.len(), 3);
    // Text, replacement, what is told and stands at the place, its path, the nearest right name.
    for (from, to, name, path, nearest) in [
        ("[churn]", "[chrun]", "chrun", "tiles[0].kpis[0]", Some("churn")),
        (
            "kind: figure",
            "kind: figur",
            "figur",
            "tiles[0].kind",
            Some("figure"),
        ),
        (
            "segment: large",
            "segment: lage",
            "lage",
            "segment",
            Some("large"),
        ),
        (
            "logins_30d",
            "lgins_30d",
            "lgins_30d",
            "tiles[1].metric",
            Some("logins_30d"),
        ),
        (
            "seats > 3",
            "setas > 3",
            "setas",
            "tiles[1].filter",
            Some("seats"),
        ),
        ("kind: bar", "kind: bar, width: 13", "13", "tiles[1].width", None),
        (
            "id: words",
            "id: words\n    title: [a]",
            "[a]",
            "tiles[2].title",
            None,
        ),
        (
            "kpis: [",
            "tile: x, kpis: [",
            "tile",
            "tiles[0].tile",
            Some("title"),
        ),
    ] {
        let text = PAGE.replacen(from, to, 1);
        let problems = Definitions::parse(&files(&text)).expect_err(to);
        assert_eq!(problems.len(), 1, "{to}: {problems:?}");
        let problem = &problems[0];
        let line = text.lines().nth(problem.line - 1).expect("a line");
        let there: String = line.chars().skip(problem.column - 1).collect();
        assert_eq!(problem.file, "dashboards/page.yaml");
        assert!(there.starts_with(name), "{to}: {problem} points at {there}");
        assert_eq!(
            (problem.path.as_str(), problem.nearest.as_deref()),
            (path, nearest),
            "{to}"
        );
    }
    // What does not fit together, and what there is too much of.
    let many: String = (0..500)
        .map(|n| format!("  - {{id: t{n}, kind: text, text: x}}\n"))
        .collect();
    for (text, path) in [
        (
            PAGE.replace("text: Read me.", "text: Read me.\n    sql: SELECT 1"),
            "tiles[2].sql",
        ),
        (PAGE.replace("id: use", "id: churn"), "tiles[1].id"),
        (PAGE.replace("kind: figure", "kind: stacked"), "tiles[0].by"),
        (PAGE.replace("kind: figure", "kind: funnel"), "tiles[0].kpis"),
        (
            PAGE.replace("kpis: [churn]", "kpis: [churn], by: item"),
            "tiles[0].by",
        ),
        (PAGE.to_owned() + &many, "tiles"),
    ] {
        let problems = Definitions::parse(&files(&text)).expect_err(path);
        assert_eq!(
            (problems.len(), problems[0].path.as_str()),
            (1, path),
            "{problems:?}"
        );
    }
    let twice = {
        let mut files = files(PAGE);
        files.insert("dashboards/twin.yaml".into(), PAGE.to_owned());
        Definitions::parse(&files).expect_err("one id twice")
    };
    assert_eq!(
        (twice.len(), twice[0].file.as_str()),
        (1, "dashboards/twin.yaml"),
        "{twice:?}"
    );
}
