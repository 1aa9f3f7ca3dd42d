//! What the last seconds' messages said about who is who, before it is in the directory.
//!
//! A browser sends `identify`, `group` and the first `track` side by side. The `track` often arrives before the transaction of the other two
//! has ended; without this it would lose its account. A hint only fills that gap and is forgotten after a few seconds. When its transaction
//! fails, the client sends the message again, so a hint never says what does not become true.

use std::collections::HashMap;
use std::mem;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a generation of hints is written before it becomes the older one.
const GENERATION: Duration = Duration::from_secs(3);
/// Hints in a generation, at most: beyond it the older ones go early.
const MOST: usize = 50_000;

/// Who an id belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// The contact that the id stands for, when it is another one.
    pub(super) contact: Option<String>,
    /// The contact's account.
    pub(super) account: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    began: Option<Instant>,
    young: HashMap<String, Hint>,
    old: HashMap<String, Hint>,
}

impl Hints {
    /// Notes what a message says. What it leaves open stays as it was.
    pub(super) fn note(&self, id: &str, hint: Hint, now: Instant) {
        let mut all = self.0.lock();
        all.age(now);
        let mut merged = all.get(id).unwrap_or_default();
        merged.contact = hint.contact.or(merged.contact);
        merged.account = hint.account.or(merged.account);
        all.young.insert(id.to_owned(), merged);
    }

    /// What is noted of an id.
    pub(super) fn get(&self, id: &str, now: Instant) -> Option<Hint> {
        let mut all = self.0.lock();
        if all.young.is_empty() && all.old.is_empty() {
            return None;
        }
        all.age(now);
        all.get(id)
    }
}

impl Generations {
    fn get(&self, id: &str) -> Option<Hint> {
        self.young.get(id).or_else(|| self.old.get(id)).cloned()
    }

    fn age(&mut self, now: Instant) {
        let age = self
            .began
            .map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        if self.began.is_none() {
            self.began = Some(now);
        } else if age >= GENERATION * 2 {
            self.young.clear();
            self.old.clear();
            self.began = Some(now);
        } else if age >= GENERATION || self.young.len() >= MOST {
            self.old = mem::take(&mut self.young);
            self.began = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_fade() {
        let hints = Hints::default();
        let start = Instant::now();
        let account = |id: &str| Hint {
            contact: None,
            account: Some(id.to_owned()),
        };
        hints.note("u", account("a"), start);
        hints.note(
            "u",
            Hint {
                contact: Some("v".to_owned()),
                account: None,
            },
            start,
        );
        let both = Hint {
            contact: Some("v".to_owned()),
            account: Some("a".to_owned()),
        };
        assert_eq!(hints.get("u", start), Some(both.clone()));
        assert_eq!(hints.get("u", start + GENERATION), Some(both));
        assert_eq!(hints.get("u", start + GENERATION * 2), None);
        assert_eq!(hints.get("w", start), None);
    }
}
