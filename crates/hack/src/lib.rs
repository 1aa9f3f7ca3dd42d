//! Holds no code: it unifies the features of dependencies over the workspace (see its `Cargo.toml`).
