//! Where in which file reading goes on.
//!
//! Stored as JSON: `{"offset": 1234, "head": {"length": 256, "hash": 987}, "file": {"device": 1, "inode": 2}}`. `head` is
//! the XXH3 hash of the first bytes (at most 256, none behind the offset) of the text, after decompression. `file` is there
//! for followed files only.

use crate::connector::line::LineBlock;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;

/// How many bytes a fingerprint covers at most.
const HEAD_BYTES: usize = 256;

/// The place behind the last whole line that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePosition {
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) head: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileId>,
}

impl FilePosition {
    /// A position in an input that cannot be compared with anything.
    pub(super) fn unchecked(offset: u64) -> Self {
        FilePosition { offset, head: Fingerprint::default(), file: None }
    }

    /// The position at an earlier offset of the same file; without a fingerprint where that covers bytes behind it.
    pub(super) fn at(self, offset: u64) -> Self {
        let head = if self.head.length as u64 <= offset { self.head } else { Fingerprint::default() };
        FilePosition { offset, head, ..self }
    }
}

/// What a file is known by while it is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Without inodes every file looks the same, so that rotation is noticed only where the file gets shorter.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        FileId { device: 0, inode: 0 }
    }
}

/// The hash of a file's first `length` bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    length: usize,
    hash: u64,
}

impl Fingerprint {
    /// Whether the text that begins with `bytes` is the one this was taken of.
    pub(super) fn matches(self, bytes: &[u8]) -> bool {
        self.length == 0 || bytes.get(..self.length).is_some_and(|head| xxhash_rust::xxh3::xxh3_64(head) == self.hash)
    }
}

/// The first bytes of a text, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Head {
    /// The head of a text that was read up to `offset`, of which `bytes` is the beginning.
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(HEAD_BYTES);
        let fingerprint = Fingerprint { length: bytes.len(), hash: xxhash_rust::xxh3::xxh3_64(&bytes) };
        Head { bytes, fingerprint }
    }

    /// How many bytes make the head of a text that was read up to `offset`.
    pub(super) fn length_at(offset: u64) -> usize {
        usize::try_from(offset).map_or(HEAD_BYTES, |offset| offset.min(HEAD_BYTES))
    }

    /// Takes notice of the next block.
    pub(super) fn extend(&mut self, block: &LineBlock) {
        if self.bytes.len() < HEAD_BYTES && block.offset() == self.bytes.len() as u64 {
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.extend(block.bytes().iter().take(HEAD_BYTES - bytes.len()));
            *self = Head::new(bytes);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_knows_its_text_when_it_has_grown() {
        let print = Head::new(b"ada\n".to_vec()).fingerprint();
        assert!(print.matches(b"ada\nbob\n"));
        assert!(!print.matches(b"bob\nada\n") && !print.matches(b"ada"));
        assert!(Fingerprint::default().matches(b""));
    }

    #[test]
    fn a_head_is_of_limited_length() {
        assert_eq!(Head::new(vec![b'x'; 1000]).bytes().len(), HEAD_BYTES);
        assert_eq!((Head::length_at(10), Head::length_at(u64::MAX)), (10, HEAD_BYTES));
    }

    #[test]
    fn stored_positions_of_the_first_version_open() {
        let stored = r#"{"offset":7,"head":{"length":4,"hash":5},"file":{"device":1,"inode":2}}"#;
        let position: FilePosition = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&position).unwrap(), stored);
        let short: FilePosition = serde_json::from_str(r#"{"offset":7}"#).unwrap();
        assert_eq!(short, FilePosition::unchecked(7));
    }
}
