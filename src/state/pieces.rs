//! Lists in memory, and the pieces that they are stored in.
//!
//! A piece is what was appended between two hand-offs, and lies under its number (4 bytes, big endian). So an epoch writes
//! only what it appended.
//!
//! # Lists whose items age
//! Each item has a stamp. Stamps do not go back, so what is over is always the front. A stored piece is the stamp of its last
//! item (8 bytes, little endian: by it the piece can be cleaned up), then, in postcard, its stamps (each with the number of
//! items in a row that have it) and its items.
//!
//! Pieces that are over may outlive their list: it left memory without a tombstone. A younger list of the same key then
//! numbers its pieces from 0 again. Loaded behind those, an old one is known by its stamp, which goes back, and is passed
//! over.

use super::arena::Arena;
use super::shape::{FullKey, Namespace, Shape, StateValue, read_stamp, write_stamp};
use super::ttl::Aging;
use crate::record::{CodecError, Key, decode, encode_into};
use crate::time::Timestamp;
use std::mem;

/// A list in memory.
pub(super) trait List: Shape + Default {
    type Item;

    fn push(&mut self, item: Self::Item, aging: Option<&Aging>);

    /// The items that are not over.
    fn items(&self, aging: Option<&Aging>) -> &[Self::Item];

    /// As [`items`](Self::items).
    fn into_items(self, aging: Option<&Aging>) -> Vec<Self::Item>;

    /// Whether reading it changes its stamps.
    fn is_refreshed_by_reading(&self, aging: Option<&Aging>) -> bool;

    /// All items that are not over have been used now; the others go.
    fn refresh(&mut self, aging: Option<&Aging>);
}

/// A list whose items do not age.
pub(super) struct Pieces<T> {
    items: Vec<T>,
    /// How many items have been handed off.
    stored: usize,
    /// In how many pieces.
    pieces: u32,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Pieces { items: Vec::new(), stored: 0, pieces: 0 }
    }
}

impl<T: StateValue> List for Pieces<T> {
    type Item = T;

    fn push(&mut self, item: T, _: Option<&Aging>) {
        self.items.push(item);
    }

    fn items(&self, _: Option<&Aging>) -> &[T] {
        &self.items
    }

    fn into_items(self, _: Option<&Aging>) -> Vec<T> {
        self.items
    }

    fn is_refreshed_by_reading(&self, _: Option<&Aging>) -> bool {
        false
    }

    fn refresh(&mut self, _: Option<&Aging>) {}
}

impl<T: StateValue> Shape for Pieces<T> {
    const SINGLE: bool = false;
    const CELL: usize = mem::size_of::<T>();
    const HEAP: bool = mem::needs_drop::<T>();

    fn cells(&self) -> usize {
        self.items.len()
    }

    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError> {
        if self.stored == self.items.len() {
            return Ok(());
        }
        let full = |out: &mut Vec<u8>| write_piece_key(key, self.pieces, out);
        arena.put(full, |out| encode_into(&self.items[self.stored..], out))?;
        self.stored = self.items.len();
        self.pieces += 1;
        Ok(())
    }

    fn load(loaded: &mut Option<Self>, sub_key: &[u8], value: &[u8]) -> Result<(), CodecError> {
        let list = loaded.get_or_insert_default();
        list.items.append(&mut decode::<Vec<T>>(value)?);
        list.stored = list.items.len();
        list.pieces = piece_number(sub_key) + 1;
        Ok(())
    }

    fn stored(&self, _: bool, mut name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError> {
        (0..self.pieces).try_for_each(|piece| name(&piece.to_be_bytes()))
    }

    fn last_use(&self) -> Option<Timestamp> {
        None
    }

    fn forget_over(&mut self, _: &Aging) {}
}

fn write_piece_key<N: Namespace, K: Key>(
    key: &FullKey<'_, N, K>,
    piece: u32,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    key.write(out)?;
    out.extend_from_slice(&piece.to_be_bytes());
    Ok(())
}

fn piece_number(sub_key: &[u8]) -> u32 {
    sub_key.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte))
}

/// So many items in a row with the same stamp.
type Stamped = (i64, u32);

/// A list whose items age.
pub(super) struct AgedPieces<T> {
    items: Vec<T>,
    /// The items' stamps, ascending.
    stamps: Vec<Stamped>,
    /// How many items have been handed off as they are.
    stored: usize,
    /// The numbers of stored pieces lie below this one.
    pieces: u32,
}

impl<T> Default for AgedPieces<T> {
    fn default() -> Self {
        AgedPieces { items: Vec::new(), stamps: Vec::new(), stored: 0, pieces: 0 }
    }
}

impl<T> AgedPieces<T> {
    /// How many items at the front are over.
    fn over(&self, aging: Option<&Aging>) -> usize {
        let is_over = |stamp| aging.is_some_and(|aging| aging.is_over(Timestamp::from_millis(stamp)));
        let over = self.stamps.iter().take_while(|(stamp, _)| is_over(*stamp));
        over.map(|(_, count)| *count as usize).sum()
    }

    /// The stamps of all items but the first `skipped`.
    fn stamps_behind(&self, mut skipped: usize) -> Vec<Stamped> {
        let mut rest = Vec::new();
        for &(stamp, count) in &self.stamps {
            let passed = skipped.min(count as usize);
            skipped -= passed;
            if passed < count as usize {
                rest.push((stamp, count - passed as u32));
            }
        }
        rest
    }

    fn note(&mut self, stamp: i64, count: u32) {
        match self.stamps.last_mut() {
            Some((last, items)) if *last == stamp && *items <= u32::MAX - count => *items += count,
            _ => self.stamps.push((stamp, count)),
        }
    }
}

impl<T: StateValue> List for AgedPieces<T> {
    type Item = T;

    fn push(&mut self, item: T, aging: Option<&Aging>) {
        self.items.push(item);
        self.note(aging.map_or(i64::MIN, |aging| aging.now().millis()), 1);
    }

    fn items(&self, aging: Option<&Aging>) -> &[T] {
        &self.items[self.over(aging)..]
    }

    fn into_items(mut self, aging: Option<&Aging>) -> Vec<T> {
        let over = self.over(aging);
        self.items.drain(..over);
        self.items
    }

    fn is_refreshed_by_reading(&self, aging: Option<&Aging>) -> bool {
        aging.is_some_and(|aging| {
            let is_living = self.last_use().is_some_and(|stamp| !aging.is_over(stamp));
            aging.ttl.on_read && is_living && self.stamps.first().is_some_and(|first| first.0 < aging.now().millis())
        })
    }

    fn refresh(&mut self, aging: Option<&Aging>) {
        let Some(aging) = aging else { return };
        self.forget_over(aging);
        self.stamps.clear();
        self.note(aging.now().millis(), self.items.len() as u32);
        self.stored = 0;
    }
}

impl<T: StateValue> Shape for AgedPieces<T> {
    const SINGLE: bool = false;
    const CELL: usize = mem::size_of::<T>();
    const HEAP: bool = mem::needs_drop::<T>();

    fn cells(&self) -> usize {
        self.items.len()
    }

    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError> {
        let Some(last_use) = self.last_use().filter(|_| self.stored < self.items.len()) else { return Ok(()) };
        // With nothing stored as it is, the list begins anew, and its older pieces go.
        let piece = if self.stored == 0 { 0 } else { self.pieces };
        arena.put(
            |out| write_piece_key(key, piece, out),
            |out| {
                write_stamp(last_use, out);
                encode_into(&(self.stamps_behind(self.stored), &self.items[self.stored..]), out)
            },
        )?;
        for older in piece + 1..self.pieces {
            arena.bury(|out| write_piece_key(key, older, out))?;
        }
        self.stored = self.items.len();
        self.pieces = piece + 1;
        Ok(())
    }

    fn load(loaded: &mut Option<Self>, sub_key: &[u8], value: &[u8]) -> Result<(), CodecError> {
        let list = loaded.get_or_insert_default();
        let (last_use, value) = read_stamp(value);
        if list.last_use().is_some_and(|known| last_use < known) {
            return Ok(());
        }
        let (stamps, mut items) = decode::<(Vec<Stamped>, Vec<T>)>(value)?;
        if stamps.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() == items.len() as u64 {
            stamps.into_iter().for_each(|(stamp, count)| list.note(stamp, count));
        } else {
            // Such a piece is never written; its items still live no longer than its own stamp says.
            list.note(last_use.millis(), items.len() as u32);
        }
        list.items.append(&mut items);
        list.stored = list.items.len();
        list.pieces = piece_number(sub_key) + 1;
        Ok(())
    }

    fn stored(&self, _: bool, mut name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError> {
        (0..self.pieces).try_for_each(|piece| name(&piece.to_be_bytes()))
    }

    fn last_use(&self) -> Option<Timestamp> {
        self.stamps.last().map(|(stamp, _)| Timestamp::from_millis(*stamp))
    }

    fn forget_over(&mut self, aging: &Aging) {
        let over = self.over(Some(aging));
        self.stamps = self.stamps_behind(over);
        self.items.drain(..over);
        self.stored = self.stored.saturating_sub(over);
    }
}
