//! From facts to figures, with their intervals (DEFINITIONS §0 and §3).

use serde::{Deserialize, Serialize};
use tenure_learn::measure::wilson;

use crate::definitions::KpiValue;

/// Facts of one period and scope, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Number of facts.
    pub rows: u64,
    /// Σ numerator.
    pub numerator: f64,
    /// Σ denominator.
    pub denominator: f64,
    /// Σ promoters, for NPS.
    pub promoters: f64,
    /// Σ detractors, for NPS.
    pub detractors: f64,
    /// Each fact's numerator, where median and 90th percentile are shown.
    pub values: Vec<f64>,
}

/// A figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The value in the KPI's unit; `None` = no data.
    pub value: Option<f64>,
    /// What was divided.
    pub numerator: Option<f64>,
    /// By what.
    pub denominator: Option<f64>,
    /// 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Median, where the value is a mean.
    pub median: Option<f64>,
    /// 90th percentile, where the value is a mean.
    pub p90: Option<f64>,
}

/// The figure of a KPI from its facts. A proportion is a share of counted things and gets a Wilson interval.
#[must_use]
pub fn figure(sums: &Sums, value: KpiValue, proportion: bool) -> Figure {
    let filled = (sums.denominator != 0.0).then_some(sums.denominator);
    match value {
        KpiValue::Ratio => Figure {
            value: filled.map(|d| sums.numerator / d),
            numerator: Some(sums.numerator),
            denominator: Some(sums.denominator),
            interval: filled
                .filter(|_| proportion)
                .and_then(|d| wilson(sums.numerator, d)),
            ..Figure::default()
        },
        KpiValue::Sum => Figure {
            value: (sums.rows > 0).then_some(sums.numerator),
            numerator: Some(sums.numerator),
            denominator: (sums.denominator != 0.0).then_some(sums.denominator),
            ..Figure::default()
        },
        KpiValue::Mean => {
            let mut sorted = sums.values.clone();
            sorted.sort_by(f64::total_cmp);
            Figure {
                value: filled.map(|d| sums.numerator / d),
                numerator: Some(sums.numerator),
                denominator: Some(sums.denominator),
                interval: None,
                median: quantile(&sorted, 0.5),
                p90: quantile(&sorted, 0.9),
            }
        }
        KpiValue::Nps => {
            let value = filled.map(|n| 100.0 * (sums.promoters - sums.detractors) / n);
            let interval = filled.map(|n| {
                let (p, d) = (sums.promoters / n, sums.detractors / n);
                let half = 100.0 * 1.96 * ((p + d - (p - d).powi(2)) / n).max(0.0).sqrt();
                let middle = 100.0 * (p - d);
                ((middle - half).max(-100.0), (middle + half).min(100.0))
            });
            Figure {
                value,
                numerator: Some(sums.promoters - sums.detractors),
                denominator: Some(sums.denominator),
                interval,
                ..Figure::default()
            }
        }
    }
}

/// The quantile of sorted values, linear between neighbours; `None` when there are none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 values")]
    let place = last as f64 * share.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the place lies between 0 and the last index"
    )]
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe 1998, Statistics in Medicine 17, 857, table I (method 3): 81/263 and 15/148, 0/20, 1/29.
        for (hits, n, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let (l, h) = wilson(hits, n).unwrap();
            assert!(close(l, low) && close(h, high), "{hits}/{n}: {l} {h}");
        }
        assert_eq!(wilson(1.0, 0.0), None);
        assert_eq!(wilson(3.0, 2.0), None);
    }

    #[test]
    fn nothing_is_no_data_and_never_zero() {
        let empty = Sums::default();
        for value in [KpiValue::Ratio, KpiValue::Sum, KpiValue::Mean, KpiValue::Nps] {
            assert_eq!(figure(&empty, value, true).value, None, "{value:?}");
        }
    }

    #[test]
    fn nps_by_hand() {
        // 10 answers: 6 promoters, 1 detractor. NPS 50; SE = sqrt((0.7 - 0.25) / 10) = 0.21213; ±1.96 SE = ±41.578 points.
        let sums = Sums {
            rows: 10,
            numerator: 5.0,
            denominator: 10.0,
            promoters: 6.0,
            detractors: 1.0,
            values: vec![],
        };
        let got = figure(&sums, KpiValue::Nps, false);
        assert_eq!(got.value, Some(50.0));
        let (low, high) = got.interval.unwrap();
        assert!(
            (low - 8.4223).abs() < 1e-3 && (high - 91.5777).abs() < 1e-3,
            "{low} {high}"
        );
    }

    #[test]
    fn means_carry_median_and_p90() {
        let values = vec![4.0, 1.0, 3.0, 2.0, 10.0];
        let sums = Sums {
            rows: 5,
            numerator: 20.0,
            denominator: 5.0,
            values,
            ..Sums::default()
        };
        let got = figure(&sums, KpiValue::Mean, false);
        assert_eq!((got.value, got.median), (Some(4.0), Some(3.0)));
        assert!((got.p90.unwrap() - 7.6).abs() < 1e-9);
    }
}
