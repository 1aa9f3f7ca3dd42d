//! Statements and rows.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, TryGetable,
    Value,
};

use crate::{StoreError, StoreResult};

/// `$1, $2, … $n`: the places of a list of `n` values between brackets. An empty list is a mistake to one of the two databases.
#[must_use]
pub fn placeholders(n: usize) -> String {
    (1..=n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// One row of an answer; columns are read by name.
pub struct Row(QueryResult);

impl Row {
    /// The value of `column`, or an error naming it.
    pub fn get<T: TryGetable>(&self, column: &str) -> StoreResult<T> {
        self.0
            .try_get("", column)
            .map_err(|error| StoreError::Other(format!("column {column}: {error}")))
    }
}

/// Runs statements: the store itself (reads) and a transaction (reads and changes) both can.
#[async_trait]
pub trait Execute: Sync {
    /// All rows of a query.
    async fn all(&self, sql: &str, args: Vec<Value>) -> StoreResult<Vec<Row>>;
    /// The first row of a query, if any.
    async fn one(&self, sql: &str, args: Vec<Value>) -> StoreResult<Option<Row>>;
}

async fn all(on: &impl ConnectionTrait, sql: &str, args: Vec<Value>) -> StoreResult<Vec<Row>> {
    let rows = on
        .query_all_raw(statement(on.get_database_backend(), sql, args))
        .await?;
    Ok(rows.into_iter().map(Row).collect())
}

async fn one(on: &impl ConnectionTrait, sql: &str, args: Vec<Value>) -> StoreResult<Option<Row>> {
    Ok(on
        .query_one_raw(statement(on.get_database_backend(), sql, args))
        .await?
        .map(Row))
}

fn statement(backend: DbBackend, sql: &str, args: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, args)
}

/// Reads over a pool of connections.
pub(crate) async fn pool_all(
    pool: &DatabaseConnection,
    sql: &str,
    args: Vec<Value>,
) -> StoreResult<Vec<Row>> {
    all(pool, sql, args).await
}

/// Reads the first row over a pool of connections.
pub(crate) async fn pool_one(
    pool: &DatabaseConnection,
    sql: &str,
    args: Vec<Value>,
) -> StoreResult<Option<Row>> {
    one(pool, sql, args).await
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    pub(crate) inner: DatabaseTransaction,
}

#[async_trait]
impl Execute for Tx {
    async fn all(&self, sql: &str, args: Vec<Value>) -> StoreResult<Vec<Row>> {
        all(&self.inner, sql, args).await
    }
    async fn one(&self, sql: &str, args: Vec<Value>) -> StoreResult<Option<Row>> {
        one(&self.inner, sql, args).await
    }
}

/// What an insert does with a row whose key is there already.
pub enum Conflict<'a> {
    /// The whole statement fails.
    Fail,
    /// The new row is dropped.
    Ignore(&'a str),
    /// The listed columns take the new row's values; the first text names the key's columns.
    Update(&'a str, &'a [&'a str]),
}

/// Rows to insert together.
pub struct Batch<'a> {
    table: &'a str,
    columns: &'a [&'a str],
    values: Vec<Value>,
}

impl<'a> Batch<'a> {
    /// An empty batch for `table` with these columns.
    #[must_use]
    pub fn new(table: &'a str, columns: &'a [&'a str]) -> Self {
        Self {
            table,
            columns,
            values: Vec::new(),
        }
    }

    /// Adds a row; its values stand in the order of the columns.
    pub fn row(&mut self, values: Vec<Value>) {
        debug_assert_eq!(values.len(), self.columns.len());
        self.values.extend(values);
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.columns.len().max(1)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl Tx {
    /// Runs one changing statement and tells how many rows it touched.
    pub async fn run(&self, sql: &str, args: Vec<Value>) -> StoreResult<u64> {
        Ok(self
            .inner
            .execute_raw(statement(self.inner.get_database_backend(), sql, args))
            .await?
            .rows_affected())
    }

    /// Keeps other transactions that ask for the same `name` waiting until this one ends, also those of other nodes.
    /// On SQLite every changing transaction excludes every other one anyway.
    pub async fn exclusive(&self, name: &str) -> StoreResult<()> {
        if self.inner.get_database_backend() == DbBackend::Postgres {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || $1, 0))::text AS locked";
            self.one(sql, vec![Value::from(name)]).await?;
        }
        Ok(())
    }

    /// Runs a statement that takes no parameters, unprepared (schema changes).
    pub async fn script(&self, sql: &str) -> StoreResult<()> {
        self.inner.execute_unprepared(sql).await?;
        Ok(())
    }

    /// Inserts a batch, in statements that stay below both databases' parameter limits; tells how many rows were written.
    pub async fn insert(&self, batch: Batch<'_>, conflict: Conflict<'_>) -> StoreResult<u64> {
        let width = batch.columns.len();
        if width == 0 || batch.values.is_empty() {
            return Ok(0);
        }
        let tail = match conflict {
            Conflict::Fail => String::new(),
            Conflict::Ignore(key) => format!(" ON CONFLICT ({key}) DO NOTHING"),
            Conflict::Update(key, columns) => {
                let sets: Vec<String> = columns.iter().map(|c| format!("{c} = excluded.{c}")).collect();
                format!(" ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(", "))
            }
        };
        // SQLite looks numbered parameters up one by one, which is quadratic in a long statement; the others have to be numbered.
        let numbered = self.inner.get_database_backend() == DbBackend::Postgres;
        let per_statement = (16_000 / width).clamp(1, 1_000);
        let mut values = batch.values.into_iter();
        let mut written = 0;
        loop {
            let chunk: Vec<Value> = values.by_ref().take(per_statement * width).collect();
            if chunk.is_empty() {
                return Ok(written);
            }
            let mut sql = format!(
                "INSERT INTO {} ({}) VALUES ",
                batch.table,
                batch.columns.join(", ")
            );
            for row in 0..chunk.len() / width {
                sql.push_str(if row == 0 { "(" } else { ", (" });
                for column in 0..width {
                    if column > 0 {
                        sql.push_str(", ");
                    }
                    if numbered {
                        sql.push('$');
                        sql.push_str(&(row * width + column + 1).to_string());
                    } else {
                        sql.push('?');
                    }
                }
                sql.push(')');
            }
            sql.push_str(&tail);
            written += self.run(&sql, chunk).await?;
        }
    }

    /// Makes everything since the start durable; an error means that nothing is promised.
    pub async fn commit(self) -> StoreResult<()> {
        Ok(self.inner.commit().await?)
    }

    /// Gives everything since the start up.
    pub async fn rollback(self) -> StoreResult<()> {
        Ok(self.inner.rollback().await?)
    }
}
