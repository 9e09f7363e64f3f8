//! Aggregates over all records of a key so far: `reduce` and `aggregate` on a keyed stream without windows.

use super::key_by::KeyFunction;
use super::{Aggregate, AnyStage, BuildContext, Error, Head, HeadFactory, Law, Site, Stage, only};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, ValueState};
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// Combines two records into one.
type CombineFunction<T> = Arc<dyn Fn(&T, &T) -> T + Send + Sync>;

/// Combines the records of each key.
pub(crate) struct RunningReduce<T, K> {
    key: KeyFunction<T, K>,
    combine: CombineFunction<T>,
}

impl<T: Data, K: Key> RunningReduce<T, K> {
    pub(crate) fn new(key: KeyFunction<T, K>, combine: impl Fn(&T, &T) -> T + Send + Sync + 'static) -> Self {
        RunningReduce { key, combine: Arc::new(combine) }
    }
}

impl<T: Data + Serialize + DeserializeOwned, K: Key> HeadFactory for RunningReduce<T, K> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let state = context.store().value("reduced")?;
        let (key, combine) = (self.key.clone(), self.combine.clone());
        Ok(Box::new(ReduceHead { key, combine, state, site: context.site(), next: only::<T>(outputs) }))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct ReduceHead<T, K> {
    key: KeyFunction<T, K>,
    combine: CombineFunction<T>,
    state: ValueState<K, Option<T>>,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T: Data + Serialize + DeserializeOwned, K: Key> Head for ReduceHead<T, K> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.site.record();
            let key = (self.key)(record);
            let at = Keyed { key: &key, hash: *hash };
            let combine = &self.combine;
            let reduced = self.state.update(
                at,
                || None,
                |so_far| {
                    let combined = match so_far {
                        Some(before) => combine(before, record),
                        None => record.clone(),
                    };
                    *so_far = Some(combined.clone());
                    combined
                },
            )?;
            self.site.out();
            self.next.push(reduced, *time);
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }
}

/// Aggregates the records of each key, and tells the value after each.
pub(crate) struct RunningAggregate<T, K, A> {
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
}

impl<T: Data, K: Key, A: Aggregate<T>> RunningAggregate<T, K, A> {
    pub(crate) fn new(key: KeyFunction<T, K>, aggregate: A) -> Self {
        RunningAggregate { key, aggregate: Arc::new(aggregate) }
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> HeadFactory for RunningAggregate<T, K, A> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let state = context.store().value("aggregated")?;
        let (key, aggregate) = (self.key.clone(), self.aggregate.clone());
        let next = only::<(K, A::Output)>(outputs);
        Ok(Box::new(RunningHead { key, aggregate, state, site: context.site(), next }))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct RunningHead<T, K, A: Aggregate<T>> {
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    state: ValueState<K, A::Accumulator>,
    site: Site,
    next: Box<dyn Stage<(K, A::Output)>>,
}

impl<T: Data, K: Key, A: Aggregate<T>> Head for RunningHead<T, K, A> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.site.record();
            let key = (self.key)(record);
            let aggregate = &*self.aggregate;
            let accumulator = self.state.update(
                Keyed { key: &key, hash: *hash },
                || aggregate.create(),
                |accumulator| {
                    aggregate.add(accumulator, record);
                    accumulator.clone()
                },
            )?;
            let value = aggregate.finish(accumulator);
            self.site.out();
            self.next.push((key, value), *time);
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }
}
