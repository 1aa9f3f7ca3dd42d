//! Tickets: more of them, and longer ones, when things go badly.

use crate::{
    calendar::{DAY, SECOND, moment_text},
    env::Env,
    event::{Name, Props},
    life::Life,
    output::Chunk,
    voice::Kind,
    words,
};

/// A ticket that is not resolved yet, with what is to become of it.
pub struct Ticket {
    no: u32,
    contact: u8,
    priority: u8,
    subject: u8,
    /// Moment of opening.
    pub opened: i64,
    escalates: Option<i64>,
    reopens: Option<i64>,
    resolves: i64,
}

impl Life {
    /// A week of tickets: new ones, and the resolution of old ones.
    pub fn seek_support(&mut self, env: &Env, day: i32, out: &mut Chunk) {
        let spiking = day < self.health.spike_until;
        let mut rate =
            [0.30, 0.14, 0.050][self.segment().index()] * (-0.30 * self.health.now).exp().clamp(0.4, 2.5);
        rate *= if spiking { 4.0 } else { 1.0 };
        rate *= if day - self.profile.started < 60 { 1.8 } else { 1.0 };
        for _ in 0..self.random.poisson(rate) {
            self.open_ticket(env, day, spiking, out);
        }
        self.resolve_tickets(day, out);
    }

    fn open_ticket(&mut self, env: &Env, day: i32, spiking: bool, out: &mut Chunk) {
        let on = self.workday(day);
        let opened = self.office_hour(on);
        if opened >= self.stop() {
            return;
        }
        let contact = self.somebody(0.4);
        let random = &mut self.random;
        let priority = random.weighted(&[0.25, 0.5, 0.19, 0.06]) as u8;
        let hours =
            [46.0, 26.0, 14.0, 7.0][priority as usize] * (-0.25 * self.health.now).exp().clamp(0.5, 2.5);
        let stuck = random.chance(if spiking { 0.35 } else { 0.12 });
        let slow = if stuck { 15.0 } else { 1.0 } * (1.0 - 0.12 * env.progress(day));
        let took = (random.lognormal(hours * slow, 0.9).clamp(0.2, 2_400.0) * 3600.0) as i64 * SECOND;
        let escalates = (took > 4 * DAY && random.chance(0.45) || priority == 3 && random.chance(0.2))
            .then(|| opened + (took as f64 * random.between(0.2, 0.7)) as i64);
        let reopens = random
            .chance(0.06)
            .then(|| opened + took + random.range(4, 70) as i64 * 3600 * SECOND);
        let resolves = reopens.map_or(opened + took, |again| {
            again + (random.lognormal(20.0, 0.8) * 3600.0) as i64 * SECOND
        });
        let subject = random.below(words::SUBJECTS.len() as u32) as u8;
        let replies = 1 + random.poisson(0.9);
        self.counts[0] += 1;
        let no = self.counts[0];
        for _ in 0..replies {
            let when = opened + (took as f64 * self.random.between(0.05, 0.95)) as i64;
            self.emit(out, Name::TicketReplied, contact, when, Props::Ticket(no));
        }
        self.tickets.push(Ticket {
            no,
            contact,
            priority,
            subject,
            opened,
            escalates,
            reopens,
            resolves,
        });
    }

    fn resolve_tickets(&mut self, day: i32, out: &mut Chunk) {
        let limit = self.week_end().min(self.stop());
        let mut i = 0;
        while i < self.tickets.len() {
            if self.tickets[i].resolves < limit {
                let ticket = self.tickets.swap_remove(i);
                self.write_ticket(&ticket, out);
                if self.random.chance(0.25) {
                    let on = (ticket.resolves.div_euclid(DAY) as i32 + 1).max(day);
                    self.ask(Kind::Csat, "support", on, out);
                }
            } else {
                i += 1;
            }
        }
    }

    /// Writes what is still open at the account's end, or the data's.
    pub fn write_open_tickets(&mut self, out: &mut Chunk) {
        for ticket in std::mem::take(&mut self.tickets) {
            self.write_ticket(&ticket, out);
        }
    }

    fn write_ticket(&mut self, ticket: &Ticket, out: &mut Chunk) {
        let known = |when: Option<i64>| {
            when.filter(|&when| when < self.stop())
                .map(moment_text)
                .unwrap_or_default()
        };
        let id = format!("T-{:05}-{}", self.number, ticket.no);
        let (opened, escalated) = (moment_text(ticket.opened), known(ticket.escalates));
        let (reopened, resolved) = (known(ticket.reopens), known(Some(ticket.resolves)));
        let (account, contact) = (self.id(), self.contact_id(ticket.contact));
        let (priority, subject) = (
            words::PRIORITIES[ticket.priority as usize],
            words::SUBJECTS[ticket.subject as usize],
        );
        let table = &mut out.tickets;
        table.row(
            &mut self.random,
            &[
                &id, &account, &contact, &opened, &escalated, &reopened, &resolved, priority, subject,
            ],
        );
        let draw = self.random.unit();
        let other = format!("T-{:05}-{}x", self.number, ticket.no);
        if draw < 0.002 {
            table.bad(
                "unknown_account",
                &[
                    &other,
                    &format!("X-{:05}", self.number),
                    "",
                    &opened,
                    "",
                    "",
                    "",
                    priority,
                    subject,
                ],
            );
        } else if draw < 0.004 {
            table.bad(
                "bad_date",
                &[
                    &other,
                    &account,
                    "",
                    "31.02.2026 25:61",
                    "",
                    "",
                    "",
                    priority,
                    subject,
                ],
            );
        }
    }
}
