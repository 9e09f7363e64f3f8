//! Short byte strings without an allocation, long ones shared.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// So many bytes lie in the value itself. With it a row takes 40 bytes.
const INLINE: usize = 38;

/// Bytes that do not change. Compared, ordered and hashed as bytes; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Bytes(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Arc<[u8]>),
}

impl Bytes {
    /// A copy of these.
    #[inline]
    pub(super) fn copy(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE {
            let mut inline = [0; INLINE];
            inline[..bytes.len()].copy_from_slice(bytes);
            Bytes(Repr::Inline { length: bytes.len() as u8, bytes: inline })
        } else {
            Bytes(Repr::Shared(Arc::from(bytes)))
        }
    }

    /// All of them.
    #[inline]
    pub(super) fn get(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The same with another first byte; there must be one.
    pub(super) fn with_first(&self, first: u8) -> Self {
        let mut bytes = self.get().to_vec();
        bytes[0] = first;
        Bytes::copy(&bytes)
    }

    /// As hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        use fmt::Write;
        self.get().iter().fold(String::new(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Of hexadecimal digits; `None` if they are none.
    pub(super) fn of_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let digit = |at: usize| (digits[at] as char).to_digit(16);
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        let bytes = (0..digits.len()).step_by(2).map(|at| Some((digit(at)? << 4 | digit(at + 1)?) as u8));
        bytes.collect::<Option<Vec<_>>>().map(|bytes| Bytes::copy(&bytes))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bytes {}

impl PartialOrd for Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bytes {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.get().cmp(other.get())
    }
}

impl std::hash::Hash for Bytes {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.get())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taker;

        impl Visitor<'_> for Taker {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes::copy(bytes))
            }
        }

        deserializer.deserialize_bytes(Taker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_ones_are_compared_alike() {
        for length in [0, 1, INLINE, INLINE + 1, 1000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let copy = Bytes::copy(&bytes);
            assert_eq!(copy.get(), bytes);
            assert_eq!(Bytes::of_hex(&copy.hex()), Some(copy));
        }
        assert!(Bytes::copy(&[1; INLINE]) < Bytes::copy(&[1; INLINE + 1]));
        assert!(Bytes::of_hex("0").is_none() && Bytes::of_hex("0g").is_none());
    }

    #[test]
    fn a_row_takes_no_more_than_five_words() {
        assert_eq!(size_of::<Bytes>(), 40);
    }
}
