//! JSON Schemas of the documents, for editors: completion, hints and errors while typing.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value as Json;

use super::types::*;
use crate::definitions::Kind;

/// The JSON Schema (draft 7) of every document of a program, by file name: `("kpis.json", …)` describes `kpis.yaml`.
pub fn schemas() -> Vec<(String, Json)> {
    vec![
        (
            "program.json".into(),
            document::<ProgramMeta>("The program: its name and the frame that every figure is counted in."),
        ),
        (
            "attributes.json".into(),
            document::<Attributes>("What is known of an account besides MRR, segment and owner."),
        ),
        (
            "events.json".into(),
            document::<EventMap>("How the event names of your sources map onto Tenure's."),
        ),
        (
            "segments.json".into(),
            document::<SegmentSet>("The segments, in the order in which they are tried."),
        ),
        (
            "metrics.json".into(),
            document::<Metrics>("Figures of one account on one day."),
        ),
        (
            "scores.json".into(),
            document::<Scores>("Scores of accounts, and the outcomes that they are proven against."),
        ),
        (
            "kpis.json".into(),
            document::<Kpis>("Figures of the company, a segment or any group of accounts."),
        ),
        (
            "targets.json".into(),
            document::<Targets>("Goals for KPIs, with their baselines and deadlines."),
        ),
        (
            "dashboard.json".into(),
            document::<Dashboard>("One page of figures: a file of the folder dashboards."),
        ),
    ]
}

fn document<T: JsonSchema>(description: &str) -> Json {
    // Draft 7 is what YAML language servers know best.
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("description".into(), description.into());
    schema.to_value()
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Attributes {
    attributes: Vec<Attribute>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Metrics {
    metrics: Vec<Metric>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Scores {
    #[serde(default)]
    outcomes: Vec<Outcome>,
    #[serde(default)]
    scores: Vec<Score>,
}

/// A curve, as the YAML has it: one of its two forms.
#[derive(JsonSchema)]
#[schemars(rename = "Curve", deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
#[expect(
    dead_code,
    reason = "only its schema is used; the type is an enum of the two forms"
)]
pub(super) struct CurveShape {
    /// Straight between knots of value and points, level beyond the first and the last.
    linear: Option<LinearShape>,
    /// The first points below the first cut, and so on.
    steps: Option<StepsShape>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Linear", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct LinearShape {
    /// Value and points, ascending by value: `[[0, 0], [40, 100]]`.
    knots: Vec<(f64, f64)>,
    /// The direction that the points must follow.
    direction: Option<DirectionShape>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Steps", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct StepsShape {
    /// Ascending values.
    cuts: Vec<f64>,
    /// Points, one more than the cuts.
    points: Vec<f64>,
    /// The direction that the points must follow.
    direction: Option<DirectionShape>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Direction", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum DirectionShape {
    /// Greater values give more points, or as many.
    Rising,
    /// Greater values give fewer points, or as many.
    Falling,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Kpis {
    kpis: Vec<Kpi>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Targets {
    targets: Vec<Target>,
}

/// A day, as the YAML has it.
#[derive(JsonSchema)]
#[schemars(transparent, inline)]
#[expect(
    dead_code,
    reason = "only its schema is used; the fields of the documents hold jiff dates"
)]
pub(super) struct DateText(
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}$"), extend("format" = "date"))] String,
);

/// A window of a KPI, as the YAML has it.
#[derive(JsonSchema)]
#[schemars(transparent, inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct KpiWindowText(
    #[schemars(regex(pattern = r"^(day|month|quarter|[1-9]\d*m|[1-9]\d*d)$"))] String,
);

/// A number of days, as the YAML has it.
#[derive(JsonSchema)]
#[schemars(transparent, inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct DaysText(#[schemars(regex(pattern = r"^[1-9]\d*d$"))] String);

/// A metric as the YAML has it: one map for both of its forms, so that editors can complete every key.
#[derive(JsonSchema)]
#[schemars(rename = "Metric", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["expr"]}, {"required": ["measure"]}]))]
#[expect(
    dead_code,
    reason = "only its schema is used; the type is an enum of the two forms"
)]
struct MetricShape {
    /// The name in expressions and data.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    id: String,
    /// The name that people read; the id when left out.
    label: Option<String>,
    /// What it says about an account.
    description: Option<String>,
    /// What it is counted in; `number` when left out, `days` for `days_since`.
    unit: Option<Unit>,
    /// Which way is good, where one is.
    better: Option<Better>,
    /// How the events are condensed.
    measure: Option<Measure>,
    /// The event names that count.
    events: Option<Vec<String>>,
    /// The kinds of events that count, besides `events`.
    kinds: Option<Vec<Kind>>,
    /// Only events for which this is true, e.g. `prop(properties, 'survey') = 'nps'`.
    r#where: Option<String>,
    /// The value of an event, e.g. `prop_num(properties, 'score')`.
    of: Option<String>,
    /// The days that count, the day asked for included, e.g. `30d`; all time when left out.
    window: Option<DaysText>,
    /// A SQL expression over attributes, built-in names and other metrics that gives a number.
    expr: Option<String>,
}

impl JsonSchema for Metric {
    fn schema_name() -> Cow<'static, str> {
        "Metric".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        MetricShape::json_schema(generator)
    }
}

/// A target as the YAML has it.
#[derive(JsonSchema)]
#[schemars(rename = "Target", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only its schema is used; the type holds enums where the YAML has one of several keys"
)]
struct TargetShape {
    /// The name in data.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_-]*$"))]
    id: String,
    /// The name that people read; the KPI's label when left out.
    label: Option<String>,
    /// How the source's words were read, where they leave a choice.
    description: Option<String>,
    /// The KPI.
    kpi: String,
    /// `all` (when left out), or a segment.
    scope: Option<String>,
    /// The program that the target belongs to: `company` when left out.
    program: Option<String>,
    /// What it starts from: `{value: 0.12, on: 2026-06-30}`, or `{measure: true, on: 2026-06-30}` to have it measured.
    baseline: BaselineShape,
    /// What it wants: exactly one of `value`, `points`, `relative`.
    goal: GoalShape,
    /// The day by which.
    deadline: DateText,
    /// Which document says so, and where in it. The text before the first comma names the document.
    source: String,
}

#[derive(JsonSchema)]
#[schemars(rename = "Baseline", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["value"]}, {"required": ["measure"]}]))]
#[expect(dead_code, reason = "only its schema is used")]
struct BaselineShape {
    /// A stated figure, in the KPI's unit.
    value: Option<f64>,
    /// True: measured for this day when the program is applied, and frozen then.
    measure: Option<bool>,
    /// The day that it stands for.
    on: DateText,
}

#[derive(JsonSchema)]
#[schemars(rename = "Goal", deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
#[expect(dead_code, reason = "only its schema is used")]
struct GoalShape {
    /// This figure, in the KPI's unit.
    value: Option<f64>,
    /// This much above (or, negative, below) the baseline, in the KPI's unit.
    points: Option<f64>,
    /// This fraction above (or, negative, below) the baseline.
    relative: Option<f64>,
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TargetShape::json_schema(generator)
    }
}
