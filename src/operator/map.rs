//! One record in, one record out: `map` and `inspect`.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase, only};
use crate::record::Data;
use crate::time::Timestamp;
use std::sync::Arc;

/// Makes of each record another one.
pub(crate) struct Map<T, U> {
    function: Arc<dyn Fn(T) -> U + Send + Sync>,
}

impl<T: Data, U: Data> Map<T, U> {
    pub(crate) fn new(function: impl Fn(T) -> U + Send + Sync + 'static) -> Self {
        Map { function: Arc::new(function) }
    }
}

impl<T: Data, U: Data> StageFactory for Map<T, U> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let stage = MapStage { function: self.function.clone(), site: context.site(), next: only::<U>(outputs) };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct MapStage<T, U> {
    function: Arc<dyn Fn(T) -> U + Send + Sync>,
    site: Site,
    next: Box<dyn Stage<U>>,
}

impl<T, U> Stage<T> for MapStage<T, U> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let mapped = (self.function)(record);
        self.site.out();
        self.next.push(mapped, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}

/// Looks at each record and hands it on.
pub(crate) struct Inspect<T> {
    function: Arc<dyn Fn(&T) + Send + Sync>,
}

impl<T: Data> Inspect<T> {
    pub(crate) fn new(function: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Inspect { function: Arc::new(function) }
    }
}

impl<T: Data> StageFactory for Inspect<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let function = self.function.clone();
        let look = move |record: T| {
            function(&record);
            record
        };
        let stage = MapStage { function: Arc::new(look), site: context.site(), next: only::<T>(outputs) };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}
