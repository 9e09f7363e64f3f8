//! Records go on or do not, or go one way or the other: `filter` and `split`.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase, only, typed};
use crate::record::Data;
use crate::time::Timestamp;
use std::sync::Arc;

type Predicate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// Keeps the records for which a predicate holds.
pub(crate) struct Filter<T> {
    predicate: Predicate<T>,
}

impl<T: Data> Filter<T> {
    pub(crate) fn new(predicate: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Filter { predicate: Arc::new(predicate) }
    }
}

impl<T: Data> StageFactory for Filter<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let stage = FilterStage { predicate: self.predicate.clone(), site: context.site(), next: only::<T>(outputs) };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::Filters
    }
}

struct FilterStage<T> {
    predicate: Predicate<T>,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T> Stage<T> for FilterStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        if (self.predicate)(&record) {
            self.site.out();
            self.next.push(record, time);
        } else {
            self.site.filtered();
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}

/// Sends the records for which a predicate holds out of port 0 and the others out of port 1.
pub(crate) struct SplitBy<T> {
    predicate: Predicate<T>,
}

impl<T: Data> SplitBy<T> {
    pub(crate) fn new(predicate: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        SplitBy { predicate: Arc::new(predicate) }
    }
}

impl<T: Data> StageFactory for SplitBy<T> {
    fn build(&self, context: &mut BuildContext, mut outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let no = typed::<T>(outputs.pop().expect("a split has two ports"));
        let stage = SplitStage { predicate: self.predicate.clone(), site: context.site(), yes: only::<T>(outputs), no };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct SplitStage<T> {
    predicate: Predicate<T>,
    site: Site,
    yes: Box<dyn Stage<T>>,
    no: Box<dyn Stage<T>>,
}

impl<T> Stage<T> for SplitStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let way = if (self.predicate)(&record) { &mut self.yes } else { &mut self.no };
        self.site.out();
        way.push(record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.yes.watermark(watermark);
        self.no.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.yes.batch_end();
        self.no.batch_end();
    }
}
