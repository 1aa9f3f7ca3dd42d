//! Every KPI from the plain list of what happened, by loops over days and events: no SQL and no code of the product.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::{Map, Value as Json};

use super::world::Arrival;
use crate::accounts::Change;

/// One event as the loops see it.
pub struct Seen {
    pub day: i32,
    pub at: i64,
    pub name: String,
    pub account: Option<usize>,
    pub contact: Option<String>,
    pub said: Map<String, Json>,
}

impl Seen {
    fn text(&self, field: &str) -> Option<&str> {
        self.said.get(field)?.as_str()
    }
    fn number(&self, field: &str) -> Option<f64> {
        self.said.get(field)?.as_f64()
    }
    pub fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }
}

/// One account on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub active: bool,
    pub mrr: Option<f64>,
    pub segment: &'static str,
    pub owner: Option<String>,
}

/// The history, day by day.
pub struct Model {
    pub ids: Vec<String>,
    pub events: Vec<Seen>,
    /// Values newly filled, by account and day.
    pub filled: Vec<(usize, i32)>,
    first: i32,
    days: Vec<Vec<Status>>,
    fields: Vec<BTreeMap<String, BTreeMap<i32, Json>>>,
}

pub fn number(day: Date) -> i32 {
    (day - date(1970, 1, 1)).get_days()
}

fn day_of(at: i64) -> i32 {
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").expect("the zone");
    number(
        jiff::Timestamp::from_microsecond(at)
            .expect("an instant")
            .to_zoned(zone)
            .date(),
    )
}

/// The value on a day; the first known one holds from the beginning.
fn on(values: Option<&BTreeMap<i32, Json>>, day: i32) -> Option<&Json> {
    let values = values?;
    values
        .range(..=day)
        .next_back()
        .or_else(|| values.iter().next())
        .map(|(_, value)| value)
}

fn classify(mrr: Option<f64>, employees: Option<i64>) -> &'static str {
    match (mrr, employees) {
        (None, _) => "unclassified",
        (Some(mrr), _) if mrr > 3_500.0 => "strategic",
        (Some(mrr), Some(employees)) if (0.0..=500.0).contains(&mrr) && (0..=50).contains(&employees) => {
            "digital"
        }
        _ => "core",
    }
}

impl Model {
    /// The model of what arrived, looked at on `today`.
    pub fn new(arrivals: &[Arrival], today: Date) -> Self {
        let mut ids = BTreeSet::new();
        for it in arrivals {
            match it {
                Arrival::Event(event) => ids.extend(event.account.clone()),
                Arrival::Change(Change::Account(change)) => {
                    ids.insert(change.id.clone());
                }
                Arrival::Change(_) => {}
            }
        }
        let ids: Vec<String> = ids.into_iter().collect();
        let place: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        let mut seen = HashSet::new();
        let (mut events, mut filled) = (Vec::new(), Vec::new());
        let mut fields: Vec<BTreeMap<String, BTreeMap<i32, Json>>> = vec![BTreeMap::new(); ids.len()];
        for it in arrivals {
            match it {
                Arrival::Event(event) if seen.insert(&event.message_id) => events.push(Seen {
                    day: day_of(event.occurred_at),
                    at: event.occurred_at,
                    name: event.name.clone(),
                    account: event.account.as_deref().map(|id| place[id]),
                    contact: event.contact.clone(),
                    said: event.properties.clone(),
                }),
                Arrival::Change(Change::Account(change)) => {
                    let owner = change
                        .owner
                        .iter()
                        .map(|owner| ("owner".to_owned(), Json::from(owner.clone())));
                    for (field, value) in owner.chain(change.attributes.clone()) {
                        let held = fields[place[change.id.as_str()]]
                            .entry(field.clone())
                            .or_default();
                        if held.is_empty() && field != "owner" {
                            filled.push((place[change.id.as_str()], day_of(change.at)));
                        }
                        held.insert(day_of(change.at), value);
                    }
                }
                _ => {}
            }
        }
        events.sort_by_key(|event| event.at);
        let first = number(date(2024, 1, 1));
        let mut model = Self {
            ids,
            events,
            filled,
            first,
            days: Vec::new(),
            fields,
        };
        model.days = (0..model.ids.len())
            .map(|account| model.live(account, number(today)))
            .collect();
        model
    }

    fn live(&self, account: usize, today: i32) -> Vec<Status> {
        let revenue: Vec<&Seen> = self
            .events
            .iter()
            .filter(|e| {
                e.account == Some(account)
                    && e.is(&["subscription_started", "mrr_changed", "renewed", "churned"])
            })
            .collect();
        let mut running: BTreeMap<String, Option<f64>> = BTreeMap::new();
        let mut ends: BTreeMap<i32, (bool, Option<f64>)> = BTreeMap::new();
        let mut paid = None;
        for event in &revenue {
            let key = event.text("subscription_id").unwrap_or_default().to_owned();
            let mrr = event.number("mrr").or_else(|| event.number("to"));
            match event.name.as_str() {
                "renewed" if running.contains_key(&key) && mrr.is_some() => {
                    running.insert(key, mrr);
                }
                "renewed" => {}
                "churned" => {
                    if running.remove(&key).is_none() {
                        running.clear();
                    }
                }
                _ => {
                    let before = running.get(&key).copied().flatten();
                    running.insert(key, mrr.or(before));
                }
            }
            if !running.is_empty() {
                let known: Vec<f64> = running.values().flatten().copied().collect();
                paid = (!known.is_empty()).then(|| known.iter().sum());
            }
            ends.insert(event.day, (!running.is_empty(), paid));
        }
        let (mut was_active, mut segment) = (false, "unclassified");
        let mut days = Vec::new();
        for day in self.first..=today {
            let state = ends.range(..=day).next_back().map(|(_, state)| *state);
            let active = state.is_some_and(|state| state.0);
            let mrr = state.map_or_else(|| ends.values().next().and_then(|state| state.1), |state| state.1);
            if active || !was_active {
                let employees = on(self.fields[account].get("employees"), day).and_then(Json::as_i64);
                segment = classify(mrr, employees);
            }
            was_active |= active;
            let owner = on(self.fields[account].get("owner"), day)
                .and_then(Json::as_str)
                .map(str::to_owned);
            days.push(Status {
                active,
                mrr,
                segment,
                owner,
            });
        }
        days
    }

    /// An account on a day.
    pub fn status(&self, account: usize, day: i32) -> &Status {
        &self.days[account][usize::try_from((day - self.first).max(0)).expect("a day of the history")]
    }
    pub fn active(&self, account: usize, day: i32) -> bool {
        self.status(account, day).active
    }
    /// The day of the latest start on `day` or before.
    pub fn started(&self, account: usize, day: i32) -> Option<i32> {
        (self.first + 1..=day)
            .rev()
            .find(|d| self.active(account, *d) && !self.active(account, d - 1))
    }
    /// A field's newest value as text.
    pub fn newest(&self, account: usize, field: &str) -> Option<&str> {
        self.fields[account].get(field)?.values().next_back()?.as_str()
    }
    /// A field's value as text on the last day up to `day` on which the account was active, on its first one where that is to come.
    pub fn lived(&self, account: usize, field: &str, day: i32) -> Option<&str> {
        let last = self.first + i32::try_from(self.days[account].len()).expect("days") - 1;
        let before = (self.first..=day.min(last))
            .rev()
            .find(|d| self.active(account, *d));
        let day = before.or_else(|| (day.max(self.first)..=last).find(|d| self.active(account, *d)))?;
        on(self.fields[account].get(field), day)?.as_str()
    }
    /// How many of these fields are filled now.
    pub fn known(&self, account: usize, fields: &[&str]) -> usize {
        fields
            .iter()
            .filter(|field| self.fields[account].contains_key(**field))
            .count()
    }
    /// Events of these days.
    pub fn within(&self, days: (i32, i32)) -> impl Iterator<Item = &Seen> {
        self.events
            .iter()
            .filter(move |e| days.0 <= e.day && e.day <= days.1)
    }
}

/// Which days a figure looks at.
pub fn window(kpi: &str, day: Date) -> (i32, i32) {
    let n = number(day);
    match kpi {
        "logo_churn_12m" | "revenue_churn_12m" | "grr_12m" | "nrr_12m" | "retention_year"
        | "upsell_rate_12m" => {
            let first = match day == day.last_of_month() {
                true => day.first_of_month().saturating_sub(11.months()),
                false => day.saturating_sub(12.months()).saturating_add(1.days()),
            };
            (number(first), n)
        }
        "retention_quarter" | "grr_quarter" | "nrr_quarter" => {
            let month =
                [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10][usize::try_from(day.month() - 1).expect("a month")];
            (number(date(day.year(), month, 1)), n)
        }
        "nps" | "survey_coverage" | "survey_coverage_asked" | "managed_rate" => (n - 89, n),
        "proactive_saves" => (n - 179, n - 90),
        "onboarding_completion" => {
            // The latest month whose last day lies 30 days or more before.
            let mut last = day.last_of_month();
            while number(last) + 30 > n {
                last = last.first_of_month().yesterday().expect("an earlier day");
            }
            (number(last.first_of_month()), number(last))
        }
        "arr"
        | "active_customers"
        | "awaiting_first_value"
        | "open_ticket_age"
        | "pipeline_value"
        | "referenceable_customers"
        | "field_completeness"
        | "categorized_rate"
        | "assigned_rate" => (n, n),
        _ => (number(day.first_of_month()), n),
    }
}

/// KPIs that are split by the segment of the day before the window.
pub fn at_start(kpi: &str) -> bool {
    [
        "logo_churn_month",
        "churn_reasons",
        "retention_month",
        "retention_quarter",
        "grr_month",
        "nrr_month",
        "grr_quarter",
        "nrr_quarter",
    ]
    .contains(&kpi)
        || [
            "logo_churn_12m",
            "revenue_churn_12m",
            "grr_12m",
            "nrr_12m",
            "retention_year",
            "upsell_rate_12m",
        ]
        .contains(&kpi)
}
