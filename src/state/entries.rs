//! A map in memory: sorted, each entry knowing whether it changed.

use super::arena::Arena;
use super::shape::{FullKey, Hold, Namespace, Shape};
use super::ttl::Aging;
use crate::record::{CodecError, Key, decode, encode_into};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::mem;
use std::ops::{Bound, RangeBounds};

/// Up to this many entries a map is a sorted vector.
const SMALL: usize = 64;

/// A map's value.
#[derive(Debug)]
pub(super) struct Cell<UV> {
    pub(super) value: UV,
    dirty: bool,
    /// Whether it is below, or on its way there.
    pub(super) stored: bool,
}

/// The entries of one key's map. Each is stored by itself, the map's key being the sub-key, so an epoch writes only the
/// entries that it changed.
pub(super) struct Entries<UK, UV> {
    sorted: Sorted<UK, UV>,
    /// The keys of dirty entries of a large map, unless too many to list.
    changed: Option<Vec<UK>>,
}

enum Sorted<UK, UV> {
    Small(Vec<(UK, Cell<UV>)>),
    Large(BTreeMap<UK, Cell<UV>>),
}

impl<UK: Key, UV> Entries<UK, UV> {
    pub(super) fn new() -> Self {
        Entries { sorted: Sorted::Small(Vec::new()), changed: Some(Vec::new()) }
    }

    pub(super) fn len(&self) -> usize {
        match &self.sorted {
            Sorted::Small(entries) => entries.len(),
            Sorted::Large(entries) => entries.len(),
        }
    }

    pub(super) fn get(&self, key: &UK) -> Option<&UV> {
        let cell = match &self.sorted {
            Sorted::Small(entries) => entries.binary_search_by(|(k, _)| k.cmp(key)).ok().map(|i| &entries[i].1),
            Sorted::Large(entries) => entries.get(key),
        };
        cell.map(|cell| &cell.value)
    }

    /// The value, to change: marked before it is given out.
    pub(super) fn get_mut(&mut self, key: &UK) -> Option<&mut UV> {
        let cell = match &mut self.sorted {
            Sorted::Small(entries) => entries.binary_search_by(|(k, _)| k.cmp(key)).ok().map(|i| &mut entries[i].1)?,
            Sorted::Large(entries) => {
                let few = 16.max(entries.len() / 16);
                let cell = entries.get_mut(key)?;
                if !cell.dirty {
                    note(&mut self.changed, key, few);
                }
                cell
            }
        };
        cell.dirty = true;
        Some(&mut cell.value)
    }

    /// Adds an entry that is not there.
    pub(super) fn insert(&mut self, key: UK, value: UV) {
        self.insert_cell(key, Cell { value, dirty: true, stored: false });
    }

    fn insert_cell(&mut self, key: UK, cell: Cell<UV>) {
        match &mut self.sorted {
            Sorted::Small(entries) if entries.len() < SMALL => {
                let (Ok(i) | Err(i)) = entries.binary_search_by(|(k, _)| k.cmp(&key));
                entries.insert(i, (key, cell));
            }
            Sorted::Small(entries) => {
                self.sorted = Sorted::Large(mem::take(entries).into_iter().collect());
                // Which of them are dirty is not listed.
                self.changed = None;
                self.insert_cell(key, cell);
            }
            Sorted::Large(entries) => {
                if cell.dirty {
                    note(&mut self.changed, &key, 16.max(entries.len() / 16));
                }
                entries.insert(key, cell);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &UK) -> Option<Cell<UV>> {
        match &mut self.sorted {
            Sorted::Small(entries) => {
                let i = entries.binary_search_by(|(k, _)| k.cmp(key)).ok()?;
                Some(entries.remove(i).1)
            }
            Sorted::Large(entries) => entries.remove(key),
        }
    }

    /// The entries in a range, in order, from either end.
    ///
    /// A range that ends before it begins is empty.
    pub(super) fn range(&self, range: impl RangeBounds<UK>) -> Range<'_, UK, UV> {
        let (start, end) = (range.start_bound(), range.end_bound());
        match &self.sorted {
            Sorted::Small(entries) => {
                let from = match start {
                    Bound::Included(start) => entries.partition_point(|(k, _)| k < start),
                    Bound::Excluded(start) => entries.partition_point(|(k, _)| k <= start),
                    Bound::Unbounded => 0,
                };
                let to = match end {
                    Bound::Included(end) => entries.partition_point(|(k, _)| k <= end),
                    Bound::Excluded(end) => entries.partition_point(|(k, _)| k < end),
                    Bound::Unbounded => entries.len(),
                };
                Range::Small(entries[from.min(to)..to].iter())
            }
            Sorted::Large(_) if is_reversed(start, end) => Range::Small([].iter()),
            Sorted::Large(entries) => Range::Large(entries.range((start, end))),
        }
    }
}

/// Whether a `BTreeMap` would refuse the range.
fn is_reversed<UK: Ord>(start: Bound<&UK>, end: Bound<&UK>) -> bool {
    match (start, end) {
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start > end,
        _ => false,
    }
}

/// Lists a dirty entry, unless there are more than a few.
fn note<UK: Clone>(changed: &mut Option<Vec<UK>>, key: &UK, few: usize) {
    match changed {
        Some(keys) if keys.len() < few => keys.push(key.clone()),
        _ => *changed = None,
    }
}

/// Entries in order.
pub(super) enum Range<'a, UK, UV> {
    Small(std::slice::Iter<'a, (UK, Cell<UV>)>),
    Large(std::collections::btree_map::Range<'a, UK, Cell<UV>>),
}

impl<'a, UK, UV> Iterator for Range<'a, UK, UV> {
    type Item = (&'a UK, &'a UV);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Range::Small(entries) => entries.next().map(|(key, cell)| (key, &cell.value)),
            Range::Large(entries) => entries.next().map(|(key, cell)| (key, &cell.value)),
        }
    }
}

impl<UK, UV> DoubleEndedIterator for Range<'_, UK, UV> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Range::Small(entries) => entries.next_back().map(|(key, cell)| (key, &cell.value)),
            Range::Large(entries) => entries.next_back().map(|(key, cell)| (key, &cell.value)),
        }
    }
}

impl<UK: Key, H: Hold> Shape for Entries<UK, H> {
    const SINGLE: bool = false;
    const CELL: usize = mem::size_of::<(UK, Cell<H>)>() * 3 / 2;
    const HEAP: bool = mem::needs_drop::<UK>() || mem::needs_drop::<H>();

    fn cells(&self) -> usize {
        self.len()
    }

    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError> {
        let mut save = |sub_key: &UK, cell: &mut Cell<H>| {
            if cell.dirty {
                let full = |out: &mut Vec<u8>| key.write(out).and_then(|()| encode_into(sub_key, out));
                arena.put(full, |out| cell.value.write(out))?;
                (cell.dirty, cell.stored) = (false, true);
            }
            Ok(())
        };
        match (&mut self.sorted, self.changed.take()) {
            (Sorted::Small(entries), _) => entries.iter_mut().try_for_each(|(key, cell)| save(key, cell))?,
            (Sorted::Large(entries), None) => entries.iter_mut().try_for_each(|(key, cell)| save(key, cell))?,
            (Sorted::Large(entries), Some(changed)) => {
                for key in &changed {
                    entries.get_mut(key).map_or(Ok(()), |cell| save(key, cell))?;
                }
            }
        }
        // Not after an error: the next time looks at all entries.
        self.changed = Some(Vec::new());
        Ok(())
    }

    fn load(loaded: &mut Option<Self>, sub_key: &[u8], value: &[u8]) -> Result<(), CodecError> {
        let cell = Cell { value: H::read(value)?, dirty: false, stored: true };
        let entries = loaded.get_or_insert_with(Entries::new);
        entries.insert_cell(decode(sub_key)?, cell);
        Ok(())
    }

    fn stored(&self, _: bool, mut name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError> {
        let mut sub_key = Vec::new();
        let mut tell = |key: &UK, cell: &Cell<H>| {
            if !cell.stored {
                return Ok(());
            }
            sub_key.clear();
            encode_into(key, &mut sub_key)?;
            name(&sub_key)
        };
        match &self.sorted {
            Sorted::Small(entries) => entries.iter().try_for_each(|(key, cell)| tell(key, cell)),
            Sorted::Large(entries) => entries.iter().try_for_each(|(key, cell)| tell(key, cell)),
        }
    }

    fn last_use(&self) -> Option<Timestamp> {
        self.range(..).filter_map(|(_, value)| value.stamp()).max()
    }

    fn forget_over(&mut self, aging: &Aging) {
        match &mut self.sorted {
            Sorted::Small(entries) => entries.retain(|(_, cell)| cell.value.lives(Some(aging))),
            Sorted::Large(entries) => entries.retain(|_, cell| cell.value.lives(Some(aging))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Keyed, One};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_map_at_any_size(
            steps in vec((0..200_u32, 0..4_u8), 0..600), a in 0..200_u32, b in 0..200_u32,
        ) {
            let (mut entries, mut model) = (Entries::new(), BTreeMap::new());
            for (i, (key, what)) in steps.into_iter().enumerate() {
                match (what, entries.get_mut(&key)) {
                    (0, _) => {
                        prop_assert_eq!(entries.remove(&key).map(|cell| cell.value), model.remove(&key));
                    }
                    (_, Some(value)) => {
                        *value = i;
                        model.insert(key, i);
                    }
                    (_, None) => {
                        entries.insert(key, i);
                        prop_assert_eq!(model.insert(key, i), None);
                    }
                }
            }
            prop_assert_eq!(entries.len(), model.len());
            prop_assert!(entries.range(..).eq(&model));
            prop_assert!(entries.range(a.min(b)..b).rev().eq(model.range(a.min(b)..b).rev()));
            prop_assert!(entries.range((Bound::Excluded(a), Bound::Unbounded)).eq(model.range(a + 1..)));
            prop_assert_eq!(entries.range((Bound::Excluded(a), Bound::Excluded(a))).next(), None);
        }
    }

    #[test]
    fn only_changed_entries_are_saved() {
        let at = Keyed { key: &1_u8, hash: 0 };
        let full = FullKey { state: 0, namespace: (), at };
        for size in [10, 1000] {
            let mut entries = Entries::new();
            (0..size).for_each(|i: u32| entries.insert(i, One(i)));
            let saved = |entries: &mut Entries<u32, One<u32>>| {
                let mut arena = Arena::default();
                entries.save(&full, &mut arena).unwrap();
                arena.entries()
            };
            assert_eq!(saved(&mut entries), size as usize);
            assert_eq!(saved(&mut entries), 0);
            entries.get_mut(&5).unwrap().0 += 1;
            entries.get_mut(&5).unwrap().0 += 1;
            entries.insert(size, One(0));
            assert_eq!(saved(&mut entries), 2);
            (0..size).for_each(|i| entries.get_mut(&i).unwrap().0 += 1);
            assert_eq!(saved(&mut entries), size as usize);
            assert_eq!(saved(&mut entries), 0);
        }
    }
}
