//! The type check of expressions, on the parsed tree, where every error still has its place.
//!
//! It also writes the tree anew where our language differs from the engine's SQL: division, conversions, dates, and
//! the declared spelling of names. What it does not know, it refuses.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType as SqlType, DateTimeField, ExactNumberInfo,
    Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, Spanned, TypedString, UnaryOperator, Value,
};

use super::functions::{self, FUNCTIONS, Function, Give, Take};
use super::{Names, Type};
use crate::error::{Problem, QueryError};

/// Deepest tree, counted in operators within operators.
const MAX_DEPTH: usize = 200;

type Checked<T> = Result<T, QueryError>;

/// What is known of a part's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Is(Type),
    /// The literal NULL goes with everything.
    Null,
    Interval,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Is(t) => t.word(),
            Self::Null => "null",
            Self::Interval => "an interval",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Is(Type::Number | Type::Integer) | Self::Null)
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Is(Type::Date | Type::Timestamp) | Self::Null)
    }

    fn is(self, t: Type) -> bool {
        self == Self::Is(t) || self == Self::Null
    }
}

pub(super) struct Checker<'a> {
    text: &'a str,
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

    fn kind(&mut self, ast: &mut Ast) -> Checked<Kind> {
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
            error.nearest = Some(known.to_owned());
            error.remedy = format!("Write '{known}' without what stands before it.");
        }
        Err(error.at(self.text, start.0, start.1))
    }

    fn typed_literal(&mut self, typed: &TypedString) -> Checked<Kind> {
        let literal = Ast::Value(typed.value.clone());
        match typed.data_type {
            SqlType::Date => self.written_time(&literal, Type::Date),
            SqlType::Timestamp(None, _) => self.written_time(&literal, Type::Timestamp),
            _ => Err(self.forbidden(
                &literal,
                "only DATE '…' and TIMESTAMP '…' may stand before a quoted text",
            )),
        }
    }

    fn condition(&mut self, ast: &mut Ast) -> Checked<Kind> {
        self.want(ast, Type::Boolean)
    }

    fn want(&mut self, ast: &mut Ast, t: Type) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is(t) {
            return Ok(Kind::Is(t));
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but {} is needed", shown(ast), kind.word(), t.word()),
        ))
    }

    fn number(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is_number() {
            return Ok(kind);
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but a number is needed", shown(ast), kind.word()),
        ))
    }

    fn time(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let kind = self.kind(ast)?;
        if kind.is_time() {
            return Ok(kind);
        }
        Err(self.type_error(
            ast,
            format!("'{}' is {}, but a date is needed", shown(ast), kind.word()),
        ))
    }

    fn binary(&mut self, ast: &mut Ast) -> Checked<Kind> {
        use BinaryOperator as Op;
        let Ast::BinaryOp { left, op, right } = ast else {
            return Err(self.forbidden(ast, "not an operation"));
        };
        match op {
            Op::And | Op::Or => {
                self.condition(left)?;
                self.condition(right)
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.comparison(left, right),
            Op::Plus | Op::Minus => self.sum(ast),
            Op::Multiply => {
                let (a, b) = (self.number(left)?, self.number(right)?);
                Ok(wider(a, b))
            }
            Op::Divide => {
                self.number(left)?;
                self.number(right)?;
                let (a, b) = (take(left), take(right));
                *ast = operation(
                    converted(a, SqlType::Double(ExactNumberInfo::None)),
                    Op::Divide,
                    null_if_zero(b),
                );
                Ok(Kind::Is(Type::Number))
            }
            Op::Modulo => {
                let (a, b) = (self.number(left)?, self.number(right)?);
                let divisor = null_if_zero(take(right));
                **right = divisor;
                Ok(wider(a, b))
            }
            Op::StringConcat => {
                self.want(left, Type::Text)?;
                self.want(right, Type::Text)
            }
            other => {
                let what = format!("the operator {other} is not part of the expression language");
                Err(self.forbidden(&ast.clone(), &what))
            }
        }
    }

    fn sum(&mut self, ast: &mut Ast) -> Checked<Kind> {
        use BinaryOperator::{Minus, Plus};
        let Ast::BinaryOp { left, op, right } = ast else {
            return Err(self.forbidden(ast, "not an operation"));
        };
        let minus = *op == Minus;
        let (a, b) = (self.kind(left)?, self.kind(right)?);
        match (a, b) {
            (Kind::Is(Type::Date), Kind::Is(Type::Date)) if minus => {
                let days = |ast: &mut Box<Ast>| converted(take(ast), SqlType::BigInt(None));
                let (left, right) = (days(left), days(right));
                *ast = nested(operation(left, Minus, right));
                Ok(Kind::Is(Type::Integer))
            }
            (Kind::Is(Type::Date), Kind::Is(Type::Integer)) => {
                let days = |ast: &mut Box<Ast>| converted(take(ast), SqlType::Int(None));
                let (left, right) = (days(left), days(right));
                let sum = nested(operation(left, if minus { Minus } else { Plus }, right));
                *ast = converted(sum, SqlType::Date);
                Ok(Kind::Is(Type::Date))
            }
            (Kind::Is(time @ (Type::Date | Type::Timestamp)), Kind::Interval) => Ok(Kind::Is(time)),
            (a, b) if a.is_number() && b.is_number() => Ok(wider(a, b)),
            (Kind::Is(Type::Timestamp), Kind::Is(Type::Timestamp | Type::Date))
            | (Kind::Is(Type::Date), Kind::Is(Type::Timestamp))
                if minus =>
            {
                let mut error = self.type_error(ast, "timestamps cannot be subtracted".into());
                error.remedy = "Convert both to days: CAST(… AS DATE) - CAST(… AS DATE).".into();
                Err(error)
            }
            (a, b) => {
                let sign = if minus { "-" } else { "+" };
                let what = format!("{} {sign} {} has no meaning", a.word(), b.word());
                Err(self.type_error(ast, what))
            }
        }
    }

    fn comparison(&mut self, left: &mut Ast, right: &mut Ast) -> Checked<Kind> {
        let (a, b) = (self.kind(left)?, self.kind(right)?);
        self.alike(left, a, right, b)?;
        Ok(Kind::Is(Type::Boolean))
    }

    /// Whether two parts may be compared or stand in one column.
    fn alike(&mut self, left: &mut Ast, a: Kind, right: &mut Ast, b: Kind) -> Checked<()> {
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

    /// A day or an instant in quotes: it must be one.
    fn written_time(&self, literal: &Ast, t: Type) -> Checked<Kind> {
        let Ast::Value(value) = literal else {
            return Ok(Kind::Is(t));
        };
        let Value::SingleQuotedString(written) = &value.value else {
            return Err(self.type_error(literal, "a date must be written in single quotes".into()));
        };
        let day = written.parse::<jiff::civil::Date>().is_ok();
        let instant =
            written.parse::<jiff::civil::DateTime>().is_ok() || written.parse::<jiff::Timestamp>().is_ok();
        if day || (instant && t == Type::Timestamp) {
            return Ok(Kind::Is(t));
        }
        let mut error = self.type_error(literal, format!("'{written}' is not {}", t.word()));
        error.remedy = match t {
            Type::Timestamp => "Write it as '2026-01-31T13:45:00'.".into(),
            _ => "Write it as '2026-01-31'.".into(),
        };
        Err(error)
    }

    fn case(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let Ast::Case {
            operand,
            conditions,
            else_result,
            ..
        } = ast
        else {
            return Ok(Kind::Null);
        };
        let mut result: Option<(Ast, Kind)> = None;
        for when in conditions.iter_mut() {
            match operand {
                Some(operand) => self.comparison(operand, &mut when.condition)?,
                None => self.condition(&mut when.condition)?,
            };
            self.unify(&mut result, &mut when.result)?;
        }
        if let Some(otherwise) = else_result {
            self.unify(&mut result, otherwise)?;
        }
        Ok(result.map_or(Kind::Null, |(_, kind)| kind))
    }

    fn unify(&mut self, sofar: &mut Option<(Ast, Kind)>, next: &mut Ast) -> Checked<()> {
        let kind = self.kind(next)?;
        match sofar {
            None => *sofar = Some((next.clone(), kind)),
            Some((first, known)) => {
                if *known != Kind::Null && kind != Kind::Null && known.is(Type::Text) != kind.is(Type::Text) {
                    let what = format!("one result is {}, another is {}", known.word(), kind.word());
                    return Err(self.type_error(next, what));
                }
                self.alike(first, *known, next, kind)?;
                if *known == Kind::Null || (known.is_number() && kind == Kind::Is(Type::Number)) {
                    *known = kind;
                }
            }
        }
        Ok(())
    }

    fn conversion(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let place = ast.clone();
        let Ast::Cast {
            kind,
            expr,
            data_type,
            array: false,
            format: None,
        } = ast
        else {
            return Err(self.forbidden(&place, "this conversion is not known here"));
        };
        let from = self.kind(expr)?;
        let (t, sql) = match data_type {
            SqlType::TinyInt(_)
            | SqlType::SmallInt(_)
            | SqlType::Int(_)
            | SqlType::Integer(_)
            | SqlType::BigInt(_) => (Type::Integer, SqlType::BigInt(None)),
            SqlType::Double(_) | SqlType::DoublePrecision | SqlType::Real | SqlType::Float(_) => {
                (Type::Number, SqlType::Double(ExactNumberInfo::None))
            }
            SqlType::Numeric(ExactNumberInfo::None) | SqlType::Decimal(ExactNumberInfo::None) => {
                (Type::Number, SqlType::Double(ExactNumberInfo::None))
            }
            SqlType::Varchar(None) | SqlType::Text | SqlType::String(None) => {
                (Type::Text, SqlType::Varchar(None))
            }
            SqlType::Boolean | SqlType::Bool => (Type::Boolean, SqlType::Boolean),
            SqlType::Date => (Type::Date, SqlType::Date),
            SqlType::Timestamp(None, zone) => (Type::Timestamp, SqlType::Timestamp(Some(6), *zone)),
            other => {
                let mut error = self.forbidden(&place, &format!("the type {other} is not known here"));
                error.remedy = "Convert to INTEGER, DOUBLE, VARCHAR, BOOLEAN, DATE or TIMESTAMP.".into();
                return Err(error);
            }
        };
        let number_and_time = (from.is_time() && matches!(t, Type::Integer | Type::Number | Type::Boolean))
            || (from.is_number() && matches!(t, Type::Date | Type::Timestamp))
            || (from.is(Type::Boolean) && matches!(t, Type::Date | Type::Timestamp));
        if from == Kind::Interval || (from != Kind::Null && number_and_time) {
            return Err(self.type_error(
                &place,
                format!("{} cannot be converted to {}", from.word(), t.word()),
            ));
        }
        *kind = CastKind::TryCast;
        *data_type = sql;
        Ok(Kind::Is(t))
    }

    fn call(&mut self, ast: &mut Ast) -> Checked<Kind> {
        let place = ast.clone();
        let Ast::Function(call) = ast else {
            return Ok(Kind::Null);
        };
        let name = call.name.to_string().to_lowercase();
        let Some(function) = functions::find(alias(&name)) else {
            return Err(self.unknown_function(&place, &name));
        };
        if call.over.is_some() {
            return Err(self.forbidden(&place, "a window (OVER) is not allowed in an expression"));
        }
        let plain = call.filter.is_none()
            && call.null_treatment.is_none()
            && call.within_group.is_empty()
            && matches!(call.parameters, FunctionArguments::None);
        let FunctionArguments::List(list) = &mut call.args else {
            return Err(self.forbidden(&place, &format!("{name} needs its arguments in parentheses")));
        };
        if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(self.forbidden(&place, &format!("{name} takes arguments only, nothing else")));
        }
        let kind = self.arguments(&place, function, list)?;
        call.name = ObjectName::from(vec![Ident::new(function.name)]);
        Ok(kind)
    }

    fn arguments(
        &mut self,
        place: &Ast,
        function: &Function,
        list: &mut FunctionArgumentList,
    ) -> Checked<Kind> {
        let (most, least) = (function.takes.len(), function.takes.len() - function.optional);
        let count = list.args.len();
        if count < least || (count > most && !function.repeats) {
            let need = match (least, most) {
                (least, _) if function.repeats => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            let what = format!("{} takes {need} argument(s), not {count}", function.name);
            return Err(self.type_error(place, what));
        }
        let mut common: Option<(Ast, Kind)> = None;
        for (position, argument) in list.args.iter_mut().enumerate() {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else {
                return Err(self.forbidden(place, &format!("{} takes plain arguments only", function.name)));
            };
            match function.takes[position.min(most - 1)] {
                Take::Number if function.gives == Give::Alike => self.unify(&mut common, argument)?,
                Take::Number => drop(self.number(argument)?),
                Take::Integer => drop(self.want(argument, Type::Integer)?),
                Take::Text => drop(self.want(argument, Type::Text)?),
                Take::Time => drop(self.time(argument)?),
                Take::Any => drop(self.kind(argument)?),
                Take::Alike => self.unify(&mut common, argument)?,
                Take::Count => self.written_count(argument)?,
                Take::Literal => {
                    self.want(argument, Type::Text)?;
                    if !is_literal(argument) {
                        let what = format!("'{}' must be written out in quotes here", shown(argument));
                        return Err(self.type_error(argument, what));
                    }
                }
            }
        }
        match (function.gives, common) {
            (Give::Is(t), _) => Ok(Kind::Is(t)),
            (Give::Alike, Some((ast, kind))) => {
                if function.takes == [Take::Number] && !kind.is_number() {
                    let what = format!("'{}' is {}, but a number is needed", shown(&ast), kind.word());
                    return Err(self.type_error(&ast, what));
                }
                Ok(kind)
            }
            (Give::Alike, None) => Ok(Kind::Null),
        }
    }

    fn written_count(&mut self, ast: &mut Ast) -> Checked<()> {
        if let Ast::Value(value) = &*ast
            && let Value::Number(digits, _) = &value.value
            && digits.parse::<u32>().is_ok_and(|count| count > 0)
        {
            return Ok(());
        }
        Err(self.type_error(
            ast,
            format!(
                "'{}' must be a whole number, written out, of at least 1",
                shown(ast)
            ),
        ))
    }

    fn unknown_function(&self, place: &Ast, name: &str) -> QueryError {
        let start = place.span().start;
        let state = &super::STATE;
        let error = if functions::is_unsteady(name) {
            unsteady(name)
        } else if state.aggregate_functions().contains_key(name) {
            let mut error = QueryError::new(
                Problem::Forbidden,
                format!("the aggregate {name}() is not allowed: an expression sees one row at a time"),
                "Declare a metric that counts or sums, and use its name here.",
            );
            error.name = Some(name.to_owned());
            error
        } else if state.window_functions().contains_key(name) {
            self.forbidden(
                place,
                &format!("the window function {name}() is not allowed in an expression"),
            )
        } else {
            QueryError::unknown("function", name, FUNCTIONS.iter().map(|function| function.name))
        };
        error.at(self.text, start.line, start.column)
    }

    fn type_error(&self, place: &Ast, what: String) -> QueryError {
        let start = place.span().start;
        let remedy = "Compare and combine values of one type, or convert one with CAST(… AS …).";
        QueryError::new(Problem::Type, what, remedy).at(self.text, start.line, start.column)
    }

    fn forbidden(&self, place: &Ast, what: &str) -> QueryError {
        let start = place.span().start;
        let remedy = "Use names, values, comparisons, arithmetic, CASE and plain functions.";
        QueryError::new(Problem::Forbidden, what, remedy).at(self.text, start.line, start.column)
    }
}

fn unsteady(name: &str) -> QueryError {
    let mut error = QueryError::new(
        Problem::Forbidden,
        format!(
            "{name} is not allowed: an expression must give the same answer for the same day whenever it runs"
        ),
        "Use a metric of kind days_since or one with a window instead.",
    );
    error.name = Some(name.to_owned());
    error
}

/// Other usual spellings of functions that the language has.
fn alias(name: &str) -> &str {
    match name {
        "pow" => "power",
        "sign" => "signum",
        "substring" => "substr",
        "character_length" => "char_length",
        "ifnull" | "nvl" => "coalesce",
        "datepart" => "date_part",
        "datetrunc" => "date_trunc",
        "instr" => "strpos",
        other => other,
    }
}

fn wider(a: Kind, b: Kind) -> Kind {
    if a == Kind::Null && b == Kind::Null {
        return Kind::Null;
    }
    let number = a == Kind::Is(Type::Number) || b == Kind::Is(Type::Number);
    Kind::Is(if number { Type::Number } else { Type::Integer })
}

fn is_literal(ast: &Ast) -> bool {
    match ast {
        Ast::Nested(inner) => is_literal(inner),
        Ast::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        _ => false,
    }
}

/// The part as text, shortened: for messages.
fn shown(ast: &Ast) -> String {
    let text = ast.to_string().replace('"', "");
    let mut short: String = text.trim_matches('\'').chars().take(40).collect();
    if short.len() < text.trim_matches('\'').len() {
        short.push('…');
    }
    short
}

fn take(ast: &mut Box<Ast>) -> Ast {
    std::mem::replace(ast.as_mut(), Ast::Value(Value::Null.into()))
}

fn nested(ast: Ast) -> Ast {
    Ast::Nested(Box::new(ast))
}

fn operation(left: Ast, op: BinaryOperator, right: Ast) -> Ast {
    Ast::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

fn converted(ast: Ast, data_type: SqlType) -> Ast {
    Ast::Cast {
        kind: CastKind::TryCast,
        expr: Box::new(ast),
        data_type,
        array: false,
        format: None,
    }
}

fn null_if_zero(ast: Ast) -> Ast {
    let zero = Ast::Value(Value::Number("0".into(), false).into());
    let arguments = [ast, zero].map(|ast| FunctionArg::Unnamed(FunctionArgExpr::Expr(ast)));
    Ast::Function(Call {
        name: ObjectName::from(vec![Ident::new("nullif")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
