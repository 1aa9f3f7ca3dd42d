//! From the revenue events of an account to when it was active and what it paid (DEFINITIONS §0 and §2).
//!
//! An account may hold several subscriptions. It is active from the day on which the first one starts until the day on which the last one
//! ends, which is no active day any more; it may come back. Its MRR is the sum of the known MRR of the running subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a revenue event does to a subscription. Of one instant they count in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RevenueKind {
    /// It starts.
    Started,
    /// Its MRR changes (or, when it was not running, it starts).
    Changed,
    /// It is renewed, perhaps at another MRR.
    Renewed,
    /// It ends.
    Churned,
}

impl RevenueKind {
    /// The kind of an event name; `None` for names that change nothing (a notice, a save, a failed payment).
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "subscription_started" => Self::Started,
            "mrr_changed" => Self::Changed,
            "renewed" => Self::Renewed,
            "churned" => Self::Churned,
            _ => return None,
        })
    }
}

/// One revenue event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// Days since 1970.
    pub day: i32,
    /// When it happened, UTC microseconds.
    pub at: i64,
    /// What it does.
    pub kind: RevenueKind,
    /// The subscription; empty when the source knows only one.
    pub subscription: String,
    /// The MRR after it, in the major unit.
    pub mrr: Option<f64>,
    /// Currency, where the event says it.
    pub currency: Option<String>,
    /// Reason of a change or of the end.
    pub reason: Option<String>,
}

/// The state from a day on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// The first day.
    pub from: i32,
    /// Whether the account is active.
    pub active: bool,
    /// Its MRR; `None` = unknown. What it was at the end stays known after churn, but pays nothing.
    pub mrr: Option<f64>,
}

/// One run of a subscription at one MRR, for people and SQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionSpan {
    /// The subscription.
    pub subscription: String,
    /// First day.
    pub from: i32,
    /// First day on which it no longer holds; `None` = still running.
    pub to: Option<i32>,
    /// MRR in the major unit.
    pub mrr: Option<f64>,
    /// Currency.
    pub currency: Option<String>,
    /// Why it began to hold (new, upsell, …), or why the subscription ended, whichever is known.
    pub reason: Option<String>,
}

/// Puts revenue events into the order in which they count: by instant, an end after everything else of that instant.
/// Of several of one instant the order is made of what they say, never of their arrival: live work and a scan of the history must agree.
pub fn sort(events: &mut [Revenue]) {
    events.sort_by(|a, b| {
        let key = |e: &Revenue| (e.at, e.kind);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.subscription.cmp(&b.subscription))
            .then_with(|| {
                a.mrr
                    .unwrap_or(f64::NEG_INFINITY)
                    .total_cmp(&b.mrr.unwrap_or(f64::NEG_INFINITY))
            })
            .then_with(|| (&a.reason, &a.currency).cmp(&(&b.reason, &b.currency)))
    });
}

/// The states of an account, from its first revenue event on; at most one a day (the one at the day's end). Events are sorted.
#[must_use]
pub fn states(events: &[Revenue]) -> Vec<State> {
    let mut running: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut states: Vec<State> = Vec::new();
    let mut last_mrr = None;
    for event in events {
        apply(&mut running, &mut ended, event);
        let known: Vec<f64> = running.values().filter_map(|mrr| *mrr).collect();
        let mrr = (!known.is_empty()).then(|| known.iter().sum());
        if !running.is_empty() {
            last_mrr = mrr;
        }
        let state = State {
            from: event.day,
            active: !running.is_empty(),
            mrr: last_mrr,
        };
        match states.last_mut() {
            Some(last) if last.from == event.day => *last = state,
            _ => states.push(state),
        }
    }
    states.dedup_by(|later, earlier| later.active == earlier.active && later.mrr == earlier.mrr);
    states
}

fn apply<'a>(
    running: &mut BTreeMap<&'a str, Option<f64>>,
    ended: &mut BTreeSet<&'a str>,
    event: &'a Revenue,
) {
    let key = event.subscription.as_str();
    match event.kind {
        RevenueKind::Started | RevenueKind::Changed => {
            let before = running.get(key).copied().flatten();
            running.insert(key, event.mrr.or(before));
        }
        RevenueKind::Renewed => {
            if let (Some(mrr), Some(held)) = (event.mrr, running.get_mut(key)) {
                *held = Some(mrr);
            }
        }
        // An end that names no subscription, or one that is not known, ends the account. The end of one that has ended already (with
        // the account, or told twice) says nothing about those that run by now.
        RevenueKind::Churned => {
            if running.remove(key).is_some() {
                ended.insert(key);
            } else if key.is_empty() || !ended.contains(key) {
                ended.extend(std::mem::take(running).into_keys());
            }
        }
    }
}

/// The runs of each subscription at each MRR.
#[must_use]
pub fn subscriptions(events: &[Revenue]) -> Vec<SubscriptionSpan> {
    let mut open: BTreeMap<&str, SubscriptionSpan> = BTreeMap::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut done = Vec::new();
    for event in events {
        let key = event.subscription.as_str();
        let span = |mrr: Option<f64>| SubscriptionSpan {
            subscription: key.to_owned(),
            from: event.day,
            to: None,
            mrr,
            currency: event.currency.clone(),
            reason: event.reason.clone(),
        };
        match event.kind {
            RevenueKind::Started | RevenueKind::Changed => {
                let before = open.remove(key);
                let mrr = event.mrr.or(before.as_ref().and_then(|s| s.mrr));
                close(&mut done, before, event.day, None);
                open.insert(key, span(mrr));
            }
            RevenueKind::Renewed => {
                if let (Some(mrr), Some(before)) = (event.mrr, open.get(key))
                    && before.mrr != Some(mrr)
                {
                    let before = open.remove(key);
                    close(&mut done, before, event.day, None);
                    open.insert(key, span(Some(mrr)));
                }
            }
            RevenueKind::Churned => {
                let closed: Vec<(&str, SubscriptionSpan)> = match open.remove(key) {
                    Some(one) => vec![(key, one)],
                    None if !key.is_empty() && ended.contains(key) => Vec::new(),
                    None => std::mem::take(&mut open).into_iter().collect(),
                };
                for (of, one) in closed {
                    ended.insert(of);
                    close(&mut done, Some(one), event.day, event.reason.clone());
                }
            }
        }
    }
    done.extend(open.into_values());
    done.sort_by(|a, b| (a.from, &a.subscription).cmp(&(b.from, &b.subscription)));
    done
}

fn close(done: &mut Vec<SubscriptionSpan>, span: Option<SubscriptionSpan>, day: i32, reason: Option<String>) {
    if let Some(mut span) = span
        && span.from < day
    {
        span.to = Some(day);
        span.reason = reason.or(span.reason);
        done.push(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(day: i32, kind: RevenueKind, subscription: &str, mrr: Option<f64>) -> Revenue {
        Revenue {
            day,
            at: i64::from(day) * 100,
            kind,
            subscription: subscription.into(),
            mrr,
            currency: None,
            reason: None,
        }
    }
    fn state(from: i32, active: bool, mrr: f64) -> State {
        State {
            from,
            active,
            mrr: Some(mrr),
        }
    }

    #[test]
    fn an_account_lives_while_one_subscription_runs_and_may_come_back() {
        use RevenueKind::{Changed, Churned, Renewed, Started};
        let events = [
            event(10, Started, "a", Some(100.0)),
            event(20, Started, "b", Some(50.0)),
            event(30, Changed, "a", Some(80.0)),
            event(40, Churned, "a", None),
            event(50, Renewed, "b", Some(60.0)),
            event(60, Churned, "b", None),
            event(90, Started, "c", Some(10.0)),
            event(95, Churned, "", None),
        ];
        assert_eq!(
            states(&events),
            [
                state(10, true, 100.0),
                state(20, true, 150.0),
                state(30, true, 130.0),
                state(40, true, 50.0),
                state(50, true, 60.0),
                state(60, false, 60.0),
                state(90, true, 10.0),
                state(95, false, 10.0),
            ]
        );
        let runs: Vec<(String, i32, Option<i32>, Option<f64>)> = subscriptions(&events)
            .into_iter()
            .map(|s| (s.subscription, s.from, s.to, s.mrr))
            .collect();
        assert_eq!(
            runs,
            [
                ("a".into(), 10, Some(30), Some(100.0)),
                ("b".into(), 20, Some(50), Some(50.0)),
                ("a".into(), 30, Some(40), Some(80.0)),
                ("b".into(), 50, Some(60), Some(60.0)),
                ("c".into(), 90, Some(95), Some(10.0)),
            ]
        );
    }

    #[test]
    fn the_end_of_what_has_ended_leaves_the_others_alone() {
        use RevenueKind::{Churned, Started};
        let events = [
            event(10, Started, "a", Some(100.0)),
            event(20, Churned, "", None),
            event(30, Started, "b", Some(50.0)),
            event(40, Churned, "a", None),
            event(50, Churned, "unheard-of", None),
        ];
        assert_eq!(
            states(&events),
            [
                state(10, true, 100.0),
                state(20, false, 100.0),
                state(30, true, 50.0),
                state(50, false, 50.0)
            ]
        );
        let ends: Vec<(String, Option<i32>)> = subscriptions(&events)
            .into_iter()
            .map(|s| (s.subscription, s.to))
            .collect();
        assert_eq!(ends, [("a".into(), Some(20)), ("b".into(), Some(50))]);
    }

    #[test]
    fn several_events_of_one_day_leave_its_last_state() {
        use RevenueKind::{Changed, Churned, Started};
        let mut events = vec![
            event(10, Churned, "", None),
            event(10, Started, "", Some(5.0)),
            event(5, Started, "", None),
            event(7, Changed, "", Some(3.0)),
        ];
        sort(&mut events);
        // The end of the same instant counts last: on day 10 the account is gone.
        assert_eq!(
            states(&events),
            [
                State {
                    from: 5,
                    active: true,
                    mrr: None
                },
                state(7, true, 3.0),
                state(10, false, 5.0)
            ]
        );
    }
}
