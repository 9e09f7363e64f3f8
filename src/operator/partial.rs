//! The first of two phases: records are aggregated before they go over the exchange, so that a hot key sends a few partial
//! results instead of all its records, and does not sink the one subtask that owns it.
//!
//! In front of the hash exchange stands an outlet that keeps one accumulator per pane and key, and lets them go when an
//! outlet lets its batch go: behind a watermark, at a barrier, when it has lingered, and when it is full. So it keeps
//! nothing over a checkpoint. Behind the exchange the window operator merges the parts.
//!
//! Which records make one part depends on the moment, so only an aggregate whose `merge` does not care how its records were
//! grouped gives one answer. All in [`aggregate`](super::Aggregate)'s library are such.
//!
//! Flink calls this local-global aggregation.

use super::key_by::KeyFunction;
use super::outlet::{Outlet, OutletHandle};
use super::{Aggregate, AnyStage, BuildContext, Error, Site, Stage, StageFactory, erase};
use crate::record::{Data, Key, KeyHasher};
use crate::time::Timestamp;
use hashbrown::HashTable;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// How many parts an outlet keeps before it lets them go.
const FULL: usize = 8_192;

/// The records of one key and pane that passed one subtask in a while, as an accumulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial<K, A> {
    /// Whose records they are.
    pub key: K,
    /// What they come to.
    pub accumulator: A,
    /// How many they are.
    pub records: u64,
}

/// Tells the end of the pane that holds a moment.
pub(crate) type PaneEnd = Arc<dyn Fn(Timestamp) -> Timestamp + Send + Sync>;

/// Keys a stream and aggregates it by pane. Always the last of its chain: a hash exchange follows.
pub(crate) struct PartialAggregate<T, K, A> {
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    pane_end: PaneEnd,
}

impl<T, K, A> PartialAggregate<T, K, A> {
    pub(crate) fn new(key: KeyFunction<T, K>, aggregate: Arc<A>, pane_end: PaneEnd) -> Self {
        PartialAggregate { key, aggregate, pane_end }
    }
}

impl<T, K, A> StageFactory for PartialAggregate<T, K, A>
where
    T: Data,
    K: Key,
    A: Aggregate<T>,
    A::Accumulator: Data,
{
    fn build(&self, context: &mut BuildContext, _outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let outlet = Outlet::unregistered(context, 0);
        let parts = Rc::new(Parts { open: RefCell::default(), site: context.site(), outlet });
        context.outlets.push(parts.clone());
        let stage = PartialStage {
            key: self.key.clone(),
            aggregate: self.aggregate.clone(),
            pane_end: self.pane_end.clone(),
            hasher: KeyHasher::default(),
            site: context.site(),
            parts,
        };
        Ok(erase::<T>(Box::new(stage)))
    }
}

/// A part that still grows.
struct Open<K, A> {
    end: Timestamp,
    hash: u64,
    partial: Partial<K, A>,
}

/// Parts in the order in which they were begun, and where to find them.
struct OpenParts<K, A> {
    parts: Vec<Open<K, A>>,
    places: HashTable<usize>,
}

impl<K, A> Default for OpenParts<K, A> {
    fn default() -> Self {
        OpenParts { parts: Vec::new(), places: HashTable::new() }
    }
}

/// The outlet: lets parts go when others let records go.
struct Parts<K, A> {
    open: RefCell<OpenParts<K, A>>,
    site: Site,
    outlet: Rc<Outlet<Partial<K, A>>>,
}

/// Panes of one key go to different places of the table.
fn place_hash(hash: u64, end: Timestamp) -> u64 {
    hash ^ (end.millis() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<K: Key, A: Data> OutletHandle for Parts<K, A> {
    fn flush(&self) {
        let mut open = self.open.borrow_mut();
        open.places.clear();
        for Open { end, hash, partial } in open.parts.drain(..) {
            self.site.out();
            self.outlet.push_keyed(partial, end.plus_millis(-1), hash);
        }
        self.outlet.flush();
    }

    fn is_empty(&self) -> bool {
        self.open.borrow().parts.is_empty() && self.outlet.is_empty()
    }

    fn replays(&self) -> bool {
        false
    }

    fn origin(&self) -> (usize, usize) {
        self.outlet.origin()
    }
}

struct PartialStage<T, K, A: Aggregate<T>> {
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    pane_end: PaneEnd,
    hasher: KeyHasher,
    site: Site,
    parts: Rc<Parts<K, A::Accumulator>>,
}

impl<T, K, A> Stage<T> for PartialStage<T, K, A>
where
    T: Data,
    K: Key,
    A: Aggregate<T>,
    A::Accumulator: Data,
{
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let key = (self.key)(&record);
        let (hash, end) = (self.hasher.hash(&key), (self.pane_end)(time));
        let mut open = self.parts.open.borrow_mut();
        let OpenParts { parts, places } = &mut *open;
        let is_it = |place: &usize| {
            let part = &parts[*place];
            part.hash == hash && part.end == end && part.partial.key == key
        };
        let place = match places.find(place_hash(hash, end), is_it) {
            Some(place) => *place,
            None => {
                let partial = Partial { key, accumulator: self.aggregate.create(), records: 0 };
                parts.push(Open { end, hash, partial });
                let place = parts.len() - 1;
                let hash_of = |place: &usize| place_hash(parts[*place].hash, parts[*place].end);
                places.insert_unique(place_hash(hash, end), place, hash_of);
                place
            }
        };
        let partial = &mut parts[place].partial;
        partial.records += 1;
        self.aggregate.add(&mut partial.accumulator, &record);
        let full = parts.len() >= FULL;
        drop(open);
        if full {
            self.parts.flush();
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.parts.flush();
        self.parts.outlet.watermark(watermark);
    }

    fn batch_end(&mut self) {}
}

/// The second phase: the parts of a key are merged.
pub(crate) struct MergeParts<T, A> {
    aggregate: Arc<A>,
    record: PhantomData<fn() -> T>,
}

impl<T, A> MergeParts<T, A> {
    pub(crate) fn new(aggregate: Arc<A>) -> Self {
        MergeParts { aggregate, record: PhantomData }
    }
}

impl<K, T, A> Aggregate<Partial<K, A::Accumulator>> for MergeParts<T, A>
where
    K: Data,
    T: 'static,
    A: Aggregate<T>,
{
    type Accumulator = A::Accumulator;
    type Output = A::Output;

    fn create(&self) -> A::Accumulator {
        self.aggregate.create()
    }

    fn add(&self, accumulator: &mut A::Accumulator, part: &Partial<K, A::Accumulator>) {
        self.aggregate.merge(accumulator, part.accumulator.clone());
    }

    fn merge(&self, into: &mut A::Accumulator, other: A::Accumulator) {
        self.aggregate.merge(into, other);
    }

    fn finish(&self, accumulator: A::Accumulator) -> A::Output {
        self.aggregate.finish(accumulator)
    }
}
