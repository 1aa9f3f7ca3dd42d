//! What continuous integration runs, as one readable list.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::run::{command, has, install, root, step, summary};
use crate::{codegen, licences, postgres, sdk, tidy, ui};

/// Everything.
pub fn ci() -> Result<()> {
    let start = Instant::now();
    let found = all();
    summary("all of CI", start);
    found
}

/// Every test.
pub fn test(filter: &[String]) -> Result<()> {
    let start = Instant::now();
    let found = tests(filter);
    summary("all tests", start);
    found
}

fn all() -> Result<()> {
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
    tests(&[])
}

/// Rust on both databases, the UI's own, the browser's on the real binary.
fn tests(filter: &[String]) -> Result<()> {
    postgres::check_user()?;
    ui::build()?;
    let mut args = vec!["test", "--workspace", "--quiet"];
    args.extend(filter.iter().map(String::as_str));
    let mut embedded = command("cargo", &args);
    embedded.env("TMPDIR", postgres::scratch());
    at_once(&mut embedded);
    step("tests on the embedded database", embedded)?;
    {
        let cluster = postgres::Cluster::start()?;
        // The command line's tests are about a folder with its embedded database.
        let mut on_postgres = vec!["test", "--quiet", "-p", "tenure-store", "-p", "tenure-app"];
        on_postgres.extend(filter.iter().map(String::as_str));
        let mut tests = command("cargo", &on_postgres);
        tests
            .env("TENURE_TEST_POSTGRES", &cluster.url)
            .env("TMPDIR", postgres::scratch());
        at_once(&mut tests);
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

/// Twice as many tests at a time as there are processors: most of them wait for something now and then. `RUST_TEST_THREADS` says otherwise.
fn at_once(tests: &mut Command) {
    const NAME: &str = "RUST_TEST_THREADS";
    if std::env::var_os(NAME).is_none() {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        tests.env(NAME, (2 * processors).to_string());
    }
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
