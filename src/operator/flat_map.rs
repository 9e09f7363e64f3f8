//! One record in, any number out: `flat_map`.

use super::{AnyStage, BuildContext, Error, Site, Stage, StageFactory, erase, only};
use crate::record::Data;
use crate::time::Timestamp;
use std::sync::Arc;

/// Makes of each record any number of others.
pub(crate) struct FlatMap<T, I> {
    function: Arc<dyn Fn(T) -> I + Send + Sync>,
}

impl<T: Data, I: IntoIterator + 'static> FlatMap<T, I> {
    pub(crate) fn new(function: impl Fn(T) -> I + Send + Sync + 'static) -> Self {
        FlatMap { function: Arc::new(function) }
    }
}

impl<T: Data, I: IntoIterator<Item: Data> + 'static> StageFactory for FlatMap<T, I> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let next = only::<I::Item>(outputs);
        Ok(erase::<T>(Box::new(FlatMapStage { function: self.function.clone(), site: context.site(), next })))
    }
}

struct FlatMapStage<T, I: IntoIterator> {
    function: Arc<dyn Fn(T) -> I + Send + Sync>,
    site: Site,
    next: Box<dyn Stage<I::Item>>,
}

impl<T, I: IntoIterator> Stage<T> for FlatMapStage<T, I> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        // What an iterator does when it is asked for the next record is the user's code too.
        for record in (self.function)(record) {
            self.site.out();
            self.next.push(record, time);
            self.site.enter();
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}
