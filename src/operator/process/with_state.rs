//! The short form of a process function: a closure and one value of state per key.

use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Error, Head, HeadFactory, Site, Stage, only};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, StateValue, ValueState};
use crate::time::Timestamp;
use std::sync::Arc;

/// Makes records of a record and its key, and may change the key's state.
pub(crate) type StateFunction<K, T, S, I> = Arc<dyn Fn(&mut S, &K, T) -> I + Send + Sync>;

/// Makes of each record any number of others, with a value of state per key.
pub(crate) struct FlatMapWithState<K, T, S, I> {
    key: KeyFunction<T, K>,
    create: Arc<dyn Fn() -> S + Send + Sync>,
    function: StateFunction<K, T, S, I>,
}

impl<K, T, S, I> FlatMapWithState<K, T, S, I> {
    pub(crate) fn new(
        key: KeyFunction<T, K>,
        create: impl Fn() -> S + Send + Sync + 'static,
        function: StateFunction<K, T, S, I>,
    ) -> Self {
        FlatMapWithState { key, create: Arc::new(create), function }
    }
}

impl<K, T, S, I> HeadFactory for FlatMapWithState<K, T, S, I>
where
    K: Key,
    T: Data,
    S: StateValue,
    I: IntoIterator<Item: Data> + 'static,
{
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        Ok(Box::new(FlatMapHead {
            key: self.key.clone(),
            create: self.create.clone(),
            function: self.function.clone(),
            state: context.store().value("state")?,
            site: context.site(),
            next: only::<I::Item>(outputs),
        }))
    }
}

struct FlatMapHead<K, T, S, I: IntoIterator> {
    key: KeyFunction<T, K>,
    create: Arc<dyn Fn() -> S + Send + Sync>,
    function: StateFunction<K, T, S, I>,
    state: ValueState<K, S>,
    site: Site,
    next: Box<dyn Stage<I::Item>>,
}

impl<K, T, S, I> Head for FlatMapHead<K, T, S, I>
where
    K: Key,
    T: Data,
    S: StateValue,
    I: IntoIterator<Item: Data> + 'static,
{
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = super::outputs::owned::<T>(batch);
        for ((record, time), hash) in rows.records.into_iter().zip(rows.times).zip(rows.hashes) {
            self.site.record();
            let key = (self.key)(&record);
            let change = |state: &mut S| (self.function)(state, &key, record);
            let made = self.state.update(Keyed { key: &key, hash }, || (self.create)(), change)?;
            // What an iterator does when it is asked for the next record is the user's code too.
            for record in made {
                self.site.out();
                self.next.push(record, time);
                self.site.enter();
            }
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }
}
