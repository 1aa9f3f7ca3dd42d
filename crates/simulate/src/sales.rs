//! Selling: opportunities, their stages, and what comes of them.

use crate::{
    calendar::{DAY, at, day_text},
    env::Env,
    event::{NOBODY, Name, Props},
    life::Life,
    output::Chunk,
    revenue::{Deed, money},
    words,
};

const UPSELL: u8 = 0;
const CROSS_SELL: u8 = 1;
/// Position of renewals among the types.
pub const RENEWAL: u8 = 2;

/// An opportunity that is not closed yet.
pub struct Opportunity {
    no: u32,
    /// Its type, by position.
    pub kind: u8,
    opened: i32,
    closes: i32,
    wins: bool,
    /// Growth of the MRR in cents (for a renewal the MRR itself).
    amount: i64,
}

impl Life {
    /// A week of selling: perhaps a new opportunity, and those that close.
    pub fn pursue(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        let rate = [0.0072, 0.0068, 0.0056][self.segment().index()]
            * (0.45 * self.health.recent).exp().min(2.0)
            * (1.0 + 0.08 * env.progress(day));
        if self.random.chance(rate) && self.can_change() && day - self.profile.started > 60 {
            let kind = if self.random.chance(0.6) {
                UPSELL
            } else {
                CROSS_SELL
            };
            let wins = self
                .random
                .chance((0.36 + 0.08 * self.health.now).clamp(0.1, 0.7));
            let amount = (self.mrr as f64 * self.random.between(0.08, 0.34)) as i64 / 100 * 100;
            let on = self.workday(day);
            let closes = on + self.random.lognormal(38.0, 0.45).clamp(9.0, 140.0) as i32;
            self.open(kind, on, closes, wins, amount.max(1_000), out);
        }
        let limit = self.week_end().min(self.stop());
        let mut i = 0;
        while i < self.opportunities.len() {
            if at(self.opportunities[i].closes, 0.0) < limit {
                let deal = self.opportunities.swap_remove(i);
                self.plan(deal.closes, Deed::Close(deal));
            } else {
                i += 1;
            }
        }
    }

    /// Opens an opportunity whose end is decided already; its stages follow by thirds.
    pub fn open(&mut self, kind: u8, opened: i32, closes: i32, wins: bool, amount: i64, out: &mut Chunk) {
        if at(opened, 0.0) >= self.stop() {
            return;
        }
        self.counts[1] += 1;
        let no = self.counts[1];
        for stage in 1..3 {
            let day = opened + (closes - opened) * stage / 3;
            let when = self.office_hour(day);
            self.emit(
                out,
                Name::StageChanged,
                NOBODY,
                when,
                Props::Stage(no, kind, stage as u8, amount * 12),
            );
        }
        self.opportunities.push(Opportunity {
            no,
            kind,
            opened,
            closes,
            wins,
            amount,
        });
    }

    /// An opportunity closes, and the MRR grows if it was won.
    pub fn close(&mut self, deal: Opportunity, out: &mut Chunk) {
        let grows = deal.kind != RENEWAL;
        // Nobody buys more after having given notice.
        let won = deal.wins && (!grows || self.can_change());
        self.write_opportunity(&deal, Some((deal.closes, won)), out);
        if won && grows {
            self.mrr += deal.amount;
            self.change(
                deal.closes,
                words::OPPORTUNITY_TYPES[deal.kind as usize],
                "more_seats",
                "",
                out,
            );
        }
    }

    fn write_opportunity(&mut self, deal: &Opportunity, closed: Option<(i32, bool)>, out: &mut Chunk) {
        let id = format!("O-{:05}-{}", self.number, deal.no);
        let last = (self.stop().div_euclid(DAY) as i32 - 1).max(deal.opened);
        let stage = match closed {
            Some((_, true)) => 3,
            Some((_, false)) => 4,
            None => ((last - deal.opened) * 3 / (deal.closes - deal.opened).max(1)).clamp(0, 2),
        };
        let (closed_on, outcome) = match closed {
            Some((day, won)) => (day_text(day), if won { "won" } else { "lost" }),
            None => (String::new(), ""),
        };
        let (account, opened, value) = (self.id(), day_text(deal.opened), money(deal.amount * 12));
        let (kind, stage) = (
            words::OPPORTUNITY_TYPES[deal.kind as usize],
            words::STAGES[stage as usize],
        );
        let table = &mut out.opportunities;
        table.row(
            &mut self.random,
            &[
                &id, &account, kind, &opened, stage, &value, "USD", &closed_on, outcome,
            ],
        );
        if self.random.chance(0.004) {
            table.bad(
                "bad_value",
                &[
                    &format!("{id}x"),
                    &account,
                    kind,
                    &opened,
                    stage,
                    "n/a",
                    "USD",
                    "",
                    "",
                ],
            );
        }
    }

    /// Writes what is open when the account or the data ends; whoever leaves also loses the open deals.
    pub fn write_open(&mut self, day: i32, leaving: bool, out: &mut Chunk) {
        self.write_open_tickets(out);
        self.write_open_surveys(out);
        for deal in std::mem::take(&mut self.opportunities) {
            let closed = leaving.then_some(((day - 1).max(deal.opened), false));
            self.write_opportunity(&deal, closed, out);
        }
    }
}
