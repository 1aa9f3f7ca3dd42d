//! Penalised logistic regression by Newton's steps (iteratively reweighted least squares; Hastie, Tibshirani and Friedman 2009, 4.4.1).

use serde::{Deserialize, Serialize};

use crate::boost::{check_labels, log_odds};
use crate::error::{Error, Result};
use crate::screen;
use crate::table::{Table, Values};

/// Most columns of the design; beyond them those that say most alone are taken.
const MOST: usize = 200;

/// Most categories of a column that get a column of their own.
const MOST_CATEGORIES: usize = 30;

/// A design by rows with an outcome.
pub(crate) struct Problem<'a> {
    /// `width` numbers per row.
    pub design: &'a [f64],
    /// Columns of the design.
    pub width: usize,
    /// Outcomes.
    pub labels: &'a [bool],
    /// Fixed part of the log-odds per row.
    pub offset: Option<&'a [f64]>,
    /// Weights per row.
    pub weights: Option<&'a [f64]>,
    /// Penalty on half the squared coefficient, per column; the intercept has none.
    pub penalty: &'a [f64],
}

/// Intercept and coefficients of the maximum.
///
/// # Errors
/// [`Error::Unsettled`] when the curvature cannot be inverted.
pub(crate) fn newton(problem: &Problem<'_>) -> Result<(f64, Vec<f64>)> {
    let mut at = climb(problem, begin(problem))?;
    let coefficients = at.split_off(1);
    Ok((at[0], coefficients))
}

/// Rows from which on the climb begins at the maximum of some of them, which is near: the steps before it cost a fraction.
const LARGE: usize = 20_000;
/// Of so many rows one is looked at first.
const EVERY: usize = 16;

/// Where the climb begins: nowhere, or at the maximum of evenly spaced rows.
fn begin(problem: &Problem<'_>) -> Vec<f64> {
    let nowhere = vec![0.0; problem.width + 1];
    if problem.labels.len() < LARGE {
        return nowhere;
    }
    let rows = || (0..problem.labels.len()).step_by(EVERY);
    let line = |row: usize| &problem.design[row * problem.width..(row + 1) * problem.width];
    let design: Vec<f64> = rows().flat_map(line).copied().collect();
    let labels: Vec<bool> = rows().map(|row| problem.labels[row]).collect();
    let of =
        |values: Option<&[f64]>| values.map(|values| rows().map(|row| values[row]).collect::<Vec<f64>>());
    let (offset, weights) = (of(problem.offset), of(problem.weights));
    let penalty: Vec<f64> = problem.penalty.iter().map(|l2| l2 / EVERY as f64).collect();
    let some = Problem {
        design: &design,
        labels: &labels,
        offset: offset.as_deref(),
        weights: weights.as_deref(),
        penalty: &penalty,
        ..*problem
    };
    let near = climb(&some, nowhere.clone()).unwrap_or_default();
    if near.len() == nowhere.len() && near.iter().all(|at| at.is_finite()) {
        near
    } else {
        nowhere
    }
}

fn climb(problem: &Problem<'_>, mut at: Vec<f64>) -> Result<Vec<f64>> {
    let size = problem.width + 1;
    let (mut loss, mut gradient, mut curvature) = derivatives(problem, &at);
    for _ in 0..50 {
        let step = solve(&mut curvature, gradient, size).ok_or(Error::Unsettled {
            what: "the logistic regression",
        })?;
        // A full step may overshoot where probabilities are near 0 or 1; halving it always ends.
        let mut scale = 1.0;
        let (next, now, slope, bend) = loop {
            let next: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at - scale * step).collect();
            let (now, slope, bend) = derivatives(problem, &next);
            if now <= loss + 1e-12 * loss.abs() || scale < 1e-4 {
                break (next, now, slope, bend);
            }
            scale /= 2.0;
        };
        let settled = (loss - now).abs() < 1e-10 * (1.0 + now.abs());
        (at, loss, gradient, curvature) = (next, now, slope, bend);
        if settled {
            break;
        }
    }
    Ok(at)
}

fn row_score(problem: &Problem<'_>, at: &[f64], row: usize) -> f64 {
    let x = &problem.design[row * problem.width..(row + 1) * problem.width];
    at[0]
        + problem.offset.map_or(0.0, |offset| offset[row])
        + x.iter().zip(&at[1..]).map(|(x, b)| x * b).sum::<f64>()
}

/// The loss at a point, its gradient, and its curvature below the diagonal, in one pass over the rows.
fn derivatives(problem: &Problem<'_>, at: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let size = problem.width + 1;
    let mut loss = 0.0;
    let mut gradient = vec![0.0; size];
    let mut curvature = vec![0.0; size * size];
    // The sum of ln(1 + x) of rows of one weight is the logarithm of a product, which so many factors up to 2 cannot overflow.
    const FACTORS: usize = 512;
    let (mut product, mut factors, mut common) = (1.0_f64, 0, 1.0);
    for row in 0..problem.labels.len() {
        let weight = problem.weights.map_or(1.0, |w| w[row]);
        let score = row_score(problem, at, row);
        // One exponential tells ln(1 + e^s), without overflow, and the probability.
        let small = (-score.abs()).exp();
        let p = if score < 0.0 {
            small / (1.0 + small)
        } else {
            1.0 / (1.0 + small)
        };
        let came = if problem.labels[row] { 1.0 } else { 0.0 };
        loss += weight * (score.max(0.0) - came * score);
        if factors == FACTORS || weight != common {
            loss += common * product.ln();
            (product, factors, common) = (1.0, 0, weight);
        }
        product *= 1.0 + small;
        factors += 1;
        let g = weight * (p - came);
        let h = weight * (p * (1.0 - p)).max(1e-10);
        let x = &problem.design[row * problem.width..(row + 1) * problem.width];
        gradient[0] += g;
        curvature[0] += h;
        for (i, xi) in x.iter().enumerate() {
            gradient[i + 1] += g * xi;
            let hx = h * xi;
            let line = &mut curvature[(i + 1) * size..(i + 1) * size + i + 2];
            line[0] += hx;
            for (cell, xj) in line[1..].iter_mut().zip(x) {
                *cell += hx * xj;
            }
        }
    }
    loss += common * product.ln();
    for (i, l2) in problem.penalty.iter().enumerate() {
        loss += 0.5 * l2 * at[i + 1] * at[i + 1];
        gradient[i + 1] += l2 * at[i + 1];
        // A trace keeps a column that says the same as another from being without curvature.
        curvature[(i + 1) * size + i + 1] += l2 + 1e-9;
    }
    (loss, gradient, curvature)
}

/// Solves by Cholesky; the lower triangle of `a` is read and overwritten.
fn solve(a: &mut [f64], mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let (before, line) = a.split_at_mut(i * n);
            let done = if i == j {
                line[..j].iter().map(|x| x * x).sum::<f64>()
            } else {
                line[..j]
                    .iter()
                    .zip(&before[j * n..j * n + j])
                    .map(|(x, y)| x * y)
                    .sum::<f64>()
            };
            let left = line[j] - done;
            if i == j {
                if left.is_nan() || left <= 0.0 {
                    return None;
                }
                line[j] = left.sqrt();
            } else {
                line[j] = left / before[j * n + j];
            }
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|j| a[i * n + j] * b[j]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|j| a[j * n + i] * b[j]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    Some(b)
}

/// One column of the design and its coefficient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Term {
    /// `(value − centre) / scale`, nothing where missing.
    Number { column: String, centre: f64, scale: f64 },
    /// 1 where the value is missing.
    Missing { column: String },
    /// 1 where the category is this one.
    Category { column: String, name: String },
}

/// A logistic regression on numbers and categories as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    intercept: f64,
    terms: Vec<(Term, f64)>,
}

/// Fits with penalty `l2` on half the squared coefficients (1 = scikit-learn's default) of standardised columns; missing numbers count as
/// the mean and have a column of their own, categories one each.
///
/// # Errors
/// Those of the labels; [`Error::NoColumns`] when no column differs between rows; [`Error::Unsettled`].
pub fn train(table: &Table, labels: &[bool], weights: Option<&[f64]>, l2: f64) -> Result<Logistic> {
    check_labels(table, labels, weights)?;
    let columns = screen::strongest(table, labels, MOST, 1);
    let mut terms = terms(&table.only(&columns));
    terms.truncate(2 * MOST);
    if terms.is_empty() {
        return Err(Error::NoColumns {
            reason: "every column has one value only".into(),
        });
    }
    let design = design(&terms, table)?;
    let penalty = vec![l2; terms.len()];
    let problem = Problem {
        design: &design,
        width: terms.len(),
        labels,
        offset: None,
        weights,
        penalty: &penalty,
    };
    let (intercept, coefficients) = newton(&problem)?;
    Ok(Logistic {
        intercept,
        terms: terms.into_iter().zip(coefficients).collect(),
    })
}

fn terms(table: &Table) -> Vec<Term> {
    let mut terms = Vec::new();
    for column in table.columns() {
        let name = || column.name.clone();
        let missing = match &column.values {
            Values::Number(values) => {
                let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
                let n = known.len().max(1) as f64;
                let centre = known.iter().sum::<f64>() / n;
                let scale = (known.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / n).sqrt();
                if scale.is_finite() && scale > 1e-12 * centre.abs() {
                    terms.push(Term::Number {
                        column: name(),
                        centre,
                        scale,
                    });
                }
                values.len() - known.len()
            }
            Values::Category { codes, names } => {
                let mut counts = vec![0usize; names.len()];
                let mut missing = 0;
                for code in codes {
                    match counts.get_mut(*code as usize) {
                        Some(count) => *count += 1,
                        None => missing += 1,
                    }
                }
                let mut order: Vec<usize> = (0..names.len()).filter(|at| counts[*at] >= 5).collect();
                order.sort_by_key(|at| (std::cmp::Reverse(counts[*at]), *at));
                order.truncate(MOST_CATEGORIES);
                if counts.iter().filter(|count| **count > 0).count() > 1 {
                    terms.extend(order.into_iter().map(|at| Term::Category {
                        column: name(),
                        name: names[at].clone(),
                    }));
                }
                missing
            }
        };
        if missing > 0 && missing < column.values.len() {
            terms.push(Term::Missing { column: name() });
        }
    }
    terms
}

fn design(terms: &[Term], table: &Table) -> Result<Vec<f64>> {
    let width = terms.len();
    let mut design = vec![0.0; width * table.rows()];
    for (at, term) in terms.iter().enumerate() {
        let (Term::Number { column, .. } | Term::Missing { column } | Term::Category { column, .. }) = term;
        let cells = design.iter_mut().skip(at).step_by(width);
        match (term, &table.columns()[table.find(column)?].values) {
            (Term::Number { centre, scale, .. }, Values::Number(values)) => {
                cells.zip(values).for_each(|(cell, value)| {
                    *cell = if value.is_nan() {
                        0.0
                    } else {
                        (value - centre) / scale
                    };
                });
            }
            (Term::Missing { .. }, Values::Number(values)) => {
                cells
                    .zip(values)
                    .for_each(|(cell, value)| *cell = f64::from(u8::from(value.is_nan())));
            }
            (Term::Missing { .. }, Values::Category { codes, names }) => cells
                .zip(codes)
                .for_each(|(cell, code)| *cell = f64::from(u8::from(*code as usize >= names.len()))),
            (Term::Category { name, .. }, Values::Category { codes, names }) => {
                let wanted = names.iter().position(|known| known == name);
                cells
                    .zip(codes)
                    .for_each(|(cell, code)| *cell = f64::from(u8::from(Some(*code as usize) == wanted)));
            }
            // A column that changed its kind says nothing that the model knows.
            _ => {}
        }
    }
    Ok(design)
}

impl Logistic {
    /// Log-odds per row.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when the table lacks a column of the model.
    pub fn score(&self, table: &Table) -> Result<Vec<f64>> {
        let (terms, weights): (Vec<Term>, Vec<f64>) = self.terms.iter().cloned().unzip();
        let design = design(&terms, table)?;
        Ok(design
            .chunks_exact(terms.len())
            .map(|x| self.intercept + x.iter().zip(&weights).map(|(x, b)| x * b).sum::<f64>())
            .collect())
    }
}

/// Log-odds of a single number by logistic regression without penalty, for baselines: `a + b·x`, missing counting as the mean.
///
/// # Errors
/// As [`train`].
pub fn single(table: &Table, column: usize, labels: &[bool]) -> Result<Logistic> {
    match train(&table.only(&[column]), labels, None, 1e-6) {
        Err(Error::NoColumns { .. }) => {
            let share = labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64;
            Ok(Logistic {
                intercept: log_odds(share),
                terms: vec![(
                    Term::Missing {
                        column: table.columns()[column].name.clone(),
                    },
                    0.0,
                )],
            })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boost::probability;
    use crate::random::Random;
    use crate::table::Column;

    #[test]
    fn the_gradient_is_nothing_at_the_maximum() {
        let mut random = Random::new(1, 0);
        let n = 300;
        let design: Vec<f64> = (0..n * 3).map(|_| random.unit() * 2.0 - 1.0).collect();
        let labels: Vec<bool> = (0..n)
            .map(|row| random.unit() < probability(2.0 * design[row * 3] - design[row * 3 + 1]))
            .collect();
        let offset: Vec<f64> = (0..n).map(|_| random.unit()).collect();
        let penalty = [0.5, 1.0, 2.0];
        let problem = Problem {
            design: &design,
            width: 3,
            labels: &labels,
            offset: Some(&offset),
            weights: None,
            penalty: &penalty,
        };
        let (a, b) = newton(&problem).unwrap();
        // Written out anew, from the definition.
        for j in 0..4 {
            let mut sum = if j == 0 { 0.0 } else { penalty[j - 1] * b[j - 1] };
            for row in 0..n {
                let x = &design[row * 3..row * 3 + 3];
                let p = probability(a + offset[row] + x[0] * b[0] + x[1] * b[1] + x[2] * b[2]);
                sum += (p - if labels[row] { 1.0 } else { 0.0 }) * if j == 0 { 1.0 } else { x[j - 1] };
            }
            assert!(sum.abs() < 1e-5, "{j}: {sum}");
        }
        assert!((b[0] - 2.0).abs() < 0.6 && (b[1] + 1.0).abs() < 0.6, "{b:?}");
    }

    #[test]
    fn many_rows_have_the_same_maximum_wherever_the_climb_begins() {
        let mut random = Random::new(2, 0);
        let n = 2 * LARGE;
        let design: Vec<f64> = (0..n * 2).map(|_| random.unit() * 4.0 - 2.0).collect();
        let labels: Vec<bool> = (0..n)
            .map(|row| random.unit() < probability(design[row * 2] - 3.0))
            .collect();
        let weights: Vec<f64> = (0..n).map(|row| 1.0 + (row % 3) as f64).collect();
        let problem = Problem {
            design: &design,
            width: 2,
            labels: &labels,
            offset: None,
            weights: Some(&weights),
            penalty: &[1.0, 1.0],
        };
        let (near, far) = (
            climb(&problem, begin(&problem)).unwrap(),
            climb(&problem, vec![0.0; 3]).unwrap(),
        );
        assert!(begin(&problem).iter().all(|at| *at != 0.0));
        for (a, b) in near.iter().zip(&far) {
            assert!((a - b).abs() < 1e-7, "{near:?} {far:?}");
        }
    }

    #[test]
    fn separable_and_constant_columns_do_not_break_it() {
        let table = Table::new(vec![
            Column::number("x", (0..20).map(f64::from).collect()),
            Column::number("same", vec![3.0; 20]),
            Column::number("twice", (0..20).map(|v| 2.0 * f64::from(v)).collect()),
            Column::category("c", (0..20).map(|v| if v % 3 == 0 { "a" } else { "" })),
        ])
        .unwrap();
        let labels: Vec<bool> = (0..20).map(|v| v >= 10).collect();
        let scores = train(&table, &labels, None, 1.0).unwrap().score(&table).unwrap();
        assert!(scores[19] > scores[0] && scores.iter().all(|score| score.is_finite()));
        let constant = table.only(&[1]);
        assert!(matches!(
            train(&constant, &labels, None, 1.0),
            Err(Error::NoColumns { .. })
        ));
    }
}
