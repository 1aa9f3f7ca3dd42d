//! Money: start, renewals, prices, growth and shrinkage, notices, leaving.

use crate::{
    calendar::{DAY, SECOND, at, day_text, moment_text},
    env::Env,
    event::{NOBODY, Name, Props},
    health::Onboarding,
    life::{Life, Phase},
    output::Chunk,
    profile::Gap,
    sales::{Opportunity, RENEWAL},
    voice::Kind,
    words,
};

/// A change of the subscription that falls on a day: changes are written in the order of their days, whatever drew them.
pub enum Deed {
    /// A payment fails.
    Fail,
    /// The MRR shrinks to this share.
    Shrink(f64),
    /// The contract is renewed.
    Renew,
    /// An opportunity closes.
    Close(Opportunity),
    /// Notice is given; the position of a second reason in the list, if there is one.
    Notice(Option<u8>),
    /// Notice is withdrawn.
    Save,
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
            Some(
                start
                    + (random.lognormal([15.0, 17.0, 18.0][segment], 0.35) * (1.0 - 0.08 * better))
                        .clamp(4.0, 29.0) as i32,
            )
        } else if random.chance(0.45) {
            Some(start + random.range(32, 80))
        } else {
            None
        };
        let value = match complete {
            Some(complete) if complete - start < 31 => {
                Some(start + ((complete - start) as f64 * random.between(0.7, 1.7)) as i32 + 2)
            }
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
        let steps = if complete.is_some() {
            5
        } else {
            self.random.range(0, 3)
        };
        let span = f64::from((complete.unwrap_or(start + 50) - begun).max(2));
        for step in 0..steps {
            let day = begun
                + (span * f64::from(step + 1) / 5.0
                    * if step == 4 {
                        1.0
                    } else {
                        self.random.between(0.8, 1.0)
                    }) as i32;
            let (when, who) = (self.office_hour(day), self.somebody(0.8));
            self.emit(out, Name::OnboardingStep, who, when, Props::Step(step as u8));
        }
        if let Some(day) = complete {
            self.emit(
                out,
                Name::OnboardingCompleted,
                NOBODY,
                at(day, 86_100.0),
                Props::None,
            );
        }
        if let Some(day) = value {
            let (when, who) = (self.office_hour(day), self.somebody(0.6));
            self.emit(out, Name::FirstValue, who, when, Props::None);
        }
    }

    /// A week of business.
    pub fn trade(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        if let Onboarding::Running {
            complete: Some(on), ..
        } = self.health.onboarding
            && (day..day + 7).contains(&on)
        {
            self.ask(Kind::Csat, "onboarding", on + 2, out);
            if self.random.chance(0.5) {
                self.ask(Kind::Ces, "onboarding", on + 4, out);
            }
        }
        self.renew(env, day, out);
        self.pursue(env, day, out);
        let troubled = day < self.health.trouble_until;
        let failing = if troubled { 6.0 } else { 1.0 };
        if self.random.chance(if troubled { 0.06 } else { 0.0012 }) {
            let on = self.workday(day);
            self.plan(on, Deed::Fail);
        }
        let shrinking =
            0.0009 * (-0.6 * self.health.now).exp().min(3.0) * if failing > 1.0 { 3.0 } else { 1.0 };
        if self.random.chance(shrinking) {
            let on = self.workday(day);
            let share = self.random.between(0.68, 0.93);
            self.plan(on, Deed::Shrink(share));
        }
        self.carry_out(out);
    }

    /// Decides a change that falls on `day`.
    pub fn plan(&mut self, day: i32, deed: Deed) {
        self.deeds.push((day, deed));
    }

    /// Does what falls into the week, day by day.
    fn carry_out(&mut self, out: &mut Chunk) {
        let limit = self.week_end().min(self.stop());
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.deeds)
            .into_iter()
            .partition(|(day, _)| at(*day, 0.0) < limit);
        self.deeds = later;
        due.sort_by_key(|(day, _)| *day);
        let reason = words::REASONS[self.reason as usize];
        for (day, deed) in due {
            match deed {
                Deed::Fail => self.change(day, "payment_failed", "card_declined", "", out),
                Deed::Shrink(share) => self.shrink(day, share, out),
                Deed::Renew => self.renewed(day, out),
                Deed::Close(deal) => self.close(deal, out),
                Deed::Notice(second) => self.change(
                    day,
                    "churn_notice",
                    reason,
                    second.map_or("", |i| words::REASONS[i as usize]),
                    out,
                ),
                Deed::Save => self.change(day, "saved", reason, "", out),
            }
        }
    }

    fn shrink(&mut self, day: i32, share: f64, out: &mut Chunk) {
        let to = ((self.mrr as f64 * share) as i64 / 100 * 100).max(4_900);
        if to < self.mrr && self.can_change() {
            self.mrr = to;
            self.change(day, "contraction", "fewer_seats", "", out);
        }
    }

    /// True while there is an MRR that may change.
    pub fn can_change(&self) -> bool {
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
        self.plan(self.renewal, Deed::Renew);
        self.renewal += if annual { 365 } else { 30 };
    }

    fn renewed(&mut self, on: i32, out: &mut Chunk) {
        self.change(on, "renewed", "", "", out);
        let annual = self.profile.annual;
        if self.random.chance(if annual { 0.30 } else { 0.02 }) && self.can_change() {
            self.mrr = (self.mrr as f64 * self.random.between(1.03, 1.10)) as i64 / 100 * 100;
            self.health.price_rise = on;
            self.change(on, "price", "annual_uplift", "", out);
        }
    }

    /// The account decides to leave: why, whether it says so, and whether it lets itself be held.
    pub fn decide(&mut self, env: &Env, week: i32, out: &mut Chunk) {
        let segment = self.segment().index();
        let day = week + self.random.below(7) as i32;
        self.reason = self.find_reason(day, segment);
        if !self.random.chance([0.85, 0.62, 0.28][segment]) {
            self.leaves = Some(day + 1);
            self.stop_on(day + 1);
            return;
        }
        let second = self.random.below(5) as u8;
        let second = (second != self.reason && self.random.chance(0.4)).then_some(second);
        self.plan(day, Deed::Notice(second));
        let helped = self.random.chance([0.88, 0.65, 0.25][segment]);
        if helped {
            let first = day + self.random.range(1, 5);
            self.talk(out, Name::CallLogged, first, 6);
            let second = first + self.random.range(3, 12);
            self.talk(
                out,
                if segment == 0 {
                    Name::SponsorMet
                } else {
                    Name::MeetingHeld
                },
                second,
                6,
            );
        }
        let negotiable = [0.10, 0.14, 0.14, -0.12, 0.0, 0.0][self.reason as usize];
        let chance =
            0.10 + if helped {
                0.20 + 0.05 * env.progress(day)
            } else {
                0.0
            } + negotiable;
        if self.random.chance(chance) {
            let on = day + self.random.range(10, 35);
            self.saved = Some(on);
            self.health.now += 0.7;
            self.plan(on, Deed::Save);
        } else {
            let on = day + self.random.range(20, 55);
            self.leaves = Some(on);
            self.stop_on(on);
        }
    }

    fn find_reason(&mut self, day: i32, segment: usize) -> u8 {
        let health = &self.health;
        let when = |condition: bool, weight: f64| if condition { weight } else { 0.0 };
        let open = self
            .tickets
            .iter()
            .filter(|ticket| at(day, 0.0) - ticket.opened > 3 * DAY)
            .count() as f64;
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

    /// Writes a change of the subscription, unless the account has left by then or its contract is not entered.
    pub fn change(&mut self, day: i32, change: &str, reason: &str, secondary: &str, out: &mut Chunk) {
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
        table.row(
            &mut self.random,
            &[
                &account,
                &subscription,
                &on,
                change,
                &mrr,
                "USD",
                reason,
                secondary,
                &received,
            ],
        );
        let draw = self.random.unit();
        if draw < 0.001 {
            table.bad(
                "bad_date",
                &[
                    &account,
                    &subscription,
                    "2025-02-30",
                    "renewed",
                    &mrr,
                    "USD",
                    "",
                    "",
                    &received,
                ],
            );
        } else if draw < 0.002 {
            table.bad(
                "unknown_change",
                &[
                    &account,
                    &subscription,
                    &on,
                    "sideways",
                    &mrr,
                    "USD",
                    "",
                    "",
                    &received,
                ],
            );
        }
        self.updated = self.updated.max(day);
    }

    /// Writes the end of the subscription.
    pub fn write_churn(&mut self, day: i32, out: &mut Chunk) {
        let reason = words::REASONS[self.reason as usize];
        self.write_change(day, "churned", reason, "", out);
    }
}
