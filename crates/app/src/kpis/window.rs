//! Which days a KPI's figure for a day looks at.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::definitions::{Days, KpiWindow};

/// The days of one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The day that the figure stands for.
    pub day: Date,
    /// First day looked at.
    pub first: Date,
    /// Last day looked at.
    pub last: Date,
}

/// The window of a KPI for the figure of `day`. With a lag it ends at least that many days before: a month or quarter is then the latest
/// whole one whose outcome is known.
#[must_use]
pub fn period(window: KpiWindow, lag: Option<Days>, day: Date) -> Period {
    let last = lag.map_or(day, |days| {
        whole(window, day.saturating_sub(i64::from(days.0).days()))
    });
    let first = match window {
        KpiWindow::Day => last,
        KpiWindow::Month => last.first_of_month(),
        KpiWindow::Quarter => {
            let month = (last.month() - 1) / 3 * 3 + 1;
            Date::new(last.year(), month, 1).unwrap_or(last)
        }
        // Twelve months up to 30 June start on 1 July: from a month's last day one goes back by whole months.
        KpiWindow::Months(months) if last == last.last_of_month() => last
            .first_of_month()
            .saturating_sub(i64::from(months.saturating_sub(1)).months()),
        KpiWindow::Months(months) => last
            .saturating_sub(i64::from(months).months())
            .saturating_add(1.days()),
        KpiWindow::Days(days) => last.saturating_sub(i64::from(days.saturating_sub(1)).days()),
    };
    Period { day, first, last }
}

/// The last day of the latest whole month or quarter that ended on `day` or before; other windows need not be whole.
fn whole(window: KpiWindow, day: Date) -> Date {
    let next = day.saturating_add(1.days());
    match window {
        KpiWindow::Month => next.first_of_month().saturating_sub(1.days()),
        KpiWindow::Quarter => {
            let month = (next.month() - 1) / 3 * 3 + 1;
            Date::new(next.year(), month, 1).map_or(day, |first| first.saturating_sub(1.days()))
        }
        _ => day,
    }
}

/// The last days of the months from `from` to `to`, `to` itself last when it ends no month.
#[must_use]
pub fn month_ends(from: Date, to: Date) -> Vec<Date> {
    let mut days = Vec::new();
    let mut day = from.last_of_month();
    while day < to {
        days.push(day);
        day = day.saturating_add(1.days()).last_of_month();
    }
    days.push(to);
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn windows_by_hand() {
        let cases = [
            (
                KpiWindow::Month,
                None,
                date(2026, 6, 30),
                date(2026, 6, 1),
                date(2026, 6, 30),
            ),
            (
                KpiWindow::Month,
                None,
                date(2026, 6, 12),
                date(2026, 6, 1),
                date(2026, 6, 12),
            ),
            (
                KpiWindow::Month,
                Some(Days(30)),
                date(2026, 6, 30),
                date(2026, 5, 1),
                date(2026, 5, 31),
            ),
            (
                KpiWindow::Month,
                Some(Days(30)),
                date(2026, 6, 29),
                date(2026, 4, 1),
                date(2026, 4, 30),
            ),
            (
                KpiWindow::Month,
                Some(Days(30)),
                date(2026, 3, 2),
                date(2026, 1, 1),
                date(2026, 1, 31),
            ),
            (
                KpiWindow::Quarter,
                Some(Days(30)),
                date(2026, 7, 30),
                date(2026, 4, 1),
                date(2026, 6, 30),
            ),
            (
                KpiWindow::Quarter,
                None,
                date(2026, 8, 31),
                date(2026, 7, 1),
                date(2026, 8, 31),
            ),
            (
                KpiWindow::Months(12),
                None,
                date(2026, 6, 30),
                date(2025, 7, 1),
                date(2026, 6, 30),
            ),
            (
                KpiWindow::Months(12),
                None,
                date(2024, 2, 29),
                date(2023, 3, 1),
                date(2024, 2, 29),
            ),
            (
                KpiWindow::Months(12),
                None,
                date(2026, 6, 12),
                date(2025, 6, 13),
                date(2026, 6, 12),
            ),
            (
                KpiWindow::Days(90),
                None,
                date(2026, 6, 30),
                date(2026, 4, 2),
                date(2026, 6, 30),
            ),
            (
                KpiWindow::Day,
                None,
                date(2026, 6, 30),
                date(2026, 6, 30),
                date(2026, 6, 30),
            ),
        ];
        for (window, lag, day, first, last) in cases {
            assert_eq!(
                period(window, lag, day),
                Period { day, first, last },
                "{window:?} {day}"
            );
        }
    }

    #[test]
    fn months_end_with_the_day_asked_for() {
        assert_eq!(
            month_ends(date(2026, 1, 15), date(2026, 3, 10)),
            [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 10)]
        );
        assert_eq!(
            month_ends(date(2026, 3, 1), date(2026, 3, 31)),
            [date(2026, 3, 31)]
        );
    }
}
