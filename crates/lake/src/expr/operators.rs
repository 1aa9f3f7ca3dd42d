//! The type check of operators, and what they become: real division, days between dates.

use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType as SqlType, ExactNumberInfo, Expr as Ast};

use super::Type;
use super::build::{converted, nested, null_if_zero, operation, take};
use super::check::{Checked, Checker, Kind};

impl Checker<'_> {
    pub(super) fn binary(&mut self, ast: &mut Ast) -> Checked<Kind> {
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
}

fn wider(a: Kind, b: Kind) -> Kind {
    if a == Kind::Null && b == Kind::Null {
        return Kind::Null;
    }
    let number = a == Kind::Is(Type::Number) || b == Kind::Is(Type::Number);
    Kind::Is(if number { Type::Number } else { Type::Integer })
}
