//! Days as whole numbers since 1970-01-01, moments as microseconds since then (UTC), and how busy each day is.

use std::fmt::Write;

use jiff::civil::Date;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// Days from 1970-01-01 to `date`.
pub fn day_number(date: Date) -> i32 {
    let (shifted, month) = (
        i64::from(date.year()) - i64::from(date.month() <= 2),
        i64::from(date.month()),
    );
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(date.day()) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) as i32
}

/// Year, month and day of month of a day number.
pub fn civil(day: i32) -> (i32, u32, u32) {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year as i32,
        month as u32,
        (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32,
    )
}

/// `yyyymm` of a day.
pub fn month_of(day: i32) -> i32 {
    let (year, month, _) = civil(day);
    year * 100 + month as i32
}

/// The day as `2026-03-01`.
pub fn day_text(day: i32) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The moment as `2026-03-01T14:05:09Z`.
pub fn moment_text(at: i64) -> String {
    let mut text = day_text(at.div_euclid(DAY) as i32);
    let second = at.rem_euclid(DAY) / SECOND;
    let _ = write!(
        text,
        "T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    text
}

/// The moment `seconds` after the day's start.
pub fn at(day: i32, seconds: f64) -> i64 {
    i64::from(day) * DAY + (seconds * SECOND as f64) as i64
}

/// Monday = 0 … Sunday = 6.
pub fn weekday(day: i32) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// How busy customers are on a day, 1 being an ordinary working day: quiet at weekends, in late December and in high summer,
/// busy in January and in autumn, when yearly compliance courses fall due.
pub fn season(day: i32) -> f64 {
    const WEEK: [f64; 7] = [1.06, 1.10, 1.08, 1.02, 0.86, 0.14, 0.10];
    let (_, month, of_month) = civil(day);
    let year = match (month, of_month) {
        (12, 22..) | (1, 1) => 0.25,
        (12, 15..) => 0.70,
        (1, _) => 1.10,
        (7, _) => 0.92,
        (8, _) => 0.90,
        (9 | 10, _) => 1.10,
        (11, 24..=28) => 0.75,
        _ => 1.0,
    };
    WEEK[weekday(day)] * year
}
