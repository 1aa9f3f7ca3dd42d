//! Who would be assigned: rules in order, members balanced. No I/O.

use std::collections::{BTreeMap, HashMap};

use super::POOL;
use super::settings::{OwnerSettings, Spread};

/// An account to assign.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub no: i64,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its segment.
    pub segment: String,
    /// Its MRR in the major unit; unknown counts as 0.
    pub mrr: f64,
    /// Who has it.
    pub owner: Option<String>,
}

/// What somebody looks after: active accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Accounts.
    pub accounts: usize,
    /// Σ MRR.
    pub mrr: f64,
    /// Accounts by segment.
    pub segments: BTreeMap<String, usize>,
}

impl Load {
    /// Takes an account over.
    pub fn add(&mut self, segment: &str, mrr: f64) {
        self.accounts += 1;
        self.mrr += mrr;
        *self.segments.entry(segment.to_owned()).or_default() += 1;
    }

    /// Gives an account away.
    pub fn remove(&mut self, segment: &str, mrr: f64) {
        self.accounts = self.accounts.saturating_sub(1);
        self.mrr -= mrr;
        if let Some(n) = self.segments.get_mut(segment) {
            *n = n.saturating_sub(1);
        }
    }
}

/// One account that changes hands.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The account.
    pub account: Candidate,
    /// Who gets it; `None` = nobody.
    pub to: Option<String>,
    /// The name of the rule that decided, where one did.
    pub rule: Option<String>,
}

/// What becomes of candidates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// Accounts that get another owner.
    pub moves: Vec<Move>,
    /// Accounts that nobody gets, with the reason.
    pub left: Vec<(Candidate, String)>,
    /// Accounts that stay with whom they have.
    pub kept: usize,
}

/// Assigns candidates: `matching[i]` is the rule that is true first for candidate `i`. Loads are those of active accounts before; they are
/// changed to those after. Accounts are given out by MRR, the largest first, so that the last ones even out what the first ones left uneven.
#[must_use]
pub fn by_rules(
    settings: &OwnerSettings,
    candidates: Vec<Candidate>,
    matching: &[Option<usize>],
    loads: &mut HashMap<String, Load>,
) -> Assignment {
    let mut result = Assignment::default();
    let mut order: Vec<(Candidate, Option<usize>)> =
        candidates.into_iter().zip(matching.iter().copied()).collect();
    order.sort_by(|(a, _), (b, _)| b.mrr.total_cmp(&a.mrr).then(a.no.cmp(&b.no)));
    // What is given out anew burdens nobody while it is.
    for (account, _) in order.iter().filter(|(_, rule)| rule.is_some()) {
        if let Some(load) = account.owner.as_ref().and_then(|owner| loads.get_mut(owner)) {
            load.remove(&account.segment, account.mrr);
        }
    }
    for (account, rule) in order {
        let Some(rule) = rule.and_then(|at| settings.rules.get(at)) else {
            result.left.push((account, "no rule is true for it".to_owned()));
            continue;
        };
        match choose(settings, &rule.to, rule.spread, &account, loads) {
            Ok(to) => give(account, Some(to), Some(rule.name.clone()), loads, &mut result),
            Err(reason) => {
                if let Some(owner) = &account.owner {
                    let load = loads.entry(owner.clone()).or_default();
                    load.add(&account.segment, account.mrr);
                }
                result.left.push((account, format!("{}: {reason}", rule.name)));
            }
        }
    }
    result
}

/// Gives all candidates to one target; `None` takes their owner away.
#[must_use]
pub fn to_one(
    settings: &OwnerSettings,
    mut candidates: Vec<Candidate>,
    to: Option<&str>,
    spread: Spread,
    loads: &mut HashMap<String, Load>,
) -> Assignment {
    let mut result = Assignment::default();
    candidates.sort_by(|a, b| b.mrr.total_cmp(&a.mrr).then(a.no.cmp(&b.no)));
    for account in &candidates {
        if let Some(load) = account.owner.as_ref().and_then(|owner| loads.get_mut(owner)) {
            load.remove(&account.segment, account.mrr);
        }
    }
    for account in candidates {
        let Some(target) = to else {
            give(account, None, None, loads, &mut result);
            continue;
        };
        match choose(settings, target, spread, &account, loads) {
            Ok(owner) => give(account, Some(owner), None, loads, &mut result),
            Err(reason) => {
                if let Some(owner) = &account.owner {
                    let load = loads.entry(owner.clone()).or_default();
                    load.add(&account.segment, account.mrr);
                }
                result.left.push((account, reason));
            }
        }
    }
    result
}

fn give(
    account: Candidate,
    to: Option<String>,
    rule: Option<String>,
    loads: &mut HashMap<String, Load>,
    result: &mut Assignment,
) {
    if let Some(to) = &to {
        let load = loads.entry(to.clone()).or_default();
        load.add(&account.segment, account.mrr);
    }
    if account.owner == to {
        result.kept += 1;
    } else {
        result.moves.push(Move { account, to, rule });
    }
}

/// The owner that a target means for an account.
fn choose(
    settings: &OwnerSettings,
    to: &str,
    spread: Spread,
    account: &Candidate,
    loads: &HashMap<String, Load>,
) -> Result<String, String> {
    let Some(pool) = settings.pool(to) else {
        return if to.starts_with(POOL) {
            Err(format!("{to} is no longer there"))
        } else {
            Ok(to.to_owned())
        };
    };
    if spread == Spread::Shared {
        return Ok(to.to_owned());
    }
    let none = Load::default();
    let load = |member: &str| loads.get(member).unwrap_or(&none);
    let may = |member: &&String| {
        let person = settings.person(member);
        person.is_none_or(|person| {
            !person.away
                && person
                    .capacity
                    .is_none_or(|most| load(member).accounts < most as usize)
        }) && settings.serves(member, &account.segment)
    };
    let measure = |member: &str| {
        let load = load(member);
        match spread {
            Spread::Mrr => load.mrr,
            Spread::Segment => count(load.segments.get(&account.segment).copied().unwrap_or(0)),
            Spread::Accounts | Spread::Shared => count(load.accounts),
        }
    };
    pool.members
        .iter()
        .filter(may)
        .min_by(|a, b| {
            measure(a)
                .total_cmp(&measure(b))
                .then_with(|| load(a).accounts.cmp(&load(b).accounts))
                .then_with(|| a.cmp(b))
        })
        .cloned()
        .ok_or_else(|| {
            format!(
                "every member of {} is away, full, or does not serve {}",
                pool.name, account.segment
            )
        })
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}
