//! One error type for everything that a person may have written: SQL and expressions.
//!
//! The engine's own wording never reaches a reader; what it knows (position, name) does.

use datafusion::common::{DataFusionError, SchemaError};
use serde::Serialize;

/// What is wrong, in classes that a caller may treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The text is not SQL.
    Syntax,
    /// A table, column or function does not exist.
    UnknownName,
    /// Types do not fit together.
    Type,
    /// Well-formed, but not allowed here.
    Forbidden,
    /// The text is too long or too deeply nested.
    TooLarge,
    /// Stopped after the time limit.
    Timeout,
    /// Stopped at the memory limit.
    Memory,
    /// A value made the evaluation fail, such as a cast of text that is not a number.
    Data,
    /// A fault of Tenure or of its files.
    Internal,
}

/// An error with its place, the offending name, the nearest right one, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct QueryError {
    /// The class.
    pub problem: Problem,
    /// What is wrong, without position and remedy.
    pub message: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// Byte offset into the text.
    pub offset: Option<u32>,
    /// The offending name, as written.
    pub name: Option<Box<str>>,
    /// The nearest name that exists.
    pub nearest: Option<Box<str>>,
    /// What to do about it.
    pub remedy: String,
}

impl QueryError {
    pub(crate) fn new(problem: Problem, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem,
            message: message.into(),
            line: None,
            column: None,
            offset: None,
            name: None,
            nearest: None,
            remedy: remedy.into(),
        }
    }

    /// An unknown name, with the nearest of those that exist.
    pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        let nearest = nearest(name, known.iter().copied());
        let remedy = match nearest {
            Some(near) => format!("Write '{near}', or another declared name."),
            None if known.is_empty() => format!("No {what} is declared here."),
            None if known.len() <= 20 => format!("Use one of: {}.", known.join(", ")),
            None => format!("Use one of the {} that exist.", known.len()),
        };
        let mut error = Self::new(
            Problem::UnknownName,
            format!("the {what} '{name}' does not exist"),
            remedy,
        );
        error.name = Some(name.into());
        error.nearest = nearest.map(Into::into);
        error
    }

    /// The same error at a place of the text; `line` and `column` from 1, 0 = unknown.
    pub(crate) fn at(mut self, text: &str, line: u64, column: u64) -> Self {
        if line > 0 && column > 0 {
            self.line = u32::try_from(line).ok();
            self.column = u32::try_from(column).ok();
            self.offset = offset_of(text, line, column).and_then(|offset| u32::try_from(offset).ok());
        }
        self
    }

    /// The same error at the first whole-word occurrence of `name`, for errors that come without a place.
    pub(crate) fn at_word(self, text: &str, name: &str) -> Self {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let lower = text.to_ascii_lowercase();
        let name = name.to_ascii_lowercase();
        let place = lower.match_indices(&name).map(|(at, _)| at).find(|&at| {
            !name.is_empty() && !lower[..at].ends_with(word) && !lower[at + name.len()..].starts_with(word)
        });
        match place {
            Some(at) => {
                let before = &text[..at];
                let line = before.matches('\n').count() as u64 + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u64 + 1;
                self.at(text, line, column)
            }
            None => self,
        }
    }

    fn sentence(&self) -> String {
        let place = match (self.line, self.column) {
            (Some(1), Some(column)) => format!("column {column}: "),
            (Some(line), Some(column)) => format!("line {line}, column {column}: "),
            _ => String::new(),
        };
        format!("{place}{}. {}", self.message, self.remedy)
    }

    /// The engine's error about `text`, in our words.
    pub(crate) fn from_engine(error: &DataFusionError, text: &str) -> Self {
        let place = place_of(error);
        let mut ours = translate(error.find_root(), text);
        if ours.line.is_none() {
            ours = match (place, ours.name.clone()) {
                (Some((line, column)), _) => ours.at(text, line, column),
                (None, Some(name)) => ours.at_word(text, &name),
                (None, None) => ours,
            };
        }
        ours
    }
}

/// The candidate that looks most like `name`, if any looks like it at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        strsim::normalized_damerau_levenshtein(&name, &candidate)
            .max(strsim::jaro_winkler(&name, &candidate) - 0.2)
    };
    let scored = candidates
        .into_iter()
        .map(|candidate| (score(candidate), candidate));
    scored
        .filter(|(score, _)| *score >= 0.55)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn offset_of(text: &str, line: u64, column: u64) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start = match line {
        0 => 0,
        n => text.match_indices('\n').nth(n - 1)?.0 + 1,
    };
    let within = &text[start..];
    Some(
        start
            + within
                .char_indices()
                .nth(column)
                .map_or(within.len(), |(at, _)| at),
    )
}

fn place_of(error: &DataFusionError) -> Option<(u64, u64)> {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => diagnostic
            .span
            .map(|span| (span.start.line, span.start.column))
            .or_else(|| place_of(inner)),
        DataFusionError::Context(_, inner) => place_of(inner),
        DataFusionError::Shared(inner) => place_of(inner),
        DataFusionError::Collection(all) => all.iter().find_map(place_of),
        _ => None,
    }
}

fn translate(root: &DataFusionError, text: &str) -> QueryError {
    match root {
        DataFusionError::SQL(parser, _) => syntax(&parser.to_string(), text),
        DataFusionError::SchemaError(schema, _) => schema_error(schema),
        DataFusionError::ResourcesExhausted(_) => QueryError::new(
            Problem::Memory,
            "the query needs more memory than it may use",
            "Narrow it by day, month or account, or group by fewer values.",
        ),
        DataFusionError::Plan(said) | DataFusionError::NotImplemented(said) => plan(said),
        DataFusionError::Execution(said) => data(said),
        DataFusionError::ArrowError(said, _) => data(&said.to_string()),
        // What our own functions and operators have to say.
        DataFusionError::External(said) if said.is::<QueryError>() => said
            .downcast_ref::<QueryError>()
            .cloned()
            .unwrap_or_else(|| internal("no reason given")),
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => QueryError::from_engine(first, text),
            None => internal("no reason given"),
        },
        DataFusionError::ParquetError(said) if said.to_string().contains("filter predicate") => {
            data(&said.to_string())
        }
        other => internal(&other.strip_backtrace()),
    }
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}

fn internal(said: &str) -> QueryError {
    let said = first_line(said);
    QueryError::new(
        Problem::Internal,
        format!("the history could not be read: {said}"),
        "Run `tenure doctor`; if it finds nothing, report this with the query.",
    )
}

/// `sql parser error: Expected: an expression, found: EOF at Line: 1, Column: 7`
pub(crate) fn syntax(said: &str, text: &str) -> QueryError {
    let said = said.trim_start_matches("sql parser error: ");
    if said.contains("recursion limit") {
        return QueryError::new(
            Problem::TooLarge,
            "the text is nested too deeply",
            "Use fewer parentheses within parentheses; name intermediate results with WITH or as metrics.",
        );
    }
    let (what, place) = match said.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (said, None),
    };
    let what = match what
        .strip_prefix("Expected: ")
        .and_then(|rest| rest.split_once(", found: "))
    {
        Some((expected, "EOF")) => format!("the text ends where {expected} was expected"),
        Some((expected, found)) => format!("found '{found}' where {expected} was expected"),
        None => format!("this is not SQL: {}", first_line(what)),
    };
    let error = QueryError::new(Problem::Syntax, what, "Correct the text at this place.");
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match place.and_then(|(line, column)| number(line).zip(number(column))) {
        Some((line, column)) => error.at(text, line, column),
        None => {
            let line = text.matches('\n').count() as u64 + 1;
            let column = text.rsplit('\n').next().unwrap_or("").chars().count() as u64 + 1;
            error.at(text, line, column)
        }
    }
}

fn schema_error(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => QueryError::unknown(
            "column",
            &field.name,
            valid_fields.iter().map(|field| field.name.as_str()),
        ),
        SchemaError::AmbiguousReference { field } => {
            let mut error = QueryError::new(
                Problem::UnknownName,
                format!(
                    "the column '{}' exists in more than one table of the query",
                    field.name
                ),
                "Write the table before it, as in table.column.",
            );
            error.name = Some(field.name.as_str().into());
            error
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            let mut error = QueryError::new(
                Problem::UnknownName,
                format!("the result has two columns called '{name}'"),
                "Give one of them another name with AS.",
            );
            error.name = Some(name.as_str().into());
            error
        }
    }
}

/// Between the first pair of these quotes.
fn quoted(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once('\'')?;
    Some(rest.split_once('\'')?.0)
}

fn plan(said: &str) -> QueryError {
    let said = first_line(said);
    if said.starts_with("table '") && said.contains("not found") {
        let name = quoted(said)
            .unwrap_or_default()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        return QueryError::unknown("table", &name, []);
    }
    if said.starts_with("Invalid function") {
        let name = quoted(said).unwrap_or_default().to_owned();
        return QueryError::unknown("function", &name, []);
    }
    let type_words = [
        "coerce",
        "type",
        "Cannot infer",
        "signature",
        "Cannot cast",
        "Timestamp",
        "Interval",
    ];
    if type_words.iter().any(|word| said.contains(word)) {
        return QueryError::new(
            Problem::Type,
            format!("the types do not fit together ({said})"),
            "Compare and combine values of the same type, or convert one with CAST(… AS …).",
        );
    }
    QueryError::new(
        Problem::Forbidden,
        format!("this query cannot be planned ({said})"),
        "Write it another way.",
    )
}

fn data(said: &str) -> QueryError {
    let said = first_line(said);
    let lower = said.to_lowercase();
    if lower.contains("divide by zero") {
        return QueryError::new(Problem::Data, "a division by zero", "Write a / nullif(b, 0).");
    }
    if lower.contains("regular expression") {
        return QueryError::new(
            Problem::Data,
            "a pattern cannot be read, or is too large",
            "Write it as a regular expression without look-around, and with smaller numbers in braces.",
        );
    }
    if lower.contains("cast") || lower.contains("parse") || lower.contains("parsing") {
        return QueryError::new(
            Problem::Data,
            format!("a value cannot be converted ({said})"),
            "Use TRY_CAST, which gives null instead, or filter such values out.",
        );
    }
    if lower.contains("overflow") {
        return QueryError::new(
            Problem::Data,
            format!("a number grew too large ({said})"),
            "Convert to DOUBLE before calculating.",
        );
    }
    if lower.contains("parquet") || lower.contains("no such file") {
        return internal(said);
    }
    QueryError::new(
        Problem::Data,
        format!("a value made the query fail ({said})"),
        "Filter such values out.",
    )
}

fn first_line(said: &str) -> &str {
    said.lines()
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_lines_and_bytes() {
        let text = "é = 1\nand  ünknown > 2";
        let error = QueryError::new(Problem::Type, "m", "r").at_word(text, "ünknown");
        assert_eq!((error.line, error.column), (Some(2), Some(6)));
        assert_eq!(
            &text[error.offset.unwrap() as usize..][.."ünknown".len()],
            "ünknown"
        );
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["tickets_30d", "tickets_90d", "logins_30d", "mrr"];
        assert_eq!(nearest("ticket_30d", names), Some("tickets_30d"));
        assert_eq!(nearest("MRR", names), Some("mrr"));
        assert_eq!(nearest("zzz", names), None);
    }
}
