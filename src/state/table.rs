//! One state of a subtask in memory: by namespace, then by key.
//!
//! # Invariants
//! * A key's whole slot is in memory, or none of it.
//! * A slot is dirty before it is given out for change.
//! * A slot leaves memory only when its last hand-off has been committed. So what is not in memory is in the file as it is,
//!   but for what was removed: that is in `dead` until its tombstone has been committed.
//! * Each space knows how many of its keys are only below. With none, a key that is not in memory is nowhere, and a miss
//!   costs no read. This is the path of every new key as long as the state fits in memory.

use super::Error;
use super::dead::Dead;
use super::index::Index;
use super::layers::Lower;
use super::shape::{FullKey, Keyed, Namespace, Shape};
use super::space::{Mark, Slot, Space, position};
use super::ttl::{Ages, Aging};
use super::upkeep::Cleaned;
use crate::record::{CodecError, Key, KeyGroup, decode_prefix};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Spaces that keep their memory for the next namespace, whatever their size.
const SPARE_SPACES: usize = 8;
/// Spaces that keep it if they are small: where time is cut finely, a watermark empties hundreds of them at once.
const SMALL_SPARE_SPACES: usize = 4096;
/// A space for so many slots is small.
const SMALL: usize = 14;

/// Where a slot is; good until the next insertion or removal.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) space: usize,
    pub(super) bucket: usize,
}

/// A state's names, for errors.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) state: String,
    pub(super) uid: String,
}

impl Names {
    pub(super) fn codec(&self, source: CodecError) -> Error {
        Error::Codec { state: self.state.clone(), uid: self.uid.clone(), source }
    }
}

/// A table, shared by the store and the handles.
pub(super) type Shared<N, K, S> = Rc<RefCell<Table<N, K, S>>>;

/// A table whose slots do not age, or one whose slots do.
pub(super) enum Either<P, A> {
    Plain(P),
    Aging(A),
}

impl<P: Clone, A: Clone> Clone for Either<P, A> {
    fn clone(&self) -> Self {
        match self {
            Either::Plain(table) => Either::Plain(table.clone()),
            Either::Aging(table) => Either::Aging(table.clone()),
        }
    }
}

/// Borrows whichever table it is, under a name, and does the same with it.
macro_rules! either {
    ($either:expr, $table:ident => $result:expr) => {
        match $either {
            $crate::state::table::Either::Plain(table) => {
                let mut $table = table.borrow_mut();
                $result
            }
            $crate::state::table::Either::Aging(table) => {
                let mut $table = table.borrow_mut();
                $result
            }
        }
    };
}
pub(super) use either;

/// One state's slots.
pub(super) struct Table<N, K, S> {
    pub(super) state: u8,
    pub(super) names: Names,
    pub(super) lower: Rc<Lower>,
    /// By what time its slots are over, if they age. There is one namespace then.
    pub(super) aging: Option<Rc<Aging>>,
    /// Those of them that are only below, by their last use.
    pub(super) ages: Ages,
    /// How far it has been cleaned.
    pub(super) cleaned: Cleaned,
    pub(super) index: Index<N>,
    pub(super) spaces: Vec<Space<K, S>>,
    /// Spaces that are in no namespace.
    free: Vec<usize>,
    /// The namespace looked up last, and its space if it has one.
    last: Option<(N, Option<usize>)>,
    /// Removed since the last hand-off.
    pub(super) dead: Dead,
    /// Removed before that, by hand-off, until committed.
    pub(super) frozen: VecDeque<(u32, Dead)>,
    /// All hand-offs up to this number are in the file.
    pub(super) committed: u32,
    /// Namespaces that may have dirty slots; `None` if too many to list.
    pub(super) soiled: Option<Vec<N>>,
    /// Slots in memory, those of them that are dirty, and their cells.
    pub(super) len: usize,
    pub(super) dirty: usize,
    pub(super) cells: usize,
    /// The size of an encoded entry, about.
    pub(super) entry_bytes: usize,
    /// Where the search for what may go went on last.
    pub(super) hand: Place,
    scratch: Vec<u8>,
}

impl<N: Namespace, K: Key, S: Shape> Table<N, K, S> {
    pub(super) fn new(state: u8, names: Names, lower: Rc<Lower>, aging: Option<Rc<Aging>>) -> Self {
        Table {
            state,
            names,
            lower,
            aging,
            ages: Ages::default(),
            cleaned: Cleaned::default(),
            index: Index::default(),
            spaces: Vec::new(),
            free: Vec::new(),
            last: None,
            dead: Dead::default(),
            frozen: VecDeque::new(),
            committed: 0,
            soiled: Some(Vec::new()),
            len: 0,
            dirty: 0,
            cells: 0,
            entry_bytes: 64,
            hand: Place { space: 0, bucket: 0 },
            scratch: Vec::new(),
        }
    }

    #[inline]
    fn space(&mut self, namespace: N) -> Option<usize> {
        match self.last {
            Some((last, space)) if last == namespace => space,
            _ => {
                let space = self.index.get(namespace);
                self.last = Some((namespace, space));
                space
            }
        }
    }

    fn space_or_new(&mut self, namespace: N) -> usize {
        if let Some(space) = self.space(namespace) {
            return space;
        }
        let space = self.free.pop().unwrap_or_else(|| {
            self.spaces.push(Space::default());
            self.spaces.len() - 1
        });
        self.index.insert(namespace, space);
        self.last = Some((namespace, Some(space)));
        space
    }

    /// Forgets a namespace in which nothing is left. Few empty spaces keep their memory.
    pub(super) fn release(&mut self, namespace: N, space: usize) {
        let small = self.spaces[space].slots.capacity() <= SMALL;
        if self.free.len() < if small { SMALL_SPARE_SPACES } else { SPARE_SPACES } {
            self.spaces[space].clear();
        } else {
            self.spaces[space] = Space::default();
        }
        self.index.remove(namespace);
        self.last = None;
        self.free.push(space);
    }

    /// Where the key's slot is, fetched from below if it must be.
    #[inline]
    pub(super) fn locate(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Option<Place>, Error> {
        let Some(space) = self.space(namespace) else { return Ok(None) };
        let slots = &self.spaces[space].slots;
        match slots.find_bucket_index(position(at.hash), |slot| slot.hash == at.hash && slot.key == *at.key) {
            Some(bucket) => Ok(Some(Place { space, bucket })),
            None if self.spaces[space].evicted == 0 => Ok(None),
            None => self.fetch(space, namespace, at),
        }
    }

    /// Reads a key that is not in memory.
    #[cold]
    fn fetch(&mut self, space: usize, namespace: N, at: Keyed<'_, K>) -> Result<Option<Place>, Error> {
        let mut prefix = std::mem::take(&mut self.scratch);
        prefix.clear();
        FullKey { state: self.state, namespace, at }.write(&mut prefix).map_err(|e| self.names.codec(e))?;
        let Table { lower, names, dead, frozen, .. } = &mut *self;
        let mut is_dead = |key: &[u8]| dead.contains(key) || frozen.iter_mut().any(|(_, dead)| dead.contains(key));
        let mut loaded: Option<S> = None;
        if S::SINGLE {
            if !is_dead(&prefix) {
                let found = lower.get(&prefix, |value| S::load(&mut loaded, &[], value))?;
                found.transpose().map_err(|e| names.codec(e))?;
            }
        } else {
            lower.scan([prefix.as_slice()], |key, value| {
                if is_dead(key) {
                    return Ok(());
                }
                S::load(&mut loaded, &key[prefix.len()..], value).map_err(|e| names.codec(e))
            })?;
        }
        self.scratch = prefix;
        if let Some((aging, stamp)) = self.aging.as_ref().zip(loaded.as_ref().and_then(S::last_use)) {
            if aging.is_over(stamp) {
                return Ok(None);
            }
            self.ages.take(aging, stamp);
        }
        Ok(loaded.map(|shape| {
            let slot = Slot { hash: at.hash, key: at.key.clone(), shape, mark: Mark::LOADED };
            self.spaces[space].evicted -= 1;
            self.add(space, slot)
        }))
    }

    pub(super) fn add(&mut self, space: usize, slot: Slot<K, S>) -> Place {
        self.len += 1;
        self.cells += slot.shape.cells();
        Place { space, bucket: self.spaces[space].insert(slot) }
    }

    /// The slot at a place from [`locate`](Self::locate) or [`insert`](Self::insert), to read.
    #[inline]
    pub(super) fn slot(&mut self, place: Place) -> &mut Slot<K, S> {
        let slot =
            self.spaces[place.space].slots.get_bucket_mut(place.bucket).expect("a located slot stays in its place");
        slot.mark.refer();
        slot
    }

    /// The slot, to change: marked before it is given out.
    #[inline]
    pub(super) fn soil(&mut self, namespace: N, place: Place) -> &mut S {
        let space = &mut self.spaces[place.space];
        let slot = space.slots.get_bucket_mut(place.bucket).expect("a located slot stays in its place");
        if !slot.mark.is_dirty() {
            let hash = slot.hash;
            slot.mark.soil();
            space.note_dirty(hash);
            self.note_soiled(namespace, place.space);
        }
        &mut self.slot(place).shape
    }

    #[inline]
    fn note_soiled(&mut self, namespace: N, space: usize) {
        self.dirty += 1;
        if self.spaces[space].dirty == 1
            && let Some(soiled) = &mut self.soiled
        {
            if soiled.len() < 64 + self.index.len() {
                soiled.push(namespace);
            } else {
                self.soiled = None;
            }
        }
    }

    /// Adds a slot for a key that has none.
    pub(super) fn insert(&mut self, namespace: N, at: Keyed<'_, K>, shape: S) -> Place {
        let space = self.space_or_new(namespace);
        let slot = Slot { hash: at.hash, key: at.key.clone(), shape, mark: Mark::NEW };
        let place = self.add(space, slot);
        self.note_soiled(namespace, space);
        place
    }

    /// Takes a slot out; what is stored of it gets tombstones.
    pub(super) fn remove(&mut self, namespace: N, place: Place) -> Result<S, Error> {
        let slot = self.spaces[place.space].remove(place.bucket).expect("a located slot stays in its place");
        self.forget(&slot);
        if self.spaces[place.space].is_empty() {
            self.release(namespace, place.space);
        }
        self.bury(namespace, slot.hash, &slot.key, &slot.shape, slot.mark.is_stored())?;
        Ok(slot.shape)
    }

    pub(super) fn forget(&mut self, slot: &Slot<K, S>) {
        self.len -= 1;
        self.cells -= slot.shape.cells();
        self.dirty -= usize::from(slot.mark.is_dirty());
    }

    /// Leaves tombstones for all stored entries of a slot.
    fn bury(&mut self, namespace: N, hash: u64, key: &K, shape: &S, stored: bool) -> Result<(), Error> {
        let full = FullKey { state: self.state, namespace, at: Keyed { key, hash } };
        let dead = &mut self.dead;
        let buried = shape.stored(stored, |sub_key| {
            dead.bury(|out| {
                full.write(out)?;
                out.extend_from_slice(sub_key);
                Ok(())
            })
        });
        buried.map_err(|e| self.names.codec(e))
    }

    /// Leaves a tombstone for one stored entry of a key.
    pub(super) fn bury_one(
        &mut self,
        namespace: N,
        at: Keyed<'_, K>,
        sub_key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), Error> {
        let full = FullKey { state: self.state, namespace, at };
        let buried = self.dead.bury(|out| full.write(out).and_then(|()| sub_key(out)));
        buried.map_err(|e| self.names.codec(e))
    }

    /// The earliest namespace in which something is.
    pub(super) fn first_namespace(&self) -> Option<N> {
        self.index.first().map(|(namespace, _)| namespace)
    }

    /// Takes the earliest namespace, if it is at most `up_to`, out of the state as a whole, in the order of keys.
    #[expect(clippy::type_complexity, reason = "the handles' own shape")]
    pub(super) fn drain_first(&mut self, up_to: N) -> Result<Option<(N, Vec<(u64, K, S)>)>, Error> {
        let Some((namespace, space)) = self.index.first() else { return Ok(None) };
        if namespace > up_to {
            return Ok(None);
        }
        // Read first: if that fails, nothing has changed.
        let below = if self.spaces[space].evicted > 0 { self.read_evicted(namespace, space)? } else { Vec::new() };
        let mut slots = std::mem::take(&mut self.spaces[space].slots);
        let mut drained = Vec::with_capacity(slots.len() + below.len());
        for slot in slots.drain() {
            self.forget(&slot);
            self.bury(namespace, slot.hash, &slot.key, &slot.shape, slot.mark.is_stored())?;
            drained.push((slot.hash, slot.key, slot.shape));
        }
        for (hash, key, shape) in below {
            self.bury(namespace, hash, &key, &shape, true)?;
            drained.push((hash, key, shape));
        }
        self.spaces[space].slots = slots;
        self.release(namespace, space);
        drained.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        Ok(Some((namespace, drained)))
    }

    /// The keys of a namespace that are only below.
    fn read_evicted(&mut self, namespace: N, space: usize) -> Result<Vec<(u64, K, S)>, Error> {
        let mut found = Vec::new();
        let slots = std::mem::take(&mut self.spaces[space].slots);
        let mut prefix = Vec::new();
        namespace.write(&mut prefix);
        let read = self.read_below(&prefix, |_, hash, key, shape| {
            if slots.find(position(hash), |slot| slot.hash == hash && slot.key == key).is_none() {
                found.push((hash, key, shape));
            }
        });
        self.spaces[space].slots = slots;
        read.map(|()| found)
    }

    /// Visits all keys that are stored and not dead, whose namespace and key begin with `prefix`.
    fn read_below(&mut self, prefix: &[u8], mut visit: impl FnMut(N, u64, K, S)) -> Result<(), Error> {
        let prefixes: Vec<Vec<u8>> =
            (0..KeyGroup::COUNT).map(|group| [&[group as u8, self.state], prefix].concat()).collect();
        let Table { lower, names, dead, frozen, .. } = self;
        let mut gathered: Option<Gathered<N, K, S>> = None;
        lower.scan(prefixes.iter().map(Vec::as_slice), |key, value| {
            if dead.contains(key) || frozen.iter_mut().any(|(_, dead)| dead.contains(key)) {
                return Ok(());
            }
            if gathered.as_ref().is_none_or(|slot| !key.starts_with(&slot.prefix)) {
                let previous = gathered.take();
                previous.into_iter().for_each(|slot| slot.tell(&mut visit));
                gathered = Some(Gathered::begin(key).map_err(|e| names.codec(e))?);
            }
            match &mut gathered {
                Some(slot) => S::load(&mut slot.shape, &key[slot.prefix.len()..], value).map_err(|e| names.codec(e)),
                None => Ok(()),
            }
        })?;
        gathered.into_iter().for_each(|slot| slot.tell(&mut visit));
        Ok(())
    }

    /// Goes back to the last hand-off, all of which must be in the file: what has changed since is read again.
    ///
    /// * `aging`: the new one, if its slots age.
    pub(super) fn rewind(&mut self, aging: Option<Rc<Aging>>) -> Result<(), Error> {
        self.aging = aging;
        self.last = None;
        // What changed, by namespace and key: those that are in memory changed, and those that were removed.
        let mut changed: Vec<Vec<u8>> = Vec::new();
        let namespaces: Vec<N> = match self.soiled.take() {
            Some(soiled) => soiled,
            None => self.index.namespaces().collect(),
        };
        for namespace in namespaces {
            let Some(space) = self.index.get(namespace) else { continue };
            for slot in self.spaces[space].take_dirty() {
                self.forget(&slot);
                if slot.mark.is_stored() {
                    let at = Keyed { key: &slot.key, hash: slot.hash };
                    let mut key = Vec::new();
                    FullKey { state: self.state, namespace, at }.write(&mut key).map_err(|e| self.names.codec(e))?;
                    changed.push(key);
                }
            }
            if self.spaces[space].is_empty() {
                self.release(namespace, space);
            }
        }
        self.soiled = Some(Vec::new());
        let mut at = 0;
        while at < self.dead.arena.len() {
            let (key, _, next) = self.dead.arena.entry(at);
            let gathered: Gathered<N, K, S> = Gathered::begin(key).map_err(|e| self.names.codec(e))?;
            changed.push(gathered.prefix);
            at = next;
        }
        self.dead = Dead::default();
        changed.sort_unstable();
        changed.dedup();
        self.reload(&changed)
    }

    /// Reads keys that are not in memory, by their full keys in ascending order.
    fn reload(&mut self, keys: &[Vec<u8>]) -> Result<(), Error> {
        let mut found: Vec<Gathered<N, K, S>> = Vec::new();
        let Table { lower, names, .. } = self;
        lower.scan(keys.iter().map(Vec::as_slice), |key, value| {
            if found.last().is_none_or(|slot| !key.starts_with(&slot.prefix)) {
                found.push(Gathered::begin(key).map_err(|e| names.codec(e))?);
            }
            match found.last_mut() {
                Some(slot) => S::load(&mut slot.shape, &key[slot.prefix.len()..], value).map_err(|e| names.codec(e)),
                None => Ok(()),
            }
        })?;
        for Gathered { namespace, hash, key, shape, .. } in found {
            if let Some(shape) = shape {
                let space = self.space_or_new(namespace);
                self.add(space, Slot { hash, key, shape, mark: Mark::LOADED });
            }
        }
        Ok(())
    }

    /// Reads what the file holds of this state, into memory as far as `bytes` go.
    pub(super) fn load_all(&mut self, bytes: usize) -> Result<(), Error> {
        let names = Names { state: String::new(), uid: String::new() };
        let mut found = Table::new(self.state, names, self.lower.clone(), self.aging.clone());
        self.read_below(&[], |namespace, hash, key, shape: S| {
            let last_use = shape.last_use();
            if found.aging.as_ref().zip(last_use).is_some_and(|(aging, stamp)| aging.is_over(stamp)) {
                return;
            }
            let space = found.space_or_new(namespace);
            if found.bytes() < bytes {
                found.add(space, Slot { hash, key, shape, mark: Mark::LOADED });
            } else {
                found.note_evicted(space, last_use);
            }
        })?;
        (self.index, self.spaces, self.len, self.cells) = (found.index, found.spaces, found.len, found.cells);
        self.ages = found.ages;
        self.last = None;
        Ok(())
    }

    /// Counts a slot that is only below.
    fn note_evicted(&mut self, space: usize, last_use: Option<Timestamp>) {
        self.spaces[space].evicted += 1;
        if let Some((aging, stamp)) = self.aging.as_ref().zip(last_use) {
            self.ages.add(aging, stamp);
        }
    }

    /// Lets go of slots that are in the file as they are, until that many bytes are free or nothing more may go. A slot that
    /// has been used since the last search is spared once. Returns how many bytes became free.
    pub(super) fn evict(&mut self, bytes: usize) -> usize {
        let target = self.bytes().saturating_sub(bytes);
        let before = self.bytes();
        let total: usize = self.spaces.iter().map(|space| space.slots.num_buckets() + 1).sum();
        let mut left = 2 * total;
        while left > 0 && self.len > self.dirty && self.bytes() > target {
            left -= 1;
            let Some(space) = self.spaces.get_mut(self.hand.space) else {
                self.hand = Place { space: 0, bucket: 0 };
                continue;
            };
            if self.hand.bucket >= space.slots.num_buckets() {
                self.hand = Place { space: self.hand.space + 1, bucket: 0 };
                continue;
            }
            let bucket = self.hand.bucket;
            self.hand.bucket += 1;
            if space.slots.get_bucket_mut(bucket).is_some_and(|slot| slot.mark.may_go(self.committed))
                && let Some(slot) = space.remove(bucket)
            {
                self.note_evicted(self.hand.space, slot.shape.last_use());
                self.forget(&slot);
            }
        }
        before - self.bytes()
    }
}

/// A slot that is being put together from its entries.
struct Gathered<N, K, S> {
    /// The full key without a sub-key.
    prefix: Vec<u8>,
    namespace: N,
    hash: u64,
    key: K,
    shape: Option<S>,
}

impl<N: Namespace, K: Key, S: Shape> Gathered<N, K, S> {
    fn begin(full_key: &[u8]) -> Result<Self, CodecError> {
        let (head, rest) = full_key.split_at_checked(2 + N::SIZE).unwrap_or((full_key, &[]));
        let (key, sub_key) = decode_prefix(rest)?;
        let encoded = &rest[..rest.len() - sub_key.len()];
        Ok(Gathered {
            prefix: full_key[..full_key.len() - sub_key.len()].to_vec(),
            namespace: N::read(&head[2.min(head.len())..]),
            hash: xxhash_rust::xxh3::xxh3_64(encoded),
            key,
            shape: None,
        })
    }

    fn tell(self, visit: &mut impl FnMut(N, u64, K, S)) {
        if let Some(shape) = self.shape {
            visit(self.namespace, self.hash, self.key, shape);
        }
    }
}
