//! Where in its life the company says that an account is: land, adopt, expand, renew (LAER, as TSIA names the phases).

use crate::{
    health::Onboarding,
    life::{Life, Phase},
    sales::RENEWAL,
};

/// Days before the end of a yearly contract from which the account is up for renewal.
const RENEWAL_DAYS: i32 = 90;
/// Days after which an account whose onboarding never ended is taken for landed all the same.
const LANDED_DAYS: i32 = 120;

/// A lifecycle stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Being brought on board.
    Land,
    /// Using what it bought.
    Adopt,
    /// An upsell or cross-sell is open.
    Expand,
    /// The yearly contract ends within 90 days.
    Renew,
}

impl Stage {
    /// As the account's record has it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Land => "land",
            Self::Adopt => "adopt",
            Self::Expand => "expand",
            Self::Renew => "renew",
        }
    }
}

impl Life {
    /// Enters the stage of the week that starts on `day`, when it is another one than before.
    pub fn note_stage(&mut self, day: i32) {
        let stage = self.stage(day);
        if self.phase == Phase::Active && self.stages.last().is_none_or(|(_, last)| *last != stage) {
            self.stages.push((day, stage));
        }
    }

    fn stage(&self, day: i32) -> Stage {
        let landing = match self.health.onboarding {
            Onboarding::Before => false,
            Onboarding::Running { complete, .. } => {
                day <= complete.unwrap_or(self.profile.started + LANDED_DAYS)
            }
        };
        if landing {
            Stage::Land
        } else if self.profile.annual && self.renewal - day <= RENEWAL_DAYS {
            Stage::Renew
        } else if self.opportunities.iter().any(|open| open.kind != RENEWAL) {
            Stage::Expand
        } else {
            Stage::Adopt
        }
    }
}
