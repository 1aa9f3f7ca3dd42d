//! Money: start, renewals, prices, growth and shrinkage, notices, leaving.

use crate::{
    calendar::{at, day_text, moment_text, DAY, SECOND},
    env::Env,
    event::{Name, Props, NOBODY},
    health::Onboarding,
    life::{Life, Phase},
    output::Chunk,
    profile::Gap,
    voice::Kind,
    words,
};

const UPSELL: u8 = 0;
const CROSS_SELL: u8 = 1;
const RENEWAL: u8 = 2;

/// An opportunity that is not closed yet.
pub struct Opportunity {
    no: u32,
    kind: u8,
    opened: i32,
    closes: i32,
    wins: bool,
    /// Growth of the MRR in cents (for a renewal the MRR itself).
    amount: i64,
}

/// MRR or a value in cents as the files have it.
pub fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl Life {
    /// The first day: the subscription begins; those who are new are brought on board.
    pub fn begin(&mut self, env: &Env, out: &mut Chunk) {
        self.phase = Phase::Active;
        self.change(self.profile.started, "started", "", "", out);
        self.warm_up();
        if self.profile.started >= env.first {
            self.come_on_board(env, out);
        }
    }

    /// Onboarding: when it completes (some never do), when the first value is reached, and the steps between.
    fn come_on_board(&mut self, env: &Env, out: &mut Chunk) {
        let segment = self.segment().index();
        let start = self.profile.started;
        let better = env.progress(start);
        let random = &mut self.random;
        let mood = 0.04 * self.health.now.clamp(-1.5, 1.5);
        let in_time = random.chance([0.90, 0.82, 0.61][segment] + 0.03 * better + mood);
        let complete = if in_time {
            Some(start + (random.lognormal([15.0, 17.0, 18.0][segment], 0.35) * (1.0 - 0.08 * better)).clamp(4.0, 29.0) as i32)
        } else if random.chance(0.45) {
            Some(start + random.range(32, 80))
        } else {
            None
        };
        let value = match complete {
            Some(complete) if complete - start < 31 => Some(start + ((complete - start) as f64 * random.between(0.7, 1.7)) as i32 + 2),
            _ if random.chance(0.55) => Some(start + random.lognormal(42.0, 0.4).clamp(18.0, 110.0) as i32),
            _ => None,
        };
        self.health.onboarding = Onboarding::Running { value, complete };
        let begun = start + self.random.range(0, 2);
        let when = self.office_hour(begun);
        self.emit(out, Name::OnboardingStarted, NOBODY, when, Props::None);
        if self.random.chance([0.95, 0.75, 0.12][segment]) {
            self.talk(out, Name::CallLogged, begun + 1, 1);
        }
        let steps = if complete.is_some() { 5 } else { self.random.range(0, 3) };
        let span = f64::from((complete.unwrap_or(start + 50) - begun).max(2));
        for step in 0..steps {
            let day = begun + (span * f64::from(step + 1) / 5.0 * if step == 4 { 1.0 } else { self.random.between(0.8, 1.0) }) as i32;
            let (when, who) = (self.office_hour(day), self.somebody(0.8));
            self.emit(out, Name::OnboardingStep, who, when, Props::Step(step as u8));
        }
        if let Some(day) = complete {
            self.emit(out, Name::OnboardingCompleted, NOBODY, at(day, 86_100.0), Props::None);
        }
        if let Some(day) = value {
            let (when, who) = (self.office_hour(day), self.somebody(0.6));
            self.emit(out, Name::FirstValue, who, when, Props::None);
        }
    }

    /// A week of business.
    pub fn trade(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        if let Onboarding::Running { complete: Some(on), .. } = self.health.onboarding
            && (day..day + 7).contains(&on)
        {
            self.ask(Kind::Csat, "onboarding", on + 2, out);
            if self.random.chance(0.5) {
                self.ask(Kind::Ces, "onboarding", on + 4, out);
            }
        }
        self.renew(env, day, out);
        self.pursue(env, day, out);
        let failing = if day < self.health.trouble_until { 6.0 } else { 1.0 };
        if self.random.chance(0.0012 * failing) {
            let on = self.workday(day);
            self.change(on, "payment_failed", "card_declined", "", out);
        }
        let shrinking = 0.0009 * (-0.6 * self.health.now).exp().min(3.0) * if failing > 1.0 { 3.0 } else { 1.0 };
        if self.random.chance(shrinking) && self.can_change() {
            let on = self.workday(day);
            let to = ((self.mrr as f64 * self.random.between(0.68, 0.93)) as i64 / 100 * 100).max(4_900);
            if to < self.mrr && at(on, 0.0) < self.stop() {
                self.mrr = to;
                self.change(on, "contraction", "fewer_seats", "", out);
            }
        }
    }

    fn can_change(&self) -> bool {
        !self.profile.edge && self.mrr > 0 && self.leaves.is_none() && self.profile.gap == Gap::None
    }

    fn renew(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        let segment = self.segment().index();
        let annual = self.profile.annual;
        let ahead = self.renewal - day;
        if annual && segment < 2 && (84..91).contains(&ahead) && self.can_change() {
            self.open(RENEWAL, day, self.renewal, true, self.mrr, out);
        }
        if !(day..(day + 7).min(env.end)).contains(&self.renewal) || at(self.renewal, 0.0) >= self.stop() {
            return;
        }
        let on = self.renewal;
        self.renewal += if annual { 365 } else { 30 };
        self.change(on, "renewed", "", "", out);
        if self.random.chance(if annual { 0.30 } else { 0.02 }) && self.can_change() {
            self.mrr = (self.mrr as f64 * self.random.between(1.03, 1.10)) as i64 / 100 * 100;
            self.health.price_rise = on;
            self.change(on, "price", "annual_uplift", "", out);
        }
    }

    fn pursue(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        let rate = [0.0085, 0.0080, 0.0065][self.segment().index()] * (0.45 * self.health.recent).exp().min(2.0) * (1.0 + 0.08 * env.progress(day));
        if self.random.chance(rate) && self.can_change() && day - self.profile.started > 60 {
            let kind = if self.random.chance(0.6) { UPSELL } else { CROSS_SELL };
            let wins = self.random.chance((0.36 + 0.08 * self.health.now).clamp(0.1, 0.7));
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
                self.close(deal, out);
            } else {
                i += 1;
            }
        }
    }

    fn open(&mut self, kind: u8, opened: i32, closes: i32, wins: bool, amount: i64, out: &mut Chunk) {
        if at(opened, 0.0) >= self.stop() {
            return;
        }
        self.counts[1] += 1;
        let no = self.counts[1];
        for stage in 1..3 {
            let day = opened + (closes - opened) * stage / 3;
            let when = self.office_hour(day);
            self.emit(out, Name::StageChanged, NOBODY, when, Props::Stage(no, kind, stage as u8, amount * 12));
        }
        self.opportunities.push(Opportunity { no, kind, opened, closes, wins, amount });
    }

    fn close(&mut self, deal: Opportunity, out: &mut Chunk) {
        let grows = deal.kind != RENEWAL;
        // Nobody buys more after having given notice.
        let won = deal.wins && (!grows || self.can_change());
        self.write_opportunity(&deal, Some((deal.closes, won)), out);
        if won && grows {
            self.mrr += deal.amount;
            self.change(deal.closes, words::OPPORTUNITY_TYPES[deal.kind as usize], "more_seats", "", out);
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
        let (kind, stage) = (words::OPPORTUNITY_TYPES[deal.kind as usize], words::STAGES[stage as usize]);
        let table = &mut out.opportunities;
        table.row(&mut self.random, &[&id, &account, kind, &opened, stage, &value, "USD", &closed_on, outcome]);
        if self.random.chance(0.004) {
            table.bad("bad_value", &[&format!("{id}x"), &account, kind, &opened, stage, "n/a", "USD", "", ""]);
        }
    }

    /// The account decides to leave: why, whether it says so, and whether it lets itself be held.
    pub fn decide(&mut self, env: &Env, week: i32, out: &mut Chunk) {
        let segment = self.segment().index();
        let day = week + self.random.below(7) as i32;
        self.reason = self.find_reason(day, segment);
        let reason = words::REASONS[self.reason as usize];
        if !self.random.chance([0.85, 0.62, 0.28][segment]) {
            self.leaves = Some(day + 1);
            self.stop_on(day + 1);
            return;
        }
        let second = words::REASONS[self.random.below(5) as usize];
        let secondary = if second != reason && self.random.chance(0.4) { second } else { "" };
        self.change(day, "churn_notice", reason, secondary, out);
        let helped = self.random.chance([0.88, 0.65, 0.25][segment]);
        if helped {
            let first = day + self.random.range(1, 5);
            self.talk(out, Name::CallLogged, first, 6);
            let second = first + self.random.range(3, 12);
            self.talk(out, if segment == 0 { Name::SponsorMet } else { Name::MeetingHeld }, second, 6);
        }
        let negotiable = [0.10, 0.14, 0.14, -0.12, 0.0, 0.0][self.reason as usize];
        let chance = 0.10 + if helped { 0.20 + 0.05 * env.progress(day) } else { 0.0 } + negotiable;
        if self.random.chance(chance) {
            let on = day + self.random.range(10, 35);
            self.saved = Some(on);
            self.health.now += 0.7;
            self.change(on, "saved", reason, "", out);
        } else {
            let on = day + self.random.range(20, 55);
            self.leaves = Some(on);
            self.stop_on(on);
        }
    }

    fn find_reason(&mut self, day: i32, segment: usize) -> u8 {
        let health = &self.health;
        let when = |condition: bool, weight: f64| if condition { weight } else { 0.0 };
        let open = self.tickets.iter().filter(|ticket| at(day, 0.0) - ticket.opened > 3 * DAY).count() as f64;
        let weights = [
            0.8 + when(health.breadth < 5.0, 1.4),
            0.4 + 1.3 * open + when(day < health.spike_until, 1.8),
            0.9 + when(day - health.price_rise < 150, 3.0) + when(segment == 2, 0.4),
            0.3 + when(day < health.trouble_until, 6.0) + when(health.champion_left.is_some(), 1.6),
            0.5 + when(day < health.competitor_until, 5.0),
            [0.2, 0.4, 0.9][segment] + when(self.silence(day) > 12.0, 0.7),
        ];
        self.random.weighted(&weights) as u8
    }

    /// Writes a change of the subscription; those to come are written too, if the account is still there then.
    fn change(&mut self, day: i32, change: &str, reason: &str, secondary: &str, out: &mut Chunk) {
        if self.profile.gap != Gap::None || at(day, 0.0) >= self.stop() {
            return;
        }
        self.write_change(day, change, reason, secondary, out);
    }

    fn write_change(&mut self, day: i32, change: &str, reason: &str, secondary: &str, out: &mut Chunk) {
        let mut received = at(day, self.random.between(30_000.0, 80_000.0));
        if self.random.chance(0.01) {
            received += (self.random.lognormal(6.0, 0.7) * DAY as f64) as i64;
        }
        // A contract's change is known by the end of the data, or else the account's own MRR would contradict it.
        received = received.min(out.end() - SECOND);
        let (account, subscription) = (self.id(), format!("S-{:05}", self.number));
        let (on, mrr, received) = (day_text(day), money(self.mrr), moment_text(received));
        let table = &mut out.subscriptions;
        table.row(&mut self.random, &[&account, &subscription, &on, change, &mrr, "USD", reason, secondary, &received]);
        let draw = self.random.unit();
        if draw < 0.001 {
            table.bad("bad_date", &[&account, &subscription, "2025-02-30", "renewed", &mrr, "USD", "", "", &received]);
        } else if draw < 0.002 {
            table.bad("unknown_change", &[&account, &subscription, &on, "sideways", &mrr, "USD", "", "", &received]);
        }
        self.updated = self.updated.max(day);
    }

    /// Writes the end of the subscription.
    pub fn write_churn(&mut self, day: i32, out: &mut Chunk) {
        let reason = words::REASONS[self.reason as usize];
        self.write_change(day, "churned", reason, "", out);
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
