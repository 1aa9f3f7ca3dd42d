//! The history: sealed Parquet files and the unsealed tail, read as one table `events` through DataFusion, and the
//! compiler of expressions.
//!
//! This is the only crate that names DataFusion. It knows nothing of customers nor of the record store: callers hand
//! it manifests ([`FileMeta`]) and batches, and get batches back.
//!
//! - [`EventRow`], [`event_schema`], [`to_batch`], [`from_batch`]: one event, as row and as columns.
//! - [`Lake`]: the folder; [`Lake::seal`], [`Lake::compact`], [`Lake::rewrite_without`], [`Lake::verify`].
//! - [`Snapshot`] → [`Lake::context`] → [`Context::query`]: trusted SQL; [`Guard`]: SQL that a reader typed.
//! - [`Expr`]: expressions over declared names, the same live and over history.
//! - [`json_rows`], [`write_csv`], [`write_parquet`], [`read_parquet`]: out and in.

mod alone;
mod clock_udf;
mod context;
mod distinct;
mod error;
mod event;
mod expr;
mod files;
mod growth;
mod growth_names;
mod guard;
mod guard_functions;
mod guard_names;
mod guard_nodes;
mod guard_plan;
#[cfg(test)]
mod guard_tests;
mod guard_text;
mod import;
mod json_rows;
mod pack;
mod pool;
mod props;
mod provider;
mod readers;
mod renames;
mod rewrite;
mod session;
mod snapshot;
#[cfg(test)]
mod testing;
mod verify;

pub use datafusion::arrow;
pub use datafusion::arrow::array::RecordBatch;
pub use datafusion::parquet;

pub use context::{Batches, Context};
pub use error::{Problem, QueryError};
pub use event::{Class, EventRow, PRODUCT_KIND, event_schema, from_batch, to_batch};
pub use expr::{Expr, MAX_TEXT, Names, Type};
pub use files::{FileMeta, ROW_GROUP_ROWS, SORT_COLUMNS, write_batches, write_month};
pub use guard::{Answer, Column, Guard, Limits, MAX_SQL, columns};
pub use import::{ParquetRows, read_parquet, read_parquet_from};
pub use json_rows::{Cells, json_column, json_rows, write_csv, write_parquet};
pub use pack::{pack, unpack};
pub use readers::Turn;
pub use renames::Renames;
pub use rewrite::{Erase, Rewritten};
pub use session::{Lake, Options};
pub use snapshot::Snapshot;
pub use verify::{orphans, verify};
