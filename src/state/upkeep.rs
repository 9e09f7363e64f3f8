//! What a store does with its tables, whatever their types: hand off, let go, count.

use super::Error;
use super::arena::Arena;
use super::shape::{FullKey, Keyed, Namespace, Shape};
use super::space::{Slot, position};
use super::table::{Place, Table};
use super::ttl::{Expiry, due};
use crate::record::Key;
use crate::time::Timestamp;
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

    /// If its slots age: lets go of slots that are over, in as much of the table as time has gone on.
    fn forget_over(&mut self);

    /// Which of its entries are over now. `None` if none can be.
    fn expiry(&self) -> Option<Expiry>;
}

/// How far a table's search for slots that are over has come.
pub(super) struct Cleaned {
    hand: Place,
    /// The time up to which the search has been made.
    at: Option<Timestamp>,
}

impl Default for Cleaned {
    fn default() -> Self {
        Cleaned { hand: Place { space: 0, bucket: 0 }, at: None }
    }
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

    /// Lets go of the room that a search for what is over has emptied.
    fn shrink(&mut self) {
        let namespaces: Vec<N> = self.index.namespaces().collect();
        for namespace in namespaces {
            let Some(at) = self.index.get(namespace) else { continue };
            let slots = &mut self.spaces[at].slots;
            if slots.len() < slots.capacity() / 8 {
                slots.shrink_to(2 * slots.len(), |slot| position(slot.hash));
            }
            if self.spaces[at].is_empty() {
                self.release(namespace, at);
            }
        }
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

    fn forget_over(&mut self) {
        let Some(aging) = self.aging.clone() else { return };
        let settled = self.ages.settle(&aging);
        if let Some((_, space)) = self.index.first() {
            self.spaces[space].evicted -= settled;
        }
        let total: usize = self.spaces.iter().map(|space| space.slots.num_buckets() + 1).sum();
        let mut left = match self.cleaned.at {
            Some(at) => due(total as u64, at, aging.now(), aging.ttl.millis) as usize,
            None => total,
        };
        if left > 0 {
            self.cleaned.at = Some(aging.now());
        }
        while left > 0 {
            left -= 1;
            let Place { space: at, bucket } = self.cleaned.hand;
            let Some(space) = self.spaces.get_mut(at) else {
                self.cleaned.hand = Place { space: 0, bucket: 0 };
                self.shrink();
                continue;
            };
            if bucket >= space.slots.num_buckets() {
                self.cleaned.hand = Place { space: at + 1, bucket: 0 };
                continue;
            }
            self.cleaned.hand.bucket += 1;
            let Some(slot) = space.slots.get_bucket_mut(bucket) else { continue };
            if slot.shape.last_use().is_some_and(|stamp| aging.is_over(stamp)) {
                // Also if it is dirty: what is stored of it is older, so it is over too.
                let gone = space.remove(bucket);
                gone.into_iter().for_each(|slot| self.forget(&slot));
            } else {
                let before = slot.shape.cells();
                slot.shape.forget_over(&aging);
                self.cells -= before - slot.shape.cells();
            }
        }
    }

    fn expiry(&self) -> Option<Expiry> {
        let aging = self.aging.as_ref()?;
        Some(Expiry { state: self.state, now: aging.now(), ttl_millis: aging.ttl.millis, cutoff: aging.cutoff()? })
    }
}
