//! The back-test: every method's figures on cutoffs that it was not trained on. Pure; the same panel and settings give the same report.

use std::collections::BTreeSet;

use tenure_learn::evaluate::LEAK;
use tenure_learn::{Direction, screen, threads};

use super::panel::Panel;
use super::report::{Method, Report, Warning};
use super::rolling::{self, HAND, Scored};
use super::tested::{Test, Tested};
use crate::metrics::facts::date_of;

/// Draws of the bootstrap over accounts.
pub const DRAWS: usize = 500;
/// The ratio of skills that counts as “15 % better”.
pub const BETTER: f64 = 1.15;

/// What is tested, and how.
pub struct Settings<'a> {
    /// The outcome's id.
    pub outcome: &'a str,
    /// Its label.
    pub outcome_label: &'a str,
    /// Days within which it has to come.
    pub horizon: i32,
    /// The first cutoff that is tested; earlier ones only train.
    pub from: i32,
    /// The first cutoff of the history, whether or not the panel holds it.
    pub begun: i32,
    /// The score set by hand, health by row (NaN = none).
    pub score: Option<&'a [f64]>,
    /// The same without quiet days, which the transparent score is shrunk towards.
    pub learn_from: Option<&'a [f64]>,
    /// The frozen baseline, likewise.
    pub baseline: Option<&'a [f64]>,
    /// Below how many points the score is red.
    pub red_below: f64,
    /// Accounts that the team can look after at a time.
    pub capacity: usize,
    /// Declared directions of columns, in risk.
    pub directions: &'a [(String, Direction)],
    /// Whether the transparent score and the challenger are trained.
    pub learned: bool,
    /// Fixes samples and draws.
    pub seed: u64,
    /// Threads; figures do not depend on it.
    pub threads: usize,
}

fn label_of(id: &str) -> &'static str {
    match id {
        "score" => "The score as it is set by hand",
        "baseline" => "Frozen baseline",
        "transparent" => "Transparent score, learnt",
        "challenger" => "Challenger (boosting)",
        "last_period" => "Last period's transparent score",
        "last_login" => "Days since the last login alone",
        "tenure" => "Days active alone",
        "mrr" => "MRR alone",
        _ => "Same probability for everyone",
    }
}

/// Learnt methods' log-odds before calibration, by method.
pub type Raw = Vec<(String, Vec<f64>)>;

/// A report, and what it was made from.
pub struct Found {
    /// The report.
    pub report: Report,
    /// What a model that is trained now is calibrated by.
    pub raw: Raw,
    /// What each method said of each row, by id.
    pub methods: Vec<(String, Scored)>,
}

/// Runs a back-test; `progress` hears the share that is done.
///
/// # Errors
/// When nothing can be tested: no row whose horizon has passed, or outcomes of one kind only.
pub fn run(
    panel: &Panel,
    settings: &Settings<'_>,
    progress: &(dyn Fn(f64) + Sync),
) -> tenure_learn::Result<Found> {
    let rows: Vec<usize> = (0..panel.rows())
        .filter(|row| {
            panel.labels[*row].is_some() && panel.cutoffs[panel.at[*row] as usize].day >= settings.from
        })
        .collect();
    let labels: Vec<bool> = rows.iter().map(|row| panel.labels[*row] == Some(true)).collect();
    let positives = labels.iter().filter(|label| **label).count();
    if rows.is_empty() {
        return Err(tenure_learn::Error::Empty);
    }
    if positives == 0 || positives == rows.len() {
        return Err(tenure_learn::Error::OneClass {
            column: settings.outcome.to_owned(),
            positives,
            rows: rows.len(),
            remedy: "test a longer time, or another outcome".into(),
        });
    }
    let learning = rolling::Settings {
        horizon: settings.horizon,
        hand: settings.learn_from,
        directions: settings.directions,
        seed: settings.seed,
        threads: settings.threads,
        learned: settings.learned,
        from: settings.from,
        most: rolling::MOST_ROWS,
        begun: settings.begun,
    };
    let methods = rolling::run(panel, &learning, &|share| progress(0.8 * share))?;
    let raw = methods
        .iter()
        .filter_map(|(id, scored)| Some(((*id).to_owned(), scored.raw.clone()?)))
        .collect();
    let test = Test::new(panel, &rows, settings, tested(methods, settings));
    let mut warnings = leaks(panel, &rows, &labels, settings.threads);
    let figures: Vec<Option<Method>> =
        threads::map(settings.threads, test.methods.len(), |at| test.method(at));
    let mut figures: Vec<Method> = figures.into_iter().flatten().collect();
    progress(0.9);
    too_good(&figures, &mut warnings);
    let leak = warnings
        .iter()
        .find(|warning| warning.leak)
        .map(|warning| warning.message.clone());
    if let Some(leak) = leak {
        for method in figures
            .iter_mut()
            .filter(|method| learns(&method.id) || method.auc.value > LEAK)
        {
            method.proven = false;
            method.reason = format!("figures with a leak prove nothing: {leak}");
        }
    }
    let main = ["score", "transparent", "baseline", "prior"]
        .into_iter()
        .find(|id| figures.iter().any(|method| method.id == *id))
        .unwrap_or("prior");
    let (proven, reason) = figures
        .iter()
        .find(|method| method.id == main)
        .map_or((false, String::new()), |method| {
            (method.proven, method.reason.clone())
        });
    let paired = test.pairs(main);
    let skill = test.skills();
    let days: BTreeSet<i32> = rows
        .iter()
        .map(|row| panel.cutoffs[panel.at[*row] as usize].day)
        .collect();
    let day = |day: Option<&i32>| day.map_or_else(String::new, |day| date_of(*day).to_string());
    let report = Report {
        outcome: settings.outcome.to_owned(),
        outcome_label: settings.outcome_label.to_owned(),
        horizon_days: settings.horizon,
        from: day(days.first()),
        to: day(days.last()),
        cutoffs: days.len(),
        rows: rows.len(),
        positives,
        outcomes: test.outcomes(rows.iter().copied()),
        censored: panel
            .cutoffs
            .iter()
            .filter(|cutoff| cutoff.day >= settings.from)
            .map(|cutoff| cutoff.censored)
            .sum(),
        known_until: date_of(panel.newest).to_string(),
        proven,
        reason,
        capacity: settings.capacity,
        interval: test.interval().to_owned(),
        main: main.to_owned(),
        methods: figures,
        paired,
        skill,
        months: test.months(),
        segments: test.segments(),
        knowledge: panel.knowledge.clone(),
        warnings,
    };
    Ok(Found {
        report,
        raw,
        methods: test.methods.into_iter().map(|it| (it.id, it.scored)).collect(),
    })
}

/// Whether a method looks at measures that a leak may be among.
fn learns(id: &str) -> bool {
    matches!(id, "transparent" | "challenger" | "last_period")
}

fn tested(methods: rolling::Methods, settings: &Settings<'_>) -> Vec<Tested> {
    let hand = |id: &str, health: &[f64], probability: Vec<f64>| {
        let scored = Scored {
            risk: health.iter().map(|points| -points).collect(),
            probability,
            health: Some(health.to_vec()),
            raw: None,
        };
        Tested::new(id, label_of(id), scored, settings.red_below)
    };
    let mut tested = Vec::new();
    let by_hand = methods
        .iter()
        .find(|(id, _)| *id == HAND)
        .map(|(_, scored)| scored.probability.clone());
    if let Some(health) = settings.score {
        let nothing = || vec![f64::NAN; health.len()];
        tested.push(hand("score", health, by_hand.unwrap_or_else(nothing)));
    }
    if let Some(health) = settings.baseline {
        tested.push(hand("baseline", health, vec![f64::NAN; health.len()]));
    }
    const ORDER: [&str; 7] = [
        "transparent",
        "challenger",
        "last_period",
        "last_login",
        "tenure",
        "mrr",
        "prior",
    ];
    let mut rest: Vec<(&'static str, Scored)> = methods.into_iter().filter(|(id, _)| *id != HAND).collect();
    rest.sort_by_key(|(id, _)| ORDER.iter().position(|known| known == id));
    tested.extend(
        rest.into_iter()
            .map(|(id, scored)| Tested::new(id, label_of(id), scored, 50.0)),
    );
    tested
}

/// Rows of each class that a column is looked at on before it is looked at on all of them.
const SAMPLE: usize = 10_000;
/// An AUC on the sample from which on all rows are looked at. Where the sample is not everything it holds at least 5,000 rows of a class
/// that is not whole in it, which puts its standard error below 0.01: a column above [`LEAK`] lies above this on any.
const SUSPECT: f64 = 0.95;

/// Places of rows, ascending: all of a class that is not large, else evenly spaced ones.
fn sample(labels: &[bool]) -> Vec<usize> {
    let of = |wanted: bool| (0..labels.len()).filter(move |at| labels[*at] == wanted);
    let mut found = Vec::new();
    for wanted in [true, false] {
        let step = of(wanted).count().div_ceil(SAMPLE).max(1);
        found.extend(of(wanted).step_by(step));
    }
    found.sort_unstable();
    found
}

/// Columns that tell the outcome by themselves.
fn leaks(panel: &Panel, rows: &[usize], labels: &[bool], threads: usize) -> Vec<Warning> {
    let some = sample(labels);
    let (some_rows, some_labels): (Vec<u32>, Vec<bool>) = some
        .iter()
        .filter_map(|at| Some((u32::try_from(rows[*at]).ok()?, labels[*at])))
        .unzip();
    let all_rows: Vec<u32> = rows.iter().filter_map(|row| u32::try_from(*row).ok()).collect();
    let alone = threads::map(threads, panel.columns.len(), |at| {
        let auc = |rows: &[u32], labels: &[bool]| {
            let values = panel.columns[at].values.take(rows);
            (!screen::constant(&values))
                .then(|| screen::alone(&values, labels))
                .flatten()
        };
        let first = auc(&some_rows, &some_labels);
        if some_rows.len() == all_rows.len() || first.is_none_or(|first| first < SUSPECT) {
            return first;
        }
        auc(&all_rows, labels)
    });
    panel
        .columns
        .iter()
        .zip(alone)
        .filter_map(|(column, auc)| {
            let auc = auc.filter(|auc| *auc > LEAK)?;
            Some(Warning {
                column: Some(column.name.clone()),
                message: format!(
                    "“{}” alone tells the outcome with an AUC of {auc:.4}: it probably became known only afterwards, or is the outcome \
                     itself under another name; take it out of the program's measures",
                    column.name
                ),
                leak: true,
            })
        })
        .collect()
}

fn too_good(figures: &[Method], warnings: &mut Vec<Warning>) {
    if warnings.iter().any(|warning| warning.leak) {
        return;
    }
    if let Some(best) = figures.iter().find(|method| method.auc.value > LEAK) {
        warnings.push(Warning {
            column: None,
            message: format!(
                "“{}” reaches an AUC of {:.4}: measures together tell the outcome, which usually means that some became known only \
                 afterwards",
                best.label, best.auc.value
            ),
            leak: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use tenure_learn::Column;
    use tenure_learn::random::Random;

    use super::*;

    #[test]
    fn among_more_rows_than_are_sampled_a_column_that_tells_the_outcome_is_named_and_a_good_one_is_not() {
        let mut random = Random::new(5, 0);
        let labels: Vec<bool> = (0..60_000).map(|_| random.unit() < 0.4).collect();
        let some = sample(&labels);
        for wanted in [true, false] {
            let count = some.iter().filter(|at| labels[**at] == wanted).count();
            assert!((SAMPLE / 2..=SAMPLE).contains(&count), "{count}");
        }
        // Standard deviations apart, that give AUCs of 0.9988, 0.983 and one half.
        let mut column = |name: &str, apart: f64| {
            let mut draw = |label: &bool| {
                let bell: f64 = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                bell + if *label { apart } else { 0.0 }
            };
            Column::number(name, labels.iter().map(&mut draw).collect())
        };
        let columns = vec![
            column("afterwards", 4.3),
            column("good", 3.0),
            column("noise", 0.0),
        ];
        let panel = Panel {
            columns,
            accounts: (0..60_000).collect(),
            ..Panel::default()
        };
        let rows: Vec<usize> = (0..60_000).collect();
        let named: Vec<_> = leaks(&panel, &rows, &labels, 2)
            .into_iter()
            .map(|it| it.column)
            .collect();
        assert_eq!(named, [Some("afterwards".to_owned())]);
    }
}
