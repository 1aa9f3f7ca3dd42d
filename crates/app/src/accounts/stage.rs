//! Changes of one transaction, and what the directory learns when it is committed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;

use jiff::tz::TimeZone;
use tenure_store::{StoreResult, Tx};

use super::directory::News;
use super::merges::Told;
use super::rules::{self, Account, Contact, History, HistoryRow, Step, day_of};
use super::{AccountChange, AccountNo, Applied, Change, Changed, Directory, Person, store};

/// The source of what people change here.
const OURS: &str = "tenure";

/// What a transaction's changes have in common.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where the changes come from, as `account_changes` shows it.
    pub source: &'a str,
    /// Now, UTC microseconds.
    pub now: i64,
    /// The program's zone, in which days are counted.
    pub zone: &'a TimeZone,
}

/// Changes to accounts and contacts in one transaction (see the slice's front page).
pub struct Stage<'a> {
    directory: &'a Directory,
    context: Context<'a>,
    numbers: HashMap<String, AccountNo>,
    /// Ids that this transaction gave to another contact.
    aliases: HashMap<String, String>,
    /// Contacts that this transaction merged into others.
    merged: HashMap<String, String>,
    /// Accounts of contacts that this transaction wrote.
    accounts_of: HashMap<String, AccountNo>,
    /// Accounts of devices that this transaction wrote.
    devices: HashMap<String, AccountNo>,
    /// Ids that this transaction gave a meaning to.
    became_known: Vec<(String, Option<String>)>,
    news: Vec<News>,
}

impl Directory {
    /// Begins the changes of one transaction.
    #[must_use]
    pub fn stage<'a>(&'a self, context: Context<'a>) -> Stage<'a> {
        Stage {
            directory: self,
            context,
            numbers: HashMap::new(),
            aliases: HashMap::new(),
            merged: HashMap::new(),
            accounts_of: HashMap::new(),
            devices: HashMap::new(),
            became_known: Vec::new(),
            news: Vec::new(),
        }
    }
}

impl<'a> Stage<'a> {
    /// Says where the changes that follow come from.
    pub fn set_source(&mut self, source: &'a str) {
        self.context.source = source;
    }

    /// The numbers of accounts by (normalised) id. Ids that nobody knows get a stub in this transaction.
    pub async fn numbers<'i>(
        &mut self,
        tx: &Tx,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> StoreResult<HashMap<String, AccountNo>> {
        let mut found = HashMap::new();
        let mut missing: Vec<&str> = Vec::new();
        for id in ids {
            if found.contains_key(id) {
                continue;
            }
            match self.number(id) {
                Some(no) => found.insert(id.to_owned(), no),
                None => {
                    missing.push(id);
                    // Holds the place, so that an id that comes twice is asked for once.
                    found.insert(id.to_owned(), AccountNo::NONE)
                }
            };
        }
        for (id, no) in self.make_stubs(tx, missing).await? {
            found.insert(id, no);
        }
        Ok(found)
    }

    /// The number of an account that is known, or was made in this transaction.
    fn number(&self, id: &str) -> Option<AccountNo> {
        self.numbers
            .get(id)
            .copied()
            .or_else(|| self.directory.number(id))
    }

    async fn make_stubs(&mut self, tx: &Tx, missing: Vec<&str>) -> StoreResult<Vec<(String, AccountNo)>> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        store::lock_numbers(tx).await?;
        // Another process on the same records may have made some of them since.
        let mut all = store::numbers(tx, &missing).await?;
        let known: HashSet<String> = all.iter().map(|(id, _)| id.clone()).collect();
        let mut next = store::highest_number(tx).await?;
        let mut stubs = Vec::new();
        for id in missing.into_iter().filter(|id| !known.contains(*id)) {
            next += 1;
            stubs.push((id.to_owned(), AccountNo::new(next)));
        }
        store::insert_stubs(tx, &stubs, self.context.now).await?;
        all.append(&mut stubs);
        for (id, no) in &all {
            self.numbers.insert(id.clone(), *no);
            self.news.push(News::Account {
                id: id.clone(),
                no: *no,
            });
        }
        Ok(all)
    }

    /// Merges changes into the records, in their order, with a few statements for all of them together.
    pub async fn apply(&mut self, tx: &Tx, changes: &[Change]) -> StoreResult<Applied> {
        let ids = changes.iter().filter_map(|change| match change {
            Change::Account(account) => Some(account.id.as_str()),
            Change::Contact(contact) => contact.account.as_deref(),
            Change::DeviceAccount { account, .. } => Some(account.as_str()),
            Change::Alias { .. } | Change::Device { .. } => None,
        });
        let numbers = self.numbers(tx, ids).await?;
        let accounts = self.apply_accounts(tx, changes, &numbers).await?;
        let contacts = self.apply_contacts(tx, changes, &numbers).await?;
        Ok(Applied {
            accounts,
            contacts: contacts.len(),
            contact_ids: contacts,
            became_known: mem::take(&mut self.became_known),
        })
    }

    /// What is known of whom an event is about, this transaction included (see [`Directory::person`]).
    #[must_use]
    pub fn person(&self, named: &Person, anonymous: Option<&str>) -> Option<Person> {
        let find = |id: &str| {
            let root = self.root(id);
            let written = self.accounts_of.get(&root).copied();
            if written.is_none() && root == id {
                return self.directory.contact(id).map(|known| Person {
                    contact: Some(known.id),
                    account: known.account_id,
                });
            }
            let account = match written {
                Some(no) => self.account_id(no),
                None => self.directory.contact(&root).and_then(|known| known.account_id),
            };
            Some(Person {
                contact: Some(root),
                account,
            })
        };
        let device = |anonymous: &str| match self.devices.get(anonymous) {
            Some(no) => self.account_id(*no),
            None => self.directory.device_account(anonymous),
        };
        named.filled(anonymous, find, device)
    }

    fn account_id(&self, no: AccountNo) -> Option<String> {
        if no.is_none() {
            return None;
        }
        let made = || self.numbers.iter().find(|(_, it)| **it == no);
        self.directory
            .account_id(no)
            .or_else(|| made().map(|(id, _)| id.clone()))
    }

    async fn apply_accounts(
        &self,
        tx: &Tx,
        changes: &[Change],
        numbers: &HashMap<String, AccountNo>,
    ) -> StoreResult<Vec<Changed>> {
        let mut by_account: Vec<(AccountNo, Vec<&AccountChange>)> = Vec::new();
        let mut places: HashMap<AccountNo, usize> = HashMap::new();
        for change in changes {
            let Change::Account(change) = change else { continue };
            let Some(no) = numbers.get(&change.id).copied() else {
                continue;
            };
            let place = *places.entry(no).or_insert_with(|| {
                by_account.push((no, Vec::new()));
                by_account.len() - 1
            });
            by_account[place].1.push(change);
        }
        if by_account.is_empty() {
            return Ok(Vec::new());
        }
        let nos: Vec<AccountNo> = by_account.iter().map(|(no, _)| *no).collect();
        let mut accounts = store::accounts(tx, &nos).await?;
        let late: Vec<AccountNo> = by_account
            .iter()
            .filter(|(no, changes)| {
                comes_late(accounts.get(no).map_or(0, |account| account.updated_at), changes)
            })
            .map(|(no, _)| *no)
            .collect();
        let mut histories = store::histories(tx, &late).await?;
        let late: HashSet<AccountNo> = late.into_iter().collect();
        let mut shown = self.shown(tx, &nos).await?;

        let mut written: BTreeMap<(AccountNo, String, i64), HistoryRow> = BTreeMap::new();
        let mut touched = Vec::new();
        let mut done = Vec::new();
        for (no, changes) in by_account {
            let Some(account) = accounts.get_mut(&no) else {
                continue;
            };
            let mut history = late
                .contains(&no)
                .then(|| histories.remove(&no).unwrap_or_default());
            let outcome = merge(
                account,
                &changes,
                history.as_mut(),
                shown.remove(&no.get()).as_ref(),
                self.context.zone,
                &mut written,
            );
            if outcome.record {
                touched.push(no);
            }
            done.extend(outcome.changed);
        }
        let rows: Vec<&Account> = touched.iter().filter_map(|no| accounts.get(no)).collect();
        store::update_accounts(tx, &rows).await?;
        let rows = written
            .iter()
            .map(|((no, field, day), row)| (*no, field.as_str(), *day, row));
        store::write_history(tx, rows, self.context.source).await?;
        Ok(done)
    }

    /// What is shown of those accounts that others were merged into, where the change is made by somebody who looks at it. A source that
    /// goes on to send what it always sent says nothing new; a person who sets what the survivor's own record holds changes what is shown.
    async fn shown(&self, tx: &Tx, nos: &[AccountNo]) -> StoreResult<BTreeMap<i64, Told>> {
        let joined = |no: &&AccountNo| self.directory.group(**no).len() > 1;
        let nos: Vec<i64> = nos.iter().filter(joined).map(|no| no.get()).collect();
        if self.context.source != OURS || nos.is_empty() {
            return Ok(BTreeMap::new());
        }
        super::merges::told(tx, &nos).await
    }

    /// The contact that an id stands for, after what this transaction did.
    fn root(&self, id: &str) -> String {
        let given = self.aliases.get(id).cloned();
        let mut at = given
            .or_else(|| self.directory.contact(id).map(|known| known.id))
            .unwrap_or_else(|| id.to_owned());
        // A merge goes into a contact that is alive, so the way ends.
        while let Some(next) = self.merged.get(&at) {
            at.clone_from(next);
        }
        at
    }

    async fn apply_contacts(
        &mut self,
        tx: &Tx,
        changes: &[Change],
        numbers: &HashMap<String, AccountNo>,
    ) -> StoreResult<Vec<String>> {
        let mut ids: HashSet<String> = HashSet::new();
        for change in changes {
            let pair: [Option<&str>; 2] = match change {
                Change::Account(_) | Change::DeviceAccount { .. } => [None, None],
                Change::Contact(contact) => [Some(&contact.id), None],
                Change::Alias {
                    previous: other, id, ..
                }
                | Change::Device { anonymous: other, id } => [Some(other), Some(id)],
            };
            for id in pair.into_iter().flatten() {
                ids.insert(self.root(id));
                ids.insert(id.to_owned());
            }
        }
        self.apply_devices(tx, changes, numbers).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut book = Book::of(store::contacts(tx, &ids).await?);
        for change in changes {
            match change {
                Change::Account(_) | Change::DeviceAccount { .. } => {}
                Change::Contact(contact) => {
                    let account = contact
                        .account
                        .as_ref()
                        .and_then(|id| numbers.get(id))
                        .copied()
                        .unwrap_or_default();
                    let root = self.root(&contact.id);
                    let row = book.row(&root, self.context.now);
                    if row.merge(contact, account) {
                        book.dirty.insert(root);
                    }
                }
                Change::Alias { previous, id, .. } => self.alias(&mut book, previous, id),
                Change::Device { anonymous, id } => self.used_by(&mut book, anonymous, id),
            }
        }
        self.write(tx, book).await
    }

    async fn apply_devices(
        &mut self,
        tx: &Tx,
        changes: &[Change],
        numbers: &HashMap<String, AccountNo>,
    ) -> StoreResult<()> {
        let mut written = BTreeMap::new();
        for change in changes {
            let Change::DeviceAccount { anonymous, account } = change else {
                continue;
            };
            let Some(no) = numbers.get(account) else { continue };
            if self.device(anonymous) != Some(*no) {
                self.devices.insert(anonymous.clone(), *no);
                written.insert(anonymous.clone(), *no);
            }
        }
        store::write_devices(tx, written.iter()).await?;
        for (anonymous, account) in written {
            self.became_known.push((anonymous.clone(), None));
            self.news.push(News::Device { anonymous, account });
        }
        Ok(())
    }

    /// The account of a device of which nobody has said who uses it.
    fn device(&self, anonymous: &str) -> Option<AccountNo> {
        let written = self.devices.get(anonymous).copied();
        written.or_else(|| self.directory.device_number(anonymous))
    }

    fn alias(&mut self, book: &mut Book, previous: &str, id: &str) {
        let (root, target) = (self.root(previous), self.root(id));
        if root == target {
            return;
        }
        let now = self.context.now;
        book.row(&target, now);
        // An id that is already an alias only gets a new contact; merging its old one would join two people over a shared device.
        if root == previous
            && let Some(merged) = book.rows.remove(previous)
        {
            book.row(&target, now).absorb(merged);
            book.dirty.insert(target.clone());
            book.dirty.remove(previous);
            book.merged.push((previous.to_owned(), target.clone()));
            self.merged.insert(previous.to_owned(), target.clone());
        }
        self.point(book, previous, &target);
    }

    fn used_by(&mut self, book: &mut Book, anonymous: &str, id: &str) {
        let target = self.root(id);
        if anonymous == target || book.rows.contains_key(anonymous) || self.root(anonymous) == target {
            return;
        }
        book.row(&target, self.context.now);
        self.point(book, anonymous, &target);
    }

    fn point(&mut self, book: &mut Book, alias: &str, target: &str) {
        if let Some(no) = self.device(alias) {
            let row = book.row(target, self.context.now);
            if row.account.is_none() {
                row.account = no;
                book.dirty.insert(target.to_owned());
            }
        }
        self.became_known
            .push((alias.to_owned(), Some(target.to_owned())));
        self.aliases.insert(alias.to_owned(), target.to_owned());
        book.aliases.insert(alias.to_owned(), target.to_owned());
    }

    async fn write(&mut self, tx: &Tx, book: Book) -> StoreResult<Vec<String>> {
        for (from, into) in &book.merged {
            store::move_aliases(tx, from, into).await?;
            store::delete_contact(tx, from).await?;
        }
        let rows: Vec<&Contact> = book.dirty.iter().filter_map(|id| book.rows.get(id)).collect();
        store::write_contacts(tx, &rows).await?;
        // A target may itself have been merged later in the same transaction.
        let aliases: BTreeMap<String, String> = book
            .aliases
            .keys()
            .map(|alias| (alias.clone(), self.root(alias)))
            .collect();
        store::write_aliases(tx, aliases.iter()).await?;
        for row in &rows {
            self.accounts_of.insert(row.id.clone(), row.account);
            if !row.account.is_none() && !book.attributed.contains(&row.id) {
                self.became_known.push((row.id.clone(), None));
            }
            self.news.push(News::Contact {
                id: row.id.clone(),
                account: row.account,
            });
        }
        for (from, into) in book.merged {
            self.news.push(News::Merge { from, into });
        }
        for (alias, id) in aliases {
            self.news.push(News::Alias { alias, id });
        }
        Ok(rows.iter().map(|row| row.id.clone()).collect())
    }

    /// Makes the changes visible in the directory. Call it after the commit, and only then.
    pub fn publish(mut self) {
        self.directory.publish(mem::take(&mut self.news));
    }
}

/// Contacts in memory while changes are merged into them.
#[derive(Default)]
struct Book {
    rows: HashMap<String, Contact>,
    /// Contacts whose account was known before.
    attributed: HashSet<String>,
    dirty: HashSet<String>,
    aliases: HashMap<String, String>,
    merged: Vec<(String, String)>,
}

impl Book {
    fn of(rows: HashMap<String, Contact>) -> Self {
        let attributed = rows.values().filter(|row| !row.account.is_none());
        Self {
            attributed: attributed.map(|row| row.id.clone()).collect(),
            rows,
            ..Self::default()
        }
    }

    fn row(&mut self, id: &str, now: i64) -> &mut Contact {
        if !self.rows.contains_key(id) {
            self.dirty.insert(id.to_owned());
        }
        self.rows.entry(id.to_owned()).or_insert_with(|| Contact {
            id: id.to_owned(),
            created_at: now,
            ..Contact::default()
        })
    }
}

/// Whether one of the changes is older than what is known before it, so that the history is needed to place it.
fn comes_late(mut newest: i64, changes: &[&AccountChange]) -> bool {
    changes.iter().any(|change| {
        let late = change.at < newest;
        newest = newest.max(change.at);
        late
    })
}

struct Outcome {
    /// Whether the account's record has to be written.
    record: bool,
    changed: Option<Changed>,
}

fn merge(
    account: &mut Account,
    changes: &[&AccountChange],
    mut history: Option<&mut History>,
    shown: Option<&Told>,
    zone: &TimeZone,
    written: &mut BTreeMap<(AccountNo, String, i64), HistoryRow>,
) -> Outcome {
    let first = account.stub;
    let mut record = first;
    let mut from_day: Option<i64> = None;
    let mut newest = None;
    let mut fields: Vec<(String, serde_json::Value, serde_json::Value)> = Vec::new();
    for change in changes {
        let day = day_of(change.at, zone);
        for (field, value) in rules::fields(change) {
            let current = account.field(field);
            let past = history
                .as_deref()
                .map(|history| history.get(field).cloned().unwrap_or_default());
            let mut step = rules::step(&current, &value, day, change.at, past.as_ref());
            let seen = shown.map_or(current, |told| told.field(field));
            if step == Step::Nothing && shown.is_some() && seen != value {
                step = Step::Set;
            }
            if step == Step::Nothing {
                continue;
            }
            if step == Step::Set {
                account.set(field, &value);
                account.updated_at = account.updated_at.max(change.at);
                record = true;
                newest = newest.max(Some(change.at));
                match fields.iter_mut().find(|(known, _, _)| known == field) {
                    Some(entry) => entry.2 = value.clone(),
                    None => fields.push((field.to_owned(), seen, value.clone())),
                }
            }
            from_day = Some(from_day.map_or(day, |known| known.min(day)));
            let row = HistoryRow { value, at: change.at };
            if let Some(history) = history.as_deref_mut() {
                history
                    .entry(field.to_owned())
                    .or_default()
                    .insert(day, row.clone());
            }
            written.insert((account.no, field.to_owned(), day), row);
        }
    }
    account.stub = false;
    fields.retain(|(_, old, new)| old != new);
    let at = newest
        .or_else(|| changes.iter().map(|change| change.at).max())
        .unwrap_or(account.updated_at);
    let changed = (first || from_day.is_some()).then(|| Changed {
        no: account.no,
        id: account.id.clone(),
        first,
        at,
        fields,
        from_day: from_day.unwrap_or_else(|| day_of(at, zone)),
    });
    Outcome { record, changed }
}
