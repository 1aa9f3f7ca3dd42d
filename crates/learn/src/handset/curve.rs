//! From a measure's value to points.

use serde::{Deserialize, Serialize};

use crate::histogram::Direction;

/// How values become points, 0–100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// `points[i]` for values from `cuts[i − 1]` up to but without `cuts[i]`.
    Steps {
        /// Ascending.
        cuts: Vec<f64>,
        /// One more than the cuts.
        points: Vec<f64>,
        /// The direction that the points must follow, if one is declared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Direction>,
    },
    /// Straight between knots of value and points, level beyond the first and the last.
    Linear {
        /// Ascending by value.
        knots: Vec<(f64, f64)>,
        /// The direction that the points must follow, if one is declared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Direction>,
    },
}

impl Curve {
    /// Points of a value, 0–100.
    pub fn points(&self, value: f64) -> f64 {
        let points = match self {
            Self::Steps { cuts, points, .. } => points
                .get(cuts.partition_point(|cut| *cut <= value))
                .copied()
                .unwrap_or(0.0),
            Self::Linear { knots, .. } => {
                let after = knots.partition_point(|(x, _)| *x <= value);
                match (
                    after.checked_sub(1).and_then(|at| knots.get(at)),
                    knots.get(after),
                ) {
                    (Some((_, y)), None) | (None, Some((_, y))) => *y,
                    (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (value - x0) / (x1 - x0),
                    (None, None) => 0.0,
                }
            }
        };
        points.clamp(0.0, 100.0)
    }

    /// What is wrong with the curve, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let (values, points, direction): (Vec<f64>, Vec<f64>, _) = match self {
            Self::Steps {
                cuts,
                points,
                direction,
            } => {
                if points.len() != cuts.len() + 1 {
                    return Some(format!(
                        "{} steps need {} cuts, not {}",
                        points.len(),
                        points.len().max(1) - 1,
                        cuts.len()
                    ));
                }
                (cuts.clone(), points.clone(), direction)
            }
            Self::Linear { knots, direction } => {
                if knots.is_empty() {
                    return Some("the curve has no knots".into());
                }
                let (values, points) = knots.iter().copied().unzip();
                (values, points, direction)
            }
        };
        if values.iter().any(|value| !value.is_finite()) || values.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Some("the curve's values do not ascend".into());
        }
        if points.iter().any(|points| !(0.0..=100.0).contains(points)) {
            return Some("the curve's points are not within 0–100".into());
        }
        let follows = points.windows(2).all(|pair| match direction {
            Some(Direction::Rising) => pair[0] <= pair[1],
            Some(Direction::Falling) => pair[0] >= pair[1],
            None => true,
        });
        (!follows).then(|| "the curve's points go against the direction that it declares".into())
    }
}
