//! The book's table: what lists sort and filter by, held in columns, so that a list of every account reads memory in its order instead of
//! visiting each account. It changes row by row with the accounts that change.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLockReadGuard;

use super::Entry;
use super::rows::{Now, Rows};

/// The span that holds on the day that an account's head stands for.
#[derive(Clone, Copy, Debug)]
struct Slot {
    no: i64,
    from: i32,
    to: i32,
    /// NaN = unknown.
    mrr: f64,
    segment: u32,
    /// [`NOBODY`] = without one.
    owner: u32,
    active: bool,
}

const NOBODY: u32 = u32::MAX;

/// Name and id in small letters, one behind the other.
#[derive(Debug)]
struct Small {
    text: Box<str>,
    name: usize,
}

impl Small {
    fn of(entry: &Entry) -> Self {
        let mut text = entry.name.to_lowercase();
        let name = text.len();
        text.push_str(&entry.id.to_lowercase());
        Self {
            text: text.into_boxed_str(),
            name,
        }
    }

    fn name(&self) -> &str {
        self.text.get(..self.name).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.text.get(self.name..).unwrap_or_default()
    }
}

/// Texts that many accounts share, each once.
#[derive(Debug, Default)]
struct Words {
    texts: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl Words {
    fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.texts.len()).unwrap_or(NOBODY);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.places.insert(text, place);
        place
    }

    fn text(&self, place: u32) -> Option<&str> {
        self.texts.get(place as usize).map(AsRef::as_ref)
    }
}

/// Every account.
#[derive(Debug, Default)]
pub struct Table {
    /// Where each account's row is, by number.
    places: BTreeMap<i64, usize>,
    entries: Vec<Arc<Entry>>,
    slots: Vec<Slot>,
    small: Vec<Small>,
    /// By metric, in the plan's order; NaN = no data.
    metrics: Vec<Vec<f64>>,
    segments: Words,
    owners: Words,
}

impl Table {
    /// The accounts by number.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.places.values().map(|place| &self.entries[*place])
    }

    /// One account.
    pub fn get(&self, no: i64) -> Option<&Arc<Entry>> {
        self.places.get(&no).map(|place| &self.entries[*place])
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes an account's row, a new one or over the one before.
    pub fn put(&mut self, entry: Arc<Entry>) {
        let slot = self.slot(&entry);
        let small = Small::of(&entry);
        let width = entry.head.metrics.len();
        while self.metrics.len() < width {
            self.metrics.push(vec![f64::NAN; self.entries.len()]);
        }
        let value = |metric: usize| entry.head.metrics.get(metric).copied().unwrap_or(f64::NAN);
        if let Some(place) = self.places.get(&entry.no).copied() {
            for (metric, column) in self.metrics.iter_mut().enumerate() {
                column[place] = value(metric);
            }
            self.slots[place] = slot;
            self.small[place] = small;
            self.entries[place] = entry;
        } else {
            for (metric, column) in self.metrics.iter_mut().enumerate() {
                column.push(value(metric));
            }
            self.places.insert(entry.no, self.entries.len());
            self.slots.push(slot);
            self.small.push(small);
            self.entries.push(entry);
        }
    }

    /// Takes an account's row out; the last one takes its place.
    pub fn remove(&mut self, no: i64) {
        let Some(place) = self.places.remove(&no) else {
            return;
        };
        self.entries.swap_remove(place);
        self.slots.swap_remove(place);
        self.small.swap_remove(place);
        for column in &mut self.metrics {
            column.swap_remove(place);
        }
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.no, place);
        }
    }

    fn slot(&mut self, entry: &Entry) -> Slot {
        match entry.now() {
            Some(span) => Slot {
                no: entry.no,
                from: span.from,
                to: span.to,
                mrr: span.mrr.unwrap_or(f64::NAN),
                segment: self.segments.place(&span.segment),
                owner: span
                    .owner
                    .as_deref()
                    .map_or(NOBODY, |owner| self.owners.place(owner)),
                active: span.active,
            },
            // No day is in it: what holds is looked up in the account itself.
            None => Slot {
                no: entry.no,
                from: 0,
                to: 0,
                mrr: f64::NAN,
                segment: NOBODY,
                owner: NOBODY,
                active: false,
            },
        }
    }
}

/// The table while it stands still, its rows by number. Nothing may wait while it is held: accounts that change wait for it.
#[derive(Debug)]
pub struct View<'a> {
    table: RwLockReadGuard<'a, Table>,
    order: Vec<usize>,
}

impl<'a> View<'a> {
    /// Of a table that is locked.
    pub fn of(table: RwLockReadGuard<'a, Table>) -> Self {
        let order = table.places.values().copied().collect();
        Self { table, order }
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.order.len()
    }

    fn entry(&self, row: usize) -> &Entry {
        &self.table.entries[self.order[row]]
    }

    fn no(&self, row: usize) -> i64 {
        self.table.slots[self.order[row]].no
    }

    fn metric(&self, row: usize, metric: usize) -> Option<f64> {
        let column = self.table.metrics.get(metric)?;
        Some(column[self.order[row]]).filter(|value| !value.is_nan())
    }

    fn now(&self, row: usize, day: i32) -> Option<Now<'_>> {
        let slot = &self.table.slots[self.order[row]];
        if !(slot.from..slot.to).contains(&day) {
            return self.entry(row).head.span_at(day).map(Now::of);
        }
        Some(Now {
            active: slot.active,
            mrr: Some(slot.mrr).filter(|mrr| !mrr.is_nan()),
            segment: self.table.segments.text(slot.segment).unwrap_or_default(),
            owner: self.table.owners.text(slot.owner),
        })
    }

    fn small_name(&self, row: usize) -> Cow<'_, str> {
        Cow::Borrowed(self.table.small[self.order[row]].name())
    }

    fn contains(&self, row: usize, text: &str) -> bool {
        let small = &self.table.small[self.order[row]];
        small.name().contains(text) || small.id().contains(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::RwLock;

    use super::super::Entry;
    use super::super::facts::{Head, Span};
    use super::super::rows::Rows;
    use super::{Table, View};

    fn entry(no: i64, seed: u64) -> Entry {
        let pick =
            |of: u64, salt: u64| (seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(salt) >> 33) % of;
        let middle = 50 + i32::try_from(pick(60, 1)).expect("small");
        let span = |from: i32, to: i32, salt: u64| Span {
            from,
            to,
            active: pick(3, salt) > 0,
            mrr: (pick(4, salt + 1) > 0).then(|| 10.0 * pick(90, salt + 2) as f64),
            segment: format!("s{}", pick(3, salt + 3)),
            owner: (pick(2, salt + 4) > 0).then(|| format!("{}@x.example", pick(3, salt + 5))),
        };
        let value = |salt: u64| {
            if pick(4, salt) == 0 {
                f64::NAN
            } else {
                pick(50, salt + 1) as f64
            }
        };
        Entry {
            no,
            id: format!("ID-{no}"),
            name: format!("Ähre {seed} İ"),
            owner: None,
            stub: false,
            attributes: serde_json::Map::new(),
            head: Arc::new(Head {
                day: 100,
                spans: if pick(9, 7) == 0 {
                    Vec::new()
                } else {
                    vec![span(0, middle, 20), span(middle, i32::MAX, 40)]
                },
                metrics: (0..pick(5, 3)).map(|metric| value(60 + 2 * metric)).collect(),
                flags: Vec::new(),
                why: String::new(),
                currency: None,
                subscriptions: Vec::new(),
                dated: Vec::new(),
            }),
            computed_at: 0,
        }
    }

    /// Rows of the table say what the accounts themselves say, after any mixture of writing and removing.
    #[test]
    fn the_columns_say_what_the_accounts_say() {
        let table = RwLock::new(Table::default());
        let mut wanted = std::collections::BTreeMap::new();
        for step in 0..2_000_u64 {
            let no = i64::try_from(step.wrapping_mul(2_654_435_761) % 97).expect("small");
            if step % 5 == 4 {
                table.write().remove(no);
                wanted.remove(&no);
            } else {
                let entry = Arc::new(entry(no, step));
                table.write().put(Arc::clone(&entry));
                wanted.insert(no, entry);
            }
        }
        assert_eq!(table.read().len(), wanted.len());
        assert!(!wanted.is_empty());
        let plain: Vec<Arc<Entry>> = wanted.values().cloned().collect();
        let plain = &plain[..];
        let view = View::of(table.read());
        assert_eq!(view.len(), plain.len());
        for row in 0..plain.len() {
            assert_eq!(view.no(row), plain.no(row));
            assert_eq!(view.entry(row).id, plain.entry(row).id);
            assert_eq!(view.small_name(row), plain.small_name(row));
            for text in ["ähre 1", "id-4", "9", "i\u{307}id"] {
                assert_eq!(
                    view.contains(row, text),
                    Rows::contains(plain, row, text),
                    "{text}"
                );
            }
            for metric in 0..6 {
                assert_eq!(view.metric(row, metric), plain.metric(row, metric));
            }
            for day in [-1, 0, 49, 60, 80, 100, 120, i32::MAX] {
                let (one, other) = (view.now(row, day), plain.now(row, day));
                assert_eq!(format!("{one:?}"), format!("{other:?}"), "day {day}");
            }
        }
    }
}
