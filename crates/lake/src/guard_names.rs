//! The names in a reader's query, checked on the parsed tree, where each still has its place.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, ObjectNamePart, Query, Spanned, Statement as SqlStatement, TableFactor, Visit, Visitor,
};

use crate::context::Context;
use crate::error::{Problem, QueryError};

/// Finds functions and tables that do not exist, with their places.
pub(crate) fn check_names(
    statement: &Statement,
    sql: &str,
    context: &Context,
    state: &SessionState,
) -> Result<(), QueryError> {
    let query = match statement {
        Statement::Explain(explain) => return check_names(&explain.statement, sql, context, state),
        Statement::Statement(query) => query,
        _ => return Ok(()),
    };
    let mut known = Known {
        sql,
        state,
        tables: context.tables().into_iter().collect(),
        aliases: BTreeSet::new(),
    };
    known.aliases = common_tables(query);
    match query.visit(&mut known) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

/// Names that WITH gives anywhere in the query; where they may be used is for the planner to say.
fn common_tables(query: &SqlStatement) -> BTreeSet<String> {
    struct Collect(BTreeSet<String>);
    impl Visitor for Collect {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let with = query.with.iter().flat_map(|with| &with.cte_tables);
            self.0
                .extend(with.map(|table| table.alias.name.value.to_lowercase()));
            ControlFlow::Continue(())
        }
    }
    let mut collect = Collect(BTreeSet::new());
    let _ = query.visit(&mut collect);
    collect.0
}

struct Known<'a> {
    sql: &'a str,
    state: &'a SessionState,
    tables: BTreeSet<String>,
    aliases: BTreeSet<String>,
}

/// Table functions that make rows out of nothing else than their arguments.
const TABLE_FUNCTIONS: [&str; 2] = ["generate_series", "range"];

impl Known<'_> {
    fn unknown<'k>(
        &self,
        what: &str,
        name: &ObjectName,
        known: impl IntoIterator<Item = &'k str>,
    ) -> ControlFlow<Box<QueryError>> {
        let start = name.span().start;
        let error = QueryError::unknown(what, &name.to_string(), known);
        ControlFlow::Break(Box::new(error.at(self.sql, start.line, start.column)))
    }
}

impl Visitor for Known<'_> {
    type Break = Box<QueryError>;

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let (name, is_call) = match factor {
            TableFactor::Table { name, args, .. } => (name, args.is_some()),
            TableFactor::Function { name, .. } => (name, true),
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => {
                return ControlFlow::Continue(());
            }
            other => {
                let what = format!("'{other}' is not allowed here");
                let error = QueryError::new(Problem::Forbidden, what, "Read tables, views and queries only.");
                return ControlFlow::Break(Box::new(error.at_word(self.sql, &other.to_string())));
            }
        };
        // Longer names (information_schema.tables) are the planner's to find.
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
            return ControlFlow::Continue(());
        };
        let folded = if ident.quote_style.is_some() {
            ident.value.clone()
        } else {
            ident.value.to_lowercase()
        };
        if is_call {
            if TABLE_FUNCTIONS.contains(&folded.as_str()) {
                return ControlFlow::Continue(());
            }
            return self.unknown("table function", name, TABLE_FUNCTIONS);
        }
        if self.tables.contains(&folded) || self.aliases.contains(&ident.value.to_lowercase()) {
            return ControlFlow::Continue(());
        }
        self.unknown(
            "table",
            name,
            self.tables.iter().chain(&self.aliases).map(String::as_str),
        )
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(call) = expr else {
            return ControlFlow::Continue(());
        };
        let name = call.name.to_string().to_lowercase();
        let state = self.state;
        let exists = state.scalar_functions().contains_key(&name)
            || state.aggregate_functions().contains_key(&name)
            || state.window_functions().contains_key(&name)
            || state.higher_order_functions().contains_key(&name);
        if exists {
            return ControlFlow::Continue(());
        }
        let scalar = state.scalar_functions().keys();
        let all = scalar
            .chain(state.aggregate_functions().keys())
            .chain(state.window_functions().keys());
        self.unknown("function", &call.name, all.map(String::as_str))
    }
}
