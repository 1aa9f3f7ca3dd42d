//! Accounts that are one customer: one is merged into another, and can be parted from it again.
//!
//! A merge moves nothing. It is a row that says: what is kept under the number of the merged account is *read* as the survivor's, from the log
//! (`tenure_lake::Renames`), from the records (`account_roots`) and in memory ([`super::Directory::root`]). Parting ends the row, and everything
//! is read as it was kept: what arrived for either id in between lies under the id that it was sent to.
//! Fields on which the two differ show the chosen side's value; the other's is kept where it was, and comes back with parting.

mod rules;
mod store;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenure_lake::Renames;
use utoipa::ToSchema;

use super::{AccountNo, Directory};

pub use rules::{Row, Told, combine};
pub use store::{FIRST, among, load, merge, merges, own, part, raw, standing, told, told_now, told_of};

/// Whose value of a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MergeSide)]
pub enum Side {
    /// That of the account that stays.
    Survivor,
    /// That of the account that was merged into it.
    Merged,
}

/// Which side is shown, by field; of a field that is not named: the survivor's, or the merged account's where the survivor has none.
pub type Choices = BTreeMap<String, Side>;

/// A merge as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Its id.
    pub id: String,
    /// The account that was merged.
    pub merged: AccountNo,
    /// The account that stayed.
    pub survivor: AccountNo,
    /// Whose values are shown.
    pub choices: Choices,
    /// When, UTC microseconds.
    pub at: i64,
    /// By whom.
    pub actor: String,
    /// When it was taken back.
    pub parted_at: Option<i64>,
    /// By whom.
    pub parted_by: Option<String>,
}

/// The standing merges, in memory.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The account that each merged one is read as.
    roots: HashMap<i64, i64>,
    /// The merged accounts of each that stayed.
    members: HashMap<i64, Vec<i64>>,
    renames: Arc<Renames>,
    /// Steps of the log at which accounts or contacts were merged or parted.
    steps: HashSet<i64>,
}

/// The account that each merged one is read as at the end of its chain.
pub(super) fn roots(pairs: &BTreeMap<i64, i64>) -> BTreeMap<i64, i64> {
    let root = |mut no: i64| {
        // A chain is never longer than there are merges; merging refuses cycles.
        for _ in 0..=pairs.len() {
            match pairs.get(&no) {
                Some(next) => no = *next,
                None => break,
            }
        }
        no
    };
    pairs.keys().map(|no| (*no, root(*no))).collect()
}

impl Directory {
    /// The account that what is kept under this number is read as.
    #[must_use]
    pub fn root(&self, no: AccountNo) -> AccountNo {
        let inner = self.0.read();
        inner
            .standing
            .roots
            .get(&no.get())
            .map_or(no, |root| AccountNo::new(*root))
    }

    /// The account that this (normalised) id is read as. Writers of events use [`Directory::number`]: events keep the id that they were sent to.
    #[must_use]
    pub fn shown(&self, id: &str) -> Option<AccountNo> {
        self.number(id).map(|no| self.root(no))
    }

    /// All numbers that are read as one account, its own first.
    #[must_use]
    pub fn group(&self, no: AccountNo) -> Vec<i64> {
        let root = self.root(no).get();
        let inner = self.0.read();
        let members = inner.standing.members.get(&root);
        std::iter::once(root)
            .chain(members.into_iter().flatten().copied())
            .collect()
    }

    /// Accounts and contacts whose events are shown as another's.
    #[must_use]
    pub fn renames(&self) -> Arc<Renames> {
        Arc::clone(&self.0.read().standing.renames)
    }

    /// Whether accounts or contacts were merged or parted at this step of the log: nothing happened to a customer then.
    #[must_use]
    pub fn is_merge_step(&self, seq: i64) -> bool {
        self.0.read().standing.steps.contains(&seq)
    }

    /// Takes over the standing merges from the records.
    pub(super) fn stand(
        &self,
        pairs: &BTreeMap<i64, i64>,
        contacts: HashMap<String, String>,
        steps: HashSet<i64>,
    ) {
        let roots = roots(pairs);
        let mut members: HashMap<i64, Vec<i64>> = HashMap::new();
        let mut inner = self.0.write();
        let mut renames = BTreeMap::new();
        for (no, root) in &roots {
            members.entry(*root).or_default().push(*no);
            if let Some(id) = inner.account_id(AccountNo::new(*root)) {
                renames.insert(*no, (*root, id.to_owned()));
            }
        }
        inner.standing = Standing {
            roots: roots.into_iter().collect(),
            members,
            renames: Arc::new(Renames::new(renames, contacts)),
            steps,
        };
    }
}
