//! Accounts and contacts that are read together or apart from a step of the log on: no event changes, only under whom it is shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::datatypes::{Int32Type, Int64Type};
use tenure_store::{StoreError, StoreResult, Tx};

use super::log::{Bulk, Core};
use super::store;
use crate::accounts::{self, AccountNo};

/// Who is read otherwise.
#[derive(Clone, Debug)]
pub enum Rejoined {
    /// These accounts.
    Accounts(Vec<i64>),
    /// These contacts, under whichever accounts they have events.
    Contacts(Vec<String>),
}

/// Takes a step of the log at which these are read otherwise than before. `in_tx` keeps what says so, and is told the step.
/// Reactors build the accounts anew, as after an import.
pub(super) async fn rejoin<F>(core: &Core, who: &Rejoined, in_tx: F) -> StoreResult<i64>
where
    F: for<'a> FnOnce(&'a Tx, i64) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    let (of, months) = touched(core, who).await?;
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let before = core.state.read().seq;
    let seq = before + 1;
    let tx = core.store.begin().await?;
    store::advance(&tx, before, seq)
        .await
        .inspect_err(|_| core.distrust())?;
    store::insert_bulk(&tx, seq, &of, &months).await?;
    in_tx(&tx, seq).await?;
    core.commit(tx).await?;
    accounts::merges::load(&core.store, &core.accounts)
        .await
        .inspect_err(|_| core.distrust())?;
    {
        let mut state = core.state.write();
        state.seq = seq;
        state.bulks.insert(
            seq,
            Bulk {
                accounts: Arc::new(of),
                months: Arc::new(months),
            },
        );
    }
    core.announce(seq);
    Ok(seq)
}

/// The accounts that are read otherwise, and the months in which there are events of them, or of the contacts.
async fn touched(core: &Core, who: &Rejoined) -> StoreResult<(Vec<i64>, Vec<i32>)> {
    let condition = match who {
        Rejoined::Accounts(of) => {
            let numbers: Vec<String> = of.iter().map(i64::to_string).collect();
            format!("account_no IN ({})", numbers.join(", "))
        }
        Rejoined::Contacts(ids) => store::of_contacts(ids),
    };
    let context = core.lake.context(&core.own_snapshot().await?.1);
    let batches = context
        .query(&store::months_query(&[condition]))
        .await
        .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
    let (mut found, mut months) = (BTreeSet::new(), BTreeSet::new());
    for batch in batches {
        found.extend(batch.column(0).as_primitive::<Int64Type>().values().iter());
        months.extend(batch.column(1).as_primitive::<Int32Type>().values().iter());
    }
    let accounts = match who {
        Rejoined::Accounts(of) => of.clone(),
        Rejoined::Contacts(_) => {
            let shown = found.into_iter().filter(|no: &i64| *no != 0);
            let roots: BTreeSet<i64> = shown
                .map(|no| core.accounts.root(AccountNo::new(no)).get())
                .collect();
            roots.into_iter().collect()
        }
    };
    Ok((accounts, months.into_iter().collect()))
}
