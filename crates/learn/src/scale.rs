//! From log-odds to the health scale: `75 + 15·log2(odds of staying ÷ reference odds)`, shown clipped to 0–100.
//!
//! 15 points down are twice the odds of the outcome. The reference is the tenant's own odds at the first calibration and then frozen, so
//! that the average moves only with real risk. From 75 on an account is no riskier than the reference, below 50 its odds are more than 3.2 times as high.

use serde::{Deserialize, Serialize};

use crate::boost::log_odds;

/// Points that stand for a doubling of the odds.
pub const DOUBLING: f64 = 15.0;

/// Health of an account that is as likely to stay as the reference.
pub const LEVEL: f64 = 75.0;

/// The scale of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Log-odds of the outcome that stand for 75 points.
    pub reference: f64,
}

impl Scale {
    /// The scale whose reference is this share of accounts with the outcome; shares of 0 and 1 are kept finite.
    pub fn of_share(share: f64) -> Self {
        Self {
            reference: log_odds(share),
        }
    }

    /// Health, not clipped.
    pub fn raw(&self, log_odds: f64) -> f64 {
        LEVEL - DOUBLING * (log_odds - self.reference) / std::f64::consts::LN_2
    }

    /// Health as shown, 0–100.
    pub fn health(&self, log_odds: f64) -> f64 {
        self.raw(log_odds).clamp(0.0, 100.0)
    }

    /// Points of health that a contribution in log-odds stands for; contributions add up on the scale that is not clipped.
    pub fn points(&self, contribution: f64) -> f64 {
        -DOUBLING * contribution / std::f64::consts::LN_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_means_what_it_says() {
        let scale = Scale::of_share(0.1);
        assert!((scale.health(log_odds(0.1)) - 75.0).abs() < 1e-9);
        // Odds of 1 to 9 doubled are 2 to 9.
        assert!((scale.health(log_odds(2.0 / 11.0)) - 60.0).abs() < 1e-9);
        assert!((scale.raw(log_odds(0.1)) + scale.points(0.3) - scale.raw(log_odds(0.1) + 0.3)).abs() < 1e-9);
        assert_eq!(scale.health(20.0), 0.0);
        // 25 points below the reference are 2^(25/15) = 3.17 times its odds.
        assert!((scale.health(log_odds(0.1) + (25.0f64 / 15.0).exp2().ln()) - 50.0).abs() < 1e-9);
    }
}
