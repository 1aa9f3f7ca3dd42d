//! The programs that ship with Tenure, held against the documents that they come from.

use super::*;

/// The KPI ids of DEFINITIONS §3, in the order of its table.
const KPI_IDS: &str = "engagement_rate engagement_frequency content_consumption logo_churn_month logo_churn_12m \
    revenue_churn_12m grr_12m nrr_12m retention_month retention_quarter retention_year arr churn_reasons proactive_saves \
    onboarding_completion time_to_first_value csat nps ces survey_response_rate survey_coverage ticket_resolution_time \
    upsell_rate_12m pipeline_value conversion_rate average_health health_accuracy velocity_average \
    referenceable_customers data_points field_completeness adherence training_completion growth_area_coverage \
    recognition tools_live";

/// The KPIs that wait for later work.
const WAITING: &str = "adherence training_completion \
    growth_area_coverage recognition tools_live";

#[test]
fn shipped_programs_have_no_problems() {
    for name in ["medtrainer", "starter", "ravenstack", "retail", "oulad"] {
        let definitions = read_sound(&shipped_files(name));
        assert_eq!(definitions.program.program, name);
        for (id, description) in definitions
            .kpis
            .iter()
            .map(|kpi| (&kpi.id, &kpi.description))
            .chain(
                definitions
                    .segments
                    .segments
                    .iter()
                    .map(|segment| (&segment.id, &segment.description)),
            )
        {
            assert!(!description.is_empty(), "{name}: {id} says what it is");
        }
    }
}

#[test]
fn every_defined_kpi_is_declared() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    for id in KPI_IDS.split_whitespace() {
        let kpi = definitions.kpi(id).unwrap_or_else(|| panic!("{id} is declared"));
        let waits = WAITING.split_whitespace().any(|waiting| waiting == id);
        assert_eq!(kpi.waits_for.is_some(), waits, "{id}");
        assert_eq!(kpi.facts.is_some(), !waits, "{id}");
    }
}

#[test]
fn kpis_of_the_start_count_the_segment_of_the_start() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    for id in [
        "logo_churn_12m",
        "grr_12m",
        "nrr_12m",
        "revenue_churn_12m",
        "retention_year",
        "upsell_rate_12m",
    ] {
        let kpi = definitions.kpi(id).expect(id);
        assert_eq!(
            (kpi.window, kpi.segment_at),
            (KpiWindow::Months(12), SegmentAt::Start),
            "{id}"
        );
    }
    assert_eq!(
        definitions.kpi("nps").map(|kpi| (kpi.window, kpi.value)),
        Some((KpiWindow::Days(90), KpiValue::Nps))
    );
    let onboarding = definitions.kpi("onboarding_completion").expect("declared");
    assert_eq!(
        onboarding.lag,
        Some(Days(30)),
        "only accounts whose 30 days have passed count"
    );
}

#[test]
fn facts_say_what_they_read() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    let relations = |id: &str| definitions.kpi(id).expect(id).relations();
    assert_eq!(relations("arr"), ["cohort"]);
    assert_eq!(
        relations("proactive_saves"),
        ["account_spans", "events", "period_events"]
    );
    assert_eq!(relations("pipeline_value"), ["cohort", "events", "periods"]);
    assert_eq!(relations("average_health"), ["score_days"]);
    assert_eq!(
        relations("health_accuracy"),
        ["account_spans", "periods", "score_days"]
    );
}

#[test]
fn completeness_names_every_required_attribute() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    let facts = definitions
        .kpi("field_completeness")
        .and_then(|kpi| kpi.facts.as_deref())
        .expect("facts");
    let required: Vec<&str> = definitions
        .attributes
        .iter()
        .filter(|a| a.required)
        .map(|a| a.id.as_str())
        .collect();
    for id in &required {
        assert!(sql::mentions(facts, id), "{id}");
    }
    assert!(facts.contains(&format!("{} AS denominator", required.len())));
}

#[test]
fn segments_are_those_of_the_plan() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    let rules: Vec<(&str, &str)> = definitions
        .segments
        .segments
        .iter()
        .map(|segment| (segment.id.as_str(), segment.rule.as_str()))
        .collect();
    assert_eq!(
        rules,
        [
            ("strategic", "mrr > 3500"),
            (
                "digital",
                "mrr >= 0 AND mrr <= 500 AND employees >= 0 AND employees <= 50"
            ),
            ("core", "TRUE"),
        ]
    );
    assert_eq!(definitions.segments.unclassified.as_deref(), Some("mrr IS NULL"));
}

/// Document, KPI, scope, stated baseline, goal, deadline.
type Stated = (
    &'static str,
    &'static str,
    &'static str,
    Option<f64>,
    Goal,
    &'static str,
);

/// Every target of the two documents.
#[rustfmt::skip]
const TARGETS: &[Stated] = &[
    ("S1", "engagement_rate", "digital", None, Goal::Value(0.3), "2026-12-31"),
    ("S1", "content_consumption", "digital", None, Goal::Relative(0.4), "2026-12-31"),
    ("S1", "logo_churn_12m", "digital", Some(0.15), Goal::Value(0.1), "2027-06-30"),
    ("S1", "retention_year", "digital", None, Goal::Value(0.9), "2027-06-30"),
    ("S1", "onboarding_completion", "digital", None, Goal::Value(0.7), "2026-09-30"),
    ("S1", "time_to_first_value", "digital", None, Goal::Relative(-0.25), "2026-12-31"),
    ("S1", "csat", "digital", None, Goal::Value(0.85), "2026-12-31"),
    ("S1", "nps", "digital", Some(20.0), Goal::Value(30.0), "2027-06-30"),
    ("S1", "ticket_resolution_time", "digital", None, Goal::Relative(0.0), "2026-12-31"),
    ("S1", "upsell_rate_12m", "digital", None, Goal::Value(0.1), "2027-06-30"),
    ("S1", "average_health", "digital", None, Goal::Value(75.0), "2027-06-30"),
    ("S1", "health_skill", "digital", None, Goal::Relative(0.15), "2026-12-31"),
    ("S2", "engagement_rate", "strategic", None, Goal::Value(0.5), "2026-12-31"),
    ("S2", "engagement_rate", "core", None, Goal::Value(0.4), "2026-12-31"),
    ("S2", "engagement_rate", "digital", None, Goal::Value(0.3), "2026-12-31"),
    ("S2", "content_consumption", "all", None, Goal::Relative(0.5), "2026-12-31"),
    ("S2", "training_completion", "all", None, Goal::Value(1.0), "2026-08-15"),
    ("S2", "logo_churn_12m", "strategic", Some(0.08), Goal::Value(0.05), "2027-06-30"),
    ("S2", "logo_churn_12m", "core", Some(0.1), Goal::Value(0.07), "2027-06-30"),
    ("S2", "logo_churn_12m", "digital", Some(0.12), Goal::Value(0.09), "2027-06-30"),
    ("S2", "retention_year", "all", None, Goal::Value(0.9), "2027-06-30"),
    ("S2", "upsell_rate_12m", "all", None, Goal::Value(0.15), "2027-06-30"),
    ("S2", "referenceable_customers", "all", None, Goal::Relative(0.2), "2026-09-30"),
    ("S2", "csat", "strategic", None, Goal::Value(0.9), "2026-12-31"),
    ("S2", "csat", "core", None, Goal::Value(0.87), "2026-12-31"),
    ("S2", "csat", "digital", None, Goal::Value(0.85), "2026-12-31"),
    ("S2", "nps", "all", Some(30.0), Goal::Value(40.0), "2027-06-30"),
    ("S2", "onboarding_completion", "strategic", None, Goal::Value(0.95), "2026-12-31"),
    ("S2", "onboarding_completion", "core", None, Goal::Value(0.9), "2026-12-31"),
    ("S2", "onboarding_completion", "digital", None, Goal::Value(0.7), "2026-12-31"),
    ("S2", "time_to_first_value", "all", None, Goal::Relative(-0.2), "2026-12-31"),
    ("S2", "adherence", "all", None, Goal::Value(1.0), "2026-11-30"),
    ("S2", "tools_live", "all", None, Goal::Value(1.0), "2026-09-30"),
    ("S2", "growth_area_coverage", "all", None, Goal::Value(1.0), "2026-12-31"),
    ("S2", "recognition", "all", None, Goal::Value(1.0), "2026-09-30"),
    ("S2", "categorized_rate", "all", None, Goal::Value(1.0), "2026-07-15"),
    ("S2", "assigned_rate", "all", None, Goal::Value(1.0), "2026-07-15"),
    ("S2", "churn_reasons", "all", None, Goal::Value(1.0), "2026-07-15"),
    ("S2", "pilot_feedback", "all", None, Goal::Value(0.5), "2026-08-31"),
    ("S2", "training_completion", "all", None, Goal::Value(1.0), "2026-10-15"),
    ("S2", "data_points", "all", None, Goal::Relative(0.25), "2026-10-31"),
    ("S2", "engagement_frequency", "all", None, Goal::Relative(0.2), "2026-10-31"),
    ("S2", "survey_coverage", "all", None, Goal::Value(0.75), "2026-11-30"),
    ("S2", "managed_rate", "all", None, Goal::Value(1.0), "2026-12-15"),
];

#[test]
fn every_target_of_both_documents_is_there() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    let mut left: Vec<&Target> = definitions.targets.iter().collect();
    for (document, kpi, scope, stated, goal, deadline) in TARGETS {
        let baseline = match stated {
            Some(value) => Baseline::Stated {
                value: *value,
                on: jiff::civil::date(2026, 6, 30),
            },
            None => Baseline::Measured {
                on: jiff::civil::date(2026, 6, 30),
            },
        };
        let found = left.iter().position(|target| {
            (target.document(), target.kpi.as_str(), target.scope.as_str()) == (*document, *kpi, *scope)
                && target.baseline == baseline
                && target.goal == *goal
                && target.deadline.to_string() == *deadline
        });
        let found = found.unwrap_or_else(|| panic!("{document} {kpi} {scope} {goal:?} by {deadline}"));
        let program = if *document == "S1" { "digital" } else { "company" };
        assert_eq!(left.remove(found).program, program);
    }
    assert!(left.is_empty(), "targets that neither document has: {left:?}");
}

#[test]
fn the_two_documents_disagree_in_six_places() {
    let definitions = read_sound(&shipped_files("medtrainer"));
    let mut pairs = conflicts(&definitions);
    pairs.sort();
    let expected = [
        ("s1-churn-digital", "s2-churn-digital"),
        ("s1-content-digital", "s2-content"),
        ("s1-nps-digital", "s2-nps"),
        ("s1-onboarding-digital", "s2-onboarding-digital"),
        ("s1-ttfv-digital", "s2-ttfv"),
        ("s1-upsell-digital", "s2-upsell"),
    ];
    assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn goals_reach_what_they_say() {
    assert_eq!(Goal::Value(0.09).reach(None), Some(0.09));
    assert_eq!(Goal::Points(10.0).reach(Some(20.0)), Some(30.0));
    assert_eq!(Goal::Relative(-0.25).reach(Some(40.0)), Some(30.0));
    assert_eq!(Goal::Relative(-0.25).reach(None), None);
}

/// The example files of a page: code blocks that begin with "```yaml" and the name of a file.
fn examples(page: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for block in page.split("\n```yaml ").skip(1) {
        let (name, rest) = block.split_once('\n').expect("a block has lines");
        let (text, _) = rest.split_once("\n```").expect("a block ends");
        assert!(
            files
                .insert(name.trim().to_owned(), format!("{text}\n"))
                .is_none(),
            "{name} is shown once"
        );
    }
    files
}

#[test]
fn the_examples_of_the_documentation_are_a_program() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/program.md");
    let files = examples(&std::fs::read_to_string(page).expect("docs/program.md"));
    assert_eq!(files.len(), FILES.len(), "every file is shown");
    let definitions = read_sound(&files);
    assert_eq!(
        (
            definitions.segments.segments.len(),
            definitions.kpis.len(),
            definitions.targets.len()
        ),
        (3, 4, 2)
    );
}
