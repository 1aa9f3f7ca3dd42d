//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

/// Customer success on your own machine.
#[derive(Debug, Parser)]
#[command(name = "tenure", version, about)]
pub struct Cli {
    /// Write the log as JSON lines.
    #[arg(long, global = true, env = "TENURE_LOG_JSON")]
    pub log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the browser pages, the API and event ingest.
    Serve(Serve),
    /// Simulate a company, measure it and serve it.
    Demo(Demo),
    /// Import a file, or a folder that holds an import.yaml.
    Import(Import),
    /// Check, plan, apply or export the program: segments, metrics, KPIs, targets.
    Program(Program),
    /// Every KPI with its target and status.
    Kpis(Kpis),
    /// The segments with their accounts.
    Segments(Listing),
    /// The accounts with their segment and metrics.
    Accounts(Listing),
    /// The accounts with their scores, the lowest first.
    Scores(Scores),
    /// Ask the history a question in SQL.
    Sql(Sql),
    /// What a score is worth, held against what happened.
    Backtest(Backtest),
    /// Models: what they are worth, and trained ones.
    Model(Model),
    /// The dashboards, and one as a file.
    Dashboards(Dashboards),
    /// Write a believable company as files in the import formats.
    Simulate(Simulate),
    /// Users.
    User(User),
    /// API keys and write keys.
    Key(Key),
    /// Check whether this machine and this data folder are sound.
    Doctor(Doctor),
    /// Compute every account and every kept figure anew from the log, and compare with what is kept.
    Recompute(Recompute),
    /// Print the document of the API (OpenAPI 3.1).
    Openapi,
}

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// The data folder.
    #[arg(long, env = "TENURE_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// A PostgreSQL server for the records (postgres://…); without it they are embedded in the data folder.
    #[arg(long, env = "TENURE_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
}

/// `tenure serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
    /// The address to listen on.
    #[arg(
        long,
        env = "TENURE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,
    /// Apply the program in this folder at the start.
    #[arg(long, value_name = "DIR")]
    pub program: Option<PathBuf>,
    /// The address that browsers use, when a proxy stands in front (https://tenure.example.com).
    #[arg(long, env = "TENURE_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Believe X-Forwarded-For and X-Forwarded-Proto; only where nobody can reach the server past the proxy.
    #[arg(long, env = "TENURE_TRUST_PROXY")]
    pub trust_proxy: bool,
    /// A place to try things: the clock stands still and moves only through POST /api/v1/sandbox/clock.
    #[arg(long)]
    pub sandbox: bool,
    /// Where the sandbox's clock starts (2026-06-30T12:00:00Z).
    #[arg(long, requires = "sandbox", value_name = "RFC3339")]
    pub clock: Option<Timestamp>,
}

fn public_url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !host.trim_end_matches('/').contains('/') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("send scheme and host only, such as https://tenure.example.com".to_owned()),
    }
}

/// How big a simulated company is.
#[derive(Clone, Copy, Debug, Args)]
pub struct Size {
    /// Accounts.
    #[arg(long, default_value_t = 560, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub accounts: u32,
    /// Months of history.
    #[arg(long, default_value_t = 18, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub months: u32,
    /// The same seed gives the same company.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// About how many events an account has in a month, instead of the model's own 44 or so; only product use is scaled.
    #[arg(long, value_name = "N")]
    pub events_per_account_month: Option<f64>,
}

/// `tenure demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// How big.
    #[command(flatten)]
    pub size: Size,
    /// The data folder.
    #[arg(long, env = "TENURE_DATA", default_value = "tenure-demo", value_name = "DIR")]
    pub data: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
}

/// `tenure simulate`.
#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// How big.
    #[command(flatten)]
    pub size: Size,
    /// The day after the last one that is written (default: today).
    #[arg(long, value_name = "DAY")]
    pub until: Option<Date>,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `tenure import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// A file, or a folder with an import.yaml that names each file's kind and map.
    pub path: PathBuf,
    /// What the rows are: accounts, contacts, subscriptions, events, tickets, opportunities or responses.
    #[arg(long)]
    pub kind: Option<String>,
    /// The mapping from columns to fields.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Read and check everything, store nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Read files again that have been imported already.
    #[arg(long)]
    pub force: bool,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure program`.
#[derive(Clone, Debug, Args)]
pub struct Program {
    /// What to do with it.
    #[command(subcommand)]
    pub what: ProgramCommand,
}

/// What to do with a program.
#[derive(Clone, Debug, Subcommand)]
pub enum ProgramCommand {
    /// Look for mistakes.
    Check(ProgramFolder),
    /// Show what would change, and which accounts would move.
    Plan(ProgramFolder),
    /// Make it the program in force.
    Apply(ProgramFolder),
    /// Write the program in force as files.
    Export(ProgramExport),
    /// Print the JSON Schemas of the files, by name, for editors.
    Schemas,
}

/// A program's folder.
#[derive(Clone, Debug, Args)]
pub struct ProgramFolder {
    /// The folder with the YAML files.
    pub dir: PathBuf,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// Where to write a program.
#[derive(Clone, Debug, Args)]
pub struct ProgramExport {
    /// The folder to write.
    pub dir: PathBuf,
    /// An older version.
    #[arg(long)]
    pub version: Option<u32>,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's answer.
    Json,
    /// For other programs: values as they are, without guards against formulas.
    Csv,
}

/// `tenure kpis`.
#[derive(Clone, Debug, Args)]
pub struct Kpis {
    /// The day to look at (default: today).
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,
    /// Also per `segment`, `owner`, `stage` (the lifecycle stage) or attribute.
    #[arg(long, value_name = "WHAT")]
    pub by: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure segments`, `tenure accounts`.
#[derive(Clone, Debug, Args)]
pub struct Listing {
    /// The day to look at (default: today).
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure scores`.
#[derive(Clone, Debug, Args)]
pub struct Scores {
    /// The score (default: health).
    #[arg(long, value_name = "SCORE")]
    pub score: Option<String>,
    /// The day to look at (default: today).
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure sql`.
#[derive(Clone, Debug, Args)]
pub struct Sql {
    /// The query; `-` reads it from stdin.
    pub query: String,
    /// Most rows.
    #[arg(long)]
    pub limit: Option<u32>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure model`.
#[derive(Clone, Debug, Args)]
pub struct Model {
    /// What to do.
    #[command(subcommand)]
    pub what: ModelCommand,
}

/// What to do with models.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelCommand {
    /// Measure every method on a flat CSV table with an outcome column, on rows that it was not trained on.
    Evaluate(Evaluate),
    /// Train a model of an outcome, with a back-test beside it.
    Train(Train),
    /// The models that were trained.
    List(ModelList),
    /// Two models side by side.
    Compare(Compare),
    /// Put a transparent model in force as the score of its outcome.
    Promote(Promote),
    /// Take a model out of force: what counted before it counts again.
    Withdraw(Promote),
}

/// The days of a back-test.
#[derive(Clone, Debug, Args)]
pub struct BacktestDays {
    /// The first cutoff that is tested; earlier ones only train (default: a year before the last).
    #[arg(long, value_name = "DAY")]
    pub from: Option<Date>,
    /// The last cutoff (default: the last month end).
    #[arg(long, value_name = "DAY")]
    pub to: Option<Date>,
    /// Within how many days the outcome has to come (default: the outcome's own).
    #[arg(long, value_name = "DAYS")]
    pub horizon: Option<String>,
    /// Days between cutoffs, such as 28d (default: month ends).
    #[arg(long, value_name = "DAYS")]
    pub every: Option<String>,
    /// Let events count from the day that they carry although they arrived later; the result says so.
    #[arg(long)]
    pub dates_as_known: bool,
    /// Accounts that the team can look after at a time (default: accounts per owner).
    #[arg(long, value_name = "N")]
    pub capacity: Option<u32>,
}

/// `tenure backtest`.
#[derive(Clone, Debug, Args)]
pub struct Backtest {
    /// The score, or an outcome.
    pub score: String,
    /// Which days.
    #[command(flatten)]
    pub days: BacktestDays,
    /// Test only scores set by hand and simple baselines: quick, and nothing is learnt.
    #[arg(long)]
    pub only_hand_set: bool,
    /// Write the rows to this CSV file: account, cutoff, measures, outcome, what each method said.
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// How a model is learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Points by measure that people read; may become the score.
    #[default]
    Transparent,
    /// Gradient boosting: the challenger, never the score.
    Boosting,
}

/// `tenure model train`.
#[derive(Clone, Debug, Args)]
pub struct Train {
    /// The outcome.
    pub outcome: String,
    /// How.
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    /// What it is for.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Which days.
    #[command(flatten)]
    pub days: BacktestDays,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure model list`.
#[derive(Clone, Debug, Args)]
pub struct ModelList {
    /// Only of this outcome.
    #[arg(long)]
    pub outcome: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure model compare`.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// A model's id.
    pub first: String,
    /// Another's.
    pub second: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure model promote` and `withdraw`.
#[derive(Clone, Debug, Args)]
pub struct Promote {
    /// The model's id.
    pub id: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Put it in force although its back-test does not prove it.
    #[arg(long)]
    pub despite: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure model evaluate`.
#[derive(Clone, Debug, Args)]
pub struct Evaluate {
    /// The CSV file, with a header.
    pub file: PathBuf,
    /// The column with the outcome.
    #[arg(long, value_name = "COLUMN")]
    pub target: String,
    /// The value of the outcome that the score shall rise with.
    #[arg(long, value_name = "VALUE")]
    pub positive: String,
    /// The column that names the account; its rows are never on both sides of a split.
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// How many folds.
    #[arg(long, default_value_t = 5, conflicts_with_all = ["fold_column", "time"])]
    pub folds: usize,
    /// Fixes folds and samples.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The column that names each row's fold.
    #[arg(long, value_name = "COLUMN", conflicts_with = "time")]
    pub fold_column: Option<String>,
    /// The column with the time of each row: train before the split, test from it on.
    #[arg(long, value_name = "COLUMN", requires = "split")]
    pub time: Option<String>,
    /// The first day that is tested.
    #[arg(long, value_name = "DAY", requires = "time")]
    pub split: Option<String>,
    /// A column to leave out; may be given again.
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// The column with the score that the team set by hand, rising with health.
    #[arg(long, value_name = "COLUMN")]
    pub hand_set: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `tenure dashboards`.
#[derive(Clone, Debug, Args)]
pub struct Dashboards {
    /// What to do with them.
    #[command(subcommand)]
    pub what: DashboardsCommand,
}

/// What to do with dashboards.
#[derive(Clone, Debug, Subcommand)]
pub enum DashboardsCommand {
    /// Those of the program, and those that people share.
    List(DashboardList),
    /// Write one as a file.
    Export(DashboardExport),
}

/// How to list dashboards.
#[derive(Clone, Debug, Args)]
pub struct DashboardList {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// Which dashboard, and as what.
#[derive(Clone, Debug, Args)]
pub struct DashboardExport {
    /// Its id.
    pub id: String,
    /// The kind of file.
    #[arg(long, value_enum, default_value_t)]
    pub format: PageFormat,
    /// The file to write; `-` = stdout.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Only accounts of this segment; `all` = every account.
    #[arg(long)]
    pub segment: Option<String>,
    /// The day that the figures stand for (default: today).
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// The kinds of files of a dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// A workbook with a sheet for each tile.
    #[default]
    Xlsx,
    /// A zip with a CSV file for each tile.
    Csv,
    /// The file of a program.
    Yaml,
}

/// `tenure user`.
#[derive(Clone, Debug, Args)]
pub struct User {
    /// What to do.
    #[command(subcommand)]
    pub what: UserCommand,
}

/// What to do with users.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user. Without --password-stdin a password is made and printed.
    Add {
        /// The e-mail address.
        email: String,
        /// admin, manager, csm or viewer.
        #[arg(long, value_parser = ["admin", "manager", "csm", "viewer"])]
        role: String,
        /// The name that others see.
        #[arg(long)]
        name: Option<String>,
        /// Read the password from the first line of stdin.
        #[arg(long)]
        password_stdin: bool,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
    /// List the users.
    List {
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
    /// Give a user a new password and end their sessions.
    Password {
        /// The e-mail address.
        email: String,
        /// Read the password from the first line of stdin.
        #[arg(long)]
        password_stdin: bool,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
}

/// `tenure key`.
#[derive(Clone, Debug, Args)]
pub struct Key {
    /// What to do.
    #[command(subcommand)]
    pub what: KeyCommand,
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it; it cannot be shown again.
    Add {
        /// Its name; for a write key also the name of the source of its events.
        name: String,
        /// ingest (sends events, reads nothing), read or write.
        #[arg(long, value_parser = ["ingest", "read", "write"])]
        scope: String,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
    /// List the keys.
    List {
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
    /// Revoke a key for good.
    Revoke {
        /// Its id, as `tenure key list` shows it.
        id: String,
        /// Where the data is.
        #[command(flatten)]
        data: Data,
    },
}

/// `tenure recompute`.
#[derive(Clone, Debug, Args)]
pub struct Recompute {
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
}

/// `tenure doctor`.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// The data folder to check; without it only the machine is.
    #[arg(long, env = "TENURE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The PostgreSQL server of the records.
    #[arg(long, env = "TENURE_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_told_apart() {
        for wrong in [
            &["tenure", "kpis"][..],
            &[
                "tenure",
                "serve",
                "--data",
                "d",
                "--clock",
                "2026-01-01T00:00:00Z",
            ],
            &[
                "tenure",
                "serve",
                "--data",
                "d",
                "--public-url",
                "tenure.example.com",
            ],
            &["tenure", "key", "add", "x", "--scope", "admin", "--data", "d"],
            &["tenure", "kpis", "--data", "d", "--as-of", "2026-02-30"],
        ] {
            let error = Cli::try_parse_from(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
        Cli::try_parse_from([
            "tenure",
            "serve",
            "--data",
            "d",
            "--sandbox",
            "--clock",
            "2026-01-01T00:00:00Z",
        ])
        .unwrap();
    }
}
