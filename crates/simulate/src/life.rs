//! The life of one account: a week at a time it draws its fortunes, acts, and leaves its traces in the batch at hand.

use crate::{
    calendar::{self, DAY, SECOND, at},
    env::Env,
    event::{Event, NOBODY, Name, Props},
    health::Health,
    names::Person,
    output::Chunk,
    profile::{Gap, Profile, Segment},
    random::Random,
    revenue::Deed,
    sales::Opportunity,
    stage::Stage,
    support::Ticket,
    truth::Truth,
    voice::Asked,
};

/// Somebody at the account.
#[derive(Clone, Copy)]
pub struct Contact {
    /// Name and title.
    pub person: Person,
    /// First day with the account's record.
    pub since: i32,
    /// Day on which they left, if they did.
    pub left: Option<i32>,
    /// Does not want mail.
    pub unsubscribed: bool,
    /// Position in [`ROLES`].
    pub role: u8,
}

/// Roles of contacts.
pub const ROLES: [&str; 4] = ["champion", "administrator", "sponsor", "user"];

/// Where an account is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not a customer yet.
    Waiting,
    /// A customer.
    Active,
    /// Gone, or never to come.
    Over,
}

/// One account with everything that it remembers. About 1.5 kB.
pub struct Life {
    /// Number, from 1.
    pub number: u32,
    /// Fixed facts.
    pub profile: Profile,
    /// Its randomness.
    pub random: Random,
    /// Its people; the position is the contact's number.
    pub contacts: Vec<Contact>,
    /// Position of the champion.
    pub champion: u8,
    /// Where it is.
    pub phase: Phase,
    /// MRR in cents.
    pub mrr: i64,
    /// Day of the last change of the record.
    pub updated: i32,
    /// Next day of renewal.
    pub renewal: i32,
    /// State of mind and fortunes.
    pub health: Health,
    /// How easily it responds, 1 being average.
    pub responsive: f64,
    /// Sessions a week at average health.
    pub sessions: f64,
    /// Logarithm of its use of the product against others of its size, as it is by nature: some adopt it well, others hardly.
    pub adoption: f64,
    /// Day on which it stops being a customer, once decided.
    pub leaves: Option<i32>,
    /// Day on which a notice is withdrawn, once that is settled.
    pub saved: Option<i32>,
    /// Why it leaves, as a position in the list of reasons.
    pub reason: u8,
    /// Moment of the last engaging event.
    pub engaged: i64,
    /// Tickets not resolved yet.
    pub tickets: Vec<Ticket>,
    /// Opportunities not closed yet.
    pub opportunities: Vec<Opportunity>,
    /// Changes of the subscription that are decided but not due.
    pub deeds: Vec<(i32, Deed)>,
    /// Surveys not answered yet.
    pub asked: Vec<Asked>,
    /// Numbers given to tickets, opportunities and surveys so far.
    pub counts: [u32; 3],
    /// Week of the year's half in which the relationship survey goes out.
    pub survey_week: i32,
    /// Weeks lived through.
    pub weeks: i32,
    /// Truth of the running month.
    pub truth: Truth,
    /// Has agreed to speak for the product.
    pub advocate: bool,
    /// Lifecycle stages as the account's record names them, each with its first day.
    pub stages: Vec<(i32, Stage)>,
    next: i32,
    week_end: i64,
    stop: i64,
    events: u32,
    pending: Vec<Event>,
}

impl Life {
    /// Account `index`, before its first day.
    pub fn new(env: &Env, index: u32) -> Self {
        let mut random = Random::stream(env.seed, u64::from(index));
        let profile = Profile::draw(&mut random, env, index);
        let segment = profile_segment(&profile, profile.mrr).index();
        let people = [(3, 7), (2, 4), (1, 2)][segment];
        let since = profile.started.max(env.first - 400);
        let contacts: Vec<Contact> = (0..random.range(people.0, people.1))
            .map(|i| Contact {
                person: Person::draw(&mut random),
                since,
                left: None,
                unsubscribed: false,
                role: (i as u8).min(3),
            })
            .collect();
        let term = if profile.annual { 365 } else { 30 };
        let mut renewal = profile.started + term;
        while renewal < env.first {
            renewal += term;
        }
        // Use grows with the seats, but more slowly: of many seats fewer are people who come often.
        let adoption = 0.5 * random.normal();
        let sessions = 0.3 * f64::from(profile.seats).powf(0.6) * adoption.exp();
        let prospect = profile.gap == Gap::Prospect;
        let mut life = Self {
            number: index + 1,
            mrr: profile.mrr,
            updated: profile.started,
            renewal,
            health: Health::draw(&mut random),
            responsive: random.lognormal(0.9, 0.45),
            sessions,
            adoption,
            leaves: None,
            saved: None,
            reason: 5,
            engaged: at(env.first.max(profile.started), 0.0) - random.range(0, 60) as i64 * DAY,
            tickets: Vec::new(),
            opportunities: Vec::new(),
            deeds: Vec::new(),
            asked: Vec::new(),
            counts: [0; 3],
            survey_week: random.range(0, 25),
            weeks: 0,
            truth: Truth::default(),
            advocate: false,
            stages: Vec::new(),
            next: profile.started.max(env.first),
            week_end: 0,
            stop: at(env.end, 0.0),
            events: 0,
            pending: Vec::new(),
            phase: if prospect { Phase::Over } else { Phase::Waiting },
            champion: 0,
            contacts,
            profile,
            random,
        };
        if prospect {
            life.look_around(env);
        }
        life
    }

    /// A prospect reads a little; that is all there is of it.
    fn look_around(&mut self, env: &Env) {
        for _ in 0..self.random.range(2, 6) {
            let day = (env.end - self.random.range(3, 60)).max(env.first);
            let when = at(day, self.random.between(50_000.0, 80_000.0));
            let asset = self.random.below(16) as u8;
            let event = self.make(Name::ContentViewed, 0, when, Props::Asset(asset, false));
            self.pending.push(event);
        }
    }

    /// Lives until the day `until`, exclusive, and writes what happened into `out`.
    pub fn advance(&mut self, env: &Env, until: i32, out: &mut Chunk) {
        if self.phase == Phase::Over {
            self.week_end = at(until, 0.0);
            self.release(out);
        }
        while self.next < until && self.phase != Phase::Over {
            if self.phase == Phase::Waiting {
                self.begin(env, out);
            }
            self.week(env, self.next, out);
            self.next += 7;
        }
        out.settle(self.number, &mut self.random);
    }

    fn week(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        self.week_end = at(day + 7, 0.0);
        self.weeks += 1;
        self.fortunes(env, day, out);
        self.release(out);
        self.use_product(env, day, out);
        self.reach_out(env, day, out);
        self.converse(env, day, out);
        self.seek_support(env, day, out);
        self.trade(env, day, out);
        self.note_stage(day);
        self.give_voice(env, day, out);
        if let Some(leaves) = self.leaves.filter(|&leaves| leaves < (day + 7).min(env.end)) {
            self.leave(leaves, out);
        }
    }

    /// Closes the books at the end of the data: what is open is written as open.
    pub fn finish(&mut self, env: &Env, out: &mut Chunk) {
        if self.phase == Phase::Active {
            self.week_end = at(env.end, 0.0);
            self.release(out);
            self.write_open(env.end, false, out);
        }
        self.close_month(out);
        out.settle(self.number, &mut self.random);
    }

    /// The segment that the account is in now, as the company knows it.
    pub fn segment(&self) -> Segment {
        profile_segment(&self.profile, self.mrr)
    }

    /// The account's id in the files.
    pub fn id(&self) -> String {
        format!("A-{:05}", self.number)
    }

    /// The contact's id in the files; empty for nobody.
    pub fn contact_id(&self, contact: u8) -> String {
        if contact == NOBODY {
            String::new()
        } else {
            format!("C-{:05}-{}", self.number, contact + 1)
        }
    }

    /// First moment after the account's part in the data: its last day or the data's.
    pub fn stop(&self) -> i64 {
        self.stop
    }

    /// End of the week being lived.
    pub fn week_end(&self) -> i64 {
        self.week_end
    }

    /// From `day` on nothing happens any more.
    pub fn stop_on(&mut self, day: i32) {
        self.stop = self.stop.min(at(day, 0.0));
    }

    /// Somebody who is there: the champion more often than others.
    pub fn somebody(&mut self, champion_share: f64) -> u8 {
        let present = |contact: &Contact| contact.left.is_none();
        if self.random.chance(champion_share)
            && self.contacts.get(self.champion as usize).is_some_and(present)
        {
            return self.champion;
        }
        let others = self.contacts.iter().filter(|c| present(c)).count() as u32;
        if others == 0 {
            return NOBODY;
        }
        let wanted = self.random.below(others) as usize;
        self.contacts
            .iter()
            .enumerate()
            .filter(|(_, c)| c.left.is_none())
            .nth(wanted)
            .map_or(NOBODY, |(i, _)| i as u8)
    }

    /// A moment in the account's office hours on `day`, within that day in UTC.
    pub fn office_hour(&mut self, day: i32) -> i64 {
        let local = (11.5 + 2.3 * self.random.normal()).clamp(7.0, 17.5);
        at(
            day,
            ((local + f64::from(self.profile.zone)) * 3600.0 + self.random.unit() * 60.0).min(86_000.0),
        )
    }

    /// A working day of the week that starts on `day`.
    pub fn workday(&mut self, day: i32) -> i32 {
        let drawn = day + self.random.below(7) as i32;
        match calendar::weekday(drawn) {
            5 if drawn > day => drawn - 1,
            6 if drawn > day + 1 => drawn - 2,
            _ => drawn,
        }
    }

    /// Records an event now, or in its week if that is yet to come; nothing is recorded beyond the account's end.
    pub fn emit(&mut self, out: &mut Chunk, name: Name, contact: u8, when: i64, props: Props) {
        if when >= self.stop {
            return;
        }
        let event = self.make(name, contact, when, props);
        if when >= self.week_end {
            self.pending.push(event);
        } else {
            self.record(event, out);
        }
    }

    fn make(&mut self, name: Name, contact: u8, when: i64, props: Props) -> Event {
        use Name::*;
        let seconds = match name {
            Login | FeatureUsed | DataExported | CourseCompleted | PageViewed | InAppShown | InAppClicked => {
                self.random.between(0.2, 20.0)
            }
            MeetingHeld | CallLogged | QbrHeld | SponsorMet | EventAttended => {
                self.random.lognormal(5_000.0, 1.0).min(80_000.0)
            }
            _ => self.random.between(1.0, 90.0),
        };
        let mut lag = (seconds * SECOND as f64) as i64;
        if self.random.chance(0.01) {
            lag += (self.random.lognormal(4.0, 0.9).clamp(1.05, 45.0) * DAY as f64) as i64;
        }
        self.events += 1;
        Event {
            no: self.events,
            contact,
            name,
            at: when,
            received: when + lag,
            props,
        }
    }

    fn record(&mut self, event: Event, out: &mut Chunk) {
        if event.engages() {
            self.engaged = self.engaged.max(event.at);
        }
        out.take(event);
    }

    fn release(&mut self, out: &mut Chunk) {
        let mut i = self.pending.len();
        while i > 0 {
            i -= 1;
            if self.pending[i].at < self.week_end {
                let event = self.pending.swap_remove(i);
                if event.at < self.stop {
                    self.record(event, out);
                }
            }
        }
    }

    fn leave(&mut self, day: i32, out: &mut Chunk) {
        self.phase = Phase::Over;
        self.pending.clear();
        self.write_churn(day, out);
        self.write_open(day, true, out);
        self.updated = day;
    }
}

fn profile_segment(profile: &Profile, mrr: i64) -> Segment {
    Segment::of(mrr, profile.employees_known.then_some(profile.employees))
}
