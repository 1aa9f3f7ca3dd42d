//! What a dry run has met: nothing of it is stored, so it has to remember by itself what the real import would find again.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::accounts::Change;
use crate::events::Event;

/// Events that are remembered, at 16 bytes each; beyond them a repeated event of a dry run counts as new.
const MOST: usize = 30_000_000;

/// What was met so far, in all files of the import.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// Hashes of message ids.
    events: HashSet<u64>,
    /// What was last said about an account or contact, by the hash of who it is.
    said: HashMap<u64, u64>,
    /// Hashes of the ids of accounts that the import would make.
    accounts: HashSet<u64>,
}

/// Places, in a chunk, of what was met in an earlier one.
#[derive(Debug, Default)]
pub struct Repeated {
    /// Of its events.
    pub events: HashSet<usize>,
    /// Of its changes.
    pub changes: HashSet<usize>,
}

fn hash(it: impl Hash) -> u64 {
    // Its keys are always the same, and nothing of it is kept.
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

impl Rehearsal {
    /// Whether the import would have made this account by now.
    pub fn makes(&self, account: &str) -> bool {
        self.accounts.contains(&hash(account))
    }

    /// Notes what a chunk says, and tells what of it earlier chunks have said.
    pub fn note(&mut self, events: &[Event], changes: &[Change]) -> Repeated {
        let mut repeated = Repeated::default();
        let mut fresh = Vec::with_capacity(events.len());
        for (at, event) in events.iter().enumerate() {
            let id = hash(&event.message_id);
            // Within the chunk the log itself finds what is there twice.
            if self.events.contains(&id) {
                repeated.events.insert(at);
            } else {
                fresh.push(id);
            }
            self.accounts.extend(event.account.as_deref().map(hash));
        }
        let room = MOST.saturating_sub(self.events.len());
        self.events.extend(fresh.into_iter().take(room));
        for (at, change) in changes.iter().enumerate() {
            let (who, account) = match change {
                Change::Account(it) => (hash((0, &it.id)), Some(&it.id)),
                Change::Contact(it) => (hash((1, &it.id)), it.account.as_ref()),
                Change::Alias { previous, .. } => (hash((2, previous)), None),
                Change::Device { anonymous, .. } => (hash((3, anonymous)), None),
                Change::DeviceAccount { anonymous, account } => (hash((4, anonymous)), Some(account)),
            };
            self.accounts.extend(account.map(hash));
            let what = hash(format!("{change:?}"));
            if self.said.insert(who, what) == Some(what) {
                repeated.changes.insert(at);
            }
        }
        repeated
    }
}
