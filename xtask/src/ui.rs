//! Building the browser's part, and the demo.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::run::{command, has, root, step};

/// Installs what the UI is built with, when the lock file is newer than the last install.
pub fn install() -> Result<()> {
    if !has("npm") {
        bail!(
            "npm is missing: install Node.js 20.19 or newer (22.12 or newer of the 22 line), then run this again"
        );
    }
    let ui = root().join("ui");
    let stamp = ui.join("node_modules/.package-lock.json");
    if newer(&stamp, &ui.join("package-lock.json")) {
        return Ok(());
    }
    let mut npm = command("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(&ui);
    step("npm ci", npm)
}

/// Builds `ui/dist` when any source is newer.
pub fn build() -> Result<()> {
    install()?;
    let ui = root().join("ui");
    let built = ui.join("dist/index.html");
    if newest(&ui.join("src")).is_some_and(|source| modified(&built).is_some_and(|built| built > source)) {
        return Ok(());
    }
    npm("build of the UI", "build")
}

/// Runs one of the UI's scripts.
pub fn npm(title: &str, script: &str) -> Result<()> {
    let mut npm = command("npm", &["run", "--silent", script]);
    npm.current_dir(root().join("ui"));
    step(title, npm)
}

/// Builds everything and serves the demo.
pub fn demo(args: &[String]) -> Result<()> {
    build()?;
    step(
        "build of tenure",
        command("cargo", &["build", "--package", "tenure-cli"]),
    )?;
    let mut all = vec!["demo"];
    all.extend(args.iter().map(String::as_str));
    let binary = binary();
    step("tenure demo", command(&binary, &all))
}

/// The path of the debug binary.
pub fn binary() -> String {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(target_folder, Into::into);
    target.join("debug/tenure").to_string_lossy().into_owned()
}

/// Where cargo builds to, as it says itself.
fn target_folder() -> std::path::PathBuf {
    let text =
        crate::run::output("cargo", &["metadata", "--format-version", "1", "--no-deps"]).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|metadata| metadata["target_directory"].as_str().map(Into::into))
        .unwrap_or_else(|| root().join("target"))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

fn newer(a: &Path, b: &Path) -> bool {
    match (modified(a), modified(b)) {
        (Some(a), Some(b)) => a >= b,
        _ => false,
    }
}

fn newest(folder: &Path) -> Option<SystemTime> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| modified(entry.path()))
        .max()
}
