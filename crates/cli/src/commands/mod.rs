//! The commands, each in few lines over the API.

pub mod access;
pub mod backtest;
pub mod dashboards;
pub mod demo;
pub mod doctor;
pub mod figures;
pub mod import;
pub mod model;
pub mod program;
pub mod serve;
pub mod simulate;

use std::process::ExitCode;

use crate::client::Result;

/// Prints the document of the API.
pub fn openapi() -> Result<ExitCode> {
    println!("{}", tenure_app::routes::document().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}
