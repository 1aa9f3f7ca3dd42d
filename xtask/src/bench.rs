//! The benches: each a program in `bench/` that prints one JSON line with the figure and the peer or floor beside it.

use anyhow::{Result, bail};

use crate::run::{command, root, step};

/// Runs all benches, or the named ones.
pub fn bench(names: &[String]) -> Result<()> {
    let mut found: Vec<String> = std::fs::read_dir(root().join("bench"))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| (name.ends_with(".py") || name.ends_with(".mjs")) && !name.starts_with('_'))
        .collect();
    found.sort();
    step(
        "release build of tenure",
        command("cargo", &["build", "--release", "--package", "tenure-cli"]),
    )?;
    for name in names {
        if !found.iter().any(|file| stem(file) == name) {
            bail!("there is no bench {name}; there are {}", found.join(", "));
        }
    }
    for file in found {
        if names.is_empty() || names.iter().any(|name| stem(&file) == name) {
            let runner = if file.ends_with(".mjs") { "node" } else { "python3" };
            let mut run = command(runner, &[&format!("bench/{file}")]);
            run.env("TENURE_BINARY", root().join("target/release/tenure"));
            step(&file, run)?;
        }
    }
    Ok(())
}

fn stem(file: &str) -> &str {
    file.split_once('.').map_or(file, |(stem, _)| stem)
}
