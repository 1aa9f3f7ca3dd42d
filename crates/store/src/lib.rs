//! The records: one handle over embedded SQLite or PostgreSQL.
//!
//! This is the only crate that knows which of the two it is. Everything above writes portable SQL with `$1` parameters,
//! runs it through [`Store`] (reads) or [`Tx`] (changes), and never sees a driver type.
//!
//! Portable SQL here means: columns of `TEXT`, `BIGINT`, `DOUBLE PRECISION`, `BOOLEAN` and `{blob}` (see [`migrate`]),
//! instants as UTC microseconds, days as days since 1970-01-01, money as integer minor units, JSON as text.

mod claim;
mod clock;
mod error;
mod identity;
mod ids;
mod merging;
pub mod migrate;
mod open;
mod query;
mod testing;

pub use clock::Clock;
pub use error::{StoreError, StoreResult};
pub use ids::{new_id, random_bytes};
pub use open::{DataLock, Report, Store};
pub use query::{Batch, Conflict, Execute, Row, Tx, placeholders};
pub use sea_orm::Value;
pub use testing::{TestDatabase, TestStore};

/// Builds the parameter list of a statement: `args![id, name]`. Every value must convert into [`Value`].
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}
