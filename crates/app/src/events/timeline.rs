//! The timeline of one account, newest first.

use std::sync::Arc;

use tenure_lake::{EventRow, FileMeta, Snapshot, from_batch};
use tenure_store::{StoreError, StoreResult};

use super::files::lake_fault;
use super::log::Core;
use super::{Kind, store};
use crate::accounts::AccountNo;

/// Which events of an account, and how many.
#[derive(Clone, Debug, Default)]
pub struct TimelineFilter {
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only events whose name or properties hold this text, in any case of letters.
    pub text: Option<String>,
    /// Only events of this contact and of those that were merged into it.
    pub contact: Option<String>,
    /// Only events before this one in the timeline: `occurred_at` and `message_id` of the last one shown.
    pub before: Option<(i64, String)>,
    /// How many at most.
    pub limit: usize,
}

impl TimelineFilter {
    fn before(&self, row: &EventRow) -> bool {
        self.before
            .as_ref()
            .is_none_or(|(at, id)| (row.occurred_at, &row.message_id) < (*at, id))
    }

    /// Whether an event fits, of whichever of these contacts, which are read as one.
    fn fits(&self, row: &EventRow, contacts: Option<&[String]>, text: Option<&str>) -> bool {
        self.before(row)
            && self.kind.is_none_or(|kind| row.kind == kind.name())
            && contacts.is_none_or(|all| row.contact_id.as_ref().is_some_and(|id| all.contains(id)))
            && text.is_none_or(|text| {
                row.name.to_lowercase().contains(text) || row.properties.to_lowercase().contains(text)
            })
    }

    /// Whether a file can hold an event that fits.
    fn may_hold(&self, accounts: &[i64], file: &FileMeta) -> bool {
        let range = file.min_account_no..=file.max_account_no;
        accounts.iter().any(|no| range.contains(no))
            && self
                .before
                .as_ref()
                .is_none_or(|(at, _)| file.min_occurred_at <= *at)
            && self
                .kind
                .is_none_or(|kind| file.class == tenure_lake::Class::of(kind.name()))
    }
}

/// The account's events that fit, newest first. Files are read from the newest month backwards, in steps that double, until enough are found.
pub(super) async fn timeline(
    core: &Core,
    account_no: i64,
    filter: &TimelineFilter,
) -> StoreResult<Vec<EventRow>> {
    if filter.limit == 0 {
        return Ok(Vec::new());
    }
    // Those that were merged into it are read with it.
    let accounts = core.accounts.group(AccountNo::new(account_no));
    let renames = core.accounts.renames();
    let contacts = filter.contact.as_ref().map(|id| renames.contacts_of(id));
    let text = filter.text.as_ref().map(|text| text.to_lowercase());
    let text = text.as_deref();
    let (manifest, blobs) = {
        // One read of the state: an event that is sealed meanwhile stands in these groups or in these files, not in both.
        let state = core.state.read();
        (
            Arc::clone(&state.files),
            state.tail.values().cloned().collect::<Vec<_>>(),
        )
    };
    let rows = blobs.iter().flat_map(|blob| blob.rows.iter());
    let mut found: Vec<EventRow> = rows
        .filter(|row| accounts.contains(&row.account_no) && filter.fits(row, contacts.as_deref(), text))
        .cloned()
        .collect();
    let mut files: Vec<&FileMeta> = manifest
        .iter()
        .filter(|file| filter.may_hold(&accounts, file))
        .collect();
    files.sort_by_key(|file| std::cmp::Reverse(file.max_occurred_at));
    let sql = store::timeline_query(&accounts, contacts.as_deref(), filter, text);
    let mut step = 2;
    while let Some(newest) = files.first() {
        order(&mut found, filter.limit);
        if found.len() == filter.limit
            && found
                .last()
                .is_some_and(|row| row.occurred_at > newest.max_occurred_at)
        {
            break;
        }
        let some: Vec<FileMeta> = files.drain(..step.min(files.len())).cloned().collect();
        step *= 2;
        let context = core
            .lake
            .context(&Snapshot::new(some, Vec::new()).map_err(lake_fault)?);
        let batches = context
            .query(&sql)
            .await
            .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
        for batch in batches {
            found.extend(from_batch(&batch).map_err(lake_fault)?);
        }
    }
    order(&mut found, filter.limit);
    found.iter_mut().for_each(|row| renames.apply(row));
    Ok(found)
}

fn order(rows: &mut Vec<EventRow>, limit: usize) {
    rows.sort_by(|a, b| (b.occurred_at, &b.message_id).cmp(&(a.occurred_at, &a.message_id)));
    rows.truncate(limit);
}
