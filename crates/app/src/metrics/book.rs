//! The book: the current state of every account in memory, for lists, filters and previews.
//!
//! It is a copy of `accounts` and `account_state`, changed only after those are committed, and read again at start.

use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::{Map, Value as Json};

use super::facts::{Head, Span};
use super::table::{Table, View};

/// One account.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub no: i64,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its owner's e-mail address.
    pub owner: Option<String>,
    /// Whether nothing but its id is known.
    pub stub: bool,
    /// Its attributes.
    pub attributes: Map<String, Json>,
    /// What was computed of it.
    pub head: Arc<Head>,
    /// When, UTC microseconds.
    pub computed_at: i64,
}

impl Entry {
    /// The span that holds on the day that the head stands for.
    #[must_use]
    pub fn now(&self) -> Option<&Span> {
        self.head.span_at(self.head.day)
    }

    /// Whether it is active.
    #[must_use]
    pub fn active(&self) -> bool {
        self.now().is_some_and(|span| span.active)
    }
}

/// All accounts.
#[derive(Debug, Default)]
pub struct Book {
    table: RwLock<Table>,
}

impl Book {
    /// Every account, by number.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.table.read().all().cloned().collect()
    }

    /// Every account's row, while none changes: for what looks at all of them and gives them back at once.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        // One who holds a view already gets another, whoever waits to write.
        View::of(self.table.read_recursive())
    }

    /// The account with this number.
    #[must_use]
    pub fn get(&self, no: i64) -> Option<Arc<Entry>> {
        self.table.read().get(no).cloned()
    }

    /// Number of accounts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.read().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.read().is_empty()
    }

    /// Takes over what was committed.
    pub fn put(&self, entries: Vec<Entry>) {
        let mut table = self.table.write();
        for entry in entries {
            table.put(Arc::new(entry));
        }
    }

    /// Forgets an account (erasure).
    pub fn remove(&self, no: i64) {
        self.table.write().remove(no);
    }
}
