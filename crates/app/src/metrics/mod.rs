//! Metrics: what is measured of each account, live and over all history.
//!
//! A program's metrics and segment rules are compiled once into a [`plan::Plan`]. Events are worked into *facts* (revenue events and one
//! [`series`] for each thing that is measured), and facts become figures by [`evaluate::evaluate`]: spans (when the account was active,
//! what it paid, in which segment, whose), metrics of today, doubts. That function is the only one; the [`reactor`] calls it for the accounts
//! that an event touched, a changed definition calls it for all.
//!
//! Listens to: the log of events (cursor `metrics`), the clock. Emits: state of accounts, edges, marks for KPIs.

mod api;
pub mod as_of;
pub mod book;
pub mod cells;
pub mod collect;
pub mod daily;
mod edges;
pub mod evaluate;
pub mod facts;
pub mod known;
pub mod lifecycle;
pub mod marks;
pub mod plan;
pub mod reactor;
pub mod rows;
pub mod series;
mod store;
pub mod table;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod work;

pub use api::{AccountPage, account_on, routes};
pub use book::{Book, Entry};
pub use edges::{edge_cursor, edges_after, marked_months, set_edge_cursor};
pub use facts::{Flag, Head, Span};
pub use reactor::{Progress, Stand, State, catch_up, distrust, is_current, stand, today};
pub use store::{NO_MONTH, Record, mark_months, set_setting, setting};
pub use work::kept;
