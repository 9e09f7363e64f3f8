//! One record in, one out of either port: `try_map`, for parsing what may be malformed.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase, only, typed};
use crate::record::Data;
use crate::time::Timestamp;
use std::sync::Arc;

/// Sends what a function makes of a record out of port 0, and what it gives as an error out of port 1.
pub(crate) struct TryMap<T, U, E> {
    function: Arc<dyn Fn(T) -> Result<U, E> + Send + Sync>,
}

impl<T: Data, U: Data, E: Data> TryMap<T, U, E> {
    pub(crate) fn new(function: impl Fn(T) -> Result<U, E> + Send + Sync + 'static) -> Self {
        TryMap { function: Arc::new(function) }
    }
}

impl<T: Data, U: Data, E: Data> StageFactory for TryMap<T, U, E> {
    fn build(&self, context: &mut BuildContext, mut outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let refused = typed::<E>(outputs.pop().expect("a try_map has two ports"));
        let function = self.function.clone();
        let stage = TryMapStage { function, site: context.site(), made: only::<U>(outputs), refused };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct TryMapStage<T, U, E> {
    function: Arc<dyn Fn(T) -> Result<U, E> + Send + Sync>,
    site: Site,
    made: Box<dyn Stage<U>>,
    refused: Box<dyn Stage<E>>,
}

impl<T, U, E> Stage<T> for TryMapStage<T, U, E> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        match (self.function)(record) {
            Ok(made) => {
                self.site.out();
                self.made.push(made, time);
            }
            Err(refused) => {
                self.site.out();
                self.refused.push(refused, time);
            }
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.made.watermark(watermark);
        self.refused.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.made.batch_end();
        self.refused.batch_end();
    }
}
