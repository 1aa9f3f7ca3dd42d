//! The figures of a back-test's methods on the rows that are tested. Pure.
//!
//! Each method's rows are put in order once; which rows a figure is of is then a pass over that order. The draws of the bootstrap are made
//! once for all accounts that are tested, so that figures on different rows are still of the same draws.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tenure_learn::evaluate::{FEWEST, LEAST_AUC};
use tenure_learn::measure::bootstrap::{Areas, Draws, Ranked, ratio_of_skills};
use tenure_learn::{measure, threads};

use super::backtest::{BETTER, DRAWS, Settings};
use super::panel::Panel;
use super::report::{Bin, Interval, Lead, Lift, Method, Paired, Part, PartAuc, Red, Skill};
use super::rolling::Scored;
use crate::metrics::facts::date_of;

/// A method, and its rows that are tested.
pub struct Tested {
    /// Its id.
    pub id: String,
    label: String,
    /// What it said of each row of the panel.
    pub scored: Scored,
    red_below: f64,
    /// The tested rows of which it says something, by risk, the lowest first; equal ones as they come.
    order: Vec<u32>,
    /// The AUC on all of them.
    areas: OnceLock<Option<Arc<Areas>>>,
}

impl Tested {
    /// A method that is not held against rows yet.
    #[must_use]
    pub fn new(id: &str, label: &str, scored: Scored, red_below: f64) -> Self {
        Self {
            id: id.to_owned(),
            label: label.to_owned(),
            scored,
            red_below,
            order: Vec::new(),
            areas: OnceLock::new(),
        }
    }

    fn says(&self, row: u32) -> bool {
        !self.scored.risk[row as usize].is_nan()
    }

    fn risk(&self, row: u32) -> f64 {
        self.scored.risk[row as usize]
    }
}

/// AUC by the places of a method and of the one beside it; nothing with one class.
type Shared = HashMap<(usize, usize), Option<Arc<Areas>>>;

/// Methods on the rows that are tested.
pub struct Test<'a> {
    panel: &'a Panel,
    rows: &'a [usize],
    settings: &'a Settings<'a>,
    /// The methods, in the order of the report.
    pub methods: Vec<Tested>,
    /// By row of the panel, the place of its account among those that are tested.
    account: Vec<u32>,
    accounts: usize,
    /// Whether an account has several rows; then intervals are of draws of accounts.
    repeated: bool,
    draws: OnceLock<Draws>,
    /// AUC of a method on the rows of which another one says something too.
    shared: Mutex<Shared>,
}

impl<'a> Test<'a> {
    /// Puts the rows in order by every method.
    #[must_use]
    pub fn new(
        panel: &'a Panel,
        rows: &'a [usize],
        settings: &'a Settings<'a>,
        mut methods: Vec<Tested>,
    ) -> Self {
        let mut known: HashMap<i64, u32> = HashMap::new();
        let mut account = vec![u32::MAX; panel.rows()];
        for row in rows {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            account[*row] = *known.entry(panel.accounts[*row]).or_insert(next);
        }
        let orders = threads::map(settings.threads, methods.len(), |at| {
            let risk = &methods[at].scored.risk;
            let mut order: Vec<(f64, u32)> = rows
                .iter()
                .filter(|row| !risk[**row].is_nan())
                .filter_map(|row| Some((risk[*row], u32::try_from(*row).ok()?)))
                .collect();
            order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            order.into_iter().map(|(_, row)| row).collect()
        });
        for (method, order) in methods.iter_mut().zip(orders) {
            method.order = order;
        }
        Self {
            panel,
            rows,
            settings,
            methods,
            accounts: known.len(),
            repeated: known.len() < rows.len(),
            account,
            draws: OnceLock::new(),
            shared: Mutex::default(),
        }
    }

    fn label(&self, row: usize) -> bool {
        self.panel.labels[row] == Some(true)
    }

    fn draws(&self) -> &Draws {
        self.draws
            .get_or_init(|| Draws::new(self.accounts, DRAWS, self.settings.seed, self.settings.threads))
    }

    /// Outcomes among rows, each account's once for each day.
    pub fn outcomes(&self, rows: impl Iterator<Item = usize>) -> usize {
        rows.filter(|row| self.label(*row))
            .map(|row| (self.panel.accounts[row], self.panel.when[row]))
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// How intervals are made.
    pub fn interval(&self) -> &'static str {
        if self.repeated {
            "bootstrap over accounts, 500 draws"
        } else {
            "DeLong"
        }
    }

    /// The AUC of a method under every draw, on rows in order of risk.
    fn areas_of<'r>(&self, it: &Tested, rows: impl Iterator<Item = &'r u32>) -> Option<Arc<Areas>> {
        let ranked = Ranked::ascending(rows.map(|row| {
            (
                it.risk(*row),
                self.account[*row as usize],
                self.label(*row as usize),
            )
        }));
        self.draws().areas(&ranked).map(Arc::new)
    }

    fn areas(&self, it: &Tested) -> Option<Arc<Areas>> {
        it.areas
            .get_or_init(|| self.areas_of(it, it.order.iter()))
            .clone()
    }

    /// The same on the rows of which another method says something too.
    fn areas_beside(&self, at: usize, other: usize) -> Option<Arc<Areas>> {
        let (it, beside) = (&self.methods[at], &self.methods[other]);
        if it.order.iter().all(|row| beside.says(*row)) {
            return self.areas(it);
        }
        if let Some(found) = self.shared.lock().get(&(at, other)) {
            return found.clone();
        }
        let found = self.areas_of(it, it.order.iter().filter(|row| beside.says(**row)));
        self.shared.lock().insert((at, other), found.clone());
        found
    }

    /// AUC with its interval on rows in order of risk; nothing with one class.
    fn auc(&self, it: &Tested, rows: &[u32]) -> Option<Interval> {
        let mut seen = vec![false; self.accounts];
        let again = |row: &u32| std::mem::replace(&mut seen[self.account[*row as usize] as usize], true);
        if self.repeated && rows.iter().any(again) {
            let areas = if rows.len() == it.order.len() {
                self.areas(it)?
            } else {
                self.areas_of(it, rows.iter())?
            };
            if let Some(found) = Areas::interval(&[&areas], |areas| areas[0]) {
                return Some(found.into());
            }
        }
        let (scores, labels) = self.columns(it, rows);
        measure::auc(&scores, &labels).map(Into::into)
    }

    fn columns(&self, it: &Tested, rows: &[u32]) -> (Vec<f64>, Vec<bool>) {
        rows.iter()
            .map(|row| (it.risk(*row), self.label(*row as usize)))
            .unzip()
    }

    /// The figures of a method; nothing where its rows are of one class.
    pub fn method(&self, at: usize) -> Option<Method> {
        let it = &self.methods[at];
        let auc = self.auc(it, &it.order)?;
        // The highest first, as those that look for the top of a ranking put them.
        let falling: Vec<u32> = it.order.iter().rev().copied().collect();
        let (risk, labels) = self.columns(it, &falling);
        let rows = || it.order.iter().map(|row| *row as usize);
        let outcomes = self.outcomes(rows());
        let positives = labels.iter().filter(|label| **label).count();
        let (probabilities, told_labels): (Vec<f64>, Vec<bool>) = self
            .rows
            .iter()
            .filter(|row| !it.scored.risk[**row].is_nan() && !it.scored.probability[**row].is_nan())
            .map(|row| (it.scored.probability[*row], self.label(*row)))
            .unzip();
        let known = !probabilities.is_empty();
        let (proven, reason) = verdict(&auc, outcomes.min(it.order.len() - positives), &it.id);
        let calibration = measure::reliability(&probabilities, &told_labels, 10);
        let by_cutoff = self.by_cutoff(&falling);
        let tenth = |n: usize| n.div_ceil(10);
        let capacity = |_: usize| self.settings.capacity;
        let health = it.scored.health.as_deref();
        Some(Method {
            id: it.id.clone(),
            label: it.label.clone(),
            rows: it.order.len(),
            positives,
            proven,
            reason,
            auc,
            pr_auc: measure::average_precision(&risk, &labels),
            log_loss: known.then(|| measure::log_loss(&probabilities, &told_labels)),
            brier: known.then(|| measure::brier(&probabilities, &told_labels)),
            ece: known.then(|| measure::probability::ece_of(&calibration)),
            lift_10: self.lift(it, &by_cutoff, false, &tenth),
            lift_capacity: self.lift(it, &by_cutoff, false, &capacity),
            lift_10_mrr: self.lift(it, &by_cutoff, true, &tenth),
            lift_capacity_mrr: self.lift(it, &by_cutoff, true, &capacity),
            red: health.map(|health| self.red(rows(), health, it.red_below)),
            lead: health.map(|health| self.lead(health, it.red_below)),
            calibration: calibration
                .into_iter()
                .map(|bin| Bin {
                    rows: bin.rows,
                    predicted: bin.predicted,
                    observed: bin.observed,
                })
                .collect(),
        })
    }

    /// Rows in an order, by cutoff, in the same order.
    fn by_cutoff(&self, rows: &[u32]) -> Vec<Vec<u32>> {
        let mut parts = vec![Vec::new(); self.panel.cutoffs.len()];
        for row in rows {
            parts[self.panel.at[*row as usize] as usize].push(*row);
        }
        parts
    }

    /// The tops of all cutoffs together: what a team would have looked at, month by month. Rows are given by cutoff, the highest risk first.
    fn lift(
        &self,
        it: &Tested,
        by_cutoff: &[Vec<u32>],
        money: bool,
        top: &dyn Fn(usize) -> usize,
    ) -> Option<Lift> {
        let weight = |row: u32| {
            let mrr = self.panel.mrr[row as usize];
            if !money {
                1.0
            } else if mrr.is_nan() {
                0.0
            } else {
                mrr
            }
        };
        let outcomes_of = |rows: &[u32]| -> f64 {
            rows.iter()
                .filter(|row| self.label(**row as usize))
                .map(|row| weight(*row))
                .sum()
        };
        let (mut taken, mut held, mut hits, mut all, mut outcomes) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for of in by_cutoff.iter().filter(|of| !of.is_empty()) {
            let mut left = top(of.len()).min(of.len()) as f64;
            taken += left;
            // Of equal scores at the edge a part counts, so that their order does not matter.
            for tie in of.chunk_by(|a, b| it.risk(*a) == it.risk(*b)) {
                if left <= 0.0 {
                    break;
                }
                let part = (left / tie.len() as f64).clamp(0.0, 1.0);
                held += part * tie.iter().map(|row| weight(*row)).sum::<f64>();
                hits += part * outcomes_of(tie);
                left -= part * tie.len() as f64;
            }
            all += of.iter().map(|row| weight(*row)).sum::<f64>();
            outcomes += outcomes_of(of);
        }
        (held > 0.0 && outcomes > 0.0).then(|| Lift {
            rows: taken,
            lift: hits / held / (outcomes / all),
            capture: hits / outcomes,
        })
    }

    fn red(&self, rows: impl Iterator<Item = usize>, health: &[f64], below: f64) -> Red {
        let (mut red, mut hits, mut all) = (0, 0, 0);
        for row in rows {
            let (under, came) = (health[row] < below, self.label(row));
            red += usize::from(under);
            hits += usize::from(under && came);
            all += usize::from(came);
        }
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        Red {
            rows: red,
            precision: share(hits, red),
            recall: share(hits, all),
        }
    }

    /// Of each loss the unbroken red before it, from cutoff to cutoff.
    fn lead(&self, health: &[f64], below: f64) -> Lead {
        let losses: BTreeSet<(i64, i32)> = self
            .rows
            .iter()
            .filter(|row| self.label(**row))
            .filter_map(|row| Some((self.panel.accounts[*row], self.panel.when[*row]?)))
            .collect();
        let mut by_account: HashMap<i64, Vec<usize>> =
            losses.iter().map(|(account, _)| (*account, Vec::new())).collect();
        for row in 0..self.panel.rows() {
            if let Some(rows) = by_account.get_mut(&self.panel.accounts[row]) {
                rows.push(row);
            }
        }
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

    /// The rows of which both methods say something, in the panel's order.
    fn common(&self, first: &Tested, second: &Tested) -> Vec<u32> {
        let rows = self.rows.iter().filter_map(|row| u32::try_from(*row).ok());
        rows.filter(|row| first.says(*row) && second.says(*row)).collect()
    }

    fn pair(&self, first: usize, second: usize) -> Option<Paired> {
        let (one, other) = (&self.methods[first], &self.methods[second]);
        let rows = self.common(one, other);
        let difference = if self.repeated {
            let areas = [
                self.areas_beside(first, second)?,
                self.areas_beside(second, first)?,
            ];
            Areas::interval(&[&areas[0], &areas[1]], |areas| areas[0] - areas[1])?.into()
        } else {
            let (scores, labels) = self.columns(one, &rows);
            let found = measure::compare(&scores, &self.columns(other, &rows).0, &labels)?;
            Interval {
                value: found.value,
                low: found.low,
                high: found.high,
            }
        };
        Some(Paired {
            first: one.id.clone(),
            second: other.id.clone(),
            rows: rows.len(),
            difference,
        })
    }

    /// Every method held against the one that the report is about, and against the transparent score.
    pub fn pairs(&self, main: &str) -> Vec<Paired> {
        let mut pairs = Vec::new();
        for (first, it) in self.methods.iter().enumerate() {
            if it.id == main || it.id == "transparent" {
                let others = (0..self.methods.len()).filter(|second| *second != first);
                pairs.extend(others.map(|second| (first, second)));
            }
        }
        let found = threads::map(self.settings.threads, pairs.len(), |at| {
            self.pair(pairs[at].0, pairs[at].1)
        });
        found.into_iter().flatten().collect()
    }

    /// Skills held against the frozen baseline's, or against that of the score set by hand.
    pub fn skills(&self) -> Vec<Skill> {
        let by = |id: &str| self.methods.iter().position(|it| it.id == id);
        let Some(against) = by("baseline").or_else(|| by("score")) else {
            return Vec::new();
        };
        (0..self.methods.len())
            .filter(|at| {
                ["score", "transparent", "challenger"].contains(&self.methods[*at].id.as_str())
                    && *at != against
            })
            .filter_map(|at| self.skill(at, against))
            .collect()
    }

    /// The ratio of two skills on the rows that both have a value for. With few outcomes, or when the lower skill may be next to none, every
    /// ratio is possible: then it is not told.
    fn skill(&self, at: usize, against: usize) -> Option<Skill> {
        let (it, other) = (&self.methods[at], &self.methods[against]);
        let (own, held) = (self.areas_beside(at, against)?, self.areas_beside(against, at)?);
        let lower = Areas::interval(&[&held], |areas| areas[0])?;
        let outcomes = self.outcomes(self.common(it, other).into_iter().map(|row| row as usize));
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
            None => Some(Areas::interval(&[&own, &held], ratio_of_skills)?.into()),
        };
        Some(Skill {
            method: it.id.clone(),
            against: other.id.clone(),
            reached: ratio.is_some_and(|ratio| ratio.value >= BETTER && ratio.low > 1.0),
            ratio,
            reason,
        })
    }

    /// The figures of a part of the rows; `of` gives a method's in order of risk.
    fn part(
        &self,
        name: String,
        rows: impl Iterator<Item = usize>,
        censored: usize,
        of: impl Fn(usize) -> Vec<u32>,
    ) -> Part {
        let auc = (0..self.methods.len())
            .filter(|at| self.methods[*at].id != "prior")
            .filter_map(|at| {
                let it = &self.methods[at];
                Some(PartAuc {
                    method: it.id.clone(),
                    auc: self.auc(it, &of(at))?,
                })
            })
            .collect();
        let (mut count, mut positives) = (0, 0);
        for row in rows {
            count += 1;
            positives += usize::from(self.label(row));
        }
        Part {
            name,
            rows: count,
            positives,
            censored,
            auc,
        }
    }

    /// The figures of each cutoff.
    pub fn months(&self) -> Vec<Part> {
        let cutoffs: Vec<usize> = (0..self.panel.cutoffs.len())
            .filter(|at| self.panel.cutoffs[*at].day >= self.settings.from)
            .collect();
        let orders = threads::map(self.settings.threads, self.methods.len(), |at| {
            self.by_cutoff(&self.methods[at].order)
        });
        threads::map(self.settings.threads, cutoffs.len(), |at| {
            let cutoff = cutoffs[at];
            let labelled = |row: &usize| self.panel.labels[*row].is_some();
            let held = &self.panel.cutoffs[cutoff];
            let rows = self.panel.of(cutoff).filter(labelled);
            self.part(date_of(held.day).to_string(), rows, held.censored, |method| {
                orders[method][cutoff].clone()
            })
        })
    }

    /// The figures of each segment that has rows.
    pub fn segments(&self) -> Vec<Part> {
        threads::map(self.settings.threads, self.panel.segments.len(), |at| {
            let own = |row: usize| self.panel.segment[row] as usize == at;
            let rows = self.rows.iter().copied().filter(|row| own(*row));
            self.part(self.panel.segments[at].clone(), rows, 0, |method| {
                let order = self.methods[method].order.iter().copied();
                order.filter(|row| own(*row as usize)).collect()
            })
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
