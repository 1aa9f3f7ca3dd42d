//! The back-test: every method's figures on cutoffs that it was not trained on. Pure; the same panel and settings give the same report.

use std::collections::{BTreeSet, HashMap};

use tenure_learn::evaluate::{FEWEST, LEAK, LEAST_AUC};
use tenure_learn::measure::{self, Bootstrap};
use tenure_learn::{Direction, screen, threads};

use super::panel::Panel;
use super::report::{Bin, Interval, Lead, Lift, Method, Paired, Part, PartAuc, Red, Report, Skill, Warning};
use super::rolling::{self, HAND, Scored};
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

/// One method on the rows that are tested.
struct Tested {
    id: String,
    label: String,
    scored: Scored,
    red_below: f64,
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
    };
    let methods = rolling::run(panel, &learning, &|share| progress(0.8 * share))?;
    let raw = methods
        .iter()
        .filter_map(|(id, scored)| Some(((*id).to_owned(), scored.raw.clone()?)))
        .collect();
    let tested = tested(methods, settings);
    let test = Test {
        panel,
        rows: &rows,
        settings,
    };
    let mut warnings = leaks(panel, &rows, &labels, settings.threads)?;
    let figures: Vec<Option<Method>> =
        threads::map(settings.threads, tested.len(), |at| test.method(&tested[at]));
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
    let paired = test.pairs(&tested, main);
    let skill = test.skills(&tested);
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
        outcomes: test.outcomes(&rows),
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
        months: test.months(&tested),
        segments: test.segments(&tested),
        knowledge: panel.knowledge.clone(),
        warnings,
    };
    Ok(Found {
        report,
        raw,
        methods: tested.into_iter().map(|it| (it.id, it.scored)).collect(),
    })
}

/// Whether a method looks at measures that a leak may be among.
fn learns(id: &str) -> bool {
    matches!(id, "transparent" | "challenger" | "last_period")
}

fn tested(methods: rolling::Methods, settings: &Settings<'_>) -> Vec<Tested> {
    let hand = |id: &str, health: &[f64], probability: Vec<f64>| Tested {
        id: id.to_owned(),
        label: label_of(id).to_owned(),
        scored: Scored {
            risk: health.iter().map(|points| -points).collect(),
            probability,
            health: Some(health.to_vec()),
            raw: None,
        },
        red_below: settings.red_below,
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
    tested.extend(rest.into_iter().map(|(id, scored)| Tested {
        id: id.to_owned(),
        label: label_of(id).to_owned(),
        scored,
        red_below: 50.0,
    }));
    tested
}

/// Columns that tell the outcome by themselves.
fn leaks(
    panel: &Panel,
    rows: &[usize],
    labels: &[bool],
    threads: usize,
) -> tenure_learn::Result<Vec<Warning>> {
    let rows: Vec<u32> = rows.iter().filter_map(|row| u32::try_from(*row).ok()).collect();
    let table = panel.table()?.take(&rows);
    let alone = threads::map(threads, table.columns().len(), |at| {
        let values = &table.columns()[at].values;
        (!screen::constant(values))
            .then(|| screen::alone(values, labels))
            .flatten()
    });
    Ok(table
        .columns()
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
        .collect())
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

/// The rows that are tested.
struct Test<'a> {
    panel: &'a Panel,
    rows: &'a [usize],
    settings: &'a Settings<'a>,
}

impl Test<'_> {
    fn label(&self, row: usize) -> bool {
        self.panel.labels[row] == Some(true)
    }

    fn labels(&self, rows: &[usize]) -> Vec<bool> {
        rows.iter().map(|row| self.label(*row)).collect()
    }

    /// The tested rows for which all of these hold a value.
    fn common(&self, of: &[&[f64]]) -> Vec<usize> {
        self.rows
            .iter()
            .copied()
            .filter(|row| of.iter().all(|values| !values[*row].is_nan()))
            .collect()
    }

    /// Outcomes among rows, each account's once for each day.
    fn outcomes(&self, rows: &[usize]) -> usize {
        rows.iter()
            .filter(|row| self.label(**row))
            .map(|row| (self.panel.accounts[*row], self.panel.when[*row]))
            .collect::<BTreeSet<_>>()
            .len()
    }

    fn groups(&self, rows: &[usize]) -> Vec<u64> {
        rows.iter()
            .map(|row| self.panel.accounts[*row].unsigned_abs())
            .collect()
    }

    fn repeated(&self) -> bool {
        let mut seen = std::collections::HashSet::new();
        self.rows
            .iter()
            .any(|row| !seen.insert(self.panel.accounts[*row]))
    }

    fn interval(&self) -> &'static str {
        if self.repeated() {
            "bootstrap over accounts, 500 draws"
        } else {
            "DeLong"
        }
    }

    /// AUC with its interval; nothing with one class.
    fn auc(&self, rows: &[usize], risk: &[f64]) -> Option<Interval> {
        let labels = self.labels(rows);
        let scores: Vec<f64> = rows.iter().map(|row| risk[*row]).collect();
        let plain = measure::auc(&scores, &labels)?;
        let mut seen = std::collections::HashSet::new();
        if !rows.iter().any(|row| !seen.insert(self.panel.accounts[*row])) {
            return Some(plain.into());
        }
        let bootstrap = Bootstrap::new(&labels, &self.groups(rows), DRAWS, self.settings.seed).auc(&scores);
        let found: Interval = bootstrap.map_or_else(|| plain.into(), Into::into);
        Some(Interval {
            value: plain.value,
            ..found
        })
    }

    fn method(&self, it: &Tested) -> Option<Method> {
        let rows = self.common(&[&it.scored.risk]);
        let labels = self.labels(&rows);
        let risk: Vec<f64> = rows.iter().map(|row| it.scored.risk[*row]).collect();
        let auc = self.auc(&rows, &it.scored.risk)?;
        let outcomes = self.outcomes(&rows);
        let positives = labels.iter().filter(|label| **label).count();
        let told = self.common(&[&it.scored.risk, &it.scored.probability]);
        let told_labels = self.labels(&told);
        let probabilities: Vec<f64> = told.iter().map(|row| it.scored.probability[*row]).collect();
        let known = !told.is_empty();
        let (proven, reason) = verdict(&auc, outcomes.min(rows.len() - positives), &it.id);
        let tenth = |n: usize| n.div_ceil(10);
        let capacity = |_: usize| self.settings.capacity;
        Some(Method {
            id: it.id.clone(),
            label: it.label.clone(),
            rows: rows.len(),
            positives,
            proven,
            reason,
            auc,
            pr_auc: measure::average_precision(&risk, &labels),
            log_loss: known.then(|| measure::log_loss(&probabilities, &told_labels)),
            brier: known.then(|| measure::brier(&probabilities, &told_labels)),
            ece: known.then(|| measure::ece(&probabilities, &told_labels)),
            lift_10: self.lift(&rows, &it.scored.risk, false, &tenth),
            lift_capacity: self.lift(&rows, &it.scored.risk, false, &capacity),
            lift_10_mrr: self.lift(&rows, &it.scored.risk, true, &tenth),
            lift_capacity_mrr: self.lift(&rows, &it.scored.risk, true, &capacity),
            red: it
                .scored
                .health
                .as_deref()
                .map(|health| self.red(&rows, health, it.red_below)),
            lead: it
                .scored
                .health
                .as_deref()
                .map(|health| self.lead(health, it.red_below)),
            calibration: measure::reliability(&probabilities, &told_labels, 10)
                .into_iter()
                .map(|bin| Bin {
                    rows: bin.rows,
                    predicted: bin.predicted,
                    observed: bin.observed,
                })
                .collect(),
        })
    }

    /// The tops of all cutoffs together: what a team would have looked at, month by month.
    fn lift(&self, rows: &[usize], risk: &[f64], money: bool, top: &dyn Fn(usize) -> usize) -> Option<Lift> {
        let weight = |row: usize| {
            let mrr = self.panel.mrr[row];
            if !money {
                1.0
            } else if mrr.is_nan() {
                0.0
            } else {
                mrr
            }
        };
        let (mut taken, mut held, mut hits, mut all, mut outcomes) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for of in rows.chunk_by(|a, b| self.panel.at[*a] == self.panel.at[*b]) {
            let mut order: Vec<usize> = of.to_vec();
            order.sort_by(|a, b| risk[*b].total_cmp(&risk[*a]).then(a.cmp(b)));
            let mut left = top(of.len()).min(of.len()) as f64;
            taken += left;
            // Of equal scores at the edge a part counts, so that their order does not matter.
            for tie in order.chunk_by(|a, b| risk[*a] == risk[*b]) {
                let part = (left / tie.len() as f64).clamp(0.0, 1.0);
                held += part * tie.iter().map(|row| weight(*row)).sum::<f64>();
                hits += part
                    * tie
                        .iter()
                        .filter(|row| self.label(**row))
                        .map(|row| weight(*row))
                        .sum::<f64>();
                left -= part * tie.len() as f64;
            }
            all += of.iter().map(|row| weight(*row)).sum::<f64>();
            outcomes += of
                .iter()
                .filter(|row| self.label(**row))
                .map(|row| weight(*row))
                .sum::<f64>();
        }
        (held > 0.0 && outcomes > 0.0).then(|| Lift {
            rows: taken,
            lift: hits / held / (outcomes / all),
            capture: hits / outcomes,
        })
    }

    fn red(&self, rows: &[usize], health: &[f64], below: f64) -> Red {
        let red: Vec<usize> = rows.iter().copied().filter(|row| health[*row] < below).collect();
        let hits = red.iter().filter(|row| self.label(**row)).count();
        let all = rows.iter().filter(|row| self.label(**row)).count();
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        Red {
            rows: red.len(),
            precision: share(hits, red.len()),
            recall: share(hits, all),
        }
    }

    /// Of each loss the unbroken red before it, from cutoff to cutoff.
    fn lead(&self, health: &[f64], below: f64) -> Lead {
        let mut by_account: HashMap<i64, Vec<usize>> = HashMap::new();
        for row in 0..self.panel.rows() {
            by_account.entry(self.panel.accounts[row]).or_default().push(row);
        }
        let losses: BTreeSet<(i64, i32)> = self
            .rows
            .iter()
            .filter(|row| self.label(**row))
            .filter_map(|row| Some((self.panel.accounts[*row], self.panel.when[*row]?)))
            .collect();
        let day = |row: usize| self.panel.cutoffs[self.panel.at[row] as usize].day;
        let mut leads: Vec<f64> = Vec::new();
        for (account, lost) in &losses {
            let first = by_account
                .get(account)
                .into_iter()
                .flatten()
                .rev()
                .skip_while(|row| day(**row) >= *lost)
                .take_while(|row| health[**row] < below)
                .last();
            leads.extend(first.map(|row| f64::from(lost - day(*row))));
        }
        leads.sort_unstable_by(f64::total_cmp);
        let at = |share| measure::bootstrap::quantile(&leads, share);
        Lead {
            losses: losses.len(),
            warned: leads.len(),
            median_days: at(0.5),
            low_days: at(0.25),
            high_days: at(0.75),
        }
    }

    fn pair(&self, first: &Tested, second: &Tested) -> Option<Paired> {
        let rows = self.common(&[&first.scored.risk, &second.scored.risk]);
        let labels = self.labels(&rows);
        let of = |it: &Tested| rows.iter().map(|row| it.scored.risk[*row]).collect::<Vec<f64>>();
        let (one, other) = (of(first), of(second));
        let difference = if self.repeated() {
            Bootstrap::new(&labels, &self.groups(&rows), DRAWS, self.settings.seed)
                .difference(&one, &other)?
                .into()
        } else {
            let found = measure::compare(&one, &other, &labels)?;
            Interval {
                value: found.value,
                low: found.low,
                high: found.high,
            }
        };
        Some(Paired {
            first: first.id.clone(),
            second: second.id.clone(),
            rows: rows.len(),
            difference,
        })
    }

    fn pairs(&self, tested: &[Tested], main: &str) -> Vec<Paired> {
        let mut pairs = Vec::new();
        for first in tested.iter().filter(|it| it.id == main || it.id == "transparent") {
            pairs.extend(
                tested
                    .iter()
                    .filter(|it| it.id != first.id)
                    .map(|second| (first, second)),
            );
        }
        let found = threads::map(self.settings.threads, pairs.len(), |at| {
            self.pair(pairs[at].0, pairs[at].1)
        });
        found.into_iter().flatten().collect()
    }

    fn skills(&self, tested: &[Tested]) -> Vec<Skill> {
        let by = |id: &str| tested.iter().find(|it| it.id == id);
        let Some(against) = by("baseline").or_else(|| by("score")) else {
            return Vec::new();
        };
        tested
            .iter()
            .filter(|it| {
                ["score", "transparent", "challenger"].contains(&it.id.as_str()) && it.id != against.id
            })
            .filter_map(|it| self.skill(it, against))
            .collect()
    }

    /// The ratio of two skills on the rows that both have a value for. With few outcomes, or when the lower skill may be next to none, every
    /// ratio is possible: then it is not told.
    fn skill(&self, it: &Tested, against: &Tested) -> Option<Skill> {
        let rows = self.common(&[&it.scored.risk, &against.scored.risk]);
        let labels = self.labels(&rows);
        let groups = self.groups(&rows);
        let of = |it: &Tested| rows.iter().map(|row| it.scored.risk[*row]).collect::<Vec<f64>>();
        let (own, other) = (of(it), of(against));
        let draws = Bootstrap::new(&labels, &groups, DRAWS, self.settings.seed);
        let lower = draws.auc(&other)?;
        let outcomes = self.outcomes(&rows);
        let reason = if outcomes < FEWEST {
            Some(format!("only {outcomes} outcomes; {FEWEST} are the least"))
        } else if lower.low < LEAST_AUC {
            Some(format!(
                "the AUC of what it is held against may be as low as {:.3}; below {LEAST_AUC} its skill is next to none, and divided by it every ratio is possible",
                lower.low
            ))
        } else {
            None
        };
        let ratio: Option<Interval> = match reason {
            Some(_) => None,
            None => Some(draws.skill_ratio(&own, &other)?.into()),
        };
        Some(Skill {
            method: it.id.clone(),
            against: against.id.clone(),
            reached: ratio.is_some_and(|ratio| ratio.value >= BETTER && ratio.low > 1.0),
            ratio,
            reason,
        })
    }

    fn parts(&self, name: String, rows: &[usize], censored: usize, tested: &[Tested]) -> Part {
        let auc = tested
            .iter()
            .filter(|it| it.id != "prior")
            .filter_map(|it| {
                let own: Vec<usize> = rows
                    .iter()
                    .copied()
                    .filter(|row| !it.scored.risk[*row].is_nan())
                    .collect();
                Some(PartAuc {
                    method: it.id.clone(),
                    auc: self.auc(&own, &it.scored.risk)?,
                })
            })
            .collect();
        Part {
            name,
            rows: rows.len(),
            positives: rows.iter().filter(|row| self.label(**row)).count(),
            censored,
            auc,
        }
    }

    fn months(&self, tested: &[Tested]) -> Vec<Part> {
        let cutoffs: Vec<usize> = (0..self.panel.cutoffs.len())
            .filter(|at| self.panel.cutoffs[*at].day >= self.settings.from)
            .collect();
        threads::map(self.settings.threads, cutoffs.len(), |at| {
            let cutoff = cutoffs[at];
            let rows: Vec<usize> = self
                .panel
                .of(cutoff)
                .filter(|row| self.panel.labels[*row].is_some())
                .collect();
            let held = &self.panel.cutoffs[cutoff];
            self.parts(date_of(held.day).to_string(), &rows, held.censored, tested)
        })
    }

    fn segments(&self, tested: &[Tested]) -> Vec<Part> {
        threads::map(self.settings.threads, self.panel.segments.len(), |at| {
            let rows: Vec<usize> = self
                .rows
                .iter()
                .copied()
                .filter(|row| self.panel.segment[*row] as usize == at)
                .collect();
            self.parts(self.panel.segments[at].clone(), &rows, 0, tested)
        })
        .into_iter()
        .filter(|part| part.rows > 0)
        .collect()
    }
}

fn verdict(auc: &Interval, outcomes: usize, id: &str) -> (bool, String) {
    if id == "prior" {
        return (false, "it tells no account from another".into());
    }
    if outcomes < FEWEST {
        return (false, format!("only {outcomes} outcomes; {FEWEST} are the least"));
    }
    if auc.low < LEAST_AUC {
        return (
            false,
            format!(
                "its AUC may be as low as {:.3}; {LEAST_AUC} is the least",
                auc.low
            ),
        );
    }
    (
        true,
        format!("its AUC is at least {:.3} with {outcomes} outcomes", auc.low),
    )
}
