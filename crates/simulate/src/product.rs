//! Use of the product: sessions of people, with what they do in them.

use crate::{
    calendar::SECOND,
    env::Env,
    event::{Name, Props},
    health::Onboarding,
    life::Life,
    output::Chunk,
    words,
};

impl Life {
    /// A week of sessions. Their number follows health, the calendar and the first weeks' ramp.
    pub fn use_product(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        // A week has 5.26 ordinary days (weekends count a little).
        let rate = self.sessions * (self.health.intensity - 0.15).exp() * self.ramp(day) * env.volume / 5.26;
        for today in day..(day + 7).min(env.end) {
            for _ in 0..self.random.poisson(rate * env.season(today)) {
                self.session(today, out);
            }
        }
        self.look_elsewhere(env, day, out);
    }

    /// New accounts use little before the first value, and never more than half without it.
    fn ramp(&self, day: i32) -> f64 {
        match self.health.onboarding {
            Onboarding::Before => 1.0,
            Onboarding::Running {
                value: Some(value), ..
            } if day >= value => (0.6 + f64::from(day - value) / 60.0).min(1.0),
            Onboarding::Running { value: Some(_), .. } => 0.4,
            Onboarding::Running { value: None, .. } => 0.45,
        }
    }

    /// Who looks at competitors looks at the bill and takes the records out.
    pub fn look_elsewhere(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        let rate = if day < self.health.competitor_until {
            0.5
        } else {
            0.012
        };
        if !self.random.chance(rate) {
            return;
        }
        let on = self.workday(day).min(env.end - 1);
        let (who, when) = (self.somebody(0.6), self.office_hour(on));
        self.emit(out, Name::PageViewed, who, when, Props::Page(7));
        self.emit(out, Name::DataExported, who, when + 240 * SECOND, Props::None);
    }

    fn session(&mut self, day: i32, out: &mut Chunk) {
        let mut when = self.office_hour(day);
        let last = (i64::from(day) + 1) * crate::calendar::DAY - 1;
        let who = if self.random.chance(0.03) {
            crate::event::NOBODY
        } else {
            self.somebody(0.45)
        };
        self.emit(out, Name::Login, who, when, Props::None);
        let breadth = self.health.breadth;
        for _ in 0..self.random.poisson(0.6) {
            when = (when + (self.random.between(8.0, 420.0) * SECOND as f64) as i64).min(last);
            let kind = self.random.unit();
            if kind < 0.34 {
                let page = self.random.below(words::PAGES.len() as u32) as u8;
                self.emit(out, Name::PageViewed, who, when, Props::Page(page));
            } else if kind < 0.80 {
                // Squared: the first features of the list are used most.
                let place = self.random.unit().powi(2) * breadth;
                self.emit(
                    out,
                    Name::FeatureUsed,
                    who,
                    when,
                    Props::Feature((place as u8).min(words::FEATURES.len() as u8 - 1)),
                );
            } else if kind < 0.985 {
                let course = self.random.below(words::COURSES.len() as u32) as u8;
                self.emit(out, Name::CourseCompleted, who, when, Props::Course(course));
            } else {
                let asset = self.random.below(words::ASSETS.len() as u32) as u8;
                self.view(out, who, when, asset, false);
            }
        }
    }

    /// Somebody opens a piece of material, and may stay to its end.
    pub fn view(&mut self, out: &mut Chunk, who: u8, when: i64, asset: u8, from_message: bool) {
        let props = Props::Asset(asset, from_message);
        self.emit(out, Name::ContentViewed, who, when, props);
        let finished = when + (self.random.between(60.0, 1_500.0) * SECOND as f64) as i64;
        if self.random.chance(0.4) {
            let name = if words::ASSETS[asset as usize].1 == "webinar" {
                Name::WebinarWatched
            } else {
                Name::ContentCompleted
            };
            self.emit(out, name, who, finished, props);
        }
    }
}
