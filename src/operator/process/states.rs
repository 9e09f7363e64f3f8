//! Where a process function gets its states.

use super::{AggregatingState, Failure};
use crate::operator::{Aggregate, BuildContext, TimeDomain};
use crate::record::Key;
use crate::state::{ListState, MapState, ReducingState, Stamp, StateValue, Ttl, ValueState};
use crate::time::Timestamp;
use std::marker::PhantomData;

/// Gives a process function its states, each under a name.
///
/// A name is for ever: by it, and by the operator's uid, the state is found again after a restart. Names are unique in the
/// function; `event timers` and `processing timers` are taken. A name that was given to another type is refused.
///
/// ```
/// use millstream::prelude::*;
///
/// /// What is known of a cart.
/// struct Cart {
///     items: ListState<u64, String>,
///     total: ReducingState<u64, u64>,
/// }
///
/// fn open(states: &mut States<'_, u64>) -> Result<Cart, Failure> {
///     Ok(Cart { items: states.list("items")?, total: states.reducing("total", |a, b| a + b)? })
/// }
/// ```
pub struct States<'a, K> {
    context: &'a mut BuildContext,
    stamps: Stamps,
    key: PhantomData<fn() -> K>,
}

impl<'a, K: Key> States<'a, K> {
    pub(super) fn new(context: &'a mut BuildContext, stamps: Stamps) -> Self {
        States { context, stamps, key: PhantomData }
    }

    /// Makes values that an earlier version of the program wrote as `Old` into those of the present one. To be called before
    /// the state of that name is asked for; values that are `New` already stay as they are.
    ///
    /// It is needed only where the types' own rules do not do it: a field that was added with `#[serde(default)]`, taken
    /// away or moved, an integer that was made wider, a type that was renamed are read without it. What cannot be read is
    /// refused at the start, by name, and nothing has been changed then.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// /// What was a number of items once.
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Cart {
    ///     items: u32,
    ///     note: String,
    /// }
    ///
    /// fn open(states: &mut States<'_, u64>) -> Result<ValueState<u64, Cart>, Failure> {
    ///     states.migrate("cart", |items: u32| Cart { items, note: String::new() })?;
    ///     states.value("cart")
    /// }
    /// ```
    ///
    /// # Errors
    /// If the state has been asked for before.
    pub fn migrate<Old: StateValue, New: StateValue>(
        &mut self,
        name: &str,
        change: impl Fn(Old) -> New + 'static,
    ) -> Result<(), Failure> {
        Ok(self.context.store().migrate(name, change)?)
    }

    /// One value per key.
    ///
    /// # Errors
    /// If the name is taken, the state was written as another type, or its file cannot be read. So do the methods below.
    pub fn value<V: StateValue>(&mut self, name: &str) -> Result<ValueState<K, V>, Failure> {
        Ok(self.context.store().value(name)?)
    }

    /// As [`value`](States::value), with a time to live by that clock: after it the value is not there any more. By
    /// event time, a value that is written lives on from the watermark, not from the event time of the record.
    ///
    /// # Errors
    /// As [`value`](States::value); if the time to live is below 1 ms.
    pub fn value_with_ttl<V: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        clock: TimeDomain,
    ) -> Result<ValueState<K, V>, Failure> {
        Ok(self.context.store().value_with_ttl(name, ttl, self.stamps.of(clock))?)
    }

    /// As [`list`](States::list), each item with a time to live.
    ///
    /// # Errors
    /// As [`value_with_ttl`](States::value_with_ttl).
    pub fn list_with_ttl<T: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        clock: TimeDomain,
    ) -> Result<ListState<K, T>, Failure> {
        Ok(self.context.store().list_with_ttl(name, ttl, self.stamps.of(clock))?)
    }

    /// As [`map`](States::map), each entry with a time to live.
    ///
    /// # Errors
    /// As [`value_with_ttl`](States::value_with_ttl).
    pub fn map_with_ttl<UK: Key, UV: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        clock: TimeDomain,
    ) -> Result<MapState<K, UK, UV>, Failure> {
        Ok(self.context.store().map_with_ttl(name, ttl, self.stamps.of(clock))?)
    }

    /// One value per key, which combines what is added: `combine` makes one of what is there and what comes.
    ///
    /// # Errors
    /// As [`value`](States::value).
    pub fn reducing<V: StateValue>(
        &mut self,
        name: &str,
        combine: impl Fn(&V, &V) -> V + 'static,
    ) -> Result<ReducingState<K, V>, Failure> {
        Ok(ReducingState::new(self.value(name)?, combine))
    }

    /// What the records that are added to a key come to.
    ///
    /// # Errors
    /// As [`value`](States::value).
    pub fn aggregating<T, A: Aggregate<T>>(
        &mut self,
        name: &str,
        aggregate: A,
    ) -> Result<AggregatingState<K, T, A>, Failure> {
        Ok(AggregatingState::new(self.value(name)?, aggregate))
    }

    /// A list per key. What is appended is written, not the whole list.
    ///
    /// # Errors
    /// As [`value`](States::value).
    pub fn list<T: StateValue>(&mut self, name: &str) -> Result<ListState<K, T>, Failure> {
        Ok(self.context.store().list(name)?)
    }

    /// A sorted map per key. What changes is written, not the whole map.
    ///
    /// # Errors
    /// As [`value`](States::value).
    pub fn map<UK: Key, UV: StateValue>(&mut self, name: &str) -> Result<MapState<K, UK, UV>, Failure> {
        Ok(self.context.store().map(name)?)
    }
}

/// What time it is for states with a time to live, by each clock.
#[derive(Clone, Default)]
pub(super) struct Stamps {
    event: Stamp,
    processing: Stamp,
}

impl Stamps {
    /// To be called before the states are used, also for the first time after a restart.
    pub(super) fn advance(&self, event: Timestamp, processing: Timestamp) {
        self.event.advance(event);
        self.processing.advance(processing);
    }

    fn of(&self, clock: TimeDomain) -> &Stamp {
        match clock {
            TimeDomain::Event => &self.event,
            TimeDomain::Processing => &self.processing,
        }
    }
}
