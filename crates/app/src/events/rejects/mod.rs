//! Rejects: what could not be taken in, kept with the reason until somebody repairs it.
//!
//! A reject holds the field at fault, its value, why it was refused, what to do, and the record as it came. It is *open* until a replay
//! takes it in (*replayed*). A record that comes again with the same fault is the same reject, so that a client that sends a batch twice
//! does not fill the list.
//!
//! Who writes rejects also knows how to take them in again: a [`Replayer`] says which ones are its own ([`Replayer::owns`]) and repeats them
//! through its own way in. They stand in the list `crate::replayers`.

mod api;
mod store;

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde::Serialize;
use tenure_store::{Execute, StoreResult, Tx};
use utoipa::ToSchema;

use crate::App;
use crate::web;

pub use api::routes;
pub use store::Filter;

/// The longest record that is kept, in bytes; what is longer is cut there.
pub const LONGEST_RECORD: usize = 64 * 1_024;
/// The longest value that is kept, in characters.
const LONGEST_VALUE: usize = 500;

/// Whether a reject still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RejectState)]
pub enum State {
    /// It waits for a repair.
    Open,
    /// It was taken in by a replay.
    Replayed,
}

impl State {
    /// The state's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Replayed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// Its id: [`Reject::id_of`], or what its writer makes sure to be the same for the same record and fault.
    pub id: String,
    /// When it arrived, UTC microseconds.
    pub at: i64,
    /// Where it came from: a write key's name, `import`, …
    pub source: String,
    /// The import that it belongs to.
    pub import_id: Option<String>,
    /// The file that it stands in.
    pub file: Option<String>,
    /// The line of that file, or the place in the batch, from 1.
    pub line: Option<i64>,
    /// What it was to become: a call of the tracking API (`track`), a kind of import (`accounts`).
    pub kind: String,
    /// The field at fault.
    pub field: Option<String>,
    /// The field's value.
    pub value: Option<String>,
    /// Why it was refused.
    pub reason: String,
    /// What to do.
    pub remedy: String,
    /// The record as it came.
    pub record: String,
    /// Whether it still waits.
    pub state: State,
}

impl Reject {
    /// The id of a reject: the same for the same source, kind, field and record.
    #[must_use]
    pub fn id_of(source: &str, kind: &str, field: Option<&str>, record: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [
            source.as_bytes(),
            kind.as_bytes(),
            field.unwrap_or_default().as_bytes(),
            record,
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    fn shortened(text: &str, most: usize) -> String {
        match text.char_indices().nth(most) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text.to_owned(),
        }
    }
}

/// What became of one reject in a replay.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was taken in.
    Taken,
    /// It is still refused, for this reason (which may be another one than before).
    Refused(Box<Reject>),
}

/// Takes rejects of its own kind in again.
pub trait Replayer: Send + Sync {
    /// Whether it wrote this reject.
    fn owns(&self, reject: &Reject) -> bool;
    /// Takes rejects in again, with another mapping where one is given; one verdict for each, in their order. Taking one in twice does nothing.
    /// It does not change the rejects themselves: whoever calls does.
    fn replay<'a>(
        &'a self,
        app: &'a App,
        rejects: &'a [Reject],
        map: Option<&'a str>,
    ) -> BoxFuture<'a, web::Result<Vec<Verdict>>>;
}

/// Keeps rejects, in the transaction of what came with them. One that is there already stays as it is. Returns how many are new, and counts
/// them for their sources.
pub async fn keep(tx: &Tx, rejects: &[Reject]) -> StoreResult<u64> {
    let mut by_source: BTreeMap<&str, Vec<&Reject>> = BTreeMap::new();
    for reject in rejects {
        by_source.entry(&reject.source).or_default().push(reject);
    }
    let mut new = 0;
    for (source, rejects) in by_source {
        let at = rejects.iter().map(|reject| reject.at).max().unwrap_or(0);
        let written = store::insert(tx, &rejects).await?;
        super::store::count_rejected(tx, at, source, usize::try_from(written).unwrap_or(0)).await?;
        new += written;
    }
    Ok(new)
}

/// Rejects in the order of their arrival.
pub async fn list(on: &impl Execute, filter: &Filter<'_>, limit: i64) -> StoreResult<Vec<Reject>> {
    store::page(on, filter, limit).await
}

/// Notes what a replay did: rejects that were taken in are no longer open, others get their new reason.
pub async fn settle(tx: &Tx, rejects: &[Reject], verdicts: &[Verdict]) -> StoreResult<()> {
    for (reject, verdict) in rejects.iter().zip(verdicts) {
        match verdict {
            Verdict::Taken => store::close(tx, &reject.id).await?,
            Verdict::Refused(again) => store::refuse_again(tx, &reject.id, again).await?,
        }
    }
    Ok(())
}
