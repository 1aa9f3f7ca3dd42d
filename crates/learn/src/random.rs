//! Randomness from a seed that is passed in: the same seed gives the same model.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of random numbers, fixed by a seed and the number of the stream.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// Stream `stream` under `seed`; different streams are independent.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A whole number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The product's upper half is uniform up to n/2^64, which no sample here can tell from uniform.
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// `size` of the numbers `0..n` in ascending order, each subset equally likely (selection sampling, Knuth 3.4.2 S).
    pub fn sample(&mut self, n: usize, size: usize) -> Vec<u32> {
        let mut chosen = Vec::with_capacity(size.min(n));
        let mut wanted = size.min(n) as u64;
        for at in 0..n as u64 {
            if wanted == 0 {
                break;
            }
            let left = n as u64 - at;
            if (u64::from(self.0.next_u32()) * left) >> 32 < wanted {
                chosen.push(at as u32);
                wanted -= 1;
            }
        }
        chosen
    }

    /// Puts a slice into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_size_is_ascending_and_uniform() {
        let mut random = Random::new(7, 0);
        let mut hits = [0u32; 10];
        for _ in 0..20_000 {
            let sample = random.sample(10, 3);
            assert_eq!(sample.len(), 3);
            assert!(sample.windows(2).all(|pair| pair[0] < pair[1]));
            sample.iter().for_each(|at| hits[*at as usize] += 1);
        }
        // 6,000 expected each; the standard deviation is 65.
        assert!(hits.iter().all(|n| (5_700..6_300).contains(n)), "{hits:?}");
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Random::new(seed, stream).below(1 << 40);
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }
}
