//! What all keyed process functions have in common: records of a key, timers, and the way out.

use super::outputs::{Outputs, owned};
use super::states::Stamps;
use super::{Context, Failure, States, Timer, UnkeyedContext, operator_error};
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Error, Timing};
use crate::record::{Batch, Data, Key};
use crate::state::Keyed;

/// How many timers fire in one step.
const PIECE: usize = 4096;

/// Runs a keyed process function.
pub(super) struct Runner<K, O> {
    pub(super) timing: Timing<K>,
    pub(super) outputs: Outputs<O>,
    stamps: Stamps,
}

impl<K: Key, O: Data> Runner<K, O> {
    /// The runner, and the states that `open` asks for.
    pub(super) fn new<S>(
        context: &mut BuildContext,
        outputs: Vec<AnyStage>,
        open: impl FnOnce(&mut States<'_, K>) -> Result<S, Failure>,
    ) -> Result<(Self, S), Error> {
        let timing = Timing::new(context)?;
        let stamps = Stamps::default();
        let state = open(&mut States::new(context, stamps.clone())).map_err(operator_error)?;
        let runner = Runner { timing, outputs: Outputs::new(context, outputs), stamps };
        runner.advance_stamps();
        Ok((runner, state))
    }

    /// Both clocks stand still while an element is handled.
    fn advance_stamps(&self) {
        self.stamps.advance(self.outputs.clock.get(), self.outputs.now.get());
    }

    /// Calls the user's code for each record of a batch.
    pub(super) fn records<T: Data>(
        &mut self,
        batch: Batch,
        key: &KeyFunction<T, K>,
        code: impl Fn(T, &mut Context<'_, K, O>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        self.advance_stamps();
        let rows = owned::<T>(batch);
        for ((record, time), hash) in rows.records.into_iter().zip(rows.times).zip(rows.hashes) {
            self.outputs.site.record();
            let key = key(&record);
            let (timing, at) = (&self.timing, Keyed { key: &key, hash });
            self.outputs.call(time, |unkeyed| code(record, &mut Context { timing, at, unkeyed }))?;
        }
        self.outputs.batch_end();
        Ok(())
    }

    /// See `Head::resume`.
    pub(super) fn resume(
        &mut self,
        on_timer: impl Fn(Timer, &mut Context<'_, K, O>) -> Result<(), Failure>,
    ) -> Result<bool, Error> {
        self.advance_stamps();
        for _ in 0..PIECE {
            let Some(due) = self.timing.next()? else {
                self.outputs.batch_end();
                if let Some(watermark) = self.timing.told() {
                    self.outputs.watermark(watermark);
                }
                return Ok(true);
            };
            if !self.outputs.site.fires(&due.key, due.time) {
                continue;
            }
            let timer = Timer { domain: due.domain, time: due.time };
            let (timing, at) = (&self.timing, Keyed { key: &due.key, hash: due.hash });
            let call = |unkeyed: UnkeyedContext<'_, O>| on_timer(timer, &mut Context { timing, at, unkeyed });
            self.outputs.call_at(due.time, due.stamp, call)?;
            self.outputs.site.fired();
        }
        Ok(false)
    }
}
