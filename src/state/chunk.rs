//! A chunk: some thousand entries in key order, packed, searchable and guarded by a checksum.
//!
//! # Why
//! A B-tree that holds each entry as a row of its own costs 15 to 25 times as much to write as one that holds packed
//! chunks. So entries are stored only in chunks, and a look-up finds the chunk by its key range and the entry within it
//! by bisection.
//!
//! # Format
//! All numbers are little endian.
//! ```text
//! byte  0   8  checksum: XXH3 (64 bits, seed 0) of all bytes that follow
//!       8   4  n, the number of entries, at least 1
//!      12  4n  where each entry begins, counted from the first one
//!  12+4n       the entries, in strictly ascending order of their keys, each until the next one's beginning:
//!                head   LEB128 of (length of the key << 1) | (1 if the entry is a tombstone)
//!                key    that many bytes
//!                value  the rest; none for a tombstone
//! ```

use std::cmp::Ordering;

/// The size a chunk grows to, in bytes: together with the row's key it fills eight of the database's pages of 4 KiB. Only
/// a chunk of a single large entry is larger.
pub(super) const TARGET: usize = 32 * 1024 - 512;
const HEADER: usize = 12;

/// A finished chunk and the range of its keys.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) first: Box<[u8]>,
    pub(super) last: Box<[u8]>,
    pub(super) bytes: Vec<u8>,
}

/// Packs entries, given in key order, into chunks.
#[derive(Default)]
pub(super) struct Packer {
    offsets: Vec<u32>,
    entries: Vec<u8>,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Packer {
    /// Appends an entry; `None` is a tombstone. Returns the chunk before it if there was no more room.
    pub(super) fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Option<Packed> {
        let room = self.size() + 4 + 5 + key.len() + value.map_or(0, <[u8]>::len);
        let full = if room > TARGET { self.finish() } else { None };
        if self.offsets.is_empty() {
            self.first.extend_from_slice(key);
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.offsets.push(self.entries.len() as u32);
        write_head(&mut self.entries, (key.len() as u64) << 1 | u64::from(value.is_none()));
        self.entries.extend_from_slice(key);
        self.entries.extend_from_slice(value.unwrap_or_default());
        full
    }

    /// How large the chunk would be now.
    pub(super) fn size(&self) -> usize {
        HEADER + 4 * self.offsets.len() + self.entries.len()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The chunk of what waits, if anything does.
    pub(super) fn finish(&mut self) -> Option<Packed> {
        if self.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.size());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&(self.offsets.len() as u32).to_le_bytes());
        for offset in self.offsets.drain(..) {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.append(&mut self.entries);
        let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[8..]);
        bytes[..8].copy_from_slice(&checksum.to_le_bytes());
        let first = std::mem::take(&mut self.first).into_boxed_slice();
        Some(Packed { first, last: self.last.as_slice().into(), bytes })
    }
}

fn write_head(out: &mut Vec<u8>, mut head: u64) {
    while head >= 0x80 {
        out.push(head as u8 | 0x80);
        head >>= 7;
    }
    out.push(head as u8);
}

/// One stored entry; a value of `None` is a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Option<&'a [u8]>,
}

/// A chunk's bytes, seen as entries.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    offsets: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Checks bytes that come from the disk. The error is what was found.
    pub(super) fn check(bytes: &'a [u8]) -> Result<Self, String> {
        let Some((checksum, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(format!("a chunk of {} bytes", bytes.len()));
        };
        let (expected, found) = (u64::from_le_bytes(*checksum), xxhash_rust::xxh3::xxh3_64(rest));
        if expected != found {
            return Err(format!("a chunk's checksum is {found:016x} instead of {expected:016x}"));
        }
        let count = rest.first_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
        if count == 0 || bytes.len() < HEADER + 4 * count {
            return Err(format!("a chunk of {} bytes claims {count} entries", bytes.len()));
        }
        Ok(Chunk::trusted(bytes))
    }

    /// Bytes that have been checked before.
    pub(super) fn trusted(bytes: &'a [u8]) -> Self {
        let count = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize;
        let (offsets, entries) = bytes[HEADER..].split_at(4 * count);
        Chunk { offsets, entries }
    }

    /// The number of entries, at least one.
    pub(super) fn len(self) -> usize {
        self.offsets.len() / 4
    }

    fn offset(self, index: usize) -> usize {
        let at = &self.offsets[4 * index..];
        u32::from_le_bytes([at[0], at[1], at[2], at[3]]) as usize
    }

    /// The entry number `index`, below [`Chunk::len`].
    pub(super) fn entry(self, index: usize) -> Entry<'a> {
        let end = if index + 1 < self.len() { self.offset(index + 1) } else { self.entries.len() };
        let mut bytes = &self.entries[self.offset(index)..end];
        let (mut head, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[0];
            bytes = &bytes[1..];
            head |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let (key, value) = bytes.split_at((head >> 1) as usize);
        Entry { key, value: (head & 1 == 0).then_some(value) }
    }

    /// The number of the first entry whose key is not below `key`; [`Chunk::len`] if there is none.
    pub(super) fn lower_bound(self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match self.entry(middle).key.cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return middle,
                Ordering::Greater => high = middle,
            }
        }
        low
    }

    /// The entry of exactly this key.
    pub(super) fn find(self, key: &[u8]) -> Option<Entry<'a>> {
        let index = self.lower_bound(key);
        (index < self.len()).then(|| self.entry(index)).filter(|entry| entry.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn pack(entries: &std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Vec<Packed> {
        let mut packer = Packer::default();
        let mut chunks: Vec<_> = entries.iter().filter_map(|(key, value)| packer.push(key, value.as_deref())).collect();
        chunks.extend(packer.finish());
        chunks
    }

    proptest! {
        #[test]
        fn what_is_packed_is_found(
            entries in btree_map(vec(any::<u8>(), 0..100), proptest::option::of(vec(any::<u8>(), 0..2000)), 1..60),
        ) {
            let chunks = pack(&entries);
            let mut found = Vec::new();
            for packed in &chunks {
                prop_assert!(packed.bytes.len() <= TARGET);
                let chunk = Chunk::check(&packed.bytes).unwrap();
                prop_assert_eq!(chunk.entry(0).key, &*packed.first);
                prop_assert_eq!(chunk.entry(chunk.len() - 1).key, &*packed.last);
                found.extend((0..chunk.len()).map(|i| chunk.entry(i)));
                for i in 0..chunk.len() {
                    prop_assert_eq!(chunk.find(chunk.entry(i).key), Some(chunk.entry(i)));
                }
            }
            let expected: Vec<_> = entries.iter().map(|(k, v)| Entry { key: k, value: v.as_deref() }).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_format_is_frozen() {
        let chunks = pack(&[(b"ab".to_vec(), Some(vec![7, 8])), (b"b".to_vec(), None)].into());
        let body = [2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 4, b'a', b'b', 7, 8, 3, b'b'];
        assert_eq!(chunks[0].bytes[8..], body);
        assert_eq!(chunks[0].bytes[..8], xxhash_rust::xxh3::xxh3_64(&body).to_le_bytes());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let good = pack(&(0..50_u8).map(|i| (vec![i], Some(vec![i; 3]))).collect()).remove(0).bytes;
        assert!(Chunk::check(&good).is_ok());
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            assert!(Chunk::check(&bad).is_err(), "byte {i}");
            assert!(Chunk::check(&good[..i]).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn an_entry_larger_than_a_chunk_has_one_of_its_own() {
        let large = vec![1; 3 * TARGET];
        let chunks = pack(&[(vec![1], Some(vec![])), (vec![2], Some(large.clone())), (vec![3], Some(vec![]))].into());
        assert_eq!(chunks.len(), 3);
        assert_eq!(Chunk::check(&chunks[1].bytes).unwrap().find(&[2]).unwrap().value, Some(&*large));
    }
}
