//! The type check of function calls.

use datafusion::sql::sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    Spanned, Value,
};

use super::Type;
use super::build::{is_literal, shown};
use super::check::{Checked, Checker, Kind};
use super::functions::{self, FUNCTIONS, Function, Give, Take};
use crate::error::{Problem, QueryError};

impl Checker<'_> {
    pub(super) fn call(&mut self, ast: &mut Ast) -> Checked<Kind> {
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

    pub(super) fn written_count(&mut self, ast: &mut Ast) -> Checked<()> {
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
            error.name = Some(name.into());
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
}

pub(super) fn unsteady(name: &str) -> QueryError {
    let mut error = QueryError::new(
        Problem::Forbidden,
        format!(
            "{name} is not allowed: an expression must give the same answer for the same day whenever it runs"
        ),
        "Use a metric of kind days_since or one with a window instead.",
    );
    error.name = Some(name.into());
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
