//! A context: tables, views and functions for some queries over one snapshot.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context as _, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use futures::{Stream, StreamExt};

use crate::clock_udf::clock_functions;
use crate::error::{Problem, QueryError};
use crate::pool::AbortOnDrop;
use crate::provider::split_batches;
use crate::session::{CATALOG, Lake, SCHEMA};
use crate::snapshot::Snapshot;

/// Tables, views and functions for some queries over one snapshot.
#[derive(Clone)]
pub struct Context {
    pub(crate) lake: Lake,
    pub(crate) session: SessionContext,
    pub(crate) snapshot: Snapshot,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "a context of {} events with tables {:?}",
            self.snapshot.rows(),
            self.tables()
        )
    }
}

/// The batches of a running query. Dropping it stops the query.
pub struct Batches {
    schema: SchemaRef,
    receiver: tokio::sync::mpsc::Receiver<Result<RecordBatch, QueryError>>,
    _task: AbortOnDrop<()>,
}

impl Context {
    /// Adds a table. All batches must have this schema.
    ///
    /// # Errors
    /// When a batch has another schema or the name is taken.
    pub fn add_table(&self, name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<()> {
        let parts = split_batches(&batches, self.lake.threads());
        let table = MemTable::try_new(schema, parts).with_context(|| format!("table '{name}'"))?;
        self.session
            .register_table(name, Arc::new(table))
            .with_context(|| format!("table '{name}'"))?;
        Ok(())
    }

    /// Adds a view: a name for a query. It may read what was added before it.
    ///
    /// # Errors
    /// When the query is wrong or the name is taken.
    pub async fn add_view(&self, name: &str, sql: &str) -> Result<(), QueryError> {
        let frame = self.plan(sql).await?;
        let view =
            datafusion::datasource::ViewTable::new(frame.into_unoptimized_plan(), Some(sql.to_owned()));
        let done = self.session.register_table(name, Arc::new(view));
        done.map(drop)
            .map_err(|error| QueryError::from_engine(&error, sql))
    }

    /// Lets `events` hold those of some accounts only. Their numbers become part of every query that reads them: for at most a few thousand.
    ///
    /// # Errors
    /// When the context has no events.
    pub fn only_accounts(&self, numbers: &[i64]) -> Result<()> {
        let whole = self
            .session
            .deregister_table("events")?
            .context("there is no table 'events'")?;
        let wanted = numbers.iter().map(|no| lit(*no)).collect();
        let some = self
            .session
            .read_table(whole)?
            .filter(col("account_no").in_list(wanted, false))?;
        let view = datafusion::datasource::ViewTable::new(some.into_unoptimized_plan(), None);
        self.session.register_table("events", Arc::new(view))?;
        Ok(())
    }

    /// Makes `now()`, `current_timestamp`, `current_date` and `today()` of this context stand at the given
    /// instant (microseconds UTC) instead of the machine's clock.
    pub fn set_now(&self, micros: i64) {
        for function in clock_functions(micros) {
            self.session.register_udf(ScalarUDF::new_from_impl(function));
        }
    }

    /// The snapshot that `events` shows.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The lake that runs the queries.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Names of all tables and views.
    pub fn tables(&self) -> Vec<String> {
        let schema = self
            .session
            .catalog(CATALOG)
            .and_then(|catalog| catalog.schema(SCHEMA));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort();
        names
    }

    /// Runs trusted SQL (a program's KPI, our own) and returns all of its rows. SQL that a reader typed goes
    /// through [`crate::Guard`].
    ///
    /// # Errors
    /// In our words, with the place where one is known.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        let (this, sql) = (self.clone(), sql.to_owned());
        let work = async move {
            let frame = this.plan(&sql).await?;
            frame
                .collect()
                .await
                .map_err(|error| QueryError::from_engine(&error, &sql))
        };
        self.lake
            .pool()
            .run(work)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))
    }

    /// The same, batch by batch: for results that may be large.
    ///
    /// # Errors
    /// When the query cannot be planned; later faults come through the stream.
    pub async fn stream(&self, sql: &str) -> Result<Batches, QueryError> {
        let (this, text) = (self.clone(), sql.to_owned());
        let start = async move {
            let frame = this.plan(&text).await?;
            frame
                .execute_stream()
                .await
                .map_err(|error| QueryError::from_engine(&error, &text))
        };
        let mut stream = self
            .lake
            .pool()
            .run(start)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))?;
        let (schema, text) = (stream.schema(), sql.to_owned());
        let (sender, receiver) = tokio::sync::mpsc::channel(2);
        let task = self.lake.pool().spawn(async move {
            while let Some(next) = stream.next().await {
                let next = next.map_err(|error| QueryError::from_engine(&error, &text));
                if sender.send(next).await.is_err() {
                    break;
                }
            }
        });
        Ok(Batches {
            schema,
            receiver,
            _task: task,
        })
    }

    /// The physical plan as text, for `EXPLAIN` in tests and in support.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub async fn explain(&self, sql: &str) -> Result<String, QueryError> {
        let (this, sql) = (self.clone(), sql.to_owned());
        let work = async move {
            let frame = this.plan(&sql).await?;
            let plan = frame.create_physical_plan().await;
            let plan = plan.map_err(|error| QueryError::from_engine(&error, &sql))?;
            Ok(datafusion::physical_plan::displayable(plan.as_ref())
                .indent(true)
                .to_string())
        };
        self.lake
            .pool()
            .run(work)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))
    }

    pub(crate) async fn plan(&self, sql: &str) -> Result<DataFrame, QueryError> {
        self.session
            .sql(sql)
            .await
            .map_err(|error| self.explain_error(&error, sql))
    }

    /// The engine's error in our words, with nearest names from this context's tables and functions.
    pub(crate) fn explain_error(&self, error: &DataFusionError, sql: &str) -> QueryError {
        let ours = QueryError::from_engine(error, sql);
        let (Problem::UnknownName, Some(name), None) = (ours.problem, &ours.name, &ours.nearest) else {
            return ours;
        };
        let better = if ours.message.starts_with("the table") {
            let tables = self.tables();
            QueryError::unknown("table", name, tables.iter().map(String::as_str))
        } else if ours.message.starts_with("the function") {
            let state = self.session.state();
            let scalar = state.scalar_functions().keys();
            let all = scalar
                .chain(state.aggregate_functions().keys())
                .chain(state.window_functions().keys());
            QueryError::unknown("function", name, all.map(String::as_str))
        } else {
            return ours;
        };
        let name = better.name.clone().unwrap_or_default();
        match (ours.line, ours.column) {
            (Some(line), Some(column)) => better.at(sql, line.into(), column.into()),
            _ => better.at_word(sql, &name),
        }
    }
}

impl Batches {
    /// The columns of the result.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context)
    }
}

/// The task of a query ended by a panic inside the engine, or because the lake is closing.
pub(crate) fn crashed(error: &tokio::task::JoinError) -> QueryError {
    tracing::error!(%error, "a query's task did not end");
    QueryError::new(
        Problem::Internal,
        "the query ended inside the engine",
        "Try it again; if it fails again, report it with the query.",
    )
}
