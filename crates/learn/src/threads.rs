//! Work on several threads whose result does not depend on how many there are: pieces are independent and come back in order.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads this machine offers.
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// `work` for `0..pieces`, results in that order. With one thread, or one piece, nothing is started.
pub fn map<T: Send>(threads: usize, pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads <= 1 || pieces <= 1 {
        return (0..pieces).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return done;
            }
            done.push((piece, work(piece)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(pieces)).map(|_| scope.spawn(take)).collect();
        let mut all = take();
        for helper in helpers {
            match helper.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(piece, _)| *piece);
    all.into_iter().map(|(_, result)| result).collect()
}

/// `0..len` cut into ranges of at most `size`.
pub fn ranges(len: usize, size: usize) -> Vec<std::ops::Range<usize>> {
    (0..len)
        .step_by(size.max(1))
        .map(|start| start..(start + size.max(1)).min(len))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 5] {
            assert_eq!(
                map(threads, 40, |at| at * at),
                (0..40).map(|at| at * at).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn ranges_cover_everything_once() {
        assert_eq!(ranges(5, 2), vec![0..2, 2..4, 4..5]);
        assert!(ranges(0, 3).is_empty());
    }
}
