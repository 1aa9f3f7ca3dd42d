//! All accounts in one text, in small letters.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::App;
use crate::metrics::Entry;

/// Microseconds for which the text serves although accounts have changed since.
const FRESH: i64 = 3_000_000;
/// Between two accounts; no name and no id holds it.
const END: char = '\u{1e}';
/// Between a name and an id.
const FIELD: char = '\u{1f}';

/// The text that was built last: the version of the accounts, when, the text.
#[derive(Debug, Default)]
pub struct Index(Mutex<Option<(u64, i64, Arc<Text>)>>);

/// The accounts, and where each stands in the text.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    ends: Vec<usize>,
    accounts: Vec<Arc<Entry>>,
}

/// The text as of now, or a moment ago.
pub(super) fn text(app: &App) -> Arc<Text> {
    let (version, now) = (app.metrics.version(), app.clock.micros());
    let mut held = app.search.0.lock();
    if let Some((of, at, text)) = &*held
        && (*of == version || (now - at < FRESH && now >= *at))
    {
        return Arc::clone(text);
    }
    let text = Arc::new(Text::of(app.metrics.book.all()));
    *held = Some((version, now, Arc::clone(&text)));
    text
}

impl Text {
    pub(super) fn of(accounts: Vec<Arc<Entry>>) -> Self {
        let mut it = Self::default();
        for entry in &accounts {
            let letters = entry.name.chars().flat_map(char::to_lowercase);
            it.text.extend(letters.filter(|c| *c != END));
            it.text.push(FIELD);
            it.text.extend(entry.id.chars().flat_map(char::to_lowercase));
            it.text.push(END);
            it.ends.push(it.text.len());
        }
        it.accounts = accounts;
        it
    }

    /// Accounts whose name or id holds the words as typed: those that begin with them first, then those with a word that does; among those
    /// active ones and large ones first.
    pub(super) fn find(&self, typed: &str, limit: usize) -> Vec<Arc<Entry>> {
        /// So many are ranked; who types three letters more sees the others.
        const RANKED: usize = 2_000;
        let mut found: Vec<(u8, bool, f64, usize)> = Vec::new();
        let mut last = usize::MAX;
        for (place, _) in self.text.match_indices(typed) {
            let at = self.ends.partition_point(|end| *end <= place);
            let before = self.text[..place].chars().next_back();
            let rank = match before {
                None | Some(END | FIELD) => 0,
                Some(c) if !c.is_alphanumeric() => 1,
                Some(_) => 2,
            };
            if at == last {
                if let Some(best) = found.last_mut() {
                    best.0 = best.0.min(rank);
                }
                continue;
            }
            if found.len() >= RANKED {
                break;
            }
            last = at;
            let now = self.accounts[at].now();
            let active = now.is_some_and(|span| span.active);
            found.push((rank, !active, -now.and_then(|span| span.mrr).unwrap_or(0.0), at));
        }
        found.sort_by(|a, b| {
            (a.0, a.1)
                .cmp(&(b.0, b.1))
                .then(a.2.total_cmp(&b.2))
                .then(a.3.cmp(&b.3))
        });
        found.truncate(limit);
        found
            .into_iter()
            .map(|it| Arc::clone(&self.accounts[it.3]))
            .collect()
    }
}
