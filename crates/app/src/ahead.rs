//! A long piece of work in parts that do not depend on each other: as many at a time as there are processors, their results in order.

use std::future::Future;

use anyhow::{Context, Result};
use futures::{Stream, StreamExt as _, stream};
use tokio_util::task::AbortOnDropHandle;

/// Works on `parts` and gives the results in their order. Results are only so many parts ahead of whoever takes them, so that no more than
/// those are in memory; parts that nobody waits for any more are stopped.
///
/// # Errors
/// Those of the work, each in its place; a fault of the program in one part is an error of that part.
pub fn in_order<P, T, W>(
    parts: impl IntoIterator<Item = P>,
    mut work: impl FnMut(P) -> W,
) -> impl Stream<Item = Result<T>>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    stream::iter(parts)
        .map(move |part| {
            let task = AbortOnDropHandle::new(tokio::spawn(work(part)));
            async move { task.await.context("a part of the work ended early")? }
        })
        .buffered(tenure_learn::threads::available())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::TryStreamExt as _;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn results_come_in_order_and_an_error_in_its_place() {
        let done: Vec<u64> = in_order(0..20_u64, |part| async move {
            tokio::time::sleep(Duration::from_millis((20 - part) % 3)).await;
            Ok(part)
        })
        .try_collect()
        .await
        .unwrap();
        assert_eq!(done, (0..20).collect::<Vec<_>>());
        let mut found = Box::pin(in_order(0..3_u64, |part| async move {
            assert!(part != 2, "a fault");
            anyhow::ensure!(part != 1, "no {part}");
            Ok(part)
        }));
        assert_eq!(found.next().await.unwrap().unwrap(), 0);
        assert_eq!(found.next().await.unwrap().unwrap_err().to_string(), "no 1");
        assert!(found.next().await.unwrap().is_err());
        assert!(found.next().await.is_none());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_stopped() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let mut found = Box::pin(in_order(0..1_000, move |part| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Ok(part) }
        }));
        assert_eq!(found.next().await.unwrap().unwrap(), 0);
        drop(found);
        assert!(begun.load(Ordering::Relaxed) <= 2 + 2 * tenure_learn::threads::available());
    }
}
