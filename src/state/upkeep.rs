//! What a store does with its tables, whatever their types: hand off, let go, count.

use super::Error;
use super::arena::Arena;
use super::shape::{FullKey, Keyed, Namespace, Shape};
use super::space::Slot;
use super::table::Table;
use crate::record::Key;
use std::mem;

/// A table, as the store sees it.
pub(super) trait Upkeep {
    /// Whether something changed since the last hand-off.
    fn is_dirty(&self) -> bool;

    /// Writes all that changed since the last hand-off, which becomes clean under this number. The first error is returned;
    /// its slot stays dirty.
    fn hand_off(&mut self, number: u32, arena: &mut Arena) -> Result<(), Error>;

    /// All hand-offs up to this number are in the file.
    fn committed(&mut self, number: u32);

    /// Lets go of clean slots, for about that many bytes; returns how many.
    fn evict(&mut self, bytes: usize) -> usize;

    /// About how many bytes it takes in memory, and how many of those are dirty.
    fn usage(&self) -> (usize, usize);
}

impl<N: Namespace, K: Key, S: Shape> Table<N, K, S> {
    /// A slot's share of the table: hash tables are at most seven eighths full, with one more byte for each bucket.
    const SLOT: usize = mem::size_of::<Slot<K, S>>() * 8 / 7 + 2;
    const HEAP: bool = S::HEAP || mem::needs_drop::<K>();

    /// About how many bytes the slots take in memory. What keys and values own elsewhere cannot be seen; it is taken to be
    /// as large as their encoding, which is measured at each hand-off, and an allocation's overhead.
    pub(super) fn bytes(&self) -> usize {
        let heap = if Self::HEAP { self.entry_bytes + 16 } else { 0 };
        self.len * Self::SLOT + self.cells * (S::CELL + heap)
    }
}

impl<N: Namespace, K: Key, S: Shape> Upkeep for Table<N, K, S> {
    fn is_dirty(&self) -> bool {
        self.dirty > 0 || self.dead.arena.len() > 0
    }

    fn hand_off(&mut self, number: u32, arena: &mut Arena) -> Result<(), Error> {
        // Tombstones first: what was removed and came back is written behind them, and the later entry counts.
        if self.dead.arena.len() > 0 {
            arena.append(&self.dead.arena);
            self.frozen.push_back((number, mem::take(&mut self.dead)));
        }
        let (bytes, entries) = (arena.len(), arena.entries());
        arena.reserve(self.dirty * (self.entry_bytes + 8));
        let mut refused = None;
        let namespaces: Vec<N> = match self.soiled.take() {
            Some(soiled) => soiled,
            None => self.index.namespaces().collect(),
        };
        for &namespace in &namespaces {
            let Some(space) = self.index.get(namespace) else { continue };
            let space = &mut self.spaces[space];
            if space.dirty == 0 {
                continue;
            }
            let state = self.state;
            self.dirty -= space.clean(|slot| {
                let full = FullKey { state, namespace, at: Keyed { key: &slot.key, hash: slot.hash } };
                match slot.shape.save(&full, arena) {
                    Ok(()) => slot.mark.hand_off(number),
                    Err(error) => refused = refused.take().or(Some(error)),
                }
                !slot.mark.is_dirty()
            });
        }
        let average = (arena.len() - bytes).checked_div(arena.entries() - entries);
        self.entry_bytes = average.unwrap_or(self.entry_bytes);
        match refused {
            // The list of soiled namespaces is gone: the next hand-off looks at all.
            Some(error) => Err(self.names.codec(error)),
            None => {
                self.soiled = Some(Vec::new());
                Ok(())
            }
        }
    }

    fn committed(&mut self, number: u32) {
        self.committed = number;
        while self.frozen.front().is_some_and(|&(frozen, _)| frozen <= number) {
            self.frozen.pop_front();
        }
    }

    fn evict(&mut self, bytes: usize) -> usize {
        Table::evict(self, bytes)
    }

    fn usage(&self) -> (usize, usize) {
        let total = self.bytes();
        let dirty = if self.len == 0 { 0 } else { (total as u128 * self.dirty as u128 / self.len as u128) as usize };
        let frozen: usize = self.frozen.iter().map(|(_, dead)| dead.arena.len()).sum();
        (total + self.dead.arena.len() + frozen, dirty + self.dead.arena.len())
    }
}
