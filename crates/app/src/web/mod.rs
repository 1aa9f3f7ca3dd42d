//! The edge: one error type for everything that a caller can be told, request ids, limits and headers.
//!
//! A slice writes its handlers with [`Json`], [`Query`] and [`Path`] (whose rejections are problems), returns [`Result`], and collects
//! them with [`routes!`], which also writes each handler's permission into the document of the API. [`edge::wrap`] is what every
//! request passes before and after its handler.

pub mod edge;
mod extract;
pub mod peer;
mod problem;
mod route;
pub mod sheet;
#[cfg(test)]
mod tests;
pub mod ui;

pub use extract::{JSON_DEPTH, Json, Path, Query, check_depth};
pub use peer::Peer;
pub use problem::{FieldError, Problem, Result};
pub(crate) use route::routes;
pub use route::{Guarded, Permission, describe, join, permission_of};
