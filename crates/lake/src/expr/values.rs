//! The type check of written values, of CASE, and of conversions.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType as SqlType, ExactNumberInfo, Expr as Ast, TypedString, Value,
};

use super::Type;
use super::check::{Checked, Checker, Kind};

impl Checker<'_> {
    pub(super) fn typed_literal(&mut self, typed: &TypedString) -> Checked<Kind> {
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

    /// A day or an instant in quotes: it must be one.
    pub(super) fn written_time(&self, literal: &Ast, t: Type) -> Checked<Kind> {
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

    pub(super) fn case(&mut self, ast: &mut Ast) -> Checked<Kind> {
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

    pub(super) fn unify(&mut self, sofar: &mut Option<(Ast, Kind)>, next: &mut Ast) -> Checked<()> {
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

    pub(super) fn conversion(&mut self, ast: &mut Ast) -> Checked<Kind> {
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
}
