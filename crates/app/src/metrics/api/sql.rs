//! `POST /api/v1/sql`: read-only SQL over accounts, events and what is folded from them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_lake::RecordBatch;
use utoipa::ToSchema;

use super::super::Progress;
use super::super::tables::{TABLES, context};
use super::definitions;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::BUILTINS;
use crate::web::{Json, Problem, Result};

/// A query.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SqlQuery)]
pub struct Asked {
    /// One SELECT statement.
    query: String,
    /// Rows to give at most, 1 to 100,000 (default 1,000).
    limit: Option<usize>,
}

/// A column of the answer.
#[derive(Serialize, ToSchema)]
pub struct ColumnType {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The answer.
#[derive(Serialize, ToSchema)]
#[schema(as = SqlAnswer)]
pub struct Answer {
    columns: Vec<ColumnType>,
    /// The rows; values stand in the order of the columns.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<Value>>,
    /// Whether there were more rows than the limit.
    truncated: bool,
    elapsed_ms: u64,
}

/// Runs one read-only query, within limits of rows, time and memory.
#[utoipa::path(post, path = "/api/v1/sql", tag = "sql", request_body = Asked, responses((status = 200, body = Answer)))]
pub async fn query(_: Viewer, State(app): State<App>, Json(asked): Json<Asked>) -> Result<Json<Answer>> {
    let definitions = definitions(&app)?;
    let limit = asked.limit.unwrap_or(1_000);
    if !(1..=100_000).contains(&limit) {
        return Err(Problem::field(
            "limit",
            limit,
            "is not between 1 and 100000",
            "ask for fewer rows",
        ));
    }
    let start = std::time::Instant::now();
    let guard = tenure_lake::Guard::new(tenure_lake::Limits {
        rows: limit,
        ..tenure_lake::Limits::default()
    });
    let wrong = |error: tenure_lake::QueryError| refused(&asked.query, error);
    // Tables are built when it is the query's turn: what waits should hold nothing.
    let turn = guard.turn(&app.lake).await.map_err(wrong)?;
    let context = context(&app, &definitions, &[&asked.query]).await?;
    let (schema, batches, truncated) = guard.batches(turn, &context, &asked.query).await.map_err(wrong)?;
    let columns = tenure_lake::columns(&schema)
        .into_iter()
        .map(|c| ColumnType {
            name: c.name,
            kind: c.kind.to_owned(),
        })
        .collect();
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in &batches {
        let mut values: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| tenure_lake::json_column(column).into_iter())
            .collect();
        let row = |_| values.iter_mut().filter_map(Iterator::next).collect();
        rows.extend((0..batch.num_rows()).map(row));
    }
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(Answer {
        columns,
        rows,
        truncated,
        elapsed_ms,
    }))
}

/// The error as the form's own: what is wrong and what to do.
fn refused(query: &str, error: tenure_lake::QueryError) -> Problem {
    Problem::field("query", query, error.message, error.remedy)
}

/// A table that queries may read.
#[derive(Serialize, ToSchema)]
pub struct SqlTable {
    name: String,
    /// What it holds.
    about: String,
    columns: Vec<SqlColumn>,
}

/// A column of a table.
#[derive(Serialize, ToSchema)]
pub struct SqlColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// What it is, where the program says so.
    about: String,
}

/// Everything that queries may read.
#[derive(Serialize, ToSchema)]
pub struct SqlTables {
    tables: Vec<SqlTable>,
}

/// The tables that queries may read, with their columns.
#[utoipa::path(get, path = "/api/v1/sql/tables", tag = "sql", responses((status = 200, body = SqlTables)))]
pub async fn tables(_: Viewer, State(app): State<App>) -> Result<Json<SqlTables>> {
    let definitions = definitions(&app)?;
    let columns = super::super::tables::columns(&app, &definitions).await?;
    let about = |name: &str| {
        let metric = definitions.metric(name).map(|metric| metric.label.clone());
        let attribute = definitions.attribute(name).map(|it| it.label.clone());
        let known = BUILTINS.iter().find(|it| it.name == name);
        metric
            .or(attribute)
            .or_else(|| known.map(|it| it.description.to_owned()))
            .unwrap_or_default()
    };
    let tables = TABLES
        .iter()
        .zip(columns)
        .map(|((name, words), columns)| SqlTable {
            name: (*name).to_owned(),
            about: (*words).to_owned(),
            columns: columns
                .into_iter()
                .map(|column| SqlColumn {
                    about: about(&column.name),
                    kind: column.kind.to_owned(),
                    name: column.name,
                })
                .collect(),
        });
    Ok(Json(SqlTables {
        tables: tables.collect(),
    }))
}

/// How far the computation of all accounts is.
#[derive(Serialize, ToSchema)]
pub struct Computing {
    /// Accounts done.
    done: usize,
    /// Of how many; 0 = nothing is being computed.
    total: usize,
    /// The log's place up to which metrics are worked in.
    up_to: i64,
    /// The log's newest place.
    newest: i64,
    /// Months whose KPI figures are still to be computed; 0 = every figure is current.
    marked_months: i64,
}

/// How far metrics are behind the log.
#[utoipa::path(get, path = "/api/v1/metrics/progress", tag = "sql", responses((status = 200, body = Computing)))]
pub async fn progress(_: Viewer, State(app): State<App>) -> Result<Json<Computing>> {
    let Progress { done, total } = app.metrics.progress();
    let newest = *crate::events::watch(&app).borrow();
    let cursor = crate::events::cursor(&app, super::super::work::CURSOR).await?;
    let behind = cursor < newest && crate::events::has_changes_since(&app, cursor);
    let up_to = if behind { cursor } else { newest };
    let marked_months = super::super::marked_months(&app).await?;
    Ok(Json(Computing {
        done,
        total,
        up_to,
        newest,
        marked_months,
    }))
}
