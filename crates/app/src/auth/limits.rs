//! How often sign-in may be tried: per address, per address and account, and per account from everywhere.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use parking_lot::Mutex;

use crate::web::{Problem, Result};

const MINUTE: i64 = 60_000_000;
/// Attempts of one address: 30 in 5 minutes.
const ADDRESS: (u32, i64) = (30, 5 * MINUTE);
/// Attempts of one address on one account: 10 in 15 minutes.
const PAIR: (u32, i64) = (10, 15 * MINUTE);
/// Attempts on one account from all addresses: 100 in an hour. High, because reaching it keeps the account's owner out too.
const ACCOUNT: (u32, i64) = (100, 60 * MINUTE);
/// Keys remembered at once; beyond it the oldest windows are dropped.
const REMEMBERED: usize = 50_000;

/// Counters of sign-in attempts.
#[derive(Debug, Default)]
pub struct Limits {
    address: Windows<Option<IpAddr>>,
    pair: Windows<(Option<IpAddr>, String)>,
    account: Windows<String>,
}

impl Limits {
    /// Counts an attempt, or refuses it with the seconds to wait. `now` in UTC microseconds.
    pub fn attempt(&self, address: Option<IpAddr>, account: &str, now: i64) -> Result<()> {
        let address = address.map(network);
        self.address.count(address, ADDRESS, now)?;
        self.pair.count((address, account.to_owned()), PAIR, now)?;
        self.account.count(account.to_owned(), ACCOUNT, now)
    }

    /// Forgets the attempts of this address on this account, after a good one.
    pub fn succeeded(&self, address: Option<IpAddr>, account: &str) {
        let address = address.map(network);
        self.pair.forget(&(address, account.to_owned()));
        self.account.forget(&account.to_owned());
    }
}

/// One customer of a provider holds a whole /64 of IPv6: it counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
    }
}

#[derive(Debug)]
struct Windows<K>(Mutex<HashMap<K, (i64, u32)>>);

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq> Windows<K> {
    fn count(&self, key: K, (most, span): (u32, i64), now: i64) -> Result<()> {
        let mut windows = self.0.lock();
        if windows.len() >= REMEMBERED {
            windows.retain(|_, (started, _)| now - *started < span);
            if windows.len() >= REMEMBERED {
                windows.clear();
            }
        }
        let (started, count) = windows.entry(key).or_insert((now, 0));
        if now - *started >= span {
            (*started, *count) = (now, 0);
        }
        if *count >= most {
            let wait = (*started + span - now).max(1_000_000) / 1_000_000;
            let seconds = u32::try_from(wait).unwrap_or(3600);
            return Err(Problem::too_many(
                format!("too many attempts to sign in: wait {seconds} seconds"),
                seconds,
            ));
        }
        *count += 1;
        Ok(())
    }

    fn forget(&self, key: &K) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_of_an_address_on_an_account_waits() {
        let limits = Limits::default();
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        for second in 0..10 {
            limits
                .attempt(address, "a@x.example", second * 1_000_000)
                .unwrap();
        }
        let refused = limits.attempt(address, "a@x.example", 10_000_000).unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (429, Some(890)));
        limits.attempt(address, "b@x.example", 10_000_000).unwrap();
        limits.attempt(address, "a@x.example", 15 * MINUTE).unwrap();
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let limits = Limits::default();
        for host in 0..30u16 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
            limits
                .attempt(Some(address), &format!("u{host}@x.example"), 0)
                .unwrap();
        }
        let other_host = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert_eq!(
            limits
                .attempt(Some(other_host), "new@x.example", 0)
                .unwrap_err()
                .status,
            429
        );
        let other_network = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        limits.attempt(Some(other_network), "new@x.example", 0).unwrap();
    }
}
