//! `tenure simulate`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tenure_simulate::{Options, Summary};
use tenure_store::Clock;

use crate::args::{Simulate, Size};
use crate::client::{Failure, Result};

/// Writes a company's files and says what is in them.
pub fn run(args: &Simulate) -> Result<ExitCode> {
    let summary = write(args.size, args.until.map_or_else(yesterday, Ok)?, &args.out)?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(ExitCode::SUCCESS)
}

/// The last whole day: nothing that is written lies in the future.
pub fn yesterday() -> Result<Date> {
    let today = Clock::system().now().to_zoned(TimeZone::UTC).date();
    today.yesterday().map_err(Failure::from)
}

/// Writes a company of this size up to `until` into `out`, with progress on stderr.
pub fn write(size: Size, until: Date, out: &Path) -> Result<Summary> {
    let options = Options {
        accounts: size.accounts,
        months: size.months,
        seed: size.seed,
        events_per_account_month: size.events_per_account_month,
        ..Options::new(until)
    };
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("simulating {bar:30} {msg}  {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let summary = tenure_simulate::write(&options, out, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(format!("{} events", progress.events));
    });
    bar.finish_and_clear();
    Ok(summary?)
}
