//! Who is known, in memory: account ids and their numbers, contact ids and their accounts.
//!
//! Ids stand one after the other in one text, found through a hash table of positions: about 30 bytes an id, loaded in one pass.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::RwLock;

use super::AccountNo;
use super::merges::Standing;

/// A set of texts, each with the number of its arrival.
#[derive(Default)]
struct Names {
    text: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    fn get(&self, index: u32) -> &str {
        let index = index as usize;
        let start = if index == 0 {
            0
        } else {
            self.ends.get(index - 1).copied().unwrap_or(0)
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(name), |&index| self.get(index) == name)
            .copied()
    }

    fn intern(&mut self, name: &str) -> u32 {
        if let Some(index) = self.find(name) {
            return index;
        }
        let index = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let Self {
            text,
            ends,
            table,
            hasher,
        } = self;
        let at = |index: u32| {
            let index = index as usize;
            let start = if index == 0 { 0 } else { ends[index - 1] };
            &text[start..ends[index]]
        };
        table.insert_unique(hasher.hash_one(name), index, |&other| hasher.hash_one(at(other)));
        index
    }
}

/// No such place in the directory.
const NONE: u32 = u32::MAX;

/// A contact. Its aliases point at it, not at its id: the id may later be given to somebody else, and its aliases stay.
#[derive(Clone, Copy)]
struct Node {
    /// The place of its id.
    id: u32,
    /// The contact that it was merged into; itself while it lives.
    into: u32,
    account: AccountNo,
}

#[derive(Default)]
pub(super) struct Inner {
    accounts: Names,
    numbers: Vec<AccountNo>,
    by_number: Vec<u32>,
    contacts: Names,
    /// The contact that each id stands for.
    nodes_of: Vec<u32>,
    nodes: Vec<Node>,
    /// Accounts of devices of which nobody has said who uses them.
    devices: HashMap<String, AccountNo>,
    /// Ids of contacts that were written or merged away, in their order, and how many before them are no longer kept.
    changed: (u64, VecDeque<String>),
    /// Accounts that are read as others.
    pub(super) standing: Standing,
}

impl Inner {
    fn note_changed(&mut self, id: String) {
        const KEPT: usize = 10_000;
        let (gone, kept) = &mut self.changed;
        if kept.len() >= KEPT {
            kept.pop_front();
            *gone += 1;
        }
        kept.push_back(id);
    }

    fn add_account(&mut self, id: &str, no: AccountNo) {
        let index = self.accounts.intern(id);
        let place = index as usize;
        if place >= self.numbers.len() {
            self.numbers.resize(place + 1, AccountNo::NONE);
        }
        self.numbers[place] = no;
        if let Ok(no) = usize::try_from(no.get()) {
            if no >= self.by_number.len() {
                self.by_number.resize(no + 1, NONE);
            }
            self.by_number[no] = index;
        }
    }

    /// The contact that an id stands for, alive; the id becomes a contact of its own when it is new.
    fn node(&mut self, id: &str) -> u32 {
        let place = self.contacts.intern(id);
        match self.nodes_of.get(place as usize) {
            Some(&node) => self.alive(node),
            None => {
                let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                self.nodes.push(Node {
                    id: place,
                    into: node,
                    account: AccountNo::NONE,
                });
                self.nodes_of.push(node);
                node
            }
        }
    }

    /// Follows merges. A merge always goes into a living contact, so the way ends.
    fn alive(&self, mut node: u32) -> u32 {
        while let Some(next) = self.nodes.get(node as usize).map(|it| it.into)
            && next != node
        {
            node = next;
        }
        node
    }

    fn link(&mut self, id: &str, account: AccountNo) {
        let node = self.node(id);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.account = account;
        }
    }

    fn merge(&mut self, from: &str, into: &str) {
        let (from, into) = (self.node(from), self.node(into));
        if let Some(node) = self.nodes.get_mut(from as usize) {
            node.into = into;
        }
    }

    fn alias(&mut self, alias: &str, id: &str) {
        let node = self.node(id);
        let place = self.contacts.intern(alias) as usize;
        match self.nodes_of.get_mut(place) {
            Some(known) => *known = node,
            None => self.nodes_of.push(node),
        }
    }
}

/// A contact as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The contact's own id, after aliases.
    pub id: String,
    /// The account that it belongs to, [`AccountNo::NONE`] when not known.
    pub account: AccountNo,
    /// The id of that account.
    pub account_id: Option<String>,
}

/// Whom an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The contact's own id, after aliases.
    pub contact: Option<String>,
    /// The id of the account.
    pub account: Option<String>,
}

impl Person {
    /// What an event says of itself, filled up by what is known: `find` gives a contact by any of its ids with its account, `device` the
    /// account of a device. `None` = nothing is to be added. What the event names itself stays.
    pub(super) fn filled(
        &self,
        anonymous: Option<&str>,
        find: impl Fn(&str) -> Option<Self>,
        device: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let found = match (&self.contact, anonymous) {
            (Some(contact), _) if self.account.is_none() => find(contact),
            (None, Some(anonymous)) => find(anonymous),
            _ => None,
        };
        let by_device = || device(self.contact.as_deref().or(anonymous)?);
        let found = found.unwrap_or_default();
        let filled = Self {
            account: self.account.clone().or(found.account).or_else(by_device),
            contact: found.contact.or_else(|| self.contact.clone()),
        };
        (filled != *self).then_some(filled)
    }
}

/// One thing that a transaction added, made visible after its commit.
#[derive(Clone, Debug)]
pub(super) enum News {
    Account { id: String, no: AccountNo },
    Contact { id: String, account: AccountNo },
    Merge { from: String, into: String },
    Alias { alias: String, id: String },
    Device { anonymous: String, account: AccountNo },
}

/// Accounts and contacts that are known, for look-ups without the database. It holds what is committed, never more.
#[derive(Default)]
pub struct Directory(pub(super) RwLock<Inner>);

impl Directory {
    /// The number of the account with this (normalised) id.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<AccountNo> {
        let inner = self.0.read();
        inner
            .accounts
            .find(id)
            .and_then(|index| inner.numbers.get(index as usize).copied())
    }

    /// The id of the account with this number.
    #[must_use]
    pub fn account_id(&self, no: AccountNo) -> Option<String> {
        self.0.read().account_id(no).map(str::to_owned)
    }

    /// The contact with this (normalised) id or alias.
    #[must_use]
    pub fn contact(&self, id: &str) -> Option<Known> {
        let inner = self.0.read();
        let (index, account) = inner.resolve(id)?;
        Some(Known {
            id: inner.contacts.get(index).to_owned(),
            account,
            account_id: inner.account_id(account).map(str::to_owned),
        })
    }

    /// Counts the contacts that were written since the start.
    #[must_use]
    pub fn contact_news(&self) -> u64 {
        let inner = self.0.read();
        inner.changed.0 + inner.changed.1.len() as u64
    }

    /// The ids of contacts that were written after the count was `at`; nothing when those are no longer known.
    #[must_use]
    pub fn contacts_changed_since(&self, at: u64) -> Option<Vec<String>> {
        let inner = self.0.read();
        let (gone, kept) = &inner.changed;
        let from = usize::try_from(at.checked_sub(*gone)?).ok()?;
        Some(kept.iter().skip(from).cloned().collect())
    }

    /// The account of a device of which nobody has said who uses it.
    #[must_use]
    pub fn device_account(&self, anonymous: &str) -> Option<String> {
        let inner = self.0.read();
        let no = inner.devices.get(anonymous)?;
        inner.account_id(*no).map(str::to_owned)
    }

    /// What is known of whom an event is about, beyond what it says itself; `anonymous` is the id of the device, where it names no contact.
    #[must_use]
    pub fn person(&self, named: &Person, anonymous: Option<&str>) -> Option<Person> {
        let find = |id: &str| {
            self.contact(id).map(|known| Person {
                contact: Some(known.id),
                account: known.account_id,
            })
        };
        named.filled(anonymous, find, |anonymous| self.device_account(anonymous))
    }

    pub(super) fn device_number(&self, anonymous: &str) -> Option<AccountNo> {
        self.0.read().devices.get(anonymous).copied()
    }

    /// Accounts and contact ids (aliases included) that are known.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        let inner = self.0.read();
        (inner.numbers.len(), inner.nodes_of.len())
    }

    /// Makes what a committed transaction added visible.
    pub(super) fn publish(&self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let mut inner = self.0.write();
        for one in news {
            match one {
                News::Account { id, no } => inner.add_account(&id, no),
                News::Contact { id, account } => {
                    inner.link(&id, account);
                    inner.note_changed(id);
                }
                News::Merge { from, into } => {
                    inner.merge(&from, &into);
                    inner.note_changed(from);
                }
                News::Alias { alias, id } => inner.alias(&alias, &id),
                News::Device { anonymous, account } => {
                    inner.devices.insert(anonymous, account);
                }
            }
        }
    }

    /// Fills the directory at the start from `id ␟ number` records.
    pub(super) fn fill(
        &self,
        accounts: &[String],
        contacts: &[String],
        aliases: &[(String, String)],
        devices: Vec<(String, AccountNo)>,
    ) {
        let mut inner = self.0.write();
        for (id, no) in records(accounts) {
            inner.add_account(id, AccountNo::new(no));
        }
        for (id, no) in records(contacts) {
            inner.link(id, AccountNo::new(no));
        }
        for (alias, id) in aliases {
            inner.alias(alias, id);
        }
        inner.devices.extend(devices);
    }
}

impl Inner {
    pub(super) fn account_id(&self, no: AccountNo) -> Option<&str> {
        let index = *self.by_number.get(usize::try_from(no.get()).ok()?)?;
        (index != NONE).then(|| self.accounts.get(index))
    }

    /// The place of the id of the contact that an id stands for, and its account.
    fn resolve(&self, id: &str) -> Option<(u32, AccountNo)> {
        let place = self.contacts.find(id)?;
        let node = self
            .nodes
            .get(self.alive(*self.nodes_of.get(place as usize)?) as usize)?;
        Some((node.id, node.account))
    }
}

/// Between an id and its number in what the database packs together; no id holds a control character.
pub(super) const FIELD: &str = "\u{1f}";
/// Between two ids.
pub(super) const RECORD: &str = "\u{1e}";

fn records(packed: &[String]) -> impl Iterator<Item = (&str, i64)> {
    packed
        .iter()
        .flat_map(|text| text.split('\u{1e}'))
        .filter_map(|record| record.split_once('\u{1f}'))
        .filter_map(|(id, no)| Some((id, no.parse().ok()?)))
}
