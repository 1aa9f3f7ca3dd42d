//! Latent health, what strikes it, and the risk that the account decides to leave.
//!
//! Health is an Ornstein–Uhlenbeck process in weekly steps around the account's own level. The *risk* does not read it directly: it reads what
//! shows in the data (use and its decline, tickets left open, a champion gone, silence), so that the risk can be found by somebody who only sees the data.

use crate::{
    calendar::{DAY, at},
    env::Env,
    event::{Name, Props},
    life::{Contact, Life, Phase, ROLES},
    names::Person,
    output::Chunk,
    random::Random,
};

/// State of mind and fortunes of an account. Days in the future end what they name.
pub struct Health {
    /// Latent health now; 0 is average, its spread about 0.8.
    pub now: f64,
    level: f64,
    /// Logarithm of product use against the account's own average.
    pub intensity: f64,
    /// The same, smoothed over about a month.
    pub recent: f64,
    /// The same, smoothed over about five months.
    pub usual: f64,
    slide_until: i32,
    /// Day on which the champion left, while there is no successor.
    pub champion_left: Option<i32>,
    successor_on: i32,
    /// Tickets come in numbers until then.
    pub spike_until: i32,
    /// The company itself is in trouble until then (merger, closure of sites).
    pub trouble_until: i32,
    /// Looks at competitors until then.
    pub competitor_until: i32,
    /// Day of the last rise in price.
    pub price_rise: i32,
    lift: f64,
    /// Whether onboarding came to an end: not needed to know for those who were there before the data.
    pub onboarding: Onboarding,
    /// Calm after a withdrawn notice until then.
    pub calm_until: i32,
    /// Features in use.
    pub breadth: f64,
}

/// How far onboarding has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Onboarding {
    /// Done before the data begins.
    Before,
    /// First value and completion fall on these days, if ever.
    Running {
        /// Day of the first value.
        value: Option<i32>,
        /// Day of completion.
        complete: Option<i32>,
    },
}

const LONG_AGO: i32 = i32::MIN / 2;

impl Health {
    /// A state from the middle of things.
    pub fn draw(random: &mut Random) -> Self {
        let level = 0.5 * random.normal();
        Self {
            now: level + 0.6 * random.normal(),
            level,
            intensity: 0.0,
            recent: 0.0,
            usual: 0.0,
            slide_until: LONG_AGO,
            champion_left: None,
            successor_on: LONG_AGO,
            spike_until: LONG_AGO,
            trouble_until: LONG_AGO,
            competitor_until: LONG_AGO,
            price_rise: LONG_AGO,
            lift: 0.0,
            onboarding: Onboarding::Before,
            calm_until: LONG_AGO,
            breadth: random.between(4.0, 9.0),
        }
    }

    /// One week of drift towards the account's level. Half of a shock is gone after twelve weeks.
    fn drift(&mut self, random: &mut Random, pull: f64) {
        const KEEP: f64 = 0.945;
        self.now = KEEP * self.now + (1.0 - KEEP) * (self.level + pull) + 0.21 * random.normal();
        self.lift *= 0.985;
        let champion = if self.champion_left.is_some() { -0.35 } else { 0.0 };
        self.intensity = (0.8 * self.now + self.lift + champion + 0.10 * random.normal()).clamp(-3.0, 1.6);
        self.recent += 0.22 * (self.intensity - self.recent);
        self.usual += 0.045 * (self.intensity - self.usual);
    }
}

impl Life {
    /// Three months of drift before the first day, so that nobody starts from a standstill.
    pub fn warm_up(&mut self) {
        for _ in 0..13 {
            self.health.drift(&mut self.random, 0.0);
        }
        self.health.recent = self.health.intensity * 0.6 + self.health.level * 0.32;
        self.health.usual = self.health.level * 0.8;
    }

    /// One week's fortunes: shocks, drift, and perhaps the decision to leave.
    pub fn fortunes(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        self.strike(day, out);
        let health = &self.health;
        let mut pull = 0.0;
        pull -= if day - health.price_rise < 150 { 0.35 } else { 0.0 };
        pull -= if day < health.spike_until { 0.7 } else { 0.0 };
        pull -= if day < health.trouble_until { 0.6 } else { 0.0 };
        pull -= if day < health.slide_until { 2.2 } else { 0.0 };
        pull -= if self.onboarding_failed(day) { 0.5 } else { 0.0 };
        pull -= if self.leaves.is_some() { 2.5 } else { 0.0 };
        pull += 0.12 * env.progress(day);
        self.health.drift(&mut self.random, pull);

        let open_notice = self.leaves.is_some() || self.saved.is_some();
        let undecided = !open_notice && self.profile.gap == crate::profile::Gap::None;
        let intensity = if undecided { self.risk(env, day) } else { 0.0 };
        self.note_week(day, intensity, open_notice, out);
        if let Some(saved) = self.saved.filter(|&saved| saved < day) {
            self.saved = None;
            self.health.calm_until = saved + 120;
        }
        if self.random.chance(1.0 - (-intensity).exp()) && self.phase == Phase::Active {
            self.note_decision();
            self.decide(env, day, out);
        }
    }

    fn strike(&mut self, day: i32, out: &mut Chunk) {
        let mut news = None;
        let random = &mut self.random;
        let health = &mut self.health;
        if health.champion_left.is_none() && random.chance(0.0042) {
            health.champion_left = Some(day);
            health.successor_on = day + random.range(30, 170);
            health.now -= 0.3;
            if let Some(contact) = self.contacts.get_mut(self.champion as usize) {
                contact.left = Some(day);
            }
            news = Some((Name::ContactLeft, self.champion, day + random.range(3, 21)));
            self.updated = self.updated.max(day);
        } else if health.champion_left.is_some() && day >= health.successor_on {
            health.champion_left = None;
            health.now += 0.15;
            let person = Person::draw(random);
            self.champion = self.contacts.len().min(200) as u8;
            self.contacts.push(Contact {
                person,
                since: day,
                left: None,
                unsubscribed: false,
                role: 0,
            });
            news = Some((Name::ContactJoined, self.champion, day + random.range(1, 14)));
        }
        if random.chance(0.0045) {
            health.spike_until = day + random.range(21, 56);
        }
        if random.chance(0.0045) {
            health.slide_until = day + random.range(42, 112);
        }
        if random.chance(0.0012) {
            health.trouble_until = day + random.range(60, 160);
        }
        if random.chance(0.002) {
            health.competitor_until = day + random.range(40, 120);
        }
        if random.chance(0.005) {
            health.now += 0.5;
            health.lift = (health.lift + 0.35).min(0.8);
            health.breadth = (health.breadth + 2.0).min(14.0);
        }
        health.breadth = (health.breadth + 0.03 * health.now).clamp(2.0, 14.0);
        // That a champion left, and who came instead, is noted when somebody hears of it.
        if let Some((name, who, on)) = news {
            let when = self.office_hour(on);
            self.emit(out, name, who, when, Props::None);
        }
    }

    /// True once onboarding is overdue by a month, or known never to end.
    pub fn onboarding_failed(&self, day: i32) -> bool {
        match self.health.onboarding {
            Onboarding::Before => false,
            Onboarding::Running { complete, .. } => {
                day - self.profile.started > 60 && complete.is_none_or(|on| on > day)
            }
        }
    }

    /// Weeks since anything engaging happened.
    pub fn silence(&self, day: i32) -> f64 {
        ((at(day, 0.0) - self.engaged) as f64 / (7.0 * DAY as f64)).max(0.0)
    }

    /// Weekly intensity of the decision to leave. The terms multiply each other's weight on purpose: a decline that nobody talks about is worse than
    /// the two apart, and open tickets hurt most where no champion defends the product.
    fn risk(&self, env: &Env, day: i32) -> f64 {
        const BASE: [f64; 3] = [-8.5, -8.8, -8.7];
        if day - self.profile.started < 21 {
            return 0.0;
        }
        let health = &self.health;
        let decline = (health.usual - health.recent).clamp(0.0, 1.6);
        // Use against others of its size: its own nature counts, because who never took to the product has least to lose.
        let used = health.recent + 1.3 * self.adoption;
        let low = (-used - 0.2).clamp(0.0, 2.2);
        let strong = (used - 0.4).clamp(0.0, 1.0);
        let open = self
            .tickets
            .iter()
            .filter(|ticket| at(day, 0.0) - ticket.opened > 4 * DAY)
            .count()
            .min(3) as f64;
        let alone = if health.champion_left.is_some_and(|left| day - left > 10) {
            1.0
        } else {
            0.0
        };
        let quiet = ((self.silence(day) - 5.0) / 12.0).clamp(0.0, 1.0);
        let when = |condition: bool, weight: f64| if condition { weight } else { 0.0 };

        let mut log = BASE[self.segment().index()];
        log += 2.2 * decline + 2.0 * low - 2.6 * strong + 1.0 * open + 1.2 * alone + 1.2 * quiet;
        log +=
            1.2 * decline * quiet + 0.3 * open * alone + 0.3 * low * when(day - health.price_rise < 120, 1.0);
        log += when(day < health.trouble_until, 1.6) + when(day < health.competitor_until, 1.0);
        log += when(self.onboarding_failed(day), 0.6) + when(day - self.profile.started < 365, 0.2);
        log += when(health.breadth < 3.5, 0.5) - when(day < health.calm_until, 0.7);
        if self.profile.annual {
            log += if self.renewal - day <= 75 { 1.3 } else { -0.8 };
        }
        (log - 0.15 * env.progress(day)).exp()
    }

    /// Role of a contact as the record has it.
    pub fn role(contact: &Contact) -> &'static str {
        if contact.left.is_some() {
            "former"
        } else {
            ROLES[contact.role as usize]
        }
    }
}
