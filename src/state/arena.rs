//! What an epoch changed, on its way to the disk: encoded by the actor in any order, sorted and packed by the writer.

use super::chunk::{Packed, Packer};
use crate::record::CodecError;

/// The length that marks a tombstone.
const TOMBSTONE: u32 = u32::MAX;
const HEAD: usize = 8;

/// Encoded entries behind one another: length of the key, length of the value (or the tombstone's mark), both `u32` in
/// little endian, then key and value. Of two entries of one key, the later one counts.
#[derive(Debug, Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    entries: usize,
}

impl Arena {
    /// Appends an entry whose key and value are written by the two closures. Nothing is appended if one of them fails.
    pub(super) fn put(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEAD]);
        let mut middle = 0;
        let written = key(&mut self.bytes).and_then(|()| {
            middle = self.bytes.len();
            value(&mut self.bytes)
        });
        if let Err(error) = written {
            self.bytes.truncate(start);
            return Err(error);
        }
        let (key, value) = ((middle - start - HEAD) as u32, (self.bytes.len() - middle) as u32);
        let head = u64::from(key) | u64::from(value) << 32;
        self.bytes[start..start + HEAD].copy_from_slice(&head.to_le_bytes());
        self.entries += 1;
        Ok(())
    }

    /// Appends a tombstone for the key that the closure writes, and returns where it is.
    pub(super) fn bury(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<usize, CodecError> {
        let start = self.bytes.len();
        self.put(key, |_| Ok(()))?;
        self.bytes[start + 4..start + HEAD].copy_from_slice(&TOMBSTONE.to_le_bytes());
        Ok(start)
    }

    /// Appends all of another arena.
    pub(super) fn append(&mut self, other: &Arena) {
        self.bytes.extend_from_slice(&other.bytes);
        self.entries += other.entries;
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many entries it holds.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Makes room, so that the next entries need not move the earlier ones.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Key and value of the entry at `start`, and where the next one is.
    pub(super) fn entry(&self, start: usize) -> (&[u8], Option<&[u8]>, usize) {
        let number = |at: usize| {
            u32::from_le_bytes([self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]])
        };
        let (key, value) = (number(start) as usize, number(start + 4));
        let rest = &self.bytes[start + HEAD..];
        let length = if value == TOMBSTONE { 0 } else { value as usize };
        let value = (value != TOMBSTONE).then(|| &rest[key..key + length]);
        (&rest[..key], value, start + HEAD + key + length)
    }
}

/// Sorts the entries of all arenas by key and packs them, tombstones included. Of several entries of one key the last one
/// of the last arena counts.
///
/// Keys begin with their key group. The entries of each group are gathered and sorted by themselves, in memory that fits
/// the processor's cache.
pub(super) fn pack(arenas: &[Arena]) -> Vec<Packed> {
    let mut groups: Vec<Group> = std::iter::repeat_with(Group::default).take(256).collect();
    for arena in arenas {
        let mut start = 0;
        while start < arena.bytes.len() {
            let (key, _, next) = arena.entry(start);
            groups[key.first().copied().unwrap_or(0) as usize].add(key, &arena.bytes[start..next]);
            start = next;
        }
    }
    let mut packer = Packer::default();
    let mut chunks = Vec::new();
    for group in groups {
        group.pack(&mut packer, &mut chunks);
    }
    chunks.extend(packer.finish());
    chunks
}

/// The entries of one key group, oldest first.
#[derive(Default)]
struct Group {
    entries: Arena,
    starts: Vec<usize>,
    /// How many bytes all keys have in common at their front.
    common: usize,
}

impl Group {
    fn add(&mut self, key: &[u8], record: &[u8]) {
        self.common = match self.starts.first() {
            None => key.len(),
            Some(&first) => {
                let first = &self.entries.entry(first).0[..self.common];
                first.iter().zip(key).take_while(|(a, b)| a == b).count()
            }
        };
        self.starts.push(self.entries.bytes.len());
        self.entries.bytes.extend_from_slice(record);
    }

    fn pack(self, packer: &mut Packer, chunks: &mut Vec<Packed>) {
        let Group { entries, starts, common } = self;
        // The eight bytes behind what is common decide most comparisons.
        let digest = |start: usize| {
            let rest = &entries.entry(start).0[common..];
            let mut digest = [0; 8];
            let length = rest.len().min(8);
            digest[..length].copy_from_slice(&rest[..length]);
            u64::from_be_bytes(digest)
        };
        let mut places: Vec<(u64, usize)> = starts.into_iter().map(|start| (digest(start), start)).collect();
        let key = |start: usize| entries.entry(start).0;
        places.sort_unstable_by(|a, b| {
            let newest_first = || b.1.cmp(&a.1);
            a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1))).then_with(newest_first)
        });
        let mut previous: Option<(u64, usize)> = None;
        for (digest, start) in places {
            let (bytes, value, _) = entries.entry(start);
            if previous.is_none_or(|(other, start)| other != digest || key(start) != bytes) {
                chunks.extend(packer.push(bytes, value));
            }
            previous = Some((digest, start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::Chunk;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn bytes(bytes: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError> {
        |out| {
            out.extend_from_slice(bytes);
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn the_last_entry_of_a_key_counts(
            entries in vec(vec((vec(0..3_u8, 1..20), proptest::option::of(vec(any::<u8>(), 0..5))), 0..100), 1..4),
        ) {
            let mut model = BTreeMap::new();
            let mut arenas = Vec::new();
            for entries in entries {
                let mut arena = Arena::default();
                for (key, value) in entries {
                    match &value {
                        Some(value) => arena.put(bytes(&key), bytes(value)).unwrap(),
                        None => drop(arena.bury(bytes(&key)).unwrap()),
                    }
                    model.insert(key, value);
                }
                arenas.push(arena);
            }
            let mut found = BTreeMap::new();
            for packed in pack(&arenas) {
                let chunk = Chunk::check(&packed.bytes).unwrap();
                for i in 0..chunk.len() {
                    let entry = chunk.entry(i);
                    found.insert(entry.key.to_vec(), entry.value.map(<[u8]>::to_vec));
                }
            }
            prop_assert_eq!(found, model);
        }
    }

    #[test]
    fn an_entry_that_cannot_be_encoded_leaves_no_trace() {
        let mut arena = Arena::default();
        arena.put(bytes(b"a"), bytes(b"1")).unwrap();
        let refused = crate::record::decode::<u64>(&[]).unwrap_err();
        arena.put(bytes(b"b"), |_| Err(refused)).unwrap_err();
        assert_eq!((arena.entries(), arena.len()), (1, 10));
    }
}
