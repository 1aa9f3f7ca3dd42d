//! Accounts that are read together or apart from a step of the log on: no event changes, only under whom it is shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use tenure_lake::arrow::array::AsArray;
use tenure_lake::arrow::datatypes::Int32Type;
use tenure_store::{StoreError, StoreResult, Tx};

use super::log::{Bulk, Core};
use super::store;
use crate::accounts;

/// Takes a step of the log at which these accounts are read otherwise than before. `in_tx` keeps what says so, and is told the step.
/// Reactors build the accounts anew, as after an import.
pub(super) async fn rejoin<F>(core: &Core, of: &[i64], in_tx: F) -> StoreResult<i64>
where
    F: for<'a> FnOnce(&'a Tx, i64) -> BoxFuture<'a, StoreResult<()>> + Send,
{
    let months = months(core, of).await?;
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let before = core.state.read().seq;
    let seq = before + 1;
    let tx = core.store.begin().await?;
    store::advance(&tx, before, seq)
        .await
        .inspect_err(|_| core.distrust())?;
    store::insert_bulk(&tx, seq, of, &months).await?;
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
                accounts: Arc::new(of.to_vec()),
                months: Arc::new(months),
            },
        );
    }
    core.announce(seq);
    Ok(seq)
}

/// The months in which any of the accounts has events of its own.
async fn months(core: &Core, of: &[i64]) -> StoreResult<Vec<i32>> {
    let numbers: Vec<String> = of.iter().map(i64::to_string).collect();
    let context = core.lake.context(&core.own_snapshot()?.1);
    let batches = context
        .query(&store::months_query(&[format!(
            "account_no IN ({})",
            numbers.join(", ")
        )]))
        .await
        .map_err(|error| StoreError::Other(format!("history: {}", error.message)))?;
    let mut months = BTreeSet::new();
    for batch in batches {
        months.extend(batch.column(1).as_primitive::<Int32Type>().values().iter());
    }
    Ok(months.into_iter().collect())
}
