//! Shows the records of a stream in the log.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase, only};
use crate::record::Data;
use crate::time::Timestamp;
use std::fmt::Debug;
use std::marker::PhantomData;

/// Logs each record as it passes.
pub(crate) struct Tap<T> {
    label: String,
    record: PhantomData<fn(T)>,
}

impl<T: Data + Debug> Tap<T> {
    pub(crate) fn new(label: String) -> Self {
        Tap { label, record: PhantomData }
    }
}

impl<T: Data + Debug> StageFactory for Tap<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let (label, operator, subtask) = (self.label.clone(), context.uid().to_owned(), context.subtask);
        let stage = TapStage { label, operator, subtask, site: context.site(), next: only::<T>(outputs) };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct TapStage<T> {
    label: String,
    operator: String,
    subtask: usize,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T: Debug> Stage<T> for TapStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let (operator, subtask, label) = (&self.operator, self.subtask, &self.label);
        let known = (time > Timestamp::MIN).then(|| tracing::field::display(time));
        tracing::info!(target: "millstream::tap", operator, subtask, label, time = known, record = ?record);
        self.site.out();
        self.next.push(record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}
