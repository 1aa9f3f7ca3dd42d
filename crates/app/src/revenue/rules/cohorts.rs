//! Cohort triangles: what is left of the accounts that started in a month or quarter, so many whole months later.

use super::Life;

/// What a triangle shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Accounts that are active.
    Logo,
    /// Σ MRR, expansion included.
    Net,
    /// Σ MRR, each account at most at what it started with.
    Gross,
}

impl Measure {
    /// The measure with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "logo" => Self::Logo,
            "net" => Self::Net,
            "gross" => Self::Gross,
            _ => return None,
        })
    }
}

/// What one account adds to its cohort's cell of a day: its part of the numerator and of the denominator. `None` = it cannot be counted,
/// because what it started with, or what it pays on the day, is not known.
///
/// The denominator of money is what the account paid on its first active day.
#[must_use]
pub fn part(life: &Life<'_>, measure: Measure, day: i32) -> Option<(i64, i64)> {
    let (start, _) = *life.lives.first()?;
    let active = life.on(day);
    if measure == Measure::Logo {
        return Some((i64::from(active), 1));
    }
    let base = life.mrr(start)?;
    let now = if active { life.mrr(day)? } else { 0 };
    Some((
        if measure == Measure::Gross {
            now.min(base)
        } else {
            now
        },
        base,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::samples::head;
    use super::*;

    #[test]
    fn an_account_counts_by_what_it_started_with() {
        let one = head(&[
            (10, 40, true, Some(100.0)),
            (40, 70, true, Some(130.0)),
            (70, 100, false, Some(130.0)),
            (100, i32::MAX, true, Some(80.0)),
        ]);
        let life = Life::new(&one, 100.0);
        for (day, logo, net, gross) in [
            (30, 1, 10_000, 10_000),
            (60, 1, 13_000, 10_000),
            (90, 0, 0, 0),
            (120, 1, 8_000, 8_000),
        ] {
            assert_eq!(part(&life, Measure::Logo, day), Some((logo, 1)));
            assert_eq!(part(&life, Measure::Net, day), Some((net, 10_000)));
            assert_eq!(part(&life, Measure::Gross, day), Some((gross, 10_000)));
        }
    }

    #[test]
    fn what_is_not_known_is_not_counted() {
        let one = head(&[(10, 40, true, None), (40, i32::MAX, true, Some(130.0))]);
        let life = Life::new(&one, 100.0);
        assert_eq!(part(&life, Measure::Net, 60), None);
        assert_eq!(part(&life, Measure::Logo, 60), Some((1, 1)));
        assert_eq!(part(&Life::new(&head(&[]), 100.0), Measure::Logo, 60), None);
    }
}
