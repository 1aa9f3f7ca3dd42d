//! What all accounts share: the span of days, the calendar, the company's own progress.

use crate::{
    Options,
    calendar::{civil, day_number, season},
};

/// The surroundings of every account.
pub struct Env {
    /// Seed.
    pub seed: u64,
    /// Number of accounts.
    pub accounts: u32,
    /// First day of events.
    pub first: i32,
    /// Day after the last day of data.
    pub end: i32,
    /// Share of accounts that start within the span.
    pub new_share: f64,
    /// Factor on product use.
    pub volume: f64,
    seasons: Vec<f64>,
}

/// Events of an account and month that do not come from product use, and product events, as the model gives them without a factor.
const OTHER_EVENTS: f64 = 11.0;
const PRODUCT_EVENTS: f64 = 33.0;

impl Env {
    /// Fails when the options make no sense.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        anyhow::ensure!(
            (1..=5_000_000).contains(&options.accounts),
            "accounts is {}: give a number from 1 to 5000000",
            options.accounts
        );
        anyhow::ensure!(
            (1..=120).contains(&options.months),
            "months is {}: give a number from 1 to 120",
            options.months
        );
        if let Some(rate) = options.events_per_account_month {
            anyhow::ensure!(
                rate.is_finite() && (1.0..=100_000.0).contains(&rate),
                "events_per_account_month is {rate}: give a number from 1 to 100000"
            );
        }
        anyhow::ensure!(
            (1990..=2200).contains(&options.until.year()),
            "until is {}: give a day between the years 1990 and 2200",
            options.until
        );
        let end = day_number(options.until) + 1;
        let before = options
            .until
            .checked_sub(jiff::Span::new().months(i64::from(options.months)))?;
        let first = day_number(before) + 1;
        let growth = 0.0155 * f64::from(options.months);
        Ok(Self {
            seed: options.seed,
            accounts: options.accounts,
            first,
            end,
            new_share: growth / (1.0 + growth),
            volume: options
                .events_per_account_month
                .map_or(1.0, |rate| ((rate - OTHER_EVENTS) / PRODUCT_EVENTS).max(0.02)),
            seasons: (first..end).map(season).collect(),
        })
    }

    /// How busy a day of the span is.
    pub fn season(&self, day: i32) -> f64 {
        usize::try_from(day - self.first)
            .ok()
            .and_then(|i| self.seasons.get(i))
            .copied()
            .unwrap_or(0.0)
    }

    /// The company gets better at its work during the last four months: 0 before, rising to 1 on the last day.
    pub fn progress(&self, day: i32) -> f64 {
        (1.0 - f64::from(self.end - day) / 120.0).clamp(0.0, 1.0)
    }

    /// True in the quiet days around New Year, when no campaign goes out and no meeting is held.
    pub fn holidays(day: i32) -> bool {
        let (_, month, of_month) = civil(day);
        (month == 12 && of_month >= 22) || (month == 1 && of_month <= 2)
    }
}
