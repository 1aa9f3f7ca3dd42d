//! The names in a reader's query, checked on the parsed tree, where each still has its place.

use std::collections::{BTreeSet, HashMap};
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
        reads: vec![0],
        common: HashMap::new(),
        weights: HashMap::new(),
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
    /// Of each query that is being visited, the tables that it reads.
    reads: Vec<usize>,
    /// The queries that WITH names.
    common: HashMap<*const Query, String>,
    /// The tables that each name of WITH stands for; where two have one name, the more.
    weights: HashMap<String, usize>,
}

/// Tables that one query may read, with every name of WITH written out where it is used: a name that the next uses
/// twice, and so on, doubles thirty times in thirty lines.
const MAX_TABLES: usize = 100;
/// Table functions that make rows out of nothing else than their arguments.
const TABLE_FUNCTIONS: [&str; 2] = ["generate_series", "range"];

impl Known<'_> {
    fn reads_more(&mut self, more: usize) -> ControlFlow<Box<QueryError>> {
        let Some(last) = self.reads.last_mut() else {
            return ControlFlow::Continue(());
        };
        *last = last.saturating_add(more);
        if *last <= MAX_TABLES {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Box::new(QueryError::new(
            Problem::TooLarge,
            format!("with every name of WITH written out the query reads more than {MAX_TABLES} tables"),
            "Join fewer, or use each name of WITH less often.",
        )))
    }

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

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = table.alias.name.value.to_lowercase();
            self.common.insert(std::ptr::from_ref(table.query.as_ref()), name);
        }
        self.reads.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let read = self.reads.pop().unwrap_or_default();
        match self.common.get(&std::ptr::from_ref(query)) {
            Some(name) => {
                let known = self.weights.entry(name.clone()).or_default();
                *known = read.max(*known);
                ControlFlow::Continue(())
            }
            None => self.reads_more(read),
        }
    }

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
        let stands_for = self.weights.get(&folded.to_lowercase()).copied().unwrap_or(1);
        self.reads_more(stands_for.max(1))?;
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
