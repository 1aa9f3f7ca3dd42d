//! Finding the pairs, over all accounts and contacts at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tenure_store::StoreResult;

use super::rules::{Evidence, Sign, pairs, plain_domain, plain_name, score, signs_of};
use super::store;
use crate::App;
use crate::accounts::AccountNo;

/// The most pairs of a kind that are kept, the likeliest ones.
const MOST: usize = 5_000;
/// The most contacts that are looked at more closely.
const CONTACTS: i64 = 20_000;
/// Microseconds for which what was found is shown although accounts have changed since.
const FRESH: i64 = 10_000_000;

/// Two records that look like one, by id; the lesser id first.
#[derive(Clone, Debug)]
pub struct Pair {
    pub one: String,
    pub other: String,
    pub score: f64,
    pub evidence: Vec<Evidence>,
}

/// All pairs, the likeliest first.
#[derive(Debug, Default)]
pub struct Found {
    pub accounts: Vec<Pair>,
    pub contacts: Vec<Pair>,
    /// When, UTC microseconds.
    pub at: i64,
}

/// The pairs as they are now, or were a moment ago.
pub(super) async fn found(app: &App) -> StoreResult<Arc<Found>> {
    let (version, now) = (app.metrics.version(), app.clock.micros());
    if let Some((of, at, held)) = &*app.duplicates.0.lock()
        && (*of == version || now - at < FRESH)
        && now >= *at
    {
        return Ok(Arc::clone(held));
    }
    let found = Arc::new(Found {
        accounts: accounts(app).await?,
        contacts: contacts(app).await?,
        at: now,
    });
    *app.duplicates.0.lock() = Some((version, now, Arc::clone(&found)));
    Ok(found)
}

/// Looks again at the next question.
pub(super) fn forget(app: &App) {
    *app.duplicates.0.lock() = None;
}

fn ranked(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (&a.one, &a.other).cmp(&(&b.one, &b.other)))
    });
    pairs.truncate(MOST);
    pairs
}

async fn accounts(app: &App) -> StoreResult<Vec<Pair>> {
    let entries = app.metrics.book.all();
    let emails = store::emails(&app.store).await?;
    let parents = store::parents(&app.store).await?;
    let roots = Arc::clone(&app.accounts);
    let work = tokio::task::spawn_blocking(move || {
        let mut by_value: HashMap<Evidence, Vec<i64>> = HashMap::new();
        for entry in &entries {
            for sign in signs_of(&entry.id, &entry.name, &entry.attributes) {
                by_value.entry(sign).or_default().push(entry.no);
            }
        }
        let mut domains: HashSet<(i64, String)> = HashSet::new();
        for (no, email) in emails.iter().filter(|(_, email)| email.contains('@')) {
            if let Some(domain) = plain_domain(email) {
                domains.insert((roots.root(AccountNo::new(*no)).get(), domain));
            }
        }
        for (no, value) in domains {
            let sign = Sign::EmailDomain;
            by_value.entry(Evidence { sign, value }).or_default().push(no);
        }
        let by_no: HashMap<i64, _> = entries.iter().map(|entry| (entry.no, entry)).collect();
        let mut found = Vec::new();
        for ((one, other), evidence) in pairs(by_value) {
            let (Some(one), Some(other)) = (by_no.get(&one), by_no.get(&other)) else {
                continue;
            };
            // A house and its branch share much and are two all the same.
            let belongs = |a: &str, b: &str| parents.contains(&(a.to_owned(), b.to_owned()));
            if belongs(&one.id, &other.id) || belongs(&other.id, &one.id) {
                continue;
            }
            let (one, other) = if one.id < other.id {
                (one, other)
            } else {
                (other, one)
            };
            found.push(Pair {
                one: one.id.clone(),
                other: other.id.clone(),
                score: score(&evidence),
                evidence,
            });
        }
        ranked(found)
    });
    work.await
        .map_err(|error| tenure_store::StoreError::Other(format!("the search was cut off: {error}")))
}

async fn contacts(app: &App) -> StoreResult<Vec<Pair>> {
    let rows = store::shared_contacts(&app.store, CONTACTS).await?;
    let mut by_value: HashMap<Evidence, Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(email) = row.email.as_deref().map(|it| it.trim().to_lowercase()) {
            let sign = Sign::Email;
            by_value
                .entry(Evidence { sign, value: email })
                .or_default()
                .push(at);
        }
        if let Some(name) = row.name.as_deref().and_then(plain_name)
            && row.account_no != 0
        {
            let value = format!("{name}\u{1f}{}", row.account_no);
            let sign = Sign::Name;
            by_value.entry(Evidence { sign, value }).or_default().push(at);
        }
    }
    let found = pairs(by_value)
        .into_iter()
        .map(|((one, other), mut evidence)| {
            for it in &mut evidence {
                if let Some((name, _)) = it.value.split_once('\u{1f}') {
                    it.value = name.to_owned();
                }
            }
            Pair {
                one: rows[one].id.clone(),
                other: rows[other].id.clone(),
                score: score(&evidence),
                evidence,
            }
        })
        .collect();
    Ok(ranked(found))
}
