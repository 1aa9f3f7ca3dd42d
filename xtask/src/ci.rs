//! What continuous integration runs, as one readable list.

use std::time::Instant;

use anyhow::Result;

use crate::run::{command, has, install, root, step};
use crate::{codegen, licences, postgres, sdk, tidy, ui};

/// Everything.
pub fn ci() -> Result<()> {
    let start = Instant::now();
    step("formatting", command("cargo", &["fmt", "--all", "--check"]))?;
    tidy::tidy()?;
    licences::licences()?;
    ui::build()?;
    step(
        "lints",
        command(
            "cargo",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ],
        ),
    )?;
    codegen::codegen(true)?;
    test(&[])?;
    eprintln!("\n== all of CI: {:.0} min", start.elapsed().as_secs_f64() / 60.0);
    Ok(())
}

/// Every test: Rust on both databases, the UI's own, the browser's on the real binary.
pub fn test(filter: &[String]) -> Result<()> {
    postgres::check_user()?;
    ui::build()?;
    let mut args = vec!["test", "--workspace", "--quiet"];
    args.extend(filter.iter().map(String::as_str));
    let mut tests = command("cargo", &args);
    tests.env("TMPDIR", postgres::scratch());
    step("tests on the embedded database", tests)?;
    {
        let cluster = postgres::Cluster::start()?;
        let mut on_postgres = vec![
            "test",
            "--quiet",
            "-p",
            "tenure-store",
            "-p",
            "tenure-app",
            "-p",
            "tenure-cli",
        ];
        on_postgres.extend(filter.iter().map(String::as_str));
        let mut tests = command("cargo", &on_postgres);
        tests
            .env("TENURE_TEST_POSTGRES", &cluster.url)
            .env("TMPDIR", postgres::scratch());
        step("tests on PostgreSQL", tests)?;
    }
    if !filter.is_empty() {
        return Ok(());
    }
    ui::npm("types of the UI", "typecheck")?;
    ui::npm("lints of the UI", "lint")?;
    ui::npm("tests of the UI", "test")?;
    stories()?;
    sdk::sdk()
}

/// The browser's stories on the real binary with a small simulated company.
fn stories() -> Result<()> {
    if !has("chromium")
        && !has("chromium-browser")
        && !has("google-chrome")
        && std::env::var_os("CHROMIUM").is_none()
    {
        install("Chromium", &["chromium"])?;
    }
    step(
        "build of tenure",
        command("cargo", &["build", "--package", "tenure-cli"]),
    )?;
    let mut stories = command("node", &["stories/run.mjs"]);
    stories
        .current_dir(root().join("ui"))
        .env("TENURE_BINARY", ui::binary())
        .env("TMPDIR", postgres::scratch());
    step("stories in the browser", stories)
}
