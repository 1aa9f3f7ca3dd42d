//! The clock that is passed in wherever time matters, so that days can be played through in a test or a sandbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// A clock: the system's, or one that only moves when told to.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    System,
    Manual(AtomicI64),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Inner::System))
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Inner::Manual(AtomicI64::new(start.as_microsecond()))))
    }

    /// Now, in UTC microseconds since 1970.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &*self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the system's clock"
            )]
            Inner::System => Timestamp::now().as_microsecond(),
            Inner::Manual(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Now, as an instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a manual clock forward by `micros`; false when this is the system's clock, which nobody moves.
    #[must_use]
    pub fn advance(&self, micros: i64) -> bool {
        match &*self.0 {
            Inner::System => false,
            Inner::Manual(at) => {
                at.fetch_add(micros, Ordering::SeqCst);
                true
            }
        }
    }

    /// Whether this clock only moves when told to.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(&*self.0, Inner::Manual(_))
    }
}
