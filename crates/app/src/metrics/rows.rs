//! Accounts side by side, as lists and conditions read them: column by column, whether they come from today's table or from a past day.

use std::borrow::{Borrow, Cow};

use super::Entry;
use super::facts::Span;

/// What holds of an account on a day.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// Active on that day.
    pub active: bool,
    /// MRR in the major unit; `None` = unknown.
    pub mrr: Option<f64>,
    /// The segment.
    pub segment: &'a str,
    /// The owner's e-mail address.
    pub owner: Option<&'a str>,
}

impl<'a> Now<'a> {
    /// What a span says.
    #[must_use]
    pub fn of(span: &'a Span) -> Self {
        Self {
            active: span.active,
            mrr: span.mrr,
            segment: &span.segment,
            owner: span.owner.as_deref(),
        }
    }
}

/// Accounts by row, ascending by number.
pub trait Rows {
    /// How many.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything of one.
    fn entry(&self, row: usize) -> &Entry;

    /// Its number.
    fn no(&self, row: usize) -> i64 {
        self.entry(row).no
    }

    /// A metric by its place in the plan; `None` = no data.
    fn metric(&self, row: usize, metric: usize) -> Option<f64> {
        let value = self.entry(row).head.metrics.get(metric);
        value.copied().filter(|value| !value.is_nan())
    }

    /// What holds on a day; `None` = it was not known then.
    fn now(&self, row: usize, day: i32) -> Option<Now<'_>> {
        self.entry(row).head.span_at(day).map(Now::of)
    }

    /// Its name in small letters.
    fn small_name(&self, row: usize) -> Cow<'_, str> {
        Cow::Owned(self.entry(row).name.to_lowercase())
    }

    /// Whether name or id contains a text, which is in small letters.
    fn contains(&self, row: usize, text: &str) -> bool {
        let entry = self.entry(row);
        entry.name.to_lowercase().contains(text) || entry.id.to_lowercase().contains(text)
    }
}

impl<E: Borrow<Entry>> Rows for [E] {
    fn len(&self) -> usize {
        <[E]>::len(self)
    }

    fn entry(&self, row: usize) -> &Entry {
        self[row].borrow()
    }
}

/// Some rows of others.
#[derive(Debug)]
pub struct Picked<'a, R: ?Sized> {
    /// All.
    pub rows: &'a R,
    /// Which of them.
    pub at: &'a [usize],
}

impl<R: Rows + ?Sized> Rows for Picked<'_, R> {
    fn len(&self) -> usize {
        self.at.len()
    }

    fn entry(&self, row: usize) -> &Entry {
        self.rows.entry(self.at[row])
    }

    fn no(&self, row: usize) -> i64 {
        self.rows.no(self.at[row])
    }

    fn metric(&self, row: usize, metric: usize) -> Option<f64> {
        self.rows.metric(self.at[row], metric)
    }

    fn now(&self, row: usize, day: i32) -> Option<Now<'_>> {
        self.rows.now(self.at[row], day)
    }

    fn small_name(&self, row: usize) -> Cow<'_, str> {
        self.rows.small_name(self.at[row])
    }

    fn contains(&self, row: usize, text: &str) -> bool {
        self.rows.contains(self.at[row], text)
    }
}
