//! Ids and randomness, in one place so that the linter can forbid them elsewhere.

use crate::Clock;

/// A new time-ordered id (UUID version 7) as text.
#[must_use]
pub fn new_id(clock: &Clock) -> String {
    let micros = clock.micros().max(0);
    let seconds = u64::try_from(micros / 1_000_000).unwrap_or(0);
    let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
    let stamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    uuid::Uuid::new_v7(stamp).to_string()
}

/// `N` bytes from the operating system's generator, for secrets. An error means that the system has no entropy source.
pub fn random_bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(bytes)
}
