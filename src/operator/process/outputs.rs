//! The ways out of a process function, and its clocks.

use super::side::{Side, SideStage};
use super::{Failure, Tag, UnkeyedContext, operator_error};
use crate::operator::{AnyStage, Aside, BuildContext, Error, Site, Stage, typed};
use crate::record::{Batch, Data, Rows};
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// The main output and the side outputs that are read.
pub(super) struct Outputs<O> {
    pub(super) site: Site,
    pub(super) clock: Rc<Cell<Timestamp>>,
    pub(super) now: Rc<Cell<Timestamp>>,
    pub(super) aside: Aside,
    main: Box<dyn Stage<O>>,
    sides: Vec<(Side, Box<dyn SideStage>)>,
    /// A side output was written with another type than it is read with.
    mistaken: Option<Error>,
}

impl<O: Data> Outputs<O> {
    /// * `outputs`: the main one, and one for each of the context's sides.
    pub(super) fn new(context: &BuildContext, outputs: Vec<AnyStage>) -> Self {
        let mut outputs = outputs.into_iter();
        let main = typed(outputs.next().expect("a process function has a main output"));
        let sides = context.sides.iter().copied().zip(outputs).map(|(side, stage)| (side, side.open(stage)));
        Outputs {
            site: context.site(),
            clock: context.clock.clone(),
            now: context.now.clone(),
            aside: Aside::new(context, context.policy),
            main,
            sides: sides.collect(),
            mistaken: None,
        }
    }

    pub(super) fn emit(&mut self, record: O, time: Timestamp) {
        self.site.out();
        self.main.push(record, time);
        // The operators behind have run, and the user's code goes on.
        self.site.enter();
    }

    pub(super) fn side<T: Data>(&mut self, tag: &Tag<T>, record: T, time: Timestamp) {
        let Some((side, output)) = self.sides.iter_mut().find(|(side, _)| side.name == tag.name()) else { return };
        match output.stage().downcast_mut::<Box<dyn Stage<T>>>() {
            Some(stage) => {
                self.site.out();
                stage.push(record, time);
                self.site.enter();
            }
            None => {
                let (read, written) = (side.type_name, std::any::type_name::<T>());
                self.mistaken = Some(Error::SideType { tag: tag.name(), written, read });
            }
        }
    }

    /// Calls the user's code for something that happens at `time`.
    pub(super) fn call(
        &mut self,
        time: Timestamp,
        code: impl FnOnce(UnkeyedContext<'_, O>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let now = self.now.get();
        self.call_at(time, now, code)
    }

    /// Calls the user's code, with what counts as processing time meanwhile.
    pub(super) fn call_at(
        &mut self,
        time: Timestamp,
        now: Timestamp,
        code: impl FnOnce(UnkeyedContext<'_, O>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        code(UnkeyedContext { outputs: self, time, now }).map_err(operator_error)?;
        self.mistaken.take().map_or(Ok(()), Err)
    }

    /// Calls the user's code for each record of a batch that is not keyed.
    pub(super) fn records<T: Data>(
        &mut self,
        batch: Batch,
        code: impl Fn(T, &mut UnkeyedContext<'_, O>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let rows = owned::<T>(batch);
        for (record, time) in rows.records.into_iter().zip(rows.times) {
            self.site.record();
            self.call(time, |mut ctx| code(record, &mut ctx))?;
        }
        self.batch_end();
        Ok(())
    }

    pub(super) fn batch_end(&mut self) {
        self.main.batch_end();
        self.sides.iter_mut().for_each(|(_, side)| side.batch_end());
    }

    pub(super) fn watermark(&mut self, watermark: Timestamp) {
        self.main.watermark(watermark);
        self.sides.iter_mut().for_each(|(_, side)| side.watermark(watermark));
    }
}

/// The rows of a batch; copied only if somebody else has them too.
pub(super) fn owned<T: Data>(batch: Batch) -> Rows<T> {
    Arc::try_unwrap(batch.rows::<T>()).unwrap_or_else(|shared| (*shared).clone())
}
