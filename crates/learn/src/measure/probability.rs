//! Whether probabilities mean what they say.

use serde::Serialize;

/// Mean squared distance between probability and outcome (Brier 1950).
pub fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    mean(probabilities, labels, |p, y| (p - y).powi(2))
}

/// Mean negative log-likelihood in nats; probabilities are kept 1e-15 away from 0 and 1.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    mean(probabilities, labels, |p, y| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

fn mean(probabilities: &[f64], labels: &[bool], of: impl Fn(f64, f64) -> f64) -> f64 {
    let sum: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(p, label)| of(*p, f64::from(u8::from(*label))))
        .sum();
    sum / labels.len().max(1) as f64
}

/// One bin of a reliability table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Rows.
    pub rows: usize,
    /// Mean probability.
    pub predicted: f64,
    /// Share with the outcome.
    pub observed: f64,
}

/// Rows in ascending order of probability, in `bins` parts of equal count.
pub fn reliability(probabilities: &[f64], labels: &[bool], bins: usize) -> Vec<Reliability> {
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    order.sort_by(|a, b| probabilities[*a as usize].total_cmp(&probabilities[*b as usize]));
    (0..bins)
        .map(|bin| &order[bin * order.len() / bins..(bin + 1) * order.len() / bins])
        .filter(|rows| !rows.is_empty())
        .map(|rows| {
            let n = rows.len() as f64;
            Reliability {
                rows: rows.len(),
                predicted: rows.iter().map(|row| probabilities[*row as usize]).sum::<f64>() / n,
                observed: rows.iter().filter(|row| labels[**row as usize]).count() as f64 / n,
            }
        })
        .collect()
}

/// Expected calibration error over ten bins of equal count: mean distance between predicted and observed, weighted by rows.
pub fn ece(probabilities: &[f64], labels: &[bool]) -> f64 {
    ece_of(&reliability(probabilities, labels, 10))
}

/// The same of a table of bins that is there already.
pub fn ece_of(bins: &[Reliability]) -> f64 {
    let rows: usize = bins.iter().map(|bin| bin.rows).sum();
    bins.iter()
        .map(|bin| bin.rows as f64 * (bin.predicted - bin.observed).abs())
        .sum::<f64>()
        / rows.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_by_hand() {
        let p = [0.8, 0.4];
        let y = [true, false];
        assert!((brier(&p, &y) - (0.04 + 0.16) / 2.0).abs() < 1e-12);
        assert!((log_loss(&p, &y) + (0.8f64.ln() + 0.6f64.ln()) / 2.0).abs() < 1e-12);
        assert!((ece(&p, &y) - (0.2 + 0.4) / 2.0).abs() < 1e-12);
        assert!(log_loss(&[0.0], &[true]).is_finite());
    }

    #[test]
    fn bins_hold_equally_many_rows() {
        let p: Vec<f64> = (0..25).map(|at| f64::from(at) / 25.0).collect();
        let table = reliability(&p, &[false; 25], 10);
        assert_eq!(table.iter().map(|bin| bin.rows).sum::<usize>(), 25);
        assert!(table.iter().all(|bin| (2..=3).contains(&bin.rows)));
        assert!(table.windows(2).all(|pair| pair[0].predicted < pair[1].predicted));
    }
}
