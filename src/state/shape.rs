//! What a slot of a table holds, and which stored entries stand for it.
//!
//! Entries lie under their *full key*: key group (1 byte), state (1 byte), namespace (0 or 8 bytes), key, sub-key. Keys are
//! stored in postcard, which tells by itself where a value ends, so no full key of one slot is the beginning of another's.

use super::arena::Arena;
use super::ttl::Aging;
use crate::record::{CodecError, Key, KeyGroup, decode, encode_into};
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// What can be kept as state: owned data with a stored form. Implemented for every type that has one.
pub trait StateValue: Serialize + DeserializeOwned + 'static {}

impl<T: Serialize + DeserializeOwned + 'static> StateValue for T {}

/// A key and its hash, which travels with the record.
#[derive(Debug)]
pub struct Keyed<'a, K> {
    /// The key.
    pub key: &'a K,
    /// What [`hash_key`](crate::record::hash_key) says of it.
    pub hash: u64,
}

impl<'a, K: Serialize> Keyed<'a, K> {
    /// A key whose hash is not at hand.
    ///
    /// # Panics
    /// If the key's own `Serialize` refuses it.
    pub fn of(key: &'a K) -> Self {
        Keyed { key, hash: crate::record::hash_key(key) }
    }
}

impl<K> Clone for Keyed<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Keyed<'_, K> {}

/// What state is divided by before its keys: nothing, or the end of a window. Has a stored form of fixed size that sorts as
/// it does.
pub(super) trait Namespace: Copy + Ord + 'static {
    const SIZE: usize;

    fn write(self, out: &mut Vec<u8>);

    /// From the front of `bytes`, which has at least `SIZE`.
    fn read(bytes: &[u8]) -> Self;
}

impl Namespace for () {
    const SIZE: usize = 0;

    fn write(self, _: &mut Vec<u8>) {}

    fn read(_: &[u8]) -> Self {}
}

impl Namespace for Timestamp {
    const SIZE: usize = 8;

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.millis() ^ i64::MIN).to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let number = bytes.iter().take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        Timestamp::from_millis(number as i64 ^ i64::MIN)
    }
}

/// Where a slot's entries lie.
pub(super) struct FullKey<'a, N, K> {
    pub(super) state: u8,
    pub(super) namespace: N,
    pub(super) at: Keyed<'a, K>,
}

impl<N: Namespace, K: Key> FullKey<'_, N, K> {
    /// Appends the full key with an empty sub-key.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(&[KeyGroup::of(self.at.hash).index() as u8, self.state]);
        self.namespace.write(out);
        encode_into(self.at.key, out)
    }
}

/// What a slot of a table holds.
pub(super) trait Shape: Sized + 'static {
    /// Whether a slot is one stored entry with an empty sub-key.
    const SINGLE: bool;
    /// Memory of a cell, in bytes, beyond the slot.
    const CELL: usize;
    /// Whether cells own memory elsewhere.
    const HEAP: bool;

    /// How many cells it has: about as many as stored entries.
    fn cells(&self) -> usize;

    /// Writes the entries that have changed since the last time.
    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError>;

    /// Adds a stored entry, in the order of sub-keys, to what has been loaded.
    fn load(loaded: &mut Option<Self>, sub_key: &[u8], value: &[u8]) -> Result<(), CodecError>;

    /// Names the sub-keys of all entries that are stored below, at most. `stored`: whether it has ever been handed off.
    fn stored(&self, stored: bool, name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError>;

    /// When the part that was used last was used; `None` if it does not age.
    fn last_use(&self) -> Option<Timestamp>;

    /// Forgets the parts that are over, where they are not the whole.
    fn forget_over(&mut self, aging: &Aging);
}

/// A value in a slot or a map, which may bear the stamp of its last use.
pub(super) trait Hold: Sized + 'static {
    /// What it holds.
    type Value: StateValue;
    /// Whether it bears a stamp.
    const AGES: bool;

    /// Holds a value that is used now.
    fn new(value: Self::Value, aging: Option<&Aging>) -> Self;

    fn value(&self) -> &Self::Value;

    /// The value, to change: it is used now.
    fn value_mut(&mut self, aging: Option<&Aging>) -> &mut Self::Value;

    fn into_value(self) -> Self::Value;

    /// When it was used last, if it bears a stamp.
    fn stamp(&self) -> Option<Timestamp>;

    /// Appends its stored form.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// From its stored form.
    fn read(bytes: &[u8]) -> Result<Self, CodecError>;

    /// Whether it may be seen.
    #[inline]
    fn lives(&self, aging: Option<&Aging>) -> bool {
        !Self::AGES || !aging.zip(self.stamp()).is_some_and(|(aging, stamp)| aging.is_over(stamp))
    }

    /// Whether reading it changes its stamp.
    #[inline]
    fn is_refreshed_by_reading(&self, aging: Option<&Aging>) -> bool {
        Self::AGES && aging.is_some_and(|aging| aging.ttl.on_read && self.stamp() != Some(aging.now()))
    }
}

/// A single value.
pub(super) struct One<V>(pub(super) V);

impl<V: StateValue> Hold for One<V> {
    type Value = V;
    const AGES: bool = false;

    #[inline]
    fn new(value: V, _: Option<&Aging>) -> Self {
        One(value)
    }

    #[inline]
    fn value(&self) -> &V {
        &self.0
    }

    #[inline]
    fn value_mut(&mut self, _: Option<&Aging>) -> &mut V {
        &mut self.0
    }

    fn into_value(self) -> V {
        self.0
    }

    fn stamp(&self) -> Option<Timestamp> {
        None
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        encode_into(&self.0, out)
    }

    fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        decode(bytes).map(One)
    }
}

/// A single value with the stamp of its last use, which is stored before it: milliseconds since 1970 (8 bytes, little
/// endian).
pub(super) struct Aged<V> {
    value: V,
    stamp: Timestamp,
}

impl<V: StateValue> Hold for Aged<V> {
    type Value = V;
    const AGES: bool = true;

    fn new(value: V, aging: Option<&Aging>) -> Self {
        Aged { value, stamp: aging.map_or(Timestamp::MIN, Aging::now) }
    }

    fn value(&self) -> &V {
        &self.value
    }

    fn value_mut(&mut self, aging: Option<&Aging>) -> &mut V {
        self.stamp = aging.map_or(self.stamp, Aging::now);
        &mut self.value
    }

    fn into_value(self) -> V {
        self.value
    }

    fn stamp(&self) -> Option<Timestamp> {
        Some(self.stamp)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        write_stamp(self.stamp, out);
        encode_into(&self.value, out)
    }

    fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let (stamp, value) = read_stamp(bytes);
        Ok(Aged { value: decode(value)?, stamp })
    }
}

/// Appends the stamp of an entry that ages.
pub(super) fn write_stamp(stamp: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&stamp.millis().to_le_bytes());
}

/// The stamp of an entry that ages, and what follows it: nothing if there is none.
pub(super) fn read_stamp(bytes: &[u8]) -> (Timestamp, &[u8]) {
    match bytes.split_first_chunk() {
        Some((stamp, rest)) => (Timestamp::from_millis(i64::from_le_bytes(*stamp)), rest),
        None => (Timestamp::MIN, &[]),
    }
}

impl<H: Hold> Shape for H {
    const SINGLE: bool = true;
    const CELL: usize = 0;
    const HEAP: bool = std::mem::needs_drop::<H>();

    fn cells(&self) -> usize {
        1
    }

    #[inline]
    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError> {
        arena.put(|out| key.write(out), |out| Hold::write(self, out))
    }

    fn load(loaded: &mut Option<Self>, _: &[u8], value: &[u8]) -> Result<(), CodecError> {
        *loaded = Some(H::read(value)?);
        Ok(())
    }

    fn stored(&self, stored: bool, mut name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError> {
        if stored { name(&[]) } else { Ok(()) }
    }

    fn last_use(&self) -> Option<Timestamp> {
        self.stamp()
    }

    fn forget_over(&mut self, _: &Aging) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stored_namespaces_sort_as_they_do(a: i64, b: i64) {
            let stored = |millis| {
                let mut out = Vec::new();
                Timestamp::from_millis(millis).write(&mut out);
                out
            };
            prop_assert_eq!(a.cmp(&b), stored(a).cmp(&stored(b)));
            prop_assert_eq!(Timestamp::read(&stored(a)).millis(), a);
        }
    }

    #[test]
    fn a_full_key_is_frozen() {
        let mut out = Vec::new();
        let at = Keyed { key: &String::from("ada"), hash: 5 << 57 };
        FullKey { state: 2, namespace: Timestamp::from_millis(1), at }.write(&mut out).unwrap();
        assert_eq!(out, [5, 2, 0x80, 0, 0, 0, 0, 0, 0, 1, 3, b'a', b'd', b'a']);
    }
}
