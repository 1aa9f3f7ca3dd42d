//! The type check of expressions, on the parsed tree, where every error still has its place.
//!
//! It also writes the tree anew where our language differs from the engine's SQL: division, conversions, dates, and
//! the declared spelling of names. What it does not know, it refuses.

use datafusion::sql::sqlparser::ast::{
    CeilFloorKind, DateTimeField, Expr as Ast, Ident, Spanned, UnaryOperator, Value,
};

use super::build::{is_literal, shown};
use super::calls::unsteady;
use super::{Names, Type, functions};
use crate::error::{Problem, QueryError};

/// Deepest tree, counted in operators within operators.
const MAX_DEPTH: usize = 200;

pub(super) type Checked<T> = Result<T, QueryError>;

/// What is known of a part's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Is(Type),
    /// The literal NULL goes with everything.
    Null,
    Interval,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Is(t) => t.word(),
            Self::Null => "null",
            Self::Interval => "an interval",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Is(Type::Number | Type::Integer) | Self::Null)
    }

    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Is(Type::Date | Type::Timestamp) | Self::Null)
    }

    pub(super) fn is(self, t: Type) -> bool {
        self == Self::Is(t) || self == Self::Null
    }
}

pub(super) struct Checker<'a> {
    pub(super) text: &'a str,
    names: &'a Names,
    references: Vec<String>,
    depth: usize,
}

impl<'a> Checker<'a> {
    pub(super) fn new(text: &'a str, names: &'a Names) -> Self {
        Self {
            text,
            names,
            references: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn into_references(self) -> Vec<String> {
        self.references
    }

    pub(super) fn check(&mut self, ast: &mut Ast) -> Checked<()> {
        let place = ast.clone();
        match self.kind(ast)? {
            Kind::Interval => Err(self.type_error(&place, "an interval alone is not a value".into())),
            _ => Ok(()),
        }
    }

    pub(super) fn kind(&mut self, ast: &mut Ast) -> Checked<Kind> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(super::too_large(format!(
                "the expression is nested more than {MAX_DEPTH} levels deep"
            )));
        }
        let kind = self.kind_within(ast);
        self.depth -= 1;
        kind
    }

    fn kind_within(&mut self, ast: &mut Ast) -> Checked<Kind> {
        match ast {
            Ast::Identifier(ident) => self.name(ident),
            Ast::CompoundIdentifier(parts) => self.dotted(parts),
            Ast::Nested(inner) => self.kind(inner),
            Ast::Value(value) => match &value.value {
                Value::Number(digits, false) => {
                    let integer = digits.parse::<i64>().is_ok();
                    Ok(Kind::Is(if integer { Type::Integer } else { Type::Number }))
                }
                Value::SingleQuotedString(_) => Ok(Kind::Is(Type::Text)),
                Value::Boolean(_) => Ok(Kind::Is(Type::Boolean)),
                Value::Null => Ok(Kind::Null),
                _ => Err(self.forbidden(ast, "this way of writing a value is not known here")),
            },
            Ast::TypedString(typed) => self.typed_literal(typed),
            Ast::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.condition(expr),
            Ast::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus,
                expr,
            } => self.number(expr),
            Ast::BinaryOp { .. } => self.binary(ast),
            Ast::IsNull(inner) | Ast::IsNotNull(inner) => {
                self.kind(inner)?;
                Ok(Kind::Is(Type::Boolean))
            }
            Ast::IsTrue(inner)
            | Ast::IsNotTrue(inner)
            | Ast::IsFalse(inner)
            | Ast::IsNotFalse(inner)
            | Ast::IsUnknown(inner)
            | Ast::IsNotUnknown(inner) => self.condition(inner),
            Ast::IsDistinctFrom(left, right) | Ast::IsNotDistinctFrom(left, right) => {
                self.comparison(left, right)
            }
            Ast::Between { expr, low, high, .. } => {
                self.comparison(expr, low)?;
                self.comparison(expr, high)
            }
            Ast::InList { expr, list, .. } => {
                for item in list {
                    self.comparison(expr, item)?;
                }
                Ok(Kind::Is(Type::Boolean))
            }
            Ast::Like {
                any: false,
                expr,
                pattern,
                ..
            }
            | Ast::ILike {
                any: false,
                expr,
                pattern,
                ..
            } => {
                self.want(expr, Type::Text)?;
                self.want(pattern, Type::Text)?;
                Ok(Kind::Is(Type::Boolean))
            }
            Ast::Case { .. } => self.case(ast),
            Ast::Cast { .. } => self.conversion(ast),
            Ast::Extract { expr, .. } => {
                self.time(expr)?;
                Ok(Kind::Is(Type::Integer))
            }
            Ast::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            }
            | Ast::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => {
                self.number(expr)?;
                Ok(Kind::Is(Type::Number))
            }
            Ast::Position { expr, r#in } => {
                self.want(expr, Type::Text)?;
                self.want(r#in, Type::Text)?;
                Ok(Kind::Is(Type::Integer))
            }
            Ast::Substring {
                substring_from: None,
                substring_for: None,
                ..
            } => Err(self.type_error(ast, "substr takes 2 to 3 argument(s), not 1".into())),
            Ast::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                self.want(expr, Type::Text)?;
                if let Some(from) = substring_from {
                    self.want(from, Type::Integer)?;
                }
                if let Some(length) = substring_for {
                    self.written_count(length)?;
                }
                Ok(Kind::Is(Type::Text))
            }
            Ast::Trim {
                expr,
                trim_what,
                trim_characters: None,
                ..
            } => {
                self.want(expr, Type::Text)?;
                if let Some(what) = trim_what {
                    self.want(what, Type::Text)?;
                }
                Ok(Kind::Is(Type::Text))
            }
            Ast::Interval(interval) => match interval.value.as_ref() {
                Ast::Value(_) => Ok(Kind::Interval),
                _ => Err(self.forbidden(ast, "an interval must be written out, as in INTERVAL '30 days'")),
            },
            Ast::Function(_) => self.call(ast),
            Ast::Subquery(_) | Ast::InSubquery { .. } | Ast::Exists { .. } => {
                Err(self.forbidden(ast, "a query within an expression is not allowed"))
            }
            other => {
                let what = format!("'{}' is not part of the expression language", shown(other));
                Err(self.forbidden(other, &what))
            }
        }
    }

    fn name(&mut self, ident: &mut Ident) -> Checked<Kind> {
        let Some((name, t)) = self.names.find(&ident.value, ident.quote_style.is_some()) else {
            let start = ident.span.start;
            if ident.quote_style.is_none() && functions::is_unsteady(&ident.value) {
                return Err(unsteady(&ident.value).at(self.text, start.line, start.column));
            }
            let error = QueryError::unknown("name", &ident.value, self.names.iter().map(|(name, _)| name));
            return Err(error.at(self.text, start.line, start.column));
        };
        if !self.references.iter().any(|known| known == name) {
            self.references.push(name.to_owned());
        }
        let span = ident.span;
        *ident = Ident::with_quote('"', name);
        ident.span = span;
        Ok(Kind::Is(t))
    }

    fn dotted(&mut self, parts: &[Ident]) -> Checked<Kind> {
        let name = parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join(".");
        let start = parts
            .first()
            .map_or((0, 0), |part| (part.span.start.line, part.span.start.column));
        let mut error = QueryError::unknown("name", &name, self.names.iter().map(|(name, _)| name));
        // `accounts.mrr` most likely means `mrr`.
        if let Some(last) = parts.last()
            && let Some((known, _)) = self.names.find(&last.value, false)
        {
            error.nearest = Some(known.into());
            error.remedy = format!("Write '{known}' without what stands before it.");
        }
        Err(error.at(self.text, start.0, start.1))
    }

    pub(super) fn condition(&mut self, ast: &mut Ast) -> Checked<Kind> {
        self.want(ast, Type::Boolean)
    }

    pub(super) fn want(&mut self, ast: &mut Ast, t: Type) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is(t) {
            return Ok(Kind::Is(t));
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but {} is needed", shown(ast), kind.word(), t.word()),
        ))
    }

    pub(super) fn number(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is_number() {
            return Ok(kind);
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but a number is needed", shown(ast), kind.word()),
        ))
    }

    pub(super) fn time(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is_time() {
            return Ok(kind);
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but a date is needed", shown(ast), kind.word()),
        ))
    }

    pub(super) fn comparison(&mut self, left: &mut Ast, right: &mut Ast) -> Checked<Kind> {
        let (a, b) = (self.kind(left)?, self.kind(right)?);
        self.alike(left, a, right, b)?;
        Ok(Kind::Is(Type::Boolean))
    }

    /// Whether two parts may be compared or stand in one column.
    pub(super) fn alike(&mut self, left: &mut Ast, a: Kind, right: &mut Ast, b: Kind) -> Checked<()> {
        match (a, b) {
            (Kind::Null, _) | (_, Kind::Null) => Ok(()),
            _ if a == b => Ok(()),
            _ if a.is_number() && b.is_number() => Ok(()),
            _ if a.is_time() && b.is_time() => Ok(()),
            (Kind::Is(time @ (Type::Date | Type::Timestamp)), Kind::Is(Type::Text)) if is_literal(right) => {
                self.written_time(right, time).map(drop)
            }
            (Kind::Is(Type::Text), Kind::Is(time @ (Type::Date | Type::Timestamp))) if is_literal(left) => {
                self.written_time(left, time).map(drop)
            }
            _ => {
                let what = format!(
                    "'{}' is {}, but '{}' is {}; they cannot be compared",
                    shown(left),
                    a.word(),
                    shown(right),
                    b.word()
                );
                Err(self.type_error(right, what))
            }
        }
    }

    pub(super) fn type_error(&self, place: &Ast, what: String) -> QueryError {
        let start = place.span().start;
        let remedy = "Compare and combine values of one type, or convert one with CAST(… AS …).";
        QueryError::new(Problem::Type, what, remedy).at(self.text, start.line, start.column)
    }

    pub(super) fn forbidden(&self, place: &Ast, what: &str) -> QueryError {
        let start = place.span().start;
        let remedy = "Use names, values, comparisons, arithmetic, CASE and plain functions.";
        QueryError::new(Problem::Forbidden, what, remedy).at(self.text, start.line, start.column)
    }
}
