//! Tombstones on their way to the disk: keys that are still stored below, but are no more.

use super::arena::Arena;
use crate::record::CodecError;
use hashbrown::HashTable;

/// The full keys that were removed since a hand-off. Kept in memory until the flush that takes them has been committed, so
/// that a look-up below does not find what is gone.
#[derive(Default)]
pub(super) struct Dead {
    pub(super) arena: Arena,
    /// Where the tombstones are. Made only when somebody asks, which is when state has been evicted.
    index: HashTable<usize>,
    /// How far the arena has been indexed.
    indexed: usize,
}

fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

impl Dead {
    /// Adds the full key that the closure writes.
    pub(super) fn bury(&mut self, key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<(), CodecError> {
        self.arena.bury(key).map(drop)
    }

    /// Whether it holds this full key.
    pub(super) fn contains(&mut self, key: &[u8]) -> bool {
        let Dead { arena, index, indexed } = self;
        while *indexed < arena.len() {
            let (key, _, next) = arena.entry(*indexed);
            index.insert_unique(hash(key), *indexed, |&at| hash(arena.entry(at).0));
            *indexed = next;
        }
        index.find(hash(key), |&at| arena.entry(at).0 == key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_buried_is_found_whenever_it_came() {
        let mut dead = Dead::default();
        for key in 0..100_u8 {
            assert!(!dead.contains(&[key]));
            dead.bury(|out| {
                out.push(key);
                Ok(())
            })
            .unwrap();
            assert!(dead.contains(&[key]) && dead.contains(&[0]));
        }
    }
}
