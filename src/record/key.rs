//! Keys, their frozen hash, and the key groups made from it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::cell::RefCell;

/// What a stream can be keyed by: a value with an equality, an order and a stored form. Implemented for every type that
/// has these.
///
/// The order decides in which order windows that end together are emitted; equal keys must have equal encodings, which
/// derived implementations have. (A `f64` is no key: it has no total equality.)
pub trait Key: Eq + Ord + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<K: Eq + Ord + Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Key for K {}

/// A fixed slice of the key space: what a subtask owns some of, and what moves as a whole when a job is rescaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyGroup(u8);

impl KeyGroup {
    /// How many key groups there are, and so the highest parallelism of a keyed operator.
    pub const COUNT: usize = 128;

    /// The key group of a key with this hash: its upper seven bits. In-memory tables place keys by other bits, so that
    /// the keys of one subtask do not crowd in few buckets.
    pub const fn of(hash: u64) -> Self {
        KeyGroup((hash >> 57) as u8)
    }

    /// The group's number, `0..COUNT`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Which of `parallelism` subtasks owns this group: contiguous ranges, as even as can be.
    ///
    /// * `parallelism`: `1..=COUNT`.
    pub const fn subtask(self, parallelism: usize) -> usize {
        self.index() * parallelism / Self::COUNT
    }

    /// The groups that subtask `index` of `parallelism` owns, as numbers.
    pub fn range(index: usize, parallelism: usize) -> std::ops::Range<usize> {
        let bound = |i: usize| (i * Self::COUNT).div_ceil(parallelism);
        bound(index)..bound(index + 1)
    }
}

/// Hashes keys with a scratch buffer of its own.
#[derive(Default)]
pub(crate) struct KeyHasher {
    scratch: Vec<u8>,
}

impl KeyHasher {
    /// The frozen hash of `key`.
    ///
    /// # Panics
    /// If the key's own `Serialize` refuses it.
    pub(crate) fn hash<K: Serialize + ?Sized>(&mut self, key: &K) -> u64 {
        self.scratch.clear();
        super::encode_into(key, &mut self.scratch).expect("a key can be encoded");
        xxhash_rust::xxh3::xxh3_64(&self.scratch)
    }
}

/// The hash of a key: XXH3 (64 bits, seed 0) of its postcard encoding. The same on every platform and in every version.
///
/// # Panics
/// If the key's own `Serialize` refuses it.
pub fn hash_key<K: Serialize + ?Sized>(key: &K) -> u64 {
    thread_local!(static HASHER: RefCell<KeyHasher> = RefCell::default());
    HASHER.with_borrow_mut(|hasher| hasher.hash(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_frozen() {
        // One zero byte each: an empty text, the number zero.
        assert_eq!([hash_key(""), hash_key(&0_u64)], [0xc44b_dff4_074e_ecdb; 2]);
        let other = [hash_key("83.149.9.216"), hash_key(&(7_u32, true)), hash_key(&1_u64)];
        assert_eq!(other, [9_807_361_200_879_929_344, 14_776_179_336_040_696_832, 16_226_181_191_752_404_715]);
    }

    #[test]
    fn the_ranges_of_all_subtasks_are_all_groups_once() {
        for parallelism in 1..=KeyGroup::COUNT {
            for group in 0..KeyGroup::COUNT {
                let owners: Vec<_> =
                    (0..parallelism).filter(|&i| KeyGroup::range(i, parallelism).contains(&group)).collect();
                assert_eq!(owners, [KeyGroup(group as u8).subtask(parallelism)]);
            }
        }
    }
}
