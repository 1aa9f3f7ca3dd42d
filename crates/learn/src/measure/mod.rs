//! How good a score is: its ranking, its probabilities, and how sure both figures are.
//!
//! A score is any number that rises with the risk; a label says whether the outcome came. Intervals are 95 % throughout.

pub mod auc;
pub mod bootstrap;
pub mod probability;
pub mod proportion;
pub mod ranking;
pub mod trend;

pub use auc::{Auc, Difference, auc, compare};
pub use bootstrap::{Bootstrap, Interval};
pub use probability::{Reliability, brier, ece, log_loss, reliability};
pub use proportion::wilson;
pub use ranking::{Lift, Threshold, average_precision, lift, threshold};
pub use trend::{Slope, kendall, spearman, theil_sen};

/// The 97.5 % point of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Mid-ranks from 1: equal values share the mean of their ranks. NaN ranks highest.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_unstable_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start] as usize];
        let mut end = start + 1;
        while end < order.len() && values[order[end] as usize] == value {
            end += 1;
        }
        for at in &order[start..end] {
            ranks[*at as usize] = (start + end + 1) as f64 / 2.0;
        }
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), vec![4.0, 1.0, 4.0, 2.0, 4.0]);
    }
}
