//! What goes wrong under the program: kills at any moment, and a disk that fails. Nothing that was acknowledged may be lost or be there twice.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod kills;
mod rows;
