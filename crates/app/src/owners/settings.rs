//! The settings of ownership: people, pools, rules and the checklist, checked before they are kept.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::POOL;
use crate::App;
use crate::metrics::as_of;
use crate::web::{Problem, Result};

/// Someone who looks after accounts, whether or not they sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerPerson {
    /// E-mail address, as accounts name it.
    pub email: String,
    /// What others see; the address when empty.
    #[serde(default)]
    pub name: String,
    /// Segments that they serve; none listed = all.
    #[serde(default)]
    pub segments: Vec<String>,
    /// The most active accounts that rules give them; null = any number.
    #[serde(default)]
    pub capacity: Option<u32>,
    /// Away: rules give them nothing.
    #[serde(default)]
    pub away: bool,
}

/// People who look after accounts together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Small letters, digits, `_` and `-`; an account of the pool has the owner `pool:ID`.
    pub id: String,
    /// What others see.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// E-mail addresses.
    pub members: Vec<String>,
    /// Segments that it serves; none listed = all.
    #[serde(default)]
    pub segments: Vec<String>,
}

/// How a pool's accounts are given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// The pool itself is the owner.
    #[default]
    Shared,
    /// To the member with the fewest active accounts.
    Accounts,
    /// To the member with the least MRR.
    Mrr,
    /// To the member with the fewest active accounts of the account's segment.
    Segment,
}

/// A rule of assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRule {
    /// What others see.
    pub name: String,
    /// A condition over attributes, metrics and built-in names, `segment` too, such as `segment = 'digital'`.
    pub when: String,
    /// An e-mail address, or `pool:ID`.
    pub to: String,
    /// For a pool: how its accounts are given out.
    #[serde(default)]
    pub spread: Spread,
}

/// An item of the checklist that a change of owner starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// What is to be done.
    pub title: String,
    /// Days after the change until it is due.
    pub due_days: u32,
}

/// Everything about ownership that people decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerSettings {
    /// People.
    #[serde(default)]
    pub people: Vec<OwnerPerson>,
    /// Pools.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// Rules, in order; the first that is true assigns.
    #[serde(default)]
    pub rules: Vec<AssignmentRule>,
    /// Whether active accounts without an owner are assigned as soon as they are seen.
    #[serde(default)]
    pub live: bool,
    /// What a change of owner starts.
    #[serde(default)]
    pub checklist: Vec<ChecklistItem>,
}

impl Default for OwnerSettings {
    /// Nobody, no rule, and the checklist that customer-success teams usually begin with.
    fn default() -> Self {
        let item = |title: &str, due_days| ChecklistItem {
            title: title.to_owned(),
            due_days,
        };
        Self {
            people: Vec::new(),
            pools: Vec::new(),
            rules: Vec::new(),
            live: false,
            checklist: vec![
                item("Brief the new owner: goals, risks, people, open questions", 3),
                item("Introduce the new owner to the customer", 7),
                item("Hand over open tickets, opportunities and promises", 7),
                item("First conversation of the new owner with the customer", 14),
            ],
        }
    }
}

impl OwnerSettings {
    /// The person with this address.
    #[must_use]
    pub fn person(&self, email: &str) -> Option<&OwnerPerson> {
        self.people.iter().find(|person| person.email == email)
    }

    /// The pool that an owner names.
    #[must_use]
    pub fn pool(&self, owner: &str) -> Option<&Pool> {
        let id = owner.strip_prefix(POOL)?;
        self.pools.iter().find(|pool| pool.id == id)
    }

    /// Whether an owner serves a segment. Who has said nothing serves all.
    #[must_use]
    pub fn serves(&self, owner: &str, segment: &str) -> bool {
        let segments = match self.pool(owner) {
            Some(pool) => Some(&pool.segments),
            None => self.person(owner).map(|person| &person.segments),
        };
        segments.is_none_or(|served| served.is_empty() || served.iter().any(|s| s == segment))
    }

    /// The name that people read.
    #[must_use]
    pub fn name_of(&self, owner: &str) -> Option<&str> {
        self.pool(owner)
            .map(|pool| pool.name.as_str())
            .or_else(|| self.person(owner).map(|person| person.name.as_str()))
            .filter(|name| !name.is_empty())
    }
}

/// The most people, pools, rules or items of one kind.
const MOST: usize = 1_000;

/// Brings settings into the form in which they are kept, or says what is wrong with them.
pub fn checked(app: &App, mut settings: OwnerSettings) -> Result<OwnerSettings> {
    for (field, n) in [
        ("people", settings.people.len()),
        ("pools", settings.pools.len()),
        ("rules", settings.rules.len()),
        ("checklist", settings.checklist.len()),
    ] {
        if n > MOST {
            return Err(Problem::field(
                field,
                n,
                format!("more than {MOST}"),
                "keep fewer",
            ));
        }
    }
    let segments: BTreeSet<String> = app
        .definitions()
        .map(|d| d.segments.segments.iter().map(|s| s.id.clone()).collect())
        .unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (at, person) in settings.people.iter_mut().enumerate() {
        let path = format!("people[{at}]");
        person.email = email(&format!("{path}.email"), &person.email)?;
        if !seen.insert(person.email.clone()) {
            return Err(Problem::field(
                &format!("{path}.email"),
                &person.email,
                "stands twice",
                "keep one of the two",
            ));
        }
        person.name = text(&format!("{path}.name"), &person.name, 0, 200)?;
        known_segments(&format!("{path}.segments"), &person.segments, &segments)?;
    }
    let mut ids = BTreeSet::new();
    for (at, pool) in settings.pools.iter_mut().enumerate() {
        let path = format!("pools[{at}]");
        let fits = (1..=60).contains(&pool.id.len())
            && pool
                .id
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if !fits || !ids.insert(pool.id.clone()) {
            return Err(Problem::field(
                &format!("{path}.id"),
                &pool.id,
                "is not a new id",
                "write 1 to 60 small letters, digits, _ and -, each pool its own",
            ));
        }
        pool.name = text(&format!("{path}.name"), &pool.name, 1, 200)?;
        pool.description = text(&format!("{path}.description"), &pool.description, 0, 2_000)?;
        for (place, member) in pool.members.iter_mut().enumerate() {
            *member = email(&format!("{path}.members[{place}]"), member)?;
        }
        pool.members.sort();
        pool.members.dedup();
        known_segments(&format!("{path}.segments"), &pool.segments, &segments)?;
    }
    rules(app, &mut settings)?;
    for (at, item) in settings.checklist.iter_mut().enumerate() {
        item.title = text(&format!("checklist[{at}].title"), &item.title, 1, 500)?;
        if item.due_days > 366 {
            return Err(Problem::field(
                &format!("checklist[{at}].due_days"),
                item.due_days,
                "is more than a year",
                "give 0 to 366 days",
            ));
        }
    }
    Ok(settings)
}

fn rules(app: &App, settings: &mut OwnerSettings) -> Result<()> {
    let mut rules = std::mem::take(&mut settings.rules);
    for (at, rule) in rules.iter_mut().enumerate() {
        let path = format!("rules[{at}]");
        rule.name = text(&format!("{path}.name"), &rule.name, 1, 200)?;
        rule.to = target(settings, &format!("{path}.to"), &rule.to)?;
        if rule.spread != Spread::Shared && settings.pool(&rule.to).is_none_or(|pool| pool.members.is_empty())
        {
            return Err(Problem::field(
                &format!("{path}.spread"),
                &rule.to,
                "only a pool with members can be spread",
                "assign to a pool that has members, or choose shared",
            ));
        }
        let definitions = app.definitions().ok_or_else(|| {
            Problem::conflict("no program is applied yet: rules read its attributes and metrics")
        })?;
        as_of::evaluate_filter::<[crate::metrics::book::Entry]>(
            app,
            &definitions,
            &[],
            crate::metrics::today(app),
            &rule.when,
        )
        .map_err(|mut problem| {
            for error in &mut problem.errors {
                error.field = format!("{path}.when");
            }
            problem
        })?;
    }
    settings.rules = rules;
    Ok(())
}

/// Whom accounts may be given to: an address, or a pool that is there.
pub fn target(settings: &OwnerSettings, field: &str, to: &str) -> Result<String> {
    let to = to.trim();
    if to.starts_with(POOL) {
        return settings.pool(to).map(|_| to.to_owned()).ok_or_else(|| {
            let known: Vec<String> = settings.pools.iter().map(|p| format!("{POOL}{}", p.id)).collect();
            let remedy = if known.is_empty() {
                "add the pool first".to_owned()
            } else {
                format!("name one of {}", known.join(", "))
            };
            Problem::field(field, to, "there is no such pool", remedy)
        });
    }
    email(field, to)
}

/// An address in the form in which accounts name it.
fn email(field: &str, raw: &str) -> Result<String> {
    let email = raw.trim().to_lowercase();
    let whole = email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let plain = !email
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "<>\"'`,;\\".contains(c));
    if whole && plain && email.len() <= 254 {
        return Ok(email);
    }
    Err(Problem::field(
        field,
        raw,
        "is not an e-mail address",
        "write an address like ann@example.com",
    ))
}

fn text(field: &str, raw: &str, least: usize, most: usize) -> Result<String> {
    let text = raw.trim();
    if !(least..=most).contains(&text.chars().count()) || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::field(
            field,
            raw,
            format!("is not {least} to {most} visible characters"),
            "write a shorter text without control characters",
        ));
    }
    Ok(text.to_owned())
}

fn known_segments(field: &str, given: &[String], known: &BTreeSet<String>) -> Result<()> {
    match given.iter().find(|segment| !known.contains(*segment)) {
        None => Ok(()),
        Some(segment) => Err(Problem::field(
            field,
            segment,
            "the program has no such segment",
            format!(
                "name some of {}",
                known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}
