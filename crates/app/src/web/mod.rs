//! The edge: one error type for everything that a caller can be told, request ids and limits.

mod problem;

pub use problem::{FieldError, Problem, Result};
