//! `tenure`: the one program. It serves, and it is its own command line.
//!
//! Data goes to stdout, progress and messages to stderr. Exit code 0: done; 1: the work failed; 2: wrong usage.

mod args;
mod assets;
mod client;
mod commands;
mod flat;
mod output;
mod server;
mod socket;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use client::Failure;

/// Rows are many small texts, which come and go on many threads. This allocator gives back what they leave behind in pieces of a few
/// pages, so that a server which has made a company is as small again as one that was started on it (docs/performance.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How the allocator works: one region for each processor; freed memory goes back to the system within a second, also when nothing is
/// asked of the server. A pass over the whole history allocates and frees large relations one after the other, and would otherwise hold
/// several of them. The allocator reads it under this name before the program begins.
#[expect(
    unsafe_code,
    reason = "a name that the allocator looks for; the text is one of its options, ended as it wants it"
)]
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8; 80] =
    b"percpu_arena:percpu,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

/// The system gives out small pages of memory only: large ones are cleared whole when their first byte is used, which made a start, ingest
/// and an idle server dearer (docs/performance.md).
fn set_memory() {
    #[cfg(target_os = "linux")]
    #[expect(
        unsafe_code,
        reason = "a setting of the process without a pointer; where the system refuses it, only speed is lost"
    )]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

fn main() -> ExitCode {
    set_memory();
    let cli = Cli::parse();
    start_log(&cli);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
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
