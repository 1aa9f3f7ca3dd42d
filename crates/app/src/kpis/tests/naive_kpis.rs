//! The definition of every KPI, as loops.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::naive::{Model, Seen, at_start, window};

/// One account's (or item's) part: account, numerator, denominator.
pub type Fact = (Option<usize>, f64, f64);

/// How parts become a figure.
#[derive(PartialEq)]
enum How {
    Ratio,
    Sum,
    Mean,
    Nps,
}

const ENGAGING: &[&str] = &[
    "email_clicked",
    "email_replied",
    "meeting_held",
    "call_logged",
    "webinar_attended",
    "qbr_held",
    "event_attended",
    "in_app_clicked",
    "survey_answered",
];
const TOUCH: &[&str] = &[
    "email_sent",
    "email_clicked",
    "email_replied",
    "in_app_shown",
    "in_app_clicked",
    "meeting_held",
    "call_logged",
    "webinar_attended",
    "qbr_held",
    "event_attended",
    "sponsor_met",
];
const CONTENT: &[&str] = &["content_viewed", "content_completed", "webinar_watched"];
const HELP: &[&str] = &[
    "meeting_held",
    "call_logged",
    "qbr_held",
    "sponsor_met",
    "task_completed",
    "playbook_step_done",
    "saved",
];

fn bit(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}
fn opened_by_a_person(e: &Seen) -> bool {
    e.is(&["email_opened"]) && e.said.get("machine").and_then(serde_json::Value::as_bool) != Some(true)
}
fn read_from_message(e: &Seen) -> bool {
    e.is(&["content_viewed"]) && e.said.get("from_message").and_then(serde_json::Value::as_bool) == Some(true)
}
fn said<'a>(e: &'a Seen, field: &str) -> Option<&'a str> {
    e.said.get(field)?.as_str()
}
fn score(e: &Seen, survey: &str, from: f64, to: f64) -> Option<f64> {
    let score = e.said.get("score")?.as_f64()?;
    (e.is(&["survey_answered"]) && said(e, "survey") == Some(survey) && (from..=to).contains(&score))
        .then_some(score)
}

/// The figure of a KPI for a day and a scope; `None` inside = no data, outside = there is no such KPI here.
pub fn value(m: &Model, kpi: &str, day: Date, scope: &str) -> Option<Option<f64>> {
    let days = window(kpi, day);
    let (how, mut facts) = facts(m, kpi, days)?;
    let counts = if at_start(kpi) { days.0 - 1 } else { days.1 };
    facts.retain(|(account, _, _)| {
        scope == "all" || account.is_some_and(|a| m.status(a, counts).segment == scope)
    });
    let numerator: f64 = facts.iter().map(|f| f.1).sum();
    let denominator: f64 = facts.iter().map(|f| f.2).sum();
    let share = (denominator != 0.0).then(|| numerator / denominator);
    Some(match how {
        How::Ratio | How::Mean => share,
        How::Nps => share.map(|share| 100.0 * share),
        How::Sum => (!facts.is_empty()).then_some(numerator),
    })
}

/// A figure with what stands beside it.
#[derive(Debug, Default)]
pub struct Whole {
    pub numerator: f64,
    pub denominator: f64,
    pub value: Option<f64>,
    /// Median and 90th percentile, of means.
    pub middle: Option<(f64, f64)>,
}

/// The figure of a KPI for a day, for each name that `scope` gives to an account on the day that decides.
pub fn split(
    m: &Model,
    kpi: &str,
    day: Date,
    scope: &dyn Fn(usize, i32) -> String,
) -> BTreeMap<String, Whole> {
    let days = window(kpi, day);
    let Some((how, all)) = facts(m, kpi, days) else {
        return BTreeMap::new();
    };
    let counts = if at_start(kpi) { days.0 - 1 } else { days.1 };
    let mut parts: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for fact in all {
        if let Some(account) = fact.0 {
            parts.entry(scope(account, counts)).or_default().push(fact);
        }
    }
    let whole = |facts: Vec<Fact>| {
        let numerator: f64 = facts.iter().map(|f| f.1).sum();
        let denominator: f64 = facts.iter().map(|f| f.2).sum();
        let share = (denominator != 0.0).then(|| numerator / denominator);
        let mut values: Vec<f64> = facts.iter().map(|f| f.1).collect();
        values.sort_by(f64::total_cmp);
        // The place among n values is share × (n − 1), counted in hundredths to stay with whole numbers.
        let at = |hundredths: usize| {
            let place = hundredths * (values.len() - 1);
            let (low, rest) = (
                values[place / 100],
                f64::from(u32::try_from(place % 100).expect("small")) / 100.0,
            );
            low + (values[(place / 100 + 1).min(values.len() - 1)] - low) * rest
        };
        Whole {
            numerator,
            denominator,
            value: match how {
                How::Ratio | How::Mean => share,
                How::Nps => share.map(|share| 100.0 * share),
                How::Sum => (!facts.is_empty()).then_some(numerator),
            },
            middle: (how == How::Mean).then(|| (at(50), at(90))),
        }
    };
    parts
        .into_iter()
        .map(|(name, facts)| (name, whole(facts)))
        .collect()
}

/// Accounts that were there before the first day or on any day.
fn cohort(m: &Model, (first, last): (i32, i32)) -> Vec<usize> {
    (0..m.ids.len())
        .filter(|a| (first - 1..=last).any(|d| m.active(*a, d)))
        .collect()
}

fn facts(m: &Model, kpi: &str, days: (i32, i32)) -> Option<(How, Vec<Fact>)> {
    money_and_life(m, kpi, days)
        .or_else(|| doings(m, kpi, days))
        .or_else(|| surveys(m, kpi, days))
        .or_else(|| things(m, kpi, days))
}

fn money_and_life(m: &Model, kpi: &str, days: (i32, i32)) -> Option<(How, Vec<Fact>)> {
    let (first, last) = days;
    let all = || cohort(m, days).into_iter();
    let start = || all().filter(|a| m.active(*a, first - 1));
    let end = || all().filter(|a| m.active(*a, last));
    let left = |a: usize| (first..=last).any(|d| m.active(a, d - 1) && !m.active(a, d));
    let paid = |a: usize| -> Option<(f64, f64)> {
        let then = if m.active(a, last) {
            m.status(a, last).mrr?
        } else {
            0.0
        };
        Some((m.status(a, first - 1).mrr?, then))
    };
    let money = |part: fn(f64, f64) -> f64| {
        start()
            .filter_map(|a| paid(a).map(|(s, e)| (Some(a), part(s, e), s)))
            .collect()
    };
    let of_end = |part: &dyn Fn(usize) -> f64| end().map(|a| (Some(a), part(a), 1.0)).collect();
    Some(match kpi {
        "logo_churn_month" | "logo_churn_12m" => (
            How::Ratio,
            start().map(|a| (Some(a), bit(left(a)), 1.0)).collect(),
        ),
        "retention_month" | "retention_quarter" | "retention_year" => (
            How::Ratio,
            start().map(|a| (Some(a), bit(!left(a)), 1.0)).collect(),
        ),
        "revenue_churn_12m" => (How::Ratio, money(|s, e| s - e.min(s))),
        "grr_month" | "grr_quarter" | "grr_12m" => (How::Ratio, money(|s, e| e.min(s))),
        "nrr_month" | "nrr_quarter" | "nrr_12m" => (How::Ratio, money(|_, e| e)),
        "arr" => (
            How::Sum,
            end()
                .filter_map(|a| Some((Some(a), 12.0 * m.status(a, last).mrr?, 1.0)))
                .collect(),
        ),
        "active_customers" => (How::Sum, of_end(&|_| 1.0)),
        "churn_reasons" => {
            let reason = |a: usize| {
                let mut ends = m
                    .within(days)
                    .filter(|e| e.account == Some(a) && e.is(&["churned"]));
                bit(ends.any(|e| said(e, "reason").is_some()))
            };
            (
                How::Ratio,
                all()
                    .filter(|a| left(*a))
                    .map(|a| (Some(a), reason(a), 1.0))
                    .collect(),
            )
        }
        "upsell_rate_12m" => {
            let grew = |a: usize| {
                m.within(days).any(|e| {
                    e.account == Some(a)
                        && e.is(&["mrr_changed"])
                        && matches!(said(e, "reason"), Some("upsell" | "cross_sell"))
                })
            };
            (
                How::Ratio,
                start().map(|a| (Some(a), bit(grew(a)), 1.0)).collect(),
            )
        }
        "categorized_rate" => (
            How::Ratio,
            of_end(&|a| bit(m.status(a, last).segment != "unclassified")),
        ),
        "assigned_rate" => (How::Ratio, of_end(&|a| bit(m.status(a, last).owner.is_some()))),
        "field_completeness" => {
            let filled = |a| {
                f64::from(
                    u8::try_from(m.known(a, &["employees", "seats", "plan", "industry", "domain"]))
                        .unwrap_or(0),
                )
            };
            (How::Ratio, end().map(|a| (Some(a), filled(a), 5.0)).collect())
        }
        "managed_rate" => {
            let touched = |a: usize| {
                m.within(days)
                    .any(|e| e.account == Some(a) && (e.is(TOUCH) || opened_by_a_person(e)))
            };
            (
                How::Ratio,
                of_end(&|a| bit(m.status(a, last).owner.is_some() && touched(a))),
            )
        }
        "awaiting_first_value" => {
            let reached = |a: usize| {
                m.events
                    .iter()
                    .any(|e| e.account == Some(a) && e.is(&["first_value"]) && e.day <= last)
            };
            (How::Sum, of_end(&|a| bit(!reached(a))))
        }
        _ => return None,
    })
}

fn doings(m: &Model, kpi: &str, days: (i32, i32)) -> Option<(How, Vec<Fact>)> {
    let (first, last) = days;
    let present = || {
        cohort(m, days)
            .into_iter()
            .filter(|a| (first..=last).any(|d| m.active(*a, d)))
    };
    let share = |counts: &dyn Fn(&Seen) -> bool| -> Vec<Fact> {
        present()
            .map(|a| {
                (
                    Some(a),
                    bit(m.within(days).any(|e| e.account == Some(a) && counts(e))),
                    1.0,
                )
            })
            .collect()
    };
    // Every account of the cohort has its part, and so has whoever did something without being of it.
    let count = |counts: &dyn Fn(&Seen) -> bool| -> Vec<Fact> {
        let mut parts: Vec<Fact> = cohort(m, days).into_iter().map(|a| (Some(a), 0.0, 0.0)).collect();
        parts.extend(
            m.within(days)
                .filter(|e| counts(e))
                .map(|e| (e.account, 1.0, 0.0)),
        );
        parts
    };
    Some(match kpi {
        "engagement_rate" => (How::Ratio, share(&|e| e.is(ENGAGING) || read_from_message(e))),
        "engagement_rate_with_opens" => (
            How::Ratio,
            share(&|e| e.is(ENGAGING) || read_from_message(e) || opened_by_a_person(e)),
        ),
        "engagement_frequency" => {
            let touches = |a: usize| {
                m.within(days)
                    .filter(|e| e.account == Some(a) && (e.is(TOUCH) || opened_by_a_person(e)))
                    .map(|_| 1.0)
                    .sum::<f64>()
            };
            (
                How::Ratio,
                present().map(|a| (Some(a), touches(a), 1.0)).collect(),
            )
        }
        "content_consumption" => (How::Sum, count(&|e| e.is(CONTENT))),
        "tickets_opened_month" => (How::Sum, count(&|e| e.is(&["ticket_opened"]))),
        "data_points" => {
            let mut parts = count(&|_| true);
            let filled = m.filled.iter().filter(|(_, day)| (first..=last).contains(day));
            parts.extend(filled.map(|(a, _)| (Some(*a), 1.0, 0.0)));
            (How::Sum, parts)
        }
        "escalation_rate" => {
            let of = |e: &Seen| {
                (
                    e.account,
                    bit(e.is(&["ticket_escalated"])),
                    bit(e.is(&["ticket_opened"])),
                )
            };
            (How::Ratio, m.within(days).map(of).collect())
        }
        _ => return None,
    })
}

fn surveys(m: &Model, kpi: &str, days: (i32, i32)) -> Option<(How, Vec<Fact>)> {
    let answered = |a: usize| {
        m.within(days)
            .any(|e| e.account == Some(a) && e.is(&["survey_answered"]))
    };
    Some(match kpi {
        "csat" => {
            let of = |e: &Seen| Some((e.account, bit(score(e, "csat", 1.0, 5.0)? >= 4.0), 1.0));
            (
                How::Ratio,
                m.within(days)
                    .filter(|e| said(e, "interaction") != Some("relationship"))
                    .filter_map(of)
                    .collect(),
            )
        }
        "ces" => (
            How::Ratio,
            m.within(days)
                .filter_map(|e| Some((e.account, bit(score(e, "ces", 1.0, 7.0)? >= 5.0), 1.0)))
                .collect(),
        ),
        "nps" => {
            let mut latest: BTreeMap<(Option<usize>, String), f64> = BTreeMap::new();
            for (at, e) in m.within(days).enumerate() {
                if let Some(score) = score(e, "nps", 0.0, 10.0) {
                    // Who answers without a name counts each time.
                    let who = e.contact.clone().unwrap_or_else(|| format!("#{at}"));
                    latest.insert((e.account, who), score);
                }
            }
            let part = |score: f64| bit(score >= 9.0) - bit(score <= 6.0);
            (
                How::Nps,
                latest
                    .into_iter()
                    .map(|((account, _), score)| (account, part(score), 1.0))
                    .collect(),
            )
        }
        "survey_response_rate" => {
            let sent = |a: Option<usize>, id: &str| {
                m.events
                    .iter()
                    .any(|e| e.account == a && e.is(&["survey_sent"]) && said(e, "response_id") == Some(id))
            };
            let of = |e: &Seen| {
                let counts =
                    e.is(&["survey_answered"]) && said(e, "response_id").is_none_or(|id| sent(e.account, id));
                (e.account, bit(counts), bit(e.is(&["survey_sent"])))
            };
            (How::Ratio, m.within(days).map(of).collect())
        }
        "survey_coverage" => {
            let active = cohort(m, days).into_iter().filter(|a| m.active(*a, days.1));
            (
                How::Ratio,
                active.map(|a| (Some(a), bit(answered(a)), 1.0)).collect(),
            )
        }
        "survey_coverage_asked" => {
            let asked: BTreeSet<Option<usize>> = m
                .within(days)
                .filter(|e| e.is(&["survey_sent"]))
                .map(|e| e.account)
                .collect();
            let any = |a: Option<usize>| {
                m.within(days)
                    .any(|e| e.account == a && e.is(&["survey_answered"]))
            };
            (
                How::Ratio,
                asked.into_iter().map(|a| (a, bit(any(a)), 1.0)).collect(),
            )
        }
        _ => return None,
    })
}

fn things(m: &Model, kpi: &str, days: (i32, i32)) -> Option<(How, Vec<Fact>)> {
    let last = days.1;
    let hours = |from: i64, to: i64| (to - from) as f64 / 3_600_000_000.0;
    Some(match kpi {
        "proactive_saves" => {
            let mut notices: BTreeMap<usize, i32> = BTreeMap::new();
            m.within(days).filter(|e| e.is(&["churn_notice"])).for_each(|e| {
                e.account.map(|a| notices.insert(a, e.day));
            });
            let helped = |a: usize, day: i32| {
                m.within((day, day + 90))
                    .any(|e| e.account == Some(a) && e.is(HELP))
            };
            (
                How::Ratio,
                notices
                    .iter()
                    .map(|(a, d)| (Some(*a), bit(helped(*a, *d) && m.active(*a, d + 90)), 1.0))
                    .collect(),
            )
        }
        "onboarding_completion" => {
            let mut begun: BTreeMap<usize, i32> = BTreeMap::new();
            m.within(days)
                .filter(|e| e.is(&["onboarding_started"]))
                .for_each(|e| {
                    e.account.map(|a| *begun.entry(a).or_insert(e.day));
                });
            let done = |a: usize, d: i32| {
                m.within((d, d + 30))
                    .any(|e| e.account == Some(a) && e.is(&["onboarding_completed"]))
            };
            (
                How::Ratio,
                begun
                    .iter()
                    .map(|(a, d)| (Some(*a), bit(done(*a, *d)), 1.0))
                    .collect(),
            )
        }
        "time_to_first_value" => {
            let mut parts = Vec::new();
            for a in 0..m.ids.len() {
                let Some(day) = m
                    .events
                    .iter()
                    .find(|e| e.account == Some(a) && e.is(&["first_value"]))
                    .map(|e| e.day)
                else {
                    continue;
                };
                if (days.0..=last).contains(&day)
                    && let Some(start) = m.started(a, day)
                {
                    parts.push((Some(a), f64::from(day - start), 1.0));
                }
            }
            (How::Mean, parts)
        }
        "ticket_resolution_time" => {
            let mut parts = Vec::new();
            for (account, opened, all) in tickets(m) {
                let here: Vec<&&Seen> = all
                    .iter()
                    .filter(|e| {
                        (days.0..=last).contains(&e.day) && !e.is(&["ticket_escalated", "ticket_opened"])
                    })
                    .collect();
                if let Some(end) = here.last().filter(|e| e.is(&["ticket_resolved"])) {
                    parts.push((account, hours(opened.at, end.at), 1.0));
                }
            }
            (How::Mean, parts)
        }
        "open_ticket_age" => {
            let mut parts = Vec::new();
            for (account, opened, all) in tickets(m) {
                let known = all
                    .iter()
                    .rfind(|e| e.day <= last && !e.is(&["ticket_escalated"]));
                if known.is_some_and(|e| !e.is(&["ticket_resolved"])) {
                    parts.push((account, f64::from(last - opened.day), 1.0));
                }
            }
            (How::Mean, parts)
        }
        "pipeline_value" => {
            let mut parts: Vec<Fact> = cohort(m, days).into_iter().map(|a| (Some(a), 0.0, 0.0)).collect();
            parts.extend(
                opportunities(m, last)
                    .into_iter()
                    .map(|(account, value)| (account, value, 0.0)),
            );
            (How::Sum, parts)
        }
        "pipeline_growth" => {
            let then = opportunities(m, days.0 - 1)
                .into_iter()
                .map(|(account, value)| (account, -value, value));
            (
                How::Ratio,
                opportunities(m, last)
                    .into_iter()
                    .map(|(account, value)| (account, value, 0.0))
                    .chain(then)
                    .collect(),
            )
        }
        "conversion_rate" => {
            let closed = m
                .within(days)
                .filter(|e| e.is(&["opportunity_won", "opportunity_lost"]));
            (
                How::Ratio,
                closed
                    .map(|e| (e.account, bit(e.is(&["opportunity_won"])), 1.0))
                    .collect(),
            )
        }
        "referenceable_customers" => {
            let active = cohort(m, days).into_iter().filter(|a| m.active(*a, last));
            (
                How::Sum,
                active.map(|a| (Some(a), bit(willing(m, a, last)), 1.0)).collect(),
            )
        }
        _ => return None,
    })
}

/// Whether one of the account's contacts would give a reference.
fn willing(m: &Model, account: usize, day: i32) -> bool {
    let mine = || {
        m.events
            .iter()
            .filter(|e| e.account == Some(account) && e.day <= day)
    };
    let contacts: BTreeSet<&Option<String>> = mine().map(|e| &e.contact).collect();
    contacts.into_iter().any(|contact| {
        let last = |names: &[&str]| mine().rfind(|e| &e.contact == contact && e.is(names));
        let consents =
            last(&["advocate_agreed", "advocate_revoked"]).is_some_and(|e| e.is(&["advocate_agreed"]));
        consents && last(&["reference_given"]).is_none_or(|given| given.day + 90 <= day)
    })
}

/// Each ticket with its opening and all that happened to it, oldest first.
fn tickets(m: &Model) -> Vec<(Option<usize>, &Seen, Vec<&Seen>)> {
    let opened = m.events.iter().filter(|e| e.is(&["ticket_opened"]));
    opened
        .map(|o| {
            let same = |e: &&Seen| {
                e.account == o.account
                    && said(e, "ticket_id").is_some()
                    && said(e, "ticket_id") == said(o, "ticket_id")
            };
            (
                o.account,
                o,
                m.events
                    .iter()
                    .filter(same)
                    .filter(|e| e.name.starts_with("ticket"))
                    .collect(),
            )
        })
        .collect()
}

/// What is open at the end of a day, with the value known by then.
fn opportunities(m: &Model, day: i32) -> Vec<(Option<usize>, f64)> {
    let opened = m
        .events
        .iter()
        .filter(|e| e.is(&["opportunity_opened"]) && e.day <= day);
    opened
        .filter_map(|o| {
            let known: Vec<&Seen> = m
                .events
                .iter()
                .filter(|e| e.day <= day && said(e, "opportunity_id") == said(o, "opportunity_id"))
                .collect();
            let closed = known
                .iter()
                .any(|e| e.is(&["opportunity_won", "opportunity_lost"]));
            let value = known
                .iter()
                .filter_map(|e| e.said.get("value")?.as_f64())
                .next_back();
            (!closed).then_some((o.account, value.unwrap_or(0.0)))
        })
        .collect()
}
