//! Which message ids have been seen: for ever, exactly, and in little memory.
//!
//! An id is kept as 16 bytes of its BLAKE3 hash. Recent hashes stand in a set; settled ones lie sorted in the records, in *runs* split into
//! *parts* by the hash's leading bits, and memory holds only a filter of about 18 bits per id for each run. The filter never misses; when
//! it says "maybe" (always for a real duplicate, once in 65,536 per run for a new id), the one part that would hold the hash is read.
//! Runs stay in order of arrival and below [`LARGE`], so that a file imported again finds its ids close together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use parking_lot::RwLock;
use tenure_store::{Execute, StoreError, StoreResult};
use xorf::{BinaryFuse16, BinaryFuse16Ref, DmaSerializable, Filter, FilterRef};

use super::store::{self, IdRun};

/// Runs of fewer ids are kept in the set as a whole and have no filter.
pub(super) const SMALL: usize = 16_384;
/// Runs of at least as many ids are never merged again. Every id that arrives is looked up in the filter of every run, so this decides how
/// much dearer an event gets with the base: one lookup for each four million events; merging such runs takes about 300 MB for a moment.
pub(super) const LARGE: usize = 1 << 22;
/// Ids per part at most, on average: 128 KB.
const PART: usize = 8_192;
const WIDTH: usize = 16;

/// The hash that stands for a message id.
pub(super) fn hash(message_id: &str) -> u128 {
    let mut bytes = [0; WIDTH];
    bytes.copy_from_slice(&blake3::hash(message_id.as_bytes()).as_bytes()[..WIDTH]);
    u128::from_be_bytes(bytes)
}

/// The ids are hashes already: their low half is as good a bucket as any.
#[derive(Default)]
pub(super) struct LowHalf(u64);

impl Hasher for LowHalf {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u128(&mut self, hash: u128) {
        self.0 = low(hash);
    }
}

/// A set of hashed ids.
pub(super) type Hashes = HashSet<u128, BuildHasherDefault<LowHalf>>;

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(hash: u128) -> u64 {
    hash as u64
}

/// What memory holds of the ids.
#[derive(Default)]
pub(super) struct Seen {
    recent: Hashes,
    small: BTreeMap<i64, usize>,
    settled: BTreeMap<i64, Arc<Settled>>,
}

/// A settled run: where its hashes lie, and its filter.
pub(super) struct Settled {
    /// Ids in it.
    pub(super) entries: usize,
    bits: u32,
    filter: AlignedFilter,
}

/// A run's size and place, for the merger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunSize {
    pub(super) run: i64,
    pub(super) entries: usize,
    pub(super) settled: bool,
}

impl Seen {
    /// Takes a run as it was read from the records.
    pub(super) fn load(&mut self, it: IdRun) -> StoreResult<()> {
        let IdRun {
            run,
            entries,
            bits,
            body,
        } = it;
        match u32::try_from(bits) {
            Err(_) => {
                self.recent.extend(unpack(&body));
                self.small.insert(run, entries);
            }
            Ok(bits) => {
                let filter = AlignedFilter::parse(body).ok_or_else(|| {
                    StoreError::Other(format!("event_id_runs: run {run}: the filter is damaged"))
                })?;
                self.settled.insert(
                    run,
                    Arc::new(Settled {
                        entries,
                        bits,
                        filter,
                    }),
                );
            }
        }
        Ok(())
    }

    /// Takes a flush's ids, after their commit.
    pub(super) fn add_small(&mut self, run: i64, hashes: &[u128]) {
        if !hashes.is_empty() {
            self.recent.extend(hashes.iter().copied());
            self.small.insert(run, hashes.len());
        }
    }

    /// Takes a written run, after its commit, in place of the `merged` ones. `hashes` are the run's.
    pub(super) fn replace(&mut self, merged: &[i64], run: i64, built: Built, hashes: &[u128]) {
        for old in merged {
            self.small.remove(old);
            self.settled.remove(old);
        }
        match built.filter {
            None => {
                self.recent.extend(hashes.iter().copied());
                self.small.insert(run, built.entries);
            }
            Some(filter) => {
                for hash in hashes {
                    self.recent.remove(hash);
                }
                self.recent.shrink_to(self.recent.len() * 2);
                self.settled.insert(
                    run,
                    Arc::new(Settled {
                        entries: built.entries,
                        bits: built.bits,
                        filter,
                    }),
                );
            }
        }
    }

    /// Those of the hashes that came with recent flushes.
    pub(super) fn recent_of(&self, hashes: &[u128]) -> Hashes {
        hashes
            .iter()
            .filter(|hash| self.recent.contains(hash))
            .copied()
            .collect()
    }

    /// All runs in order of arrival.
    pub(super) fn runs(&self) -> Vec<RunSize> {
        let small = self.small.iter().map(|(&run, &entries)| RunSize {
            run,
            entries,
            settled: false,
        });
        let settled = self.settled.iter().map(|(&run, it)| RunSize {
            run,
            entries: it.entries,
            settled: true,
        });
        let mut all: Vec<RunSize> = small.chain(settled).collect();
        all.sort_by_key(|it| it.run);
        all
    }

    /// Bytes that the filters and the set take, about.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.recent.capacity() * (WIDTH + 1)
            + self
                .settled
                .values()
                .map(|it| it.filter.bytes.len())
                .sum::<usize>()
    }
}

/// Which of these hashes have been seen. No merge may commit meanwhile (the caller holds the commit or the maintenance lock).
pub(super) async fn known(seen: &RwLock<Seen>, read: &impl Execute, hashes: &[u128]) -> StoreResult<Hashes> {
    let mut known = Hashes::default();
    let mut look: BTreeMap<(i64, i64), Vec<u128>> = BTreeMap::new();
    for some in hashes.chunks(4_096) {
        // The lock is given up between chunks, so that a long check does not hold up a commit.
        let seen = seen.read();
        let mut unseen = Vec::with_capacity(some.len());
        for &hash in some {
            if seen.recent.contains(&hash) {
                known.insert(hash);
            } else {
                unseen.push(hash);
            }
        }
        for (&run, it) in &seen.settled {
            let filter = it.filter.get();
            for &hash in unseen.iter().filter(|hash| filter.contains(&low(**hash))) {
                look.entry((run, part_of(hash, it.bits))).or_default().push(hash);
            }
        }
    }
    for ((run, part), wanted) in look {
        let body = store::ids_part(read, run, part).await?;
        known.extend(wanted.into_iter().filter(|hash| holds(&body, *hash)));
    }
    Ok(known)
}

fn part_of(hash: u128, bits: u32) -> i64 {
    if bits == 0 {
        0
    } else {
        i64::try_from(hash >> (128 - bits)).unwrap_or(i64::MAX)
    }
}

/// Whether a sorted body holds a hash.
fn holds(body: &[u8], hash: u128) -> bool {
    let wanted = hash.to_be_bytes();
    body.as_chunks::<WIDTH>()
        .0
        .binary_search_by(|it| it.as_slice().cmp(wanted.as_slice()))
        .is_ok()
}

/// Sorted hashes as bytes.
pub(super) fn pack(hashes: &[u128]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect()
}

/// The hashes of a body.
pub(super) fn unpack(body: &[u8]) -> impl Iterator<Item = u128> + '_ {
    body.as_chunks::<WIDTH>()
        .0
        .iter()
        .map(|bytes| u128::from_be_bytes(*bytes))
}

/// A run, ready to be written.
pub(super) struct Built {
    pub(super) entries: usize,
    pub(super) bits: u32,
    /// The sorted hashes of each part, empty parts left out. Empty when the run is small.
    pub(super) parts: Vec<(i64, Vec<u8>)>,
    /// The filter, or for a small run none.
    pub(super) filter: Option<AlignedFilter>,
    /// What is kept beside the parts: the filter's bytes, or a small run's hashes.
    pub(super) body: Vec<u8>,
}

impl Built {
    /// A run without a filter, whatever its size, from sorted hashes.
    pub(super) fn small(hashes: &[u128]) -> Self {
        Self {
            entries: hashes.len(),
            bits: 0,
            parts: Vec::new(),
            filter: None,
            body: pack(hashes),
        }
    }

    /// From sorted hashes without repetition.
    pub(super) fn new(hashes: &[u128]) -> StoreResult<Self> {
        let entries = hashes.len();
        if entries < SMALL {
            return Ok(Self::small(hashes));
        }
        let bits = entries.div_ceil(PART).next_power_of_two().ilog2();
        let mut parts: HashMap<i64, Vec<u128>> = HashMap::new();
        for &hash in hashes {
            parts.entry(part_of(hash, bits)).or_default().push(hash);
        }
        let mut parts: Vec<(i64, Vec<u8>)> = parts.into_iter().map(|(part, it)| (part, pack(&it))).collect();
        parts.sort_by_key(|(part, _)| *part);
        let mut keys: Vec<u64> = hashes.iter().map(|hash| low(*hash)).collect();
        keys.sort_unstable();
        keys.dedup();
        let filter = BinaryFuse16::try_from(&keys)
            .map_err(|error| StoreError::Other(format!("filter of message ids: {error}")))?;
        let mut body = vec![0; BinaryFuse16::DESCRIPTOR_LEN];
        filter.dma_copy_descriptor_to(&mut body);
        body.extend_from_slice(filter.dma_fingerprints());
        let filter = AlignedFilter::parse(body.clone())
            .ok_or_else(|| StoreError::Other("filter of message ids: empty".to_owned()))?;
        Ok(Self {
            entries,
            bits,
            parts,
            filter: Some(filter),
            body,
        })
    }
}

/// A filter in the bytes in which it is kept; its fingerprints start at an even address, as the reader demands.
pub(super) struct AlignedFilter {
    bytes: Vec<u8>,
    start: usize,
}

impl AlignedFilter {
    fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let head = BinaryFuse16::DESCRIPTOR_LEN;
        if bytes.len() <= head || !(bytes.len() - head).is_multiple_of(2) {
            return None;
        }
        let mut start = 0;
        if bytes.as_ptr().align_offset(2) != head % 2 {
            let length = bytes.len();
            let mut moved = Vec::with_capacity(length + 1);
            start = usize::from(moved.as_ptr() as usize % 2 != head % 2);
            moved.resize(start, 0);
            moved.append(&mut bytes);
            bytes = moved;
        }
        Some(Self { bytes, start })
    }

    fn get(&self) -> BinaryFuse16Ref<'_> {
        let (head, fingerprints) = self.bytes[self.start..].split_at(BinaryFuse16::DESCRIPTOR_LEN);
        BinaryFuse16Ref::from_dma(head, fingerprints)
    }
}
