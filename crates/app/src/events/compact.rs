//! Compaction: many small files of a month and class become one. Files of before there were today's classes are divided into these.

use std::collections::BTreeMap;

use tenure_lake::{Class, FileMeta};
use tenure_store::StoreResult;

use super::files::{discard, lake_fault};
use super::log::Core;
use super::store;

/// So many files of like size are merged.
const FAN_IN: usize = 4;
/// Rows below which files count as the smallest size; each further size is eight times as large.
const SMALLEST: u64 = 4_096;
/// Files of at least so many rows are left as they are.
const LARGEST: u64 = 4_000_000;

/// Merges files until none are left to merge, and divides one of before there were today's classes; tells how many went into others.
pub(super) async fn compact(core: &Core) -> StoreResult<usize> {
    let _maintenance = core.maintenance.lock().await;
    let mut merged = 0;
    // One a round: an old history is read anew little by little.
    let manifest = core.state.read().files.clone();
    let undivided = manifest
        .iter()
        .rev()
        .find(|file| file.class == Class::Other)
        .cloned();
    drop(manifest);
    if let Some(file) = undivided {
        let new = core.lake.divide(&file).await.map_err(lake_fault)?;
        replace(core, &[file], new).await?;
        merged += 1;
    }
    loop {
        let manifest = core.state.read().files.clone();
        let Some(old) = pick(&manifest) else { break };
        drop(manifest);
        let new = vec![core.lake.compact(&old).await.map_err(lake_fault)?];
        replace(core, &old, new).await?;
        merged += old.len();
    }
    core.sweep().await?;
    Ok(merged)
}

/// The files to merge next, from the newest month that has some.
fn pick(files: &[FileMeta]) -> Option<Vec<FileMeta>> {
    let mut groups: BTreeMap<(i32, Class, u32), Vec<&FileMeta>> = BTreeMap::new();
    let settled = |file: &&FileMeta| file.rows < LARGEST && file.class != Class::Other;
    for file in files.iter().filter(settled) {
        let size = (file.rows / SMALLEST).checked_ilog(8).map_or(0, |n| n + 1);
        groups
            .entry((file.month, file.class, size))
            .or_default()
            .push(file);
    }
    let group = groups.into_values().rev().find(|group| group.len() >= FAN_IN)?;
    let mut rows = 0;
    let chosen: Vec<FileMeta> = group
        .into_iter()
        .take_while(|file| {
            rows += file.rows;
            rows <= 2 * LARGEST
        })
        .cloned()
        .collect();
    (chosen.len() > 1).then_some(chosen)
}

/// Puts files with the same events in the place of others.
pub(super) async fn replace(core: &Core, old: &[FileMeta], new: Vec<FileMeta>) -> StoreResult<()> {
    core.point("compact.file_written").await;
    let _commit = core.commit.lock().await;
    core.refresh().await?;
    let seq = core.state.read().seq;
    let change = async {
        let tx = core.store.begin().await?;
        store::advance(&tx, seq, seq)
            .await
            .inspect_err(|_| core.distrust())?;
        store::retire_files(&tx, core.clock.micros(), old).await?;
        store::insert_files(&tx, core.clock.micros(), &new).await?;
        Ok(tx)
    };
    let tx = match change.await {
        Ok(tx) => tx,
        Err(error) => {
            discard(&core.lake, &new);
            return Err(error);
        }
    };
    core.point("compact.before_commit").await;
    core.commit(tx).await?;
    core.point("compact.committed").await;
    let mut state = core.state.write();
    core.replace_files(&mut state, new, old.to_vec());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(month: i32, class: Class, rows: u64) -> FileMeta {
        FileMeta {
            path: format!("{month}/{rows}"),
            month,
            class,
            rows,
            min_occurred_at: 0,
            max_occurred_at: 0,
            min_received_at: 0,
            max_received_at: 0,
            min_day: 0,
            max_day: 0,
            min_account_no: 0,
            max_account_no: 0,
            min_seq: 0,
            max_seq: 0,
            bytes: 0,
            checksum: String::new(),
        }
    }

    #[test]
    fn files_of_one_month_class_and_size_go_together() {
        let mut files = vec![
            file(202_601, Class::Rest, 10),
            file(202_601, Class::Product, 10),
            file(202_602, Class::Rest, 10),
        ];
        files.push(file(202_601, Class::Rest, 50_000));
        assert_eq!(pick(&files), None);
        files.extend([
            file(202_601, Class::Rest, 11),
            file(202_601, Class::Rest, 4_000),
            file(202_601, Class::Rest, 12),
        ]);
        let rows: Vec<u64> = pick(&files).unwrap().iter().map(|it| it.rows).collect();
        assert_eq!(rows, [10, 11, 4_000, 12]);
    }

    #[test]
    fn large_files_are_left_alone() {
        assert_eq!(pick(&[(); 9].map(|()| file(202_601, Class::Rest, LARGEST))), None);
        let nearly = [(); 9].map(|()| file(202_601, Class::Rest, LARGEST - 1));
        assert_eq!(pick(&nearly).map(|it| it.len()), Some(2));
    }
}
