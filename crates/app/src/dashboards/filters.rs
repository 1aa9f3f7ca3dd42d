//! The filters of a page, and the days that they mean.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::App;
use crate::definitions::{Definitions, Grain, Kpi, KpiWindow, Tile};
use crate::kpis::engine::Only;
use crate::kpis::overview::day_of;
use crate::kpis::window::{month_ends, period};
use crate::web::{Problem, Result};

/// What figures are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    Nothing,
    /// The period before.
    #[default]
    Previous,
    /// The same period a year before.
    Year,
}

/// The filters of a page.
#[derive(Clone, Debug)]
pub struct Filters {
    /// The day that everything stands for.
    pub day: Date,
    /// How many points in time and how far apart; the tile decides when `None`.
    pub period: Option<(u32, Grain)>,
    /// What figures are compared with.
    pub compare: Compare,
    /// Accounts of this segment.
    pub segment: Option<String>,
    /// Accounts of this owner.
    pub owner: Option<String>,
}

/// The most points of each grain.
const MOST: [(char, Grain, u32); 4] = [
    ('d', Grain::Day, 92),
    ('w', Grain::Week, 104),
    ('m', Grain::Month, 120),
    ('q', Grain::Quarter, 40),
];

/// `13m`, `30d`, `26w`, `8q`.
fn read_period(text: &str) -> Result<(u32, Grain)> {
    let unknown = || {
        Problem::field(
            "period",
            text,
            "is not a length of time",
            "write a number of days, weeks, months or quarters, such as 30d, 26w, 13m or 8q",
        )
    };
    let unit = text.chars().next_back().ok_or_else(unknown)?;
    let (_, grain, most) = MOST
        .into_iter()
        .find(|(letter, _, _)| *letter == unit)
        .ok_or_else(unknown)?;
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(unknown());
    }
    match digits.parse::<u32>() {
        Ok(count) if (1..=most).contains(&count) => Ok((count, grain)),
        _ => Err(Problem::field(
            "period",
            text,
            format!("asks for more than {most} points, or for none"),
            format!("ask for 1{unit} to {most}{unit}, or for longer steps"),
        )),
    }
}

/// What a request says.
pub struct Said<'a> {
    /// Points in time.
    pub period: Option<&'a str>,
    /// previous, year or none.
    pub compare: Option<&'a str>,
    /// A segment, or all.
    pub segment: Option<&'a str>,
    /// An owner.
    pub owner: Option<&'a str>,
    /// The day.
    pub as_of: Option<&'a str>,
}

impl Filters {
    /// Reads what a request says; `default` is the segment that a page opens with.
    ///
    /// # Errors
    /// The problem with the field.
    pub fn read(
        app: &App,
        definitions: &Definitions,
        said: &Said<'_>,
        default: Option<&str>,
    ) -> Result<Self> {
        let filled = |text: Option<&str>| text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let segment = filled(said.segment).or_else(|| default.map(str::to_owned));
        let segment = segment.filter(|s| s != "all");
        if let Some(segment) = &segment
            && definitions.segment(segment).is_none()
            && segment != crate::metrics::evaluate::UNCLASSIFIED
        {
            let known: Vec<&str> = definitions
                .segments
                .segments
                .iter()
                .map(|s| s.id.as_str())
                .collect();
            return Err(Problem::field(
                "segment",
                segment,
                "is not a segment of the program",
                format!("ask for all, unclassified or one of {}", known.join(", ")),
            ));
        }
        Ok(Self {
            day: day_of(app, said.as_of)?,
            period: filled(said.period).map(|text| read_period(&text)).transpose()?,
            compare: match said.compare.map(str::trim) {
                None | Some("" | "previous") => Compare::Previous,
                Some("year") => Compare::Year,
                Some("none") => Compare::Nothing,
                Some(other) => {
                    return Err(Problem::field(
                        "compare",
                        other,
                        "is not known",
                        "ask for previous, year or none",
                    ));
                }
            },
            segment,
            owner: filled(said.owner),
        })
    }

    /// The accounts that a tile's KPIs count.
    #[must_use]
    pub fn only(&self, tile: &Tile) -> Only {
        let segment = match tile.scope.as_deref() {
            Some("all") => None,
            Some(segment) => Some(segment.to_owned()),
            None => self.segment.clone(),
        };
        Only {
            segment,
            owner: self.owner.clone(),
        }
    }

    /// How many points in time a tile shows, and how far apart.
    #[must_use]
    pub fn span(&self, tile: &Tile) -> (u32, Grain) {
        self.period.unwrap_or((tile.points.unwrap_or(13), tile.grain))
    }
}

/// The last days of so many periods up to `day`, which ends the last one.
#[must_use]
pub fn ends(day: Date, count: u32, grain: Grain) -> Vec<Date> {
    let back = i64::from(count.max(1)) - 1;
    match grain {
        Grain::Month => month_ends(day.first_of_month().saturating_sub(back.months()), day),
        Grain::Day => (0..=back).rev().map(|n| day.saturating_sub(n.days())).collect(),
        Grain::Week => {
            let to_sunday = i64::from(day.weekday().until(Weekday::Sunday));
            let sunday = day.saturating_add(to_sunday.days());
            let mut days: Vec<Date> = (1..=back)
                .rev()
                .map(|n| sunday.saturating_sub((7 * n).days()))
                .collect();
            days.push(day);
            days
        }
        Grain::Quarter => {
            let month = (day.month() - 1) / 3 * 3 + 3;
            let end = Date::new(day.year(), month, 1).map_or(day, Date::last_of_month);
            let mut days: Vec<Date> = (1..=back)
                .rev()
                .map(|n| {
                    end.first_of_month()
                        .saturating_sub((3 * n).months())
                        .last_of_month()
                })
                .collect();
            days.push(day);
            days
        }
    }
}

/// The days on which a KPI's figures for these periods are known: with a lag the figure of a month is that of the day so much later.
#[must_use]
pub fn known_on(kpi: &Kpi, grain: Grain, days: &[Date], until: Date) -> Vec<Date> {
    let lag = kpi.lag.filter(|_| matches!(grain, Grain::Month | Grain::Quarter));
    let Some(lag) = lag else { return days.to_vec() };
    days.iter()
        .map(|day| day.saturating_add(i64::from(lag.0).days()))
        .filter(|day| *day <= until)
        .collect()
}

/// The day to compare with: the same place in the period before, or in the year before.
#[must_use]
pub fn before(kpi: &Kpi, day: Date, compare: Compare) -> Option<Date> {
    let months = |n: i64| {
        let then = day.first_of_month().saturating_sub(n.months());
        if day == day.last_of_month() {
            then.last_of_month()
        } else {
            // 30 March has no like in February: its last day stands for it.
            then.saturating_add(i64::from(day.day() - 1).days())
                .min(then.last_of_month())
        }
    };
    match (compare, kpi.window) {
        (Compare::Nothing, _) => None,
        (Compare::Year, _) => Some(months(12)),
        (Compare::Previous, KpiWindow::Month | KpiWindow::Day) => Some(months(1)),
        (Compare::Previous, KpiWindow::Quarter) => Some(months(3)),
        (Compare::Previous, KpiWindow::Months(n)) => Some(months(i64::from(n))),
        (Compare::Previous, KpiWindow::Days(n)) => Some(day.saturating_sub(i64::from(n).days())),
    }
}

/// The last day that a KPI's figure of `day` looks at.
#[must_use]
pub fn last_day(kpi: &Kpi, day: Date) -> Date {
    period(kpi.window, kpi.lag, day).last
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn periods_end_where_a_calendar_says() {
        assert_eq!(
            ends(date(2026, 6, 12), 3, Grain::Month),
            [date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 12)]
        );
        assert_eq!(
            ends(date(2026, 6, 12), 3, Grain::Quarter),
            [date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 12)]
        );
        // 12 June 2026 is a Friday; the Sundays before it are 7 June and 31 May.
        assert_eq!(
            ends(date(2026, 6, 12), 3, Grain::Week),
            [date(2026, 5, 31), date(2026, 6, 7), date(2026, 6, 12)]
        );
        assert_eq!(
            ends(date(2026, 3, 1), 3, Grain::Day),
            [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
        );
        assert_eq!(ends(date(2026, 3, 1), 1, Grain::Week), [date(2026, 3, 1)]);
    }

    #[test]
    fn lengths_of_time_are_read_or_refused() {
        assert_eq!(read_period("13m").ok(), Some((13, Grain::Month)));
        assert_eq!(read_period("92d").ok(), Some((92, Grain::Day)));
        for odd in ["36500d", "0m", "m", "-3m", "1.5m", "13", "99999999999m", "é", ""] {
            assert_eq!(read_period(odd).err().map(|p| p.status), Some(422), "{odd}");
        }
    }
}
