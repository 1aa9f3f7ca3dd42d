//! Copies of what was read from the log, kept over a start: the answers of queries that pages show.
//!
//! They belong to this slice because an erasure has to take them with it, in its own transaction. Who keeps one says by a basis what it
//! was computed from, and decides by that whether it still holds. Of one key there is one copy; together they stay within
//! [`MOST`] and [`MOST_BYTES`].

mod store;

use std::sync::atomic::Ordering;

use tenure_store::StoreResult;

use crate::App;

pub(super) use store::forget_all;

/// Copies at most; the oldest go first.
const MOST: i64 = 400;
/// Bytes of all copies at most; the oldest go first.
const MOST_BYTES: i64 = 32 << 20;
/// Bytes of one copy at most: a larger one is not kept.
const LARGEST: usize = 1 << 20;
/// How long a copy that nobody made anew is kept, in microseconds.
const UNREAD: i64 = 40 * 24 * 3_600 * 1_000_000;

/// A kept copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What it answers.
    pub key: String,
    /// What it was computed from.
    pub basis: String,
    /// When, UTC microseconds.
    pub computed_at: i64,
    /// The copy.
    pub body: Vec<u8>,
}

/// Counts the erasures: what was read under one number must not be shown under another.
#[must_use]
pub fn generation(app: &App) -> u64 {
    app.log.core.erasures.load(Ordering::SeqCst)
}

/// The copy of a key.
pub async fn get(app: &App, key: &str) -> StoreResult<Option<Copied>> {
    store::get(&app.store, key).await
}

/// Keeps a copy in place of the one before, unless something was erased since `generation`. One that is too large is not kept, and the one
/// before it goes.
pub async fn put(app: &App, generation: u64, copy: &Copied) -> StoreResult<()> {
    let core = &app.log.core;
    // An erasure commits under the same lock.
    let _commit = core.commit.lock().await;
    if core.erasures.load(Ordering::SeqCst) != generation {
        return Ok(());
    }
    let tx = core.store.begin().await?;
    if copy.body.len() > LARGEST {
        store::forget(&tx, &copy.key).await?;
    } else {
        store::put(&tx, copy).await?;
    }
    store::forget_before(&tx, copy.computed_at - UNREAD).await?;
    store::shrink(&tx, MOST, MOST_BYTES).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    fn copy(key: &str, computed_at: i64, bytes: usize) -> Copied {
        Copied {
            key: key.to_owned(),
            basis: format!("basis of {key}"),
            computed_at,
            body: vec![7; bytes],
        }
    }

    #[tokio::test]
    async fn the_oldest_go_first_and_what_is_too_large_is_not_kept() {
        let app = TestApp::new().await;
        let now = app.clock.micros();
        let keep = async |it: &Copied| put(&app, generation(&app), it).await.expect("kept");
        for n in 0..40 {
            keep(&copy(&format!("k{n}"), now + n, LARGEST)).await;
        }
        // Thirty-two of a megabyte each fit.
        assert_eq!(app.count("event_copies").await, 32);
        assert_eq!(get(&app, "k7").await.expect("read"), None);
        assert_eq!(
            get(&app, "k8").await.expect("read"),
            Some(copy("k8", now + 8, LARGEST))
        );
        keep(&copy("k8", now + 50, 3)).await;
        assert_eq!(
            get(&app, "k8").await.expect("read"),
            Some(copy("k8", now + 50, 3))
        );
        keep(&copy("k8", now + 51, LARGEST + 1)).await;
        assert_eq!(get(&app, "k8").await.expect("read"), None);
        for n in 0..MOST + 5 {
            keep(&copy(&format!("small{n}"), now + 100 + n, 1)).await;
        }
        assert_eq!(app.count("event_copies").await, MOST);
        assert_eq!(get(&app, "small4").await.expect("read"), None);
        assert!(get(&app, "small5").await.expect("read").is_some());
        keep(&copy("later", now + UNREAD + 1_000, 1)).await;
        assert_eq!(app.count("event_copies").await, 1);
    }

    #[tokio::test]
    async fn an_erasure_takes_all_and_what_was_read_before_it_is_not_kept_after_it() {
        let app = TestApp::new().await;
        let before = generation(&app);
        put(&app, before, &copy("a", 1, 3)).await.expect("kept");
        let subject = crate::events::Subject::Contact(vec!["nobody".to_owned()]);
        crate::events::erase(&app, &subject).await.expect("erased");
        assert_eq!(app.count("event_copies").await, 0);
        put(&app, before, &copy("a", 1, 3)).await.expect("passed over");
        assert_eq!(app.count("event_copies").await, 0);
        put(&app, generation(&app), &copy("a", 1, 3)).await.expect("kept");
        assert_eq!(app.count("event_copies").await, 1);
    }
}
