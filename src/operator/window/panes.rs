//! What a window holds for one key: an accumulator, or all records.

use super::Cut;
use super::outputs::Outputs;
use super::paired::Paired;
use super::sliding::SlidingHead;
use super::tumbling::{Grid, TumblingHead};
use super::windows::Kind;
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Error, Head, HeadFactory, TimeDomain};
use crate::record::{Data, Key};
use crate::state::{Drained, Keyed, WindowedList, WindowedState};
use crate::time::{Timestamp, whole_millis};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// The panes of all open windows, by window end and key.
pub(super) trait Panes<T, K>: 'static {
    /// What a pane holds.
    type Pane: 'static;
    /// What comes of it.
    type Output: Data;

    /// Adds a record to the pane of the window that ends at `end`.
    fn add(&mut self, end: Timestamp, at: Keyed<'_, K>, record: &T) -> Result<(), Error>;

    /// Takes the first window that ends at or before `due`, its panes by key.
    fn take_first(&mut self, due: Timestamp) -> Result<Option<Drained<K, Self::Pane>>, Error>;

    /// The result of a pane.
    fn finish(&self, pane: Self::Pane) -> Self::Output;
}

/// Panes that hold an accumulator.
pub(super) struct AggregatePanes<K, A, S> {
    aggregate: Arc<A>,
    state: WindowedState<K, S>,
}

impl<K: Key, A, S: Serialize + DeserializeOwned + 'static> AggregatePanes<K, A, S> {
    pub(super) fn new(context: &mut BuildContext, aggregate: Arc<A>) -> Result<Self, Error> {
        Ok(AggregatePanes { aggregate, state: context.store().windowed_value("panes")? })
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> Panes<T, K> for AggregatePanes<K, A, A::Accumulator> {
    type Pane = A::Accumulator;
    type Output = A::Output;

    fn add(&mut self, end: Timestamp, at: Keyed<'_, K>, record: &T) -> Result<(), Error> {
        let aggregate = &*self.aggregate;
        self.state.update(end, at, || aggregate.create(), |pane| aggregate.add(pane, record))?;
        Ok(())
    }

    fn take_first(&mut self, due: Timestamp) -> Result<Option<Drained<K, Self::Pane>>, Error> {
        Ok(self.state.drain_first(due)?)
    }

    fn finish(&self, pane: Self::Pane) -> Self::Output {
        self.aggregate.finish(pane)
    }
}

/// Panes that hold all records, in the order in which they came.
struct ListPanes<K, T> {
    state: WindowedList<K, T>,
}

impl<T: Data + Serialize + DeserializeOwned, K: Key> Panes<T, K> for ListPanes<K, T> {
    type Pane = Vec<T>;
    type Output = Vec<T>;

    fn add(&mut self, end: Timestamp, at: Keyed<'_, K>, record: &T) -> Result<(), Error> {
        Ok(self.state.push(end, at, record.clone())?)
    }

    fn take_first(&mut self, due: Timestamp) -> Result<Option<Drained<K, Vec<T>>>, Error> {
        Ok(self.state.drain_first(due)?)
    }

    fn finish(&self, pane: Vec<T>) -> Vec<T> {
        pane
    }
}

/// Gathers the records of the windows of each key.
pub(crate) struct WindowCollect<T, K> {
    key: KeyFunction<T, K>,
    cut: Cut<T>,
}

impl<T: Data, K: Key> WindowCollect<T, K> {
    pub(crate) fn new(key: KeyFunction<T, K>, cut: Cut<T>) -> Self {
        WindowCollect { key, cut }
    }
}

impl<T: Data + Serialize + DeserializeOwned, K: Key> HeadFactory for WindowCollect<T, K> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let plain = self.cut.is_plain();
        match *self.cut.kind() {
            Kind::Tumbling { size, offset, domain: TimeDomain::Event } if plain => {
                let panes = ListPanes { state: context.store().windowed_list("panes")? };
                let outputs = Outputs::new(context, outputs);
                Ok(Box::new(TumblingHead::new(Grid::new(size, offset), self.key.clone(), panes, outputs)))
            }
            Kind::Sliding { size, slide, offset, domain: TimeDomain::Event } if plain && size != slide => {
                let panes = ListPanes { state: context.store().windowed_list("panes")? };
                let grid = Paired::new(whole_millis(size), whole_millis(slide), whole_millis(offset));
                Ok(Box::new(SlidingHead::new(context, grid, self.key.clone(), Arc::new(Gather), panes, outputs)?))
            }
            // Windows that merge must merge their contents, and those that fire again must keep them.
            _ => super::WindowOperator::new(self.key.clone(), self.cut.clone(), Gather).build(context, outputs),
        }
    }
}

/// All records as one accumulator.
struct Gather;

impl<T: Data + Serialize + DeserializeOwned> Aggregate<T> for Gather {
    type Accumulator = Vec<T>;
    type Output = Vec<T>;

    fn create(&self) -> Vec<T> {
        Vec::new()
    }

    fn add(&self, all: &mut Vec<T>, record: &T) {
        all.push(record.clone());
    }

    fn merge(&self, into: &mut Vec<T>, mut other: Vec<T>) {
        into.append(&mut other);
    }

    fn finish(&self, all: Vec<T>) -> Vec<T> {
        all
    }

    fn grows(&self) -> bool {
        true
    }
}
