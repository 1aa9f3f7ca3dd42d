//! The names that a rule may use, for completion.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::api::definitions;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{AttributeType, BUILTINS};
use crate::web::{Json, Result, routes};

/// Values that are offered of a text.
const OFFERED: usize = 20;

/// Functions that rules may call.
const FUNCTIONS: &[&str] = &[
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "least",
    "left",
    "length",
    "ln",
    "log10",
    "lower",
    "nullif",
    "power",
    "regexp_like",
    "replace",
    "right",
    "round",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "trim",
    "trunc",
    "upper",
];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(names))
}

/// A name that a rule may use.
#[derive(Serialize, ToSchema)]
struct RuleName {
    name: String,
    label: String,
    description: String,
    /// builtin, attribute or metric.
    kind: &'static str,
    /// integer, number, text, boolean, date or money.
    #[serde(rename = "type")]
    of: &'static str,
    /// The most frequent values of a text, most frequent first.
    values: Vec<String>,
}

/// The names and functions of rules.
#[derive(Serialize, ToSchema)]
struct RuleNames {
    names: Vec<RuleName>,
    functions: Vec<&'static str>,
    /// The attribute that holds the lifecycle stage, by which figures can be split as `stage`; null = the program names none.
    lifecycle_stage: Option<String>,
}

fn type_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Integer => "integer",
        AttributeType::Number => "number",
        AttributeType::Text => "text",
        AttributeType::Boolean => "boolean",
        AttributeType::Date => "date",
        AttributeType::Money => "money",
    }
}

/// The names that a rule may use, with their types and, of texts, the values that occur.
#[utoipa::path(get, path = "/api/v1/segments/names", tag = "segments", responses((status = 200, body = RuleNames)))]
async fn names(_: Viewer, State(app): State<App>) -> Result<Json<RuleNames>> {
    let definitions = definitions(&app)?;
    let builtins = BUILTINS.iter().map(|builtin| RuleName {
        name: builtin.name.to_owned(),
        label: builtin.name.replace('_', " "),
        description: builtin.description.to_owned(),
        kind: "builtin",
        of: type_name(builtin.kind),
        values: if builtin.name == "owner" {
            frequent(&app, |entry| entry.owner.clone())
        } else {
            Vec::new()
        },
    });
    let attributes = definitions.attributes.iter().map(|attribute| RuleName {
        name: attribute.id.clone(),
        label: attribute.label.clone(),
        description: attribute.description.clone(),
        kind: "attribute",
        of: type_name(attribute.kind),
        values: if attribute.kind == AttributeType::Text {
            frequent(&app, |entry| {
                entry
                    .attributes
                    .get(&attribute.id)
                    .and_then(|value| value.as_str().map(str::to_owned))
            })
        } else {
            Vec::new()
        },
    });
    let metrics = definitions.metrics.iter().map(|metric| RuleName {
        name: metric.id.clone(),
        label: metric.label.clone(),
        description: metric.description.clone(),
        kind: "metric",
        of: "number",
        values: Vec::new(),
    });
    Ok(Json(RuleNames {
        names: builtins.chain(attributes).chain(metrics).collect(),
        functions: FUNCTIONS.to_vec(),
        lifecycle_stage: definitions.program.lifecycle_stage.clone(),
    }))
}

/// The values that several accounts share, most frequent first: names of a single account are nothing to choose by.
fn frequent(app: &App, value: impl Fn(&crate::metrics::Entry) -> Option<String>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in app.metrics.book.all() {
        if let Some(text) = value(&entry) {
            *counts.entry(text).or_default() += 1;
        }
    }
    let mut shared: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    shared.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    shared.into_iter().take(OFFERED).map(|(text, _)| text).collect()
}
