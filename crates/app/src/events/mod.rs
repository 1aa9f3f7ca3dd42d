//! Events: the append-only log of everything that happens.
//!
//! [`append`] is the one way in for live events: it answers after the group commit that made them durable, and drops what has been seen
//! (by message id). [`append_bulk`] is the way for imports: it writes Parquet at once, in the same transaction as the importer's own rows.
//! [`snapshot`] is the one way to read: sealed files and unsealed tail together, each event exactly once.
//! [`watch`] wakes a reactor after each commit; a reactor keeps its own cursor.

mod event;

pub use event::{Event, Kind};
