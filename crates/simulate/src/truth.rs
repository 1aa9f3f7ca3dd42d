//! What only the simulation knows: each month's risk of deciding to leave, and the latent health.

use crate::{calendar::month_of, life::Life, output::Chunk};

/// Sums over the running month.
#[derive(Default)]
pub struct Truth {
    month: i32,
    weeks: u32,
    risk: f64,
    health: f64,
    notice: bool,
    decided: bool,
}

impl Life {
    /// Adds a week: the weekly intensity of the decision to leave, and the latent health.
    pub fn note_week(&mut self, day: i32, intensity: f64, notice: bool, out: &mut Chunk) {
        let month = month_of(day);
        if month != self.truth.month {
            self.close_month(out);
            self.truth = Truth {
                month,
                notice,
                ..Truth::default()
            };
        }
        self.truth.weeks += 1;
        self.truth.risk += intensity;
        self.truth.health += self.health.now;
    }

    /// Notes that the decision fell in the running month.
    pub fn note_decision(&mut self) {
        self.truth.decided = true;
    }

    /// Writes the running month's row, if there is one.
    pub fn close_month(&mut self, out: &mut Chunk) {
        let truth = std::mem::take(&mut self.truth);
        if truth.weeks == 0 {
            return;
        }
        // A month has 30.44 days, but four or five weeks begin in it: the mean intensity makes months comparable.
        let weeks = f64::from(truth.weeks);
        let hazard = 1.0 - (-truth.risk / weeks * 30.4375 / 7.0).exp();
        let flag = |set: bool| if set { "1" } else { "0" };
        let month = format!("{}-{:02}", truth.month / 100, truth.month % 100);
        let (hazard, health) = (format!("{hazard:.6}"), format!("{:.4}", truth.health / weeks));
        out.truth.clean(&[
            &self.id(),
            &month,
            &hazard,
            &health,
            flag(truth.notice),
            flag(truth.decided),
        ]);
    }
}
