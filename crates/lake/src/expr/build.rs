//! Pieces of parsed expressions: made anew, and shown in messages.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr as Ast, Function as Call, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
};

pub(super) fn is_literal(ast: &Ast) -> bool {
    match ast {
        Ast::Nested(inner) => is_literal(inner),
        Ast::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        _ => false,
    }
}

/// The part as text, shortened: for messages.
pub(super) fn shown(ast: &Ast) -> String {
    let text = ast.to_string().replace('"', "");
    let mut short: String = text.trim_matches('\'').chars().take(40).collect();
    if short.len() < text.trim_matches('\'').len() {
        short.push('…');
    }
    short
}

pub(super) fn take(ast: &mut Box<Ast>) -> Ast {
    std::mem::replace(ast.as_mut(), Ast::Value(Value::Null.into()))
}

pub(super) fn nested(ast: Ast) -> Ast {
    Ast::Nested(Box::new(ast))
}

pub(super) fn operation(left: Ast, op: BinaryOperator, right: Ast) -> Ast {
    Ast::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

pub(super) fn converted(ast: Ast, data_type: SqlType) -> Ast {
    Ast::Cast {
        kind: CastKind::TryCast,
        expr: Box::new(ast),
        data_type,
        array: false,
        format: None,
    }
}

pub(super) fn null_if_zero(ast: Ast) -> Ast {
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
