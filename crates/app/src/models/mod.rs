//! Models: what a score is worth, held against what happened, and scores that are learnt from it.

pub mod backtest;
pub mod gather;
pub mod outcome;
pub mod panel;
pub mod report;
pub mod rolling;
mod store;
