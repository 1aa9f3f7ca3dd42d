//! Learning from a flat table whether something will happen, measuring how well, and saying why.
//!
//! This crate knows nothing of customers, databases or files: it sees columns of numbers and categories, outcomes, groups, weights and seeds.
//! - [`table`], [`binning`]: what is learnt from.
//! - [`boost`], [`explain`]: histogram gradient boosting with exact contributions, the challenger.
//! - [`points`], [`additive`], [`pairs`], [`transparent`]: a table of points per measure that people read and edit, learnt by boosting.
//! - [`logistic`], [`calibrate`], [`scale`]: the smaller parts of a score.
//! - [`measure`]: how good a ranking and its probabilities are, with intervals.
//! - [`handset`], [`velocity`]: the score that a team sets by hand, and which way a score moves.
//! - [`evaluate`]: all methods side by side on one table.
//!
//! Everything is deterministic: the same input and seed give the same output on any number of threads.

pub mod additive;
pub mod binning;
pub mod boost;
pub mod calibrate;
mod error;
pub mod evaluate;
pub mod explain;
pub mod handset;
pub mod histogram;
pub mod logistic;
pub mod measure;
pub mod pairs;
pub mod points;
pub mod random;
pub mod scale;
pub mod screen;
mod shrink;
mod start;
pub mod table;
pub mod threads;
pub mod transparent;
pub mod tree;
pub mod velocity;

pub use error::{Error, Result, nearest};
pub use histogram::Direction;
pub use table::{Column, Table, Values};
