//! The slots of one namespace, and which of them have changed.

use super::shape::Shape;
use hashbrown::HashTable;
use std::mem;

/// When a slot was last written, whether it is stored below, and whether it has been used lately; in 32 bits, so that small
/// slots stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u32);

impl Mark {
    const REFERENCED: u32 = 1 << 31;
    const STORED: u32 = 1 << 30;
    /// In place of the hand-off's number: changed since the last one.
    const DIRTY: u32 = Mark::STORED - 1;

    /// A new slot.
    pub(super) const NEW: Mark = Mark(Mark::DIRTY | Mark::REFERENCED);
    /// A slot that was read from below.
    pub(super) const LOADED: Mark = Mark(Mark::STORED | Mark::REFERENCED);

    pub(super) fn is_dirty(self) -> bool {
        self.0 & Mark::DIRTY == Mark::DIRTY
    }

    /// Whether an entry of it is, or is on its way to be, below.
    pub(super) fn is_stored(self) -> bool {
        self.0 & Mark::STORED != 0
    }

    /// Changed since the last hand-off.
    #[inline]
    pub(super) fn soil(&mut self) {
        self.0 |= Mark::DIRTY | Mark::REFERENCED;
    }

    /// Handed off under that number, below 2^30 - 1.
    pub(super) fn hand_off(&mut self, number: u32) {
        self.0 = self.0 & Mark::REFERENCED | Mark::STORED | number;
    }

    #[inline]
    pub(super) fn refer(&mut self) {
        self.0 |= Mark::REFERENCED;
    }

    /// Whether the slot may go once all hand-offs up to `committed` are durable. One that has been used lately is spared
    /// this time.
    pub(super) fn may_go(&mut self, committed: u32) -> bool {
        let spared = self.0 & Mark::REFERENCED != 0;
        self.0 &= !Mark::REFERENCED;
        !spared && self.0 & Mark::DIRTY <= committed
    }
}

/// A key with what it holds.
pub(super) struct Slot<K, S> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) shape: S,
    pub(super) mark: Mark,
}

/// Where a key stands in a table. The hash's upper seven bits are its key group, and a subtask owns few of those; the table
/// looks at the upper seven and the lower bits, so the group moves to where it does not look.
#[inline]
pub(super) fn position(hash: u64) -> u64 {
    hash.rotate_right(7)
}

/// The slots of one namespace.
pub(super) struct Space<K, S> {
    pub(super) slots: HashTable<Slot<K, S>>,
    /// How many slots are dirty.
    pub(super) dirty: usize,
    /// The hashes of the dirty slots, unless they are too many to list.
    listed: Vec<u64>,
    unlisted: bool,
    /// How many living keys of the namespace are only below.
    pub(super) evicted: usize,
}

impl<K, S> Default for Space<K, S> {
    fn default() -> Self {
        Space { slots: HashTable::new(), dirty: 0, listed: Vec::new(), unlisted: false, evicted: 0 }
    }
}

impl<K, S: Shape> Space<K, S> {
    /// Whether nothing is in it, nor below it.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.evicted == 0
    }

    /// Notes that a slot has become dirty. Beyond a sixteenth of all, a hand-off looks at every slot instead.
    #[inline]
    pub(super) fn note_dirty(&mut self, hash: u64) {
        self.dirty += 1;
        if !self.unlisted {
            if self.listed.len() < 16.max(self.slots.len() / 16) {
                self.listed.push(hash);
            } else {
                self.unlisted = true;
                self.listed.clear();
            }
        }
    }

    /// Adds a slot whose key is not there.
    pub(super) fn insert(&mut self, slot: Slot<K, S>) -> usize {
        let hash = slot.hash;
        if slot.mark.is_dirty() {
            self.note_dirty(hash);
        }
        self.slots.insert_unique(position(hash), slot, |slot| position(slot.hash)).bucket_index()
    }

    /// Takes a slot out. `bucket` is where one is.
    pub(super) fn remove(&mut self, bucket: usize) -> Option<Slot<K, S>> {
        let (slot, _) = self.slots.get_bucket_entry(bucket).ok()?.remove();
        self.dirty -= usize::from(slot.mark.is_dirty());
        Some(slot)
    }

    /// Runs `save` for each dirty slot. Slots that it refuses (`false`) stay dirty. Returns how many did not.
    pub(super) fn clean(&mut self, mut save: impl FnMut(&mut Slot<K, S>) -> bool) -> usize {
        let before = self.dirty;
        let dirty = &mut self.dirty;
        let mut visit = |slot: &mut Slot<K, S>| *dirty -= usize::from(save(slot));
        if mem::take(&mut self.unlisted) {
            self.slots.iter_mut().filter(|slot| slot.mark.is_dirty()).for_each(&mut visit);
        } else {
            for hash in self.listed.drain(..) {
                // Each of two keys with one hash has been listed, and the first is clean when the second is looked for.
                if let Some(slot) = self.slots.find_mut(position(hash), |s| s.hash == hash && s.mark.is_dirty()) {
                    visit(slot);
                }
            }
        }
        self.unlisted = self.dirty > 0;
        before - self.dirty
    }

    /// Takes out all dirty slots.
    pub(super) fn take_dirty(&mut self) -> Vec<Slot<K, S>> {
        let mut taken = Vec::with_capacity(self.dirty);
        let is_it = |slot: &mut Slot<K, S>| slot.mark.is_dirty();
        if mem::take(&mut self.unlisted) {
            taken.extend(self.slots.extract_if(is_it));
            self.listed.clear();
        } else {
            for hash in self.listed.drain(..) {
                let entry = self.slots.find_entry(position(hash), |slot| slot.hash == hash && slot.mark.is_dirty());
                taken.extend(entry.ok().map(|entry| entry.remove().0));
            }
        }
        self.dirty = 0;
        taken
    }

    /// Makes it empty but keeps its memory, for the next namespace.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.listed.clear();
        (self.dirty, self.unlisted, self.evicted) = (0, false, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::One;
    use super::*;

    #[test]
    fn a_mark_tells_what_may_go() {
        let mut mark = Mark::NEW;
        assert!(mark.is_dirty() && !mark.is_stored() && !mark.may_go(7));
        assert!(!mark.may_go(7), "dirty");
        mark.hand_off(8);
        assert!(!mark.is_dirty() && mark.is_stored() && !mark.may_go(7) && mark.may_go(8));
        mark.refer();
        assert!(!mark.may_go(8) && mark.may_go(8), "spared once");
        mark.soil();
        assert!(mark.is_dirty() && mark.is_stored());
    }

    #[test]
    fn dirty_slots_are_cleaned_once_listed_or_not() {
        let mut space = Space::default();
        for changed in [1_000, 3, 0, 15, 200] {
            for i in 0..changed {
                let hash = crate::record::hash_key(&i);
                match space.slots.find_mut(position(hash), |slot: &Slot<i32, One<i32>>| slot.key == i) {
                    Some(slot) => {
                        slot.mark.soil();
                        space.note_dirty(hash);
                    }
                    None => drop(space.insert(Slot { hash, key: i, shape: One(0), mark: Mark::NEW })),
                }
            }
            let mut seen = Vec::new();
            let cleaned = space.clean(|slot| {
                seen.push(slot.key);
                slot.mark.hand_off(1);
                true
            });
            seen.sort_unstable();
            assert_eq!((cleaned, space.dirty), (changed as usize, 0));
            assert_eq!(seen, (0..changed).collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_keys_with_one_hash_are_both_cleaned() {
        let mut space = Space::default();
        for key in [1, 2] {
            space.insert(Slot { hash: 9, key, shape: One(0), mark: Mark::NEW });
        }
        let cleaned = space.clean(|slot| {
            slot.mark.hand_off(1);
            true
        });
        assert_eq!((cleaned, space.dirty), (2, 0));
    }
}
