//! The lake's compiler has the last word on an expression: its types and its functions.

use tenure_lake::{Expr, Names, Type};

use super::Checker;
use crate::definitions::decode::Note;
use crate::definitions::types::AttributeType;
use crate::definitions::yaml::shorten;

/// What an expression has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Condition,
    Number,
    Anything,
}

/// The names of an expression over an account, as the compiler takes them.
pub(super) fn account_names(known: &[(String, AttributeType)]) -> Names {
    Names::new(known.iter().map(|(name, kind)| {
        let kind = match kind {
            AttributeType::Integer => Type::Integer,
            AttributeType::Number | AttributeType::Money => Type::Number,
            AttributeType::Text => Type::Text,
            AttributeType::Boolean => Type::Boolean,
            AttributeType::Date => Type::Date,
        };
        (name.as_str(), kind)
    }))
}

/// Compiles an expression and notes what the compiler says against it.
pub(super) fn compile(
    checker: &mut Checker<'_>,
    file: &str,
    path: &str,
    expression: &str,
    names: &Names,
    wanted: Wanted,
) {
    let compiled = match wanted {
        Wanted::Condition => Expr::compile_filter(expression, names),
        Wanted::Number | Wanted::Anything => Expr::compile(expression, names),
    };
    let error = match compiled {
        Ok(expr) if wanted == Wanted::Number => match expr.output_type() {
            None | Some(Type::Number | Type::Integer) => return,
            Some(_) => {
                let remedy = "Make it one, e.g. CASE WHEN condition THEN 1 ELSE 0 END.";
                checker.note(
                    file,
                    path,
                    Note::error(
                        shorten(expression),
                        "A number is needed here, and this is none.",
                        remedy,
                    ),
                );
                return;
            }
        },
        Ok(_) => return,
        Err(error) => error,
    };
    let number = |value: Option<u32>| value.and_then(|value| usize::try_from(value).ok());
    let mut note = Note::error(
        error.name.map_or_else(|| shorten(expression), String::from),
        sentence(&error.message),
        sentence(&error.remedy),
    );
    note.nearest = error.nearest.map(String::from);
    match (number(error.line), number(error.column)) {
        (Some(line), Some(column)) => checker.note_inside(file, path, line, column, note),
        _ => checker.note(file, path, note),
    }
}

/// A capital at the start and a full stop at the end.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let text: String = first.to_uppercase().chain(chars).collect();
    if text.ends_with(['.', '?', '!']) {
        text
    } else {
        text + "."
    }
}
