//! Names in expressions: which exist, which may be used where.

use super::Checker;
use super::compile::{self, Wanted};
use crate::definitions::AttributeType;
use crate::definitions::decode::Note;
use crate::definitions::sql::{self, Used};
use crate::definitions::vocabulary::{BUILTINS, RELATIONS};
use crate::definitions::yaml::shorten;

/// The columns of `events`, which conditions and values of metrics read.
fn event_columns() -> &'static [&'static str] {
    RELATIONS
        .iter()
        .find(|(name, _)| *name == "events")
        .map_or(&[], |(_, columns)| *columns)
}

/// The distinct names that an expression reads.
pub(in crate::definitions) fn reads(expression: &str) -> Vec<String> {
    let mut names: Vec<String> = sql::columns(expression)
        .into_iter()
        .map(|used| used.name)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Checks an expression over an account: built-in names, attributes and metrics.
pub(super) fn account_expression(
    checker: &mut Checker<'_>,
    file: &str,
    path: &str,
    expression: &str,
    wanted: Wanted,
) {
    let known = checker.definitions.names();
    let mut sound = balanced(checker, file, path, expression);
    for Used { name, line, column } in sql::columns(expression) {
        if known.iter().any(|(id, _)| *id == name) {
            continue;
        }
        sound = false;
        let note = if name == "segment" {
            Note::error(
                &name,
                "The segment is decided by rules and cannot be read by them or by metrics.",
                "Use the attributes and metrics that its rule is made of.",
            )
        } else {
            Note::error(
                &name,
                format!("'{name}' is neither an attribute, nor a metric, nor a built-in name."),
                "Declare it in attributes.yaml or metrics.yaml, or correct the name.",
            )
            .near(known.iter().map(|(id, _)| id.as_str()))
        };
        checker.note_inside(file, path, line, column, note);
    }
    if sound && checker.sound {
        compile::compile(
            checker,
            file,
            path,
            expression,
            &compile::account_names(&known),
            wanted,
        );
    }
}

/// Checks a condition that chooses accounts for a figure: unlike rules it may also read the segment and the day of churn.
pub(super) fn filter_expression(checker: &mut Checker<'_>, file: &str, path: &str, expression: &str) {
    let mut known = checker.definitions.names();
    known.push(("segment".into(), AttributeType::Text));
    known.push(("churned_on".into(), AttributeType::Date));
    let mut sound = balanced(checker, file, path, expression);
    for Used { name, line, column } in sql::columns(expression) {
        if known.iter().any(|(id, _)| *id == name) {
            continue;
        }
        sound = false;
        let note = Note::error(
            &name,
            format!("'{name}' is neither an attribute, nor a metric, nor a built-in name."),
            "Declare it in attributes.yaml or metrics.yaml, or correct the name.",
        )
        .near(known.iter().map(|(id, _)| id.as_str()));
        checker.note_inside(file, path, line, column, note);
    }
    if sound && checker.sound {
        let names = compile::account_names(&known);
        compile::compile(checker, file, path, expression, &names, Wanted::Condition);
    }
}

/// Checks an expression over one event.
pub(super) fn event_expression(checker: &mut Checker<'_>, path: &str, expression: &str, wanted: Wanted) {
    let file = "metrics.yaml";
    let mut sound = balanced(checker, file, path, expression);
    for Used { name, line, column } in sql::columns(expression) {
        if !event_columns().contains(&name.as_str()) {
            sound = false;
            let note = Note::error(
                &name,
                format!("An event has no column '{name}'."),
                format!("Read a property with prop(properties, '{name}') or prop_num(properties, '{name}')."),
            )
            .near(event_columns().iter().copied());
            checker.note_inside(file, path, line, column, note);
        }
    }
    if sound {
        compile::compile(
            checker,
            file,
            path,
            expression,
            tenure_lake::Names::events(),
            wanted,
        );
    }
}

fn balanced(checker: &mut Checker<'_>, file: &str, path: &str, expression: &str) -> bool {
    let mut open = 0i32;
    let tokens = sql::tokens(expression);
    for placed in &tokens {
        match placed.token {
            sql::Token::Mark('(') => open += 1,
            sql::Token::Mark(')') => open -= 1,
            _ => {}
        }
        if open < 0 {
            let note = Note::error(
                ")",
                "A bracket is closed that was not opened.",
                "Remove it, or open one before.",
            );
            checker.note_inside(file, path, placed.line, placed.column, note);
            return false;
        }
    }
    if open > 0 || tokens.is_empty() {
        let problem = if tokens.is_empty() {
            "The expression is empty."
        } else {
            "A bracket is not closed."
        };
        let note = Note::error(shorten(expression), problem, "Complete the expression.");
        checker.note(file, path, note);
        return false;
    }
    true
}

/// Ids that mean something else already: words of SQL, built-in names, an attribute for a metric.
pub(super) fn taken(checker: &mut Checker<'_>) {
    let definitions = checker.definitions;
    let attributes = definitions
        .attributes
        .iter()
        .enumerate()
        .map(|(i, a)| ("attributes.yaml", "attributes", i, &a.id));
    let metrics = definitions
        .metrics
        .iter()
        .enumerate()
        .map(|(i, m)| ("metrics.yaml", "metrics", i, &m.id));
    for (file, key, index, id) in attributes.chain(metrics) {
        let taken = if sql::is_word(id) {
            "a word of SQL"
        } else if BUILTINS.iter().any(|builtin| builtin.name == id)
            || matches!(id.as_str(), "segment" | "churned_on" | "currency")
        {
            "a built-in name"
        } else if key == "metrics" && definitions.attribute(id).is_some() {
            "an attribute"
        } else {
            continue;
        };
        let note = Note::error(id, format!("'{id}' is {taken} already."), "Give it another id.");
        checker.note(file, &format!("{key}[{index}].id"), note);
    }
}
