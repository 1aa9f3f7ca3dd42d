//! Which way accounts move (DEFINITIONS: velocity): weekly scores against the season of their segment.

use std::collections::HashMap;

use tenure_learn::velocity::{Movement, Season, Velocity, movement, season, velocity};

use super::days::points;
use super::history::WEEKS;

/// The movement of weekly scores, or of what stands in for them, the newest first; nothing where the newest day has neither.
#[must_use]
pub fn of_weeks(weeks: &[i32; WEEKS]) -> Option<Movement> {
    points(weeks[0])?;
    let (mut days, mut values) = ([0.0; WEEKS], [f64::NAN; WEEKS]);
    for (at, score) in weeks.iter().rev().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "thirteen weeks")]
        let day = 7.0 * at as f64;
        days[at] = day;
        values[at] = points(*score).unwrap_or(f64::NAN);
    }
    movement(&days, &values)
}

/// The season of each segment from its accounts' movements.
pub fn seasons<'a>(accounts: impl Iterator<Item = (&'a str, Option<Movement>)>) -> HashMap<&'a str, Season> {
    let mut slopes: HashMap<&str, Vec<f64>> = HashMap::new();
    for (segment, movement) in accounts {
        let of = slopes.entry(segment).or_default();
        of.extend(movement.iter().map(|movement| movement.slope));
    }
    slopes
        .into_iter()
        .map(|(segment, slopes)| (segment, season(&slopes)))
        .collect()
}

/// The season of each segment, and the velocity of each account within its own, in the order of the accounts.
pub fn all<'a>(
    accounts: impl Iterator<Item = (&'a str, Option<Movement>)>,
) -> (HashMap<&'a str, Season>, Vec<Option<Velocity>>) {
    let accounts: Vec<(&str, Option<Movement>)> = accounts.collect();
    let seasons = seasons(accounts.iter().copied());
    let velocities = accounts
        .iter()
        .map(|(segment, movement)| Some(velocity(movement.as_ref()?, seasons.get(segment)?)))
        .collect();
    (seasons, velocities)
}
