//! The bytes of the file, as they are drawn in [the room's doc](super): frames, the rows of the index, and the trailer.

use xxhash_rust::xxh3::Xxh3;

/// What every savepoint begins with. Its first byte is no text, and its last one shows whether line ends were converted.
pub(super) const MAGIC: [u8; 8] = *b"\x89millsv\n";
/// What every savepoint ends with.
pub(super) const END: [u8; 8] = *b"svmill\r\n";
/// The newest format this version reads, and the one it writes.
pub(super) const FORMAT: u32 = 1;
/// Magic and format.
pub(super) const OPENING: u64 = 12;
/// Bytes of a frame besides its payload.
pub(super) const FRAME: u64 = 4 + 8 + 8;
/// Bytes of the trailer.
pub(super) const TRAILER: u64 = 32;
/// Bytes of a row of the index.
const ROW: usize = 40;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Manifest,
    Section,
    Index,
}

impl Kind {
    pub(super) fn tag(self) -> [u8; 4] {
        match self {
            Kind::Header => *b"HEAD",
            Kind::Manifest => *b"MANI",
            Kind::Section => *b"SECT",
            Kind::Index => *b"INDX",
        }
    }
}

/// What stands in front of a payload.
pub(super) fn head(kind: Kind, length: u64) -> [u8; 12] {
    let mut head = [0; 12];
    head[..4].copy_from_slice(&kind.tag());
    head[4..].copy_from_slice(&length.to_le_bytes());
    head
}

/// What stands behind a payload.
pub(super) fn checksum(kind: Kind, payload: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&head(kind, payload.len() as u64));
    hash.update(payload);
    hash.digest()
}

/// A section, in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Where its frame begins.
    pub(super) offset: u64,
    /// Of its payload.
    pub(super) length: u64,
    pub(super) checksum: u64,
    pub(super) entries: u64,
    /// The number of its state in the manifest.
    pub(super) state: u32,
    pub(super) group: u32,
}

pub(super) fn encode_index(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * ROW);
    for row in rows {
        for number in [row.offset, row.length, row.checksum, row.entries] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&row.state.to_le_bytes());
        bytes.extend_from_slice(&row.group.to_le_bytes());
    }
    bytes
}

/// The error is what was found.
pub(super) fn decode_index(bytes: &[u8]) -> Result<Vec<Row>, String> {
    if !bytes.len().is_multiple_of(ROW) {
        return Err(format!("its index has {} bytes", bytes.len()));
    }
    let rows = bytes.chunks_exact(ROW).map(|row| Row {
        offset: u64_at(row, 0),
        length: u64_at(row, 8),
        checksum: u64_at(row, 16),
        entries: u64_at(row, 24),
        state: u32_at(row, 32),
        group: u32_at(row, 36),
    });
    Ok(rows.collect())
}

/// The trailer of a file of that length, whose index begins at `index`.
pub(super) fn trailer(index: u64, length: u64) -> [u8; TRAILER as usize] {
    let mut bytes = [0; TRAILER as usize];
    bytes[..8].copy_from_slice(&index.to_le_bytes());
    bytes[8..16].copy_from_slice(&length.to_le_bytes());
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..16]);
    bytes[16..24].copy_from_slice(&checksum.to_le_bytes());
    bytes[24..].copy_from_slice(&END);
    bytes
}

/// Where the index begins, as the trailer tells. The error is what was found.
pub(super) fn index_offset(bytes: &[u8; TRAILER as usize], length: u64) -> Result<u64, String> {
    if bytes[24..] != END {
        return Err("its end is missing: it has been cut off, or was never finished".to_owned());
    }
    let index = u64_at(bytes, 0);
    if *bytes != trailer(index, length) {
        return Err(format!("its trailer does not belong to a file of {length} bytes"));
    }
    Ok(index)
}

/// Adds an entry to a section's payload.
pub(super) fn put_entry(payload: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for part in [key, value] {
        let mut length = part.len();
        while length >= 0x80 {
            payload.push(length as u8 | 0x80);
            length >>= 7;
        }
        payload.push(length as u8);
        payload.extend_from_slice(part);
    }
}

/// Takes an entry from the front of a section's payload; `None` if it is no entry.
pub(super) fn take_entry<'a>(payload: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    Some((take_part(payload)?, take_part(payload)?))
}

fn take_part<'a>(payload: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (mut length, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = payload.split_first()?;
        *payload = rest;
        length |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
        if shift > 56 {
            return None;
        }
    }
    let (part, rest) = payload.split_at_checked(usize::try_from(length).ok()?)?;
    *payload = rest;
    Some(part)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_are_read_as_they_were_written(
            entries in vec((vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..300)), 0..20),
        ) {
            let mut payload = Vec::new();
            entries.iter().for_each(|(key, value)| put_entry(&mut payload, key, value));
            let mut rest = payload.as_slice();
            for (key, value) in &entries {
                prop_assert_eq!(take_entry(&mut rest), Some((key.as_slice(), value.as_slice())));
            }
            prop_assert_eq!(take_entry(&mut rest), None);
        }

        #[test]
        fn no_bytes_make_reading_entries_panic(bytes in vec(any::<u8>(), 0..100)) {
            let mut rest = bytes.as_slice();
            while take_entry(&mut rest).is_some() {}
        }
    }

    #[test]
    fn the_index_is_frozen() {
        let row = Row { offset: 1, length: 2, checksum: 3, entries: 4, state: 5, group: 6 };
        let bytes = encode_index(&[row]);
        let numbers: Vec<u64> = (0..4).map(|at| u64_at(&bytes, at * 8)).collect();
        assert_eq!((numbers, bytes[32], bytes[36], bytes.len()), (vec![1, 2, 3, 4], 5, 6, 40));
        assert_eq!(decode_index(&bytes), Ok(vec![row]));
        assert!(decode_index(&bytes[1..]).is_err());
    }
}
