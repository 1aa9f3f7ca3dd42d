//! What a back-test says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::panel::Knowledge;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FigureWithInterval)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<tenure_learn::measure::Interval> for Interval {
    fn from(it: tenure_learn::measure::Interval) -> Self {
        Self {
            value: it.value,
            low: it.low,
            high: it.high,
        }
    }
}

impl From<tenure_learn::measure::Auc> for Interval {
    fn from(it: tenure_learn::measure::Auc) -> Self {
        Self {
            value: it.value,
            low: it.low,
            high: it.high,
        }
    }
}

/// The top of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestLift)]
pub struct Lift {
    /// Accounts in the top, over all cutoffs.
    pub rows: f64,
    /// The outcome's share in the top ÷ its share in all.
    pub lift: f64,
    /// Share of all outcomes (or of their MRR) that the top holds.
    pub capture: f64,
}

/// What a warning in red is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestRed)]
pub struct Red {
    /// Accounts in red, over all cutoffs.
    pub rows: usize,
    /// Share of them with the outcome.
    pub precision: Option<f64>,
    /// Share of the outcomes that were in red.
    pub recall: Option<f64>,
}

/// Days from the first red to the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestLead)]
pub struct Lead {
    /// Losses.
    pub losses: usize,
    /// Those that were in red on the last cutoff before.
    pub warned: usize,
    /// Of those, the median of days from the first cutoff of that unbroken red to the loss.
    pub median_days: Option<f64>,
    /// The lower quarter.
    pub low_days: Option<f64>,
    /// The upper quarter.
    pub high_days: Option<f64>,
}

/// A bin of the calibration curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestBin)]
pub struct Bin {
    /// Rows.
    pub rows: usize,
    /// Mean probability that was told.
    pub predicted: f64,
    /// Share with the outcome.
    pub observed: f64,
}

/// What a method is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestMethod)]
pub struct Method {
    /// `score`, `baseline`, `transparent`, `challenger`, `last_period`, `last_login`, `tenure`, `mrr` or `prior`.
    pub id: String,
    /// What it is, in words.
    pub label: String,
    /// Rows that it has a value for.
    pub rows: usize,
    /// Outcomes among them.
    pub positives: usize,
    /// Whether it is proven.
    pub proven: bool,
    /// Why, or why not.
    pub reason: String,
    /// AUC; the interval draws whole accounts, or is DeLong's with one cutoff.
    pub auc: Interval,
    /// Area under the precision–recall curve.
    pub pr_auc: Option<f64>,
    /// Log-loss of its probabilities.
    pub log_loss: Option<f64>,
    /// Brier score of its probabilities.
    pub brier: Option<f64>,
    /// Expected calibration error in ten bins.
    pub ece: Option<f64>,
    /// The top tenth of each cutoff.
    pub lift_10: Option<Lift>,
    /// The accounts that the team can look after, of each cutoff.
    pub lift_capacity: Option<Lift>,
    /// The top tenth, outcomes weighted by MRR.
    pub lift_10_mrr: Option<Lift>,
    /// The team's capacity, outcomes weighted by MRR.
    pub lift_capacity_mrr: Option<Lift>,
    /// Red, where the method has bands.
    pub red: Option<Red>,
    /// From red to loss, where the method has bands.
    pub lead: Option<Lead>,
    /// The calibration curve, where it has probabilities.
    pub calibration: Vec<Bin>,
}

/// Two methods on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestPaired)]
pub struct Paired {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Rows that both have a value for.
    pub rows: usize,
    /// AUC of the first minus that of the second.
    pub difference: Interval,
}

/// Skill (2·AUC − 1) of one method ÷ that of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestSkill)]
pub struct Skill {
    /// The method.
    pub method: String,
    /// What it is held against: `baseline`, the frozen one, or `score`, the one set by hand, where no baseline is frozen.
    #[serde(default = "frozen")]
    pub against: String,
    /// The ratio; 1.15 is “15 % better”. Null when it is not known.
    pub ratio: Option<Interval>,
    /// Why it is not known.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether the ratio is at least 1.15 and its interval above 1.
    pub reached: bool,
}

/// What reports were held against that do not say it.
fn frozen() -> String {
    "baseline".into()
}

/// A method's AUC on a part of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestPartAuc)]
pub struct PartAuc {
    /// The method.
    pub method: String,
    /// Its AUC.
    pub auc: Interval,
}

/// A cutoff or a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestPart)]
pub struct Part {
    /// The cutoff day, or the segment.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Outcomes.
    pub positives: usize,
    /// Left out because the horizon has not passed.
    pub censored: usize,
    /// By method; only those with both classes.
    pub auc: Vec<PartAuc>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestWarning)]
pub struct Warning {
    /// The measure, if it is about one.
    pub column: Option<String>,
    /// What is the matter, and what to do.
    pub message: String,
    /// Whether it tells the outcome by itself.
    pub leak: bool,
}

/// A back-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = BacktestReport)]
pub struct Report {
    /// The outcome.
    pub outcome: String,
    /// Its label.
    pub outcome_label: String,
    /// Days within which it has to come.
    pub horizon_days: i32,
    /// The first cutoff that was tested.
    pub from: String,
    /// The last.
    pub to: String,
    /// Cutoffs tested.
    pub cutoffs: usize,
    /// Rows tested: accounts on cutoffs.
    pub rows: usize,
    /// Rows with the outcome.
    pub positives: usize,
    /// Outcomes, each once although several cutoffs look ahead to it.
    pub outcomes: usize,
    /// Rows left out because their horizon has not passed.
    pub censored: usize,
    /// The newest day of which everything is known.
    pub known_until: String,
    /// Whether the score is proven.
    pub proven: bool,
    /// Why, or why not.
    pub reason: String,
    /// Accounts that the team can look after at a time.
    pub capacity: usize,
    /// How intervals were made.
    pub interval: String,
    /// The method that the page is about: `score`, or `transparent` where no score is set by hand.
    pub main: String,
    /// By method.
    pub methods: Vec<Method>,
    /// Main and transparent methods against the others.
    pub paired: Vec<Paired>,
    /// Against the frozen baseline, or the score set by hand.
    pub skill: Vec<Skill>,
    /// By cutoff.
    pub months: Vec<Part>,
    /// By segment on the cutoff.
    pub segments: Vec<Part>,
    /// What was known when.
    pub knowledge: Knowledge,
    /// What to look at.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// The figures of a method.
    #[must_use]
    pub fn method(&self, id: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }
}
