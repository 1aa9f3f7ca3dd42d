//! How many events each write key may send.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What a key may send. The defaults are far above what one product sends; they keep a runaway loop from taking everybody's room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Events per second, over time.
    pub events_per_second: u32,
    /// Events at once, after a rest.
    pub burst: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            events_per_second: 50_000,
            burst: 500_000,
        }
    }
}

/// A bucket of tokens for each key.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Takes `events` out of the key's bucket, or says how long to wait. A batch that is larger than what is left is still let in once
    /// (the bucket goes below zero), so that no batch is too large for ever.
    pub(super) fn take(&self, key: &str, events: usize, quota: Quota, now: Instant) -> Result<(), Duration> {
        let (rate, burst) = (
            f64::from(quota.events_per_second.max(1)),
            f64::from(quota.burst.max(1)),
        );
        let mut buckets = self.0.lock();
        let bucket = match buckets.get_mut(key) {
            Some(bucket) => bucket,
            None => buckets.entry(key.to_owned()).or_insert(Bucket {
                tokens: burst,
                at: now,
            }),
        };
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * rate).min(burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / rate));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a request holds far fewer events than a double can count"
        )]
        let taken = events.max(1) as f64;
        bucket.tokens -= taken;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_over_its_quota_waits_and_others_do_not() {
        let buckets = Buckets::default();
        let quota = Quota {
            events_per_second: 10,
            burst: 20,
        };
        let start = Instant::now();
        assert_eq!(buckets.take("a", 20, quota, start), Ok(()));
        let wait = buckets.take("a", 1, quota, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(buckets.take("b", 1, quota, start), Ok(()));
        assert_eq!(buckets.take("a", 1, quota, start + wait), Ok(()));
        // A batch larger than the burst passes after a rest, and is then paid off.
        let rested = start + Duration::from_secs(10);
        assert_eq!(buckets.take("a", 120, quota, rested), Ok(()));
        assert_eq!(
            buckets
                .take("a", 1, quota, rested + Duration::from_secs(9))
                .unwrap_err(),
            Duration::from_millis(1100)
        );
    }
}
