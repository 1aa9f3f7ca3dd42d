//! How far back a back-test has to look. Trainings read the newest rows only, so cutoffs before those change no figure and need not be
//! gathered. Pure.

use super::panel::Panel;
use super::rolling::{self, CALIBRATE};

/// The share of rows with the outcome that is taken for granted before any row is known.
const SUPPOSED: f64 = 0.01;

/// The first cutoff that is to be gathered, as far as numbers of accounts tell: `rows` gives those of a cutoff. [`is_whole`] says whether
/// that was far enough.
#[must_use]
pub fn guess(
    days: &[i32],
    from: i32,
    horizon: i32,
    learned: bool,
    most: usize,
    rows: impl Fn(usize) -> usize,
) -> usize {
    let mut oldest = days
        .partition_point(|day| *day < from)
        .min(days.len().saturating_sub(1));
    let closed = |cutoff: usize| {
        let before = move |at: &usize| days[*at].saturating_add(horizon) <= days[cutoff];
        (0..cutoff).rev().filter(before)
    };
    if learned {
        let mut hits = 0.0;
        for at in closed(oldest) {
            hits += SUPPOSED * rows(at) as f64;
            oldest = at;
            if hits >= CALIBRATE as f64 {
                break;
            }
        }
    }
    let mut sum = 0;
    for at in closed(oldest) {
        sum += rows(at);
        if sum > most {
            return at;
        }
    }
    0
}

/// Whether cutoffs before the panel's first one would change nothing on those that are tested: the training for the first of them, and
/// with `learned` those that its calibration rests on, left rows of the panel out already.
#[must_use]
pub fn is_whole(panel: &Panel, from: i32, horizon: i32, learned: bool, most: usize) -> bool {
    let Some(first) = panel.cutoffs.iter().position(|cutoff| cutoff.day >= from) else {
        return false;
    };
    let full = |cutoff: usize| rolling::window(panel, panel.cutoffs[cutoff].day, horizon, most).1;
    if !full(first) {
        return false;
    }
    if !learned {
        return true;
    }
    let at = panel.cutoffs[first];
    let (mut hits, mut others) = (0, 0);
    for earlier in (0..first).rev() {
        let then = panel.cutoffs[earlier];
        if then.day.saturating_add(horizon) > at.day {
            continue;
        }
        if !full(earlier) || !rolling::learns(panel, earlier, horizon, most) {
            return false;
        }
        for label in panel.of(earlier).filter_map(|row| panel.label_at(row, at.end)) {
            *(if label { &mut hits } else { &mut others }) += 1;
        }
        if hits.min(others) >= CALIBRATE {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tenure_learn::random::Random;
    use tenure_learn::{Column, Direction};

    use super::super::panel::Cutoff;
    use super::super::rolling::{Methods, Settings, run};
    use super::*;

    const HORIZON: i32 = 60;

    /// Cutoffs every 30 days with `each` accounts, of which some leave: the likelier, the lower the one measure.
    fn panel(cutoffs: std::ops::Range<usize>, each: usize) -> Panel {
        let mut panel = Panel::default();
        let mut values = Vec::new();
        for (place, cutoff) in cutoffs.enumerate() {
            panel.cutoffs.push(Cutoff {
                day: 30 * cutoff as i32,
                end: i64::MAX,
                censored: 0,
            });
            let mut random = Random::new(7, cutoff as u64);
            for account in 0..each {
                let value = random.unit();
                values.push(value);
                panel.accounts.push(account as i64);
                panel.at.push(place as u32);
                panel.segment.push(0);
                panel.mrr.push(random.unit());
                panel.tenure.push(random.unit());
                panel.quiet.push(random.unit());
                panel.labels.push(Some(random.unit() < 0.5 - 0.4 * value));
                panel.when.push(None);
                panel.told.push(i64::MIN);
            }
        }
        panel.columns = vec![Column::number("use", values)];
        panel
    }

    fn scored(panel: &Panel, from: i32, learned: bool, most: usize) -> Methods {
        let hand: Vec<f64> = panel.mrr.iter().map(|mrr| 100.0 * mrr).collect();
        let directions = [("use".to_owned(), Direction::Falling)];
        let settings = Settings {
            horizon: HORIZON,
            hand: Some(&hand),
            directions: &directions,
            seed: 1,
            threads: 2,
            learned,
            from,
            most,
            begun: 0,
        };
        run(panel, &settings, &|_| {}).expect("methods")
    }

    #[test]
    fn what_is_left_out_changes_nothing_on_tested_cutoffs() {
        let (from, most) = (30 * 30, 700);
        let days: Vec<i32> = (0..36).map(|cutoff| 30 * cutoff).collect();
        let all = panel(0..36, 200);
        for learned in [false, true] {
            // Cutoff 28 is closed on the first that is tested, and with three before it there are more than 700 rows.
            let mut start = guess(&days, from, HORIZON, false, most, |_| 200);
            assert_eq!(start, 25);
            let mut some = panel(start..36, 200);
            while !is_whole(&some, from, HORIZON, learned, most) {
                start -= 1;
                some = panel(start..36, 200);
            }
            // What calibrates is what a training of cutoff 28 said, which read 26 and before.
            assert_eq!(start, if learned { 23 } else { 25 });
            let tested = |panel: &Panel, methods: &Methods| -> Vec<(String, Vec<u64>, Vec<u64>)> {
                let rows = panel.rows() - 6 * 200;
                methods
                    .iter()
                    .map(|(id, it)| {
                        let bits = |values: &[f64]| values[rows..].iter().map(|it| it.to_bits()).collect();
                        ((*id).to_owned(), bits(&it.risk), bits(&it.probability))
                    })
                    .collect()
            };
            let (of_all, of_some) = (
                scored(&all, from, learned, most),
                scored(&some, from, learned, most),
            );
            assert_eq!(
                tested(&all, &of_all),
                tested(&some, &of_some),
                "learned: {learned}"
            );
            assert!(!is_whole(
                &panel(start + 1..36, 200),
                from,
                HORIZON,
                learned,
                most
            ));
        }
    }

    #[test]
    fn everything_is_gathered_where_rows_are_few() {
        let days: Vec<i32> = (0..36).map(|cutoff| 30 * cutoff).collect();
        assert_eq!(guess(&days, 900, HORIZON, true, 200_000, |_| 500), 0);
        assert_eq!(guess(&days, 0, HORIZON, true, 10, |_| 500), 0);
        assert!(!is_whole(&panel(0..4, 50), 90, HORIZON, false, 200_000));
        // With one outcome among a hundred accounts 5,000 rows are wanted to calibrate on.
        assert_eq!(guess(&days, 900, HORIZON, true, 700, |_| 1_000), 22);
        assert_eq!(guess(&[], 0, HORIZON, true, 10, |_| 500), 0);
    }
}
