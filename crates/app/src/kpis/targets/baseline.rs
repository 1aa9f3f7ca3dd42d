//! The baseline in force: what a person froze, else what the program states, else what was measured (and froze by itself once its data
//! had been left alone for a day).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use tenure_store::StoreResult;
use utoipa::ToSchema;

use super::store;
use crate::App;
use crate::definitions::{Baseline, Kpi, Target};
use crate::kpis::status::Path;
use crate::kpis::store::{Measured, baselines};
use crate::metrics::facts::day_number;

/// What a person did to a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BaselineAction)]
pub enum Action {
    /// Measured and frozen it.
    Frozen,
    /// Given it back to the program.
    Released,
}

impl Action {
    /// Its name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Released => "released",
        }
    }
}

/// One thing that a person did to a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    /// The target.
    pub target: String,
    /// Its number, from 1.
    pub version: i64,
    /// What was done.
    pub action: Action,
    /// The figure that was frozen.
    pub value: Option<f64>,
    /// The day that it stands for.
    pub day: Option<Date>,
    /// Why.
    pub reason: String,
    /// Who: an actor of the audit.
    pub actor: String,
    /// When, UTC microseconds.
    pub at: i64,
}

/// Where a baseline comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineSource {
    /// The program states it.
    Stated,
    /// Measured on the program's day.
    Measured,
    /// Frozen by a person.
    ByHand,
}

/// A target's baseline in force.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// The figure; `None` = not measured yet.
    pub value: Option<f64>,
    /// The day that it stands for.
    pub on: Date,
    /// Where it comes from.
    pub source: BaselineSource,
    /// When it was frozen, UTC microseconds; `None` = stated, or it still follows its data.
    pub frozen_at: Option<i64>,
}

/// The baselines of all targets.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    measured: BTreeMap<String, Measured>,
    by_hand: BTreeMap<String, Freeze>,
}

impl Baselines {
    /// Reads them.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn load(app: &App) -> StoreResult<Self> {
        let measured = baselines(&app.store).await?;
        let by_hand = store::freezes(&app.store, None).await?;
        Ok(Self::of(measured, by_hand))
    }

    /// Those that were measured and what people did, oldest first.
    #[must_use]
    pub fn of(measured: BTreeMap<String, Measured>, freezes: Vec<Freeze>) -> Self {
        let mut by_hand = BTreeMap::new();
        for it in freezes {
            match it.action {
                Action::Frozen => by_hand.insert(it.target.clone(), it),
                Action::Released => by_hand.remove(&it.target),
            };
        }
        Self { measured, by_hand }
    }

    /// The baseline in force of a target.
    #[must_use]
    pub fn in_force(&self, target: &Target) -> InForce {
        if let Some(it) = self.by_hand.get(&target.id)
            && let (Some(value), Some(on)) = (it.value, it.day)
        {
            return InForce {
                value: Some(value),
                on,
                source: BaselineSource::ByHand,
                frozen_at: Some(it.at),
            };
        }
        match target.baseline {
            Baseline::Stated { value, on } => InForce {
                value: Some(value),
                on,
                source: BaselineSource::Stated,
                frozen_at: None,
            },
            Baseline::Measured { on } => {
                let held = self.measured.get(&target.id).filter(|held| held.day == on);
                InForce {
                    value: held.map(|held| held.value),
                    on,
                    source: BaselineSource::Measured,
                    frozen_at: held.and_then(|held| held.frozen_at),
                }
            }
        }
    }

    /// The way from a target's baseline to its goal; `None` when the goal is relative to a baseline that is not known yet.
    #[must_use]
    pub fn path(&self, kpi: &Kpi, target: &Target) -> Option<Path> {
        let baseline = self.in_force(target);
        Some(Path {
            from_day: day_number(baseline.on),
            from: baseline.value,
            to_day: day_number(target.deadline),
            to: target.goal.reach(baseline.value)?,
            better: kpi.better,
        })
    }
}
