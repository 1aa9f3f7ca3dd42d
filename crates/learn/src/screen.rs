//! Which columns are worth looking at, and which know the answer.

use crate::binning::{self, Cuts};
use crate::measure;
use crate::table::{Table, Values};
use crate::threads;

/// What a column says alone: its strength in training rows, as G²-like information per bin beyond its degrees of freedom.
fn strength(table: &Table, at: usize, labels: &[bool]) -> f64 {
    let cuts = binning::cut(&table.only(&[at]), labels, 16, 1);
    let bins = cuts[0].apply(&table.columns()[at].values);
    let width = cuts[0].bins() + 1;
    let mut counts = vec![(0.0f64, 0.0f64); width];
    for (bin, label) in bins.iter().zip(labels) {
        let cell = &mut counts[usize::from(*bin)];
        cell.0 += 1.0;
        cell.1 += f64::from(u8::from(*label));
    }
    let (rows, hits) = counts
        .iter()
        .fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    let share = hits / f64::max(rows, 1.0);
    let used = counts.iter().filter(|cell| cell.0 > 0.0).count() as f64;
    // Pearson's chi-squared against the common share, less what chance alone gives.
    let chi: f64 = counts
        .iter()
        .filter(|cell| cell.0 > 0.0)
        .map(|(n, k)| (k - n * share).powi(2) / (n * (share * (1.0 - share)).max(1e-12)))
        .sum();
    chi - (used - 1.0)
}

/// Indices of the columns that are not constant, at most `most`: those that say most alone, in the order of the table.
pub fn strongest(table: &Table, labels: &[bool], most: usize, threads: usize) -> Vec<usize> {
    let useful: Vec<usize> = (0..table.columns().len())
        .filter(|at| !constant(&table.columns()[*at].values))
        .collect();
    if useful.len() <= most {
        return useful;
    }
    let strengths = threads::map(threads, useful.len(), |at| strength(table, useful[at], labels));
    let mut order: Vec<usize> = (0..useful.len()).collect();
    order.sort_by(|a, b| strengths[*b].total_cmp(&strengths[*a]).then(a.cmp(b)));
    let mut kept: Vec<usize> = order.into_iter().take(most).map(|at| useful[at]).collect();
    kept.sort_unstable();
    kept
}

/// Whether all values are the same; missing counts as a value.
pub fn constant(values: &Values) -> bool {
    match values {
        Values::Number(values) => values
            .windows(2)
            .all(|pair| pair[0] == pair[1] || (pair[0].is_nan() && pair[1].is_nan())),
        Values::Category { codes, .. } => codes.windows(2).all(|pair| pair[0] == pair[1]),
    }
}

/// Whether no value is known.
pub fn all_missing(values: &Values) -> bool {
    match values {
        Values::Number(values) => values.iter().all(|value| value.is_nan()),
        Values::Category { codes, names } => codes.iter().all(|code| *code as usize >= names.len()),
    }
}

/// How well one column alone tells the outcome, as an AUC of at least one half: by its numbers in either direction, by its categories'
/// rates where they hold at least five rows each on average, or by whether it is missing. Nothing with one class only.
pub fn alone(values: &Values, labels: &[bool]) -> Option<f64> {
    let either = |scores: &[f64]| measure::auc(scores, labels).map(|auc| auc.value.max(1.0 - auc.value));
    match values {
        Values::Number(values) => {
            let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            let gone: Vec<f64> = values
                .iter()
                .map(|value| f64::from(u8::from(value.is_nan())))
                .collect();
            let lowest = known.iter().copied().fold(0.0, f64::min) - 1.0;
            let low: Vec<f64> = values
                .iter()
                .map(|v| if v.is_nan() { lowest } else { *v })
                .collect();
            Some(either(&gone)?.max(either(&low)?))
        }
        Values::Category { codes, names } => {
            let column = crate::Column {
                name: String::new(),
                values: Values::Category {
                    codes: codes.clone(),
                    names: names.clone(),
                },
            };
            let table = Table::new(vec![column]).ok()?;
            let cuts: Vec<Cuts> = binning::cut(&table, labels, binning::MOST_BINS, 1);
            let bins: Vec<f64> = cuts[0].apply(values).into_iter().map(f64::from).collect();
            either(&bins)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::table::Column;

    #[test]
    fn the_columns_that_speak_are_kept_and_constants_are_not() {
        let mut random = Random::new(2, 0);
        let labels: Vec<bool> = (0..500).map(|_| random.unit() < 0.4).collect();
        let mut columns = vec![Column::number("constant", vec![1.0; 500])];
        for at in 0..20 {
            let strength = if at == 7 || at == 12 { 1.0 } else { 0.0 };
            let values = labels
                .iter()
                .map(|l| random.unit() + strength * f64::from(u8::from(*l)))
                .collect();
            columns.push(Column::number(format!("c{at}"), values));
        }
        let table = Table::new(columns).unwrap();
        assert_eq!(strongest(&table, &labels, 2, 2), vec![8, 13]);
        assert_eq!(strongest(&table, &labels, 100, 1).len(), 20);
    }

    #[test]
    fn a_column_that_knows_the_answer_is_found_in_each_form() {
        let labels: Vec<bool> = (0..100).map(|at| at % 3 == 0).collect();
        let number = Values::Number(labels.iter().map(|l| if *l { -1.0 } else { 2.0 }).collect());
        let gone = Values::Number(labels.iter().map(|l| if *l { f64::NAN } else { 2.0 }).collect());
        let text = Column::category("x", labels.iter().map(|l| if *l { "yes" } else { "no" })).values;
        for values in [number, gone, text] {
            assert_eq!(alone(&values, &labels), Some(1.0));
        }
        let nothing = Values::Number((0..100).map(|at| f64::from(at % 7)).collect());
        assert!(alone(&nothing, &labels).unwrap() < 0.7);
    }
}
