//! Sources: who sends events, how many, how late; and the alarm when one falls silent.
//!
//! How long a source may be silent is learned from its own past ([`rules::learned`]) or set by hand. The reactor raises an alarm when that
//! time has passed without an event, and clears it with the next one; both leave an audit row. What Tenure itself writes is no source that
//! could fall silent, and files come when somebody brings them: for those an expectation has to be set.

mod api;
mod reactor;
pub(super) mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use api::routes;
pub use reactor::{check, run};

/// How many sources are silent now.
///
/// # Errors
/// When the records fail.
pub async fn silent(app: &crate::App) -> anyhow::Result<i64> {
    Ok(store::open(&app.store).await?)
}

/// Sources whose silence means nothing unless somebody says so.
const UNEXPECTED: [&str; 3] = ["import", "operator", "program"];
/// What Tenure itself writes.
const OWN: &str = "tenure";
