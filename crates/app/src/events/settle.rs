//! Settles message ids: merges small runs into larger ones.

use tenure_store::StoreResult;

use super::ids::{self, Built, LARGE, RunSize, SMALL};
use super::log::Core;
use super::store;

/// So many small runs are merged at once at least.
const MANY_SMALL: usize = 64;
/// So many settled runs of like size are merged at once at least.
const MANY_SETTLED: usize = 8;
/// Ids of a run that is neither of middle size any more nor large.
const MIDDLE: usize = LARGE / 4;
/// Parts written in one transaction: about a megabyte, so that live events never wait long for the database.
const PARTS_AT_ONCE: usize = 8;

/// The runs to merge next, oldest first: many small ones, many of middle size, or so many large ones that they fill a run for good.
fn pick(runs: &[RunSize]) -> Option<Vec<i64>> {
    let chosen = |fits: &dyn Fn(&RunSize) -> bool| {
        let (mut fitting, mut total) = (Vec::new(), 0);
        for run in runs.iter().filter(|run| fits(run)) {
            if total + run.entries > 2 * LARGE {
                break;
            }
            total += run.entries;
            fitting.push(run.run);
        }
        (fitting, total)
    };
    let (small, _) = chosen(&|run| !run.settled);
    if small.len() >= MANY_SMALL {
        return Some(small);
    }
    let (middle, _) = chosen(&|run| run.settled && run.entries < MANY_SETTLED * SMALL);
    if middle.len() >= MANY_SETTLED {
        return Some(middle);
    }
    // Above that, as soon as those of one size fill a run of the next: few runs wait, and an id is written a handful of times in all.
    [(MANY_SETTLED * SMALL, MIDDLE), (MIDDLE, LARGE)]
        .into_iter()
        .find_map(|(from, upto)| {
            let (fitting, total) = chosen(&|run| run.settled && (from..upto).contains(&run.entries));
            (total >= upto && fitting.len() > 1).then_some(fitting)
        })
}

/// Merges runs until none is left to merge; tells how many went into others.
pub(super) async fn settle(core: &Core) -> StoreResult<usize> {
    let _maintenance = core.maintenance.lock().await;
    let mut merged = 0;
    loop {
        let runs = core.seen.read().runs();
        let Some(old) = pick(&runs) else { return Ok(merged) };
        merge(core, &old).await?;
        merged += old.len();
    }
}

async fn merge(core: &Core, old: &[i64]) -> StoreResult<()> {
    let mut hashes = Vec::new();
    for &run in old {
        for body in store::ids_of_run(&core.store, run).await? {
            hashes.extend(ids::unpack(&body));
        }
    }
    let (hashes, mut built) = super::log::blocking(move || {
        hashes.sort_unstable();
        hashes.dedup();
        let built = Built::new(&hashes)?;
        Ok((hashes, built))
    })
    .await?;
    let run = core.reserve().await?;
    // The parts mean nothing until the run is known, so they can be written beforehand, a few at a time.
    let mut parts = std::mem::take(&mut built.parts).into_iter().peekable();
    while parts.peek().is_some() {
        let tx = core.store.begin().await?;
        store::insert_parts(&tx, run, parts.by_ref().take(PARTS_AT_ONCE)).await?;
        tx.commit().await?;
        core.point("settle.parts_written").await;
    }
    {
        let _commit = core.commit.lock().await;
        core.refresh().await?;
        let tx = core.store.begin().await?;
        store::delete_runs(&tx, old).await?;
        store::insert_run(&tx, run, &mut built).await?;
        core.point("settle.before_commit").await;
        core.commit(tx).await?;
        core.seen.write().replace(old, run, built, &hashes);
    }
    core.point("settle.committed").await;
    let tx = core.store.begin().await?;
    store::delete_stray_parts(&tx).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(run: i64, entries: usize) -> RunSize {
        RunSize {
            run,
            entries,
            settled: entries >= SMALL,
        }
    }

    #[test]
    fn few_runs_are_left_alone_and_large_ones_for_ever() {
        assert_eq!(pick(&(0..63).map(|n| run(n, 10)).collect::<Vec<_>>()), None);
        assert_eq!(pick(&(0..100).map(|n| run(n, LARGE)).collect::<Vec<_>>()), None);
        assert_eq!(pick(&(0..7).map(|n| run(n, SMALL)).collect::<Vec<_>>()), None);
    }

    #[test]
    fn runs_of_like_size_are_merged_oldest_first() {
        let small: Vec<_> = (0..70).map(|n| run(n, 10)).chain([run(70, SMALL)]).collect();
        assert_eq!(pick(&small), Some((0..70).collect()));
        let settled: Vec<_> = [run(0, LARGE)]
            .into_iter()
            .chain((1..10).map(|n| run(n, SMALL + 5)))
            .collect();
        assert_eq!(pick(&settled), Some((1..10).collect()));
        assert_eq!(pick(&[run(0, LARGE - 1)]), None);
        let large: Vec<_> = (0..40).map(|n| run(n, LARGE - 1)).collect();
        assert_eq!(
            pick(&large),
            Some(vec![0, 1]),
            "no run grows beyond twice its limit"
        );
    }
}
