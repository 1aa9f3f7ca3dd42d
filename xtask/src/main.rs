//! The project's own commands: `cargo xtask demo | test | ci | tidy | codegen | bench`.

mod bench;
mod ci;
mod codegen;
mod licences;
mod postgres;
mod run;
mod sdk;
mod tidy;
mod ui;

use anyhow::{Result, bail};

const HELP: &str = "cargo xtask COMMAND

  demo [ARGS]   builds everything and serves a working product with a simulated company (arguments go to `tenure demo`)
  test [FILTER] runs every test: Rust on both databases, the UI's, the browser's; installs or starts what is missing
  ci            what continuous integration runs: formatting, lints, tidy, generated files, tests
  tidy          checks the rules of the house: layers, file budgets, where queries stand, licences of what comes in through cargo
  sdk           sends events with stock SDKs to the real binary, when npm and pip are in reach
  codegen       writes the generated files (API document, UI client, JSON schemas); with --check only compares
  bench [NAME]  runs the benches in bench/, one JSON line each";

fn main() {
    if let Err(error) = work() {
        eprintln!("\nxtask: {error:#}");
        std::process::exit(1);
    }
}

fn work() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match command.as_str() {
        "demo" => ui::demo(&rest),
        "test" => ci::test(&rest),
        "ci" => ci::ci(),
        "tidy" => tidy::tidy().and_then(|()| licences::licences()),
        "sdk" => sdk::sdk(),
        "codegen" => codegen::codegen(rest.iter().any(|arg| arg == "--check")),
        "bench" => bench::bench(&rest),
        "" | "help" | "-h" | "--help" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command {other}\n\n{HELP}"),
    }
}
