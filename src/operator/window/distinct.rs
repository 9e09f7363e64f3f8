//! Distinct counts of windows: each value is an entry of its own, under its key and the end of its window.

use super::Cut;
use super::outputs::Outputs;
use super::panes::Panes;
use super::tumbling::{Grid, TumblingHead};
use super::windows::Kind;
use crate::operator::distinct::ValueFunction;
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Distinct, Error, Head, HeadFactory, TimeDomain};
use crate::record::{Data, Key};
use crate::state::{Drained, Keyed, MapState, WindowedState};
use crate::time::Timestamp;

/// Counts the distinct values of the windows of each key.
pub(crate) struct WindowDistinct<T, K, V> {
    key: KeyFunction<T, K>,
    cut: Cut<T>,
    value: ValueFunction<T, V>,
}

impl<T, K, V> WindowDistinct<T, K, V> {
    pub(crate) fn new(key: KeyFunction<T, K>, cut: Cut<T>, value: ValueFunction<T, V>) -> Self {
        WindowDistinct { key, cut, value }
    }
}

impl<T: Data, K: Key, V: Key> HeadFactory for WindowDistinct<T, K, V> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        match *self.cut.kind() {
            Kind::Tumbling { size, offset, domain: TimeDomain::Event } if self.cut.is_plain() => {
                let panes = DistinctPanes {
                    value: self.value.clone(),
                    seen: context.store().map("seen")?,
                    counts: context.store().windowed_value("counts")?,
                };
                let outputs = Outputs::new(context, outputs);
                Ok(Box::new(TumblingHead::new(Grid::new(size, offset), self.key.clone(), panes, outputs)))
            }
            // Windows that share records, merge, or speak again keep a set.
            _ => {
                let value = self.value.clone();
                let aggregate = Distinct::of(move |record: &T| value(record));
                super::WindowOperator::new(self.key.clone(), self.cut.clone(), aggregate).build(context, outputs)
            }
        }
    }
}

/// Panes that hold a count, beside the values that have been counted.
struct DistinctPanes<T, K, V> {
    value: ValueFunction<T, V>,
    /// By window end and value.
    seen: MapState<K, (Timestamp, V), ()>,
    counts: WindowedState<K, u64>,
}

impl<T: Data, K: Key, V: Key> Panes<T, K> for DistinctPanes<T, K, V> {
    type Pane = u64;
    type Output = u64;

    fn add(&mut self, end: Timestamp, at: Keyed<'_, K>, record: &T) -> Result<(), Error> {
        let entry = (end, (self.value)(record));
        if !self.seen.with(at, &entry, |entry| entry.is_some())? {
            self.seen.put(at, entry, ())?;
            self.counts.update(end, at, || 0, |count| *count += 1)?;
        }
        Ok(())
    }

    fn take_first(&mut self, due: Timestamp) -> Result<Option<Drained<K, u64>>, Error> {
        let drained = self.counts.drain_first(due)?;
        if let Some((end, panes)) = &drained {
            for (hash, key, _) in panes {
                let at = Keyed { key, hash: *hash };
                while self.seen.remove_first_if(at, |(of, _), ()| of <= end)?.is_some() {}
            }
        }
        Ok(drained)
    }

    fn finish(&self, count: u64) -> u64 {
        count
    }
}
