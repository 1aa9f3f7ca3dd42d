//! SQL that a reader typed: it may only read, and may not take the process down.
//!
//! One statement, `SELECT`, `WITH` or `EXPLAIN`; threads, memory and turns shared with other readers (`readers`); a
//! limit of time and of rows; limits around functions and operators that would escape it (`guard_plan`). Names are
//! checked before planning, because there every one still has its place. Distinct counts of text under `GROUP BY`,
//! which escape the engine's memory limit, are replaced for every query of the lake (see `distinct`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{DataFrame, SQLOptions};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::{Context, crashed};
use crate::error::{Problem, QueryError};
use crate::expr::Type;
use crate::guard_names::check_names;
use crate::guard_nodes::{CountedPlans, row_widths};
use crate::guard_plan;
use crate::guard_text::{only_reading, parse};
use crate::json_rows::json_rows;
use crate::readers::{Stop, Turn};
use crate::session::Lake;

/// Longest query, in bytes.
pub const MAX_SQL: usize = 64 * 1024;
/// Rows of a batch. Fewer than elsewhere: what one batch becomes, in a join or a function, is there all at once.
const BATCH: usize = 2_048;
/// Cells of an answer.
const MAX_CELLS: usize = 4_000_000;

/// What one query may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows of the answer; more are cut off and the answer says so.
    pub rows: usize,
    /// Time from start to last row.
    pub time: Duration,
    /// Bytes that the query's operators may hold, and at most a quarter of it for the answer.
    pub memory: usize,
}

impl Default for Limits {
    /// 10,000 rows, 29 seconds, so that the answer is out within 30, and 256 MiB.
    fn default() -> Self {
        Self {
            rows: 10_000,
            time: Duration::from_secs(29),
            memory: 256 << 20,
        }
    }
}

/// Runs queries within limits.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    limits: Limits,
}

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// number, integer, text, boolean, date, timestamp, or `other` for lists and the like.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The rows of a query, ready for JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, each by column name.
    pub rows: Vec<Map<String, Value>>,
    /// Whether rows were left out because of the limit.
    pub truncated: bool,
}

impl Guard {
    /// A guard with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Waits until a query may run. The wait counts towards the time limit.
    ///
    /// # Errors
    /// When the time is over before.
    pub async fn turn(&self, lake: &Lake) -> Result<Turn, QueryError> {
        lake.readers()?.turn(self.limits.time).await
    }

    /// Checks and runs one query.
    ///
    /// # Errors
    /// In our words, with place, name, nearest name and remedy.
    pub async fn run(&self, context: &Context, sql: &str) -> Result<Answer, QueryError> {
        let turn = self.turn(context.lake()).await?;
        self.run_in(turn, context, sql).await
    }

    /// The same in a turn that was waited for before the tables were built.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_in(&self, turn: Turn, context: &Context, sql: &str) -> Result<Answer, QueryError> {
        let (schema, batches, truncated) = self.batches(turn, context, sql).await?;
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(json_rows(batch));
        }
        Ok(Answer {
            columns: columns(&schema),
            rows,
            truncated,
        })
    }

    /// The same as batches, for answers that are put together otherwise: schema, batches, and whether rows were left
    /// out.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn batches(
        &self,
        turn: Turn,
        context: &Context,
        sql: &str,
    ) -> Result<(SchemaRef, Vec<RecordBatch>, bool), QueryError> {
        let limits = self.limits.clone();
        let (context, sql) = (context.clone(), sql.to_owned());
        let lake = context.lake().clone();
        let stop = Stop::default();
        let _stop = stop.on_drop();
        let Turn {
            permit,
            until,
            limit,
            waited,
        } = turn;
        let work = async move {
            // The turn is over when the work has ended, which may be after the reader was told so.
            let _permit = permit;
            collect(&context, &sql, &limits, stop).await
        };
        let left = until.saturating_duration_since(Instant::now());
        // Dropping the pool's future at the time limit aborts the query.
        match tokio::time::timeout(left, lake.readers()?.pool().run(work)).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(crashed(&error)),
            Err(_) => Err(Turn::over(limit, waited)),
        }
    }

    /// Checks a query without running it: that it only reads, and that names and types fit.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn check(&self, context: &Context, sql: &str) -> Result<(), QueryError> {
        let limits = self.limits.clone();
        let (context, sql) = (context.clone(), sql.to_owned());
        let lake = context.lake().clone();
        let Turn { permit, .. } = self.turn(&lake).await?;
        let work = async move {
            let _permit = permit;
            let frame = plan(&context, &sql, &limits, Stop::default()).await?;
            frame
                .create_physical_plan()
                .await
                .map(drop)
                .map_err(|error| context.explain_error(&error, &sql))
        };
        lake.readers()?
            .pool()
            .run(work)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))
    }
}

type Collected = (SchemaRef, Vec<RecordBatch>, bool);

async fn collect(context: &Context, sql: &str, limits: &Limits, stop: Stop) -> Result<Collected, QueryError> {
    let wrong = |error: &_| {
        let ours = context.explain_error(error, sql);
        // What comes through the reader of files looks like a fault of a file.
        let refused = stop.refused().filter(|_| ours.problem == Problem::Internal);
        refused.unwrap_or(ours)
    };
    let frame = plan(context, sql, limits, stop.clone()).await?;
    let mut stream = frame.execute_stream().await.map_err(|error| wrong(&error))?;
    let schema = stream.schema();
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0usize, 0u64);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| wrong(&error))?;
        let room = limits.rows - rows;
        if batch.num_rows() > room {
            batches.push(batch.slice(0, room));
            return Ok((schema, batches, true));
        }
        rows += batch.num_rows();
        bytes += row_widths(&batch, |_| true).into_iter().sum::<u64>();
        let too_large = |what: String| {
            let remedy = "Ask for fewer columns or rows, or export it in parts.";
            QueryError::new(Problem::Memory, what, remedy)
        };
        if bytes > limits.memory as u64 / 4 {
            let most = limits.memory / 4 / 1_000_000;
            return Err(too_large(format!("the answer is larger than {most} MB")));
        }
        if rows * batch.num_columns() > MAX_CELLS {
            return Err(too_large(format!("the answer has more than {MAX_CELLS} cells")));
        }
        batches.push(batch);
    }
    Ok((schema, batches, false))
}

async fn plan(context: &Context, sql: &str, limits: &Limits, stop: Stop) -> Result<DataFrame, QueryError> {
    let statement = parse(sql)?;
    let wrong = |error: &_| context.explain_error(error, sql);
    let state = context.session.state();
    let explain = matches!(statement, Statement::Explain(_));
    check_names(&statement, sql, context, &state)?;
    let lake = context.lake();
    let config = state
        .config()
        .clone()
        // One thread for each, so that a short query does not wait for a long one beside it.
        .with_target_partitions(1)
        .with_batch_size(BATCH);
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_config(config)
        .with_runtime_env(Arc::new(lake.readers()?.env(limits.memory)))
        .with_analyzer_rule(Arc::new(guard_plan::Limits::new(stop.clone())))
        .with_physical_optimizer_rule(Arc::new(CountedPlans { stop }))
        .build();
    let plan = state
        .statement_to_plan(statement)
        .await
        .map_err(|error| wrong(&error))?;
    let read_only = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    read_only.verify_plan(&plan).map_err(|_| only_reading(sql))?;
    guard_plan::check_size(&plan)?;
    state.mark_start_execution();
    let frame = DataFrame::new(state, plan);
    if explain {
        return Ok(frame);
    }
    // One more than is shown, to know whether there are more.
    frame
        .limit(0, Some(limits.rows.saturating_add(1)))
        .map_err(|error| wrong(&error))
}

/// The columns of a result, as [`Answer`] names them.
pub fn columns(schema: &SchemaRef) -> Vec<Column> {
    let column = |field: &FieldRef| Column {
        name: field.name().clone(),
        kind: kind_word(Type::of_arrow(field.data_type())),
    };
    schema.fields().iter().map(column).collect()
}

fn kind_word(kind: Option<Type>) -> &'static str {
    match kind {
        Some(Type::Number) => "number",
        Some(Type::Integer) => "integer",
        Some(Type::Text) => "text",
        Some(Type::Boolean) => "boolean",
        Some(Type::Date) => "date",
        Some(Type::Timestamp) => "timestamp",
        None => "other",
    }
}
