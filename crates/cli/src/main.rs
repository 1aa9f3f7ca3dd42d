//! `tenure`: the one program. It serves, and it is its own command line.
//!
//! Data goes to stdout, progress and messages to stderr. Exit code 0: done; 1: the work failed; 2: wrong usage.

mod args;
mod assets;
mod client;
mod commands;
mod flat;
mod memory;
mod output;
mod server;
mod socket;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use client::Failure;

fn main() -> ExitCode {
    memory::set();
    let cli = Cli::parse();
    start_log(&cli);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().on_thread_park(memory::give_back);
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::from(anyhow::Error::from(error))),
    };
    let outcome = runtime.block_on(run(cli.command));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match outcome {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprint!("{failure}");
    match failure {
        Failure::Usage(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// The log goes to stderr: everything of the server, only warnings of commands. `TENURE_LOG` says otherwise.
fn start_log(cli: &Cli) {
    let usual = if matches!(cli.command, Command::Serve(_)) {
        "info,sqlx=warn,sea_orm=warn,datafusion=warn"
    } else {
        "warn"
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("TENURE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = if cli.log_json {
        builder.json().try_init()
    } else {
        builder.with_ansi(false).try_init()
    };
    if let Err(error) = started {
        eprintln!("tenure: no log: {error}");
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Demo(args) => commands::demo::run(args).await,
        Command::Import(args) => commands::import::run(args).await,
        Command::Program(args) => commands::program::run(args).await,
        Command::Kpis(args) => commands::figures::kpis(args).await,
        Command::Segments(args) => commands::figures::segments(args).await,
        Command::Accounts(args) => commands::figures::accounts(args).await,
        Command::Scores(args) => commands::figures::scores(args).await,
        Command::Sql(args) => commands::figures::sql(args).await,
        Command::Backtest(args) => commands::backtest::run(args).await,
        Command::Model(args) => commands::model::run(args).await,
        Command::Dashboards(args) => commands::dashboards::run(args.what).await,
        Command::Simulate(args) => commands::simulate::run(&args),
        Command::User(args) => commands::access::user(args).await,
        Command::Key(args) => commands::access::key(args).await,
        Command::Recompute(args) => commands::figures::recompute(args).await,
        Command::Doctor(args) => commands::doctor::run(args).await,
        Command::Openapi => commands::openapi(),
    }
}
