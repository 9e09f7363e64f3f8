//! What one side of a join has kept of each key.

use crate::operator::Error;
use crate::record::Key;
use crate::state::{Keyed, MapState, StateValue, Store};
use crate::time::Timestamp;
use std::ops::RangeInclusive;

/// The records of one side, per key by a time, and those of one time in the order in which they came.
pub(super) struct Kept<K, V> {
    records: MapState<K, (Timestamp, u64), V>,
}

impl<K: Key, V: StateValue> Kept<K, V> {
    pub(super) fn new(store: &mut Store, name: &str) -> Result<Self, Error> {
        Ok(Kept { records: store.map(name)? })
    }

    pub(super) fn is_empty(&self, at: Keyed<'_, K>) -> Result<bool, Error> {
        Ok(self.records.is_empty(at)?)
    }

    pub(super) fn add(&self, at: Keyed<'_, K>, time: Timestamp, value: V) -> Result<(), Error> {
        let last = self.records.last_key_in(at, (time, 0)..=(time, u64::MAX))?;
        let number = last.map_or(0, |(_, last)| last + 1);
        Ok(self.records.put(at, (time, number), value)?)
    }

    /// The first time for which something is kept.
    pub(super) fn first(&self, at: Keyed<'_, K>) -> Result<Option<Timestamp>, Error> {
        Ok(self.records.first_key_in(at, ..)?.map(|(time, _)| time))
    }

    /// Shows the records of these times to `visit`, in their order.
    pub(super) fn visit(
        &self,
        at: Keyed<'_, K>,
        times: RangeInclusive<Timestamp>,
        mut visit: impl FnMut(Timestamp, &V),
    ) -> Result<(), Error> {
        let (from, to) = times.into_inner();
        Ok(self.records.for_each(at, (from, 0)..=(to, u64::MAX), |(time, _), value| visit(*time, value))?)
    }

    /// Removes the records up to this time.
    pub(super) fn forget(&self, at: Keyed<'_, K>, until: Timestamp) -> Result<(), Error> {
        while self.records.remove_first_if(at, |(time, _), _| *time <= until)?.is_some() {}
        Ok(())
    }
}
