//! Revenue: where monthly revenue came from and went, who left and why, who could be kept.
//!
//! Everything here is read from the spans of accounts ([`crate::metrics::Head`]) in one pass, and from a small ledger of the events that
//! speak of leaving (notices, cancellations, saves, failed payments, recorded reasons), which is read from the history once per sealed file
//! and kept in memory ([`Ledger`]). [`rules`] holds what the figures mean, without any I/O; the bridge's retention figures are those of the
//! KPIs of the same windows, to the cent.
//!
//! Money is counted in minor units and by currency; amounts of different currencies are never added.
//!
//! Emits: `churn_notice`, `churned`, `saved` and `churn_reason_recorded`, each with its author, in one transaction with the audit row.
//! Listens to: nothing; the ledger follows the log when it is asked.

mod api;
mod ledger;
mod record;
pub mod rules;
mod scene;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
pub use ledger::Ledger;
