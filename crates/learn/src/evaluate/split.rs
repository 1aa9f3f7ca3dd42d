//! Which rows are trained on and which are tested.

use crate::error::{Error, Result};
use crate::random::Random;

/// One training and one test set.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What to call it in messages.
    pub name: String,
    /// Rows to train on.
    pub train: Vec<u32>,
    /// Rows to test on.
    pub test: Vec<u32>,
}

/// All parts of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The parts.
    pub parts: Vec<Part>,
    /// When the rows are from, if that is how they are split; the newest training rows then calibrate.
    pub times: Option<Vec<f64>>,
}

impl Plan {
    /// Each fold is tested by a model trained on the others. `folds` names each row's fold.
    ///
    /// # Errors
    /// [`Error::Split`] with fewer than two folds, and when rows of one group lie in several folds.
    pub fn folds(folds: &[u64], groups: Option<&[u64]>) -> Result<Self> {
        let mut names: Vec<u64> = folds.to_vec();
        names.sort_unstable();
        names.dedup();
        if names.len() < 2 {
            return Err(Error::Split {
                part: "the folds".into(),
                problem: format!("there is {} only", names.len()),
                remedy: "give at least two",
            });
        }
        let mut of_group = std::collections::HashMap::new();
        for (row, fold) in folds.iter().enumerate() {
            if let Some(groups) = groups
                && *of_group.entry(groups[row]).or_insert(*fold) != *fold
            {
                return Err(Error::Split {
                    part: "the folds".into(),
                    problem: format!("row {} has its group's other rows in another fold", row + 1),
                    remedy: "keep a group's rows in one fold, or leave the group out",
                });
            }
        }
        let rows = |keep: &dyn Fn(u64) -> bool| {
            (0..folds.len() as u32)
                .filter(|row| keep(folds[*row as usize]))
                .collect::<Vec<u32>>()
        };
        let parts = names
            .iter()
            .map(|name| Part {
                name: format!("fold {name}"),
                train: rows(&|fold| fold != *name),
                test: rows(&|fold| fold == *name),
            })
            .collect();
        Ok(Self { parts, times: None })
    }

    /// Rows before `split` train, rows from `split` on are tested. Rows without a time belong to neither side.
    ///
    /// # Errors
    /// [`Error::Split`] when a side is empty.
    pub fn time(times: Vec<f64>, split: f64) -> Result<Self> {
        let rows = |keep: &dyn Fn(f64) -> bool| {
            (0..times.len() as u32)
                .filter(|row| keep(times[*row as usize]))
                .collect::<Vec<u32>>()
        };
        let (train, test) = (rows(&|time| time < split), rows(&|time| time >= split));
        for (side, rows) in [("before the split", &train), ("from the split on", &test)] {
            if rows.is_empty() {
                return Err(Error::Split {
                    part: side.into(),
                    problem: "there are no rows".into(),
                    remedy: "choose a day within the data",
                });
            }
        }
        Ok(Self {
            parts: vec![Part {
                name: "the time split".into(),
                train,
                test,
            }],
            times: Some(times),
        })
    }

    /// Both classes on the side that trains, in every part.
    pub(super) fn check(&self, labels: &[bool], target: &str) -> Result<()> {
        for part in &self.parts {
            let hits = part.train.iter().filter(|row| labels[**row as usize]).count();
            if hits == 0 || hits == part.train.len() {
                return Err(Error::OneClass {
                    column: target.to_owned(),
                    positives: hits,
                    rows: part.train.len(),
                    remedy: format!(
                        "{} leaves nothing to learn; take fewer folds or another split",
                        part.name
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Folds by seed: whole groups, both classes spread evenly as far as groups allow.
///
/// # Errors
/// [`Error::Setting`] for fewer than two folds or more than there are rows.
pub fn seeded(labels: &[bool], groups: Option<&[u64]>, folds: usize, seed: u64) -> Result<Vec<u64>> {
    if folds < 2 || folds > labels.len() {
        return Err(Error::Setting {
            setting: "folds",
            value: folds.to_string(),
            remedy: "take at least 2 and at most as many as there are rows",
        });
    }
    let mut order: Vec<u64> = Vec::new();
    let mut hits: std::collections::HashMap<u64, bool> = std::collections::HashMap::new();
    for (row, label) in labels.iter().enumerate() {
        let group = groups.map_or(row as u64, |groups| groups[row]);
        *hits.entry(group).or_insert_with(|| {
            order.push(group);
            false
        }) |= *label;
    }
    Random::new(seed, 0).shuffle(&mut order);
    // Groups with the outcome are dealt first, then the others: so every fold gets its share of both.
    order.sort_by_key(|group| !hits[group]);
    let fold: std::collections::HashMap<u64, u64> = order
        .iter()
        .enumerate()
        .map(|(at, group)| (*group, (at % folds) as u64))
        .collect();
    Ok((0..labels.len())
        .map(|row| fold[&groups.map_or(row as u64, |groups| groups[row])])
        .collect())
}
