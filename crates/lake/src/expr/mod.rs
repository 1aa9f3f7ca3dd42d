//! Expressions over declared names: segment rules, metric formulas, event filters.
//!
//! The language is SQL's expressions, with four rules that make it safe for people who do not program:
//! - `/` always divides as numbers, and dividing by zero gives null (`%` by zero too);
//! - a conversion that does not succeed gives null, and so does a result that is not a finite number:
//!   what compiles does not fail on data;
//! - a date minus a date is whole days, a date plus an integer is a date;
//! - only names that were declared and functions that depend on nothing but their arguments: no subqueries, no
//!   aggregates, no clock.
//!
//! Null keeps SQL's three values: `mrr > 500` is null when `mrr` is, neither true nor false.

mod build;
mod calls;
mod check;
mod functions;
mod growth;
mod names;
mod operators;
mod sample;
mod values;

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Problem, QueryError, syntax};

pub use names::{Names, Type};

/// Longest text of an expression, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;
/// Most words and signs of an expression.
const MAX_TOKENS: usize = 4_000;
/// Parentheses within parentheses.
const MAX_NESTING: usize = 64;
/// Above this many tokens an expression is compiled on a thread with a stack of its own.
const INLINE_TOKENS: usize = 200;

/// Rows over which an expression that makes texts longer is evaluated at a time.
const FEW: usize = 1_024;

/// A compiled expression. Cloning and sharing between threads is cheap; evaluation has no side effects.
#[derive(Debug, Clone)]
pub struct Expr {
    text: String,
    physical: Arc<dyn PhysicalExpr>,
    output: Option<Type>,
    references: Vec<String>,
    inputs: SchemaRef,
    /// Whether it makes texts longer than its columns, and so is evaluated over few rows at a time.
    grows: bool,
}

impl Expr {
    /// Compiles an expression of any type over the declared names.
    ///
    /// # Errors
    /// With the place, the offending name, the nearest declared one, and what to do.
    pub fn compile(text: &str, names: &Names) -> Result<Self, QueryError> {
        let tokens = token_count(text)?;
        if tokens <= INLINE_TOKENS {
            return compile(text, names);
        }
        // Parsers and the trees they build recurse; a long text gets room for that instead of a lower limit.
        let (text, names) = (text.to_owned(), names.clone());
        let thread = std::thread::Builder::new()
            .name("compile".into())
            .stack_size(32 << 20);
        let run = thread
            .spawn(move || compile(&text, &names))
            .map(std::thread::JoinHandle::join);
        match run {
            Ok(Ok(done)) => done,
            _ => Err(QueryError::new(
                Problem::Internal,
                "the expression could not be compiled",
                "Try again; if it fails again, report it with the expression.",
            )),
        }
    }

    /// Compiles a condition: its type must be boolean.
    ///
    /// # Errors
    /// As [`Self::compile`], and when the expression is not a condition.
    pub fn compile_filter(text: &str, names: &Names) -> Result<Self, QueryError> {
        let expr = Self::compile(text, names)?;
        match expr.output {
            Some(Type::Boolean) | None => Ok(expr),
            Some(other) => Err(QueryError::new(
                Problem::Type,
                format!("a condition is needed, but this is {}", other.word()),
                "Compare it with something, as in `mrr > 500`.",
            )
            .at(text, 1, 1)),
        }
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of the result; `None` when it is always null.
    pub fn output_type(&self) -> Option<Type> {
        self.output
    }

    /// The declared names that it uses, each once, in order of first use.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// One value for each row of the batch, of the Arrow type of [`Self::output_type`] (Null type when that is
    /// `None`). Columns are found by name; others may be there too. Numbers that are not finite are null.
    ///
    /// # Errors
    /// When the batch lacks a name or has it with a type that cannot be converted.
    pub fn eval(&self, batch: &RecordBatch) -> Result<ArrayRef, QueryError> {
        let mut columns = Vec::with_capacity(self.inputs.fields().len());
        for field in self.inputs.fields() {
            let Some(column) = batch.column_by_name(field.name()) else {
                return Err(missing(field.name()));
            };
            columns.push(if column.data_type() == field.data_type() {
                Arc::clone(column)
            } else {
                cast(column, field.data_type()).map_err(|error| self.failed(&error.into()))?
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let input = RecordBatch::try_new_with_options(Arc::clone(&self.inputs), columns, &options);
        let input = input.map_err(|error| self.failed(&error.into()))?;
        let done = if self.grows && input.num_rows() > FEW {
            self.eval_in_parts(&input)
        } else {
            self.eval_projected(&input)
        };
        done.map_err(|error| self.failed(&error))
    }

    fn eval_in_parts(&self, input: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        let starts = (0..input.num_rows()).step_by(FEW);
        let part = |start| self.eval_projected(&input.slice(start, FEW.min(input.num_rows() - start)));
        let parts: Vec<ArrayRef> = starts.map(part).collect::<Result<_, _>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(concat(&parts)?)
    }

    /// The same for a condition, as a mask in which null has become false.
    ///
    /// # Errors
    /// As [`Self::eval`].
    pub fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, QueryError> {
        let values = self.eval(batch)?;
        match values.as_boolean_opt() {
            Some(values) => Ok((0..values.len())
                .map(|row| Some(values.is_valid(row) && values.value(row)))
                .collect()),
            None => Ok(BooleanArray::from(vec![false; batch.num_rows()])),
        }
    }

    fn eval_projected(&self, input: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        let values = self.physical.evaluate(input)?.into_array(input.num_rows())?;
        let Some(output) = self.output else {
            return Ok(new_null_array(&DataType::Null, input.num_rows()));
        };
        let values = if values.data_type() == &output.arrow() {
            values
        } else {
            cast(&values, &output.arrow())?
        };
        if output == Type::Number
            && values
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .any(|v| !v.is_finite())
        {
            let numbers = values.as_primitive::<Float64Type>();
            return Ok(Arc::new(
                numbers
                    .iter()
                    .map(|v| v.filter(|v| v.is_finite()))
                    .collect::<Float64Array>(),
            ));
        }
        Ok(values)
    }

    fn failed(&self, error: &DataFusionError) -> QueryError {
        QueryError::from_engine(error, &self.text)
    }
}

fn missing(name: &str) -> QueryError {
    let mut error = QueryError::new(
        Problem::Internal,
        format!("the rows have no column '{name}'"),
        "Give a column for every name that the expression uses.",
    );
    error.name = Some(name.into());
    error
}

fn too_large(what: String) -> QueryError {
    QueryError::new(
        Problem::TooLarge,
        what,
        "Split it: give parts names as metrics of their own, or write long lists as name IN (…).",
    )
}

fn token_count(text: &str) -> Result<usize, QueryError> {
    if text.len() > MAX_TEXT {
        return Err(too_large(format!(
            "the expression has {} bytes; at most {MAX_TEXT} are allowed",
            text.len()
        )));
    }
    if text.trim().is_empty() {
        return Err(QueryError::new(
            Problem::Syntax,
            "the expression is empty",
            "Write a condition or a formula.",
        ));
    }
    let tokens = Tokenizer::new(&GenericDialect, text).tokenize();
    let tokens = tokens.map_err(|error| {
        let error_text = error.message.clone();
        let ours = QueryError::new(
            Problem::Syntax,
            format!("this cannot be read: {}", error_text.trim_end_matches('.')),
            "Close every quote, and write text in single quotes.",
        );
        ours.at(text, error.location.line, error.location.column)
    })?;
    let count = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .count();
    if count > MAX_TOKENS {
        return Err(too_large(format!(
            "the expression has {count} words and signs; at most {MAX_TOKENS} are allowed"
        )));
    }
    Ok(count)
}

fn compile(text: &str, names: &Names) -> Result<Expr, QueryError> {
    let mut ast = parse(text)?;
    let mut checker = check::Checker::new(text, names);
    checker.check(&mut ast)?;
    let references = checker.into_references();
    let fields = references
        .iter()
        .filter_map(|name| names.columns.iter().find(|(n, _, _)| n == name));
    let fields: Vec<Field> = fields
        .map(|(name, _, data_type)| Field::new(name, data_type.clone(), true))
        .collect();
    let inputs: SchemaRef = Arc::new(Schema::new(fields));
    let planned = plan(ast, &inputs).map_err(|error| QueryError::from_engine(&error, text))?;
    let Planned {
        physical,
        output,
        grows,
    } = planned;
    let expr = Expr {
        text: text.to_owned(),
        physical,
        output,
        references,
        inputs,
        grows,
    };
    // Some faults show only on values, so an expression is tried before it is accepted.
    let sample = sample::sample(&expr.inputs);
    expr.eval_projected(&sample)
        .map_err(|error| expr.failed(&error))?;
    Ok(expr)
}

fn parse(text: &str) -> Result<datafusion::sql::sqlparser::ast::Expr, QueryError> {
    let wrong = |error: &dyn std::fmt::Display| syntax(&error.to_string(), text);
    let parser = Parser::new(&GenericDialect).with_recursion_limit(MAX_NESTING);
    let mut parser = parser.try_with_sql(text).map_err(|error| wrong(&error))?;
    let ast = parser.parse_expr().map_err(|error| wrong(&error))?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(ast);
    }
    let place = next.span.start;
    Err(QueryError::new(
        Problem::Syntax,
        format!("the expression is complete before '{}'", next.token),
        "Remove what follows, or join the parts with AND, OR or an operator.",
    )
    .at(text, place.line, place.column))
}

struct Planned {
    physical: Arc<dyn PhysicalExpr>,
    output: Option<Type>,
    grows: bool,
}

fn plan(ast: datafusion::sql::sqlparser::ast::Expr, inputs: &SchemaRef) -> Result<Planned, DataFusionError> {
    let columns = Arc::new(DFSchema::try_from(Arc::clone(inputs))?);
    let logical = STATE.create_logical_expr_from_sql_expr(
        ExprWithAlias {
            expr: ast,
            alias: None,
        },
        &columns,
    )?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(&columns))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let logical = simplifier.coerce(logical, &columns)?;
    // Before anything is computed, also what is the same for every row.
    let grows = growth::check(&logical)?;
    let logical = simplifier.simplify(logical)?;
    let physical = create_physical_expr(&logical, &columns, &ExecutionProps::new(), &Default::default())?;
    let data_type = physical.data_type(inputs)?;
    if data_type == DataType::Null {
        return Ok(Planned {
            physical,
            output: None,
            grows,
        });
    }
    match Type::of_arrow(&data_type) {
        Some(output) => Ok(Planned {
            physical,
            output: Some(output),
            grows,
        }),
        None => Err(DataFusionError::Plan(format!(
            "a result of type {data_type} cannot be used"
        ))),
    }
}

static STATE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut state = SessionStateBuilder::new().with_default_features().build();
    crate::props::register(&mut state);
    state
});
