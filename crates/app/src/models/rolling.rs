//! The methods, each scoring every cutoff from what was known and closed by then. Pure.
//!
//! At a cutoff `D` a method is trained on rows of earlier cutoffs whose horizon had passed by `D`, and calibrated on the scores that such
//! earlier trainings gave to the newest of those rows before they were seen.

use tenure_learn::boost;
use tenure_learn::points::PointTable;
use tenure_learn::{Column, Direction, Table, Values, calibrate, logistic, screen, threads, transparent};

use super::panel::{Cutoff, Panel};

/// Rows that a training looks at, at most: the newest whole cutoffs.
pub const MOST_ROWS: usize = 200_000;
/// Columns that a training looks at, at most: those that say most alone.
const MOST_COLUMNS: usize = 512;
/// Rows of either class that a training needs.
const FEWEST: usize = 10;
/// Rows of the rarer class that a calibration wants.
pub const CALIBRATE: usize = 50;

/// Days of a log within which its own growth cannot be told from seasons and from what becomes of customers (docs/accuracy.md).
const YOUNG: i32 = 270;

/// The column of the score set by hand in tables to learn from.
pub const HAND: &str = "score set by hand";

/// What the methods are trained with.
pub struct Settings<'a> {
    /// Days within which the outcome has to come.
    pub horizon: i32,
    /// The score set by hand, health by row (NaN = none), which the transparent score is shrunk towards.
    pub hand: Option<&'a [f64]>,
    /// Declared directions of columns, in risk.
    pub directions: &'a [(String, Direction)],
    /// Fixes samples.
    pub seed: u64,
    /// Threads; figures do not depend on it.
    pub threads: usize,
    /// Whether the transparent score and the challenger are trained.
    pub learned: bool,
    /// The first cutoff that is tested: 75 points stand for the odds that were known on it.
    pub from: i32,
    /// Rows that a training looks at, at most ([`MOST_ROWS`]).
    pub most: usize,
    /// The first cutoff of the history, whether or not it is looked at.
    pub begun: i32,
}

/// A method's values by row; NaN where it has none.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// Rises with the risk.
    pub risk: Vec<f64>,
    /// Probability of the outcome.
    pub probability: Vec<f64>,
    /// Health, 0–100, where the method has bands.
    pub health: Option<Vec<f64>>,
    /// Log-odds before calibration, of methods that are calibrated.
    pub raw: Option<Vec<f64>>,
}

/// All methods by id.
pub type Methods = Vec<(&'static str, Scored)>;

/// The cutoffs that a training as of a day reads, newest first: those whose horizon had passed by then, as many as hold `most` rows and at
/// least one. And whether that left any out.
#[must_use]
pub fn window(panel: &Panel, day: i32, horizon: i32, most: usize) -> (Vec<usize>, bool) {
    let (mut found, mut rows) = (Vec::new(), 0);
    for earlier in (0..panel.cutoffs.len()).rev() {
        if panel.cutoffs[earlier].day.saturating_add(horizon) > day {
            continue;
        }
        let of = panel.of(earlier).len();
        if rows > 0 && rows + of > most {
            return (found, true);
        }
        rows += of;
        found.push(earlier);
    }
    (found, false)
}

/// The rows of a cutoff's training.
fn closed_rows(panel: &Panel, cutoff: usize, horizon: i32, most: usize) -> Vec<u32> {
    let (mut cutoffs, _) = window(panel, panel.cutoffs[cutoff].day, horizon, most);
    cutoffs.reverse();
    cutoffs
        .into_iter()
        .flat_map(|cutoff| panel.of(cutoff))
        .filter(|row| panel.labels[*row].is_some())
        .filter_map(|row| u32::try_from(row).ok())
        .collect()
}

/// Whether there is enough to learn from for a cutoff.
#[must_use]
pub fn learns(panel: &Panel, cutoff: usize, horizon: i32, most: usize) -> bool {
    let rows = closed_rows(panel, cutoff, horizon, most);
    enough(&labels_of(panel, &rows, panel.cutoffs[cutoff].end))
}

/// The table that learners read: the panel's, and the score set by hand.
///
/// # Errors
/// Never for a panel that is filled.
pub fn table(panel: &Panel, hand: Option<&[f64]>) -> tenure_learn::Result<Table> {
    let table = panel.table()?;
    let Some(hand) = hand else { return Ok(table) };
    let mut columns = table.columns().to_vec();
    columns.push(Column::number(HAND, hand.to_vec()));
    Table::new(columns)
}

/// What was known before an instant of what became of these rows.
fn labels_of(panel: &Panel, rows: &[u32], end: i64) -> Vec<bool> {
    rows.iter()
        .map(|row| panel.label_at(*row as usize, end) == Some(true))
        .collect()
}

fn enough(labels: &[bool]) -> bool {
    let hits = labels.iter().filter(|label| **label).count();
    hits.min(labels.len() - hits) >= FEWEST
}

/// The columns that a training looks at, the score set by hand apart.
fn chosen(train: &Table, labels: &[bool], threads: usize) -> Vec<usize> {
    let learnt: Vec<usize> = (0..train.columns().len())
        .filter(|at| {
            let column = &train.columns()[*at];
            column.name != HAND && !screen::all_missing(&column.values)
        })
        .collect();
    screen::strongest(&train.only(&learnt), labels, MOST_COLUMNS, threads)
        .into_iter()
        .map(|at| learnt[at])
        .collect()
}

/// Trains a transparent score on these rows of a table.
///
/// # Errors
/// Labels of one class, and columns of which none differs.
pub fn train_transparent(
    table: &Table,
    labels: &[bool],
    groups: &[u64],
    directions: &[(String, Direction)],
    previous: Option<&PointTable>,
    seed: u64,
    threads: usize,
) -> tenure_learn::Result<transparent::Transparent> {
    let mut columns = chosen(table, labels, threads);
    let hand = table.columns().iter().position(|column| column.name == HAND);
    let hand = hand.filter(|at| !screen::all_missing(&table.columns()[*at].values));
    columns.extend(hand);
    let train = table.only(&columns);
    let settings = transparent::Settings {
        hand_set: hand.map(|_| HAND.to_owned()),
        directions: declared(&train, directions),
        seed,
        threads,
        ..transparent::Settings::default()
    };
    transparent::train(&train, labels, None, Some(groups), previous, &settings)
}

/// The declared direction of each column.
fn declared(table: &Table, directions: &[(String, Direction)]) -> Vec<Option<Direction>> {
    let way = |column: &Column| directions.iter().find(|(name, _)| *name == column.name);
    table
        .columns()
        .iter()
        .map(|column| way(column).map(|(_, way)| *way))
        .collect()
}

/// Trains a challenger on these rows of a table.
///
/// # Errors
/// Labels of one class.
pub fn train_challenger(
    table: &Table,
    labels: &[bool],
    directions: &[(String, Direction)],
    seed: u64,
    threads: usize,
) -> tenure_learn::Result<boost::Boosted> {
    let train = table.only(&chosen(table, labels, threads));
    boost::train(
        &train,
        labels,
        None,
        &boost::Settings {
            directions: declared(&train, directions),
            seed,
            threads,
            ..boost::Settings::default()
        },
    )
}

/// What one cutoff's trainings gave: log-odds of its own rows by method, and of the next cutoff's by its transparent score.
#[derive(Default)]
struct Trained {
    share: Option<f64>,
    own: Vec<(&'static str, Vec<f64>)>,
    next: Option<Vec<f64>>,
}

/// Scores every row of every cutoff by every method; `progress` hears the share that is done.
///
/// # Errors
/// Those of the learners, which rows with both classes do not have.
pub fn run(
    panel: &Panel,
    settings: &Settings<'_>,
    progress: &(dyn Fn(f64) + Sync),
) -> tenure_learn::Result<Methods> {
    let table = settings
        .learned
        .then(|| table(panel, settings.hand))
        .transpose()?;
    let done = std::sync::atomic::AtomicUsize::new(0);
    let count = panel.cutoffs.len();
    let outer = settings.threads.min(count).max(1);
    let trained = threads::map(outer, count, |cutoff| {
        let found = one(panel, table.as_ref(), cutoff, settings);
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        progress(done as f64 / count.max(1) as f64);
        found
    });
    let trained: Vec<Trained> = trained.into_iter().collect::<tenure_learn::Result<_>>()?;
    let mut methods: Methods = Vec::new();
    let rows = panel.rows();
    let mut prior = Scored {
        risk: vec![f64::NAN; rows],
        probability: vec![f64::NAN; rows],
        health: None,
        raw: None,
    };
    for (cutoff, found) in trained.iter().enumerate() {
        if let Some(share) = found.share {
            prior.risk[panel.of(cutoff)].fill(0.0);
            prior.probability[panel.of(cutoff)].fill(share);
        }
    }
    // What the odds were when the test begins; earlier shares are of few rows.
    let reference = trained
        .iter()
        .enumerate()
        .filter(|(cutoff, _)| panel.cutoffs[*cutoff].day >= settings.from)
        .find_map(|(_, found)| found.share)
        .unwrap_or(0.5);
    for id in ["transparent", "challenger", "last_login", "tenure", "mrr", HAND] {
        let raw = assemble(panel, &trained, id);
        if raw.iter().all(|value| value.is_nan()) {
            continue;
        }
        let (calibrated, raw) = match id {
            "transparent" | "challenger" => (recalibrated(panel, &raw, settings), Some(raw)),
            _ => (raw, None),
        };
        let scale = tenure_learn::scale::Scale::of_share(reference);
        methods.push((
            id,
            Scored {
                probability: calibrated
                    .iter()
                    .map(|score| boost::probability(*score))
                    .collect(),
                health: (id == "transparent").then(|| {
                    calibrated
                        .iter()
                        .map(|score| {
                            if score.is_nan() {
                                f64::NAN
                            } else {
                                scale.health(*score)
                            }
                        })
                        .collect()
                }),
                risk: calibrated,
                raw,
            },
        ));
    }
    let mut last = vec![f64::NAN; rows];
    for (cutoff, found) in trained.iter().enumerate() {
        if let Some(next) = &found.next {
            last[panel.of(cutoff + 1)].copy_from_slice(next);
        }
    }
    if last.iter().any(|value| !value.is_nan()) {
        let probability = last.iter().map(|score| boost::probability(*score)).collect();
        methods.push((
            "last_period",
            Scored {
                risk: last,
                probability,
                health: None,
                raw: None,
            },
        ));
    }
    methods.push(("prior", prior));
    Ok(methods)
}

fn assemble(panel: &Panel, trained: &[Trained], id: &str) -> Vec<f64> {
    let mut all = vec![f64::NAN; panel.rows()];
    for (cutoff, found) in trained.iter().enumerate() {
        if let Some((_, scores)) = found.own.iter().find(|(own, _)| *own == id) {
            all[panel.of(cutoff)].copy_from_slice(scores);
        }
    }
    all
}

fn one(
    panel: &Panel,
    table: Option<&Table>,
    cutoff: usize,
    settings: &Settings<'_>,
) -> tenure_learn::Result<Trained> {
    let rows = closed_rows(panel, cutoff, settings.horizon, settings.most);
    let labels = labels_of(panel, &rows, panel.cutoffs[cutoff].end);
    if !enough(&labels) || panel.of(cutoff).is_empty() {
        return Ok(Trained::default());
    }
    let hits = labels.iter().filter(|label| **label).count();
    let share = hits as f64 / labels.len() as f64;
    let mut found = Trained {
        share: Some(share),
        ..Trained::default()
    };
    let own: Vec<u32> = panel
        .of(cutoff)
        .filter_map(|row| u32::try_from(row).ok())
        .collect();
    for (id, values) in [
        ("last_login", &panel.quiet),
        ("tenure", &panel.tenure),
        ("mrr", &panel.mrr),
    ] {
        found
            .own
            .extend(alone(values, &rows, &own, &labels)?.map(|scores| (id, scores)));
    }
    if let Some(hand) = settings.hand {
        found
            .own
            .extend(alone(hand, &rows, &own, &labels)?.map(|scores| (HAND, scores)));
        // Without a score there is no probability.
        if let Some((_, scores)) = found.own.iter_mut().find(|(id, _)| *id == HAND) {
            for (score, row) in scores.iter_mut().zip(&own) {
                if hand[*row as usize].is_nan() {
                    *score = f64::NAN;
                }
            }
        }
    }
    let Some(table) = table else {
        return Ok(found);
    };
    let test = table.take(&own);
    let train = table.take(&rows);
    let groups: Vec<u64> = rows
        .iter()
        .map(|row| panel.accounts[*row as usize].unsigned_abs())
        .collect();
    let levelled = |mut scores: Vec<f64>, at: usize| {
        let shift = level(&scores, share, panel.cutoffs[at].day, settings.begun);
        scores.iter_mut().for_each(|score| *score += shift);
        scores
    };
    match train_transparent(
        &train,
        &labels,
        &groups,
        settings.directions,
        None,
        settings.seed,
        1,
    ) {
        Ok(model) => {
            let scores = model.table.score(&test, 1)?;
            found.own.push(("transparent", levelled(scores, cutoff)));
            if cutoff + 1 < panel.cutoffs.len() {
                let next: Vec<u32> = panel
                    .of(cutoff + 1)
                    .filter_map(|row| u32::try_from(row).ok())
                    .collect();
                let scores = model.table.score(&table.take(&next), 1)?;
                found.next = Some(levelled(scores, cutoff + 1));
            }
        }
        // Nothing was known on any of the rows: there is nothing to learn.
        Err(tenure_learn::Error::NoColumns { .. }) => return Ok(found),
        Err(error) => return Err(error),
    }
    let model = train_challenger(&train, &labels, settings.directions, settings.seed, 1)?;
    let scores = model.score(&test, 1)?;
    found.own.push(("challenger", levelled(scores, cutoff)));
    Ok(found)
}

/// What is added to the log-odds of a day's rows: in the first months of a history, half of what would make them say on average the share of
/// the rows that were learnt from which had the outcome. A log of a few months grows, and what counts its days grows with it: what was
/// learnt from it may be wrong about all accounts of a later day at once, and accounts of different days could not be put in one order.
/// Later a model's own word counts, because by then other seasons and older customers were there to be learnt from.
#[must_use]
pub fn level(scores: &[f64], share: f64, day: i32, begun: i32) -> f64 {
    if is_young(day, begun) {
        0.5 * calibrate::level(scores, share)
    } else {
        0.0
    }
}

/// Whether a day lies in the first months of a history.
#[must_use]
pub fn is_young(day: i32, begun: i32) -> bool {
    day.saturating_sub(begun) < YOUNG
}

/// One column alone, put on the scale of log-odds by its training rows; missing values are a class of their own.
fn alone(
    values: &[f64],
    rows: &[u32],
    own: &[u32],
    labels: &[bool],
) -> tenure_learn::Result<Option<Vec<f64>>> {
    let take = |rows: &[u32]| rows.iter().map(|row| values[*row as usize]).collect::<Vec<f64>>();
    let train = Table::new(vec![Column::number("value", take(rows))])?;
    if screen::constant(&Values::Number(take(rows))) {
        return Ok(None);
    }
    let test = Table::new(vec![Column::number("value", take(own))])?;
    Ok(Some(logistic::single(&train, 0, labels)?.score(&test)?))
}

/// Log-odds with intercept and slope of the newest rows whose horizon had passed, as scored before they were seen.
fn recalibrated(panel: &Panel, raw: &[f64], settings: &Settings<'_>) -> Vec<f64> {
    let mut out = raw.to_vec();
    for cutoff in 0..panel.cutoffs.len() {
        let Cutoff { day, end, .. } = panel.cutoffs[cutoff];
        if let Some(found) = calibration_until(panel, raw, day, end, settings.horizon, settings.most) {
            out[panel.of(cutoff)]
                .iter_mut()
                .for_each(|score| *score = found.apply(*score));
        }
    }
    out
}

/// The calibration that may be used as of a day: of the newest cutoffs whose horizon had passed by then and that together hold enough of
/// the rarer class, as was known before `end`.
#[must_use]
pub fn calibration_until(
    panel: &Panel,
    raw: &[f64],
    day: i32,
    end: i64,
    horizon: i32,
    most: usize,
) -> Option<calibrate::Calibration> {
    // How many rows a training as of a day reads.
    let read = |day: i32| -> usize {
        let (cutoffs, _) = window(panel, day, horizon, most);
        cutoffs.into_iter().map(|at| panel.of(at).len()).sum()
    };
    let own = read(day);
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for earlier in (0..panel.cutoffs.len()).rev() {
        let then = panel.cutoffs[earlier].day;
        if then.saturating_add(horizon) > day {
            continue;
        }
        // A model that knew less than half of the rows errs in other ways: what is right for it is wrong for this one.
        if read(then) * 2 < own {
            break;
        }
        for row in panel.of(earlier) {
            if let Some(label) = panel.label_at(row, end).filter(|_| !raw[row].is_nan()) {
                scores.push(raw[row]);
                labels.push(label);
            }
        }
        let hits = labels.iter().filter(|label| **label).count();
        if hits.min(labels.len() - hits) >= CALIBRATE {
            return Some(calibrate::fit(&scores, &labels, true));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_history_levels_half_and_an_old_one_nothing() {
        let scores = [-1.0, 0.0, 2.0];
        let whole = calibrate::level(&scores, 0.05);
        assert!(whole < -1.0, "{whole}");
        assert_eq!(level(&scores, 0.05, 1_269, 1_000), 0.5 * whole);
        assert_eq!(level(&scores, 0.05, 1_270, 1_000), 0.0);
    }
}
