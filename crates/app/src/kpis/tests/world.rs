//! A random history: accounts that start, grow, shrink, leave and come back, and all that happens to them meanwhile.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value as Json, json};

use crate::accounts::{AccountChange, Change};
use crate::events::{Event, Kind};

/// The newest instant of the history: the one at which a test's clock stands.
pub const END: i64 = 1_782_820_800_000_000;
const DAY: i64 = 86_400_000_000;
const MONTHS: i64 = 14;

/// Something that arrives.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// An event.
    Event(Event),
    /// What became known of an account.
    Change(Change),
}

struct Maker {
    random: StdRng,
    made: Vec<Arrival>,
    used: std::collections::HashSet<i64>,
}

/// All that arrives, in the order of arrival.
pub fn world(seed: u64, accounts: usize, each: usize) -> Vec<Arrival> {
    let mut maker = Maker {
        random: StdRng::seed_from_u64(seed),
        made: Vec::new(),
        used: std::collections::HashSet::new(),
    };
    for account in 0..accounts {
        maker.describe(account);
        maker.revenue(account);
        for _ in 0..each {
            let at = END - maker.random.random_range(0..MONTHS * 30 * DAY);
            maker.anything(Some(account), at);
        }
    }
    for _ in 0..accounts {
        let at = END - maker.random.random_range(0..MONTHS * 30 * DAY);
        maker.anything(None, at);
    }
    maker.arrive()
}

impl Maker {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    fn put(&mut self, account: Option<usize>, at: i64, name: &str, properties: Json) {
        // No two events share an instant, so that nothing hangs on a tie.
        let mut at = at.min(END - 1_000_000);
        while !self.used.insert(at) {
            at -= 1;
        }
        let contact = account
            .filter(|_| self.random.random_bool(0.8))
            .map(|no| format!("p{no}-{}", self.random.random_range(0..4)));
        self.made.push(Arrival::Event(Event {
            message_id: format!("m{}", self.made.len()),
            account: account.map(|no| format!("a{no:03}")),
            contact,
            name: name.to_owned(),
            kind: Kind::of(name),
            occurred_at: at,
            received_at: at,
            source: "test".into(),
            properties: properties.as_object().cloned().unwrap_or_default(),
        }));
    }

    fn describe(&mut self, account: usize) {
        let mut day = END - MONTHS * 30 * DAY;
        for _ in 0..self.random.random_range(1..4) {
            let mut said = serde_json::Map::new();
            let employees = self.one(&[0, 12, 50, 51, 300]);
            for (field, value) in [
                ("employees", json!(employees)),
                ("seats", json!(40)),
                ("plan", json!("Pro")),
                ("domain", json!("a.example")),
            ] {
                if self.random.random_bool(0.5) {
                    said.insert(field.to_owned(), value);
                }
            }
            let owner = self
                .random
                .random_bool(0.5)
                .then(|| format!("{}@example.com", self.random.random_range(0..3)));
            let id = format!("a{account:03}");
            self.made.push(Arrival::Change(Change::Account(AccountChange {
                id,
                owner,
                attributes: said,
                at: day,
                ..AccountChange::default()
            })));
            day += self.random.random_range(20..150) * DAY;
            if day >= END {
                break;
            }
        }
    }

    fn revenue(&mut self, account: usize) {
        if self.random.random_bool(0.05) {
            return;
        }
        let mrrs = [
            0.0, 100.5, 250.0, 400.0, 500.0, 501.0, 3_500.0, 3_500.01, 3_600.0, 9_000.0,
        ];
        let mut at = END - self.random.random_range(20..MONTHS * 31) * DAY + self.random.random_range(0..DAY);
        let second = self.random.random_bool(0.2);
        let mut running = false;
        let mut valued = false;
        while at < END {
            let subscription = if second { self.one(&["s1", "s2"]) } else { "" };
            let mrr = self.one(&mrrs);
            if !running {
                let unknown = self.random.random_bool(0.1);
                let said = if unknown {
                    json!({})
                } else {
                    json!({ "mrr": mrr, "subscription_id": subscription })
                };
                self.put(Some(account), at, "subscription_started", said);
                running = true;
                if !valued && self.random.random_bool(0.7) {
                    valued = true;
                    let later = at + self.random.random_range(0..70) * DAY;
                    self.put(Some(account), later, "first_value", json!({}));
                }
            } else {
                let reason = self.one(&["upsell", "cross_sell", "contraction", "price"]);
                match self.random.random_range(0..10) {
                    0..4 => self.put(
                        Some(account),
                        at,
                        "mrr_changed",
                        json!({ "from": 1, "to": mrr, "reason": reason, "subscription_id": subscription }),
                    ),
                    4..6 => self.put(
                        Some(account),
                        at,
                        "renewed",
                        json!({ "mrr": mrr, "subscription_id": subscription }),
                    ),
                    6 => self.put(Some(account), at, "churn_notice", json!({})),
                    7 => self.put(Some(account), at, "saved", json!({})),
                    _ => {
                        let said = if self.random.random_bool(0.3) {
                            json!({})
                        } else {
                            json!({ "reason": "pricing" })
                        };
                        self.put(Some(account), at, "churned", said);
                        running = false;
                    }
                }
            }
            at += self.random.random_range(0..60) * DAY + self.random.random_range(0..DAY);
        }
    }

    fn anything(&mut self, account: Option<usize>, at: i64) {
        let plain = [
            "login",
            "feature_used",
            "content_completed",
            "webinar_watched",
            "email_sent",
            "email_delivered",
            "email_clicked",
            "email_replied",
            "email_bounced",
            "unsubscribed",
            "in_app_shown",
            "in_app_clicked",
            "meeting_held",
            "call_logged",
            "webinar_attended",
            "qbr_held",
            "event_attended",
            "survey_declined",
            "sponsor_met",
            "task_completed",
            "playbook_step_done",
            "reference_given",
            "advocate_agreed",
            "advocate_revoked",
            "payment_failed",
            "churn_notice",
        ];
        match self.random.random_range(0..16) {
            0..6 => {
                let name = self.one(&plain);
                self.put(account, at, name, json!({ "feature": "f" }));
            }
            6 => {
                let machine = self
                    .one(&[json!({}), json!({ "machine": true }), json!({ "machine": false })].each_ref())
                    .clone();
                self.put(account, at, "email_opened", machine);
            }
            7 => {
                let from = self.random.random_bool(0.5);
                self.put(
                    account,
                    at,
                    "content_viewed",
                    json!({ "from_message": from, "asset_id": "x" }),
                );
            }
            8..11 => self.survey(account, at),
            11..13 => self.ticket(account, at),
            13 => self.opportunity(account, at),
            _ => {
                self.put(account, at, "onboarding_started", json!({}));
                if self.random.random_bool(0.7) {
                    let later = at + self.random.random_range(0..45) * DAY;
                    self.put(account, later, "onboarding_completed", json!({}));
                }
            }
        }
    }

    fn survey(&mut self, account: Option<usize>, at: i64) {
        let kind = self.one(&["nps", "csat", "ces"]);
        let id = format!("r{}", self.made.len());
        if self.random.random_bool(0.8) {
            self.put(
                account,
                at,
                "survey_sent",
                json!({ "survey": kind, "response_id": id }),
            );
        }
        if self.random.random_bool(0.7) {
            let score = self.random.random_range(-1..12);
            let interaction = self.one(&["onboarding", "relationship", "support"]);
            let later = at + self.random.random_range(0..5) * DAY;
            let mut said = json!({ "survey": kind, "score": score, "interaction": interaction });
            if self.random.random_bool(0.8) {
                said["response_id"] = json!(id);
            }
            self.put(account, later, "survey_answered", said);
        }
    }

    fn ticket(&mut self, account: Option<usize>, at: i64) {
        let said = json!({ "ticket_id": format!("t{}", self.made.len()) });
        self.put(account, at, "ticket_opened", said.clone());
        let mut at = at;
        for name in [
            "ticket_escalated",
            "ticket_resolved",
            "ticket_reopened",
            "ticket_resolved",
        ] {
            at += self.random.random_range(1..20 * DAY);
            if at >= END || self.random.random_bool(0.25) {
                break;
            }
            self.put(account, at, name, said.clone());
        }
    }

    fn opportunity(&mut self, account: Option<usize>, at: i64) {
        let id = format!("o{}", self.made.len());
        let mut at = at;
        let value = self.random.random_range(1..50) * 100;
        self.put(
            account,
            at,
            "opportunity_opened",
            json!({ "opportunity_id": id, "type": "upsell", "value": value }),
        );
        at += self.random.random_range(1..60) * DAY;
        if at < END && self.random.random_bool(0.6) {
            let said = match self.random.random_bool(0.7) {
                true => json!({ "opportunity_id": id, "stage": "offer", "value": value * 2 }),
                false => json!({ "opportunity_id": id, "stage": "offer" }),
            };
            self.put(account, at, "opportunity_stage_changed", said);
        }
        at += self.random.random_range(1..60) * DAY;
        if at < END && self.random.random_bool(0.7) {
            let name = self.one(&["opportunity_won", "opportunity_lost"]);
            self.put(
                account,
                at,
                name,
                json!({ "opportunity_id": id, "type": "upsell" }),
            );
        }
    }

    /// Puts everything into the order of arrival: by time, some of it late, some of it twice. What comes twice says something else the
    /// second time, which must not count.
    fn arrive(mut self) -> Vec<Arrival> {
        let when = |it: &Arrival| match it {
            Arrival::Event(event) => event.occurred_at,
            Arrival::Change(Change::Account(change)) => change.at,
            Arrival::Change(_) => 0,
        };
        let mut placed: Vec<(i64, Arrival)> = Vec::new();
        for it in std::mem::take(&mut self.made) {
            let late = if self.random.random_bool(0.15) {
                self.random.random_range(1..120) * DAY
            } else {
                0
            };
            let at = when(&it) + late;
            if let Arrival::Event(event) = &it
                && self.random.random_bool(0.05)
            {
                let mut again = event.clone();
                again.occurred_at -= 40 * DAY;
                again.properties.insert("score".into(), json!(1));
                placed.push((
                    at + 1 + self.random.random_range(0..100) * DAY,
                    Arrival::Event(again),
                ));
            }
            placed.push((at, it));
        }
        placed.sort_by_key(|(at, _)| *at);
        placed.into_iter().map(|(_, it)| it).collect()
    }
}
