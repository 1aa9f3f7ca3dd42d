//! Accounts and contacts: who the customers are, and how what is known of them changed.
//!
//! An account is found by its id as the source knows it; inside, it has a number ([`AccountNo`]). Whoever meets an id that is not known yet
//! makes a *stub* of it, in the transaction that needs the number; the stub becomes a full account when something describes it.
//!
//! All changes go through a [`Stage`], which belongs to one transaction:
//! ```ignore
//! let mut stage = app.accounts.stage(Context { source: "import", now, zone: &zone });
//! let numbers = stage.numbers(&tx, ids).await?;          // stubs for ids that are new
//! let applied = stage.apply(&tx, &changes).await?;       // rows of accounts, contacts, account_changes
//! tx.commit().await?;
//! stage.publish();                                       // only now does the directory in memory know of it
//! ```
//! Dropped without [`Stage::publish`], a stage leaves no trace in memory, as its transaction leaves none in the records.
//!
//! Every changed field of an account leaves a row in `account_changes` (field, day, value): the first known value holds from the
//! account's start, later ones from their own day (ARCHITECTURE, “As-of”). A change that is older than what is known of the account takes
//! its place in that history and fills fields that are empty; it never overwrites newer knowledge.

mod directory;
mod id;
pub mod merges;
mod rules;
mod stage;
mod store;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json};

pub use directory::{Directory, Known, Person};
pub use id::{IdFault, LONGEST_ID, normalise, normalise_json};
pub use rules::day_of;
pub use stage::{Context, Stage};
pub use store::{ContactRow, all_contacts, contacts_mark, contacts_of, load};

/// The number of an account inside this Tenure. Small, dense, never used twice; 0 stands for “no account”.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNo(i64);

impl AccountNo {
    /// No account: what an event carries that could not be attributed.
    pub const NONE: Self = Self(0);

    /// The account number as stored.
    #[must_use]
    pub const fn new(no: i64) -> Self {
        Self(no)
    }

    /// The number as stored in tables and files.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether this is no account.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl From<AccountNo> for tenure_store::Value {
    fn from(no: AccountNo) -> Self {
        no.0.into()
    }
}

impl std::fmt::Display for AccountNo {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(to)
    }
}

/// Something that became known about an account or a contact. Ids are normalised ([`normalise`]), instants are UTC microseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An account is described.
    Account(AccountChange),
    /// A contact is described, or seen for the first time.
    Contact(ContactChange),
    /// Two contact ids are one person: `previous` becomes an alias of `id`, and its record is merged into that of `id`.
    Alias {
        /// The id that was used before.
        previous: String,
        /// The id that stays.
        id: String,
        /// Since when it is known.
        at: i64,
    },
    /// A device or browser is now used by a contact: later events with this anonymous id are the contact's.
    /// Unlike [`Change::Alias`] it merges nobody, because one device may be used by several people.
    Device {
        /// The anonymous id.
        anonymous: String,
        /// The contact.
        id: String,
    },
    /// A device or browser belongs to an account although nobody has said who uses it: its events are the account's, and so is the contact
    /// that later turns out to use it, where nothing better is known of that contact.
    DeviceAccount {
        /// The anonymous id.
        anonymous: String,
        /// The id of the account.
        account: String,
    },
}

/// What is said about an account. `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountChange {
    /// The account's id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its owner's e-mail address; empty takes the owner away.
    pub owner: Option<String>,
    /// The id of the account that it belongs to.
    pub parent: Option<String>,
    /// Attributes by id; null takes a value away.
    pub attributes: Map<String, Json>,
    /// When this became true.
    pub at: i64,
}

/// What is said about a contact. `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactChange {
    /// The contact's id.
    pub id: String,
    /// The id of its account.
    pub account: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Role towards the product, such as `admin` or `sponsor`.
    pub role: Option<String>,
    /// Everything else; null takes a value away.
    pub attributes: Map<String, Json>,
    /// When this became true.
    pub at: i64,
}

/// What a batch of changes did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Accounts whose record changed, in the order in which they were first touched.
    pub accounts: Vec<Changed>,
    /// Contacts that were written.
    pub contacts: usize,
    /// Their ids, after aliases.
    pub contact_ids: Vec<String>,
    /// Ids of devices and contacts of which it became known who, or whose account's, they are: earlier events with them can be attributed.
    /// Where it became known who: also the contact's id.
    pub became_known: Vec<(String, Option<String>)>,
}

/// One account that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Its number.
    pub no: AccountNo,
    /// Its id.
    pub id: String,
    /// Whether it was not known before, or only as a stub.
    pub first: bool,
    /// When the newest of the changes became true.
    pub at: i64,
    /// `(field, old, new)` for each field that has a new value now: `name`, `owner`, `parent_id` and the attributes.
    /// Changes that only went into the history are not listed.
    pub fields: Vec<(String, Json, Json)>,
    /// The earliest day (since 1970) whose figures may be touched.
    pub from_day: i64,
}
