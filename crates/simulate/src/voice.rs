//! Surveys: who is asked, who answers, and what they say.

use crate::{
    calendar::{DAY, SECOND, at, moment_text},
    env::Env,
    life::Life,
    output::Chunk,
    words::{self, Theme},
};

/// Kinds of survey.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 0 to 10.
    Nps,
    /// 1 to 5.
    Csat,
    /// 1 to 7.
    Ces,
}

/// A survey that went out.
pub struct Asked {
    no: u32,
    kind: Kind,
    interaction: &'static str,
    contact: u8,
    sent: i64,
    answers: Option<i64>,
    score: i32,
    declines: bool,
}

impl Life {
    /// A week of surveys: the half-yearly relationship survey, and the answers that come in.
    pub fn give_voice(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        if (self.weeks + self.survey_week) % 26 == 0 && !Env::holidays(day) && day - self.profile.started > 75
        {
            for _ in 0..[2, 2, 1][self.segment().index()] {
                let on = self.workday(day).min(env.end - 1);
                self.ask(Kind::Nps, "relationship", on, out);
            }
        }
        let limit = self.week_end().min(self.stop());
        let mut i = 0;
        while i < self.asked.len() {
            let survey = &self.asked[i];
            if survey.answers.is_some_and(|when| when < limit) || survey.sent + 30 * DAY < limit {
                let survey = self.asked.swap_remove(i);
                self.write_response(survey, out);
            } else {
                i += 1;
            }
        }
    }

    /// Sends a survey on `day`; the answer, if any, follows within days.
    pub fn ask(&mut self, kind: Kind, interaction: &'static str, day: i32, out: &mut Chunk) {
        let sent = at(day, 57_600.0 + self.random.between(0.0, 3_600.0));
        let contact = self.somebody(0.4);
        if sent >= self.stop().min(out.end())
            || self
                .asked
                .iter()
                .any(|other| other.kind == kind && other.contact == contact)
        {
            return;
        }
        let segment = self.segment().index();
        let health = self.health.now;
        let (rate, score) = match kind {
            Kind::Nps => (
                [0.46, 0.32, 0.17][segment],
                (8.35 + 1.1 * health + 1.6 * self.random.normal()).clamp(0.0, 10.0),
            ),
            Kind::Csat => {
                let mean = [4.60, 4.50, 4.40][segment];
                (
                    [0.42, 0.34, 0.22][segment],
                    (mean + 0.32 * health + 0.85 * self.random.normal()).clamp(1.0, 5.0),
                )
            }
            Kind::Ces => (
                [0.40, 0.30, 0.20][segment],
                (5.5 + 0.4 * health + 1.2 * self.random.normal()).clamp(1.0, 7.0),
            ),
        };
        let answers = self.random.chance(rate * (0.15 * health).exp().clamp(0.7, 1.4));
        let delay = (self.random.lognormal(70_000.0, 1.0).min(1_200_000.0) * SECOND as f64) as i64;
        self.counts[2] += 1;
        self.asked.push(Asked {
            no: self.counts[2],
            kind,
            interaction,
            contact,
            sent,
            answers: answers.then_some(sent + delay),
            score: score.round() as i32,
            declines: !answers && self.random.chance(0.04),
        });
    }

    /// Writes the surveys that nobody has answered when the account or the data ends.
    pub fn write_open_surveys(&mut self, out: &mut Chunk) {
        for survey in std::mem::take(&mut self.asked) {
            if survey.sent < self.stop() {
                self.write_response(survey, out);
            }
        }
    }

    fn write_response(&mut self, survey: Asked, out: &mut Chunk) {
        let answered = survey.answers.filter(|&when| when < self.stop());
        let id = format!("R-{:05}-{}", self.number, survey.no);
        let (account, contact) = (self.id(), self.contact_id(survey.contact));
        let kind = ["nps", "csat", "ces"][survey.kind as usize];
        let sent = moment_text(survey.sent);
        let (mut score, mut comment, mut when) = (String::new(), String::new(), String::new());
        if let Some(answered) = answered {
            self.engaged = self.engaged.max(answered);
            when = moment_text(answered);
            score = survey.score.to_string();
            if self.random.chance(0.42) {
                comment = self.comment(&survey);
            }
        }
        let declined = if survey.declines { "true" } else { "" };
        let interaction = survey.interaction;
        let table = &mut out.responses;
        table.row(
            &mut self.random,
            &[
                &id,
                &account,
                &contact,
                kind,
                &sent,
                &when,
                &score,
                &comment,
                interaction,
                declined,
            ],
        );
        let draw = self.random.unit();
        let other = format!("{id}x");
        if draw < 0.002 {
            table.bad(
                "bad_score",
                &[
                    &other,
                    &account,
                    &contact,
                    kind,
                    &sent,
                    &sent,
                    "very good",
                    "",
                    interaction,
                    "",
                ],
            );
        } else if draw < 0.004 {
            table.bad(
                "unknown_survey",
                &[
                    &other,
                    &account,
                    &contact,
                    "smiley",
                    &sent,
                    &sent,
                    "3",
                    "",
                    interaction,
                    "",
                ],
            );
        }
    }

    fn comment(&mut self, survey: &Asked) -> String {
        let bounds = [(6, 8), (2, 3), (3, 4)][survey.kind as usize];
        let mood = if survey.score <= bounds.0 {
            0
        } else {
            usize::from(survey.score > bounds.1) + 1
        };
        let day = survey.sent.div_euclid(DAY) as i32;
        let theme = match survey.interaction {
            "support" => Some(Theme::Support),
            "onboarding" => Some(Theme::Onboarding),
            _ if mood == 0 && day - self.health.price_rise < 150 => Some(Theme::Price),
            _ if mood == 0 && day < self.health.spike_until => Some(Theme::Support),
            _ if mood == 0 && self.silence(day) > 10.0 => Some(Theme::Relationship),
            _ => None,
        };
        let theme = theme.filter(|_| self.random.chance(0.75));
        words::comment(&mut self.random, mood, theme)
    }
}
