//! What the company sends and says, and how the account responds: mail, notices in the product, meetings, webinars, advocacy.

use crate::{
    calendar::{DAY, SECOND, at, weekday},
    env::Env,
    event::{NOBODY, Name, Props},
    life::Life,
    output::Chunk,
    words,
};

const NEWSLETTER: u8 = 0;
const UPDATE: u8 = 1;
const PERSONAL: u8 = 2;
const INVITATION: u8 = 4;

impl Life {
    /// How readily the account responds in a week: its nature, its health, whom it has, and the company's progress.
    fn readiness(&self, env: &Env, day: i32) -> f64 {
        let health = (0.35 * self.health.now).exp().clamp(0.35, 2.2);
        let alone = if self.health.champion_left.is_some() {
            0.65
        } else {
            1.0
        };
        // Small accounts have nobody else to turn to, so they answer mass mail more readily than large ones.
        let size = [0.74, 1.0, 1.15][self.segment().index()];
        (self.responsive * health * alone * size * (1.0 + 0.10 * env.progress(day))).min(3.0)
    }

    /// A week of mail and notices.
    pub fn reach_out(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        if Env::holidays(day) {
            return;
        }
        let segment = self.segment().index();
        let ready = self.readiness(env, day);
        let tuesday = day + (1 - weekday(day) as i32).rem_euclid(7);
        let week = tuesday.div_euclid(7);
        let issue = week as u32;
        let readers = self.contacts.len().min(3 - segment.min(1)) as u8;
        if week % 4 == 0 {
            self.campaign(out, NEWSLETTER, issue, tuesday, readers, ready);
        }
        if week % 6 == 2 {
            self.campaign(out, UPDATE, issue, tuesday, readers.min(2), ready);
        }
        if self.random.chance([0.24, 0.14, 0.02][segment]) {
            let who = self.somebody(0.7);
            let sent = self.workday(day);
            let when = self.office_hour(sent);
            self.mail(out, who, PERSONAL, issue, when, ready);
        }
        let shown = 1.0 - (-self.sessions * self.health.intensity.exp() * 0.09).exp();
        if self.random.chance(shown) {
            let (who, on) = (self.somebody(0.4), self.workday(day));
            let when = self.office_hour(on);
            let notice = self.random.below(words::NOTICES.len() as u32) as u8;
            self.emit(out, Name::InAppShown, who, when, Props::Notice(notice));
            if self
                .random
                .chance(([0.024, 0.036, 0.056][segment] * ready).min(0.8))
            {
                self.emit(
                    out,
                    Name::InAppClicked,
                    who,
                    when + 9 * SECOND,
                    Props::Notice(notice),
                );
            }
        }
        if week % 4 == 1 {
            self.webinar(out, day, tuesday + 2, issue, ready, segment);
        }
    }

    fn webinar(&mut self, out: &mut Chunk, day: i32, thursday: i32, issue: u32, ready: f64, segment: usize) {
        let asset = [7, 10, 15][issue as usize % 3];
        let who = self.somebody(0.5);
        if self.random.chance(0.4) {
            let when = self.office_hour(day);
            self.mail(out, who, INVITATION, issue, when, ready);
        }
        if self
            .random
            .chance(([0.024, 0.023, 0.028][segment] * ready).min(0.7))
        {
            self.emit(
                out,
                Name::WebinarAttended,
                who,
                at(thursday, 64_800.0),
                Props::Asset(asset, false),
            );
        } else if self.random.chance(0.03 * ready.min(2.0)) {
            let later = thursday + self.random.range(1, 12);
            let when = self.office_hour(later);
            self.emit(out, Name::WebinarWatched, who, when, Props::Asset(asset, false));
        }
    }

    fn campaign(&mut self, out: &mut Chunk, campaign: u8, issue: u32, day: i32, readers: u8, ready: f64) {
        for who in 0..readers.max(1) {
            let sent = at(day, 54_000.0 + self.random.between(0.0, 2_400.0));
            self.mail(out, who, campaign, issue, sent, ready);
        }
    }

    /// One message and what becomes of it. Mail to somebody who left comes back: the first visible trace of a lost champion.
    fn mail(&mut self, out: &mut Chunk, who: u8, campaign: u8, issue: u32, sent: i64, ready: f64) {
        let Some(contact) = self.contacts.get(who as usize).copied() else {
            return;
        };
        let day = sent.div_euclid(DAY) as i32;
        if contact.unsubscribed || contact.left.is_some_and(|left| day > left + 60) {
            return;
        }
        let props = Props::Email(campaign, issue);
        self.emit(out, Name::EmailSent, who, sent, props);
        if contact.left.is_some_and(|left| day > left + 7) || self.random.chance(0.006) {
            self.emit(out, Name::EmailBounced, who, sent + 40 * SECOND, props);
            return;
        }
        let delivered = sent + (self.random.between(2.0, 240.0) * SECOND as f64) as i64;
        self.emit(out, Name::EmailDelivered, who, delivered, props);
        if self.random.chance(0.16) {
            self.emit(
                out,
                Name::EmailOpened,
                who,
                delivered + 3 * SECOND,
                Props::Opened(campaign, issue, true),
            );
        }
        let personal = campaign == PERSONAL;
        let opens = if personal { 0.55 } else { 0.22 };
        if !self.random.chance((opens * ready.sqrt()).min(0.9)) {
            return;
        }
        let opened = delivered + (self.random.lognormal(7_000.0, 1.3).min(500_000.0) * SECOND as f64) as i64;
        self.emit(
            out,
            Name::EmailOpened,
            who,
            opened,
            Props::Opened(campaign, issue, false),
        );
        if self
            .random
            .chance(((if personal { 0.04 } else { 0.10 }) * ready).min(0.7))
        {
            self.emit(out, Name::EmailClicked, who, opened + 25 * SECOND, props);
            if self.random.chance(0.6) {
                let asset = self.random.below(words::ASSETS.len() as u32) as u8;
                self.view(out, who, opened + 28 * SECOND, asset, true);
            }
        }
        if personal && self.random.chance((0.09 * ready).min(0.7)) {
            self.emit(out, Name::EmailReplied, who, opened + 600 * SECOND, props);
        } else if !personal && self.random.chance(0.004) {
            let name = if self.random.chance(0.05) {
                Name::EmailComplained
            } else {
                Name::Unsubscribed
            };
            self.emit(out, name, who, opened + 60 * SECOND, props);
            self.contacts[who as usize].unsubscribed = true;
        }
    }

    /// A conversation of the kind `name` on `day`.
    pub fn talk(&mut self, out: &mut Chunk, name: Name, day: i32, topic: u8) {
        let when = self.office_hour(day);
        let who = self.somebody(0.7);
        let minutes = self.random.range(10, 60) as u16;
        self.emit(out, name, who, when, Props::Talk(minutes, topic));
    }

    /// A week of meetings and calls, by the segment's cadence, and of advocacy.
    pub fn converse(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        if Env::holidays(day) {
            return;
        }
        let segment = self.segment().index();
        let ready = self.readiness(env, day);
        let on = self.workday(day);
        if self.random.chance([0.014, 0.011, 0.0022][segment] * ready) {
            self.talk(out, Name::MeetingHeld, on, 0);
        }
        if self.random.chance([0.013, 0.015, 0.0105][segment] * ready) {
            self.talk(out, Name::CallLogged, on, 4);
        }
        if self.random.chance(0.0012 * ready) {
            self.talk(out, Name::EventAttended, on, 0);
        }
        let due = [13, 26, 0][segment];
        if due > 0
            && (self.weeks + self.survey_week) % due == 0
            && self.random.chance([0.21, 0.18, 0.0][segment] * ready.min(1.6))
        {
            self.talk(out, Name::QbrHeld, on, 2);
            if self.random.chance(0.15) {
                self.talk(out, Name::SponsorMet, on, 2);
            }
            self.ask(crate::voice::Kind::Csat, "qbr", on + 1, out);
        }
        self.speak_for_us(out, on);
    }

    /// Happy accounts are asked to speak for the product.
    fn speak_for_us(&mut self, out: &mut Chunk, day: i32) {
        let who = self.champion;
        if self.health.champion_left.is_some() || self.leaves.is_some() {
            return;
        }
        let kind = self.random.below(words::ADVOCACY.len() as u32) as u8;
        if !self.advocate {
            if self.health.recent > 0.35 && self.random.chance(0.004) {
                let when = self.office_hour(day);
                self.emit(out, Name::AdvocateNominated, who, when, Props::Advocacy(kind));
                if self.random.chance(0.6) {
                    self.advocate = true;
                    let agreed = when + self.random.range(1, 20) as i64 * DAY;
                    self.emit(out, Name::AdvocateAgreed, who, agreed, Props::Advocacy(kind));
                }
            }
        } else if self.random.chance(0.03) {
            let when = self.office_hour(day);
            self.emit(out, Name::ReferenceRequested, NOBODY, when, Props::Advocacy(kind));
            if self.random.chance(0.7) {
                let given = when + self.random.range(2, 25) as i64 * DAY;
                let name = if self.random.chance(0.2) {
                    Name::TestimonialPublished
                } else {
                    Name::ReferenceGiven
                };
                self.emit(out, name, who, given, Props::Advocacy(kind));
            }
        }
    }
}
